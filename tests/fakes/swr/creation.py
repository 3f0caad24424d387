# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations and repositories of the fake SWR that come and go."""

from __future__ import annotations

import json
import re
from typing import Any

from .._base import Answer, as_json
from .call import Call
from .state import MANAGE, State

ORGANIZATION = re.compile(r"[a-z]([a-z0-9._-]{0,62}[a-z0-9])?")
REPOSITORY = re.compile(r"[a-z0-9]([a-z0-9._/-]{0,126}[a-z0-9])?")


class Creation(State):
    """The endpoints that create and delete organizations and repositories, as the vendor's API reference has them."""

    def _named_in(self, call: Call, key: str, allowed: re.Pattern) -> str:
        """Returns the name in a body; 400 if it is none."""
        try:
            name = json.loads(call.request.get_data())[key]
        except (ValueError, KeyError, TypeError):
            name = None
        if not isinstance(name, str) or not allowed.fullmatch(name):
            self._refuse("4000014", f"invalid {key}")
        return name

    def _post_namespaces(self, call: Call) -> Answer:
        name = self._named_in(call, "namespace", ORGANIZATION)
        if name in self.organizations:
            self._refuse("4000014", "the organization exists")
        user = call.user
        self.organizations[name] = {
            "id": self._next_id("namespace"),
            "name": name,
            "domain": user["domain"],
            "project": call.project["name"],
            "creator": user["name"],
            "auth": {user["name"]: MANAGE},
        }
        return as_json({}, 201)

    def _delete_namespace(self, call: Call, namespace: str) -> Answer:
        self._managed(call, namespace)
        if any(place[0] == namespace for place in self.repositories):
            self._refuse("4000014", "the organization is not empty")
        del self.organizations[namespace]
        return Answer(204)

    def _post_repos(self, call: Call, namespace: str) -> Answer:
        self._managed(call, namespace)
        name = self._named_in(call, "repository", REPOSITORY)
        if (namespace, name) in self.repositories:
            self._refuse("4000014", "the repository exists")
        self._add_repository(namespace, {"name": name, "age_seconds": 0}, self._now_ns())
        return as_json({}, 201)

    def _delete_repo(self, call: Call, namespace: str, repository: str) -> Answer:
        row = call.repository(namespace, repository, MANAGE)
        del self.repositories[namespace, row["name"]]
        return Answer(204)

    def _managed(self, call: Call, namespace: str) -> dict[str, Any]:
        space = call.organization(namespace)
        if call.level(space) < MANAGE:
            self._refuse(self.switches["denied"])
        return space
