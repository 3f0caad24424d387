# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images go, of several registries: the certain ones by rule and by age, a bounded choice by name. Pure."""

from __future__ import annotations

import itertools
from typing import Any, Iterable

from ansible_collections.registry.hygiene.plugins.plugin_utils._plans import GOING, Plan
from ansible_collections.registry.hygiene.plugins.plugin_utils._report import loss

MOST_IMAGES = 2000
MOST_IMAGES_EACH = 100  # of one repository: others are of interest, too
MOST_REPOSITORIES = 1000
MOST_RULES = 12
MOST_KNOWN_RULES, OTHER_RULES = 10_000, "other rules"
MOST_RULE = 1000  # characters
DAY = 86400
AGES = (
    ("below a week", 7 * DAY),
    ("a week to a month", 30 * DAY),
    ("1 to 3 months", 90 * DAY),
    ("3 to 12 months", 365 * DAY),
    ("above a year", None),
)
UNKNOWN_AGE = "age not known"


class Details:
    """What goes of the registries that were added. Of those without a plan file, only a few images are known."""

    def __init__(self) -> None:
        self.rules: dict[str, list[int]] = {}  # -> images, bytes
        self.ages = {name: [0, 0] for name, end in AGES}
        self.repositories: list[dict] = []  # name, registry, count, uncertain_count, kept_count, bytes
        self.samples: list[tuple] = []  # loss of the repository, its name, its registry, images
        self._held = 0  # images in these
        self.known = 0  # images that were looked at
        self.incomplete: list[str] = []  # names of registries of which not all is here

    def add(self, registry: dict, plans: list[Plan]) -> None:
        """Add a registry with its plan files; without all of them, what its result says of the worst ones."""
        if len(plans) < max(len(registry["files"]), 1):
            self.incomplete += [registry["name"]] if registry["worst"] else []
            for one in registry["worst"]:
                self._count(registry["name"], str(one.get("target")), one.get("images") or [], one)
            return
        for plan in plans:
            for name, images, kept in plan.repositories():
                self._count(registry["name"], name, images, {"kept_count": kept})

    def _count(self, registry: str, name: str, images: list, said: dict) -> None:
        going = [image for image in images if image.get("fate") in GOING]
        self.known += len(going)
        for image in (one for one in going if one["fate"] == "goes"):
            rule, size = str(image.get("because") or "no reason known")[:MOST_RULE], image.get("size") or 0
            if len(self.rules) >= MOST_KNOWN_RULES and rule not in self.rules:
                rule = OTHER_RULES
            for sums in (self.rules.setdefault(rule, [0, 0]), self.ages.setdefault(age_of(image.get("age")), [0, 0])):
                sums[0] += 1
                sums[1] += size
        row = {
            "name": name,
            "registry": registry,
            "count": sum(image["fate"] == "goes" for image in going),
            "uncertain_count": sum(image["fate"] == "perhaps" for image in going),
            "kept_count": len(images) - len(going),
            "bytes": sum(image.get("size") or 0 for image in going if image["fate"] == "goes"),
            **{key: said[key] for key in ("count", "uncertain_count", "kept_count", "bytes") if key in said},
        }
        if loss(row)[0]:
            self.repositories.append(row)
            self._sample(loss(row), name, registry, going[:MOST_IMAGES_EACH])

    def worst(self) -> list[dict]:
        """Return the repositories that lose most."""
        return sorted(self.repositories, key=loss, reverse=True)[:MOST_REPOSITORIES]

    def _sample(self, *sample: Any) -> None:
        """Keep images of a repository, as long as there may be none that lose more."""
        self.samples.append(sample)
        self._held += len(sample[-1])
        if self._held > 10 * MOST_IMAGES:
            self.samples = self._shown()
            self._held = sum(len(images) for *_names, images in self.samples)

    def _shown(self) -> list[tuple]:
        """Return the samples of those that lose most, as many as have the images that are shown."""
        samples = sorted(self.samples, key=lambda sample: sample[0], reverse=True)
        before = itertools.accumulate((len(images) for *_names, images in samples), initial=0)
        return [sample for sample, number in zip(samples, before) if number < MOST_IMAGES]

    def images(self) -> list[dict]:
        """Return images with their `repository` and `registry`, of the repositories that lose most."""
        every = (
            {**image, "repository": name, "registry": where}
            for _loss, name, where, some in self._shown()
            for image in some
        )
        return list(itertools.islice(every, MOST_IMAGES))

    def by_rule(self) -> list[tuple]:
        """Return (rule, images, bytes), the largest first, of further ones the sum."""
        rows = sorted(((rule, *sums) for rule, sums in self.rules.items()), key=lambda row: row[1:], reverse=True)
        rest = rows[MOST_RULES:]
        more = [(f"{len(rest)} more rules", *(sum(column) for column in list(zip(*rest))[1:]))] if rest else []
        return rows[:MOST_RULES] + more

    def by_age(self) -> list[tuple]:
        """Return (age, images, bytes), the youngest first."""
        return [(name, *sums) for name, sums in self.ages.items()]


def age_of(seconds: float | None) -> str:
    """Return the name of the span in which an age is."""
    if seconds is None:
        return UNKNOWN_AGE
    return next(name for name, end in AGES if end is None or seconds < end)


def bars(rows: Iterable[tuple]) -> list[tuple]:
    """Return (name, images, share of the most images in percent, bytes, share of the most bytes) of each row."""
    rows = [(name, count or 0, size or 0) for name, count, size in rows]
    most = [max((row[place] for row in rows), default=0) or 1 for place in (1, 2)]
    return [(name, count, 100 * count / most[0], size, 100 * size / most[1]) for name, count, size in rows]
