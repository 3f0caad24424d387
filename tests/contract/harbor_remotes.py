# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbors in the fake that have other registries to replicate from and to, and looks at what they hold."""

from __future__ import annotations

from typing import Any

from fakes.harbor.registries import Registries
from fakes.harbor.replication_policies import ReplicationPolicies

from contract import harbor_tasks

SECRET = "made-up-Secret2"
REPLICATION = "REPLICATION"


def image(letter: str, *tags: str, size: int = 1000, labels: list | None = None) -> dict:
    """Return an artifact in the form of the state."""
    tags = [{"name": tag} for tag in tags]
    return {"digest": f"sha256:{letter * 64}", "size": size, "type": "IMAGE", "labels": labels or [], "tags": tags}


HUB = {
    "as": "hub",
    "url": "http://hub.test",
    "type": "docker-registry",
    "anonymous": True,
    "repositories": [
        {"name": "library/alpine", "artifacts": [image("a", "3.18"), image("b", "3.19", "latest")]},
        {"name": "library/nginx", "artifacts": [image("c", "1.27")]},
    ],
}
DR = {
    "as": "dr",
    "url": "http://dr.test",
    "type": "harbor",
    "users": [
        {"name": "me", "password": SECRET, "sysadmin": True},
        {"name": "guest", "password": SECRET},
    ],
    "projects": [
        {"name": "locked", "repositories": []},
        {"name": "acme", "repositories": [{"name": "app", "artifacts": [image("d", "v1")]}]},
    ],
}
ENDPOINTS = [
    {"name": "hub", "type": "docker-registry", "url": "http://hub.test"},
    {
        "name": "dr",
        "type": "harbor",
        "url": "http://dr.test",
        "access_key": "me",
        "access_secret": SECRET,
    },
    {
        "name": "limited",
        "type": "harbor",
        "url": "http://dr.test",
        "access_key": "guest",
        "access_secret": SECRET,
    },
]
ACME = {"name": "acme", "repositories": [{"name": "app", "artifacts": [image("e", "v1"), image("f", "v2")]}]}


def harbor(version: str = "2.16", **state: Any) -> harbor_tasks.Staged:
    """Return a Harbor of a version with these remotes, endpoints and images, and what the state adds or replaces."""
    return harbor_tasks.harbor(
        **{"version": version, "remotes": [HUB, DR], "registries": ENDPOINTS, "projects": [ACME], **state}
    )


def run(fake: harbor_tasks.Staged, module: str, **options: Any) -> dict:
    """Return the result of a module, after a look for secrets in it."""
    result = harbor_tasks.run(fake, module, **options)
    assert SECRET not in result.output
    return result


def endpoints(fake: harbor_tasks.Staged) -> dict:
    """Return name -> endpoint of all that the fake holds."""
    return {item.name: item for item in fake.family(Registries).known.values()}


def policies(fake: harbor_tasks.Staged) -> dict:
    """Return name -> policy of all that the fake holds."""
    return {item.name: item for item in fake.family(ReplicationPolicies).known.values()}


def schedule(fake: harbor_tasks.Staged, name: str) -> Any:
    """Return the periodic job of a policy, None if there is none."""
    return fake.jobs.scheduled(REPLICATION, policies(fake)[name].id)


def writes(fake: harbor_tasks.Staged) -> list:
    """Return method and path of all writes since the last task."""
    return [(entry["method"], entry["path"]) for entry in fake.writes]
