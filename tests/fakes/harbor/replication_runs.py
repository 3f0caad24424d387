# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication executions of the fake Harbor: by hand, by schedule and by event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import models
from .gojson import stamp
from .jobs import EXECUTIONS, FINAL, REPLICATION, TASKS, Execution, Schedule, Task
from .listing import Match, filtered, listing
from .registries import Registries
from .remotes import Image
from .replication_jobs import FetchFailed, Resource, Side, Transfer, destination, keeps, refused
from .replication_policies import Policy, ReplicationPolicies
from .store import Artifact, Project, Repository
from .wire import JSON, TEXT, Call, Refusal, Route, created, not_found, ok, text_answer

if TYPE_CHECKING:
    from .server import Harbor

STATUSES = {"Running": "InProgress", "Success": "Succeed", "Error": "Failed", "Scheduled": "InProgress"}
RAW_STATUSES = {"InProgress": ("Running", "Scheduled"), "Succeed": ("Success",), "Failed": ("Error",)}
TRIGGERS = {"MANUAL": "manual", "SCHEDULE": "scheduled", "EVENT": "event_based"}
RAW_TRIGGERS = {word: raw for raw, word in TRIGGERS.items()}
NOTHING = "no resources need to be replicated"
SKIPPED = "Execution skipped: active replication still in progress."
LISTING_SECONDS = 1
PAGES = ("page", "page_size", "sort")


class ReplicationRuns:
    """The calls about executions and tasks."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.jobs = harbor.jobs
        self.policies: ReplicationPolicies = harbor.family(ReplicationPolicies)
        self.registries: Registries = harbor.family(Registries)
        self.jobs.firing[REPLICATION] = self._fired
        harbor.store.on_change.append(self._event)

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        resource, all_of = "replication", "/replication/executions"
        query = (*PAGES, "policy_id", "status", "trigger")
        return {
            all_of: {
                "GET": Route(self.list, (resource, "list"), query=query),
                "POST": Route(self.start, (resource, "create"), ("execution", models.START_REPLICATION)),
            },
            f"{all_of}/{{id}}": {
                "GET": Route(lambda call: ok(self.shown(self.find(call.path["id"]))), (resource, "read")),
                "PUT": Route(self.stop, (resource, "create")),
            },
            f"{all_of}/{{id}}/tasks": {
                "GET": Route(self.list_tasks, (resource, "list"), query=(*PAGES, "status", "resource_type"))
            },
            f"{all_of}/{{id}}/tasks/{{task_id}}/log": {
                "GET": Route(self.log, (resource, "read"), produces=(TEXT, JSON))
            },
        }

    # Calls

    def find(self, number: int) -> Execution:
        """Returns the execution of an id; raises the 404."""
        run = self.jobs.find(number, REPLICATION)
        if run is None:
            raise not_found(f"replication execution {number} not found")
        return run

    def list(self, call: Call) -> Answer:
        """Lists the executions."""
        rows: Any = self.jobs.of(REPLICATION, call.query.get("policy_id"))
        status, trigger = call.query.get("status"), call.query.get("trigger")
        if status:
            rows = [row for row in rows if row.status in RAW_STATUSES.get(status, (status,))]
        if trigger:
            rows = filtered(rows, EXECUTIONS, {"trigger": Match("exact", RAW_TRIGGERS.get(trigger, trigger))})
        return listing(call, rows, EXECUTIONS, self.shown)

    @staticmethod
    def shown(run: Execution) -> dict[str, Any]:
        """Returns an execution as the API shows it; the counters are those of its tasks at this moment."""
        counts = {"Success": 0, "Error": 0, "Stopped": 0, "running": 0}
        for task in run.tasks:
            counts[task.status if task.status in FINAL else "running"] += 1
        return {
            "id": run.id,
            "policy_id": run.vendor_id,
            "status": STATUSES.get(run.status, run.status),
            "status_text": run.status_message,
            "trigger": TRIGGERS[run.trigger],
            "total": len(run.tasks),
            "succeed": counts["Success"],
            "failed": counts["Error"],
            "stopped": counts["Stopped"],
            "in_progress": counts["running"],
            "start_time": stamp(run.start_time),
            "end_time": stamp(run.end_time),
        }

    def start(self, call: Call) -> Answer:
        """Starts a policy by hand."""
        policy = self.policies.find((call.body or {}).get("policy_id", 0))
        if not policy.enabled:
            raise Refusal("PRECONDITION", f"the policy {policy.id} is disabled")
        return created(f"/replication/executions/{self._start(policy, 'MANUAL').id}")

    def stop(self, call: Call) -> Answer:
        """Stops an execution."""
        if self.harbor.version >= (2, 8):
            self.find(call.path["id"])
        elif call.path["id"] not in self.jobs.executions:
            raise not_found(f"replication execution {call.path['id']} not found")
        self.jobs.stop(call.path["id"])
        return ok(None)

    def list_tasks(self, call: Call) -> Answer:
        """Lists the tasks of an execution."""
        if self.harbor.version < (2, 8) and self.jobs.find(call.path["id"], REPLICATION) is None:
            return ok([], {"X-Total-Count": "0"})
        rows = list(self.find(call.path["id"]).tasks)
        status, kind = call.query.get("status"), call.query.get("resource_type")
        if status:
            rows = [row for row in rows if row.status in RAW_STATUSES.get(status, (status,))]
        if kind:
            rows = [row for row in rows if row.info["resource_type"] == kind]
        return listing(call, rows, TASKS, self._shown_task)

    @staticmethod
    def _shown_task(task: Task) -> dict[str, Any]:
        return {
            "id": task.id,
            "execution_id": task.execution.id,
            "status": STATUSES.get(task.status, task.status),
            "job_id": task.job_id,
            **task.info,
            "start_time": stamp(task.start_time),
            "end_time": stamp(task.end_time),
        }

    def log(self, call: Call) -> Answer:
        """Answers the log of a task's last try."""
        run, number = self.find(call.path["id"]), call.path["task_id"]
        task = self.jobs.tasks.get(number)
        if task is None or task.execution.vendor_type != REPLICATION:
            raise not_found(f"replication task {number} not found")
        if task.execution is not run:
            raise not_found(f"execution {run.id} contains no task with ID {number}")
        return text_answer(call, self.jobs.log_of(task), always_plain=True)

    # Running

    def _sides(self, policy: Policy) -> tuple[Side, Side]:
        source, target = (self.registries.of_id(number) for number in (policy.src, policy.dest))
        return Side(self.harbor, source), Side(self.harbor, target)

    def _start(self, policy: Policy, trigger: str, resource: Resource | None = None) -> Execution:
        active = any(run.status not in FINAL for run in self.jobs.of(REPLICATION, policy.id))
        run = self.jobs.execution(REPLICATION, policy.id, trigger, {})
        if policy.single_active_replication and active:
            self.jobs.fail(run, SKIPPED)
        else:
            self.jobs.later(LISTING_SECONDS, lambda: self._prepare(run, policy, resource))
        return run

    def _prepare(self, run: Execution, policy: Policy, given: Resource | None) -> None:
        if run.status in FINAL:
            return
        source, target = self._sides(policy)
        try:
            resources = [given] if given else self._resources(policy, source)
            if resources and target.type == "harbor" and not target.reachable:
                raise FetchFailed(refused(target.remote, target.url, "/api/v2.0/projects"))
        except FetchFailed as failure:
            self.jobs.fail(run, str(failure))
            return
        if not resources:
            self.jobs.fail(run, NOTHING, "Success")
        for resource in resources:
            info = {
                "operation": resource.operation,
                "resource_type": resource.kind,
                "src_resource": resource.named(resource.source),
                "dst_resource": resource.named(resource.destination),
            }
            self.jobs.task(run, Transfer(self.harbor, policy, source, target, resource), info)

    @staticmethod
    def _resources(policy: Policy, source: Side) -> list[Resource]:
        kind, found = "artifact" if source.type == "harbor" else "image", []
        for name, images in source.listed(policy.filters).items():
            kept = [one for one in (keeps(policy.filters, name, image) for image in images) if one is not None]
            if kept:
                found.append(Resource(name, "", kind, kept))
        for resource in found:
            resource.destination = destination(policy, resource.source)
        return found

    def _fired(self, schedule: Schedule) -> None:
        policy = self.policies.known.get(schedule.vendor_id)
        if policy is not None and policy.enabled:
            self._start(policy, "SCHEDULE")

    def _event(self, what: str, project: Project, repository: Repository, artifact: Artifact, names: list[str]) -> None:
        """Starts the event_based policies that push what has changed."""
        full_name = f"{project.name}/{repository.name}"
        for policy in list(self.policies.known.values()):
            fits = policy.enabled and policy.kind == "event_based" and policy.src == 0
            if not fits or (what != "copy" and not policy.deletion):
                continue
            try:
                image = keeps(policy.filters, full_name, Image(artifact.digest, artifact.size, names, artifact.labels))
                if image is None:
                    continue
                target = destination(policy, full_name)
            except FetchFailed:
                continue
            self._start(policy, "EVENT", Resource(full_name, target, "artifact", [image], what))
