# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication policies of the fake Harbor, with the server's full validation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import cron as crons
from . import models
from .gojson import marshal, stamp, without_empty
from .jobs import FINAL, REPLICATION
from .listing import Match, Table, filtered, listing
from .registries import Registries
from .wire import PAGING, Call, Crash, Refusal, Route, bad_request, created, done, not_found, ok, unknown

if TYPE_CHECKING:
    from .server import Harbor

LONGEST_NAME, LONGEST_FILTERS = 256, 1024
PART = r"[a-z0-9]+(?:(?:[._]|__|-*)[a-z0-9]+)*"
NAMESPACE = re.compile(rf"{PART}(?:/{PART})*\Z")
KINDS = ("name", "tag", "label", "resource")
TRIGGERS = ("manual", "scheduled", "event_based")
ONE_REGISTRY = "either src_registry or dest_registry should be empty and the other one shouldn't be empty"
NO_CRON = "the cron string cannot be empty when the trigger type is scheduled"
UNFINISHED = "contains executions that aren't in final status, stop the execution first"


@dataclass(eq=False)
class Policy:
    """A stored policy; src and dest are ids of endpoints, 0 for this Harbor."""

    id: int
    name: str
    creation_time: float
    update_time: float
    src: int = 0
    dest: int = 0
    description: str = ""
    dest_namespace: str = ""
    dest_namespace_replace_count: int = -1
    trigger: dict[str, Any] | None = None
    filters: list[dict[str, Any]] = field(default_factory=list)
    enabled: bool = False
    override: bool = False
    deletion: bool = False
    speed: int = 0
    copy_by_chunk: bool = False
    single_active_replication: bool = False

    @property
    def kind(self) -> str:
        """Returns the type of the trigger."""
        return (self.trigger or {}).get("type", "")

    @property
    def cron(self) -> str:
        """Returns the cron of the trigger."""
        return ((self.trigger or {}).get("trigger_settings") or {}).get("cron", "")

    @property
    def scheduled(self) -> bool:
        """Whether the policy has a periodic job."""
        return self.enabled and self.kind == "scheduled"


def _column(policy: Policy, column: str) -> Any:
    if column in ("trigger", "filters"):
        return marshal(getattr(policy, column)) if getattr(policy, column) else ""
    return getattr(policy, {"src_registry_id": "src", "dest_registry_id": "dest"}.get(column, column))


POLICIES = Table(
    {
        "id": ("ID", "number"),
        "name": ("Name", "text"),
        "description": ("Description", "text"),
        "src_registry_id": ("SrcRegistryID", "number"),
        "dest_registry_id": ("DestRegistryID", "number"),
        "dest_namespace": ("DestNamespace", "text"),
        "override": ("Override", "bool"),
        "enabled": ("Enabled", "bool"),
        "trigger": ("Trigger", "text"),
        "filters": ("Filters", "text"),
        "speed": ("Speed", "number"),
        "copy_by_chunk": ("CopyByChunk", "bool"),
        "single_active_replication": ("SingleActiveReplication", "bool"),
        "creation_time": ("CreationTime", "time"),
        "update_time": ("UpdateTime", "time"),
    },
    "-creation_time",
    _column,
)


class ReplicationPolicies:
    """The calls about policies."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.jobs = harbor.jobs
        self.registries: Registries = harbor.family(Registries)
        self.registries.policies = self
        self.known: dict[int, Policy] = {}
        self._last = 0

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        resource, body = "replication-policy", ("policy", models.REPLICATION_POLICY)
        return {
            "/replication/policies": {
                "GET": Route(self.list, (resource, "list"), query=(*PAGING, "name")),
                "POST": Route(self.create, (resource, "create"), body),
            },
            "/replication/policies/{id}": {
                "GET": Route(lambda call: ok(self.shown(self.find(call.path["id"]))), (resource, "read")),
                "PUT": Route(self.update, (resource, "update"), body),
                "DELETE": Route(self.delete, (resource, "delete")),
            },
        }

    def find(self, number: int) -> Policy:
        """Returns the policy of an id; raises the 404."""
        if number not in self.known:
            raise not_found(f"replication policy {number} not found")
        return self.known[number]

    def list(self, call: Call) -> Answer:
        """Lists the policies."""
        rows: Any = list(self.known.values())
        name = call.query.get("name")
        if name:
            rows = filtered(rows, POLICIES, {"name": Match("fuzzy", name)})
        return listing(call, rows, POLICIES, self.shown)

    def shown(self, item: Policy) -> dict[str, Any]:
        """Returns a policy as the API shows it."""
        shown = {
            "id": item.id,
            "name": item.name,
            "description": item.description,
            "dest_namespace": item.dest_namespace,
            "enabled": item.enabled,
            "override": item.override,
            "deletion": item.deletion,
            "replicate_deletion": item.deletion,
            "creation_time": stamp(item.creation_time),
            "update_time": stamp(item.update_time),
        }
        found = {
            **without_empty(shown),
            "src_registry": self.registries.shown(self.registries.of_id(item.src)),
            "dest_registry": self.registries.shown(self.registries.of_id(item.dest)),
            "dest_namespace_replace_count": item.dest_namespace_replace_count,
            "filters": [self._shown_filter(one) for one in item.filters] or None,
            "speed": item.speed,
        }
        if self.harbor.version >= (2, 6, 2):
            found["copy_by_chunk"] = item.copy_by_chunk
        if self.harbor.version >= (2, 14):
            found["single_active_replication"] = item.single_active_replication
        if item.trigger is not None:
            found["trigger"] = {"type": item.kind}
            if "trigger_settings" in item.trigger:
                found["trigger"]["trigger_settings"] = {"cron": item.cron} if item.cron else {}
        return found

    @staticmethod
    def _shown_filter(given: dict[str, Any]) -> dict[str, Any]:
        shown = {"type": given["type"], "value": given.get("value")}
        return {**shown, "decoration": given["decoration"]} if given.get("decoration") else shown

    # Writing

    def _of_body(self, body: dict[str, Any] | None) -> Policy:
        body = body or {}
        item = Policy(0, body.get("name", ""), self.harbor.at(), self.harbor.at())
        item.src = (body.get("src_registry") or {}).get("id", 0)
        item.dest = (body.get("dest_registry") or {}).get("id", 0)
        for name in ("description", "dest_namespace", "enabled", "override", "deletion", "copy_by_chunk", "trigger"):
            setattr(item, name, body.get(name, getattr(item, name)))
        if self.harbor.version >= (2, 14):
            item.single_active_replication = body.get("single_active_replication", False)
        item.dest_namespace_replace_count = body.get("dest_namespace_replace_count", -1)
        item.filters = body.get("filters") or []
        item.speed = max(body.get("speed", 0), 0)
        return item

    def check(self, item: Policy) -> None:
        """Raises what is wrong with a policy, in the server's order, up to the endpoints that do not exist."""
        if item.single_active_replication and item.kind == "event_based":
            raise unknown()
        if not item.name:
            raise bad_request("empty name")
        if bool(item.src) == bool(item.dest):
            raise bad_request(ONE_REGISTRY)
        for one in item.filters:
            self._check_filter(one or {})
        if item.dest_namespace and not NAMESPACE.match(item.dest_namespace):
            raise bad_request(f"invalid destination namespace: {item.dest_namespace}")
        self._check_trigger(item)
        for number in (item.src, item.dest):
            self.registries.of_id(number)

    def _check_filter(self, one: dict[str, Any]) -> None:
        kind, value, decoration = one.get("type", ""), one.get("value"), one.get("decoration", "")
        if kind not in KINDS:
            raise bad_request("invalid filter type")
        if kind == "label":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise bad_request("the type of label filter value isn't string slice")
        elif not isinstance(value, str):
            raise bad_request("the type of filter value isn't string")
        resources = ("image", "artifact") if self.harbor.version >= (2, 8) else ("image", "artifact", "chart")
        if kind == "resource" and value not in resources:
            raise bad_request(f"invalid resource filter: {value}")
        if decoration and kind in ("name", "resource"):
            raise bad_request("only tag and label filter support decoration")
        if decoration not in ("", "matches", "excludes"):
            raise bad_request(f"invalid filter decoration, :{decoration}")

    def _check_trigger(self, item: Policy) -> None:
        if item.trigger is None:
            return
        if item.kind not in TRIGGERS:
            raise bad_request("invalid trigger type")
        if item.kind != "scheduled":
            return
        if not item.cron:
            raise bad_request(NO_CRON)
        try:
            crons.check_replication(item.cron, self.harbor.version >= (2, 9))
        except crons.ParserCrash:
            raise Crash from None
        except crons.BadCron as error:
            raise bad_request(str(error)) from None

    def _check_stored(self, item: Policy, old: Policy | None) -> None:
        """Raises what only the database finds."""
        if any(other.name == item.name and other is not old for other in self.known.values()):
            raise Refusal("CONFLICT", f"replication policy {item.name} already exists")
        too_long = len(item.name) > LONGEST_NAME or len(marshal(item.filters)) > LONGEST_FILTERS
        if too_long or (item.scheduled and len(item.cron) > crons.LONGEST):
            raise unknown()

    def create(self, call: Call) -> Answer:
        """Creates a policy."""
        item = self._of_body(call.body)
        self.check(item)
        self._check_stored(item, None)
        if item.scheduled:
            self.jobs.schedule(REPLICATION, self._last + 1, item.cron, "", None)
        self._last += 1
        item.id = self._last
        self.known[item.id] = item
        return created(f"/replication/policies/{item.id}")

    def update(self, call: Call) -> Answer:
        """Replaces a policy. What fails late has stopped the old schedule, which is listed as before."""
        item = self._of_body(call.body)
        self.check(item)
        old = self.find(call.path["id"])
        schedule = self.jobs.scheduled(REPLICATION, old.id)
        try:
            self._check_stored(item, old)
        except Refusal:
            if schedule is not None:
                schedule.dead = True
            raise
        if item.scheduled:
            self.jobs.reschedule(REPLICATION, old.id, item.cron, "", None)
        else:
            self.jobs.unschedule(REPLICATION, old.id)
        item.id, item.creation_time = old.id, old.creation_time
        self.known[old.id] = item
        return done()

    def delete(self, call: Call) -> Answer:
        """Deletes a policy with its history, unless a run is under way."""
        item = self.find(call.path["id"])
        runs = self.jobs.of(REPLICATION, item.id)
        if any(run.status not in FINAL for run in runs):
            raise Refusal("PRECONDITION", UNFINISHED)
        self.jobs.unschedule(REPLICATION, item.id)
        for run in runs:
            self.jobs.forget(run)
        del self.known[item.id]
        return done()

    # State

    def load(self, given: dict[str, Any]) -> None:
        """Takes the policies of a state: bodies with endpoints by name."""
        ids = {item.name: item.id for item in self.registries.known.values()}
        for body in given.get("replication_policies", []):
            named = {key: {"id": ids[body[key]["name"]]} for key in ("src_registry", "dest_registry") if body.get(key)}
            item = self._of_body({**body, **named})
            self._last += 1
            item.id = self._last
            self.known[item.id] = item
            if item.scheduled:
                self.jobs.schedule(REPLICATION, item.id, item.cron, "", None)

    def dump(self, given: dict[str, Any]) -> None:
        """Adds the policies to a state."""
        names = {item.id: item.name for item in self.registries.known.values()}
        hidden = ("id", "creation_time", "update_time", "src", "dest")
        given["replication_policies"] = [
            {
                **{key: value for key, value in item.__dict__.items() if key not in hidden},
                "src_registry": {"name": names[item.src]} if item.src else None,
                "dest_registry": {"name": names[item.dest]} if item.dest else None,
            }
            for item in self.known.values()
        ]
