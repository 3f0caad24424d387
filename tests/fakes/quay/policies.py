# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The auto-prune policies of organizations, users and repositories in the fake Quay's API."""

from __future__ import annotations

from typing import Any

from .._base import Answer, as_json
from .call import Call
from .errors import no_content, server_error
from .logs import Logs
from .race import FirstPolicies
from .schema import POLICY_SCHEMA
from .state import DUPLICATE, Namespace, Repository, duplicate, seen


class Policies(FirstPolicies, Logs):
    """The six endpoints of policies; an organization's are those of a user's own namespace, too."""

    # Policies of an organization (or of a user's own namespace)

    def _get_organization_policies(self, call: Call, orgname: str) -> Answer:
        call.may_read_organization(orgname)
        space = self.namespaces.get(orgname)
        return as_json({"policies": listed(space["policies"] if space else [])})

    def _post_organization_policies(self, call: Call, orgname: str) -> Answer:
        body = call.body(POLICY_SCHEMA)
        call.may_write_organization(orgname)
        return self._create(call, self._enabled(call, orgname), body, "namespace")

    def _get_organization_policy(self, call: Call, orgname: str, uuid: str) -> Answer:
        call.may_read_organization(orgname)
        return self._read(call, self.namespaces.get(orgname), uuid)

    def _put_organization_policy(self, call: Call, orgname: str, uuid: str) -> Answer:
        body = call.body(POLICY_SCHEMA)
        call.may_write_organization(orgname)
        return self._replace(call, self._enabled(call, orgname), uuid, body)

    def _delete_organization_policy(self, call: Call, orgname: str, uuid: str) -> Answer:
        call.may_write_organization(orgname)
        return self._remove(call, self.namespaces.get(orgname), uuid)

    # Policies of the caller

    def _get_user_policies(self, call: Call) -> Answer:
        return as_json({"policies": listed(self._own(call)["policies"])})

    def _post_user_policies(self, call: Call) -> Answer:
        space = self._own(call)
        return self._create(call, space, call.body(POLICY_SCHEMA), "namespace")

    def _get_user_policy(self, call: Call, uuid: str) -> Answer:
        return self._read(call, self._own(call), uuid)

    def _put_user_policy(self, call: Call, uuid: str) -> Answer:
        space = self._own(call)
        return self._replace(call, space, uuid, call.body(POLICY_SCHEMA))

    def _delete_user_policy(self, call: Call, uuid: str) -> Answer:
        return self._remove(call, self._own(call), uuid)

    def _own(self, call: Call) -> Namespace:
        if call.user_role() != "admin":
            call.refuse()
        return self.namespaces[call.caller.name]

    # Policies of a repository

    def _get_repository_policies(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_read_repository(namespace, name, "admin")
        return as_json({"policies": listed(call.repository(namespace, name)["policies"])})

    def _post_repository_policies(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        body = call.body(POLICY_SCHEMA)
        self._enabled(call, namespace)
        return self._create(call, call.repository(namespace, name), body, "repository")

    def _get_repository_policy(self, call: Call, namespace: str, name: str, uuid: str) -> Answer:
        call.may_read_repository(namespace, name, "admin")
        return self._read(call, self._same_named(name, uuid), uuid)

    def _put_repository_policy(self, call: Call, namespace: str, name: str, uuid: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        body = call.body(POLICY_SCHEMA)
        self._enabled(call, namespace)
        call.repository(namespace, name)
        holder = self._same_named(name, uuid)
        return self._replace(call, holder, uuid, body, elsewhere=bool(holder and holder["namespace"] != namespace))

    def _delete_repository_policy(self, call: Call, namespace: str, name: str, uuid: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        call.repository(namespace, name)
        holder = self._same_named(name, uuid)
        if holder and holder["namespace"] != namespace:
            return server_error()
        return self._remove(call, holder, uuid)

    def _same_named(self, name: str, uuid: str) -> Repository | None:
        # Quay ffba0c7, data/model/autoprune.py: an item is looked up by the repository's name and the uuid alone,
        # so that one of another namespace is found; update and delete then change no row.
        for (_namespace, other), repository in self.repositories.items():
            if other == name and find(repository, uuid):
                return repository
        return None

    # What the three scopes have in common

    def _enabled(self, call: Call, name: str) -> Namespace:
        # Seen on a live Quay: a POST for a disabled organization is answered like one for an unknown organization. By
        # the source (data/model/autoprune.py) PUT looks for an enabled namespace as well, GET and DELETE do not.
        space = self.namespaces.get(name)
        return space if space and space["enabled"] else call.not_found()

    def _create(self, call: Call, holder: dict[str, Any], body: dict[str, Any], kind: str) -> Answer:
        policy = call.policy(body)
        if duplicate(holder["policies"], policy):
            call.invalid(DUPLICATE.format(kind))
        self._win(call.request, holder.get("namespace", holder["name"]))
        policy.update(uuid=self._new_uuid(), rank=self._random.random())
        holder["policies"].append(policy)
        self._log_policy(call, "create", holder, policy)
        return as_json({"uuid": policy["uuid"]}, 201)

    def _read(self, call: Call, holder: dict[str, Any] | None, uuid: str) -> Answer:
        return as_json(seen(find(holder, uuid) or call.not_found()))

    def _replace(
        self, call: Call, holder: dict[str, Any] | None, uuid: str, body: dict[str, Any], elsewhere: bool = False
    ) -> Answer:
        stored = find(holder, uuid) or call.not_found()
        policy = call.policy(body)
        if not elsewhere:
            stored.update(policy, rank=self._random.random())
            self._log_policy(call, "update", holder, policy)
        if self.switches["put_status"] == 204:
            return no_content()
        return as_json({"uuid": uuid}, self.switches["put_status"])

    def _remove(self, call: Call, holder: dict[str, Any] | None, uuid: str) -> Answer:
        stored = find(holder, uuid) or call.not_found()
        holder["policies"].remove(stored)
        self._log_policy(call, "delete", holder, None, uuid)
        return as_json({"uuid": uuid})

    def _log_policy(
        self, call: Call, verb: str, holder: dict[str, Any], policy: dict[str, Any] | None, uuid: str | None = None
    ) -> None:
        # Quay ffba0c7, endpoints/api/policy.py: a deletion is logged without what the policy said.
        of_repository = "namespace" in holder
        namespace = holder["namespace"] if of_repository else holder["name"]
        metadata: dict[str, Any] = {"policy_uuid": uuid}
        if policy:
            metadata = {"method": policy["method"], "value": policy["value"], "tag_pattern": policy["tagPattern"]}
            metadata["tag_pattern_matches"] = policy["tagPatternMatches"]
        metadata.update({"namespace": namespace, "repo": holder["name"]} if of_repository else {"namespace": namespace})
        kind = f"{verb}_{'repository' if of_repository else 'namespace'}_autoprune_policy"
        self.log_of(call, kind, namespace, metadata, holder if of_repository else None)


def listed(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns policies as a list shows them, in an order that has nothing to do with their age."""
    return [seen(policy) for policy in sorted(policies, key=lambda policy: policy["rank"])]


def find(holder: dict[str, Any] | None, uuid: str) -> dict[str, Any] | None:
    """Returns the stored policy with that uuid."""
    return next((policy for policy in holder["policies"] if policy["uuid"] == uuid), None) if holder else None
