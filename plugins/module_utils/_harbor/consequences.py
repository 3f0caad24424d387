# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of a replication policy means for people: what differs, and what it may delete elsewhere. Pure."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core.plan import DANGER
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import differences
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor.replication import EVENT_BASED, SCHEDULED

PLACE = ("src_registry", "dest_registry", "dest_namespace", "dest_namespace_replace_count")


def dangers(current: dict | None, planned: dict) -> list[str]:
    """Return in plain words what a change deletes or replaces at the destination from then on; empty for nothing."""
    where = planned["dest_registry"] or "this Harbor"
    found = []
    if planned["deletion"]:
        if not (current and current["deletion"]):
            acts = "" if _acts(planned) else f" (as soon as it is enabled with trigger: {EVENT_BASED})"
            found.append(f"deletion is switched on: what is deleted at the source goes at {where}, too{acts}")
        elif _wider(current, planned):
            found.append(f"it deletes at {where} what is deleted at the source, and now reaches more or other images")
    if planned["override"] and not (current and current["override"]):
        found.append(f"override is switched on: a tag that is another image at {where} is replaced there")
    return found


def _acts(state: dict) -> bool:
    """Return whether deletions are carried over; only events do that."""
    return state["enabled"] and state["trigger"] == EVENT_BASED


def _wider(current: dict, planned: dict) -> bool:
    # All filters must fit, so another one only narrows, and what becomes of one that changes cannot be told.
    elsewhere = any(current[key] != planned[key] for key in PLACE)
    fewer = any(one not in planned["filters"] for one in current["filters"])
    return elsewhere or fewer or (_acts(planned) and not _acts(current))


def changes(current: dict | None, planned: dict | None) -> list[tuple[str, str]]:
    """Return (sign, text) for each thing that differs, the consequences last."""
    if planned is None:
        return [("-", f"removed with its history, {described(current)}")]
    if current is None:
        found = [("+", f"new, {described(planned)}")]
    else:
        plain = [{key: value for key, value in state.items() if key != "filters"} for state in (current, planned)]
        found = differences(*plain)
        found += [("-", f"filter {_filter(one)}") for one in current["filters"] if one not in planned["filters"]]
        found += [("+", f"filter {_filter(one)}") for one in planned["filters"] if one not in current["filters"]]
    return found + [(DANGER, text) for text in dangers(current, planned)]


def described(state: dict) -> str:
    """Return a policy in some words: from where, where to, what and when."""
    way = f"pulls from {state['src_registry']}" if state["src_registry"] else f"pushes to {state['dest_registry']}"
    into = f" into {state['dest_namespace']}" if state["dest_namespace"] else ""
    what = ", ".join(_filter(one) for one in state["filters"]) or "everything"
    when = f"{SCHEDULED} {state['cron']}" if state["trigger"] == SCHEDULED else state["trigger"]
    return f"{way}{into}: {printable(what, 80)}; {when}{'' if state['enabled'] else ', disabled'}"


def _filter(one: dict) -> str:
    value = " and ".join(one["value"]) if isinstance(one["value"], list) else one["value"]
    return f"{one['type']} {'not ' if one.get('decoration') == 'excludes' else ''}{printable(value, 60)}"
