# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import warnings

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import automaton, matching
from hypothesis import assume, given, settings
from hypothesis import strategies as st

HOSTILE = [
    ("^(a|a)+$", "a" * 127 + "b", False),
    ("(x+x+)+y", "x" * 128, False),
    ("a.*a.*a.*a.*a.*a.*b$", "a" * 128, False),
    ("(.*a){20}$", "a" * 127 + "b", False),
    ("(a?){64}a{64}$", "a" * 128, True),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 128, False),
    ("(a*)*(a*)*b", "a" * 128, False),
    ("(?i)^(A|aa)+$", "a" * 127 + "b", False),
    ("^(a|b|ab)*c", "ab" * 64, False),
    (r"\b(\w+\s?)+\B$", "a" * 128, False),
    ("(.*)*" * 30 + "!", "x" * 128, False),
]


@pytest.mark.parametrize(("pattern", "text", "found"), HOSTILE, ids=[pattern for pattern, _text, _found in HOSTILE])
def test_hostile_patterns_are_decided_in_steps_that_grow_with_the_text(pattern, text, found):
    matcher = matching.Matcher(pattern)
    assert matcher.search(text) is found
    assert matcher.anywhere.steps <= (len(text) + 1) * len(matcher.anywhere.machine.nodes)


def oracle(pattern, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = re.compile(pattern)
    return compiled.search(text) is not None, compiled.fullmatch(text) is not None


PATTERNS = [
    "", "a", "^$", "^a", "a$", r"\Aab\Z", r"a\Z", "a|b", "a||b", "(a)(b)?", "(?:a|b)*?c", "a{2}", "a{2,}",
    "a{,2}b", "a{0}b",
    "(ab|a)(bc)?$", "[^a]", "[a-c-]", "[]a]", "[^]]", r"[\d_]", r"[^\W\d]", r"\d+", r"\D", r"\s", r"\S\S",
    r"\w\W", r"\ba\b",
    r"a\Bb", r"\B", r"\b", ".", "(?s).", "(?m)^b", "(?m)a$", "(?m)^$", "(?i)STRASSE", "(?i)[a-k]", "(?i)[^A]",
    "(?i)\u017f",
    "(?i)\u0130", "(?a)\\w", r"(?a)\bé\b", r"(?i:A)b", "(?i)a(?-i:B)", "(?s:.)b", "(?x) a  b # c", "(?P<n>a)",
    "é", r"\x61",
    r"\.", r"\\", "\n", "a\\n$", "()", "(){3}", "(|a)+b", "(a*)+", "((a?)?){3}b", "(?:^a?)*b", r"(?:\b|a)+",
    "[\U0001f600-\U0001f64f]",
    "a$\n", "(?:^)*a",
]  # fmt: skip
TEXTS = [
    "",
    "a",
    "b",
    "c",
    "ab",
    "ba",
    "aab",
    "abc",
    "bc",
    "A",
    "AB",
    "Ab",
    "a\n",
    "\n",
    "a\nb",
    "\na\n",
    "a\n\n",
    "é",
    "aé",
    "_",
]
TEXTS += [
    "strasse",
    "\u017f",
    "s",
    "S",
    "K",
    "\u212a",
    "i",
    "\u0130",
    "7",
    " ",
    "a b",
    "]",
    "-",
    ".",
    "\\",
    "\U0001f600",
    "\ud800",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_found_is_what_python_finds(pattern):
    matcher = matching.Matcher(pattern)
    for text in TEXTS:
        assert (matcher.search(text), matcher.fullmatch(text)) == oracle(pattern, text), text


ATOMS = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        "^",
        "$",
        r"\b",
        r"\B",
        r"\A",
        r"\Z",
        r"\w",
        r"\W",
        r"\s",
        r"\d",
        "\\n",
        "é",
        "B",
        "",
    ]
)
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}", "{0}"]
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("({}){}".format, inner, st.sampled_from(REPEATS)),
        st.builds("(?i:{})".format, inner),
        st.builds("(?s:{})".format, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=1000, deadline=None)
@given(
    EXPRESSIONS,
    st.sampled_from(["", "(?m)", "(?i)", "(?a)"]),
    st.lists(st.text("abAB1é\n ", max_size=7), min_size=1, max_size=5),
)
def test_any_expression_is_decided_as_python_decides_it(expression, flag, texts):
    matcher = matching.Matcher(flag + expression)
    for text in texts:
        assert (matcher.search(text), matcher.fullmatch(text)) == oracle(flag + expression, text)


@settings(max_examples=500, deadline=None)
@given(st.text("ab()[]{}?*+|^$\\.=!<>:-,12Pix#&", max_size=12), st.lists(st.text("ab12-\n", max_size=5), max_size=4))
def test_any_text_is_an_expression_or_an_error_as_for_python(pattern, texts):
    try:
        oracle(pattern, "")
    except (re.error, OverflowError):
        assume(False)
    matcher = matching.Matcher(pattern)
    for text in texts:
        searched, whole = oracle(pattern, text)
        assert matcher.search(text) in (searched, None) and matcher.fullmatch(text) in (whole, None)


@pytest.mark.parametrize(
    "pattern", ["[bad(", "*", "(a", "a)", "[z-a]", "a{2,1}", "a\\", "(" * 600 + ")" * 400, "x{99999999999}"]
)
def test_what_is_no_expression_is_an_error(pattern):
    with pytest.raises(re.error):
        matching.compile(pattern)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(a{1,60000}){1,60000}", "repetitions are too large"),
        ("((((a{99}){99}){99}){99}){99}", "repetitions are too large"),
        ("a{4000000}", "repetitions are too large"),
        ("a" * 1001, "more than 1000 characters"),
        ("(?!(a+)+b)", "a look-around, which may take too long"),
        ("^(?!((){60000}){60000})", "look-around"),
        (r"^(a+)+\1$", "back-reference"),
        (r"^(a+)+(?(1)b|c)$", "a condition"),
    ],
)
def test_what_cannot_be_decided_is_not_and_says_why(pattern, problem):
    matcher = matching.compile(pattern)
    assert matcher.search("a" * 128) is None and matcher.fullmatch("a") is None
    assert problem in matcher.problem


@pytest.mark.parametrize("pattern", ["(" * 90 + "a" + ")" * 90, "(?=" * 90 + "a" + ")" * 90, "(?:(a{0}){9}){9}" * 20])
def test_depth_ends_in_an_answer(pattern):
    assert matching.compile(pattern).search("a") in (True, None)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^(?!dev-)", "dev-1", False),
        ("^(?!dev-)", "v1", True),
        ("^(?!.*-(rc|beta)).*$", "v1-rc", False),
        ("^(?!.*-(rc|beta)).*$", "v1", True),
        (r"(.)\1", "v11", True),
        ("(?<=v)1", "v1", True),
        ("(?<=v)1", "v1" + "x" * 127, None),
    ],
)
def test_simple_look_arounds_are_left_to_python_for_what_may_be_a_tag(pattern, text, found):
    assert matching.compile(pattern).search(text) is found


def test_a_pattern_has_so_many_steps_and_keeps_what_it_knows():
    matcher = matching.Matcher("(.{0,60}a){0,30}b")
    texts = [format(number, "0128b").translate({48: "a", 49: "x"}) for number in range(0, 2**60, 2**51 + 12345)]
    answers = [matcher.search(text) for text in texts]
    assert answers[0] is False and answers[-1] is None and matcher.problem == "it takes too long"
    assert matcher.anywhere.steps <= matching.MOST_STEPS + automaton.MOST_NODES
    assert matcher.anywhere.kept <= matching.MOST_KEPT + automaton.MOST_NODES


def test_many_ordinary_tags_take_few_steps():
    matcher = matching.Matcher(r"^v[0-9]+\.[0-9]+\.[0-9]+(-rc[0-9]+)?$")
    assert all(matcher.search(f"v{number % 7}.{number % 11}.{number}") for number in range(20000))
    assert matcher.anywhere.steps < 1000


def test_a_pattern_is_compiled_once():
    assert matching.compile("^v") is matching.compile("^v")
