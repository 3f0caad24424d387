# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schedules of purge and garbage collection share: reading, comparing, writing."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, runs, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource, differences
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import cron, executions, registry

SCHEDULE_SPEC = dict(
    state=dict(type="str", choices=["present", "absent"], default="present"),
    schedule=dict(type="str", choices=[*cron.WORDS, cron.CUSTOM]),
    cron=dict(type="str"),
    dry_run=dict(type="bool"),
    **{key: runs.ARGUMENT_SPEC[key] for key in ("wait_timeout", "poll_interval")},  # of the server's preview
)
REQUIRED_IF = [("schedule", cron.CUSTOM, ["cron"])]
FOUND = {
    "type": "object",
    "required": ["schedule"],
    "properties": {
        "schedule": {
            "type": "object",
            "required": ["type", "cron"],
            "properties": {"type": executions.TEXT, "cron": executions.TEXT},
        },
        "job_status": executions.TEXT,
        "job_parameters": {"type": ["string", "null"], "maxLength": 65536},
    },
}
NOT_DECLARED = ("active", "server_preview")  # keys of the state that no option sets
TRIES, PAUSE = 3, 1.0  # of a write that another one crosses, and seconds between


class Reader(Resource):
    """The schedule of one kind of runs, to be read. `kind` is the class of these runs."""

    kind_of_runs = executions.Executions
    noun = "schedule"

    @classmethod
    def named(cls, params):
        return cls.kind_of_runs.named(params)

    @classmethod
    def targets(cls, client, params):
        return cls.kind_of_runs.targets(client, params)

    def where(self) -> str:
        """Return the path of the schedule."""
        return api.path(*registry.API, *self.kind_of_runs.place, "schedule")

    def runs_of(self) -> executions.Executions:
        """Return the runs of this kind, to be looked at."""
        found = self.kind_of_runs(self.client, self.entry, self.target)
        found.locate()
        return found

    def fetched(self) -> dict | None:
        """Return the schedule as Harbor shows it, None if there is none."""
        answer = self.client.request("GET", self.where())
        kind = answer.headers.get("Content-Type") or ""
        if not answer.body and kind.startswith("application/json"):  # its way to say that there is none
            return None
        return self.client.parse(self.where(), answer, FOUND)

    def state_of(self, found: dict | None) -> dict | None:
        """Return a schedule in the words of options. active: whether it does anything at all."""
        if found is None:
            return None
        held = executions.parameters(self.where(), found.get("job_parameters"))
        return {
            "schedule": found["schedule"]["type"].lower(),
            "cron": found["schedule"]["cron"],
            **self.content(held, found),
            # A replacement that fails leaves the old schedule listed although it fires no more.
            "active": found.get("job_status") != "Stopped" and self.works(held),
            "server_preview": None,
        }

    def content(self, held: dict, found: dict) -> dict:
        """Return what the stored parameters mean, in the words of options; found: the whole schedule."""
        raise NotImplementedError

    def works(self, held: dict) -> bool:
        """Return whether Harbor's runs understand the stored parameters."""
        return True

    def found_and_state(self) -> tuple[dict | None, dict | None]:
        """Return the schedule as Harbor shows it, and in the words of options."""
        self.version = registry.version(self.client)
        found = self.fetched()
        return found, self.state_of(found)

    def read(self):
        return self.found_and_state()[1]


class Schedule(Reader):
    """The schedule of one kind of runs, brought into the declared state."""

    called = "schedule"
    starts = executions.Execution  # the class of its runs, to be started
    unread = ()  # keys of the state that Harbor does not show after a write
    undoes = True
    beside_undo = ("wait_timeout", "poll_interval", "preview")

    @classmethod
    def named_as(cls, target):
        return {}

    @classmethod
    def declaring(cls, state, params):
        if state is None:
            return {"state": "absent"}
        return {key: value for key, value in state.items() if key not in NOT_DECLARED and value is not None}

    def shows(self, there, state):
        if there is None or state is None:
            return there is state
        leave = ("cron", "server_preview", *(key for key in self.unread if None in (there[key], state.get(key))))
        same = all(there[key] == state.get(key) for key in there if key not in leave)
        return same and cron.same(there["cron"], str(state.get("cron")))

    @classmethod
    def validate(cls, params):
        if params["cron"] is not None:
            cron.check(params["cron"])
        runs.check_waiting(params)
        return []

    def planned_content(self, current: dict | None) -> dict:
        """Return what its runs are to do; an option that is not set keeps its value. Raises PlanRefused."""
        raise NotImplementedError

    def parameters(self, planned: dict | None) -> dict:
        """Return the parameters to send; None: of a deletion."""
        raise NotImplementedError

    def plan(self, current):
        if self.params["state"] == "absent":
            return None
        planned = {**self._when(current), **self.planned_content(current), "active": True, "server_preview": None}
        if planned != current:
            cron.check(writable(planned["cron"]))
            executions.check_mode_has_none(self)
        return planned

    def _when(self, current: dict | None) -> dict:
        word, text = self.params["schedule"], self.params["cron"]
        if text is None:
            text = cron.WORDS.get(word) or (current and current["cron"])
        if text is None:
            raise PlanRefused("there is no schedule yet: set schedule to hourly, daily or weekly, or set a cron")
        alike = current and cron.same(current["cron"], text)
        if alike:
            text = current["cron"]
            word = word or (current["schedule"] if current["schedule"] in (*cron.WORDS, cron.CUSTOM) else None)
        return {"schedule": word or cron.word(text), "cron": text}

    def changes(self, current, planned):
        if planned is None:
            return [("-", f"the schedule {current['schedule']} ({current['cron']})")]
        hidden = ("active:", "server_preview:")
        found = [change for change in differences(current or {}, planned) if not change[1].startswith(hidden)]
        dead = current and not current["active"]
        return [("~", "write it again: it is listed, but does nothing")] * bool(dead) + found

    def apply(self, current, planned):
        preview = None
        if planned and self.params["preview"] == "server" and not planned["dry_run"]:
            preview = executions.rehearsed(self.starts, self, self.planned_content(current))
        there = self._write(planned)
        return there and dict(there, server_preview=preview, **{key: planned[key] for key in self.unread})

    def _write(self, planned: dict | None) -> dict | None:
        when = {"type": "None"} if planned is None else _body(planned)
        body = {"schedule": when, "parameters": self.parameters(planned)}
        for turn in range(TRIES):
            try:
                # PUT creates as well, and may be sent again.
                self.client.request("PUT", self.where(), body=body)
            except ApiError as error:
                crossed = error.status in (404, 409)  # Harbor's answers to all but one of those who write at a time
                if not crossed and error.status < 500:
                    raise
                there = self.read_back(error, self.read)
                if self.fits(there, planned):
                    self.idle = crossed
                    return there
                if not crossed or turn == TRIES - 1:
                    more = ". Somebody else writes the schedule at the same time. Run again" if crossed else ""
                    raise RegistryError(f"{error}{more}. It is now: {_told(there)}") from None
                wait.pause(PAUSE)
            else:
                break
        there = self.read_back(RegistryError("the schedule was written"), self.read)
        if not self.fits(there, planned):
            raise ContractError(
                f"Harbor took the schedule but shows another one: {_told(there)}. Somebody else wrote it at the same "
                "time, or this version of Harbor is not known. Run again"
            )
        return there

    def fits(self, there: dict | None, planned: dict | None) -> bool:
        """Return whether what is there is what was planned, as far as Harbor shows it."""
        if there is None or planned is None:
            return there is planned
        leave = ("cron", "server_preview", *self.unread)
        return cron.same(there["cron"], planned["cron"]) and all(
            there[key] == planned[key] for key in planned if key not in leave
        )


def writable(text: str) -> str:
    """Return a cron with 0 as its second: builds before 2.9 held others, and later ones do not take them again."""
    pieces = text.split(" ")
    return " ".join(["0", *pieces[1:]]) if len(pieces) == 6 else text


def _body(planned: dict) -> dict:
    return {"type": planned["schedule"].capitalize(), "cron": writable(planned["cron"])}


def _told(there: Any) -> str:
    if there is None:
        return "there is none"
    return f"{there['schedule']} ({there['cron']}){'' if there['active'] else ', which does nothing'}"
