# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of tags and repositories as the library doublestar 1.3.4 matches them, its quirks included."""

from __future__ import annotations


class BadPattern(ValueError):
    """The pattern is malformed, and the matcher came to the place where it is."""


def _end(text: str, char: str) -> int:
    """Returns where an unescaped char is, -1 for nowhere."""
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == char:
            return at
        at += 1
    return -1


def _closing(text: str) -> int:
    """Returns where the brace ends that was opened before the text, -1 for nowhere."""
    depth, at = 1, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return -1


def _options(text: str) -> list[str]:
    """Returns what stands between the commas of a brace, nested braces kept whole."""
    found, depth, start, at = [], 0, 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
        elif text[at] == "," and depth == 0:
            found.append(text[start:at])
            start = at + 1
        at += 1
    return [*found, text[start:]]


def _in_class(text: str, char: str) -> bool:
    negated, at, hit = text[:1] == "^", 0, False
    at = 1 if negated else 0
    if not text[at:]:
        raise BadPattern
    while at < len(text):
        low, at = _class_char(text, at)
        high = low
        if text[at : at + 1] == "-":
            high, at = _class_char(text, at + 1)
        hit = hit or low <= char <= high
    return hit != negated


def _class_char(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] in ("", "-"):
        raise BadPattern
    if text[at] == "\\":
        at += 1
        if at >= len(text):
            raise BadPattern
    return text[at], at + 1


def _component(pattern: str, name: str) -> set[str | None] | None:
    """Matches one part of a path: returns the rests of the pattern for the parts after it (None: it is at its end)."""
    at = 0
    for position, char in enumerate(name):
        if at >= len(pattern):
            return None
        mark = pattern[at]
        if mark == "/":
            return None
        if mark == "\\":
            if at + 1 >= len(pattern):
                raise BadPattern
            if pattern[at + 1] != char:
                return None
            at += 2
        elif mark == "*":
            rest = pattern[at + 1 :]
            if not rest:
                return {None}
            if rest[0] == "/":
                return {rest[1:]}
            for start in range(position, len(name)):
                found = _component(rest, name[start:])
                if found is not None:
                    return found
            return None
        elif mark == "[":
            end = _end(pattern[at + 1 :], "]")
            if end == -1:
                raise BadPattern
            if not _in_class(pattern[at + 1 : at + 1 + end], char):
                return None
            at += end + 2
        elif mark == "{":
            return _alternatives(pattern[at + 1 :], name[position:])
        elif mark in ("?", char):
            at += 1
        else:
            return None
    rest = pattern[at:]
    if rest in ("", "*"):
        return {None}
    if rest[0] == "/":
        return {rest[1:]}
    return {rest[2:]} if rest.startswith("*/") else None


def _alternatives(pattern: str, name: str) -> set[str | None] | None:
    end = _closing(pattern)
    if end == -1:
        raise BadPattern
    found: set[str | None] = set()
    for option in _options(pattern[:end]):
        found |= _component(option + pattern[end + 1 :], name) or set()
    return found or None


def _path(pattern: str, names: list[str]) -> bool:
    if not names:
        return False
    if pattern == "**":
        return True
    if pattern.startswith("**/"):
        return any(_path(pattern[3:], names[number:]) for number in range(len(names)))
    rests = _component(pattern, names[0])
    if rests is None:
        return False
    if len(names) == 1:
        return None in rests
    return any(rest is not None and _path(rest, names[1:]) for rest in rests)


def match(pattern: str, name: str) -> bool:
    """Whether the whole name matches; an empty pattern matches all. Raises BadPattern."""
    return not pattern or _path(pattern, name.split("/"))


def hits(pattern: str, name: str) -> bool | None:
    """Whether the whole name matches, None for a malformed pattern."""
    try:
        return match(pattern, name)
    except BadPattern:
        return None
