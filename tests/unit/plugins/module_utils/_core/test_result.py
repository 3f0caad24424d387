# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import options as shown
from ansible_collections.registry.hygiene.plugins.module_utils._core import result
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from contract.mounts import WAYS
from contract.quay_rows import QUAY_TOKEN, quay
from contract.shelf import Foreseeing, Keeping, Shelf, Thing, entries, options, reported
from fakes.mount import mounted
from hypothesis import given
from hypothesis import strategies as st

LARGEST = 100_000  # bytes of a result
MANY = 10_000


def size(found):
    return len(json.dumps(found).encode())


def full(broken=0, **images):
    """A registry of ten thousand repositories in fifty groups, of which so many cannot be written."""
    shelf = Shelf(**{f"group-{number % 50}/repository-{number:05}-of-a-long-name": None for number in range(MANY)})
    shelf.images = {name: [f"feature-{place}-{name}" for place in range(9)] for name in shelf.states}
    for name in list(shelf.states)[:broken]:
        shelf.broken[name] = {"apply": RegistryError(f"{name}: " + "it failed in many words " * 100)}
    return shelf


def declared(shelf):
    return entries(*[{"names": [f"group-{number}/*"], "want": number % 9} for number in range(50)])


def test_results_are_small_at_ten_thousand_targets_whatever_happens(tmp_path):
    path = str(tmp_path / "plan.json")
    for broken, more in ((0, {}), (MANY, {}), (300, {"min_keep": 3, "on_limit": "skip"}), (0, {"protect": ["7"]})):
        shelf = full(broken)
        found = reported(shelf, Keeping, options(declarations=declared(shelf), plan_file=path, **more))
        assert size(found) < LARGEST and len(found.get("msg", "")) < 1000
        plan = found["plan"]
        assert plan["targets"] == MANY and len(plan["lines"]) <= 64 and len(plan["rows"]) == 50
        assert size(plan) < 40_000 and len(plan["worst"]) == 10
        assert len(found.get("things", {})) <= 50 >= len(found["changed_targets"])
        assert len(found.get("failures", {})) <= 50 >= len(found.get("left_out", {}))
        held = json.loads((tmp_path / "plan.json").read_text())
        assert len(held["repositories"]) == plan["images"]["total"] / 9
        assert found["diff"]["prepared"].splitlines() == plan["lines"]


def test_what_failed_is_told_by_cause_and_counted():
    shelf = Shelf(**{f"acme/r{number}": "old" for number in range(1080)})
    for number, name in enumerate(shelf.states):
        reasons = {0: f"GET /acme/r{number} answered 403: Unauthorized", 5: "the disk is full"}
        if number % 10 in reasons:
            shelf.broken[name] = {"apply": RegistryError(reasons[number % 10])}
    found = reported(shelf, Thing, options(names=["*"], want="new"))
    assert (
        found["failed"]
        and found["changed"]
        and found["msg"].splitlines()
        == [
            "216 of 1,080 targets failed",
            "acme/r0 and 107 more: GET /acme/r0 answered 403: Unauthorized",
            "acme/r5 and 107 more: the disk is full",
        ]
    )
    assert len(found["failures"]) == 50


def test_many_causes_are_cut_and_counted():
    shelf = Shelf(**{f"r{number}": "old" for number in range(100)})
    shelf.broken = {name: {"read": RegistryError("reason " + "x" * place)} for place, name in enumerate(shelf.states)}
    msg = reported(shelf, Thing, options(names=["*"], want="new"))["msg"]
    assert msg.splitlines()[0] == "100 of 100 targets failed" and len(msg) < 1000
    assert msg.splitlines()[-1] == "and 92 other causes, see failures"


def test_a_refused_plan_says_first_what_refused_it_and_has_no_states():
    shelf = Shelf(a="old", b="old")
    found = reported(shelf, Foreseeing, options(names=["a", "b"], want="new", max_deletions=1))
    assert found["msg"].startswith("refused by max_deletions: 2 > 1 (a, b)\n") and found["failed"]
    assert "things" not in found and not found["changed"]
    refused = found["plan"]["refused"]
    assert (refused["limit"], refused["message"]) == ("max_deletions", "refused by max_deletions: 2 > 1 (a, b)")
    assert found["plan"]["rows"][0]["limit"] == "max_deletions"
    assert reported(shelf, Foreseeing, options(names=["a", "b"], want="new", max_deletions=2))["things"] == {
        "a": "new",
        "b": "new",
    }


@pytest.mark.parametrize(
    ("how", "number", "states"),
    [("auto", 50, 50), ("auto", 51, 1), ("all", 51, 51), ("none", 3, 0), ("none", 51, 0)],
)
def test_states_come_back_as_asked_for(how, number, states):
    shelf = Shelf(**{str(place): "new" for place in range(number)})
    shelf.states["2"] = "old"
    found = reported(shelf, Foreseeing, options(names=["*"], want="new", return_states=how))
    assert len(found["things"]) == states and found["plan"]["targets"] == number and found["plan"]["changed"] == 1
    assert states != 1 or found["things"] == {"2": "new"}


def test_one_target_by_name_has_its_state_alone_and_info_modules_return_everything():
    assert reported(Shelf(a="old"), Foreseeing, options(names="a", want="new"))["things"] == "new"
    assert reported(Shelf(a="old"), Foreseeing, options(names="a", want="new", return_states="none"))["things"] == "new"

    class Read(Thing):
        module = ""  # as modules that only read

    everything = reported(full(), Read, options(names=["*"], want=None))
    assert len(everything["things"]) == MANY and "plan" not in everything


@pytest.mark.parametrize("limit", [-1, 1001])
def test_a_preview_limit_that_cannot_be_is_refused(limit):
    with pytest.raises(PlanRefused, match="preview_limit"):
        result.check_options({"preview_limit": limit})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fails", [True, False])
def test_explicit_names_do_not_blow_up_a_result(way, fails):
    """Ten thousand names of which none is there: failures of all, and the options that Ansible echoes."""
    names = [f"bulk/a-repository-that-is-not-there-{number:05}" for number in range(MANY)]
    access = {"quay_url": "https://quay.test", "quay_token": QUAY_TOKEN, "workers": 16}
    policy = {"method": "number_of_tags", "value": 0 if fails else 3}
    given = {"repositories": names, "policies": [policy]}
    fake = quay()
    fake.faults.append({"path": "autoprune|includeTags", "status": 404, "times": 10**6})
    with mounted(fake, "https://quay.test"):
        found = WAYS[way]("quay_autoprune_policy", {**access, "declarations": [given] * 3}, True)
        assert size(found) < LARGEST and found["failed"] and len(found["msg"]) < 1000
        assert found["invocation"]["module_args"]["declarations"][0]["policies"] == [
            {**policy, "tag_pattern": None, "tag_pattern_matches": True}
        ]
        assert QUAY_TOKEN not in json.dumps(found)
        if fails:
            wrong = WAYS[way]("quay_autoprune_policy", {**access, **given, "colour": "red"}, True)
            assert size(wrong) < LARGEST and "Unsupported parameters" in wrong["msg"]
        else:
            assert found["plan"]["failed"] == MANY and f"and {MANY - 1:,} more" in found["msg"]


def test_options_that_are_few_are_shown_whole():
    given = {"names": [str(number) for number in range(1000)], "none": None, "deep": [{"a": [1, 2]}]}
    assert shown.shortened(given) == given
    long = dict(given, names=[str(number) for number in range(MANY)])
    assert shown.shortened(long)["names"][-2:] == ["99", "... and 9,900 more"]
    assert shown.shortened(long)["deep"] == given["deep"] and len(long["names"]) == MANY


@given(st.lists(st.lists(st.text("ab", max_size=9), max_size=20), max_size=20), st.integers(1, 400))
def test_whatever_is_long_becomes_short(rows, times):
    found = shown.shortened({"rows": rows * times, "name": "x"})
    assert size(found) <= shown.MOST_SHOWN and found["name"] == "x"
