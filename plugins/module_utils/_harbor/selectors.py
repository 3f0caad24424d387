# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors of tags and repositories in the rules of Harbor: in option words, in those of the API, in words. Pure."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import doublestar

KIND = "doublestar"
MATCHES, EXCLUDES = "matches", "excludes"
TAGS, REPOSITORIES = (MATCHES, EXCLUDES), ("repoMatches", "repoExcludes")
EVERYTHING = "**"
MOST_WORDS = 60  # characters of the patterns of a rule in words
TEXT = {"type": "string", "maxLength": 4096}
SELECTORS = {
    "type": ["array", "null"],
    "items": {
        "type": ["object", "null"],
        "properties": dict.fromkeys(("kind", "decoration", "pattern", "extras"), TEXT),
    },
}
SCOPES = {"type": ["object", "null"], "properties": {"repository": SELECTORS}}


def options(decorations: tuple, **more: Any) -> dict:
    """Return the suboptions of one selector."""
    return dict(
        decoration=dict(type="str", choices=list(decorations), default=decorations[0]),
        pattern=dict(type="str", required=True),
        **more,
    )


def check(selector: dict, place: str) -> None:
    """Raise PlanRefused for a pattern that Harbor cannot use, which it would store all the same."""
    pattern = selector["pattern"]
    if pattern is None or not pattern.strip() or pattern != pattern.strip():
        raise PlanRefused(
            f"{place}: pattern {printable(repr(pattern), 100)} is empty or has blanks around it: write ** for all"
        )
    fault = doublestar.fault(pattern)
    if fault:
        raise PlanRefused(f"{place}: pattern {printable(repr(pattern), 100)} cannot be used by Harbor: {fault}")


def repositories_of(rule: dict) -> list[dict]:
    """Return the selectors of repositories of a rule in the words of the API."""
    return [selector or {} for selector in (rule.get("scope_selectors") or {}).get("repository") or []]


def tags_of(rule: dict) -> list[dict]:
    """Return the selectors of tags of a rule in the words of the API."""
    return [selector or {} for selector in rule.get("tag_selectors") or []]


def fault(selector: dict, decorations: tuple) -> str | None:
    """Return what of a selector in the words of the API Harbor does not know, None if it knows all."""
    for key, known in (("kind", (KIND,)), ("decoration", decorations)):
        if selector.get(key, "") not in known:
            return f"the {key} {printable(selector.get(key, ''), 40)!r} of a selector"
    return None


def takes_untagged(selector: dict) -> bool:
    """Return whether a selector of tags in the words of the API selects what has no tag."""
    matches = selector.get("decoration") == MATCHES
    return _flag(selector.get("extras"), matches) == matches


def _flag(extras: Any, otherwise: bool) -> bool:
    """Return `untagged` as Harbor reads it: a text of JSON without the key means false, what is none the default."""
    try:
        found = answer.parse(extras or "")
    except ValueError:
        return otherwise
    value = found.get("untagged", False) if isinstance(found, dict) else otherwise
    return value if isinstance(value, bool) else otherwise


def in_option_words(selector: dict, untagged: bool = False) -> dict:
    """Return a selector in option words; untagged: with that of its own. No pattern means everything to Harbor."""
    found = {"decoration": selector["decoration"], "pattern": selector.get("pattern") or EVERYTHING}
    if untagged:
        found["untagged"] = _flag(selector.get("extras"), found["decoration"] == MATCHES)
    return found


def in_api_words(selector: dict) -> dict:
    """Return a selector in the words of the API."""
    found = {"kind": KIND, "decoration": selector["decoration"], "pattern": selector["pattern"]}
    if "untagged" in selector:
        found["extras"] = json.dumps({"untagged": selector["untagged"]}, separators=(",", ":"))
    return found


def told(tags: list[dict], repositories: list[dict]) -> str:
    """Return selectors in option words as people say them, such as "v*, not *-rc*, in team/**"; "" for everything."""
    parts = [_told(selector) for selector in tags]
    within = [_told(selector) for selector in repositories if selector != everywhere()]
    text = printable(", ".join(filter(None, parts)), MOST_WORDS)
    where = printable(", ".join(within), MOST_WORDS)
    return text + (f"{' ' if text else ''}in {where}" if where else "")


def _told(selector: dict) -> str:
    excludes, untagged = selector["decoration"] in (EXCLUDES, "repoExcludes"), selector.get("untagged")
    if not excludes and selector["pattern"] == EVERYTHING:
        return "" if untagged is not False else "tagged"
    more = " or untagged" if untagged and excludes else " and untagged" if untagged else ""
    return f"{'not ' if excludes else ''}{selector['pattern']}{more}"


def everywhere() -> dict:
    """Return the selector of all repositories."""
    return {"decoration": REPOSITORIES[0], "pattern": EVERYTHING}
