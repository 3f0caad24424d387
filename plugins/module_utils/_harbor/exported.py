# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Harbor has as variables of the role harbor_hygiene, one function for each kind. Pure."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import exported, folding
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.exported import Export, Notes, Variable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    cron,
    endpoints,
    gc,
    purge,
    replication,
    retention_rules,
)

NO_SCHEDULE = "There is none: {} leaves that as it is, and `state: absent` would make sure of it."
SECRETS = (
    "Harbor shows no secrets, so there are none here. It has one for {}: as access_secret, from a vault, it is needed "
    "where such an endpoint is created anew or changes its url."
)
DELETES = (
    "Some carry deletions over ({}): to create such a policy anew, set harbor_hygiene_allow_remote_deletion: true."
)


def export(found: dict) -> Export:
    """Return what there is. found: results of the _info modules, each by the name of its kind in KINDS."""
    made = Export()
    for kind, (key, variable) in KINDS.items():
        if kind in found:
            state = made.read(found[kind], key, kind.replace("_", " "))
            if key in found[kind]:  # null: there is no schedule
                made.variables += variable(state, found[kind])
    return made


def _purge_schedule(state: dict | None, _result: dict) -> list[Variable]:
    def check(given: dict) -> None:
        purge.check({**dict.fromkeys(purge.PURGE_SPEC), **given})
        if not (given.get("include_event_types") or given.get("include_operations")):
            raise PlanRefused("it names nothing that is to go")

    return [_schedule("harbor_hygiene_purge_schedule", state, check)]


def _gc_schedule(state: dict | None, _result: dict) -> list[Variable]:
    return [_schedule("harbor_hygiene_gc_schedule", state, lambda given: gc.check({"workers": None, **given}))]


def _schedule(name: str, state: dict | None, check: Callable[[dict], None]) -> Variable:
    if state is None:
        return Variable(name, {}, [NO_SCHEDULE])
    notes = Notes()
    given = exported.without({key: value for key, value in state.items() if key != "active"}, [])
    if given["cron"] == cron.WORDS.get(given["schedule"]):
        given.pop("cron")
    try:
        if not state["active"]:
            raise PlanRefused("it is listed but does nothing, and the module would write it anew")
        if given["schedule"] not in (*cron.WORDS, cron.CUSTOM):
            raise PlanRefused(f"the word {given['schedule']} for when it fires is not known here")
        if "cron" in given:
            cron.check(given["cron"])
        check(given)
    except PlanRefused as error:
        notes.add(str(error), "", f"{state['schedule']} ({state['cron']})")
        return Variable(name, {}, notes.lines())
    return Variable(name, given)


def _registries(states: list | None, result: dict) -> list[Variable]:
    def check(state: dict) -> None:
        more = {"access_secret": None, "update_secret": None, "state": "present"}
        endpoints.check({**state, **more})
        if endpoints.normalised(state["url"]) != state["url"]:
            raise PlanRefused("Harbor has its url in another form than the module would write")

    details = result.get("details") or {}
    holding = [name for name, more in details.items() if isinstance(more, dict) and more.get("has_secret")]
    notes = [SECRETS.format(exported.listed(holding))] if holding else []
    return _list("harbor_hygiene_registries", states, check, notes)


def _replication_policies(states: list | None, _result: dict) -> list[Variable]:
    def check(state: dict) -> None:
        params = dict(state, dest_namespace_replace_count=str(state["dest_namespace_replace_count"]))
        filters = [dict(one, decoration=one.get("decoration")) for one in state["filters"]]
        if any(one["type"] not in replication.KINDS for one in filters):
            raise PlanRefused("a filter is of a type that is not known here")
        if state["trigger"] not in replication.TRIGGERS:
            raise PlanRefused("the trigger is not known here")
        if not any(state[side] for side in replication.SIDES):
            raise PlanRefused("both of its sides are this Harbor itself")
        replication.check(dict(params, filters=filters))

    carrying = [state["name"] for state in states or [] if state["deletion"]]
    notes = [DELETES.format(exported.listed(carrying))] if carrying else []
    return _list("harbor_hygiene_replication_policies", states, check, notes)


def _list(name: str, states: list | None, check: Callable[[dict], None], more: list) -> list[Variable]:
    """Return the variable of a list of things; none if there are none."""
    notes, declared = Notes(), []
    for state in states or []:
        try:
            check(state)
            declared.append(exported.without(state))
        except PlanRefused as error:
            notes.add(str(error), "", state["name"])
    lines = notes.lines() + more
    return [Variable(name, declared, lines)] if declared or lines else []


def _immutable_tags(states: dict | None, result: dict) -> list[Variable]:
    return _of_projects("harbor_hygiene_immutable_tags", states, result, lambda rules: {"rules": rules})


def _retention(states: dict | None, result: dict) -> list[Variable]:
    def content(state: dict) -> dict:
        if "algorithm" in state:
            raise PlanRefused("Harbor fails at its algorithm, and the module would write it anew")
        empty = dict.fromkeys(retention_rules.RULES_SPEC["options"])
        retention_rules.check([{**empty, **rule} for rule in state["rules"]])
        if state["cron"]:
            cron.check(state["cron"])
        word = cron.WORDS.get(state["schedule"])
        return exported.without(dict(state, cron=None) if word and word == state["cron"] else state)

    return _of_projects("harbor_hygiene_retention", states, result, content)


def _of_projects(name: str, states: dict | None, result: dict, content: Callable[[Any], dict]) -> list[Variable]:
    """Return the variable of what projects have, equal ones as one entry; none if they have nothing."""
    notes, contents = Notes(), dict.fromkeys(exported.unread(result))
    for project, state in (states or {}).items():
        try:
            contents[project] = content(state) if state else None
        except PlanRefused as error:
            contents[project] = None
            notes.add(str(error), "", project)
    place, entries = folding.Names(contents, whole=exported.all_named(result)), []
    for given, some in exported.groups({project: given for project, given in contents.items() if given}):
        folded, exclude = place.fold(some)
        entries.append({"projects": folded, **({"exclude": exclude} if exclude else {}), **given})
    lines = notes.lines()
    return [Variable(name, entries, lines)] if entries or lines else []


# kind -> the key of its states in a result of its _info module, what makes variables of them
KINDS: dict[str, tuple[str, Any]] = {
    "purge_schedule": ("schedule", _purge_schedule),
    "gc_schedule": ("schedule", _gc_schedule),
    "registries": ("registries", _registries),
    "replication_policies": ("policies", _replication_policies),
    "immutable_tags": ("rules", _immutable_tags),
    "retention": ("policy", _retention),
}
