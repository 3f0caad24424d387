# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import itertools

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._swr.forecast import forecast
from fakes.swr import retention as swr_retention
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = 1_800_000_000.0
DAY = 86400


def moment(age, digits=6):
    """The time of that age in seconds, with a fraction of so many digits."""
    whole, fraction = divmod(round((NOW - age) * 10**9), 10**9)
    text = datetime.datetime.fromtimestamp(whole, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}"[: 20 + digits if digits else 19] + "Z"


def row(name, age, created=None, digits=6):
    """A tag as SWR lists it, updated and created at those ages in seconds."""
    created = moment(age if created is None else created, digits)
    return {"Tag": name, "digest": f"sha256:{name}", "size": 7, "updated": moment(age, digits), "created": created}


def label(pattern):
    return {"kind": "label", "pattern": pattern}


def regexp(pattern):
    return {"kind": "regexp", "pattern": pattern}


def days(number, *selectors):
    return {"template": "date_rule", "days": number, "tag_selectors": list(selectors)}


def newest(number, *selectors):
    return {"template": "tag_rule", "num": number, "tag_selectors": list(selectors)}


def of(tags, policy, now=NOW):
    return forecast("team/app", tags, policy, now if isinstance(now, tuple) else (now, now))


def names(images):
    return sorted(image["tag"] for image in images)


def split(found):
    return names(found["deletions"]), names(found["uncertain"]), names(found["kept"])


def because(found):
    return {image["tag"]: image["because"] for images in found.values() for image in images}


def test_an_image_tells_what_and_why():
    found = of([row("a", 40 * DAY), row("b", DAY), row("stable", 50 * DAY)], days(30, label("stable")))
    assert found["deletions"] == [
        {
            "target": "team/app",
            "tag": "a",
            "digest": "sha256:a",
            "age": 40 * DAY,
            "size": 7,
            "because": "older than 30 days",
        }
    ]
    assert because(found) == {"a": "older than 30 days", "b": "", "stable": "tag_selector label stable"}


@pytest.mark.parametrize("policy", [None, days(30), newest(3), days(30, regexp("["))])
def test_nothing_from_nothing(policy):
    assert of([], policy) == {"deletions": [], "uncertain": [], "kept": []}
    assert split(of([row("a", DAY)], None)) == ([], [], ["a"])


def test_spared_tags_do_not_count():
    # the worked example of the vendor's user guide
    tags = [row("v1", 4), row("v2", 3), row("v1.0.0", 2), row("v2.0.0", 1)]
    found = of(tags, newest(1, regexp("^v2.*$")))
    assert split(found) == (["v1"], [], ["v1.0.0", "v2", "v2.0.0"])
    assert because(found)["v1"] == "not among the newest 1"


@pytest.mark.parametrize("digits", range(10))
def test_times_of_any_fraction(digits):
    tags = [row("a", 5 * DAY, digits=digits), row("b", 3 * DAY, digits=digits)]
    assert split(of(tags, days(4))) == (["a"], [], ["b"])


@pytest.mark.parametrize(
    ("off", "kind"), [(-2, "kept"), (-0.5, "uncertain"), (0, "uncertain"), (0.5, "uncertain"), (2, "deletions")]
)
def test_ages_within_a_second_of_the_limit_are_uncertain(off, kind):
    assert names(of([row("a", 30 * DAY + off)], days(30))[kind]) == ["a"]


def test_equal_times_at_the_cut_are_uncertain():
    tags = [row("a", 1), row("b", 5), row("c", 5), row("d", 9)]
    found = of(tags, newest(2))
    assert split(found) == (["d"], ["b", "c"], ["a"])
    assert because(found)["b"] == "not among the newest 2: its time is equal to that of others at the limit"
    assert split(of(tags, newest(3))) == (["d"], [], ["a", "b", "c"])


def test_what_depends_on_which_time_counts_is_uncertain():
    tags = [row("a", 1, created=90), row("b", 2, created=20), row("c", 3, created=10), row("d", 4, created=95)]
    found = of(tags, newest(2))
    assert split(found) == (["d"], ["a", "c"], ["b"])
    assert "whether the time of creation or of the update counts" in because(found)["a"]
    assert split(of(tags, newest(3))) == (["d"], [], ["a", "b", "c"])
    # the age is that of the update
    assert split(of([row("a", DAY, created=90 * DAY)], days(30))) == ([], [], ["a"])


def test_labels_are_exact():
    assert split(of([row("v1", 9 * DAY), row("v10", 9 * DAY), row("V1", 9 * DAY)], days(1, label("v1"))))[2] == ["v1"]


def test_any_selector_spares():
    tags = [row("v1", 9 * DAY), row("dev", 9 * DAY), row("x", 9 * DAY)]
    assert split(of(tags, days(1, regexp("^v[0-9]+$"), label("dev")))) == (["x"], [], ["dev", "v1"])


def test_an_expression_that_only_finds_part_of_a_tag_is_uncertain():
    tags = [row("v1", 9 * DAY), row("v1-rc", 8 * DAY), row("x", 7 * DAY), row("v2-rc", 10)]
    for pattern in ("v[0-9]", "^v[0-9]|nothing$"):
        found = of(tags, days(1, regexp(pattern)))
        assert split(found)[:2] == (["x"], ["v1-rc"]) if "|" not in pattern else (["x"], ["v1", "v1-rc"])
    assert "may be read differently by SWR" in because(found)["v1-rc"]
    # the one spared for certain does not count, those in doubt may
    assert split(of(tags, newest(2, regexp("v[0-9]")))) == ([], ["v1-rc"], ["v1", "v2-rc", "x"])
    found = of(tags, newest(1, regexp("v[0-9]")))
    assert split(found) == ([], ["v1-rc", "x"], ["v1", "v2-rc"])
    assert because(found)["x"] == "not among the newest 1: depends on other tags that are uncertain"


@pytest.mark.parametrize("pattern", [r"^v\d+$", "^(?i)V1$"[1:-1], "^[[:alpha:]]$", "^v.*?$"])
def test_an_expression_that_engines_read_differently_decides_nothing(pattern):
    tags = [row("v1", 9 * DAY), row("x", 9 * DAY), row("y", 10), row("keep", 9 * DAY)]
    assert split(of(tags, days(1, regexp(pattern), label("keep")))) == ([], ["v1", "x"], ["keep", "y"])


@pytest.mark.parametrize("pattern", ["[bad(", "*", "^(?!dev).*$", r"^(a)\1$", r"^a\Z", "a++", r"\q"])
def test_a_badly_formed_expression_makes_every_tag_uncertain(pattern):
    tags = [row("v1", 9 * DAY), row("y", 10), row("keep", 9 * DAY)]
    found = of(tags, days(1, regexp(pattern), label("keep")))
    assert split(found) == ([], ["keep", "v1", "y"], [])
    assert "SWR may delete every tag, because tag_selector regexp" in because(found)["y"]


def test_what_the_options_cannot_say_is_uncertain():
    tags = [row("a", 9 * DAY), row("b", 10)]
    assert split(of(tags, {"rules": [{"template": "odd", "params": {}}]})) == ([], ["a", "b"], [])
    found = of(tags, dict(days(1), further_policies=[days(20), newest(1)]))
    assert split(found) == ([], ["a"], ["b"])
    assert "SWR holds several policies here" in because(found)["a"]
    assert split(of(tags, days(1, {"kind": "odd", "pattern": "b"}))) == ([], ["a"], ["b"])


# Properties

PATTERNS = [
    "^v.*$",
    "^v[0-9]$",
    "v",
    "^dev|x$",
    "[0-9]$",
    r"^v\d$",
    "(?i)V",
    "^[[:alpha:]]+$",
    "^(?!v).*$",
    "[bad(",
    "*",
]
NAMES = ["v1", "v2", "v3", "dev-1", "dev-2", "x", "latest", "V1"]
SELECTORS = st.lists(st.sampled_from([*map(label, NAMES[:3]), *map(regexp, PATTERNS)]), max_size=2)
POLICIES = st.one_of(
    st.builds(lambda number, selectors: days(number, *selectors), st.integers(1, 4), SELECTORS),
    st.builds(lambda number, selectors: newest(number, *selectors), st.integers(1, 5), SELECTORS),
)
AGES = st.one_of(
    st.integers(0, 5000).map(lambda milliseconds: milliseconds / 1000),
    st.builds(lambda day, off: day * DAY + off / 1000, st.integers(0, 5), st.integers(-1500, 1500)),
)
TAGS = st.lists(
    st.builds(
        lambda name, age, more: (name, age, age + max(more, 0)), st.sampled_from(NAMES), AGES, st.integers(-3, 3)
    ),
    max_size=8,
    unique_by=lambda tag: tag[0],
)
READINGS = [
    swr_retention.Reading(regexp_match=match, bad_regexp=bad, date_boundary=boundary, recent_by=by)
    for match, bad, boundary, by in itertools.product(
        ("search", "full"), ("delete_all", "ignore"), ("over", "at"), ("updated", "created")
    )
]


def pruned_by_the_fake(tags, policy, reading):
    def nanoseconds(age):
        return round((NOW - age) * 10**9)

    held = [
        {"id": place, "name": name, "updated_ns": nanoseconds(updated), "created_ns": nanoseconds(created)}
        for place, (name, updated, created) in enumerate(tags)
    ]
    key = "days" if policy["template"] == "date_rule" else "num"
    rule = dict(policy, params={key: str(policy[key])})
    return {tag["name"] for tag in swr_retention.condemned(held, rule, round(NOW * 10**9), reading)}


@settings(max_examples=500, deadline=None)
@given(TAGS, POLICIES, st.sampled_from(READINGS))
def test_agrees_with_the_fake_however_it_reads(tags, policy, reading):
    certain, uncertain, kept = split(of([row(*tag) for tag in tags], policy))
    assert sorted(certain + uncertain + kept) == sorted(tag[0] for tag in tags)
    deleted = pruned_by_the_fake(tags, policy, reading)
    assert set(certain) <= deleted <= set(certain + uncertain)


@settings(max_examples=200, deadline=None)
@given(TAGS, st.sampled_from([days, newest]), st.integers(1, 5), SELECTORS)
def test_is_certain_where_nothing_is_open(tags, kind, number, selectors):
    tags = [(name, (place + 0.5) * DAY, (place + 0.5) * DAY) for place, (name, _age, _created) in enumerate(tags)]
    selectors = [one for one in selectors if one["kind"] == "label" or one["pattern"] in PATTERNS[:2]]
    policy = kind(number, *selectors)
    certain, uncertain, _kept = split(of([row(*tag) for tag in tags], policy))
    assert not uncertain
    assert set(certain) == pruned_by_the_fake(tags, policy, READINGS[0])


@settings(max_examples=200, deadline=None)
@given(TAGS, st.sampled_from([days, newest]), st.integers(1, 5), st.integers(1, 5), SELECTORS)
def test_a_stricter_policy_dooms_no_less(tags, kind, one, two, selectors):
    rows = [row(*tag) for tag in tags]
    strict, lax = (of(rows, kind(number, *selectors)) for number in sorted((one, two)))
    assert set(names(strict["kept"])) <= set(names(lax["kept"]))
    assert set(names(lax["deletions"])) <= set(names(strict["deletions"]))


@settings(max_examples=200, deadline=None)
@given(TAGS, POLICIES, POLICIES)
def test_a_further_policy_saves_no_tag(tags, policy, further):
    rows = [row(*tag) for tag in tags]
    after = of(rows, dict(policy, further_policies=[further]))
    assert set(names(after["kept"])) <= set(names(of(rows, policy)["kept"]))
    assert not after["deletions"]


@settings(max_examples=200, deadline=None)
@given(TAGS, POLICIES)
def test_what_is_spared_is_never_deleted(tags, policy):
    protected = {one["pattern"] for one in policy["tag_selectors"] if one["kind"] == "label"}
    assert not protected & set(names(of([row(*tag) for tag in tags], policy)["deletions"]))


@pytest.mark.parametrize(
    ("age", "kind"), [(8.9, "kept"), (9.1, "uncertain"), (10, "uncertain"), (10.9, "uncertain"), (11.1, "deletions")]
)
def test_where_clocks_differ_only_what_is_too_old_by_both_surely_goes(age, kind):
    found = of([row("a", age * DAY)], days(10), (NOW - DAY, NOW + DAY))
    (image,) = found[kind]
    assert ("the clocks differ" in image["because"]) is (kind == "uncertain")
    assert image["age"] == int(age * DAY - DAY)


def test_tags_from_the_future_make_ages_uncertain():
    found = of([row("future", -20 * DAY), row("a", DAY), row("b", 40 * DAY)], days(10))
    assert [names(found[kind]) for kind in ("deletions", "uncertain", "kept")] == [["b"], ["a"], ["future"]]
    assert "tags come from the future" in found["uncertain"][0]["because"] and found["kept"][0]["age"] == 0


def test_sizes_of_others_are_taken_whatever_they_are():
    found = of([dict(row("a", DAY), size=size) for size in (10**400, -1, float("nan"))], days(10))
    assert [image["size"] for image in found["kept"]] == [None]


@pytest.mark.parametrize("pattern", ["^(a|a)+$", "(x+x+)+y", "a.*a.*a.*a.*a.*a.*b$", "(.*a){20}$"])
def test_patterns_that_take_python_for_ever_are_decided(pattern):
    found = of([row("a" * 127 + "!", 40 * DAY), row("x" * 128, 40 * DAY)], days(10, regexp(pattern)))
    assert len(found["deletions"]) == 2


@pytest.mark.parametrize("pattern", ["(a{200}){200}", "x" * 5000])
def test_patterns_that_cannot_be_decided_make_uncertain(pattern):
    found = of([row("a", 40 * DAY), row("young", DAY)], days(10, regexp(pattern)))
    reason = found["uncertain"][0]["because"]
    assert not found["deletions"] and ("cannot be evaluated here" in reason or "badly formed" in reason)
    assert len(reason) < 400


def test_patterns_of_others_forge_nothing():
    found = of([row("v1", 40 * DAY)], days(10, regexp("^v1\n\x1b.*$")), NOW)
    assert found["deletions"][0]["because"] == "older than 10 days"
    found = of([row("v1", 40 * DAY)], days(10, regexp("v|\n\x1b")), NOW)
    assert r"tag_selector regexp v|\n\x1b may be read differently" in found["uncertain"][0]["because"]
