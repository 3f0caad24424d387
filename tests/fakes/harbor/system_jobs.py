# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the audit-log purge and garbage collection have in common: one schedule, runs, their logs and stopping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import cron as crons
from . import models
from .gojson import NO_TIME, marshal, stamp, without_empty
from .jobs import EXECUTIONS, Execution, Schedule, Work
from .listing import Match, keywords, listing
from .wire import JSON, PAGING, TEXT, Call, Crash, Route, bad_request, created, done, ok, text_answer, unknown

if TYPE_CHECKING:
    from .server import Harbor

SCHEDULING = ("Hourly", "Daily", "Weekly", "Custom")


class SystemJob:
    """The seven calls of a job of the whole system."""

    VENDOR = ""
    PATH = ""
    ID = ""
    RESOURCE = ""
    TITLE = ""  # in the message about a bad cron

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.jobs = harbor.jobs
        self.jobs.firing[self.VENDOR] = self.fired

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        body = ("schedule", models.SCHEDULE)
        one = f"{self.PATH}/{{{self.ID}}}"
        return {
            self.PATH: {"GET": Route(self.list_runs, (self.RESOURCE, "list"), query=PAGING)},
            f"{self.PATH}/schedule": {
                "GET": Route(self.get_schedule, (self.RESOURCE, "read")),
                "POST": Route(self.post_schedule, (self.RESOURCE, "create"), body),
                "PUT": Route(self.put_schedule, (self.RESOURCE, "update"), body),
            },
            one: {
                "GET": Route(self.get_run, (self.RESOURCE, "read")),
                "PUT": Route(self.stop_run, (self.RESOURCE, "stop")),
            },
            f"{one}/log": {"GET": Route(self.get_log, (self.RESOURCE, "read"), produces=(TEXT, JSON))},
        }

    # What the two differ in

    def check(self, body: dict[str, Any] | None, kind: str) -> dict[str, Any]:
        """Returns the parameters of a write; raises the 400s (and crashes) that come before the cron's."""
        raise NotImplementedError

    def extra(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Returns what a run makes of the parameters."""
        raise NotImplementedError

    def work(self) -> Work:
        """Returns the job."""
        raise NotImplementedError

    def shown_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Returns the parameters of a schedule as its GET shows them."""
        return parameters

    def shown_extra(self, extra: dict[str, Any]) -> dict[str, Any]:
        """Returns the parameters of a run as its GET shows them."""
        return extra

    def run_of(self, number: int) -> Execution:
        """Returns the run of an id; raises what a GET of another id answers."""
        raise NotImplementedError

    def no_log(self, number: int) -> Exception:
        """Returns the 404 of an id without a task."""
        raise NotImplementedError

    # Schedule

    def get_schedule(self, call: Call) -> Answer:
        """Answers the schedule, or nothing at all."""
        item = self.jobs.scheduled(self.VENDOR)
        if item is None:
            return Answer(200, b"", {"Content-Type": JSON})
        schedule = {"type": item.kind, "cron": item.cron}
        following = crons.parse(item.cron).next(self.harbor.at())
        shown = {
            "id": item.id,
            "job_kind": item.cron,
            "job_parameters": marshal(self.shown_parameters(item.parameters)),
            "job_status": item.job_status,
            "schedule": {**schedule, "next_scheduled_time": stamp(following)},
            "creation_time": stamp(item.created),
            "update_time": stamp(item.created),
        }
        return ok(shown)

    def post_schedule(self, call: Call) -> Answer:
        """Writes the schedule or starts a run; the Location names the run, or 0."""
        return created(f"{self.PATH}/{self._write(call)}")

    def put_schedule(self, call: Call) -> Answer:
        """Writes the schedule or starts a run."""
        self._write(call)
        return done()

    def _write(self, call: Call) -> int:
        schedule = (call.body or {}).get("schedule")
        kind = (schedule or {}).get("type", "")
        parameters = self.check(call.body, kind)
        if schedule is None:
            raise Crash
        if kind == "Manual":
            return self.start(parameters, "MANUAL")
        if kind == "None":
            self.jobs.unschedule(self.VENDOR)
        elif kind in SCHEDULING:
            text = schedule.get("cron", "")
            self.check_cron(text)
            self.jobs.reschedule(self.VENDOR, -1, text, kind, parameters)
        return 0

    def check_cron(self, text: str) -> None:
        """Raises the 400 of a bad cron."""
        try:
            crons.check(text, self.harbor.version >= (2, 9))
        except crons.ParserCrash:
            raise Crash from None
        except crons.BadCron as error:
            raise bad_request(f"invalid cron string for {self.TITLE}: {text}, error: {error}") from None

    def start(self, parameters: dict[str, Any], trigger: str) -> int:
        """Starts a run and returns its id."""
        execution = self.jobs.execution(self.VENDOR, -1, trigger, self.extra(parameters))
        self.jobs.task(execution, self.work(), stoppable=self.stoppable())
        return execution.id

    def stoppable(self) -> bool:
        """Whether a run that works can be stopped."""
        return True

    def fired(self, schedule: Schedule) -> None:
        """Starts the run of a schedule."""
        self.start(schedule.parameters, "SCHEDULE")

    # Runs

    def list_runs(self, call: Call) -> Answer:
        """Lists the runs."""
        rows = list(self.jobs.executions.values())
        rows = _by_extra(rows, call)
        # The handler sets this key itself, under the name of Go's field: the column's name can still be asked for.
        return listing(call, rows, EXECUTIONS, self.shown, {"VendorType": Match("exact", self.VENDOR)})

    def shown(self, run: Execution) -> dict[str, Any]:
        """Returns a run as the API shows it."""
        manual = run.trigger == "MANUAL"
        shown = {
            "id": run.id,
            "job_name": self.VENDOR,
            "job_kind": run.trigger,
            "job_status": run.status,
            "job_parameters": marshal(self.shown_extra(run.extra)),
            "schedule": {"type": "Manual" if manual else "Schedule", "next_scheduled_time": NO_TIME},
            "creation_time": stamp(run.start_time),
            "update_time": stamp(run.update_time),
        }
        return without_empty(shown)

    def get_run(self, call: Call) -> Answer:
        """Answers one run."""
        return ok(self.shown(self.run_of(call.path[self.ID])))

    def stop_run(self, call: Call) -> Answer:
        """Stops a run, of whatever kind it is."""
        self.jobs.stop(call.path[self.ID])
        return done()

    def get_log(self, call: Call) -> Answer:
        """Answers the log of a run."""
        run = self.jobs.find(call.path[self.ID], self.VENDOR)
        if run is None or not run.tasks:
            raise self.no_log(call.path[self.ID])
        return text_answer(call, self.jobs.log_of(run.tasks[0]))


def _by_extra(rows: list[Execution], call: Call) -> list[Execution]:
    """Keeps the runs whose parameters are what `q` asks for under extra_attrs."""
    for key, match in keywords(call.query.get("q")).items():
        prefix, dot, name = key.partition(".")
        if prefix.lower().replace("_", "") != "extraattrs" or not dot:
            continue
        if match.kind != "exact":
            raise unknown()
        rows = [row for row in rows if _as_text(row.extra.get(name)) == match.value]
    return rows


def _as_text(value: Any) -> str | None:
    """Returns a JSON value as PostgreSQL's ->> shows it."""
    return value if isinstance(value, str) or value is None else marshal(value)
