# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo: what a plan file says that was there before, declared anew."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core import planfile
from ansible_collections.registry.hygiene.plugins.module_utils._core.declarations import Entry
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import said
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

ARGUMENT_SPEC = dict(undo=dict(type="path"), undo_force=dict(type="bool", default=False))
MOST_WORDS = 80  # characters of a state in a message


class Undone(Entry):
    """One change of a plan file, to be taken back. before, after: the states that the file has of it.

    fault: why it cannot be declared as it was before; empty if it can.
    """

    def __init__(self, params: dict, number: int, change: dict) -> None:
        super().__init__(params, number, [change["target"]], {}, "changes")
        self.target, self.before, self.after = (change[key] for key in ("target", "before", "after"))
        self.fault = ""

    def planned(self, thing: Any, current: Any) -> Any:
        """Return what was there before, if what is there now is what the plan made of it; raises RegistryError."""
        now = _plain(current)
        if thing.full_name() != self.target:
            raise RegistryError(f"the file names {self.target}, which is not {thing.full_name()}")
        if _shows(thing, now, self.before):
            if _shows(thing, self.before, self.after):  # what was written cannot be seen
                self._tell(thing)
            return current
        if not self.params["undo_force"] and not _shows(thing, now, self.after):
            raise RegistryError(
                f"somebody has changed it since, or the change failed half way. It is {_said(now)}, by the plan it was "
                f"{_said(self.after)}. To put back {_said(self.before)} all the same, set undo_force: true (in the "
                "playbook: registry_hygiene_undo_force)"
            )
        if self.fault:
            raise RegistryError(f"it cannot be put back: {self.fault}")
        try:
            planned = thing.plan(current)
        except PlanRefused as error:  # this one's alone
            raise RegistryError(f"it cannot be put back: {error}") from None
        if not _shows(thing, _plain(planned), self.before):
            raise RegistryError(
                f"it cannot be put back as it was, {_said(self.before)}, but only as {_said(_plain(planned))}: declare "
                "what you want instead"
            )
        self._tell(thing)
        return planned

    def _tell(self, thing: Any) -> None:
        lost = thing.lost(self.before, self.after)
        if lost:
            thing.client.warnings.append(f"{self.target}: {lost}")


class Undo:
    """A plan file that is to be taken back: `entries`, one for each of its changes."""

    def __init__(self, resource: Any, argument_spec: dict, params: dict) -> None:
        self.resource = resource
        self.path = params["undo"]
        self.shown = printable(self.path, 200)
        _check_beside(resource, argument_spec, params)
        self.losing: dict = {}  # repository -> how many of its images went, or may have
        self.held = planfile.load(self.path, "undo", self._count)
        if self.held["module"] != resource.module:
            raise PlanRefused(f"undo: {self.shown} is of {self.held['module']}, not of {resource.module}")
        secret = [name for name in resource.beside_undo if argument_spec[name].get("no_log") and params[name]]
        if secret and len(self.held["changes"]) > 1:
            raise PlanRefused(
                f"{', '.join(secret)}: the plan file has {plural(len(self.held['changes']), 'target')}, and all would "
                "get it. Leave it out, and write it to each of them afterwards"
            )
        self.entries = [
            self._entry(resource, argument_spec, params, number, change)
            for number, change in enumerate(self.held["changes"])
        ]

    def _count(self, repository: str, one: dict) -> None:
        number = len(forecasts.going(one["images"]))
        if number:
            self.losing[repository] = number

    def _entry(self, resource: Any, argument_spec: dict, params: dict, number: int, change: dict) -> Undone:
        entry = Undone(params, number, change)
        try:
            named = resource.named_as(change["target"])
            said = {name: params[name] for name in resource.beside_undo}
            content: dict = {}
            for state in ("after", "before"):  # the one that counts comes last
                try:
                    entry.fault, content = "", resource.declaring(change[state], params)
                except PlanRefused as error:
                    entry.fault, content = str(error), {}
        except (TypeError, KeyError, AttributeError, ValueError):
            raise PlanRefused(f"undo: {self.shown}: {entry.place()} holds no state of {resource.module}") from None
        for options in (content, {}) if not entry.fault else ({},):
            # What a file says is checked as what a task says.
            checked = ArgumentSpecValidator(argument_spec).validate(dict(said, **options, **named))
            entry.params = dict(params, **checked.validated_parameters)
            if not checked.error_messages:
                break
            entry.fault = entry.fault or "; ".join(checked.error_messages)
        return entry

    def check_registry(self, url: str) -> None:
        """Raise PlanRefused if the file is of another registry than the one at this address."""
        if self.held["registry"] != url:
            raise PlanRefused(f"undo: {self.shown} is of {printable(self.held['registry'], 200)}, not of {url}")

    def told(self, client: Any, changed: bool) -> tuple[list[str], dict | None]:
        """Return lines for people about what no undo brings back, and what can be restored otherwise (GET only)."""
        number = sum(self.losing.values())
        lines = []
        if not changed:
            lines += [
                "  nothing to take back. Earlier plans that were carried out are kept, with their time in their names"
            ]
        if not number:
            return lines, None
        lines += [f"  images that are deleted stay deleted: {plural(number, 'image')} went, or may have, by that plan"]
        if not self.resource.restorable:
            return lines, None
        found, more = self.resource.restorable(client, self.losing, self.held.get("made"))
        return lines + more, found


def _check_beside(resource: Any, argument_spec: dict, params: dict) -> None:
    given = [
        name
        for name, option in argument_spec.items()
        if params[name] != option.get("default") and name not in resource.beside_undo
    ]
    given += [name for name in (resource.several, "exclusive") if name and name not in given and params.get(name)]
    if given:
        raise PlanRefused(f"{', '.join(given)}: beside undo it means nothing, as the plan file says what was there")
    if params["plan_file"] and os.path.realpath(params["plan_file"]) == os.path.realpath(params["undo"]):
        raise PlanRefused("plan_file: it is the file that undo reads, which would be lost: write another one")


def _shows(thing: Any, there: Any, state: Any) -> bool:
    try:
        return thing.shows(there, state)
    except (TypeError, KeyError, AttributeError):  # a file may hold anything
        return False


def _plain(state: Any) -> Any:
    """Return a state as it is in a file: tuples are lists there."""
    return json.loads(json.dumps(state))


def _said(state: Any) -> str:
    return printable("nothing" if state in (None, []) else said(state), MOST_WORDS)
