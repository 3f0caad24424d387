# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of tag retention in Harbor's projects: looked at, started, stopped, and what became of them."""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, runs, schedule, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import NotFound, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    executions,
    foresight,
    immutable_rules,
    projects,
    registry,
    retention,
    retention_log,
)

RUN_SPEC = dict(
    projects.PROJECTS_SPEC,
    state=executions.RUN_SPEC["state"],
    dry_run=dict(type="bool", default=True),
    **runs.ARGUMENT_SPEC,
    **executions.PREVIEW,
    **immutable_rules.DECLARED_SPEC,
)
ROWS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "status"],
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            **dict.fromkeys(("status", "trigger", "start_time", "end_time"), retention_log.TEXT),
            "dry_run": {"type": "boolean"},
        },
    },
}
SETTLED = 15  # seconds after the end of its last task, after which a run counts as over, whatever Harbor says of it
LOOKS, PAUSE = 3, 1.0  # at numbers that come a moment after the end, and seconds between
MOST_LOGS = 20  # that a task reads
TAIL = 3  # lines
NO_POLICY = "the project has no retention policy"
NOT_YET = (
    "some projects have no retention policy, so nothing can be started there: that fails, unless a task before gives "
    "them one with harbor_retention_policy"
)


class RetentionRun(foresight.Foreseeing, executions.Previewed):
    """The runs of tag retention in one project, one of which is to be started, or none of which is to go on."""

    noun = "execution"
    word = "retention run"
    exclusive = False
    stopped = "Stopped"
    good, bad = ("Success",), ("Error", "Stopped")
    numbers = ("total", "retained", "repositories")
    keys = ("id", "status", "trigger", "dry_run", "start_time", "end_time", *numbers)
    moments = ("end_time", "start_time")
    number = policy = None  # of the policy, and itself

    @classmethod
    def validate(cls, params):
        return executions.Previewed.validate(params) + super().validate(params)

    def locate(self):
        self.number = self.retention_id()
        if self.params["state"] != "started":
            return
        self.policy = None if self.number is None else retention.fetched(self, self.number)
        if self.policy is None:
            self.number = None
            if not self.client.read_only:
                raise NotFound(f"{NO_POLICY}: give it one with harbor_retention_policy", 404)
            # An earlier task of the same play may be about to make it. Many projects are one warning.
            if NOT_YET not in self.client.warnings:
                self.client.warnings.append(NOT_YET)

    def place(self, *rest: Any) -> str:
        """Return the path of the runs, or of something of one."""
        return api.path(*registry.API, "retentions", str(self.number), "executions", *map(str, rest))

    # Looking

    def recent(self):
        if self.number is None:
            return []
        rows = registry.listing(self.client, self.place(), ROWS, lambda row: row["id"], most=registry.PAGE)
        return [self._run(row) for row in rows]

    def active(self):
        return [run for run in self.recent() if not self.final(run)]

    def one(self, identity):
        return next((run for run in self.recent() if run["id"] == identity), None)

    def _run(self, row: dict) -> dict:
        moments = {key: row.get(key) or "" for key in ("start_time", "end_time")}
        return {
            "id": row["id"],
            # A run may be said to go on half a minute after its last task, and now and then for ever.
            "status": self._settled(row["id"]) if row["status"] == "Running" else row["status"],
            "trigger": row.get("trigger", "").lower() or None,
            "dry_run": row.get("dry_run", False),
            **{key: registry.moment(text) for key, text in moments.items()},
        }

    def _settled(self, identity: int) -> str:
        tasks = self.tasks(identity)
        status = retention_log.status(tasks)
        if not tasks or status == "Running":
            return "Running"
        ends = [schedule.epoch(task["end_time"]) for task in tasks if task.get("end_time")]
        # Until then others may be launched: they come one after another.
        return status if ends and max(ends) + SETTLED <= self.client.now() else "Running"

    def tasks(self, identity: int) -> list:
        """Return the tasks of a run: one for each repository that a rule is about."""
        where = self.place(identity, "tasks")
        return registry.listing(self.client, where, retention_log.TASKS, lambda task: task["id"])

    def details(self, run):
        for look in range(LOOKS):
            tasks = self.tasks(run["id"])
            if look == LOOKS - 1 or all(task.get("total") for task in tasks if task["status"] == "Success"):
                break
            wait.pause(PAUSE)
        counter = self.client.cached("logs of retention runs", itertools.count)
        told = {}
        for task in retention_log.worst(tasks):
            log = self.log(run["id"], task["id"]) if next(counter) < MOST_LOGS else None
            told[task["repository"]] = retention_log.told(task, log)
        return dict(retention_log.numbers(tasks), repositories=told)

    def log(self, identity: int, task: int) -> str | None:
        """Return the log of a task, None if there is none."""
        try:
            # Our Accept makes a JSON text of it.
            return self.client.get(self.place(identity, "tasks", task), schema={"type": "string"})
        except NotFound:
            return None

    def tail(self, run):
        failed = [task for task in self.tasks(run["id"]) if task["status"] == "Error"]
        log = self.log(run["id"], failed[0]["id"]) if failed else None
        return f"{failed[0]['repository']}: {retention_log.last_lines(log, TAIL)}"[:400] if log else ""

    # Starting and stopping

    def wanted(self):
        return {"dry_run": self.params["dry_run"]}

    def covers(self, run):
        return run.get("dry_run") == self.params["dry_run"]

    def own(self, run):
        return run["trigger"] == "manual" and self.covers(run)

    def start(self):
        # Always told: without it, Harbor starts a real one.
        answer = self.client.request("POST", self.place(), body={"dry_run": self.params["dry_run"]})
        number = registry.made(answer)
        return self.asked(lambda run: self.one(run["id"]), {"id": number}, None) if number else None

    def stop(self, run):
        self.client.request("PATCH", self.place(run["id"]), body={"action": "stop"})

    def described(self):
        if self.policy is None:
            return "as soon as there is a policy"
        return plural(len(self.policy["rules"] or []), "rule")

    def rules(self, current, planned):
        deletes = self.params["state"] == "started" and not self.params["dry_run"] and self.policy
        return self.policy["rules"] or [] if deletes and self.policy.get("algorithm") == retention.OR else [], None

    def apply(self, current, planned):
        if self.params["state"] == "started":
            now = retention.fetched(self, self.number)
            if now is None or now["rules"] != self.policy["rules"]:
                raise RegistryError("somebody else changed the retention policy at the same time: run again")
        return super().apply(current, planned)
