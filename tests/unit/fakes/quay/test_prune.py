# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake's prune worker against what the real worker removed, and rules that those cases do not cover."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.quay import Quay, prune

CASES = json.loads((Path(__file__).resolve().parents[3] / "data" / "quay" / "prune_cases.json").read_text())["cases"]
DAY = 86400


def tag(name, days, **more):
    return {"name": name, "digest": f"sha256:{name:0>64}", "age_seconds": days * DAY + 11, **more}


def one(tags, policies=(), repository_policies=(), **more):
    repository = {"name": "r", "tags": tags, "policies": list(repository_policies), **more.pop("repository", {})}
    organization = {"name": "o", "admins": ["u"], "policies": list(policies), "repositories": [repository]}
    organization["repositories"] += more.pop("others", [])
    return Quay({"users": [{"name": "u"}], "organizations": [organization], **more})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_prunes_like_the_real_worker(case):
    fake = one(
        case["tags"],
        case["namespace_policies"],
        case["repository_policies"],
        repository={"state": case["repository_state"]},
        default_policy=case["default_policy"],
    )
    before = fake.tags("o/r", hidden=True)
    report = fake.tick()
    after = fake.tags("o/r", hidden=True)
    assert sorted(after) == sorted(case["kept"])
    assert sorted(set(before) - set(after)) == sorted(case["pruned"])
    errors = [entry["error"] for entry in report["namespaces"] if entry["error"]]
    assert bool(errors) is (case["error"] is not None)


def test_all_cases_are_there():
    assert len(CASES) == 25


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("v", "dev-a", True),
        ("v.*", "xv9", True),
        (r"^v\d+$", "v10", True),
        ("^(?!dev)", "dev-a", False),
        ("(?i)^V", "v1", True),
        ("^[[:digit:]]{8}$", "20260821", True),
        ("[[:upper:]]", "latest", False),
        (r"\mrc", "v1-rc1", True),
        (r"\mc1", "v1-rc1", False),
        (r"v1\M", "v1-rc1", True),
        ("[[:<:]]rc", "v1-rc1", True),
        (r"\brc", "v1-rc1", False),
        ("a{,2}", "aa", False),
        ("[]x]", "a]", True),
        (r"^[^\d]+$", "latest", True),
        ("a{2,3}", "baa", True),
        ("^(v|release-)[0-9]", "release-4", True),
    ],
)
def test_speaks_the_dialect_of_postgresql(pattern, name, found):
    assert (prune.postgres_regex(pattern).search(name) is not None) is found


@pytest.mark.parametrize(
    "pattern", ["[bad(", "*", "(?P<x>a)", "(", ")", "a**", "a++", "(?>a)", "a{256}", r"\q", "a\\", "^*"]
)
def test_rejects_what_postgresql_rejects(pattern):
    with pytest.raises(prune.PruneError):
        prune.postgres_regex(pattern)


@pytest.mark.parametrize("value", ["0d", "-5d"])
def test_no_age_ends_even_fresh_tags(value):
    fake = one([{**tag("new", 0), "age_seconds": 1}], [{"method": "creation_date", "value": value}])
    fake.tick()
    assert fake.tags("o/r") == []


def test_runs_age_policies_before_number_policies():
    tags = [tag("v1", 5), tag("v2", 6), tag("dev-b", 3), tag("dev-a", 4)]
    number, age = (
        {"method": "number_of_tags", "value": 2},
        {"method": "creation_date", "value": "2d", "tagPattern": "^dev"},
    )
    fake = one(tags, [number, age])
    fake.tick()
    assert fake.tags("o/r") == ["v1", "v2"]


@pytest.mark.parametrize("wrong", [{"tagPattern": "[bad(", "value": 3}, {"value": 10**30}])
def test_the_first_error_ends_the_run_of_that_namespace_only(wrong):
    policies = [{"method": "number_of_tags", **wrong}, {"method": "creation_date", "value": "2d"}]
    state = one([tag("old", 9), tag("new", 1)], policies, others=[{"name": "s", "tags": [tag("old", 9)]}]).state()
    other = {"name": "p", "admins": ["u"], "policies": [{"method": "creation_date", "value": "2d"}]}
    other["repositories"] = [{"name": "r", "tags": [tag("old", 9)]}]
    state["organizations"].append(other)
    fake = Quay(state)
    report = {entry["namespace"]: entry for entry in fake.tick()["namespaces"]}
    assert report["o"]["error"] and report["p"]["error"] is None
    assert (fake.tags("o/r"), fake.tags("o/s"), fake.tags("p/r")) == (["new"], ["old"], [])


@pytest.mark.parametrize("state", ["MIRROR", "READ_ONLY"])
def test_a_repository_policy_on_a_repository_that_is_not_normal_fails_the_task(state):
    policies = [{"method": "number_of_tags", "value": 1}]
    fake = one([tag("a", 1), tag("b", 2)], [], policies, repository={"state": state})
    assert fake.tick()["namespaces"][0]["error"]
    fake = one([tag("a", 1), tag("b", 2)], policies, policies, repository={"state": state})
    assert fake.tick()["namespaces"][0]["error"] is None
    assert fake.tags("o/r") == ["a", "b"]


def test_a_deleted_repository_with_a_policy_fails_the_task_until_it_is_purged():
    policy = {"method": "number_of_tags", "value": 1}
    fake = one([], [], [policy], others=[{"name": "s", "tags": [tag("a", 1), tag("b", 2)], "policies": [policy]}])
    fake.deleted.append(fake.repositories.pop(("o", "r")))
    report = fake.tick()
    assert report["namespaces"][0]["error"] and report["purged"] == ["o/r"]
    assert fake.tick(force=True)["namespaces"][0]["error"] is None


def test_a_namespace_rests_for_an_hour_and_an_idle_one_loses_its_task():
    fake = one([tag("a", 1), tag("b", 2)], [{"method": "number_of_tags", "value": 5}])
    fake.tick()
    fake.namespaces["o"]["policies"][0]["value"] = 1
    assert fake.tick()["namespaces"] == []
    fake.advance(3601)
    assert [item["tag"] for item in fake.tick()["namespaces"][0]["pruned"]] == ["b"]
    fake.namespaces["o"]["policies"].clear()
    fake.advance(3601)
    fake.tick()
    assert fake.tasks == {}


def test_a_future_end_counts_and_cosign_hidden_and_immutable_tags_do_not():
    cosign = "sha256-" + "a" * 64 + ".sig"
    tags = [
        tag("soon", 1, expires_in_seconds=999),
        tag("gone", 1, expires_in_seconds=-1),
        tag("pinned", 2, immutable=True),
        tag("hidden", 3, hidden=True),
        tag(cosign, 4),
        tag(cosign.replace(".sig", ".foo"), 5),
        tag("old", 6),
    ]
    fake = one(tags, [{"method": "number_of_tags", "value": 1}])
    fake.tick()
    assert fake.tags("o/r", hidden=True) == ["soon", "pinned", "hidden", cosign]


def test_cosign_tags_end_with_the_last_ordinary_tag_of_their_digest():
    digest = "sha256:" + "b" * 64
    signature = tag(digest.replace(":", "-") + ".sig", 1)
    tags = [tag("x-old", 9, digest=digest), tag("x-new", 1, digest=digest), signature]
    fake = one(tags, [{"method": "creation_date", "value": "5d"}])
    fake.tick()
    assert signature["name"] in fake.tags("o/r")
    fake.advance(6 * DAY)
    report = fake.tick()["namespaces"][0]["pruned"]
    assert [(item["tag"], item["cascade"]) for item in report] == [("x-new", False), (signature["name"], True)]


@pytest.mark.parametrize(
    ("default", "kept"),
    [
        ({"method": "number_of_tags", "value": 1, "tagPattern": "^v"}, ["x3"]),
        ({"method": "number_of_tags", "value": 1, "tag_pattern": "^v"}, ["x3", "v3", "v2", "v1"]),
        (
            {"method": "number_of_tags", "value": 1, "tag_pattern": "^v", "tag_pattern_matches": True},
            ["x3", "x2", "x1", "v3"],
        ),
        ({"method": "number_of_tags", "value": "1"}, ["x3", "x2", "x1", "v3", "v2", "v1"]),
    ],
)
def test_the_default_policy_reads_only_snake_case_and_inverts_a_lone_pattern(default, kept):
    tags = [tag(name, days) for days, name in enumerate(["x3", "x2", "x1", "v3", "v2", "v1"], 1)]
    fake = one(tags, default_policy=default)
    report = fake.tick()["default"]
    assert fake.tags("o/r") == kept
    assert bool(report["error"]) is isinstance(default["value"], str)


def test_a_disabled_namespace_is_skipped():
    fake = one([tag("a", 1)], [{"method": "creation_date", "value": "0d"}])
    fake.namespaces["o"]["enabled"] = False
    fake.tick()
    assert fake.tags("o/r") == ["a"]
