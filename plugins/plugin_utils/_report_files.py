# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports as files on the controller: each written at once, and only if it differs."""

from __future__ import annotations

import json
import os
import tempfile

from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.plugin_utils import _html, _markdown, _report
from ansible_collections.registry.hygiene.plugins.plugin_utils._details import Details

ENDINGS = {"json": "json", "markdown": "md", "html": "html"}
MOST_PLAN_FILE = 64 * 2**20  # bytes that are read of one, for the page


def write(folder: str, formats: list, registries: list, check_mode: bool) -> list[str]:
    """Write the report into the folder, in these formats; returns the paths, raises AnsibleActionFail."""
    folder, paths = place(folder), []
    for name, ending in ENDINGS.items():
        if name in formats:
            paths.append(os.path.join(folder, f"registry-hygiene-{'preview' if check_mode else 'apply'}.{ending}"))
            put_in(folder, paths[-1], content(name, registries, check_mode))
    return paths


def put_in(folder: str, path: str, text: str) -> None:
    """Write a file of a report; raises AnsibleActionFail, naming the folder that the user gave."""
    try:
        put(path, text)
    except (OSError, ValueError) as error:  # ValueError: what no file can be called
        reason = getattr(error, "strerror", None) or error
        raise AnsibleActionFail(
            f"folder: the report cannot be written to {printable(folder, 300)}: {printable(reason, 300)}. "
            "Name a folder that is there and can be written to, or '' for no report."
        ) from None


def place(folder: str) -> str:
    """Return a folder that a user named as an absolute path."""
    return os.path.abspath(os.path.expanduser(os.path.expandvars(folder)))


def content(name: str, registries: list, check_mode: bool) -> str:
    """Return the report in one of the formats."""
    if name == "markdown":
        return _markdown.page(registries, check_mode)
    if name == "html":
        details = Details()
        for each in registries:
            details.add(each, [document for document in map(read, each["files"]) if document is not None])
        return _html.page(registries, details, check_mode)
    kept = [{key: value for key, value in each.items() if key != "lines"} for each in registries]
    report = {
        "format": "registry.hygiene report",
        "version": 1,
        "check_mode": check_mode,
        "summary": _report.summary(registries, check_mode),
        "total": _report.together(registries),
        "registries": kept,
    }
    return json.dumps(report, indent=1) + "\n"


def read(path: str, most: int = MOST_PLAN_FILE) -> object:
    """Return what a plan file holds, None if it cannot be read here: the task may have been delegated."""
    try:
        if os.path.getsize(path) > most:
            return None
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def put(path: str, text: str) -> None:
    """Write a file if it differs, all at once, readable for everybody."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        with open(path, "rb") as file:
            if file.read() == data:
                return
    except FileNotFoundError:
        pass
    handle, scratch = tempfile.mkstemp(prefix=".registry-hygiene-", dir=os.path.dirname(path))
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
