# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traps of Quay's API that the recordings do not cover."""

from __future__ import annotations

import json

import pytest
from fakes.quay import Quay
from werkzeug.test import Client

FULL = ["org:admin", "repo:admin", "repo:create", "repo:read", "repo:write", "user:admin", "user:read", "super:user"]
ORG, REPO, USER = (
    "/organization/acme/autoprunepolicy/",
    "/repository/acme/app/autoprunepolicy/",
    "/user/autoprunepolicy/",
)
SCOPES = {"organization": (ORG, "acme"), "repository": (REPO, "acme/app"), "user": (USER, "alice")}
NOBODY = "00000000-1111-4222-8333-444444444444"
TEN = {"method": "number_of_tags", "value": 10}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"


def user(name, scopes=None, **more):
    return {"name": name, "tokens": [{"as": name, "token": f"made-up-{name}", "scopes": scopes or FULL}], **more}


def tag(name, age=100, **more):
    return {"name": name, "digest": "sha256:" + f"{name:0>64}".replace("-", "f"), "age_seconds": age, "size": 7, **more}


def state(**more):
    acme = [
        {"name": "app", "tags": [tag("v1"), tag("v2", 50), tag("a_b", 10), tag("pinned", 5, immutable=True)]},
        {"name": "open", "visibility": "public"},
        {"name": "granted", "permissions": [{"user": "carol", "role": "write"}]},
        {"name": "mirrored", "state": "MIRROR", "tags": [tag("v1")]},
        {"name": "Odd name"},
    ]
    return {
        "features": {"AUTO_PRUNE": True},
        "users": [
            user("alice"),
            user("bob"),
            user("carol"),
            user("reader", ["user:read"]),
            user("lister", ["user:admin"]),
            user("root", superuser=True),
            user("auditor", global_readonly_superuser=True),
        ],
        "organizations": [
            {"name": "acme", "admins": ["alice", "lister"], "members": ["bob", "carol"], "repositories": acme},
            {"name": "other", "admins": ["bob"], "repositories": [{"name": "app"}, {"name": "elsewhere"}]},
        ],
        **more,
    }


class Server:
    """The fake with short words for requests."""

    def __init__(self, given=None):
        self.fake = Quay(given or state())
        self.client = Client(self.fake)

    def send(self, method, path, body=None, who="alice", headers=None, api="/api/v1"):
        headers = dict(headers or {})
        if who:
            headers.setdefault("Authorization", f"Bearer made-up-{who}")
        return self.client.open(api + path, method=method, headers=headers, **({} if body is None else {"json": body}))

    def status(self, method, path, body=None, who="alice", **more):
        return self.send(method, path, body, who, **more).status_code

    def post(self, path, body, **more):
        answer = self.send("POST", path, body, **more)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.json["uuid"]


@pytest.fixture
def quay():
    return Server()


@pytest.mark.parametrize("scope", SCOPES)
class TestEachScope:
    def test_a_huge_age_is_a_server_error_on_post_and_put(self, quay, scope):
        path, _name = SCOPES[scope]
        huge = {"method": "creation_date", "value": "99999999999d"}
        for method, where in (("POST", path), ("PUT", path + quay.post(path, TEN))):
            answer = quay.send(method, where, huge)
            assert answer.status_code == 500
            assert answer.headers["Content-Type"] == "text/html"
            assert "Internal Server Error" in answer.get_data(as_text=True)
        assert quay.status("PUT", path + NOBODY, huge) == 404

    @pytest.mark.parametrize("value", ["0d", "-5d", " 7d", "7 d", "+3d", "007d", "1_0d", "\u0667d", "999999999d"])
    def test_odd_ages_are_stored_as_they_are(self, quay, scope, value):
        path, name = SCOPES[scope]
        quay.post(path, {"method": "creation_date", "value": value})
        assert quay.fake.policies(scope, name)[0]["value"] == value

    @pytest.mark.parametrize("value", ["7", "", "d", "abc", "7x", "7D", "1.5d", "7d ", "1d12h", 7])
    def test_other_ages_are_refused(self, quay, scope, value):
        answer = quay.send("POST", SCOPES[scope][0], {"method": "creation_date", "value": value})
        assert (answer.status_code, answer.json["detail"]) == (400, "Invalid value given for method type")

    def test_a_count_has_no_upper_bound(self, quay, scope):
        path, name = SCOPES[scope]
        quay.post(path, {"method": "number_of_tags", "value": 10**30})
        assert quay.fake.policies(scope, name)[0]["value"] == 10**30

    @pytest.mark.parametrize(
        ("body", "first_line"),
        [
            ({"method": "number_of_tags", "value": True}, "True is not of type 'integer', 'string'"),
            ({"method": "number_of_tags", "value": 1, "tagPatternMatches": None}, "None is not of type 'boolean'"),
            ({"method": 3, "tagPattern": None}, "'value' is a required property"),
            ("x", "'x' is not of type 'object'"),
        ],
    )
    def test_schema_failures_are_long_texts(self, quay, scope, body, first_line):
        answer = quay.send("POST", SCOPES[scope][0], body)
        lines = answer.json["detail"].split("\n")
        assert (answer.status_code, lines[0]) == (400, first_line)
        assert len(lines) > 3

    def test_media_types_with_a_json_suffix_are_accepted(self, quay, scope):
        headers = {"Content-Type": "application/vnd.api+json", "Authorization": "Bearer made-up-alice"}
        answer = quay.client.post("/api/v1" + SCOPES[scope][0], data=json.dumps(TEN), headers=headers)
        assert answer.status_code == 201

    def test_a_whole_get_body_cannot_be_put_back_when_it_has_no_pattern(self, quay, scope):
        path, name = SCOPES[scope]
        uuid = quay.post(path, {**TEN, "uuid": NOBODY})
        assert uuid != NOBODY
        assert quay.status("PUT", path + uuid, quay.fake.policies(scope, name)[0]) == 400
        other = quay.post(path, {**TEN, "tagPattern": "^v"})
        whole = quay.send("GET", path + other).json
        assert quay.status("PUT", path + other, {**whole, "value": 3}) == 204

    def test_put_status_can_be_200(self, quay, scope):
        path, _name = SCOPES[scope]
        uuid = quay.post(path, TEN)
        answer = quay.send("PUT", path + uuid, TEN)
        assert (answer.status_code, answer.data, answer.content_type) == (204, b"", "application/json")
        assert "Content-Length" not in answer.headers
        quay.fake.switches["put_status"] = 200
        assert quay.send("PUT", path + uuid, TEN).json == {"uuid": uuid}

    def test_a_list_is_not_in_order_of_creation(self, quay, scope):
        path, _name = SCOPES[scope]
        made = [quay.post(path, {"method": "number_of_tags", "value": number}) for number in range(1, 9)]
        listed = [policy["uuid"] for policy in quay.send("GET", path).json["policies"]]
        assert sorted(listed) == sorted(made) and listed != made
        again = Server()
        assert [again.post(path, {"method": "number_of_tags", "value": number}) for number in range(1, 9)] == made
        assert [policy["uuid"] for policy in again.send("GET", path).json["policies"]] == listed

    def test_a_read_only_registry_refuses_before_anything_else(self, quay, scope):
        path, _name = SCOPES[scope]
        quay.fake.switches["registry_state"] = "readonly"
        for method, where in (("POST", path), ("PUT", path + NOBODY), ("DELETE", path + NOBODY)):
            answer = quay.send(method, where, {}, who="carol")
            assert (answer.status_code, answer.json["errors"][0]["is_readonly"]) == (405, True)
            assert quay.status(method, where, {}, who="nobody") == 403
        assert quay.status("GET", path) == 200
        assert quay.send("GET", "/config", api="").json["registry_state"] == "readonly"

    def test_item_with_slash_and_collection_without(self, quay, scope):
        path, _name = SCOPES[scope]
        for method, status in (("GET", 404), ("PUT", 405), ("DELETE", 405)):
            answer = quay.send(method, f"{path}{NOBODY}/", TEN if method == "PUT" else None)
            assert answer.status_code == status and "html" in answer.content_type
        assert len(quay.send("GET", f"{path}{NOBODY}/").data) > 20000
        assert quay.status("HEAD", path[:-1]) == 308
        if scope != "repository":
            for method in ("PUT", "DELETE"):
                answer = quay.send(method, path[:-1])
                assert answer.status_code == 405 and "html" in answer.content_type
                assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"

    def test_anonymous_access_off(self, quay, scope):
        quay.fake.switches["ANONYMOUS_ACCESS"] = False
        path, _name = SCOPES[scope]
        answer = quay.send("GET", path, who=None)
        assert (answer.status_code, answer.content_type) == (401, "text/html; charset=utf-8")
        assert json.loads(answer.data) == {"error": "Anonymous access is not allowed"}
        assert quay.status("POST", path, TEN, who=None) == 403
        assert quay.status("GET", path) == 200

    def test_a_browser_must_say_that_it_is_no_browser(self, quay, scope):
        path, _name = SCOPES[scope]
        answer = quay.send("GET", path, headers={"User-Agent": FIREFOX})
        assert answer.status_code == 400 and "X-Requested-With" in json.loads(answer.data)["error"]
        assert quay.status("GET", path, headers={"User-Agent": FIREFOX, "X-Requested-With": "XMLHttpRequest"}) == 200
        assert quay.status("POST", path, TEN, headers={"User-Agent": FIREFOX}) == 201
        for agent in ("ansible-httpget", "curl/8.0", "python-requests/2.32"):
            assert quay.status("GET", path, headers={"User-Agent": agent}) == 200

    def test_errors_carry_cors_headers_and_the_host(self, quay, scope):
        answer = quay.send("GET", SCOPES[scope][0] + NOBODY)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.json["type"] == "http://localhost/api/v1/error/not_found"
        assert answer.data.endswith(b"}\n")

    def test_feature_off(self, quay, scope):
        path, name = SCOPES[scope]
        uuid = quay.post(path, TEN)
        quay.fake.switches["AUTO_PRUNE"] = False
        deleted = quay.status("DELETE", path + uuid)
        assert deleted == (204 if scope == "repository" else 405)
        assert quay.fake.policies(scope, name)
        assert quay.fake.tick()["namespaces"] == []


@pytest.mark.parametrize("header", ["Basic YTpi", "Token made-up-alice", "Bearer", "Bearer a b", "Bearer nobody", ""])
def test_bad_credentials_look_like_csrf_on_writes(quay, header):
    for path in (ORG, REPO, USER):
        headers = {"Authorization": header}
        assert quay.send("GET", path, who=None, headers=headers).json["detail"] == "Requires authentication"
        answer = quay.send("POST", path, {}, who=None, headers=headers)
        assert (answer.status_code, answer.content_type) == (403, "text/html; charset=utf-8")
        assert json.loads(answer.data) == {"error": "CSRF token was invalid or missing."}
    assert quay.status("GET", ORG + "?access_token=made-up-alice", who=None) == 401


def test_a_session_needs_its_csrf_token_to_write(quay):
    session, csrf = quay.fake.session("alice")
    quay.client.set_cookie("session", session)
    assert quay.status("GET", ORG, who=None) == 200
    answer = quay.send("POST", ORG, TEN, who=None)
    assert json.loads(answer.data)["error"].endswith("(authorized: user alice)")
    assert quay.status("POST", ORG, TEN, who=None, headers={"X-CSRF-Token": csrf}) == 201


def test_superusers(quay):
    unknown = "/organization/nosuch/autoprunepolicy/"
    for path in (ORG, REPO, unknown):
        assert quay.status("GET", path, who="root") == 403
    quay.fake.switches["SUPERUSERS_FULL_ACCESS"] = True
    for path in (ORG, REPO):
        assert quay.status("GET", path + NOBODY, who="root") == 404
        quay.post(path, TEN, who="root")
    assert quay.send("GET", unknown, who="root").json == {"policies": []}
    assert quay.send("GET", "/organization/bob/autoprunepolicy/", who="root").status_code == 200
    for method, path in (
        ("GET", unknown + NOBODY),
        ("POST", unknown),
        ("PUT", unknown + NOBODY),
        ("DELETE", unknown + NOBODY),
    ):
        assert quay.status(method, path, TEN, who="root") == 404
    for repository in ("nosuch/app", "acme/nosuch"):
        assert quay.status("GET", f"/repository/{repository}/autoprunepolicy/", who="root") == 404
        assert quay.status("POST", f"/repository/{repository}/autoprunepolicy/", TEN, who="root") == 404
    assert quay.status("GET", USER, who="root") == 200


def test_global_read_only_superuser(quay):
    assert quay.status("GET", ORG, who="auditor") == quay.status("GET", REPO, who="auditor") == 200
    assert quay.send("GET", "/organization/nosuch/autoprunepolicy/", who="auditor").json == {"policies": []}
    assert quay.status("GET", "/repository/acme/nosuch/autoprunepolicy/", who="auditor") == 404
    for path in (ORG, REPO):
        assert quay.status("POST", path, TEN, who="auditor") == 403
        assert quay.status("DELETE", path + NOBODY, who="auditor") == 403
    assert quay.status("POST", USER, TEN, who="auditor") == 201
    assert len(quay.send("GET", "/repository?namespace=acme", who="auditor").json["repositories"]) == 5


def test_a_policy_is_found_by_the_repositorys_name_in_any_namespace(quay):
    uuid = quay.post(REPO, TEN)
    path = f"/repository/other/app/autoprunepolicy/{uuid}"
    assert quay.send("GET", path, who="bob").json["value"] == 10
    assert quay.status("PUT", path, {"method": "number_of_tags", "value": 1}, who="bob") == 204
    assert quay.status("PUT", path, {"method": "number_of_tags", "value": 0}, who="bob") == 400
    assert quay.status("DELETE", path, who="bob") == 500
    assert [policy["value"] for policy in quay.fake.policies("repository", "acme/app")] == [10]
    assert quay.status("GET", f"/repository/other/elsewhere/autoprunepolicy/{uuid}", who="bob") == 404


def test_deleting_without_uuid_deletes_the_repository_of_that_name():
    given = state()
    given["organizations"][0]["repositories"] += [{"name": "app/autoprunepolicy"}, {"name": "app/autoprunepolicy/a/b"}]
    quay = Server(given)
    for name in ("app/autoprunepolicy", "app/autoprunepolicy/a/b"):
        assert ("acme", name) in quay.fake.repositories
        assert quay.status("DELETE", f"/repository/acme/{name}") == 204
        assert ("acme", name) not in quay.fake.repositories
        assert quay.status("DELETE", f"/repository/acme/{name}") == 204
    assert quay.status("DELETE", "/repository/acme/app/autoprunepolicy/") == 405
    assert quay.status("DELETE", "/repository/other/app/autoprunepolicy") == 403


def test_policies_of_a_deleted_repository_are_gone(quay):
    uuid = quay.post(REPO, TEN)
    assert quay.status("DELETE", "/repository/acme/app") == 204
    assert quay.status("GET", REPO) == quay.status("GET", REPO + uuid) == 404


def test_users(quay):
    own = quay.send("GET", "/user/").json
    assert own["username"] == "alice"
    assert [(item["name"], item["is_org_admin"]) for item in own["organizations"]] == [("acme", True)]
    assert [item["is_org_admin"] for item in quay.send("GET", "/user/", who="lister").json["organizations"]] == [False]
    plain = quay.send("GET", "/user/", who="reader").json
    assert plain["organizations"] == [] and "email" not in plain
    assert quay.send("GET", "/users/bob").json == {
        key: quay.send("GET", "/users/bob").json[key] for key in ("anonymous", "username", "avatar")
    }
    assert quay.send("GET", "/users/bob", who="bob").json["organizations"][0].keys() >= {"is_org_admin", "name"}
    assert quay.status("GET", "/users/acme") == 404
    answer = quay.send("GET", "/user/", who=None)
    assert (answer.status_code, answer.json["detail"], answer.json["session_required"]) == (
        401,
        "Requires authentication",
        False,
    )
    assert quay.send("GET", "/user/", who="root").json["super_user"] is True


def test_organization_is_public_knowledge(quay):
    assert quay.send("GET", "/organization/acme", who=None).json["is_member"] is False
    assert quay.send("GET", "/organization/acme", who="bob").json["is_member"] is True
    assert quay.status("GET", "/organization/alice") == quay.status("GET", "/organization/nosuch", who=None) == 404


def test_repository_list():
    given = state()
    given["organizations"][1]["repositories"] = [{"name": f"r{number:03}"} for number in range(206)]
    quay = Server(given)

    def names(query, who="alice"):
        return [item["name"] for item in quay.send("GET", f"/repository?{query}", who=who).json["repositories"]]

    assert names("namespace=acme", "carol") == ["granted"]
    assert names("namespace=acme", "bob") == names("namespace=acme", None) == names("namespace=acme", "nobody") == []
    assert names("namespace=acme&public=true", "bob") == names("namespace=acme&public=true", None) == ["open"]
    assert quay.status("GET", "/repository?namespace=") == 400
    first = quay.send("GET", "/repository?namespace=other&limit=5", who="bob").json
    again = quay.send("GET", "/repository?namespace=other", who="bob").json
    assert first["repositories"] == again["repositories"] and first["next_page"] != again["next_page"]
    seen, token = list(first["repositories"]), first["next_page"]
    while token:
        page = quay.send("GET", f"/repository?namespace=other&next_page={token}", who="bob").json
        seen, token = seen + page["repositories"], page.get("next_page")
    assert [item["name"] for item in seen] == [f"r{number:03}" for number in range(206)]
    assert len(names("namespace=other&next_page=nonsense", "bob")) == 100
    quay.fake.advance(2 * 86400 + 1)
    assert names(f"namespace=other&next_page={first['next_page']}", "bob")[0] == "r000"
    entry = quay.send("GET", "/repository?namespace=acme&last_modified=true").json["repositories"]
    assert isinstance(entry[0]["last_modified"], int) and entry[1]["last_modified"] is None


def test_tag_list(quay):
    def names(query=""):
        return [item["name"] for item in quay.send("GET", f"/repository/acme/app/tag/?{query}").json["tags"]]

    assert names() == ["pinned", "a_b", "v2", "v1"]
    assert names("filter_tag_name=like:_b") == ["a_b"] and names("filter_tag_name=like:%") == names()
    assert names("filter_tag_name=like:V") == ["v2", "v1"] and names("filter_tag_name=eq:V1") == []
    assert names("filter_tag_name=ne:v1") == names()
    assert names("limit=0") == names("limit=-3") == names("limit=1&page=-2") == ["pinned"]
    answer = quay.send("GET", "/repository/acme/app/tag/?filter_tag_name=v1")
    assert answer.status_code == 400 and answer.json["message"].startswith("Unsupported syntax for filter_tag_name.")
    assert quay.send("GET", "/repository/acme/app/tag/?page=x").json == {
        "message": {"page": "Page index for the results. Default 1."}
    }
    assert quay.status("GET", "/repository/acme/open/tag/", who=None) == 200
    quay.fake.switches["IMMUTABLE_TAGS"] = False
    assert "immutable" not in quay.send("GET", "/repository/acme/app/tag/").json["tags"][0]


@pytest.mark.parametrize("text", ["false", "False", "FALSE", "0", "null", ""])
def test_words_for_false(quay, text):
    quay.status("DELETE", "/repository/acme/app/tag/v1")
    path = "/repository/acme/app/tag/?specificTag=v1&onlyActiveTags="
    assert len(quay.send("GET", path + text).json["tags"]) == 1
    assert quay.send("GET", path + "no").json["tags"] == []


def test_tags_end_and_come_back(quay):
    path = "/repository/acme/app/tag/v1"
    digest = quay.send("GET", "/repository/acme/app/tag/?specificTag=v1").json["tags"][0]["manifest_digest"]
    assert quay.status("DELETE", path) == 204 and quay.status("DELETE", path) == 404
    assert quay.send("POST", path + "/restore", {}).json["detail"] == "Missing manifest_digest"
    assert quay.status("POST", path + "/restore", {"manifest_digest": "sha256:0"}) == 404
    answer = quay.send("POST", path + "/restore", {"manifest_digest": digest})
    assert (answer.status_code, answer.json) == (200, {})
    assert quay.send("GET", "/repository/acme/app/tag/?onlyActiveTags=1").json["tags"][0]["reversion"] is True
    assert quay.status("DELETE", path) == 204
    quay.fake.advance(15 * 86400)
    assert quay.status("POST", path + "/restore", {"manifest_digest": digest}) == 404
    answer = quay.send("DELETE", "/repository/acme/app/tag/pinned")
    assert (answer.status_code, answer.json["error_type"]) == (409, "tag_immutable")
    answer = quay.send("DELETE", "/repository/acme/mirrored/tag/v1")
    assert (answer.status_code, answer.json) == (503, {"message": "Repository is in read only or mirror mode: 2"})
    assert quay.status("DELETE", path, who="bob") == 403


def test_repository_get_and_put(quay):
    view = quay.send("GET", "/repository/acme/mirrored").json
    assert (view["state"], view["can_write"], view["can_admin"], list(view["tags"])) == ("MIRROR", False, True, ["v1"])
    assert quay.send("PUT", "/repository/acme/app", {"description": "x"}).json == {"success": True}
    assert quay.send("GET", "/repository/acme/app?includeTags=false").json["description"] == "x"
    assert quay.status("GET", "/repository/acme/app", who=None) == 401


def test_the_web_interface_answers_outside_of_the_api(quay):
    assert quay.send("GET", "/repository/acme/app", api="").content_type.startswith("text/html")
    assert quay.status("GET", "/nosuch/thing/", api="") == 404


def test_rate_limit(quay):
    quay.fake.switches["rate_limit"] = 5
    statuses = [quay.status("GET", ORG) for _number in range(60)]
    assert statuses[:26] == [200] * 26 and statuses.count(429) > 25
    while True:
        answer = quay.send("GET", ORG)
        if answer.status_code == 429:
            break
    assert answer.content_type.startswith("text/html") and "Retry-After" not in answer.headers
    assert quay.status("GET", "/config", api="") == 200
    quay.fake.advance(10)
    assert quay.status("GET", ORG) == 200


def test_helpers(quay):
    assert quay.fake.token("bob") == "made-up-bob"
    first = quay.fake.add_policy("organization", "acme", TEN)
    second = quay.fake.add_policy("organization", "acme", TEN)
    with pytest.raises(ValueError, match="duplicate"):
        quay.fake.add_policy("organization", "acme", TEN, check=True)
    with pytest.raises(ValueError, match="Invalid value"):
        quay.fake.add_policy("user", "alice", {**TEN, "value": 0}, check=True)
    copies = quay.fake.policies("organization", "acme")
    copies[0]["value"] = 1
    assert [policy["uuid"] for policy in quay.fake.policies("organization", "acme")] == [first, second]
    assert quay.fake.policies("organization", "acme")[0]["value"] == 10
    assert quay.fake.tags("acme/app") == ["pinned", "a_b", "v2", "v1"]


def test_the_state_survives_a_dump():
    first = Quay()
    second = Quay(json.loads(json.dumps(first.state())))
    assert second.tags("acme/" + second.state()["organizations"][0]["repositories"][0]["name"])
    for fake in (first, second):
        fake.tick()
    assert [first.tags(f"{a}/{b}") for a, b in first.repositories] == [
        second.tags(f"{a}/{b}") for a, b in second.repositories
    ]
    assert [first.policies("repository", f"{a}/{b}") for a, b in first.repositories] == [
        second.policies("repository", f"{a}/{b}") for a, b in second.repositories
    ]


def test_the_demo_estate():
    fake = Quay()
    sizes = {name: sum(space == name for space, _name in fake.repositories) for name in fake.namespaces}
    assert sum(sizes[name] for name in ("acme", "globex", "initech")) == 300 and sizes["acme"] > 100
    assert sizes["acme-archive"] > 0 and fake.namespaces["acme-archive"]["admins"] == ["mallory"]
    assert sum(len(item["tags"]) for item in fake.repositories.values()) > 3000
    assert {item["state"] for item in fake.repositories.values()} == {"NORMAL", "MIRROR", "READ_ONLY"}
    assert any("/" in name for _space, name in fake.repositories)
    assert fake.token("alice") == "demo-token-of-alice"
    assert fake.policies("organization", "globex") and fake.policies("user", "alice")
    held = [item["policies"] for item in fake.repositories.values() if item["policies"]]
    assert any(len(policies) > 1 for policies in held) and len(held) > 10
