# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a module writes for machines: each at once, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any, Callable, Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import encodable, printable


def check_path(path: str | None, option: str) -> None:
    """Raise PlanRefused if a file cannot be written there; None is no file."""
    if path is None:
        return
    folder = os.path.dirname(os.path.abspath(path)) if "\0" not in path else ""
    writable = os.path.isdir(folder) and os.access(folder, os.W_OK)
    if encodable(path) != path or not writable or os.path.isdir(path):
        raise PlanRefused(f"{option}: {printable(path, 200)} cannot be written: its folder must be there")


def put(path: str, pieces: Iterable[str], option: str, before: Callable[[], Any] = lambda: None) -> None:
    """Write a file of these pieces of text in one step, readable for everybody; raises PlanRefused.

    before: called when all is written, right before it takes the place of what is there; may raise OSError.
    """
    try:
        number, name = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".registry-hygiene-")
        with contextlib.ExitStack() as undo:
            undo.callback(os.unlink, name)
            with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
                for piece in pieces:
                    file.write(piece)
            os.chmod(name, 0o644)
            before()
            os.replace(name, path)
            undo.pop_all()
    except OSError as error:
        raise PlanRefused(f"{option}: {printable(path, 200)} cannot be written: {error.strerror}") from None
