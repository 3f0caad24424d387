# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists as Harbor answers them: filters with their silent traps, orders, pages and the Link header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable

from .._base import Answer
from .sorting import postgres_sorted
from .wire import Call, bad_request, ok, unescaped, unknown

NO_EQUALS = 'the query string must contain "=" and the key/value cannot be empty'
TRUE, FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
BRACKETS = {"[": "]", "{": "}", "(": ")"}


@dataclass
class Match:
    """What one key of q asks for: exact, fuzzy, range, any or all."""

    kind: str
    value: Any


@dataclass
class Table:
    """What can be filtered and sorted by: columns with the names that Go's fields have and their types.

    Types: text, number, bool, time. `default` is the order when nothing is asked for.
    """

    columns: dict[str, tuple[str, str]]
    default: str = ""
    get: Callable[[Any, str], Any] = field(default=getattr)

    def column(self, name: str) -> str | None:
        """Returns the column of a key of q or sort, None when there is no such one."""
        if name in self.columns:
            return name
        return next((column for column, (go_name, _kind) in self.columns.items() if go_name == name), None)


def keywords(text: str | None) -> dict[str, Match]:
    """Returns what a `q` asks for; raises the 400."""
    found: dict[str, Match] = {}
    if not text:
        return found
    for part in unescaped(text).split(","):
        key, _equals, value = part.partition("=")
        if not key or not value:
            raise bad_request(NO_EQUALS)
        found[key] = _match(value)
    return found


def _match(value: str) -> Match:
    first = value[0]
    if first == "\\" and len(value) > 1:
        return Match("exact", value[1:])
    if first == "~":
        return Match("fuzzy", value[1:])
    if first not in BRACKETS:
        return Match("exact", value)
    if value[-1] != BRACKETS[first] or len(value) < 2:
        raise bad_request(f"invalid query string value: {value}")
    inner = value[1:-1]
    if first != "[":
        return Match("any" if first == "{" else "all", inner.split(" "))
    low, tilde, high = inner.partition("~")
    if not tilde or "~" in high:
        raise bad_request(f"invalid query string value: {value}")
    return Match("range", (low, high))


def _time(text: str) -> float:
    try:
        at = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise unknown() from None
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()


def _typed(text: str, kind: str) -> Any:
    if kind == "number":
        if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
            raise unknown()
        return int(text)
    if kind == "bool":
        if text.lower() in TRUE or text.lower() in FALSE:
            return text.lower() in TRUE
        raise unknown()
    return _time(text) if kind == "time" else text


def _shown(value: Any, kind: str) -> str:
    if kind == "bool":
        return "true" if value else "false"
    if kind == "time" and value is not None:
        return datetime.fromtimestamp(value, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    return "" if value is None else str(value)


def fits(value: Any, kind: str, match: Match) -> bool:
    """Whether a value of a row is what a key of q asks for; raises the 500 of a filter that the database refuses."""
    if match.kind == "fuzzy":
        return match.value.lower() in _shown(value, kind).lower()
    if match.kind == "range":
        low, high = (_typed(side, kind) if side else None for side in match.value)
        return value is not None and (low is None or value >= low) and (high is None or value <= high)
    if match.kind == "any":
        return value in [_typed(item, kind) for item in match.value]
    return match.kind == "all" or value == _typed(match.value, kind)


def filtered(rows: list[Any], table: Table, wanted: dict[str, Match]) -> list[Any]:
    """Returns the rows that fit; keys that are no columns are ignored, as Harbor does."""
    for key, match in wanted.items():
        column = table.column(key)
        if column is None:
            continue
        kind = table.columns[column][1]
        fits(None, kind, match)  # a malformed value is an error even without rows
        rows = [row for row in rows if fits(table.get(row, column), kind, match)]
    return rows


def ordered(rows: list[Any], table: Table, sort: str | None, bound: int = 0) -> list[Any]:
    """Returns the rows in the asked order, or the default one; unknown keys are dropped, rows without a value last.

    With a bound only the first rows are in order: those up to the end of the page.
    """
    keys = _sort_keys(sort, table) or _sort_keys(table.default, table)
    if not keys:
        return rows

    def compare(one: Any, other: Any) -> int:
        for column, sign in keys:
            a, b = table.get(one, column), table.get(other, column)
            if a == b:
                continue
            if a is None or b is None:
                return sign * (1 if a is None else -1)
            return sign * (1 if a > b else -1)
        return 0

    return postgres_sorted(rows, compare, bound)


def _sort_keys(sort: str | None, table: Table) -> list[tuple[str, int]]:
    found = []
    for item in (sort or "").split(","):
        column = table.column(item.lstrip("-")) if item.strip("-") else None
        if column:
            found.append((column, -1 if item.startswith("-") else 1))
    return found


def links(call: Call, total: int, page: int, size: int) -> str | None:
    """Returns the Link header of a page, None when there is none."""
    if size == 0:
        return None
    found = []
    if page > 1 and (page - 1) * size < total:
        found.append((page - 1, "prev"))
    if page * size < total:
        found.append((page + 1, "next"))
    parameters = dict(call.pairs())
    texts = []
    for number, rel in found:
        query = {**parameters, "page": str(number), "page_size": str(size)}
        shown = "&".join(f"{key}={query[key]}" for key in sorted(query))
        texts.append(f'<{call.raw_path}?{shown}>; rel="{rel}"')
    return " , ".join(texts) or None


def page_of(call: Call, rows: list[Any], page: int = 1, size: int = 10) -> tuple[list[Any], dict[str, str]]:
    """Returns the rows of the asked page, and the headers; the arguments are the defaults."""
    number, length = call.query.get("page"), call.query.get("page_size")
    number = page if number is None else number
    length = size if length is None else length
    headers = {"X-Total-Count": str(len(rows))}
    link = links(call, len(rows), number, length)
    if link:
        headers["Link"] = link.encode().decode("latin-1")
    if length > 0:
        start = max(number - 1, 0) * length
        rows = rows[start : start + length]
    return rows, headers


def listing(
    call: Call, rows: list[Any], table: Table, show: Callable[[Any], Any], fixed: dict[str, Match] | None = None
) -> Answer:
    """Returns a list answer: rows by `q` and the fixed filters, in order, one page, as `show` makes them."""
    wanted = {**keywords(call.query.get("q")), **(fixed or {})}
    number, size = call.query.get("page") or 1, call.query.get("page_size")
    bound = max(number, 1) * max(10 if size is None else size, 0)
    found = ordered(filtered(rows, table, wanted), table, call.query.get("sort"), bound)
    part, headers = page_of(call, found)
    return ok([show(row) for row in part], headers)
