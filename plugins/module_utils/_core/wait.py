# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks and pauses, and polling until something is final or the time is over."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    RegistryError,
    Unfinished,
    Unreachable,
)

TELL = 10  # seconds between two words on how far it is
LATER = (429, 500, 502, 503, 504)  # answers that say nothing about what is waited for
stopped = threading.Event()  # set when the task is interrupted: threads that wait give up


def now() -> float:
    """Return the seconds of a clock that nobody sets."""
    return time.monotonic()


def clock() -> float:
    """Return this machine's idea of the time (epoch seconds)."""
    return time.time()


def pause(seconds: float) -> None:
    """Let the seconds pass; raises RegistryError if the task is interrupted."""
    if seconds > 0 and stopped.wait(seconds):
        raise RegistryError("interrupted")


def until(
    final: Callable[[Any], bool],
    poll: Callable[[], Any],
    timeout: float,
    interval: float,
    progress: Callable[[Any], None] = lambda state: None,
    state: Any = None,
    began: float | None = None,
) -> Any:
    """Return the first state of poll() that is final; raises Unfinished with the last one after `timeout` seconds.

    Polls every `interval` seconds. A poll without an answer is only a lost poll. progress(state): told of each new one.
    state: what is known before. began: when an earlier wait began, of which this one is a part.
    """
    began, told = now() if began is None else began, None
    while True:
        try:
            found = poll()
        except RegistryError as error:
            if not (isinstance(error, Unreachable) or getattr(error, "status", 0) in LATER):
                raise
            found = state
        if found != told:
            progress(found)
        state = told = found
        if state is not None and final(state):
            return state
        left = began + timeout - now()
        if left <= 0:
            raise Unfinished(f"not finished within {timeout:g} seconds", state)
        pause(min(interval, left))
