# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quay's auto-prune policies in option words: checks of what is declared, and what is there in the same form."""

from __future__ import annotations

import re
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, patterns
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._quay.registry import API

POLICY_SPEC = dict(
    method=dict(type="str", required=True, choices=["number_of_tags", "creation_date"]),
    value=dict(type="raw"),
    tag_pattern=dict(type="str"),
    tag_pattern_matches=dict(type="bool", default=True),
)
POLICIES = {
    "type": "object",
    "required": ["policies"],
    "properties": {
        "policies": {
            "type": "array",
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["uuid", "method", "value"],
                "properties": {
                    "uuid": {"type": "string", "pattern": r"^[0-9A-Za-z-]{1,64}\Z"},
                    "method": {"type": "string", "maxLength": 100},
                    "value": {"type": ["integer", "string"], "maxLength": 1000},
                    "tagPattern": {"type": ["string", "null"], "maxLength": 65536},
                    "tagPatternMatches": {"type": ["boolean", "null"]},
                },
            },
        }
    },
}
AGE = re.compile(r"\+?([0-9]{1,20})\s*([smhdwy])\Z")  # m is minutes: Quay has no month
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
MOST_SECONDS = 86400 * 999999999  # Quay answers 500 beyond
MOST_WORDS = 60  # characters of a pattern in a rule, so that the value after it is seen
MOST_TAGS = 2**63 - 1  # the prune worker of Quay fails beyond, and with it all policies of the namespace


def check(params: dict) -> list[str]:
    """Return warnings about the declared policies; raises PlanRefused that says what to write instead."""
    warnings, values = [], {}
    if params["state"] == "present" and params["policies"] is None:
        raise PlanRefused("policies is null: list the policies; [] with exclusive: true is how to have none")
    if params["exclusive"] and params["state"] == "absent":
        raise PlanRefused("exclusive goes with state: present; state: absent without policies removes all of them")
    for policy in declared(params):
        pattern, value = policy["tag_pattern"], policy["value"]
        if values.setdefault(identity(policy), value) != value:
            raise PlanRefused(
                f"policies: {policy['method']} with tag_pattern {pattern!r} is declared with the values "
                f"{values[identity(policy)]!r} and {value!r}: one policy has one value"
            )
        fault = pattern and patterns.fault(pattern)
        if fault:
            raise PlanRefused(f"policies: tag_pattern {pattern!r} is no regular expression: {fault}")
        doubt = pattern and patterns.not_portable(pattern)
        if doubt:
            warnings.append(
                f"tag_pattern {pattern!r}: {doubt} is read differently by the databases that Quay can run on "
                "(PostgreSQL, MySQL, SQLite). Keep to literals, . ^ $ [...] * + ? {m,n}, groups and |, or try it first"
            )
    if any(not policy["tag_pattern_matches"] and policy["tag_pattern"] is None for policy in params["policies"] or []):
        warnings.append("tag_pattern_matches: false has no effect without a tag_pattern: the policy is for every tag")
    return warnings


def declared(params: dict) -> list[dict]:
    """Return the declared policies in Quay's form; without values where they do not matter (state absent)."""
    policies = []
    for policy in params["policies"] or []:
        pattern, value = policy["tag_pattern"], None
        if pattern is not None and not pattern.strip():
            raise PlanRefused("policies: tag_pattern is empty: leave it out to mean every tag")
        if pattern is not None and not pattern.strip().isprintable():
            raise PlanRefused(f"policies: tag_pattern {pattern!r} holds control characters, which no tag has")
        if params["state"] == "present":
            value = {"number_of_tags": _count, "creation_date": _age}[policy["method"]](policy["value"])
        policies.append(_policy(policy["method"], value, pattern and pattern.strip(), policy["tag_pattern_matches"]))
    return policies


def _policy(method: str, value: Any, pattern: str | None, matches: bool) -> dict:
    # Without a pattern Quay ignores the flag: such policies are equal whatever it says.
    return dict(method=method, value=value, tag_pattern=pattern, tag_pattern_matches=matches if pattern else True)


def _count(value: Any) -> int:
    text = "" if value is None else str(value).strip()
    if isinstance(value, bool) or not re.match(r"\+?[0-9]{1,20}\Z", text):
        hint = "; an age goes with method: creation_date" if AGE.match(text) else ""
        raise PlanRefused(f"policies: value {value!r} of number_of_tags: write a whole number such as 10{hint}")
    if not 0 < int(text) <= MOST_TAGS:
        raise PlanRefused(f"policies: value {value!r} of number_of_tags: write how many tags to keep, 1 or more")
    return int(text)


def _age(value: Any) -> str:
    text = "" if value is None else str(value).strip()
    found = AGE.match(text)
    if not found:
        hint = "; a number of tags goes with method: number_of_tags" if text.isdigit() else ""
        if AGE.match(text.lower()):
            hint = "; units are lower-case, and m is minutes"
        raise PlanRefused(
            f"policies: value {value!r} of creation_date: write a number and one of s, m, h, d, w, y, such as 30d{hint}"
        )
    if not 0 < int(found.group(1)) * SECONDS[found.group(2)] <= MOST_SECONDS:
        raise PlanRefused(
            f"policies: value {value!r} of creation_date: write an age above 0 and below 999999999d; "
            "0 or less would delete every tag"
        )
    return f"{int(found.group(1))}{found.group(2)}"


def identity(policy: dict) -> tuple:
    """Return what makes a policy that policy, whatever its value."""
    return (policy["method"], policy["tag_pattern"], policy["tag_pattern_matches"])


def as_held(policy: dict, current: list) -> dict:
    """Return a policy as it is held already if its value is equal (007d is 7d), otherwise as it is declared."""
    for there in current:
        if identity(there) == identity(policy) and _comparable(there["value"]) == _comparable(policy["value"]):
            return there
    return policy


def alike(some: list, others: list) -> bool:
    """Return whether two lists of policies are the same, whatever their order and the form of their values."""
    one, other = ([dict(policy, value=_comparable(policy["value"])) for policy in found] for found in (some, others))
    return in_order(one) == in_order(other)


def steps(found: list, planned: list) -> tuple[list, list, list]:
    """Return what makes the policies that Quay has (with uuid) the planned ones, with as little change as possible.

    That is [(uuid, policy to replace it)], [policy to create], [uuid to delete].
    """
    left = [(there["uuid"], in_option_words(there)) for there in found]

    def take(policy: dict, key: Callable) -> str | None:
        match = next((there for there in left if key(there[1]) == key(policy)), None)
        if match:
            left.remove(match)
        return match and match[0]

    missing = [policy for policy in planned if not take(policy, dict)]
    uuids = [(take(policy, identity), policy) for policy in missing]
    replaced = [(uuid, policy) for uuid, policy in uuids if uuid]
    return replaced, [policy for uuid, policy in uuids if not uuid], [uuid for uuid, _there in left]


def _comparable(value: Any) -> Any:
    found = AGE.match(value.strip()) if isinstance(value, str) else None
    return f"{int(found.group(1))}{found.group(2)}" if found else value


def in_option_words(found: dict) -> dict:
    """Return a policy of Quay's API as a policy of the module; Quay below 3.12 knows no patterns."""
    # Quay ffba0c7: to its worker a null beside a pattern means "does not match"; only a missing key means true.
    return _policy(found["method"], found["value"], found.get("tagPattern"), bool(found.get("tagPatternMatches", True)))


def in_api_words(policy: dict) -> dict:
    """Return a policy of the module as a body for Quay's API, which refuses null but reads a missing key as null."""
    body = dict(method=policy["method"], value=policy["value"])
    if policy["tag_pattern"] is not None:
        body.update(tagPattern=policy["tag_pattern"], tagPatternMatches=policy["tag_pattern_matches"])
    return body


def in_order(policies: list) -> list:
    """Return the policies sorted: Quay lists them in no order."""
    return sorted(policies, key=lambda policy: [str(part) for part in (*identity(policy), policy["value"])])


def place(*scope: str, uuid: str = "") -> str:
    """Return the path of the policies of a scope (with the slash that Quay wants), or of one of them (without)."""
    return api.path(*API, *scope, "autoprunepolicy", uuid)


def held(client: api.Client, *scope: str) -> list:
    """Return the policies that a scope has in Quay's words, in a fixed order: ("organization", name) and so on."""
    return sorted(client.get(place(*scope), schema=POLICIES)["policies"], key=lambda policy: policy["uuid"])


def known(client: api.Client, name: str) -> list:
    """Return the policies of a repository or an organization (or user) in option words, once a task."""
    scope = ["repository", *name.split("/")] if "/" in name else ["organization", name]
    return client.cached(("policies", name), lambda: list(map(in_option_words, held(client, *scope))))


def rule(policy: dict) -> str:
    """Return a policy in words: what it deletes, and of which tags."""
    what = {"creation_date": "older than {}", "number_of_tags": "all but the newest {}"}
    text = what.get(policy["method"], "{1} {0}").format(printable(policy["value"], 40), printable(policy["method"], 40))
    matches = "" if policy["tag_pattern_matches"] else "not "
    if policy["tag_pattern"] is None:
        return text
    return f"{text}, {matches}{printable(policy['tag_pattern'], MOST_WORDS)}"


def changes(current: list, planned: list) -> list[tuple[str, str]]:
    """Return (sign, text) for each policy that comes, goes or gets another value; several may be equal."""
    there = [dict(in_api_words(policy), uuid=str(number)) for number, policy in enumerate(current)]
    replaced, created, deleted = steps(there, planned)
    found = [("+", rule(policy)) for policy in created]
    found += [("~", f"{rule(current[int(uuid)])}  ->  {printable(policy['value'], 40)}") for uuid, policy in replaced]
    return found + [("-", rule(current[int(uuid)])) for uuid in deleted]
