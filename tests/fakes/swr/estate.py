# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo estate of the fake SWR: three organizations, 123 repositories, some 2000 tags, policies made by hand."""

from __future__ import annotations

import random
from copy import deepcopy
from functools import lru_cache
from typing import Any

SEED = 20260904
DAY = 86400
SIZES = {"acme": 75, "globex": 45}
TEAMS = ("", "", "", "payments/", "platform/", "platform/base/", "web/")
SUBJECTS = ("api", "auth", "billing", "cart", "docs", "edge", "mailer", "proxy", "reports", "search", "store", "worker")
KINDS = ("", "-backend", "-batch", "-cli", "-db", "-gateway", "-job", "-ui")

# What somebody has typed into the console at some time.
BY_HAND: dict[str, dict[str, Any]] = {
    "too generous": {"template": "tag_rule", "params": {"num": "1000"}, "tag_selectors": []},
    "another wrong value": {
        "template": "date_rule",
        "params": {"days": "365"},
        "tag_selectors": [{"kind": "regexp", "pattern": "^v[0-9]+"}, {"kind": "label", "pattern": "latest"}],
    },
    "the other template": {
        "template": "tag_rule",
        "params": {"num": "5"},
        "tag_selectors": [{"kind": "label", "pattern": "latest"}, {"kind": "regexp", "pattern": "^v.*$"}],
    },
    "not anchored": {
        "template": "date_rule",
        "params": {"days": "30"},
        "tag_selectors": [{"kind": "regexp", "pattern": "(.*a.*|.*s.*)"}],
    },
}


def estate() -> dict[str, Any]:
    """Returns a fresh copy of the demo estate in the form that the fake's constructor takes."""
    return deepcopy(shared_estate())


@lru_cache(maxsize=1)
def shared_estate() -> dict[str, Any]:
    """Returns the demo estate itself, built once; not to be changed."""
    chance = random.Random(SEED)
    organizations = [_organization(chance, name, count) for name, count in SIZES.items()]
    for organization in organizations:
        chosen = chance.sample(organization["repositories"], len(BY_HAND))
        for repository, rule in zip(chosen, BY_HAND.values()):
            repository["retentions"] = [{"algorithm": "or", "rules": [deepcopy(rule)]}]
    decoy = _organization(chance, "acme-archive", 3)
    decoy["repositories"][0]["retentions"] = [{"algorithm": "or", "rules": [deepcopy(BY_HAND["too generous"])]}]
    return {
        "projects": [
            {"id": "5d1b0c5f0a8e4f4c9e5f6a7b8c9d0e1f", "name": "eu-de", "domain": "demo-account"},
            {"id": "6e2c1d6a1b9f4a5d8f6a7b8c9d0e1f20", "name": "eu-de_sub", "domain": "demo-account"},
        ],
        "users": [_user("alice"), _user("bob")],
        "organizations": [*organizations, decoy],
    }


def _user(name: str) -> dict[str, Any]:
    access = f"DEMO{name.upper():X<16}"
    return {
        "name": name,
        "domain": "demo-account",
        "password": f"demo-password-of-{name}",
        "access_keys": [
            {"access": access, "secret": f"demo-secret-key-of-{name}"},
            {
                "access": f"T{access[1:]}",
                "secret": f"demo-temporary-key-of-{name}",
                "security_token": f"demo-security-token-of-{name}",
            },
        ],
    }


def _organization(chance: random.Random, name: str, count: int) -> dict[str, Any]:
    names = [f"{team}{subject}{kind}" for team in TEAMS for subject in SUBJECTS for kind in KINDS]
    chosen = chance.sample(sorted(set(names)), count)
    repositories = [_repository(chance, repository) for repository in chosen]
    return {"name": name, "creator": "alice", "auth": {"alice": 7, "bob": 1}, "repositories": repositories}


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
    return {"name": name, "is_public": False, "description": f"Images of {name}", "tags": tags}


def _tag(chance: random.Random, name: str, oldest_days: int) -> dict[str, Any]:
    return {
        "name": name,
        "digest": f"sha256:{chance.getrandbits(256):064x}",
        "age_seconds": chance.randrange(3600, oldest_days * DAY),
        "size": chance.randrange(2_000_000, 400_000_000),
    }
