# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention policies of the fake Harbor: stored nearly unchecked, tied to a project by its metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import cron as crons
from . import models
from .gojson import marshal, plain_stamp, without_empty
from .jobs import FINAL, RETENTION
from .store import Project
from .wire import Call, Crash, Refusal, Route, bad_request, created, done, not_found, ok, unknown

if TYPE_CHECKING:
    from .server import Harbor

MOST_RULES = 15
KEY = "retention_id"
SCHEDULED = "Schedule"


def _template(name: str, text: str, unit: str | None) -> dict[str, Any]:
    parameters = [{"required": True, "type": "int", "unit": unit}] if unit else []
    return {"action": "retain", "display_text": text, "params": parameters, "rule_template": name}


METADATA = {
    "templates": [
        _template("latestPushedK", "the most recently pushed # artifacts", "COUNT"),
        _template("latestPulledN", "the most recently pulled # artifacts", "COUNT"),
        _template("nDaysSinceLastPush", "pushed within the last # days", "DAYS"),
        _template("nDaysSinceLastPull", "pulled within the last # days", "DAYS"),
        _template("always", "always", None),
    ],
    "scope_selectors": [
        {"decorations": ["repoMatches", "repoExcludes"], "display_text": "Repositories", "kind": "doublestar"}
    ],
    "tag_selectors": [{"decorations": ["matches", "excludes"], "display_text": "Tags", "kind": "doublestar"}],
}


@dataclass(eq=False)
class Retention:
    """A stored policy."""

    id: int
    project: int
    algorithm: str = "or"
    level: str = "project"
    rules: list[dict[str, Any]] | None = None
    kind: str = ""
    settings: Any = None
    references: Any = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def cron(self) -> str:
        """Returns the cron of a schedule, "" for none."""
        found = self.settings.get("cron") if isinstance(self.settings, dict) else None
        return found if isinstance(found, str) else ""


def shown_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Returns a rule as the API shows it."""
    shown = {key: value for key, value in without_empty(rule).items() if value != {}}
    shown["tag_selectors"] = _shown_selectors(rule.get("tag_selectors"))
    if "scope_selectors" in shown:
        scopes = shown["scope_selectors"].items()
        shown["scope_selectors"] = {key: _shown_selectors(value) for key, value in scopes}
    return shown


def _shown_selectors(selectors: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return None if selectors is None else [without_empty(one or {}) for one in selectors]


class RetentionPolicies:
    """The calls about policies."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.jobs = harbor.jobs
        self.known: dict[int, Retention] = {}
        self._last = 0
        harbor.store.on_delete.append(self._project_deleted)

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        body = ("policy", models.RETENTION_POLICY)
        return {
            "/retentions/metadatas": {"GET": Route(lambda call: ok(METADATA), ("user",))},
            "/retentions": {"POST": Route(self.create, body=body)},
            "/retentions/{id}": {
                "GET": Route(self.get),
                "PUT": Route(self.update, body=body),
                "DELETE": Route(self.delete),
            },
        }

    # Finding

    def project_of(self, policy: Retention) -> Project | None:
        """Returns the project of a policy."""
        return self.harbor.store.projects.get(policy.project)

    def tied(self, project: Project | None) -> int | None:
        """Returns the id in the project's metadata."""
        text = project.metadata.get(KEY) if project else None
        return int(text) if text else None

    def find(self, call: Call, action: str) -> Retention:
        """Returns the policy of the path for all calls but GET and PUT; raises the 401, 400 and 403."""
        call.sign_in()
        policy = self.known.get(call.path["id"])
        if policy is None:
            raise bad_request(f"bad request: no such Retention policy with id {call.path['id']}")
        call.need_project(self.project_of(policy), "tag-retention", action)
        return policy

    # Calls

    def get(self, call: Call) -> Answer:
        """Answers one policy; an unknown id is a 500."""
        call.sign_in()
        policy = self.known.get(call.path["id"])
        if policy is None:
            raise unknown()
        call.need_project(self.project_of(policy), "tag-retention", "read")
        trigger: dict[str, Any] = {"kind": policy.kind} if policy.kind else {}
        if policy.references:
            trigger["references"] = policy.references
        if policy.settings is not None:
            trigger["settings"] = policy.settings
            if policy.cron:
                following = crons.parse(policy.cron).next(self.harbor.at())
                trigger["settings"] = {**policy.settings, "next_scheduled_time": plain_stamp(following)}
        shown = without_empty({"id": policy.id, "algorithm": policy.algorithm})
        rules = None if policy.rules is None else [shown_rule(rule or {}) for rule in policy.rules]
        scope = without_empty({"level": policy.level, "ref": policy.project})
        return ok({**shown, "rules": rules, "trigger": trigger, "scope": scope})

    def _of_body(self, call: Call, action: str) -> Retention:
        """Returns the policy of a body; raises what comes before the look at the stored ones."""
        account, body = call.sign_in(), call.body or {}
        rules = body.get("rules")
        if len(rules or []) > MOST_RULES:
            raise bad_request(f"bad request: only {MOST_RULES} rules are allowed at most")
        seen: list[str] = []
        for number, rule in enumerate(rules or []):
            text = marshal({key: value for key, value in shown_rule(rule or {}).items() if key != "id"})
            if text in seen:
                raise Refusal("CONFLICT", f"resource conflict: rule {number} is conflict with rule {seen.index(text)}")
            seen.append(text)
        if "scope" not in body:
            raise Crash
        level, ref = body["scope"].get("level", ""), body["scope"].get("ref", 0)
        project = self.harbor.store.projects.get(ref)
        if level != "project" and not account.sysadmin:
            raise Refusal("FORBIDDEN", account.name)
        if level == "project":
            call.need_project(project, "tag-retention", action)
        if "trigger" not in body:
            raise Crash
        if level != "project":
            raise bad_request(f"bad request: scope {level} is not support")
        if project is None:
            raise bad_request(f"bad request: invalid Project id {ref}")
        trigger = body["trigger"]
        return Retention(
            0, ref, body.get("algorithm", ""), level, rules, trigger.get("kind", ""),
            trigger.get("settings"), trigger.get("references"),
        )  # fmt: skip

    def _check_cron(self, policy: Retention) -> None:
        if policy.kind != SCHEDULED or not isinstance(policy.settings, dict) or "cron" not in policy.settings:
            return
        text = policy.settings["cron"]
        if not isinstance(text, str):
            if self.harbor.version >= (2, 16):
                raise bad_request("invalid cron type for scheduled tag retention: must be a string")
            return
        if not text:
            return
        try:
            crons.check(text, self.harbor.version >= (2, 9))
        except crons.ParserCrash:
            raise Crash from None
        except crons.BadCron as error:
            raise bad_request(f"invalid cron string for scheduled tag retention: {text}, error: {error}") from None

    def create(self, call: Call) -> Answer:
        """Creates the policy of a project that has none."""
        policy = self._of_body(call, "create")
        project = self.project_of(policy)
        if self.tied(project) is not None:
            message = f"project {project.id} already has retention policy {self.tied(project)}"
            raise bad_request(f"bad request: {message}")
        self._check_cron(policy)
        policy.id = self._last + 1
        if policy.kind == SCHEDULED and policy.cron:
            self.jobs.schedule(RETENTION, policy.id, policy.cron, "", None)
        self._last += 1
        self.known[policy.id] = policy
        project.metadata[KEY] = str(policy.id)
        return created(f"/retentions/{policy.id}")

    def update(self, call: Call) -> Answer:
        """Replaces the policy that the project of the body is tied to."""
        number, policy = call.path["id"], self._of_body(call, "update")
        if self.tied(self.project_of(policy)) != number or number not in self.known:
            raise not_found(f"resource not found: the retention policy id {number} does not match")
        self._check_cron(policy)
        old = self.known[number]
        self._change_schedule(number, old, policy)
        policy.id = number
        self.known[number] = policy
        return done()

    def _change_schedule(self, number: int, old: Retention, new: Retention) -> None:
        stops = starts = False
        if old.kind != new.kind:
            stops, starts = old.kind == SCHEDULED, new.kind == SCHEDULED
        elif new.kind == SCHEDULED:
            before, after = ((one.settings or {}).get("cron") for one in (old, new))
            if before != after:
                if not isinstance(before, str) or not isinstance(after, str):
                    raise Crash
                stops, starts = bool(before), bool(after)
        elif new.kind:
            raise unknown()
        if starts:
            if not new.cron:
                raise bad_request("invalid cron : empty spec string")
            self.jobs.reschedule(RETENTION, number, new.cron, "", None)
        elif stops:
            self.jobs.unschedule(RETENTION, number)

    def delete(self, call: Call) -> Answer:
        """Deletes a policy with its runs; from 2.14 on the project forgets its id, whichever that is."""
        policy = self.find(call, "delete")
        for run in self.jobs.of(RETENTION, policy.id):
            if any(task.status not in FINAL for task in run.tasks):
                message = f"the execution {run.id} has tasks that aren't in final status, stop the tasks first"
                raise Refusal("PRECONDITION", message)
        self._remove(policy)
        project = self.project_of(policy)
        if project is not None and self.harbor.version >= (2, 14):
            project.metadata.pop(KEY, None)
        return done()

    def _remove(self, policy: Retention) -> None:
        for run in self.jobs.of(RETENTION, policy.id):
            self.jobs.forget(run)
        self.jobs.unschedule(RETENTION, policy.id)
        del self.known[policy.id]

    def _project_deleted(self, project: Project) -> None:
        policy = self.known.get(self.tied(project) or 0)
        if policy is not None:
            self._remove(policy)

    # State

    def load(self, given: dict[str, Any]) -> None:
        """Takes the policies of a state: bodies without scope under the projects' key `retention`."""
        for item in given.get("projects", []):
            body = item.get("retention")
            if not body:
                continue
            project, trigger = self.harbor.store.named(item["name"]), body.get("trigger", {})
            self._last += 1
            policy = Retention(self._last, project.id, body.get("algorithm", "or"), "project", body.get("rules", []))
            policy.kind, policy.settings = trigger.get("kind", SCHEDULED), trigger.get("settings", {"cron": ""})
            self.known[policy.id] = policy
            project.metadata[KEY] = str(policy.id)
            if policy.kind == SCHEDULED and policy.cron:
                self.jobs.schedule(RETENTION, policy.id, policy.cron, "", None)

    def dump(self, given: dict[str, Any]) -> None:
        """Adds the policies that a project is tied to."""
        for item in given["projects"]:
            policy = self.known.get(self.tied(self.harbor.store.named(item["name"])) or 0)
            if policy is not None:
                trigger = {"kind": policy.kind, "settings": policy.settings}
                item["retention"] = {"algorithm": policy.algorithm, "rules": policy.rules, "trigger": trigger}
