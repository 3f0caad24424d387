# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traps of Harbor's replication and endpoints that no recording covers: retries, refusals, health, versions."""

from __future__ import annotations

import pytest
from fakes._base import Dropped
from fakes.harbor import Harbor
from fakes.serve import serving

HUB = {
    "as": "hub",
    "url": "http://hub.example.test",
    "type": "harbor",
    "anonymous": True,
    "users": [{"name": "mirror", "password": "Mirror-12345", "sysadmin": False}],
    "projects": [
        {
            "name": "base",
            "public": True,
            "repositories": [
                {
                    "name": "alpine",
                    "artifacts": [{"digest": "sha256:" + "a" * 64, "size": 4000, "tags": [{"name": "3"}]}],
                }
            ],
        },
        {"name": "locked", "public": True, "members": [{"user": "mirror", "role": "guest"}], "repositories": []},
    ],
}
PLAIN = {"as": "plain", "url": "http://plain.example.test", "type": "docker-registry", "anonymous": True}
LOCAL = {
    "name": "prod",
    "repositories": [
        {"name": "web", "artifacts": [{"digest": "sha256:" + "d" * 64, "size": 4000, "tags": [{"name": "v1"}]}]}
    ],
}
NIGHTLY = {"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}}
HOURLY = {"type": "scheduled", "trigger_settings": {"cron": "0 0 * * * *"}}


@pytest.fixture
def caller(harbor):
    found = harbor(remotes=[HUB, PLAIN], projects=[LOCAL])
    credential = {"access_key": "mirror", "access_secret": "Mirror-12345"}
    found.make("/registries", {"name": "hub", "type": "harbor", "url": HUB["url"], "credential": credential})
    found.make("/registries", {"name": "plain", "type": "docker-registry", "url": PLAIN["url"]})
    return found


def pull(**more):
    return {"name": "pull", "enabled": True, "override": True, "src_registry": {"id": 1}, **more}


def push(number, **more):
    return {"name": "push", "enabled": True, "override": True, "dest_registry": {"id": number}, **more}


def run(caller, policy):
    return caller.make("/replication/executions", {"policy_id": policy})


def seen(caller, number):
    run = caller("GET", f"/replication/executions/{number}").get_json()
    tasks = caller("GET", f"/replication/executions/{number}/tasks?sort=id").get_json()
    return run["status"], [task["status"] for task in tasks]


def log(caller, number):
    task = caller("GET", f"/replication/executions/{number}/tasks").get_json()[0]["id"]
    return caller("GET", f"/replication/executions/{number}/tasks/{task}/log", headers={"Accept": "*/*"}).text


def healthy(caller, name, yes):
    assert caller.client.post("/_fake/remote", json={"as": name, "healthy": yes}).status_code == 200


def test_a_failed_task_is_tried_three_times_and_then_no_more(caller):
    policy = caller.make("/replication/policies", push(2))
    healthy(caller, "plain", False)
    number, ends = run(caller, policy), set()
    for second in range(600):
        caller.fake.advance(1)
        ends.add(
            caller("GET", f"/replication/executions/{number}/tasks").get_json()[0]["end_time"] if second > 5 else ""
        )
    assert len(ends - {"", "0001-01-01T00:00:00.000Z"}) == 3
    healthy(caller, "plain", True)
    caller.fake.advance(600)
    assert seen(caller, number) == ("Failed", ["Failed"])


def test_neither_stop_nor_deleting_the_policy_keeps_a_failed_task_from_running_again(caller):
    policy = caller.make("/replication/policies", push(2, dest_namespace="copies"))
    healthy(caller, "plain", False)
    number = run(caller, policy)
    caller.fake.advance(50)
    assert seen(caller, number) == ("Failed", ["Failed"])
    assert caller("PUT", f"/replication/executions/{number}").get_json() is None
    assert caller("DELETE", f"/replication/policies/{policy}").status_code == 200
    healthy(caller, "plain", True)
    caller.fake.advance(100)
    assert caller("GET", f"/replication/executions/{number}").status_code == 404
    assert list(caller.fake.remotes.known["plain"].repositories) == ["copies/web"]


def test_failed_becomes_succeed_and_in_between_status_and_counters_disagree(caller):
    policy = caller.make("/replication/policies", push(2))
    healthy(caller, "plain", False)
    number = run(caller, policy)
    caller.fake.advance(50)
    healthy(caller, "plain", True)
    caller.fake.advance(25)
    shown = caller("GET", f"/replication/executions/{number}").get_json()
    assert (shown["status"], shown["failed"], shown["succeed"]) == ("Failed", 0, 1)
    caller.fake.advance(60)
    assert seen(caller, number) == ("Succeed", ["Succeed"])
    assert "refused" not in log(caller, number)


def test_a_refused_push_takes_half_a_minute_an_artifact_and_says_so_in_its_log(caller):
    policy = caller.make("/replication/policies", push(1, dest_namespace="locked"))
    number = run(caller, policy)
    caller.fake.advance(30)
    assert seen(caller, number) == ("InProgress", ["InProgress"])
    caller.fake.advance(10)
    assert seen(caller, number)[1] == ["Failed"]
    assert "unauthorized to access repository: locked/web, action: push" in log(caller, number)
    assert log(caller, number).rstrip().endswith("mark the job failure")


def test_a_pull_lands_here_and_makes_its_project(caller):
    run(caller, caller.make("/replication/policies", pull(dest_namespace="mirror")))
    caller.fake.advance(60)
    tags = [
        item["tags"][0]["name"] for item in caller("GET", "/projects/mirror/repositories/alpine/artifacts").get_json()
    ]
    assert tags == ["3"]


@pytest.mark.parametrize(
    ("wrong", "status"), [({"name": "taken"}, 409), ({"name": "n" * 257}, 500), ({"filters": "long"}, 500)]
)
def test_a_put_that_fails_late_stops_the_schedule_and_shows_nothing_of_it(caller, wrong, status):
    if wrong.get("filters"):
        wrong = {"filters": [{"type": "name", "value": "n" * 1100}]}
    caller.make("/replication/policies", push(2, name="taken"))
    policy = caller.make("/replication/policies", pull(trigger=HOURLY, filters=[{"type": "name", "value": "none/**"}]))
    before = caller("GET", f"/replication/policies/{policy}").get_json()
    listed = caller("GET", "/schedules").get_json()
    assert caller("PUT", f"/replication/policies/{policy}", pull(trigger=HOURLY, **wrong)).status_code == status
    assert caller("GET", f"/replication/policies/{policy}").get_json() == before
    assert caller("GET", "/schedules").get_json() == listed
    caller.wait(2 * 3600)
    assert caller("GET", "/replication/executions").get_json() == []
    assert caller("PUT", f"/replication/policies/{policy}", pull(trigger=HOURLY)).status_code == 200
    caller.wait(2 * 3600)
    assert len(caller("GET", "/replication/executions").get_json()) == 2


@pytest.mark.parametrize("wrong", [{"src_registry": {"id": 99}}, {"dest_namespace": "Upper"}])
def test_a_put_that_is_refused_early_does_no_harm(caller, wrong):
    policy = caller.make("/replication/policies", pull(trigger=HOURLY))
    assert caller("PUT", f"/replication/policies/{policy}", pull(trigger=HOURLY, **wrong)).status_code in (400, 404)
    caller.wait(3600)
    assert len(caller("GET", "/replication/executions").get_json()) == 1


def test_a_cron_that_never_fires_hangs_when_enabled_and_is_stored_when_not(caller):
    never = {"type": "scheduled", "trigger_settings": {"cron": "0 0 0 31 2 *"}}
    with pytest.raises(Dropped):
        caller("POST", "/replication/policies", pull(trigger=never))
    assert caller("GET", "/replication/policies").get_json() == []
    caller.make("/replication/policies", pull(trigger=never, enabled=False))


def test_a_docker_registry_cannot_delete_tags(caller):
    body = push(2, trigger={"type": "event_based"}, deletion=True)
    policy = caller.make("/replication/policies", body)
    assert caller("POST", "/projects/prod/repositories/web/artifacts/v1/tags", {"name": "v2"}).status_code == 201
    caller.fake.advance(60)
    assert caller("DELETE", "/projects/prod/repositories/web/artifacts/v1/tags/v2").status_code == 200
    caller.fake.advance(50)
    shown = caller("GET", f"/replication/executions?policy_id={policy}").get_json()
    assert [(one["trigger"], one["status"]) for one in shown] == [("event_based", "Failed"), ("event_based", "Succeed")]
    assert "the tag deletion isn't supported" in log(caller, shown[0]["id"])


def test_a_pull_policy_never_fires_by_event(caller):
    caller.make("/replication/policies", pull(trigger={"type": "event_based"}))
    caller("POST", "/projects/prod/repositories/web/artifacts/v1/tags", {"name": "v2"})
    caller.fake.advance(60)
    assert caller("GET", "/replication/executions").get_json() == []


@pytest.mark.parametrize(("number", "kept", "status"), [(1, "healthy", 500), (2, "unhealthy", 400)])
def test_the_health_of_endpoints_changes_by_itself_and_a_dead_one_can_only_be_deleted(caller, number, kept, status):
    before = caller("GET", f"/registries/{number}").get_json()
    healthy(caller, "hub", False)
    healthy(caller, "plain", False)
    caller.fake.advance(700)
    after = caller("GET", f"/registries/{number}").get_json()
    assert after["status"] == kept
    assert (after["update_time"] != before["update_time"]) is (kept == "unhealthy")
    assert caller("PUT", f"/registries/{number}", {}).status_code == status
    assert caller("DELETE", f"/registries/{number}").status_code == 200


@pytest.mark.parametrize(("version", "kept"), [("2.15", True), ("2.16", False)])
def test_a_new_url_drops_the_secret_from_2_16_on(caller, version, kept):
    caller.fake.switches["version"] = version
    assert caller("PUT", "/registries/2", {"access_key": "me", "access_secret": "s"}).status_code == 200
    caller.fake.remotes.add({**PLAIN, "as": "other", "url": "http://other.example.test"})
    assert caller("PUT", "/registries/2", {"url": "http://other.example.test"}).status_code == 200
    assert ("access_secret" in caller("GET", "/registries/2").get_json()["credential"]) is kept


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("2.6", set()),
        ("2.12", {"copy_by_chunk"}),
        ("2.13", {"copy_by_chunk"}),
        ("2.14", {"copy_by_chunk", "single_active_replication"}),
    ],
)
def test_policies_show_the_keys_of_their_version(caller, version, keys):
    caller.fake.switches["version"] = version
    number = caller.make("/replication/policies", pull(copy_by_chunk=True, single_active_replication=True))
    shown = set(caller("GET", f"/replication/policies/{number}").get_json())
    assert shown & {"copy_by_chunk", "single_active_replication"} == keys


@pytest.mark.parametrize(("version", "status"), [("2.6", 201), ("2.8", 400)])
def test_charts_went_with_2_8(caller, version, status):
    caller.fake.switches["version"] = version
    chart = [{"type": "resource", "value": "chart"}]
    assert caller("POST", "/replication/policies", pull(filters=chart)).status_code == status


def test_a_policy_with_a_run_under_way_cannot_be_deleted_until_the_lag_is_over(caller):
    policy = caller.make("/replication/policies", pull())
    run(caller, policy)
    caller.fake.advance(20)
    assert caller("DELETE", f"/replication/policies/{policy}").status_code == 412
    caller.fake.advance(30)
    assert caller("DELETE", f"/replication/policies/{policy}").status_code == 200


def test_an_execution_of_another_kind_is_none_of_replication(caller):
    number = caller.make("/system/gc/schedule", {"schedule": {"type": "Manual"}})
    assert caller("GET", f"/replication/executions/{number}").status_code == 404
    assert caller("PUT", f"/replication/executions/{number}").status_code == 404


def test_a_schedule_of_replication_is_listed_with_its_policy(caller):
    policy = caller.make("/replication/policies", pull(trigger=NIGHTLY))
    shown = caller("GET", "/schedules").get_json()[-1]
    assert (shown["vendor_type"], shown["vendor_id"], shown["cron"]) == ("REPLICATION", policy, "0 0 2 * * *")


def test_what_another_fake_holds_is_pulled_while_it_answers(caller):
    user = {"name": "mirror", "password": "Mirror-12345", "sysadmin": False}
    other = Harbor({"users": [user], "projects": HUB["projects"]})
    with serving(other) as url:
        body = {"name": "other", "type": "harbor", "url": url, "credential": {"access_key": "mirror"}}
        body["credential"]["access_secret"] = "wrong"
        assert caller("POST", "/registries", body).status_code == 500, "only a fake that is told to looks at others"
        caller.fake.switches["live_remotes"] = True
        assert caller("POST", "/registries", body).status_code == 400, "it knows its users"
        body["credential"]["access_secret"] = user["password"]
        number = caller.make("/registries", body)
        here, there = ({"src_registry": {"id": number}}, {"src_registry": None, "dest_registry": {"id": number}})
        pulled = run(caller, caller.make("/replication/policies", pull(name="a", dest_namespace="mirror", **here)))
        pushed = run(caller, caller.make("/replication/policies", pull(name="b", **there)))
        caller.wait(60)
        assert seen(caller, pulled) == ("Succeed", ["Succeed"]) and "Succeed" not in seen(caller, pushed)[1]
    project, repository = caller.fake.store.repository("mirror/alpine")
    assert [item.names for item in repository.artifacts] == [["3"]]
    assert caller("PUT", f"/registries/{number}", {}).status_code == 500, "nobody answers any more"
