# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The neutral form of the fake Harbor's state: that of the recordings, with keys for what they make by calls."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from .jobs import FINAL, Execution
from .store import Artifact, Project, Repository, Tag
from .system import System

if TYPE_CHECKING:
    from .server import Harbor

HOUR = 3600
VENDORS = ("PURGE_AUDIT_LOG", "GARBAGE_COLLECTION", "REPLICATION", "RETENTION")


def _ago(now: float, seconds: float | None) -> float | None:
    return None if seconds is None else now - seconds


def load(harbor: Harbor, given: dict[str, Any]) -> None:
    """Brings a new fake into a state."""
    given = deepcopy(given)
    now = harbor.at()
    if "version" in given:
        harbor.switches["version"] = given["version"]
    configuration = given.get("configuration", {})
    harbor.switches["read_only"] = configuration.get("read_only", False)
    harbor.switches["refresh_seconds"] = given.get("refresh_seconds", harbor.switches["refresh_seconds"])
    harbor.accounts.prefix = configuration.get("robot_name_prefix", "robot$")
    for user in given.get("users", []):
        harbor.accounts.users[user["name"]] = user
    for robot in given.get("robots", []):
        harbor.accounts.add_robot(robot)
    for remote in given.get("remotes", []):
        harbor.remotes.add(remote)
    for name in given.get("labels", []):
        harbor.store.add_label(name)
    harbor.store.add_project("library", public=True)
    for project in given.get("projects", []):
        _project(harbor, project, now)
    for blob in given.get("garbage", []):
        touched = now - blob.pop("age_hours") * HOUR
        harbor.store.blobs[blob["digest"]] = {**blob, "touched": touched}
    harbor.store.trash += given.get("trash", [])
    system = harbor.family(System)
    for row in given.get("audit_rows", []):
        for _number in range(row["count"]):
            system.add_audit(row["event_type"], now - row["age_hours"] * HOUR, **row.get("of", {}))
    for row in given.get("old_audit_rows", []):
        for _number in range(row["count"]):
            system.add_old_audit(row["operation"], now - row["age_hours"] * HOUR, **row.get("of", {}))
    for run in given.get("executions", []):
        _execution(harbor, run, now)
    for schedule in given.get("schedules", []):
        harbor.jobs.schedule(
            schedule["vendor_type"], -1, schedule["cron"], schedule.get("type", "Custom"), schedule["parameters"]
        ).dead = schedule.get("dead", False)
    for family in harbor.families.values():
        getattr(family, "load", lambda given: None)(given)


def _project(harbor: Harbor, given: dict[str, Any], now: float) -> None:
    store = harbor.store
    project = store.named(given["name"]) or store.add_project(given["name"])
    project.public = given.get("public", False)
    project.members = {item["user"]: item["role"] for item in given.get("members", [])}
    for name in given.get("labels", []):
        store.add_label(name, project)
    for rule in given.get("immutable_rules", []):
        project.immutable_rules.append({**rule, "id": store.next_id("rule")})
    for item in given.get("repositories", []):
        repository = store.add_repository(project, item["name"])
        for artifact in item.get("artifacts", []):
            _artifact(harbor, project, repository, artifact, now)


def _artifact(harbor: Harbor, project: Project, repository: Repository, given: dict[str, Any], now: float) -> None:
    store = harbor.store
    item = Artifact(store.next_id("artifact"), given["digest"], given.get("size", 1000), now)
    item.push_time = now - given.get("push_seconds_ago", 0)
    item.pull_time = _ago(now, given.get("pull_seconds_ago"))
    item.type = given.get("type", "IMAGE")
    item.labels = list(given.get("labels", []))
    item.references = given.get("references", [])
    item.blobs = given.get("blobs", [])
    item.manifest_size = given.get("manifest_size", item.manifest_size)
    for tag in given.get("tags", []):
        pushed = now - tag.get("push_seconds_ago", given.get("push_seconds_ago", 0))
        item.tags.append(Tag(store.next_id("tag"), tag["name"], pushed, _ago(now, tag.get("pull_seconds_ago"))))
    known = {label["name"] for label in [*project.labels, *store.labels]}
    for name in [name for name in item.labels if name not in known]:
        store.add_label(name, project)
    touched = now - given["blob_age_hours"] * HOUR if "blob_age_hours" in given else None
    if given.get("deleted"):
        store.add_blobs(item, item.push_time if touched is None else touched)
        store.trash.append(item.digest)
        return
    store.add_artifact(repository, item, touched)
    for accessory in given.get("accessories", []):
        attached = Artifact(store.next_id("artifact"), accessory["digest"], accessory.get("size", 500), item.push_time)
        attached.subject, attached.subject_type = item.digest, accessory["type"]
        tag = f"sha256-{item.digest.partition(':')[2]}.sig"
        attached.tags.append(Tag(store.next_id("tag"), tag, item.push_time))
        store.add_artifact(repository, attached, touched)


def _execution(harbor: Harbor, given: dict[str, Any], now: float) -> None:
    item = harbor.jobs.execution(
        given["vendor_type"], given.get("vendor_id", -1), given["trigger"], given.get("extra_attrs", {})
    )
    item.status, item.status_message = given["status"], given.get("status_message", "")
    item.start_time = now - given["start_seconds_ago"]
    item.end_time = item.update_time = item.start_time + given["duration_seconds"]


# Giving it back


def dump(harbor: Harbor) -> dict[str, Any]:
    """Returns the state; runs under way are left out, and so are logs."""
    now, accounts, system = harbor.at(), harbor.accounts, harbor.family(System)
    audit = Counter((f"{row['operation']}_{row['resource_type']}", _age(row["op_time"], now)) for row in system.audit)
    old = Counter((row["operation"], _age(row["op_time"], now)) for row in system.old_audit)
    given = {
        "version": harbor.full_version,
        "configuration": {"read_only": bool(harbor.switches["read_only"]), "robot_name_prefix": accounts.prefix},
        "refresh_seconds": harbor.switches["refresh_seconds"],
        "users": list(accounts.users.values()),
        "robots": [
            {**{key: value for key, value in robot.items() if key != "bare"}, "name": accounts.prefix + robot["bare"]}
            for robot in accounts.robots
        ],
        "labels": [label["name"] for label in harbor.store.labels],
        "remotes": [remote.dump() for remote in harbor.remotes.known.values()],
        "projects": [_dumped_project(harbor, project, now) for project in harbor.store.projects.values()],
        "garbage": [
            {**{key: value for key, value in blob.items() if key != "touched"}, "age_hours": _age(blob["touched"], now)}
            for blob in harbor.store.orphans(now + HOUR)
        ],
        "trash": harbor.store.trash,
        "audit_rows": [{"event_type": key, "age_hours": age, "count": count} for (key, age), count in audit.items()],
        "old_audit_rows": [{"operation": key, "age_hours": age, "count": count} for (key, age), count in old.items()],
        "executions": [
            _dumped_run(run, now)
            for run in harbor.jobs.executions.values()
            if run.vendor_type in VENDORS and run.status in FINAL
        ],
        "schedules": [
            {
                "vendor_type": item.vendor_type,
                "type": item.kind,
                "cron": item.cron,
                "parameters": item.parameters,
                "dead": item.dead,
            }
            for item in harbor.jobs.schedules.values()
            if item.vendor_type in VENDORS[:2]
        ],
    }
    for family in harbor.families.values():
        getattr(family, "dump", lambda given: None)(given)
    return deepcopy(given)


def _age(moment: float, now: float) -> float:
    return round((now - moment) / HOUR, 4)


def _dumped_run(run: Execution, now: float) -> dict[str, Any]:
    return {
        "vendor_type": run.vendor_type,
        "vendor_id": run.vendor_id,
        "trigger": run.trigger,
        "status": run.status,
        "status_message": run.status_message,
        "start_seconds_ago": round(now - run.start_time, 3),
        "duration_seconds": round(run.update_time - run.start_time, 3),
        "extra_attrs": run.extra,
    }


def _dumped_project(harbor: Harbor, project: Project, now: float) -> dict[str, Any]:
    return {
        "name": project.name,
        "public": project.public,
        "members": [{"user": user, "role": role} for user, role in project.members.items()],
        "labels": [label["name"] for label in project.labels],
        "immutable_rules": [
            {key: value for key, value in rule.items() if key != "id"} for rule in project.immutable_rules
        ],
        "repositories": [
            {
                "name": repository.name,
                "artifacts": [
                    _dumped_artifact(harbor, repository, item, now)
                    for item in repository.artifacts
                    if item.subject is None
                ],
            }
            for repository in project.repositories.values()
        ],
    }


def _dumped_artifact(harbor: Harbor, repository: Repository, item: Artifact, now: float) -> dict[str, Any]:
    def times(thing: Any) -> dict[str, float | None]:
        pulled = None if thing.pull_time is None else round(now - thing.pull_time, 3)
        return {"push_seconds_ago": round(now - thing.push_time, 3), "pull_seconds_ago": pulled}

    dumped: dict[str, Any] = {
        "digest": item.digest,
        "size": item.size,
        "type": item.type,
        **times(item),
        "labels": item.labels,
        "tags": [{"name": tag.name, **times(tag)} for tag in item.tags],
        "blobs": item.blobs,
        "manifest_size": item.manifest_size,
        "blob_age_hours": _age(harbor.store.blobs[item.digest]["touched"], now),
    }
    accessories = [
        {"digest": other.digest, "type": other.subject_type, "size": other.size}
        for other in repository.accessories(item)
    ]
    if accessories:
        dumped["accessories"] = accessories
    return {**dumped, "references": item.references} if item.references else dumped
