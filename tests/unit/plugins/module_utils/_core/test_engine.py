# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import threading

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import fuse, preview, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.engine import Resource, converge
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    Denied,
    LostAnswer,
    PlanRefused,
    RegistryError,
    Unreachable,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.ledger import Ledger


class Shelf:
    """A registry without HTTP: what is on it, and how many writes it took."""

    def __init__(self, **states):
        self.states = states
        self.written = []
        self.progress = lambda text: None
        self.warnings = []
        self.broken = {}


class Thing(Resource):
    noun = "thing"
    seen = None

    @classmethod
    def targets(cls, client, params):
        return params["names"]

    def read(self):
        if "read" in self.client.broken.get(self.target, {}):
            raise self.client.broken[self.target]["read"]
        return self.client.states.get(self.target)

    def plan(self, current):
        return self.params["want"]

    def apply(self, current, planned):
        if "apply" in self.client.broken.get(self.target, {}):
            raise self.client.broken[self.target]["apply"]
        self.client.written.append(self.target)
        self.client.ledger.note(certain=True)
        self.client.states[self.target] = planned


class Foreseeing(Thing):
    def foresee(self, current, planned):
        if "foresee" in self.client.broken.get(self.target, {}):
            raise self.client.broken[self.target]["foresee"]
        gone = {"target": self.target, "tag": "v1", "digest": "d", "age": 1, "size": 1, "because": ""}
        return {"deletions": [gone], "uncertain": [], "kept": []}


NO_LIMITS = {name: option.get("default") for name, option in {**preview.ARGUMENT_SPEC, **fuse.ARGUMENT_SPEC}.items()}


def run(shelf, names, want="new", check_mode=False, resource=Thing, **params):
    shelf.ledger = Ledger()
    return converge(resource, shelf, dict(NO_LIMITS, names=names, want=want, workers=3, **params), check_mode)


def test_first_run_changes_second_does_not():
    shelf = Shelf(a="old", b="new")
    outcome = run(shelf, ["a", "b", "c"])
    assert outcome.changed and outcome.changed_targets == ["a", "c"]
    assert outcome.before == {"a": "old", "b": "new", "c": None}
    assert outcome.after == shelf.states == {"a": "new", "b": "new", "c": "new"}
    assert sorted(shelf.written) == ["a", "c"]
    shelf.written.clear()
    assert not run(shelf, ["a", "b", "c"]).changed and shelf.written == []


def test_check_mode_foretells_and_writes_nothing():
    shelf = Shelf(a="old")
    foretold = run(shelf, ["a", "b"], check_mode=True)
    assert shelf.states == {"a": "old"} and shelf.written == []
    assert foretold == run(shelf, ["a", "b"])


def test_one_failure_neither_stops_nor_hides_the_others():
    shelf = Shelf(a="old", b="old", c="old", d="old")
    shelf.broken = {"a": {"read": RegistryError("no right")}, "c": {"apply": RegistryError("gone")}}
    outcome = run(shelf, list("abcd"))
    assert outcome.failures == {"a": "no right", "c": "gone"}
    assert outcome.after == {"b": "new", "d": "new"} and outcome.changed
    assert shelf.states == {"a": "old", "b": "new", "c": "old", "d": "new"}


def test_what_failed_without_a_write_is_not_called_changed():
    shelf = Shelf(a="old")
    shelf.broken = {"a": {"apply": RegistryError("refused")}}
    assert not run(shelf, ["a"]).changed


def test_what_nobody_thought_of_is_the_failure_of_its_target_and_shows_no_value():
    shelf = Shelf(a="old", b="old", c="old")
    shelf.broken = {"a": {"read": ValueError("s3cret")}, "b": {"apply": KeyError("s3cret")}}
    outcome = run(shelf, list("abc"))
    assert sorted(outcome.failures) == ["a", "b"] and outcome.after == {"c": "new"} and outcome.changed
    for text in outcome.failures.values():
        assert "bug" in text and "test_engine.py:" in text and "s3cret" not in text


@pytest.mark.parametrize("arrived", [True, False, None])
def test_a_write_in_doubt_counts_unless_reading_back_disproves_it(arrived):
    shelf = Shelf(a="old")

    class Doubtful(Thing):
        def apply(self, current, planned):
            self.client.ledger.note(certain=False)
            if arrived:
                self.client.states[self.target] = planned
            if arrived is None:
                self.client.broken = {self.target: {"read": Unreachable("gone")}}
            raise LostAnswer("no answer")

    outcome = run(shelf, ["a"], resource=Doubtful)
    assert outcome.failures == {"a": "no answer"} and outcome.changed is (arrived is not False)


def test_where_nobody_can_look_only_one_tries():
    shelf, looks = Shelf(), []

    class Down(Thing):
        def read(self):
            looks.append(self.target)
            if len(looks) > 20:
                raise Unreachable("gone")

        def apply(self, current, planned):
            self.client.ledger.note(certain=False)
            raise Unreachable("gone")

    assert run(shelf, [str(number) for number in range(20)], resource=Down).changed
    assert len(looks) <= 20 + 3  # as many as there are workers


def test_progress_is_told_by_the_thread_that_called():
    shelf, told = Shelf(), []
    shelf.progress = lambda text: told.append((text, threading.get_ident()))

    class Telling(Thing):
        def apply(self, current, planned):
            self.client.progress(f"{self.target} under way")

    run(shelf, ["a", "b"], resource=Telling)
    assert sorted(text for text, _thread in told) == ["a under way", "b under way"]
    assert {thread for _text, thread in told} == {threading.get_ident()}


def test_an_interrupted_task_ends_what_waits():
    shelf, ended = Shelf(), threading.Event()

    class Waiting(Thing):
        def apply(self, current, planned):
            self.client.progress("waiting")
            try:
                wait.pause(600)
            finally:
                ended.set()

    def interrupt(text):
        raise KeyboardInterrupt

    shelf.progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        run(shelf, ["a"], resource=Waiting)
    assert ended.wait(60)


def test_refused_credentials_end_the_task_before_all_targets_were_tried():
    shelf = Shelf()
    asked = []

    class Counting(Thing):
        def read(self):
            asked.append(self.target)
            raise Denied("bad token", 401)

    with pytest.raises(Denied):
        run(shelf, [str(number) for number in range(200)], resource=Counting)
    assert len(asked) <= 3  # as many as there are workers


def test_where_accounts_get_locked_the_first_target_is_read_alone():
    asked = []

    class Careful(Thing):
        careful = True

        def read(self):
            asked.append(self.target)
            raise Denied("bad token", 401)

    with pytest.raises(Denied):
        run(Shelf(), [str(number) for number in range(200)], resource=Careful)
    assert asked == ["0"]


def test_refused_credentials_after_the_first_write_are_told_for_each_target():
    shelf = Shelf()

    class Expiring(Thing):
        turn = threading.Lock()

        def apply(self, current, planned):
            with self.turn:
                if self.client.written:
                    raise Denied("bad token", 401)
                super().apply(current, planned)

    outcome = run(shelf, [str(number) for number in range(20)], resource=Expiring)
    assert outcome.changed and len(outcome.failures) == 19 and set(outcome.failures.values()) == {"bad token"}


def test_a_target_named_twice_is_served_once():
    shelf = Shelf()
    run(shelf, ["a", "b", "a"])
    assert sorted(shelf.written) == ["a", "b"]


def test_one_exact_name_is_told_apart_from_a_list():
    assert run(Shelf(), "a").single
    assert not run(Shelf(), ["a"]).single
    nothing = run(Shelf(), [])
    assert not nothing.changed and not nothing.single and nothing.after == {}


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_blown_fuse_writes_nothing_of_the_whole_task(check_mode):
    shelf = Shelf(a="old", b="old", c="new")
    with pytest.raises(PlanRefused, match="2 images would be deleted, more than 1"):
        run(shelf, ["a", "b", "c"], check_mode=check_mode, resource=Foreseeing, max_deletions=1)
    assert shelf.written == []
    assert set(run(shelf, ["a", "b", "c"], resource=Foreseeing, max_deletions=2).forecasts) == {"a", "b"}


def test_a_missing_forecast_under_a_fuse_writes_nothing_of_the_whole_task():
    shelf = Shelf(a="old", b="old")
    shelf.broken = {"a": {"foresee": RegistryError("no right to list tags")}}
    with pytest.raises(PlanRefused, match="no right to list tags"):
        run(shelf, ["a", "b"], resource=Foreseeing, max_deletions=100)
    assert shelf.written == []


def test_nothing_is_foreseen_unless_asked_for():
    shelf = Shelf(a="old")
    shelf.broken = {"a": {"foresee": AssertionError("asked")}}
    assert run(shelf, ["a"], resource=Foreseeing).changed


def test_check_mode_foresees_and_a_missing_forecast_is_a_warning_there():
    shelf = Shelf(a="old", b="old")
    shelf.broken = {"a": {"foresee": RegistryError("no right to list tags")}}
    outcome = run(shelf, ["a", "b"], check_mode=True, resource=Foreseeing)
    assert outcome.changed_targets == ["a", "b"] and list(outcome.forecasts) == ["b"] and not outcome.failures
    assert shelf.warnings == ["no forecast for a: no right to list tags"]


def test_the_whole_forecast_goes_into_a_file_also_if_a_fuse_blows(tmp_path):
    path = tmp_path / "forecast.json"
    with pytest.raises(PlanRefused) as refused:
        run(Shelf(a="old"), ["a"], resource=Foreseeing, max_deletions=0, preview_file=str(path))
    assert json.loads(path.read_text())["a"]["deletions"][0]["tag"] == "v1"
    assert refused.value.forecasts["a"]["deletions"]
