# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a retention run decides about the artifacts of one repository."""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from . import doublestar
from .sorting import go_sorted
from .store import Artifact, Project, Repository

DAY = 86400
NANOSECONDS = 10**9
NEVER = -62135596800  # year 1
DEFAULT_COUNT, DEFAULT_DAYS = 10, 30
BY_PUSH, BY_PULL = attrgetter("pushed"), attrgetter("pulled")


def by_both(one: Artifact) -> float:
    """Returns the later of both times."""
    return max(one.pushed, one.pulled)


COUNTS = {"latestPushedK": BY_PUSH, "latestPulledN": BY_PULL, "latestActiveK": by_both}
DAYS = {"nDaysSinceLastPush": BY_PUSH, "nDaysSinceLastPull": BY_PULL, "lastXDays": BY_PUSH}


class EvaluationError(Exception):
    """The task fails with this text in its log."""


@dataclass(eq=False)
class Candidate:
    """An artifact that a run decides about; times are whole epoch seconds."""

    artifact: Artifact
    names: list[str]
    pushed: int
    pulled: int


def candidates(repository: Repository) -> list[Candidate]:
    """Returns the candidates in their order: by push time, newest first, then by id, highest first."""
    found = []
    for artifact in sorted(repository.candidates(), key=lambda item: (-item.push_time, -item.id)):
        things = [artifact, *artifact.tags]
        pulls = [int(thing.pull_time) for thing in things if thing.pull_time is not None]
        pushed = max(int(thing.push_time) for thing in things)
        found.append(Candidate(artifact, artifact.names, pushed, max(pulls, default=NEVER)))
    return found


def applies(rule: dict[str, Any], repository: str) -> bool:
    """Whether all repository selectors of an enabled rule match; raises EvaluationError for unknown ones."""
    if rule.get("disabled"):
        return False
    for selector in (rule.get("scope_selectors") or {}).get("repository") or []:
        decoration = selector.get("decoration", "")
        if selector.get("kind", "") != "doublestar":
            raise EvaluationError(f"selector {selector.get('kind', '')} is not registered")
        if decoration not in ("repoMatches", "repoExcludes"):
            raise EvaluationError(f"decoration {decoration} of selector doublestar is not supported")
        if (doublestar.hits(selector.get("pattern", ""), repository) is True) != (decoration == "repoMatches"):
            return False
    return True


def _untagged(selector: dict[str, Any], default: bool) -> bool:
    try:
        extras = json.loads(selector.get("extras") or "")
    except ValueError:
        return default
    if not isinstance(extras, dict):
        return default
    value = extras.get("untagged", False)
    return value if isinstance(value, bool) else default


def _selected(selector: dict[str, Any], items: list[Candidate]) -> list[Candidate]:
    pattern, matches = selector.get("pattern", ""), selector["decoration"] == "matches"
    takes_untagged = _untagged(selector, True) if matches else not _untagged(selector, False)
    return [
        item
        for item in items
        if (any(doublestar.match(pattern, name) == matches for name in item.names) if item.names else takes_untagged)
    ]


def _parameter(rule: dict[str, Any], default: int) -> int:
    name = rule["template"]
    value = rule["params"][name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        return default
    return int(value)


def _wrapped(number: int) -> int:
    """Returns a number as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def picked(rule: dict[str, Any], items: list[Candidate], now: float) -> list[Candidate]:
    """Returns what the template of a rule picks among the selected candidates."""
    template = rule["template"]
    if template in COUNTS:
        key = COUNTS[template]
        return go_sorted(items, lambda one, other: key(one) > key(other))[: _parameter(rule, DEFAULT_COUNT)]
    if template in DAYS:
        limit = now + _wrapped(-24 * 3600 * NANOSECONDS * _parameter(rule, DEFAULT_DAYS)) / NANOSECONDS
        return [item for item in items if DAYS[template](item) >= int(limit)]
    return items


def check(rules: list[dict[str, Any]], algorithm: str) -> None:
    """Raises EvaluationError for what the server finds only when it runs; in its order."""
    for rule in rules:
        if rule.get("action") != "retain":
            raise EvaluationError(
                f"get action performer by metadata: action {rule.get('action', '')} is not registered"
            )
        template, parameters = rule.get("template", ""), rule.get("params") or {}
        if template not in (*COUNTS, *DAYS, "always"):
            raise EvaluationError(f"rule evaluator {template} is not registered")
        if template != "always" and template not in parameters:
            raise EvaluationError(f"missing required parameter {template} for rule {template}")
        for selector in rule.get("tag_selectors") or []:
            kind, decoration = selector.get("kind", ""), selector.get("decoration", "")
            if kind != "doublestar":
                raise EvaluationError(f"get selector by metadata: selector {kind} is not registered")
            if decoration not in ("matches", "excludes"):
                reason = f"decoration {decoration} of selector {kind} is not supported"
                raise EvaluationError(f"get selector by metadata: {reason}")
    if algorithm != "or":
        reason = f"no processor registered with algorithm: {algorithm}"
        raise EvaluationError(f"get processor for algorithm: {algorithm}: {reason}")


def retained(rules: list[dict[str, Any]], items: list[Candidate], now: float) -> set[Candidate]:
    """Returns the candidates that any of the applying rules retains; raises BadPattern."""
    counting = [rule for rule in rules if rule.get("tag_selectors")]
    if not counting:
        return set(items)
    found: set[Candidate] = set()
    for rule in counting:
        selected = items
        for selector in rule["tag_selectors"]:
            selected = _selected(selector, selected)
        found.update(picked(rule, selected, now))
    return found


def marks(
    project: Project, repository: Repository, rules: list[dict[str, Any]], items: list[Candidate], now: float
) -> list[str]:
    """Returns the mark of each candidate: RETAIN, IMMUTABLE or DEL; raises BadPattern."""
    kept = retained(rules, items, now)
    return [
        "RETAIN" if item in kept else "IMMUTABLE" if project.immutable(repository.name, item.names) else "DEL"
        for item in items
    ]
