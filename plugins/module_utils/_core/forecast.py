# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of all repositories of a plan: repository -> its images, each with its fate. Pure.

An image: {"tag", "digest", "age" in seconds, "size" in bytes, "because": the rule or reason, "fate", "anyway": whether
it goes as surely under what is there now, "by": the target whose change it counts for}.
"""

from __future__ import annotations

import heapq
from typing import Callable

GOES, PERHAPS, STAYS = "goes", "perhaps", "stays"
FATES = {"deletions": GOES, "uncertain": PERHAPS, "kept": STAYS}
RANK = {STAYS: 0, PERHAPS: 1, GOES: 2}


def compared(planned: dict, current: dict | None, by: Callable[[dict], str]) -> dict:
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
            shown = {name: image[name] for name in ("tag", "digest", "age", "size", "because")}
            shown.update({"children": image["children"]} if image.get("children") else {})  # digests, of an index
            anyway = fate != STAYS and now.get(_identity(image), 0) >= RANK[fate]
            found.setdefault(image["target"], []).append(dict(shown, fate=fate, anyway=anyway, by=by(image)))
    return found


def _identity(image: dict) -> tuple:
    return image["target"], image["tag"], None if image["tag"] else image["digest"]


def going(images: list) -> list:
    """Return the images that go or may go."""
    return [image for image in images if image["fate"] != STAYS]


def totals(forecast: dict) -> dict:
    """Return the sums over all repositories, as results show them."""
    sums = dict.fromkeys(
        ("count", "uncertain_count", "anyway_count", "added_count", "total", "bytes", "repositories"), 0
    )
    for images in forecast.values():
        gone = going(images)
        sure = [image for image in gone if image["fate"] == GOES]
        sums["count"] += len(sure)
        sums["uncertain_count"] += len(gone) - len(sure)
        sums["anyway_count"] += sum(image["anyway"] for image in gone)
        sums["total"] += len(images)
        sums["bytes"] += sum(image["size"] or 0 for image in sure)
        sums["repositories"] += bool(gone)
    sums["added_count"] = sums["count"] + sums["uncertain_count"] - sums["anyway_count"]
    return sums


def worst(forecast: dict, most: int, limit: int) -> list[dict]:
    """Return the repositories that lose most images, at most `most`, each with at most `limit` of these images."""
    losing = ((len(going(images)), name) for name, images in forecast.items())
    ordered = heapq.nsmallest(most, ((-number, name) for number, name in losing if number))
    return [_of_one(name, forecast[name], limit) for _number, name in ordered]


def _of_one(name: str, images: list, limit: int) -> dict:
    sums, gone = totals({name: images}), going(images)
    kept = sums["total"] - sums["count"] - sums["uncertain_count"]
    some = sorted(gone, key=lambda image: (image["fate"] != GOES, image["anyway"]))[:limit]
    shown = [{key: value for key, value in image.items() if key != "children"} for image in some]
    counts = {key: sums[key] for key in ("count", "uncertain_count", "anyway_count", "bytes")}
    return {"target": name, **counts, "kept_count": kept, "images": shown}
