# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import glob
import itertools
import json
import os

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible_collections.registry.hygiene.plugins.action.plan_report import COLOURS, listed_results
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.plugin_utils import (
    _history,
    _history_text,
    _plans,
    _report_files,
    _table,
)

MOST_FILE = 512 * 2**20  # bytes of a history file
FORMATS = {"json": "json", "markdown": "md"}
ARGUMENT_SPEC = dict(
    hosts=dict(type="dict", required=True),
    plan=dict(type="str", default=""),
    show=dict(type="str", choices=["table", "none"], default="table"),
    folder=dict(type="str", default=""),
    formats=dict(type="list", elements="str", choices=list(FORMATS), default=list(FORMATS)),
    fail_on=dict(type="str", choices=["", "failure"], default=""),
)


class ActionModule(ActionBase):
    """Shows and writes what was deleted. Nothing but files on the controller is ever written."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        """Return the result of the task."""
        result = super().run(tmp, task_vars)
        params = self.validate_argument_spec(ARGUMENT_SPEC)[1]
        registries = [
            _history.registry(name, listed_results(name, found), plans_of(params["plan"], name), read)
            for name, found in sorted(params["hosts"].items())
        ]
        for text, kind in _history_text.lines(registries) if params["show"] == "table" else []:
            for line in _table.folded(text):
                self._display.display(line, color=getattr(C, COLOURS[kind]) if kind in COLOURS else None)
        files = written(params["folder"], params["formats"], registries) if params["folder"] else []
        for path in files if params["show"] == "table" else []:
            self._display.display(f"Report: {printable(path, 900)}")
        if params["plan"] and not any(each["comparison"] or each["nameless"] for each in registries):
            where = printable(params["plan"], 300)
            result["warnings"] = [f"plan: {where} holds no plan of these registries that can be read"]
        found = _history.together(registries)
        result.update(changed=False, files=files, summary=_history.summary(registries)[:900], count=found["count"])
        result.update({name: found[key] for name, key in
                       (("foretold", "gone"), ("not_foretold", "unforeseen"), ("not_seen", "unseen"))})  # fmt: skip
        if params["fail_on"] and found["failed"]:
            reasons = [printable(text, 300) for each in registries for text in each["messages"][:3] if each["failed"]]
            result.update(failed=True, msg="\n".join(reasons)[:900] or "a registry could not be read")
        return result


def read(path):
    """Return what a history file holds, None if it cannot be read here: the task may have been delegated."""
    try:
        if os.path.getsize(path) > MOST_FILE:
            return None
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def plans_of(place, name):
    """Return the plan files of a host: the file itself, or those of its name in the folder."""
    if not place:
        return []
    place, paths = _report_files.place(place), [place]
    if os.path.isdir(place):
        start = os.path.join(glob.escape(place), glob.escape(name.replace("/", "_")))
        paths = sorted(glob.glob(f"{start}-*-plan.json"))
    return _plans.readable(map(_report_files.place, paths))


def written(folder, formats, registries):
    """Write the report into the folder; returns the paths."""
    folder, paths = _report_files.place(folder), []
    for name in formats:
        paths.append(os.path.join(folder, f"registry-hygiene-history.{FORMATS[name]}"))
        if name == "markdown":
            pieces = [_history_text.page(registries)]
        else:
            head = {"format": "registry.hygiene history report", "version": 1, "summary": _history.summary(registries)}
            head.update(total=_history.together(registries), registries=registries)
            pieces = itertools.chain(json.JSONEncoder(indent=1).iterencode(head), ["\n"])
        _report_files.put_in(folder, paths[-1], pieces)
    return paths
