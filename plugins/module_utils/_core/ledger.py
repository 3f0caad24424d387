# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wrote what: keeps for each target whether a write was accepted, or may have been."""

from __future__ import annotations

import threading


class Ledger:
    """The writes of a task. Threads may share it; each says for which target it works."""

    def __init__(self) -> None:
        self._certain: set = set()
        self._doubtful: set = set()
        self._local = threading.local()

    def begin(self, target: str) -> None:
        """Count what the current thread writes from now on as written for this target."""
        self._local.target = target

    def note(self, certain: bool) -> None:
        """Note a write that was accepted, or one that may have arrived although nobody said so."""
        target = getattr(self._local, "target", None)
        (self._certain if certain else self._doubtful).add(target)

    def doubtful(self) -> list[str]:
        """Return the targets of which it is not known whether anything was written."""
        return sorted(str(target) for target in self._doubtful - self._certain)

    def disprove(self, target: str) -> None:
        """Note that reading back has shown: nothing was written for this target."""
        self._doubtful.discard(target)

    def any(self) -> bool:
        """Return whether anything was written, or may have been."""
        return bool(self._certain or self._doubtful)
