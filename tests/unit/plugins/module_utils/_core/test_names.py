# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fnmatch

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import names
from hypothesis import given, settings
from hypothesis import strategies as st

GLOBS = st.text("[]!-^*?ab/\n&\\.", max_size=10)
NAMES = st.text("[]!-^*?ab/\n&\\.", max_size=8)


@settings(max_examples=1000, deadline=None)
@given(GLOBS, st.lists(NAMES, max_size=5))
def test_globs_match_as_in_fnmatch(glob, some):
    expected = [fnmatch.fnmatchcase(name, glob) for name in some]
    assert [names.matcher(glob)(name) for name in some] == expected
    assert names.matching(glob, some) == [name for name, matches in zip(some, expected) if matches]


@settings(deadline=None)
@given(st.lists(st.text("ab*", max_size=6), max_size=4), st.lists(st.text("ab", max_size=6), unique=True, max_size=8))
def test_names_are_left_out_as_each_of_the_globs_says(globs, some):
    def meant(name):
        return any(fnmatch.fnmatchcase(name, glob) if names.is_glob(glob) else glob == name for glob in globs)

    assert names.without(some, globs) == [name for name in some if not meant(name)]
    found = [name for name in names.expand(globs, lambda glob: some, []) if name in some]
    assert sorted(found) == sorted(name for name in some if meant(name))


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("*", "", True),
        ("acme/*", "acme/team/app", True),
        ("acme/*", "ACME/app", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "aab", False),
        ("[!a]?*", "bc", True),
        ("[*]", "*", True),
        ("[]*]", "*", True),
        ("[", "[", True),
        ("[a*", "[abc", True),
        ("[z-a]", "m", False),
        ("*a" * 60 + "b", "a" * 255, False),
        ("*[ab]?" * 40 + "b", "a" * 255, False),
        ("*" * 1000 + "b", "a" * 255, False),
        ("[" * 1000, "a" * 255, False),
    ],
)
def test_a_glob_matches_or_not_and_always_ends(glob, name, matches):
    assert names.matcher(glob)(name) is matches


@pytest.mark.parametrize(
    ("name", "several"),
    [
        ("a*", True),
        ("a?", True),
        ("[a]", True),
        ("a[]", False),
        ("]a[", False),
        ("[", False),
        ("a]b", False),
        ("[" * 9, False),
    ],
)
def test_what_stands_for_several(name, several):
    assert names.is_glob(name) is several


def test_globs_are_replaced_by_what_they_match_and_each_name_comes_once():
    warnings: list = []
    known = ["acme/app", "acme/lib", "other/app"]
    assert names.expand(["acme/lib", "acme/*", "*/app", "none/*"], lambda glob: known, warnings) == [
        "acme/lib",
        "acme/app",
        "other/app",
    ]
    assert warnings == ["'none/*' matches none of the 3 that can be seen"]
    assert names.expand(["*", "acme/*", "*app"], lambda glob: known, warnings) == known and len(warnings) == 1


def test_many_globs_are_compiled_once_each():
    globs, known = [f"team-{number}/*" for number in range(300)], [f"team-{number}/app" for number in range(1000)]
    names.matcher.cache_clear()
    for _turn in range(3):
        assert len(names.expand(globs, lambda glob: known, [])) == 300
    assert names.matcher.cache_info().misses == 300
