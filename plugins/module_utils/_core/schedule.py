# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points and lengths of time as people and registries write them. Pure."""

from __future__ import annotations

import datetime
import re

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, PlanRefused

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(text: str, option: str) -> int:
    """Return the seconds of a length of time such as 90s, 20m, 24h, 7d or 2w; raises PlanRefused naming the option."""
    found = re.match(r"([0-9]+)\s*([smhdw])\Z", text.strip())
    if not found:
        raise PlanRefused(f"{option}: {text!r}: write a number and one of s, m (minutes), h, d, w, such as 7d")
    return int(found.group(1)) * UNITS[found.group(2)]


def epoch(text: str) -> float:
    """Return epoch seconds of an RFC 3339 time of a registry: any number of digits of a fraction, UTC by default."""
    found = re.match(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?:[Zz]|([+-]\d\d:?\d\d))?\Z", text)
    try:
        day, clock, fraction, offset = found.groups()
        text = f"{day}T{clock}{(offset or '+00:00').replace(':', '')}"
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp() + float(fraction or 0)
    except (AttributeError, ValueError):
        raise ContractError(f"the registry answered {text[:50]!r} where a time was expected") from None
