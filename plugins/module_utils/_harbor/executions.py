# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of purge and garbage collection share at Harbor: how to look, start and stop, their logs, dry runs."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, runs
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import parse
from ansible_collections.registry.hygiene.plugins.module_utils._core.declarations import Entry
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    NotFound,
    PlanRefused,
    RegistryError,
    Unfinished,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.watch import Watch
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry

RUN_SPEC = dict(  # of a module that starts and stops runs, beside what the runs of its kind take
    runs.ARGUMENT_SPEC,
    state=dict(type="str", choices=["started", "stopped"], default="started"),
    id=dict(type="int"),
    dry_run=dict(type="bool", default=False),
)
# Not only yes or no, as in other modules: "server" asks Harbor itself, by a dry run.
PREVIEW = dict(preview=dict(type="str", choices=["no", "yes", "server"], default="no"))
TEXT = {"type": "string", "maxLength": 4096}
ROW = {
    "type": "object",
    "required": ["id", "job_status"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "job_status": dict(TEXT, minLength=1),
        **dict.fromkeys(("job_kind", "creation_time", "update_time"), TEXT),
        "job_parameters": {"type": ["string", "null"], "maxLength": 65536},
    },
}
ROWS = {"type": "array", "items": ROW}
BIGGEST_ID = 2**31 - 1  # of the column; Harbor breaks down at larger ones
TAIL, LONGEST_TAIL = 4, 400  # lines of a log in a message, and characters


def parameters(where: str, text: str | None) -> dict:
    """Return the parameters that Harbor holds as a text of JSON; raises ContractError."""
    try:
        found = parse(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ContractError(f"{where} answered with job_parameters that are no JSON object")
    return found


def flag(found: dict, key: str) -> bool:
    """Return a parameter as Harbor's jobs read it: whatever is not the boolean true means false."""
    return found.get(key) is True


class Executions(Watch):
    """The runs of one kind, to be read. A kind gives place, words and what its parameters mean."""

    place = ()  # path segments
    target_name = ""  # what people call the one target that there is
    good, bad = ("Success",), ("Error", "Stopped")
    common = ("id", "status", "trigger", "creation_time", "update_time")
    version = ()

    @classmethod
    def named(cls, params):
        return [cls.target_name]

    @classmethod
    def targets(cls, client, params):
        registry.version(client)  # proves the credentials: other answers may come to strangers, too
        return cls.target_name

    def locate(self):
        self.version = registry.version(self.client)

    def where(self, *rest: Any) -> str:
        """Return the path of something of this kind."""
        return api.path(*registry.API, *self.place, *map(str, rest))

    def content(self, found: dict) -> dict:
        """Return what the parameters of a run (or schedule) mean, in the words of options and results."""
        raise NotImplementedError

    def measured(self, found: dict) -> dict:
        """Return the numbers that the parameters of a run hold after it."""
        return {}

    def listed(self, query: dict | None = None, most: int = 0) -> list[dict]:
        """Return the runs that a query finds, the newest first unless it says otherwise; at most so many, 0: all."""
        where = self.where()
        rows = registry.listing(self.client, where, ROWS, lambda row: row["id"], query, most)
        return [self._run(where, row) for row in rows]

    def _run(self, where: str, row: dict) -> dict:
        moments = {key: row.get(key) for key in ("creation_time", "update_time")}
        held = parameters(where, row.get("job_parameters"))
        return {
            "id": row["id"],
            "status": row["job_status"],
            "trigger": row.get("job_kind", "").lower() or None,
            **{key: registry.moment(text) for key, text in moments.items()},
            **self.content(held),
            **self.measured(held),
        }

    def active(self):
        return [run for run in self.listed({"q": "status=Running"}) if not self.final(run)]

    def recent(self):
        return self.listed(most=registry.PAGE)

    def one(self, identity):
        if not 0 < identity <= BIGGEST_ID:
            return None
        # Not GET by id: up to 2.15 that breaks down at unknown ids, and so it does at those of another kind of run.
        found = self.listed({"q": f"id={identity}"}, registry.PAGE)
        return next((run for run in found if run["id"] == identity), None)

    def need_one(self, identity: int) -> dict:
        """Return this run; raises NotFound if there is none of this kind."""
        found = self.one(identity)
        if found is None:
            raise NotFound(
                f"there is no {self.word} {identity}: Harbor has forgotten it, or it is a run of another kind, which "
                "this module leaves alone",
                404,
            )
        return found

    def log(self, run: dict) -> str | None:
        """Return the log of a run; None if there is none, as of a run that was stopped before it started."""
        try:
            # Our Accept makes a JSON text of it.
            return self.client.get(self.where(run["id"], "log"), schema={"type": "string"})
        except NotFound:
            return None

    def tail(self, run):
        lines = [line.strip() for line in (self.log(run) or "").splitlines() if line.strip()]
        return "; ".join(lines[-TAIL:])[-LONGEST_TAIL:]


class Previewed(runs.Run):
    """Runs of one kind, before a real one of which Harbor's own dry run may say what it would do."""

    def plan(self, current):
        if self.due:
            check_mode_has_none(self)
        return super().plan(current)

    def apply(self, current, planned):
        if self.params["state"] == "stopped" or self.params["preview"] != "server" or self.params["dry_run"]:
            return super().apply(current, planned)
        preview = rehearsed(type(self), self, {})
        return dict(super().apply(current, planned), server_preview=preview)

    def verdict(self, run, **flags):
        return dict(super().verdict(run, **flags), server_preview=None)

    def changes(self, current, planned):
        if self.params["state"] == "stopped":
            return [("-", f"stop {', '.join(self.title(run) for run in self.running)}")]
        return [("+", f"start a {self.word}{' (dry run)' if self.params['dry_run'] else ''}: {self.described()}")]

    def described(self) -> str:
        """Return what the run would do, for people."""
        raise NotImplementedError


class Execution(Executions, Previewed):
    """The runs of one kind, one of which is to be started, or not to go on."""

    called = "registry"
    exclusive = False  # Harbor takes another one at any time, and lets it wait
    stopped = "Stopped"

    @classmethod
    def validate(cls, params):
        if params["state"] == "started" and params["id"] is not None:
            raise PlanRefused("id: Harbor numbers the runs itself; write it with state: stopped only")
        return super().validate(params)

    def parameters(self) -> dict:
        """Return the parameters to send."""
        raise NotImplementedError

    def wanted(self):
        return self.content(self.parameters())

    def covers(self, run):
        wanted = self.wanted()
        return {key: run.get(key) for key in wanted} == wanted

    def own(self, run):
        return run["trigger"] == "manual" and self.covers(run)

    def to_stop(self):
        if self.params["id"] is None:
            return self.under_way()
        found = self.need_one(self.params["id"])
        return [] if self.final(found) else [found]

    def start(self):
        # POST, although PUT starts one as well: only POST tells which.
        body = {"schedule": {"type": "Manual"}, "parameters": self.parameters()}
        answer = self.client.request("POST", self.where("schedule"), body=body)
        number = registry.made(answer)
        return self.asked(lambda run: self.one(run["id"]), {"id": number}, None) if number else None

    def stop(self, run):
        self.client.request("PUT", self.where(run["id"]))


def rehearsed(kind: type, thing: Any, content: dict) -> dict:
    """Return the numbers that the server's own dry run of this kind ends with; starts it, or adopts one, and waits.

    content: what goes before the thing's options.
    """
    params = dict(thing.params, min_interval="0s", **content)
    params.update(state="started", dry_run=True, wait=True, id=None, preview="no")
    run = kind(thing.client, Entry(params, None, [], {}), thing.target)
    state = run.read()
    if run.due:
        state = run.apply(state, run.plan(state))
    try:
        ended = run.follow(state)
    except Unfinished as error:
        raise RegistryError(f"the preview by the server: {error}. Nothing else was done") from None
    return {key: ended.get(key) for key in ("id", *run.numbers)}


def check_mode_has_none(thing: Any) -> None:
    """Warn that check mode does without the server's preview, because it starts a run."""
    if thing.client.read_only and thing.params["preview"] == "server":
        thing.client.warnings.append("preview: server starts a run of Harbor, so check mode does without it")
