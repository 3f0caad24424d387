# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The auto-prune policies of organizations, repositories or the token's own user, to be read."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, NotFound, PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._quay import listings, policies, registry

SCOPE_SPEC = dict(
    organizations=dict(type="list", elements="str"),
    repositories=dict(type="list", elements="str"),
    current_user=dict(type="bool"),
)
SCOPES = tuple(SCOPE_SPEC)
EXCLUDE = dict(exclude=dict(type="list", elements="str"))
SCOPE_RULES = dict(mutually_exclusive=[SCOPES], required_one_of=[SCOPES])


class PolicyReader(Resource):
    """The auto-prune policies of one organization, one repository or the token's own user."""

    noun = "policies"
    naming = (*SCOPES, "exclude")
    everywhere = False  # whether repositories may be those of several namespaces (*/*)

    @classmethod
    def named(cls, params):
        return params["organizations"] or params["repositories"] or (["current_user"] if params["current_user"] else [])

    @classmethod
    def named_as(cls, target):
        if names.is_glob(target):
            raise PlanRefused(f"undo: {target!r} is no name of an organization or a repository")
        if target == "current_user":
            return {"current_user": True}
        return {"repositories" if "/" in target else "organizations": [target]}

    def shows(self, there, state):
        return policies.alike(there, state)

    @classmethod
    def declaring(cls, state, params):
        return {"policies": list(state), "exclusive": True}

    def kind(self):
        return (
            "user" if self.params["current_user"] else "organization" if self.params["organizations"] else "repository"
        )

    @classmethod
    def validate(cls, params):
        if all(params[scope] is None for scope in SCOPES):
            raise PlanRefused(f"{' and '.join(SCOPES)} are null: name at least one target, or give []")
        for kind in ("organizations", "repositories"):
            listings.check_names(params[kind] or [], kind, cls.everywhere)
        if params["current_user"] is False:
            raise PlanRefused("current_user: false names nothing: leave it out and name organizations or repositories")
        return []

    @classmethod
    def targets(cls, client, params):
        if not any(params[scope] for scope in SCOPES):
            return []
        if params["current_user"]:
            return "current_user"
        kind = "organizations" if params["organizations"] else "repositories"
        alone = names.exact(params[kind], params.get("exclude"))
        return alone or list(cls.choose(client, params, listings.expand(client, params, kind)))

    @classmethod
    def choose(cls, client, params, found):
        """Return those of the found targets (name -> state, None if it was not listed) that the task is about."""
        return found

    @property
    def scope(self) -> list:
        """The target as a part of paths."""
        if self.params["current_user"]:
            return ["user"]
        if self.params["organizations"]:
            return ["organization", self.target]
        return ["repository", *self.target.split("/")]

    def where(self, uuid: str = "") -> str:
        """Return the path of the target's policies, or of one of them."""
        return policies.place(*self.scope, uuid=uuid)

    def fetch(self) -> list:
        """Return the policies in option words, in a fixed order; `found` is what Quay has, with uuids."""
        self.found = policies.held(self.client, *self.scope)
        return policies.in_order(map(policies.in_option_words, self.found))

    def read(self):
        registry.require_autoprune(self.client)
        current = self.fetch()
        if not self.params["current_user"]:
            self.client.cached(("policies", self.target), lambda: current)  # nobody needs to ask again
        if self.params["organizations"] and not current:
            self._prove_organization()
        return current

    def _prove_organization(self) -> None:
        # Quay ffba0c7 answers superusers with an empty list for organizations that do not exist.
        try:
            listings.organization(self.client, self.target)
        except NotFound as error:
            if listings.current_user(self.client)["username"] != self.target:
                raise ContractError(f"{error}. It is neither an organization nor the token's own user") from None
