# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import folding, names
from hypothesis import given
from hypothesis import strategies as st

NAME = st.text("ab-/._", min_size=1, max_size=9).map(lambda text: f"acme/{text}")


def meant(folded, known):
    """Return what names and globs mean, as the modules read them."""
    return names.expand(folded[0], lambda glob: known, [], folded[1])


@given(st.sets(NAME, min_size=1, max_size=30), st.data())
def test_what_is_folded_means_exactly_these(known, data):
    some = data.draw(st.sets(st.sampled_from(sorted(known))))
    folded = folding.Names(known, "acme/").fold(some)
    assert set(meant(folded, known)) == some
    assert len(folded[0]) + len(folded[1]) <= len(some), "and it is never longer than a list of them"


@pytest.mark.parametrize(
    ("some", "others", "expected"),
    [
        (["acme/a", "acme/b"], [], (["acme/*"], [])),
        (["acme/a"], [], (["acme/a"], [])),  # one alone is named
        (["acme/a", "acme/b", "acme/c"], ["acme/d"], (["acme/*"], ["acme/d"])),
        (["acme/a", "acme/b"], ["acme/c", "acme/d"], (["acme/a", "acme/b"], [])),
        (["acme/x/a", "acme/x/b"], ["acme/c", "acme/d"], (["acme/x/*"], [])),
        (["acme/x", "acme/x/a", "acme/x/b"], ["acme/c", "acme/d"], (["acme/x", "acme/x/*"], [])),
        (["acme/web-1", "acme/web-2", "acme/web-3"], ["acme/db-1", "acme/db-2"], (["acme/web-*"], [])),
        (["acme/web-1", "acme/web-2"], ["acme/db-1", "acme/db-2"], (["acme/web-1", "acme/web-2"], [])),
        (["acme/a", "acme/b", "acme/c"], ["acme/old/1", "acme/old/2"], (["acme/*"], ["acme/old/*"])),
        (["acme/a", "acme/b", "acme/c"], ["acme/old/1"], (["acme/*"], ["acme/old/1"])),
        (["acme/app-", "acme/app-1", "acme/app-2"], ["acme/b", "acme/c"], (["acme/app-*"], [])),
    ],
)
def test_globs_are_those_that_a_person_would_write(some, others, expected):
    assert folding.Names([*some, *others], "acme/").fold(some) == expected


@pytest.mark.parametrize("more", [{"whole": False}, {"known": ["acme/[ab]"]}])
def test_without_knowing_all_names_none_is_folded(more):
    known = ["acme/a", "acme/b", *more.pop("known", [])]
    assert folding.Names(known, "acme/", **more).fold(["acme/b", "acme/a"]) == (["acme/a", "acme/b"], [])


def test_names_of_many_parts_and_many_groups_take_no_time():
    deep = [f"acme/{'a-' * 120}{number}" for number in range(200)]
    wide = [f"acme/team-{number % 40}/app-{number}" for number in range(10_000)]
    place = folding.Names([*deep, *wide], "acme/")
    began = time.monotonic()
    for start in range(2_000):
        place.fold(wide[start::2_000])
    assert place.fold(deep)[0] == deep or len(place.fold(deep)[0]) == 1
    assert time.monotonic() - began < 5
