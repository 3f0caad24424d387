# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Harbor does by itself beside what the modules say: replications, purges, executions that are looked at."""

from __future__ import annotations

import datetime
from urllib.parse import quote

import pytest

from real.harbor import API

HOURS = 1
TYPES = ["create_artifact", "pull_artifact"]
PATIENT = {"wait": True, "wait_timeout": 900, "poll_interval": 2}
on_harbor = pytest.mark.on("harbor")


def copied(place):
    """Return path:tag -> digest in the project that is replicated to; a repository keeps its path below it."""
    return place.tags(place.target)


def declare(place, **more):
    """Declare a policy that pushes the tags v* of one project to the other, on this Harbor seen from outside."""
    place.with_peer()
    options = {
        "name": f"{place.prefix}-push",
        "dest_registry": place.peer,
        "dest_namespace": place.target,
        "dest_namespace_replace_count": 1,
        "filters": [{"type": "name", "value": f"{place.source}/**"}, {"type": "tag", "value": "v*"}],
        **more,
    }
    return place.done("harbor_replication_policy", options)


def replicate(place, **more):
    """Start the policy and wait for the end; returns the execution."""
    options = {"policies": [f"{place.prefix}-push"], **PATIENT}
    foretold = place.done("harbor_replication_execution", options, check_mode=True)
    done = place.done("harbor_replication_execution", options, **more)
    assert foretold["changed"] == done["changed"] and foretold["plan"]["lines"] == done["plan"]["lines"]
    return done["execution"]


@on_harbor
def test_a_replication_copies_what_its_filters_name_and_shows_what_stays(place):
    declare(place, override=False)
    there = place.tags(place.source)
    wanted = {tag: digest for tag, digest in there.items() if tag.rpartition(":")[2].startswith("v")}
    first = replicate(place)
    assert (first["status"], first["outcome"], first["conflicts"]) == ("Succeed", "replicated", [])
    assert copied(place) == wanted
    assert first["total"] == first["succeed"] == len({tag.rpartition(":")[0] for tag in wanted})
    recent = place.done("harbor_replication_execution", policies=[f"{place.prefix}-push"], min_interval="1h")
    assert not recent["changed"] and recent["execution"]["id"] == first["id"]

    other = place.push.image(f"{place.target}/app", "v1", "another one")
    stays = replicate(place)
    assert stays["status"] == "Succeed" and stays["conflicts_count"] == 1 and "app:v1" in stays["conflicts"][0]
    assert copied(place)["app:v1"] == other

    replaced = declare(place, override=True)
    assert any(line.strip().startswith("!") and "override" in line for line in replaced["plan"]["lines"])
    assert replicate(place)["conflicts_count"] == 0
    assert copied(place) == wanted
    assert place.push.digest(f"{place.target}/app", "v1") == wanted["app:v1"]

    found = place.done("harbor_replication_info", policies=[f"{place.prefix}-push"])
    assert len(found["executions"]) >= 1 and found["executions"][0]["status"] == "Succeed"
    place.done("harbor_replication_policy", name=f"{place.prefix}-push", state="absent")
    assert place.named("/replication/policies", f"{place.prefix}-push") is None


@on_harbor
def test_a_dry_run_of_the_purge_counts_the_rows_that_are_there(place):
    place.needs_system((2, 13))
    options = {"audit_retention_hour": HOURS, "include_event_types": TYPES, "dry_run": True, **PATIENT}
    foretold = place.done("harbor_purge_execution", options, check_mode=True)
    before = older(place)
    run = place.done("harbor_purge_execution", options)
    assert run["changed"] and foretold["plan"] == run["plan"]
    assert run["execution"]["dry_run"] and run["execution"]["status"] == "Success"
    assert before <= run["execution"]["purged_rows"] <= older(place)
    assert older(place) >= before, "a dry run deleted rows"
    again = place.done("harbor_purge_execution", options, min_interval="1h")
    assert not again["changed"] and again["execution"]["id"] == run["execution"]["id"]
    found = place.done("harbor_purge_info")["executions"][0]
    assert found["id"] == run["execution"]["id"] and found["include_event_types"] == TYPES


def older(place):
    """Return how many rows of the audit log are of TYPES and older than HOURS."""
    place.wait(1)
    now = datetime.datetime.fromtimestamp(place.now(), datetime.timezone.utc)
    until = (now - datetime.timedelta(hours=HOURS)).strftime("%Y-%m-%d %H:%M:%S")
    count = 0
    for operation in ("create", "pull"):
        query = quote(f"operation={operation},resource_type=artifact,op_time=[~{until}]", safe="")
        count += place.total(f"/auditlog-exts?q={query}&page_size=1")
    return count


@on_harbor
def test_a_dry_run_of_the_garbage_collection_deletes_nothing(place):
    place.needs_system((2, 9))
    before = place.images(place.source)
    options = {"delete_untagged": True, "dry_run": True, **PATIENT}
    run = place.done("harbor_gc_execution", options)
    assert run["changed"] and run["execution"]["dry_run"] and run["execution"]["status"] == "Success"
    assert place.images(place.source) == before
    again = place.done("harbor_gc_execution", options, min_interval="1h")
    assert not again["changed"] and again["execution"]["id"] == run["execution"]["id"]
    assert place.done("harbor_gc_info")["executions"][0]["id"] == run["execution"]["id"]


@on_harbor
def test_a_tag_that_moves_leaves_its_image_without_one(place):
    name = f"{place.target}/moved"
    place.push.image(name, "v1", "before")
    second = place.push.image(name, "v1", "after")
    found = place.artifacts(place.target)[name]
    assert sorted(bool(item["tags"]) for item in found) == [False, True]
    assert place.push.digest(name, "v1") == second
    assert place.ask("GET", f"{API}/projects/{place.target}")["repo_count"] >= 1
