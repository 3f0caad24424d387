# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a garbage collection of the fake DigitalOcean: its statuses in time and what it deletes."""

from __future__ import annotations

from typing import Any

from . import store

Registry = store.Registry
Run = dict[str, Any]

MANIFESTS = "untagged manifests only"
BLOBS = "unreferenced blobs only"
BOTH = "untagged manifests and unreferenced blobs"
TYPES = (MANIFESTS, BLOBS, BOTH)

REQUESTED = "requested"
WAITING = "waiting for write JWTs to expire"
SCANNING = "scanning manifests"
DELETING = "deleting unreferenced blobs"
CANCELLING = "cancelling"
SUCCEEDED, FAILED, CANCELLED = FINAL = ("succeeded", "failed", "cancelled")
# In no schema; seen in github.com/digitalocean/doctl/issues/1464 and in github.com/Theerapong/rukter-ai.
WAITING_FOR_DELETES = "waiting for delete requests"
SCANNING_BLOBS = "scanning for unreferenced blobs"

SWITCHES: dict[str, Any] = {
    "seconds_requested": 2,
    "seconds_waiting": 3,
    "seconds_scanning": 5,
    "seconds_deleting": 5,
    "seconds_cancelling": 2,
    "seconds_extra": 5,
    "extra_statuses": [],
    "stuck_in": None,
    "fail_in": None,
    "manifests_run_shows_deleting": True,
    "spare_index_children": True,
    "storage_lag": 300,
}
SECONDS = {
    REQUESTED: "seconds_requested",
    WAITING: "seconds_waiting",
    SCANNING: "seconds_scanning",
    DELETING: "seconds_deleting",
    CANCELLING: "seconds_cancelling",
}


def steps(kind: str, switches: dict[str, Any]) -> list[str]:
    """Returns the statuses that a run of that type goes through before its final one."""
    extra = switches["extra_statuses"]
    line = [REQUESTED, WAITING, *(status for status in extra if status != SCANNING_BLOBS), SCANNING]
    if SCANNING_BLOBS in extra:
        line.append(SCANNING_BLOBS)
    if kind != MANIFESTS or switches["manifests_run_shows_deleting"]:
        line.append(DELETING)
    return line


def new(uuid: str, kind: str, now: float, switches: dict[str, Any]) -> Run:
    """Returns a run that was just requested."""
    return {
        "uuid": uuid,
        "type": kind,
        "status": REQUESTED,
        "created_at": now,
        "updated_at": now,
        "blobs_deleted": 0,
        "freed_bytes": 0,
        "steps": steps(kind, switches),
        "swept": False,
        "doomed": None,
        "gone": 0,
        "loses": False,
    }


def loaded(given: dict[str, Any], uuid: str, now: float, switches: dict[str, Any]) -> Run:
    """Returns a run from the neutral form."""
    status = given.get("status", SUCCEEDED)
    age = given.get("age_seconds", 0)
    run = new(uuid, given.get("type", BLOBS), now - age, switches)
    end_age = given.get("updated_age_seconds", max(0, age - 18) if status in FINAL else 0)
    run.update(status=status, updated_at=now - end_age)
    run.update(blobs_deleted=given.get("blobs_deleted", 0), freed_bytes=given.get("freed_bytes", 0))
    if status not in FINAL and status != CANCELLING and status not in run["steps"]:
        run["steps"].insert(run["steps"].index(SCANNING), status)
    run["swept"] = status in run["steps"] and run["steps"].index(status) > run["steps"].index(SCANNING)
    return run


def dumped(run: Run, now: float) -> dict[str, Any]:
    """Returns a run in the neutral form; ages count from now."""
    given = {key: run[key] for key in ("uuid", "type", "status", "blobs_deleted", "freed_bytes")}
    return {**given, "age_seconds": now - run["created_at"], "updated_age_seconds": now - run["updated_at"]}


def active(registry: Registry) -> Run | None:
    """Returns the run that has not ended yet."""
    return next((run for run in registry["runs"] if run["status"] not in FINAL), None)


def settle(registry: Registry, switches: dict[str, Any], now: float) -> list[Run]:
    """Brings the registry's run to where it is by now; returns the runs whose status changed."""
    moved = []
    run = active(registry)
    while run is not None and run["status"] not in FINAL and run["status"] != switches["stuck_in"]:
        seconds = _seconds(registry, run, switches)
        if now < run["updated_at"] + seconds:
            if run["status"] == DELETING:
                _delete_share(registry, run, (now - run["updated_at"]) / seconds, switches, now)
            break
        step(registry, run, switches, run["updated_at"] + seconds)
        moved = [run]
    store.count_storage(registry, now)
    return moved


def _seconds(registry: Registry, run: Run, switches: dict[str, Any]) -> float:
    seconds = switches[SECONDS.get(run["status"], "seconds_extra")]
    if run["status"] == WAITING:
        return max(seconds, registry["write_until"] - run["updated_at"])
    return seconds


def step(registry: Registry, run: Run, switches: dict[str, Any], when: float) -> None:
    """Moves a run to its next status, at that time."""
    status = run["status"]
    if status == CANCELLING:
        finish(registry, run, SUCCEEDED if run["loses"] else CANCELLED, switches, when)
        return
    if status == switches["fail_in"]:
        finish(registry, run, FAILED, switches, when)
        return
    if status == SCANNING:
        _sweep(registry, run, switches)
    after = run["steps"][run["steps"].index(status) + 1 :]
    if after:
        run.update(status=after[0], updated_at=when)
    else:
        finish(registry, run, SUCCEEDED, switches, when)


def cancel(run: Run, now: float, loses: bool = False) -> None:
    """Cancels a run; one that `loses` the race succeeds all the same."""
    if run["status"] != CANCELLING:
        run.update(status=CANCELLING, updated_at=now, loses=loses)


def finish(registry: Registry, run: Run, status: str, switches: dict[str, Any], when: float) -> None:
    """Ends a run; one that succeeds deletes all that its type deletes."""
    if status == SUCCEEDED:
        _sweep(registry, run, switches)
        _delete_share(registry, run, 1, switches, when)
    run.update(status=status, updated_at=when)


def _sweep(registry: Registry, run: Run, switches: dict[str, Any]) -> None:
    if run["type"] != BLOBS and not run["swept"]:
        for repository in registry["repositories"].values():
            for digest in store.untagged(repository, switches["spare_index_children"]):
                store.delete_manifest(repository, digest)
    run["swept"] = True


def _delete_share(registry: Registry, run: Run, share: float, switches: dict[str, Any], when: float) -> None:
    garbage = None
    if run["doomed"] is None:
        garbage = store.unreferenced(registry) if run["type"] != MANIFESTS else []
        run.update(doomed=garbage, gone=0)
    count = int(len(run["doomed"]) * min(1, share))
    batch = run["doomed"][run["gone"] : count]
    if not batch:
        return
    run["gone"] = count
    garbage = set(store.unreferenced(registry) if garbage is None else garbage)
    for digest in batch:
        if digest in garbage:
            run["blobs_deleted"] += 1
            run["freed_bytes"] += registry["blobs"].pop(digest)
    store.count_storage_later(registry, when + switches["storage_lag"])
