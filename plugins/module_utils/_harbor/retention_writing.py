# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tag retention policies of Harbor's projects, in place and with no moment without one."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry, retention, schedules

RETENTIONS = (*registry.API, "retentions")
BY_ANOTHER = "somebody else changed the retention policy at the same time: run again"
UNDER_WAY = "a run of it is under way: wait, or stop it with harbor_retention_execution (state: stopped), and run again"


class Writing(retention.Policy):
    """The retention policy of one project, brought into the declared state."""

    def apply(self, current, planned):
        if planned is None:
            return self._delete(current)
        if current is None or retention.DANGLING in current:
            if current:
                self._untie()
            self._create(planned)
        else:
            self._update(planned)
        there = self.read_back(RegistryError("the policy was written"), self._look)
        if not self._fits(there, planned):
            raise ContractError(f"Harbor took the policy of {self.target}, but shows another one. {BY_ANOTHER}")
        return there

    def _look(self) -> Any:
        self.retention_id(again=True)
        return self.read()

    @staticmethod
    def _fits(there: Any, planned: dict) -> bool:
        return (
            there is not None
            and {**there, "cron": None} == {**planned, "cron": None}
            and (there["cron"] == planned["cron"] or schedules.cron.same(there["cron"] or "", planned["cron"] or ""))
        )

    # Creating and changing

    def _create(self, planned: dict) -> None:
        scope = {"level": "project", "ref": self.project()["project_id"]}
        body = {"algorithm": retention.OR, "scope": scope, "rules": self.api_rules(planned)}
        body["trigger"] = _trigger(retention.SCHEDULED, planned)
        try:
            self.client.request("POST", api.path(*RETENTIONS), body=body)
        except LostAnswer as error:
            if not self._fits(self.read_back(error, self._look), planned):
                raise
        except ApiError as error:
            if error.status == 400 and self.read_back(error, self._look):
                raise RegistryError(f"{error}. {BY_ANOTHER}") from None
            raise

    def _update(self, planned: dict) -> None:
        held = self.found
        where = api.path(*RETENTIONS, str(held["id"]))
        # It is replaced as a whole, so what somebody wrote since it was read would be lost.
        if _lasting(self.client.get(where, schema=retention.POLICY)) != _lasting(held):
            raise RegistryError(BY_ANOTHER)
        body = dict(held, algorithm=retention.OR, rules=self.api_rules(planned))
        trigger, kinds = held.get("trigger") or {}, [retention.SCHEDULED]
        has_cron = isinstance((trigger.get("settings") or {}).get("cron"), str)
        if trigger.get("kind") != retention.SCHEDULED or not has_cron:
            # Harbor fails at a change of a schedule that has no cron, at one to a schedule with an empty one, and at
            # another kind of trigger that stays. No kind at all always passes.
            kinds = ["", retention.SCHEDULED] if planned["cron"] else [""]
        for kind in kinds:
            body["trigger"] = dict(trigger, **_trigger(kind, planned))
            try:
                self.client.request("PUT", where, body={key: value for key, value in body.items() if key != "id"})
            except ApiError as error:
                if error.status == 404 and not error.sent:
                    raise RegistryError(f"{error}. {BY_ANOTHER}") from None
                raise

    # Deleting

    def _delete(self, current: dict) -> None:
        if retention.DANGLING not in current:
            where = api.path(*RETENTIONS, str(self.found["id"]))
            try:
                self.client.request("DELETE", where)
            except ApiError as error:
                if error.status == 412:
                    raise RegistryError(f"{error}. {UNDER_WAY}") from None
                if error.status != 400:  # Harbor's answer if there is none: somebody else, or an answer that was lost
                    raise
        left = self.retention_id(again=True)
        if left is not None and retention.fetched(self, left) is None:
            # Up to 2.13 the project goes on naming the policy, and then could not have another one.
            self._untie()
        elif left is not None:
            raise RegistryError(f"the project has another retention policy now, {left}. {BY_ANOTHER}")

    def _untie(self) -> None:
        try:
            self.client.request("DELETE", self.where("metadatas", "retention_id"))
        except ApiError as error:
            raise RegistryError(
                f"{error}. The project still names a policy that does not exist any more. Until an administrator of it "
                "runs this, it can have no other one"
            ) from None


def _trigger(kind: str, planned: dict) -> dict:
    """Return a trigger to send: the cron is always a text, "" for none."""
    text = schedules.writable(planned["cron"]) if planned["cron"] and kind else ""
    return {"kind": kind, "settings": {"cron": text}}


def _lasting(found: dict) -> dict:
    """Return a policy without what moves by itself."""
    trigger = found.get("trigger") or {}
    settings = {key: value for key, value in (trigger.get("settings") or {}).items() if key == "cron"}
    return dict(found, trigger=dict(trigger, settings=settings))
