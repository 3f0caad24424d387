# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that somebody else's engine will evaluate: what can be told of them beforehand. Pure."""

from __future__ import annotations

import re
import warnings

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
# An escape, or a whole bracket expression: what a search for the signs below must not look into.
ATOM = re.compile(r"\\.|\[\^?\]?(?:\[[:.=].*?[:.=]\]|[^\]])*\]")
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
    for foreign, stand_in in FOREIGN:
        pattern = re.sub(foreign, stand_in, pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        posix = "unterminated character set" in str(error) and "\\]" in pattern  # where a backslash is just that
        if "look-behind" not in str(error) and not posix:
            return str(error)
    return None


def not_portable(pattern: str) -> str | None:
    """Return what in the pattern engines read differently, or None if it keeps to what they share."""
    for atom in ATOM.findall(pattern):
        if atom[0] == "\\" and re.match("[A-Za-z0-9]", atom[1]):
            return f"the escape {atom}"
        if atom[0] == "[" and re.search(r"\[[:.=]", atom[1:]):
            return f"the class {atom}"
        if atom[0] == "[" and "\\" in atom:
            return f"a backslash within {atom}"
    plain = ATOM.sub("x", pattern)
    return next((what for sign, what in NOT_PORTABLE if re.search(sign, plain)), None)


def not_re2(pattern: str) -> str | None:
    """Return what in the pattern is outside the syntax of RE2, or None."""
    for atom in ATOM.findall(pattern):
        if re.match(r"\\[1-9GkKRZmMyY]", atom):
            return f"the escape {atom}"
    plain = ATOM.sub("x", pattern)
    return next((what for sign, what in NOT_RE2 if re.search(sign, plain)), None)
