# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a retention policy: in option words, in those of Harbor's API, in words for people. Pure."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import selectors

COUNTS = {"latestPushedK": "pushed", "latestPulledN": "pulled", "latestActiveK": "active"}
DAYS = {"nDaysSinceLastPush": "pushed", "nDaysSinceLastPull": "pulled", "lastXDays": "pushed"}
ALWAYS = "always"
TEMPLATES = (*COUNTS, *DAYS, ALWAYS)
ORDERS = {"pushed": "pushed last", "pulled": "pulled last", "active": "pushed or pulled last"}
MOST_RULES = 15
MOST_DAYS = 106751  # with one more, Harbor's nanoseconds overflow and nothing is kept
MOST_COUNT = 2**31 - 1
OTHERWISE_COUNT, OTHERWISE_DAYS = 10, 30  # what Harbor takes a value for that is negative or no number
RULES_SPEC = dict(
    type="list",
    elements="dict",
    mutually_exclusive=[("template", "foreign")],
    required_one_of=[("template", "foreign")],
    options=dict(
        foreign=dict(type="str"),
        template=dict(type="str", choices=list(TEMPLATES)),
        value=dict(type="int"),
        disabled=dict(type="bool", default=False),
        tag_selectors=dict(
            type="list", elements="dict", options=selectors.options(selectors.TAGS, untagged=dict(type="bool"))
        ),
        repository_selectors=dict(type="list", elements="dict", options=selectors.options(selectors.REPOSITORIES)),
    ),
)
RULE = {
    "type": ["object", "null"],
    "properties": {
        "disabled": {"type": ["boolean", "null"]},
        **dict.fromkeys(("action", "template"), selectors.TEXT),
        "params": {"type": ["object", "null"]},
        "tag_selectors": selectors.SELECTORS,
        "scope_selectors": selectors.SCOPES,
    },
}


def check(rules: list | None) -> None:
    """Raise PlanRefused for what Harbor would store, although it makes runs fail or delete what nobody meant."""
    if len(rules or []) > MOST_RULES:
        raise PlanRefused(f"rules: {len(rules)} of them, Harbor takes {MOST_RULES} at most")
    seen: dict = {}
    for number, rule in enumerate(rules or []):
        place = f"rules[{number}]"
        if rule["foreign"] is None:
            _check_value(rule, place)
        if rule["tag_selectors"] is not None and not rule["tag_selectors"]:
            raise PlanRefused(f"{place}: tag_selectors is empty, and Harbor ignores such a rule: leave it out for all")
        for option in ("tag_selectors", "repository_selectors"):
            for selector in rule[option] or []:
                selectors.check(selector, f"{place}: {option}")
        same = seen.setdefault(key(declared(rule)), number)
        if same != number:
            raise PlanRefused(f"{place} says the same as rules[{same}], which Harbor refuses: leave one of them out")


def _check_value(rule: dict, place: str) -> None:
    template, value = rule["template"], rule["value"]
    if template == ALWAYS:
        if value is not None:
            raise PlanRefused(f"{place}: value does not go with template {ALWAYS}: leave it out")
        return
    most, what = (MOST_DAYS, "days") if template in DAYS else (MOST_COUNT, "artifacts")
    if value is None or not 1 <= value <= most:
        zero = ". With 0 it would keep nothing, and all that no other rule keeps would go" if value == 0 else ""
        raise PlanRefused(f"{place}: value {value!r}: {template} takes a number of {what} from 1 to {most}{zero}")


def declared(rule: dict) -> dict:
    """Return a rule of the options as a state."""
    if rule["foreign"] is not None:
        return {"foreign": rule["foreign"]}
    tags = rule["tag_selectors"] or [
        {"decoration": selectors.MATCHES, "pattern": selectors.EVERYTHING, "untagged": None}
    ]
    return {
        "template": rule["template"],
        "value": rule["value"],
        "disabled": rule["disabled"],
        "tag_selectors": [dict(tag, untagged=_untagged(tag)) for tag in tags],
        "repository_selectors": [dict(one) for one in rule["repository_selectors"] or []] or [selectors.everywhere()],
    }


def _untagged(selector: dict) -> bool:
    return selector["decoration"] == selectors.MATCHES if selector["untagged"] is None else selector["untagged"]


def key(rule: dict) -> str:
    """Return what two rules that say the same have in common."""
    return json.dumps(rule, sort_keys=True, default=str)


def fault(rule: dict) -> str | None:
    """Return why a run of Harbor fails at a rule in the words of the API, None if it does not."""
    template, action = rule.get("template", ""), rule.get("action", "")
    if action != "retain":
        return f"the action {printable(action, 40)!r}"
    if template not in TEMPLATES:
        return f"the template {printable(template, 40)!r}"
    if template != ALWAYS and template not in (rule.get("params") or {}):
        return f"the template {template} without its parameter"
    found = [selectors.fault(selector, selectors.TAGS) for selector in selectors.tags_of(rule)]
    return next((text for text in found if text), None)


def value(rule: dict) -> int | None:
    """Return the number of a rule in the words of the API, as Harbor reads it."""
    template = rule["template"]
    if template == ALWAYS:
        return None
    given = rule["params"][template]
    known = isinstance(given, (int, float)) and not isinstance(given, bool) and given >= 0
    return int(given) if known else OTHERWISE_DAYS if template in DAYS else OTHERWISE_COUNT


def in_option_words(rule: dict) -> dict:
    """Return a rule of the API as a state. What the options cannot say is under `foreign`, as a text of JSON."""
    scopes = selectors.repositories_of(rule)
    unknown = fault(rule) or not selectors.tags_of(rule)
    if unknown or any(selectors.fault(scope, selectors.REPOSITORIES) for scope in scopes):
        return {"foreign": json.dumps(rule, sort_keys=True)[:2000]}
    return {
        "template": rule["template"],
        "value": value(rule),
        "disabled": bool(rule.get("disabled")),
        "tag_selectors": [selectors.in_option_words(tag, untagged=True) for tag in selectors.tags_of(rule)],
        "repository_selectors": [selectors.in_option_words(scope) for scope in scopes] or [selectors.everywhere()],
    }


def in_api_words(rule: dict) -> dict:
    """Return a rule of a state in the words of the API."""
    template = rule["template"]
    return {
        "disabled": rule["disabled"],
        "action": "retain",
        "template": template,
        "params": {} if template == ALWAYS else {template: rule["value"]},
        "tag_selectors": [selectors.in_api_words(tag) for tag in rule["tag_selectors"]],
        "scope_selectors": {"repository": [selectors.in_api_words(one) for one in rule["repository_selectors"]]},
    }


def told(rule: dict) -> str:
    """Return a rule of a state in words: what it keeps."""
    if "foreign" in rule:
        return printable(f"what the options cannot say: {rule['foreign']}", 100)
    where = selectors.told(rule["tag_selectors"], rule["repository_selectors"])
    off = " (disabled)" if rule["disabled"] else ""
    return f"{_kept(rule['template'], rule['value'])}{': ' + where if where else ''}{off}"


def _kept(template: str, number: Any) -> str:
    if template == ALWAYS:
        return "keep all"
    if template in COUNTS:
        return f"keep the {'one' if number == 1 else f'{number:,}'} {ORDERS[COUNTS[template]]}"
    return f"keep what was {DAYS[template]} within {plural(number, 'day')}"
