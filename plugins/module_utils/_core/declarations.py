# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task declares: one entry or several, and to which of them each target belongs."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import fuse
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

SHOWN = 3  # names in a label


class Entry:
    """One dictionary of `declarations`, or all of the options of a task that has none.

    params: the options of the task with those of the entry. label: how people recognise it. named: the names and globs
    that it was given. own: the dictionary itself; empty if it is the task.
    """

    def __init__(self, params: dict, number: int | None, named: list, own: dict) -> None:
        self.params = params
        self.number = number
        self.named = named
        self.own = own
        self.label = labelled(named)

    def place(self) -> str:
        """Return where it stands in the task."""
        return self.label if self.number is None else f"declarations[{self.number}] ({self.label})"


def labelled(named: list) -> str:
    """Return the first names, and that there are more."""
    more = ", ..." if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more


def entries(resource_class: Any, params: dict) -> list[Entry]:
    """Return the entries of a task."""
    declared = params.get("declarations")
    if declared is None:
        return [Entry(params, None, resource_class.named(params), {})]
    found = []
    for number, item in enumerate(declared):
        # A limit that the entry leaves out is the task's.
        merged = dict(
            params, **{key: value for key, value in item.items() if key not in fuse.LIMITS or value is not None}
        )
        found.append(Entry(merged, number, resource_class.named(merged), item))
    return found


def check_alone(argument_spec: dict, params: dict) -> None:
    """Raise PlanRefused if an option of the entries stands beside them, where it would mean nothing."""
    beside = [name for name, option in argument_spec.items() if params[name] != option.get("default")]
    if beside:
        raise PlanRefused(f"{', '.join(beside)}: beside declarations it means nothing: write it into each of them")


def claim(things: dict, key: str, thing: Any, content: Any) -> None:
    """Add the thing to things under its key; raises PlanRefused if another entry says something else about it.

    content: the names of the options that say what is to become of a target.
    """
    other = things.setdefault(key, thing)
    if other is thing or other.entry is thing.entry:
        return
    differing = [name for name in content if other.params.get(name) != thing.params.get(name)]
    if differing:
        raise PlanRefused(
            f"{key} is declared twice, with different {', '.join(sorted(differing))}: in {other.entry.place()} and in "
            f"{thing.entry.place()}. Leave it out of one of them (exclude)"
        )


def specified(argument_spec: dict, rules: dict) -> tuple[dict, dict]:
    """Return the spec and the rules of a module that takes its own options alone, or several times in declarations."""
    required = [name for name, option in argument_spec.items() if option.get("required")]
    one_of = [tuple(names) + ("declarations",) for names in rules.get("required_one_of", [])]
    exclusive = [("declarations", name) for name, option in argument_spec.items() if "default" not in option]
    entry = dict(argument_spec, **fuse.LIMITS)
    spec = {
        name: {key: value for key, value in option.items() if key != "required"}
        for name, option in argument_spec.items()
    }
    spec["declarations"] = dict(type="list", elements="dict", options=entry, **rules)
    return spec, dict(
        rules,
        required_one_of=one_of + [(name, "declarations") for name in required[:1]],
        mutually_exclusive=[*rules.get("mutually_exclusive", []), *exclusive],
        required_together=[tuple(required)] if len(required) > 1 else [],
    )
