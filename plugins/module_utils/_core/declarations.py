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
    """One dictionary of a list of declarations, or all of the options of a task that has none.

    params: the options of the task with those of the entry. label: how people recognise it. named: the names and globs
    that it was given. own: the dictionary itself; empty if it is the task. option: what the list is called.
    """

    def __init__(self, params: dict, number: int | None, named: list, own: dict, option: str = "declarations") -> None:
        self.params = params
        self.number = number
        self.named = named
        self.own = own
        self.option = option
        self.label = labelled(named)
        self.agreeing: set = set()  # entries that are known to say the same of their targets

    def planned(self, thing: Any, current: Any) -> Any:
        """Return how a target of this entry should be."""
        return thing.plan(current)

    def numbered(self) -> str:
        """Return which dictionary of the list it is; empty if it is the task."""
        return "" if self.number is None else f"{self.option}[{self.number}]"

    def place(self) -> str:
        """Return where it stands in the task."""
        return self.label if self.number is None else f"{self.numbered()} ({self.label})"


def labelled(named: list) -> str:
    """Return the first names, and that there are more."""
    more = ", ..." if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more


def entries(resource_class: Any, params: dict) -> list[Entry]:
    """Return the entries of a task."""
    option = resource_class.several
    declared = params.get(option)
    if declared is None:
        return [Entry(params, None, resource_class.named(params), {})]
    found = []
    for number, item in enumerate(declared):
        # A limit that the entry leaves out is the task's.
        merged = dict(
            params, **{key: value for key, value in item.items() if key not in fuse.LIMITS or value is not None}
        )
        found.append(Entry(merged, number, resource_class.named(merged), item, option))
    return found


def undeclared(resource_class: Any, client: Any, params: dict, declared: Any) -> list:
    """Return a thing for each target that an exclusive list of declarations leaves out: they are to go."""
    if not (resource_class.surplus and params.get("exclusive")):
        return []
    entry = Entry(dict(params, state="absent"), None, ["what is not declared"], {})
    names = [name for name in resource_class.surplus(client) if name not in declared]
    return [resource_class(client, entry, name) for name in names]


def check_list(resource_class: Any, argument_spec: dict, params: dict) -> None:
    """Raise PlanRefused for what does not go with a list of declarations, or not without."""
    option = resource_class.several
    if resource_class.surplus and params["exclusive"] and not params[option]:
        raise PlanRefused(f"exclusive: list in {option} what is to stay; with nothing there, everything would go")
    if params.get(option) is None:
        return
    beside = [name for name, spec in argument_spec.items() if params[name] != spec.get("default")]
    if beside:
        raise PlanRefused(f"{', '.join(beside)}: beside {option} it means nothing: write it into each of them")


def claim(things: dict, key: str, thing: Any, content: Any) -> None:
    """Add the thing to things under its key; raises PlanRefused if another entry says something else about it.

    content: the names of the options that say what is to become of a target.
    """
    other = things.setdefault(key, thing)
    if other.entry is thing.entry or other.entry in thing.entry.agreeing:
        return
    differing = [name for name in content if other.params.get(name) != thing.params.get(name)]
    if differing:
        raise PlanRefused(
            f"{key} is declared twice, with different {', '.join(sorted(differing))}: in {other.entry.place()} and in "
            f"{thing.entry.place()}. Leave it out of one of them (exclude)"
        )
    thing.entry.agreeing.add(other.entry)


def specified(resource_class: Any, argument_spec: dict, rules: dict) -> tuple[dict, dict]:
    """Return the spec and the rules of a module that takes its own options alone, or several times in a list."""
    option = resource_class.several
    required = [name for name, spec in argument_spec.items() if spec.get("required")]
    one_of = [tuple(names) + (option,) for names in rules.get("required_one_of", [])]
    exclusive = [(option, name) for name, spec in argument_spec.items() if "default" not in spec]
    entry = dict(argument_spec, **(fuse.LIMITS if resource_class.foresees else {}))
    spec = {
        name: {key: value for key, value in spec.items() if key != "required"} for name, spec in argument_spec.items()
    }
    spec[option] = dict(type="list", elements="dict", options=entry, **rules)
    return spec, dict(
        rules,
        required_one_of=one_of + [(name, option) for name in required[:1]],
        mutually_exclusive=[*rules.get("mutually_exclusive", []), *exclusive],
        required_together=[tuple(required)] if len(required) > 1 else [],
    )
