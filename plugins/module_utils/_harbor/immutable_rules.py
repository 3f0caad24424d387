# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that protect tags in Harbor's projects: listed, in option words, planned."""

from __future__ import annotations

import json

from ansible_collections.registry.hygiene.plugins.module_utils._core import names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.options import validated
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import projects, registry, selectors

RULES_SPEC = dict(
    rules=dict(
        type="list",
        elements="dict",
        mutually_exclusive=[("tag_selector", "foreign")],
        required_one_of=[("tag_selector", "foreign")],
        options=dict(
            foreign=dict(type="str"),
            tag_selector=dict(type="dict", options=selectors.options(selectors.TAGS)),
            repository_selector=dict(type="dict", options=selectors.options(selectors.REPOSITORIES)),
            disabled=dict(type="bool", default=False),
        ),
    ),
    exclusive=dict(type="bool", default=False),
    state=dict(type="str", choices=["present", "absent"], default="present"),
)
REQUIRED_IF = [("state", "present", ["rules"])]
DECLARED_SPEC = dict(immutable_tags=dict(type="list", elements="dict"))  # of tasks that forecast deletions
ROW = {
    "type": "object",
    "required": ["id", "tag_selectors"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "disabled": {"type": "boolean"},
        "tag_selectors": selectors.SELECTORS,
        "scope_selectors": selectors.SCOPES,
    },
}
ROWS = {"type": "array", "items": ROW}


def listed(thing: projects.OfProject) -> list:
    """Return the immutable rules of a project as Harbor lists them."""
    where = thing.where("immutabletagrules")
    return registry.listing(thing.client, where, ROWS, lambda row: row["id"])


def check(params: dict) -> None:
    """Raise PlanRefused for rules that Harbor would store, although they protect nothing or say two things."""
    seen: dict = {}
    for number, rule in enumerate(params["rules"] or []):
        for option in ("tag_selector", "repository_selector"):
            if rule[option]:
                selectors.check(rule[option], f"rules[{number}]: {option}")
        same = seen.setdefault(key(declared(rule)), number)
        if same != number:
            raise PlanRefused(f"rules[{number}] has the selectors of rules[{same}]: leave one of them out")
    if params["exclusive"] and params["state"] == "absent":
        raise PlanRefused("exclusive: only with state: present; state: absent without rules removes all")


def declared(rule: dict) -> dict:
    """Return a rule of the options as a state."""
    if rule["foreign"] is not None:
        return {"foreign": rule["foreign"], "disabled": rule["disabled"]}
    where = rule["repository_selector"] or selectors.everywhere()
    return {
        "tag_selector": dict(rule["tag_selector"]),
        "repository_selector": dict(where),
        "disabled": rule["disabled"],
    }


def in_option_words(rule: dict) -> dict:
    """Return a rule as Harbor lists it as a state: of several selectors it looks at the first.

    What the options cannot say is under `foreign`, as a text of JSON.
    """
    scopes, tags = selectors.repositories_of(rule), selectors.tags_of(rule)
    known = scopes and tags and scopes[0].get("decoration") in selectors.REPOSITORIES
    if not known or tags[0].get("decoration") not in selectors.TAGS:
        left = {key: value for key, value in rule.items() if key != "id"}
        return {"foreign": json.dumps(left, sort_keys=True)[:2000], "disabled": bool(rule.get("disabled"))}
    return {
        "tag_selector": selectors.in_option_words(tags[0]),
        "repository_selector": selectors.in_option_words(scopes[0]),
        "disabled": bool(rule.get("disabled")),
    }


def in_api_words(rule: dict) -> dict:
    """Return a rule of a state in the words of the API."""
    return {
        "disabled": rule["disabled"],
        "tag_selectors": [selectors.in_api_words(rule["tag_selector"])],
        "scope_selectors": {"repository": [selectors.in_api_words(rule["repository_selector"])]},
    }


def state_of(rows: list) -> list:
    """Return the state of a project whose rules Harbor lists so."""
    states: dict = {}
    for rule in map(in_option_words, rows):
        # Harbor takes identical rules: together they protect unless all are disabled.
        known = states.setdefault(key(rule), rule)
        known["disabled"] = known["disabled"] and rule["disabled"]
    return [states[name] for name in sorted(states)]


def planned(params: dict, current: list) -> list:
    """Return the state that a declaration (params) makes of one; raises RegistryError."""
    wanted = {key(rule): rule for rule in map(declared, params["rules"] or [])}
    others = {key(rule): rule for rule in current if key(rule) not in wanted}
    if params["state"] == "absent":
        return [] if params["rules"] is None else [others[name] for name in sorted(others)]
    there = set(map(key, current))
    if any("foreign" in rule and name not in there for name, rule in wanted.items()):
        raise RegistryError("rules: what is foreign is only kept, never made: there is no such rule in the project")
    found = {**({} if params["exclusive"] else others), **wanted}
    return [found[name] for name in sorted(found)]


def by_then(thing: projects.OfProject, rows: list) -> list:
    """Return the rules of a project in the words of the API once all tasks before have been carried out.

    In check mode they were not; what they are to do then stands in the option `immutable_tags`. The same rows if that
    changes nothing.
    """
    given = thing.params.get("immutable_tags") if thing.client.read_only else None
    for entry in thing.client.cached("declared immutable tags", lambda: _declarations(given)) if given else []:
        if thing.target in names.expand(entry["projects"], lambda glob: [thing.target], [], entry["exclude"]):
            current = state_of(rows)
            then = planned(entry, current)
            return rows if then == current else [in_api_words(rule) for rule in then if "foreign" not in rule]
    return rows


def _declarations(given: list) -> list[dict]:
    """Return the declarations of the option as harbor_immutable_tag_rule takes them; raises PlanRefused."""
    options = dict(projects.PROJECTS_SPEC, **RULES_SPEC)
    spec = {"immutable_tags": dict(type="list", elements="dict", options=options, required_if=REQUIRED_IF)}
    found = validated({"immutable_tags": given}, spec, "immutable_tags")["immutable_tags"]
    for entry in found:
        check(entry)
    return found


def key(rule: dict) -> str:
    """Return what identifies a rule of a state: its selectors."""
    return json.dumps({key: value for key, value in rule.items() if key != "disabled"}, sort_keys=True)


def told(rule: dict) -> str:
    if "foreign" in rule:
        return printable(f"what the options cannot say: {rule['foreign']}", 100)
    return f"protect {selectors.told([rule['tag_selector']], [rule['repository_selector']]) or 'all tags'}"


class Reader(projects.OfProject):
    """The immutable rules of one project, to be read."""

    noun = "rules"

    def read(self):
        self.found = listed(self)
        return state_of(self.found)
