# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about harbor_purge_execution, and with it about all runs of Harbor; test_runs.py has the rest."""

from __future__ import annotations

import pytest
from contract.harbor_tasks import (
    DAY,
    GC,
    HOUR,
    PURGE,
    TYPES,
    VERSIONS,
    changed,
    failed,
    harbor,
    keep,
    rows,
    run,
    shown,
    started,
    unchanged,
)

SENT = {"audit_retention_hour": 24, "dry_run": False, "include_event_types": "pull_artifact,pull"}
DRY = {**SENT, "dry_run": True}


def task(fake, **options):
    return run(fake, "harbor_purge_execution", **({} if options.get("state") == "stopped" else TYPES), **options)


def execution(result):
    return changed(result, "execution")


@pytest.fixture
def fake():
    return harbor()


def runs(fake, kind=PURGE):
    return [(one.extra, one.status) for one in fake.jobs.of(kind)]


# Starting, and what it brought


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_run_is_waited_for_and_tells_how_many_rows_it_purged(version, dry_run):
    fake = harbor(version=version)
    before = sum(rows(fake))
    found = execution(task(fake, wait=True, dry_run=dry_run))
    number = 2 if version in ("2.6", "2.12") else 2 + 7
    assert (found["status"], found["purged_rows"], found["dry_run"]) == ("Success", number, dry_run)
    assert sum(rows(fake)) == before - (0 if dry_run else number)


def test_without_waiting_it_is_only_started(fake):
    found = execution(task(fake))
    assert (found["status"], found["purged_rows"], found["trigger"]) == ("Running", None, "manual")
    assert [entry["method"] for entry in fake.writes] == ["POST"] and rows(fake) == (15, 6)


def test_the_schedule_is_left_alone(fake):
    keep(fake, PURGE, SENT, "0 0 9 * * *", "Custom")
    execution(task(fake, wait=True))
    assert shown(fake) == ["Custom", "0 0 9 * * *", SENT]


def test_the_status_lags_behind_the_log_and_is_waited_for(fake):
    fake.switches["refresh_seconds"] = 300
    assert execution(task(fake, wait=True))["status"] == "Success"


def test_a_log_that_cannot_be_read_costs_only_the_number(fake):
    fake.faults.append({"path": "/log", "status": 500, "times": 9, "text": ""})
    result = task(fake, wait=True)
    assert execution(result)["purged_rows"] is None and "the purge of the audit log 3" in result["warnings"][0]


# Idempotence


@pytest.mark.parametrize(
    ("parameters", "same"),
    [
        (SENT, True),
        ({**SENT, "include_event_types": "pull,pull_artifact"}, True),
        (DRY, False),
        ({**SENT, "audit_retention_hour": 23}, False),
        ({**SENT, "include_event_types": "pull_artifact"}, False),
    ],
)
def test_a_run_that_goes_on_is_adopted_if_it_does_the_same(fake, parameters, same):
    there = started(fake, PURGE, parameters)
    result = task(fake)
    if same:
        assert unchanged(result, "execution")["id"] == there.id and result["execution"]["adopted"]
    else:
        assert execution(result)["id"] != there.id
    assert len(runs(fake)) == 2 - same


@pytest.mark.parametrize(
    ("status", "parameters", "ago", "recent"),
    [
        ("Success", SENT, HOUR, True),
        ("Success", SENT, 25 * HOUR, False),
        ("Success", DRY, HOUR, False),
        ("Error", SENT, HOUR, False),
        ("Stopped", SENT, HOUR, False),
    ],
)
@pytest.mark.parametrize("controller", [-3650 * DAY, 0, 3650 * DAY])
def test_an_equal_success_within_min_interval_by_the_servers_clock_makes_another_one_needless(
    fake, status, parameters, ago, recent, controller
):
    started(fake, PURGE, parameters, status, age=ago + 10)
    result = task(fake, min_interval="1d", controller=controller)
    if recent:
        assert "min_interval" in unchanged(result, "execution")["skipped_reason"] and fake.writes == []
    else:
        execution(result)
    assert task(fake, min_interval="0s", controller=controller)["execution"]["skipped_reason"] is None


def test_scheduled_runs_count_as_well(fake):
    started(fake, PURGE, SENT, "Success", trigger="SCHEDULE")
    unchanged(task(fake, min_interval="1d"), "execution")


# Bad ends


def meanwhile(fake, do):
    """Do this once, when the task first waits."""
    original, left = fake.advance, [do]

    def advance(seconds):
        if seconds > 1 and left:
            left.pop()()
        return original(seconds)

    fake.advance = advance


@pytest.mark.parametrize("status", ["Error", "Stopped"])
def test_a_run_that_ends_badly_fails_the_task_with_the_tail_of_its_log(fake, status):
    fake.jobs.pause(PURGE, True)
    text = '"one\\ntwo\\nthree\\nfour\\nthe database is gone\\n"'
    fake.faults.append({"path": "/log", "status": 200, "text": text, "times": 2})
    meanwhile(fake, lambda: fake.jobs.fail(fake.jobs.of(PURGE)[0], "", status))
    result = failed(task(fake, wait=True), f"ended as {status}", "two; three; four; the database is gone")
    assert result["changed"] and result["execution"]["status"] == status and "one;" not in result["msg"]


def test_a_run_that_was_stopped_before_it_began_has_no_log(fake):
    fake.jobs.pause(PURGE, True)
    meanwhile(fake, lambda: fake.jobs.stop(3))
    result = failed(task(fake, wait=True), "ended as Stopped")
    assert "warnings" not in result


def test_a_run_that_does_not_end_in_time_goes_on(fake):
    fake.jobs.pause(PURGE, True)
    result = failed(task(fake, wait=True, wait_timeout=60), "not finished within 60 seconds", "goes on")
    assert result["changed"] and runs(fake) == [(SENT, "Running")]


def test_a_run_that_is_forgotten_while_it_is_waited_for_is_told_of(fake):
    fake.jobs.pause(PURGE, True)
    meanwhile(fake, lambda: fake.jobs.forget(fake.jobs.of(PURGE)[0]))
    failed(task(fake, wait=True), "is not listed any more")


# Lost answers


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 504}, {"status": 500, "text": ""}])
def test_a_start_whose_answer_is_lost_is_found_and_not_doubled(fake, fault):
    started(fake, PURGE, SENT, "Success")
    fake.faults.append({"method": "POST", **fault, "after": True})
    assert execution(task(fake))["ambiguous"] and len(runs(fake)) == 2
    fake.jobs.executions.clear()
    fake.faults.append({"method": "POST", **fault})
    failed(task(fake), "POST")
    assert runs(fake) == []


@pytest.mark.parametrize(("parameters", "trigger"), [(DRY, "MANUAL"), (SENT, "SCHEDULE")])
def test_a_run_that_somebody_else_started_is_not_taken_for_the_lost_one(fake, parameters, trigger):
    fake.faults.append({"method": "POST", "drop": True})
    original = fake._next_fault

    def crossed(method, path):
        fault = original(method, path)
        if fault:
            started(fake, PURGE, parameters, trigger=trigger)
        return fault

    fake._next_fault = crossed
    failed(task(fake), "POST")


def test_an_answer_without_the_number_is_looked_after(fake):
    fake.faults.append(
        {"method": "POST", "status": 201, "text": "", "after": True, "headers": {"Location": "/nowhere/0"}}
    )
    assert execution(task(fake))["id"] == 3


# Stopping


def test_all_that_go_on_are_stopped(fake):
    fake.jobs.pause(PURGE, True)
    task(fake)
    task(fake, dry_run=True)
    found = execution(task(fake, state="stopped", wait=True))
    assert found["status"] == "Stopped" and [status for _extra, status in runs(fake)] == ["Stopped", "Stopped"]
    assert unchanged(task(fake, state="stopped"), "execution") is None and fake.writes == []


def test_one_is_stopped_by_its_number(fake):
    fake.jobs.pause(PURGE, True)
    first, second = execution(task(fake))["id"], execution(task(fake, dry_run=True))["id"]
    execution(task(fake, state="stopped", id=first, wait=True))
    assert [status for _extra, status in runs(fake)] == ["Stopped", "Running"]
    unchanged(task(fake, state="stopped", id=first), "execution")
    execution(task(fake, check_mode=True, state="stopped", id=second))


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_run_of_another_kind_is_never_stopped(fake, check_mode):
    other = started(fake, GC, {})
    failed(task(fake, state="stopped", id=other.id, check_mode=check_mode), "of another kind", f"{other.id}")
    assert fake.writes == [] and other.status == "Running"
    failed(task(fake, state="stopped", id=4711), "there is no purge of the audit log 4711")
    unchanged(task(fake, state="stopped"), "execution")
    assert other.status == "Running"


def test_a_purge_that_works_already_ends_by_itself_and_that_is_fine(fake):
    fake.switches["start_seconds"] = 0
    task(fake)
    found = task(fake, state="stopped", wait=True)
    assert found["execution"]["status"] == "Success" and not found.get("failed")


# The preview of the server


def test_the_servers_preview_comes_first(fake):
    found = execution(task(fake, preview="server", wait=True))
    assert found["server_preview"]["purged_rows"] == found["purged_rows"] == 9
    assert [extra["dry_run"] for extra, _status in runs(fake)] == [True, False] and rows(fake) == (8, 4)


def test_nothing_is_previewed_where_nothing_is_started(fake):
    started(fake, PURGE, SENT)
    assert unchanged(task(fake, preview="server"), "execution")["server_preview"] is None and fake.writes == []
    result = task(fake, check_mode=True, preview="server", dry_run=True)
    assert execution(result)["status"] == "requested" and "check mode does without" in result["warnings"][0]


@pytest.mark.parametrize(
    ("version", "options", "text"),
    [
        ("2.13", {"include_event_types": ["update_project"]}, "Harbor 2.13 knows no 'update_project'"),
        ("2.16", {"include_event_types": ["pull"]}, "purges by include_event_types"),
        ("2.12", {"include_operations": []}, "purges by include_operations"),
    ],
)
def test_what_the_version_does_not_know_is_refused_before_anything_is_started(version, options, text):
    fake = harbor(version=version)
    failed(run(fake, "harbor_purge_execution", **{**TYPES, **options}), text)
    assert fake.writes == []
