# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the same with many targets in parallel, and keeps every failure with its target."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import Bug, RegistryError


class Crew:
    """Threads that work for the thread that made them.

    What they have to tell the user is handed over to that thread: a display may hold a lock that was taken before the
    process was forked, which then no other thread ever gets (ansible-runner).
    """

    def __init__(self, size: int, client: Any) -> None:
        self.pool = ThreadPoolExecutor(size)
        self.client = client

    def __enter__(self) -> Crew:
        wait.stopped.clear()
        return self

    def __exit__(self, kind: Any, *_rest: Any) -> None:
        if kind is not None and not issubclass(kind, Exception):
            wait.stopped.set()  # interrupted: those that wait or are put off give up
        self.pool.shutdown(wait=kind is None)

    def each(self, verb: Callable[[str], Any], names: list, done: str | None = None) -> tuple[dict, dict]:
        """Return name -> verb(name) of those that succeeded, and name -> RegistryError of the others.

        After a fatal error no further name is tried; they get the same error. done: what to say has been done with
        them ("read"), every ten seconds.
        """
        events: queue.SimpleQueue = queue.SimpleQueue()
        show, self.client.progress = self.client.progress, events.put
        guarded, futures = _guard(verb), {}
        try:
            for name in names:
                futures[name] = self.pool.submit(guarded, name)
                futures[name].add_done_callback(lambda future: events.put(None))
            left, told = len(futures), wait.now()
            while left:
                text = events.get()
                if text is None:
                    left -= 1
                else:
                    show(text)
                if done and left and wait.now() - told >= wait.TELL:
                    told = wait.now()
                    show(f"{len(futures) - left:,} of {len(futures):,} {done}")
        finally:
            self.client.progress = show
        results = {name: future.result() for name, future in futures.items()}
        errors = {name: found for name, found in results.items() if isinstance(found, RegistryError)}
        return {name: found for name, found in results.items() if name not in errors}, errors

    def give_up(self, errors: dict) -> None:
        """Raise the first error that is the same for every target, unless something was written already."""
        fatal = [error for error in errors.values() if error.fatal]
        if fatal and not self.client.ledger.any():
            raise fatal[0]


def _guard(verb: Callable) -> Callable:
    """Return verb with its errors returned instead of raised; one that nobody thought of is a Bug of its target."""
    stopped = []

    def guarded(name: str) -> Any:
        if stopped:
            return stopped[0]
        try:
            return verb(name)
        except RegistryError as error:
            if error.fatal:
                stopped.append(error)
            return error
        except Exception as error:
            return Bug(error)

    return guarded
