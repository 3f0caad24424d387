# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo estate of the fake Quay: three organizations, 300 repositories, thousands of tags, policies made by hand."""

from __future__ import annotations

import random
from copy import deepcopy
from functools import lru_cache
from typing import Any

SEED = 20260821
DAY = 86400
SCOPES = ["org:admin", "repo:admin", "repo:create", "repo:read", "repo:write", "user:admin", "user:read"]
SIZES = {"acme": 130, "globex": 100, "initech": 70}
TEAMS = ("", "", "", "payments/", "platform/", "platform/base/", "web/")
SUBJECTS = ("api", "auth", "billing", "cart", "docs", "edge", "mailer", "proxy", "reports", "search", "store", "worker")
KINDS = ("", "-backend", "-batch", "-cli", "-db", "-gateway", "-job", "-ui")

# What somebody has typed into the web interface at some time.
BY_HAND: dict[str, list[dict[str, Any]]] = {
    "wrong value": [{"method": "number_of_tags", "value": 500, "tagPattern": "^v[0-9]+"}],
    "another wrong value": [{"method": "creation_date", "value": "1y", "tagPattern": "^(dev|pr)-"}],
    "twice the same": [
        {"method": "number_of_tags", "value": 20},
        {"method": "number_of_tags", "value": 20},
    ],
    "two values for one pattern": [
        {"method": "creation_date", "value": "30d", "tagPattern": "^dev-"},
        {"method": "creation_date", "value": "60d", "tagPattern": "^dev-"},
    ],
    "other words for the same age": [
        {"method": "creation_date", "value": "7d", "tagPattern": "^pr-"},
        {"method": "creation_date", "value": "1w", "tagPattern": "^pr-"},
    ],
}


def estate() -> dict[str, Any]:
    """Returns a fresh copy of the demo estate in the form that the fake's constructor takes."""
    return deepcopy(shared_estate())


@lru_cache(maxsize=1)
def shared_estate() -> dict[str, Any]:
    """Returns the demo estate itself, built once; not to be changed."""
    chance = random.Random(SEED)
    organizations = [_organization(chance, name, count) for name, count in SIZES.items()]
    organizations[1]["policies"] = [{"method": "creation_date", "value": "180d", "tagPattern": "^dev-"}]
    for organization in organizations:
        normal = [repository for repository in organization["repositories"] if repository["state"] == "NORMAL"]
        for policies in BY_HAND.values():
            chance.choice(normal)["policies"] = deepcopy(policies)
    decoy = _organization(chance, "acme-archive", 4)
    decoy["admins"], decoy["members"] = ["mallory"], []
    decoy["policies"] = [{"method": "number_of_tags", "value": 3}]
    decoy["repositories"][0]["policies"] = [{"method": "creation_date", "value": "90d"}]
    alice = {"name": "alice", "tokens": [_token("alice")]}
    alice["policies"] = [{"method": "creation_date", "value": "2y", "tagPattern": "^tmp-"}]
    return {
        "features": {"AUTO_PRUNE": True},
        "users": [
            alice,
            {"name": "bob", "tokens": [_token("bob")]},
            {"name": "mallory", "tokens": [_token("mallory")]},
        ],
        "organizations": [*organizations, decoy],
        "user_repositories": [{"owner": "alice", **_repository(chance, "scratch")}],
    }


def _token(name: str) -> dict[str, Any]:
    return {"as": name, "token": f"demo-token-of-{name}", "scopes": list(SCOPES)}


def _organization(chance: random.Random, name: str, count: int) -> dict[str, Any]:
    names = [f"{team}{subject}{kind}" for team in TEAMS for subject in SUBJECTS for kind in KINDS]
    chosen = chance.sample(sorted(set(names)), count)
    repositories = [_repository(chance, repository) for repository in chosen]
    for repository in chance.sample(repositories, count // 20):
        repository["state"] = chance.choice(["MIRROR", "READ_ONLY"])
    return {"name": name, "admins": ["alice"], "members": ["bob"], "repositories": repositories}


def _repository(chance: random.Random, name: str) -> dict[str, Any]:
    tags: list[dict[str, Any]] = []
    for number in range(chance.randint(2, 14)):
        tags.append(_tag(chance, f"v{number // 5 + 1}.{number % 5}.{chance.randint(0, 9)}", 400))
    for _number in range(chance.randint(0, 8)):
        tags.append(_tag(chance, f"dev-{chance.getrandbits(28):07x}", 120))
    for number in chance.sample(range(100, 1000), chance.randint(0, 6)):
        tags.append(_tag(chance, f"pr-{number}", 60))
    newest = min(tags, key=lambda tag: tag["age_seconds"])
    tags.append({**newest, "name": "latest"})
    if chance.random() < 0.3:
        signed = chance.choice(tags)
        signature = _tag(chance, f"{signed['digest'].replace(':', '-')}.sig", 1)
        tags.append({**signature, "age_seconds": signed["age_seconds"] - 5, "size": 312})
    return {"name": name, "state": "NORMAL", "description": f"Images of {name}", "tags": tags}


def _tag(chance: random.Random, name: str, oldest_days: int) -> dict[str, Any]:
    return {
        "name": name,
        "digest": f"sha256:{chance.getrandbits(256):064x}",
        "age_seconds": chance.randrange(3600, oldest_days * DAY),
        "expires_in_seconds": None,
        "immutable": False,
        "hidden": False,
        "is_manifest_list": False,
        "size": chance.randrange(2_000_000, 400_000_000),
    }
