# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many images a plan deletes, and whether it may. Pure."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._errors import PlanRefused

FUSES = ("max_deletions", "max_deletions_percent", "min_keep", "protect")
SHOWN = 5  # images that a message names


def is_set(params: dict) -> bool:
    """Return whether any fuse is set."""
    return any(params.get(fuse) is not None for fuse in FUSES)


def check(forecasts: dict, failures: dict, params: dict) -> None:
    """Raise PlanRefused if the forecasts of all targets together delete more than the fuses in params allow.

    forecasts: target -> {"deletions": [{"target", "tag", ...}], "uncertain": [...], "kept": [...]}, or None where no
    forecast could be made (failures says why): then nothing is written either. What is uncertain counts as deleted.
    """
    unknown = [target for target, forecast in forecasts.items() if forecast is None]
    if unknown and is_set(params):
        raise PlanRefused(
            f"no forecast for {unknown[0]}: {failures[unknown[0]]}. A limit is set, so nothing was written"
        )
    doomed, total = [], 0
    for target, forecast in forecasts.items():
        if forecast is None:
            continue
        gone = forecast["deletions"] + forecast["uncertain"]
        doomed += gone
        total += len(gone) + len(forecast["kept"])
        least = params.get("min_keep")
        if least is not None and gone and len(forecast["kept"]) < least:
            raise _blown("min_keep", f"of {target} only {len(forecast['kept'])} images would stay, not {least}", gone)
    most, percent = params.get("max_deletions"), params.get("max_deletions_percent")
    if most is not None and len(doomed) > most:
        raise _blown("max_deletions", f"{len(doomed)} images would be deleted, more than {most}", doomed)
    if percent is not None and len(doomed) * 100 > percent * total:
        raise _blown(
            "max_deletions_percent", f"{len(doomed)} of {total} images would be deleted, more than {percent} %", doomed
        )
    protected = [image for image in doomed if any(re.search(p, image["tag"]) for p in params.get("protect") or [])]
    if protected:
        raise _blown("protect", f"{len(protected)} protected images would be deleted", protected)


def _blown(fuse: str, why: str, images: list) -> PlanRefused:
    names = ", ".join(f"{image['target']}:{image['tag']}" for image in images[:SHOWN])
    more = f" and {len(images) - SHOWN} more" if len(images) > SHOWN else ""
    return PlanRefused(f"{fuse}: {why}: {names}{more}. Nothing was written")
