# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of one repository in a forecast, in little memory: numbers at hand, all else packed, perhaps in a file."""

from __future__ import annotations

import collections
import marshal
import operator
from typing import Any, Callable, Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core.spool import Spool

GOES, PERHAPS, STAYS = "goes", "perhaps", "stays"
FIELDS = ("tag", "digest", "age", "size", "because", "fate", "anyway", "by", "children")  # see forecast.py
SIZE, BECAUSE, FATE, ANYWAY, BY = 3, 4, 5, 6, 7
GROUP = operator.itemgetter(FATE, ANYWAY, BY, BECAUSE)


class Images:
    """Images in their order, those that go or may go before those that stay; dictionaries are made when asked for.

    groups: (fate, anyway, by, because) -> [number, bytes]; those that stay are not told apart by their reasons.
    losses: the number of those that go or may go. A row without children has no item for them.
    """

    def __init__(self, rows: list[tuple]) -> None:
        gone = [row for row in rows if row[FATE] != STAYS]
        kept = [row for row in rows if row[FATE] == STAYS] if len(gone) < len(rows) else []
        of = list(map(GROUP, gone))
        self.groups: dict = {group: [number, 0] for group, number in collections.Counter(of).items()}
        for row, group in zip(gone, of):
            self.groups[group][1] += row[SIZE] or 0
        for by, number in collections.Counter(row[BY] for row in kept).items():
            self.groups[(STAYS, False, by, "")] = [number, 0]
        self.losses = len(gone)
        self._length = len(rows)
        self._packed = tuple(map(marshal.dumps, (gone, kept)))  # ten times as quick as JSON, and nobody else reads it
        self._fetch: tuple[Callable[[], bytes], ...] = ()

    def stow(self, spool: Spool) -> None:
        """Move what is packed to the spool, unless it is in one already."""
        if self._packed:
            self._fetch, self._packed = tuple(map(spool.put, self._packed)), ()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[dict]:
        for row in self.rows():
            yield dict(zip(FIELDS, row))

    def rows(self) -> Iterator[tuple]:
        """Return what the dictionaries hold, in the order of FIELDS."""
        for place in range(2):
            yield from self._unpacked(place)

    def going(self) -> list[dict]:
        """Return the images that go or may go."""
        return [dict(zip(FIELDS, row)) for row in self._unpacked(0)]

    def _unpacked(self, place: int) -> list[tuple]:
        return marshal.loads(self._fetch[place]() if self._fetch else self._packed[place])


def stowed(found: Any, spool: Spool) -> Any:
    """Return what was found, where all images of a dictionary (repository -> images) went to the spool."""
    for images in found.values() if isinstance(found, dict) else ():
        if isinstance(images, Images):
            images.stow(spool)
    return found
