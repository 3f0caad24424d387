# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a file of JSON value by value, however large the whole is."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, TextIO

PIECE = 1 << 18  # characters that are read at once
LARGEST = 1 << 27  # characters of one value
BLANK = re.compile(r"[ \t\n\r]*")
DECODER = json.JSONDecoder()


class Reader:
    """Goes through an open file once. Whoever is told of a key or an element reads its value before the next one.

    Raises ValueError for what is no JSON, or a value that is too large; RecursionError for one that is nested too deep.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0
        self._ended = False

    def members(self) -> Iterator[str]:
        """Yield the keys of an object, none twice."""
        seen = set()
        for _item in self._items("{", "}"):
            key = self.value()
            if not isinstance(key, str) or key in seen:
                raise ValueError("no key, or one that is there already")
            seen.add(key)
            self._take(":")
            yield key

    def elements(self) -> Iterator[Any]:
        """Yield the elements of a list."""
        for _item in self._items("[", "]"):
            yield self.value()

    def value(self) -> Any:
        """Return a whole value."""
        self._next()
        while True:
            try:
                found, end = DECODER.raw_decode(self._text, self._place)
            except ValueError:
                if self._ended:
                    raise
            else:
                if end + 2 < len(self._text) or self._ended:  # otherwise a number may go on: 1 of 1.5, or of 1e+5
                    self._place = end
                    return found
            self._read(max(PIECE, len(self._text) - self._place))

    def end(self) -> None:
        """Raise ValueError if anything comes yet."""
        if self._next():
            raise ValueError("more than one value")

    def _items(self, first: str, last: str) -> Iterator[None]:
        self._take(first)
        more = self._next() != last
        while more:
            yield
            more = self._next() != last
            if more:
                self._take(",")
        self._take(last)

    def _take(self, char: str) -> None:
        if self._next() != char:
            raise ValueError(f"no {char}")
        self._place += 1

    def _next(self) -> str:
        """Return the next character that is no blank, without taking it; empty at the end."""
        while True:
            self._place = BLANK.match(self._text, self._place).end()
            if self._place < len(self._text) or self._ended:
                return self._text[self._place : self._place + 1]
            self._read(PIECE)

    def _read(self, length: int) -> None:
        piece = self._file.read(length)
        self._ended = not piece
        self._text, self._place = self._text[self._place :] + piece, 0
        if len(self._text) > LARGEST:
            raise ValueError("a value is too large")
