# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of targets that a task is given: exact ones, and globs that stand for several. Pure."""

from __future__ import annotations

import fnmatch
import functools
import re
from typing import Callable, Collection

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused


def is_glob(name: str) -> bool:
    """Return whether the name stands for several."""
    return "*" in name or "?" in name or name.rfind("]") > name.find("[") + 1 > 0


@functools.lru_cache(maxsize=4096)
def matcher(glob: str) -> Callable[[str], bool]:
    """Return what says whether a name matches the glob as in fnmatch, with case; * goes across slashes.

    It comes to an end whatever they are: every piece between two * has one length, and is found or not.
    """
    pieces = _pieces(glob)
    try:
        first, *others = [re.compile(f"(?s:{''.join(map(_expression, piece))})") for piece in pieces]
    except re.error:  # Python 3.8 takes [z-a] for a mistake, later ones for a class without members
        return lambda name: False
    if not others:
        return lambda name: first.fullmatch(name) is not None
    literal = re.match(r"[^*?\[]*", glob).group()  # quicker than what follows, for most names
    middle, last = others[:-1], others[-1]

    def matches(name: str) -> bool:
        if not name.startswith(literal):
            return False
        place, rest = first.match(name), len(name) - len(pieces[-1])
        for piece in middle:
            place = place and piece.search(name, place.end())
        return place is not None and place.end() <= rest and last.match(name, rest) is not None

    return matches


def _pieces(glob: str) -> list[list[str]]:
    """Return what is before, between and after the * of a glob, as what each character has to match."""
    pieces: list = [[]]
    place = 0
    while place < len(glob):
        end = place + 1
        if glob[place] == "[":
            inner = end + (glob[end : end + 1] == "!")
            end = glob.find("]", inner + (glob[inner : inner + 1] == "]")) + 1 or end
        if glob[place] == "*":
            pieces.append([])
        else:
            pieces[-1].append(glob[place:end])
        place = end
    return pieces


@functools.lru_cache(maxsize=1024)
def _expression(token: str) -> str:
    """Return the regular expression of one character, ? or class of a glob, as fnmatch has it."""
    before, after = fnmatch.translate("x").split("x")
    return fnmatch.translate(token)[len(before) : -len(after)]


def expand(
    names: list, candidates: Callable[[str], Collection], warnings: list, exclude: list | None = None
) -> list[str]:
    """Return the names with each glob replaced by what it matches of candidates(glob), each name once.

    As in fnmatch, with case; * goes across slashes. A glob without a match adds to the warnings. exclude: names and
    globs of what is left out.
    """
    found = {}
    for name in names:
        if not is_glob(name):
            found[name] = True
            continue
        known = candidates(name)
        matching = list(filter(matcher(name), known))
        if not matching:
            warnings.append(f"{name!r} matches none of the {len(known)} that can be seen")
        found.update(dict.fromkeys(matching, True))
    return [name for name in found if not excluded(name, exclude)]


def excluded(name: str, exclude: list | None) -> bool:
    """Return whether one of the names and globs, if there are any, means this name."""
    return meant(name, exclude or [])


def meant(name: str, given: list) -> bool:
    """Return whether one of the names and globs means this name."""
    return any(matcher(glob)(name) if is_glob(glob) else glob == name for glob in given)


def require(names: list | None, option: str) -> None:
    """Raise PlanRefused if the option is there, but null."""
    if names is None:
        raise PlanRefused(f"{option} is null: name at least one target, or give []")


def exact(names: list, exclude: list | None = None) -> str | None:
    """Return the name if it is the only one, no glob and not excluded, otherwise None."""
    return names[0] if len(names) == 1 and not is_glob(names[0]) and not excluded(names[0], exclude) else None
