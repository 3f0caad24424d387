# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs: adopts one, starts one at most once, waits for it, stops it. A registry says how to look, start and stop."""

from __future__ import annotations

from typing import Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    NotFound,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.watch import Watch

ARGUMENT_SPEC = dict(  # beside "state", and "if_active" (adopt, wait, fail) where the registry runs one at a time
    min_interval=dict(type="str", default="0s"),
    wait=dict(type="bool", default=False),
    wait_timeout=dict(type="int", default=1800),
    poll_interval=dict(type="int", default=10),
)
STOPPED = ("absent", "stopped")  # values of "state"
MOST_RIVALS = 20  # runs of others that are waited for before one can be started


def check_waiting(params: dict) -> None:
    """Raise PlanRefused unless wait_timeout and poll_interval are lengths of time."""
    for option in ("wait_timeout", "poll_interval"):
        if params[option] < 1:
            raise PlanRefused(f"{option}: {params[option]}: write a number of seconds above 0")


def in_doubt(error: RegistryError) -> bool:
    """Return whether the write that failed so may have taken effect all the same."""
    return isinstance(error, LostAnswer) or error.sent or getattr(error, "status", 0) >= 500


class Run(Watch):
    """The runs of one kind at one target, one of which is to be recent or under way, or none of which is to go on.

    A registry gives active and recent (to look), start, stop, covers, and what it has to say in the other methods.
    """

    stopping = ()  # statuses of a run that is being stopped
    requested, stopped = "requested", "stopped"  # the statuses that a plan foretells
    exclusive = True  # one run at a time; False: another one may be started beside one that does not cover it
    due, blocking, running = False, None, ()  # found by read: is one to be started, what is in the way, what to stop

    def start(self) -> dict | None:
        """Send the start, once. Returns what is known of the run, None if the answer tells nothing."""
        raise NotImplementedError

    def stop(self, run: dict) -> dict | None:
        """Ask for the end of a run. Returns it if the answer tells it; raises NotFound if it is not under way."""
        raise NotImplementedError

    def covers(self, run: dict) -> bool:
        """Return whether the run does all that the wanted one does."""
        raise NotImplementedError

    def to_stop(self) -> list:
        """Return the runs that are not to be under way any more: all of them, unless the task names one."""
        return self.under_way()

    def wanted(self) -> dict:
        """Return what is known beforehand of a run that this task would start."""
        return {}

    def needless(self) -> str | None:
        """Return why none is to be started, although none is recent enough; None if one is. GET only."""
        return None

    def refused(self, error: ApiError) -> str | None:
        """Return why the registry starts none and that is fine; None if another one may be running; else raises."""
        raise error

    def own(self, run: dict) -> bool:
        """Return whether a new run may be the one whose start was not answered."""
        return True

    def started(self, run: dict) -> None:
        """Look at what this task has started; may warn."""

    @classmethod
    def validate(cls, params):
        schedule.seconds(params["min_interval"], "min_interval")
        check_waiting(params)
        return []

    def verdict(self, run: dict, adopted: bool = False, ambiguous: bool = False, reason: str | None = None) -> dict:
        """Return a run as a result shows it, and how it comes to be the one of this task."""
        flags = {"adopted": adopted, "ambiguous": ambiguous, "skipped_reason": reason}
        return dict(self.shown(run), **flags)

    def read(self):
        self.locate()
        self.due, self.blocking, self.running = False, None, []
        if self.params["state"] not in STOPPED:
            return self._read_to_start()
        found = self.to_stop()
        self.running = [run for run in found if run["status"] not in self.stopping]
        return self.verdict(found[0]) if found else None

    def _read_to_start(self) -> dict | None:
        active = sorted(self.under_way(), key=self.covers, reverse=True)
        usable = next((run for run in active if self._adoptable(run)), None)
        if usable:
            return self.verdict(usable, adopted=True)
        if active and self.exclusive:
            if self.params["if_active"] == "fail":
                raise self._in_the_way(active[0])
            self.blocking = active[0]
        runs, now = self.recent(), self.client.now()
        limit = schedule.seconds(self.params["min_interval"], "min_interval")
        for run in runs:
            moment = self.moment(run)
            age = max(0.0, now - (schedule.epoch(moment) if moment else 0.0))  # clocks of several servers differ
            if run["status"] in self.good and self.covers(run) and age < limit:
                text = f"one succeeded within min_interval ({self.params['min_interval']})"
                return self.verdict(run, reason=text)
        reason = self.needless()
        self.due = not reason
        return self.verdict({}, reason=reason) if reason else self.verdict(runs[0]) if runs else None

    def _adoptable(self, run: dict) -> bool:
        enough = self.covers(run) or self.params.get("if_active") == "adopt"
        return enough and run["status"] not in (*self.stopping, *self.bad)

    def _in_the_way(self, run: dict) -> RegistryError:
        hint = "Set if_active: wait, or run again later"
        return RegistryError(f"the {self.title(run)} is in the way: {run['status']}. {hint}")

    def plan(self, current):
        if self.params["state"] in STOPPED:
            return dict(current, status=self.stopped) if self.running else current
        return {"status": self.requested, **self.wanted()} if self.due else current

    def apply(self, current, planned):
        if self.params["state"] in STOPPED:
            self.idle = True  # until one was really stopped
            stopped = [self._stop(run) for run in self.running]
            if self.idle:  # all of them ended by themselves: a stop that was lost on its way did nothing either
                self.client.ledger.disprove(self.target)
            return stopped[0]
        for _turn in range(MOST_RIVALS):
            if self.blocking:
                self._wait_until_over(self.blocking)
                found = self.read()  # what came or ended meanwhile may do
                if not self.due:
                    self.idle = True
                    return found
            else:
                found = self._start()
                if found:
                    return found
        raise RegistryError(f"one {self.word} after another is in the way. Run again later")

    def _start(self) -> dict | None:
        """Return what was started or adopted, or why nothing was; None if another one has to be waited for."""
        before = {run[self.identity] for run in self.recent()}
        doubt, lost = ContractError(f"the start of a {self.word} was accepted, but none is there"), False
        try:
            found = self.start()
        except RegistryError as error:
            if not in_doubt(error):
                if isinstance(error, ApiError):
                    return self._not_started(before, error)
                raise
            found, doubt, lost = None, error, True
        found = found or self._new(before, doubt)
        self.started(found)
        return self.verdict(found, ambiguous=lost)

    def _not_started(self, before: set, error: ApiError) -> dict | None:
        reason = self.refused(error)
        if reason:
            self.idle = True
            return self.verdict({}, reason=reason)
        rival = self._new(before, error, rival=True)
        if self._adoptable(rival):
            self.idle = True
            return self.verdict(rival, adopted=True)
        if self.params["if_active"] == "fail":
            raise self._in_the_way(rival)
        self.blocking = rival
        return None

    def _new(self, before: set, error: RegistryError, rival: bool = False) -> dict:
        """Return the run that is there now and was not before, or a rival; raises the error if there is none."""

        def look() -> list:
            active = [run for run in self.under_way() if rival or run[self.identity] not in before]
            new = active or [run for run in self.recent() if run[self.identity] not in before]
            return [run for run in new if rival or self.own(run)]

        found = self.read_back(error, look)
        if not found:
            raise error
        return max(found, key=self.covers)

    def _stop(self, run: dict) -> dict:
        """Return the run after it was stopped, or has ended by itself."""

        def look(_run: dict | None = None) -> dict | None:
            return self.one(run[self.identity])

        try:
            found = self.stop(run) or self.asked(look, run, None) or dict(run, status=self.stopped)
            hit, lost = True, False
        except NotFound as error:  # it has ended, perhaps because of this request if that was sent again
            found = self.read_back(error, look) or {}
            hit = lost = found.get("status") in (*self.stopping, *self.bad)
        except RegistryError as error:
            found = self.read_back(error, look) if in_doubt(error) else None
            if not found or found["status"] not in self.stopping and not self.final(found):
                raise
            hit = lost = True
        self.idle = self.idle and not hit
        return self.verdict(found, ambiguous=lost)

    def _wait_until_over(self, run: dict) -> None:
        self._wait_until_none(lambda: [one for one in self.under_way() if one[self.identity] == run[self.identity]])

    def _wait_until_none(self, look: Callable[[], list]) -> None:
        self.wait_for(lambda: self.verdict(next(iter(look()), {})), lambda seen: not seen[self.identity])

    def follow(self, state):
        if not self.params["wait"] or state is None or state["skipped_reason"] or not state[self.identity]:
            return state
        if self.params["state"] not in STOPPED:
            return self.ended(state)
        self._wait_until_none(self.to_stop)
        found = self.one(state[self.identity])
        return dict(state, **self.shown(found)) if found else state
