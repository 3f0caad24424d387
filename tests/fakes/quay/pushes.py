# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake Quay makes of images that are pushed to it, and of organizations that are made for them."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.wrappers import Request

from .._base import Answer, as_json
from ..distribution import Distribution, Refused
from . import prune
from .access import REPOSITORY_ROLES, Caller, Rights
from .call import Call
from .errors import no_content
from .schema import ORGANIZATION_SCHEMA
from .state import State, stored_tag

OAUTH = "$oauthtoken"  # the user name that goes with an OAuth token
NAMES = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
TAKEN = "A user or organization with this name already exists"


class Pushes(State):
    """Organizations come and go, images are pushed with the OAuth token that the API takes, too."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__init__(state)
        self.registry = Distribution(
            "/v2/auth", "quay", self._pusher, self._may_push, self._put_manifest, self._digest_of
        )
        self._request: Request | None = None  # the one that is answered
        self._untagged: set[tuple[str, str]] = set()  # what was pushed by digest: Quay lists tags only

    def _pushed(self, request: Request) -> Answer | None:
        """Returns the answer to a request of the registry's own protocol, None for any other one."""
        if not self.registry.takes(request.path):
            return None
        self._request = request
        return self.registry.answer(request)

    def _pusher(self, user: str, password: str) -> Caller | None:
        token = self.tokens.get(password) if user == OAUTH else None
        return Caller(token["user"], frozenset(token["scopes"])) if token and not token.get("expired") else None

    def _may_push(self, caller: Caller, name: str, action: str) -> bool:
        namespace, _slash, repository = name.partition("/")
        call = Rights(self, self._request, caller)
        if (namespace, repository) not in self.repositories:
            # Quay makes a missing repository when a token for a push to it is asked for.
            if action != "push" or not repository or call.team_role(namespace) not in ("creator", "admin"):
                return False
            self._add_repository(namespace, {"name": repository}, self._now_ms())
        held = self.repositories[namespace, repository]
        role = REPOSITORY_ROLES.index(call.repository_role(namespace, repository))
        if action == "push":
            return role >= REPOSITORY_ROLES.index("write") and held["state"] == "NORMAL"
        return action == "pull" and (role >= REPOSITORY_ROLES.index("read") or held["visibility"] == "public")

    def _digest_of(self, name: str, reference: str) -> str | None:
        held = self.repositories.get(tuple(name.split("/", 1)))
        rows = [row for row in held["tags"] if prune.alive(row, self._now_ms())] if held else []
        found = [row["digest"] for row in rows if reference in (row["name"], row["digest"])]
        children = [one["digest"] for row in rows for one in row["children"] if one["digest"] == reference]
        untagged = [reference] if (name, reference) in self._untagged else []
        return next(iter(found + children + untagged), None)

    def _put_manifest(self, name: str, reference: str, pushed: dict[str, Any]) -> None:
        if self.switches["registry_state"] == "readonly":
            raise Refused("DENIED", "System is currently read-only.")
        if ":" in reference:
            self._untagged.add((name, reference))
            return
        children = [{"digest": one["digest"], "present": True} for one in pushed["references"]]
        given = {"name": reference, "digest": pushed["digest"], "size": pushed["size"], "age_seconds": 0}
        model = {**given, "is_manifest_list": bool(children), "children": children}
        repository = self.repositories[tuple(name.split("/", 1))]
        self._set_tag(repository, reference, model)

    def _set_tag(self, repository: dict[str, Any], tag: str, given: dict[str, Any]) -> None:
        now_ms = self._now_ms()
        for row in repository["tags"]:
            if row["name"] == tag and prune.alive(row, now_ms) and not row["hidden"]:
                if row["immutable"] and self.switches["IMMUTABLE_TAGS"]:
                    raise Refused("DENIED", f"Cannot overwrite immutable tag '{tag}'")
                row["end_ms"] = now_ms
        repository["tags"].append(stored_tag(given, now_ms))

    # Organizations

    def _post_organizations(self, call: Call) -> Answer:
        if call.user_role() != "admin":
            call.refuse()
        name = call.body(ORGANIZATION_SCHEMA)["name"]
        if self.switches["SUPERUSERS_ORG_CREATION_ONLY"] and not call.is_superuser():
            call.refuse()
        if name in self.namespaces:
            call.invalid(TAKEN)
        if not NAMES.fullmatch(name) or not 2 <= len(name) <= 255:
            call.invalid(f"Invalid namespace name: {name}")
        self._add_namespace({"name": name, "admins": [call.caller.name]}, organization=True)
        return as_json("Created", 201)

    def _delete_organization(self, call: Call, orgname: str) -> Answer:
        if call.team_role(orgname) != "admin":
            call.refuse()
        if orgname not in self.namespaces or not self.namespaces[orgname]["organization"]:
            call.not_found()
        # Quay ffba0c7, data/model/user.py: the namespace goes at once, its repositories are purged later.
        del self.namespaces[orgname]
        self.tasks.pop(orgname, None)
        for place in [place for place in self.repositories if place[0] == orgname]:
            del self.repositories[place]
        return no_content()
