# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit-log purge of the fake Harbor."""

from __future__ import annotations

from typing import Any, Generator

from .._base import Answer
from .gojson import Literal, is_integer
from .jobs import PURGE, Execution, Task, Work
from .listing import keywords
from .system import System
from .system_jobs import SystemJob
from .wire import Call, Crash, Refusal, bad_request, not_found, unknown

MOST_HOURS = 240000
OLD_WORDS = ("create", "delete", "pull")
PLACE, DAO_PLACE = "/jobservice/job/impl/purge/purge.go:93", "/jobservice/job/impl/purge/purge.go:124"


class Purge(SystemJob):
    """Deletes old rows of the audit logs."""

    VENDOR = PURGE
    PATH = "/system/purgeaudit"
    ID = "purge_id"
    RESOURCE = "purge-audit"
    TITLE = "scheduled log rotation purge"

    @property
    def key(self) -> str:
        """Returns the name that the list of types has in this version."""
        return "include_event_types" if self.harbor.version >= (2, 13) else "include_operations"

    def check(self, body: dict[str, Any] | None, kind: str) -> dict[str, Any]:
        """Returns the parameters; raises the 400s."""
        if (body or {}).get("schedule") is None:
            raise bad_request("bad request: schedule cann't be empty")
        parameters = body.get("parameters")
        if not parameters:
            raise bad_request("bad request: schedule parameter cann't be empty")
        if "audit_retention_hour" not in parameters:
            raise bad_request("bad request: audit_retention_hour should provide")
        hours = parameters["audit_retention_hour"]
        if isinstance(hours, Literal) or (is_integer(hours) and not -(2**63) <= hours < 2**63):
            raise bad_request("bad request: audit_retention_hour should be integer format")
        if is_integer(hours) and hours > MOST_HOURS:
            raise bad_request(f"bad request: audit_retention_hour should be less than {MOST_HOURS}")
        if self.key not in parameters:
            raise bad_request(f"bad request: {self.key} should provide")
        return parameters

    def extra(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Returns what a run makes of the parameters: other types count as nothing."""
        hours, types = parameters.get("audit_retention_hour"), parameters.get(self.key)
        return {
            "audit_retention_hour": hours if is_integer(hours) else 0,
            "dry_run": parameters.get("dry_run") is True,
            self.key: types if isinstance(types, str) else "",
        }

    def stoppable(self) -> bool:
        """The job looks for a stop only when it starts."""
        return False

    def work(self) -> Work:
        """Returns the job."""
        return self._purge

    def _purge(self, task: Task) -> Generator[float, None, None]:
        extra, jobs = task.execution.extra, self.jobs
        (key,) = (name for name in extra if name.startswith("include"))
        hours, dry, types = extra["audit_retention_hour"], extra["dry_run"], extra[key]
        shown = {"audit_retention_hour": hours, "dry_run": str(dry).lower(), key: types}
        jobs.write(task, "INFO", PLACE, "Purge audit job start")
        listed = " ".join(f"{name}:{shown[name]}" for name in sorted(shown))
        jobs.write(task, "INFO", PLACE, f"job parameters map[{listed}]")
        if hours in (0, -1):
            jobs.write(task, "INFO", PLACE, f"quit purge job, retentionHour:{hours} ")
            return
        words = types.split(",") if types else []
        text = (
            f"Purge operation parameter, retention_hour:{hours}, {key}:[{' '.join(words)}], dry_run:{shown['dry_run']}"
        )
        jobs.write(task, "INFO", PLACE, text)
        yield 1
        system = self.harbor.family(System)
        before = jobs.moment - hours * 3600
        counts = [("audit logs", self._old(system, words, before, dry))]
        if self.harbor.version >= (2, 13):
            counts.append(("audit log exts", self._new(system, words, before, dry)))
        for name, count in counts:
            jobs.write(task, "INFO", DAO_PLACE, f"{'[DRYRUN]' if dry else ''}Purged {count} rows of {name}")

    def _old(self, system: System, words: list[str], before: float, dry: bool) -> int:
        wanted = {word.lower() for word in words} & set(OLD_WORDS)
        hit = [row for row in system.old_audit if row["op_time"] < before and row["operation"] in wanted]
        if not dry:
            system.old_audit = [row for row in system.old_audit if row not in hit]
        return len(hit)

    def _new(self, system: System, words: list[str], before: float, dry: bool) -> int:
        known = system.event_types()
        wanted = set(words) & set(known)
        if "other" in {word.lower() for word in words}:
            wanted |= set(known[3:])

        def goes(row: dict[str, Any]) -> bool:
            return row["op_time"] < before and f"{row['operation']}_{row['resource_type']}" in wanted

        count = sum(1 for row in system.audit if goes(row))
        if not dry:
            system.audit = [row for row in system.audit if not goes(row)]
        return count

    def list_runs(self, call: Call) -> Answer:
        """Lists the runs; the handler breaks down at a malformed q."""
        try:
            keywords(call.query.get("q"))
        except Refusal:
            raise Crash from None
        return super().list_runs(call)

    def run_of(self, number: int) -> Execution:
        """Returns the run; another kind of run is a 500, up to 2.15 an unknown id too."""
        run = self.jobs.executions.get(number)
        if run is None:
            raise not_found(f"execution {number} not found") if self.harbor.version >= (2, 16) else unknown()
        if run.vendor_type != self.VENDOR:
            raise unknown()
        return run

    def no_log(self, number: int) -> Exception:
        """Returns the 404 of an id without a task."""
        return not_found(f"purge job with execution ID: {number} taskLog is not found")
