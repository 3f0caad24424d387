# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The retention policies of an SWR as variables of the role swr_hygiene. Pure."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import exported, folding, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.exported import Export, Notes, Variable
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry, retention

EMPTY = {"state": "present", "days": None, "num": None, "tag_selectors": None}


def export(found: dict) -> Export:
    """Return what there is. found: the result of swr_retention_info, `repositories`, and what it was for, `named`."""
    made, notes, result = Export(), Notes(), found["repositories"]
    states = made.read(result, "retention", "repositories")
    if states is None:
        return made
    spaces: dict = {}
    for name in exported.unread(result):
        space, short = _parts(found["named"], name)
        spaces.setdefault(space, {})[short] = None
    for name, state in states.items():
        space, short = _parts(found["named"], name)
        spaces.setdefault(space, {})[short] = _content(space, short, state, notes)
    whole = exported.all_named(result)
    entries = [entry for space in sorted(spaces) for entry in _entries(space, spaces[space], whole)]
    made.variables.append(Variable("swr_hygiene_policies", entries, notes.lines()))
    return made


def _parts(given: str, name: str) -> tuple[str, str]:
    """Return the namespace and the name in it: the results of a glob for namespaces have both in one."""
    space, _slash, short = name.partition("/")
    return (space, short) if names.is_glob(given) else (given, name)


def _entries(space: str, contents: dict, whole: bool) -> list[dict]:
    place = folding.Names(contents, whole=whole)
    found = []
    for content, some in exported.groups({name: content for name, content in contents.items() if content}):
        folded, exclude = place.fold(some)
        entry = {"namespace": space, "repositories": folded, **({"exclude": exclude} if exclude else {})}
        found.append({**entry, **content})
    return found


def _content(space: str, name: str, state: dict | None, notes: Notes) -> dict | None:
    """Return the policy in as few words as possible, None if there is none or if it cannot be declared: see notes."""
    if not state:
        return None
    why = _fault(space, name, state)
    if why:
        notes.add(why, retention.rule(state), f"{space}/{name}")
        return None
    return exported.without(state, [])


def _fault(space: str, name: str, state: dict) -> str | None:
    """Return why the module would not leave a policy as it is, None if it does."""
    if "further_policies" in state:
        return "SWR holds several policies, where it documents one"
    if "template" not in state:
        return "the policy has rules that are not known here"
    try:
        registry.check_names(space, [name])
        if any(selector["kind"] not in ("label", "regexp") for selector in state["tag_selectors"]):
            raise PlanRefused("the policy has selectors that are not known here")
        params = dict(EMPTY, **state)
        retention.check(params)
    except PlanRefused as error:
        return str(error)
    if names.is_glob(name):
        return "its name would be read as a glob"
    return None if retention.declared(params) == state else "the module would write it in another way"
