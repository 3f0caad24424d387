# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a plan would delete: in results, in diffs and in a file."""

from __future__ import annotations

import json
import os

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import encodable, printable

ARGUMENT_SPEC = dict(
    preview=dict(type="bool", default=False),
    preview_limit=dict(type="int", default=10),
    preview_file=dict(type="path"),
)
SHORT_DIGEST = 19  # characters: the algorithm and twelve hexadecimal digits


def check(params: dict) -> None:
    """Raise PlanRefused if the options cannot be followed."""
    if params["preview_limit"] < 0:
        raise PlanRefused("preview_limit: write how many tags of each repository are to be named, 0 or more")
    path = params["preview_file"]
    if not path:
        return
    try:
        impossible = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        impossible = True
    if impossible:
        raise PlanRefused(f"preview_file: {printable(path)} cannot be the name of a file")
    folder = os.path.dirname(os.path.abspath(path))
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
        raise PlanRefused(f"preview_file: {printable(folder)} is no folder that can be written to")
    if os.path.isdir(path):
        raise PlanRefused(f"preview_file: {printable(path)} is a folder: add the name of a file")


def save(forecasts: dict, path: str) -> None:
    """Write all of the forecasts (target -> deletions, uncertain, kept) as JSON to a file; raises PlanRefused."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(forecasts, file, indent=1, sort_keys=True)
    except (OSError, ValueError) as error:  # ValueError: what no file can be called
        raise PlanRefused(f"preview_file: {printable(error)}") from None


def by_repository(forecasts: dict) -> dict:
    """Return repository -> {"deletions", "uncertain", "kept"} of the forecasts of all targets."""
    repositories = {}
    for forecast in forecasts.values():
        for fate, images in forecast.items():
            for image in images:
                empty = {"deletions": [], "uncertain": [], "kept": []}
                repositories.setdefault(image["target"], empty)[fate].append(image)
    return repositories


def summary(forecasts: dict, limit: int, estimate: bool) -> dict:
    """Return the forecasts as a result shows them: complete counts, and at most `limit` images of each repository."""
    repositories = by_repository(forecasts)
    every = {
        fate: [image for f in forecasts.values() for image in f[fate]] for fate in ("deletions", "uncertain", "kept")
    }
    return {
        "estimate": estimate,
        "count": len(every["deletions"]),
        "uncertain_count": len(every["uncertain"]),
        "total": sum(map(len, every.values())),
        "bytes": sum(image["size"] or 0 for image in every["deletions"]),
        "deletions": [_sound(image) for found in repositories.values() for image in found["deletions"][:limit]],
        "uncertain": [_sound(image) for found in repositories.values() for image in found["uncertain"][:limit]],
        "targets": {
            encodable(name): {
                "count": len(found["deletions"]),
                "uncertain_count": len(found["uncertain"]),
                "kept_count": len(found["kept"]),
                "kept": [encodable(name_of(image)) for image in found["kept"][:limit]],
            }
            for name, found in repositories.items()
        },
    }


def text(forecasts: dict, limit: int, estimate: bool) -> str:
    """Return the forecasts for a person: which tags go, which stay, and why."""
    lines = ["An estimate: the registry does not document all of its rules."] if estimate else []
    for name, found in by_repository(forecasts).items():
        gone, perhaps, kept = found["deletions"], found["uncertain"], found["kept"]
        total = len(gone) + len(perhaps) + len(kept)
        lines.append(
            f"{printable(name)}: {len(gone)} of {total} images go{f', {len(perhaps)} perhaps' if perhaps else ''}"
        )
        for sign, images in (("-", gone), ("?", perhaps)):
            lines += [f"{sign}   {_line(image)}" for image in images[:limit]]
            lines += [f"{sign}   and {len(images) - limit} more"] if len(images) > limit else []
        more = f" and {len(kept) - limit} more" if len(kept) > limit else ""
        names = ", ".join(printable(name_of(image)) for image in kept[:limit])
        lines.append(f"    stay: {names}{more}" if kept else "    nothing stays")
    return "".join(f"{line}\n" for line in lines)


def name_of(image: dict) -> str:
    """Return the tag of an image, its digest if it has none."""
    return image["tag"] or image["digest"] or "an image without a name"


def _sound(image: dict) -> dict:
    """Return an image that Ansible can print: lone surrogates would stop it."""
    return {key: encodable(value) if isinstance(value, str) else value for key, value in image.items()}


def _line(image: dict) -> str:
    size = f"{image['size'] / 1e6:.1f} MB" if image["size"] else ""
    age = f"{image['age'] // 86400} d" if image["age"] is not None else ""
    parts = [
        name_of(image),
        (image["digest"] or "")[:SHORT_DIGEST] if image["tag"] else "",
        age,
        size,
        image["because"],
    ]
    return "  ".join(printable(part) for part in parts if part)
