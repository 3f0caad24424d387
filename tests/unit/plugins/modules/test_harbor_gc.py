# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about harbor_gc_schedule and harbor_gc_execution; test_harbor_purge_*.py have what they share."""

from __future__ import annotations

import pytest
from contract.harbor_tasks import (
    DAY,
    GC,
    HOUR,
    PURGE,
    VERSIONS,
    body,
    changed,
    failed,
    harbor,
    keep,
    later,
    run,
    shown,
    started,
    stored,
    unchanged,
)


def digest(letter):
    return "sha256:" + letter * 64


def image(letter, tags, **more):
    layers = [{"digest": digest("f"), "size": 20000}, {"digest": digest(str("abcde".index(letter))), "size": 300}]
    times = {"blob_age_hours": 30, "push_seconds_ago": 40 * DAY}
    return {
        "digest": digest(letter),
        "size": 20300,
        "tags": [{"name": name} for name in tags],
        "blobs": layers,
        **times,
        **more,
    }


# A tagged image, two untagged ones that share a layer with it, and an index whose child has no tag of its own.
APP = {
    "name": "team/app",
    "artifacts": [
        image("a", ["v1"]),
        image("b", []),
        image("c", []),
        image("d", []),
        {
            "digest": digest("e"),
            "size": 500,
            "tags": [{"name": "multi"}],
            "push_seconds_ago": 9,
            "references": [{"digest": digest("d"), "platform": {"architecture": "arm64", "os": "linux"}}],
        },
    ],
}
ON, OFF = {"delete_untagged": True}, {"delete_untagged": False}


@pytest.fixture
def fake():
    return shop()


def shop(**state):
    return harbor(projects=[{"name": "acme", "repositories": [APP]}], **state)


def digests(fake):
    repository = fake.store.named("acme").repositories["team/app"]
    return sorted(artifact.digest[7] for artifact in repository.artifacts)


def collect(fake, **options):
    return run(fake, "harbor_gc_execution", **options)


def plan(fake, **options):
    return run(fake, "harbor_gc_schedule", **options)


def execution(result):
    return changed(result, "execution")


# Numbers


def test_the_numbers_of_a_run_and_that_a_dry_one_overestimates(fake):
    dry = execution(collect(fake, **ON, dry_run=True, wait=True))
    real = execution(collect(fake, **ON, wait=True))
    assert dry["overestimate"] and not real["overestimate"] and digests(fake) == ["a", "d", "e"]
    assert real["freed_space"] > 0 and dry["freed_space"] - real["freed_space"] == 2 * 20000  # the layer that is shared
    assert (dry["purged_blobs"], real["purged_blobs"]) == (4, 2) and real["purged_manifests"] == 2
    again = execution(collect(fake, **OFF, dry_run=True, wait=True))
    assert (again["freed_space"], again["purged_blobs"], again["overestimate"]) == (0, 0, False)


def test_what_has_not_ended_has_no_numbers_that_could_be_too_high(fake):
    found = execution(collect(fake, **ON, dry_run=True))
    assert (found["status"], found["freed_space"], found["overestimate"]) == ("Running", None, False)


def test_before_2_9_there_are_no_numbers():
    found = execution(collect(shop(version="2.6"), wait=True))
    assert [found[key] for key in ("freed_space", "purged_blobs", "workers", "delete_tag")] == [None] * 4


def test_a_stopped_run_has_deleted_something_all_the_same(fake):
    fake.jobs.pause(GC, True)
    original = fake.advance

    def advance(seconds):
        if seconds > 1:
            fake.jobs.stop(fake.jobs.of(GC)[-1].id)
        return original(seconds)

    fake.advance = advance
    result = failed(collect(fake, wait=True), "ended as Stopped", "deleted until then is gone, and counted nowhere")
    assert result["execution"]["freed_space"] is None


# Versions


@pytest.mark.parametrize(
    ("version", "workers", "text"),
    [
        ("2.6", 1, "Harbor 2.6 has none"),
        ("2.12", 6, "Harbor 2.12 takes 1 to 5"),
        ("2.12", 5, None),
        ("2.13", 10, None),
        ("2.16", 10, None),
    ],
)
def test_the_range_of_workers_is_that_of_the_version(version, workers, text):
    for module in (collect, plan):
        fake = shop(version=version)
        result = module(fake, workers=workers, **({"schedule": "daily"} if module is plan else {}))
        if text:
            failed(result, text)
            assert fake.writes == []
        else:
            assert result["changed"] and body(fake)[0]["parameters"]["workers"] == workers


@pytest.mark.parametrize("version", VERSIONS)
def test_delete_tag_is_only_there_since_2_15(version):
    fake = shop(version=version)
    result = collect(fake, delete_tag=True)
    if version == "2.16":
        assert execution(result)["delete_tag"] is True
    else:
        failed(result, f"Harbor {version} has no such thing, it came with 2.15")
    fake = shop(version=version)
    execution(collect(fake, delete_tag=False))
    assert ("delete_tag" in body(fake)[0]["parameters"]) is (version == "2.16")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_schedule_in_every_version(version):
    fake = shop(version=version)
    changed(plan(fake, schedule="weekly", **ON))
    unchanged(plan(fake, schedule="weekly", **ON))
    unchanged(plan(fake, delete_tag=False))
    changed(plan(fake, cron="0 30 2 * * *"))
    assert stored(fake, GC).parameters["delete_untagged"] is True
    later(fake, 2 * DAY)
    assert digests(fake) == ["a", "d", "e"]
    changed(plan(fake, state="absent"))
    unchanged(plan(fake, state="absent"))


# What is not named stays


def test_a_write_keeps_what_the_task_does_not_name(fake):
    keep(fake, GC, {"delete_untagged": True, "workers": 4, "delete_tag": True, "dry_run": False})
    changed(plan(fake, schedule="hourly", dry_run=False))
    assert stored(fake, GC).parameters == {"delete_untagged": True, "workers": 4, "delete_tag": True, "dry_run": False}


def test_workers_that_are_not_given_are_one(fake):
    keep(fake, GC, {})
    unchanged(plan(fake, workers=1, delete_untagged=False))
    changed(plan(fake, workers=2))


# dry_run, which cannot be read back


def test_dry_run_is_no_drift_for_ever_but_seen_once_the_schedule_has_fired(fake):
    changed(plan(fake, schedule="daily", dry_run=True))
    assert stored(fake, GC).parameters["dry_run"] is True
    for _time in range(2):
        assert unchanged(plan(fake, schedule="daily", dry_run=True))["dry_run"] is None
    unchanged(plan(fake, schedule="daily", dry_run=False))  # nothing tells
    later(fake, DAY + 60)
    assert unchanged(plan(fake, schedule="daily", dry_run=True))["dry_run"] is True
    unchanged(plan(fake, schedule="daily"))
    result = plan(fake, schedule="daily", dry_run=False)
    changed(result)
    assert result["plan"]["lines"] == ["~ garbage collection: dry_run: true  ->  false"]
    assert stored(fake, GC).parameters["dry_run"] is False
    unchanged(plan(fake, schedule="daily", dry_run=False))


def test_a_dry_run_that_is_known_is_kept(fake):
    changed(plan(fake, schedule="daily", dry_run=True))
    later(fake, DAY + 60)
    result = plan(fake, schedule="weekly")
    changed(result)
    assert stored(fake, GC).parameters["dry_run"] is True and "warnings" not in result


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_dry_run_that_is_not_known_may_be_lost_with_a_warning(fake, check_mode):
    keep(fake, GC, {"dry_run": True})
    result = plan(fake, schedule="weekly", check_mode=check_mode)
    changed(result)
    assert "Set dry_run" in result["warnings"][0]
    assert "warnings" not in plan(fake, schedule="weekly", dry_run=False, cron="0 0 1 * * *", check_mode=check_mode)


# Runs that do as much


@pytest.mark.parametrize(
    ("there", "wanted", "enough"),
    [
        (ON, ON, True),
        (ON, OFF, True),
        (OFF, ON, False),
        ({**ON, "dry_run": True}, ON, False),
        ({**ON, "dry_run": True}, {**ON, "dry_run": True}, True),
        ({**ON, "dry_run": True}, {**OFF, "dry_run": True}, False),
        (OFF, {**OFF, "dry_run": True}, False),
        ({**OFF, "workers": 7}, {**OFF, "workers": 2}, True),
    ],
)
@pytest.mark.parametrize("status", ["Running", "Success"])
def test_a_run_that_deletes_at_least_as_much_will_do(fake, there, wanted, enough, status):
    started(fake, GC, there, status)
    result = collect(fake, **wanted, min_interval="1h")
    assert result["changed"] is not enough and len(fake.writes) == (not enough)


# Foresight and limits


def test_check_mode_names_the_untagged_artifacts_that_would_go(fake):
    for module, options in ((collect, {}), (plan, {"schedule": "weekly"})):
        found = module(fake, check_mode=True, **ON, **options)["plan"]
        assert (found["images"]["count"], found["images"]["total"], found["images"]["estimate"]) == (2, 5, False)
        worst = found["worst"][0]
        assert worst["target"] == "acme/team/app" and {one["digest"][7] for one in worst["images"]} == {"b", "c"}
        assert {one["because"] for one in worst["images"]} == {"no tag reaches it"}
        # The slash within the name is encoded twice, of which the log shows one: nginx decodes the other.
        assert [entry for entry in fake.requests if "/acme/repositories/team%2Fapp/artifacts?" in entry["path"]]


@pytest.mark.parametrize("options", [OFF, {**ON, "dry_run": True}])
def test_nothing_is_listed_where_no_artifact_goes(fake, options):
    for result in (collect(fake, check_mode=True, **options), plan(fake, check_mode=True, schedule="daily", **options)):
        assert result["plan"]["images"]["count"] == 0
        assert not [entry for entry in fake.requests if "/projects" in entry["path"]]


@pytest.mark.parametrize(
    ("limit", "refused"),
    [
        ({"max_deletions": 1}, "max_deletions"),
        ({"max_deletions": 2}, None),
        ({"max_deletions_percent": 39}, "max_deletions_percent"),
        ({"min_keep": 4}, "min_keep"),
        ({"min_keep": 3}, None),
        ({"protect": [".*"]}, "protect"),
        ({"protect": ["v1"]}, None),
    ],
)
@pytest.mark.parametrize("module", [collect, plan])
def test_limits_hold(fake, limit, refused, module):
    result = module(fake, **ON, **limit, **({"schedule": "weekly"} if module is plan else {}))
    if refused:
        failed(result, f"refused by {refused}")
        assert fake.writes == [] and stored(fake, GC) is None and fake.jobs.of(GC) == []
    else:
        assert result["changed"]


def test_what_the_schedule_would_delete_anyway_is_told_apart(fake):
    changed(plan(fake, schedule="daily", **ON))
    added = {"max_deletions": 0, "limits_count": "added"}
    fake.faults.append({"path": "trigger=SCHEDULE", "status": 403, "body": {"errors": [{"code": "FORBIDDEN"}]}})
    failed(plan(fake, schedule="weekly", dry_run=False, **added), "refused by max_deletions")  # it may have been dry
    started(fake, GC, {**ON, "dry_run": False}, "Success", age=-HOUR, trigger="SCHEDULE")
    result = plan(fake, schedule="weekly", **added)
    assert changed(result)["cron"] == "0 0 0 * * 0" and result["plan"]["images"]["anyway_count"] == 2


def test_without_a_forecast_no_limit_can_hold(fake):
    fake.faults.append({"path": "/artifacts", "status": 403, "times": 9, "body": {"errors": [{"code": "FORBIDDEN"}]}})
    failed(collect(fake, **ON, max_deletions=9), "no forecast", "artifact:list in all projects")
    assert fake.writes == []
    fake.faults[:] = [{**fake.faults[0], "times": 9}]
    assert "no forecast" in collect(fake, **ON, check_mode=True)["warnings"][0]


@pytest.mark.parametrize(
    ("preview", "listed"), [("no", False), ("yes", True), (True, True), (False, False), ("server", True)]
)
def test_without_check_mode_and_limits_artifacts_are_listed_only_for_a_preview(fake, preview, listed):
    result = collect(fake, **ON, preview=preview)
    assert any("/artifacts" in entry["path"] for entry in fake.requests) is listed and result["changed"]


def test_the_servers_preview_is_a_dry_run_of_the_same(fake):
    found = execution(collect(fake, **ON, preview="server", wait=True))
    assert found["server_preview"]["overestimate"] and found["server_preview"]["purged_blobs"] == 4
    assert [run.extra["dry_run"] for run in fake.jobs.of(GC)] == [True, False]
    found = changed(plan(fake, schedule="daily", **ON, preview="server"))
    assert found["server_preview"]["purged_manifests"] == 0


def test_the_purge_is_left_alone(fake):
    keep(fake, PURGE, {"audit_retention_hour": 24, "dry_run": True, "include_event_types": "login_user"})
    before = shown(fake)
    changed(plan(fake, schedule="daily"))
    changed(plan(fake, state="absent"))
    execution(collect(fake, wait=True))
    assert shown(fake) == before and fake.jobs.of(PURGE) == []
