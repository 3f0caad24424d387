# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a retention run say: one a repository, with numbers, and a log with a table of artifacts. Pure."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

TEXT = {"type": "string", "maxLength": 4096}
NUMBER = {"type": "integer", "minimum": 0}
TASKS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "repository", "status"],
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            **dict.fromkeys(("repository", "status", "end_time"), TEXT),
            **dict.fromkeys(("total", "retained"), NUMBER),
        },
    },
}
UNDER_WAY = ("Pending", "Scheduled", "Running")
MARKS = {"DEL": "deleted", "RETAIN": "retained", "IMMUTABLE": "immutable", "ERR": "refused"}
ROW = re.compile(
    r"\|\s*(sha256:[0-9a-f]{64}|\S{1,200})\s*\|([^|]*)\|(?:[^|]*\|){5}\s*(DEL|RETAIN|IMMUTABLE|ERR)\s*\|\s*\Z"
)
REASON = re.compile(r"Retention error for artifact \S+?:(sha256:[0-9a-f]{64}) : (.*)")
MOST_REPOSITORIES = 10  # of a run in a result
MOST_NAMES = 10  # of a kind in a repository
LONGEST_NAME = 128


def status(tasks: list) -> str:
    """Return the status of a run by those of its tasks, as Harbor makes it."""
    found = {task["status"] for task in tasks}
    if found & set(UNDER_WAY):
        return "Running"
    return next((one for one in ("Error", "Stopped") if one in found), "Success")


def numbers(tasks: list) -> dict:
    """Return the sums over all repositories: how many artifacts were looked at, and how many stay."""
    return {key: sum(task.get(key, 0) for task in tasks) for key in ("total", "retained")}


def goes(task: dict) -> int:
    """Return how many artifacts a repository loses."""
    return task.get("total", 0) - task.get("retained", 0)


def worst(tasks: list) -> list:
    """Return the tasks that a result tells of: first those that failed, then those that lose most."""
    ordered = sorted(tasks, key=lambda task: (task["status"] == "Success", -goes(task), task["repository"]))
    return ordered[:MOST_REPOSITORIES]


def told(task: dict, log: str | None) -> dict:
    """Return a repository as results show it: its numbers, and from the log (None: none) names of each kind."""
    found = {"status": task["status"], "total": task.get("total", 0), "retained": task.get("retained", 0)}
    found["names"] = None if log is None else _names(log)
    return found


def _names(log: str) -> dict:
    found: dict = {kind: [] for kind in MARKS.values()}
    reasons = {}
    rows = []
    for line in log.splitlines():
        row = ROW.match(line.strip())
        if row:
            rows.append(row.groups())
            continue
        reason = REASON.search(line)
        if reason:
            reasons[reason.group(1)] = reason.group(2)
    for digest, tags, mark in rows:
        some = found[MARKS[mark]]
        if len(some) < MOST_NAMES:
            name = printable(", ".join(tags.strip().split(",")) or digest[:19], LONGEST_NAME)
            why = printable(reasons.get(digest, ""), LONGEST_NAME) if mark == "ERR" else ""
            some.append(f"{name}: {why}" if why else name)
    return found


def gone(log: str) -> list[tuple[str, list]]:
    """Return digest and tags of each artifact that a real run deleted, by the log of a task."""
    rows = [ROW.match(line.strip()) for line in log.splitlines()]
    found = [row.groups() for row in rows if row]
    return [(digest, sorted(filter(None, tags.strip().split(",")))) for digest, tags, mark in found if mark == "DEL"]


def last_lines(log: str, most: int) -> str:
    """Return the last lines of a log, without its table."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith("|")]
    return "; ".join(lines[-most:])
