# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of tag retention is foretold to delete is what a real Harbor deleted, and what the fake deletes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    gosort,
    retention_deletion,
    retention_forecast,
)
from ansible_collections.registry.hygiene.plugins.module_utils._harbor.retention_forecast import Estate, forecast
from contract.harbor_tasks import ACCESS, ADMIN
from fakes.harbor import Harbor
from fakes.harbor.sorting import go_sorted
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

DATA = Path(__file__).resolve().parents[4] / "data"
CASES = json.loads((DATA / "harbor" / "retention_cases.json").read_text(encoding="utf-8"))["cases"]
NO_CRON = {"kind": "Schedule", "settings": {"cron": ""}}
QUERY = {"q": "base=*", "with_immutable_status": "true", "with_accessory": "true", "page_size": "0"}
DAY = 86400


class Server:
    """A fake with one project, and what can be read of it."""

    def __init__(self, repositories, immutable_rules, rules):
        project = {"name": "p", "repositories": repositories, "immutable_rules": immutable_rules}
        self.fake = Harbor({"users": [ADMIN], "projects": [project]})
        self.client = Client(self.fake, use_cookies=False)
        self.rules = rules
        scope = {"level": "project", "ref": self.fake.store.named("p").id}
        self.policy = {"algorithm": "or", "scope": scope, "trigger": NO_CRON, "rules": rules}

    def call(self, method, path, body=None, **query):
        auth = (ACCESS["harbor_username"], ACCESS["harbor_password"])
        return self.client.open(f"/api/v2.0{path}", method=method, json=body, query_string=query, auth=auth)

    def foretold(self, exact=True, known=True, now=None):
        """Return repository -> fate -> digest -> because."""
        immutable = self.call("GET", "/projects/p/immutabletagrules").get_json() if known else None
        estate = Estate(immutable, now or (self.fake.now(), self.fake.now()), exact)
        found = {}
        for name in self.fake.store.named("p").repositories:
            quoted = name.replace("/", "%2F")
            rows = self.call("GET", f"/projects/p/repositories/{quoted}/artifacts", **QUERY).get_json()
            fates = forecast(f"p/{name}", rows, self.rules, estate)
            found[name] = {
                fate: {image["digest"]: image["because"] for image in images} for fate, images in fates.items()
            }
        return found

    def run(self, dry=False):
        """Let the server decide; return repository -> (total, retained)."""
        if not hasattr(self, "number"):
            self.number = self.call("POST", "/retentions", self.policy).headers["Location"].rsplit("/", 1)[-1]
        path = f"/retentions/{self.number}/executions"
        self.call("POST", path, {"dry_run": dry})
        self.fake.advance(60)
        self.fake.tick()
        run = self.call("GET", path).get_json()[0]
        assert run["status"] in ("Success", "Error")
        tasks = self.call("GET", f"{path}/{run['id']}/tasks").get_json()
        return {task["repository"]: (task["total"], task["retained"]) for task in tasks}

    def existing(self, accessories=False):
        """Return repository -> digests of its artifacts."""
        return {
            name: {item.digest for item in found.artifacts if accessories or item.subject is None}
            for name, found in self.fake.store.named("p").repositories.items()
        }

    def attached(self, repository, digests):
        """Return these digests with those of what is attached to them."""
        return digests | {item.digest for item in repository.artifacts if item.subject in digests}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_decides_as_the_real_one_did_in_every_case(case):
    server = Server(case["repositories"], case["immutable_rules"], case["rules"])
    foretold = server.foretold()
    for name, repository in server.fake.store.named("p").repositories.items():
        fates = foretold[name]
        assert fates["uncertain"] == {}
        assert server.attached(repository, set(fates["deletions"])) == set(case["gone"].get(name, []))
        kept = fates["kept"]
        if name not in case["dry_run"]:
            assert set(kept.values()) <= {retention_forecast.UNSELECTED} and fates["deletions"] == {}
            continue
        refused = {retention_deletion.INDEX, retention_deletion.SIGNATURE}
        shown = {}
        for digest, mark in case["dry_run"][name]["rows"]:
            if digest not in kept or kept[digest] in refused:
                shown[digest] = "DEL"
            else:
                shown[digest] = "IMMUTABLE" if kept[digest] == retention_forecast.IMMUTABLE else "RETAIN"
            assert shown[digest] == mark, digest
        assert {digest for digest, why in kept.items() if why in refused} == set(case["run"][name].get("errors", []))
        if case["dry_run"][name]["total"]:
            assert len(case["dry_run"][name]["rows"]) == case["dry_run"][name]["total"]
            going = [digest for digest, why in fates["deletions"].items() if why != retention_deletion.CHILD]
            assert case["run"][name]["retained"] == case["run"][name]["total"] - len(going)


def test_no_case_is_missing():
    assert len(CASES) == 76


@given(st.lists(st.integers(0, 5), max_size=150))
def test_equal_times_are_ordered_as_by_the_fake(keys):
    found = go_sorted(list(range(len(keys))), lambda one, other: keys[one] > keys[other])
    assert gosort.descending(keys) == found


# Estates made at random


TAGS = ["v1", "v2", "dev-1", "latest", "x"]
PATTERNS = ["**", "v*", "dev-*", "{v1,latest}", "?", "[a-w]*"]


def artifact_digest(place, number):
    return f"sha256:{place:032x}{number:032x}"


@st.composite
def repositories(draw):
    found = []
    for place in range(draw(st.integers(1, 2))):
        artifacts, free = [], list(TAGS)
        for number in range(draw(st.integers(0, 7))):
            names = draw(st.lists(st.sampled_from(free), max_size=2, unique=True)) if free else []
            free = [name for name in free if name not in names]
            ages = st.sampled_from([2, 2, 5, 9, 40]).map(lambda days: days * DAY - 3600)
            artifact = {
                "digest": artifact_digest(place, number),
                "size": 1000 + number,
                "push_seconds_ago": 50 * DAY - number * DAY - 3600,
                "pull_seconds_ago": draw(st.none() | ages),
                "tags": [
                    {"name": name, "push_seconds_ago": draw(ages), "pull_seconds_ago": draw(st.none() | ages)}
                    for name in names
                ],
            }
            children = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
            if children:
                platform = {"architecture": "amd64", "os": "linux"}
                artifact["references"] = [
                    {"digest": artifact_digest(place, child), "platform": platform} for child in children
                ]
            elif draw(st.booleans()):
                signature = artifact_digest(place, 100 + number)
                artifact["accessories"] = [{"digest": signature, "type": "signature.cosign"}]
            artifacts.append(artifact)
        found.append({"name": ["app", "team/app"][place], "artifacts": artifacts})
    return found


def selector(draw, decorations, **more):
    decoration = draw(st.sampled_from(decorations))
    return {"kind": "doublestar", "decoration": decoration, "pattern": draw(st.sampled_from(PATTERNS)), **more}


@st.composite
def scopes(draw):
    patterns = st.sampled_from(["**", "app", "team/**", "*"])
    return {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": draw(patterns)}]}


@st.composite
def rules(draw):
    found = []
    for _number in range(draw(st.integers(1, 3))):
        template = draw(
            st.sampled_from(
                [
                    "latestPushedK",
                    "latestPulledN",
                    "latestActiveK",
                    "nDaysSinceLastPush",
                    "nDaysSinceLastPull",
                    "always",
                ]
            )
        )
        extras = draw(st.sampled_from(["", '{"untagged":true}', '{"untagged":false}']))
        rule = {
            "disabled": draw(st.integers(0, 5)) == 0,
            "action": "retain",
            "template": template,
            "params": {} if template == "always" else {template: draw(st.integers(0, 7))},
            "tag_selectors": [selector(draw, ["matches", "excludes"], extras=extras)],
            "scope_selectors": draw(scopes()),
        }
        if rule not in found:
            found.append(rule)
    return found


@st.composite
def immutables(draw):
    return [
        {
            "disabled": draw(st.booleans()),
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [selector(draw, ["matches", "excludes"])],
            "scope_selectors": draw(scopes()),
        }
        for _number in range(draw(st.sampled_from([0, 0, 1, 2])))
    ]


@settings(max_examples=120, deadline=None)
@given(repositories(), immutables(), rules(), st.booleans(), st.booleans())
def test_what_goes_is_what_was_foretold(given_repositories, immutable_rules, given_rules, exact, known):
    server = Server(given_repositories, immutable_rules, given_rules)
    foretold = server.foretold(exact=exact, known=known)
    before = server.existing()
    numbers = server.run()
    after = server.existing()
    for name, fates in foretold.items():
        gone, uncertain = before[name] - after[name], set(fates["uncertain"])
        assert set(fates["deletions"]) <= gone <= set(fates["deletions"]) | uncertain
        if known and exact:
            assert uncertain == set()
            kept = len(fates["kept"]) + sum(why == retention_deletion.CHILD for why in fates["deletions"].values())
            total = sum(map(len, fates.values()))
            assert name not in numbers or numbers[name][1] == kept - (total - numbers[name][0])


def image(number, **more):
    return {"digest": artifact_digest(0, number), "push_seconds_ago": 10 * DAY - number, "tags": [], **more}


def tagged(number, name, age=10 * DAY):
    return image(number, tags=[{"name": name, "push_seconds_ago": age}], push_seconds_ago=age)


def rule(template, value=None, pattern="**", **more):
    tags = [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}]
    return {
        "action": "retain",
        "template": template,
        "params": {template: value},
        "tag_selectors": tags,
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
        **more,
    }


def only(artifacts, rules, immutable_rules=(), **more):
    return Server([{"name": "app", "artifacts": artifacts}], list(immutable_rules), rules).foretold(**more)["app"]


def test_near_a_limit_nothing_is_certain():
    found = only([tagged(1, "a", 10 * DAY - 30), tagged(2, "b", 10 * DAY + 90), tagged(3, "c", 10 * DAY - 90)],
                 [rule("nDaysSinceLastPush", 10)])  # fmt: skip
    assert found["uncertain"] == {artifact_digest(0, 1): retention_forecast.DOUBTS["limit"]}
    assert list(found["deletions"]) == [artifact_digest(0, 2)]
    assert list(found["kept"]) == [artifact_digest(0, 3)]


def test_with_clocks_apart_all_between_them_is_uncertain():
    server = Server([{"name": "app", "artifacts": [tagged(1, "a", 9 * DAY), tagged(2, "b", 12 * DAY)]}], [],
                    [rule("nDaysSinceLastPush", 10)])  # fmt: skip
    now = server.fake.now()
    found = server.foretold(now=(now, now + 2 * DAY))["app"]
    assert list(found["uncertain"]) == [artifact_digest(0, 1)] and list(found["deletions"]) == [artifact_digest(0, 2)]


@pytest.mark.parametrize(("days", "goes"), [(106751, False), (106752, True), (213503, True), (999999, True)])
def test_days_that_overflow_keep_nothing(days, goes):
    found = only([tagged(1, "a")], [rule("nDaysSinceLastPush", days)])
    assert bool(found["deletions"]) is goes and found["uncertain"] == {}


@pytest.mark.parametrize(("value", "goes"), [(None, 2), ("3", 2), (True, 2), (-1, 2), (3.9, 9), (0, 12)])
def test_values_that_are_no_numbers_count_as_harbor_reads_them(value, goes):
    images = [tagged(number, f"t{number}", DAY + number) for number in range(12)]
    found = only(images, [rule("latestPushedK", value)])
    assert len(found["deletions"]) == goes


def test_a_number_beyond_all_is_uncertain():
    found = only([tagged(1, "a")], [rule("latestPushedK", 1e30)])
    assert list(found["uncertain"].values()) == [retention_forecast.DOUBTS["number"]]


def test_many_that_were_never_pulled_are_ordered_exactly_or_not_at_all():
    images = [tagged(number, f"t{number}", DAY + number) for number in range(40)]
    exact, inexact = (only(images, [rule("latestPulledN", 15)], exact=exact) for exact in (True, False))
    assert len(exact["deletions"]) == 25 and exact["uncertain"] == {}
    assert len(inexact["uncertain"]) == 40 and inexact["deletions"] == {}


def test_what_fails_deletes_nothing_and_says_so():
    for broken in (
        rule("sometimes", 3),
        rule("latestPushedK", 3, params={}),
        rule("latestPushedK", 1, action="delete"),
        rule("always", tag_selectors=[{"kind": "regexp", "decoration": "matches", "pattern": "x"}]),
        rule("always", scope_selectors={"repository": [{"kind": "regexp", "decoration": "repoMatches"}]}),
    ):
        found = only([tagged(1, "a")], [broken])
        assert found["deletions"] == {} and "run fails" in next(iter(found["kept"].values()))


@pytest.mark.parametrize("pattern", ["[a-", "{a", "*a" * 100 + "b"])
def test_a_pattern_that_is_not_decided_makes_uncertain(pattern):
    found = only([tagged(1, "a" * 120), tagged(2, "b")], [rule("latestPushedK", 1, pattern=pattern)])
    assert artifact_digest(0, 1) not in found["deletions"]
    assert retention_forecast.DOUBTS["pattern"] in found["uncertain"].values()


def test_what_cannot_be_read_of_immutable_rules_makes_the_untagged_and_the_signed_uncertain():
    signed = dict(tagged(3, "c"), accessories=[{"digest": artifact_digest(0, 9), "type": "signature.cosign"}])
    found = only([image(1), tagged(2, "b"), signed], [rule("always", pattern="none")], known=False)
    none = only([image(1), tagged(2, "b"), signed], [rule("always", pattern="none")])
    assert set(found["uncertain"].values()) == {retention_deletion.UNREAD}
    assert list(found["deletions"]) == [artifact_digest(0, 2)]
    assert len(found["uncertain"]) == 1  # the untagged one is kept by the rule: matches takes it
    assert len(none["deletions"]) == 2
