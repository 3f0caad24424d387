# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replication policy of Harbor, brought into the declared state in the ways that Harbor takes without harm."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import runs, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    consequences,
    declared,
    listings,
    replication,
    replication_runs,
)


class Policy(declared.Declared):
    """One replication policy. `endpoint` is the row of the endpoint that the task names for it."""

    noun = called = "policy"
    place = listings.POLICIES
    endpoint = None

    @classmethod
    def validate(cls, params):
        runs.check_waiting(params)
        return replication.check(params)

    @classmethod
    def declaring(cls, state, params):
        return {"state": "absent"} if state is None else {key: state[key] for key in state if key != "name"}

    def state_of(self, found):
        return replication.state_of(self.version, found)

    def read(self):
        current = super().read()
        if self.params["state"] == "absent":
            if current and not self.params["force"]:
                self._check_idle()
            return current
        side = next((side for side in replication.SIDES if self.params[side]), None)
        if side:
            there, given = (self.found or {}).get(side) or {"id": listings.LOCAL}, self.params[side]
            same = there["id"] != listings.LOCAL and there["name"] == given
            self.endpoint = there if same else self._looked_up(given)
        return current

    def _looked_up(self, given: str) -> dict:
        try:
            return listings.endpoint(self.client, given)
        except listings.Unknown as error:
            if not self.client.read_only:
                raise
            # An earlier task of the same play may be about to make it. Equal words for all of them make one warning.
            self.client.warnings.append(f"policies cannot be written without their endpoint: {error}")
            return {"id": None, "name": given}

    def wanted(self, current):
        name = self.endpoint and self.endpoint["name"]
        found = replication.planned(self.version, self.target, self.params, current, name)
        dangers = [] if self.params["allow_remote_deletion"] else consequences.dangers(current, found)
        if dangers:
            raise RegistryError(
                f"refused by allow_remote_deletion: {'; '.join(dangers)}. If that is meant, set it to true (in a role: "
                "harbor_hygiene_allow_remote_deletion)"
            )
        return found

    def changes(self, current, planned):
        return consequences.changes(current, planned)

    def apply(self, current, planned):
        if planned is None:
            return self._remove()
        before = self.found
        try:
            return self.write(self._body(planned, self.endpoint), planned, lambda there: there == planned)
        except RegistryError as error:
            late = getattr(error, "status", 0) == 409 or runs.in_doubt(error)  # others are refused before any harm
            if before and current["enabled"] and current["trigger"] == replication.SCHEDULED and late:
                raise self._put_back(before, current, error) from None
            raise

    def _body(self, state: dict, endpoint: dict | None) -> dict:
        side = next(side for side in replication.SIDES if state[side])
        return replication.body(self.version, state, (endpoint or self.found[side])["id"])

    def _put_back(self, before: dict, current: dict, error: RegistryError) -> RegistryError:
        """Write the old content again: before Harbor refuses a PUT it stops the schedule, which it shows as before."""
        side = next(side for side in replication.SIDES if current[side])
        body = replication.body(self.version, current, before[side]["id"])
        try:
            self.client.request("PUT", listings.where(self.place, before["id"]), body=body)
        except RegistryError as again:
            hint = (
                f"Its schedule may be dead, although it is shown: writing what it had failed, too ({again}). Run again"
            )
        else:
            hint = (
                "What it had was written again, because Harbor stops the schedule of a policy whose change it refuses"
            )
        return declared.explained(error, hint)

    def _check_idle(self) -> None:
        """Raise RegistryError if executions are really under way: with all tasks over, Harbor only has not seen it."""
        found = [run for run in self._running() if run["in_progress"] or not run["total"]]
        if found:
            text = f"{plural(len(found), 'execution')} of it (such as {found[0]['id']})"
            raise RegistryError(f"{text} under way, so Harbor does not delete it. Set force: true to stop them first")

    def _running(self) -> list:
        return replication_runs.listed(self.client, {"policy_id": self.found["id"], "status": "InProgress"})

    def _remove(self) -> None:
        began = wait.now()
        while True:
            if self.params["force"]:
                for run in self._running():
                    replication_runs.stop(self.client, run["id"])
            try:
                return self.delete()
            except RegistryError as error:
                if getattr(error, "status", 0) != 412:
                    raise
                if wait.now() - began > self.params["wait_timeout"]:
                    hint = "Some of it are under way, or failed and run again. See wait_timeout and force"
                    raise declared.explained(error, hint) from None
            self.client.tell(f"{self.target}: waits until Harbor has seen that its executions are over")
            wait.pause(self.params["poll_interval"])
