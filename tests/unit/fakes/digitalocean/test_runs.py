# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Garbage collections of the fake DigitalOcean in time: their statuses, what they delete, how they are cancelled."""

from __future__ import annotations

import pytest
from fakes.digitalocean import DigitalOcean
from fakes.digitalocean.routes import CURRENT, LEGACY
from fakes.digitalocean.runs import BLOBS, BOTH, DELETING, MANIFESTS, REQUESTED, SCANNING, SCANNING_BLOBS, WAITING
from fakes.digitalocean.runs import WAITING_FOR_DELETES as WAITING_2
from werkzeug.test import Client

NOBODY = "00000000-1111-4222-8333-444444444444"
HEADERS = {"Authorization": "Bearer dop_v1_made-up-admin"}


def image(name, *layers, **more):
    return {"digest": name, "size": 10, "blobs": [{"digest": layer, "size": 1000} for layer in layers], **more}


def state():
    """A tagged image, a tagged index of two, an untagged image, an untagged index of one, two blobs of nobody."""
    manifests = [
        image("plain", "base", "layer-1"),
        image("amd64", "base", "layer-2"),
        image("arm64", "layer-3"),
        image("multi", children=["amd64", "arm64"]),
        image("old", "base", "layer-4"),
        image("old-child", "layer-5"),
        image("old-multi", children=["old-child"]),
    ]
    tags = [{"name": "v1", "digest": "plain"}, {"name": "v2", "digest": "multi"}]
    blobs = [{"digest": "orphan-1", "size": 7}, {"digest": "orphan-2", "size": 70}]
    app = {"name": "app", "manifests": manifests, "tags": tags}
    other = {"name": "other", "manifests": [image("x", "layer-4")], "tags": [{"name": "v1", "digest": "x"}]}
    decoy = {"name": "example-old", "blobs": [{"digest": "orphan-1", "size": 7}]}
    return {
        "tokens": [{"as": "admin", "token": "dop_v1_made-up-admin"}],
        "registries": [{"name": "example", "repositories": [app, other], "blobs": blobs}, decoy],
    }


class Server:
    """The fake with short words for requests on garbage collections."""

    def __init__(self, family):
        self.fake = DigitalOcean(state())
        self.client = Client(self.fake)
        self.base = f"/v2/{family}/example/garbage-collection"

    def send(self, method, tail="", body=None):
        return self.client.open(self.base + tail, method=method, headers=HEADERS, json=body)

    def start(self, kind=BLOBS):
        answer = self.send("POST", body={"type": kind})
        assert answer.status_code == 201
        return answer.json["garbage_collection"]["uuid"]

    def active(self):
        answer = self.send("GET")
        return answer.json["garbage_collection"]["status"] if answer.status_code == 200 else answer.status_code

    def listed(self):
        return self.send("GET", "s").json["garbage_collections"]

    def cancel(self, uuid, body=None):
        return self.send("PUT", f"/{uuid}", {"cancel": True} if body is None else body)

    def read_only(self):
        path = self.base.rpartition("/")[0].replace("/registry/", "/registries/")
        return self.client.get(path, headers=HEADERS).json["registry"]["read_only"]


@pytest.fixture(params=[CURRENT, LEGACY])
def server(request):
    return Server(request.param)


def left(fake):
    return {item["digest"] for item in fake.manifests("example")}


class TestInTime:
    def test_statuses(self, server):
        uuid = server.start()
        seen = []
        for _number in range(16):
            seen.append(server.active())
            server.fake.advance(1)
        order = [REQUESTED] * 2 + [WAITING] * 3 + [SCANNING] * 5 + [DELETING] * 5 + [404]
        assert seen == order
        (run,) = server.listed()
        assert (run["uuid"], run["status"]) == (uuid, "succeeded")

    def test_it_moves_on_although_nobody_asks(self, server):
        server.start()
        server.fake.advance(3600)
        run = server.fake.runs("example")[0]
        assert run["status"] == "succeeded"
        assert run["created_at"] < run["updated_at"]

    def test_updated_at_is_the_finish_time(self, server):
        server.start()
        server.fake.switches["time_digits"] = 3
        server.fake.advance(3600)
        (run,) = server.listed()
        assert (len(run["created_at"]), run["updated_at"][-1]) == (24, "Z")
        assert server.fake.registries["example"]["runs"][0]["updated_at"] == pytest.approx(
            server.fake.registries["example"]["runs"][0]["created_at"] + 15
        )

    def test_read_only_from_start_to_end(self, server):
        assert server.read_only() is False
        server.start()
        assert server.read_only() is True
        with pytest.raises(PermissionError):
            server.fake.push("example", "app")
        server.fake.advance(60)
        assert server.read_only() is False
        server.fake.push("example", "app", "v3")

    def test_it_waits_for_the_last_write_token(self, server):
        server.fake.push("example", "app", "v3")
        server.start()
        server.fake.advance(890)
        assert server.active() == WAITING
        server.fake.advance(11)
        assert server.active() == SCANNING

    def test_words_that_no_schema_has(self, server):
        server.fake.switches["extra_statuses"] = [WAITING_2, SCANNING_BLOBS]
        server.start()
        seen = [server.active()]
        while seen[-1] != 404:
            server.fake.tick(force=True)
            seen.append(server.active())
        assert seen == [
            REQUESTED,
            WAITING,
            WAITING_2,
            SCANNING,
            SCANNING_BLOBS,
            DELETING,
            404,
        ]

    def test_stuck_until_it_is_let_go(self, server):
        server.fake.switches["stuck_in"] = SCANNING
        server.start()
        server.fake.advance(4 * 3600)
        assert server.active() == SCANNING
        server.fake.switches["stuck_in"] = None
        assert server.active() == 404

    def test_failing(self, server):
        server.fake.switches["fail_in"] = SCANNING
        server.start(BOTH)
        server.fake.advance(60)
        assert server.active() == 404
        assert (server.listed()[0]["status"], server.listed()[0]["freed_bytes"]) == ("failed", 0)
        assert "old" in left(server.fake)

    def test_each_request_may_move_the_clock(self, server):
        server.fake.switches["seconds_per_request"] = 10
        server.start()
        assert [server.active() for _number in range(2)] == [DELETING, 404]

    def test_manifests_run_without_the_last_status(self, server):
        server.fake.switches["manifests_run_shows_deleting"] = False
        server.start(MANIFESTS)
        server.fake.advance(10.5)
        assert server.active() == 404


class TestEffect:
    def test_blobs(self, server):
        server.start(BLOBS)
        before = left(server.fake)
        server.fake.advance(60)
        (run,) = server.listed()
        assert (run["blobs_deleted"], run["freed_bytes"]) == (2, 77)
        assert left(server.fake) == before
        assert "orphan-1" not in server.fake.blobs("example") and "orphan-1" in server.fake.blobs("example-old")

    def test_manifests(self, server):
        server.start(MANIFESTS)
        blobs = server.fake.blobs("example")
        server.fake.advance(60)
        (run,) = server.listed()
        assert (run["blobs_deleted"], run["freed_bytes"]) == (0, 0)
        assert left(server.fake) == {"plain", "amd64", "arm64", "multi", "x"}
        assert server.fake.blobs("example") == blobs
        assert server.fake.untagged("example") == []

    def test_both(self, server):
        server.start(BOTH)
        server.fake.advance(60)
        (run,) = server.listed()
        # old, old-child, old-multi of 10 bytes, layer-5 of 1000; layer-4 and base are used elsewhere.
        assert (run["blobs_deleted"], run["freed_bytes"]) == (6, 1107)
        assert set(server.fake.blobs("example")) == {
            *("plain", "amd64", "arm64", "multi", "x"),
            *("base", "layer-1", "layer-2", "layer-3", "layer-4"),
        }

    def test_children_of_tagged_indexes_may_not_be_spared(self, server):
        server.fake.switches["spare_index_children"] = False
        server.start(BOTH)
        server.fake.advance(60)
        assert left(server.fake) == {"plain", "multi", "x"}
        assert "layer-3" not in server.fake.blobs("example")

    def test_nothing_to_do(self, server):
        for _number in range(2):
            server.start(BOTH)
            server.fake.advance(60)
        newest, older = server.listed()
        assert (newest["status"], newest["blobs_deleted"], newest["freed_bytes"]) == ("succeeded", 0, 0)
        assert older["blobs_deleted"] == 6

    def test_after_a_tag_was_deleted_blobs_free_nothing_of_it(self, server):
        server.client.delete(server.base.replace("garbage-collection", "repositories/app/tags/v1"), headers=HEADERS)
        server.start(BLOBS)
        server.fake.advance(60)
        assert server.listed()[0]["freed_bytes"] == 77 and "plain" in left(server.fake)

    def test_numbers_appear_at_the_end(self, server):
        server.start(BLOBS)
        server.fake.advance(13.5)
        assert server.active() == DELETING and server.listed()[0]["blobs_deleted"] == 0
        assert len(server.fake.blobs("example")) == 15


class TestCancel:
    def test_object(self, server):
        uuid = server.start()
        answer = server.cancel(uuid)
        assert (answer.status_code, answer.json["garbage_collection"]["status"]) == (200, "cancelling")
        assert server.active() == "cancelling" and server.cancel(uuid).status_code == 200
        assert server.send("POST").status_code == 409
        server.fake.advance(2)
        assert server.active() == 404
        assert (server.listed()[0]["status"], server.listed()[0]["freed_bytes"]) == ("cancelled", 0)
        assert "orphan-1" in server.fake.blobs("example")

    def test_what_is_deleted_stays_deleted_and_is_counted(self, server):
        uuid = server.start()
        server.fake.advance(12.6)
        server.cancel(uuid)
        server.fake.advance(5)
        (run,) = server.listed()
        assert (run["status"], run["blobs_deleted"], run["freed_bytes"]) == ("cancelled", 1, 7)
        assert "orphan-2" in server.fake.blobs("example")

    @pytest.mark.parametrize(("kind", "status"), [("empty", 200), (204, 204)])
    def test_other_answers(self, server, kind, status):
        server.fake.switches["cancel_answer"] = kind
        answer = server.cancel(server.start())
        assert (answer.status_code, answer.json if status == 200 else answer.data) == (
            status,
            {} if status == 200 else b"",
        )
        assert server.active() == "cancelling"

    def test_only_the_active_one(self, server):
        old = server.start()
        server.fake.finish_run("example")
        assert server.cancel(old).status_code == 404
        new = server.start()
        assert server.cancel(old).status_code == server.cancel(NOBODY).status_code == 404
        assert server.active() == REQUESTED and server.cancel(new).status_code == 200

    def test_nothing_but_true_cancels(self, server):
        uuid = server.start()
        for body in ({"cancel": False}, {}, {"cancel": "true"}):
            assert server.cancel(uuid, body).status_code == 422
        server.fake.switches["update_without_cancel_status"] = 200
        assert server.cancel(uuid, {}).json["garbage_collection"]["status"] == REQUESTED

    def test_lost_races(self, server):
        server.fake.switches["cancel_race"] = "before"
        assert server.cancel(server.start()).status_code == 404
        assert server.listed()[0]["status"] == "succeeded"
        server.fake.switches["cancel_race"] = "after"
        assert server.cancel(server.start(BOTH)).json["garbage_collection"]["status"] == "cancelling"
        server.fake.advance(60)
        assert (server.listed()[0]["status"], server.listed()[0]["blobs_deleted"]) == ("succeeded", 4)


class TestList:
    def test_newest_first_and_other_orders(self, server):
        for age in (500, 100, 300):
            server.fake.add_run("example", age_seconds=age, status="failed")
        uuid = server.start()
        times = [run["created_at"] for run in server.listed()]
        assert times == sorted(times, reverse=True) and server.listed()[0]["uuid"] == uuid
        server.fake.switches["list_order"] = "oldest"
        assert [run["created_at"] for run in server.listed()] == times[::-1]
        server.fake.switches["list_order"] = "shuffled"
        assert sorted(run["created_at"] for run in server.listed()) == times[::-1]

    def test_without_type_meta_and_links(self, server):
        for age in range(30):
            server.fake.add_run("example", age_seconds=age)
        answer = server.send("GET", "s").json
        assert answer["meta"] == {"total": 30} and set(answer["links"]["pages"]) == {"next", "last"}
        assert "type" in answer["garbage_collections"][0]
        server.fake.switches.update(send_type=False, list_meta=False, list_links=False)
        answer = server.send("GET", "s?page=2").json
        assert list(answer) == ["garbage_collections"] and len(answer["garbage_collections"]) == 10
        assert "type" not in answer["garbage_collections"][0]
        assert "type" not in server.send("POST").json["garbage_collection"]

    def test_unknown_registry(self, server):
        server.base = server.base.replace("example", "nosuch")
        for method, tail in (("GET", ""), ("POST", ""), ("GET", "s"), ("PUT", f"/{NOBODY}")):
            assert server.send(method, tail).status_code == 404


class TestHelpers:
    def test_start_in_a_status_and_finish(self, server):
        uuid = server.fake.start_run("example", BOTH, status=DELETING)
        assert server.active() == DELETING and "old" not in left(server.fake)
        with pytest.raises(ValueError, match="has an active run"):
            server.fake.start_run("example")
        run = server.fake.finish_run("example", "failed")
        assert (run["uuid"], run["status"], run["type"]) == (uuid, "failed", BOTH)
        assert server.fake.runs("example") == [run]
        with pytest.raises(ValueError, match="no active run"):
            server.fake.finish_run("example")
        server.fake.start_run("example", status="cancelling")
        assert server.active() == "cancelling"
        assert server.fake.runs("example-old") == []

    def test_nonsense(self, server):
        for arguments in ({"kind": "all"}, {"status": "completed"}):
            with pytest.raises(ValueError):
                server.fake.start_run("example", **arguments)
        assert server.fake.runs("example") == []

    def test_tokens(self, server):
        assert server.fake.token("admin") == "dop_v1_made-up-admin"
        text = server.fake.token("reader", ["registry:read"])
        assert server.client.get("/v2/registries", headers={"Authorization": f"Bearer {text}"}).status_code == 200
        with pytest.raises(KeyError):
            server.fake.token("nobody")
