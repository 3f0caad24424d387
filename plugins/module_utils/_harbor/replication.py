# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication policies of Harbor in option words: checks of what is declared, what is there, what is sent. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import cron, doublestar, listings, registry

KINDS = ("name", "tag", "label", "resource")
DECORATIONS = ("matches", "excludes")
MANUAL, SCHEDULED, EVENT_BASED = TRIGGERS = ("manual", "scheduled", "event_based")
POLICY_SPEC = dict(
    name=dict(type="str", required=True),
    state=dict(type="str", choices=["present", "absent"], default="present"),
    description=dict(type="str"),
    enabled=dict(type="bool"),
    src_registry=dict(type="str"),
    dest_registry=dict(type="str"),
    dest_namespace=dict(type="str"),
    dest_namespace_replace_count=dict(type="str"),
    filters=dict(
        type="list",
        elements="dict",
        options=dict(
            type=dict(type="str", required=True, choices=list(KINDS)),
            value=dict(type="raw", required=True),
            decoration=dict(type="str", choices=list(DECORATIONS)),
        ),
    ),
    trigger=dict(type="str", choices=list(TRIGGERS)),
    cron=dict(type="str"),
    deletion=dict(type="bool"),
    override=dict(type="bool"),
    speed=dict(type="int"),
    copy_by_chunk=dict(type="bool"),
    single_active_replication=dict(type="bool"),
)
SIDES = ("src_registry", "dest_registry")
PLAIN = ("description", "enabled", "dest_namespace", "deletion", "override", "speed")
NEWER = {"copy_by_chunk": (2, 6, 2), "single_active_replication": (2, 14)}  # option -> since when it is there
WITHOUT_CHARTS = (2, 8)
DEFAULTS = {
    "description": "",
    "enabled": True,
    "src_registry": None,
    "dest_registry": None,
    "dest_namespace": "",
    "dest_namespace_replace_count": -1,
    "filters": [],
    "trigger": MANUAL,
    "cron": None,
    "deletion": False,
    "override": False,
    "speed": 0,
}
ALL_LEVELS = "all"  # the readable word for -1
LONGEST_NAME, LONGEST_FILTERS = 256, 1024  # characters; Harbor breaks down beyond
MOST_LEVELS, MOST_SPEED = 127, 2**31 - 1
PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
NAMESPACE = re.compile(rf"{PART}(?:/{PART})*\Z")


def check(params: dict) -> list[str]:
    """Return warnings about a declared policy; raises PlanRefused for what no version of Harbor can follow."""
    name, warnings = params["name"], []
    if not name or len(name) > LONGEST_NAME:
        raise PlanRefused(f"name: {printable(name, 100)!r}: write 1 to {LONGEST_NAME} characters")
    namespace, speed, trigger = params["dest_namespace"], params["speed"], params["trigger"]
    if namespace and not NAMESPACE.match(namespace):
        raise PlanRefused(
            f"dest_namespace: {printable(namespace, 100)!r}: write lower-case letters and digits, between them . _ __ "
            "or -, and / between the parts"
        )
    if all(params[side] for side in SIDES):
        raise PlanRefused(
            "src_registry and dest_registry: one side is always this Harbor itself: leave one of them out"
        )
    levels(params["dest_namespace_replace_count"])
    filters(params["filters"] or [])
    if speed is not None and not 0 <= speed <= MOST_SPEED:
        raise PlanRefused(f"speed: {speed}: write Kbit/s up to {MOST_SPEED}, 0 for as fast as it goes")
    if params["cron"] is not None:
        if trigger not in (None, SCHEDULED):
            raise PlanRefused(f"cron goes with trigger: {SCHEDULED}, not {trigger}")
        cron.check_replication(params["cron"])
    if trigger == EVENT_BASED and params["single_active_replication"]:
        raise PlanRefused(f"single_active_replication does not go with trigger: {EVENT_BASED}: leave it out")
    if trigger == EVENT_BASED and params["src_registry"]:
        warnings.append(f"{name}: trigger: {EVENT_BASED} never fires for a policy that pulls (src_registry)")
    return warnings


def levels(text: str | None) -> int:
    """Return how many leading parts of a path dest_namespace replaces, -1 for all; raises PlanRefused."""
    word = ALL_LEVELS if text is None else text.strip().lower()
    if word == ALL_LEVELS or re.match(r"-[0-9]{1,3}\Z", word):
        return -1
    if not re.match(r"[0-9]{1,3}\Z", word) or int(word) > MOST_LEVELS:
        raise PlanRefused(
            f"dest_namespace_replace_count: {printable(text, 50)!r}: write {ALL_LEVELS} (or -1), 0 to put "
            f"dest_namespace before the path, or how many parts of the path it replaces, up to {MOST_LEVELS}"
        )
    return int(word)


def filters(given: list) -> list[dict]:
    """Return filters in the form in which they are compared; raises PlanRefused."""
    found = [_filter(one) for one in given]
    # What Go writes into the column has < > and & as six characters.
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    if len(text) + 5 * len(re.findall("[<>&]", text)) > LONGEST_FILTERS:
        raise PlanRefused(
            f"filters: all together they are too long for Harbor ({LONGEST_FILTERS} characters): make several policies"
        )
    return found


def _filter(one: dict) -> dict:
    kind, value, decoration = one["type"], one["value"], one["decoration"]
    shown = f"filters: {kind} {printable(value, 100)!r}"
    if kind == "label":
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            raise PlanRefused(f"{shown}: write the names of labels as a list; images must have all of them")
        value = sorted(set(value))
    elif not isinstance(value, str):
        raise PlanRefused(f"{shown}: write one text, with * or {{a,b}} for several, in quotes if it is a number")
    if kind == "resource" and value not in ("image", "artifact", "chart"):
        raise PlanRefused(f"{shown}: write image or artifact (up to Harbor 2.7 also chart)")
    fault = doublestar.fault(value) if kind in ("name", "tag") else None
    if fault:
        raise PlanRefused(f"{shown} is no pattern: {fault}")
    if kind in ("tag", "label"):
        return {"type": kind, "value": value, "decoration": decoration or DECORATIONS[0]}
    if decoration:
        raise PlanRefused(f"{shown}: only filters by tag and label have a decoration: leave it out")
    return {"type": kind, "value": value}


def _found_filter(one: dict) -> dict:
    kind, value = one["type"], one["value"]
    value = sorted(set(value)) if isinstance(value, list) else value
    more = {"decoration": one.get("decoration") or DECORATIONS[0]} if kind in ("tag", "label") else {}
    return {"type": kind, "value": value, **more}


def state_of(version: tuple, found: dict | None) -> dict | None:
    """Return a policy in the words of options. A side that is this Harbor itself is None."""
    if found is None:
        return None
    trigger = found.get("trigger") or {}
    kind, count = trigger.get("type") or MANUAL, found.get("dest_namespace_replace_count")
    state = {
        "name": found["name"],
        "description": found.get("description") or "",
        "enabled": bool(found.get("enabled")),
        **{side: found[side]["name"] if found[side]["id"] != listings.LOCAL else None for side in SIDES},
        "dest_namespace": found.get("dest_namespace") or "",
        "dest_namespace_replace_count": -1 if count is None else max(count, -1),
        "filters": [_found_filter(one) for one in found.get("filters") or []],
        "trigger": kind,
        # With another trigger Harbor keeps a cron, and ignores it.
        "cron": (trigger.get("trigger_settings") or {}).get("cron") if kind == SCHEDULED else None,
        # The old name is the one that counts in requests; answers have both.
        "deletion": bool(found.get("deletion") or found.get("replicate_deletion")),
        "override": bool(found.get("override")),
        "speed": max(found.get("speed") or 0, 0),
    }
    for option, since in NEWER.items():
        state[option] = bool(found.get(option)) if version >= since else None
    return state


def planned(version: tuple, name: str, params: dict, current: dict | None, endpoint: str | None) -> dict:
    """Return a policy as it should be; raises RegistryError. endpoint: the name of the endpoint that is declared."""
    new = dict(DEFAULTS, name=name, **{option: False if version >= since else None for option, since in NEWER.items()})
    kept = current or new
    found = dict(kept, **{key: params[key] for key in PLAIN if params[key] is not None})
    if endpoint is not None:
        side = SIDES[0] if params["src_registry"] else SIDES[1]
        found.update(dict.fromkeys(SIDES), **{side: endpoint})
    if not any(found[side] for side in SIDES):
        raise RegistryError(f"there is no policy {name!r} yet: a new one needs src_registry (to pull) or dest_registry")
    if params["dest_namespace_replace_count"] is not None:
        found["dest_namespace_replace_count"] = levels(params["dest_namespace_replace_count"])
    if params["filters"] is not None:
        wanted = filters(params["filters"])
        found["filters"] = kept["filters"] if _ordered(wanted) == _ordered(kept["filters"]) else wanted
    found.update(_when(params, kept))
    for option, since in NEWER.items():
        if version >= since:
            found[option] = kept[option] if params[option] is None else params[option]
        elif params[option]:
            who, added = registry.named(version), ".".join(map(str, since))
            raise RegistryError(f"{option}: {who} has no such thing, it came with {added}: leave it out")
    if found != current:
        _check_together(version, found)
    return found


def _ordered(some: list) -> list:
    # All of them must fit, so neither their order counts nor how often one is there.
    return sorted({json.dumps(one, sort_keys=True) for one in some})


def _when(params: dict, kept: dict) -> dict:
    trigger = params["trigger"] or kept["trigger"]
    if trigger != SCHEDULED:
        if params["cron"] is not None:
            raise RegistryError(f"cron: its trigger is {trigger}: set trigger: {SCHEDULED}, too")
        return {"trigger": trigger, "cron": None}
    text = kept["cron"] if params["cron"] is None else params["cron"]
    if not text:
        raise RegistryError(f"trigger: {SCHEDULED} needs a cron of six fields, such as 0 30 3 * * 0")
    return {"trigger": trigger, "cron": text}


def _check_together(version: tuple, state: dict) -> None:
    """Raise RegistryError for what is refused, or worse, only together with what Harbor has already."""
    if state["trigger"] == EVENT_BASED and state["single_active_replication"]:
        raise RegistryError(f"single_active_replication does not go with trigger: {EVENT_BASED}: set it to false")
    if version >= WITHOUT_CHARTS and any(
        one["value"] == "chart" for one in state["filters"] if one["type"] == "resource"
    ):
        raise RegistryError(f"filters: {registry.named(version)} has no charts any more: write image or artifact")
    if state["cron"]:
        try:
            cron.check_replication(state["cron"])
        except PlanRefused as error:
            raise RegistryError(str(error)) from None


def body(version: tuple, state: dict, number: int) -> dict:
    """Return what is sent, all of it, as Harbor keeps nothing from before. number: the id of the endpoint."""
    plain = {key: state[key] for key in ("name", *PLAIN, "dest_namespace_replace_count")}
    settings: dict[str, Any] = {"trigger_settings": {"cron": state["cron"]}} if state["cron"] else {}
    return {
        **plain,
        "replicate_deletion": state["deletion"],
        **{side: {"id": number} if state[side] else None for side in SIDES},
        "filters": state["filters"],
        "trigger": {"type": state["trigger"], **settings},
        **{option: state[option] for option, since in NEWER.items() if version >= since},
    }
