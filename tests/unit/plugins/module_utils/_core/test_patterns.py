# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import patterns


@pytest.mark.parametrize(
    "pattern",
    ["[bad(", "*", "+x", "?", "(a", "a)", "a**", "a{2,1}", "[z-a]", "a\\", "{2}", "^*", "[", "x{99999999999}", "(|*)"],
)
def test_what_no_engine_accepts_has_a_fault(pattern):
    assert patterns.fault(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^v[0-9]+",
        "^(dev|feature)-",
        "a{2,3}",
        "[]a]",
        r"\.",
        "[*+?|)]",
        # each known to some engine only
        r"\mword\M",
        "[[:digit:]]+",
        "[[:alpha:][:digit:]]*",
        "***:abc",
        "(?i)dev",
        "a(?i)b",
        "(?e)x",
        "(?<name>x)",
        "(?P<name>x)",
        "(?<=a+)b",
        "a++",
        r"\p{Lu}x",
        "a{,3}",
        "(?-i:a)",
        "***=(",
        "[a\\]",
    ],
)
def test_what_some_engine_accepts_has_none(pattern):
    assert patterns.fault(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "^v",
        "v.*",
        "^[0-9]+\\.[0-9]+$",
        "(dev|feature)-",
        "a{2,3}",
        "a{2}",
        "a{1,}",
        "[+*?|)(]",
        "[^]|]",
        "\\(x\\)",
        "^$",
        "a+b?c*",
    ],
)
def test_the_shared_subset_is_portable(pattern):
    assert patterns.not_portable(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"^v\d+$", r"\d"),
        (r"\bx", r"\b"),
        (r"[\d]", r"[\d]"),
        ("[[:digit:]]", "[[:digit:]]"),
        ("(?i)dev", "(?"),
        ("(?!dev)", "(?"),
        ("a*?", "lazy"),
        ("a++", "possessive"),
        ("a|", "empty alternative"),
        ("(|b)", "empty alternative"),
        ("a{,3}", "no repetition"),
        ("a{", "no repetition"),
        ("a{256}", "255"),
        ("a{2,300}", "255"),
        ("a" * 1001, "more than 1000 characters"),
        (r"[a\d]", r"[a\d]"),
        ("x[[:alpha:]", "[[:alpha:]"),
        ("[a|b](x)", None),
    ],
)
def test_what_engines_read_differently_is_named(pattern, what):
    found = patterns.not_portable(pattern)
    assert what in found if what else found is None


@pytest.mark.parametrize(
    ("pattern", "atoms", "plain"),
    [
        (r"a\.b\\", [r"\.", r"\\"], "axbx"),
        ("[]a][^]b]c[", ["[]a]", "[^]b]"], "xxc["),
        ("[[:alpha:]x]y]", ["[[:alpha:]x]"], "xy]"),
        ("[[:a]", ["[[:a]"], "x"),
        ("[]", ["[]"], "x"),
        ("[" * 9 + "\\", [], "[" * 9 + "\\"),
    ],
)
def test_escapes_and_brackets_are_told_from_the_rest(pattern, atoms, plain):
    assert patterns._split(pattern) == (atoms, plain)


HOSTILE = [
    "[:",
    "[[:a",
    "[:a",
    "(",
    "\\",
    "(?a",
    "{1",
    "[[:a:]",
    "[[:.=]",
    "[a[:",
    "(?<a",
    "a{1,",
    "[^",
    "[]",
    "(?i)",
    "a+",
]


@pytest.mark.parametrize("tail", ["", "]", ":]", ")", "}", "\\"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_whatever_is_long_and_odd_is_judged(piece, tail):
    pattern = (piece * 1000)[: 1000 - len(tail)] + tail
    atoms, plain = patterns._split(pattern)
    assert len(plain) == 1000 - sum(len(atom) - 1 for atom in atoms)
    for judge in (patterns.fault, patterns.not_portable, patterns.not_re2):
        assert judge(pattern) != patterns.TOO_LONG
    longer = piece * 100_000
    assert patterns.fault(longer) is None
    assert patterns.not_portable(longer) == patterns.not_re2(longer) == patterns.TOO_LONG


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("(?!a)", "look-around"),
        ("(?>a)", "atomic"),
        ("a++", "possessive"),
        (r"(a)\1", r"\1"),
        ("a" * 1001, "1000"),
        ("[(?!]", None),
    ],
)
def test_what_re2_does_not_know(pattern, what):
    found = patterns.not_re2(pattern)
    assert what in found if what else found is None
