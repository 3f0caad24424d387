# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The retention rules of SWR as functions over plain data: which tags a policy deletes, which policies are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Iterable

TEMPLATES = {"date_rule": ("days", 365), "tag_rule": ("num", 1000)}
KINDS = ("label", "regexp")
DAY_NS = 86400 * 10**9
# https://github.com/google/re2/wiki/Syntax: what RE2 refuses and Python's re takes.
NOT_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!]|P=|\()|(?<!\\)(?:\\\\)*\\(?:[1-9]|Z)|[*+?}]\+")

Tag = dict[str, Any]
Rule = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """How the rules are read where the documentation leaves it open; the fake's switches of the same names say more."""

    regexp_match: str = "search"
    regexp_dialect: str = "re2"
    bad_regexp: str = "delete_all"
    date_boundary: str = "over"
    recent_by: str = "updated"


@dataclass(frozen=True)
class Demands:
    """What is refused where the documentation leaves it open; the fake's switches of the same names say more."""

    max_rules: int = 1
    check_range: bool = True
    number_params: str = "refuse"
    missing_selectors: str = "refuse"
    max_regexps: int = 0
    max_labels: int = 0
    bad_regexp: str = "delete_all"
    regexp_dialect: str = "re2"


@lru_cache(maxsize=1024)
def expression(pattern: str, dialect: str) -> re.Pattern[str] | None:
    """Returns a compiled regexp selector, None if it is badly formed in that dialect."""
    if dialect == "re2" and NOT_RE2.search(pattern):
        return None
    try:
        return re.compile(pattern)
    except (re.error, RecursionError):
        return None


def spared(name: str, selectors: Iterable[dict[str, str]], reading: Reading = Reading()) -> bool:
    """Returns whether any selector takes the tag out of the rule's reach; a label is the exact name of a tag."""
    for selector in selectors:
        if selector["kind"] == "label":
            if selector["pattern"] == name:
                return True
            continue
        compiled = expression(selector["pattern"], reading.regexp_dialect)
        if compiled and (compiled.fullmatch if reading.regexp_match == "full" else compiled.search)(name):
            return True
    return False


def badly_formed(rule: Rule, dialect: str) -> bool:
    """Returns whether the rule has a regexp selector that is no regular expression."""
    found = [item["pattern"] for item in rule.get("tag_selectors") or [] if item["kind"] == "regexp"]
    return any(expression(pattern, dialect) is None for pattern in found)


def condemned(tags: Iterable[Tag], rule: Rule, now_ns: int, reading: Reading = Reading()) -> list[Tag]:
    """Returns the tags that a rule deletes, oldest first; a tag has `name`, `id`, `created_ns` and `updated_ns`."""
    rows = sorted(tags, key=lambda tag: (tag[f"{reading.recent_by}_ns"], tag["id"]))
    # https://support.huaweicloud.com/intl/en-us/usermanual-swr/swr_01_0102.html warns of badly formed filters.
    if reading.bad_regexp == "delete_all" and badly_formed(rule, reading.regexp_dialect):
        return rows
    rows = [tag for tag in rows if not spared(tag["name"], rule.get("tag_selectors") or [], reading)]
    key, _limit = TEMPLATES[rule["template"]]
    number = int(rule["params"][key])
    if rule["template"] == "tag_rule":
        return rows[: max(0, len(rows) - max(0, number))]
    limit = number * DAY_NS
    if reading.date_boundary == "over":
        return [tag for tag in rows if now_ns - tag["updated_ns"] > limit]
    return [tag for tag in rows if now_ns - tag["updated_ns"] >= limit]


def judged(tags: list[Tag], rules: list[Rule], now_ns: int, reading: Reading = Reading()) -> list[tuple[Tag, Rule]]:
    """Returns the tags that any of the rules deletes, each with the first rule that does."""
    found: dict[int, tuple[Tag, Rule]] = {}
    for rule in rules:
        for tag in condemned(tags, rule, now_ns, reading):
            found.setdefault(tag["id"], (tag, rule))
    return list(found.values())


def complaint(body: Any, demands: Demands = Demands()) -> str | None:
    """Returns what is wrong with the body of a create or update request, None if nothing is."""
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    if body.get("algorithm") != "or":
        return "algorithm must be or"
    rules = body.get("rules")
    if not isinstance(rules, list) or not 1 <= len(rules) <= demands.max_rules:
        return f"rules must be an array of 1 to {demands.max_rules}"
    return next((text for rule in rules if (text := rule_complaint(rule, demands))), None)


def rule_complaint(rule: Any, demands: Demands) -> str | None:
    """Returns what is wrong with one rule of a policy, None if nothing is."""
    if not isinstance(rule, dict) or rule.get("template") not in TEMPLATES:
        return f"template must be one of {', '.join(TEMPLATES)}"
    key, limit = TEMPLATES[rule["template"]]
    params = rule.get("params")
    if not isinstance(params, dict) or key not in params:
        return f"params must have {key}"
    value = params[key]
    if isinstance(value, int) and not isinstance(value, bool) and demands.number_params != "refuse":
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]+", value, re.ASCII):
        return f"{key} must be an integer as a string"
    if demands.check_range and not 1 <= int(value) <= limit:
        return f"{key} must be between 1 and {limit}"
    return selectors_complaint(rule, demands)


def selectors_complaint(rule: Rule, demands: Demands) -> str | None:
    """Returns what is wrong with the selectors of a rule, None if nothing is."""
    selectors = rule.get("tag_selectors")
    if selectors is None:
        return "tag_selectors is mandatory" if demands.missing_selectors == "refuse" else None
    if not isinstance(selectors, list):
        return "tag_selectors must be an array"
    for selector in selectors:
        pattern = selector.get("pattern") if isinstance(selector, dict) else None
        if not isinstance(pattern, str) or not pattern or selector.get("kind") not in KINDS:
            return f"a selector must have a pattern and a kind, one of {', '.join(KINDS)}"
    for kind, most in (("regexp", demands.max_regexps), ("label", demands.max_labels)):
        if most and sum(selector["kind"] == kind for selector in selectors) > most:
            return f"at most {most} selectors of kind {kind}"
    if demands.bad_regexp == "refuse" and badly_formed(rule, demands.regexp_dialect):
        return "badly formed regexp"
    return None


def stored_rule(rule: Rule, number_params: str) -> Rule:
    """Returns an accepted rule as it is stored; an accepted number becomes a string unless `number_params` keeps it."""
    key, _limit = TEMPLATES[rule["template"]]
    value = rule["params"][key]
    selectors = [{"kind": item["kind"], "pattern": item["pattern"]} for item in rule.get("tag_selectors") or []]
    params = {key: value if number_params == "number" else str(value)}
    return {"template": rule["template"], "params": params, "tag_selectors": selectors}
