# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of tags, repositories and projects as Harbor matches them (doublestar 1.3.4, quirks included). Pure.

Time is bounded, whatever the pattern and the name are.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Callable, Iterator

LONGEST = 1_000  # characters of a pattern, and of a name: Harbor's have 128 (tags) or 255 at most
DEEPEST = 20  # braces within braces
MOST_STEPS = 20_000  # of one match: some 10 ms
MOST_CALLS = 120  # within one another
MOST_STARS = 2  # in a pattern that is left to Python's own expressions, whose time is a power of this
END, SLASH, CHARACTER, STAR, BRACE = "end", "slash", "character", "star", "brace"
SIMPLE = re.compile(r"[^\\\[\]{}/]*\Z")


class _Fault(Exception):
    """What makes a pattern malformed."""


class _Undecided(Exception):
    """It takes too long to find out."""


class _Node:
    """A part of a pattern, and the part that comes after it. value: a test of one character, or the options."""

    __slots__ = ("after", "empty", "kind", "value")

    def __init__(self, kind: str, value: Any = None, after: _Node | None = None, empty: bool = False) -> None:
        self.kind, self.value, self.after, self.empty = kind, value, after, empty


def match(pattern: str, name: str) -> bool | None:
    """Return whether a pattern matches the whole name, None if that is not decided: malformed, or too much work."""
    if not pattern:
        return True
    if len(name) > LONGEST:
        return None
    try:
        return _matcher(pattern)(name)
    except (_Fault, _Undecided):
        return None


def fault(pattern: str) -> str | None:
    """Return what is wrong with a pattern, None if Harbor can use it."""
    try:
        _matcher(pattern)
    except _Fault as error:
        return str(error)
    return None


@functools.lru_cache(maxsize=256)
def _matcher(pattern: str) -> Callable[[str], bool]:
    if len(pattern) > LONGEST:
        raise _Fault(f"it is longer than {LONGEST:,} characters")
    if SIMPLE.match(pattern) and "**" not in pattern and pattern.count("*") <= MOST_STARS:
        marks = {"*": "[^/]*", "?": "[^/]"}
        found = re.compile("".join(marks.get(char) or re.escape(char) for char in pattern) + r"\Z", re.DOTALL).match
        return lambda name: found(name) is not None
    if pattern == "**":
        return lambda name: True
    start = _linked(_items(pattern, 0), _Node(END))
    return lambda name: _Walk(name).path(start, 0)


# Reading a pattern. An item is (kind, value); the value of a brace is a list of lists of items.


def _items(text: str, depth: int) -> list[tuple]:
    """Return the items of a pattern, or of one option of a brace; raises _Fault."""
    if depth > DEEPEST:
        raise _Fault("its { } are nested too deeply")
    found: list[tuple] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\":
            if at == len(text):
                raise _Fault("the \\ at its end escapes nothing")
            found.append((CHARACTER, text[at].__eq__))
            at += 1
        elif char == "[":
            end = _class_end(text, at)
            found.append((CHARACTER, _class(text[at:end])))
            at = end + 1
        elif char == "{":
            *commas, end = _cuts(text, at)
            starts = [at, *(comma + 1 for comma in commas)]
            options = [text[start:stop] for start, stop in zip(starts, [*commas, end])]
            if "/" in re.sub(r"\\/", "", text[at:end]) and found and found[-1][0] != SLASH:
                # Harbor cuts the pattern at the / when a name ends before the brace, and finds it malformed then.
                raise _Fault("{ } with a / in it can only begin a part of a path: write two patterns")
            found.append((BRACE, [_items(option, depth + 1) for option in options]))
            at = end + 1
        else:
            known = {"/": (SLASH, None), "*": (STAR, None), "?": (CHARACTER, bool)}
            found.append(known.get(char) or (CHARACTER, char.__eq__))
    return found


def _class_end(text: str, start: int) -> int:
    # The library looks no further back than one character: \\] does not end a class either.
    end = text.find("]", start)
    while end > start and text[end - 1] == "\\":
        end = text.find("]", end + 1)
    if end < 0:
        raise _Fault("a [ is not closed")
    return end


def _class(text: str) -> Callable[[str], bool]:
    if not text:
        raise _Fault("there is nothing between [ and ]")
    negated = text[0] == "^"
    pieces = re.findall(r"(\\.|[^\\])", text[negated:], re.DOTALL)
    ranges, at = [], 0
    while at < len(pieces):
        last = at + 2 if pieces[at + 1 : at + 2] == ["-"] else at
        bounds = pieces[at : last + 1 : 2]
        if "-" in bounds or last >= len(pieces):
            raise _Fault("a - within [ ] has no character on one of its sides: write \\- for the character itself")
        ranges.append((bounds[0][-1], bounds[-1][-1]))
        at = last + 1
    return lambda char: any(low <= char <= high for low, high in ranges) != negated


def _cuts(text: str, start: int) -> Iterator[int]:
    """Yield where the commas of an opened brace are, and last where it is closed."""
    depth, at = 1, start
    while at < len(text):
        char = text[at]
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 1 or not depth:
            yield at
        if not depth:
            return
        at += 2 if char == "\\" else 1
    raise _Fault("a { is not closed")


def _linked(items: list[tuple], after: _Node) -> _Node:
    for kind, value in reversed(items):
        if kind == BRACE:
            empty = any(_can_be_empty(option) for option in value)
            after = _Node(kind, [_linked(option, after) for option in value], after, empty)
        else:
            after = _Node(kind, value, after)
    return after


def _can_be_empty(items: list[tuple]) -> bool:
    if not items or [kind for kind, _value in items] in ([STAR], [STAR, STAR]):
        return True
    kind, value = items[0]
    return kind == BRACE and _can_be_empty(items[1:]) and any(_can_be_empty(option) for option in value)


# Matching


class _Walk:
    """A match of one name. What was found out once is kept, so that time grows with pattern times name at most."""

    def __init__(self, name: str) -> None:
        self.parts = name.split("/")
        self.steps = self.calls = 0
        self.paths: dict = {}
        self.ends: dict = {}

    def _once(self, known: dict, key: tuple, verb: Callable, *arguments: Any) -> Any:
        if key not in known:
            self.calls += 1
            if self.calls > MOST_CALLS:
                raise _Undecided
            known[key] = verb(*arguments)
            self.calls -= 1
        self._step()
        return known[key]

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _Undecided

    def path(self, node: _Node, number: int) -> bool:
        """Return whether the pattern from this node on matches the parts of the name from this number on."""
        return self._once(self.paths, (node, number), self._path, node, number)

    def _path(self, node: _Node, number: int) -> bool:
        last = number == len(self.parts) - 1
        if node.kind == END:
            return last and not self.parts[number]
        if node.kind == STAR and node.after.kind == STAR:
            beyond = node.after.after
            if beyond.kind == END:
                return True
            if beyond.kind == SLASH:
                return any(self.path(beyond.after, later) for later in range(number, len(self.parts)))
        rests = self.part(node, number, 0)
        if rests is None or last:
            return rests == ()
        return any(self.path(rest, number + 1) for rest in rests)

    def part(self, node: _Node, number: int, at: int) -> tuple | None:
        """Return the nodes at which the pattern goes on after this part of the name, () at its end; None: no match."""
        return self._once(self.ends, (node, number, at), self._part, node, number, at)

    def _part(self, node: _Node, number: int, at: int) -> tuple | None:
        part = self.parts[number]
        while at < len(part):
            self._step()
            if node.kind in (END, SLASH):
                return None
            after = node.after
            if node.kind == STAR:
                if after.kind in (END, SLASH):
                    return _beyond(after)
                # The library tries no empty rest of the name here, and takes the first that matches.
                tries = (self.part(after, number, start) for start in range(at, len(part)))
                return next((rests for rests in tries if rests is not None), None)
            if node.kind == BRACE:
                found = [self.part(option, number, at) for option in node.value]
                good = [rests for rests in found if rests is not None]
                # An option that ends the pattern is lost beside one that does not.
                return tuple(dict.fromkeys(rest for rests in good for rest in rests)) if good else None
            if not node.value(part[at]):
                return None
            node, at = after, at + 1
        return _without_more(node)


def _beyond(node: _Node) -> tuple:
    return () if node.kind == END else (node.after,)


def _without_more(node: _Node) -> tuple | None:
    """Return where the pattern goes on if a part of a name ends here, None if it wants more of it."""
    stars = 0
    while node.kind in (STAR, BRACE):
        stars += node.kind == STAR
        if node.kind == BRACE and (stars or not node.empty):
            return None
        node = node.after
    return _beyond(node) if node.kind in (END, SLASH) and stars <= 2 else None
