# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many images a plan deletes, and whether it may. Pure."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._core import preview
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

ARGUMENT_SPEC = dict(
    max_deletions=dict(type="int"),
    max_deletions_percent=dict(type="float"),
    min_keep=dict(type="int"),
    protect=dict(type="list", elements="str"),
)
SHOWN = 5  # images that a message names


def is_set(params: dict) -> bool:
    """Return whether any fuse is set."""
    return any(params.get(fuse) is not None for fuse in ARGUMENT_SPEC)


def check_options(params: dict) -> None:
    """Raise PlanRefused if a limit cannot be one."""
    for fuse, most in (("max_deletions", None), ("max_deletions_percent", 100), ("min_keep", None)):
        value = params[fuse]
        if value is not None and (value < 0 or most is not None and value > most):
            raise PlanRefused(f"{fuse}: {value}: write a number from 0{f' to {most}' if most else ''}")
    for pattern in params["protect"] or []:
        try:
            re.compile(pattern)
        except re.error as error:
            raise PlanRefused(f"protect: {pattern!r} is no regular expression: {error}") from None
        if not pattern:
            raise PlanRefused("protect: an empty expression protects every tag: leave it out, or write .")


def check(forecasts: dict, failures: dict, params: dict) -> None:
    """Raise PlanRefused, which then holds the forecasts, if they go beyond a fuse in params."""
    try:
        _check(forecasts, failures, params)
    except PlanRefused as error:
        error.forecasts = forecasts
        raise


def _check(forecasts: dict, failures: dict, params: dict) -> None:
    """Raise PlanRefused if the forecasts of all targets together delete more than the fuses in params allow.

    forecasts: target -> {"deletions": [image], "uncertain": [image], "kept": [image]}. failures: target -> why there is
    no forecast; then nothing is written either. What is uncertain counts as deleted.
    """
    for target, why in failures.items():
        raise PlanRefused(f"no forecast for {target}: {why}. A limit is set, so nothing was written")
    doomed, total = [], 0
    for repository, found in preview.by_repository(forecasts).items():
        gone, kept = found["deletions"] + found["uncertain"], len(found["kept"])
        doomed += gone
        total += len(gone) + kept
        least = params["min_keep"]
        if least is not None and gone and kept < least:
            raise _blown("min_keep", f"of {repository} only {kept} images would stay, not {least}", gone)
    most, percent = params["max_deletions"], params["max_deletions_percent"]
    if most is not None and len(doomed) > most:
        raise _blown("max_deletions", f"{len(doomed)} images would be deleted, more than {most}", doomed)
    if percent is not None and len(doomed) * 100 > percent * total:
        why = f"{len(doomed)} of {total} images would be deleted, more than {percent:g} %"
        raise _blown("max_deletions_percent", why, doomed)
    patterns = params["protect"] or []
    protected = [image for image in doomed if any(re.search(pattern, image["tag"] or "") for pattern in patterns)]
    if protected:
        raise _blown("protect", f"{len(protected)} protected images would be deleted", protected)


def _blown(fuse: str, why: str, images: list) -> PlanRefused:
    names = ", ".join(
        f"{image['target']}{':' if image['tag'] else '@'}{preview.name_of(image)}" for image in images[:SHOWN]
    )
    more = f" and {len(images) - SHOWN} more" if len(images) > SHOWN else ""
    return PlanRefused(f"{fuse}: {why}: {names}{more}. Nothing was written")
