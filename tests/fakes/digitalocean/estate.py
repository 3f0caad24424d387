# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo estate of the fake DigitalOcean: two registries and a decoy, 41 repositories, garbage and past runs."""

from __future__ import annotations

import random
from copy import deepcopy
from functools import lru_cache
from typing import Any

from .runs import BLOBS, BOTH, CANCELLED, FAILED, SUCCEEDED

SEED = 20260821
DAY = 86400
TEAMS = ("", "", "payments/", "platform/", "platform/base/", "web/")
SUBJECTS = ("api", "auth", "billing", "cart", "docs", "edge", "mailer", "proxy", "reports", "search", "store", "worker")
# Name, region, number of repositories, days between two runs, number of runs.
REGISTRIES = (("acme", "fra1", 26, 3, 31), ("acme-staging", "ams3", 12, 40, 4))
DECOY = "acme-archive"
PLATFORMS = 2


def estate() -> dict[str, Any]:
    """Returns a fresh copy of the demo estate in the form that the fake's constructor takes."""
    return deepcopy(shared_estate())


@lru_cache(maxsize=1)
def shared_estate() -> dict[str, Any]:
    """Returns the demo estate itself, built once; not to be changed."""
    chance = random.Random(SEED)
    registries = [_registry(chance, *row) for row in REGISTRIES]
    _add_images(chance, registries[0]["repositories"][0], _bases(chance), 110)
    decoy = _registry(chance, DECOY, "fra1", 3, 90, 2)
    decoy["automated_gc"] = True
    return {
        "account": {"name": "acme", "tier": "professional", "reserved_names": ["globex"]},
        "tokens": [
            {"as": "admin", "token": "dop_v1_demo-admin"},
            {"as": "operator", "token": "dop_v1_demo-operator", "scopes": ["registry:read", "registry:update"]},
            {"as": "reader", "token": "dop_v1_demo-reader", "scopes": ["registry:read"]},
        ],
        "registries": [*registries, decoy],
    }


def _registry(chance: random.Random, name: str, region: str, count: int, every: int, runs: int) -> dict[str, Any]:
    names = sorted({f"{team}{subject}" for team in TEAMS for subject in SUBJECTS})
    bases = _bases(chance)
    repositories = []
    for chosen in chance.sample(names, count):
        repository: dict[str, Any] = {"name": chosen, "manifests": [], "tags": []}
        _add_images(chance, repository, bases, chance.randint(3, 15))
        repositories.append(repository)
    return {
        "name": name,
        "region": region,
        "age_seconds": 900 * DAY,
        "repositories": repositories,
        "blobs": [_blob(chance, 60_000_000) for _number in range(count)],
        "runs": [_run(chance, number * every * DAY) for number in range(1, runs + 1)],
    }


def _bases(chance: random.Random) -> list[dict[str, Any]]:
    return [_blob(chance, 90_000_000) for _number in range(4)]


def _digest(chance: random.Random) -> str:
    return f"sha256:{chance.getrandbits(256):064x}"


def _blob(chance: random.Random, size: int) -> dict[str, Any]:
    return {"digest": _digest(chance), "size": chance.randrange(size // 20, size)}


def _add_images(chance: random.Random, repository: dict[str, Any], bases: list[dict[str, Any]], count: int) -> None:
    for number in range(count):
        age = chance.randrange(3600, 400 * DAY)
        children = [_manifest(chance, bases, age + 5) for _number in range(PLATFORMS)] if chance.random() < 0.4 else []
        image = _manifest(chance, bases, age)
        if children:
            image.update(blobs=[], children=[child["digest"] for child in children], size=chance.randint(600, 4000))
        repository["manifests"] += [*children, image]
        if chance.random() < 0.7:
            name = f"v{number // 5 + 1}.{number % 5}.{chance.randint(0, 9)}-{chance.getrandbits(28):07x}"
            repository["tags"].append({"name": name, "digest": image["digest"], "age_seconds": age})
    if repository["tags"]:
        newest = min(repository["tags"], key=lambda tag: tag["age_seconds"])
        repository["tags"] = [tag for tag in repository["tags"] if tag["name"] != "latest"]
        repository["tags"].append({**newest, "name": "latest"})


def _manifest(chance: random.Random, bases: list[dict[str, Any]], age: int) -> dict[str, Any]:
    layers = [chance.choice(bases), *(_blob(chance, 30_000_000) for _number in range(chance.randint(1, 3)))]
    size = chance.randint(500, 2000)
    return {"digest": _digest(chance), "age_seconds": age, "size": size, "blobs": [*layers, _blob(chance, 9000)]}


def _run(chance: random.Random, age: int) -> dict[str, Any]:
    status = chance.choices([SUCCEEDED, FAILED, CANCELLED], [10, 1, 1])[0]
    blobs = chance.randrange(200) if status == SUCCEEDED else 0
    return {
        "type": chance.choice([BLOBS, BOTH]),
        "status": status,
        "age_seconds": age,
        "updated_age_seconds": age - chance.randint(9, 900),
        "blobs_deleted": blobs,
        "freed_bytes": blobs * chance.randrange(10_000, 5_000_000),
    }
