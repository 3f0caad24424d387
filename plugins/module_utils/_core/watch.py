# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as they are looked at and waited for. A registry says how to look."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError, Unfinished
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource

MOST_MISSES = 5  # looks for a run that has ended and is not listed yet, or not any more


class Watch(Resource):
    """The runs of one kind at one target. A run is a dictionary in the words of results; it may have more keys."""

    word = "run"  # what a run is called in messages
    identity, keys = "id", ("id", "status")  # the key that identifies a run; all keys of one in results
    moments = ("update_time", "creation_time")  # keys of the time at which a run changed last, the best first
    good, bad = (), ()  # statuses of runs that have ended; every other one means "under way"
    meanwhile = ""  # what the user should know while one is running
    began = None  # when the first wait began; wait_timeout is for all of them together

    def locate(self) -> None:
        """Find out what all requests about the target need; raises NotFound if there is no such target."""

    def active(self) -> list:
        """Return the runs that may be under way, the newest first."""
        raise NotImplementedError

    def recent(self) -> list:
        """Return the runs that the registry remembers, those under way included, the newest first."""
        raise NotImplementedError

    def title(self, run: dict) -> str:
        """Return what to call this run in a message."""
        return f"{self.word} {run[self.identity]}"

    def one(self, identity: Any) -> dict | None:
        """Return this run as it is now, None if the registry does not list it."""
        active = [run for run in self.active() if run[self.identity] == identity]
        return next((run for run in active or self.recent() if run[self.identity] == identity), None)

    def final(self, run: dict) -> bool:
        """Return whether it has ended for good."""
        return run["status"] in (*self.good, *self.bad)

    def details(self, run: dict) -> dict:
        """Return what a result tells beyond the run itself after it has ended, such as numbers from its log."""
        return {}

    def tail(self, run: dict) -> str:
        """Return the last lines of the log of a run that ended badly."""
        return ""

    def shown(self, run: dict) -> dict:
        """Return a run as results show it."""
        return {key: run.get(key) for key in self.keys}

    def under_way(self) -> list:
        """Return the runs that have not ended."""
        return [run for run in self.active() if not self.final(run)]

    def moment(self, run: dict) -> str | None:
        """Return when the run changed last, hence when it ended if it has; None if it does not say."""
        return next((run[key] for key in self.moments if run.get(key)), None)

    def ended(self, state: dict) -> dict:
        """Return a run after it has ended well; raises Unfinished with what is known of it."""
        known, misses = state, 0

        def look() -> dict:
            nonlocal known, misses
            found = self.one(state[self.identity])
            known, misses = (dict(state, **self.shown(found)), 0) if found else (known, misses + 1)
            return known

        ended = self.wait_for(look, lambda seen: self.final(seen) or misses > MOST_MISSES, state)
        if misses > MOST_MISSES:
            raise Unfinished(f"the {self.title(ended)} is not listed any more. It was {ended['status']}", ended)
        ended = dict(ended, **self.asked(self.details, ended, {}))
        if ended["status"] not in self.good:
            tail = self.client.masked(self.asked(self.tail, ended, ""))
            raise Unfinished(f"the {self.title(ended)} ended as {ended['status']}{tail and ': ' + tail}", ended)
        return ended

    def asked(self, ask: Callable[[dict], Any], run: dict, otherwise: Any) -> Any:
        """Return ask(run); what cannot be known of a run that has ended is no failure of it."""
        try:
            return ask(run)
        except RegistryError as error:
            self.client.warnings.append(f"{self.target}: the {self.title(run)}: {error}")
            return otherwise

    def wait_for(self, poll: Callable, final: Callable, known: dict | None = None) -> dict:
        """Return the first poll() that is final; raises Unfinished after wait_timeout. known: what is known before."""
        self.began = wait.now() if self.began is None else self.began

        def progress(seen: dict) -> None:
            text = f"{self.title(seen)}: {seen['status']}" if seen[self.identity] else f"{self.word}: none"
            self.client.tell(f"{self.target}: {text}")

        timeout, interval = self.params["wait_timeout"], self.params["poll_interval"]
        try:
            return wait.until(final, poll, timeout, interval, progress, known, self.began)
        except Unfinished as error:
            state = error.state
            if state is None or self.final(state):
                raise
            moment = self.moment(state)
            raise Unfinished(
                f"the {self.title(state)} is {error} (wait_timeout). It was {state['status']}"
                f"{' since ' + moment if moment else ''} and goes on{self.meanwhile}",
                state,
            ) from None
