# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a registry before and after every write that reaches it, and says which promise was broken."""

from __future__ import annotations

import threading
import time
from typing import Any

from chaos.world import World

READING = ("GET", "HEAD")


class Monitor:
    """Watches the fake of one world. problems: what must not have happened. effects: (when, key) of each change."""

    def __init__(self, world: World) -> None:
        self.world, self.fake = world, world.fake
        self.problems: list[str] = []
        self.effects: list[tuple[float, Any]] = []
        self.writes = 0
        self._lock = threading.Lock()
        self._answer = self.fake.answer
        self.fake.answer = self._watched
        self.initial = world.snapshot()

    def _watched(self, request: Any) -> Any:
        if request.method in READING:
            return self._answer(request)
        before = self.world.snapshot()  # the fake answers one request at a time
        try:
            return self._answer(request)
        finally:
            self._compare(f"{request.method} {request.path}", before, self.world.snapshot())

    def _compare(self, what: str, before: dict, after: dict) -> None:
        with self._lock:
            self.writes += 1
            if before.keys() != after.keys():
                self.problems.append(f"{what}: targets came or went")
            for key in before:
                if before[key] != after.get(key):
                    self.effects.append((time.monotonic(), key))
                    if key not in self.world.targets:
                        self.problems.append(f"{what} touched its neighbour {key}: {before[key]} became {after[key]}")
                    else:
                        found = self.world.wrong(key, self.initial[key], before[key], after[key])
                        self.problems += [f"{what} on {key}: {text}" for text in found]

    def taken(self) -> list[str]:
        """Returns the problems since the last call."""
        found, self.problems = self.problems, []
        return found
