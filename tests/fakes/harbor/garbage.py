# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Garbage collection of the fake Harbor."""

from __future__ import annotations

from typing import Any, Generator

from .gojson import Literal, is_integer
from .jobs import GC, Execution, JobStopped, Task, Work
from .system_jobs import SCHEDULING, SystemJob
from .wire import Crash, Refusal, bad_request, not_found, unknown

PLACE = "/jobservice/job/impl/gc/garbage_collection.go:190"
HOUR = 3600
BIGGEST_ID = 2**31 - 1
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size_text(size: int) -> str:
    """Returns a number of bytes as the log shows it: two decimals, cut off."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{size} B" if unit == 0 else f"{int(value * 100) / 100:.2f} {UNITS[unit]}"


class Garbage(SystemJob):
    """Deletes blobs that nothing uses any more, and untagged artifacts if asked to."""

    VENDOR = GC
    PATH = "/system/gc"
    ID = "gc_id"
    RESOURCE = "garbage-collection"
    TITLE = "scheduled gc"

    def check(self, body: dict[str, Any] | None, kind: str) -> dict[str, Any]:
        """Returns the parameters; only the number of workers is looked at."""
        if (body or {}).get("schedule") is None:
            raise Crash
        parameters = body.get("parameters") or {}
        workers = parameters.get("workers")
        if kind in (*SCHEDULING, "Manual") and self.harbor.version >= (2, 9):
            if isinstance(workers, Literal) or (is_integer(workers) and not -(2**63) <= workers < 2**63):
                raise bad_request("bad request: workers should be integer format")
            most = 10 if self.harbor.version >= (2, 13) else 5
            if is_integer(workers) and not 0 < workers <= most:
                text = f"Workers must be greater than 0 and less than or equal to {most}."
                raise bad_request(f"Error: Invalid number of workers:{workers}. {text}")
        return parameters

    def _named(self, parameters: dict[str, Any]) -> dict[str, Any]:
        workers = parameters.get("workers")
        found = {"delete_untagged": parameters.get("delete_untagged") is True}
        if self.harbor.version >= (2, 9):
            found["workers"] = workers if is_integer(workers) else 0
        if self.harbor.version >= (2, 15):
            found["delete_tag"] = parameters.get("delete_tag") is True
        return found

    def shown_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Returns what a schedule shows: never dry_run."""
        return self._named(parameters)

    def extra(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Returns what a run makes of the parameters."""
        return {
            **self._named(parameters),
            "dry_run": parameters.get("dry_run") is True,
            "time_window": self.harbor.switches["gc_window_hours"],
            "redis_url_reg": "redis://redis:6379/1?idle_timeout_seconds=30",
        }

    def shown_extra(self, extra: dict[str, Any]) -> dict[str, Any]:
        """Returns the parameters of a run, from 2.15.1 on without the address of redis."""
        hidden = self.harbor.version >= (2, 15, 1)
        return {name: value for name, value in extra.items() if not (hidden and name == "redis_url_reg")}

    def work(self) -> Work:
        """Returns the job."""
        return self._collect

    def _collect(self, task: Task) -> Generator[float, None, None]:
        jobs, store, extra = self.jobs, self.harbor.store, task.execution.extra
        dry, untagged = extra["dry_run"], extra["delete_untagged"]
        parameters = [f"delete_untagged: {str(untagged).lower()}"]
        if "delete_tag" in extra:
            parameters.append(f"delete_tag: {str(extra['delete_tag']).lower()}")
        parameters += [f"dry_run: {str(dry).lower()}", f"time_window: {extra['time_window']}"]
        if "workers" in extra:
            parameters.append(f"workers: {extra['workers'] or 1}")
        self._say(task, f"Garbage Collection parameters: [{', '.join(parameters)}]")
        self._say(task, "start to run gc in job.")
        yield 0.5
        doomed = self._untagged(task, dry) if untagged else []
        if not (doomed if dry else store.trash):
            jobs.write(task, "WARNING", PLACE, "no removed artifacts.")
        found = doomed + store.orphans(jobs.moment - extra["time_window"] * HOUR)
        manifests = [item for item in found if item.get("manifest")]
        blobs, size = len(found) - len(manifests), sum(item["size"] for item in found)
        if found:
            self._say(task, f"{blobs} blobs and {len(manifests)} manifests eligible for deletion")
            self._say(task, f"The GC could free up {size_text(size)} space, the size is a rough estimation.")
        else:
            self._say(task, "no need to execute GC as there is no non referenced artifacts.")
        if not dry:
            yield from self._sweep(task, found)
            if found:
                self._say(task, f"{blobs} blobs and {len(manifests)} manifests are actually deleted")
                self._say(task, f"The GC job actual frees up {size_text(size)} space.")
                store.trash.clear()
            self._say(task, "cache clean up completed")
        self._say(task, "success to run gc in job.")
        if self.harbor.version >= (2, 9):
            extra.update(freed_space=size, purged_blobs=blobs, purged_manifests=len(manifests))

    def _sweep(self, task: Task, found: list[dict[str, Any]]) -> Generator[float, None, None]:
        batch = max(int(self.harbor.switches["gc_blobs_per_second"]), 1)
        try:
            for start in range(0, len(found), batch):
                yield min(batch, len(found) - start) / batch
                for item in found[start : start + batch]:
                    self.harbor.store.blobs.pop(item["digest"], None)
        except JobStopped:
            self._say(task, "received the stop signal, quit GC job after cleaning up the cache.")
            self._say(task, "cache clean up completed")
            raise

    def _untagged(self, task: Task, dry: bool) -> list[dict[str, Any]]:
        """Deletes the untagged artifacts, or returns what a dry run takes their blobs for: each, once an artifact."""
        store, doomed = self.harbor.store, []
        self._say(task, "start to delete untagged artifact (no actually deletion for dry-run mode)")
        for project in store.projects.values():
            for repository in project.repositories.values():
                for artifact in [item for item in repository.candidates() if not item.tags]:
                    if dry:
                        manifest = {"digest": artifact.digest, "size": artifact.manifest_size, "manifest": True}
                        doomed += [manifest, *artifact.blobs]
                        continue
                    self.harbor.acting = ""
                    try:
                        store.delete(project, repository, artifact)
                    except Refusal as refusal:
                        self.jobs.write(task, "WARNING", PLACE, f"failed to delete untagged: {refusal.message}")
                    else:
                        # Harbor c50c7dd, src/jobservice/job/impl/gc/garbage_collection.go
                        self._say(
                            task,
                            f"delete the untagged artifact: ProjectID:({project.id})-"
                            f"RepositoryName({project.name}/{repository.name})-"
                            f"MediaType:({MANIFEST_TYPE})-Digest:({artifact.digest})",
                        )
                    finally:
                        self.harbor.acting = None
        self._say(task, "end to delete untagged artifact (no actually deletion for dry-run mode)")
        return doomed

    def _say(self, task: Task, text: str) -> None:
        self.jobs.write(task, "INFO", PLACE, text)

    def run_of(self, number: int) -> Execution:
        """Returns the run; raises the 404, or the 500 of an id that does not fit its column."""
        if abs(number) > BIGGEST_ID:
            raise unknown()
        run = self.jobs.find(number, self.VENDOR)
        if run is None:
            raise not_found(f"garbage collection execution {number} not found")
        return run

    def no_log(self, number: int) -> Exception:
        """Returns the 404 of an id without a task."""
        return not_found(f"garbage collection {number} log is not found")
