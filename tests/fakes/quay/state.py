# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake Quay holds: loaded from and dumped to the neutral form, asked and staged by tests."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from .._base import Fake
from . import prune

# Seen on a live Quay: with IMMUTABLE_TAGS off the API does not show what is immutable, and the worker spares it still.
FEATURES = {"AUTO_PRUNE": True, "ANONYMOUS_ACCESS": True, "IMMUTABLE_TAGS": True, "SUPERUSERS_FULL_ACCESS": False}
TAG_EXPIRATION = 14 * 86400
DUPLICATE = "Existing policy with same values for this {}, duplicate policies are not permitted"

Namespace = dict[str, Any]
Repository = dict[str, Any]


class State(Fake):
    """Namespaces, repositories, users and tokens of a Quay, without anything that acts on them.

    The neutral form of the state is that of the recordings. Beside it namespaces and repositories may have `policies`,
    and namespaces `enabled` (false: disabled by a superuser), `tag_expiration_s` (how long the time machine has tags)
    and `autoprune_task` (true: a policy was there once, and the worker has not found out yet that none is left; with
    policies that is always so). `logs`, which a dump leaves out, has entries of the usage log: kind, namespace, repo,
    metadata, performer, age_seconds.
    """

    SWITCHES = {
        "put_status": 204,
        "rate_limit": 0,
        "rate_burst": 25,
        "registry_state": "normal",
        "default_policy": None,
        "first_policy_race": True,  # seen on a live Quay: see race.py
        "AGGREGATED_LOG_COUNT_RETRIEVAL": True,
        "ACTION_LOG_MAX_PAGE": None,
        "LOGS_MODEL": "database",  # or elsewhere: then auto-prune is not in the logs
        "log_seconds": False,  # the times of log entries as MySQL keeps them: then pages skip some
        "SUPERUSERS_ORG_CREATION_ONLY": False,
        **FEATURES,
    }

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__init__()
        if state is None:
            from .estate import shared_estate

            state = shared_estate()
        self._random = random.Random(20260821)
        self._serial = 0
        self.namespaces: dict[str, Namespace] = {}
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.deleted: list[Repository] = []
        self.users: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self._unknown_tokens = deepcopy(state.get("unknown_tokens", []))
        self._page_tokens: dict[str, tuple[int, float]] = {}
        self.log: list[dict[str, Any]] = []
        self._log_tokens: dict[str, tuple[dict[str, Any], float]] = {}
        self._default_ran: float | None = None
        self._rate_level, self._rate_at = 0.0, 0.0
        self._load(state)

    def _load(self, state: dict[str, Any]) -> None:
        for name, value in state.get("features", {}).items():
            self.switches[name] = value
        for name in ("registry_state", "default_policy"):
            if name in state:
                self.switches[name] = deepcopy(state[name])
        seeded_ms = int(self.now() * 1000)
        for user in state.get("users", []):
            self.users[user["name"]] = {
                "superuser": user.get("superuser", False),
                "global_readonly_superuser": user.get("global_readonly_superuser", False),
            }
            self._add_namespace(user, organization=False)
            for token in user.get("tokens", []):
                self.tokens[token["token"]] = {**deepcopy(token), "user": user["name"]}
        for organization in state.get("organizations", []):
            self._add_namespace(organization, organization=True)
            for repository in organization.get("repositories", []):
                self._add_repository(organization["name"], repository, seeded_ms)
        for repository in state.get("user_repositories", []):
            self._add_repository(repository["owner"], repository, seeded_ms)
        for entry in sorted(state.get("logs", []), key=lambda entry: -entry["age_seconds"]):
            repository = self.repositories.get((entry["namespace"], entry.get("repo")))
            at = self.now() - entry["age_seconds"]
            self.add_log(
                entry["kind"], entry["namespace"], entry.get("metadata", {}), repository, entry.get("performer"), at
            )

    def _add_namespace(self, given: dict[str, Any], organization: bool) -> None:
        self.namespaces[given["name"]] = {
            "name": given["name"],
            "organization": organization,
            "admins": list(given.get("admins", [])),
            "members": list(given.get("members", [])),
            "enabled": given.get("enabled", True),
            "tag_expiration_s": given.get("tag_expiration_s", TAG_EXPIRATION),
            "policies": [],
        }
        for policy in given.get("policies", []):
            self.add_policy("organization" if organization else "user", given["name"], policy)
        if given.get("autoprune_task"):
            self._queue(given["name"])

    def _add_repository(self, namespace: str, given: dict[str, Any], seeded_ms: int) -> None:
        self._serial += 1
        self.repositories[namespace, given["name"]] = {
            "id": self._serial,
            "namespace": namespace,
            "name": given["name"],
            "state": given.get("state", "NORMAL"),
            "visibility": given.get("visibility", "private"),
            "description": given.get("description"),
            "permissions": {item["user"]: item["role"] for item in given.get("permissions", [])},
            "policies": [],
            "tags": stored_tags(given.get("tags", []), seeded_ms),
        }
        for policy in given.get("policies", []):
            self.add_policy("repository", f"{namespace}/{given['name']}", policy)

    # What tests ask and stage

    def policies(self, scope: str, name: str) -> list[dict[str, Any]]:
        """Returns copies of the stored policies (API form with uuid) of an organization, a user or `namespace/repo`."""
        with self.lock:
            return [seen(policy) for policy in self._holder(scope, name)["policies"]]

    def add_policy(self, scope: str, name: str, policy: dict[str, Any], check: bool = False) -> str:
        """Stores a policy (API form, or with the names of the database's columns) and returns its uuid.

        Only `check` makes it refuse what the API refuses. A tagPatternMatches of null is there where somebody changed
        the database by hand (seen on a live Quay).
        """
        with self.lock:
            holder = self._holder(scope, name)
            pattern, matches = policy.get("tag_pattern"), policy.get("tag_pattern_matches", True)
            stored = {
                "uuid": policy.get("uuid") or self._new_uuid(),
                "method": policy["method"],
                "value": policy["value"],
                "tagPattern": policy.get("tagPattern", pattern),
                "tagPatternMatches": policy.get("tagPatternMatches", matches),
                "rank": self._random.random(),
            }
            if check:
                wrong = prune.problem(stored["method"], stored["value"], stored["tagPattern"])
                wrong = wrong or (DUPLICATE.format(scope) if duplicate(holder["policies"], stored) else None)
                if wrong:
                    raise ValueError(wrong)
            holder["policies"].append(stored)
            self._queue(name.split("/")[0])
            return stored["uuid"]

    def tags(self, name: str, hidden: bool = False) -> list[str]:
        """Returns the names of the tags of `namespace/repo` that are alive, newest first; `hidden` adds hidden ones."""
        with self.lock:
            now_ms = self._now_ms()
            rows = [row for row in self._holder("repository", name)["tags"] if prune.alive(row, now_ms)]
            rows.sort(key=lambda row: (-row["start_ms"], row["name"]))
            return [row["name"] for row in rows if hidden or not row["hidden"]]

    def token(self, name: str) -> str:
        """Returns the text of a user's first valid token, or of the token that the state calls by that name."""
        for text, token in self.tokens.items():
            if token["as"] == name or (token["user"] == name and not token.get("expired")):
                return text
        raise KeyError(name)

    def session(self, name: str) -> tuple[str, str]:
        """Returns the value of the `session` cookie of a user who is logged in in a browser, and its CSRF token."""
        return f"session-of-{name}", f"csrf-of-{name}"

    def state(self) -> dict[str, Any]:
        """Returns everything in the form that the constructor takes; ages count from the fake's present."""
        with self.lock:
            now_ms = self._now_ms()
            organizations, users = [], []
            for space in self.namespaces.values():
                entry = {"name": space["name"], "enabled": space["enabled"]}
                entry["autoprune_task"] = space["name"] in self.tasks
                entry["tag_expiration_s"] = space["tag_expiration_s"]
                entry["policies"] = [seen(policy) for policy in space["policies"]]
                if space["organization"]:
                    entry.update(admins=list(space["admins"]), members=list(space["members"]), repositories=[])
                    organizations.append(entry)
                else:
                    owned = [dict(token) for token in self.tokens.values() if token["user"] == space["name"]]
                    tokens = [{key: item for key, item in token.items() if key != "user"} for token in owned]
                    users.append({**entry, **self.users[space["name"]], "tokens": tokens})
            by_name = {entry["name"]: entry for entry in organizations}
            owned_by_users = []
            for (space, _name), repository in self.repositories.items():
                entry = dumped_repository(repository, now_ms)
                if space in by_name:
                    by_name[space]["repositories"].append(entry)
                else:
                    owned_by_users.append({"owner": space, **entry})
            return {
                "features": {name: self.switches[name] for name in FEATURES},
                "registry_state": self.switches["registry_state"],
                "default_policy": self.switches["default_policy"],
                "users": users,
                "unknown_tokens": self._unknown_tokens,
                "organizations": organizations,
                "user_repositories": owned_by_users,
            }

    def _holder(self, scope: str, name: str) -> dict[str, Any]:
        if scope == "repository":
            namespace, repository = name.split("/", 1)
            return self.repositories[namespace, repository]
        return self.namespaces[name]

    def _queue(self, namespace: str) -> None:
        self.tasks.setdefault(namespace, {"last_ran": None, "status": "queued"})

    def _new_uuid(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def _now_ms(self) -> int:
        return int(self.now() * 1000)


def seen(policy: dict[str, Any]) -> dict[str, Any]:
    """Returns a policy as the API shows it."""
    return {key: policy[key] for key in ("uuid", "method", "value", "tagPattern", "tagPatternMatches")}


def duplicate(policies: list[dict[str, Any]], policy: dict[str, Any]) -> bool:
    """Returns whether an equal policy is among the stored ones."""
    keys = ("method", "value", "tagPattern", "tagPatternMatches")
    return any(all(other[key] == policy[key] for key in keys) for other in policies)


def stored_tags(given: list[dict[str, Any]], seeded_ms: int) -> list[dict[str, Any]]:
    """Returns tag rows with absolute times; size and children belong to the manifest, so the first row decides."""
    manifests: dict[str, dict[str, Any]] = {}
    rows = [stored_tag(tag, seeded_ms) for tag in given]
    for row in rows:
        first = manifests.setdefault(row["digest"], row)
        row.update({key: first[key] for key in ("size", "is_manifest_list", "children")})
    return rows


def stored_tag(given: dict[str, Any], seeded_ms: int) -> dict[str, Any]:
    """Returns a tag row with absolute times from one with ages."""
    until = given.get("expires_in_seconds")
    return {
        "name": given["name"],
        "digest": given["digest"],
        "start_ms": seeded_ms - int(given["age_seconds"] * 1000),
        "end_ms": None if until is None else seeded_ms + int(until * 1000),
        "immutable": given.get("immutable", False),
        "hidden": given.get("hidden", False),
        "is_manifest_list": given.get("is_manifest_list", False),
        "size": given.get("size", 0),
        "children": deepcopy(given.get("children", [])),
        "reversion": given.get("reversion", False),
    }


def dumped_repository(repository: Repository, now_ms: int) -> dict[str, Any]:
    """Returns a repository in the form that the constructor takes."""
    tags = []
    for row in repository["tags"]:
        tag = {key: item for key, item in row.items() if key not in ("start_ms", "end_ms")}
        tag["age_seconds"] = (now_ms - row["start_ms"]) / 1000
        tag["expires_in_seconds"] = None if row["end_ms"] is None else (row["end_ms"] - now_ms) / 1000
        tags.append(tag)
    permissions = [{"user": user, "role": role} for user, role in repository["permissions"].items()]
    entry = {key: repository[key] for key in ("name", "state", "visibility", "description")}
    entry["policies"] = [seen(policy) for policy in repository["policies"]]
    return {**entry, "permissions": permissions, "tags": tags}
