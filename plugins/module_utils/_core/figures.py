# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and sizes as others state them, and what the time is: within bounds, whatever comes. Pure.

now: the earliest and the latest time that it may be (epoch seconds), which are the same if the clocks agree.
"""

from __future__ import annotations

from typing import Any, Iterable

LATEST = 253402300799.0  # the end of the year 9999
FUTURE = 300  # seconds that a tag may be ahead of the clock without anybody wondering
MOST_BYTES = 2**63 - 1
CLOCKS = "its age is not known: the clocks differ, or tags come from the future"


def moment(value: Any) -> float:
    """Return a time (epoch seconds) from 1970 to 9999; what is no such number is as late as can be."""
    try:
        return float(value) if 0 <= value <= LATEST else 0.0 if value < 0 else LATEST
    except TypeError:
        return LATEST


def window(now: tuple[float, float], times: Iterable[float]) -> tuple[float, float]:
    """Return what the time may be where images have these times: as late as the newest, if that is in the future."""
    earliest, latest = now
    newest = max(times, default=latest)
    return earliest, newest if newest > latest + FUTURE else latest


def age(now: tuple[float, float], time: float) -> int:
    """Return the age in seconds that something has at least; never below 0."""
    return max(0, int(now[0] - time))


def size(value: Any) -> int | None:
    """Return a number of bytes, None if it is none."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_BYTES
    return value if fits else None
