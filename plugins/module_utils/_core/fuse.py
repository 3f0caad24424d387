# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many images a plan deletes, and whether it may. Pure."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core import in_use, matching
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.images import Images
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

LIMITS = dict(
    max_deletions=dict(type="int"),
    max_deletions_percent=dict(type="float"),
    min_keep=dict(type="int"),
    protect=dict(type="list", elements="str"),
)
ARGUMENT_SPEC = dict(
    LIMITS,
    on_limit=dict(type="str", choices=["fail", "skip"], default="fail"),
    limits_count=dict(type="str", choices=["all", "added"], default="all"),
    **in_use.ARGUMENT_SPEC,
)
SHOWN = 10  # offenders that a message names
PLAN = "plan"  # what refuses as a limit does: a plan file that is held to
APPROVED = "approved"  # and sums that were approved
ANEW = {  # what would do then
    PLAN: "make a new plan, or leave plan unset (in a role: registry_hygiene_plan)",
    APPROVED: "preview again and have that approved, or raise approved_tolerance_percent or approved_tolerance_images "
    "(in a role: registry_hygiene_approved_tolerance_...)",
}
MOST_LINES = 8  # limits that a message names
LONGEST = 950  # characters of a message: AWX cuts at 1,024
SHOWN_EACH = 3  # if there are some of several limits: what would change that has to fit behind them
MOST_SHOWN = 40  # characters of the name of one
MOST_WHY = 25
IN_USE, SHOWN_IN_USE, MOST_WHERE = "in_use", 5, 75  # names of images and files take more room


@dataclasses.dataclass
class Refusal:
    """A limit that a plan goes beyond: the limit, a line for people, and the entries that it is about."""

    limit: str
    text: str
    entries: list


def is_set(params: dict) -> bool:
    """Return whether any limit is set."""
    return any(params.get(limit) is not None for limit in (*LIMITS, IN_USE))


def any_set(entries: list) -> bool:
    """Return whether the task or any of its entries has a limit."""
    return any(is_set(entry.params) for entry in entries)


def check_options(params: dict) -> None:
    """Raise PlanRefused if a limit cannot be one."""
    for limit, most in (("max_deletions", None), ("max_deletions_percent", 100), ("min_keep", None)):
        value = params[limit]
        fits = value is None or (value >= 0 if most is None else 0 <= value <= most)  # also false of .nan
        if not fits:
            raise PlanRefused(f"{limit}: {value}: write a number from 0{f' to {most}' if most else ''}")
    for pattern in params["protect"] or []:
        if not pattern:
            raise PlanRefused("protect: an empty expression protects everything: leave it out, or write .*")
        shown = printable(repr(pattern), 200)
        try:
            matcher = matching.compile(pattern)
        except re.error as error:
            raise PlanRefused(f"protect: {shown} is no regular expression: {error}") from None
        if matcher.search("") is None and matcher.search("x") is None:
            raise PlanRefused(f"protect: {shown} cannot be evaluated: {matcher.problem}. Write a simpler one")


class Judge:
    """Holds a forecast (repository -> images) against the limits of the task and of its entries.

    An entry's own limit counts instead of the task's: min_keep and protect in its repositories, max_deletions and
    max_deletions_percent over all images that go because of it; these then do not count for the task's.
    nearest(repository): the entry whose limits hold there. entry(target): the one that it comes from. running: what is
    in use somewhere, None if that is not known.
    """

    def __init__(
        self, params: dict, nearest: Callable[[str], Any], entry: Callable[[str], Any], running: Any = None
    ) -> None:
        self.params = params
        self.nearest = nearest
        self.entry = entry
        self.running = running
        self.added = params["limits_count"] == "added"

    def counted(self, images: Any) -> list:
        """Return the images of a repository that count as deleted. What may go counts as what goes."""
        return [image for image in forecasts.going(images) if not (self.added and image["anyway"])]

    def counts(self, images: Images) -> dict:
        """Return target -> how many images count as deleted because of it."""
        found: dict = {}
        for (fate, anyway, by, _because), (number, _size) in images.groups.items():
            if fate != forecasts.STAYS and not (self.added and anyway):
                found[by] = found.get(by, 0) + number
        return found

    def broken(self, forecast: dict) -> dict:
        """Return limit -> repository -> why, of the repositories that go beyond in_use, min_keep or protect."""
        found: dict = {IN_USE: {}, "min_keep": {}, "protect": {}}
        for name, images in forecast.items():
            limits, counts = self.nearest(name).params, self.counts(images)
            least, patterns = limits["min_keep"], limits["protect"] or []
            watched = bool(counts and self.running and self.running.watches(name))
            every = list(images) if watched else images  # one by one only where that is needed
            doomed = self.counted(every) if counts and (patterns or watched) else []
            kept = len(images) - images.losses
            if counts and least is not None and kept < least:
                found["min_keep"][name] = f"{kept:,} of {len(images):,} stay, not {least:,}"
            tags = _protected(doomed, [matching.compile(pattern) for pattern in patterns])
            lost = self.running.lost(name, every, doomed) if watched else []
            for limit, some in (("protect", tags), (IN_USE, lost)):
                if some:
                    more = f" and {len(some) - 1:,} more" if len(some) > 1 else ""
                    found[limit][name] = f"{some[0]}{more}"
        return found

    def totals(self, forecast: dict) -> list[Refusal]:
        """Return what goes beyond max_deletions or max_deletions_percent."""
        found = []
        for limit, exceeded in (("max_deletions", _too_many), ("max_deletions_percent", _too_large)):
            groups: dict = {}
            for name, images in forecast.items():
                for entry in {self.entry(by) for _fate, _anyway, by, _because in images.groups}:
                    own = entry if entry.own.get(limit) is not None else None
                    groups.setdefault(own, [0, {}, {}])[2][name] = len(images)
                for by, number in self.counts(images).items():
                    entry = self.entry(by)
                    sums = groups[entry if entry.own.get(limit) is not None else None]
                    sums[0] += number
                    sums[1][entry] = sums[1].get(entry, 0) + number
            for own, (doomed, entries, repositories) in groups.items():
                total = sum(repositories.values())
                allowed = (own.own if own else self.params)[limit]
                text = allowed is not None and exceeded(doomed, total, allowed)
                if text:
                    most = sorted(entries, key=lambda entry: -entries[entry])
                    found.append(Refusal(limit, f"{text} ({printable(most[0].label, MOST_SHOWN)})", most))
        return found

    def refusals(self, forecast: dict) -> list[Refusal]:
        """Return all limits that the forecast goes beyond, each with its worst offenders."""
        found = self.totals(forecast)
        broken = self.broken(forecast)
        shown = SHOWN_EACH if sum(map(bool, broken.values())) > 1 else SHOWN
        for limit, offenders in broken.items():
            if offenders:
                ordered = sorted(offenders, key=lambda name: -sum(self.counts(forecast[name]).values()))
                text = _named(offenders, ordered, shown, MOST_WHY)
                if limit == IN_USE:
                    text = _named(offenders, ordered, min(shown, SHOWN_IN_USE), MOST_WHERE)
                found.append(Refusal(limit, text, list(dict.fromkeys(map(self.nearest, ordered)))))
        return found


def message(refusals: list[Refusal]) -> str:
    """Return what a refused plan says, in less than 1,000 characters: first what refused it, last what would do."""
    lines = [f"refused by {refusal.limit}: {refusal.text}" for refusal in refusals[:MOST_LINES]]
    if len(refusals) > MOST_LINES:
        lines.append(f"and by {len(refusals) - MOST_LINES:,} more")
    last = " ".join(["Nothing was written.", *_remedies(list(dict.fromkeys(refusal.limit for refusal in refusals)))])
    left = LONGEST - len(last)
    shortest_first = sorted(range(len(lines)), key=lambda place: len(lines[place]))
    for done, place in enumerate(shortest_first):  # what short ones do not need is left to long ones
        lines[place] = printable(lines[place], left // (len(lines) - done) - 1)
        left -= len(lines[place]) + 1
    return "\n".join([*lines, last])


def _remedies(limits: list) -> list[str]:
    """Return what would change that these limits refuse, as sentences but for the last full stop."""
    if limits and limits[0] in ANEW:  # they refuse only what no limit does
        return [f"If this is meant, {ANEW[limits[0]]}"]
    others = [limit for limit in limits if limit != IN_USE]
    scalars = ", ".join(f"registry_hygiene_{limit}" for limit in others if limit != "protect")
    once = f", or for one run {scalars}" if scalars else ""
    found = [f"If this is meant, change {', '.join(others)} (in a role: its ..._limits{once})"] if others else []
    if IN_USE in limits:
        found = [f"{text}." for text in found] + [
            "To keep what runs, change the policies or set on_limit: skip; if it may go, take it out of in_use (in a "
            "role: registry_hygiene_in_use)"
        ]
    return found


def _named(offenders: dict, ordered: list, most: int, room: int) -> str:
    texts = [f"{printable(name, MOST_SHOWN)}: {printable(offenders[name], room)}" for name in ordered[:most]]
    more = f"; and {len(ordered) - most:,} more" if len(ordered) > most else ""
    return f"{plural(len(ordered), 'repository')}: {'; '.join(texts)}{more}"


def _too_many(doomed: int, total: int, allowed: int) -> str | None:
    return f"{doomed:,} > {allowed:,}" if doomed > allowed else None


def _too_large(doomed: int, total: int, allowed: float) -> str | None:
    if doomed * 100 <= allowed * total:
        return None
    return f"{doomed * 100 / total:.1f} % > {allowed:g} %, {doomed:,} of {total:,}"


def _protected(doomed: list, matchers: list) -> list[str]:
    """Return the images that an expression protects. One without a tag has the empty name, which .* finds."""
    found = []
    for image in doomed:
        verdicts = {matcher.search(image["tag"] or "") for matcher in matchers}
        if True in verdicts:
            found.append(image["tag"] or image["digest"])
        elif None in verdicts:  # what is not decided counts as protected
            found.append(f"{image['tag'] or image['digest']} (an expression was not decided for it)")
    return found
