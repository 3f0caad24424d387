# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SWR that is tested: an organization with a repository, and what the API says of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ansible_collections.registry.hygiene.plugins.module_utils._swr.auth import Signer
from contract.swr_rows import ACCESS, SECRET, SWR_ROWS
from fakes.swr import Swr

from .case import Case
from .place import Answered, Place
from .settings import Refused, Settings

API = "/v2/manage/namespaces"
ROW = SWR_ROWS[0]
NAME = "team/app"


def twin() -> Swr:
    """Return a fake with an organization of others."""
    keys = [{"access": ACCESS, "secret": SECRET}]
    robot = {"name": "robot", "domain": "acme-account", "password": SECRET, "access_keys": keys}
    others = [{"name": "acme", "repositories": [{"name": "app", "tags": []}]}]
    projects = [{"name": "eu-de", "domain": "acme-account"}]
    return Swr({"users": [robot], "projects": projects, "organizations": others})


class SwrPlace(Place):
    """An SWR of the basic edition. `organization`: the one that the tests created."""

    kind, title = "swr", "SWR"

    def __init__(self, settings: Settings, url: str, fake: Swr | None = None) -> None:
        super().__init__(settings, url, fake)
        access = ACCESS if fake else settings["SWR_ACCESS_KEY"]
        secret = SECRET if fake else settings["SWR_SECRET_KEY"]
        self.access = {"swr_url": self.url, "swr_access_key": access, "swr_secret_key": secret}
        self.auth, self.secrets = Signer(access, secret, None, None), (secret,)
        self.organization = f"{self.prefix}-org"

    def intent(self) -> list[str]:
        """Return in words what the tests do there."""
        return [
            f"create the organization {self.organization} with the repository {NAME}, which has no image,",
            "set retentions on it, and delete both at the end, whatever happens",
        ]

    def check(self) -> None:
        """Make sure that the keys are good."""
        self.ask("GET", API, good=(200,))

    def holdings(self) -> list[str]:
        """Return the organizations with the prefix."""
        names = [item["name"] for item in self.ask("GET", API, good=(200,))["namespaces"]]
        return [
            f"the organization {name}" for name in names if name == self.prefix or name.startswith(f"{self.prefix}-")
        ]

    def fill(self) -> None:
        """Create the organization and the repository."""
        try:
            self.ask("POST", API, {"namespace": self.organization})
        except Answered as answered:
            raise Refused(f"the user of the keys cannot create an organization: {answered}") from None
        self.ask("POST", f"{API}/{self.organization}/repos", {"repository": NAME, "is_public": False})

    def empty(self) -> None:
        """Delete the organizations with the prefix, and their repositories."""
        for line in self.holdings():
            organization = line.rpartition(" ")[2]
            query = urlencode({"namespace": organization, "limit": 100, "offset": 0})
            for row in self.ask("GET", f"/v2/manage/repos?{query}", good=(200,)):
                if row["namespace"] == organization:
                    name = row["name"].replace("/", "$")
                    self.ask("DELETE", f"{API}/{organization}/repos/{name}", good=(200, 204, 404))
            self.ask("DELETE", f"{API}/{organization}", good=(200, 204, 404))

    def retentions(self) -> list[list]:
        """Return template, number and selectors of all policies of the repository."""
        name = NAME.replace("/", "$")
        found = self.ask("GET", f"{API}/{self.organization}/repos/{name}/retentions", good=(200,))
        return [
            [
                rule["template"],
                *rule["params"].values(),
                sorted((s["kind"], s["pattern"]) for s in rule["tag_selectors"]),
            ]
            for policy in found
            for rule in policy["rules"]
        ]


def steps(place: Any) -> list[tuple[dict, Any]]:
    """Return the row's own steps."""
    return list(zip([ROW.created, ROW.changed, ROW.removed], ROW.wanted))


CASES = [
    Case(
        ROW,
        steps=steps,
        seen=lambda place: place.retentions(),
        target=lambda place: {"namespace": place.organization, "repositories": [NAME]},
    )
]
