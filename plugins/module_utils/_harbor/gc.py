# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbor's garbage collection: what its parameters mean by version, its runs, what becomes of untagged artifacts."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import access, api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError, PlanRefused, Unfinished
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    executions,
    forecast,
    registry,
    schedules,
)

GC_SPEC = dict(
    delete_untagged=dict(type="bool"),
    delete_tag=dict(type="bool"),
    workers=dict(type="int"),
)
WITH_WORKERS, WITH_MORE_WORKERS, WITH_DELETE_TAG = (2, 9), (2, 13), (2, 15)
FEW_WORKERS, MOST_WORKERS = 5, 10
ARGUMENT_SPEC = registry.ARGUMENT_SPEC
FLAGS = ("delete_untagged", "delete_tag")
NUMBERS = ("freed_space", "purged_blobs", "purged_manifests")


def client(params: dict, read_only: bool = False) -> api.Client:
    """Return a client; here `workers` are those of Harbor, not requests that are under way at the same time."""
    return registry.client(dict(params, workers=access.ARGUMENT_SPEC["workers"]["default"]), read_only)


def check(params: dict) -> None:
    """Raise PlanRefused for what no version of Harbor can follow. Pure."""
    workers = params["workers"]
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise PlanRefused(f"workers: {workers}: write 1 to {MOST_WORKERS} (up to Harbor 2.12: to {FEW_WORKERS})")


def content(version: tuple, held: dict) -> dict:
    """Return what the parameters of a run or schedule mean, but for dry_run; None: not in this version."""
    workers = held.get("workers")
    known = isinstance(workers, int) and not isinstance(workers, bool) and workers > 0
    return {
        "delete_untagged": executions.flag(held, "delete_untagged"),
        "delete_tag": executions.flag(held, "delete_tag") if version >= WITH_DELETE_TAG else None,
        "workers": (workers if known else 1) if version >= WITH_WORKERS else None,
    }


def chosen(version: tuple, params: dict, current: dict | None) -> dict:
    """Return what is to be collected: the options, where they are not set what there is; raises PlanRefused."""
    found, who = {}, registry.named(version)
    for option, otherwise in (("delete_untagged", False), ("delete_tag", False), ("workers", 1)):
        kept = current[option] if current else otherwise
        found[option] = params[option] if params[option] is not None else kept
    most = MOST_WORKERS if version >= WITH_MORE_WORKERS else FEW_WORKERS
    if version < WITH_WORKERS:
        if params["workers"] is not None:
            raise PlanRefused(f"workers: {who} has none, they came with 2.9: leave it out")
        found["workers"] = None
    elif found["workers"] > most:
        raise PlanRefused(f"workers: {found['workers']}: {who} takes 1 to {most}")
    if version < WITH_DELETE_TAG:
        if params["delete_tag"]:
            raise PlanRefused(f"delete_tag: {who} has no such thing, it came with 2.15: leave it out")
        found["delete_tag"] = None
    return found


def parameters(wanted: dict) -> dict:
    """Return what Harbor wants to be sent: all of it, as it keeps nothing from before."""
    return {key: wanted[key] for key in (*FLAGS, "workers", "dry_run") if wanted[key] is not None}


def foreseen(thing: Any, current: dict | None, planned: dict | None) -> dict:
    """Return repository -> images of what untagged artifacts become, of a schedule that is planned and of that which is
    there.

    thing: the resource. planned, current: as the results have them; None for none.
    """
    if not planned or planned["dry_run"] or not planned["delete_untagged"]:
        return {}  # no image goes, so none is looked at
    anyway = current and current["active"] and current["delete_untagged"] and current["dry_run"] is False
    return forecast.untagged(thing.client, lambda found: thing.judged(found, found if anyway else None))


class Collections(executions.Executions):
    """The garbage collections, to be read."""

    word = "garbage collection"
    target_name = "garbage collection"
    place = ("system", "gc")
    numbers = (*NUMBERS, "overestimate")
    keys = (*executions.Executions.common, *FLAGS, "workers", "dry_run", *numbers)

    def content(self, found):
        return dict(content(self.version, found), dry_run=executions.flag(found, "dry_run"))

    def measured(self, found):
        numbers = {key: found.get(key) for key in NUMBERS}
        # A dry run counts every blob of each untagged artifact, also what living ones share, once an artifact.
        over = executions.flag(found, "dry_run") and executions.flag(found, "delete_untagged")
        return dict(numbers, overestimate=over and numbers["freed_space"] is not None)


class Collection(Collections, executions.Execution):
    """The garbage collections, one of which is to be started, or not to go on."""

    noun = "execution"
    foresees = True
    meanwhile = ""

    @classmethod
    def validate(cls, params):
        check(params)
        return super().validate(params)

    def locate(self):
        super().locate()
        if self.params["state"] == "started":
            self.chosen = chosen(self.version, self.params, None)

    def parameters(self):
        return parameters(dict(self.chosen, dry_run=self.params["dry_run"]))

    def covers(self, run):
        """A run that deletes more does what this one would, but its numbers are others: a dry run is for these."""
        if run["dry_run"] != self.params["dry_run"]:
            return False
        pairs = [(bool(run[flag]), bool(self.chosen[flag])) for flag in FLAGS]
        return all(had == wanted if self.params["dry_run"] else had >= wanted for had, wanted in pairs)

    def own(self, run):
        wanted = dict(self.chosen, dry_run=self.params["dry_run"])
        return run["trigger"] == "manual" and all(run[key] == wanted[key] for key in (*FLAGS, "dry_run"))

    def ended(self, state):
        try:
            return super().ended(state)
        except Unfinished as error:
            if error.state and error.state["status"] == "Stopped":
                error.args = (f"{error}. What it had deleted until then is gone, and counted nowhere",)
            raise

    def foresee(self, current, planned):
        if self.params["state"] == "stopped":
            return {}
        return foreseen(self, None, dict(self.chosen, dry_run=self.params["dry_run"]))

    def described(self):
        return described(self.chosen)


def described(wanted: dict) -> str:
    """Return what a garbage collection deletes, for people."""
    return "unreferenced blobs and untagged artifacts" if wanted["delete_untagged"] else "unreferenced blobs"


class GcReader(schedules.Reader):
    """The schedule of the garbage collection, to be read."""

    kind_of_runs = Collections

    def content(self, held, found):
        return dict(content(self.version, held), dry_run=self._dry(found))

    def _dry(self, found: dict) -> Any:
        """Return whether the schedule's runs are dry, as its last run says; None while there is none.

        Harbor keeps dry_run of a schedule, and shows it nowhere but in the runs.
        """
        runs = self.runs_of()
        try:
            last = runs.listed({"q": "trigger=SCHEDULE"}, 1)
        except ApiError as error:
            if error.status != 403:  # a robot may read the schedule without garbage-collection:list
                raise
            return None
        written = found.get("creation_time") or ""
        of_it = [run for run in last if run["trigger"] == "schedule" and (run["creation_time"] or "") >= written]
        return of_it[0]["dry_run"] if of_it else None
