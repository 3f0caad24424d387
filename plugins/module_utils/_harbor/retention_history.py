# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tag retention of Harbor's projects deleted: its runs, and the artifacts that their logs name."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import history, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.declarations import Entry
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    inventory,
    registry,
    retention_log,
    retention_runs,
)

BECAUSE = "tag retention"


def retention(thing: Any) -> dict:
    """Return the state of what tag retention deleted in all projects that can be seen; raises if none can be read."""
    known = inventory.all_projects(thing.client)
    named = [name for name, project in known.items() if (project.get("metadata") or {}).get("retention_id")]
    rows, runs, lost, errors = [], [], [], []
    for found in thing.client.each(lambda name: _of_project(thing, known, name), named):
        if isinstance(found, RegistryError):
            errors.append(found)
            continue
        rows += found[0]
        runs += found[1]
        lost += found[2]
    if errors and len(errors) == len(named):
        raise errors[0]
    if errors:
        lost.append(f"{plural(len(errors), 'project')} cannot be read: {errors[0]}")
    return history.state(rows, runs=runs, truncated="; ".join(lost[:3]) or None)


def _of_project(thing: Any, known: dict, project: str) -> Any:
    """Return rows, runs and what is lost of a project, or the RegistryError that keeps it from being read."""
    try:
        reader = _reader(thing, known, project)
        runs = reader.recent()
        inside = [(when, run) for when, run in ((_when(run), run) for run in runs) if when and thing.window.holds(when)]
        full = len(inside) == len(runs) == registry.PAGE
        lost = [f"only the newest {registry.PAGE} runs of {project} are here; give a later since"] if full else []
        rows, shown = [], []
        for when, run in inside:
            tasks = reader.tasks(run["id"])
            real = not run["dry_run"]
            deleted = sum(map(retention_log.goes, tasks)) if real else None
            status = run["status"] + ("" if real else " (dry run)")
            shown.append(history.run(when, project, BECAUSE, run["id"], status, deleted, None))
            for task in tasks if real else ():
                target = f"{project}/{task['repository']}"
                if retention_log.goes(task) and thing.meant(target):
                    rows += _rows(reader.log(run["id"], task["id"]), run, when, target)
    except RegistryError as error:
        if error.fatal:
            raise
        return error
    return rows, shown, lost


def _reader(thing: Any, known: dict, project: str) -> retention_runs.RetentionRun:
    entry = Entry(dict(thing.params, state="stopped", projects=[project]), None, [project], {})
    found = retention_runs.RetentionRun(thing.client, entry, project)
    found.seen_already(known)
    found.locate()
    return found


def _rows(log: str | None, run: dict, when: float, target: str) -> list:
    return [
        history.row(when, target, BECAUSE, tag=tag, digest=digest, run=run["id"])
        for digest, tags in retention_log.gone(log or "")
        for tag in tags or [None]
    ]


def _when(run: dict) -> float | None:
    text = run["end_time"] or run["start_time"]
    return schedule.epoch(text) if text else None


def told_once(states: dict) -> dict:
    """Return states without what the audit log has beside the logs of tag retention, which say why."""
    said = {(row["target"], row["digest"]) for row in states.get("retention", {}).get("history", ())}
    said |= {(row["target"], row["tag"]) for row in states.get("retention", {}).get("history", ()) if row["tag"]}
    if not said or "audit_log" not in states:
        return states
    audit = states["audit_log"]
    kept = [
        row
        for row in audit["history"]
        if (row["target"], row["digest"] or row["tag"]) not in said or "harbor-jobservice" not in row["because"]
    ]
    return {**states, "audit_log": {**audit, "history": kept}}
