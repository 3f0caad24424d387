# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the same with many targets in parallel, and keeps every failure with its target."""

from __future__ import annotations

import collections
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
        self.size = size
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
        guarded, left, found, told = _guard(verb), collections.deque(names), {}, [wait.now()]

        def work() -> None:
            try:
                while left:
                    name = left.popleft()
                    found[name] = guarded(name)
                    if done and left and wait.now() - told[0] >= wait.TELL:
                        told[0] = wait.now()
                        events.put(f"{len(found):,} of {len(names):,} {done}")
            except IndexError:  # another one took the last name
                pass
            finally:
                events.put(None)

        try:
            # Not a future for each name: each has locks of its own, and wakes this thread up.
            working = [self.pool.submit(work) for _number in range(min(self.size, len(names)))]
            for _future in working:
                for text in iter(events.get, None):
                    show(text)
            for future in working:
                future.result()
        finally:
            left.clear()
            self.client.progress = show
        errors = {name: found[name] for name in names if isinstance(found[name], RegistryError)}
        return {name: found[name] for name in names if name not in errors}, errors

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
