# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions of replication policies, their tasks and logs, as Harbor lists them, and what they came to."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import NotFound
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import listings, registry

EXECUTIONS = ("replication", "executions")
RUNNING, SUCCEED, FAILED, STOPPED = STATUSES = ("InProgress", "Succeed", "Failed", "Stopped")
PENDING = "Pending"  # of a task
COUNTERS = ("total", "succeed", "failed", "in_progress", "stopped")
KEYS = ("id", "policy", "status", "outcome", "status_text", "trigger", *COUNTERS, "start_time", "end_time")
NOTHING = "no resources need to be replicated"
SKIPPED = "Execution skipped"
ROW = {
    "type": "object",
    "required": ["id", "policy_id", "status", "total", "failed"],
    "properties": {
        "id": dict(listings.ID, minimum=1),
        "policy_id": listings.ID,
        **dict.fromkeys(("status", "status_text", "trigger", "start_time", "end_time"), listings.TEXT),
        **dict.fromkeys(COUNTERS, {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}),
    },
}
ROWS = {"type": "array", "items": ROW}
TASK_KEYS = (*("id", "status", "operation", "resource_type", "src_resource", "dst_resource", "start_time", "end_time"),)
TASKS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "status"],
        "properties": {"id": dict(listings.ID, minimum=1), **dict.fromkeys(TASK_KEYS[1:], listings.TEXT)},
    },
}
MOST_LOGS = 1000  # of tasks that are looked at, and 20 of failed ones
MOST_FAILED = 20
TAIL, LONGEST_LINE = 3, 400
ERROR = re.compile(r"\[ERROR\] (?:\[[^\]]*\]: ?)?(.*)")
LAST = "got error during the whole transfer period"  # stands behind every failure
CONFLICT = re.compile(r"the same name artifact (\S{1,1000}) exists on the destination registry, but")


def listed(client: api.Client, query: dict, most: int = 0) -> list[dict]:
    """Return the executions that a query finds, the newest first unless it says otherwise; at most so many, 0: all."""
    query = {key: str(value) for key, value in query.items() if value is not None}
    rows = registry.listing(client, listings.where(EXECUTIONS), ROWS, lambda row: row["id"], query, most)
    return [_run(row) for row in rows]


def _run(row: dict) -> dict:
    moments = {key: registry.moment(row.get(key)) for key in ("start_time", "end_time")}
    counters = {key: row.get(key, 0) for key in COUNTERS}
    text = (row.get("status_text") or "").strip()
    shown = {"id": row["id"], "status": row["status"], "trigger": row.get("trigger"), "policy_id": row["policy_id"]}
    return {**shown, "outcome": outcome(row["status"], text, counters), "status_text": text, **counters, **moments}


def outcome(status: str, text: str, counters: dict) -> str:
    """Return in one word what became of an execution, which Harbor tells by status and status_text together."""
    if status == SUCCEED:
        return "nothing_to_replicate" if not counters["total"] and text.startswith(NOTHING) else "replicated"
    if status == FAILED:
        return "skipped" if text.startswith(SKIPPED) else "failed"
    return {STOPPED: "stopped"}.get(status, "running")


def one(client: api.Client, number: int) -> dict | None:
    """Return an execution, None if there is none of this number."""
    if not 0 < number <= listings.ID["maximum"]:
        return None
    try:
        return _run(client.get(listings.where(EXECUTIONS, number), schema=ROW))
    except NotFound:
        return None


def stop(client: api.Client, number: int) -> None:
    """Ask for the end of an execution; Harbor answers before that takes effect."""
    client.request("PUT", listings.where(EXECUTIONS, number))


def tasks(client: api.Client, number: int, query: dict | None = None) -> list[dict]:
    """Return the tasks of an execution, in the order in which they were made."""
    where = listings.where(EXECUTIONS, number, "tasks")
    asked = {"sort": "id", **{key: value for key, value in (query or {}).items() if value}}
    rows = registry.listing(client, where, TASKS, lambda row: row["id"], asked)
    return [_task(row) for row in rows]


def _task(row: dict) -> dict:
    moments = {key: registry.moment(row.get(key)) for key in ("start_time", "end_time")}
    return {**{key: row.get(key) for key in TASK_KEYS}, **moments}


def log(client: api.Client, number: int, task: int) -> str | None:
    """Return the log of a task (of its last try only), None if there is none."""
    try:
        # Our Accept makes a JSON text of it.
        return client.get(listings.where(EXECUTIONS, number, "tasks", task, "log"), schema={"type": "string"})
    except NotFound:
        return None


def results(client: api.Client, run: dict, override: bool) -> dict:
    """Return {"failed_tasks", "conflicts", "conflicts_count"} of an execution that is over.

    failed_tasks: those that failed, with the last lines of their logs in which they say why. conflicts: the tags that
    were left as they are at the destination because override is false; Harbor counts these as replicated.
    """
    found = tasks(client, run["id"])
    failed = [task for task in found if task["status"] == FAILED][:MOST_FAILED]
    done = [] if override else [task for task in found if task["status"] == SUCCEED][:MOST_LOGS]
    logs = client.each(lambda task: log(client, run["id"], task["id"]) or "", [*failed, *done])
    told = [dict(task, log_lines=reasons(text)) for task, text in zip(failed, logs)]
    conflicts = [] if override else [name for text in logs for name in dict.fromkeys(CONFLICT.findall(text))]
    return {"failed_tasks": told, "conflicts": conflicts[:MOST_FAILED], "conflicts_count": len(conflicts)}


def reasons(text: str) -> list[str]:
    """Return the last lines of a log in which a task says why it failed."""
    lines = [line.strip()[:LONGEST_LINE] for line in ERROR.findall(text)]
    return list(dict.fromkeys(line for line in lines if line and not line.startswith(LAST)))[-TAIL:]


def reason(result: dict) -> str:
    """Return why the first of the failed tasks failed, as a line."""
    failed = result.get("failed_tasks") or []
    if not failed:
        return ""
    first: Any = failed[0]
    why = first["log_lines"][-1] if first["log_lines"] else "its log does not say why"
    return f"{first['src_resource']} to {first['dst_resource']}: {why}"
