# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an Ansible module of a resource and a registry. The only file that knows AnsibleModule."""

from __future__ import annotations

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.validation import check_required_if
from ansible_collections.registry.hygiene.plugins.module_utils._core import (
    access,
    approval,
    declarations,
    fuse,
    in_use,
    options,
    planfile,
    result,
    undo,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.engine import converge
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    Bug,
    MissingLibrary,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

MOST_WARNINGS = 50


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

    def fail_json(self, msg: str, **more: Any) -> None:
        self.params = options.shortened(self.params)
        super().fail_json(msg, **more)


class Module:
    """What a module file describes: a resource, its registry (ARGUMENT_SPEC, client), its own options, their rules.

    beside: options of the whole task, beside a list of several declarations (Resource.several) which have the others.
    """

    def __init__(
        self, resource: type, registry: Any, argument_spec: dict, beside: dict | None = None, **rules: Any
    ) -> None:
        self.resource = resource
        self.registry = registry
        self.own = argument_spec
        self.required_if = rules.pop("required_if", [])
        self.rules = rules
        if resource.several:
            argument_spec, self.rules = declarations.specified(resource, argument_spec, rules)
        generic = dict(beside or {})
        if resource.module:
            generic.update(planfile.ARGUMENT_SPEC, **approval.ARGUMENT_SPEC, **result.ARGUMENT_SPEC)
        if resource.foresees:
            generic.update(fuse.ARGUMENT_SPEC)
        if resource.undoes:
            generic.update(undo.ARGUMENT_SPEC)
            needed = [(*names, "undo") for names in self.rules.get("required_one_of", [])]
            self.rules = dict(self.rules, required_one_of=needed)
        argument_spec = dict(generic, **argument_spec)
        self.argument_spec = dict(access.ARGUMENT_SPEC, **registry.ARGUMENT_SPEC, **argument_spec)

    def run(self) -> None:
        """Run as an Ansible module: options from standard input, the result to standard output."""
        module = _AnsibleModule(argument_spec=self.argument_spec, supports_check_mode=True, **self.rules)
        found, warnings, secrets = self.result(module.params, module.check_mode, module._diff)
        module.no_log_values.update(secrets)
        module.params = options.shortened(module.params)
        for warning in warnings:
            module.warn(warning)
        if found.get("failed"):
            module.fail_json(**found)
        module.exit_json(**found)

    def result(
        self, params: dict, check_mode: bool, diff: bool, progress: Callable[[str], None] = lambda text: None
    ) -> tuple[dict, list[str], set[str]]:
        """Return the result of a task with these checked options, its warnings, and secrets to be kept out of both.

        progress: called with a text whenever there is news of something that is waited for.
        """
        client, warnings = None, []
        try:
            back = undo.Undo(self.resource, self.own, params) if params.get("undo") is not None else None
            entries = back.entries if back else declarations.entries(self.resource, params)
            warnings += self._check(params, entries)
            client = self._client(params, check_mode)
            if back:
                back.check_registry(client.url)
            client.secrets.update(options.secrets(self.argument_spec, params))
            client.progress = progress
            report = result.Report(self.resource, client, params, check_mode)
            content = [name for name in self.own if name not in self.resource.naming]
            outcome = converge(self.resource, client, params, check_mode, content, report.hold, entries)
            found = report.of(outcome, diff, *(back.told(client, bool(outcome.changed_targets)) if back else ()))
        except MissingLibrary as error:
            found = dict(failed=True, msg=missing_required_lib(error.library), no_access=True)
        except RegistryError as error:
            found = dict(failed=True, changed=bool(client and client.ledger.any()), msg=result.cut(str(error)))
            found.update({"no_access": True} if error.no_access else {})
        except Exception as error:
            found = dict(failed=True, changed=bool(client and client.ledger.any()), msg=str(Bug(error)))
        warnings = [printable(warning) for warning in dict.fromkeys(warnings + (client.warnings if client else []))]
        if len(warnings) > MOST_WARNINGS:
            warnings[MOST_WARNINGS:] = [f"and {len(warnings) - MOST_WARNINGS:,} more warnings"]
        return found, warnings, client.secrets if client else set()

    def _client(self, params: dict, check_mode: bool) -> Any:
        try:
            return self.registry.client(params, read_only=check_mode)
        except RegistryError as error:
            error.no_access = True  # no task with this address and these credentials gets one
            raise

    def _check(self, params: dict, entries: list) -> list[str]:
        """Return warnings about the options; raises PlanRefused. Pure."""
        warnings = []
        if self.resource.module:
            result.check_options(params)
            planfile.check_options(params)
            approval.check_options(params)
        if self.resource.foresees:
            fuse.check_options(params)
            in_use.check_options(params)
        if self.resource.several and params.get("undo") is None:
            declarations.check_list(self.resource, self.own, params)
        for entry in entries:
            place = "" if entry.number is None else f"{entry.place()}: "
            try:
                given = {name: value for name, value in entry.params.items() if value is not None}
                check_required_if(self.required_if, given)
                if entry.own and self.resource.foresees:
                    fuse.check_options(entry.params)
                warnings += [f"{place}{warning}" for warning in self.resource.validate(entry.params)]
            except (TypeError, PlanRefused) as error:  # check_required_if raises TypeError
                if not isinstance(entry, undo.Undone):
                    raise PlanRefused(f"{place}{error}") from None
                entry.fault = entry.fault or str(error)  # others of the file are put back all the same
        return warnings
