# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cron texts as Harbor checks them: the parser of robfig/cron with six fields, and the next time one fires."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from zoneinfo import ZoneInfo

MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
LIMITS = ((0, 59, {}), (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, MONTHS), (0, 6, DAYS))
YEARS_AHEAD = 5
LONGEST = 64
SECONDS = "the 1st field (indicating Seconds of time) of the cron setting must be 0"
MINUTES = "* is not allowed for the Minutes field of the cron setting of replication policy"


class BadCron(ValueError):
    """The text is no cron; the message is the parser's."""


class ParserCrash(Exception):
    """The parser itself breaks down (a time zone without fields)."""


@dataclass
class Cron:
    """A parsed cron: the values of its six fields, whether the days are stars, and its time zone."""

    fields: list[set[int]]
    day_star: bool
    weekday_star: bool
    zone: tzinfo

    def next(self, after: float) -> float | None:
        """Returns the first time after the given one (epoch seconds) at which it fires, None for never."""
        start = datetime.fromtimestamp(int(after) + 1, self.zone)
        day, last = start.date(), start.year + YEARS_AHEAD
        seconds, minutes, hours = (sorted(values) for values in self.fields[:3])
        if not (seconds and minutes and hours):
            return None
        while day.year <= last:
            if self._fits(day):
                for hour in hours:
                    if day == start.date() and hour < start.hour:
                        continue
                    for minute in minutes:
                        for second in seconds:
                            found = self._moment(day, hour, minute, second)
                            if found is not None and found > after:
                                return found
            day += timedelta(days=1)
        return None

    def _fits(self, day: date) -> bool:
        if day.month not in self.fields[4]:
            return False
        in_month, in_week = day.day in self.fields[3], day.isoweekday() % 7 in self.fields[5]
        return (in_month and in_week) if self.day_star or self.weekday_star else (in_month or in_week)

    def _moment(self, day: date, hour: int, minute: int, second: int) -> float | None:
        local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=self.zone)
        found = local.timestamp()
        exists = datetime.fromtimestamp(found, self.zone).replace(tzinfo=None) == local.replace(tzinfo=None)
        return found if exists else None


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise BadCron(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if abs(int(text)) >= 2**63:
        raise BadCron(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": value out of range')
    if int(text) < 0:
        raise BadCron(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)


def _range(text: str, least: int, most: int, names: dict[str, int]) -> tuple[set[int], bool]:
    bounds, *steps = text.split("/")
    low, *highs = bounds.split("-")
    star = low in ("*", "?")
    if star:
        start, end = least, most
    else:
        start = names[low.lower()] if low.lower() in names else _number(low)
        if len(highs) > 1:
            raise BadCron(f"too many hyphens: {text}")
        end = start
        if highs:
            end = names[highs[0].lower()] if highs[0].lower() in names else _number(highs[0])
    step = 1
    if len(steps) > 1:
        raise BadCron(f"too many slashes: {text}")
    if steps:
        step = _number(steps[0])
        end = most if not highs else end
        star = star and step <= 1
    if start < least:
        raise BadCron(f"beginning of range ({start}) below minimum ({least}): {text}")
    if end > most:
        raise BadCron(f"end of range ({end}) above maximum ({most}): {text}")
    if start > end:
        raise BadCron(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise BadCron(f"step of range should be a positive number: {text}")
    return set(range(start, end + 1, step)), star


def parse(text: str) -> Cron:
    """Returns the cron; raises BadCron with the parser's message and ParserCrash where the parser crashes."""
    if not text:
        raise BadCron("empty spec string")
    zone: tzinfo = timezone.utc
    rest = text
    if text.startswith(("TZ=", "CRON_TZ=")):
        name, blank, rest = text.partition("=")[2].partition(" ")
        if not blank:
            raise ParserCrash
        if name.startswith(("/", "\\")) or ".." in name:
            raise BadCron(f"provided bad location {name}: time: invalid location name")
        try:
            zone = timezone.utc if name in ("", "UTC", "Local") else ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise BadCron(f"provided bad location {name}: unknown time zone {name}") from None
        rest = rest.strip()
    if rest.startswith("@"):
        raise BadCron(f"parser does not accept descriptors: {rest}")
    pieces = rest.split()
    if len(pieces) != 6:
        raise BadCron(f"expected exactly 6 fields, found {len(pieces)}: [{' '.join(pieces)}]")
    fields, stars = [], []
    for piece, (least, most, names) in zip(pieces, LIMITS):
        values, star = set(), False
        for item in filter(None, piece.split(",")):
            more, is_star = _range(item, least, most, names)
            values |= more
            star = star or is_star
        fields.append(values)
        stars.append(star)
    return Cron(fields, stars[3], stars[5], zone)


def check(text: str, strict: bool) -> Cron:
    """Returns the cron of a purge, garbage collection or retention; `strict` (2.9+): seconds must be 0."""
    if not text:
        raise BadCron("empty cron string is invalid")
    found = parse(text)
    pieces = text.split(" ")
    if strict and len(pieces) == 6 and pieces[0] != "0":
        raise BadCron(SECONDS)
    return found


def check_replication(text: str, strict: bool) -> Cron:
    """Returns the cron of a replication policy; the message of BadCron is the whole answer."""
    try:
        found = parse(text)
    except BadCron:
        raise BadCron(f"invalid cron string for scheduled trigger: {text}") from None
    pieces = text.split(" ")
    if strict and pieces[0] != "0":
        raise BadCron(SECONDS)
    if strict and pieces[1:2] == ["*"]:
        raise BadCron(MINUTES)
    return found
