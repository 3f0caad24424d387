# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of tags and repositories as the library doublestar 1.3.4 matches them, its quirks included."""

from __future__ import annotations


class BadPattern(ValueError):
    """The pattern is malformed, and the matcher came to the place where it is."""


def _index(text: str, char: str) -> int:
    """Returns where the first char is that no backslash precedes, -1 for nowhere."""
    at = text.find(char)
    while at > 0 and text[at - 1] == "\\":
        at = text.find(char, at + 1)
    return at


def _options(text: str) -> tuple[list[str], str]:
    """Returns what stands between the commas of an opened brace, nested ones kept whole, and what follows it."""
    found, depth, start, at = [], 1, 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return [*found, text[start:at]], text[at + 1 :]
        elif text[at] == "," and depth == 1:
            found.append(text[start:at])
            start = at + 1
        at += 1
    raise BadPattern


def _empty(pattern: str) -> bool:
    """Whether a part of a pattern can stand for nothing."""
    if pattern in ("", "*", "**"):
        return True
    if pattern[0] != "{":
        return False
    options, rest = _options(pattern[1:])
    return _empty(rest) and any(_empty(option) for option in options)


def _in_class(text: str, char: str) -> bool:
    if not text:
        raise BadPattern
    negated, hit = text[0] == "^", False
    at = 1 if negated else 0
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


def _component(pattern: str, name: str) -> list[str] | None:
    """Matches one part of a path: returns the rests of the pattern for the parts after it, [] at the pattern's end.

    The library loses an alternative that ends here beside one that does not: so does this.
    """
    at = 0
    for position, char in enumerate(name):
        if at >= len(pattern) or pattern[at] == "/":
            return None
        mark = pattern[at]
        if mark == "\\":
            if at + 1 >= len(pattern):
                raise BadPattern
            if pattern[at + 1] != char:
                return None
            at += 2
        elif mark == "*":
            rest = pattern[at + 1 :]
            if not rest or rest[0] == "/":
                return [rest[1:]] if rest else []
            tries = (_component(rest, name[start:]) for start in range(position, len(name)))
            return next((found for found in tries if found is not None), None)
        elif mark == "[":
            end = _index(pattern[at + 1 :], "]")
            if end == -1:
                raise BadPattern
            if not _in_class(pattern[at + 1 : at + 1 + end], char):
                return None
            at += end + 2
        elif mark == "{":
            options, rest = _options(pattern[at + 1 :])
            found = [_component(option + rest, name[position:]) for option in options]
            good = [rests for rests in found if rests is not None]
            return [one for rests in good for one in rests] if good else None
        elif mark in ("?", char):
            at += 1
        else:
            return None
    rest = pattern[at:]
    if not rest:
        return []
    slash = _index(rest, "/")
    if not _empty(rest if slash == -1 else rest[:slash]):
        return None
    return [] if slash == -1 else [rest[slash + 1 :]]


def _path(pattern: str, names: list[str]) -> bool:
    if not pattern:
        return names == [""]
    if pattern == "**":
        return True
    if pattern.startswith("**/"):
        return any(_quietly(pattern[3:], names[number:]) for number in range(len(names)))
    rests = _component(pattern, names[0])
    if rests is None:
        return False
    if len(names) == 1:
        return not rests
    return any(_path(rest, names[1:]) for rest in rests)


def _quietly(pattern: str, names: list[str]) -> bool:
    try:
        return _path(pattern, names)
    except BadPattern:
        return False


def match(pattern: str, name: str) -> bool:
    """Whether the whole name matches; an empty pattern matches all. Raises BadPattern."""
    return not pattern or _path(pattern, name.split("/"))


def hits(pattern: str, name: str) -> bool | None:
    """Whether the whole name matches, None for a malformed pattern."""
    try:
        return match(pattern, name)
    except BadPattern:
        return None
