# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The retention rules of SWR: which tags a policy deletes, and which policies are refused."""

from __future__ import annotations

import pytest
from fakes.swr.retention import DAY_NS, Demands, Reading, complaint, condemned, judged

NOW = 1000 * DAY_NS


def tags(*ages_by_name):
    rows = []
    for number, (name, days) in enumerate(ages_by_name):
        moment = NOW - int(days * DAY_NS)
        rows.append({"id": number, "name": name, "updated_ns": moment, "created_ns": moment})
    return rows


def rule(template, value, *selectors):
    key = {"date_rule": "days", "tag_rule": "num"}[template]
    items = [{"kind": kind, "pattern": pattern} for kind, pattern in selectors]
    return {"template": template, "params": {key: value}, "tag_selectors": items}


def names(rows):
    return [row["name"] for row in rows]


def test_the_worked_example_of_the_manual():
    rows = tags(("v1", 4), ("v2", 3), ("v1.0.0", 2), ("v2.0.0", 1))
    assert names(condemned(rows, rule("tag_rule", "1", ("regexp", "^v2.*")), NOW)) == ["v1"]


def test_spared_tags_do_not_count():
    rows = tags(("new", 1), ("stable", 2), ("a", 3), ("b", 4), ("c", 5))
    assert names(condemned(rows, rule("tag_rule", "2", ("label", "stable")), NOW)) == ["c", "b"]
    assert names(condemned(rows, rule("tag_rule", "2", ("label", "stabl")), NOW)) == ["c", "b", "a"]
    assert names(condemned(rows, rule("tag_rule", "9"), NOW)) == []


def test_days():
    rows = tags(("over", 10.001), ("just", 10), ("young", 9.9), ("kept", 400))
    assert names(condemned(rows, rule("date_rule", "10", ("regexp", "^kept$")), NOW)) == ["over"]
    reached = Reading(date_boundary="reached")
    assert names(condemned(rows, rule("date_rule", "10", ("regexp", "^kept$")), NOW, reached)) == ["over", "just"]


def test_recent_by():
    rows = tags(("a", 5), ("b", 1))
    rows[1]["created_ns"] = NOW - 9 * DAY_NS
    assert names(condemned(rows, rule("tag_rule", "1"), NOW)) == ["a"]
    assert names(condemned(rows, rule("tag_rule", "1"), NOW, Reading(recent_by="created"))) == ["b"]


@pytest.mark.parametrize(
    ("pattern", "reading", "gone"),
    [
        ("v1", Reading(), []),
        ("v1", Reading(regexp_match="full"), ["v10"]),
        ("^v1$", Reading(), ["v10"]),
        ("v1|x", Reading(regexp_match="full"), ["v10"]),
        ("(?!v10).*", Reading(regexp_dialect="perl", regexp_match="full"), ["v10"]),
        ("(?!v10).*", Reading(), ["v10", "v1"]),
        ("(?!v10).*", Reading(bad_regexp="matches_nothing"), ["v10", "v1"]),
        ("[", Reading(), ["v10", "v1"]),
        (r"(v)\1", Reading(), ["v10", "v1"]),
        (r"\\1|v", Reading(), []),
    ],
)
def test_regular_expressions(pattern, reading, gone):
    rows = tags(("v10", 400), ("v1", 300))
    assert names(condemned(rows, rule("date_rule", "1", ("regexp", pattern)), NOW, reading)) == gone


def test_a_badly_formed_expression_deletes_even_what_the_rule_keeps():
    rows = tags(("latest", 0))
    bad = rule("tag_rule", "1000", ("label", "latest"), ("regexp", "*"))
    assert names(condemned(rows, bad, NOW)) == ["latest"]
    assert condemned(rows, bad, NOW, Reading(bad_regexp="matches_nothing")) == []


def test_missing_selectors_spare_nothing():
    rows = tags(("a", 5))
    for selectors in ({"tag_selectors": None}, {}):
        assert names(condemned(rows, {"template": "date_rule", "params": {"days": 1}, **selectors}, NOW)) == ["a"]


def test_any_rule_that_fires_deletes():
    rows = tags(("a", 50), ("b", 40), ("c", 1))
    found = judged(rows, [rule("date_rule", "45"), rule("tag_rule", "1")], NOW)
    assert sorted((tag["name"], one["template"]) for tag, one in found) == [("a", "date_rule"), ("b", "tag_rule")]


def body(**changed):
    one = {"template": "date_rule", "params": {"days": "30"}, "tag_selectors": [{"kind": "label", "pattern": "x"}]}
    return {"algorithm": "or", "rules": [{**one, **changed}]}


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        {"rules": body()["rules"]},
        {"algorithm": "and", "rules": body()["rules"]},
        {"algorithm": "or"},
        {"algorithm": "or", "rules": []},
        {"algorithm": "or", "rules": body()["rules"] * 2},
        {"algorithm": "or", "rules": ["x"]},
        body(template="latestPushedK"),
        body(template="tag_rule"),
        body(params=None),
        body(params={}),
        *[
            body(params={"days": value})
            for value in ("0", "366", "-1", "1.5", "x", "", " 7", "7d", None, True, 30, 1.0)
        ],
        body(template="tag_rule", params={"num": "1001"}),
        body(tag_selectors=None),
        body(tag_selectors={}),
        body(tag_selectors=["x"]),
        body(tag_selectors=[{"kind": "glob", "pattern": "x"}]),
        body(tag_selectors=[{"kind": "label", "pattern": ""}]),
        body(tag_selectors=[{"kind": "label", "pattern": 1}]),
        body(tag_selectors=[{"kind": "label"}]),
    ],
)
def test_refused(given):
    assert complaint(given)


@pytest.mark.parametrize(
    ("given", "demands"),
    [
        (body(), Demands()),
        (body(params={"days": "365"}), Demands()),
        (body(template="tag_rule", params={"num": "1000"}), Demands()),
        (body(tag_selectors=[]), Demands()),
        (body(tag_selectors=[{"kind": "regexp", "pattern": "["}]), Demands()),
        (body(params={"days": "366"}), Demands(check_range=False)),
        (body(params={"days": 30}), Demands(number_params="string")),
        (body(tag_selectors=None), Demands(missing_selectors="accept")),
        ({"algorithm": "or", "rules": body()["rules"] * 2}, Demands(max_rules=10)),
        ({**body(), "name": "x", "enabled": True}, Demands()),
    ],
)
def test_accepted(given, demands):
    assert complaint(given, demands) is None


def test_more_demands():
    two = [{"kind": "regexp", "pattern": "a"}, {"kind": "regexp", "pattern": "["}]
    assert complaint(body(tag_selectors=two), Demands(max_regexps=1))
    assert complaint(body(tag_selectors=two), Demands(bad_regexp="refuse"))
    assert complaint(body(tag_selectors=[{"kind": "label", "pattern": "a"}] * 3), Demands(max_labels=2))
    assert complaint(body(params={"days": 366}), Demands(number_params="string"))
