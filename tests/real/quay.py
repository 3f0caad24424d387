# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Quay that is tested: two organizations with images, or repositories in one that is there, and what its API says."""

from __future__ import annotations

from typing import Any

import requests
from fakes.quay import Quay
from fakes.quay.pushes import OAUTH

from .place import Answered, Place, Skipped
from .settings import Refused, Settings

API = "/api/v1"
TOKEN = "made-up-token-of-alice"
SCOPES = ["org:admin", "repo:admin", "repo:create", "repo:read", "user:admin", "user:read"]
TAGS = ["v1", "v2", "v3", "dev", "latest"]


def twin(config: dict | None = None) -> Quay:
    """Return a fake with the features of a Quay."""
    alice = {"name": "alice", "tokens": [{"as": "alice", "token": TOKEN, "scopes": SCOPES}]}
    fake = Quay({"users": [alice], "features": {"AUTO_PRUNE": True}, "organizations": []})
    for name, value in (config or {}).get("features", {}).items():
        if name in fake.switches:
            fake.switches[name] = value
    return fake


class Bearer(requests.auth.AuthBase):
    """Signs in with a token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: Any) -> Any:
        """Add the token."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class QuayPlace(Place):
    """A Quay. `organization`: where the tests' repositories are; `owned`: whether the tests created it."""

    kind, title = "quay", "Quay"
    config: dict[str, Any] = {}
    user = ""
    owned = False

    def __init__(self, settings: Settings, url: str, fake: Quay | None = None) -> None:
        super().__init__(settings, url, fake)
        self.token = TOKEN if fake else settings["QUAY_TOKEN"]
        self.access = {"quay_url": self.url, "quay_token": self.token}
        self.auth, self.secrets = Bearer(self.token), (self.token,)
        self.given = "" if fake else settings["QUAY_NAMESPACE"]
        self.organization = self.given or f"{self.prefix}-org"
        self.pruned = f"{self.prefix}-prune"  # an organization that never had a policy: its first one acts at once

    def intent(self) -> list[str]:
        """Return in words what the tests do there."""
        where = f"create repositories named {self.prefix}-... in {self.given} (QUAY_NAMESPACE)"
        if not self.given:
            where = f"create the organizations {self.organization} and {self.pruned}, and repositories in them"
        lines = [f"{where},", "push a few images of some hundred bytes, set auto-prune policies on them,"]
        lines.append("and delete all of it at the end, whatever happens")
        if self.fake or self.settings.consents("USER"):
            lines.append(
                "REGISTRY_HYGIENE_REAL_USER is set: set policies of the token's user for some seconds, such that"
            )
            lines.append("nothing is old or many enough for them, and put back those that were there")
        else:
            lines.append("leave the policies of the token's user alone: REGISTRY_HYGIENE_REAL_USER is not set")
        return lines

    # Coming and going

    def check(self) -> None:
        """Find out the features, and whose token it is."""
        try:
            self.config = self.ask("GET", "/config", good=(200,))
            self.user = self.ask("GET", f"{API}/user/", good=(200,))["username"]
        except (Answered, TypeError, KeyError) as error:
            text = f"{self.url} does not say whose token QUAY_TOKEN is (it needs the scope user:read): {error}"
            raise Refused(text) from None
        if self.config.get("registry_state") == "readonly":
            raise Refused(f"{self.url} is read-only")

    def holdings(self) -> list[str]:
        """Return organizations with the prefix, and repositories with it in the given namespace."""
        found = [f"the organization {name}" for name in (self.organization, self.pruned) if self._there(name)]
        user = self.ask("GET", f"{API}/user/", good=(200,))
        names = [item["name"] for item in user.get("organizations", []) if item["name"].startswith(self.prefix)]
        found += [f"the organization {name}" for name in names if f"the organization {name}" not in found]
        if self.given:
            found = [line for line in found if line != f"the organization {self.given}"]
            found += [f"the repository {self.given}/{name}" for name in self._repositories(self.given)]
        return found

    def _there(self, organization: str) -> bool:
        return organization != self.given and self.status("GET", f"{API}/organization/{organization}") == 200

    def _repositories(self, namespace: str) -> list[str]:
        """Return the names of the repositories with the prefix."""
        found, more = [], ""
        while True:
            query = f"namespace={namespace}" + (f"&next_page={more}" if more else "")
            page = self.ask("GET", f"{API}/repository?{query}", good=(200,))
            found += [item["name"] for item in page["repositories"] if item["name"].startswith(self.prefix)]
            if page.get("next_page") in (None, more):
                return found
            more = page["next_page"]

    def fill(self) -> None:
        """Create the organizations, and push the images of the rows."""
        if not self.given:
            self.create(self.organization)
            self.owned = True
        user, password = (OAUTH, self.token) if self.fake else (self.settings["QUAY_USERNAME"], "")
        if not user:
            user, password = OAUTH, self.token
        self.push = self.pusher(user, password or self.settings["QUAY_PASSWORD"])
        for tag in TAGS[:2]:
            self.push.image(self.repository("app"), tag, tag)
        self.push.image(self.repository("app-archive"), "v1", "archive")

    def create(self, organization: str) -> None:
        """Create an organization; raises Refused."""
        body = {"name": organization, "email": f"{organization}@example.com"}
        try:
            self.ask("POST", f"{API}/organization/", body)
        except Answered as answered:
            raise Refused(
                "the token cannot create an organization (it needs the scope user:admin, and Quay may allow it to "
                f"superusers only); QUAY_NAMESPACE names one in which repositories may be created: {answered}"
            ) from None

    def empty(self) -> None:
        """Delete everything with the prefix."""
        if self.given:
            for name in [name for name in self._repositories(self.given) if name.startswith(f"{self.prefix}-")]:
                self.ask("DELETE", f"{API}/repository/{self.given}/{name}", good=(204, 404))
        user = self.ask("GET", f"{API}/user/", good=(200,))
        names = {item["name"] for item in user.get("organizations", []) if item["name"].startswith(f"{self.prefix}-")}
        for name in {*names, self.organization, self.pruned} - {self.given}:
            if self._there(name):
                self.ask("DELETE", f"{API}/organization/{name}", good=(204, 404))

    # Looking

    def repository(self, name: str) -> str:
        """Return the full name of a repository of the tests."""
        return f"{self.organization}/{self.prefix}-{name}" if self.given else f"{self.organization}/{name}"

    def policies(self, scope: str) -> list[list]:
        """Return the policies of `user`, `organization/NAME` or `repository/NAMESPACE/NAME`, sorted, without uuids."""
        found = self.ask("GET", f"{API}/{scope}/autoprunepolicy/", good=(200,))["policies"]
        return sorted([one["method"], one["value"], one["tagPattern"], one["tagPatternMatches"]] for one in found)

    def tags(self, repository: str) -> set[str]:
        """Return the names of the live tags."""
        found = self.ask("GET", f"{API}/repository/{repository}/tag/?onlyActiveTags=true&limit=100", good=(200,))
        return {tag["name"] for tag in found["tags"]}

    # What tests need

    def needs_pruning(self) -> None:
        """Raise Skipped unless the feature is on."""
        if not self.config["features"].get("AUTO_PRUNE"):
            raise Skipped("the feature is off: FEATURE_AUTO_PRUNE")

    def needs_organization(self) -> None:
        """Raise Skipped unless there is an organization of the tests' own."""
        self.needs_pruning()
        if not self.owned:
            raise Skipped("no organization was created: QUAY_NAMESPACE is set")

    def lend_user(self) -> None:
        """Take the user's own policies away for the time of a test; raises Skipped without consent."""
        self.needs_pruning()
        if not self.fake and not self.settings.consents("USER"):
            raise Skipped("REGISTRY_HYGIENE_REAL_USER is not set: it would touch the policies of the token's user")
        held = self.ask("GET", f"{API}/user/autoprunepolicy/", good=(200,))["policies"]
        self.undo.append(lambda: self._give_back(held))
        for policy in held:
            self.ask("DELETE", f"{API}/user/autoprunepolicy/{policy['uuid']}")

    def _give_back(self, held: list[dict]) -> None:
        for policy in self.ask("GET", f"{API}/user/autoprunepolicy/", good=(200,))["policies"]:
            self.ask("DELETE", f"{API}/user/autoprunepolicy/{policy['uuid']}")
        for policy in held:
            body = {key: value for key, value in policy.items() if key != "uuid" and value is not None}
            self.ask("POST", f"{API}/user/autoprunepolicy/", body, good=(200, 201))
