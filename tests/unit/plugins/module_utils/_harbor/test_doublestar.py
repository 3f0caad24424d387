# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns match what Harbor's library matches, say what is wrong with them, and take no longer than they may."""

from __future__ import annotations

import time

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import doublestar
from ansible_collections.registry.hygiene.tests.fakes.harbor import doublestar as fake
from hypothesis import example, given, settings
from hypothesis import strategies as st

PARTS = st.text(alphabet="abv1-]", min_size=1, max_size=5)
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
MARKS = [
    "a",
    "b",
    "1",
    "-",
    "]",
    "}",
    "/",
    "*",
    "**",
    "**/",
    "?",
    "\\*",
    "\\a",
    "[a-b]",
    "[^a]",
    "{a,b}",
    "{,1}",
    "[\\]]",
]
SEQUENCES = st.lists(st.sampled_from(MARKS), max_size=4).map("".join)
BRACES = st.recursive(
    SEQUENCES,
    lambda inner: st.tuples(SEQUENCES, st.lists(inner, min_size=1, max_size=3).map(",".join), inner).map(
        lambda pieces: f"{pieces[0]}{{{pieces[1]}}}{pieces[2]}"
    ),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("", "a/b", None),
        ("*", "v1", "a/b"),
        ("team/**", "team/a/b", "team"),
        ("**/web", "web", "a/web/b"),
        ("**/web", "a/b/web", None),
        ("**web", "myweb", "a/web"),
        ("v[0-9]*", "v1.2", "V1.2"),
        ("[^a]b", "xb", "ab"),
        ("[!a]", "!", "x"),
        ("{v{1,2},main}", "v2", "v3"),
        ("v*{,0}", "v10", "v1"),
        ("{**/api,base}", "team/api", "a/b/api"),
        (r"\*", "*", "x"),
        ("{a,a/b}", "a/b", "a"),
        ("v1.?", "v1.2", "v1x2"),
    ],
)
def test_the_quirks(pattern, hits, misses):
    assert doublestar.match(pattern, hits) is True
    assert misses is None or doublestar.match(pattern, misses) is False


@settings(max_examples=600, deadline=None)
@given(BRACES, NAMES)
@example("{[a,b}]", "a")
@example("a{/b,c}", "a")
@example("{\\\\,a}b", "\\b")
def test_the_same_as_the_fake_for_patterns_that_are_well_formed(pattern, name):
    found = doublestar.match(pattern, name)
    if doublestar.fault(pattern) is None:
        assert found is fake.hits(pattern, name)
    else:
        assert found is None


@settings(max_examples=600, deadline=None)
@given(st.text(alphabet="ab*?[]^-{},\\/", max_size=8), NAMES)
def test_what_breaks_the_server_has_a_fault(pattern, name):
    if fake.hits(pattern, name) is None:
        assert doublestar.fault(pattern)
    elif doublestar.fault(pattern) is None:
        assert doublestar.match(pattern, name) is fake.hits(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("[a-", "[ is not closed"),
        ("{v", "{ is not closed"),
        ("[]", "nothing between"),
        ("[a-]", "a - within"),
        ("[-a]", "a - within"),
        ("v\\", "escapes nothing"),
        ("web{/api,}", "two patterns"),
        ("{" * 30 + "a" + "}" * 30, "nested too deeply"),
        ("a" * 1001, "longer than 1,000"),
    ],
)
def test_a_fault_says_what_is_wrong(pattern, words):
    assert words in doublestar.fault(pattern)
    assert doublestar.match(pattern, "a") is None


@pytest.mark.parametrize("pattern", ["[^]", "a]", "a}", "{}", "[a\\]]", "[^^]", "*", "**/*", "{a,{b,c}}", "ä[à-é]"])
def test_what_looks_odd_and_is_none(pattern):
    assert doublestar.fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 100 + "b", "a" * 255),
        ("*" * 900, "a" * 255),
        ("{a,*a}" * 100, "a" * 255),
        ("**/" * 300 + "x", "a/" * 127 + "b"),
        ("{,a}" * 240, "b" * 255),
        ("*?*?*b", "a" * 255),
        ("*a*b", "a" * 200_000),
        ("{" + ",".join("{a,b}" for _number in range(160)) + "}", "c" * 255),
    ],
)
def test_hostile_patterns_end_soon(pattern, name):
    begun = time.process_time()
    assert doublestar.match(pattern, name) in (True, False, None)
    assert time.process_time() - begun < 1.0
