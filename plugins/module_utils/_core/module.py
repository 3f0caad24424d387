# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an Ansible module of a resource and a registry. The only file that knows AnsibleModule."""

from __future__ import annotations

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.registry.hygiene.plugins.module_utils._core import access, fuse, options, preview
from ansible_collections.registry.hygiene.plugins.module_utils._core.engine import converge
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    Bug,
    MissingLibrary,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

SHOWN = 3  # failures that a message names; the result holds all of them


class _AnsibleModule(AnsibleModule):
    """Knows its secrets before its options are checked, which may fail, and then shows all of them."""

    def _load_params(self) -> None:
        super()._load_params()
        try:
            options.check_depth(self.params)
        except PlanRefused as error:
            self.params = {}  # what is so deep cannot be shown
            self.fail_json(msg=str(error))
        self.no_log_values.update(options.secrets(self.argument_spec, self.params))


class Module:
    """What a module file describes: a resource, its registry (ARGUMENT_SPEC, client), its own options, their rules."""

    def __init__(self, resource: type, registry: Any, argument_spec: dict, **rules: Any) -> None:
        self.resource = resource
        self.registry = registry
        self.argument_spec = dict(access.ARGUMENT_SPEC, **registry.ARGUMENT_SPEC, **argument_spec)
        if resource.foresee:
            self.argument_spec.update(preview.ARGUMENT_SPEC, **fuse.ARGUMENT_SPEC)
        self.rules = rules

    def run(self) -> None:
        """Run as an Ansible module: options from standard input, the result to standard output."""
        module = _AnsibleModule(argument_spec=self.argument_spec, supports_check_mode=True, **self.rules)
        result, warnings, secrets = self.result(module.params, module.check_mode, module._diff)
        module.no_log_values.update(secrets)
        for warning in warnings:
            module.warn(warning)
        if result.get("failed"):
            module.fail_json(**result)
        module.exit_json(**result)

    def result(
        self, params: dict, check_mode: bool, diff: bool, progress: Callable[[str], None] = lambda text: None
    ) -> tuple[dict, list[str], set[str]]:
        """Return the result of a task with these checked options, its warnings, and secrets to be kept out of both.

        progress: called with a text whenever there is news of something that is waited for.
        """
        client, warnings = None, []
        try:
            if self.resource.foresee:
                preview.check(params)
                fuse.check_options(params)
            warnings += self.resource.validate(params)
            client = self.registry.client(params, read_only=check_mode)
            client.secrets.update(options.secrets(self.argument_spec, params))
            client.progress = progress
            outcome = converge(self.resource, client, params, check_mode)
            result = self._report(outcome, client.left_out, params, diff)
        except MissingLibrary as error:
            result = dict(failed=True, msg=missing_required_lib(error.library))
        except RegistryError as error:
            result = dict(failed=True, changed=bool(client and client.ledger.any()), msg=str(error))
            if getattr(error, "forecasts", None):
                result["preview"] = preview.summary(error.forecasts, params["preview_limit"], self.resource.estimate)
        except Exception as error:
            result = dict(failed=True, changed=bool(client and client.ledger.any()), msg=str(Bug(error)))
        warnings = [printable(warning) for warning in warnings + (client.warnings if client else [])]
        return result, warnings, client.secrets if client else set()

    def _report(self, outcome: Any, left_out: dict, params: dict, diff: bool) -> dict:
        after = outcome.after
        result = dict(changed=outcome.changed, changed_targets=outcome.changed_targets)
        for noun in self.resource.nouns or [self.resource.noun]:
            states = {name: state[noun] for name, state in after.items()} if self.resource.nouns else after
            result[noun] = next(iter(states.values()), None) if outcome.single else states
        if left_out:  # not "skipped": Ansible would take the whole task for skipped
            result["left_out"] = left_out
        if diff:
            result["diff"] = {
                side: {name: {self.resource.noun: states[name]} for name in outcome.changed_targets}
                for side, states in (("before", outcome.before), ("after", after))
            }
        if outcome.forecasts:
            estimate = self.resource.estimate
            result["preview"] = preview.summary(outcome.forecasts, params["preview_limit"], estimate)
            if diff:
                result["diff"]["prepared"] = preview.text(outcome.forecasts, params["preview_limit"], estimate)
        if outcome.failures:
            result.update(failed=True, failures=outcome.failures, msg=_failure_message(outcome))
        return result


def _failure_message(outcome: Any) -> str:
    texts = [f"{target}: {text}" for target, text in outcome.failures.items()]
    more = f" (and {len(texts) - SHOWN} more, see failures)" if len(texts) > SHOWN else ""
    total = len(outcome.failures.keys() | outcome.after.keys())
    return f"{len(texts)} of {total} targets failed. {'; '.join(texts[:SHOWN])}{more}"
