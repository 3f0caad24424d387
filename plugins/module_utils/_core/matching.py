# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that come to an end, whatever somebody wrote or pushed: linear in the length of the text. Pure.

Python's own engine tries one way after another, of which there may be 2^128. This one goes all ways at once.
"""

from __future__ import annotations

import functools
import itertools
import re
import warnings
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import automaton

# Steps are counted, not seconds, so that what is decided does not depend on the machine; a second is about a million.
MOST_STEPS = 1_000_000  # of one expression in a task, after which new texts are not decided any more
MOST_KEPT = 20_000  # nodes and ways between states that are remembered
MOST_TRIES = 50_000  # with which Python's own engine may be left alone
FEW_TRIES = 1_000  # with which it is the quicker one
LONGEST_TAG = 128
TOO_LONG = f"it has more than {automaton.MOST_CHARACTERS} characters"
END = ("",)
TOO_SLOW = "it takes too long"


class Matcher:
    """Says of texts whether an expression is found in them. `problem` says why, if one is not decided."""

    def __init__(self, pattern: str) -> None:
        self.problem: str | None = None
        self.python: Any = None  # where there is no automaton, or it is slower
        self.anywhere, self.whole = None, None
        if len(pattern) > automaton.MOST_CHARACTERS:
            self.problem = TOO_LONG
            return
        tree = automaton.parse(pattern)
        try:
            nodes = automaton.Automaton(tree)
            self.anywhere, self.whole = _Run(nodes, True, _anchored(tree)), _Run(nodes, False, True)
            self.python = _python(pattern, tree, FEW_TRIES)
        except automaton.NoAutomaton as error:
            self.problem = str(error)
            self.python = _python(pattern, tree, MOST_TRIES)

    def search(self, text: str) -> bool | None:
        """Return what re.search would find: whether there is a match anywhere. None: not decided."""
        return self._decide(self.anywhere, "search", text)

    def searches(self, texts: list) -> list:
        """Return what search returns for each of the texts."""
        if self.python and max(map(len, texts), default=0) <= LONGEST_TAG:
            return [match is not None for match in map(self.python.search, texts)]
        return list(map(self.search, texts))

    def fullmatch(self, text: str) -> bool | None:
        """Return what re.fullmatch would find: whether the whole text is a match. None: not decided."""
        return self._decide(self.whole, "fullmatch", text)

    def _decide(self, run: Any, verb: str, text: str) -> bool | None:
        if self.python and len(text) <= LONGEST_TAG:
            return getattr(self.python, verb)(text) is not None
        if not run:
            return None
        found = run.decide(text)
        if found is None:
            self.problem = TOO_SLOW
        return found


@functools.lru_cache(maxsize=256)
def compile(pattern: str) -> Matcher:
    """Return the matcher of an expression of Python, the same one each time; raises re.error if it is none."""
    return Matcher(pattern)


class _State:
    """A set of nodes that are reached at once, and the states that follow, as far as they were asked for."""

    def __init__(self, nodes: frozenset, before: str) -> None:
        self.nodes = nodes
        self.before = before  # the character before, or what stands for any
        self.after: dict = {}


FOUND = _State(frozenset(), "")
LOST = _State(frozenset(), "")


class _Run:
    """Goes through texts, and remembers the way."""

    def __init__(self, machine: automaton.Automaton, anywhere: bool, anchored: bool) -> None:
        self.machine = machine
        self.anywhere = anywhere
        self.anchored = anchored  # a match can begin nowhere but at the beginning
        self.steps = 0
        self.first = _State(frozenset([machine.start]), "")
        self.known: dict = {}
        self.kept = 0

    def decide(self, text: str) -> bool | None:
        """Return whether the text is accepted, None if that takes more steps than there are."""
        state = self.first
        # An empty symbol is the end. A newline at the end is one of its own, because $ matches before it.
        for symbol in itertools.chain(text, END) if text[-1:] != "\n" else (*text[:-1], "\n$", ""):
            follower = state.after.get(symbol)
            if follower is None:
                follower = self._step(state, symbol)
                if follower is None:
                    return None
                state.after[symbol] = follower
            if follower is FOUND or follower is LOST:
                return follower is FOUND
            state = follower
        return False

    def _step(self, state: _State, symbol: str) -> _State | None:
        """Return the state after one more symbol, None if there were too many steps."""
        if self.steps > MOST_STEPS:
            return None
        char, nodes = symbol[:1], self.machine.nodes
        around = state.before + ("\n" if symbol == "\n$" else char and char + "x")
        reached, waiting = set(state.nodes), list(state.nodes)
        following = set() if self.anchored else {self.machine.start}
        while waiting:
            test, assertion, targets = nodes[waiting.pop()]
            if test:
                if char and test(char):
                    following.update(targets)
            elif assertion is None or assertion(around, len(state.before)):
                fresh = [target for target in targets if target not in reached]
                reached.update(fresh)
                waiting += fresh
        self.steps += len(reached)
        self.kept += 1
        if self.machine.end in reached and (self.anywhere or not symbol):
            return FOUND
        if not symbol or not following:
            return LOST
        return self._state(frozenset(following), char if self.machine.looks_back else "x")

    def _state(self, nodes: frozenset, before: str) -> _State:
        if self.kept > MOST_KEPT:
            self.known, self.kept = {}, 0
            self.first = _State(self.first.nodes, "")
        found = self.known.get((nodes, before))
        if found is None:
            found = self.known[(nodes, before)] = _State(nodes, before)
            self.kept += len(nodes)
        return found


def _python(pattern: str, tree: Any, most: int) -> Any:
    """Return what Python makes of an expression if its engine tries at most so many ways with a tag, or None."""
    try:
        if _tries(tree)[1] * (1 if _anchored(tree) else LONGEST_TAG) > most:
            return None
        with warnings.catch_warnings():  # of what later versions may read differently
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (OverflowError, RecursionError):
        return None


def _anchored(tree: Any) -> bool:
    return bool(len(tree) and str(tree[0][1]).startswith("AT_BEGINNING") and not tree.state.flags & re.MULTILINE)


def _tries(items: Any) -> tuple[float, float]:
    """Return in how many ways a sequence may match at one place of a tag, and the work of trying all; at most so."""
    ways: float = 1
    work: float = 0
    for kind, value in items:
        own, cost = _tries_of(str(kind), value)
        work += ways * cost
        ways *= own
    return ways, work


def _tries_of(kind: str, value: Any) -> tuple[float, float]:
    if kind.endswith("_REPEAT"):
        least, most, body = value
        own, cost = _tries(body)
        turns = min(most, LONGEST_TAG) - min(least, LONGEST_TAG) + 1
        return (turns, (1 + cost) * (turns + least)) if own == 1 else (float("inf"), float("inf"))
    if kind in ("BRANCH", "GROUPREF_EXISTS"):
        branches = value[1] if kind == "BRANCH" else filter(None, value[1:])
        each = [_tries(branch) for branch in branches]
        return sum(own for own, _cost in each) + 1, sum(cost for _own, cost in each) + 1
    if kind == "SUBPATTERN":
        return _tries(value[-1])
    if kind in ("ASSERT", "ASSERT_NOT", "ATOMIC_GROUP"):  # there is no way back into them
        return 1, 1 + _tries(value if kind == "ATOMIC_GROUP" else value[-1])[1]
    return 1, LONGEST_TAG if kind == "GROUPREF" else 1
