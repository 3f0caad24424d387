# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for Harbor beside harborapi, a client for Python."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from contract.harbor_remotes import DR, ENDPOINTS, HUB, SECRET, harbor
from fakes.harbor.registries import Registries
from fakes.serve import serving
from harborapi import HarborAsyncClient
from harborapi.exceptions import PreconditionFailed
from harborapi.models import (
    Registry,
    RegistryCredential,
    RegistryUpdate,
    ReplicationFilter,
    ReplicationPolicy,
    ReplicationTrigger,
    ReplicationTriggerSettings,
    Schedule,
    ScheduleObj,
)
from pydantic import ValidationError

USER, PASSWORD = "admin", "made-up-Secret1"
NIGHTLY, SUNDAYS = "0 0 2 * * *", "0 30 3 * * 0"
PURGE = {"audit_retention_hour": 24, "dry_run": False, "include_event_types": "create_artifact,pull_artifact"}
SOON = {"wait": True, "poll_interval": 1, "wait_timeout": 60}


class Peer:
    """harborapi as its users call it, a new client for each call."""

    def __init__(self, url):
        self.url = url

    def client(self, **more):
        return HarborAsyncClient(f"{self.url}/api/v2.0/", username=USER, secret=PASSWORD, **more)

    def call(self, name, *arguments, **more):
        async def once():
            return await getattr(self.client(), name)(*arguments, **more)

        return asyncio.run(once())

    def named(self, what, name):
        """Return the thing of that name from one of the listings, None if it is not there."""
        return next((item for item in self.call(what, limit=None) if item.name == name), None)


class Ours:
    """Our modules on one Harbor."""

    def __init__(self, run, url):
        self.run = run
        self.access = {"harbor_url": url, "harbor_username": USER, "harbor_password": PASSWORD}

    def do(self, module, check_mode=False, **options):
        """Return whether our module changed something, and its result."""
        result = self.run(module, {**self.access, **options}, check_mode)
        assert not result.get("failed"), result["msg"]
        return result["changed"], result

    def changes(self, module, **options):
        """Return the result of a task that changes something, as check mode says, and nothing the second time."""
        foretold, _result = self.do(module, check_mode=True, **options)
        changed, result = self.do(module, **options)
        assert foretold and changed and not self.do(module, **options)[0]
        return result

    def agrees(self, module, **options):
        """Assert that a task finds everything as it wants it."""
        changed, result = self.do(module, **options)
        assert not changed, result["diff"]


@pytest.fixture
def both(run):
    """Returns a Harbor with remotes, ours and the peer on it."""
    fake = harbor()
    fake.switches.update(start_seconds=0, refresh_seconds=0)
    with serving(fake) as url:
        yield fake, Ours(run, url), Peer(url)


def schedule(kind, cron=None, **parameters):
    """Returns a schedule as the peer sends it."""
    return Schedule(schedule=ScheduleObj(type=kind, cron=cron), parameters=parameters)


def test_a_schedule_of_the_purge_that_one_makes_the_other_reads_and_keeps(both):
    _fake, ours, peer = both
    peer.call("create_purge_job_schedule", schedule("Custom", SUNDAYS, **PURGE))
    _changed, found = ours.do("harbor_purge_info")
    shown = found["schedule"]
    assert (shown["cron"], shown["audit_retention_hour"], shown["dry_run"]) == (SUNDAYS, 24, False)
    types = PURGE["include_event_types"].split(",")
    ours.agrees(
        "harbor_purge_schedule", cron=SUNDAYS, audit_retention_hour=24, include_event_types=types, dry_run=False
    )
    ours.changes("harbor_purge_schedule", cron=NIGHTLY, audit_retention_hour="90d")
    seen = peer.call("get_purge_job_schedule")
    assert (seen.schedule.type.value, seen.schedule.cron) == ("Custom", NIGHTLY)
    assert json.loads(seen.job_parameters) == {**PURGE, "audit_retention_hour": 2160}
    ours.changes("harbor_purge_schedule", state="absent")
    assert peer.call("get_purge_job_schedule").schedule is None
    peer.call("update_purge_job_schedule", schedule("None", **PURGE))
    ours.agrees("harbor_purge_schedule", state="absent")


def test_a_schedule_of_the_garbage_collection_that_one_makes_the_other_reads_and_keeps(both):
    _fake, ours, peer = both
    peer.call("create_gc_schedule", schedule("Weekly", "0 0 0 * * 0", delete_untagged=True, workers=3))
    found = ours.do("harbor_gc_info")[1]["schedule"]
    assert (found["schedule"], found["delete_untagged"], found["workers"]) == ("weekly", True, 3)
    ours.agrees("harbor_gc_schedule", schedule="weekly", delete_untagged=True, workers=3)
    ours.changes("harbor_gc_schedule", cron=NIGHTLY, delete_untagged=False)
    seen = peer.call("get_gc_schedule")
    assert (seen.schedule.type.value, seen.schedule.cron) == ("Custom", NIGHTLY)
    peer.call("update_gc_schedule", schedule("None"))
    ours.agrees("harbor_gc_schedule", state="absent")


def test_runs_of_one_are_those_of_the_other(both):
    _fake, ours, peer = both
    location = peer.call("create_purge_job_schedule", schedule("Manual", **{**PURGE, "dry_run": True}))
    options = {"audit_retention_hour": 24, "include_event_types": ["pull_artifact", "create_artifact"], "dry_run": True}
    adopted = ours.do("harbor_purge_execution", **options, **SOON)[1]["execution"]
    assert adopted["adopted"] and location.endswith(f"/{adopted['id']}")
    (run,) = peer.call("get_purge_job_history")
    assert (run.id, run.job_status, json.loads(run.job_parameters)["dry_run"]) == (adopted["id"], "Success", True)
    counts = re.findall(r"\[DRYRUN\]Purged (\d+) rows", peer.call("get_purge_job_log", run.id))
    assert sum(map(int, counts)) == adopted["purged_rows"] == 12
    started = ours.do("harbor_gc_execution", delete_untagged=True, workers=2, **SOON)[1]["execution"]
    seen = peer.call("get_gc_job", started["id"])
    held = json.loads(seen.job_parameters)
    assert (seen.job_status, held["delete_untagged"], held["workers"]) == ("Success", True, 2)
    assert [held[key] for key in ("freed_space", "purged_blobs")] == [started["freed_space"], started["purged_blobs"]]


def test_an_endpoint_keeps_its_secret_whoever_describes_it(both):
    fake, ours, peer = both
    credential = RegistryCredential(type="basic", access_key="me", access_secret=SECRET)
    peer.call("create_registry", Registry(name="backup", type="harbor", url=DR["url"], credential=credential))
    found = {item["name"]: item for item in ours.do("harbor_registry_info")[1]["registries"]}
    assert found["backup"]["access_key"] == "me" and found["backup"]["access_secret"] is None
    same = {"name": "backup", "type": "harbor", "url": DR["url"], "access_key": "me", "access_secret": SECRET}
    ours.agrees("harbor_registry", **same, update_secret="on_create")
    ours.changes("harbor_registry", name="backup", description="for disasters")
    seen = peer.named("get_registries", "backup")
    assert (seen.description, seen.credential.access_secret) == ("for disasters", "*****")
    peer.call("update_registry", seen.id, RegistryUpdate(description="of the peer"))
    ours.agrees("harbor_registry", **same, description="of the peer", update_secret="on_create")
    (held,) = [item for item in fake.family(Registries).known.values() if item.name == "backup"]
    assert held.access_secret == SECRET
    ours.changes("harbor_registry", name="backup", state="absent")
    assert peer.named("get_registries", "backup") is None


def policy(number, **more):
    """Returns a policy as the peer sends it."""
    trigger = ReplicationTrigger(type="scheduled", trigger_settings=ReplicationTriggerSettings(cron=NIGHTLY))
    filters = [
        ReplicationFilter(type="name", value="library/alpine"),
        ReplicationFilter(type="tag", value="3.*", decoration="matches"),
    ]
    fixed = {"name": "mirror", "src_registry": Registry(id=number), "dest_namespace": "mirror", "enabled": True}
    return ReplicationPolicy(**{**fixed, "trigger": trigger, "filters": filters, "override": True, **more})


DECLARED = {
    "name": "mirror",
    "src_registry": "hub",
    "dest_namespace": "mirror",
    "override": True,
    "trigger": "scheduled",
    "cron": NIGHTLY,
    "filters": [{"type": "name", "value": "library/alpine"}, {"type": "tag", "value": "3.*"}],
}


def test_a_policy_that_one_makes_the_other_reads_and_keeps(both):
    _fake, ours, peer = both
    peer.call("create_replication_policy", policy(peer.named("get_registries", "hub").id))
    ours.agrees("harbor_replication_policy", **DECLARED)
    ours.changes("harbor_replication_policy", **{**DECLARED, "override": False, "cron": SUNDAYS})
    seen = peer.named("get_replication_policies", "mirror")
    assert not seen.override and seen.trigger.trigger_settings.cron == SUNDAYS
    assert [(one.type, one.value, one.decoration) for one in seen.filters] == [
        ("name", "library/alpine", None),
        ("tag", "3.*", "matches"),
    ]
    peer.call("delete_replication_policy", seen.id)
    ours.changes("harbor_replication_policy", **DECLARED)


def test_what_is_sent_back_as_it_was_read_loses_nothing_that_we_declared(both):
    _fake, ours, peer = both
    ours.changes("harbor_replication_policy", **DECLARED, speed=1024, dest_namespace_replace_count=1)
    seen = peer.named("get_replication_policies", "mirror")
    peer.call("update_replication_policy", seen.id, seen)
    ours.agrees("harbor_replication_policy", **DECLARED, speed=1024, dest_namespace_replace_count=1)


def test_the_word_that_harbor_ignores_does_not_pass_for_a_deletion(both):
    _fake, ours, peer = both
    number = peer.named("get_registries", "hub").id
    peer.call("create_replication_policy", policy(number, replicate_deletion=True))
    (shown,) = ours.do("harbor_replication_policy_info", names=["mirror"])[1]["policies"]
    assert not shown["deletion"]
    ours.changes("harbor_replication_policy", name="mirror", deletion=True)
    seen = peer.named("get_replication_policies", "mirror")
    assert seen.deletion and seen.replicate_deletion


def test_a_filter_by_labels_is_ours_alone(both):
    _fake, ours, peer = both
    ours.changes("harbor_replication_policy", **{**DECLARED, "filters": [{"type": "label", "value": ["qa"]}]})
    with pytest.raises(ValidationError, match="value"):  # its model knows one text only
        peer.call("get_replication_policies")


def test_executions_of_one_are_those_of_the_other(both):
    fake, ours, peer = both
    ours.changes("harbor_replication_policy", **DECLARED)
    number = peer.named("get_replication_policies", "mirror").id
    location = peer.call("start_replication", number)
    adopted = ours.do("harbor_replication_execution", policies=["mirror"], **SOON)[1]["execution"]
    assert adopted["adopted"] and location.endswith(f"/{adopted['id']}")
    seen = peer.call("get_replication", adopted["id"])
    keys = ("id", "status", "trigger", "total", "succeed", "failed", "in_progress", "stopped")
    assert [adopted[key] for key in keys] == [getattr(seen, key) for key in keys]
    tasks = peer.call("get_replication_tasks", adopted["id"])
    assert len(tasks) == adopted["total"] == 1 and tasks[0].dst_resource.startswith("mirror/alpine")
    artifacts = peer.call("get_artifacts", "mirror", "alpine")
    assert sorted(tag.name for item in artifacts for tag in item.tags) == ["3.18", "3.19"]
    fake.switches["start_seconds"] = 1e9  # so that the next one goes on
    waiting = ours.do("harbor_replication_execution", policies=["mirror"])[1]["execution"]
    with pytest.raises(PreconditionFailed):
        peer.call("delete_replication_policy", number)
    peer.call("stop_replication", waiting["id"])
    ours.agrees("harbor_replication_execution", policies=["mirror"], state="stopped", **SOON)
    assert peer.call("get_replication", waiting["id"]).status == "Stopped"


def test_both_throw_cookies_away_which_harbor_would_ask_a_token_for(both):
    fake, ours, peer = both

    async def read_and_write():
        client = peer.client()
        await client.get_registries()
        await client.create_gc_schedule(schedule("Weekly", "0 0 0 * * 0", workers=1))

    asyncio.run(read_and_write())
    ours.changes("harbor_gc_schedule", schedule="weekly", workers=2)
    assert [entry["status"] for entry in fake.writes] == [201, 200]
    assert not [entry for entry in fake.requests if "cookie" in entry["headers"]]


def test_both_see_the_same_endpoints(both):
    _fake, ours, peer = both
    seen = {item.name: (item.type, item.url) for item in peer.call("get_registries")}
    found = {item["name"]: (item["type"], item["url"]) for item in ours.do("harbor_registry_info")[1]["registries"]}
    assert seen == found and set(found) == {item["name"] for item in ENDPOINTS} and HUB["url"] in str(found)
