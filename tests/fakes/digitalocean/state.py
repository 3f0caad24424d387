# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake DigitalOcean holds: loaded from and dumped to the neutral form, asked and staged by tests."""

from __future__ import annotations

import hashlib
import math
import random
import uuid
from collections import deque
from copy import deepcopy
from datetime import datetime, timezone
from typing import Any

from .._base import Fake
from . import runs as gc
from . import store
from .errors import ALREADY_RUNNING, Refusal, error_id
from .routes import SCOPES

WRITE_TOKEN_LIFE = 900


class State(Fake):
    """One team, its tokens and its registries, with the garbage collections that run in them.

    The neutral form of the state, which the constructor takes and `state` returns; everything but names, digests and
    the sizes of blobs may be left out, and without any state there is a demo estate:

        account:     name, tier (starter, basic, professional), age_seconds,
                     reserved_names: registry names that other teams have taken
        tokens:      [{as, token, scopes: [registry:read, ...] (default: all four)}]
        registries:  [{name, region, age_seconds, automated_gc, read_only (besides during a run),
                       write_token_seconds: how long the last write token is still valid,
                       storage_usage_bytes (default: the sum of the blobs), storage_age_seconds, storage_due_seconds,
                       repositories, blobs: [{digest, size}] that no manifest names,
                       runs: [{uuid, type, status, age_seconds, updated_age_seconds, blobs_deleted, freed_bytes}]}]
        repositories: [{name, tags: [{name, digest, age_seconds}],
                        manifests: [{digest, age_seconds, size: its own bytes, uncompressed_size,
                                     blobs: [{digest, size}], children: [digest, ...] of an index}]}]

    Switches (with their defaults below): `rate_hour` and `rate_minute`, 0 for no limit; `conflict_status` and
    `conflict_message` of a start while a run is active; `automated_gc` for all registries; `default_type`,
    `current_family_obeys_type` and `unknown_type_status` of a start; `read_only_during_run`, `send_read_only`;
    `deletes_refused_during_run`: "all", "manifests" or "none"; `send_type`, `list_meta`, `list_links`, `list_order`
    ("newest", "oldest", "shuffled") of the runs; `empty_links` for `links: {}` on one page; `link_base` for the origin
    of links; `cancel_answer`: "object", "empty" or 204; `cancel_race`: "before" (the run ends before the cancel) or
    "after" (it is accepted, and the run succeeds all the same); `update_without_cancel_status`: 200 changes nothing;
    `storage_time_field`, `time_digits`, `empty_latest_manifest`: "absent" or "null"; `request_id_in_body`; `send_date`;
    `seconds_per_request` moves the clock. Of the runs: `seconds_...` in each status, `extra_statuses` (names that no
    schema has), `stuck_in` and `fail_in` (a status), `manifests_run_shows_deleting`, `spare_index_children`,
    `storage_lag`.
    """

    SWITCHES = {
        "rate_hour": 5000,
        "rate_minute": 250,
        "conflict_status": 409,
        "conflict_message": ALREADY_RUNNING,
        "automated_gc": False,
        "default_type": gc.BLOBS,
        "current_family_obeys_type": True,
        "unknown_type_status": 422,
        "read_only_during_run": True,
        "send_read_only": True,
        "deletes_refused_during_run": "all",
        "send_type": True,
        "list_meta": True,
        "list_links": True,
        "list_order": "newest",
        "empty_links": False,
        "link_base": None,
        "cancel_answer": "object",
        "cancel_race": None,
        "update_without_cancel_status": 422,
        "storage_time_field": "storage_usage_bytes_updated_at",
        "time_digits": 0,
        "empty_latest_manifest": "absent",
        "request_id_in_body": True,
        "send_date": True,
        "seconds_per_request": 0,
        **gc.SWITCHES,
    }

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__init__()
        if state is None:
            from .estate import shared_estate

            state = shared_estate()
        self._random = random.Random(20260821)
        self._counted: dict[str, deque[float]] = {}
        self.account: dict[str, Any] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.registries: dict[str, store.Registry] = {}
        self._load(state)

    def _load(self, state: dict[str, Any]) -> None:
        now = self.now()
        account = state.get("account", {})
        since = now - account.get("age_seconds", 900 * 86400)
        self.account = {
            "name": account.get("name", "team"),
            "tier": account.get("tier", "professional"),
            "created_at": since,
            "updated_at": now - account["updated_age_seconds"] if "updated_age_seconds" in account else since,
            "reserved_names": list(account.get("reserved_names", [])),
        }
        for token in state.get("tokens", []):
            self.tokens[token["token"]] = {"as": token["as"], "scopes": list(token.get("scopes", SCOPES))}
        for given in state.get("registries", []):
            registry = store.loaded(given, now)
            self.registries[given["name"]] = registry
            for run in given.get("runs", []):
                name = run.get("uuid") or self._new_uuid()
                registry["runs"].append(gc.loaded(run, name, now, self.switches))
            registry["runs"].sort(key=lambda run: run["created_at"])

    # What tests ask and stage

    def token(self, name: str, scopes: list[str] | None = None) -> str:
        """Returns the text of the token that the state calls so; with scopes, makes it or gives it these scopes."""
        with self.lock:
            for text, token in self.tokens.items():
                if token["as"] == name:
                    token["scopes"] = token["scopes"] if scopes is None else list(scopes)
                    return text
            if scopes is None:
                raise KeyError(name)
            self.tokens[f"dop_v1_made-up-{name}"] = {"as": name, "scopes": list(scopes)}
            return f"dop_v1_made-up-{name}"

    def runs(self, registry: str) -> list[dict[str, Any]]:
        """Returns a registry's garbage collections as the API shows them, with their types, newest first."""
        with self.lock:
            found = self._settled(registry)
            return [{**self._seen_run(found, run), "type": run["type"]} for run in reversed(found["runs"])]

    def start_run(self, registry: str, kind: str = gc.BLOBS, status: str = gc.REQUESTED) -> str:
        """Starts a garbage collection, as somebody else would, and moves it up to that status; returns its uuid."""
        with self.lock:
            found = self._settled(registry)
            if kind not in gc.TYPES:
                raise ValueError(f"no such type: {kind}")
            if status not in (*gc.steps(kind, self.switches), gc.CANCELLING):
                raise ValueError(f"a run of this type is never in the status {status}")
            run = self._start(found, kind)
            if status == gc.CANCELLING:
                gc.cancel(run, self.now())
            while run["status"] != status:
                gc.step(found, run, self.switches, self.now())
            return run["uuid"]

    def finish_run(self, registry: str, status: str = gc.SUCCEEDED) -> dict[str, Any]:
        """Ends a registry's active garbage collection now with that final status and returns it."""
        with self.lock:
            found = self._settled(registry)
            run = gc.active(found)
            if run is None or status not in gc.FINAL:
                raise ValueError(f"{registry} has no active run" if run is None else f"{status} is no final status")
            gc.finish(found, run, status, self.switches, self.now())
            return {**self._seen_run(found, run), "type": run["type"]}

    def add_run(self, registry: str, **given: Any) -> str:
        """Adds a garbage collection in the neutral form, e.g. a past one, and returns its uuid."""
        with self.lock:
            found = self._settled(registry)
            run = gc.loaded(given, given.get("uuid") or self._new_uuid(), self.now(), self.switches)
            if run["status"] not in gc.FINAL and gc.active(found):
                raise ValueError(f"{registry} has an active run")
            found["runs"].append(run)
            found["runs"].sort(key=lambda item: item["created_at"])
            return run["uuid"]

    def manifests(self, registry: str) -> list[dict[str, Any]]:
        """Returns repository, digest, tags and children of all manifests of a registry."""
        with self.lock:
            return [
                {
                    "repository": name,
                    "digest": digest,
                    "tags": store.tags_of(repository, digest),
                    "children": list(manifest["children"]),
                }
                for name, repository in self._settled(registry)["repositories"].items()
                for digest, manifest in repository["manifests"].items()
            ]

    def untagged(self, registry: str) -> list[str]:
        """Returns the digests of the manifests that a run on untagged manifests would delete now."""
        with self.lock:
            spare = self.switches["spare_index_children"]
            repositories = self._settled(registry)["repositories"].values()
            return [digest for repository in repositories for digest in store.untagged(repository, spare)]

    def blobs(self, registry: str) -> dict[str, int]:
        """Returns the sizes of all stored blobs of a registry by digest."""
        with self.lock:
            return dict(self._settled(registry)["blobs"])

    def push(self, registry: str, repository: str, tag: str | None = None, **manifest: Any) -> str:
        """Pushes a manifest (neutral form, digest made up) with a write token that is then valid for 15 minutes."""
        with self.lock:
            found = self._settled(registry)
            if self._read_only(found):
                raise PermissionError(f"{registry} is read-only")
            made_up = hashlib.sha256(self._new_uuid().encode()).hexdigest()
            manifest = {"digest": f"sha256:{made_up}", **manifest}
            holder = found["repositories"].setdefault(repository, {"name": repository, "manifests": {}, "tags": {}})
            store.add_manifest(found, holder, manifest, self.now())
            if tag:
                holder["tags"][tag] = {"digest": manifest["digest"], "updated_at": self.now()}
            found["write_until"] = self.now() + WRITE_TOKEN_LIFE
            store.count_storage_later(found, self.now() + self.switches["storage_lag"])
            return manifest["digest"]

    def fail(
        self, status: int, message: str | None = None, headers: dict[str, Any] | None = None, **fault: Any
    ) -> None:
        """Queues an error answer in the API's own shape; `fault` holds further keys of a fault (method, after...)."""
        refusal = Refusal(status, message)
        body = {"id": error_id(status), "message": refusal.message}
        self.faults.append({"status": status, "body": body, "headers": headers or {}, **fault})

    def state(self) -> dict[str, Any]:
        """Returns everything in the form that the constructor takes; ages count from the fake's present."""
        with self.lock:
            now = self.now()
            self.work()
            account = {key: deepcopy(self.account[key]) for key in ("name", "tier", "reserved_names")}
            account["age_seconds"] = now - self.account["created_at"]
            account["updated_age_seconds"] = now - self.account["updated_at"]
            return {
                "account": account,
                "tokens": [
                    {"as": token["as"], "token": text, "scopes": list(token["scopes"])}
                    for text, token in self.tokens.items()
                ],
                "registries": [
                    {**store.dumped(registry, now), "runs": [gc.dumped(run, now) for run in registry["runs"]]}
                    for registry in self.registries.values()
                ],
            }

    def work(self, force: bool = False) -> list[dict[str, Any]]:
        """Moves all runs to where they are by now and returns those that moved; `force` moves each one status on."""
        moved = []
        for registry in self.registries.values():
            run = gc.active(registry)
            changed = gc.settle(registry, self.switches, self.now())
            if force and run is not None and run["status"] not in gc.FINAL and not changed:
                gc.step(registry, run, self.switches, self.now())
                changed = [run]
            moved += [{"registry": registry["name"], "uuid": run["uuid"], "status": run["status"]} for run in changed]
        return moved

    def _new_uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _settled(self, name: str) -> store.Registry:
        self.work()
        return self.registries[name]

    def _registry(self, name: str) -> store.Registry:
        if name not in self.registries:
            raise Refusal(404)
        return self.registries[name]

    def _repository(self, registry: str, name: str) -> tuple[store.Registry, store.Repository]:
        found = self._registry(registry)
        if name not in found["repositories"]:
            raise Refusal(404)
        return found, found["repositories"][name]

    def _start(self, registry: store.Registry, kind: str) -> gc.Run:
        if gc.active(registry):
            raise ValueError(f"{registry['name']} has an active run")
        run = gc.new(self._new_uuid(), kind, self.now(), self.switches)
        registry["runs"].append(run)
        return run

    def _seen_run(self, registry: store.Registry, run: gc.Run) -> dict[str, Any]:
        ended = run["status"] in gc.FINAL
        seen = {
            "uuid": run["uuid"],
            "registry_name": registry["name"],
            "status": run["status"],
            "created_at": self._time(run["created_at"]),
            "updated_at": self._time(run["updated_at"]),
            "blobs_deleted": run["blobs_deleted"] if ended else 0,
            "freed_bytes": run["freed_bytes"] if ended else 0,
        }
        if self.switches["send_type"]:
            seen["type"] = run["type"]
        return seen

    def _read_only(self, registry: store.Registry) -> bool:
        running = self.switches["read_only_during_run"] and gc.active(registry) is not None
        return registry["read_only"] or running

    def _time(self, when: float, digits: int | None = None) -> str:
        digits = self.switches["time_digits"] if digits is None else digits
        whole = datetime.fromtimestamp(math.floor(when), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{whole}.{int(when % 1 * 10**9):09d}"[: len(whole) + 1 + digits].rstrip(".") + "Z"
