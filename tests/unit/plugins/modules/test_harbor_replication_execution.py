# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from contract.harbor_remotes import REPLICATION, harbor, image, policies, run, writes
from contract.harbor_tasks import VERSIONS, changed, failed, later, unchanged

MODULE, INFO = "harbor_replication_execution", "harbor_replication_info"
by_version = pytest.mark.parametrize("version", VERSIONS)
PULL = {
    "name": "mirror",
    "src_registry": {"name": "hub"},
    "enabled": True,
    "dest_namespace": "mirror",
    "override": True,
}
PUSH = {"name": "push", "dest_registry": {"name": "dr"}, "enabled": True, "override": True}
LOCKED = {**PUSH, "name": "locked", "dest_registry": {"name": "limited"}, "dest_namespace": "locked"}
NOON = {"type": "scheduled", "trigger_settings": {"cron": "0 0 12 * * *"}}


def start(fake, name="mirror", wait=True, **options):
    return run(fake, MODULE, policies=[name], wait=wait, **options)


def shown(fake):
    """Return name -> tags of all repositories that the fake's own projects hold."""
    return {
        f"{project['name']}/{repository['name']}": sorted(
            tag["name"] for artifact in repository["artifacts"] for tag in artifact["tags"]
        )
        for project in fake.state()["projects"]
        for repository in project["repositories"]
    }


@by_version
def test_an_execution_is_started_waited_for_and_counted(version):
    fake = harbor(version, replication_policies=[PULL])
    foretold = start(fake, check_mode=True)
    assert changed(foretold, "execution") == {"status": "requested", "policy": "mirror"}
    done = changed(start(fake), "execution")
    assert (done["status"], done["outcome"], done["policy"], done["trigger"]) == (
        "Succeed",
        "replicated",
        "mirror",
        "manual",
    )
    assert [done[key] for key in ("total", "succeed", "failed", "in_progress", "stopped")] == [2, 2, 0, 0, 0]
    assert done["failed_tasks"] == [] and done["conflicts_count"] == 0 and done["end_time"]
    assert shown(fake)["mirror/alpine"] == ["3.18", "3.19", "latest"]
    assert foretold["plan"]["lines"] == ["+ mirror: replicate now: pulls from hub into mirror: everything; manual"]
    recent = unchanged(start(fake, min_interval="1h"), "execution")
    assert recent["id"] == done["id"] and "min_interval" in recent["skipped_reason"]


def test_one_that_runs_is_adopted_however_it_was_started():
    fake = harbor(replication_policies=[{**PULL, "trigger": NOON, "speed": 1}])
    fake.jobs.execution(REPLICATION, 1, "SCHEDULE", {})
    adopted = unchanged(start(fake, wait=False), "execution")
    assert adopted["adopted"] and adopted["trigger"] == "scheduled" and adopted["outcome"] == "running"
    assert len(fake.jobs.of(REPLICATION, 1)) == 1


def test_a_disabled_policy_gives_the_plain_reason():
    fake = harbor(replication_policies=[{**PULL, "enabled": False}])
    for check_mode in (True, False):
        failed(start(fake, check_mode=check_mode), "the policy is disabled", "set enabled: true")
        assert fake.writes == []
    fake = harbor(replication_policies=[PULL])
    fake.next("POST", lambda: setattr(policies(fake)["mirror"], "enabled", False))
    failed(start(fake), "412", "disabled", "enabled: true")


def test_a_policy_that_is_not_there_is_an_error_and_names_the_one_that_was_meant():
    fake = harbor(replication_policies=[PULL])
    failed(start(fake, "miror"), "there is no replication policy 'miror'", "'mirror'")
    # In check mode, an earlier task of the play may be about to make it.
    foreseen = start(fake, "miror", check_mode=True)
    assert foreseen["plan"]["lines"] == ["+ miror: replicate now, as soon as there is such a policy"]
    assert "Did you mean 'mirror'?" in foreseen["warnings"][0] and not fake.writes
    failed(start(fake, "miror", check_mode=True, state="stopped"), "there is no replication policy 'miror'")
    nothing = run(fake, MODULE, policies=["x*"])
    assert not nothing["changed"] and "matches none" in nothing["warnings"][0]


@pytest.mark.parametrize(
    "declared, started, refused",
    [
        ([{"name": "off", "enabled": True}, {"name": "new"}], {"mirror", "off", "new"}, {}),
        ([{"name": "off"}, {"name": "new", "enabled": "no"}], {"mirror"}, {"off": "disabled", "new": "disabled"}),
        ([{"name": "mirror", "enabled": False}], set(), {"mirror": "disabled", "off": "disabled"}),
        ([{"name": "mirror", "state": "absent"}], set(), {"off": "disabled"}),
    ],
)
def test_check_mode_takes_what_is_declared_for_done(declared, started, refused):
    fake = harbor(replication_policies=[PULL, {**PULL, "name": "off", "enabled": False}])

    def foretold(names, exclusive=False):
        announced = {"policies": declared, "exclusive": exclusive}
        return run(fake, MODULE, policies=names, declared=announced, check_mode=True)

    found = foretold(["*"])
    assert set(found["changed_targets"]) == started and not found.get("warnings")
    assert set(found.get("failures", {})) == set(refused)
    assert all(text in found["failures"][name] for name, text in refused.items())
    gone = "there is no replication policy"
    for name in {"mirror", "new"} - {one["name"] for one in declared if one.get("state") != "absent"}:
        failed(foretold([name], exclusive=True), gone)
    failed(foretold(["neither"]), gone)
    assert not fake.writes
    assert set(run(fake, MODULE, policies=["*"], declared={"policies": declared})["changed_targets"]) == {"mirror"}


def test_nothing_to_replicate_is_no_failure_and_no_replication():
    fake = harbor(replication_policies=[{**PUSH, "filters": [{"type": "name", "value": "none/**"}]}])
    done = changed(start(fake, "push"), "execution")
    assert (done["outcome"], done["status"], done["total"]) == ("nothing_to_replicate", "Succeed", 0)


def test_a_failure_before_any_task_is_final_at_once_with_the_servers_words():
    fake = harbor(replication_policies=[{**PUSH, "dest_namespace": "x", "dest_namespace_replace_count": 3}])
    began = fake.now()
    result = failed(start(fake, "push"), "ended as Failed", "flattening level is 3")
    assert fake.now() - began < 60 and result["execution"]["outcome"] == "failed" and result["changed"]


def test_a_skipped_execution_is_neither_a_success_nor_a_failure():
    fake = harbor(replication_policies=[{**PULL, "single_active_replication": True}])
    fake.next("POST", lambda: fake.jobs.execution(REPLICATION, 1, "SCHEDULE", {}))
    done = start(fake)
    assert not done.get("failed") and done["execution"]["outcome"] == "skipped"
    assert "still in progress" in done["execution"]["skipped_reason"]


def test_failed_tasks_are_listed_with_the_reasons_from_their_logs():
    fake = harbor(replication_policies=[LOCKED])
    result = failed(
        start(fake, "locked", wait_for_retries=False), "ended as Failed", "unauthorized to access repository"
    )
    (task,) = result["execution"]["failed_tasks"]
    assert (task["status"], task["operation"]) == ("Failed", "copy")
    assert task["src_resource"].startswith("acme/app") and task["dst_resource"].startswith("locked/app")
    assert "unauthorized" in task["log_lines"][-1] and len(task["log_lines"]) <= 3
    assert result["execution"]["failed"] == 1 and len(result["msg"]) < 1000


def test_a_failure_is_final_only_after_the_tries():
    fake = harbor(replication_policies=[LOCKED])
    began = fake.now()
    result = failed(start(fake, "locked"), "ended as Failed")
    assert fake.now() - began > 300 and fake.jobs.tasks[1].tries == 3
    first = harbor(replication_policies=[LOCKED])
    began = first.now()
    failed(start(first, "locked", wait_for_retries=False), "ended as Failed")
    assert first.now() - began < 120 and result["execution"]["outcome"] == "failed"


def test_what_succeeds_at_a_later_try_is_a_success():
    fake = harbor(replication_policies=[PUSH])
    fake.remotes.known["dr"].healthy = True
    fake.jobs.later(2, lambda: setattr(fake.remotes.known["dr"], "healthy", False))
    fake.jobs.later(60, lambda: setattr(fake.remotes.known["dr"], "healthy", True))
    done = changed(start(fake, "push"), "execution")
    assert done["outcome"] == "replicated" and fake.jobs.tasks[1].tries == 2


def test_tags_that_stay_because_override_is_off_are_counted_and_named():
    fake = harbor(replication_policies=[{**PUSH, "override": False}])
    done = changed(start(fake, "push"), "execution")
    assert done["outcome"] == "replicated" and done["conflicts"] == ["acme/app:v1"] and done["conflicts_count"] == 1
    again = harbor(replication_policies=[PUSH])
    done = changed(start(again, "push"), "execution")
    assert (done["conflicts"], done["conflicts_count"]) == ([], 0)


def slow(**more):
    """Return a Harbor whose policies never finish."""
    big = {"name": "acme", "repositories": [{"name": "app", "artifacts": [image("e", "v1", size=10**12)]}]}
    some = [{**PUSH, "speed": 1}, {**PUSH, "name": "push-2", "speed": 1}]
    return harbor(projects=[big], replication_policies=some, **more)


def test_waiting_ends_and_the_execution_goes_on():
    fake = slow()
    result = failed(start(fake, "push", wait_timeout=60), "not finished within 60 seconds", "wait_timeout", "goes on")
    assert result["execution"]["status"] == "InProgress" and result["execution"]["in_progress"] == 1


def test_all_or_one_of_a_policy_are_stopped_and_nothing_of_another():
    fake = slow()
    for name in ("push", "push-2"):
        start(fake, name, wait=False)
    number = start(fake, "push-2", wait=False)["execution"]["id"]
    later(fake, 10)
    failed(run(fake, MODULE, policies=["push"], state="stopped", id=number), f"no execution {number} of this policy")
    assert fake.writes == []
    foretold = run(fake, MODULE, policies=["push"], state="stopped", check_mode=True)
    done = changed(run(fake, MODULE, policies=["push"], state="stopped", wait=True, poll_interval=1), "execution")
    assert foretold["changed"] and foretold["execution"]["status"] == "Stopped" == done["status"]
    assert done["outcome"] == "stopped" and writes(fake) == [("PUT", f"/api/v2.0/replication/executions/{done['id']}")]
    assert [found.status for found in fake.jobs.of(REPLICATION, 2)] == ["Running"]
    assert unchanged(run(fake, MODULE, policies=["push"], state="stopped"), "execution") is None
    changed(run(fake, MODULE, policies=["push-2"], state="stopped", id=number, wait=True), "execution")


def test_many_are_started_and_waited_for_in_one_task():
    some = [{**PULL, "name": f"mirror-{number:02}"} for number in range(12)]
    fake = harbor(replication_policies=[*some, PUSH])
    done = run(fake, MODULE, policies=["mirror-*"], wait=True)
    assert done["plan"]["changed"] == 12 and {one["outcome"] for one in done["execution"].values()} == {"replicated"}
    assert not fake.jobs.of(REPLICATION, policies(fake)["push"].id)


def test_one_of_many_that_fails_neither_stops_nor_hides_the_others():
    fake = harbor(replication_policies=[PULL, {**PUSH, "enabled": False}])
    result = failed(run(fake, MODULE, policies=["*"], wait=True), "push: the policy is disabled")
    assert result["execution"]["mirror"]["outcome"] == "replicated"


def test_a_lost_start_is_found_and_not_sent_again():
    fake = harbor(replication_policies=[PULL])
    fake.faults.append({"method": "POST", "drop": True, "after": True})
    done = changed(start(fake), "execution")
    assert done["ambiguous"] and len(fake.jobs.of(REPLICATION, 1)) == 1


@by_version
def test_info_returns_policies_executions_tasks_and_a_log(version):
    fake = harbor(version, replication_policies=[PULL, LOCKED])
    start(fake)
    start(fake, "locked", wait_for_retries=False)
    found = run(fake, INFO)
    assert [one["name"] for one in found["policies"]] == ["locked", "mirror"]
    assert [(one["policy"], one["status"]) for one in found["executions"]] == [
        ("locked", "Failed"),
        ("mirror", "Succeed"),
    ]
    assert [one["policy"] for one in run(fake, INFO, sort="oldest")["executions"]] == ["mirror", "locked"]
    assert [one["policy"] for one in run(fake, INFO, policies=["mir*"])["executions"]] == ["mirror"]
    assert [one["policy"] for one in run(fake, INFO, status=["Failed"])["executions"]] == ["locked"]
    assert len(run(fake, INFO, status=["Failed", "Succeed"], limit=1)["executions"]) == 1
    assert run(fake, INFO, trigger="scheduled")["executions"] == []
    number = found["executions"][1]["id"]
    one = run(fake, INFO, id=number)
    assert one["execution"]["id"] == number and one["executions"] == []
    assert sorted(task["dst_resource"].split(" ")[0] for task in one["tasks"]) == ["mirror/alpine", "mirror/nginx"]
    assert run(fake, INFO, id=number, task_status="Failed")["tasks"] == []
    assert run(fake, INFO, id=number, resource_type="artifact")["tasks"] == []
    assert len(run(fake, INFO, id=number, resource_type="image")["tasks"]) == 2
    log = run(fake, INFO, id=number, task_id=one["tasks"][0]["id"])["log"]
    assert "(source registry)" in log and log.count("\n") > 5
    assert run(fake, INFO, id=number, task_id=9999)["log"] is None


def test_info_reads_all_pages():
    fake = harbor(replication_policies=[PULL])
    for _number in range(230):
        fake.jobs.fail(fake.jobs.execution(REPLICATION, 1, "MANUAL", {}), "why")
    assert len(run(fake, INFO)["executions"]) == 230
    assert len(run(fake, INFO, limit=150)["executions"]) == 150


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"id": 99999}, "no replication execution 99999"),
        ({"id": 0}, "no replication execution 0"),
        ({"id": 2**70}, "no replication execution"),
        ({"task_id": 1}, "write the id"),
        ({"limit": -1}, "limit"),
    ],
)
def test_info_refuses_what_is_not_there(options, text):
    failed(run(harbor(replication_policies=[PULL]), INFO, **options), text)


@pytest.mark.parametrize(
    "declared, reason",
    [
        (7, "cannot be converted to a dict"),
        ({"a": 1}, "declared: missing required arguments: policies"),
        ({"policies": 7}, "declared: "),
        ({"policies": [], "exclusiv": True}, "declared: exclusiv. Supported parameters include: exclusive, policies"),
    ],
)
def test_what_is_no_declaration_is_refused_before_the_first_request(declared, reason):
    fake = harbor(replication_policies=[PULL])
    failed(start(fake, declared=declared), reason)
    assert fake.requests == []


def test_ids_of_other_runs_are_no_executions_of_replications():
    fake = harbor(replication_policies=[PULL])
    other = fake.jobs.execution("GARBAGE_COLLECTION", -1, "MANUAL", {})
    failed(run(fake, MODULE, policies=["mirror"], state="stopped", id=other.id), f"no execution {other.id}")
    failed(run(fake, INFO, id=other.id), "no replication execution")
    assert other.status == "Running" and fake.writes == []


def test_hostile_logs_are_bounded_and_escaped():
    fake = harbor(replication_policies=[LOCKED])
    noise = "".join(f"2026-11-21T12:42:24Z [ERROR] [x.go:1]: \x1b[2Jno{number} {'y' * 5000}\n" for number in range(50))
    fake.faults.append({"method": "GET", "path": "/log$", "status": 200, "text": json.dumps(noise), "times": 99})
    result = start(fake, "locked", wait_for_retries=False)
    assert result["failed"] and "\x1b" not in result["msg"] and len(result["msg"]) < 1000
    assert max(len(line) for line in result["execution"]["failed_tasks"][0]["log_lines"]) <= 400


def test_a_failed_log_is_a_warning():
    fake = harbor(replication_policies=[LOCKED])
    fake.faults.append({"method": "GET", "path": "/log$", "status": 403, "times": 99, "body": {"errors": []}})
    result = failed(start(fake, "locked", wait_for_retries=False), "ended as Failed")
    assert any("403" in text for text in result["warnings"])
