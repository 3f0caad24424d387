# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images go, of several registries: the certain ones by rule and by age, a bounded choice by name. Pure."""

from __future__ import annotations

from typing import Iterable

from ansible_collections.registry.hygiene.plugins.plugin_utils._report import loss

MOST_IMAGES = 2000
MOST_IMAGES_EACH = 100  # of one repository: others are of interest, too
MOST_REPOSITORIES = 1000
MOST_RULES = 12
DAY = 86400
AGES = (
    ("below a week", 7 * DAY),
    ("a week to a month", 30 * DAY),
    ("1 to 3 months", 90 * DAY),
    ("3 to 12 months", 365 * DAY),
    ("above a year", None),
)
UNKNOWN_AGE = "age not known"
GOING = ("goes", "perhaps")


class Details:
    """What goes of the registries that were added. Of those without a plan file, only a few images are known."""

    def __init__(self) -> None:
        self.rules: dict[str, list[int]] = {}  # -> images, bytes
        self.ages = {name: [0, 0] for name, end in AGES}
        self.repositories: list[dict] = []  # name, registry, count, uncertain_count, kept_count, bytes
        self.samples: list[tuple] = []  # loss of the repository, its name, its registry, images
        self.known = 0  # images that were looked at
        self.incomplete: list[str] = []  # names of registries of which not all is here

    def add(self, registry: dict, documents: list) -> None:
        """Add a registry with the contents of its plan files; without them, what its result says of the worst ones."""
        plans = [found for found in (images_of(document) for document in documents) if found is not None]
        if len(plans) < max(len(registry["files"]), 1):
            self.incomplete += [registry["name"]] if registry["worst"] else []
            for one in registry["worst"]:
                self._count(registry["name"], str(one.get("target")), one.get("images") or [], one)
            return
        for plan in plans:
            for name, images in plan.items():
                self._count(registry["name"], name, images, {})

    def _count(self, registry: str, name: str, images: list, said: dict) -> None:
        going = [image for image in images if image.get("fate") in GOING]
        self.known += len(going)
        for image in (one for one in going if one["fate"] == "goes"):
            rule, size = str(image.get("because") or "no reason known"), image.get("size") or 0
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
            self.samples.append((loss(row), name, registry, going[:MOST_IMAGES_EACH]))

    def worst(self) -> list[dict]:
        """Return the repositories that lose most."""
        return sorted(self.repositories, key=loss, reverse=True)[:MOST_REPOSITORIES]

    def images(self) -> list[dict]:
        """Return images with their `repository` and `registry`, of the repositories that lose most."""
        samples = sorted(self.samples, key=lambda sample: sample[0], reverse=True)
        every = (
            {**image, "repository": name, "registry": where} for _loss, name, where, some in samples for image in some
        )
        return [image for image, _place in zip(every, range(MOST_IMAGES))]

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


def images_of(document: object) -> dict[str, list] | None:
    """Return repository -> images of a plan file, None if it is none."""
    found = document.get("repositories") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        return None
    images = {name: one.get("images") if isinstance(one, dict) else None for name, one in found.items()}
    sound = all(isinstance(some, list) and all(isinstance(image, dict) for image in some) for some in images.values())
    return images if sound else None


def bars(rows: Iterable[tuple]) -> list[tuple]:
    """Return (name, images, share of the most images in percent, bytes, share of the most bytes) of each row."""
    rows = [(name, count or 0, size or 0) for name, count, size in rows]
    most = [max((row[place] for row in rows), default=0) or 1 for place in (1, 2)]
    return [(name, count, 100 * count / most[0], size, 100 * size / most[1]) for name, count, size in rows]
