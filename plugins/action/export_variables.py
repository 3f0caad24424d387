# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import exported as digitalocean
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import exported as harbor
from ansible_collections.registry.hygiene.plugins.module_utils._quay import exported as quay
from ansible_collections.registry.hygiene.plugins.module_utils._swr import exported as swr
from ansible_collections.registry.hygiene.plugins.plugin_utils import _report_files, _yaml_text
from ansible_collections.registry.hygiene.plugins.plugin_utils._in_process import plain

ROOMS = {"quay": quay, "swr": swr, "digitalocean": digitalocean, "harbor": harbor}
ARGUMENT_SPEC = dict(
    **{name: dict(type="dict") for name in ROOMS},
    folder=dict(type="str", required=True),
    force=dict(type="bool", default=False),
)
FILE = "registry_hygiene.yml"
NAME = re.compile(r"(?!\.\.?\Z)[^/\\\x00-\x1f\x7f]{1,200}\Z")
MOST = 900  # characters of a message
HEAD = [
    "What the registry had when registry.hygiene.export wrote this file. While it has, registry.hygiene.apply changes "
    "nothing.",
    "A glob means exactly what had this content then, and what comes later. Policies that are not declared stay, "
    "unless `exclusive: true` stands beside those that are.",
]


class ActionModule(ActionBase):
    """Writes what registries have as variables of the roles. Nothing but one file on the controller is ever written."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        """Return the result of the task."""
        result = super().run(tmp, task_vars)
        # ansible-core 2.18 marks what comes out of results as unsafe, which no YAML is made of.
        params = plain(self.validate_argument_spec(ARGUMENT_SPEC, required_one_of=[tuple(ROOMS)])[1])
        host = (task_vars or {}).get("inventory_hostname", "")
        if not NAME.match(host):
            raise AnsibleActionFail(
                f"{printable(host, 100)!r} can be no folder, and so have no host_vars: give the host another name"
            )
        exports = [room.export(params[name]) for name, room in ROOMS.items() if params[name] is not None]
        variables = [variable for export in exports for variable in export.variables]
        failures = [failure for export in exports for failure in export.failures]
        result.update(changed=False, failures=failures)
        if variables:
            text = _yaml_text.document(HEAD, variables, [note for export in exports for note in export.notes])
            result.update(self._written(params, host, text))
        if failures and not result.get("failed"):
            told = "the file has all else" if variables else "nothing was written"
            result.update(failed=True, msg=f"could not read all, {told}: {' '.join(failures)}"[:MOST])
        return result

    def _written(self, params, host, text):
        """Return what became of the file."""
        folder = os.path.abspath(os.path.expanduser(params["folder"]))
        path = os.path.join(folder, "host_vars", host, FILE)
        try:
            before = _read(path)
            if before is not None and before != text and not params["force"]:
                return dict(
                    failed=True,
                    path=path,
                    msg=f"{printable(path, 300)} is there and says something else, so it was left as it is. To replace "
                    "it, set registry_hygiene_export_force=true; --check --diff shows first what would become of it",
                )
            if before != text and not self._task.check_mode:
                if not os.path.isdir(folder):
                    raise FileNotFoundError(2, "there is no such folder")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                _report_files.put(path, [text])
        except (OSError, ValueError) as error:  # ValueError: what no file can be called
            reason = getattr(error, "strerror", None) or error
            raise AnsibleActionFail(
                f"{printable(path, 300)} cannot be written: {printable(reason, 300)}. Let "
                "registry_hygiene_export_folder be a folder that is there and can be written to"
            ) from None
        found = dict(changed=before != text, path=path)
        if self._task.diff and before != text:
            found["diff"] = {"before": before or "", "after": text, "before_header": path, "after_header": path}
        return found


def _read(path):
    """Return the text of a file, None if there is none."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()
    except FileNotFoundError:
        return None
