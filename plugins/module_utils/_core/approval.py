# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a plan against the sums that people have approved: registries live on while a plan waits for them. Pure."""

from __future__ import annotations

import math

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.fuse import APPROVED, Refusal
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

SUMS = ("change", "go", "perhaps")  # as plan_report sums them up for each host, beside others
MOST = 10**12  # of what there can be
ARGUMENT_SPEC = dict(
    approved=dict(type="dict"),  # without suboptions: of a number, ansible-core would end in a traceback
    approved_tolerance_percent=dict(type="float", default=5),
    approved_tolerance_images=dict(type="int", default=10),
)


def check_options(params: dict) -> None:
    """Raise PlanRefused if the options cannot be followed."""
    for name in SUMS:
        value = (params["approved"] or {}).get(name)
        if isinstance(value, bool) or not isinstance(value, (int, type(None))):
            raise PlanRefused(f"approved: {name}: {printable(repr(value), 100)}: write a number from 0")
    for option in ("approved_tolerance_percent", "approved_tolerance_images"):
        if not 0 <= params[option] < math.inf:  # also false of .nan
            raise PlanRefused(f"{option}: {params[option]}: write a number from 0")


def beyond(params: dict, targets: int, images: int) -> list[Refusal]:
    """Return where a plan goes beyond what was approved by more than the tolerance.

    targets: how many of them it changes. images: how many go or may go. What was not told was not approved.
    """
    sums = {name: max(min(params["approved"].get(name) or 0, MOST), 0) for name in SUMS}
    percent = params["approved_tolerance_percent"]
    approved = sums["go"] + sums["perhaps"]
    found = []
    for number, base, least, what, verb in (
        (targets, sums["change"], 0, "target", "change"),
        (images, approved, params["approved_tolerance_images"], "image", "go"),
    ):
        allowed = base + max(math.ceil(min(base * percent / 100, number)), least)
        if number > allowed:
            text = f"{plural(number, what)} would {verb}, {base:,} were approved, {allowed:,} may with the tolerance"
            found.append(Refusal(APPROVED, text, []))
    return found
