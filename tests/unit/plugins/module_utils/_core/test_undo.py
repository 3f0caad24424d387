# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from contract.shelf import Keeping, Shelf, Thing, options, reported, undone

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plan.json"


def planned(shelf, path, want="new", resource=Thing, **more):
    """The result of a task that keeps its plan."""
    return reported(shelf, resource, options(names=list(shelf.states), want=want, plan_file=str(path), **more))


def test_what_was_there_before_is_put_back_and_only_that(path):
    shelf = Shelf(a="old", b="new", c=None, d=["odd", {"er": 1}])
    before = dict(shelf.states)
    planned(shelf, path)
    shelf.states["e"] = "by somebody else"
    foretold = undone(shelf, Thing, str(path), check_mode=True)
    assert shelf.states["a"] == "new" and foretold["changed_targets"] == ["a", "c", "d"]
    shelf.written.clear()
    done = undone(shelf, Thing, str(path))
    assert {key: foretold[key] for key in foretold} == {key: done[key] for key in done}
    assert sorted(shelf.written) == ["a", "c", "d"] and shelf.states == {**before, "e": "by somebody else"}
    assert "~ a: new  ->  old\n" in done["diff"]["prepared"]
    assert done["plan"]["targets"] == 3 and done["things"] == {name: before[name] for name in ("a", "c", "d")}
    shelf.written.clear()
    again = undone(shelf, Thing, str(path))
    assert not again["changed"] and not again.get("failed") and shelf.written == []


def test_a_plan_that_was_never_carried_out_has_nothing_to_take_back(path):
    shelf = Shelf(a="old", b="older")
    reported(shelf, Thing, options(names=["a", "b"], want="new", plan_file=str(path)), check_mode=True)
    result = undone(shelf, Thing, str(path))
    assert not result["changed"] and not result.get("failed") and shelf.written == []


def test_what_failed_in_the_plan_is_as_before_and_the_rest_is_put_back(path):
    shelf = Shelf(a="old", b="old", c="old")
    shelf.broken = {"a": {"read": RegistryError("no")}, "b": {"apply": RegistryError("refused")}}
    assert planned(shelf, path)["failed"]
    shelf.broken, shelf.written = {}, []
    result = undone(shelf, Thing, str(path))
    assert shelf.written == ["c"] and shelf.states == {"a": "old", "b": "old", "c": "old"}
    assert not result.get("failed") and result["plan"]["targets"] == 2


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_somebody_has_changed_since_is_left_alone_unless_forced(path, check_mode):
    shelf = Shelf(a="old", b="old")
    planned(shelf, path)
    shelf.states["a"] = "by hand"
    shelf.written.clear()
    result = undone(shelf, Thing, str(path), check_mode)
    assert result["failed"] and list(result["failures"]) == ["a"] and result["changed_targets"] == ["b"]
    assert "somebody has changed it since" in result["msg"] and "undo_force: true" in result["msg"]
    assert "It is by hand, by the plan it was new. To put back old" in result["failures"]["a"]
    assert shelf.written == ([] if check_mode else ["b"]) and shelf.states["a"] == "by hand"
    forced = undone(shelf, Thing, str(path), check_mode, undo_force=True)
    assert "a" in forced["changed_targets"] and not forced.get("failed")
    assert shelf.states["a"] == ("by hand" if check_mode else "old")


def test_what_cannot_be_declared_fails_alone_and_not_if_it_is_back_already(path):
    shelf = Shelf(a="secret", b="old")
    planned(shelf, path)
    result = undone(shelf, Thing, str(path))
    assert result["failures"] == {"a": "it cannot be put back: that is a secret"} and shelf.states["b"] == "old"
    shelf.states["a"] = "secret"
    assert not undone(shelf, Thing, str(path)).get("failed")


def test_what_would_become_something_else_is_not_written(path):
    class Rounding(Thing):
        def plan(self, current):
            return "rounded"

    shelf = Shelf(a="old")
    planned(shelf, path)
    result = undone(shelf, Rounding, str(path))
    assert "cannot be put back as it was, old, but only as rounded" in result["msg"] and shelf.states == {"a": "new"}


def test_a_refusal_to_plan_is_the_failure_of_its_target(path):
    class Picky(Thing):
        def plan(self, current):
            if self.target == "a":
                raise PlanRefused("not that")
            return super().plan(current)

    shelf = Shelf(a="old", b="old")
    planned(shelf, path)
    result = undone(shelf, Picky, str(path))
    assert result["failures"] == {"a": "it cannot be put back: not that"} and shelf.states == {"a": "new", "b": "old"}


def test_limits_and_forecasts_hold_for_the_way_back(path):
    shelf = Shelf(acme=1, globex=2)
    shelf.images = {f"{group}/app": ["v3", "v2", "v1"] for group in ("acme", "globex")}
    planned(shelf, path, want=3, resource=Keeping)
    shelf.written.clear()
    refused = undone(shelf, Keeping, str(path), max_deletions=2)
    assert refused["msg"].startswith("refused by max_deletions: 3 > 2 (acme)") and shelf.written == []
    runs = undone(shelf, Keeping, str(path), in_use=["globex/app:v1"], on_limit="skip")
    assert shelf.written == ["acme"] and list(runs["left_out"]) == ["globex"]
    assert runs["plan"]["images"]["count"] == 2


def test_an_undo_keeps_a_plan_of_its_own_that_can_be_undone(path, tmp_path):
    shelf, back = Shelf(a="old"), tmp_path / "back.json"
    planned(shelf, path)
    undone(shelf, Thing, str(path), plan_file=str(back))
    assert shelf.states == {"a": "old"} and json.loads(back.read_text())["changes"][0]["after"] == "old"
    undone(shelf, Thing, str(back))
    assert shelf.states == {"a": "new"}
    held = undone(shelf, Thing, str(path), plan=str(back))
    assert not held.get("failed") and shelf.states == {"a": "old"}


def test_what_is_deleted_stays_deleted_and_that_is_said(path):
    shelf = Shelf(acme=3)
    shelf.images = {"acme/app": ["v3", "v2", "v1"]}
    planned(shelf, path, want=1, resource=Keeping)
    lines = undone(shelf, Keeping, str(path))["plan"]["lines"]
    assert lines[-1] == "  images that are deleted stay deleted: 2 images went, or may have, by that plan"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"names": ["a"]}, "names: beside undo it means nothing"),
        ({"want": "x", "names": "a"}, "names, want: beside undo"),
        ({"declarations": [{"names": ["a"]}]}, "declarations: beside undo"),
        ({"exclusive": True}, "exclusive: beside undo"),
    ],
)
def test_nothing_stands_beside_it(path, more, message):
    shelf = Shelf(a="old")
    planned(shelf, path)
    with pytest.raises(PlanRefused) as refused:
        undone(shelf, Thing, str(path), **more)
    assert message in str(refused.value)


def test_the_file_that_is_read_is_not_written_over(path):
    planned(Shelf(a="old"), path)
    with pytest.raises(PlanRefused, match="would be lost"):
        undone(Shelf(a="new"), Thing, str(path), plan_file=f"{path.parent}/./plan.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module": "another_thing"}, "is of another_thing, not of shelf_thing"),
        ({"registry": "https://other.test\x1b[2J"}, "is of https://other.test\\x1b[2J, not of https://shelf.test"),
        ({"version": 2}, "undo: .* cannot be used as a plan"),
        ({"changes": [{"target": "a"}]}, "cannot be used as a plan"),
        ({"changes": [{"target": 1, "before": 1, "after": 2}]}, "cannot be used as a plan"),
    ],
)
def test_a_file_of_something_else_is_refused(path, change, message):
    shelf = Shelf(a="old")
    planned(shelf, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(PlanRefused) as refused:
        undone(shelf, Thing, str(path))
    assert message.split(".*")[-1].strip() in str(refused.value)
    with pytest.raises(PlanRefused, match="No such file"):
        undone(shelf, Thing, "/nowhere/plan.json")


def test_a_thousand_that_were_changed_since_are_told_in_short(path):
    shelf = Shelf(**{f"thing-{number}": "old" for number in range(1000)})
    planned(shelf, path)
    shelf.states = dict.fromkeys(shelf.states, "by hand")
    message = undone(shelf, Thing, str(path))["msg"]
    assert message.startswith("1,000 of 1,000 targets failed\nthing-0 and 999 more (changes[0]): somebody has changed")
    assert len(message) < 950 and message.count("\n") == 1
