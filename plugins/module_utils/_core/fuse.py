# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many images a plan deletes, and whether it may. Pure."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._core import matching, preview
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

ARGUMENT_SPEC = dict(
    max_deletions=dict(type="int"),
    max_deletions_percent=dict(type="float"),
    min_keep=dict(type="int"),
    protect=dict(type="list", elements="str"),
)
SHOWN = 5  # images that a message names
MOST_SHOWN = 500  # characters of the name of one


def is_set(params: dict) -> bool:
    """Return whether any fuse is set."""
    return any(params.get(fuse) is not None for fuse in ARGUMENT_SPEC)


def check_options(params: dict) -> None:
    """Raise PlanRefused if a limit cannot be one."""
    for fuse, most in (("max_deletions", None), ("max_deletions_percent", 100), ("min_keep", None)):
        value = params[fuse]
        fits = value is None or (value >= 0 if most is None else 0 <= value <= most)  # also false of .nan
        if not fits:
            raise PlanRefused(f"{fuse}: {value}: write a number from 0{f' to {most}' if most else ''}")
    for pattern in params["protect"] or []:
        if not pattern:
            raise PlanRefused("protect: an empty expression protects everything: leave it out, or write .*")
        shown = printable(repr(pattern), MOST_SHOWN)
        try:
            matcher = matching.compile(pattern)
        except re.error as error:
            raise PlanRefused(f"protect: {shown} is no regular expression: {error}") from None
        if matcher.search("") is None and matcher.search("x") is None:
            raise PlanRefused(f"protect: {shown} cannot be evaluated: {matcher.problem}. Write a simpler one")


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
        raise PlanRefused(
            f"no forecast for {printable(target)}: {printable(why)}. A limit is set, so nothing was written"
        )
    doomed, total = [], 0
    for repository, found in preview.by_repository(forecasts).items():
        gone, kept = found["deletions"] + found["uncertain"], len(found["kept"])
        doomed += gone
        total += len(gone) + kept
        least = params["min_keep"]
        if least is not None and gone and kept < least:
            raise _blown("min_keep", f"of {printable(repository)} only {kept} images would stay, not {least}", gone)
    most, percent = params["max_deletions"], params["max_deletions_percent"]
    if most is not None and len(doomed) > most:
        raise _blown("max_deletions", f"{len(doomed)} images would be deleted, more than {most}", doomed)
    if percent is not None and len(doomed) * 100 > percent * total:
        why = f"{len(doomed)} of {total} images would be deleted, more than {percent:g} %"
        raise _blown("max_deletions_percent", why, doomed)
    _check_protected(doomed, [matching.compile(pattern) for pattern in params["protect"] or []])


def _check_protected(doomed: list, matchers: list) -> None:
    protected, doubts = [], []
    for image in doomed:
        # An image without a tag has the empty name, which .* finds. What is not decided counts as found.
        verdicts = {matcher.search(image["tag"] or ""): matcher for matcher in matchers}
        if True in verdicts or None in verdicts:
            protected.append(image)
        if None in verdicts and True not in verdicts:
            doubts.append(verdicts[None].problem)
    if protected:
        why = f"{len(protected)} protected images would be deleted"
        if doubts:
            why += f" ({len(doubts)} of them count as protected because an expression is not decided: {doubts[0]})"
        raise _blown("protect", why, protected)


def _blown(fuse: str, why: str, images: list) -> PlanRefused:
    names = ", ".join(
        printable(f"{image['target']}{':' if image['tag'] else '@'}{preview.name_of(image)}", MOST_SHOWN)
        for image in images[:SHOWN]
    )
    more = f" and {len(images) - SHOWN} more" if len(images) > SHOWN else ""
    return PlanRefused(f"{fuse}: {why}: {names}{more}. Nothing was written")
