# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many names as a few globs that mean exactly these today. Pure."""

from __future__ import annotations

import re
from typing import Any, Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core import names as globs

PIECE = re.compile(r"[^/._-]*[/._-]|[^/._-]+")  # none that ends so is the beginning of another one
MOST_PIECES = 12  # of a name: what comes after them is one piece
FEWEST = 3  # names that make a glob within a part of a path, such as team-*


class Names:
    """All names there are in one place, so that some of them can be folded.

    root: what all of them begin with (`acme/`), where a glob may begin. whole: whether these really are all. If not,
    or if one of them would itself be read as a glob, no glob can be known to mean only what it should.
    """

    def __init__(self, known: Iterable, root: str = "", whole: bool = True) -> None:
        self.root = root
        self.known = set(known)
        self.whole = whole and not any(map(globs.is_glob, self.known))
        self.tree = self._tree(self.known) if self.whole else {}

    def fold(self, some: Iterable) -> tuple[list[str], list[str]]:
        """Return names and globs that mean some of the names, and what to exclude from them; as few as possible."""
        wanted = set(some)
        if not self.whole or len(wanted) < 2:
            return sorted(wanted), []
        covered = self._cover(self.tree, self._tree(wanted), self.root)
        return sorted(covered.names), sorted(covered.exclude)

    def _tree(self, some: Iterable) -> dict:
        """Return piece -> what follows it -> ..., with an empty dictionary at the end of each name."""
        tree: dict = {}
        for name in some:
            place = tree
            for piece in _pieces(name[len(self.root) :]):
                place = place.setdefault(piece, {})
        return tree

    def _cover(self, all_of: dict, wanted: dict, prefix: str) -> _Cover:
        if not wanted:
            return _Cover([prefix], [], 1, 0)
        parts = [self._cover(all_of[piece], wanted[piece], prefix + piece) for piece in wanted]
        number = sum(part.number for part in parts)
        others = len(all_of) - len(wanted) + sum(part.others for part in parts)
        names = [name for part in parts for name in part.names]
        exclude = [name for part in parts for name in part.exclude]
        if number > 1 and self._pays(prefix, number, others, len(names), len(exclude)):
            return _Cover([f"{prefix}*"], list(_rest(all_of, wanted, prefix)), number, others)
        return _Cover(names, exclude, number, others)

    def _pays(self, prefix: str, number: int, others: int, named: int, excluded: int) -> bool:
        """Return whether one glob with so many exceptions is better than what its parts come to."""
        glob, parts = (1 + others, others), (named + excluded, excluded)
        if prefix == self.root or prefix.endswith("/"):  # what people think in, so it wins where it is no longer
            return glob <= parts
        return glob < parts and number >= FEWEST


class _Cover:
    """Names and globs for `number` names, what to exclude, and how many exceptions one glob for all would have."""

    def __init__(self, names: list, exclude: list, number: int, others: int) -> None:
        self.names = names
        self.exclude = exclude
        self.number = number
        self.others = others


def _pieces(name: str) -> list[str]:
    found = PIECE.findall(name)
    found[MOST_PIECES:] = ["".join(found[MOST_PIECES:])] if len(found) > MOST_PIECES else []
    # What ends like the beginning of others is one of them: app- is among app-*.
    return [*found, ""] if found and found[-1][-1] in "/._-" else found


def _rest(all_of: dict, wanted: dict, prefix: str) -> Any:
    """Yield names and globs of all that is not wanted."""
    for piece, more in all_of.items():
        if piece in wanted:
            yield from _rest(more, wanted[piece], prefix + piece)
        else:
            name = prefix + piece
            while len(more) == 1:  # only one name
                ((piece, more),) = more.items()
                name += piece
            yield f"{name}*" if more else name
