# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of targets that a task is given: exact ones, and globs that stand for several. Pure."""

from __future__ import annotations

import fnmatch
import functools
import re
from typing import Callable, Collection, Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused


def is_glob(name: str) -> bool:
    """Return whether the name stands for several."""
    return "*" in name or "?" in name or name.rfind("]") > name.find("[") + 1 > 0


@functools.lru_cache(maxsize=4096)
def matcher(glob: str) -> Callable[[str], bool]:
    """Return what says whether a name matches the glob as in fnmatch, with case; * goes across slashes.

    It comes to an end whatever they are: every piece between two * has one length, and is found or not.
    """
    if _is_literal(glob):
        return _of_literals(*glob.split("*"))
    pieces = _pieces(glob)
    try:
        first, *others = [re.compile(f"(?s:{''.join(map(_expression, piece))})") for piece in pieces]
    except re.error:  # Python 3.8 takes [z-a] for a mistake, later ones for a class without members
        return lambda name: False
    if not others:
        return lambda name: first.fullmatch(name) is not None
    middle, last = others[:-1], others[-1]

    def matches(name: str) -> bool:
        place, rest = first.match(name), len(name) - len(pieces[-1])
        for piece in middle:
            place = place and piece.search(name, place.end())
        return place is not None and place.end() <= rest and last.match(name, rest) is not None

    return matches


def _is_literal(glob: str) -> bool:
    """Return whether there is nothing but * that stands for something else."""
    return "*" in glob and "?" not in glob and "[" not in glob


def _of_literals(first: str, *rest: str) -> Callable[[str], bool]:
    """Return a matcher of these pieces with anything between them: the usual globs, five times as quick."""
    middle, last = rest[:-1], rest[-1]
    least = len(first) + sum(map(len, rest))

    def matches(name: str) -> bool:
        if len(name) < least or not (name.startswith(first) and name.endswith(last)):
            return False
        place, end = len(first), len(name) - len(last)
        for piece in middle:
            place = name.find(piece, place, end) + len(piece)
            if place < len(piece):
                return False
        return True

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


def matching(glob: str, known: Iterable[str]) -> list[str]:
    """Return the names that match the glob, in their order: much quicker than one by one, if they are many."""
    head, tail = re.match(r"[^*?\[]*", glob).group(), re.search(r"[^*?\]]*\Z", glob).group()
    likely = [name for name in known if name.startswith(head) and name.endswith(tail)]
    if glob.count("*") == 2 and _is_literal(glob):
        before, piece, after = glob.split("*")
        return [name for name in likely if name.find(piece, len(before), len(name) - len(after)) >= 0]
    return list(filter(matcher(glob), likely))


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
        fresh = matching(name, (other for other in known if other not in found) if found else known)
        if not (fresh or any(map(matcher(name), known))):
            warnings.append(f"{name!r} matches none of the {len(known)} that can be seen")
        found.update(dict.fromkeys(fresh, True))
    return without(list(found), exclude)


def without(names: list, exclude: list | None) -> list[str]:
    """Return the names that none of these names and globs means, in their order."""
    for name in exclude or []:
        out = set(matching(name, names) if is_glob(name) else [name])
        if out:
            names = [other for other in names if other not in out]
    return names


def meant(name: str, given: list) -> bool:
    """Return whether one of the names and globs means this name. For many names, `without` is quicker."""
    return any(matcher(glob)(name) if is_glob(glob) else glob == name for glob in given)


def require(names: list | None, option: str) -> None:
    """Raise PlanRefused if the option is there, but null."""
    if names is None:
        raise PlanRefused(f"{option} is null: name at least one target, or give []")


def exact(names: list, exclude: list | None = None) -> str | None:
    """Return the name if it is the only one, no glob and not excluded, otherwise None."""
    return names[0] if len(names) == 1 and not is_glob(names[0]) and without(names, exclude) else None
