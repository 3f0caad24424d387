# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps bytes that are needed again, out of memory if they are many: in a file that has no name and goes with us."""

from __future__ import annotations

import functools
import os
import tempfile
import threading
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

MOST_HELD = 8 << 20  # bytes that stay in memory, which is all of most plans


class Spool:
    """Threads may share it. The file is in the folder for temporary files (TMPDIR)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = 0
        self._file: Any = None
        self._end = 0

    def put(self, data: bytes) -> Callable[[], bytes]:
        """Keep the data; returns what gives them back. Raises RegistryError if there is no room."""
        with self._lock:
            self._held += len(data)
            if self._held <= MOST_HELD:
                return functools.partial(bytes, data)
            try:
                return self._written(data)
            except OSError as error:
                folder = printable(os.environ.get("TMPDIR", "the folder for temporary files"), 200)
                raise RegistryError(
                    f"the plan is too large for memory and cannot be kept in {folder}: {error.strerror}. Make room "
                    "there, or set TMPDIR to a folder that has it"
                ) from None

    def _written(self, data: bytes) -> Callable[[], bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="registry-hygiene-", buffering=0)  # noqa: SIM115
        place, left = self._end, memoryview(data)
        while left:  # a file that is nearly full may take a part
            written = os.pwrite(self._file.fileno(), left, self._end)
            self._end += written
            left = left[written:]
        return functools.partial(self._read, place, len(data))

    def _read(self, place: int, length: int) -> bytes:
        found = b""
        while len(found) < length:
            piece = os.pread(self._file.fileno(), length - len(found), place + len(found))
            if not piece:
                raise RegistryError("a temporary file was cut by somebody else. Run again")
            found += piece
        return found
