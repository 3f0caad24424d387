# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention runs of the fake Harbor: executions, one task a repository, and their logs."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Generator

from .._base import Answer
from . import models, retention_rules
from .doublestar import BadPattern
from .gojson import plain_stamp
from .jobs import FINAL, RETENTION, Execution, JobFailed, Schedule, Task
from .listing import page_of
from .retention_policies import Retention, RetentionPolicies
from .retention_rules import Candidate, EvaluationError
from .store import Project, Repository
from .wire import JSON, TEXT, Call, Refusal, Route, bad_request, created, done, not_found, ok, text_answer

if TYPE_CHECKING:
    from .server import Harbor

PLACE = "/pkg/retention/job.go:83"
CODES = {"Pending": 0, "Scheduled": 1, "Running": 2}
FINAL_CODE = 3
BACKGROUND_SECONDS = 0.5
HEADERS = ("Digest", "Tag", "Kind", "Labels", "PushedTime", "PulledTime", "CreatedTime", "Retention")


def _shown_time(moment: float) -> str:
    if moment <= retention_rules.NEVER:
        return ""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y/%m/%d %H:%M:%S")


def table(items: list[Candidate], marks: list[str]) -> str:
    """Returns the candidates with their marks as the log shows them."""
    rows = []
    for item, mark in zip(items, marks):
        times = [_shown_time(item.pushed), _shown_time(item.pulled), _shown_time(item.artifact.push_time)]
        rows.append([item.artifact.digest, ",".join(item.names), "image", "", *times, mark])
    widths = [max(len(row[number]) for row in [HEADERS, *rows]) for number in range(len(HEADERS))]
    lines = ["| " + " | ".join(_centred(text, width) for text, width in zip(HEADERS, widths)) + " |"]
    lines.append("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    lines += ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join(lines)


def _centred(text: str, width: int) -> str:
    gap = width - len(text)
    return " " * (gap // 2) + text + " " * (gap - gap // 2)


class RetentionRuns:
    """The calls about runs."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.jobs = harbor.jobs
        self.policies: RetentionPolicies = harbor.family(RetentionPolicies)
        self.jobs.firing[RETENTION] = self._fired

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        all_of, paging = "/retentions/{id}/executions", ("page", "page_size")
        return {
            all_of: {
                "GET": Route(self.list, query=paging, most_per_page=None),
                "POST": Route(self.start, body=("body", models.START_RETENTION)),
            },
            f"{all_of}/{{eid}}": {"PATCH": Route(self.stop, body=("body", models.STOP_RETENTION))},
            f"{all_of}/{{eid}}/tasks": {"GET": Route(self.list_tasks, query=paging, most_per_page=None)},
            f"{all_of}/{{eid}}/tasks/{{tid}}": {"GET": Route(self.log, produces=(TEXT, JSON))},
        }

    # Calls

    def _run_of(self, call: Call, policy: Retention) -> Execution:
        number = call.path["eid"]
        run = self.jobs.find(number, RETENTION)
        if run is None:
            raise not_found(f"execution {number} not found")
        if run.vendor_id != policy.id:
            raise not_found(f"project: {policy.project}, execution id {number} not found")
        return run

    def list(self, call: Call) -> Answer:
        """Lists the runs, newest first; all of them unless a size of the page is given."""
        policy = self.policies.find(call, "list")
        rows = sorted(self.jobs.of(RETENTION, policy.id), key=lambda run: (-run.start_time, -run.id))
        part, headers = page_of(call, rows, 0, 0)
        return ok([self.shown(run) for run in part], headers)

    @staticmethod
    def shown(run: Execution) -> dict[str, Any]:
        """Returns a run as the API shows it."""
        shown = {"id": run.id, "policy_id": run.vendor_id, "status": run.status, "trigger": run.extra["trigger"]}
        times = {"start_time": plain_stamp(run.start_time), "end_time": plain_stamp(run.end_time)}
        return {**shown, **times, "dry_run": True} if run.extra["dry_run"] else {**shown, **times}

    def start(self, call: Call) -> Answer:
        """Starts a run, a real one unless the body says dry_run."""
        policy = self.policies.find(call, "update")
        run = self._start(policy, "MANUAL", (call.body or {}).get("dry_run", False))
        return created(f"/retentions/{policy.id}/executions/{run.id}")

    def stop(self, call: Call) -> Answer:
        """Stops a run."""
        policy = self.policies.find(call, "update")
        if (call.body or {}).get("action") != "stop":
            raise bad_request("bad request: action should be 'stop'")
        self.jobs.stop(self._run_of(call, policy).id)
        return done()

    def list_tasks(self, call: Call) -> Answer:
        """Lists the tasks of a run."""
        policy = self.policies.find(call, "list")
        part, headers = page_of(call, self._run_of(call, policy).tasks, 0, 0)
        return ok([self._shown_task(task) for task in part], headers)

    @staticmethod
    def _shown_task(task: Task) -> dict[str, Any]:
        return {
            "id": task.id,
            "execution_id": task.execution.id,
            "repository": task.info["repository"],
            "job_id": task.job_id,
            "status": task.status,
            "status_code": CODES.get(task.status, FINAL_CODE),
            "total": task.info["total"],
            "retained": task.info["retained"],
            "start_time": plain_stamp(task.start_time),
            "end_time": plain_stamp(task.end_time),
        }

    def log(self, call: Call) -> Answer:
        """Answers the log of a task."""
        policy = self.policies.find(call, "read")
        run, number = self._run_of(call, policy), call.path["tid"]
        task = self.jobs.tasks.get(number)
        if task is None or task.execution is not run:
            raise not_found(f"task {number} not found")
        return text_answer(call, self.jobs.log_of(task))

    # Running

    def _fired(self, schedule: Schedule) -> None:
        policy = self.policies.known.get(schedule.vendor_id)
        if policy is not None:
            self._start(policy, "Schedule", False)

    def _start(self, policy: Retention, trigger: str, dry: bool) -> Execution:
        run = self.jobs.execution(RETENTION, policy.id, trigger, {"dry_run": dry, "trigger": trigger})
        if self.harbor.version >= (2, 10):
            self.jobs.later(BACKGROUND_SECONDS, lambda: self._launch(run, policy))
        else:
            self._launch(run, policy)
        return run

    def _launch(self, run: Execution, policy: Retention) -> None:
        project = self.policies.project_of(policy)
        if run.status in FINAL or project is None:
            return
        chosen = []
        try:
            for repository in project.repositories.values():
                rules = [rule for rule in policy.rules or [] if retention_rules.applies(rule or {}, repository.name)]
                if rules:
                    chosen.append((repository, rules))
        except EvaluationError as error:
            self.jobs.fail(run, str(error))
            return
        if not chosen:
            self.jobs.fail(run, "", "Success")
        for repository, rules in chosen:
            job = RetentionJob(self.harbor, project, repository, rules, policy.algorithm, run.extra["dry_run"])
            self.jobs.task(run, job, {"repository": repository.name, "total": 0, "retained": 0})


class RetentionJob:
    """The job of one repository."""

    def __init__(
        self, harbor: Harbor, project: Project, repository: Repository, rules: list[Any], algorithm: str, dry: bool
    ) -> None:
        self.harbor, self.project, self.repository = harbor, project, repository
        self.rules, self.algorithm, self.dry = rules, algorithm, dry

    def __call__(self, task: Task) -> Generator[float, None, None]:
        """Runs the job; raises JobFailed."""
        name = f"{self.project.name}/{self.repository.name}"
        header = f"Run retention process.\n Repository: {name} \n Rule Algorithm: {self.algorithm} "
        self._say(task, f"{header}\n Dry Run: {str(self.dry).lower()}")
        yield 0.5
        items = retention_rules.candidates(self.repository)
        self._say(task, f"Load {len(items)} candidates from repository {name}")
        try:
            retention_rules.check(self.rules, self.algorithm)
            marks = self._marks(items)
        except EvaluationError as error:
            self._say(task, f"retention job: {error}", "ERROR")
            raise JobFailed from None
        errors = {} if self.dry else self._delete(items, marks)
        self._say(task, "\n" + table(items, marks))
        for item, mark in zip(items, marks):
            reason = "Immutable tag" if mark == "IMMUTABLE" else errors.get(item)
            if reason:
                self._say(task, f"Retention error for artifact image:{name}:{item.artifact.digest} : {reason}")
        yield 0.5
        task.info.update(total=len(items), retained=len(items) - marks.count("DEL"))

    def _marks(self, items: list[Candidate]) -> list[str]:
        try:
            return retention_rules.marks(self.project, self.repository, self.rules, items, self.harbor.at())
        except BadPattern:
            if len(self.rules) == 1 and self.harbor.switches["malformed_pattern"] == "retain":
                return ["RETAIN"] * len(items)
            raise EvaluationError("syntax error in pattern") from None

    def _delete(self, items: list[Candidate], marks: list[str]) -> dict[Candidate, str]:
        errors: dict[Candidate, str] = {}
        for number, item in enumerate(items):
            if marks[number] != "DEL" or item.artifact not in self.repository.artifacts:
                continue
            try:
                self.harbor.store.delete(self.project, self.repository, item.artifact)
            except Refusal as refusal:
                marks[number], errors[item] = "ERR", f"http error: code 412, message {refusal.message}"
        return errors

    def _say(self, task: Task, text: str, level: str = "INFO") -> None:
        self.harbor.jobs.write(task, level, PLACE, text)
