# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that somebody else's engine will evaluate: what can be told of them beforehand. Pure."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._core import automaton

# What some engine knows and Python does not, each with a stand-in that Python parses in its place: PostgreSQL's
# director and embedded options, word escapes, POSIX classes, named groups and properties, possessive quantifiers.
FOREIGN = (
    (r"^\*\*\*(=.*|:)", ""),
    (r"^\(\?[a-z]+\)", ""),
    (r"\[[:.=][^\]]*[:.=]\]", "x"),
    (r"\\[pP]\{\^?\w+\}", "x"),
    (r"\\[A-Za-z]", "x"),
    (r"\(\?<(?![=!])\w+>", "("),
    (r"\(\?[a-z]+(-[a-z]+)?:", "("),
    (r"\(\?[a-z]+\)", ""),
    (r"(?<=[*+?}])\+", ""),
)
# Nothing is said of longer ones: the searches here take up to the square of the length.
TOO_LONG = f"a length of more than {automaton.MOST_CHARACTERS} characters"
# The subset in which PostgreSQL, MySQL, SQLite (Python) and RE2 agree ends where one of these is found.
NOT_PORTABLE = (
    (r"\(\?", "a group that starts with (?"),
    (r"[*+?}][*+?]", "a lazy or possessive quantifier"),
    (r"(^|[(|])([|)]|$)", "an empty alternative"),
    (r"\{(?!\d+(,\d*)?\})", "a brace that is no repetition"),
    (r"\{(\d+,)?(\d{4,}|2[6-9]\d|25[6-9]|[3-9]\d\d)\b", "a repetition of more than 255"),
)
# What other engines know and RE2 does not.
NOT_RE2 = (
    (r"\(\?<?[=!]", "a look-around such as (?!x)"),
    (r"\(\?[>(|]", "an atomic or conditional group"),
    (r"(?<!\[)[*+?}]\+", "a possessive quantifier"),
)


def fault(pattern: str) -> str | None:
    """Return why no engine accepts the pattern, or None if one may."""
    if len(pattern) > automaton.MOST_CHARACTERS:
        return None
    for foreign, stand_in in FOREIGN:
        pattern = re.sub(foreign, stand_in, pattern)
    try:
        automaton.parse(pattern)
    except re.error as error:
        posix = "unterminated character set" in str(error) and "\\]" in pattern  # where a backslash is just that
        if "look-behind" not in str(error) and not posix:
            return str(error)
    return None


def _split(pattern: str) -> tuple[list, str]:
    """Return the escapes and bracket expressions of a pattern, and the pattern with an x in place of each."""
    atoms, plain, place = [], [], 0
    while place < len(pattern):
        end = place + 1
        if pattern[place] == "\\":
            end = place + 2 if end < len(pattern) else end
        elif pattern[place] == "[":
            end = _end_of_bracket(pattern, place)
        if end > place + 1:
            atoms.append(pattern[place:end])
        plain.append("x" if end > place + 1 else pattern[place])
        place = end
    return atoms, "".join(plain)


def _end_of_bracket(pattern: str, start: int) -> int:
    """Return where the bracket expression ends that starts there; right after the [ if it has no end."""
    if pattern.find("]", start) < 0:
        return start + 1
    place = start + (2 if pattern[start + 1 : start + 2] == "^" else 1)
    place = first = place + (pattern[place : place + 1] == "]")
    while 0 < place < len(pattern):
        if pattern[place] == "]":
            return place + 1
        if pattern[place] == "[" and pattern[place + 1 : place + 2] in (":", ".", "="):
            ends = [pattern.find(sign + "]", place + 2) + 2 for sign in ":.="]
            place = min((end for end in ends if end > 1), default=place + 1)
        else:
            place += 1
    end = pattern.find("]", first)
    return end + 1 if end >= 0 else pattern.find("]", start) + 1


def not_portable(pattern: str) -> str | None:
    """Return what in the pattern engines read differently, or None if it keeps to what they share."""
    if len(pattern) > automaton.MOST_CHARACTERS:
        return TOO_LONG
    atoms, plain = _split(pattern)
    for atom in atoms:
        if atom[0] == "\\" and re.match("[A-Za-z0-9]", atom[1]):
            return f"the escape {atom}"
        if atom[0] == "[" and re.search(r"\[[:.=]", atom[1:]):
            return f"the class {atom}"
        if atom[0] == "[" and "\\" in atom:
            return f"a backslash within {atom}"
    return next((what for sign, what in NOT_PORTABLE if re.search(sign, plain)), None)


def not_re2(pattern: str) -> str | None:
    """Return what in the pattern is outside the syntax of RE2, or None."""
    if len(pattern) > automaton.MOST_CHARACTERS:
        return TOO_LONG
    atoms, plain = _split(pattern)
    for atom in atoms:
        if re.match(r"\\[1-9GkKRZmMyY]", atom):
            return f"the escape {atom}"
    return next((what for sign, what in NOT_RE2 if re.search(sign, plain)), None)
