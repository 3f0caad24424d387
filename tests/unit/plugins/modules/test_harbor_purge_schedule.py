# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about harbor_purge_schedule, and with it about all schedules of Harbor."""

from __future__ import annotations

import pytest
from contract.harbor_tasks import (
    DAY,
    PURGE,
    TYPES,
    VERSIONS,
    body,
    changed,
    failed,
    harbor,
    keep,
    later,
    rows,
    run,
    shown,
    stored,
    unchanged,
)

NIGHTLY = {"schedule": "daily", **TYPES}
KEY = {"2.6": "include_operations", "2.12": "include_operations"}
STORED = {"audit_retention_hour": 24, "dry_run": False, "include_event_types": "pull_artifact,pull"}
LEFT = {"audit_retention_hour": 24, "dry_run": True, "include_operations": "pull,delete"}


def task(fake, **options):
    return run(fake, "harbor_purge_schedule", **options)


@pytest.fixture
def fake():
    return harbor()


# Versions


@pytest.mark.parametrize("version", VERSIONS)
def test_one_task_works_from_2_6_to_2_16_and_purges_what_it_names(version):
    fake = harbor(version=version)
    changed(task(fake, **NIGHTLY))
    key = KEY.get(version, "include_event_types")
    assert set(stored(fake).parameters) == {"audit_retention_hour", "dry_run", key}
    unchanged(task(fake, **NIGHTLY))
    later(fake, 2 * DAY)
    assert rows(fake) == ((15, 4) if version in KEY else (5, 4))
    changed(task(fake, state="absent"))
    assert stored(fake) is None
    unchanged(task(fake, state="absent"))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_is_asked_once_and_by_one_who_is_signed_in(version):
    fake = harbor(version=version)
    changed(task(fake, **NIGHTLY))
    asked = [entry for entry in fake.requests if entry["path"].endswith("/systeminfo")]
    assert len(asked) == 1 and asked[0]["headers"]["authorization"].startswith("Basic ")


def test_before_2_6_there_is_no_purge(fake):
    fake.switches["version"] = "2.5"
    fake.faults.append({"path": "purgeaudit", "status": 404, "times": 9,
                        "body": {"errors": [{"code": "NOT_FOUND", "message": "path /x was not found"}]}})  # fmt: skip
    failed(task(fake, **NIGHTLY), "since 2.6")


@pytest.mark.parametrize(
    ("version", "options", "text"),
    [
        (
            "2.13",
            {"include_event_types": ["create_member"]},
            "Harbor 2.13 knows no 'create_member'. Did you mean 'create_",
        ),
        ("2.16", {"include_event_types": None}, "Harbor 2.16 purges by include_event_types"),
        ("2.16", {"include_event_types": ["pull"]}, "Harbor 2.16 purges by include_event_types"),
        ("2.12", {"include_operations": None}, "Harbor 2.12 purges by include_operations"),
        ("2.16", {"audit_retention_hour": None}, "audit_retention_hour is not set"),
        ("2.16", {"schedule": None}, "set schedule to hourly, daily or weekly"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_the_version_does_not_know_or_a_new_schedule_lacks_is_refused(version, options, text, check_mode):
    fake = harbor(version=version)
    given = {name: value for name, value in {**NIGHTLY, **options}.items() if value is not None}
    failed(task(fake, check_mode=check_mode, **given), text)
    assert fake.writes == [] and stored(fake) is None


def test_old_words_among_the_event_types_mean_the_old_table(fake):
    names = ["pull", "create_artifact", "delete"]
    found = changed(task(fake, schedule="daily", audit_retention_hour="24h", include_event_types=names))
    assert (found["include_event_types"], found["include_operations"]) == (["create_artifact"], ["delete", "pull"])
    unchanged(task(fake, include_event_types=names))


# What was stored before an upgrade


def test_a_schedule_from_before_2_13_counts_as_changed_and_purges_again_once_it_is_written():
    fake = harbor(version="2.12")
    changed(task(fake, schedule="daily", audit_retention_hour=24, include_operations=["pull", "delete"]))
    fake.switches["version"] = "2.16"
    later(fake, DAY + 60)
    assert rows(fake)[0] == 15  # it fired, and purged nothing of the new table
    info = run(fake, "harbor_purge_info")["schedule"]
    assert not info["active"] and info["include_operations"] == ["delete", "pull"]
    failed(task(fake, audit_retention_hour=24), "purges by include_event_types, and there are none to keep")
    result = task(fake, include_event_types=["pull_artifact"])
    found = changed(result)
    assert found["active"] and found["include_operations"] == ["delete", "pull"]
    assert any("does nothing" in line for line in result["plan"]["lines"])
    unchanged(task(fake, include_event_types=["pull_artifact"]))
    later(fake, DAY)
    assert rows(fake)[0] == 5


def test_even_one_that_looks_the_same_is_rewritten(fake):
    keep(fake, PURGE, {"audit_retention_hour": 24, "include_operations": "pull"})
    options = {**TYPES, "include_event_types": ["pull_artifact"]}
    changed(task(fake, **options))
    assert shown(fake)[2] == STORED


def test_both_keys_are_fine(fake):
    keep(fake, PURGE, {**STORED, "include_operations": "delete"})
    unchanged(task(fake, **NIGHTLY))


# What is not named stays


@pytest.mark.parametrize(
    ("options", "now"),
    [
        ({"audit_retention_hour": 48}, {"audit_retention_hour": 48}),
        ({"include_event_types": ["login_user"]}, {"include_event_types": "login_user,pull"}),
        ({"include_operations": []}, {"include_event_types": "pull_artifact"}),
        ({"dry_run": False}, {"dry_run": False}),
        ({"schedule": "hourly"}, {}),
        ({"cron": "0 0 4 * * *"}, {}),
    ],
)
def test_a_write_keeps_all_that_the_task_does_not_name(fake, options, now):
    keep(fake, PURGE, {**STORED, "dry_run": True})
    changed(task(fake, **options))
    assert stored(fake).parameters == {**STORED, "dry_run": True, **now}


# Comparison


@pytest.mark.parametrize(
    ("names", "same"),
    [
        ("pull_artifact,pull", True),
        ("pull,pull_artifact,pull", True),
        (",pull,,pull_artifact,", True),
        ("pull_artifact,pull,no_such_type", True),  # Harbor drops what it does not know
        ("pull_artifact,pull, login_user", True),  # and what begins with a blank
        ("pull_artifact, pull", False),
        ("pull_artifact,pull,login_user", False),
        ("Pull_artifact,pull", False),
        (["pull_artifact", "pull"], False),  # a list counts as nothing
    ],
)
def test_lists_of_types_are_compared_as_harbor_understands_them(fake, names, same):
    keep(fake, PURGE, {**STORED, "include_event_types": names})
    assert task(fake, **NIGHTLY)["changed"] is not same
    unchanged(task(fake, **NIGHTLY))


@pytest.mark.parametrize(
    ("held", "options"),
    [
        ({"dry_run": "true"}, {"dry_run": True}),  # to Harbor a text is no boolean: this one purges
        ({"audit_retention_hour": "24"}, {"audit_retention_hour": 24}),  # and this one counts as 0
        ({"audit_retention_hour": True}, {"audit_retention_hour": 24}),
    ],
)
def test_values_of_the_wrong_type_count_as_harbor_counts_them(fake, held, options):
    keep(fake, PURGE, {**STORED, **held})
    changed(task(fake, **options))
    assert stored(fake).parameters == {**STORED, **options}


def test_hours_that_purge_nothing_are_not_kept(fake):
    keep(fake, PURGE, {**STORED, "audit_retention_hour": 0})
    failed(task(fake, dry_run=True), "audit_retention_hour is not set, and there is none to keep")
    assert fake.writes == []


def test_the_seconds_of_older_builds_are_no_difference_and_are_not_written_again():
    fake = harbor(version="2.6")
    keep(fake, PURGE, {"audit_retention_hour": 24, "include_operations": "pull"}, "17 0 0 * * *")
    fake.switches["version"] = "2.12"
    unchanged(task(fake, schedule="daily"))
    changed(task(fake, audit_retention_hour=25))
    assert stored(fake).cron == "0 0 0 * * *"


@pytest.mark.parametrize(
    ("options", "word", "cron"),
    [
        ({"schedule": "hourly"}, "Hourly", "0 0 * * * *"),
        ({"schedule": "daily"}, "Daily", "0 0 0 * * *"),
        ({"schedule": "weekly"}, "Weekly", "0 0 0 * * 0"),
        ({"schedule": "custom", "cron": "0 5 5 * * *"}, "Custom", "0 5 5 * * *"),
        ({"schedule": "daily", "cron": "0 5 5 * * *"}, "Daily", "0 5 5 * * *"),
        ({"cron": "0 0 0 * * 0"}, "Weekly", "0 0 0 * * 0"),
        ({"cron": "TZ=Europe/Berlin 0 0 0 * * *"}, "Custom", "TZ=Europe/Berlin 0 0 0 * * *"),
    ],
)
def test_words_and_crons(fake, options, word, cron):
    options = {**TYPES, **options}
    changed(task(fake, **options))
    assert shown(fake)[:2] == [word, cron]
    unchanged(task(fake, **options))
    unchanged(task(fake, cron=cron))


def test_a_word_means_its_cron_and_not_the_one_that_is_there(fake):
    keep(fake, PURGE, STORED, "0 0 3 * * *")
    changed(task(fake, schedule="daily"))
    assert shown(fake)[:2] == ["Daily", "0 0 0 * * *"]


@pytest.mark.parametrize(("given", "sent"), [("yes", True), ("true", True), ("no", False), (True, True), (0, False)])
def test_what_people_write_for_true_is_sent_as_a_boolean(fake, given, sent):
    changed(task(fake, **NIGHTLY, dry_run=given))
    assert stored(fake).parameters["dry_run"] is sent
    unchanged(task(fake, **NIGHTLY, dry_run=given))


# Dead schedules


def test_a_schedule_that_is_listed_but_dead_is_revived(fake):
    keep(fake, PURGE, STORED, dead=True)
    result = task(fake, **NIGHTLY)
    assert changed(result)["active"] and any("does nothing" in line for line in result["plan"]["lines"])
    unchanged(task(fake, **NIGHTLY))
    later(fake, 2 * DAY)
    assert rows(fake) == (5, 4)
    unchanged(task(fake, **NIGHTLY))  # now its status is Success, which is as good as Running


# Concurrent writers and lost answers


@pytest.mark.parametrize("status", [404, 409])
def test_a_crossed_write_is_tried_again_after_a_look(fake, status):
    words = {"errors": [{"code": "X", "message": "execution 7 not found"}]}
    fake.faults.append({"method": "PUT", "status": status, "body": words, "times": 2})
    changed(task(fake, **NIGHTLY))
    assert [entry["status"] for entry in fake.writes] == [status, status, 200] and shown(fake)[2] == STORED


@pytest.mark.parametrize("status", [404, 409])
def test_somebody_else_who_wrote_the_same_is_good_enough(fake, status):
    words = {"errors": [{"code": "X", "message": "execution 7"}]}
    fake.faults.append({"method": "PUT", "status": status, "body": words})
    original = fake._next_fault

    def crossed(method, path):
        fault = original(method, path)
        if fault:
            keep(fake, PURGE, STORED)
        return fault

    fake._next_fault = crossed
    result = task(fake, **NIGHTLY)
    unchanged(result)
    assert len(fake.writes) == 1


def test_writers_who_never_let_it_through_are_told_of(fake):
    keep(fake, PURGE, STORED, "0 0 9 * * *", "Custom")
    words = {"errors": [{"code": "CONFLICT", "message": "conflict"}]}
    fake.faults.append({"method": "PUT", "status": 409, "body": words, "times": 9})
    failed(task(fake, **NIGHTLY), "Somebody else writes the schedule", "custom (0 0 9 * * *)", "Run again")


def test_what_harbor_took_but_does_not_show_is_a_failure(fake):
    fake.faults.append({"method": "PUT", "status": 200, "body": {}})
    failed(task(fake, **NIGHTLY), "Harbor took the schedule but shows another one: there is none")


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}])
@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_is_asked_for_again(fake, fault, after):
    fake.faults.append({"method": "PUT", **fault, "after": after})
    changed(task(fake, **NIGHTLY))
    assert shown(fake)[2] == STORED and len(fake.writes) == 2


def test_a_write_that_broke_down_is_looked_after(fake):
    fake.faults.append({"method": "PUT", "status": 500, "text": "", "after": True, "headers": {"X-Request-Id": "r-17"}})
    changed(task(fake, **NIGHTLY))
    fake.faults.append({"method": "PUT", "status": 500, "text": "", "headers": {"X-Request-Id": "r-18"}})
    result = failed(task(fake, schedule="weekly"), "X-Request-Id, r-18", "It is now: daily (0 0 0 * * *)")
    assert not result["changed"]


@pytest.mark.parametrize("kind", ["text/html", "text/plain", ""])
def test_an_empty_answer_that_is_not_harbors_is_no_absence(fake, kind):
    empty = {"status": 200, "text": "", "headers": {"Content-Type": kind}}
    fake.faults.append({"method": "GET", "path": "schedule", **empty})
    failed(task(fake, state="absent"), "instead of JSON")


@pytest.mark.parametrize("parameters", ['"{"', '"[]"', "5", "[]"])
def test_parameters_that_are_none_are_not_understood(fake, parameters):
    text = f'{{"schedule": {{"type": "Daily", "cron": "0 0 0 * * *"}}, "job_parameters": {parameters}}}'
    fake.faults.append({"method": "GET", "path": "schedule", "status": 200, "text": text})
    failed(task(fake, state="absent"), "/system/purgeaudit/schedule answered")
    assert fake.writes == []


# The preview of the server


def test_the_servers_preview_tells_how_many_rows_it_would_purge(fake):
    found = changed(task(fake, **NIGHTLY, preview="server"))
    assert found["server_preview"]["purged_rows"] == 7 + 2 and rows(fake) == (15, 6)
    runs = fake.jobs.of(PURGE)
    assert [run.extra["dry_run"] for run in runs if run.tasks] == [True]
    assert shown(fake)[2] == STORED
    assert unchanged(task(fake, **NIGHTLY, preview="server"))["server_preview"] is None and fake.writes == []


def test_check_mode_starts_no_preview_and_says_so(fake):
    result = task(fake, check_mode=True, **NIGHTLY, preview="server")
    assert changed(result)["server_preview"] is None and "check mode does without" in result["warnings"][0]
    assert "warnings" not in task(fake, **NIGHTLY, preview="server")


def test_a_preview_that_does_not_end_keeps_the_schedule_from_being_written(fake):
    fake.switches["start_seconds"] = 1e9
    failed(task(fake, **NIGHTLY, preview="server", wait_timeout=60), "the preview by the server", "wait_timeout")
    assert stored(fake) is None


@pytest.mark.parametrize("options", [{"state": "absent"}, {**NIGHTLY, "dry_run": True}])
def test_nothing_is_previewed_of_what_deletes_nothing(fake, options):
    keep(fake, PURGE, STORED)
    changed(task(fake, **options, preview="server"))
    assert [entry["method"] for entry in fake.writes] == ["PUT"]


# Plans


def test_a_plan_file_holds_the_schedule_and_a_task_to_it(fake, tmp_path):
    path = str(tmp_path / "plan.json")
    task(fake, check_mode=True, **NIGHTLY, plan_file=path)
    failed(task(fake, **{**NIGHTLY, "audit_retention_hour": 48}, plan=path), "refused by plan", "audit log")
    assert stored(fake) is None
    changed(task(fake, **NIGHTLY, plan=path))


def test_deleting_sends_the_full_parameters(fake):
    keep(fake, PURGE, STORED)
    changed(task(fake, state="absent"))
    assert body(fake) == [
        {
            "schedule": {"type": "None"},
            "parameters": {"audit_retention_hour": 1, "dry_run": True, "include_event_types": ""},
        }
    ]
