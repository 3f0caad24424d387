# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a round needs to know of a registry: a random estate, a random declaration, and what must become of it."""

from __future__ import annotations

import random
from typing import Any

from fakes._base import Fake


class World:
    """A registry by chance and a task on it. Keys are targets of the registry, also of others; states can be compared.

    options: of the task. targets: key -> the name that the task gives the target. initial: how it was at the start.
    """

    module = ""
    secrets: list[str] = []
    repeats = False  # True: the task does it again each time

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.options: dict[str, Any] = {}
        self.targets: dict[Any, str] = {}
        self.fake: Fake = self.estate()
        self.initial = self.snapshot()
        self.declare()

    def estate(self) -> Fake:
        """Returns the registry."""
        raise NotImplementedError

    def declare(self) -> None:
        """Sets options and targets."""
        raise NotImplementedError

    def access(self, url: str) -> dict[str, str]:
        """Returns the environment with address and credentials."""
        raise NotImplementedError

    def snapshot(self) -> dict[Any, Any]:
        """Returns key -> state of everything that the registry has."""
        raise NotImplementedError

    def wanted(self, key: Any) -> Any:
        """Returns the state that the task must bring about, or leave if it must refuse the target."""
        raise NotImplementedError

    def reached(self, key: Any, state: Any) -> bool:
        """Returns whether a target is as the task must bring it about."""
        return state == self.wanted(key)

    def wrong(self, key: Any, initial: Any, before: Any, after: Any) -> list[str]:
        """Returns what is wrong with a write that changed a target so."""
        return []

    def ended(self, changed: list) -> list[str]:
        """Returns what is wrong with what one task did, from the key of each change that it made."""
        return []

    def refusal(self) -> str:
        """Returns what the message of a task holds that is right to refuse the plan, or "" if it must not."""
        return ""

    def healed(self, key: Any, before: Any, state: Any, text: str) -> list[str]:
        """Returns what is wrong with a task that said the text, and left the target in another state than before."""
        return []

    def afterwards(self, changed: set) -> list[str]:
        """Returns what is wrong with what the registry does to the changed targets by itself later."""
        return []

    def pass_time(self, seconds: float) -> None:
        """Called when a task without a real clock waits."""
