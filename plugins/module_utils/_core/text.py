# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that come from others, made fit to be read by a person. Pure."""

from __future__ import annotations

import re
from typing import Any

# Python finds these printable, though nothing is to be seen of them: fillers and joiners, an empty Braille cell.
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
# What else makes up Markdown in the middle of a line, and the bare addresses that some readers turn into links.
MARKDOWN = re.compile(r"[\\`*_\[\]~$@!]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def printable(text: Any, limit: int | None = None) -> str:
    """Return a text with what cannot be seen as \\x1b, \\n or \\u202e; of at most `limit` characters, then with ... .

    Line breaks, control and format characters, marks of direction, spaces but the usual one, lone surrogates.
    """
    text = str(text)
    cut = limit is not None and len(text) > limit
    if not cut and text.isprintable() and INVISIBLE.isdisjoint(text):
        return text
    parts = [_escaped(char) for char in (text[:limit] if cut else text)]
    length = sum(map(len, parts))
    if limit is not None and (cut or length > limit):
        while length > max(limit - 3, 0):
            length -= len(parts.pop())
        parts.append("..."[:limit])
    return "".join(parts)


def _escaped(char: str) -> str:
    if char.isprintable() and char not in INVISIBLE:
        return char
    code = ord(char)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def markdown(text: Any) -> str:
    """Return a text for a line or a cell of Markdown, where it is nothing but text: no HTML, no link, no new cell."""
    inert = "".join(ENTITIES.get(char, char) for char in printable(text))
    return MARKDOWN.sub(lambda sign: "\\" + sign.group(), inert)


def encodable(text: str) -> str:
    """Return a text as it is, but for lone surrogates, which no file and no terminal takes: they become \\ud800."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
