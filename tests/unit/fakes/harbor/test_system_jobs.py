# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traps of Harbor's purge and garbage collection that no recording covers: versions, schedules, stopping, time."""

from __future__ import annotations

import json

import pytest
from fakes._base import Dropped
from fakes.harbor import cron

PURGE, GC = "/system/purgeaudit", "/system/gc"
HOUR, DAY = 3600, 86400
TYPES = {"audit_retention_hour": 24, "include_event_types": "pull_artifact"}
BLOB = {"digest": "sha256:" + "b" * 64, "size": 4000}


def body(kind, parameters=None, cron_text="0 0 0 * * *"):
    return {"schedule": {"type": kind, "cron": cron_text}, "parameters": TYPES if parameters is None else parameters}


def image(digest="a", **more):
    tags = [{"name": "v1"}]
    return {
        "digest": "sha256:" + digest * 64,
        "size": 5000,
        "tags": tags,
        "blobs": [BLOB],
        "blob_age_hours": 30,
        **more,
    }


def shop(*artifacts):
    return [{"name": "shop", "repositories": [{"name": "app", "artifacts": list(artifacts)}]}]


@pytest.mark.parametrize(
    ("version", "key", "other"),
    [
        ("2.6", "include_operations", "include_event_types"),
        ("2.12", "include_operations", "include_event_types"),
        ("2.13", "include_event_types", "include_operations"),
        ("2.16", "include_event_types", "include_operations"),
    ],
)
def test_the_purge_wants_the_key_of_its_version(harbor, version, key, other):
    caller = harbor(version=version)
    wrong = caller.message("PUT", f"{PURGE}/schedule", body("Daily", {"audit_retention_hour": 1, other: ""}))
    assert wrong == (400, f"bad request: {key} should provide")
    both = {"audit_retention_hour": 1, key: "", other: ""}
    assert caller("PUT", f"{PURGE}/schedule", body("Daily", both)).status_code == 200
    assert json.loads(caller("GET", f"{PURGE}/schedule").get_json()["job_parameters"]) == both


def test_a_schedule_from_before_the_upgrade_purges_nothing(harbor):
    rows = [{"event_type": "pull_artifact", "age_hours": 99, "count": 3}]
    caller = harbor(
        version="2.12", audit_rows=rows, old_audit_rows=[{"operation": "pull", "age_hours": 99, "count": 2}]
    )
    old = {"audit_retention_hour": 24, "include_operations": "pull"}
    assert caller("PUT", f"{PURGE}/schedule", body("Daily", old)).status_code == 200
    caller.fake.switches["version"] = "2.16"
    caller.wait(DAY + 60)
    run = caller("GET", PURGE).get_json()[0]
    assert json.loads(run["job_parameters"])["include_event_types"] == ""
    assert (
        "Purged 0 rows of audit log exts" in caller("GET", f"{PURGE}/{run['id']}/log", headers={"Accept": "*/*"}).text
    )
    assert caller("GET", "/auditlog-exts?page_size=1").headers["X-Total-Count"] == "3"
    assert caller("GET", "/audit-logs?page_size=1").headers["X-Total-Count"] == "2"


def test_up_to_2_12_only_the_old_table_is_purged(harbor):
    caller = harbor(version="2.12", old_audit_rows=[{"operation": "pull", "age_hours": 99, "count": 2}])
    parameters = {"audit_retention_hour": 24, "include_operations": "pull"}
    number = caller.make(f"{PURGE}/schedule", body("Manual", parameters))
    caller.wait(60)
    log = caller("GET", f"{PURGE}/{number}/log", headers={"Accept": "text/plain"}).text
    assert "Purged 2 rows of audit logs" in log
    assert "exts" not in log


@pytest.mark.parametrize(
    ("version", "workers", "status"), [("2.12", 5, 200), ("2.12", 6, 400), ("2.13", 10, 200), ("2.13", 11, 400)]
)
def test_the_most_workers_depend_on_the_version(harbor, version, workers, status):
    caller = harbor(version=version)
    assert caller("PUT", f"{GC}/schedule", body("Daily", {"workers": workers})).status_code == status


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("2.6", {"delete_untagged"}),
        ("2.14", {"delete_untagged", "workers"}),
        ("2.16", {"delete_untagged", "workers", "delete_tag"}),
    ],
)
def test_a_gc_schedule_shows_what_its_version_knows(harbor, version, keys):
    caller = harbor(version=version)
    caller("PUT", f"{GC}/schedule", body("Daily", {"delete_untagged": True, "delete_tag": True, "workers": 2}))
    assert set(json.loads(caller("GET", f"{GC}/schedule").get_json()["job_parameters"])) == keys


@pytest.mark.parametrize(("version", "leaks"), [("2.14", True), ("2.15", True), ("2.15.1", False), ("2.16", False)])
def test_runs_leak_the_address_of_redis_up_to_2_15_0(harbor, version, leaks):
    caller = harbor(version=version)
    number = caller.make(f"{GC}/schedule", body("Manual", {}))
    assert ("redis_url_reg" in caller("GET", f"{GC}/{number}").get_json()["job_parameters"]) is leaks


@pytest.mark.parametrize(("version", "status"), [("2.8", 422), ("2.9", 200)])
def test_the_type_schedule_is_known_from_2_9_on(harbor, version, status):
    parameters = {**TYPES, "include_operations": ""}
    assert harbor(version=version)("PUT", f"{PURGE}/schedule", body("Schedule", parameters)).status_code == status


@pytest.mark.parametrize(("version", "status"), [("2.15", 500), ("2.16", 404)])
def test_an_unknown_purge_is_a_crash_up_to_2_15(harbor, version, status):
    assert harbor(version=version)("GET", f"{PURGE}/4711").status_code == status


@pytest.mark.parametrize("text", ["0 0 0 31 2 *", "0 , 0 * * *", "0 0 0 30 2 ?"])
@pytest.mark.parametrize("path", [PURGE, GC])
def test_a_cron_that_never_fires_is_never_answered_and_not_stored(harbor, path, text):
    caller = harbor()
    assert caller("PUT", f"{path}/schedule", body("Daily")).status_code == 200
    with pytest.raises(Dropped):
        caller("PUT", f"{path}/schedule", body("Custom", cron_text=text))
    assert caller("GET", f"{path}/schedule").get_json()["schedule"]["cron"] == "0 0 0 * * *"
    assert [entry["status"] for entry in caller.fake.writes] == [200, None]


def test_a_schedule_that_a_late_failure_stopped_is_listed_and_fires_no_more_until_it_is_written_again(harbor):
    caller = harbor()
    caller("PUT", f"{PURGE}/schedule", body("Hourly", cron_text="0 0 * * * *"))
    assert caller("PUT", f"{PURGE}/schedule", body("Custom", cron_text="0" + " " * 60 + "0 7 * * *")).status_code == 500
    assert caller("GET", f"{PURGE}/schedule").get_json()["job_status"] == "Stopped"
    caller.wait(2 * HOUR)
    assert caller("GET", PURGE).get_json() == []
    caller("PUT", f"{PURGE}/schedule", body("Hourly", cron_text="0 0 * * * *"))
    caller.wait(2 * HOUR)
    assert len(caller("GET", PURGE).get_json()) == 2
    assert caller("GET", f"{PURGE}/schedule").get_json()["job_status"] == "Success"


def test_runs_wait_for_one_another_and_the_status_comes_after_the_log(harbor):
    caller = harbor()
    first, second = (caller.make(f"{PURGE}/schedule", body("Manual")) for _number in range(2))
    caller.fake.advance(3)
    log = caller("GET", f"{PURGE}/{first}/log", headers={"Accept": "text/plain"})
    assert "rows of audit log exts" in log.text
    assert caller("GET", f"{PURGE}/{first}").get_json()["job_status"] == "Running"
    assert caller("GET", f"{PURGE}/{second}/log").status_code == 404
    caller.fake.advance(60)
    assert [run["job_status"] for run in caller("GET", PURGE).get_json()] == ["Success", "Success"]


def test_before_2_8_the_status_does_not_lag(harbor):
    caller = harbor(version="2.6")
    number = caller.make(f"{GC}/schedule", body("Manual", {}))
    caller.fake.advance(5)
    assert caller("GET", f"{GC}/{number}").get_json()["job_status"] == "Success"


def test_a_collection_stopped_in_the_middle_has_deleted_something_and_counts_nothing(harbor):
    blobs = [{"digest": f"sha256:{number:064x}", "size": 10} for number in range(40)]
    caller = harbor(projects=shop(image(blobs=blobs, deleted=True)))
    caller.fake.switches["gc_blobs_per_second"] = 10
    number = caller.make(f"{GC}/schedule", body("Manual", {}))
    caller.fake.advance(4)
    assert caller("PUT", f"{GC}/{number}").status_code == 200
    caller.fake.advance(40)
    run = caller("GET", f"{GC}/{number}").get_json()
    assert run["job_status"] == "Stopped"
    assert "freed_space" not in run["job_parameters"]
    assert 0 < len(caller.fake.store.blobs) < 41
    assert "received the stop signal" in caller("GET", f"{GC}/{number}/log", headers={"Accept": "text/plain"}).text


def test_a_purge_that_works_does_not_look_for_a_stop(harbor):
    caller = harbor()
    number = caller.make(f"{PURGE}/schedule", body("Manual"))
    caller.fake.advance(2)
    caller("GET", "/ping")
    assert caller("PUT", f"{PURGE}/{number}").status_code == 200
    caller.fake.advance(60)
    assert caller("GET", f"{PURGE}/{number}").get_json()["job_status"] == "Success"


def test_stopping_through_the_wrong_kind_stops_all_the_same(harbor):
    caller = harbor()
    caller("PUT", "/jobservice/queues/GARBAGE_COLLECTION", {"action": "pause"})
    number = caller.make(f"{GC}/schedule", body("Manual", {}))
    assert caller("PUT", f"{PURGE}/{number}").status_code == 200
    caller.fake.advance(2)
    assert caller("GET", f"{GC}/{number}").get_json()["job_status"] == "Stopped"


def test_delete_untagged_deletes_young_images_but_not_their_blobs_nor_children_of_an_index(harbor):
    child = image("c", tags=[], blobs=[])
    index = image("d", blobs=[], references=[{"digest": child["digest"]}])
    caller = harbor(projects=shop(image("a"), image("e", tags=[], blob_age_hours=0.1), child, index))
    caller.make(f"{GC}/schedule", body("Manual", {"delete_untagged": True}))
    caller.wait(120)
    left = caller("GET", "/projects/shop/repositories/app/artifacts?q=base=*").get_json()
    assert sorted(item["digest"][7] for item in left) == ["a", "c", "d"]
    run = json.loads(caller("GET", GC).get_json()[0]["job_parameters"])
    assert (run["freed_space"], run["purged_blobs"], run["purged_manifests"]) == (0, 0, 0)


def test_the_nightly_sweep_keeps_the_newest_runs_where_the_switch_says_so(harbor):
    caller = harbor()
    caller.fake.switches["nightly_sweep"] = True
    numbers = [caller.make(f"{PURGE}/schedule", body("Manual")) for _number in range(12)]
    caller.wait(DAY)
    caller.wait(DAY)
    assert caller("GET", PURGE).headers["X-Total-Count"] == "10"
    assert caller("GET", f"{PURGE}/{numbers[0]}").status_code == 404


@pytest.mark.parametrize(
    ("text", "strict", "error"),
    [
        ("0 0 0 * * *", True, None),
        ("5 0 0 * * *", True, cron.SECONDS),
        ("5 0 0 * * *", False, None),
        ("5  0 0 * * *", True, None),
        ("\t0 0 3 * * *", True, cron.SECONDS),
        ("0\t0 3 * * *", True, None),
        ("TZ=UTC 5 0 0 * * *", True, None),
        ("0 0 0 1/2/3 * *", True, "too many slashes: 1/2/3"),
        ("0 99 x * * *", True, "end of range (99) above maximum (59): 99"),
    ],
)
def test_reads_crons_as_the_server_does(text, strict, error):
    if error is None:
        assert cron.check(text, strict).fields
        return
    with pytest.raises(cron.BadCron, match=error.replace("(", "\\(").replace(")", "\\)")):
        cron.check(text, strict)


@pytest.mark.parametrize(
    ("text", "after", "following"),
    [
        ("0 0 0 * * *", 0, DAY),
        ("0 */15 * * * *", 899, 900),
        ("0 */15 * * * *", 900, 1800),
        ("0 0 0 1 1 1", 0, 4 * DAY),  # either of both days: Monday, 5 January 1970
        ("0 0 0 13 * FRI", 0, DAY),
        ("0 0 0 */2 * FRI", DAY, 2 * DAY),  # a step is no star: 3 January
        ("TZ=Asia/Tokyo 0 0 0 * * *", 0, 15 * HOUR),
    ],
)
def test_knows_when_a_cron_fires(text, after, following):
    assert cron.parse(text).next(after) == following
