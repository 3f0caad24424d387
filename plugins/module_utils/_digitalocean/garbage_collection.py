# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Garbage collections of DigitalOcean registries: their words, reading them, and what is collectable."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import http, names, schedule, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.engine import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    NotFound,
    PlanRefused,
    RegistryError,
    Unfinished,
)
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import forecast, registry

MANIFESTS = "untagged manifests only"
BLOBS = "unreferenced blobs only"  # what DigitalOcean does if it is not told, and means if it does not tell
BOTH = "untagged manifests and unreferenced blobs"
TYPES = (MANIFESTS, BLOBS, BOTH)
# Statuses come and go without notice ("waiting for delete requests"), so everything else means "still running".
FINAL = ("succeeded", "failed", "cancelled")
GC_SPEC = dict(
    registry.TARGET_SPEC,
    type=dict(type="str", choices=list(TYPES), default=BLOBS),
    state=dict(type="str", choices=["present", "absent"], default="present"),
    min_interval=dict(type="str", default="1d"),
    if_active=dict(type="str", choices=["adopt", "wait", "fail"], default="adopt"),
    if_automated=dict(type="str", choices=["fail", "ignore"], default="fail"),
    only_if_garbage=dict(type="bool", default=False),
    wait=dict(type="bool", default=False),
    wait_timeout=dict(type="int", default=1800),
    poll_interval=dict(type="int", default=10),
)
MOST_MISSES = 5  # looks for a run that has ended and is not listed yet
KEYS = ("uuid", "status", "type", "created_at", "updated_at", "freed_bytes", "blobs_deleted")
RUN = {
    "type": "object",
    "required": ["uuid", "status"],
    "properties": {
        "uuid": {"type": "string", "minLength": 1},
        "status": {"type": "string", "minLength": 1},
        **{key: {"type": ["string", "null"]} for key in ("type", "created_at", "updated_at")},
    },
}
ACTIVE = {"type": "object", "required": ["garbage_collection"], "properties": {"garbage_collection": RUN}}
RUNS = {
    "type": "object",
    "required": ["garbage_collections"],
    "properties": {"garbage_collections": {"type": ["array", "null"], "items": RUN}},
}
MANIFEST_LIST = {
    "type": "object",
    "required": ["manifests"],
    "properties": {
        "manifests": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["digest"],
                "properties": {
                    "digest": {"type": "string"},
                    "tags": {"type": ["array", "null"]},
                    "blobs": {"type": ["array", "null"], "items": {"type": "object", "required": ["digest"]}},
                },
            },
        }
    },
}
REPOSITORY_LIST = {
    "type": "object",
    "required": ["repositories"],
    "properties": {"repositories": {"type": ["array", "null"], "items": {"type": "object", "required": ["name"]}}},
}


def covers(run: dict, wanted: str) -> bool:
    """Return whether a run does all that a run of the wanted type does."""
    return (run.get("type") or BLOBS) in (BOTH, wanted)


def in_words(run: dict) -> dict:
    """Return a run in the words of results."""
    return {key: run.get(key) for key in KEYS}


def verdict(run: dict, adopted: bool = False, ambiguous: bool = False, skipped_reason: str | None = None) -> dict:
    """Return a run, and how it comes to be the one of this task."""
    return dict(in_words(run), adopted=adopted, ambiguous=ambiguous, skipped_reason=skipped_reason)


def moment(run: dict) -> float:
    """Return when the run changed last (epoch seconds), hence when it ended if it has; 0 if it does not say."""
    text = run.get("updated_at") or run.get("created_at")
    return schedule.epoch(text) if text else 0.0


class GcReader(Resource):
    """The garbage collections of one registry, to be read."""

    @classmethod
    def validate(cls, params):
        names.require(params["registries"], "registries")
        registry.check_names(params["registries"])
        return []

    @classmethod
    def targets(cls, client, params):
        return registry.targets(client, params["registries"])

    def locate(self) -> None:
        """Find out under which path the registry is; raises NotFound if the account has none of that name."""
        self.base, self.registry = registry.locate(self.client, self.target)

    def where(self, *rest: str) -> str:
        """Return the path of something of the registry."""
        return http.path(*self.base, *rest)

    def active(self) -> dict | None:
        """Return the run that is under way, None if there is none."""
        try:
            run = self.client.get(self.where("garbage-collection"), schema=ACTIVE)["garbage_collection"]
        except NotFound:  # the registry itself is there: locate() has seen it
            return None
        return None if run["status"] in FINAL else run

    def runs(self) -> tuple[list, float]:
        """Return all runs that DigitalOcean remembers, the newest first, and the server's time."""
        where = self.where("garbage-collections")
        found = registry.listing(self.client, where, "garbage_collections", "uuid", RUNS)
        found.sort(key=lambda run: schedule.epoch(run["created_at"]) if run.get("created_at") else 0.0, reverse=True)
        return found, self.client.now()

    def manifests(self) -> tuple[dict, float]:
        """Return the manifests of each repository by its name, and the server's time."""
        where = self.where("repositoriesV2")
        found = registry.listing(self.client, where, "repositories", "name", REPOSITORY_LIST)
        repositories = [repository["name"] for repository in found]

        def one(name: str) -> list:
            where = self.where("repositories", name, "digests")
            return registry.listing(self.client, where, "manifests", "digest", MANIFEST_LIST)

        return dict(zip(repositories, self.client.each(one, repositories))), self.client.clock()[0]

    def collectable(self) -> dict:
        """Return what no tag reaches: {"manifests": number, "bytes": freed at least, "lower_bound", "digests"}."""
        every, garbage, digests = [], [], []
        for name, manifests in self.manifests()[0].items():
            unreachable = forecast.unreachable(manifests)
            every += manifests
            garbage += unreachable
            digests += [f"{name}@{manifest['digest']}" for manifest in unreachable]
        freed = forecast.freed_bytes(every, garbage)
        return {"manifests": len(garbage), "bytes": freed, "lower_bound": True, "digests": sorted(digests)}


class GcKeeper(GcReader):
    """What do_registry_gc is to decide about one registry, and how it waits."""

    noun = "garbage_collection"
    estimate = True
    began = None  # when the first wait began; wait_timeout is for all of them together

    @classmethod
    def validate(cls, params):
        warnings = super().validate(params)
        schedule.seconds(params["min_interval"], "min_interval")
        for option in ("wait_timeout", "poll_interval"):
            if params[option] < 1:
                raise PlanRefused(f"{option}: {params[option]}: write a number of seconds above 0")
        if params["only_if_garbage"] and params["type"] == BLOBS:
            raise PlanRefused(f"only_if_garbage does not go with type {BLOBS}: DigitalOcean does not list such blobs")
        if params["state"] == "present" and params["type"] != BLOBS:
            warnings.append(
                f"type {params['type']} deletes images without a tag, also such as are pulled by their digest. "
                "DigitalOcean does not say whether it spares the children of multi-platform images, which have no tag"
            )
        return warnings

    def read(self):
        self.locate()
        self.due, self.running, self.blocking = False, None, None
        active = self.active()
        return self._absent(active) if self.params["state"] == "absent" else self._present(active)

    def _absent(self, active: dict | None) -> dict | None:
        if active and active["status"] != "cancelling":
            self.running = active
        return verdict(active) if active else None

    def _present(self, active: dict | None) -> dict | None:
        wanted = self.params["type"]
        if active:
            if self.adoptable(active):
                return verdict(active, adopted=True)
            if self.params["if_active"] == "fail":
                raise self.not_adopted(active)
            self.blocking = active
        runs, now = self.runs()
        for run in runs:
            age = max(0.0, now - moment(run))  # Date has no fractions, and not all servers have the same clock
            limit = schedule.seconds(self.params["min_interval"], "min_interval")
            if run["status"] == "succeeded" and covers(run, wanted) and age < limit:
                return verdict(run, skipped_reason=f"one succeeded within min_interval ({self.params['min_interval']})")
        if self.params["only_if_garbage"] and not self.collectable()["manifests"]:
            return self.skipped("no garbage: tags reach every manifest")
        self.due = True
        return verdict(runs[0]) if runs else None

    def adoptable(self, run: dict) -> bool:
        """Return whether a run that is there will do instead of one of this task."""
        enough = covers(run, self.params["type"]) or self.params["if_active"] == "adopt"
        return enough and run["status"] not in ("cancelling", "cancelled", "failed")

    def not_adopted(self, run: dict) -> RegistryError:
        """Return the error about a run that is in the way."""
        return RegistryError(
            f"the garbage collection {run['uuid']} ({run.get('type') or BLOBS}) is in the way: {run['status']}. "
            "Set if_active: wait, or run again later"
        )

    def skipped(self, reason: str) -> dict:
        """Return what a result shows if there is no run to show."""
        return verdict({}, skipped_reason=reason)

    def foresee(self, current, planned):
        """Return which manifests a run of this type deletes; only their children are spared that tags reach."""
        if self.params["state"] == "absent" or self.params["type"] == BLOBS:
            return {"deletions": [], "uncertain": [], "kept": []}  # no image goes, so none is looked at
        found, now = self.manifests()
        merged = {"deletions": [], "kept": [], "uncertain": []}
        for name, manifests in found.items():
            for fate, images in forecast.forecast(f"{self.target}/{name}", manifests, (now, now)).items():
                merged[fate] += images
        return merged

    def answered(self, response: Any) -> dict | None:
        """Return the run that an answer holds, None if it holds none: DigitalOcean may answer nothing but success."""
        try:
            run = response.json()["garbage_collection"]
            return verdict(run) if run["uuid"] and run["status"] else None
        except (ValueError, KeyError, TypeError):
            return None

    def found_since(self, before: set, error: RegistryError, **flags: bool) -> dict:
        """Return the run that is there now and was not before; raises the error if there is none."""

        def look() -> list:
            active = self.active()
            return [active] if active else [run for run in self.runs()[0] if run["uuid"] not in before]

        new = self.read_back(error, look)
        if not new:
            raise error
        return verdict(new[0], **flags)

    def last(self, uuid: str, **flags: Any) -> dict | None:
        """Return the run as it is now, None if it is not listed."""
        active = self.active()
        runs = [active] if active and active["uuid"] == uuid else self.runs()[0]
        return next((verdict(run, **flags) for run in runs if run["uuid"] == uuid), None)

    def wait_until_none(self) -> None:
        """Wait until no garbage collection is running."""
        self._wait(lambda: verdict(self.active() or {}), lambda state: state["uuid"] is None)

    def wait_until_over(self, uuid: str) -> None:
        """Wait until this one is not running any more."""
        self._wait(lambda: verdict(self.active() or {}), lambda state: state["uuid"] != uuid)

    def follow(self, state):
        if not self.params["wait"] or state is None or state["skipped_reason"] or not state["uuid"]:
            return state
        if self.params["state"] == "absent":
            self.wait_until_none()
            return self.last(state["uuid"])
        seen, misses = state, 0

        def look() -> dict:
            nonlocal seen, misses
            found = self.last(state["uuid"], adopted=state["adopted"], ambiguous=state["ambiguous"])
            seen, misses = found or seen, 0 if found else misses + 1
            if misses > MOST_MISSES:
                raise Unfinished(f"the garbage collection {state['uuid']} is not listed any more", seen)
            return seen

        ended = self._wait(look, lambda found: found["status"] in FINAL, state)
        if ended["status"] != "succeeded":
            raise Unfinished(f"the garbage collection {ended['uuid']} ended as {ended['status']}", ended)
        return ended

    def _wait(self, poll: Callable, final: Callable, known: dict | None = None) -> dict:
        self.began = wait.now() if self.began is None else self.began

        def progress(state: dict) -> None:
            self.client.tell(f"{self.target}: garbage collection {state['uuid']}: {state['status'] or 'none'}")

        try:
            timeout, interval = self.params["wait_timeout"], self.params["poll_interval"]
            return wait.until(final, poll, timeout, interval, progress, known, self.began)
        except Unfinished as error:
            state = error.state
            if state is None or state["status"] in FINAL:
                raise
            raise Unfinished(
                f"the garbage collection {state['uuid']} is {error} (wait_timeout). It was {state['status']} since "
                f"{state['updated_at']} and goes on; the registry is read-only until it ends",
                state,
            ) from None
