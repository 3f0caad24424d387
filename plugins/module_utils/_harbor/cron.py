# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When Harbor's schedules fire: its words, and its crons of six fields. Accepts what Harbor 2.16 accepts. Pure."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

try:
    import zoneinfo
except ImportError:  # Python 3.8
    zoneinfo = None

# What Harbor's own web page writes for its words; to the server they are labels, and a cron is always needed.
WORDS = {"hourly": "0 0 * * * *", "daily": "0 0 0 * * *", "weekly": "0 0 0 * * 0"}
CUSTOM = "custom"
LONGEST = 64  # characters; with more, Harbor stops the old schedule first and fails then
MONTHS = dict(zip(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], range(1, 13)))
DAYS = dict(zip(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], range(7)))
FIELDS = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, DAYS),
)
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of months, at most
ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)(?: (.*))?\Z", re.DOTALL)
FORM = "write six fields: second (0), minute, hour, day of month, month, day of week, such as 0 30 3 * * 0"


def check(text: str) -> None:
    """Raise PlanRefused unless Harbor takes this cron and it fires some day: one that never does hangs Harbor."""
    shown = f"cron: {printable(repr(text), 100)}"
    if len(text) > LONGEST:
        raise PlanRefused(f"{shown} is longer than {LONGEST} characters, the most that Harbor stores")
    rest, zone = text, ZONE.match(text)
    if zone:
        if not _is_zone(zone.group(1)):
            raise PlanRefused(f"{shown}: there is no time zone {printable(zone.group(1), 60)!r}")
        rest = zone.group(2) or ""
    if rest.strip().startswith("@"):
        raise PlanRefused(f"{shown}: Harbor knows no such words. Set schedule to hourly, daily or weekly, or {FORM}")
    pieces = rest.split()
    if len(pieces) == 5:
        raise PlanRefused(f"{shown} has five fields, Harbor wants six, seconds first: write '0 {' '.join(pieces)}'")
    if len(pieces) != 6:
        raise PlanRefused(f"{shown} has {len(pieces)} fields: {FORM}")
    found = []
    for piece, (name, least, most, names) in zip(pieces, FIELDS):
        try:
            found.append(_field(piece, least, most, names))
        except ValueError as error:
            raise PlanRefused(f"{shown}: {name} {printable(piece, 60)!r}: {error}") from None
    # Harbor looks at the seconds only in what has exactly six pieces between single blanks.
    if len(text.split(" ")) == 6 and text.split(" ")[0] != "0":
        raise PlanRefused(f"{shown}: Harbor wants 0 as the second: write '0 {' '.join(pieces[1:])}'")
    if not _fires([values for values, _star in found], found[3][1], found[5][1]):
        raise PlanRefused(f"{shown} never fires, which makes Harbor's job service hang: correct it")


def check_replication(text: str) -> None:
    """Raise PlanRefused unless Harbor takes this cron for a replication, which has no zone and is not each minute's."""
    check(text)
    shown = f"cron: {printable(repr(text), 100)}"
    if text.split(" ")[0] != "0":
        raise PlanRefused(f"{shown}: a replication has no time zone, and its cron begins with 0, the second")
    if text.split()[1] == "*":
        raise PlanRefused(f"{shown}: Harbor replicates not each minute: write */5 or a number as the minute")


def _is_zone(name: str) -> bool:
    if name in ("", "UTC", "Local"):
        return True
    if not re.match(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*\Z", name):
        return False
    known = zoneinfo.available_timezones() if zoneinfo else ()
    return not known or name in known


def _field(text: str, least: int, most: int, names: dict) -> tuple[set, bool]:
    """Return the values of a field, and whether it is a star; raises ValueError."""
    values, star = set(), False
    for item in filter(None, text.split(",")):
        found, is_star = _range(item, least, most, names)
        values |= found
        star = star or is_star
    return values, star


def _range(text: str, least: int, most: int, names: dict) -> tuple[set, bool]:
    bounds, *steps = text.split("/")
    low, *highs = bounds.split("-")
    if len(steps) > 1 or len(highs) > 1 and low not in ("*", "?"):
        raise ValueError("too many / or -")
    step = _number(steps[0], {}) if steps else 1
    star = low in ("*", "?")
    if star:
        start, end = least, most
    else:
        start = _number(low, names)
        end = _number(highs[0], names) if highs else most if steps else start
    if not least <= start <= end <= most:
        raise ValueError(f"write numbers from {least} to {most}, the lower one first")
    if not step:
        raise ValueError("a step is above 0")
    return set(range(start, end + 1, step)), star and step == 1


def _number(text: str, names: dict) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not re.match(r"\+?[0-9]{1,18}\Z", text):
        raise ValueError(f"{text!r} is no number{' or name' if names else ''}. Harbor knows no L, W and #")
    return int(text)


def _fires(fields: list, day_star: bool, weekday_star: bool) -> bool:
    """Return whether there is a moment that fits; with both restricted, a day has to fit only one of them."""
    seconds, minutes, hours, days, months, weekdays = fields
    in_month = any(day <= LENGTHS[month - 1] for month in months for day in days)
    fits = in_month and weekdays if day_star or weekday_star else in_month or weekdays
    return bool(seconds and minutes and hours and months and fits)


def word(text: str) -> str:
    """Return the word that Harbor's web page shows for a cron."""
    return next((word for word, cron in WORDS.items() if same(cron, text)), CUSTOM)


def same(one: str, other: str) -> bool:
    """Return whether two crons are the same but for the seconds, which builds before 2.9 stored as they came."""
    return _unseconded(one) == _unseconded(other)


def _unseconded(text: str) -> list[str]:
    pieces = text.split()
    return pieces[1:] if len(pieces) == 6 else pieces
