# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of the collection in each of its two ways, within the test's process, so that fakes can be mounted."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core 2.18

    def patch_module_args(options: dict) -> Any:
        """Let AnsibleModule find the options."""
        return mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())


PLUGINS = "ansible_collections.registry.hygiene.plugins"
NAME = "registry.hygiene."


def as_module(module: str, options: dict, check_mode: bool = False, diff: bool = True, invocation: bool = True) -> dict:
    """Return the result of the module file, run as Ansible runs it on a target."""
    internal = {"_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_module_name": NAME + module}
    if "inject_invocation" in basic.PASS_VARS:  # since ansible-core 2.21, which has none otherwise
        internal["_ansible_inject_invocation"] = invocation
    logged, warned, printed = [], [], io.StringIO()
    replaced = {
        "log": lambda self, msg, log_args=None: logged.append(msg),
        "warn": lambda self, warning: warned.append(warning),  # within a test, it would go to the display instead
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch_module_args({**options, **internal}))
        stack.enter_context(mock.patch.multiple(basic.AnsibleModule, **replaced))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.suppress(SystemExit))
        importlib.import_module(f"{PLUGINS}.modules.{module}").main()
    result = json.loads(printed.getvalue())
    result.setdefault("changed", False)  # as the task executor does for both ways
    if warned:
        result["warnings"] = warned
    return Result(result, "\n".join(map(str, [printed.getvalue(), *logged, *warned])))


def in_process(
    module: str, options: dict, check_mode: bool = False, diff: bool = True, invocation: bool = True
) -> dict:
    """Return the result of the action plugin, as it gives it to ansible-playbook."""
    action = action_plugin(module, options, check_mode, diff)
    with mock.patch.object(ActionBase, "_execute_module", side_effect=AssertionError("ran as a module")):
        result = json.loads(json.dumps(action.run(task_vars={"ansible_inject_invocation": invocation})))
    return Result(result, json.dumps(result))


def action_plugin(
    module: str, options: dict, check_mode: bool = False, diff: bool = True, **task: object
) -> ActionBase:
    """Return the action plugin of the module, for a task on a local connection."""
    settings = {"async_val": 0, "delegate_to": None, "become": False, "environment": None, "no_log": False, **task}
    connection = SimpleNamespace(
        transport="local",
        become=None,
        has_native_async=False,
        _shell=SimpleNamespace(tmpdir="/nowhere", env_prefix=lambda **environment: ""),
    )
    return importlib.import_module(f"{PLUGINS}.action.{module}").ActionModule(
        task=SimpleNamespace(args=options, action=NAME + module, check_mode=check_mode, diff=diff, **settings),
        connection=connection,
        play_context=SimpleNamespace(),
        loader=None,
        templar=SimpleNamespace(template=lambda value: value),
        shared_loader_obj=None,
    )


class Result(dict):
    """A result as Ansible sees it; `output` is all text that the run gave away."""

    def __init__(self, found: dict, output: str) -> None:
        super().__init__(found)
        self.output = output


WAYS = {"module": as_module, "in process": in_process}
