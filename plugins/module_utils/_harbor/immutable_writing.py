# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the rules that protect tags in Harbor's projects, with no moment of less protection."""

from __future__ import annotations

import contextlib

from ansible_collections.registry.hygiene.plugins.module_utils._core import plan
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    LostAnswer,
    NotFound,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import immutable_rules, registry

ACTION = {"action": "immutable", "template": "immutable_template"}


class ImmutableRules(immutable_rules.Reader):
    """The immutable rules of one project, brought into the declared state."""

    several = "declarations"
    undoes = True

    @classmethod
    def declaring(cls, state, params):
        return {"rules": list(state), "exclusive": True}

    @classmethod
    def validate(cls, params):
        immutable_rules.check(params)
        return super().validate(params)

    def plan(self, current):
        return immutable_rules.planned(self.params, current)

    def changes(self, current, planned):
        old, new = ({immutable_rules.key(rule): rule for rule in some} for some in (current, planned))
        found, exposed = [], False
        for key in dict.fromkeys([*new, *old]):
            had, has = (key in some and not some[key]["disabled"] for some in (old, new))
            exposed = exposed or had and not has
            if key not in old:
                found.append(("+", f"{immutable_rules.told(new[key])}{'' if has else ' (disabled)'}"))
            elif key not in new:
                found.append(("-", f"{immutable_rules.told(old[key])}{'' if had else ' (disabled)'}"))
            elif had != has:
                found.append(("~", f"{'enable' if has else 'disable'}: {immutable_rules.told(new[key])}"))
        return found + [(plan.DANGER, self._exposed())] * exposed

    def _exposed(self) -> str:
        """Return what becomes of tags that are not protected any more, in words."""
        if self.retention_id() is None:
            return "what these rules protected can be overwritten and deleted from now on"
        return "what these rules protected can be deleted from now on, also by the project's retention policy"

    def apply(self, current, planned):
        held: dict = {}
        for rule in self.found:
            held.setdefault(_key_of(rule), []).append(rule)
        wanted = {immutable_rules.key(rule): rule for rule in planned}
        for key, rule in wanted.items():  # first what protects more
            if key not in held:
                self._create(rule)
        for disabled in (False, True):
            for key, rules in held.items():
                if key in wanted and wanted[key]["disabled"] is disabled:
                    self._switch(rules, disabled)
        for key, rules in held.items():
            for rule in [] if key in wanted else rules:
                self._delete(rule)
        there = self.read_back(RegistryError("the rules were written"), self.read)
        if there != planned:
            raise ContractError(
                f"Harbor took the rules of {self.target}, but shows others: somebody else wrote them at the same time. "
                "Run again"
            )

    def _create(self, rule: dict) -> None:
        body = {**ACTION, **immutable_rules.in_api_words(rule)}
        known = {one["id"] for one in self.found}
        try:
            answer = self.client.request("POST", self.where("immutabletagrules"), body=body)
            number = registry.made(answer) or self._new(known, rule, None)
        except LostAnswer as error:
            number = self._new(known, rule, error)
        if rule["disabled"]:  # which Harbor ignores in a POST
            try:
                self._put(dict(body, id=number), True)
            except RegistryError as error:
                raise RegistryError(f"{error}. The rule was created, but could not be disabled: it is active") from None

    def _new(self, known: set, rule: dict, error: RegistryError | None) -> int:
        """Return the number of a rule that is there now and was not before; raises the error if there is none."""
        error = error or ContractError("a rule was created, but Harbor does not say its number")
        rows = self.read_back(error, lambda: immutable_rules.listed(self))
        new = [row["id"] for row in rows if row["id"] not in known and _key_of(row) == immutable_rules.key(rule)]
        if not new:
            raise error
        return new[0]

    def _switch(self, rules: list, disabled: bool) -> None:
        """Disable all of these identical rules, or make sure that one of them is enabled."""
        if not disabled and any(not rule.get("disabled") for rule in rules):
            return
        for rule in rules if disabled else rules[:1]:
            if bool(rule.get("disabled")) != disabled:
                self._put(rule, disabled)

    def _put(self, rule: dict, disabled: bool) -> None:
        where = self.where("immutabletagrules", str(rule["id"]))
        self.client.request("PUT", where, body=dict(rule, disabled=disabled))

    def _delete(self, rule: dict) -> None:
        with contextlib.suppress(NotFound):  # by somebody else, or by a request whose answer was lost
            self.client.request("DELETE", self.where("immutabletagrules", str(rule["id"])))


def _key_of(row: dict) -> str:
    """Return what identifies a rule as Harbor lists it."""
    return immutable_rules.key(immutable_rules.in_option_words(row))
