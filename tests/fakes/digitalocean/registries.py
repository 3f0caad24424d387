# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries, their names and the subscription in the fake DigitalOcean's API."""

from __future__ import annotations

import base64
import re
from typing import Any

from .._base import Answer, as_json
from . import store
from .errors import NOT_ELIGIBLE, SEVERAL_REGISTRIES, Refusal
from .routes import LEGACY, Call
from .state import State

MOST_REGISTRIES = 10

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


class Registries(State):
    """The endpoints of registries and of what the team pays for."""

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
