# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the policies of one repository; after a failure it finds out what is there, and writes nothing in doubt."""

from __future__ import annotations

import json
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import NotFound, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._swr import retention

PAUSES = (0, 1, 3, 9)  # seconds before each look at what an unanswered write has done: it may come into effect late
MOST_FAILURES = 2  # of these looks; each of them has been tried again by the client already


class Undone(RegistryError):
    """A write that failed, after others or in doubt. `there`: the policies after it, None if they cannot be known."""

    def __init__(self, error: RegistryError, there: list | None, text: str) -> None:
        super().__init__(f"{error}. {text}")
        self.error = error
        self.there = there
        self.fatal, self.no_access = error.fatal, error.no_access


class Changes:
    """The writes to one repository, one after the other. Each raises RegistryError that says what is there now."""

    def __init__(self, resource: retention.RetentionReader) -> None:
        self.resource = resource
        self.before = resource.found
        self.wrote = False

    def update(self, policy: dict, planned: dict) -> None:
        """Change a policy in place."""
        number = _number(policy)
        body = retention.in_api_words(planned)
        self._write("PATCH", number, body, lambda there: planned == _words(there).get(number))

    def delete(self, policy: dict) -> None:
        """Delete a policy; somebody else may be faster."""
        number = _number(policy)
        self._write("DELETE", number, None, lambda there: number not in _words(there))

    def create(self, planned: dict) -> None:
        """Create a policy; if none came of it, put back the first of those that were there before."""
        try:
            self._create(retention.in_api_words(planned), planned)
        except Undone as undone:
            if undone.there != [] or not self.before:
                raise
            raise RegistryError(f"{undone.error}. {self._put_back(self.before[0])}") from None

    def _put_back(self, policy: dict) -> str:
        rules = [dict(rule, tag_selectors=rule.get("tag_selectors") or []) for rule in policy["rules"]]
        try:
            self._create({"algorithm": "or", "rules": rules}, retention.one_in_option_words({"rules": rules}))
        except Undone as undone:
            return f"Putting back the old policy, which was deleted before, failed: {undone}"
        return "The old policy, which was deleted before, was put back"

    def _create(self, body: dict, state: dict) -> None:
        self._write("POST", None, body, lambda there: state in _words(there).values())

    def look(self, done: Callable[[list], bool], patient: bool = True) -> list:
        """Return the policies that are there as soon as they are what they should be; patient: or do not become it.

        Raises RegistryError if that cannot be read.
        """
        failures = 0
        for pause in PAUSES:
            wait.pause(pause)
            try:
                there = self.resource.fetch()
            except RegistryError:
                failures += 1
                if failures == MOST_FAILURES or pause == PAUSES[-1]:
                    raise
                continue
            if not patient or done(there):
                break
        return there

    def _write(self, method: str, number: str | None, body: Any, done: Callable[[list], bool]) -> None:
        where = self.resource.where(number) if number else self.resource.where()
        try:
            self.resource.client.request(method, where, body=body)
        except RegistryError as error:
            if method == "DELETE" and isinstance(error, NotFound):
                pass
            elif not error.sent and not self.wrote:
                raise
            else:
                self._find_out(error, done)
        self.wrote = True

    def _find_out(self, error: RegistryError, done: Callable[[list], bool]) -> None:
        """Return if the write that failed was done all the same, otherwise raise Undone."""
        try:
            there = self.look(done, patient=error.sent)
        except RegistryError as trouble:
            text = f"Which policy is there now is not known, nothing more was written: reading back failed: {trouble}"
            raise Undone(error, None, text) from None
        if not done(there):
            raise Undone(error, there, self._told(there))
        self.resource.client.ledger.note(certain=True)

    def _told(self, there: list) -> str:
        """Return in words what is there now."""
        if not there:
            return "THERE IS NO POLICY NOW"
        if there == self.before:
            return "The old policy is still there"
        return f"There is now {json.dumps(retention.in_option_words(there))[:500]}"


def _number(policy: dict) -> str:
    return str(int(policy["id"]))


def _words(there: list) -> dict:
    """Return id -> state of the policies."""
    return {_number(policy): retention.one_in_option_words(policy) for policy in there}
