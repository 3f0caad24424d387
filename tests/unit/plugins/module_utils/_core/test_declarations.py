# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import declarations
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from contract.shelf import Foreseeing, Shelf, Thing, entries, entry, options


@pytest.mark.parametrize(
    ("named", "label"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d"], "a, b, c, ...")],
)
def test_an_entry_is_called_by_its_first_names(named, label):
    assert declarations.labelled(named) == label
    assert declarations.Entry({}, None, named, {}).place() == label
    assert declarations.Entry({}, 7, named, {}).place() == f"declarations[7] ({label})"


def test_a_task_without_declarations_is_one_entry():
    params = options(names=["a"], min_keep=3)
    (alone,) = declarations.entries(Thing, params)
    assert alone.params == params and alone.number is None and alone.own == {} and alone.label == "a"
    assert declarations.entries(Thing, options(declarations=[])) == []


def test_a_limit_that_an_entry_leaves_out_is_the_tasks_and_nothing_else_is():
    some = entries({"names": ["a"], "want": 1}, {"names": ["b"], "want": None, "min_keep": 0, "protect": []})
    task = options(declarations=some, min_keep=3, protect=["x"], max_deletions=9, want="beside", names=None)
    first, second = declarations.entries(Thing, task)
    assert (first.params["min_keep"], first.params["protect"], first.params["max_deletions"]) == (3, ["x"], 9)
    assert (second.params["min_keep"], second.params["protect"], second.params["max_deletions"]) == (0, [], 9)
    assert (first.params["want"], second.params["want"]) == (1, None) and first.params["workers"] == 3
    assert [one.label for one in (first, second)] == ["a", "b"]


def thing(where, **params):
    return SimpleNamespace(entry=where, params=params)


def test_two_entries_may_say_the_same_of_a_target_and_the_first_serves_it():
    things, first = {}, thing(entry("a", 0), want=1, note="x")
    declarations.claim(things, "a", first, ["want"])
    declarations.claim(things, "a", thing(entry("a*", 1), want=1, note="y"), ["want"])
    assert things == {"a": first}
    same = entry("a", 0)
    declarations.claim(things, "b", thing(same, want=1), ["want"])
    declarations.claim(things, "b", thing(same, want=2), ["want"])


def test_two_entries_that_differ_are_refused_with_both_named_and_what_differs():
    things = {}
    declarations.claim(things, "acme/app", thing(entry("acme/*", 0), want=1, state="present", same=1), [])
    with pytest.raises(PlanRefused) as refused:
        declarations.claim(
            things,
            "acme/app",
            thing(entry("acme/app\n", 4), want=2, state="absent", same=1),
            ["want", "state", "same"],
        )
    assert str(refused.value) == (
        "acme/app is declared twice, with different state, want: in declarations[0] (acme/*) and in "
        "declarations[4] (acme/app\\n). Leave it out of one of them (exclude)"
    )


SPEC = {
    "names": {"type": "list", "elements": "str", "required": True},
    "place": {"type": "str", "required": True},
    "want": {"type": "str"},
    "state": {"type": "str", "default": "present"},
}


def test_the_options_of_a_module_stand_alone_or_in_declarations():
    spec, rules = declarations.specified(Foreseeing, SPEC, {"mutually_exclusive": [("want", "other")]})
    assert "required" not in spec["names"] and spec["declarations"]["options"]["names"]["required"]
    assert set(spec["declarations"]["options"]) == {
        *SPEC,
        "max_deletions",
        "max_deletions_percent",
        "min_keep",
        "protect",
    }
    assert rules["required_one_of"] == [("names", "declarations")]
    assert rules["required_together"] == [("names", "place")]
    assert set(rules["mutually_exclusive"]) == {
        ("want", "other"), ("declarations", "names"), ("declarations", "place"), ("declarations", "want"),
    }  # fmt: skip
    assert SPEC["names"]["required"]


def test_what_has_a_default_may_not_stand_beside_declarations_either():
    params = {"names": None, "place": None, "want": None, "state": "present", "declarations": [{}]}
    declarations.check_list(Thing, SPEC, params)
    declarations.check_list(Thing, SPEC, {**params, "state": "absent", "declarations": None})
    with pytest.raises(PlanRefused, match="^state: beside declarations it means nothing"):
        declarations.check_list(Thing, SPEC, {**params, "state": "absent"})


class Exclusive(Thing):
    """A thing of a list that may be the only ones."""

    several = "things"

    @classmethod
    def surplus(cls, client):
        return list(client.states)


def test_a_list_of_things_that_delete_no_images_has_its_own_name_and_no_limits():
    spec, rules = declarations.specified(Exclusive, SPEC, {})
    assert set(spec["things"]["options"]) == set(SPEC) and rules["required_one_of"] == [("names", "things")]
    (only,) = declarations.entries(Exclusive, options(things=[{"names": ["a"], "want": 1}]))
    assert only.place() == "things[0] (a)" and only.numbered() == "things[0]"


@pytest.mark.parametrize("listed", [None, []])
def test_an_exclusive_list_must_hold_something(listed):
    with pytest.raises(PlanRefused, match="^exclusive: list in things what is to stay"):
        declarations.check_list(Exclusive, {}, {"exclusive": True, "things": listed})
    declarations.check_list(Exclusive, {}, {"exclusive": False, "things": listed})


def test_what_an_exclusive_list_leaves_out_is_to_go():
    shelf = Shelf(a=1, b=2, c=3)
    rest = declarations.undeclared(Exclusive, shelf, {"exclusive": True}, {"b": None})
    assert [one.target for one in rest] == ["a", "c"]
    assert {(one.params["state"], one.entry.label) for one in rest} == {("absent", "what is not declared")}
    assert declarations.undeclared(Exclusive, shelf, {"exclusive": False}, {"b": None}) == []
    assert declarations.undeclared(Thing, shelf, {"exclusive": True}, {"b": None}) == []
