# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.plugin_utils import _report, _report_files, _table

FORMATS = ["markdown", "json", "html"]
ARGUMENT_SPEC = dict(
    results=dict(type="list", elements="dict"),
    name=dict(type="str"),
    hosts=dict(type="dict"),
    show=dict(type="str", choices=["table", "lines", "none"], default="table"),
    folder=dict(type="str", default=""),
    formats=dict(type="list", elements="str", choices=FORMATS, default=FORMATS),
    fail_on=dict(type="str", choices=["", "drift", "refusal"], default=""),
    stats=dict(type="bool", default=False),
)
RULES = dict(required_one_of=[("results", "hosts")], mutually_exclusive=[("results", "hosts"), ("name", "hosts")])
COLOURS = {"bad": "COLOR_ERROR", "change": "COLOR_CHANGED", "strong": "COLOR_HIGHLIGHT"}


class ActionModule(ActionBase):
    """Shows and writes what was planned. Nothing but files on the controller is ever written."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        """Return the result of the task."""
        result = super().run(tmp, task_vars)
        params = self.validate_argument_spec(ARGUMENT_SPEC, **RULES)[1]
        check_mode = bool(self._task.check_mode)
        if params["hosts"] is None:
            name = params["name"] or (task_vars or {}).get("inventory_hostname", "")
            registries = [_report.registry(name, params["results"], check_mode)]
        else:
            registries = [
                _report.registry(name, listed_results(name, found), check_mode)
                for name, found in sorted(params["hosts"].items())
            ]
        # Each line by itself: ansible-runner makes an event of each, and AWX cuts long ones.
        for text, kind in shown(params["show"], registries, params["hosts"] is not None, check_mode):
            for line in _table.folded(text):
                self._display.display(line, color=getattr(C, COLOURS[kind]) if kind in COLOURS else None)
        files = []
        if params["folder"]:
            files = _report_files.write(params["folder"], params["formats"], registries, check_mode)
            for path in files if params["show"] != "none" else []:
                self._display.display(f"Report: {printable(path, 900)}")
        result.update(changed=False, files=files, summary=_report.summary(registries, check_mode)[:900])
        if params["hosts"] is None and not registries[0]["declared"]:
            name = printable(registries[0]["name"], 100)
            result["warnings"] = [
                f"{name}: nothing is declared. Are its variables (group_vars) where Ansible finds them?"
            ]
        result.update(drift=any(each["drift"] for each in registries))
        result.update(refused=any(each["refused"] for each in registries))
        if params["stats"]:
            result["ansible_stats"] = _report.stats(registries, check_mode)
        message = _report.verdict(registries, params["fail_on"], check_mode)
        if message:
            result.update(failed=True, msg=message)
        return result


def shown(show, registries, sum_up, check_mode):
    """Return the lines to show, each with its kind."""
    if show == "none":
        return []
    if sum_up:
        return _table.of_all(registries, check_mode)
    return _table.of_registry(registries[0], check_mode, show == "lines")


def listed_results(name, found):
    """Return the results of a host."""
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise AnsibleActionFail(f"hosts: of {printable(name, 100)}, give a list of registered results")
    return found
