# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container registry API of DigitalOcean in memory: registries, what they hold, and garbage collections."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import re
import uuid
from collections import deque
from copy import deepcopy
from datetime import datetime, timezone
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Callable, Iterator
from urllib.parse import unquote, urlencode

from werkzeug.wrappers import Request

from .._base import Answer, Fake, as_json
from . import runs as gc
from . import store

SCOPES = ("registry:read", "registry:create", "registry:update", "registry:delete")
READ, CREATE, UPDATE, DELETE = ((scope,) for scope in SCOPES)
HOUR, MINUTE = 3600, 60
PER_PAGE, MOST_PER_PAGE = 20, 200
MOST_REGISTRIES = 10
WRITE_TOKEN_LIFE = 900
REGISTRY_NAME = re.compile(r"[a-z0-9-]{1,63}\Z")
REGIONS = ("nyc3", "sfo3", "sfo2", "ams3", "sgp1", "fra1", "blr1", "syd1")
GIB = 2**30
TIERS: dict[str, dict[str, Any]] = {
    "starter": {
        "name": "Starter",
        "slug": "starter",
        "included_repositories": 1,
        "included_storage_bytes": GIB * 500 // 1024,
        "allow_storage_overage": False,
        "included_bandwidth_bytes": GIB * 500 // 1024,
        "monthly_price_in_cents": 0,
        "storage_overage_price_in_cents": 0,
    },
    "basic": {
        "name": "Basic",
        "slug": "basic",
        "included_repositories": 5,
        "included_storage_bytes": 5 * GIB,
        "allow_storage_overage": True,
        "included_bandwidth_bytes": 5 * GIB,
        "monthly_price_in_cents": 500,
        "storage_overage_price_in_cents": 2,
    },
    "professional": {
        "name": "Professional",
        "slug": "professional",
        "included_repositories": 0,
        "included_storage_bytes": 100 * GIB,
        "allow_storage_overage": True,
        "included_bandwidth_bytes": 100 * GIB,
        "monthly_price_in_cents": 2000,
        "storage_overage_price_in_cents": 2,
    },
}

IDS = {500: "server_error"}
MESSAGES = {
    400: "error parsing request body",
    401: "Unable to authenticate you.",
    403: "You are not authorized to perform this operation",
    404: "The resource you requested could not be found.",
    405: "The method is not allowed for the requested resource.",
    409: "The request could not be completed due to a conflict.",
    429: "API rate limit exceeded.",
    500: "Unexpected server-side error",
}
# The line breaks and quotes are those of the example in the vendor's API description.
SEVERAL_REGISTRIES = (
    "This API is not supported if you have created multiple registries. Please use \n"
    "\u2018/v2/registries/{registry_name}\u2019 instead. Refer to \n"
    "https://docs.digitalocean.com/reference/api/digitalocean/#tag/Container-Registry for more info."
)
NOT_ELIGIBLE = "registry is not eligible for tier because: [{}]"
AUTOMATED = "manual garbage collection is not available while automated garbage collection is enabled for this registry"
ALREADY_RUNNING = "only one active garbage collection is allowed per registry"
NO_DELETES = "delete operations are not available while garbage collection is running"
REFERENCED = "manifest is referenced by one or more other manifests"

Route = dict[str, tuple[str, tuple[str, ...]]]
CURRENT, LEGACY = "registries", "registry"
COMMON_ROUTES: dict[str, Route] = {
    "subscription": {"GET": ("subscription", READ), "POST": ("change_tier", UPDATE)},
    "options": {"GET": ("options", READ)},
    "validate-name": {"POST": ("validate_name", CREATE)},
    "{registry}/garbage-collection": {"GET": ("active_run", READ), "POST": ("start_by_api", UPDATE)},
    "{registry}/garbage-collection/{run}": {"PUT": ("update_run", UPDATE)},
    "{registry}/garbage-collections": {"GET": ("list_runs", READ)},
    "{registry}/repositoriesV2": {"GET": ("list_repositories", READ)},
    "{registry}/repositories/{repository}/tags": {"GET": ("list_tags", READ)},
    "{registry}/repositories/{repository}/tags/{tag}": {"DELETE": ("delete_tag", DELETE)},
    "{registry}/repositories/{repository}/digests": {"GET": ("list_manifests", READ)},
    "{registry}/repositories/{repository}/digests/{digest}": {"DELETE": ("delete_manifest", DELETE)},
}
ROUTES: dict[str, dict[str, Route]] = {
    CURRENT: {
        "": {"GET": ("list_registries", READ), "POST": ("create", CREATE)},
        **COMMON_ROUTES,
        "{registry}": {"GET": ("get_registry", READ), "DELETE": ("delete_registry", DELETE)},
        "{registry}/docker-credentials": {"GET": ("credentials", READ + UPDATE)},
        "{registry}/repositories/{repository}": {"DELETE": ("delete_repository", DELETE)},
    },
    LEGACY: {
        "": {"GET": ("get_only", READ), "POST": ("create", CREATE), "DELETE": ("delete_only", DELETE)},
        "docker-credentials": {"GET": ("credentials_of_only", READ + UPDATE)},
        **COMMON_ROUTES,
        "{registry}/repositories": {"GET": ("list_repositories_v1", READ)},
    },
}


class Refusal(Exception):
    """An error answer that ends the handling of a request."""

    def __init__(self, status: int, message: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.message = message or MESSAGES.get(status) or HTTPStatus(status).phrase
        self.headers = headers or {}


class Call:
    """A request that was routed: its family of paths, its query and its body."""

    def __init__(self, request: Request, family: str) -> None:
        self.request = request
        self.family = family

    def body(self) -> dict[str, Any]:
        """Returns the JSON object of the body; no body and `null` are an empty one."""
        data = self.request.get_data()
        try:
            given = json.loads(data) if data.strip() else None
        except ValueError:
            raise Refusal(400) from None
        if given is not None and not isinstance(given, dict):
            raise Refusal(400)
        return given or {}

    def number(self, name: str, default: int) -> int:
        """Returns a positive number of the query."""
        text = self.request.args.get(name, str(default))
        if not text.isdecimal() or int(text) < 1:
            raise Refusal(400, f"invalid value for {name}")
        return int(text)


class DigitalOcean(Fake):
    """DigitalOcean's container registry API in memory: one team, its tokens and its registries.

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

    # Requests

    def _service(self, request: Request, environ: dict[str, Any]) -> Answer:
        answer = super()._service(request, environ)
        with self.lock:
            headers = {name.lower() for name in answer.headers}
            extra = {"x-request-id": self._new_uuid(), **self._rate_headers(request)}
            if self.switches["send_date"]:
                extra["Date"] = formatdate(self.now(), usegmt=True)
            answer.headers.update({name: text for name, text in extra.items() if name.lower() not in headers})
        return answer

    def answer(self, request: Request) -> Answer:
        """Answers a request: rate limit, token, scope, then what the path is about."""
        if self.switches["seconds_per_request"]:
            self.advance(self.switches["seconds_per_request"])
        try:
            self._count(request)
            handler, arguments = self._routed(request)
            self.work()
            return handler(*arguments)
        except Refusal as refusal:
            return self._error(refusal)

    def _error(self, refusal: Refusal) -> Answer:
        number = self._new_uuid()
        body = {"id": error_id(refusal.status), "message": refusal.message}
        if self.switches["request_id_in_body"]:
            body["request_id"] = number
        answer = as_json(body, refusal.status)
        answer.headers.update({"x-request-id": number, **refusal.headers})
        return answer

    def _count(self, request: Request) -> None:
        now, times = self.now(), self._times(request)
        hour, minute = self.switches["rate_hour"], self.switches["rate_minute"]
        if hour and len(times) >= hour:
            raise Refusal(429, headers={"ratelimit-remaining": "0"})
        if minute and len(times) >= minute and times[-minute] > now - MINUTE:
            wait = math.ceil(times[-minute] + MINUTE - now)
            raise Refusal(429, headers={"ratelimit-remaining": "0", "retry-after": str(wait)})
        times.append(now)

    def _times(self, request: Request) -> deque[float]:
        times = self._counted.setdefault(bearer(request) or "", deque())
        while times and times[0] <= self.now() - HOUR:
            times.popleft()
        return times

    def _rate_headers(self, request: Request) -> dict[str, str]:
        times = self._times(request)
        limit = self.switches["rate_hour"] or self.SWITCHES["rate_hour"]
        return {
            "ratelimit-limit": str(limit),
            "ratelimit-remaining": str(max(0, limit - len(times))),
            "ratelimit-reset": str(math.ceil((times[0] if times else self.now()) + HOUR)),
        }

    def _routed(self, request: Request) -> tuple[Callable[..., Answer], list[Any]]:
        token = self.tokens.get(bearer(request) or "")
        if token is None:
            raise Refusal(401)
        family, words = segments(request)
        for pattern, route in ROUTES.get(family, {}).items():
            arguments = matched(pattern, words)
            if arguments is None:
                continue
            method = "GET" if request.method == "HEAD" else request.method
            if method not in route:
                raise Refusal(405, headers={"Allow": ", ".join(sorted(route))})
            name, scopes = route[method]
            if not set(scopes) <= set(token["scopes"]):
                raise Refusal(403)
            return getattr(self, f"_{name}"), [Call(request, family), *arguments]
        raise Refusal(404)

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

    # Garbage collections

    def _active_run(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        run = gc.active(registry)
        if run is None:
            raise Refusal(404)
        return as_json({"garbage_collection": self._seen_run(registry, run)})

    def _start(self, registry: store.Registry, kind: str) -> gc.Run:
        if gc.active(registry):
            raise ValueError(f"{registry['name']} has an active run")
        run = gc.new(self._new_uuid(), kind, self.now(), self.switches)
        registry["runs"].append(run)
        return run

    def _start_by_api(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        kind = call.body().get("type")
        if kind is not None and not isinstance(kind, str):
            raise Refusal(400)
        kind = kind or self.switches["default_type"]
        if call.family == CURRENT and not self.switches["current_family_obeys_type"]:
            kind = self.switches["default_type"]
        if kind not in gc.TYPES:
            raise Refusal(self.switches["unknown_type_status"], f"invalid garbage collection type: {kind}")
        if registry["automated_gc"] or self.switches["automated_gc"]:
            raise Refusal(412, AUTOMATED)
        if gc.active(registry):
            raise Refusal(self.switches["conflict_status"], self.switches["conflict_message"])
        return as_json({"garbage_collection": self._seen_run(registry, self._start(registry, kind))}, 201)

    def _list_runs(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        found = registry["runs"][::-1]
        if self.switches["list_order"] == "oldest":
            found.reverse()
        elif self.switches["list_order"] == "shuffled":
            found.sort(key=lambda run: run["uuid"])
        answer = self._page(call, "garbage_collections", found, lambda run: self._seen_run(registry, run))
        if not self.switches["list_meta"]:
            del answer["meta"]
        if not self.switches["list_links"]:
            answer.pop("links", None)
        return as_json(answer)

    def _update_run(self, call: Call, name: str, number: str) -> Answer:
        registry = self._registry(name)
        body = call.body()
        run = gc.active(registry)
        if run is None or run["uuid"] != number:
            raise Refusal(404)
        seen = {"garbage_collection": self._seen_run(registry, run)}
        if body.get("cancel") is not True:
            status = self.switches["update_without_cancel_status"]
            if status != 200:
                raise Refusal(status, "nothing to update")
            return as_json(seen)
        if self.switches["cancel_race"] == "before":
            gc.finish(registry, run, gc.SUCCEEDED, self.switches, self.now())
            raise Refusal(404)
        gc.cancel(run, self.now(), self.switches["cancel_race"] == "after")
        if self.switches["cancel_answer"] == 204:
            return Answer(204)
        if self.switches["cancel_answer"] == "empty":
            return as_json({})
        return as_json({"garbage_collection": self._seen_run(registry, run)})

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

    # Registries

    def _list_registries(self, call: Call) -> Answer:
        seen = [self._seen_registry(registry, subscription=True) for registry in self.registries.values()]
        total = sum(registry["storage"]["bytes"] for registry in self.registries.values())
        return as_json({"registries": seen, "total_storage_usage_bytes": total})

    def _get_registry(self, call: Call, name: str) -> Answer:
        return as_json({"registry": self._seen_registry(self._registry(name))})

    def _get_only(self, call: Call) -> Answer:
        return as_json({"registry": self._seen_registry(self._only(), subscription=True)})

    def _only(self) -> store.Registry:
        if len(self.registries) > 1:
            raise Refusal(412, SEVERAL_REGISTRIES)
        if not self.registries:
            raise Refusal(404)
        return next(iter(self.registries.values()))

    def _create(self, call: Call) -> Answer:
        body = call.body()
        self._free_name(body)
        tier = body.get("subscription_tier_slug", self.account["tier"])
        region = body.get("region", REGIONS[0])
        if tier not in TIERS or region not in REGIONS:
            raise Refusal(422, "invalid subscription tier or region")
        count = len(self.registries) + 1
        if count > (MOST_REGISTRIES if tier == "professional" else 1):
            raise Refusal(412, NOT_ELIGIBLE.format("OverRegistryLimit"))
        self.account["tier"] = tier
        registry = store.loaded({"name": body["name"], "region": region, "age_seconds": 0}, self.now())
        registry["storage"]["at"] = self.now()
        self.registries[body["name"]] = registry
        return as_json({"registry": self._seen_registry(registry, subscription=call.family == LEGACY)}, 201)

    def _validate_name(self, call: Call) -> Answer:
        self._free_name(call.body())
        return Answer(204)

    def _free_name(self, body: dict[str, Any]) -> None:
        name = body.get("name")
        if not isinstance(name, str) or not REGISTRY_NAME.match(name):
            raise Refusal(422, "invalid registry name")
        if name in self.registries or name in self.account["reserved_names"]:
            raise Refusal(409)

    def _delete_registry(self, call: Call, name: str) -> Answer:
        del self.registries[self._registry(name)["name"]]
        return Answer(204)

    def _delete_only(self, call: Call) -> Answer:
        return self._delete_registry(call, self._only()["name"])

    def _credentials(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        secret = base64.b64encode(f"made-up:{registry['name']}".encode()).decode()
        return as_json({"auths": {"registry.digitalocean.com": {"auth": secret}}})

    def _credentials_of_only(self, call: Call) -> Answer:
        return self._credentials(call, self._only()["name"])

    def _subscription(self, call: Call) -> Answer:
        return as_json({"subscription": self._seen_subscription()})

    def _change_tier(self, call: Call) -> Answer:
        slug = call.body().get("tier_slug")
        if slug not in TIERS:
            raise Refusal(422, "invalid subscription tier")
        reasons = self._against(TIERS[slug])
        if slug != "professional" and len(self.registries) > 1:
            reasons.insert(0, "OverRegistryLimit")
        if reasons:
            raise Refusal(412, NOT_ELIGIBLE.format(" ".join(reasons)))
        self.account.update(tier=slug, updated_at=self.now())
        return self._subscription(call)

    def _options(self, call: Call) -> Answer:
        tiers = []
        for tier in TIERS.values():
            reasons = self._against(tier)
            tiers.append({**tier, "eligible": not reasons, **({"eligibility_reasons": reasons} if reasons else {})})
        return as_json({"options": {"available_regions": list(REGIONS), "subscription_tiers": tiers}})

    def _against(self, tier: dict[str, Any]) -> list[str]:
        repositories = sum(len(registry["repositories"]) for registry in self.registries.values())
        used = sum(registry["storage"]["bytes"] for registry in self.registries.values())
        reasons = ["OverRepositoryLimit"] if 0 < tier["included_repositories"] < repositories else []
        if used > tier["included_storage_bytes"] and not tier["allow_storage_overage"]:
            reasons.append("OverStorageLimit")
        return reasons

    def _read_only(self, registry: store.Registry) -> bool:
        running = self.switches["read_only_during_run"] and gc.active(registry) is not None
        return registry["read_only"] or running

    def _seen_registry(self, registry: store.Registry, subscription: bool = False) -> dict[str, Any]:
        seen = {
            "name": registry["name"],
            "created_at": self._time(registry["created_at"], 0),
            "region": registry["region"],
            "storage_usage_bytes": registry["storage"]["bytes"],
            self.switches["storage_time_field"]: self._time(registry["storage"]["at"], 9),
        }
        if self.switches["send_read_only"]:
            seen["read_only"] = self._read_only(registry)
        if subscription:
            seen["subscription"] = self._seen_subscription()
        return seen

    def _seen_subscription(self) -> dict[str, Any]:
        return {
            "tier": TIERS[self.account["tier"]],
            "created_at": self._time(self.account["created_at"], 0),
            "updated_at": self._time(self.account["updated_at"], 0),
        }

    # Repositories, tags and manifests

    def _list_repositories(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        found = sorted(registry["repositories"].values(), key=lambda repository: repository["name"])

        def seen(repository: store.Repository) -> dict[str, Any]:
            view = {
                "registry_name": name,
                "name": repository["name"],
                "tag_count": len(repository["tags"]),
                "manifest_count": len(repository["manifests"]),
            }
            if repository["manifests"]:
                digest, _manifest = max(repository["manifests"].items(), key=lambda item: item[1]["updated_at"])
                view["latest_manifest"] = self._seen_manifest(registry, repository, digest)
            elif self.switches["empty_latest_manifest"] == "null":
                view["latest_manifest"] = None
            return view

        return as_json(self._page(call, "repositories", found, seen, tokens=True))

    def _list_repositories_v1(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        found = sorted(registry["repositories"].values(), key=lambda repository: repository["name"])

        def seen(repository: store.Repository) -> dict[str, Any]:
            view = {"registry_name": name, "name": repository["name"], "tag_count": len(repository["tags"])}
            if repository["tags"]:
                newest = max(repository["tags"], key=lambda tag: repository["tags"][tag]["updated_at"])
                view["latest_tag"] = self._seen_tag(registry, repository, newest)
            return view

        return as_json(self._page(call, "repositories", found, seen))

    def _list_tags(self, call: Call, name: str, repository: str) -> Answer:
        registry, found = self._repository(name, repository)
        tags = sorted(found["tags"], key=lambda tag: (-found["tags"][tag]["updated_at"], tag))
        return as_json(self._page(call, "tags", tags, lambda tag: self._seen_tag(registry, found, tag)))

    def _list_manifests(self, call: Call, name: str, repository: str) -> Answer:
        registry, found = self._repository(name, repository)
        digests = sorted(found["manifests"], key=lambda digest: (-found["manifests"][digest]["updated_at"], digest))
        return as_json(
            self._page(call, "manifests", digests, lambda digest: self._seen_manifest(registry, found, digest))
        )

    def _delete_tag(self, call: Call, name: str, repository: str, tag: str) -> Answer:
        registry, found = self._repository(name, repository)
        if tag not in found["tags"]:
            raise Refusal(404)
        self._may_delete(registry, "all")
        del found["tags"][tag]
        return Answer(204)

    def _delete_manifest(self, call: Call, name: str, repository: str, digest: str) -> Answer:
        registry, found = self._repository(name, repository)
        if digest not in found["manifests"]:
            raise Refusal(404)
        self._may_delete(registry, "all", "manifests")
        if store.parents(found, digest):
            raise Refusal(412, REFERENCED)
        store.delete_manifest(found, digest)
        return Answer(204)

    def _delete_repository(self, call: Call, name: str, repository: str) -> Answer:
        registry, found = self._repository(name, repository)
        self._may_delete(registry, "all")
        del registry["repositories"][found["name"]]
        return Answer(204)

    def _may_delete(self, registry: store.Registry, *refused: str) -> None:
        if gc.active(registry) and self.switches["deletes_refused_during_run"] in refused:
            raise Refusal(412, NO_DELETES)

    def _sizes(self, registry: store.Registry, repository: store.Repository, digest: str) -> dict[str, int]:
        manifest = repository["manifests"][digest]
        compressed = sum(registry["blobs"].get(blob, 0) for blob in store.named(digest, manifest))
        uncompressed = compressed * 2 if manifest["uncompressed"] is None else manifest["uncompressed"]
        return {"compressed_size_bytes": compressed, "size_bytes": uncompressed}

    def _seen_manifest(self, registry: store.Registry, repository: store.Repository, digest: str) -> dict[str, Any]:
        manifest = repository["manifests"][digest]
        return {
            "digest": digest,
            "registry_name": registry["name"],
            "repository": repository["name"],
            **self._sizes(registry, repository, digest),
            "updated_at": self._time(manifest["updated_at"], 0),
            "tags": store.tags_of(repository, digest),
            "blobs": [
                {"digest": blob, "compressed_size_bytes": registry["blobs"].get(blob, 0)}
                for blob in store.named(digest, manifest)
            ],
        }

    def _seen_tag(self, registry: store.Registry, repository: store.Repository, name: str) -> dict[str, Any]:
        tag = repository["tags"][name]
        return {
            "registry_name": registry["name"],
            "repository": repository["name"],
            "tag": name,
            "manifest_digest": tag["digest"],
            **self._sizes(registry, repository, tag["digest"]),
            "updated_at": self._time(tag["updated_at"], 0),
        }

    def _time(self, when: float, digits: int | None = None) -> str:
        digits = self.switches["time_digits"] if digits is None else digits
        whole = datetime.fromtimestamp(math.floor(when), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{whole}.{int(when % 1 * 10**9):09d}"[: len(whole) + 1 + digits].rstrip(".") + "Z"

    # Pages

    def _page(
        self, call: Call, key: str, items: list[Any], view: Callable[[Any], Any], tokens: bool = False
    ) -> dict[str, Any]:
        size = min(call.number("per_page", PER_PAGE), MOST_PER_PAGE)
        token = call.request.args.get("page_token") if tokens else None
        start = offset_of(token) if token else (call.number("page", 1) - 1) * size
        answer: dict[str, Any] = {key: [view(item) for item in items[start : start + size]]}
        page, last = start // size + 1, max(1, math.ceil(len(items) / size))
        pages = dict(neighbours(page, last))
        base = self.switches["link_base"] or call.request.host_url
        path = raw_path(call.request)
        links = {}
        for name, number in pages.items():
            query: dict[str, Any] = {"page": number}
            if tokens and name in ("next", "prev"):
                query["page_token"] = page_token((number - 1) * size)
            links[name] = f"{base.rstrip('/')}{path}?{urlencode({**query, 'per_page': size})}"
        if links:
            answer["links"] = {"pages": links}
        elif self.switches["empty_links"]:
            answer["links"] = {}
        answer["meta"] = {"total": len(items)}
        return answer


def error_id(status: int) -> str:
    """Returns the word that stands for a status in an error body."""
    return IDS.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")


def bearer(request: Request) -> str | None:
    """Returns the token of the Authorization header."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def raw_path(request: Request) -> str:
    """Returns the path as it was sent: `%2F` is not decoded."""
    uri = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or request.path
    return re.sub(r"\Ahttps?://[^/]*", "", uri).partition("?")[0]


def segments(request: Request) -> tuple[str, list[str]]:
    """Returns the family of a path and the decoded words after it."""
    words = raw_path(request).strip("/").split("/")
    if len(words) < 2 or words[0] != "v2":
        return "", []
    return words[1], [unquote(word) for word in words[2:]]


def matched(pattern: str, words: list[str]) -> list[str] | None:
    """Returns the words that stand for the names in a pattern, or None if it does not match."""
    parts = pattern.split("/") if pattern else []
    if len(parts) != len(words):
        return None
    if any(part != word for part, word in zip(parts, words) if not part.startswith("{")):
        return None
    return [word for part, word in zip(parts, words) if part.startswith("{")]


def neighbours(page: int, last: int) -> Iterator[tuple[str, int]]:
    """Gives the numbers of the pages that make sense to link to."""
    if page > 1:
        yield "first", 1
        yield "prev", min(page - 1, last)
    if page < last:
        yield "next", page + 1
        yield "last", last


def page_token(offset: int) -> str:
    """Returns an opaque token for a place in a list."""
    return base64.urlsafe_b64encode(json.dumps({"Offset": offset}).encode()).decode().rstrip("=")


def offset_of(token: str) -> int:
    """Returns the place that a page token stands for."""
    try:
        return int(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["Offset"])
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "invalid page_token") from None
