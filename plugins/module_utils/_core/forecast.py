# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of all repositories of a plan: repository -> its images, each with its fate. Pure.

An image: {"tag", "digest", "age" in seconds, "size" in bytes, "because": the rule or reason, "fate", "anyway": whether
it goes as surely under what is there now, "by": the target whose change it counts for; of an index
"children": their digests}. See images.py.
"""

from __future__ import annotations

import heapq
from typing import Any, Callable, Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core.images import GOES, PERHAPS, STAYS, Images

FATES = {"deletions": GOES, "uncertain": PERHAPS, "kept": STAYS}
RANK = {STAYS: 0, PERHAPS: 1, GOES: 2}


def compared(planned: dict, current: dict | None, by: Callable[[dict], str]) -> dict[str, Images]:
    """Return repository -> images of one forecast ({"deletions", "uncertain", "kept"}), compared with another one.

    planned: under what is planned. current: under what is there now, None if nothing goes then. by(image): the target
    whose change it counts for.
    """
    now = {}
    for fate, images in (current or {}).items():
        for image in images:
            now[_identity(image)] = RANK[FATES[fate]]
    found: dict = {}
    for key, images in planned.items():
        fate = FATES[key]
        for image in images:
            anyway = fate != STAYS and now.get(_identity(image), 0) >= RANK[fate]
            shown = (image[name] for name in ("tag", "digest", "age", "size", "because"))
            children = [image["children"]] if image.get("children") else []
            found.setdefault(image["target"], []).append((*shown, fate, anyway, by(image), *children))
    return {repository: Images(rows) for repository, rows in found.items()}


def merged(parts: Iterable[dict]) -> dict[str, Images]:
    """Return repository -> images of all parts together."""
    return {repository: images for part in parts for repository, images in part.items()}


def _identity(image: dict) -> tuple:
    return image["target"], image["tag"], None if image["tag"] else image["digest"]


def going(images: Any) -> list[dict]:
    """Return the images that go or may go."""
    return images.going() if isinstance(images, Images) else [image for image in images if image["fate"] != STAYS]


def totals(forecast: dict) -> dict:
    """Return the sums over all repositories, as results show them."""
    sums = summed(images.groups for images in forecast.values())
    sums["repositories"] = sum(images.losses > 0 for images in forecast.values())
    return sums


def summed(groups: Iterable[dict]) -> dict:
    """Return the sums over groups of images (see images.py)."""
    sums = dict.fromkeys(
        ("count", "uncertain_count", "anyway_count", "added_count", "total", "bytes", "repositories"), 0
    )
    for some in groups:
        for (fate, anyway, _by, _because), (number, size) in some.items():
            sums["total"] += number
            if fate != STAYS:
                sums["count" if fate == GOES else "uncertain_count"] += number
                sums["anyway_count" if anyway else "added_count"] += number
                sums["bytes"] += size if fate == GOES else 0
    return sums


def worst(forecast: dict, most: int, limit: int) -> list[dict]:
    """Return the repositories that lose most images, at most `most`, each with at most `limit` of these images."""
    losing = ((images.losses, name) for name, images in forecast.items())
    ordered = heapq.nsmallest(most, ((-number, name) for number, name in losing if number))
    return [_of_one(name, forecast[name], limit) for _number, name in ordered]


def _of_one(name: str, images: Images, limit: int) -> dict:
    sums, gone = totals({name: images}), images.going()
    kept = sums["total"] - sums["count"] - sums["uncertain_count"]
    some = sorted(gone, key=lambda image: (image["fate"] != GOES, image["anyway"]))[:limit]
    shown = [{key: value for key, value in image.items() if key != "children"} for image in some]
    counts = {key: sums[key] for key in ("count", "uncertain_count", "anyway_count", "bytes")}
    return {"target": name, **counts, "kept_count": kept, "images": shown}
