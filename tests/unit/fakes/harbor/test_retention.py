# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention runs of the fake Harbor against the decisions of a real one, and its two unstable sorts."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from fakes.harbor import doublestar
from fakes.harbor.sorting import go_sorted, postgres_sorted

DATA = Path(__file__).resolve().parents[3] / "data"
CASES = json.loads((DATA / "harbor" / "retention_cases.json").read_text(encoding="utf-8"))["cases"]
NO_CRON = {"kind": "Schedule", "settings": {"cron": ""}}


def rows(log):
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in log.splitlines()]
    return [[row[0], row[7]] for row in cells if len(row) == 8 and row[0].startswith("sha256:")]


def run(caller, policy, dry):
    path = f"/retentions/{policy}/executions"
    number = caller.make(path, {"dry_run": dry})
    caller.wait(60)
    found = {}
    for task in caller("GET", f"{path}/{number}/tasks").get_json():
        log = caller("GET", f"{path}/{number}/tasks/{task['id']}").text
        found[task["repository"]] = {"total": task["total"], "retained": task["retained"], "rows": rows(log)}
    return found


def digests(repositories):
    return {item["name"]: {digest for one in item["artifacts"] for digest in _all(one)} for item in repositories}


def _all(artifact):
    return [artifact["digest"], *(item["digest"] for item in artifact.get("accessories", []))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_decides_and_deletes_like_the_real_one(harbor, case):
    project = {"name": "p", "repositories": case["repositories"], "immutable_rules": case["immutable_rules"]}
    caller = harbor(projects=[project])
    scope = {"level": "project", "ref": 2}
    policy = caller.make("/retentions", {"algorithm": "or", "scope": scope, "trigger": NO_CRON, "rules": case["rules"]})
    assert run(caller, policy, True) == case["dry_run"]
    expected = {}
    for name, done in case["run"].items():
        marks = case["dry_run"][name]["rows"]
        errors = done.get("errors", [])
        shown = [[digest, "ERR" if digest in errors else mark] for digest, mark in marks]
        expected[name] = {"total": done["total"], "retained": done["retained"], "rows": shown}
    assert run(caller, policy, False) == expected
    left = digests(next(item for item in caller.fake.state()["projects"] if item["name"] == "p")["repositories"])
    before = digests(case["repositories"])
    assert {name: before[name] - left[name] for name in before} == {
        name: set(case["gone"].get(name, [])) for name in before
    }


def test_no_case_is_missing():
    assert len(CASES) == 76


@pytest.mark.parametrize(
    ("pattern", "name", "hit"),
    [
        ("", "anything/at/all", True),
        ("team/**", "team/a/b", True),
        ("team/**", "team", False),
        ("**/web", "web", True),
        ("**/web", "a/b/web", True),
        ("**web", "a/web", False),
        ("**web", "cobweb", True),
        ("[a-c]x", "bx", True),
        ("[^a]x", "bx", True),
        ("[!a]x", "bx", False),
        ("{a,{b,c}d}", "cd", True),
        ("v\\*", "v*", True),
        ("v\\*", "v1", False),
        ("v*{,0}", "v10", True),
        ("v*{,0}", "v1", False),
        ("v1{,0}", "v1", True),
        ("{**/api,base}", "team/api", True),
        ("{**/api,base}", "a/b/api", False),
        ("{**/api,base}", "base", False),
        ("[a-", "a", None),
        ("{v", "v", None),
    ],
)
def test_matches_patterns_with_the_quirks_of_the_library(pattern, name, hit):
    assert doublestar.hits(pattern, name) is hit


@pytest.mark.parametrize("count", [0, 1, 7, 12, 13, 49, 50, 51, 200])
def test_both_sorts_sort(count):
    chance = random.Random(count)
    items = [(chance.randrange(6), number) for number in range(count)]
    for found in (
        go_sorted(items, lambda one, other: one[0] < other[0]),
        postgres_sorted(items, lambda one, other: (one[0] > other[0]) - (one[0] < other[0])),
    ):
        assert [key for key, _number in found] == sorted(key for key, _number in items)
        assert sorted(found) == sorted(items)
    for bound in (1, 3, count // 3):
        found = postgres_sorted(items, lambda one, other: (one[0] > other[0]) - (one[0] < other[0]), bound)
        assert [key for key, _number in found[:bound]] == sorted(key for key, _number in items)[:bound]
        assert sorted(found) == sorted(items)


KEEP = {
    "action": "retain",
    "template": "always",
    "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
    "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
}
SHOP = {
    "name": "shop",
    "repositories": [{"name": "app", "artifacts": [{"digest": "sha256:" + "a" * 64, "tags": [{"name": "v1"}]}]}],
}


def policy_of(**more):
    scope = {"level": "project", "ref": 2}
    return {"algorithm": "or", "scope": scope, "trigger": NO_CRON, "rules": [KEEP], **more}


@pytest.mark.parametrize(("version", "dangles"), [("2.13", True), ("2.14", False)])
def test_the_id_of_a_deleted_policy_dangles_up_to_2_13(harbor, version, dangles):
    caller = harbor(version=version, projects=[SHOP])
    number = caller.make("/retentions", policy_of())
    assert caller("DELETE", f"/retentions/{number}").status_code == 200
    metadata = caller("GET", "/projects/shop").get_json()["metadata"]
    assert metadata.get("retention_id") == (str(number) if dangles else None)
    assert caller("GET", f"/retentions/{number}").status_code == 500
    assert caller("POST", "/retentions", policy_of()).status_code == (400 if dangles else 201)
    if dangles:
        assert caller("DELETE", "/projects/shop/metadatas/retention_id").status_code == 200
        assert caller("POST", "/retentions", policy_of()).status_code == 201


def test_a_policy_with_tasks_under_way_cannot_be_deleted(harbor):
    caller = harbor(projects=[SHOP])
    number = caller.make("/retentions", policy_of())
    run_id = caller.make(f"/retentions/{number}/executions", {"dry_run": True})
    caller.fake.advance(1)
    message = f"the execution {run_id} has tasks that aren't in final status, stop the tasks first"
    assert caller.message("DELETE", f"/retentions/{number}") == (412, message)
    caller.fake.advance(5)
    assert caller("DELETE", f"/retentions/{number}").status_code == 200


@pytest.mark.parametrize(("version", "count"), [("2.9", 1), ("2.10", 0)])
def test_the_tasks_of_a_new_run_come_later_since_2_10(harbor, version, count):
    caller = harbor(version=version, projects=[SHOP])
    number = caller.make("/retentions", policy_of())
    run_id = caller.make(f"/retentions/{number}/executions", {"dry_run": True})
    assert len(caller("GET", f"/retentions/{number}/executions/{run_id}/tasks").get_json()) == count


@pytest.mark.parametrize(("switch", "status", "retained"), [("error", "Error", 0), ("retain", "Success", 1)])
def test_a_malformed_pattern_does_either(harbor, switch, status, retained):
    caller = harbor(projects=[SHOP])
    caller.fake.switches["malformed_pattern"] = switch
    selector = {"kind": "doublestar", "decoration": "matches", "pattern": "[a-"}
    number = caller.make("/retentions", policy_of(rules=[{**KEEP, "tag_selectors": [selector]}]))
    run_id = caller.make(f"/retentions/{number}/executions", {"dry_run": False})
    caller.wait(60)
    task = caller("GET", f"/retentions/{number}/executions/{run_id}/tasks").get_json()[0]
    assert (task["status"], task["retained"]) == (status, retained)
    assert len(caller("GET", "/projects/shop/repositories/app/artifacts").get_json()) == 1


def test_an_immutable_excludes_rule_protects_untagged_images_from_retention_but_not_from_a_plain_delete(harbor):
    untagged = {"digest": "sha256:" + "b" * 64, "tags": []}
    rule = {
        "tag_selectors": [{"kind": "doublestar", "decoration": "excludes", "pattern": "x*"}],
        "scope_selectors": KEEP["scope_selectors"],
    }
    project = {"name": "shop", "immutable_rules": [rule], "repositories": [{"name": "app", "artifacts": [untagged]}]}
    caller = harbor(projects=[project])
    none = {"template": "latestPushedK", "params": {"latestPushedK": 0}}
    number = caller.make("/retentions", policy_of(rules=[{**KEEP, **none}]))
    caller.make(f"/retentions/{number}/executions", {})
    caller.wait(60)
    path = f"/projects/shop/repositories/app/artifacts/{untagged['digest']}"
    assert caller("GET", path).status_code == 200
    assert caller("DELETE", path).status_code == 200
