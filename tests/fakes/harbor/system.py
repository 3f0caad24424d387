# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about the whole fake Harbor: version, configuration, schedules, queues, audit logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import models
from .gojson import stamp, without_empty
from .jobs import GC, PURGE
from .listing import Table, listing, page_of
from .wire import JSON, PAGING, TEXT, Call, Route, bad_request, done, ok

if TYPE_CHECKING:
    from .server import Harbor

EVENTS = [
    *("create_artifact", "delete_artifact", "pull_artifact", "create_project", "delete_project", "delete_repository"),
    *("login_user", "logout_user", "create_user", "delete_user", "update_user", "create_robot", "delete_robot"),
    *("update_configuration", "create_member", "delete_member", "update_member", "update_project"),
]
EVENTS_OF_2_16 = 4
PUBLIC_INFO = {
    "auth_mode": "db_auth",
    "banner_message": "",
    "oidc_provider_name": "",
    "primary_auth_mode": False,
    "self_registration": False,
}
AUDIT = Table(
    {
        "id": ("ID", "number"),
        "operation": ("Operation", "text"),
        "resource_type": ("ResourceType", "text"),
        "resource": ("Resource", "text"),
        "username": ("Username", "text"),
        "op_time": ("OpTime", "time"),
    },
    "-op_time",
    dict.get,
)


class System:
    """What belongs to no other family. Audit rows: dictionaries with id, operation, resource_type and op_time."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self._ids = 0
        self.audit: list[dict[str, Any]] = []  # the table since 2.13
        self.old_audit: list[dict[str, Any]] = []  # the table before
        harbor.store.on_change.append(self._deleted)

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        audit = ("audit-log", "list")
        return {
            "/ping": {
                "GET": Route(lambda call: Answer(200, b'"Pong"\n', {"Content-Type": JSON}), produces=(JSON, TEXT))
            },
            "/health": {"GET": Route(self.health)},
            "/systeminfo": {"GET": Route(self.info)},
            "/configurations": {
                "GET": Route(self.configuration, ("configuration", "read")),
                "PUT": Route(self.configure, ("configuration", "update"), ("configurations", models.CONFIGURATION)),
            },
            "/schedules": {
                "GET": Route(self.schedules, ("jobservice-monitor", "list"), query=PAGING[:2], since=(2, 7))
            },
            "/schedules/{job_type}/paused": {"GET": Route(self.paused, ("user",), since=(2, 7))},
            "/jobservice/queues/{job_type}": {
                "PUT": Route(
                    self.queue, ("jobservice-monitor", "stop"), ("action_request", models.ACTION), since=(2, 7)
                )
            },
            "/audit-logs": {"GET": Route(lambda call: self.logs(call, self.old_audit), ("user",), query=PAGING)},
            "/auditlog-exts": {
                "GET": Route(lambda call: self.logs(call, self.audit), ("user",), query=PAGING, since=(2, 13))
            },
            "/auditlog-exts/events": {"GET": Route(self.events, audit, since=(2, 13))},
        }

    def health(self, call: Call) -> Answer:
        """Answers that all is well."""
        names = ("core", "database", "jobservice", "portal", "redis", "registry", "registryctl")
        return ok({"status": "healthy", "components": [{"name": name, "status": "healthy"} for name in names]})

    def info(self, call: Call) -> Answer:
        """Answers the version, to those who signed in."""
        if call.account is None:
            return ok(PUBLIC_INFO)
        more = {
            "current_time": stamp(self.harbor.at()),
            "external_url": "http://harbor.example.org",
            "harbor_version": self.harbor.full_version,
            "has_ca_root": False,
            "notification_enable": True,
            "project_creation_restriction": "everyone",
            "read_only": bool(self.harbor.switches["read_only"]),
            "registry_storage_provider_name": "filesystem",
            "registry_url": "harbor.example.org",
        }
        return ok({**PUBLIC_INFO, **more})

    def configuration(self, call: Call) -> Answer:
        """Answers the settings that the fake has."""
        values = {
            "read_only": bool(self.harbor.switches["read_only"]),
            "robot_name_prefix": self.harbor.accounts.prefix,
            "self_registration": False,
        }
        return ok({name: {"editable": True, "value": value} for name, value in values.items()})

    def configure(self, call: Call) -> Answer:
        """Changes settings."""
        wanted = call.body or {}
        if "read_only" in wanted:
            self.harbor.switches["read_only"] = wanted["read_only"]
        if wanted.get("robot_name_prefix"):
            self.harbor.accounts.prefix = wanted["robot_name_prefix"]
        return done()

    def schedules(self, call: Call) -> Answer:
        """Lists all schedules."""
        items = sorted(self.harbor.jobs.schedules.values(), key=lambda item: item.id)
        part, headers = page_of(call, items)
        return ok([self._schedule(item) for item in part], headers)

    @staticmethod
    def _schedule(item: Any) -> dict[str, Any]:
        shown = {"id": item.id, "cron": item.cron, "vendor_type": item.vendor_type, "vendor_id": item.vendor_id}
        return without_empty({**shown, "update_time": stamp(item.created)})

    def paused(self, call: Call) -> Answer:
        """Answers whether schedules fire at all: they do."""
        if call.path["job_type"] != "all":
            raise bad_request("job_type can only be 'all'")
        return ok({"paused": False})

    def queue(self, call: Call) -> Answer:
        """Pauses or resumes a queue of the job service."""
        action = (call.body or {}).get("action", "")
        if action not in ("pause", "resume", "stop"):
            raise bad_request(f"the action is not supported: {action}")
        kinds = (PURGE, GC) if call.path["job_type"] == "all" else (call.path["job_type"],)
        for kind in kinds:
            self.harbor.jobs.pause(kind, action == "pause")
        return done()

    def logs(self, call: Call, rows: list[dict[str, Any]]) -> Answer:
        """Lists a table of the audit log: to who lacks the right, what is of projects that he administers."""
        # Harbor c50c7dd, src/server/v2.0/handler/auditlog.go: no 403, but a list of less, for a robot an empty one.
        account = call.sign_in()
        if not account.may_system("audit-log", "list"):
            projects = self.harbor.store.projects.values()
            own = [f"{project.name}/" for project in projects if project.members.get(account.name) == "projectAdmin"]
            rows = [row for row in rows if row["resource"].startswith(tuple(own))]
        return listing(call, rows, AUDIT, lambda row: {**row, "op_time": stamp(row["op_time"])})

    def event_types(self) -> list[str]:
        """Returns the event types that the version knows."""
        return EVENTS if self.harbor.version >= (2, 16) else EVENTS[:-EVENTS_OF_2_16]

    def events(self, call: Call) -> Answer:
        """Lists the event types."""
        return ok([{"event_type": name} for name in self.event_types()])

    def add_audit(self, event_type: str, op_time: float, **more: Any) -> None:
        """Adds a row to the table since 2.13."""
        operation, _under, kind = event_type.partition("_")
        self._ids += 1
        row = {"id": self._ids, "operation": operation, "resource_type": kind, "op_time": op_time}
        given = {"username": "admin", "resource": f"{kind} {self._ids}", "operation_result": True, **more}
        self.audit.append({**row, **given})

    def add_old_audit(self, operation: str, op_time: float, **more: Any) -> None:
        """Adds a row to the table before 2.13."""
        self._ids += 1
        row = {"id": self._ids, "operation": operation, "resource_type": "artifact", "op_time": op_time}
        self.old_audit.append({**row, "username": "admin", "resource": f"library/app:{self._ids}", **more})

    def _deleted(self, what: str, project: Any, repository: Any, artifact: Any, names: list[str]) -> None:
        # Harbor c50c7dd, src/controller/event/topic.go. What the garbage collection deletes raises no event there.
        who, name = self.harbor.acting, f"{project.name}/{repository.name}"
        if what not in ("deletion", "tag deletion") or who == "":
            return
        kind = "artifact" if what == "deletion" else "tag"
        resource = f"{name}@{artifact.digest}" if what == "deletion" else f"{name}:{names[0]}"
        more = {"username": who or "harbor-jobservice", "resource": resource}
        if self.harbor.version >= (2, 13):
            self.add_audit(f"delete_{kind}", self.harbor.at(), **more)
        else:
            self.add_old_audit("delete", self.harbor.at(), resource_type=kind, **more)
