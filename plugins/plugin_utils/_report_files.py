# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports as files on the controller: each written at once, and only if it differs."""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import tempfile
from typing import Iterable

from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.plugin_utils import _html, _markdown, _plans, _report
from ansible_collections.registry.hygiene.plugins.plugin_utils._details import Details

ENDINGS = {"json": "json", "markdown": "md", "html": "html"}


def write(folder: str, formats: list, registries: list, check_mode: bool, reason: str) -> list[str]:
    """Write the report into the folder, in these formats; returns the paths, raises AnsibleActionFail."""
    folder, paths = place(folder), []
    for name, ending in ENDINGS.items():
        if name in formats:
            paths.append(os.path.join(folder, f"registry-hygiene-{'preview' if check_mode else 'apply'}.{ending}"))
            put_in(folder, paths[-1], [content(name, registries, check_mode, reason)])
    return paths


def put_in(folder: str, path: str, pieces: Iterable[str]) -> None:
    """Write a file of a report; raises AnsibleActionFail, naming the folder that the user gave."""
    try:
        put(path, pieces)
    except (OSError, ValueError) as error:  # ValueError: what no file can be called
        reason = getattr(error, "strerror", None) or error
        raise AnsibleActionFail(
            f"folder: the report cannot be written to {printable(folder, 300)}: {printable(reason, 300)}. "
            "Name a folder that is there and can be written to, or '' for no report."
        ) from None


def place(folder: str) -> str:
    """Return a folder that a user named as an absolute path."""
    return os.path.abspath(os.path.expanduser(os.path.expandvars(folder)))


def content(name: str, registries: list, check_mode: bool, reason: str) -> str:
    """Return the report in one of the formats."""
    if name == "markdown":
        return _markdown.page(registries, check_mode, reason)
    if name == "html":
        details = Details()
        for each in registries:
            details.add(each, _plans.readable(each["files"]))
        return _html.page(registries, details, check_mode, reason)
    kept = [{key: value for key, value in each.items() if key != "lines"} for each in registries]
    report = {
        "format": "registry.hygiene report",
        "version": 1,
        "check_mode": check_mode,
        "reason": reason,
        "summary": _report.summary(registries, check_mode),
        "total": _report.together(registries),
        "registries": kept,
    }
    return json.dumps(report, indent=1) + "\n"


def put(path: str, pieces: Iterable[str]) -> None:
    """Write a file of these pieces of text if it differs, all at once, readable for everybody."""
    handle, scratch = tempfile.mkstemp(prefix=".registry-hygiene-", dir=os.path.dirname(path))
    with contextlib.ExitStack() as undo:
        undo.callback(os.unlink, scratch)
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
        if os.path.isfile(path) and filecmp.cmp(scratch, path, shallow=False):
            return
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
        undo.pop_all()
