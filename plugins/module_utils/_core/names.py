# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of targets that a task is given: exact ones, and globs that stand for several. Pure."""

from __future__ import annotations

import fnmatch
import re
from typing import Callable, Collection

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused


def is_glob(name: str) -> bool:
    """Return whether the name stands for several."""
    return re.search(r"[*?]|\[.+\]", name) is not None


def expand(names: list, candidates: Callable[[str], Collection], warnings: list) -> list[str]:
    """Return the names with each glob replaced by what it matches of candidates(glob), each name once.

    As in fnmatch, with case; * goes across slashes. A glob without a match adds to the warnings.
    """
    found = {}
    for name in names:
        if not is_glob(name):
            found[name] = True
            continue
        known = candidates(name)
        matching = [candidate for candidate in known if fnmatch.fnmatchcase(candidate, name)]
        if not matching:
            warnings.append(f"{name!r} matches none of the {len(known)} that can be seen")
        found.update(dict.fromkeys(matching, True))
    return list(found)


def require(names: list | None, option: str) -> None:
    """Raise PlanRefused if the option is there, but null."""
    if names is None:
        raise PlanRefused(f"{option} is null: name at least one target, or give []")


def exact(names: list) -> str | None:
    """Return the name if it is the only one and no glob, otherwise None."""
    return names[0] if len(names) == 1 and not is_glob(names[0]) else None
