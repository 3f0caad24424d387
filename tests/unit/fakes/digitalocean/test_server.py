# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traps of DigitalOcean's registry API: both families of paths, pages, deletes, refusals, rate limit."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

import pytest
import requests
from fakes.digitalocean import DigitalOcean
from fakes.digitalocean.errors import AUTOMATED, NO_DELETES, REFERENCED
from fakes.digitalocean.routes import CURRENT, LEGACY
from fakes.mount import mounted
from fakes.serve import serving
from werkzeug.test import Client

FAMILIES = (CURRENT, LEGACY)


def digest(name):
    return "sha256:" + name.encode().hex().rjust(64, "0")


def image(name, *layers, age=100, **more):
    blobs = [{"digest": digest(layer), "size": 1000} for layer in layers]
    return {"digest": digest(name), "age_seconds": age, "size": 10, "blobs": blobs, **more}


def index(name, *children, **more):
    return image(name, children=[digest(child) for child in children], **more)


def tag(name, target):
    return {"name": name, "digest": digest(target), "age_seconds": 50}


def repository(name="team/app"):
    """One plain image, one for two platforms, one image and one index without a tag."""
    manifests = [
        image("plain", "base", "plain-layer", age=400),
        image("amd64", "base", "amd64-layer", age=300),
        image("arm64", "arm64-layer", age=300),
        index("multi", "amd64", "arm64", age=200),
        image("old", "base", "old-layer", age=900),
        image("old-child", "old-child-layer", age=800),
        index("old-multi", "old-child", age=800),
    ]
    return {
        "name": name,
        "manifests": manifests,
        "tags": [tag("v1", "plain"), tag("v2", "multi"), tag("latest", "multi")],
    }


def state(**more):
    example = {"name": "example", "repositories": [repository(), {"name": "empty"}], **more}
    example["blobs"] = [{"digest": digest("orphan"), "size": 5000}]
    tokens = [
        {"as": "admin", "token": "dop_v1_made-up-admin"},
        {"as": "reader", "token": "dop_v1_made-up-reader", "scopes": ["registry:read"]},
    ]
    return {"tokens": tokens, "registries": [example]}


class Server:
    """The fake with short words for requests."""

    def __init__(self, given=None):
        self.fake = DigitalOcean(given or state())
        self.client = Client(self.fake)

    def send(self, method, path, body=None, who="admin", **more):
        headers = {"Authorization": f"Bearer dop_v1_made-up-{who}"} if who else {}
        return self.client.open(f"/v2/{path}", method=method, headers=headers, json=body, **more)

    def get(self, path, **more):
        answer = self.send("GET", path, **more)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.json

    def refused(self, method, path, body=None, **more):
        answer = self.send(method, path, body, **more)
        assert set(answer.json) == {"id", "message", "request_id"}
        assert answer.json["request_id"] == answer.headers["x-request-id"]
        return answer.status_code, answer.json["message"]


@pytest.fixture
def server():
    return Server()


@pytest.fixture(params=FAMILIES)
def base(request):
    return f"{request.param}/example"


REPOSITORY = "/repositories/team%2Fapp"


class TestTransport:
    def test_only_a_bearer_token_counts(self, server):
        for value in ("", "dop_v1_made-up-admin", "Basic dop_v1_made-up-admin", "Bearer ", "Bearer x"):
            answer = server.client.get("/v2/registries", headers={"Authorization": value})
            assert (answer.status_code, answer.json["message"]) == (401, "Unable to authenticate you.")
        assert server.client.get("/v2/registries", headers={"Authorization": "bearer dop_v1_made-up-admin"}).json

    def test_scopes(self, server, base):
        run = f"{base}/garbage-collection"
        assert server.refused("POST", run, who="reader")[0] == 403
        assert server.refused("DELETE", f"{base}{REPOSITORY}/tags/v1", who="reader")[0] == 403
        assert server.refused("GET", run, who="reader")[0] == 404
        server.fake.token("reader", ["registry:update"])
        assert server.send("POST", run, who="reader").status_code == 201
        assert server.refused("GET", run, who="reader")[0] == 403

    def test_credentials_need_two_scopes(self, server):
        for scopes, status in ((["registry:read"], 403), (["registry:read", "registry:update"], 200)):
            server.fake.token("reader", scopes)
            answer = server.send("GET", "registries/example/docker-credentials", who="reader")
            assert answer.status_code == status

    def test_unknown_paths_and_methods(self, server):
        for path in ("registries/example/nosuch", "registry/example", "account", "registries/example/repositories"):
            assert server.refused("GET", path)[0] == 404
        assert server.refused("DELETE", "registry/example/repositories/app")[0] == 404
        answer = server.send("GET", "registries/example/garbage-collection/" + "0" * 36)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "PUT")

    def test_request_id_only_in_the_header(self, server):
        server.fake.switches["request_id_in_body"] = False
        answer = server.send("GET", "registries/other")
        assert set(answer.json) == {"id", "message"} and answer.headers["x-request-id"]

    def test_date_is_the_fakes_time(self, server):
        server.fake.advance(10 * 86400)
        date = parsedate_to_datetime(server.send("GET", "registries").headers["Date"]).timestamp()
        assert abs(date - server.fake.now()) < 2
        server.fake.switches["send_date"] = False
        assert "Date" not in server.send("GET", "registries").headers

    def test_one_date_on_the_loopback_interface(self, server):
        with serving(server.fake) as url:
            answer = requests.get(f"{url}/v2/registries", headers={"Authorization": "Bearer dop_v1_made-up-admin"})
        assert parsedate_to_datetime(answer.headers["Date"])

    def test_faults_have_the_headers_too(self, server):
        server.fake.fail(429, headers={"retry-after": 7})
        answer = server.send("GET", "registries")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json == {"id": "too_many_requests", "message": "API rate limit exceeded."}
        assert answer.headers["ratelimit-limit"] == "5000" and answer.headers["Date"]

    def test_encoded_names_are_not_split(self, server, base):
        for name in ("team%2Fapp", "team%2fapp"):
            assert server.get(f"{base}/repositories/{name}/tags")["meta"] == {"total": 3}
        assert server.refused("GET", f"{base}/repositories/team/app/tags")[0] == 404
        for colon in (":", "%3A"):
            target = digest("old").replace(":", colon)
            assert server.send("DELETE", f"{base}{REPOSITORY}/digests/{target}").status_code == 204
            server.fake = DigitalOcean(state())
            server.client = Client(server.fake)

    def test_encoded_names_through_both_mounts(self, server):
        headers = {"Authorization": "Bearer dop_v1_made-up-admin"}
        path = f"/v2/registries/example{REPOSITORY}/tags"
        with mounted(server.fake, "https://do.test"), serving(server.fake) as url:
            assert requests.get(f"https://do.test{path}", headers=headers).json()["meta"]["total"] == 3
        with serving(server.fake) as url:
            assert requests.get(url + path, headers=headers).json()["meta"]["total"] == 3


class TestRateLimit:
    def test_counts_per_token_in_a_sliding_hour(self, server):
        first = server.send("GET", "registries")
        assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("5000", "4999")
        reset = int(first.headers["ratelimit-reset"])
        assert 0 <= reset - server.fake.now() - 3600 <= 1
        server.fake.advance(1800)
        assert server.send("GET", "registries").headers["ratelimit-reset"] == str(reset)
        assert server.send("GET", "registries", who="reader").headers["ratelimit-remaining"] == "4999"
        server.fake.advance(1801)
        assert server.send("GET", "registries").headers["ratelimit-remaining"] == "4998"

    def test_minute_burst(self, server):
        assert {server.send("GET", "registries").status_code for _number in range(250)} == {200}
        answer = server.send("POST", "registries/example/garbage-collection")
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (429, "0")
        assert 55 <= int(answer.headers["retry-after"]) <= 60
        assert server.fake.runs("example") == []
        server.fake.advance(int(answer.headers["retry-after"]))
        assert server.send("GET", "registries").status_code == 200

    def test_hour(self, server):
        server.fake.switches["rate_hour"] = 3
        statuses = []
        for _number in range(5):
            answer = server.send("GET", "registries")
            statuses.append(answer.status_code)
            server.fake.advance(100)
        assert statuses == [200, 200, 200, 429, 429]
        assert (answer.headers["ratelimit-remaining"], answer.headers.get("retry-after")) == ("0", None)
        server.fake.advance(3200)
        assert server.send("GET", "registries").status_code == 200

    def test_none(self, server):
        server.fake.switches["rate_minute"] = server.fake.switches["rate_hour"] = 0
        assert {server.send("GET", "registries").status_code for _number in range(300)} == {200}


class TestRegistries:
    def test_what_each_view_holds(self, server):
        plain = {"name", "created_at", "region", "storage_usage_bytes", "storage_usage_bytes_updated_at", "read_only"}
        assert set(server.get("registries/example")["registry"]) == plain
        assert set(server.get("registry")["registry"]) == plain | {"subscription"}
        listed = server.get("registries")
        assert set(listed["registries"][0]) == plain | {"subscription"}
        assert listed["total_storage_usage_bytes"] == listed["registries"][0]["storage_usage_bytes"]
        server.fake.switches["storage_time_field"] = "storage_usage_updated_at"
        server.fake.switches["send_read_only"] = False
        assert set(server.get("registries/example")["registry"]) ^ plain == {
            "storage_usage_updated_at",
            "storage_usage_bytes_updated_at",
            "read_only",
        }

    def test_times_have_different_precisions(self, server):
        seen = server.get("registries/example")["registry"]
        assert (len(seen["created_at"]), len(seen["storage_usage_bytes_updated_at"])) == (20, 30)

    def test_several_registries_and_the_paths_without_a_name(self):
        server = Server({**state(), "registries": [{"name": "one"}, {"name": "two"}]})
        for method, path in (("GET", "registry"), ("DELETE", "registry"), ("GET", "registry/docker-credentials")):
            status, message = server.refused(method, path)
            assert status == 412 and "/v2/registries/{registry_name}" in message
        assert server.get("registry/two/repositoriesV2")["repositories"] == []
        assert server.refused("POST", "registry/subscription", {"tier_slug": "basic"})[0] == 412
        assert server.send("DELETE", "registries/one").status_code == 204
        assert server.get("registry")["registry"]["name"] == "two"
        assert server.send("DELETE", "registry").status_code == 204
        assert server.refused("GET", "registry")[0] == 404
        assert server.get("registries")["registries"] == []

    def test_create(self, server):
        answer = server.send("POST", "registries", {"name": "second"})
        assert (answer.status_code, answer.json["registry"]["storage_usage_bytes"]) == (201, 0)
        assert server.refused("POST", "registries", {"name": "second"})[0] == 409
        assert server.refused("POST", "registries", {"name": "No_good"})[0] == 422
        for number in range(8):
            server.send("POST", "registries", {"name": f"more-{number}"})
        assert server.refused("POST", "registries", {"name": "eleventh"})[0] == 412
        assert server.refused("POST", "registries/validate-name", {"name": "second"})[0] == 409

    def test_deleting_during_a_run_works(self, server):
        server.send("POST", "registries/example/garbage-collection")
        assert server.send("DELETE", "registries/example").status_code == 204
        assert server.refused("GET", "registries/example/garbage-collection")[0] == 404

    def test_storage_is_counted_later(self, server):
        before = server.get("registries/example")["registry"]["storage_usage_bytes"]
        server.fake.start_run("example")
        server.fake.finish_run("example")
        assert server.get("registries/example")["registry"]["storage_usage_bytes"] == before
        server.fake.advance(301)
        assert server.get("registries/example")["registry"]["storage_usage_bytes"] == before - 5000


class TestPages:
    def test_repositories_without_links_on_one_page(self, server, base):
        answer = server.get(f"{base}/repositoriesV2")
        assert [item["name"] for item in answer["repositories"]] == ["empty", "team/app"]
        assert answer["meta"] == {"total": 2} and "links" not in answer
        empty, full = answer["repositories"]
        assert "latest_manifest" not in empty and full["latest_manifest"]["digest"] == digest("multi")
        assert (full["tag_count"], full["manifest_count"]) == (3, 7)
        server.fake.switches.update(empty_latest_manifest="null", empty_links=True)
        answer = server.get(f"{base}/repositoriesV2")
        assert answer["repositories"][0]["latest_manifest"] is None and answer["links"] == {}

    def test_links(self, server, base):
        url = f"http://localhost/v2/{base}{REPOSITORY}/digests"
        pages = {
            number: server.get(f"{base}{REPOSITORY}/digests?per_page=3&page={number}")["links"]["pages"]
            for number in (1, 2, 3)
        }
        assert pages[1] == {"next": f"{url}?page=2&per_page=3", "last": f"{url}?page=3&per_page=3"}
        assert list(pages[2]) == ["first", "prev", "next", "last"]
        assert pages[3] == {"first": f"{url}?page=1&per_page=3", "prev": f"{url}?page=2&per_page=3"}
        server.fake.switches["link_base"] = "https://api.digitalocean.com"
        answer = server.get(f"{base}{REPOSITORY}/digests?per_page=3")
        assert answer["links"]["pages"]["next"].startswith(f"https://api.digitalocean.com/v2/{base}{REPOSITORY}/")

    def test_page_token_wins_over_page(self, server, base):
        pages = server.get(f"{base}/repositoriesV2?per_page=1")["links"]["pages"]
        assert "page_token=" in pages["next"] and "page_token=" not in pages["last"]
        path = pages["next"].replace("page=2&", "page=1&").partition("/v2/")[2]
        assert [item["name"] for item in server.get(path)["repositories"]] == ["team/app"]
        assert server.refused("GET", f"{base}/repositoriesV2?page_token=!")[0] == 400

    def test_sizes(self, base):
        server = Server({**state(), "registries": [{"name": "example", "repositories": [many()]}]})
        assert len(server.get(f"{base}/repositories/many/tags")["tags"]) == 20
        assert len(server.get(f"{base}/repositories/many/tags?per_page=500")["tags"]) == 200
        assert server.get(f"{base}/repositories/many/tags?page=9")["meta"] == {"total": 230}
        last = server.get(f"{base}/repositories/many/tags?page=99")
        assert (last["tags"], list(last["links"]["pages"])) == ([], ["first", "prev"])
        for query in ("page=0", "page=x", "per_page=0", "per_page=-1"):
            assert server.refused("GET", f"{base}/repositories/many/tags?{query}")[0] == 400

    def test_v1_list_is_only_in_the_old_family(self, server):
        found = server.get("registry/example/repositories")["repositories"]
        assert ["latest_tag" in item for item in found] == [False, True]
        assert server.refused("GET", "registries/example/repositories")[0] == 404


def many():
    manifests = [image(f"m{number}", age=number) for number in range(230)]
    return {"name": "many", "manifests": manifests, "tags": [tag(f"t{number}", f"m{number}") for number in range(230)]}


class TestManifests:
    def test_blobs_hold_the_own_digest_and_those_of_children(self, server, base):
        found = {item["digest"]: item for item in server.get(f"{base}{REPOSITORY}/digests")["manifests"]}
        assert len(found) == 7
        multi = [blob["digest"] for blob in found[digest("multi")]["blobs"]]
        assert multi == [digest("amd64"), digest("arm64"), digest("multi")]
        assert found[digest("multi")]["tags"] == ["latest", "v2"]
        assert found[digest("amd64")]["tags"] == found[digest("old")]["tags"] == []
        assert found[digest("multi")]["compressed_size_bytes"] == 30
        assert found[digest("amd64")]["compressed_size_bytes"] == 2010
        times = [item["updated_at"] for item in found.values()]
        assert times == sorted(times, reverse=True)

    def test_deleting_a_tag_leaves_the_manifest(self, server, base):
        assert server.send("DELETE", f"{base}{REPOSITORY}/tags/v1").status_code == 204
        assert server.refused("DELETE", f"{base}{REPOSITORY}/tags/v1")[0] == 404
        assert digest("plain") in [item["digest"] for item in server.fake.manifests("example")]
        assert digest("plain") in server.fake.untagged("example")

    def test_deleting_a_manifest_deletes_its_tags_and_leaves_its_blobs(self, server, base):
        before = server.fake.blobs("example")
        path = f"{base}{REPOSITORY}/digests/"
        assert server.refused("DELETE", path + digest("amd64")) == (412, REFERENCED)
        assert server.refused("DELETE", path + digest("old-child")) == (412, REFERENCED)
        assert server.send("DELETE", path + digest("multi")).status_code == 204
        assert server.send("DELETE", path + digest("amd64")).status_code == 204
        assert server.refused("DELETE", path + digest("amd64"))[0] == 404
        assert [item["tag"] for item in server.get(f"{base}{REPOSITORY}/tags")["tags"]] == ["v1"]
        assert server.fake.blobs("example") == before

    def test_no_deletes_during_a_run(self, server, base):
        server.fake.start_run("example")
        paths = [f"{base}{REPOSITORY}/digests/{digest('old')}", f"{base}{REPOSITORY}/tags/v1"]
        for path in [*paths, f"registries/example{REPOSITORY}"]:
            assert server.refused("DELETE", path) == (412, NO_DELETES)
        assert server.refused("DELETE", f"{base}{REPOSITORY}/tags/nosuch")[0] == 404
        server.fake.switches["deletes_refused_during_run"] = "manifests"
        assert [server.send("DELETE", path).status_code for path in paths] == [412, 204]

    def test_deleting_a_repository(self, server):
        assert server.send("DELETE", f"registries/example{REPOSITORY}").status_code == 204
        assert server.refused("GET", f"registries/example{REPOSITORY}/tags")[0] == 404
        assert digest("base") in server.fake.blobs("example")


class TestStart:
    @pytest.mark.parametrize("body", [b"", b"null", b"{}", b"{}\n", b'{"type":"unreferenced blobs only"}\n'])
    def test_bodies(self, server, base, body):
        headers = {"Authorization": "Bearer dop_v1_made-up-admin"}
        answer = server.client.post(f"/v2/{base}/garbage-collection", data=body, headers=headers)
        run = answer.json["garbage_collection"]
        assert (answer.status_code, run["type"], run["status"]) == (201, "unreferenced blobs only", "requested")
        assert run["registry_name"] == "example"

    @pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"type": 1}', b'{"type": false}'])
    def test_bad_bodies(self, server, base, body):
        headers = {"Authorization": "Bearer dop_v1_made-up-admin"}
        answer = server.client.post(f"/v2/{base}/garbage-collection", data=body, headers=headers)
        assert (answer.status_code, answer.json["id"]) == (400, "bad_request")
        assert server.fake.runs("example") == []

    def test_types(self, base):
        for kind in ("untagged manifests only", "untagged manifests and unreferenced blobs"):
            server = Server()
            server.send("POST", f"{base}/garbage-collection", {"type": kind})
            assert server.fake.runs("example")[0]["type"] == kind
        assert Server().refused("POST", f"{base}/garbage-collection", {"type": "all"})[0] == 422

    def test_the_current_family_may_ignore_the_type(self, server):
        server.fake.switches["current_family_obeys_type"] = False
        answer = server.send("POST", "registries/example/garbage-collection", {"type": "untagged manifests only"})
        assert answer.json["garbage_collection"]["type"] == "unreferenced blobs only"

    def test_already_running(self, server, base):
        server.fake.start_run("example")
        status, message = server.refused("POST", f"{base}/garbage-collection")
        assert status == 409 and "only one active garbage collection" in message
        server.fake.switches.update(conflict_status=412, conflict_message="busy")
        assert server.refused("POST", f"{base}/garbage-collection") == (412, "busy")
        server.fake.switches["conflict_status"] = 422
        assert server.send("POST", f"{base}/garbage-collection").json["id"] == "unprocessable_entity"
        assert len(server.fake.runs("example")) == 1

    def test_automated(self, base):
        server = Server(state(automated_gc=True))
        assert server.refused("POST", f"{base}/garbage-collection") == (412, AUTOMATED)
        server = Server()
        server.fake.switches["automated_gc"] = True
        assert server.refused("POST", f"{base}/garbage-collection") == (412, AUTOMATED)
        assert server.refused("GET", f"{base}/garbage-collection")[0] == 404

    def test_two_at_once_give_one_run(self, server):
        from concurrent.futures import ThreadPoolExecutor

        headers = {"Authorization": "Bearer dop_v1_made-up-admin"}
        with serving(server.fake) as url, ThreadPoolExecutor(12) as pool:
            paths = [f"{url}/v2/{family}/example/garbage-collection" for family in FAMILIES * 12]
            statuses = list(pool.map(lambda path: requests.post(path, headers=headers).status_code, paths))
        assert sorted(statuses) == [201] + [409] * 23
        assert len(server.fake.runs("example")) == 1

    def test_server_error_before_and_after_the_run_is_there(self, server, base):
        for after, count in ((False, 0), (True, 1)):
            server.fake.fail(500, method="POST", after=after)
            assert server.send("POST", f"{base}/garbage-collection").status_code == 500
            assert len(server.fake.runs("example")) == count


class TestDemo:
    def test_estate(self):
        fake = DigitalOcean()
        names = list(fake.registries)
        assert len(names) == 3 and all(names[0] in name for name in names)
        assert sum(len(registry["repositories"]) for registry in fake.registries.values()) == 41
        for name in names:
            assert fake.untagged(name) and fake.runs(name)
        found = fake.manifests(names[0])
        tagged_indexes = [item for item in found if item["children"] and item["tags"]]
        assert tagged_indexes and len(fake.registries[names[0]]["repositories"]) > 20
        assert len(fake.runs(names[0])) > 20
        assert {run["status"] for run in fake.runs(names[0])} == {"succeeded", "failed", "cancelled"}
        assert max(sum(item["repository"] == other["repository"] for item in found) for other in found) > 100

    def test_the_same_every_time_and_not_shared(self):
        one, two = DigitalOcean(), DigitalOcean()
        one.start_run("acme")
        one.finish_run("acme")
        assert [run["uuid"] for run in two.runs("acme")] == [run["uuid"] for run in DigitalOcean().runs("acme")]
        assert one.blobs("acme") != two.blobs("acme")

    def test_state_goes_round(self):
        fake = DigitalOcean()
        fake.switches["stuck_in"] = "deleting unreferenced blobs"
        fake.start_run("acme", "untagged manifests and unreferenced blobs", status="deleting unreferenced blobs")
        again = DigitalOcean(json.loads(json.dumps(fake.state())))
        again.switches["stuck_in"] = "deleting unreferenced blobs"
        for name in fake.registries:
            assert again.manifests(name) == fake.manifests(name)
            assert again.blobs(name) == fake.blobs(name)
            assert [run["uuid"] for run in again.runs(name)] == [run["uuid"] for run in fake.runs(name)]
        assert again.finish_run("acme")["blobs_deleted"] == fake.finish_run("acme")["blobs_deleted"] > 0
        assert rounded(DigitalOcean(again.state()).state()) == rounded(again.state())


def rounded(value):
    if isinstance(value, float):
        return round(value, -1)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def test_a_tag_without_a_manifest_is_no_state():
    with pytest.raises(ValueError, match="points to no manifest"):
        DigitalOcean({"registries": [{"name": "x", "repositories": [{"name": "y", "tags": [tag("v1", "gone")]}]}]})


def test_a_control_endpoint_moves_runs(server):
    server.fake.start_run("example")
    moved = [server.client.post("/_fake/tick", json={"force": True}).json for _number in range(5)]
    assert [step[0]["status"] for step in moved[:4]] == [
        "waiting for write JWTs to expire",
        "scanning manifests",
        "deleting unreferenced blobs",
        "succeeded",
    ]
    assert moved[4] == []
    assert "dop_v1_made-up-admin" in server.client.get("/_fake/state").get_data(as_text=True)
