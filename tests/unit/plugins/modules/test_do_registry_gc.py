# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about DigitalOcean; what all modules share is in test_contract.py."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import fakes.serve
import pytest
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible_collections.registry.hygiene.plugins.module_utils._core import http
from ansible_collections.registry.hygiene.plugins.modules import do_registry_gc
from contract.clock import in_its_time
from contract.mounts import as_module
from fakes.digitalocean import DigitalOcean
from fakes.digitalocean import server as fake_module
from fakes.mount import mounted
from fakes.serve import serving

URL = "https://digitalocean.test"
TOKEN = "dop_v1_made-up-token"
ACCESS = {"digitalocean_url": URL, "digitalocean_token": TOKEN}
MANIFESTS, BLOBS = "untagged manifests only", "unreferenced blobs only"
BOTH = "untagged manifests and unreferenced blobs"
TYPES = [MANIFESTS, BLOBS, BOTH]
FINAL = ["succeeded", "failed", "cancelled"]
HOUR, DAY = 3600, 86400
POST_LOST = {"method": "POST", "drop": True}


def digest(letter):
    return "sha256:" + letter * 64


def blob(letter, size):
    return {"digest": digest(letter), "size": size}


# An index with two children, one of which an untagged index names, too; one untagged image; one orphaned blob.
APP = {
    "name": "team/app",
    "tags": [{"name": "v1", "digest": digest("a")}],
    "manifests": [
        {"digest": digest("a"), "size": 10, "children": [digest("b"), digest("c")]},
        {"digest": digest("b"), "size": 20, "blobs": [blob("1", 1000)]},
        {"digest": digest("c"), "size": 30, "blobs": [blob("1", 1000), blob("2", 2000)]},
        {"digest": digest("d"), "size": 40, "children": [digest("c")]},
        {"digest": digest("e"), "size": 50, "blobs": [blob("1", 1000), blob("3", 3000), blob("4", 4000)]},
    ],
}
# Here a tag holds a blob that is garbage in the other repository.
WEB = {
    "name": "web",
    "tags": [{"name": "v1", "digest": digest("f")}],
    "manifests": [{"digest": digest("f"), "size": 60, "blobs": [blob("4", 4000)]}],
}
GARBAGE = {
    "manifests": 2,
    "bytes": 40 + 50 + 3000,
    "lower_bound": True,
    "digests": [f"team/app@{digest('d')}", f"team/app@{digest('e')}"],
}


class Staged(DigitalOcean):
    """Lets a test do something just before a request is answered, and leave the newest run out of lists."""

    before = staticmethod(lambda method, path: None)
    unlisted = 0  # so many times
    now_and_then = None  # times of all requests

    def answer(self, request):
        self.before(request.method, request.path)
        if self.now_and_then is not None:
            self.now_and_then.append(self.now())
        answer = super().answer(request)
        if self.unlisted and request.path.endswith("garbage-collections"):
            self.unlisted -= 1
            found = json.loads(answer.body)
            del found["garbage_collections"][0]
            found["meta"]["total"] -= 1
            answer.body = json.dumps(found).encode()
        return answer

    def next(self, method, do, path=""):
        """Do this before the next such request."""

        def before(asked, where):
            if asked == method and re.search(path, where):
                self.before = lambda asked, where: None
                do()

        self.before = before


@pytest.fixture
def fake():
    return account({"name": "acme", "repositories": [APP, WEB], "blobs": [blob("9", 9000)]}, {"name": "other"})


def account(*registries):
    return Staged({"tokens": [{"as": "admin", "token": TOKEN}], "registries": list(registries)})


def run(fake, module="do_registry_gc", check_mode=False, access=None, controller=-3650 * DAY, **options):
    fake.clear()
    with in_its_time(fake, controller), mounted(fake, URL):
        result = as_module(
            module, {**(ACCESS if access is None else access), "registries": ["acme"], **options}, check_mode
        )
    assert TOKEN not in result.output
    assert "Traceback" not in result.output
    return result


def info(fake, **options):
    return run(fake, "do_registry_gc_info", **options)


def posts(fake):
    return [entry["body"] for entry in fake.writes if entry["method"] == "POST"]


def ok(result):
    assert not result.get("failed"), result
    return result["garbage_collection"]


def started(result):
    """Return the run that the task started, after a look whether it says so."""
    assert result["changed"] and result["changed_targets"] == ["acme"], result
    assert not ok(result)["adopted"] and ok(result)["skipped_reason"] is None
    return ok(result)


def adopted(result):
    assert not result["changed"] and result["changed_targets"] == [], result
    assert ok(result)["adopted"] and ok(result)["skipped_reason"] is None
    return ok(result)


def skipped(result, reason="min_interval"):
    assert not result["changed"] and result["changed_targets"] == [], result
    assert reason in ok(result)["skipped_reason"] and not ok(result)["adopted"]
    return ok(result)


def failed(result, *texts):
    assert result.get("failed"), result
    for text in texts:
        assert text in result["msg"], result["msg"]
    return result


# Present: what is recent enough or running, and covers the type


@pytest.mark.parametrize("kind", TYPES)
def test_it_is_started_once_with_its_type_and_then_adopted_and_then_recent(fake, kind):
    first = run(fake, type=kind)
    run_of_it = started(first)
    assert posts(fake) == [{"type": kind}] and run_of_it["type"] == kind and not run_of_it["ambiguous"]
    assert adopted(run(fake, type=kind))["uuid"] == run_of_it["uuid"]
    assert fake.writes == []
    fake.finish_run("acme")
    assert skipped(run(fake, type=kind))["uuid"] == run_of_it["uuid"]
    assert fake.writes == [] and len(fake.runs("acme")) == 1


def test_the_default_is_that_of_the_vendor(fake):
    started(run(fake))
    assert posts(fake) == [{"type": BLOBS}]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_types_that_remove_untagged_manifests_come_with_a_warning(fake, kind, state, check_mode):
    warnings = run(fake, type=kind, state=state, check_mode=check_mode).get("warnings", [])
    assert len(warnings) == (state == "present" and kind != BLOBS)
    assert all("without a tag" in text and "multi-platform" in text for text in warnings)


@pytest.mark.parametrize("wanted", TYPES)
@pytest.mark.parametrize("there", TYPES)
def test_a_recent_success_counts_if_it_covers_the_type(fake, wanted, there):
    uuid = fake.add_run("acme", type=there, age_seconds=HOUR)
    result = run(fake, type=wanted)
    if there in (wanted, BOTH):
        assert skipped(result)["uuid"] == uuid and fake.writes == []
    else:
        started(result)


@pytest.mark.parametrize("status", FINAL)
def test_only_a_success_counts(fake, status):
    fake.add_run("acme", status=status, age_seconds=HOUR)
    assert run(fake)["changed"] is (status != "succeeded")


@pytest.mark.parametrize("min_interval", ["3601s", "61m", "2h", "1d", "1w"])
def test_within_min_interval(fake, min_interval):
    fake.add_run("acme", age_seconds=2 * HOUR, updated_age_seconds=HOUR - 5)
    skipped(run(fake, min_interval=min_interval))


@pytest.mark.parametrize("min_interval", ["3600s", "60m", "1h", "0s", "0w"])
def test_beyond_min_interval(fake, min_interval):
    fake.add_run("acme", age_seconds=2 * HOUR, updated_age_seconds=HOUR + 5)
    started(run(fake, min_interval=min_interval))


@pytest.mark.parametrize("digits", [0, 9])
@pytest.mark.parametrize("age", [0, 1, -2])
def test_no_interval_starts_one_even_right_after_another(fake, digits, age):
    fake.switches["time_digits"] = digits  # the Date header has none, and clocks of several servers differ
    fake.add_run("acme", age_seconds=60, updated_age_seconds=age)
    started(run(fake, min_interval="0s"))


def test_an_older_success_behind_a_newer_failure_counts(fake):
    fake.add_run("acme", status="failed", age_seconds=60)
    fake.add_run("acme", type=BLOBS, age_seconds=90)
    uuid = fake.add_run("acme", type=BOTH, age_seconds=HOUR)
    assert skipped(run(fake, type=BOTH))["uuid"] == uuid


@pytest.mark.parametrize("controller", [-3650 * DAY, -HOUR, 0, HOUR, 3650 * DAY])
def test_ages_are_by_the_clock_of_the_server(fake, controller):
    fake.advance(77 * DAY)
    fake.add_run("acme", age_seconds=23 * HOUR, updated_age_seconds=23 * HOUR)
    skipped(run(fake, controller=controller))
    fake.advance(2 * HOUR)
    started(run(fake, controller=controller))


def test_without_a_date_the_own_clock_must_do(fake):
    fake.switches["send_date"] = False
    fake.add_run("acme", age_seconds=23 * HOUR, updated_age_seconds=23 * HOUR)
    skipped(run(fake, controller=0))
    started(run(fake, controller=2 * HOUR))


@pytest.mark.parametrize("times", [{}, {"created_at": None, "updated_at": None}, {"created_at": "", "updated_at": ""}])
def test_a_run_without_times_is_not_recent(fake, times):
    body = {"garbage_collections": [{"uuid": "u", "status": "succeeded", **times}]}
    fake.faults.append({"path": "garbage-collections", "status": 200, "body": body, "times": 9})
    started(run(fake))


@pytest.mark.parametrize("when", [1774904000, True, ["2026"], "soon", "2026-02-30T20:51:32Z"])
@pytest.mark.parametrize("field", ["created_at", "updated_at"])
def test_a_time_that_is_none_is_a_wrong_answer_and_no_crash(fake, when, field):
    body = {"garbage_collections": [{"uuid": "u", "status": "succeeded", field: when}]}
    fake.faults.append({"path": "garbage-collections", "status": 200, "body": body, "times": 9})
    failed(run(fake))
    assert fake.writes == []


@pytest.mark.parametrize("status", ["waiting for delete requests", "scanning for unreferenced blobs", "completed", "x"])
def test_unknown_words_mean_that_it_is_running(fake, status):
    uuid = fake.add_run("acme", status=status, age_seconds=60)
    assert adopted(run(fake))["uuid"] == uuid
    assert info(fake)["registries"]["active"]["status"] == status


@pytest.mark.parametrize("status", FINAL)
def test_a_final_one_that_is_called_active_is_not(fake, status):
    body = {"garbage_collection": {"uuid": "u", "status": status}}
    fake.faults.append({"method": "GET", "path": "collection$", "status": 200, "body": body, "times": 9})
    started(run(fake))


def test_check_mode_foretells_and_writes_nothing(fake):
    foretold = run(fake, check_mode=True, type=BOTH, wait=True)
    assert foretold["changed"] and foretold["changed_targets"] == ["acme"] and fake.writes == []
    assert ok(foretold) == {"status": "requested", "type": BOTH} and fake.runs("acme") == []
    uuid = fake.start_run("acme")
    assert adopted(run(fake, check_mode=True, wait=True))["uuid"] == uuid
    assert run(fake, check_mode=True, state="absent")["changed"] and fake.writes == []


# What is running does less


NARROWER = [(BLOBS, BOTH), (MANIFESTS, BOTH), (MANIFESTS, BLOBS), (BLOBS, MANIFESTS)]


@pytest.mark.parametrize("if_active", ["adopt", "wait", "fail"])
@pytest.mark.parametrize("wanted", TYPES)
def test_what_covers_the_type_is_adopted_whatever_if_active_says(fake, if_active, wanted):
    uuid = fake.start_run("acme", BOTH)
    assert adopted(run(fake, type=wanted, if_active=if_active))["uuid"] == uuid


@pytest.mark.parametrize(("there", "wanted"), NARROWER)
def test_less_is_adopted_by_default(fake, there, wanted):
    uuid = fake.start_run("acme", there)
    assert adopted(run(fake, type=wanted))["uuid"] == uuid and fake.writes == []


@pytest.mark.parametrize(("there", "wanted"), NARROWER)
def test_less_can_be_waited_for(fake, there, wanted):
    uuid = fake.start_run("acme", there)
    new = started(run(fake, type=wanted, if_active="wait"))
    assert new["uuid"] != uuid and posts(fake) == [{"type": wanted}]
    assert [(found["type"], found["status"]) for found in fake.runs("acme")][1] == (there, "succeeded")


@pytest.mark.parametrize(("there", "wanted"), NARROWER)
@pytest.mark.parametrize("check_mode", [True, False])
def test_less_can_be_a_failure(fake, there, wanted, check_mode):
    uuid = fake.start_run("acme", there)
    result = failed(run(fake, type=wanted, if_active="fail", check_mode=check_mode), uuid, there, "if_active: wait")
    assert not result["changed"] and fake.writes == []


@pytest.mark.parametrize("if_active", ["adopt", "wait"])
def test_one_that_is_being_cancelled_is_waited_for(fake, if_active):
    fake.start_run("acme", BOTH, "cancelling")
    started(run(fake, type=BOTH, if_active=if_active))
    assert [found["status"] for found in fake.runs("acme")] == ["requested", "cancelled"]


def test_one_that_is_being_cancelled_fails_if_so_wished(fake):
    fake.start_run("acme", BOTH, "cancelling")
    failed(run(fake, type=BOTH, if_active="fail"), "cancelling")


def test_without_a_type_a_run_is_what_the_vendor_does_by_default(fake):
    fake.switches["send_type"] = False
    fake.start_run("acme", BOTH)
    adopted(run(fake, type=BLOBS, if_active="fail"))
    failed(run(fake, type=BOTH, if_active="fail"), BLOBS)


def test_waiting_for_less_ends_at_the_time_out_and_starts_nothing(fake):
    fake.switches["stuck_in"] = "scanning manifests"
    uuid = fake.start_run("acme", MANIFESTS)
    result = failed(run(fake, if_active="wait", wait_timeout=60), uuid, "scanning manifests", "read-only")
    assert not result["changed"] and fake.writes == []
    assert result["garbage_collection"]["uuid"] == uuid


def test_what_was_waited_for_counts_if_it_succeeded_after_all(fake):
    fake.switches["cancel_race"] = "after"
    run(fake, type=BOTH)
    uuid = started(run(fake, state="absent"))["uuid"]
    result = run(fake, type=BOTH)
    assert [found["status"] for found in fake.runs("acme") if found["uuid"] == uuid] == ["succeeded"]
    assert skipped(result)["uuid"] == uuid and posts(fake) == []


def test_what_came_while_waiting_is_adopted_without_a_further_start(fake):
    fake.start_run("acme", MANIFESTS)
    rival = []
    with mock.patch.object(fake, "work", side_effect=fake.work) as work:

        def settled(*args, **kwargs):
            moved = DigitalOcean.work(fake, *args, **kwargs)
            if not rival and all(found["status"] in FINAL for found in fake.registries["acme"]["runs"]):
                rival.append(fake._start(fake.registries["acme"], BOTH)["uuid"])
            return moved

        work.side_effect = settled
        result = run(fake, type=BOTH, if_active="wait")
    assert [ok(result)["uuid"]] == rival and not result["changed"] and posts(fake) == []


def test_garbage_is_looked_for_after_what_was_running_is_over(fake):
    fake.start_run("acme", MANIFESTS)
    result = run(fake, type=BOTH, if_active="wait", only_if_garbage=True)
    assert fake.untagged("acme") == []
    skipped(result, "no garbage")


# Only if there is garbage


@pytest.mark.parametrize("kind", [MANIFESTS, BOTH])
def test_only_if_garbage(fake, kind):
    started(run(fake, type=kind, only_if_garbage=True, wait=True))
    assert fake.untagged("acme") == []
    skipped(run(fake, type=kind, only_if_garbage=True, min_interval="0s"), "no garbage")
    assert fake.writes == [] and len(fake.runs("acme")) == 1
    skipped(run(fake, type=kind, only_if_garbage=True, min_interval="0s", check_mode=True), "no garbage")
    fake.push("acme", "team/app")
    started(run(fake, type=kind, only_if_garbage=True, min_interval="0s"))


def test_children_of_a_tagged_index_alone_are_no_garbage():
    tagged = dict(APP, manifests=APP["manifests"][:3])
    fake = account({"name": "acme", "repositories": [tagged]})
    skipped(run(fake, type=BOTH, only_if_garbage=True), "no garbage")


def test_an_empty_registry_has_no_garbage():
    fake = account({"name": "acme", "repositories": [{"name": "empty"}]})
    skipped(run(fake, type=BOTH, only_if_garbage=True), "no garbage")
    assert info(fake, garbage=True)["registries"]["garbage"] == dict(GARBAGE, manifests=0, bytes=0, digests=[])


def test_only_if_garbage_is_refused_where_it_cannot_be_known(fake):
    failed(run(fake, only_if_garbage=True), "only_if_garbage")
    assert fake.requests == []


# A lost answer


LOST = [{"drop": True}, {"status": 500}, {"status": 502}, {"status": 504}, {"status": 500, "text": ""}]


@pytest.mark.parametrize("fault", [*LOST, {"truncate": True}])
@pytest.mark.parametrize("ended", [False, True])
def test_a_lost_answer_is_resolved_by_reading_back(fake, fault, ended):
    fake.add_run("acme", status="failed", age_seconds=5)
    fake.faults.append({"method": "POST", "after": True, **fault})
    if ended:
        fake.next("GET", lambda: fake.runs("acme")[0]["status"] in FINAL or fake.finish_run("acme"), "collection$")
        fake.before = only_with_two_runs(fake)
    found = started(run(fake, type=BOTH))
    assert found["ambiguous"] and len(posts(fake)) == 1 and len(fake.runs("acme")) == 2
    assert found["uuid"] == fake.runs("acme")[0]["uuid"] and found["status"] == ("succeeded" if ended else "requested")


def only_with_two_runs(fake):
    def before(method, path):
        runs = fake.registries["acme"]["runs"]
        if method == "GET" and len(runs) == 2 and runs[-1]["status"] not in FINAL:
            fake.finish_run("acme")

    return before


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_question_fails_and_is_not_sent_again(fake, fault):
    fake.add_run("acme", status="failed", age_seconds=5)
    fake.faults.append({"method": "POST", **fault})
    result = failed(run(fake), "POST")
    assert not result["changed"] and len(posts(fake)) == 1 and len(fake.runs("acme")) == 1


def test_a_late_answer_is_a_lost_one(fake):
    fake.faults.append({"method": "POST", "delay": 0.2})
    result = run(fake, timeout=0.05)
    assert len(posts(fake)) == 1 and len(fake.runs("acme")) == 1 and started(result)["ambiguous"]


@pytest.mark.parametrize("retries", [0, 5])
def test_if_reading_back_fails_too_the_user_hears_of_the_start(fake, retries):
    fake.faults.append({**POST_LOST, "after": True})
    fake.next("POST", lambda: fake.faults.append({"method": "GET", "drop": True, "times": 999}))
    failed(run(fake, retries=retries), "POST", "effect is not known")
    assert len(posts(fake)) == 1


def test_if_reading_back_is_refused_the_user_hears_of_the_start(fake):
    fake.faults.append({**POST_LOST, "after": True})
    fake.next("POST", lambda: fake.fail(500, method="GET", times=999))
    failed(run(fake), "POST", "effect is not known")


def test_ambiguous_survives_waiting(fake):
    fake.faults.append({**POST_LOST, "after": True})
    found = started(run(fake, wait=True))
    assert found["ambiguous"] and found["status"] == "succeeded"


def test_a_lost_answer_and_a_time_out_are_a_change(fake):
    fake.switches["stuck_in"] = "scanning manifests"
    fake.faults.append({**POST_LOST, "after": True})
    result = failed(run(fake, wait=True, wait_timeout=60), "read-only")
    assert result["garbage_collection"]["ambiguous"] and result["changed"]


@pytest.mark.parametrize("body", [{}, {"garbage_collection": None}, {"garbage_collection": {}}, [], "", None, 7])
def test_an_answer_without_a_run_is_read_back(fake, body):
    text = "" if body == "" else json.dumps(body)
    fake.faults.append({"method": "POST", "after": True, "status": 201, "text": text})
    found = started(run(fake))
    assert found["uuid"] == fake.runs("acme")[0]["uuid"] and not found["ambiguous"] and len(posts(fake)) == 1


def test_an_answer_without_a_run_and_no_run_is_a_failure(fake):
    fake.faults.append({"method": "POST", "status": 201, "body": {}})
    failed(run(fake), "was accepted, but none is there")
    assert len(posts(fake)) == 1


# Refused starts


CONFLICTS = [(409, "conflict"), (412, "precondition failed"), (422, "only one active garbage collection"), (409, "")]


@pytest.mark.parametrize(("status", "message"), CONFLICTS)
@pytest.mark.parametrize("wait", [True, False])
def test_a_rival_is_adopted(fake, status, message, wait):
    fake.switches["conflict_status"], fake.switches["conflict_message"] = status, message
    rival = []
    fake.next("POST", lambda: rival.append(fake.start_run("acme")))
    found = adopted(run(fake, wait=wait))
    assert [found["uuid"]] == rival and not found["ambiguous"] and len(posts(fake)) == 1
    assert found["status"] == ("succeeded" if wait else "requested")


@pytest.mark.parametrize(("status", "message"), CONFLICTS)
def test_a_rival_that_has_ended_already_is_found_in_the_list(fake, status, message):
    fake.add_run("acme", status="failed", age_seconds=5)
    fake.switches["conflict_status"], fake.switches["conflict_message"] = status, message

    def rush():
        fake.start_run("acme")
        fake.before = only_with_two_runs(fake)

    fake.next("POST", rush)
    assert adopted(run(fake))["status"] == "succeeded"


@pytest.mark.parametrize(("status", "message"), CONFLICTS[:3])
def test_a_refusal_without_a_rival_fails_in_the_vendors_words(fake, status, message):
    fake.fail(status, message, method="POST")
    result = failed(run(fake), message)
    assert not result["changed"] and len(posts(fake)) == 1


@pytest.mark.parametrize("check", ["fail", "wait"])
def test_a_rival_that_does_less_is_not_adopted_against_the_users_will(fake, check):
    fake.next("POST", lambda: fake.start_run("acme", BLOBS))
    result = run(fake, type=BOTH, if_active=check)
    assert result.get("failed") or result["garbage_collection"]["type"] == BOTH, result


def test_a_rival_that_does_less_is_adopted_where_that_will_do(fake):
    fake.next("POST", lambda: fake.start_run("acme", BLOBS))
    assert adopted(run(fake, type=BOTH, if_active="adopt"))["type"] == BLOBS


def test_a_rival_that_is_being_cancelled_is_no_garbage_collection(fake):
    fake.next("POST", lambda: fake.start_run("acme", BLOBS, "cancelling"))
    result = run(fake)
    assert result.get("failed") or result["garbage_collection"]["status"] != "cancelling", result


@pytest.mark.parametrize("everywhere", [True, False])
def test_automated_collection_is_an_outcome_of_its_own(fake, everywhere):
    fake.switches["automated_gc"] = everywhere
    fake.registries["acme"]["automated_gc"] = True
    result = failed(run(fake), "automated garbage collection is enabled")
    assert not result["changed"]
    found = skipped(run(fake, if_automated="ignore"), "provider_managed")
    assert found["uuid"] is None and len(posts(fake)) == 1
    assert not ok(run(fake, if_automated="ignore", wait=True))["uuid"]


@pytest.mark.parametrize("status", [409, 412, 422])
def test_automated_collection_is_recognized_loosely(fake, status):
    fake.fail(status, "Automated Garbage Collection is enabled for this registry.", method="POST")
    skipped(run(fake, if_automated="ignore"), "provider_managed")


def test_automated_collection_is_not_taken_for_a_rival(fake):
    """One that runs by itself is adopted like any other, without an attempt to start one."""
    fake.switches["automated_gc"] = True
    uuid = fake.start_run("acme")
    assert adopted(run(fake))["uuid"] == uuid and fake.writes == []


OTHERS = [fake_module.SEVERAL_REGISTRIES, fake_module.REFERENCED, fake_module.NO_DELETES, "OverRegistryLimit"]


@pytest.mark.parametrize("message", OTHERS)
@pytest.mark.parametrize("if_automated", ["fail", "ignore"])
def test_other_meanings_of_412_are_failures_in_their_own_words(fake, message, if_automated):
    fake.fail(412, message, method="POST")
    failed(run(fake, if_automated=if_automated), message.splitlines()[0].strip())


@pytest.mark.parametrize("status", [400, 404, 405])
def test_other_refusals_are_failures_at_once(fake, status):
    fake.fail(status, method="POST")
    result = failed(run(fake), str(status))
    assert not result["changed"] and [entry["method"] for entry in fake.requests][-1] == "POST"


def test_a_start_is_sent_again_if_there_were_too_many_requests(fake):
    fake.fail(429, method="POST", headers={"retry-after": "7"}, times=2)
    started(run(fake))
    assert [entry["status"] for entry in fake.writes] == [429, 429, 201] and len(fake.runs("acme")) == 1


@pytest.mark.parametrize("deleted_before", ["GET", "POST"])
def test_a_registry_that_is_deleted_meanwhile(fake, deleted_before):
    fake.next(deleted_before, lambda: fake.registries.pop("acme"), "collection$")
    result = failed(run(fake), "404")
    assert not result["changed"]


# Two at a time


class Paired(Staged):
    """Holds back starts until there are two."""

    def __init__(self, *args):
        super().__init__(*args)
        self.pair = threading.Barrier(2)

    def _service(self, request, environ):
        if request.method == "POST":
            self.pair.wait(timeout=20)
        return super()._service(request, environ)


@pytest.mark.parametrize("status", [409, 412, 422])
def test_of_two_at_the_same_time_one_starts_and_the_other_adopts(status):
    fake = Paired({"tokens": [{"as": "admin", "token": TOKEN}], "registries": [{"name": "acme"}]})
    fake.switches["conflict_status"] = status
    options = {**ACCESS, "registries": ["acme"]}
    params = ModuleArgumentSpecValidator(do_registry_gc.MODULE.argument_spec).validate(options).validated_parameters
    with in_its_time(fake), mounted(fake, URL), ThreadPoolExecutor(2) as pool:
        work = [pool.submit(do_registry_gc.MODULE.result, params, False, False) for _number in range(2)]
        results = [task.result()[0] for task in work]
    assert len(fake.runs("acme")) == 1
    assert sorted(ok(result)["adopted"] for result in results) == [False, True]
    assert all(result["changed"] is not ok(result)["adopted"] for result in results)
    assert len({ok(result)["uuid"] for result in results}) == 1


# Waiting


def test_waiting_until_it_is_over(fake):
    found = started(run(fake, type=BOTH, wait=True))
    assert found["status"] == "succeeded" and found["blobs_deleted"] > 0 and found["freed_bytes"] > 9000
    assert [entry["method"] for entry in fake.writes] == ["POST"]


def test_waiting_for_an_adopted_one(fake):
    uuid = fake.start_run("acme")
    found = adopted(run(fake, wait=True))
    assert found["uuid"] == uuid and found["status"] == "succeeded"


def test_what_is_recent_is_not_waited_for(fake):
    fake.add_run("acme", age_seconds=60)
    skipped(run(fake, wait=True))
    assert len(fake.requests) == 4


@pytest.mark.parametrize("interval", [1, 10, 100])
def test_looks_are_poll_interval_apart(fake, interval):
    fake.now_and_then = []
    started(run(fake, wait=True, poll_interval=interval))
    looks = fake.now_and_then[5:]
    assert all(after - before < 1 or after - before >= interval for before, after in zip(looks, looks[1:]))


@pytest.mark.parametrize("extra", [[], ["waiting for delete requests", "scanning for unreferenced blobs", "brand new"]])
@pytest.mark.parametrize("kind", TYPES)
def test_waiting_through_words_that_nobody_knows(fake, kind, extra):
    fake.switches["extra_statuses"] = extra
    assert started(run(fake, type=kind, wait=True, poll_interval=1))["status"] == "succeeded"


def test_waiting_for_write_tokens(fake):
    fake.push("acme", "team/app", "v2")
    assert started(run(fake, wait=True))["status"] == "succeeded"


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_one_that_did_not_succeed_fails_the_task(fake, mine, how):
    if not mine:
        fake.start_run("acme")
    fake.before = lambda method, path: ending(fake, how)
    result = failed(run(fake, wait=True, poll_interval=1), f"ended as {how}")
    assert result["changed"] is mine and result["garbage_collection"]["status"] == how
    assert result["garbage_collection"]["adopted"] is not mine


def ending(fake, how):
    runs = fake.registries["acme"]["runs"]
    if runs and runs[-1]["status"] == "scanning manifests":
        fake.finish_run("acme", how)


@pytest.mark.parametrize("status", ["requested", "waiting for write JWTs to expire", "scanning manifests"])
@pytest.mark.parametrize("mine", [True, False])
def test_after_a_time_out_the_last_look_is_at_hand(fake, status, mine):
    fake.switches["stuck_in"] = status
    if not mine:
        fake.start_run("acme")
    begun = fake.now()
    result = failed(run(fake, wait=True, wait_timeout=300), status, "read-only", "300 seconds", "goes on")
    found = result["garbage_collection"]
    assert found["status"] == status and found["adopted"] is not mine
    assert found["updated_at"] in result["msg"] and found["uuid"] in result["msg"]
    assert 300 <= fake.now() - begun < 320 and result["changed"] is mine
    assert fake.runs("acme")[0]["status"] == status and len(posts(fake)) == mine


def test_what_was_started_is_a_changed_target_also_after_a_time_out(fake):
    fake.switches["stuck_in"] = "scanning manifests"
    assert failed(run(fake, wait=True, wait_timeout=60))["changed_targets"] == ["acme"]


def test_what_was_started_is_a_changed_target_also_if_it_failed(fake):
    fake.switches["fail_in"] = "scanning manifests"
    assert failed(run(fake, wait=True), "ended as failed")["changed_targets"] == ["acme"]


def test_the_time_out_is_for_the_whole_wait(fake):
    fake.switches.update(seconds_requested=50)
    fake.start_run("acme", MANIFESTS)
    fake.next("POST", lambda: fake.switches.update(stuck_in="requested"))
    begun = fake.now()
    failed(run(fake, type=BOTH, if_active="wait", wait=True, wait_timeout=100), "read-only")
    assert len(posts(fake)) == 1 and fake.now() - begun < 130


@pytest.mark.parametrize("misses", [1, 3])
def test_one_that_has_ended_and_is_not_listed_yet_is_looked_for_again(fake, misses):
    fake.add_run("acme", status="failed", age_seconds=60)
    fake.next("POST", lambda: setattr(fake, "unlisted", misses))
    assert started(run(fake, wait=True))["status"] == "succeeded"
    assert fake.unlisted == 0


def test_one_that_is_never_listed_is_given_up(fake):
    fake.next("POST", lambda: setattr(fake, "unlisted", 999))
    result = failed(run(fake, wait=True, poll_interval=100), "not listed")
    assert result["changed"] and result["garbage_collection"]["uuid"] == fake.runs("acme")[0]["uuid"]


def test_another_one_that_was_started_meanwhile_is_not_taken_for_ours(fake):
    uuid = fake.start_run("acme")
    again = []

    def before(method, path):
        runs = fake.registries["acme"]["runs"]
        if not again and runs[-1]["status"] == "deleting unreferenced blobs":
            fake.finish_run("acme")
            again.append(fake.start_run("acme"))

    fake.before = before
    found = adopted(run(fake, wait=True, poll_interval=1))
    assert again and found["uuid"] == uuid and found["status"] == "succeeded"


FAULTS = [
    {"drop": True, "times": 12},
    {"status": 503, "times": 12},
    {"status": 500, "body": {"id": "server_error", "message": "Unexpected server-side error"}},
    {"status": 429, "body": {"id": "too_many_requests", "message": "API rate limit exceeded."}, "times": 12},
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_look_that_failed_does_not_end_the_wait(fake, fault):
    fake.next("POST", lambda: fake.faults.append({"method": "GET", "path": "collection$", **fault}))
    assert started(run(fake, wait=True))["status"] == "succeeded"


@pytest.mark.parametrize("fault", [FAULTS[0], FAULTS[2]])
def test_if_no_look_succeeded_what_is_known_is_at_hand(fake, fault):
    fake.next("POST", lambda: fake.faults.append({"method": "GET", **fault, "times": 9999}))
    result = failed(run(fake, wait=True, wait_timeout=100), "read-only")
    assert result["changed"] and result["garbage_collection"]["uuid"] == fake.runs("acme")[0]["uuid"]


def test_a_look_that_is_not_understood_leaves_what_is_known_at_hand(fake):
    page = {"method": "GET", "path": "collection$", "status": 200, "text": "<html>maintenance</html>", "times": 999}
    fake.next("POST", lambda: fake.faults.append(page))
    result = failed(run(fake, wait=True))
    assert result["changed"] and result["changed_targets"] == ["acme"]
    assert result["garbage_collection"]["uuid"] == fake.runs("acme")[0]["uuid"]


def test_progress_is_told(fake):
    told = []
    options = {**ACCESS, "registries": ["acme"], "wait": True, "poll_interval": 1}
    params = ModuleArgumentSpecValidator(do_registry_gc.MODULE.argument_spec).validate(options).validated_parameters
    with in_its_time(fake), mounted(fake, URL):
        do_registry_gc.MODULE.result(params, False, False, told.append)
    assert len(told) == 5 and all(text.startswith("acme: ") for text in told) and "succeeded" in told[-1]


def test_many_are_awaited_and_reported_one_by_one(fake):
    fake.switches["fail_in"] = "scanning manifests"
    fake.add_run("other", age_seconds=60)
    result = failed(run(fake, registries=["*"], wait=True), "acme", "ended as failed")
    assert list(result["failures"]) == ["acme"]
    assert {name: found["status"] for name, found in result["garbage_collection"].items()} == {
        "acme": "failed",
        "other": "succeeded",
    }


# Absent


def test_absent_cancels_by_uuid_and_then_has_nothing_to_do(fake):
    uuid = fake.start_run("acme")
    result = run(fake, state="absent")
    assert started(result)["status"] == "cancelling" and started(result)["uuid"] == uuid
    assert [(entry["method"], entry["path"], entry["body"]) for entry in fake.writes] == [
        ("PUT", f"/v2/registries/acme/garbage-collection/{uuid}", {"cancel": True})
    ]
    again = run(fake, state="absent")
    assert not again["changed"] and ok(again)["status"] == "cancelling" and fake.writes == []
    fake.advance(60)
    last = run(fake, state="absent")
    assert not last["changed"] and ok(last) is None and fake.writes == []


@pytest.mark.parametrize("answer", ["object", "empty", 204])
@pytest.mark.parametrize("wait", [True, False])
def test_absent_with_any_answer_to_the_cancel(fake, answer, wait):
    fake.switches["cancel_answer"] = answer
    uuid = fake.start_run("acme")
    found = started(run(fake, state="absent", wait=wait))
    assert found["uuid"] == uuid and found["status"] == ("cancelled" if wait else "cancelling")


def test_absent_waits_also_for_what_somebody_else_cancelled(fake):
    fake.start_run("acme", status="cancelling")
    result = run(fake, state="absent", wait=True)
    assert not result["changed"] and ok(result)["status"] == "cancelled"


def test_absent_that_came_too_late_is_no_change(fake):
    fake.switches["cancel_race"] = "before"
    fake.start_run("acme")
    result = run(fake, state="absent", wait=True)
    assert not result["changed"] and result["changed_targets"] == [] and ok(result)["status"] == "succeeded"


def test_absent_that_lost_the_race_is_a_change_and_no_failure(fake):
    fake.switches["cancel_race"] = "after"
    fake.start_run("acme")
    assert started(run(fake, state="absent", wait=True))["status"] == "succeeded"


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 502}, {"truncate": True}])
@pytest.mark.parametrize("seconds", [0, 2])
def test_absent_whose_answer_was_lost_is_a_change(fake, fault, seconds):
    fake.switches["seconds_cancelling"] = seconds
    uuid = fake.start_run("acme")
    fake.faults.append({"method": "PUT", "after": True, **fault})
    result = run(fake, state="absent", wait=True)
    assert fake.runs("acme")[0]["status"] == "cancelled"
    assert ok(result)["uuid"] == uuid and ok(result)["status"] == "cancelled" and result["changed"]


def test_absent_times_out_with_the_last_look_at_hand(fake):
    fake.switches["seconds_cancelling"] = 9999
    uuid = fake.start_run("acme")
    result = failed(run(fake, state="absent", wait=True, wait_timeout=60), uuid, "cancelling", "read-only")
    assert result["changed"] and result["changed_targets"] == ["acme"]
    assert result["garbage_collection"]["status"] == "cancelling"


@pytest.mark.parametrize("status", [400, 409, 412, 422])
def test_absent_that_is_refused_fails(fake, status):
    fake.start_run("acme")
    fake.fail(status, "not now", method="PUT")
    assert not failed(run(fake, state="absent"), "not now")["changed"]


@pytest.mark.parametrize("status", ["waiting for delete requests", "completed", "x"])
def test_absent_cancels_what_has_an_unknown_word(fake, status):
    fake.add_run("acme", status=status, age_seconds=60)
    assert started(run(fake, state="absent", wait=True))["status"] == "cancelled"


def test_absent_of_an_unknown_registry_fails(fake):
    failed(run(fake, registries=["gone"], state="absent"), "there is no registry 'gone'", "acme, other")


# Every switch of the fake, over a whole life

POSITIONS = [
    ("rate_hour", 0),
    ("rate_minute", 0),
    ("conflict_status", 422),
    ("conflict_message", ""),
    ("default_type", BOTH),
    ("unknown_type_status", 400),
    ("read_only_during_run", False),
    ("send_read_only", False),
    ("deletes_refused_during_run", "none"),
    ("send_type", False),
    ("list_meta", False),
    ("list_links", False),
    ("list_order", "oldest"),
    ("list_order", "shuffled"),
    ("empty_links", True),
    ("link_base", "https://elsewhere.test"),
    ("cancel_answer", "empty"),
    ("cancel_answer", 204),
    ("update_without_cancel_status", 200),
    ("storage_time_field", "storage_usage_updated_at"),
    ("time_digits", 9),
    ("empty_latest_manifest", "null"),
    ("request_id_in_body", False),
    ("send_date", False),
    ("seconds_per_request", 1),
    ("latency_ms", 5),
    ("seconds_requested", 0),
    ("seconds_waiting", 900),
    ("seconds_scanning", 0),
    ("seconds_deleting", 0),
    ("seconds_cancelling", 0),
    ("seconds_cancelling", 60),
    ("seconds_extra", 60),
    ("extra_statuses", ["waiting for delete requests", "scanning for unreferenced blobs"]),
    ("manifests_run_shows_deleting", False),
    ("spare_index_children", False),
    ("storage_lag", 0),
    ("current_family_obeys_type", False),
]
ELSEWHERE = {"automated_gc", "cancel_race", "stuck_in", "fail_in"}  # have tests of their own


def test_no_switch_of_the_fake_is_forgotten(fake):
    assert {name for name, _value in POSITIONS} | ELSEWHERE == set(fake.switches)


@pytest.mark.parametrize(("switch", "value"), POSITIONS)
def test_a_life_with_every_switch_in_its_other_position(fake, switch, value):
    fake.switches[switch] = value
    clock = {"controller": 0}
    uuid = started(run(fake, **clock))["uuid"]
    if fake.runs("acme")[0]["status"] not in FINAL:
        assert adopted(run(fake, **clock))["uuid"] == uuid
    fake.advance(2000)
    assert skipped(run(fake, wait=True, **clock))["status"] == "succeeded"
    done = started(run(fake, min_interval="0s", wait=True, **clock))
    assert done["status"] == "succeeded" and done["uuid"] != uuid
    third = started(run(fake, min_interval="0s", **clock))
    gone = started(run(fake, state="absent", wait=True, **clock))
    assert gone["uuid"] == third["uuid"] and gone["status"] == "cancelled"
    found = info(fake, garbage=True, **clock)["registries"]
    assert [item["uuid"] for item in found["runs"]] == [item["uuid"] for item in fake.runs("acme")]
    assert found["active"] is None and found["garbage"] == GARBAGE and found["registry"]["name"] == "acme"


@pytest.mark.parametrize("wait", [True, False])
def test_a_service_that_does_something_else_than_it_was_asked_for_is_told_of(fake, wait):
    fake.switches["current_family_obeys_type"] = False
    result = run(fake, type=MANIFESTS, wait=wait)
    assert fake.runs("acme")[0]["type"] == BLOBS and len(posts(fake)) == 1
    assert result.get("failed") or any(BLOBS in text for text in result["warnings"]), result


# Info


def test_info_without_anything():
    found = info(account({"name": "acme"}))["registries"]
    assert (found["active"], found["runs"], found["garbage"]) == (None, [], None)
    assert found["registry"]["name"] == "acme" and found["registry"]["read_only"] is False


def test_info_while_one_is_running(fake):
    uuid = fake.start_run("acme", BOTH)
    found = info(fake)["registries"]
    assert found["active"]["uuid"] == uuid and found["active"]["type"] == BOTH and found["registry"]["read_only"]
    assert found["runs"] == [found["active"]] and fake.writes == []


@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
@pytest.mark.parametrize("meta", [True, False])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(("most", "count"), [(200, 199), (200, 200), (200, 401), (20, 1), (20, 20), (20, 61)])
def test_info_has_all_runs_newest_first(fake, order, meta, links, most, count, monkeypatch):
    monkeypatch.setattr(fake_module, "MOST_PER_PAGE", most)
    fake.switches.update(list_order=order, list_meta=meta, list_links=links)
    for number in range(count):
        fake.add_run("acme", age_seconds=(number * 7919 % count + 1) * HOUR)
    found = info(fake)["registries"]["runs"]
    assert [item["uuid"] for item in found] == [item["uuid"] for item in fake.runs("acme")] and len(found) == count


def test_an_old_page_is_searched_for_a_recent_success(fake):
    fake.switches["list_order"] = "oldest"
    for number in range(401):
        fake.add_run("acme", age_seconds=(number + 2) * DAY)
    uuid = fake.add_run("acme", age_seconds=HOUR)
    assert skipped(run(fake))["uuid"] == uuid


@pytest.mark.parametrize("body", [{"garbage_collections": None}, {"garbage_collections": [], "links": {}, "meta": {}}])
def test_no_runs_in_other_forms(fake, body):
    fake.faults.append({"path": "garbage-collections", "status": 200, "body": body})
    assert info(fake)["registries"]["runs"] == []


def test_the_estimate_is_what_a_run_would_free(fake):
    found = info(fake, garbage=True)["registries"]["garbage"]
    assert found == GARBAGE and fake.writes == []
    orphan = 9000
    done = started(run(fake, type=BOTH, wait=True))
    assert done["freed_bytes"] == found["bytes"] + orphan  # a lower bound: what nobody names is not listed
    assert info(fake, garbage=True)["registries"]["garbage"] == dict(GARBAGE, manifests=0, bytes=0, digests=[])


@pytest.mark.parametrize("spare", [True, False])
def test_the_estimate_is_never_too_high(fake, spare):
    fake = DigitalOcean()
    fake.switches["spare_index_children"] = spare
    access = dict(ACCESS, digitalocean_token=fake.token("admin"))
    found = info(fake, access=access, garbage=True)["registries"]["garbage"]
    assert found["manifests"] > 0 and found["lower_bound"]
    done = ok(run(fake, access=access, type=BOTH, wait=True, min_interval="0s"))
    assert 0 < found["bytes"] <= done["freed_bytes"]


@pytest.mark.parametrize("most", [20, 200])
def test_the_estimate_reads_all_pages(fake, most, monkeypatch):
    monkeypatch.setattr(fake_module, "MOST_PER_PAGE", most)
    for number in range(45):
        fake.push("acme", f"team/more-{number:02}", "v1")
    for _number in range(230):
        fake.push("acme", "team/app")
    assert info(fake, garbage=True)["registries"]["garbage"]["manifests"] == 232


@pytest.mark.parametrize("missing", [{"tags": None}, {"blobs": None}, {"compressed_size_bytes": None}])
def test_the_estimate_with_less_than_is_documented(fake, missing):
    manifest = {"digest": digest("a"), "tags": [], "blobs": [{"digest": digest("a")}], **missing}
    fake.faults.append({"path": "/digests", "status": 200, "body": {"manifests": [manifest]}, "times": 9})
    found = info(fake, garbage=True)["registries"]["garbage"]
    assert found["manifests"] == 2 and found["bytes"] == 0


def test_a_listing_that_does_not_come_completely_is_a_failure(fake):
    fake.faults.append({"path": "/digests", "status": 200, "body": {"manifests": [], "meta": {"total": 3}}, "times": 9})
    failed(info(fake, garbage=True), "does not go on after 0", "Run again")


# Registries and paths


def test_names_globs_and_the_whole_account():
    fake = account({"name": "acme"}, {"name": "acme-two"}, {"name": "other"})
    assert set(ok(run(fake, registries=["*"]))) == {"acme", "acme-two", "other"}
    assert set(info(fake, registries=["acme*"])["registries"]) == {"acme", "acme-two"}
    assert set(info(fake, registries=["acme", "other", "acme"])["registries"]) == {"acme", "other"}
    assert info(fake, registries=["acme"])["registries"]["registry"]["name"] == "acme"
    result = info(fake, registries=["nothing-*"])
    assert result["registries"] == {} and "matches none of the 3" in result["warnings"][0]
    assert ok(run(account(), registries=["*"])) == {}


def test_an_unknown_registry_fails_and_the_others_are_served(fake):
    result = failed(run(fake, registries=["acme", "gone"]), "there is no registry 'gone'", "acme, other")
    assert result["changed"] and result["changed_targets"] == ["acme"] and list(result["failures"]) == ["gone"]


def test_only_the_current_family_is_used(fake):
    run(fake, type=BOTH, only_if_garbage=True, wait=True)
    fake.start_run("acme")
    for options in ({"state": "absent"}, {}):
        run(fake, **options)
        assert all(entry["path"].startswith("/v2/registries") for entry in fake.requests)


@pytest.mark.parametrize("options", [{}, {"type": BOTH, "only_if_garbage": True, "wait": True}])
def test_the_legacy_family_where_the_current_one_does_not_have_a_listed_registry(fake, options):
    not_found = {"id": "not_found", "message": "The resource you requested could not be found."}
    fake.faults.append({"path": "^/v2/registries/acme", "status": 404, "body": not_found, "times": 9999})
    started(run(fake, **options))
    assert fake.writes[0]["path"] == "/v2/registry/acme/garbage-collection"
    if "wait" not in options:
        started(run(fake, state="absent", wait=True))
        assert fake.writes[0]["path"].startswith("/v2/registry/acme/garbage-collection/")
    found = info(fake, garbage=True)["registries"]
    assert found["registry"]["name"] == "acme" and len(found["runs"]) == 1 and found["garbage"]["lower_bound"]


@pytest.mark.parametrize("answer", [{"status": 500}, {"text": "<html>"}, {"status": 404, "text": "no such route"}])
def test_no_legacy_family_after_other_answers(fake, answer):
    fake.faults.append({"path": "^/v2/registries/acme", "times": 99, **answer})
    failed(run(fake))
    assert fake.writes == [] and not [entry for entry in fake.requests if entry["path"].startswith("/v2/registry/")]


@pytest.mark.parametrize("names", [["Acme"], ["a/b"], [""], ["acme "], ["acme", "../x"], ["a_b"]])
def test_names_that_no_registry_has_are_refused(fake, names):
    failed(run(fake, registries=names), "registries: ")
    assert fake.requests == []


# Tokens and rates


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_token_that_may_only_read_gets_the_name_of_the_scope_that_it_lacks(fake, state):
    if state == "absent":
        fake.start_run("acme")
    access = dict(ACCESS, digitalocean_token=fake.token("reader", ["registry:read"]))
    result = failed(run(fake, access=access, state=state), "registry:update")
    assert not result["changed"] and "registry:read" not in result["msg"]
    assert not info(fake, access=access).get("failed")
    assert not run(fake, access=access, state=state, check_mode=True).get("failed")


@pytest.mark.parametrize("module", ["do_registry_gc", "do_registry_gc_info"])
def test_a_token_that_may_not_read_gets_the_name_of_the_scope_that_it_lacks(fake, module):
    access = dict(ACCESS, digitalocean_token=fake.token("blind", ["registry:update"]))
    failed(run(fake, module, access=access), "registry:read")
    assert fake.writes == []


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "tökén"])
def test_a_token_that_cannot_be_one_is_refused(fake, token):
    failed(run(fake, access=dict(ACCESS, digitalocean_token=token)), "digitalocean_token")
    assert fake.requests == []


@pytest.mark.parametrize("variable", ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN"])
def test_the_token_may_come_from_the_environment(fake, variable, monkeypatch):
    monkeypatch.setenv(variable, TOKEN)
    started(run(fake, access={"digitalocean_url": URL}))


@pytest.mark.parametrize("workers", [1, 8])
def test_a_long_list_never_bursts(workers):
    fake = account(*[{"name": f"r{number:03}"} for number in range(200)])
    fake.switches["rate_hour"] = 0
    fake.now_and_then = []
    result = run(fake, registries=["*"], workers=workers)
    assert len(result["changed_targets"]) == 200 and len(fake.now_and_then) > 1000
    assert {entry["status"] for entry in fake.requests} <= {200, 201, 404}
    times = fake.now_and_then
    assert all(after - before >= 59.5 for before, after in zip(times, times[250:]))


def test_the_burst_limit_is_obeyed_where_somebody_else_used_it_up(fake):
    fake.switches["rate_minute"] = 2
    started(run(fake, wait=True))
    assert 429 in {entry["status"] for entry in fake.requests}


@pytest.mark.parametrize("seconds", [20, 50])
def test_the_hourly_limit_is_waited_for_if_it_ends_soon(fake, seconds):
    """Over this one there is no retry-after: ratelimit-reset says when the oldest request is forgotten."""
    fake.switches["rate_hour"] = 10
    fake._counted[TOKEN] = fake_module.deque([fake.now() + seconds - HOUR] * 10)
    started(run(fake))


def test_the_hourly_limit_is_explained_if_it_lasts(fake):
    fake.switches["rate_hour"] = 10
    fake._counted[TOKEN] = fake_module.deque([fake.now() - 100] * 10)
    result = failed(run(fake), "API rate limit exceeded", "more are allowed 20")
    assert not result["changed"] and fake.runs("acme") == []


@pytest.mark.parametrize("reset", ["", "soon", "9" * 20, "²"])
def test_a_reset_that_is_no_time_is_no_crash(fake, reset):
    headers = {"ratelimit-reset": reset} if reset != "²" else {"ratelimit-reset": "\xb2"}
    fake.fail(429, headers=headers, times=99)
    failed(run(fake), "within an hour")


# Killed between the question and the answer


@contextlib.contextmanager
def own_server():
    """Run serve.py in a process of its own; gives a function that talks to its control plane, and the address."""
    script = Path(fakes.serve.__file__)
    with subprocess.Popen(
        [sys.executable, str(script), "digitalocean"], stdout=subprocess.PIPE, text=True, cwd=script.parents[1]
    ) as server:
        try:
            url = server.stdout.readline().split()[-1]

            def control(name, body=None):
                data = None if body is None else json.dumps(body).encode()
                with urllib.request.urlopen(f"{url}/_fake/{name}", data, timeout=10) as answer:
                    return json.load(answer)

            yield url, control
        finally:
            server.terminate()


def eventually(found, seconds=60):
    """Wait until that is true."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def family(process):
    """Return the ids of a process and of all that come from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [process]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found


def playing(folder, url, token, in_process):
    """Start ansible-playbook with the task; its result goes to result.json in the folder."""
    task = {
        "registry.hygiene.do_registry_gc": {
            "digitalocean_url": url,
            "digitalocean_token": token,
            "registries": ["acme"],
            "min_interval": "0s",
        },
        "register": "found",
    }
    keep = {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(folder / "result.json")}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, keep]}
    (folder / "play.json").write_text(json.dumps([play]))
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(Path(http.__file__).parents[6]),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "REGISTRY_HYGIENE_IN_PROCESS": in_process,
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(folder / "play.json")]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill(process):
    for number in family(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def played(*args):
    """Play to the end; returns the result of the task."""
    with playing(*args) as process:
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    return json.loads((args[0] / "result.json").read_text())


@pytest.fixture(params=["1", "0"], ids=["in process", "as a module"])
def in_process(request):
    return request.param


def test_killed_while_the_start_is_on_its_way(tmp_path, in_process):
    """The server takes its time and handles the start only after our task has died."""
    token = "dop_v1_demo-admin"
    with own_server() as (url, control):
        control("switches", {"seconds_requested": 9999})
        past = len(runs_of(control))
        control("faults", {"method": "POST", "path": "garbage-collection", "delay": 3})
        with playing(tmp_path, url, token, in_process) as process:
            eventually(lambda: control("faults") == [])  # now the server has the request
            kill(process)
        assert control("writes") == [] and not (tmp_path / "result.json").exists()
        eventually(lambda: control("writes"))
        assert len(runs_of(control)) == past + 1
        second = played(tmp_path, url, token, in_process)
        (started_one,) = [found for found in runs_of(control) if found["status"] not in FINAL]
        assert adopted({"changed_targets": [], **second})["uuid"] == started_one["uuid"]
        assert len(runs_of(control)) == past + 1
        assert [entry["method"] for entry in control("writes")] == ["POST"]


def runs_of(control):
    return next(found["runs"] for found in control("state")["registries"] if found["name"] == "acme")


class Slow(DigitalOcean):
    """Handles starts at once and keeps their answers back."""

    def __init__(self, *args):
        super().__init__(*args)
        self.handled, self.over = threading.Event(), threading.Event()

    def __call__(self, environ, start_response):
        body = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            self.handled.set()
            self.over.wait(60)
        return body


def test_killed_while_the_answer_is_on_its_way(tmp_path, in_process):
    fake = Slow({"tokens": [{"as": "admin", "token": TOKEN}], "registries": [{"name": "acme"}]})
    fake.switches["seconds_requested"] = 9999
    with serving(fake) as url:
        try:
            with playing(tmp_path, url, TOKEN, in_process) as process:
                assert fake.handled.wait(60)
                kill(process)
            assert len(fake.runs("acme")) == 1 and not (tmp_path / "result.json").exists()
            second = played(tmp_path, url, TOKEN, in_process)
        finally:
            fake.over.set()
    (only,) = fake.runs("acme")
    assert adopted(second)["uuid"] == only["uuid"] and not second["garbage_collection"]["ambiguous"]
    assert [entry["method"] for entry in fake.writes] == ["POST"]
