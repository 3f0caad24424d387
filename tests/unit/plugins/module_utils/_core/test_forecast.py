# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast
from contract.shelf import image
from hypothesis import given
from hypothesis import strategies as st

FATES = ("deletions", "uncertain", "kept")


def said(**tags):
    return {fate: [image(tag) for tag in tags.get(fate, "")] for fate in FATES}


def compared(planned, current):
    return forecast.compared(planned, current, lambda one: "target")


@pytest.mark.parametrize(
    ("planned", "current", "anyway"),
    [
        ("deletions", "deletions", True),
        ("deletions", "uncertain", False),  # what only might go now surely goes: that is the change
        ("deletions", "kept", False),
        ("deletions", None, False),
        ("uncertain", "deletions", True),
        ("uncertain", "uncertain", True),
        ("uncertain", "kept", False),
        ("kept", "deletions", False),  # it is saved, so it does not go at all
        ("kept", "kept", False),
    ],
)
def test_an_image_goes_anyway_if_it_goes_as_surely_now(planned, current, anyway):
    found = compared(said(**{planned: "a"}), current and said(**{current: "a"}))["acme/app"]
    (found,) = found
    assert (found["fate"], found["anyway"]) == (forecast.FATES[planned], anyway)
    assert found["by"] == "target" and found["because"] == "not among the newest"


def test_three_numbers_are_told():
    found = forecast.totals(compared(said(deletions="abc", uncertain="de", kept="fgh"), said(deletions="ad")))
    assert found == {
        "count": 3,
        "uncertain_count": 2,
        "anyway_count": 2,
        "added_count": 3,
        "total": 8,
        "bytes": 30,
        "repositories": 1,
    }


def test_images_without_a_tag_are_known_by_their_digest_and_others_by_their_tag():
    def untagged(digest):
        return {"deletions": [image(None, digest=digest)]}

    def anyway(planned, current):
        (found,) = compared(planned, current)["acme/app"]
        return found["anyway"]

    assert anyway(untagged("a"), untagged("a")) and not anyway(untagged("a"), untagged("b"))
    moved = {"deletions": [image("v1", digest="new")]}
    assert anyway(moved, {"deletions": [image("v1", digest="old")]})
    assert not anyway(moved, {"deletions": [image("v1", "acme/lib")]})


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.tuples(*[st.sampled_from(FATES)] * 2)))
def test_the_numbers_add_up(tags):
    planned, current = ({fate: [] for fate in FATES} for _when in range(2))
    for tag, fates in tags.items():
        for found, fate in zip((planned, current), fates):
            found[fate].append(image(tag))
    found = compared(planned, current)
    sums = forecast.totals(found)
    assert sums["total"] == len(tags)
    assert sums["added_count"] + sums["anyway_count"] == sums["count"] + sums["uncertain_count"]
    assert sums["count"] == len(planned["deletions"]) and sums["anyway_count"] >= 0 <= sums["added_count"]


def test_the_worst_are_those_that_lose_most_with_the_surest_and_newest_losses_first():
    found = {}
    for number in range(30):
        losses = said(uncertain="a", deletions="".join(map(chr, range(98, 98 + number % 15))))
        repository = f"acme/{number:02}"
        for fate in FATES:
            for one in losses[fate]:
                one["target"] = repository
        found.update(compared(losses, {"deletions": [image("b", repository)]}))
    found["acme/fine"] = compared(said(kept="a"), None)["acme/app"]
    worst = forecast.worst(found, 4, 2)
    assert [one["target"] for one in worst] == ["acme/14", "acme/29", "acme/13", "acme/28"]
    assert worst[0]["count"] == 14 and worst[0]["uncertain_count"] == 1 and worst[0]["kept_count"] == 0
    assert [one["tag"] for one in worst[0]["images"]] == ["c", "d"]  # what is added comes before what goes anyway
    assert "acme/fine" not in {one["target"] for one in forecast.worst(found, 99, 0)}
