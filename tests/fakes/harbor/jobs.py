# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job service of the fake Harbor: executions, tasks, logs and schedules, driven by the fake's clock."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Generator

from . import cron as crons
from .gojson import log_stamp
from .listing import Table
from .wire import not_found, unknown

if TYPE_CHECKING:
    from .server import Harbor

PURGE, GC, REPLICATION, RETENTION = "PURGE_AUDIT_LOG", "GARBAGE_COLLECTION", "REPLICATION", "RETENTION"
FINAL = ("Success", "Error", "Stopped")
BUILT_IN = (("SYSTEM_ARTIFACT_CLEANUP", 0), ("EXECUTION_SWEEP", -1))
MIDNIGHT = "0 0 0 * * *"
KEPT = {PURGE: 10, GC: 50, REPLICATION: 50, RETENTION: 50}  # by the nightly sweep, per vendor id
SERIAL = (PURGE, GC)  # one run at a time
MOST_FIRINGS = 100  # of one schedule in one tick: the newest ones
EXECUTIONS = Table(
    {
        "id": ("ID", "number"),
        "vendor_type": ("VendorType", "text"),
        "vendor_id": ("VendorID", "number"),
        "status": ("Status", "text"),
        "status_message": ("StatusMessage", "text"),
        "trigger": ("Trigger", "text"),
        "start_time": ("StartTime", "time"),
        "update_time": ("UpdateTime", "time"),
        "end_time": ("EndTime", "time"),
    },
    "-start_time",
)
TASKS = Table(
    {
        "id": ("ID", "number"),
        "status": ("Status", "text"),
        "job_id": ("JobID", "text"),
        "creation_time": ("CreationTime", "time"),
        "start_time": ("StartTime", "time"),
        "end_time": ("EndTime", "time"),
    },
    "-start_time",
)
Work = Callable[["Task"], Generator[float, None, None]]


class JobFailed(Exception):
    """A job ends with status Error."""


class JobStopped(Exception):
    """Thrown into a job that is to stop."""


@dataclass(eq=False)
class Task:
    """A piece of work of an execution: a generator that yields the seconds that it takes."""

    id: int
    execution: Execution
    work: Work
    info: dict[str, Any]
    creation_time: float
    job_id: str
    status: str = "Pending"
    start_time: float | None = None
    end_time: float | None = None
    log: list[str] | None = None
    tries: int = 0
    stoppable: bool = True
    running: Generator[float, None, None] | None = None


@dataclass(eq=False)
class Execution:
    """A run of any kind."""

    id: int
    vendor_type: str
    vendor_id: int
    trigger: str
    start_time: float
    extra: dict[str, Any]
    update_time: float
    status: str = "Running"
    status_message: str = ""
    end_time: float | None = None
    tasks: list[Task] = field(default_factory=list)


@dataclass(eq=False)
class Schedule:
    """A periodic job; `dead` means that it is listed but fires no more."""

    id: int
    vendor_type: str
    vendor_id: int
    cron: str
    kind: str
    parameters: Any
    created: float
    next: float | None
    dead: bool = False
    fired: bool = False

    @property
    def job_status(self) -> str:
        """Returns the state of the periodic job."""
        return "Stopped" if self.dead else "Success" if self.fired else "Running"


class Jobs:
    """All runs and schedules, and the time up to which they went."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.moment = harbor.now()
        self.executions: dict[int, Execution] = {}
        self.tasks: dict[int, Task] = {}
        self.schedules: dict[int, Schedule] = {}
        self.paused: set[str] = set()
        self.waiting: list[Task] = []
        self._working: set[Task] = set()
        self._kicks: set[float] = set()
        self.firing: dict[str, Callable[[Schedule], None]] = {"EXECUTION_SWEEP": lambda schedule: self.sweep()}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._ids = {name: itertools.count(1) for name in ("execution", "task", "schedule")}
        for vendor_type, vendor_id in BUILT_IN:
            self.schedule(vendor_type, vendor_id, MIDNIGHT, "Daily", None)

    # Time

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        """Calls the function that many seconds after the present moment."""
        heapq.heappush(self._events, (self.moment + seconds, next(self._numbers), function))

    def run(self, firing: bool = False) -> int:
        """Lets everything happen that is due by now, in order; `firing` includes schedules. Returns how much it was."""
        now, happened = self.harbor.now(), 0
        due = self._due(now) if firing else []
        while self._events or due:
            event = self._events[0][0] if self._events else float("inf")
            if min(event, due[0][0] if due else float("inf")) > now:
                break
            happened += 1
            if due and due[0][0] <= event:
                at, schedule = due.pop(0)
                self.moment = max(self.moment, at)
                if self.schedules.get(schedule.id) is schedule and not schedule.dead:
                    schedule.fired = True
                    self.firing.get(schedule.vendor_type, lambda schedule: None)(schedule)
            else:
                self.moment = max(self.moment, event)
                heapq.heappop(self._events)[2]()
        self.moment = max(self.moment, now)
        return happened

    def _due(self, now: float) -> list[tuple[float, Schedule]]:
        found = []
        for schedule in self.schedules.values():
            cron, times = crons.parse(schedule.cron), []
            while schedule.next is not None and schedule.next <= now:
                times.append(schedule.next)
                schedule.next = cron.next(schedule.next)
            found.extend((at, schedule) for at in times[-MOST_FIRINGS:])
        return sorted(found, key=lambda item: (item[0], item[1].id))

    # Executions and tasks

    def execution(self, vendor_type: str, vendor_id: int, trigger: str, extra: dict[str, Any]) -> Execution:
        """Returns a new execution, running from the present moment on."""
        number = next(self._ids["execution"])
        item = Execution(number, vendor_type, vendor_id, trigger, self.moment, extra, self.moment)
        self.executions[number] = item
        return item

    def task(
        self, execution: Execution, work: Work, info: dict[str, Any] | None = None, stoppable: bool = True
    ) -> Task:
        """Returns a new task of the execution, waiting for the job service."""
        item = Task(next(self._ids["task"]), execution, work, info or {}, self.moment, secrets.token_hex(12))
        item.stoppable = stoppable
        execution.tasks.append(item)
        self.tasks[item.id] = item
        self.waiting.append(item)
        self._kick()
        return item

    def fail(self, execution: Execution, message: str, status: str = "Error") -> None:
        """Ends an execution that has no tasks."""
        execution.status, execution.status_message = status, message
        execution.end_time = execution.update_time = self.moment

    def find(self, number: int, *vendor_types: str) -> Execution | None:
        """Returns the execution of that id, if it is of one of the kinds."""
        item = self.executions.get(number)
        return item if item is not None and (not vendor_types or item.vendor_type in vendor_types) else None

    def of(self, vendor_type: str, vendor_id: int | None = None) -> list[Execution]:
        """Returns the executions of a kind (and a vendor id), oldest first."""
        found = (item for item in self.executions.values() if item.vendor_type == vendor_type)
        return [item for item in found if vendor_id is None or item.vendor_id == vendor_id]

    def forget(self, execution: Execution) -> None:
        """Removes an execution with its tasks and logs; what its tasks still do goes on."""
        self.executions.pop(execution.id, None)
        for task in execution.tasks:
            self.tasks.pop(task.id, None)

    def sweep(self) -> None:
        """Trims the history, if the switch says so."""
        if not self.harbor.switches["nightly_sweep"]:
            return
        groups: dict[tuple[str, int], list[Execution]] = {}
        for item in self.executions.values():
            if item.status in FINAL and item.vendor_type in KEPT:
                groups.setdefault((item.vendor_type, item.vendor_id), []).append(item)
        for (vendor_type, _vendor_id), items in groups.items():
            for item in items[: -KEPT[vendor_type]]:
                self.forget(item)

    def stop(self, number: int) -> None:
        """Asks all tasks of an execution of any kind to stop; raises the 404."""
        execution = self.executions.get(number)
        if execution is None:
            raise not_found(f"execution {number} not found")
        if execution.status in FINAL:
            return
        if not execution.tasks:
            self.fail(execution, "", "Stopped")
        for task in execution.tasks:
            if task.status not in FINAL:
                self.later(self.harbor.switches["stop_seconds"], lambda task=task: self._stop(task))

    def _stop(self, task: Task) -> None:
        if task in self.waiting:
            self.waiting.remove(task)
            self._finish(task, "Stopped")
        elif task.running is not None and task.stoppable:
            with contextlib.suppress(JobStopped, StopIteration, JobFailed):
                task.running.throw(JobStopped())
            self._finish(task, "Stopped")

    def pause(self, vendor_type: str, paused: bool) -> None:
        """Keeps runs of a kind from starting, or lets them start again."""
        (self.paused.add if paused else self.paused.discard)(vendor_type)
        self._kick()

    def _kick(self) -> None:
        if self.waiting and self.moment not in self._kicks:
            self._kicks.add(self.moment)
            moment = self.moment
            self.later(self.harbor.switches["start_seconds"], lambda: self._start_waiting(moment))

    def _start_waiting(self, kicked: float) -> None:
        self._kicks.discard(kicked)
        tasks, self.waiting = self.waiting, []
        for task in tasks:
            kind = task.execution.vendor_type
            busy = kind in SERIAL and any(other.execution.vendor_type == kind for other in self._working)
            if kind in self.paused or busy:
                self.waiting.append(task)
            else:
                self._start(task)

    def _start(self, task: Task) -> None:
        task.status, task.start_time, task.end_time = "Running", float(int(self.moment)), None
        task.log = []
        task.tries += 1
        task.running = task.work(task)
        self._working.add(task)
        if task.tries > 1:
            self._outdate(task.execution)
        self._step(task, task.running)

    def _step(self, task: Task, running: Generator[float, None, None]) -> None:
        if task.running is not running:
            return
        try:
            seconds = next(running)
        except StopIteration:
            self._finish(task, "Success")
        except JobFailed:
            self._finish(task, "Error")
        else:
            self.later(seconds, lambda: self._step(task, running))

    def _finish(self, task: Task, status: str) -> None:
        task.status, task.running, task.end_time = status, None, float(int(self.moment))
        self._working.discard(task)
        if status == "Stopped":
            self.refresh(task.execution)
        else:
            self._outdate(task.execution)
        pauses = self.harbor.switches["retry_pauses"] if task.execution.vendor_type == REPLICATION else []
        if status == "Error" and task.tries <= len(pauses):
            self.later(pauses[task.tries - 1], lambda: self._start(task))
        self._kick()

    def _outdate(self, execution: Execution) -> None:
        if self.harbor.version < (2, 8):
            self.refresh(execution)
        else:
            self.later(self.harbor.switches["refresh_seconds"], lambda: self.refresh(execution))

    def refresh(self, execution: Execution) -> None:
        """Computes the status of an execution from its tasks."""
        statuses = {task.status for task in execution.tasks}
        if not statuses:
            return
        running = statuses - set(FINAL)
        execution.status = (
            "Running" if running else next(status for status in ("Error", "Stopped", "Success") if status in statuses)
        )
        ends = [task.end_time for task in execution.tasks if task.end_time is not None]
        execution.end_time = None if running else max(ends)
        execution.update_time = execution.end_time or self.moment

    def write(self, task: Task, level: str, place: str, text: str) -> None:
        """Writes a line into a task's log."""
        if task.log is not None:
            task.log.append(f"{log_stamp(self.moment)} [{level}] [{place}]: {text}\n")

    def log_of(self, task: Task) -> str:
        """Returns a task's log; raises the 404 of a log that is not there."""
        if task.log is None:
            details = f'{{"code":10010,"message":"object is not found","details":"{task.job_id}"}}'
            raise not_found(details)
        return "".join(task.log)

    # Schedules

    def schedule(self, vendor_type: str, vendor_id: int, text: str, kind: str, parameters: Any) -> Schedule:
        """Returns a new schedule; raises the 500 of a cron that is too long, and hangs at one that never fires."""
        if len(text) > crons.LONGEST:
            raise unknown()
        first = crons.parse(text).next(self.moment)
        if first is None:
            self.harbor.hang()
        number = next(self._ids["schedule"])
        next(self._ids["execution"])  # the periodic job has an execution of its own, which no list shows
        item = Schedule(number, vendor_type, vendor_id, text, kind, parameters, self.moment, first)
        self.schedules[number] = item
        return item

    def scheduled(self, vendor_type: str, vendor_id: int = -1) -> Schedule | None:
        """Returns the schedule of a kind and vendor id."""
        wanted = (vendor_type, vendor_id)
        return next((item for item in self.schedules.values() if (item.vendor_type, item.vendor_id) == wanted), None)

    def unschedule(self, vendor_type: str, vendor_id: int = -1) -> None:
        """Removes the schedule of a kind and vendor id, if there is one."""
        old = self.scheduled(vendor_type, vendor_id)
        if old is not None:
            del self.schedules[old.id]

    def reschedule(self, vendor_type: str, vendor_id: int, text: str, kind: str, parameters: Any) -> Schedule:
        """Returns the schedule that replaces the old one, which a late failure leaves listed but dead."""
        old = self.scheduled(vendor_type, vendor_id)
        if old is not None and crons.parse(text).next(self.moment) is not None:
            old.dead = True
        new = self.schedule(vendor_type, vendor_id, text, kind, parameters)
        if old is not None:
            del self.schedules[old.id]
        return new
