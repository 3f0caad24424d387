# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for the terminal: lines of text with a kind (change, bad, strong or empty) for their colour. Pure."""

from __future__ import annotations

import textwrap
import unicodedata

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.plugin_utils._report import (
    HELD,
    days,
    done,
    image_name,
    loss,
    number,
    plural,
    size,
    summary,
    together,
    total,
)

WIDTH = 79
LEAST_NAME = 12
MOST_LINE = 950  # bytes: AWX shows 1,024 of an event, and colours take some
MOST_SHOWN = 5  # repositories
DIGEST = 19  # characters: as many as the lines of a plan show, so that an image stays one line
MOST_IMAGES = 3  # of each
MOST_MESSAGES = 10
MOST_REGISTRIES = 500
SIGNS = {"+": "change", "~": "change", "-": "bad", "!": "bad"}  # of changes
FATES = {"goes": "-", "perhaps": "?"}


def of_registry(registry: dict, check_mode: bool, lines: bool = False) -> list:
    """Return a row of each entry, the sum, the repositories that lose most, and the messages of one registry.

    lines: with all that changes, as a diff has it.
    """
    name = printable(registry["name"], 200)
    if not registry["declared"]:
        return [(f"{name}: nothing is declared", "")]
    found = [(name + (f": {HELD}" if registry["held"] else ""), "strong")]
    rows = registry["rows"]
    if rows or registry["numbers"]["targets"] is not None:
        sums = [_sum(registry["numbers"], "total")] if len(rows) != 1 else []
        found += _table([*map(_row, rows), *sums], check_mode)
    if lines:
        found += [(printable(line, MOST_LINE), SIGNS.get(str(line)[:1], "")) for line in registry["lines"]]
        return found + _messages(registry)
    if registry["estimate"] and registry["worst"]:
        found.append(("An estimate: the registry does not document all of its rules.", ""))
    for repository in [one for one in registry["worst"] if loss(one)[0]][:MOST_SHOWN]:
        found += _repository(repository)
    return found + _messages(registry)


def of_all(registries: list, check_mode: bool) -> list:
    """Return a row of each registry, the sum, and the repositories that lose most of all."""
    found = together(registries)
    rows = [
        _sum(done(each), each["name"], "refused" if each["refused"] else "failed" if each["failed"] else "")
        for each in registries[:MOST_REGISTRIES]
        if each["declared"]
    ]
    several = len(rows) > 1
    lines = _table([*rows, _sum(found["numbers"], "total")], check_mode) if several else []
    more = len(registries) - MOST_REGISTRIES
    lines += [(f"and {plural(more, 'host')} more", "")] if more > 0 else []
    worst = sorted(
        ((one, each["name"]) for each in registries for one in each["worst"] if loss(one)[0] and not each["held"]),
        key=lambda found: loss(found[0]),
        reverse=True,
    )
    for repository, name in worst[:MOST_SHOWN] if several else []:
        lines.append((cut(f"{_losing(repository)} ({printable(name, 60)})"), "change"))
    bad = "bad" if found["refused"] or found["failed"] else "strong"
    return [*lines, (printable(f"In all: {summary(registries, check_mode)}", MOST_LINE), bad)]


def cut(text: str) -> str:
    """Return a line of at most MOST_LINE bytes."""
    data = text.encode()
    return text if len(data) <= MOST_LINE else data[: MOST_LINE - 3].decode("utf-8", "ignore") + "..."


def folded(text: str) -> list[str]:
    """Return a line as lines for a terminal, the further ones farther in; one word may be longer, of a path perhaps."""
    inner = " " * (len(text) - len(text.lstrip()) + 4)
    found = textwrap.wrap(text, WIDTH, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False)
    return list(map(cut, found)) or [text]


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _row(row: dict) -> dict:
    bad = row["limit"]
    return {**row, "bad": bad, "mark": "!" if bad else "~" if row["changed"] else " "}


def _sum(numbers: dict, what: str, bad: str = "") -> dict:
    return {**numbers, "what": what, "bad": bad, "mark": "!" if bad else "~" if numbers["changed"] else " "}


def _table(rows: list, check_mode: bool) -> list:
    columns = [
        ("targets", [number(row["targets"]) for row in rows]),
        ("change" if check_mode else "changed", [number(row["changed"]) for row in rows]),
        ("images go", [_going(row) for row in rows]),
    ]
    if any(row["anyway_count"] for row in rows):
        columns.append(("anyway", [number(row["anyway_count"]) for row in rows]))
    columns.append(("of", [number(row["total"]) for row in rows]))
    if any(row["bytes"] for row in rows):
        columns.append(("bytes", [size(row["bytes"]) for row in rows]))
    head, *lines = aligned(columns, [f"{row['mark']} {printable(row['what'], 200)}" for row in rows])
    kinds = ["bad" if row["bad"] else "change" if row["changed"] else "" for row in rows]
    return [(head, ""), *zip(lines, kinds)]


def aligned(columns: list, names: list) -> list[str]:
    """Return a table of columns (head, [value, ...]): a line of the heads, then one of each name with its values."""
    cells = [(head, values, max(map(len, [head, *values])) + 2) for head, values in columns]
    room = WIDTH - sum(most for head, values, most in cells)
    room = max(LEAST_NAME + 2, min(room, max(map(width, names))))
    lines = [" " * room + "".join(head.rjust(most) for head, values, most in cells)]
    for place, name in enumerate(names):
        numbers = "".join(values[place].rjust(most) for head, values, most in cells)
        lines.append(f"{_padded(name, room)}{numbers}")
    return lines


def _going(row: dict) -> str:
    """Return how many images go, and how many more may."""
    perhaps = row["uncertain_count"]
    return number(row["count"]) + (f"+{number(perhaps)}?" if perhaps else "")


def _losing(repository: dict) -> str:
    kept = repository.get("kept_count")
    there = total([repository.get("count"), repository.get("uncertain_count") or 0, kept])
    of = "" if there is None else f" of {number(there)}"
    stays = ", nothing stays" if kept == 0 else ""
    going = _going({"uncertain_count": None, "count": None, **repository})
    bytes_ = f", {size(repository['bytes'])}" if repository.get("bytes") else ""
    return f"{printable(repository.get('target'), 120)}: {going}{of} go{bytes_}{stays}"


def _repository(repository: dict) -> list:
    lines = [(_losing(repository), "change")]
    shown = (repository.get("images") or [])[:MOST_IMAGES]
    for image in shown:
        facts = [days(image.get("age")), size(image["size"]) if image.get("size") else "", image.get("because") or ""]
        facts += ["would go anyway"] if image.get("anyway") else []
        name = printable(image_name(image, DIGEST), 128)
        text = "  ".join([name, *(printable(fact, 300) for fact in facts if fact)])
        lines.append((cut(f"  {FATES.get(image.get('fate'), '-')} {text}"), ""))
    more = loss(repository)[0] - len(shown)
    return lines + ([(f"    and {number(more)} more", "")] if more > 0 else [])


def _messages(registry: dict) -> list:
    """Return the messages, each in a line: why something is refused or failed, then what is left as it is."""
    bad = [message["text"] for message in registry["messages"] if message["kind"] != "skipped"]
    left = [message["text"] for message in registry["messages"] if message["kind"] == "skipped"]
    lines = [(text, "bad") for text in bad[:MOST_MESSAGES]] + [(text, "") for text in left[:MOST_MESSAGES]]
    more = len(registry["messages"]) - len(lines) + registry["more_messages"]
    lines += [(f"and {plural(more, 'message')} more", "")] if more else []
    return lines + [(f"All of it: {printable(path, MOST_LINE)}", "") for path in registry["files"]]


def _padded(text: str, room: int) -> str:
    """Return a text of exactly that many columns."""
    if width(text) > room:
        while width(text) > room - 2:
            text = text[:-1]
        text += ".."
    return text + " " * (room - width(text))
