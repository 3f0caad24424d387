# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about do_registry_gc; test_runs.py has what all runs share, test_contract.py what all modules do."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible_collections.registry.hygiene.plugins.modules import do_registry_gc
from contract.clock import in_its_time
from contract.digitalocean_tasks import (
    ACCESS,
    APP,
    BLOBS,
    BOTH,
    DAY,
    FINAL,
    GARBAGE,
    HOUR,
    MANIFESTS,
    TOKEN,
    TYPES,
    URL,
    Staged,
    account,
    acme,
    adopted,
    failed,
    info,
    ok,
    posts,
    run,
    skipped,
    started,
)
from fakes.digitalocean import errors
from fakes.mount import mounted


@pytest.fixture
def fake():
    return acme()


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


@pytest.mark.parametrize(("ended", "recent"), [(HOUR - 5, True), (HOUR + 5, False)])
@pytest.mark.parametrize("digits", [0, 9])
def test_min_interval_is_counted_from_the_end(fake, ended, recent, digits):
    fake.switches["time_digits"] = digits
    fake.add_run("acme", age_seconds=2 * HOUR, updated_age_seconds=ended)
    assert run(fake, min_interval="60m")["changed"] is not recent


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

LESS = [(BLOBS, BOTH), (MANIFESTS, BOTH), (MANIFESTS, BLOBS), (BLOBS, MANIFESTS)]
COVERED = [(BOTH, BOTH), (BOTH, MANIFESTS), (BOTH, BLOBS), (BLOBS, BLOBS), (MANIFESTS, MANIFESTS)]


@pytest.mark.parametrize("if_active", ["adopt", "wait", "fail"])
@pytest.mark.parametrize(("there", "wanted"), [*LESS, *COVERED])
def test_what_becomes_of_one_that_is_running(fake, there, wanted, if_active):
    uuid = fake.start_run("acme", there)
    result = run(fake, type=wanted, if_active=if_active)
    if if_active == "adopt" or (there, wanted) in COVERED:
        assert adopted(result)["uuid"] == uuid and fake.writes == []
    elif if_active == "fail":
        assert not failed(result, uuid, there, "if_active: wait")["changed"] and fake.writes == []
    else:
        assert started(result)["uuid"] != uuid and posts(fake) == [{"type": wanted}]
        assert [(found["type"], found["status"]) for found in fake.runs("acme")][1] == (there, "succeeded")


@pytest.mark.parametrize("if_active", ["adopt", "wait", "fail"])
def test_one_that_is_being_cancelled_is_none_to_adopt(fake, if_active):
    fake.start_run("acme", BOTH, "cancelling")
    result = run(fake, type=BOTH, if_active=if_active)
    if if_active == "fail":
        failed(result, "cancelling")
    else:
        assert started(result) and [found["status"] for found in fake.runs("acme")] == ["requested", "cancelled"]


def test_without_a_type_a_run_is_what_the_vendor_does_by_default(fake):
    fake.switches["send_type"] = False
    fake.start_run("acme", BOTH)
    adopted(run(fake, type=BLOBS, if_active="fail"))
    failed(run(fake, type=BOTH, if_active="fail"), BLOBS)


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
def test_a_lost_answer_is_resolved_by_reading_back(fake, fault):
    fake.add_run("acme", status="failed", age_seconds=5)
    fake.faults.append({"method": "POST", "after": True, **fault})
    found = started(run(fake, type=BOTH))
    assert found["ambiguous"] and len(posts(fake)) == 1 and len(fake.runs("acme")) == 2
    assert found["uuid"] == fake.runs("acme")[0]["uuid"]


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


@pytest.mark.parametrize("body", [{}, {"garbage_collection": None}, {"garbage_collection": {}}, [], "", None, 7])
def test_an_answer_without_a_run_is_read_back(fake, body):
    text = "" if body == "" else json.dumps(body)
    fake.faults.append({"method": "POST", "after": True, "status": 201, "text": text})
    found = started(run(fake))
    assert found["uuid"] == fake.runs("acme")[0]["uuid"] and not found["ambiguous"] and len(posts(fake)) == 1


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


@pytest.mark.parametrize(("status", "message"), CONFLICTS[:3])
def test_a_refusal_without_a_rival_fails_in_the_vendors_words(fake, status, message):
    fake.fail(status, message, method="POST")
    result = failed(run(fake), message)
    assert not result["changed"] and len(posts(fake)) == 1


@pytest.mark.parametrize("everywhere", [True, False])
def test_automated_collection_is_an_outcome_of_its_own(fake, everywhere):
    fake.switches["automated_gc"] = everywhere
    fake.registries["acme"]["automated_gc"] = True
    assert not failed(run(fake), "automated garbage collection is enabled", "if_automated: ignore")["changed"]
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


OTHERS = [errors.SEVERAL_REGISTRIES, errors.REFERENCED, errors.NO_DELETES, "OverRegistryLimit"]


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


def test_what_is_recent_is_not_waited_for(fake):
    fake.add_run("acme", age_seconds=60)
    skipped(run(fake, wait=True))
    assert len(fake.requests) == 4


@pytest.mark.parametrize("extra", [[], ["waiting for delete requests", "scanning for unreferenced blobs", "brand new"]])
@pytest.mark.parametrize("kind", TYPES)
def test_waiting_through_words_that_nobody_knows(fake, kind, extra):
    fake.switches["extra_statuses"] = extra
    assert started(run(fake, type=kind, wait=True, poll_interval=1))["status"] == "succeeded"


def test_waiting_for_write_tokens(fake):
    fake.push("acme", "team/app", "v2")
    assert started(run(fake, wait=True))["status"] == "succeeded"


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_one_that_did_not_succeed_fails_the_task(fake, how):
    fake.start_run("acme")
    (there,) = fake.registries["acme"]["runs"]
    fake.before = lambda method, path: there["status"] == "scanning manifests" and fake.finish_run("acme", how)
    result = failed(run(fake, wait=True, poll_interval=1), f"({BLOBS}) ended as {how}")
    assert not result["changed"] and result["garbage_collection"]["status"] == how


@pytest.mark.parametrize("status", ["requested", "waiting for write JWTs to expire", "scanning manifests"])
def test_after_a_time_out_the_registry_is_read_only(fake, status):
    fake.switches["stuck_in"] = status
    result = failed(run(fake, wait=True, wait_timeout=300), status, "read-only", "300 seconds", "goes on")
    found = result["garbage_collection"]
    assert found["status"] == status and found["updated_at"] in result["msg"] and found["uuid"] in result["msg"]
    assert result["changed"] and fake.runs("acme")[0]["status"] == status


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


def test_absent_that_came_too_late_is_no_change(fake):
    fake.switches["cancel_race"] = "before"
    fake.start_run("acme")
    result = run(fake, state="absent", wait=True)
    assert not result["changed"] and result["changed_targets"] == [] and ok(result)["status"] == "succeeded"


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 502}])
def test_absent_whose_question_was_lost_and_that_came_too_late_is_no_change(fake, fault):
    fake.switches["cancel_race"] = "before"
    fake.start_run("acme")
    fake.faults.append({"method": "PUT", **fault})
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


def test_an_old_page_is_searched_for_a_recent_success(fake):
    fake.switches["list_order"] = "oldest"
    for number in range(401):
        fake.add_run("acme", age_seconds=(number + 2) * DAY)
    uuid = fake.add_run("acme", age_seconds=HOUR)
    assert skipped(run(fake))["uuid"] == uuid
