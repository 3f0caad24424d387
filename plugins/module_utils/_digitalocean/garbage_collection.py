# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Garbage collections of DigitalOcean registries: their words, reading them, and what is collectable."""

from __future__ import annotations

import marshal
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names, runs, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, NotFound
from ansible_collections.registry.hygiene.plugins.module_utils._core.watch import Watch
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import forecast, registry
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean.registry import COUNT, TEXT, TEXT_OR_NULL

MANIFESTS = "untagged manifests only"
BLOBS = "unreferenced blobs only"  # what DigitalOcean does if it is not told, and means if it does not tell
BOTH = "untagged manifests and unreferenced blobs"
TYPES = (MANIFESTS, BLOBS, BOTH)
GC_SPEC = dict(
    registry.TARGET_SPEC,
    exclude=dict(type="list", elements="str"),
    **dict(runs.ARGUMENT_SPEC, min_interval=dict(type="str", default="1d")),
    type=dict(type="str", choices=list(TYPES), default=BLOBS),
    state=dict(type="str", choices=["present", "absent"], default="present"),
    if_active=dict(type="str", choices=["adopt", "wait", "fail"], default="adopt"),
    if_automated=dict(type="str", choices=["fail", "ignore"], default="fail"),
    only_if_garbage=dict(type="bool", default=False),
)
KEYS = ("uuid", "status", "type", "created_at", "updated_at", "freed_bytes", "blobs_deleted")
RUN = {
    "type": "object",
    "required": ["uuid", "status"],
    "properties": {
        "uuid": {"type": "string", "pattern": r"^[0-9A-Za-z-]{1,64}\Z"},
        "status": TEXT,
        **dict.fromkeys(("type", "created_at", "updated_at"), TEXT_OR_NULL),
        **dict.fromkeys(("freed_bytes", "blobs_deleted"), COUNT),
    },
}
ACTIVE = {"type": "object", "required": ["garbage_collection"], "properties": {"garbage_collection": RUN}}
RUNS = registry.listing_schema("garbage_collections", RUN)
MANIFEST_LIST = registry.listing_schema(
    "manifests",
    {
        "type": "object",
        "required": ["digest"],
        "properties": {
            "digest": TEXT,
            "tags": {"type": ["array", "null"], "items": TEXT},
            "updated_at": TEXT_OR_NULL,
            "compressed_size_bytes": COUNT,
            "blobs": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["digest"],
                    "properties": {"digest": TEXT, "compressed_size_bytes": COUNT},
                },
            },
        },
    },
)
REPOSITORY_LIST = registry.listing_schema(
    "repositories",
    {
        "type": "object",
        "required": ["name"],
        "properties": {"name": dict(TEXT, pattern=r"^(?!\.{1,2}\Z)")},  # it becomes part of a path
    },
)


class GcReader(Watch):
    """The garbage collections of one registry, to be read."""

    word = "garbage collection"
    identity, keys, moments = "uuid", KEYS, ("updated_at", "created_at")
    # Other statuses come and go without notice ("waiting for delete requests"), so they all mean "still running".
    good, bad = ("succeeded",), ("failed", "cancelled")
    meanwhile = "; the registry is read-only until it ends"

    @classmethod
    def named(cls, params):
        return params["registries"] or []

    @classmethod
    def validate(cls, params):
        names.require(params["registries"], "registries")
        registry.check_names(params["registries"])
        return super().validate(params)

    @classmethod
    def targets(cls, client, params):
        return registry.targets(client, params["registries"], params.get("exclude"))

    def locate(self):
        self.base, self.registry = registry.locate(self.client, self.target)

    def title(self, run):
        return f"{super().title(run)} ({run.get('type') or BLOBS})"

    def where(self, *rest: str) -> str:
        """Return the path of something of the registry."""
        return api.path(*self.base, *rest)

    def active(self):
        try:
            return [self.client.get(self.where("garbage-collection"), schema=ACTIVE)["garbage_collection"]]
        except NotFound:  # the registry itself is there: locate() has seen it
            return []

    def recent(self):
        found = registry.listing(self.client, self.where("garbage-collections"), "garbage_collections", "uuid", RUNS)
        found.sort(key=lambda run: schedule.epoch(run["created_at"]) if run.get("created_at") else 0.0, reverse=True)
        return found

    def told(self, where: str, answer: Any) -> dict | None:
        """Return the run that an answer holds, None if it holds none: DigitalOcean may answer nothing but success."""
        try:
            return self.client.parse(where, answer, ACTIVE)["garbage_collection"]
        except ContractError:
            return None

    def of_each(self, verb: Callable[[str, list], Any]) -> list:
        """Return verb(name, manifests) of each repository; the manifests of all of them are too many to keep."""
        where = self.where("repositoriesV2")

        def of_one(repository: dict) -> Any:
            where = self.where("repositories", repository["name"], "digests")
            return verb(repository["name"], registry.listing(self.client, where, "manifests", "digest", MANIFEST_LIST))

        return self.client.each(of_one, registry.listing(self.client, where, "repositories", "name", REPOSITORY_LIST))

    def any_garbage(self) -> bool:
        """Return whether there is a manifest that no tag reaches."""
        return any(self.of_each(lambda name, manifests: bool(forecast.unreachable(manifests))))

    def collectable(self) -> dict:
        """Return what no tag reaches: {"manifests": number, "bytes": freed at least, "lower_bound", "digests"}."""

        def parted(name: str, manifests: list) -> tuple[list, dict, Callable[[], bytes]]:
            garbage = {manifest["digest"]: manifest for manifest in forecast.unreachable(manifests)}
            kept = forecast.blobs(manifest for manifest in manifests if manifest["digest"] not in garbage)
            digests = [f"{name}@{digest}" for digest in garbage]
            return digests, forecast.blobs(garbage.values()), self.client.spool.put(marshal.dumps(list(kept)))

        digests: list = []
        blobs: dict = {}
        parts = self.of_each(parted)
        for some, own, _kept in parts:
            digests += some
            blobs.update(own)
        freed = forecast.freed_bytes(blobs, (marshal.loads(kept()) for _some, _own, kept in parts))
        return {"manifests": len(digests), "bytes": freed, "lower_bound": True, "digests": sorted(digests)}

    def images(self) -> dict:
        """Return repository -> images if untagged manifests are deleted; children that tags reach are spared."""

        def of_one(name: str, manifests: list) -> dict:
            return self.judged(forecast.forecast(f"{self.target}/{name}", manifests, self.client.clock()), None)

        return forecasts.merged(self.of_each(of_one))
