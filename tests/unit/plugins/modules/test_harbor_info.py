# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What harbor_purge_info and harbor_gc_info return: runs by filter, order and number, one of them, its log."""

from __future__ import annotations

import pytest
from contract.harbor_tasks import GC, PURGE, TYPES, VERSIONS, failed, harbor, keep, run, started

REAL = {"audit_retention_hour": 24, "dry_run": False, "include_event_types": "pull_artifact"}
HISTORY = [  # the oldest first
    ("Success", "MANUAL", True),
    ("Error", "SCHEDULE", False),
    ("Success", "SCHEDULE", False),
    ("Stopped", "MANUAL", False),
    ("Running", "MANUAL", True),
]


@pytest.fixture
def fake():
    fake = harbor()
    for number, (status, trigger, dry_run) in enumerate(HISTORY):
        started(fake, PURGE, {**REAL, "dry_run": dry_run}, status, age=1000 - number * 100, trigger=trigger)
    started(fake, GC, {"delete_untagged": True}, "Success")
    return fake


def info(fake, kind="purge", **options):
    result = run(fake, f"harbor_{kind}_info", **options)
    assert not result["changed"] and fake.writes == []
    return result


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"sort": "oldest"}, [0, 1, 2, 3, 4]),
        ({"limit": 2}, [4, 3]),
        ({"limit": 1, "sort": "oldest"}, [0]),
        ({"status": ["Error"]}, [1]),
        ({"status": ["Error", "Stopped"]}, [3, 1]),
        ({"status": ["Success"], "limit": 1}, [2]),
        ({"trigger": "schedule"}, [2, 1]),
        ({"trigger": "manual", "status": ["Success", "Running"]}, [4, 0]),
        ({"dry_run": True}, [4, 0]),
        ({"dry_run": False, "trigger": "manual"}, [3]),
        ({"status": []}, [4, 3, 2, 1, 0]),
    ],
)
def test_runs_by_filter_order_and_number(fake, options, numbers):
    first = fake.jobs.of(PURGE)[0].id
    assert [one["id"] - first for one in info(fake, **options)["executions"]] == numbers


def test_a_filter_that_harbor_ignores_is_applied_here(fake):
    everything = run(fake, "harbor_purge_info")["executions"]
    rows = [
        {"id": 9, "job_status": "Error", "job_kind": "MANUAL"},
        {"id": 8, "job_status": "Success", "job_kind": "MANUAL"},
    ]
    fake.faults.append({"path": r"purgeaudit\?", "status": 200, "body": rows})
    assert [one["id"] for one in info(fake, status=["Error"])["executions"]] == [9] and len(everything) == 5


@pytest.mark.parametrize("number", [99, 100, 101, 250])
@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_all_pages_are_read(number, sort):
    fake = harbor()
    wanted = [started(fake, GC, {}, "Success", age=100000 - place).id for place in range(number)]
    found = [one["id"] for one in info(fake, "gc", sort=sort)["executions"]]
    assert found == (wanted if sort == "oldest" else wanted[::-1])
    assert [one["id"] for one in info(fake, "gc", sort=sort, limit=120)["executions"]] == found[:120]


def test_one_run_with_its_log(fake):
    task = run(fake, "harbor_purge_execution", **TYPES, dry_run=True, wait=True)["execution"]
    found = info(fake, id=task["id"], log=True)
    assert found["executions"] == [] and found["execution"]["purged_rows"] == task["purged_rows"] == 9
    assert found["log"].count("\n") == 5 and "[DRYRUN]Purged 7 rows of audit log exts\n" in found["log"]
    assert info(fake, id=task["id"])["log"] is None


def test_a_run_without_a_log(fake):
    found = info(fake, id=fake.jobs.of(PURGE)[0].id, log=True)
    assert (found["log"], found["execution"]["purged_rows"]) == (None, None)


@pytest.mark.parametrize("version", ["2.6", "2.14", "2.16"])
@pytest.mark.parametrize("kind", ["purge", "gc"])
def test_a_run_of_another_kind_and_one_that_is_not_there_are_told_alike(version, kind):
    fake = harbor(version=version)
    ids = [started(fake, GC if kind == "purge" else PURGE, {}, "Success").id, 4711, 2**31 + 5]
    for number in ids:
        failed(info(fake, kind, id=number), f"{number}: Harbor has forgotten it")
        assert not [entry for entry in fake.requests if entry["status"] != 200]


@pytest.mark.parametrize(
    ("options", "text"),
    [({"log": True}, "write the id"), ({"limit": -1}, "limit: -1"), ({"status": ["Failed"]}, "status")],
)
def test_options_that_make_no_sense_are_refused(fake, options, text):
    failed(info(fake, **options), text)
    assert fake.requests == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_address_of_redis_is_never_shown(version):
    fake = harbor(version=version)
    task = run(fake, "harbor_gc_execution", wait=True)["execution"]
    found = info(fake, "gc", id=task["id"], log=True)
    assert "redis" not in str(found["execution"]) and "redis" not in str(info(fake, "gc")["executions"])
    assert "redis" in str(fake.jobs.of(GC)[0].extra)


def test_without_anything():
    for kind in ("purge", "gc"):
        found = info(harbor(), kind)
        wanted = {"schedule": None, "next_scheduled_time": None, "executions": [], "execution": None, "log": None}
        assert {key: found[key] for key in wanted} == wanted


def test_the_next_time_is_told(fake):
    keep(fake, PURGE, REAL)
    assert info(fake)["next_scheduled_time"].endswith("T00:00:00.000Z")
