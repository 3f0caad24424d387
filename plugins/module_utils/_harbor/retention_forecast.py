# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which artifacts of a repository a run of Harbor's tag retention deletes, for certain or perhaps. Pure.

The unit is the artifact with all its tags. Rules are those of the API, so that whatever is stored can be judged. What
Harbor's own rule makes of something is not always to be seen: then the artifact is uncertain (see DOUBTS).
"""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import figures, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    doublestar,
    gosort,
    immutability,
    retention_rules,
    selectors,
)
from ansible_collections.registry.hygiene.plugins.module_utils._harbor.retention_deletion import (
    UNREAD,
    Deletion,
    children,
)

NEVER = -62135596800  # year 1, which stands for "never"
FIRST_DAY = datetime.datetime(1970, 1, 1)
DAY = 86400
NEAR = 60  # seconds within which a limit counts as reached, because a run comes after its forecast
NANOSECONDS = 10**9
UNTOLD = 2**62  # from here on it depends on the machine what Harbor makes of a number
NO_RULE, IMMUTABLE = "no rule keeps it", "immutable"
UNSELECTED = "no rule is about its repository"
DOUBTS = {
    "pattern": "whether a pattern matches it takes too long to find out, or the pattern is malformed",
    "limit": "within a minute of the limit of a rule, or the clocks differ",
    "ties": "as many with the same time, and this version of Harbor is not known to order them in one way",
    "number": "what Harbor makes of so large a number is not known",
}


class Estate:
    """What a forecast knows beside the artifacts of a repository.

    immutable_rules: in the words of the API, None if they cannot be read. now: the earliest and latest time that it
    may be. exact: whether rows with equal times are known to be ordered as sort.Slice of today's Go does. marked:
    whether these are the rules by which Harbor marks tags in its listings as immutable.
    """

    def __init__(
        self, immutable_rules: list | None, now: tuple[float, float], exact: bool, marked: bool = True
    ) -> None:
        self.immutable_rules = immutable_rules
        self.now = now
        self.exact = exact
        self.marked = marked


def applying(rules: list, repository: str) -> list | None:
    """Return the enabled rules that are about a repository (its name without the project).

    None: Harbor's run fails before it looks at any repository, and deletes nothing.
    """
    found = []
    for rule in rules:
        rule = rule or {}
        if rule.get("disabled"):
            continue
        scopes = selectors.repositories_of(rule)
        if any(selectors.fault(scope, selectors.REPOSITORIES) for scope in scopes):
            return None
        # A pattern that is not decided is taken for a match: then the rule's doubts count.
        if all(_scope(scope, repository) is not False for scope in scopes):
            found.append(rule)
    return found


def _scope(scope: dict, repository: str) -> bool | None:
    hit = doublestar.match(scope.get("pattern", ""), repository)
    return hit if hit is None or scope["decoration"] == selectors.REPOSITORIES[0] else not hit


class _Item:
    """A candidate: its row, names, and times in whole seconds."""

    __slots__ = ("age", "names", "pulled", "pushed", "row")

    def __init__(self, row: dict) -> None:
        tags = row["tags"] or ()
        self.row = row
        self.names = [tag["name"] for tag in tags]
        self.pushed = seconds(max([row.get("push_time") or "", *(tag.get("push_time") or "" for tag in tags)]))
        self.pulled = seconds(max([row.get("pull_time") or "", *(tag.get("pull_time") or "" for tag in tags)]))


def seconds(text: str) -> int:
    """Return a time of Harbor's as whole epoch seconds; none, or one of year 1, is that of year 1."""
    if not text or text.startswith("0001-01-01"):
        return NEVER
    if text[-1] == "Z" and text[19:20] in (".", "Z"):  # the form that it has: there are several for each artifact
        try:
            return int((datetime.datetime.fromisoformat(text[:19]) - FIRST_DAY).total_seconds())
        except ValueError:
            pass
    return int(figures.moment(schedule.epoch(text)))


def forecast(name: str, rows: list, rules: list, estate: Estate) -> dict:
    """Return {"deletions", "uncertain", "kept"} of a run with these rules in a repository, given with its project.

    rows: its artifacts as Harbor lists them with base=*, with_tag, with_immutable_status and with_accessory. Children
    of indexes without a tag are told only if they go.
    """
    repository = name.partition("/")[2]
    references = {child for row in rows for child in children(row)}
    items = [_Item(row) for row in rows if row.get("tags") or row["digest"] not in references]
    now = figures.window(estate.now, [item.pushed for item in items])
    decided = _Run(repository, items, rows, estate, now).decided(rules)
    found: dict = {"deletions": [], "uncertain": [], "kept": []}
    for item in items:
        fate, because = decided.pop(item.row["digest"])
        found[fate].append(_image(name, item, because, now))
    by_digest = {row["digest"]: row for row in rows}
    for digest, (fate, because) in decided.items():
        found[fate].append(_image(name, _Item(by_digest[digest]), because, now))
    return found


def _image(name: str, item: _Item, because: str, now: tuple) -> dict[str, Any]:
    return {
        "target": name,
        "tag": ", ".join(item.names) or None,
        "digest": item.row["digest"],
        "age": None if item.pushed == NEVER else figures.age(now, item.pushed),
        "size": figures.size(item.row.get("size")) or 0,
        "because": because,
        "children": children(item.row),
    }


class _Run:
    """A run in one repository. Sets hold numbers of items."""

    def __init__(self, repository: str, items: list, rows: list, estate: Estate, now: tuple) -> None:
        self.repository = repository
        self.items = items
        self.rows = rows
        self.estate = estate
        self.now = now

    def decided(self, rules: list) -> dict:
        """Return digest -> (fate, because), of all candidates and of the children that go or may go."""
        about = applying(rules, self.repository)
        stays = self._why_all_stay(about)
        if stays:
            return {item.row["digest"]: ("kept", stays) for item in self.items}
        kept: dict = {}
        doubts: dict = {}
        for rule in about or []:
            if not selectors.tags_of(rule):
                continue
            sure, perhaps, why = self._picked(rule)
            words = retention_rules.told(retention_rules.in_option_words(rule)) if sure else ""
            unsure = any(_scope(scope, self.repository) is None for scope in selectors.repositories_of(rule))
            for number in () if unsure else sure:
                kept.setdefault(number, words)
            for number in {*perhaps, *sure} if unsure else perhaps:
                doubts.setdefault(number, DOUBTS["pattern"] if unsure else why)
        marks = [self._mark(number, kept, doubts) for number in range(len(self.items))]
        return Deletion(self.repository, self.items, self.rows, marks, self.estate.immutable_rules).decided()

    def _why_all_stay(self, about: list | None) -> str | None:
        if about is None:
            return "Harbor's run fails at a selector that it does not know, and deletes nothing"
        if not about:
            return UNSELECTED
        faults = [fault for fault in map(retention_rules.fault, about) if fault]
        if faults:
            return f"Harbor's run fails at {faults[0]}, and deletes nothing"
        return None if any(map(selectors.tags_of, about)) else "no rule has a selector of tags, so Harbor keeps all"

    def _mark(self, number: int, kept: dict, doubts: dict) -> tuple[str, str]:
        if number in kept:
            return "kept", kept[number]
        item = self.items[number]
        immutable = self._immutable(item)
        if immutable:
            return "kept", IMMUTABLE
        if immutable is None:
            unknown = UNREAD if self.estate.immutable_rules is None else DOUBTS["pattern"]
            return "uncertain", doubts.get(number) or unknown
        return ("uncertain", doubts[number]) if number in doubts else ("deletions", NO_RULE)

    def _immutable(self, item: _Item) -> bool | None:
        if item.names and self.estate.marked:
            return any(tag.get("immutable") for tag in item.row["tags"])
        rules = self.estate.immutable_rules
        return None if rules is None else immutability.covers(rules, self.repository, item.names)

    # Retaining

    def _picked(self, rule: dict) -> tuple[set, set, str]:
        """Return what a rule keeps for certain, what else it may keep, and why that is not certain."""
        selected, perhaps = self._selected(rule)
        template, number = rule["template"], retention_rules.value(rule)
        doubt = DOUBTS["pattern"]
        if template == retention_rules.ALWAYS:
            return set(selected), perhaps, doubt
        if number >= UNTOLD:
            return set(), {*selected, *perhaps}, DOUBTS["number"]
        if template in retention_rules.DAYS:
            sure, near = self._within(template, number, [*selected, *perhaps])
            return sure - perhaps, near | (sure & perhaps), doubt if sure & perhaps else DOUBTS["limit"]
        if perhaps:
            return set(), {*selected, *perhaps}, doubt
        first, tied = self._first(template, number, selected)
        return first, tied, DOUBTS["ties"]

    def _selected(self, rule: dict) -> tuple[list, set]:
        """Return the numbers of those that all selectors select, in their order, and of those that may be selected."""
        selected, perhaps = list(range(len(self.items))), set()
        for selector in selectors.tags_of(rule):
            verdicts = {number: self._selects(selector, self.items[number].names) for number in selected}
            selected = [number for number in selected if verdicts[number] is not False]
            perhaps.update(number for number in selected if verdicts[number] is None)
        perhaps.intersection_update(selected)
        return [number for number in selected if number not in perhaps], perhaps

    @staticmethod
    def _selects(selector: dict, names: list) -> bool | None:
        if not names:
            return selectors.takes_untagged(selector)
        return immutability.any_name(selector, names)

    def _within(self, template: str, days: int, numbers: list) -> tuple[set, set]:
        back = _wrapped(-DAY * NANOSECONDS * days) / NANOSECONDS
        low, high = self.now[0] + back - 1, self.now[1] + back + NEAR
        times = {number: self._time(retention_rules.DAYS[template], number) for number in numbers}
        sure = {number for number in numbers if times[number] >= high}
        return sure, {number for number in numbers if low <= times[number] < high}

    def _time(self, order: str, number: int) -> int:
        item = self.items[number]
        return {"pushed": item.pushed, "pulled": item.pulled}.get(order, max(item.pushed, item.pulled))

    def _first(self, template: str, most: int, numbers: list) -> tuple[set, set]:
        """Return the numbers of the first so many, and of those that may be among them."""
        times = [self._time(retention_rules.COUNTS[template], number) for number in numbers]
        if most >= len(numbers) or not most:
            return set(numbers[:most]), set()
        limit = sorted(times, reverse=True)[most - 1 : most + 1]
        if limit[0] != limit[1]:  # whatever the order of equal ones
            return {number for number, time in zip(numbers, times) if time >= limit[0]}, set()
        if self.estate.exact:
            return {numbers[place] for place in gosort.descending(times)[:most]}, set()
        tied = {number for number, time in zip(numbers, times) if time == limit[0]}
        return {number for number, time in zip(numbers, times) if time > limit[0]}, tied


def _wrapped(number: int) -> int:
    """Return a number as 64 bits hold it: Harbor's days overflow."""
    return (number + 2**63) % 2**64 - 2**63
