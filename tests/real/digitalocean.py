# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account at DigitalOcean that is tested: one more registry in it, and what the API says of that."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from contract.digitalocean_rows import DIGITALOCEAN_ROWS
from fakes.digitalocean import DigitalOcean

from .case import Case
from .place import Answered, Place, Skipped
from .quay import Bearer
from .settings import Refused, Settings

API = "/v2/registries"
URL = "https://api.digitalocean.com"
TOKEN = "dop_v1_made-up-token"
ENDED = ("succeeded", "failed", "cancelled", "cancelling")
(ROW,) = DIGITALOCEAN_ROWS


def twin() -> DigitalOcean:
    """Return a fake with a registry of others, in an account that may have several."""
    registries = [{"name": "acme", "region": "fra1"}]
    tokens = [{"as": "admin", "token": TOKEN}]
    return DigitalOcean({"tokens": tokens, "registries": registries, "account": {"tier": "professional"}})


class DigitalOceanPlace(Place):
    """An account. `registry`: the one that the tests created."""

    kind, title = "digitalocean", "DigitalOcean"

    def __init__(self, settings: Settings, url: str, fake: DigitalOcean | None = None) -> None:
        super().__init__(settings, url or URL, fake)
        token = TOKEN if fake else settings["DIGITALOCEAN_TOKEN"]
        self.access = {"digitalocean_url": self.url, "digitalocean_token": token}
        self.auth, self.secrets = Bearer(token), (token,)
        self.registry = f"{self.prefix}-registry"

    def intent(self) -> list[str]:
        """Return in words what the tests do there."""
        return [
            f"create the registry {self.registry}, if the account's subscription allows one more as it is, collect the",
            "garbage of it, which has no image, cancel that, and delete it at the end, whatever happens",
        ]

    def check(self) -> None:
        """Make sure that the account has a registry: with the first one, a subscription would begin."""
        if not self.ask("GET", API, good=(200,))["registries"]:
            raise Refused("the account has no registry: the first one would begin a subscription, which is yours to do")

    def holdings(self) -> list[str]:
        """Return the registries with the prefix."""
        names = [item["name"] for item in self.ask("GET", API, good=(200,))["registries"]]
        return [f"the registry {name}" for name in names if name == self.prefix or name.startswith(f"{self.prefix}-")]

    def fill(self) -> None:
        """Create the registry, with the subscription that is there."""
        tier = self.ask("GET", f"{API}/subscription", good=(200,))["subscription"]["tier"]["slug"]
        try:
            self.ask("POST", API, {"name": self.registry, "subscription_tier_slug": tier})
        except Answered as answered:
            raise Refused(f"the account cannot have one more registry with its tier {tier}: {answered}") from None

    def empty(self) -> None:
        """Delete the registries with the prefix."""
        for line in self.holdings():
            name = quote(line.rpartition(" ")[2], safe="")
            self.ask("DELETE", f"{API}/{name}", good=(204, 404))

    def running(self) -> list | None:
        """Return type and state of the run that goes on, None if there is none that is not to end."""
        found = self.ask("GET", f"{API}/{self.registry}/garbage-collection", good=(200, 404)) or {}
        run = found.get("garbage_collection")
        return ["unreferenced blobs only", "running"] if run and run["status"] not in ENDED else None


def steps(place: DigitalOceanPlace) -> list[tuple[dict, Any]]:
    """Start the collection of a registry without images, and cancel it before it is over."""
    return [(ROW.created, [ROW.wanted[0][0][0], "running"]), (ROW.removed, None)]


def at_rest(place: DigitalOceanPlace) -> None:
    """Raise Skipped if a run goes on that nobody here started."""
    if place.running():
        raise Skipped("DigitalOcean collects the garbage of the new registry by itself")


def going_on(run: dict | None) -> str | None:
    """Return the uuid of a run that is not to end."""
    return run["uuid"] if run and run["status"] not in ENDED else None


CASES = [
    Case(
        ROW,
        steps=steps,
        seen=lambda place: place.running(),
        target=lambda place: {"registries": [place.registry]},
        prepare=at_rest,
        feed=lambda place, found: {"registries": [place.registry]},
        fresh=lambda place, found: going_on(found["registries"]["active"]),
        shown=lambda place, result: going_on(result["garbage_collection"]),
    )
]
