# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about DigitalOcean; what all modules share is in test_contract.py."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
import requests
from ansible_collections.registry.hygiene.plugins.module_utils import _http, _wait
from contract.digitalocean_rows import BLOBS, BOTH, TOKEN, URL, digitalocean
from contract.mounts import as_module
from fakes.digitalocean import DigitalOcean
from fakes.mount import mounted
from fakes.serve import serving

ACCESS = {"digitalocean_url": URL, "digitalocean_token": TOKEN}
ACME = {"registries": ["acme"]}
MANIFESTS = "untagged manifests only"
FINAL = ("succeeded", "failed", "cancelled")
LOST = [{"drop": True}, {"status": 500}, {"status": 504}, {"truncate": True}]


@pytest.fixture
def fake():
    return digitalocean()


@contextlib.contextmanager
def clock(fake):
    """Let pauses move the clock of the fake, which is everybody's."""
    with mock.patch.object(_http.time, "sleep", fake.advance), mock.patch.object(_wait.time, "monotonic", fake.now):
        yield


def run(fake, module="do_registry_gc", check_mode=False, **options):
    fake.clear()
    with clock(fake), mounted(fake, URL):
        return as_module(module, {**ACCESS, **options}, check_mode)


def info(fake, **options):
    return run(fake, "do_registry_gc_info", **options)


def gc(result):
    return result["garbage_collection"]


def posts(fake):
    return [entry for entry in fake.writes if entry["method"] == "POST"]


def active(fake, name="acme"):
    return [found for found in fake.runs(name) if found["status"] not in FINAL]


# Present: a recent success, or one that is running


@pytest.mark.parametrize(
    ("past", "wanted", "due"),
    [
        ({"status": "succeeded", "age_seconds": 3600, "type": BLOBS}, BLOBS, False),
        ({"status": "succeeded", "age_seconds": 3600, "type": BOTH}, BLOBS, False),
        ({"status": "succeeded", "age_seconds": 3600, "type": BOTH}, MANIFESTS, False),
        ({"status": "succeeded", "age_seconds": 3600, "type": MANIFESTS}, BLOBS, True),
        ({"status": "succeeded", "age_seconds": 3600, "type": BLOBS}, BOTH, True),
        ({"status": "succeeded", "age_seconds": 8 * 86400, "type": BLOBS}, BLOBS, True),
        ({"status": "failed", "age_seconds": 3600, "type": BLOBS}, BLOBS, True),
        ({"status": "cancelled", "age_seconds": 3600, "type": BLOBS}, BLOBS, True),
    ],
)
@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
def test_what_counts_as_done(fake, past, wanted, due, order):
    fake.switches["list_order"] = order
    for age in (20, 30, 40):
        fake.add_run("acme", status="failed", type=BOTH, age_seconds=age * 86400)
    fake.add_run("acme", **past)
    for check_mode in (True, False):
        result = run(fake, **ACME, type=wanted, min_interval="7d", check_mode=check_mode)
        assert result["changed"] is due, result
    assert len(posts(fake)) == int(due)
    assert bool(gc(result)["skipped_reason"]) is not due


def test_ages_are_told_by_the_server_s_clock(fake):
    fake.advance(-30 * 86400)  # where it is not that late yet
    fake.add_run("acme", status="succeeded", age_seconds=3600, type=BLOBS)
    assert not run(fake, **ACME, min_interval="1d")["changed"]


def test_zero_starts_one_each_time_unless_one_is_running(fake):
    fake.add_run("acme", status="succeeded", age_seconds=60, type=BLOBS)
    assert run(fake, **ACME, min_interval="0s")["changed"]
    assert not run(fake, **ACME, min_interval="0s")["changed"] and len(active(fake)) == 1


def test_all_pages_of_past_runs_are_read(fake):
    for number in range(250):
        fake.add_run("acme", status="failed", age_seconds=1000 + number, type=BLOBS)
    fake.add_run("acme", status="succeeded", age_seconds=9999, type=BLOBS)
    assert not run(fake, **ACME)["changed"]
    assert len(info(fake, **ACME)["registries"]["runs"]) == 251


@pytest.mark.parametrize("status", ["requested", "waiting for delete requests", "a word nobody knows"])
def test_unknown_words_mean_still_running(fake, status):
    fake.switches["extra_statuses"] = ["waiting for delete requests", "a word nobody knows"]
    fake.switches["stuck_in"] = status
    uuid = fake.start_run("acme", BLOBS, status="requested")
    fake.advance(3600)
    result = run(fake, **ACME)
    assert not result["changed"] and gc(result)["uuid"] == uuid and gc(result)["adopted"] and posts(fake) == []


@pytest.mark.parametrize(
    ("if_active", "changed", "failed"), [("adopt", False, False), ("wait", True, False), ("fail", False, True)]
)
def test_one_that_does_less(fake, if_active, changed, failed):
    uuid = fake.start_run("acme", BLOBS)
    result = run(fake, **ACME, type=BOTH, if_active=if_active)
    assert result["changed"] is changed and bool(result.get("failed")) is failed
    if failed:
        assert "if_active: wait" in result["msg"] and posts(fake) == []
    else:
        assert (gc(result)["uuid"] == uuid) is not changed
        assert gc(result)["adopted"] is not changed


@pytest.mark.parametrize("if_active", ["adopt", "wait"])
def test_one_that_is_being_cancelled_is_waited_for(fake, if_active):
    uuid = fake.start_run("acme", BLOBS, status="cancelling")
    result = run(fake, **ACME, if_active=if_active)
    assert result["changed"] and gc(result)["uuid"] != uuid and not gc(result)["adopted"]


@pytest.mark.parametrize("kind", [MANIFESTS, BOTH])
def test_types_that_remove_untagged_manifests_are_a_warning(fake, kind):
    assert "multi-platform" in run(fake, **ACME, type=kind, check_mode=True)["warnings"][0]
    assert "warnings" not in run(fake, **ACME, check_mode=True)


def with_garbage(loose):
    row = {"age_seconds": 9, "size": 10}
    blob = {"digest": "sha256:" + "b" * 64, "size": 500}
    manifests = [
        {**row, "digest": "sha256:" + "1" * 64, "blobs": [blob]},
        {**row, "digest": "sha256:" + "2" * 64, "blobs": [], "children": ["sha256:" + "3" * 64]},
        {**row, "digest": "sha256:" + "3" * 64, "blobs": []},
        *(
            [{**row, "digest": "sha256:" + "4" * 64, "blobs": [{"digest": "sha256:" + "c" * 64, "size": 700}, blob]}]
            if loose
            else []
        ),
    ]
    tags = [{"name": f"v{n}", "digest": "sha256:" + str(n) * 64, "age_seconds": 9} for n in (1, 2)]
    registry = {
        "name": "acme",
        "region": "fra1",
        "repositories": [{"name": "team/app", "manifests": manifests, "tags": tags}],
    }
    return DigitalOcean({"tokens": [{"as": "admin", "token": TOKEN}], "registries": [registry]})


@pytest.mark.parametrize("loose", [True, False])
def test_only_if_garbage_starts_none_without_and_children_are_none(loose):
    fake = with_garbage(loose)
    for check_mode in (True, False):
        assert run(fake, **ACME, type=BOTH, only_if_garbage=True, check_mode=check_mode)["changed"] is loose


def test_the_estimate_is_a_lower_bound_of_what_then_is_freed():
    fake = with_garbage(True)
    garbage = info(fake, **ACME, garbage=True)["registries"]["garbage"]
    assert (
        garbage["manifests"] == 1 and garbage["lower_bound"] and garbage["digests"] == ["team/app@sha256:" + "4" * 64]
    )
    result = run(fake, **ACME, type=BOTH, wait=True)
    assert gc(result)["freed_bytes"] >= garbage["bytes"] >= 700
    assert info(fake, **ACME)["registries"]["garbage"] is None


# Started once


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_resolved_and_flagged(fake, fault):
    fake.faults.append({"method": "POST", "after": True, **fault})
    result = run(fake, **ACME)
    assert result["changed"] and gc(result)["ambiguous"] and not result.get("failed")
    assert len(posts(fake)) == 1 and len(active(fake)) == 1


@pytest.mark.parametrize("fault", LOST[:3])
def test_without_an_effect_nothing_is_sent_again(fake, fault):
    fake.faults.append({"method": "POST", **fault})
    result = run(fake, **ACME)
    assert result["failed"] and not result["changed"] and len(posts(fake)) == 1 and active(fake) == []


@pytest.mark.parametrize("status", [409, 412, 422])
def test_a_rival_s_run_is_adopted_whatever_the_refusal_looks_like(fake, status):
    fake.switches["conflict_status"] = status

    class Racing:
        """Starts a run just before our POST comes."""

        def __call__(self, environ, start_response):
            if environ["REQUEST_METHOD"] == "POST" and not active(fake):
                fake.start_run("acme", BLOBS)
            return fake(environ, start_response)

    with mounted(Racing(), URL):
        result = as_module("do_registry_gc", {**ACCESS, **ACME})
    assert not result["changed"] and result["changed_targets"] == [] and gc(result)["adopted"]
    assert len(active(fake)) == 1


@pytest.mark.parametrize(
    "message", ["manifest is referenced by one or more other manifests", "this API is not supported"]
)
def test_other_refusals_with_412_fail_in_the_words_of_digitalocean(fake, message):
    fake.fail(412, message, method="POST")
    result = run(fake, **ACME)
    assert result["failed"] and not result["changed"] and message in result["msg"]


def test_automated_collection_has_its_own_outcome(fake):
    fake.switches["automated_gc"] = True
    result = run(fake, **ACME)
    assert result["failed"] and not result["changed"] and "automated garbage collection" in result["msg"]
    result = run(fake, **ACME, if_automated="ignore")
    assert not result["changed"] and not result.get("failed")
    assert gc(result)["skipped_reason"].startswith("provider_managed")


def test_two_tasks_at_once_start_one(fake):
    results = []
    barrier = threading.Barrier(2)

    class Meeting:
        """Lets two POSTs come at the same time."""

        def __call__(self, environ, start_response):
            if environ["REQUEST_METHOD"] == "POST":
                barrier.wait(10)
            return fake(environ, start_response)

    script = (
        "import json, sys; sys.path[:0] = json.loads(sys.argv[1]); from contract.mounts import as_module;"
        "print(json.dumps(as_module('do_registry_gc', json.loads(sys.argv[2]))))"
    )
    with serving(Meeting()) as url:
        options = {"digitalocean_url": url, "digitalocean_token": TOKEN, **ACME}
        command = [sys.executable, "-c", script, json.dumps(sys.path), json.dumps(options)]
        tasks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _number in range(2)]
        results = [json.loads(task.communicate(timeout=60)[0].splitlines()[-1]) for task in tasks]
    assert sorted(result["changed"] for result in results) == [False, True]
    assert len({gc(result)["uuid"] for result in results}) == 1 and len(fake.runs("acme")) == 1


# Waiting


@pytest.mark.parametrize("start", [True, False])
def test_waiting_ends_with_the_final_status_and_what_was_freed(fake, start):
    if not start:
        fake.start_run("acme", BLOBS)
    result = run(fake, **ACME, wait=True)
    assert gc(result)["status"] == "succeeded" and result["changed"] is start and gc(result)["adopted"] is not start


def test_a_run_that_fails_fails_the_task(fake):
    fake.switches["fail_in"] = "deleting unreferenced blobs"
    result = run(fake, **ACME, wait=True)
    assert (
        result["failed"]
        and result["changed"]
        and "ended as failed" in result["msg"]
        and gc(result)["status"] == "failed"
    )


def test_after_a_time_out_the_last_look_is_at_hand(fake):
    fake.switches["stuck_in"] = "scanning manifests"
    result = run(fake, **ACME, wait=True, wait_timeout=120)
    assert result["failed"] and result["changed"] and gc(result)["status"] == "scanning manifests"
    for text in ("120 seconds", "scanning manifests since 20", "read-only"):
        assert text in result["msg"]
    assert len(active(fake)) == 1


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}, {"status": 429}])
def test_a_lost_look_is_only_a_lost_look(fake, fault):
    class Shaky:
        """Fails at the first looks after the start."""

        started = False

        def __call__(self, environ, start_response):
            if environ["REQUEST_METHOD"] == "POST" and not self.started:
                self.started = True
                fake.faults.append({"method": "GET", "path": "garbage-collection$", "times": 2, **fault})
            return fake(environ, start_response)

    with clock(fake), mounted(Shaky(), URL):
        result = as_module("do_registry_gc", {**ACCESS, **ACME, "wait": True, "retries": 0})
    assert gc(result)["status"] == "succeeded" and fake.faults == []


# Absent


@pytest.mark.parametrize("answer", ["object", "empty", 204])
def test_cancelling_whatever_the_answer_looks_like(fake, answer):
    fake.switches["cancel_answer"] = answer
    uuid = fake.start_run("acme", BLOBS)
    result = run(fake, **ACME, state="absent")
    assert result["changed"] and gc(result)["uuid"] == uuid and gc(result)["status"] in ("cancelling", "cancelled")
    assert not run(fake, **ACME, state="absent", wait=True)["changed"] and active(fake) == []


@pytest.mark.parametrize("race", ["before", "after"])
def test_a_run_that_wins_the_race_against_its_cancellation(fake, race):
    fake.switches["cancel_race"] = race
    fake.start_run("acme", BLOBS)
    result = run(fake, **ACME, state="absent", wait=True)
    assert not result.get("failed") and result["changed"] is (race == "after") and gc(result)["status"] == "succeeded"


# Positions of the switches


@pytest.mark.parametrize(
    ("switch", "value"),
    [
        ("send_type", False),
        ("send_read_only", False),
        ("list_meta", False),
        ("list_links", False),
        ("list_order", "oldest"),
        ("list_order", "shuffled"),
        ("empty_links", True),
        ("storage_time_field", "storage_usage_updated_at"),
        ("time_digits", 9),
        ("empty_latest_manifest", "null"),
        ("request_id_in_body", False),
        ("send_date", False),
        ("manifests_run_shows_deleting", False),
        ("spare_index_children", False),
        ("extra_statuses", ["waiting for delete requests", "scanning for unreferenced blobs"]),
        ("read_only_during_run", False),
    ],
)
def test_it_works_in_every_position_of_a_switch(fake, switch, value):
    fake.switches[switch] = value
    for number in range(45):
        fake.add_run("acme", status="failed", age_seconds=10**6 + number, type=BLOBS)
    first = run(fake, **ACME)
    assert first["changed"] and not run(fake, **ACME)["changed"]
    assert run(fake, **ACME, state="absent", wait=True)["changed"]
    assert not run(fake, **ACME, state="absent")["changed"]
    assert gc(run(fake, **ACME, wait=True))["status"] == "succeeded"
    assert gc(run(fake, **ACME, min_interval="1h"))["skipped_reason"]
    assert len(info(fake, **ACME)["registries"]["runs"]) == 47
    assert info(with_garbage(True), **ACME, garbage=True)["registries"]["garbage"]["manifests"] == 1


# Registries, rights, limits


def test_an_unknown_registry_is_named_with_those_that_there_are(fake):
    for module in ("do_registry_gc", "do_registry_gc_info"):
        result = run(fake, module, registries=["acme", "acm"])
        assert result["failed"] and "acme-archive" in result["failures"]["acm"]


def test_the_legacy_family_is_used_only_where_the_current_one_lacks_a_registry_that_it_lists(fake):
    missing = {"status": 404, "body": {"id": "not_found", "message": "x"}, "times": 99}
    fake.faults.append({"path": "^/v2/registries/acme", **missing})
    assert run(fake, **ACME)["changed"] and len(active(fake)) == 1
    assert any(entry["path"] == "/v2/registry/acme/garbage-collection" for entry in fake.requests)
    fake.faults.clear()
    run(fake, **ACME)
    assert not any(entry["path"].startswith("/v2/registry/") for entry in fake.requests)


@pytest.mark.parametrize(("scopes", "scope"), [(["registry:read"], "registry:update"), ([], "registry:read")])
def test_a_missing_scope_is_named(fake, scopes, scope):
    result = run(fake, **ACME, digitalocean_token=fake.token("narrow", scopes=scopes))
    assert result["failed"] and not result["changed"] and scope in result["msg"]


@pytest.mark.parametrize("name", ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN"])
def test_the_token_comes_from_the_names_that_users_have(fake, name, monkeypatch):
    monkeypatch.setenv(name, TOKEN)
    with mounted(fake, URL):
        assert not as_module("do_registry_gc_info", {"digitalocean_url": URL, **ACME}).get("failed")


def test_a_long_list_never_bursts_beyond_what_digitalocean_allows():
    registries = [{"name": f"bulk-{number:03}", "region": "fra1"} for number in range(150)]
    fake = DigitalOcean({"tokens": [{"as": "admin", "token": TOKEN}], "registries": registries})
    with mock.patch.object(_http.time, "monotonic", fake.now):
        result = run(fake, registries=["*"], workers=1)
    assert len(result["changed_targets"]) == 150 and not any(entry.get("status") == 429 for entry in fake.requests)


def test_an_exhausted_hour_says_when_it_goes_on(fake):
    fake.switches["rate_hour"] = 1
    result = run(fake, **ACME, retries=1)
    assert result["failed"] and "more are allowed" in result["msg"]


def test_slashes_in_names_of_repositories_do_not_split_the_path():
    assert info(with_garbage(True), **ACME, garbage=True)["registries"]["garbage"]["digests"]


# Killed in between


@pytest.mark.parametrize("in_process", ["1", "0"])
def test_a_task_that_was_killed_after_its_post_is_adopted_by_the_next(fake, in_process, tmp_path):
    started = threading.Event()

    class Slow:
        """Does what a POST asks for, and answers when nobody waits for it any more."""

        def __call__(self, environ, start_response):
            answer = fake(environ, start_response)
            if environ["REQUEST_METHOD"] == "POST":
                started.set()
                time.sleep(3)
            return answer

    play = tmp_path / "play.yml"
    task = {"registry.hygiene.do_registry_gc": ACME}
    play.write_text(json.dumps([{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [task]}]))
    collections = next(path for path in sys.path if os.path.isdir(os.path.join(path, "ansible_collections")))
    with serving(Slow()) as url:
        env = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_HOME": str(tmp_path),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path),
            "ANSIBLE_REMOTE_TEMP": str(tmp_path),
            "DIGITALOCEAN_TOKEN": TOKEN,
            "DIGITALOCEAN_URL": url,
            "NO_PROXY": "127.0.0.1",
            "REGISTRY_HYGIENE_IN_PROCESS": in_process,
        }
        program = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
        command = [program, "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", str(play)]
        first = subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert started.wait(60)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        found = requests.get(
            f"{url}/v2/registries/acme/garbage-collections", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=9
        )
    assert "changed=0" in second.stdout and "failed=0" in second.stdout, second.stdout + second.stderr
    assert len(found.json()["garbage_collections"]) == 1
