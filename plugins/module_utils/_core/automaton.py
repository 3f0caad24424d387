# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an automaton of a regular expression of Python, as far as it is one. Pure.

A node is (test, assertion, targets): one that neither looks at a character nor at its place only leads on.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from typing import Any, Callable

PARSER: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
MOST_CHARACTERS = 1_000  # of an expression; longer ones are not even parsed
MOST_NODES = 5_000  # what a{1000}{1000} would be beyond
FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.ASCII
CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w", "NOT_DIGIT": r"\D", "NOT_SPACE": r"\S", "NOT_WORD": r"\W"}
BEYOND = {"ASSERT": "a look-around", "ASSERT_NOT": "a look-around", "GROUPREF": "a back-reference"}
PLACES = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": r"\A",
    "AT_BOUNDARY": r"\b",
    "AT_NON_BOUNDARY": r"\B",
    "AT_END": "$",
    "AT_END_STRING": r"\Z",
}


class NoAutomaton(Exception):
    """What an expression holds that no automaton of a reasonable size can do."""


def parse(pattern: str) -> Any:
    """Return the tree that Python makes of an expression; raises re.error if it is none, or nested too deeply."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PARSER.parse(pattern)
    except (OverflowError, MemoryError, ValueError) as error:
        raise re.error(str(error) or "it is too large") from None
    except RecursionError:
        raise re.error("it is nested too deeply") from None


class Automaton:
    """The nodes of an expression. They lead from `start` to `end`, which has no targets."""

    def __init__(self, tree: Any) -> None:
        self.nodes: list = [(None, None, ())]
        self.end = 0
        self.looks_back = False  # whether an assertion depends on the character before
        self._tests: dict = {}
        try:
            self.start = self._sequence(tree, tree.state.flags, self.end)
        except RecursionError:
            raise NoAutomaton("it is nested too deeply") from None

    def _add(self, test: Any, assertion: Any, *targets: int) -> int:
        if len(self.nodes) >= MOST_NODES:
            raise NoAutomaton("its repetitions are too large")
        self.nodes.append((test, assertion, targets))
        return len(self.nodes) - 1

    # Each of these returns the node at which a part begins that leads to `target`.

    def _sequence(self, items: Any, flags: int, target: int) -> int:
        for kind, value in reversed(list(items)):
            part = getattr(self, f"_{str(kind).lower()}", None)
            target = part(value, flags, target) if part else self._character(str(kind), value, flags, target)
        return target

    def _subpattern(self, value: tuple, flags: int, target: int) -> int:
        _group, added, removed, items = value
        if added & (re.ASCII | re.UNICODE):
            flags &= ~re.ASCII
        return self._sequence(items, (flags | added) & ~removed, target)

    def _branch(self, value: tuple, flags: int, target: int) -> int:
        return self._add(None, None, *[self._sequence(items, flags, target) for items in value[1]])

    def _at(self, value: Any, flags: int, target: int) -> int:
        place = PLACES[str(value)]
        self.looks_back = self.looks_back or place in (r"\b", r"\B") or bool(flags & re.MULTILINE)
        return self._add(None, re.compile(place, flags & FLAGS).match, target)

    def _max_repeat(self, value: tuple, flags: int, target: int) -> int:
        least, most, items = value
        begin = target
        if most is PARSER.MAXREPEAT:
            begin = self._add(None, None)
            body = self._sequence(items, flags, begin)
            self.nodes[begin] = (None, None, (body, target))
        else:
            for _number in range(most - least):
                body = self._sequence(items, flags, begin)
                if body == begin:
                    break  # it is empty, however often
                begin = self._add(None, None, body, target)
        for _number in range(least):
            body = self._sequence(items, flags, begin)
            if body == begin:
                break
            begin = body
        return begin

    _min_repeat = _max_repeat  # whether something is found does not depend on greed

    def _character(self, kind: str, value: Any, flags: int, target: int) -> int:
        if kind not in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            raise NoAutomaton(
                f"it holds {BEYOND.get(kind, 'a condition or a possessive part')}, which may take too long"
            )
        key = (kind, str(value), flags)
        if key not in self._tests:
            self._tests[key] = _test(kind, value, flags)
        return self._add(self._tests[key], None, target)


def _test(kind: str, value: Any, flags: int) -> Callable:
    """Return what says whether a character fits; classes, categories and case are left to Python itself."""
    if kind == "LITERAL" and not flags & re.IGNORECASE:
        return chr(value).__eq__
    if kind == "ANY":
        return re.compile(".", flags & FLAGS).match
    if kind == "IN":
        members = "".join(_member(str(part), what) for part, what in value)
    else:
        members = ("^" if kind == "NOT_LITERAL" else "") + _code(value)
    return re.compile(f"[{members}]", flags & FLAGS).match


def _member(kind: str, value: Any) -> str:
    if kind == "CATEGORY":
        return CATEGORIES[str(value).partition("_")[2]]
    if kind == "RANGE":
        return "-".join(map(_code, value))
    return {"NEGATE": "^"}.get(kind) or _code(value)


def _code(value: int) -> str:
    return f"\\U{value:08x}"
