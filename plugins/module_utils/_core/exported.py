# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has, as variables of its role: what can be declared, and notes of the rest with the reasons. Pure."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core.result import MOST
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

MOST_NAMES = 20  # in a line of the notes
MOST_TEXT = 300  # characters of a reason


@dataclasses.dataclass
class Variable:
    """A variable with what it is to be set to. notes: lines for people; what comes from others in them is printable."""

    name: str
    value: Any
    notes: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Export:
    """The variables of one registry, notes that belong to none of them, and the messages of what could not be read."""

    variables: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)

    def read(self, result: dict, key: str, what: str) -> dict | None:
        """Return target -> state of a result of an _info module, None if it has none; what failed is noted.

        A message tells a failure: `failed` is false where the task was told to go on. What was skipped is one, too.
        """
        failures = result.get("failures") or {}
        if result.get("msg"):
            message = printable("; ".join(str(result["msg"]).splitlines()), 4 * MOST_TEXT)
            self.failures.append(f"{what}: {message}")
            self.notes.append(f"Not read: {what}: {message}")
        if result.get("skipped"):
            self.failures.append(f"{what}: not tried, because nobody gets to this registry so")
        for name, why in failures.items():
            self.notes.append(f"  {printable(name, MOST_TEXT)}: {printable(why, MOST_TEXT)}")
        return result.get(key) if key in result else None


class Notes:
    """What is not declared: reason -> what it is -> names."""

    def __init__(self) -> None:
        self.found: dict = {}

    def add(self, reason: str, what: str, name: str) -> None:
        """Note what a target has and why it is not declared."""
        self.found.setdefault(reason, {}).setdefault(what, []).append(name)

    def lines(self) -> list[str]:
        """Return lines, the reason before all that it is about."""
        found = []
        for reason, each in self.found.items():
            found.append(f"Not declared: {printable(reason, MOST_TEXT)}.")
            for what, names in each.items():
                found.append(f"  {listed(names)}: {what}" if what else f"  {listed(names)}")
        return found


def listed(names: list) -> str:
    """Return names in a line, of many the first ones and how many more there are."""
    shown = ", ".join(printable(name, MOST_TEXT) for name in sorted(names)[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else shown


def unread(result: dict) -> list[str]:
    """Return the names of what could not be read; results name only so many of them, see all_named."""
    return list(result.get("failures") or {})


def all_named(result: dict) -> bool:
    """Return whether a result says of every target either its state or that it failed."""
    return len(unread(result)) < MOST


def groups(states: dict) -> list[tuple[Any, list]]:
    """Return (content, names) for each content that differs, the one of most names first. states: name -> content."""
    found: dict = {}
    for name, content in states.items():
        found.setdefault(json.dumps(content, sort_keys=True), (content, []))[1].append(name)
    return sorted(found.values(), key=lambda group: (-len(group[1]), min(group[1])))


def without(state: dict, *defaults: Any) -> dict:
    """Return a state without what is null or one of these values."""
    return {key: value for key, value in state.items() if value is not None and value not in defaults}
