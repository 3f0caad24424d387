# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection in the controller's own process, where that makes no difference but time."""

from __future__ import annotations

import importlib
import os
import sys

from ansible import constants
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible_collections.registry.hygiene.plugins.module_utils._core import options, schema
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

# Looking up proxies in a forked process crashes on macOS.
ENABLED = os.environ.get("REGISTRY_HYGIENE_IN_PROCESS", "1") != "0" and sys.platform != "darwin"
INVOCATION = "INJECT_INVOCATION"
DISCOVERY = ("auto", "auto_silent", "auto_legacy", "auto_legacy_silent")


def described(name):
    """Return MODULE of that module file, imported once, in the parent process; None where all run as modules."""
    if not ENABLED:
        return None
    schema.preload()
    return importlib.import_module(f"ansible_collections.registry.hygiene.plugins.modules.{name}").MODULE


def plain(value):
    """Return task arguments as a module gets them: ansible-core 2.18 has objects of its own for values from a vault."""
    if isinstance(value, dict):
        return {_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else _text(value)


def _text(value):
    """Return a text that is nothing but a text: that of one that ansible-core 2.18 marks as unsafe is itself."""
    return str.__str__(value if isinstance(value, str) else str(value))


def shows_invocation(task_vars):
    """Return whether results hold the options of their task: always before ansible-core 2.21, then a setting."""
    if INVOCATION not in constants.config.get_configuration_definitions():
        return True
    return constants.config.get_config_value(INVOCATION, variables=task_vars)


class InProcess(ActionBase):
    """An action that gives the same result as the module of its name. `module` is that file's MODULE."""

    module = None

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        """Return the result of the task."""
        super().run(tmp, task_vars)
        if not self._makes_no_difference(task_vars or {}):
            wrap_async = self._task.async_val and not self._connection.has_native_async
            return self._execute_module(task_vars=task_vars, wrap_async=wrap_async)
        return self._run_here(task_vars or {})

    def _makes_no_difference(self, task_vars):
        if not ENABLED:
            return False
        if self._connection.transport != "local" or self._connection.become or self._task.become:
            return False
        if self._task.async_val:
            return False
        environment = {}
        self._compute_environment_string(environment)
        if environment:
            return False
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        return not interpreter or interpreter in DISCOVERY or interpreter == sys.executable

    def _run_here(self, task_vars):
        validator = ModuleArgumentSpecValidator(self.module.argument_spec, **self.module.rules)
        try:
            options.check_depth(self._task.args)
        except PlanRefused as error:
            return self._finished(dict(failed=True, msg=str(error)), {}, set(), task_vars)
        given = plain(self._task.args)
        validation = validator.validate(given)
        params = validation.validated_parameters
        no_log_values = options.secrets(self.module.argument_spec, given) | validation._no_log_values
        if validation.error_messages:
            message = validation.errors.msg
            if isinstance(validation.errors[0], UnsupportedError):
                message = f"Unsupported parameters for ({self._task.action}) module: {message}"
            result, warnings = dict(failed=True, msg=message), []
        else:
            result, warnings, secrets = self.module.result(
                params, self._task.check_mode, self._task.diff, progress=self._display.display
            )
            no_log_values.update(secrets)
        if warnings:
            result["warnings"] = warnings
        return self._finished(result, params, no_log_values, task_vars)

    def _finished(self, result, params, no_log_values, task_vars):
        result.setdefault("changed", False)
        if shows_invocation(task_vars):
            result["invocation"] = dict(module_args=options.shortened(params))
        # As AnsibleModule does: ansible-core 2.18 makes a text of False if a secret is a part of this word.
        kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        return dict(remove_values(result, no_log_values), **kept)
