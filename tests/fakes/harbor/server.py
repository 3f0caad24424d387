# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Harbor itself: its switches, the order of its checks, its clock and its control plane."""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import Any

from werkzeug.wrappers import Request

from .._base import Answer, Dropped, Fake, TimedOut, as_json
from . import estate, gojson, models, state
from .accounts import Account, Accounts
from .artifacts import Artifacts
from .garbage import Garbage
from .immutable_rules import ImmutableRules
from .itself import Itself
from .jobs import Jobs
from .projects import Projects
from .purge import Purge
from .pushes import Pushes
from .registries import Registries
from .remotes import Remotes
from .replication_policies import ReplicationPolicies
from .replication_runs import ReplicationRuns
from .retention_policies import RetentionPolicies
from .retention_runs import RetentionRuns
from .store import Store
from .system import System
from .wire import (
    API,
    READ_ONLY,
    SAFE,
    Call,
    Crash,
    Refusal,
    Route,
    Sessions,
    bind,
    not_found,
    raw_path,
    request_id,
)

FAMILIES = (
    System,
    Purge,
    Garbage,
    Registries,
    ReplicationPolicies,
    ReplicationRuns,
    Projects,
    Artifacts,
    ImmutableRules,
    RetentionPolicies,
    RetentionRuns,
)
FULL_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(-.+)?\Z")


class Harbor(Fake):
    """A Harbor in memory, of any version from 2.6 to 2.16; its state form is that of the recordings."""

    SWITCHES: dict[str, Any] = {
        "version": "v2.16.0-c50c7ddd",  # also short: 2.6, 2.12, 2.13, 2.14, 2.16
        "read_only": False,
        "refresh_seconds": 30,  # from the end of a task to the new status of its execution (2.8+)
        "start_seconds": 2,  # until the job service takes a task
        "stop_seconds": 1,  # until a stop takes effect
        "retry_pauses": [60, 90],  # before the second and third try of a failed replication task
        "lock_seconds": 0,  # how long a wrong password locks its user after the (late) answer: 1.5 for others at once
        "gc_window_hours": 2,  # younger blobs are never collected
        "gc_blobs_per_second": 2000,
        "nightly_sweep": False,  # trims the history of runs at midnight, as Harbor does
        "live_remotes": False,  # True: endpoints at http://127.0.0.1 are other fakes, which are asked what they hold
        "health_seconds": 300,  # between two checks of the registries' health
        "malformed_pattern": "error",  # of a tag selector in the only rule: or "retain"; Harbor does either at random
        "adapter_whitelist": True,  # 2.14+: the installer's list of registry types
    }

    def __init__(self, given: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.accounts = Accounts()
        self.sessions = Sessions()
        self.jobs = Jobs(self)
        self.store = Store(self)
        self.remotes = Remotes(self)
        self.pushes = Pushes(self)
        self.address = ("", "")  # scheme and host of the last request: its own address
        self.families: dict[type, Any] = {}
        for kind in FAMILIES:
            self.families[kind] = kind(self)
        self.routes: list[tuple[list[str], dict[str, Route]]] = []
        for family in self.families.values():
            for path, verbs in family.routes().items():
                self.routes.append((path.strip("/").split("/"), verbs))
        self.routes.sort(key=lambda item: [part.startswith("{") for part in item[0]])
        state.load(self, estate.estate() if given is None else given)

    def family(self, kind: type) -> Any:
        """Returns the family of calls of that class."""
        return self.families[kind]

    @property
    def full_version(self) -> str:
        """Returns the version as /systeminfo tells it."""
        major, minor, patch, build = FULL_VERSION.match(str(self.switches["version"])).groups()
        return f"v{major}.{minor}.{patch or 0}{build or '-0a1b2c3d'}"

    @property
    def version(self) -> tuple[int, ...]:
        """Returns the version as three numbers."""
        return tuple(int(part or 0) for part in FULL_VERSION.match(str(self.switches["version"])).groups()[:3])

    def of_version(self, kind: gojson.Struct) -> gojson.Struct:
        """Returns a body's type as the version has it."""
        if kind is not models.SCHEDULE or self.version >= (2, 9):
            return kind
        inner = models.SCHEDULE_OBJECT
        older = gojson.Struct(inner.name, inner.fields, {"type": models.TYPES[:-1]})
        return gojson.Struct(kind.name, {**kind.fields, "schedule": older}, kind.enums, kind.readonly)

    def at(self) -> float:
        """Returns the present moment of whatever is happening, epoch seconds."""
        return self.jobs.moment

    def seen_from_outside(self, url: str) -> Itself:
        """Returns this Harbor as the endpoint of a replication."""
        return Itself(self, url)

    def hang(self) -> None:
        """Never answers, as the real one after a cron that never fires."""
        raise (TimedOut if self._timeout else Dropped)

    _timeout: float | None = None
    acting: str | None = None  # the user whose request deletes something; a job otherwise, "" of one that logs nothing

    # Requests

    def answer(self, request: Request) -> Answer:
        """Returns the answer to a request."""
        self.jobs.run()
        self._timeout = request.environ.get("fakes.timeout")
        self.address = (request.scheme, request.host)
        if self.pushes.registry.takes(request.path):
            return self.pushes.registry.answer(request)
        headers, problem = self.sessions.check(request)
        headers["X-Request-Id"] = request_id(request)
        try:
            answer = self._handle(request, problem)
        except Refusal as refusal:
            answer = refusal.answer()
        except Crash:
            answer = Answer(500)
        answer.headers = {"Date": formatdate(self.now(), usegmt=True), **headers, **answer.headers}
        return answer

    def _handle(self, request: Request, problem: str | None) -> Answer:
        path = raw_path(request)
        if problem and path.startswith("/api/"):
            raise Refusal("FORBIDDEN", problem)
        account = self._sign_in(request)
        setting = (request.method, path.rstrip("/")) == ("PUT", f"{API}/configurations")
        if self.switches["read_only"] and request.method not in SAFE[:3] and not setting:
            raise Refusal("DENIED", READ_ONLY)
        if path.rstrip("/") == "/api/version" and request.method == "GET":
            return Answer(200, b'{"version":"v2.0"}\n', {"Content-Type": "text/plain; charset=utf-8"})
        route, given = self._route(request.method, path)
        call = Call(self, request, path, account=account)
        bind(call, route, given)
        if route.needs == ("user",):
            call.sign_in()
        elif route.needs:
            call.need(*route.needs)
        self.acting = account and account.name
        try:
            return route.handler(call)
        finally:
            self.acting = None

    def _sign_in(self, request: Request) -> Account | None:
        return self.accounts.sign_in(
            request.headers.get("Authorization"), self.jobs.moment, self.switches["lock_seconds"]
        )

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        parts = [part for part in path.split("/") if part]
        for template, verbs in self.routes if parts[:2] == API.split("/")[1:] else ():
            if len(template) != len(parts) - 2:
                continue
            pairs = list(zip(template, parts[2:]))
            verbs = {verb: route for verb, route in verbs.items() if self.version >= route.since}
            if not verbs or any(one != other for one, other in pairs if not one.startswith("{")):
                continue
            if method not in verbs:
                message = f"method {method} is not allowed, but [{','.join(verbs)}] are"
                raise Refusal("METHOD_NOT_ALLOWED", message)
            return verbs[method], {one[1:-1]: other for one, other in pairs if one.startswith("{")}
        raise not_found(f"path {path} was not found")

    # Clock and control plane

    def work(self, **options: Any) -> dict[str, Any]:
        """Lets schedules fire and jobs run up to the fake's time; returns how much happened."""
        return {"happened": self.jobs.run(firing=True)}

    def state(self) -> dict[str, Any]:
        """Returns the whole state in the form that the constructor takes."""
        self.jobs.run()
        return state.dump(self)

    def _control_switches(self, method: str, given: Any) -> Answer | None:
        self.jobs.run()  # what happened until now went by the old switches
        if method == "POST" and not FULL_VERSION.match(str(given.get("version", "2.16"))):
            raise ValueError(f"no version: {given['version']}; write 2.16 or v2.16.0-c50c7ddd")
        return super()._control_switches(method, given)

    def _control_remote(self, method: str, given: Any) -> Answer | None:
        if method == "GET":
            return as_json({name: remote.healthy for name, remote in self.remotes.known.items()})
        if method != "POST":
            return None
        self.jobs.run()  # what happened until now met the remote as it was
        remote = self.remotes.known[given["as"]]
        remote.healthy = bool(given["healthy"])
        return as_json({"as": given["as"], "healthy": remote.healthy})
