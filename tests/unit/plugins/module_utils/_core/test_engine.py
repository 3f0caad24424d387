# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import declarations, engine, fuse, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    Denied,
    LostAnswer,
    PlanRefused,
    RegistryError,
    Unreachable,
)
from contract.shelf import Foreseeing, Keeping, Shelf, Thing, converged, entries, options


def run(shelf, names, want="new", check_mode=False, resource=Thing, **params):
    return converged(shelf, resource, options(names=names, want=want, **params), check_mode)


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
    done = run(shelf, ["a", "b"])
    for what in ("before", "after", "changed", "changed_targets", "failures"):
        assert getattr(foretold, what) == getattr(done, what)


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
        assert "bug" in text and "contract/shelf.py:" in text and "s3cret" not in text


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


def test_where_accounts_get_locked_a_refused_first_target_is_the_only_one():
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


def refused(outcome):
    """What a refused plan says; nothing of it may have been done."""
    assert outcome.refusals and not outcome.changed
    return fuse.message(outcome.refusals)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_blown_fuse_writes_nothing_of_the_whole_task(check_mode):
    shelf = Shelf(a="old", b="old", c="new")
    outcome = run(shelf, ["a", "b", "c"], check_mode=check_mode, resource=Foreseeing, max_deletions=1)
    assert refused(outcome).startswith("refused by max_deletions: 2 > 1 (a, b, c)\n")
    assert shelf.written == [] and outcome.changed_targets == ["a", "b"]
    assert set(run(shelf, ["a", "b", "c"], resource=Foreseeing, max_deletions=2).forecast) == {"a", "b"}
    assert sorted(shelf.written) == ["a", "b"]


def test_a_target_without_a_forecast_is_left_as_it_is_under_a_limit_and_the_others_are_served():
    shelf = Shelf(a="old", b="old")
    shelf.broken = {"a": {"foresee": RegistryError("no right to list tags")}}
    outcome = run(shelf, ["a", "b"], resource=Foreseeing, max_deletions=100)
    assert shelf.written == ["b"] and list(outcome.failures) == ["a"] and outcome.changed_targets == ["b"]
    assert "no right to list tags" in outcome.failures["a"] and "it was left as it is" in outcome.failures["a"]


def test_nothing_is_foreseen_unless_asked_for(tmp_path):
    for asked in ({}, {"preview": True}, {"plan_file": str(tmp_path / "plan.json")}, {"min_keep": 0}):
        shelf = Shelf(a="old")
        assert (run(shelf, ["a"], resource=Foreseeing, **asked).forecast is None) is (not asked)
        assert shelf.written == ["a"]


def test_check_mode_foresees_and_a_missing_forecast_is_one_warning_for_one_cause():
    shelf = Shelf(**dict.fromkeys("abcd", "old"))
    for name in "abc":
        shelf.broken[name] = {"foresee": RegistryError(f"{name}: no right to list tags")}
    outcome = run(shelf, list("abcd"), check_mode=True, resource=Foreseeing)
    assert outcome.changed_targets == list("abcd") and list(outcome.forecast) == ["d"] and not outcome.failures
    assert shelf.warnings == ["a and 2 more: no forecast: a: no right to list tags"]


def things(names, number=None):
    return {name: SimpleNamespace(entry=declarations.Entry({}, number, [name], {})) for name in names}


def test_causes_are_told_once_each_with_the_first_target_and_how_many_more():
    texts = {f"acme/r{number}": f"GET /acme/r{number}/tags answered 403" for number in range(1000)}
    texts["acme/odd"] = "gone"
    found = engine.grouped(texts, things(texts))
    assert found == ["acme/r0 and 999 more: GET /acme/r0/tags answered 403", "acme/odd: gone"]
    swr = {f"acme/team/{name}": f"GET /v2/acme/repos/team${name} answered 403. Look" for name in ("app", "lib.x")}
    assert engine.grouped(swr, things(swr, 2)) == [
        "acme/team/app and 1 more (declarations[2]): GET /v2/acme/repos/team$app answered 403. Look"
    ]


def test_where_accounts_get_locked_the_first_target_is_read_alone_and_the_others_after_it():
    order, together = [], threading.Barrier(3, timeout=60)

    class Careful(Thing):
        careful = True

        def read(self):
            order.append(self.target)
            if self.target != "0":
                together.wait()
            return super().read()

    assert run(Shelf(), [str(number) for number in range(7)], resource=Careful).changed
    assert order[0] == "0" and len(order) == 7


def test_every_ten_seconds_it_is_told_how_far_it_is(monkeypatch):
    shelf, told, time, turn = Shelf(), [], [0.0], threading.Lock()
    monkeypatch.setattr(wait, "now", lambda: time[0])
    shelf.progress = told.append

    class Slow(Foreseeing):
        def read(self):
            with turn:
                time[0] += 1
            return super().read()

    run(shelf, [str(number) for number in range(1080)], resource=Slow)
    assert 1 <= len(told) <= 108 and all(text.endswith("of 1,080 read") for text in told)
    counts = [int(text.split()[0].replace(",", "")) for text in told]
    assert counts == sorted(set(counts)) and counts[-1] < 1080
    told.clear()
    run(shelf, ["a"], resource=Slow)
    assert told == []


def group(**images):
    """A group acme with repositories of ten images each, none of which has a rule."""
    shelf = Shelf(acme=None, **{f"acme/{name}": None for name in images})
    shelf.images = {f"acme/{name}": [f"v{number}" for number in range(most)] for name, most in images.items()}
    return shelf


def test_what_changes_together_is_foreseen_together_and_counted_once():
    shelf = group(app=10, lib=10)
    both = entries({"names": ["acme"], "want": 8}, {"names": ["acme/app"], "want": 3})
    outcome = converged(shelf, Keeping, options(declarations=both, max_deletions=9), check_mode=True)
    gone = {name: [one["tag"] for one in images if one["fate"] == "goes"] for name, images in outcome.forecast.items()}
    assert {name: len(tags) for name, tags in gone.items()} == {"acme/app": 7, "acme/lib": 2}
    assert not outcome.refusals
    assert converged(shelf, Keeping, options(declarations=both, max_deletions=8)).refusals


def test_skip_leaves_what_breaks_a_limit_foresees_the_rest_again_and_serves_it():
    shelf = group(app=10, lib=10, web=10)
    some = [{"names": ["acme/app"], "want": 1}, {"names": ["acme/lib"], "want": 6}, {"names": ["acme"], "want": 9}]
    given = options(declarations=entries(*some), min_keep=5, on_limit="skip")
    outcome = converged(shelf, Keeping, given)
    # The group is felt in acme/app, where the limit broke: so it stays as well, and acme/lib alone is served.
    assert shelf.states == {"acme": None, "acme/app": None, "acme/lib": 6, "acme/web": None}
    assert set(shelf.left_out) == {"acme/app", "acme"} and not outcome.refusals and outcome.changed
    assert shelf.left_out["acme/app"] == "min_keep: acme/app: 1 of 10 stay, not 5"
    assert set(outcome.forecast) == {"acme/lib"} and outcome.changed_targets == ["acme/lib"]
    assert [one["fate"] for one in outcome.forecast["acme/lib"]].count("goes") == 4


def test_totals_never_skip_and_count_what_is_left():
    some = [{"names": ["acme/app"], "want": 1}, {"names": ["acme/lib"], "want": 6}]
    limits = dict(min_keep=5, on_limit="skip")
    shelf = group(app=10, lib=10)
    outcome = converged(shelf, Keeping, options(declarations=entries(*some), max_deletions=3, **limits))
    assert refused(outcome).startswith("refused by max_deletions: 4 > 3") and shelf.written == []
    assert converged(shelf, Keeping, options(declarations=entries(*some), max_deletions=4, **limits)).changed
    assert shelf.written == ["acme/lib"]


def test_what_is_left_for_want_of_a_forecast_no_longer_hides_what_the_others_cost():
    # The group would keep 9 instead of 2, but one of its repositories cannot be foreseen: so 2 it stays.
    shelf = group(app=10, lib=10)
    shelf.states["acme"], shelf.states["acme/lib"] = 2, 10
    shelf.broken = {"acme/app": {"foresee": RegistryError("no right")}}
    some = entries({"names": ["acme"], "want": 9}, {"names": ["acme/lib"], "want": 8})
    outcome = converged(shelf, Keeping, options(declarations=some, max_deletions=7))
    assert refused(outcome).startswith("refused by max_deletions: 8 > 7") and list(outcome.failures) == ["acme"]
    assert shelf.written == []


def test_a_repository_keeps_its_own_limits_when_only_the_group_changes():
    shelf = group(app=10, lib=10)
    some = [{"names": ["acme"], "want": 4}, {"names": ["acme/lib"], "want": None, "min_keep": 5}]
    assert "min_keep: 1 repository: acme/lib: 4 of 10 stay" in refused(
        converged(shelf, Keeping, options(declarations=entries(*some)))
    )


def test_a_target_of_two_entries_is_refused_before_anything_is_read():
    shelf = group(app=10, lib=10)
    some = entries({"names": ["acme/*"], "want": 3}, {"names": ["acme/app"], "want": 4})
    with pytest.raises(PlanRefused, match=r"acme/app is declared twice, with different want: in declarations\[0\]"):
        converged(shelf, Keeping, options(declarations=some))
    assert shelf.written == []
