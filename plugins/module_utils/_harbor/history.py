# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Harbor deleted: its audit log, its garbage collections with their logs, its purges of the audit log."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, history, names, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    NotFound,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    gc,
    purge,
    registry,
    retention_history,
)

EXTENDED = (2, 13)  # the version since which there is a second table of audit rows
TEXT = {"type": "string", "maxLength": 4096}
ROWS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "operation", "op_time"],
        "properties": {
            "id": {"type": "integer"},
            **dict.fromkeys(("username", "resource", "resource_type", "operation", "op_time"), TEXT),
            "operation_result": {"type": ["boolean", "null"]},
        },
    },
}
# Harbor c50c7dd. Older lines are otherwise, but all end with the digest.
UNTAGGED = re.compile(r"delete the untagged artifact: .*?(?:RepositoryName\(([^()]{1,500})\).*?)?(sha256:[0-9a-f]{64})")
UNNAMED = "a repository that is not named"
LINE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def audit_log(thing: Any) -> dict:
    """Return the state of what the audit log says was deleted, by people, robots and retention."""
    client, version = thing.client, registry.version(thing.client)
    _prove_right(client, version)
    places = ["audit-logs"] + (["auditlog-exts"] if version >= EXTENDED else [])
    rows: list = []
    for place in places:
        rows += [row for found in _rows(client, place, thing.window) for row in _deletion(found, thing)]
    return history.state(rows)


def _prove_right(client: api.Client, version: tuple) -> None:
    """Raise unless all rows can be seen.

    Harbor c50c7dd answers who lacks the right with the rows of the projects that he administers, robots with none.
    """
    if version >= EXTENDED:
        client.get(api.path(*registry.API, "auditlog-exts", "events"), schema={"type": "array"})
        return
    if not registry.listing(client, _where("audit-logs"), ROWS, lambda row: row["id"], most=1):
        raise ContractError(
            "the audit log is empty, which it also is to those who lack the right: a system administrator has it, and "
            "a system robot with audit-log:list. If it is empty indeed, leave audit_log out of parts"
        )


def _where(place: str) -> str:
    return api.path(*registry.API, place)


def _rows(client: api.Client, place: str, window: history.Window) -> list:
    # Harbor takes times without a zone only, in UTC.
    end = "" if window.until is None else history.stamp(window.until + 1)[:-1]
    span = f"[{history.stamp(window.since)[:-1]}~{end}]"
    # By number: many rows may be of one time, and the order of these is another one on each page.
    query = {"q": f"operation=delete,op_time={span}", "sort": "-id"}
    return registry.listing(client, _where(place), ROWS, lambda row: row["id"], query, history.MOST_ROWS + 1)


def _deletion(found: dict, thing: Any) -> list:
    # Harbor ignores keys that it does not know, so what comes is looked at again.
    when, resource = schedule.epoch(found["op_time"]), found.get("resource") or ""
    kind, who = found.get("resource_type"), found.get("username") or "somebody"
    if found["operation"] != "delete" or not thing.window.holds(when) or found.get("operation_result") is False:
        return []
    if kind in ("repository", "project"):
        target, tag, digest, because = resource, None, None, f"{kind} deleted by {who}"
    elif kind in ("artifact", "tag"):
        target, at, digest = resource.partition("@")
        target, _colon, tag = (target, "", None) if at else resource.rpartition(":")
        digest, because = digest or None, f"deleted by {who}"
    else:
        return []
    return [history.row(when, target, because, tag=tag, digest=digest)] if thing.meant(target) else []


def garbage_collections(thing: Any) -> dict:
    """Return the state of what garbage collections deleted: their numbers, and the artifacts that they name."""
    rows, shown, lost = [], [], []
    runs = _runs(gc.Collections, thing)
    for run in runs.listed():
        when = _when(run)
        if when is None or not thing.window.holds(when):
            continue
        numbers = [run[key] for key in ("purged_blobs", "purged_manifests") if run[key] is not None]
        shown.append(_run(run, when, "garbage collection", sum(numbers) if numbers else None, run["freed_space"]))
        if run["delete_untagged"] and not run["dry_run"]:
            try:
                rows += _named(runs.log(run), run, when, thing)
            except RegistryError as error:
                if error.fatal:
                    raise
                lost.append(f"the log of run {run['id']} cannot be read: {error}")
    return history.state(rows, runs=shown, truncated="; ".join(lost[:3]) or None)


def _named(log: str | None, run: dict, when: float, thing: Any) -> list:
    if log is None:
        raise NotFound("Harbor has no log of it any more, or not yet", 404)
    found = []
    for line in log.splitlines():
        hit = UNTAGGED.search(line)
        if hit and thing.meant(hit.group(1) or ""):
            told = LINE_TIME.match(line)
            at, target = schedule.epoch(told.group()) if told else when, hit.group(1) or UNNAMED
            found.append(history.row(at, target, "garbage collection", digest=hit.group(2), run=run["id"]))
    return found


def purges(thing: Any) -> dict:
    """Return the state of what purges of the audit log deleted: their numbers of rows."""
    runs, shown = _runs(purge.Purges, thing), []
    for run in runs.listed():
        when = _when(run)
        if when is not None and thing.window.holds(when):
            rows = runs.asked(runs.details, run, {}).get("purged_rows") if runs.final(run) else None
            shown.append(_run(run, when, "audit-log purge", rows, None))
    return history.state([], runs=shown)


def _runs(kind: type, thing: Any) -> Any:
    runs = kind(thing.client, thing.entry, thing.target)
    runs.locate()
    return runs


def _when(run: dict) -> float | None:
    text = run["update_time"] or run["creation_time"]
    return schedule.epoch(text) if text else None


def _run(run: dict, when: float, what: str, deleted: int | None, size: int | None) -> dict:
    return history.run(
        when,
        "all repositories" if what != "audit-log purge" else "audit log",
        what,
        run["id"],
        run["status"] + (" (dry run)" if run["dry_run"] else ""),
        None if run["dry_run"] else deleted,
        None if run["dry_run"] else size,
    )


# What there is to read, each with its function. Each fails by itself, as each needs a right of its own.
PARTS = {
    "audit_log": audit_log,
    "garbage_collection": garbage_collections,
    "purge": purges,
    "retention": retention_history.retention,
}
PARTS_SPEC = dict(
    parts=dict(type="list", elements="str", choices=list(PARTS), default=list(PARTS)),
    repositories=dict(type="list", elements="str", default=["*"]),
    exclude=dict(type="list", elements="str"),
)


class Reader(history.History):
    """What one part of Harbor deleted, to be read."""

    called = "part"
    naming = ("parts",)

    @classmethod
    def validate(cls, params):
        names.require(params["parts"], "parts")
        names.require(params["repositories"], "repositories")
        if not params["parts"]:
            raise PlanRefused(f"parts is empty: write some of {', '.join(PARTS)}")
        return super().validate(params)

    @classmethod
    def named(cls, params):
        return params["parts"]

    @classmethod
    def targets(cls, client, params):
        registry.version(client)  # proves the credentials, which lock the user if they are wrong
        return list(dict.fromkeys(params["parts"]))

    def meant(self, repository: str) -> bool:
        """Return whether the options mean this repository (project/name)."""
        wanted, left = self.params["repositories"], self.params["exclude"]
        return names.meant(repository, wanted or []) and not names.meant(repository, left or [])

    @classmethod
    def gathered(cls, client, params, states, failures):
        return super().gathered(client, params, retention_history.told_once(states), failures)

    def read(self):
        return PARTS[self.target](self)
