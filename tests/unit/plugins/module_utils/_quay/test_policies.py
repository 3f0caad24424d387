# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._quay import policies
from hypothesis import given
from hypothesis import strategies as st


def params(*some, state="present", exclusive=False):
    full = [dict({"value": None, "tag_pattern": None, "tag_pattern_matches": True}, **policy) for policy in some]
    return {"policies": full, "state": state, "exclusive": exclusive}


def count(value, **more):
    return dict(method="number_of_tags", value=value, **more)


def age(value, **more):
    return dict(method="creation_date", value=value, **more)


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        (count(10), 10),
        (count("10"), 10),
        (count(" 7 "), 7),
        (count(2**63 - 1), 2**63 - 1),
        (age("30d"), "30d"),
        (age("007d"), "7d"),
        (age(" 7 d"), "7d"),
        (age("+3h"), "3h"),
        (age("90m"), "90m"),
        (age("1y"), "1y"),
    ],
)
def test_values_take_the_form_of_quay(policy, value):
    assert policies.declared(params(policy))[0]["value"] == value


@pytest.mark.parametrize(
    ("policy", "advice"),
    [
        (count(0), "1 or more"),
        (count("0"), "1 or more"),
        (count(-3), "write a whole number"),
        (count(2**63), "1 or more"),
        (count(5.0), "write a whole number"),
        (count(True), "write a whole number"),
        (count("ten"), "write a whole number"),
        (count("10d"), "method: creation_date"),
        (count(None), "write a whole number"),
        (count([3]), "write a whole number"),
        (count("9" * 5000), "write a whole number"),
        (age("9" * 5000 + "d"), "write a number and one of"),
        (count(3, tag_pattern="v\x00"), "control characters"),
        (age("0d"), "above 0"),
        (age("-5d"), "write a number and one of"),
        (age("7D"), "lower-case"),
        (age("7M"), "m is minutes"),
        (age("7x"), "write a number and one of"),
        (age("1d12h"), "write a number and one of"),
        (age("1.5d"), "write a number and one of"),
        (age(7), "method: number_of_tags"),
        (age("7"), "method: number_of_tags"),
        (age(""), "write a number and one of"),
        (age(None), "write a number and one of"),
        (age("99999999999d"), "below 999999999d"),
        (count(3, tag_pattern=""), "leave it out"),
        (count(3, tag_pattern="  "), "leave it out"),
        (count(3, tag_pattern="[bad("), "no regular expression"),
        (count(3, tag_pattern="*"), "nothing to repeat"),
    ],
)
def test_what_quay_would_take_badly_is_refused_with_advice(policy, advice):
    with pytest.raises(PlanRefused) as refused:
        policies.check(params(policy))
    assert advice in str(refused.value)


def test_one_policy_has_one_value():
    with pytest.raises(PlanRefused, match="one policy has one value"):
        policies.check(params(count(3), count(4)))
    assert policies.check(params(count(3), count("3"), count(4, tag_pattern="^v"))) == []


def test_exclusive_goes_with_present():
    with pytest.raises(PlanRefused, match="exclusive"):
        policies.check(params(count(3), state="absent", exclusive=True))


def test_values_do_not_matter_when_policies_are_to_go():
    assert policies.check(params(age("0d"), count(None), state="absent")) == []


def test_a_dialect_that_databases_read_differently_is_a_warning():
    (warning,) = policies.check(params(count(3, tag_pattern=r"^v\d")))
    assert r"\d" in warning and "PostgreSQL" in warning


def test_a_flag_without_a_pattern_is_a_warning_and_ignored():
    declared = params(count(3, tag_pattern_matches=False))
    assert "no effect" in policies.check(declared)[0]
    assert policies.declared(declared)[0]["tag_pattern_matches"] is True


def test_null_is_never_sent():
    assert policies.in_api_words(policies.declared(params(count(3)))[0]) == {
        "method": "number_of_tags",
        "value": 3,
    }


@pytest.mark.parametrize(
    ("pattern", "flag", "matches"),
    [
        ("^v", {}, True),
        ("^v", {"tagPatternMatches": True}, True),
        ("^v", {"tagPatternMatches": False}, False),
        ("^v", {"tagPatternMatches": None}, False),
        (None, {"tagPatternMatches": None}, True),
        (None, {"tagPatternMatches": False}, True),
    ],
)
def test_a_null_flag_inverts_a_pattern_and_means_nothing_without_one(pattern, flag, matches):
    found = dict(count(3), uuid="1", tagPattern=pattern, **flag)
    assert policies.in_option_words(found) == dict(count(3), tag_pattern=pattern, tag_pattern_matches=matches)


POLICY = st.builds(
    dict,
    method=st.just("number_of_tags"),
    value=st.integers(1, 99),
    tag_pattern=st.one_of(st.none(), st.sampled_from(["^v", "^dev", "x$"])),
    tag_pattern_matches=st.booleans(),
)


@given(st.lists(POLICY))
def test_what_was_read_is_valid_input_and_no_order_matters(some):
    api = [dict(policies.in_api_words(p), uuid=str(i)) for i, p in enumerate(policies.declared(params(*some)))]
    read = policies.in_order(map(policies.in_option_words, api))
    assert read == policies.in_order(map(policies.in_option_words, reversed(api)))
    assert policies.in_order(policies.declared(params(*read))) == read


def held(method, value, pattern=None, matches=True):
    return dict(method=method, value=value, tag_pattern=pattern, tag_pattern_matches=matches)


TEN, TWENTY, AGED = held("number_of_tags", 10), held("number_of_tags", 20), held("creation_date", "30d", "^dev-", False)


@pytest.mark.parametrize(
    ("current", "planned", "told"),
    [
        ([], [TEN], [("+", "all but the newest 10")]),
        ([AGED], [], [("-", "older than 30d, not ^dev-")]),
        ([AGED], [dict(AGED, value="21d")], [("~", "older than 30d, not ^dev-  ->  21d")]),
        ([TEN, AGED], [TEN, AGED], []),
        ([TEN, TWENTY], [TEN], [("-", "all but the newest 20")]),
        ([TEN, TWENTY], [TWENTY], [("-", "all but the newest 10")]),
        ([TEN, TEN], [TEN], [("-", "all but the newest 10")]),
        ([TEN, TWENTY], [dict(TEN, value=5)], [("~", "all but the newest 10  ->  5"), ("-", "all but the newest 20")]),
        ([held("odd\n", "x")], [], [("-", "odd\\n x")]),
    ],
)
def test_a_person_is_told_of_every_policy_that_comes_goes_or_changes(current, planned, told):
    assert policies.changes(current, planned) == told


def test_a_long_pattern_does_not_hide_the_value():
    old = held("creation_date", "30d", "x" * 5000)
    ((sign, text),) = policies.changes([old], [dict(old, value="1s")])
    assert text.endswith("...  ->  1s") and len(text) < 100


@given(st.lists(POLICY), st.lists(POLICY))
def test_a_change_is_told_whenever_there_is_one(current, planned):
    current = policies.declared(params(*{policies.identity(one): one for one in current}.values()))
    planned = policies.declared(params(*{policies.identity(one): one for one in planned}.values()))
    told = policies.changes(policies.in_order(current), policies.in_order(planned))
    assert bool(told) is (policies.in_order(current) != policies.in_order(planned))
