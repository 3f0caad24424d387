# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the runs of every registry, tried on a mill in memory that grinds one kind of grain at a time."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import runs, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.engine import converge
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    NotFound,
    PlanRefused,
    RegistryError,
    Unreachable,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.ledger import Ledger

HOUR = 3600
FINAL = ("done", "broken", "halted")
OPTIONS = {
    "names": "a",
    "workers": 2,
    "state": "started",
    "kind": "rye",
    "min_interval": "0s",
    "if_active": "adopt",
    "wait": False,
    "wait_timeout": 100,
    "poll_interval": 10,
}


class Mill:
    """A registry without HTTP. Its clock is ten years behind ours; a run takes 35 seconds, the end of one takes 15."""

    def __init__(self, monkeypatch):
        self.time, self.runs, self.posts, self.stops, self.told, self.warnings = 0.0, [], [], [], [], []
        self.looks = []  # what the next looks raise, None for nothing
        self.start_raises = self.stop_raises = None  # (error, whether it takes effect all the same)
        self.before_start = self.before_stop = self.before_look = lambda: None
        self.takes, self.answers, self.unlisted, self.numbers, self.log = 35, True, 0, 7, "no grain"
        self.progress = self.told.append
        monkeypatch.setattr(wait, "now", lambda: self.time)
        monkeypatch.setattr(wait, "clock", lambda: 10 * 365 * 24 * HOUR + self.time)
        monkeypatch.setattr(wait, "pause", self.pause)

    def pause(self, seconds):
        self.time += seconds

    def now(self):
        return 1e9 + self.time

    def masked(self, text):
        return text.replace("secret", "********")

    def tell(self, text):
        self.progress(text)

    def add(self, status, kind="rye", age=0, **more):
        run = {"id": len(self.runs) + 1, "status": status, "kind": kind, "extra": "not shown", **more}
        self.runs.insert(0, run)
        self.move(run, status, age)
        return run

    def move(self, run, status, age=0):
        when = datetime.datetime.fromtimestamp(self.now() - age, datetime.timezone.utc)
        run.update(status=status, update_time=when.strftime("%Y-%m-%dT%H:%M:%SZ"), since=self.time - age)

    def look(self):
        self.before_look()
        if self.looks:
            error = self.looks.pop(0)
            if error:
                raise error
        for run in self.runs:
            if run["status"] == "grinding" and self.time - run["since"] >= self.takes:
                self.move(run, "done")
            elif run["status"] == "halting" and self.time - run["since"] >= 15:
                self.move(run, "halted")
        return [dict(run) for run in self.runs]

    def break_off(self, error):
        if runs.in_doubt(error):
            self.ledger.note(certain=False)
        raise error

    def start(self, kind):
        self.posts.append(kind)
        act, self.before_start = self.before_start, lambda: None
        act()
        error, effect = self.start_raises or (None, True)
        if effect and any(run["status"] not in FINAL for run in self.runs):
            raise ApiError("the mill is grinding", 409)
        run = self.add("grinding", kind) if effect else None
        if error:
            self.break_off(error)
        self.ledger.note(certain=True)
        return dict(run) if self.answers else None

    def stop(self, identity):
        self.stops.append(identity)
        self.before_stop()
        run = next((run for run in self.runs if run["id"] == identity), {"status": "done"})
        error, effect = self.stop_raises or (None, True)
        if effect and run["status"] in FINAL:
            raise NotFound("it does not grind", 404)
        if effect:
            self.move(run, "halting")
        if error:
            self.break_off(error)
        self.ledger.note(certain=True)
        return dict(run) if self.answers else None


class Grinding(runs.Run):
    noun = word = "grinding"
    keys = ("id", "status", "kind", "update_time", "sacks")
    good, bad, stopping, stopped = ("done",), ("broken", "halted"), ("halting",), "halting"
    meanwhile = "; nobody can bake"

    @classmethod
    def targets(cls, client, params):
        return params["names"]

    def active(self):
        return [run for run in self.client.look() if run["status"] not in FINAL]

    def recent(self):
        found = self.client.look()
        if self.client.unlisted:
            self.client.unlisted -= 1
            return found[1:]
        return found

    def wanted(self):
        return {"kind": self.params["kind"]}

    def covers(self, run):
        return run["kind"] in ("all", self.params["kind"])

    def start(self):
        return self.client.start(self.params["kind"])

    def stop(self, run):
        return self.client.stop(run["id"])

    def refused(self, error):
        if error.status == 412:
            return "the miller does it"
        if error.status != 409:
            raise error
        return None

    def started(self, run):
        if not self.covers(run):
            self.client.warnings.append(f"{run['kind']} instead of {self.params['kind']}")

    def details(self, run):
        if isinstance(self.client.numbers, Exception):
            raise self.client.numbers
        return {"sacks": self.client.numbers}

    def tail(self, run):
        if isinstance(self.client.log, Exception):
            raise self.client.log
        return self.client.log


class BesideOthers(Grinding):
    """As some registries do it: any number at once, some of them started by others."""

    exclusive = False

    def own(self, run):
        return run.get("by") != "another" and self.covers(run)


@pytest.fixture
def mill(monkeypatch):
    return Mill(monkeypatch)


def converged(mill, check_mode=False, resource=Grinding, **params):
    mill.ledger = Ledger()
    params = {**OPTIONS, **params}
    resource.validate(params)
    return converge(resource, mill, params, check_mode)


def state(outcome):
    assert not outcome.failures, outcome.failures
    return outcome.after["a"]


def failure(outcome, *texts):
    (message,) = outcome.failures.values()
    assert all(text in message for text in texts), message
    return outcome


# To start or not to start


STARTS, ADOPTS, SKIPS, WAITS, FAILS = "starts", "adopts", "skips", "waits", "fails"
TABLE = [
    # what is there: (status, kind, age in seconds), the newest last; options; what is to happen
    ([], {}, STARTS),
    ([("grinding", "rye", 5)], {}, ADOPTS),
    ([("grinding", "all", 5)], {"if_active": "fail"}, ADOPTS),
    ([("a word that nobody knows", "rye", 5)], {"if_active": "fail"}, ADOPTS),
    ([("grinding", "oat", 5)], {}, ADOPTS),
    ([("grinding", "oat", 5)], {"if_active": "wait"}, WAITS),
    ([("grinding", "oat", 5)], {"if_active": "fail"}, FAILS),
    ([("halting", "rye", 5)], {}, WAITS),
    ([("halting", "rye", 5)], {"if_active": "wait"}, WAITS),
    ([("halting", "rye", 5)], {"if_active": "fail"}, FAILS),
    ([("done", "rye", 3590)], {"min_interval": "1h"}, SKIPS),
    ([("done", "rye", 3600)], {"min_interval": "1h"}, STARTS),
    ([("done", "rye", 0)], {"min_interval": "0s"}, STARTS),
    ([("done", "rye", -3)], {"min_interval": "0s"}, STARTS),  # another server's clock
    ([("done", "rye", -3)], {"min_interval": "1h"}, SKIPS),
    ([("done", "all", 60)], {"min_interval": "1h"}, SKIPS),
    ([("done", "oat", 60)], {"min_interval": "1h"}, STARTS),
    ([("broken", "rye", 60)], {"min_interval": "1h"}, STARTS),
    ([("halted", "rye", 60)], {"min_interval": "1h"}, STARTS),
    ([("done", "rye", 90), ("broken", "rye", 60)], {"min_interval": "1h"}, SKIPS),
    ([("done", "rye", 90), ("done", "oat", 60)], {"min_interval": "1h"}, SKIPS),
    ([("done", "rye", 90), ("grinding", "oat", 5)], {"min_interval": "1h", "if_active": "wait"}, SKIPS),
]


@pytest.mark.parametrize("word", ["started", "present"])
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("there", "options", "happens"), TABLE)
def test_what_is_there_decides(mill, there, options, happens, check_mode, word):
    for status, kind, age in there:
        mill.add(status, kind, age)
    outcome = converged(mill, check_mode, state=word, **options)
    assert mill.posts == (["rye"] if happens in (STARTS, WAITS) and not check_mode else [])
    if happens == FAILS:
        assert not failure(outcome, "in the way", there[-1][0], "if_active: wait").changed
        return
    found = state(outcome)
    assert outcome.changed is (happens in (STARTS, WAITS)) is bool(outcome.changed_targets)
    if check_mode and outcome.changed:
        assert found == {"status": "requested", "kind": "rye"}
        return
    assert set(found) == {*Grinding.keys, "adopted", "ambiguous", "skipped_reason"}
    assert found["adopted"] is (happens == ADOPTS)
    assert ("min_interval (1h)" in (found["skipped_reason"] or "")) is (happens == SKIPS)
    assert not found["ambiguous"]


@pytest.mark.parametrize("when", [None, ""])
def test_a_run_that_does_not_say_when_is_not_recent(mill, when):
    mill.add("done")
    mill.runs[0]["update_time"] = when
    assert converged(mill, min_interval="1000w").changed


def test_the_first_time_that_a_run_tells_counts(mill):
    mill.add("done", creation_time="1970-01-01T00:00:00Z")
    assert state(converged(mill, min_interval="1h"))["skipped_reason"]
    mill.runs[0].update(creation_time=mill.runs[0].pop("update_time"))
    assert state(converged(mill, min_interval="1h"))["skipped_reason"]


def test_what_is_called_active_and_has_ended_is_not_under_way(mill):
    class Late(Grinding):
        def active(self):
            return self.client.look()

    mill.add("done", age=60)
    assert converged(mill, resource=Late).changed and mill.posts == ["rye"]
    mill.move(mill.runs[0], "broken")
    assert state(converged(mill, resource=Late, state="stopped")) is None


def test_what_covers_is_adopted_before_what_does_less(mill):
    mine = mill.add("grinding", "rye")
    mill.add("grinding", "oat")
    assert state(converged(mill))["id"] == mine["id"]


@pytest.mark.parametrize("options", [{}, {"if_active": "wait"}])
def test_where_several_may_run_what_does_not_cover_is_no_obstacle(mill, options, monkeypatch):
    monkeypatch.setattr(mill, "start", lambda kind: (mill.ledger.note(certain=True), mill.add("grinding", kind))[1])
    mill.add("grinding", "oat")
    mill.add("halting", "rye")
    params = {"if_active": "wait", **options}
    assert state(converged(mill, resource=BesideOthers, **params))["id"] == 3
    assert state(converged(mill, resource=BesideOthers, **params))["adopted"] and mill.time == 0


def test_a_registry_may_know_why_none_is_needed(mill, monkeypatch):
    monkeypatch.setattr(Grinding, "needless", lambda self: "no grain")
    mill.add("done", age=HOUR)
    outcome = converged(mill)
    assert state(outcome)["skipped_reason"] == "no grain" and state(outcome)["id"] is None
    assert not outcome.changed and mill.posts == []
    assert state(converged(mill, wait=True))["status"] is None


@pytest.mark.parametrize(
    ("option", "value"), [("wait_timeout", 0), ("poll_interval", -1), ("min_interval", "7"), ("min_interval", "soon")]
)
def test_options_that_cannot_be_are_refused(mill, option, value):
    with pytest.raises(PlanRefused, match=option):
        converged(mill, **{option: value})


# Starting


def sent(error):
    error.sent = True
    return error


LOST = [LostAnswer("lost"), sent(ContractError("too long")), ApiError("crashed", 500), sent(Unreachable("late"))]
SILENT = [*LOST, None]  # None: an answer that tells nothing


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("error", SILENT)
def test_a_start_without_an_answer_is_looked_for_and_never_sent_again(mill, error, ended):
    mill.add("broken", age=60)
    mill.start_raises = error and (error, True)
    mill.answers = False
    mill.takes = 0 if ended else 35
    outcome = converged(mill)
    found = state(outcome)
    assert mill.posts == ["rye"] and outcome.changed_targets == ["a"] and outcome.changed
    assert found["id"] == 2 and found["status"] == ("done" if ended else "grinding")
    assert found["ambiguous"] is (error is not None) and not found["adopted"]


@pytest.mark.parametrize("error", LOST)
def test_a_start_that_never_arrived_fails_and_is_no_change(mill, error):
    mill.add("broken", age=60)
    mill.start_raises = (error, False)
    assert not failure(converged(mill), str(error)).changed
    assert mill.posts == ["rye"] and len(mill.runs) == 1


def test_an_answer_without_a_run_where_none_is_says_so(mill, monkeypatch):
    monkeypatch.setattr(mill, "start", lambda kind: None)
    failure(converged(mill), "the start of a grinding was accepted, but none is there")


@pytest.mark.parametrize("error", SILENT)
def test_if_looking_fails_too_the_user_hears_of_both(mill, error):
    mill.start_raises = error and (error, True)
    mill.answers = False
    mill.before_start = lambda: mill.looks.extend([Unreachable("gone")] * 9)
    outcome = failure(converged(mill), str(error or "accepted"), "reading back failed: gone")
    assert outcome.changed and mill.posts == ["rye"]


def test_what_was_there_before_is_not_taken_for_what_was_lost(mill):
    """A run of somebody else began between the two looks before the start."""
    looks = iter([list, lambda: mill.add("grinding")])

    def before_look():
        next(looks, list)()

    mill.before_look = before_look
    mill.start_raises = (LostAnswer("lost"), False)
    failure(converged(mill), "lost")
    assert mill.posts == ["rye"] and len(mill.runs) == 1


def test_of_new_ones_the_one_that_may_be_ours_is_taken(mill):
    def rivals():
        mill.add("done")
        mill.add("grinding", "oat")
        mill.add("grinding", by="another")

    mill.start_raises = (LostAnswer("lost"), False)
    mill.before_start = rivals
    failure(converged(mill, resource=BesideOthers, kind="all"), "lost")
    mill.runs.clear()
    mill.before_start = lambda: (mill.add("grinding"), mill.add("grinding", by="another"))
    assert state(converged(mill, resource=BesideOthers))["id"] == 1


def test_of_new_ones_the_one_that_covers_is_taken_first(mill):
    mill.start_raises = (LostAnswer("lost"), False)
    mill.before_start = lambda: (mill.add("grinding"), mill.add("grinding", "oat"))
    assert state(converged(mill))["id"] == 1


def test_what_a_registry_has_to_say_of_what_it_started(mill):
    mill.start_raises = (LostAnswer("lost"), False)
    mill.before_start = lambda: mill.add("grinding", "oat")
    state(converged(mill))
    assert mill.warnings == ["oat instead of rye"]


@pytest.mark.parametrize("error", [ApiError("no right", 403), Unreachable("no route"), ContractError("odd")])
def test_a_start_that_is_refused_fails_at_once(mill, error):
    mill.start_raises = (error, False)
    assert not failure(converged(mill), str(error)).changed
    assert mill.posts == ["rye"]


def test_a_registry_that_does_it_by_itself(mill):
    mill.start_raises = (ApiError("automatic", 412), False)
    outcome = converged(mill, wait=True)
    assert state(outcome)["skipped_reason"] == "the miller does it" and not outcome.changed


# A rival that starts at the same time


RIVALS = [
    # status, kind, if_active, what is to happen
    ("grinding", "rye", "fail", ADOPTS),
    ("grinding", "all", "wait", ADOPTS),
    ("done", "rye", "fail", ADOPTS),
    ("grinding", "oat", "adopt", ADOPTS),
    ("grinding", "oat", "wait", WAITS),
    ("grinding", "oat", "fail", FAILS),
    ("halting", "rye", "adopt", WAITS),
    ("halting", "rye", "wait", WAITS),
    ("halting", "rye", "fail", FAILS),
    ("broken", "rye", "wait", WAITS),
    ("broken", "rye", "fail", FAILS),
]


@pytest.mark.parametrize("wait_for_it", [True, False])
@pytest.mark.parametrize(("status", "kind", "if_active", "happens"), RIVALS)
def test_a_rival(mill, status, kind, if_active, happens, wait_for_it):
    mill.add("broken", age=60)

    def rival():
        mill.start_raises = (ApiError("grinding already", 409), False)
        mill.add(status, kind)
        mill.before_start = lambda: setattr(mill, "start_raises", None)

    mill.before_start = rival
    outcome = converged(mill, if_active=if_active, wait=wait_for_it)
    assert mill.posts == (["rye", "rye"] if happens == WAITS else ["rye"])
    assert outcome.changed is (happens == WAITS)
    if happens == FAILS:
        failure(outcome, "grinding 2 is in the way", status)
        return
    found = state(outcome)
    assert found["adopted"] is (happens == ADOPTS) and found["id"] == (2 if happens == ADOPTS else 3)
    assert found["status"] == ("done" if wait_for_it or status == "done" else "grinding")


def test_a_refusal_without_a_rival_fails_in_the_words_of_the_registry(mill):
    mill.start_raises = (ApiError("not now", 409), False)
    assert not failure(converged(mill), "not now").changed


def test_a_rival_that_was_seen_before_is_adopted_all_the_same(mill):
    """It began between the two looks before the start."""
    looks = iter([list, lambda: mill.add("grinding")])

    def before_look():
        next(looks, list)()

    mill.before_look = before_look
    outcome = converged(mill)
    assert state(outcome)["adopted"] and not outcome.changed


def test_one_rival_after_another_is_not_waited_for_for_ever(mill):
    mill.start_raises = (ApiError("grinding already", 409), False)

    def rival():
        mill.before_start = rival
        mill.add("halting", "oat")

    mill.before_start = rival
    outcome = failure(converged(mill, wait_timeout=9999), "one grinding after another is in the way")
    assert not outcome.changed and 1 < len(mill.posts) <= runs.MOST_RIVALS


# What is waited for before a start


def test_what_came_while_waiting_is_adopted(mill):
    mill.add("grinding", "oat")
    mill.before_look = lambda: mill.runs[0]["status"] == "done" and mill.add("grinding", "rye")
    outcome = converged(mill, if_active="wait")
    assert state(outcome)["id"] == 2 and state(outcome)["adopted"]
    assert not outcome.changed and mill.posts == []


def test_what_was_waited_for_counts_if_it_succeeded_after_all(mill):
    mill.add("halting", "rye")
    mill.before_look = lambda: mill.time > 5 and mill.runs[0]["status"] != "done" and mill.move(mill.runs[0], "done")
    outcome = converged(mill, min_interval="1h")
    assert state(outcome)["skipped_reason"] and not outcome.changed and mill.posts == []


def test_waiting_for_less_ends_at_the_time_out_and_starts_nothing(mill):
    mill.takes = 999
    mill.add("grinding", "oat")
    outcome = failure(converged(mill, if_active="wait"), "grinding 1 is not finished within 100 seconds", "goes on")
    assert mill.posts == [] and not outcome.changed
    assert outcome.after["a"]["id"] == 1 and outcome.after["a"]["adopted"] is False


def test_the_time_out_is_for_the_whole_wait(mill):
    mill.takes = 60
    mill.add("grinding", "oat")
    failure(converged(mill, if_active="wait", wait=True), "within 100 seconds")
    assert mill.posts == ["rye"] and mill.time == 100


# Waiting for the end


@pytest.mark.parametrize("mine", [True, False])
def test_waiting_ends_with_the_run_and_tells_of_it(mill, mine):
    if not mine:
        mill.add("grinding")
    outcome = converged(mill, wait=True)
    assert state(outcome)["status"] == "done" and state(outcome)["sacks"] == 7 and outcome.changed is mine
    assert state(outcome)["adopted"] is not mine and mill.time == 40
    assert mill.told == ["a: grinding 1: grinding", "a: grinding 1: done"]


@pytest.mark.parametrize("interval", [1, 10, 60])
def test_looks_are_poll_interval_apart(mill, interval):
    times = []
    mill.before_look = lambda: times.append(mill.time)
    state(converged(mill, wait=True, poll_interval=interval))
    times = sorted(set(times))
    assert [after - before for before, after in zip(times, times[1:])] == [interval] * -(-35 // interval)


@pytest.mark.parametrize("options", [{"min_interval": "1h"}, {"wait": False}])
def test_what_need_not_be_waited_for(mill, options):
    if "min_interval" in options:
        mill.add("done")
    assert state(converged(mill, **{"wait": True, **options})) and mill.time == 0 and mill.told == []


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize("how", ["broken", "halted"])
@pytest.mark.parametrize(
    ("log", "end"),
    [("no grain", ": no grain"), ("", ""), ("a secret", ": a ********"), (ApiError("no log", 404), "")],
)
def test_one_that_ends_badly_fails_with_the_tail_of_its_log(mill, mine, how, log, end):
    if not mine:
        mill.add("grinding")
    mill.log = log
    mill.before_look = lambda: mill.time > 15 and mill.move(mill.runs[0], how)
    outcome = converged(mill, wait=True)
    assert outcome.failures == {"a": f"the grinding 1 ended as {how}{end}"}
    assert outcome.changed is mine and outcome.changed_targets == ["a"] * mine
    assert outcome.after["a"]["status"] == how and outcome.after["a"]["adopted"] is not mine
    assert outcome.after["a"]["sacks"] == 7 and bool(mill.warnings) is isinstance(log, Exception)


def test_numbers_that_cannot_be_known_are_no_failure(mill):
    mill.numbers = ApiError("no log", 404)
    assert state(converged(mill, wait=True))["sacks"] is None
    assert mill.warnings == ["a: the grinding 1: no log"]


@pytest.mark.parametrize("mine", [True, False])
def test_after_a_time_out_the_last_look_is_at_hand(mill, mine):
    mill.takes = 999
    if not mine:
        mill.add("grinding")
    outcome = failure(
        converged(mill, wait=True),
        "the grinding 1 is not finished within 100 seconds (wait_timeout). It was grinding since 2001-",
        "and goes on; nobody can bake",
    )
    assert mill.time == 100 and outcome.changed is mine and outcome.changed_targets == ["a"] * mine
    assert outcome.after["a"]["id"] == 1 and outcome.after["a"]["adopted"] is not mine
    assert mill.runs[0]["status"] == "grinding"


POLLS = [
    [Unreachable("no answer")] * 3,
    [ApiError("busy", 503), ApiError("too many", 429), ApiError("crashed", 500)],
]


@pytest.mark.parametrize("lost", POLLS)
def test_a_lost_look_does_not_end_the_wait(mill, lost):
    mill.before_start = lambda: mill.looks.extend(lost)
    assert state(converged(mill, wait=True))["status"] == "done" and mill.looks == []


@pytest.mark.parametrize("error", [Unreachable("no answer"), ContractError("<html>"), ApiError("no right", 403)])
def test_if_no_look_succeeds_what_is_known_is_at_hand(mill, error):
    mill.before_start = lambda: mill.looks.extend([error] * 99)
    outcome = converged(mill, wait=True)
    assert outcome.failures and outcome.changed and outcome.changed_targets == ["a"]
    assert outcome.after["a"]["id"] == 1 and outcome.after["a"]["status"] == "grinding"


@pytest.mark.parametrize(("misses", "found"), [(1, True), (runs.MOST_RIVALS, False)])
def test_one_that_ended_and_is_not_listed_is_looked_for_some_times(mill, misses, found):
    mill.add("broken", age=60)
    mill.before_look = lambda: mill.time > 35 and not mill.told[2:] and setattr(mill, "before_look", hide)

    def hide():
        mill.before_look = lambda: None
        mill.unlisted = misses

    outcome = converged(mill, wait=True, wait_timeout=999)
    if found:
        assert state(outcome)["status"] == "done" and mill.unlisted == 0
        return
    assert outcome.failures == {"a": "the grinding 2 is not listed any more. It was grinding"}
    assert outcome.changed and outcome.after["a"]["id"] == 2


def test_one_that_is_missed_now_and_then_is_not_given_up(mill):
    class Flickering(Grinding):
        def one(self, identity):
            return super().one(identity) if mill.time % 40 == 0 else None

    mill.takes = 100
    assert state(converged(mill, wait=True, wait_timeout=999, resource=Flickering))["status"] == "done"
    assert mill.time == 120


def test_another_one_that_began_meanwhile_is_not_taken_for_ours(mill):
    mill.add("grinding")
    mill.before_look = lambda: mill.runs[0]["status"] == "done" and len(mill.runs) < 2 and mill.add("grinding")
    found = state(converged(mill, wait=True))
    assert found["id"] == 1 and found["status"] == "done" and len(mill.runs) == 2


def test_ambiguous_survives_waiting(mill):
    mill.start_raises = (LostAnswer("lost"), True)
    found = state(converged(mill, wait=True))
    assert found["ambiguous"] and found["status"] == "done"


@pytest.mark.parametrize(("again", "end"), [(True, "done"), (False, "broken")])
def test_what_a_registry_calls_ended_may_not_be_final(mill, again, end):
    """As replications of Harbor, which run again after they failed."""

    class Retried(Grinding):
        def final(self, run):
            old = self.client.now() - runs.schedule.epoch(run["update_time"]) >= 50
            return run["status"] == "done" or run["status"] == "broken" and old

    def fail():
        if mill.time == 20:
            mill.move(mill.runs[0], "broken")
        if mill.time == 40 and again:
            mill.move(mill.runs[0], "grinding")

    mill.before_look = fail
    outcome = converged(mill, wait=True, resource=Retried)
    assert outcome.after["a"]["status"] == end and bool(outcome.failures) is (end == "broken")
    assert mill.told[1] == "a: grinding 1: broken" and mill.time == (80 if again else 70)


def test_many_are_awaited_each_for_itself(mill):
    mill.add("grinding")
    outcome = converged(mill, names=["a", "b"], wait=True, poll_interval=100, wait_timeout=200)
    assert {name: found["status"] for name, found in outcome.after.items()} == {"a": "done", "b": "done"}


# Stopping


@pytest.mark.parametrize("word", ["stopped", "absent"])
@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("wait_for_it", [True, False])
def test_what_runs_is_stopped_once(mill, word, answers, wait_for_it):
    mill.add("done", age=60)
    mill.add("grinding")
    mill.answers = answers
    foretold = converged(mill, True, state=word)
    assert foretold.changed and foretold.after["a"]["status"] == "halting" and mill.stops == []
    outcome = converged(mill, state=word, wait=wait_for_it)
    assert outcome.changed and outcome.changed_targets == ["a"] and mill.stops == [2] and mill.posts == []
    assert state(outcome)["status"] == ("halted" if wait_for_it else "halting") and not state(outcome)["ambiguous"]
    again = converged(mill, state=word)
    assert not again.changed and mill.stops == [2]
    assert state(again) == (None if wait_for_it else dict(state(outcome), status="halting"))
    assert state(converged(mill, state=word, wait=True)) is None or mill.runs[0]["status"] == "halted"
    assert mill.stops == [2]


def test_several_are_stopped_and_the_newest_is_shown(mill):
    mill.add("grinding")
    mill.add("grinding", "oat")
    outcome = converged(mill, state="stopped", wait=True)
    assert mill.stops == [2, 1] and state(outcome)["id"] == 2
    assert [run["status"] for run in mill.runs] == ["halted", "halted"]


def test_a_task_may_name_the_one_that_is_to_stop(mill):
    class Named(Grinding):
        def to_stop(self):
            return [run for run in self.under_way() if run["id"] == 1]

    mill.add("grinding")
    mill.add("grinding")
    mill.takes = 999
    outcome = converged(mill, state="stopped", wait=True, resource=Named)
    assert mill.stops == [1] and state(outcome)["status"] == "halted" and mill.runs[0]["status"] == "grinding"


def test_what_somebody_else_stops_is_waited_for(mill):
    mill.add("halting")
    outcome = converged(mill, state="stopped", wait=True)
    assert state(outcome)["status"] == "halted" and not outcome.changed and mill.stops == []


@pytest.mark.parametrize("wait_for_it", [True, False])
@pytest.mark.parametrize(("how", "hit"), [("done", False), ("halted", True), ("halting", True), (None, False)])
def test_one_that_is_found_ended_when_it_is_to_stop(mill, how, hit, wait_for_it):
    """A stop that was sent again finds what the first one did."""
    mill.add("grinding")
    mill.before_stop = lambda: mill.move(mill.runs[0], how) if how else mill.runs.clear()
    mill.stop_raises = (NotFound("it does not grind", 404), False)
    outcome = converged(mill, state="stopped", wait=wait_for_it)
    assert outcome.changed is hit and outcome.changed_targets == ["a"] * hit
    assert state(outcome)["ambiguous"] is hit
    assert state(outcome)["status"] == ("halted" if hit and wait_for_it else how)


@pytest.mark.parametrize("error", LOST)
@pytest.mark.parametrize("ended", [True, False])
def test_a_stop_without_an_answer_is_read_back(mill, error, ended):
    mill.add("grinding")
    mill.stop_raises = (error, True)
    if ended:
        mill.before_look = lambda: mill.stops and mill.move(mill.runs[0], "halted")
    outcome = converged(mill, state="stopped")
    assert outcome.changed and outcome.changed_targets == ["a"] and mill.stops == [1]
    assert state(outcome)["ambiguous"] and state(outcome)["status"] == ("halted" if ended else "halting")


@pytest.mark.parametrize("error", [*LOST, ApiError("not now", 409), Unreachable("no route")])
def test_a_stop_that_never_arrived_fails_and_is_no_change(mill, error):
    mill.add("grinding")
    mill.stop_raises = (error, False)
    outcome = failure(converged(mill, state="stopped"), str(error))
    assert not outcome.changed and mill.runs[0]["status"] == "grinding"


@pytest.mark.parametrize("error", LOST)
def test_a_stop_of_which_nothing_can_be_known_fails_as_a_change(mill, error):
    mill.add("grinding")
    mill.stop_raises = (error, True)
    mill.before_stop = lambda: mill.looks.extend([Unreachable("gone")] * 9)
    assert failure(converged(mill, state="stopped"), str(error), "reading back failed: gone").changed


def test_a_stop_that_was_accepted_and_cannot_be_read_back_is_no_failure(mill):
    mill.add("grinding")
    mill.answers = False
    mill.before_stop = lambda: mill.looks.append(Unreachable("gone"))
    outcome = converged(mill, state="stopped")
    assert state(outcome)["status"] == "halting" and outcome.changed
    assert mill.warnings == ["a: the grinding 1: gone"]


def test_stopping_times_out_with_the_last_look_at_hand(mill):
    mill.add("grinding")
    outcome = failure(converged(mill, state="stopped", wait=True, wait_timeout=10), "was halting", "within 10 seconds")
    assert outcome.changed and outcome.after["a"]["status"] == "halting"


def test_a_target_that_is_not_there_fails(mill, monkeypatch):
    def locate(self):
        raise RegistryError("there is no mill of that name")

    monkeypatch.setattr(Grinding, "locate", locate)
    assert not failure(converged(mill, state="stopped"), "no mill of that name").changed
