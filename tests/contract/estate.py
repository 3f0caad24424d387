# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up registries, what an inventory declares for them, and what became of a play: for tests of whole playbooks."""

from __future__ import annotations

from typing import Any

DAY = 86400
TOKEN = "token-of-alice"
SCOPES = ["org:admin", "repo:admin", "user:admin", "user:read"]
AGES = {"v1": 300, "v2": 2, "dev-old": 90, "dev-older": 120, "dev-new": 1, "pr-1": 40}  # days of each tag


SWR_KEY = {"swr_access_key": "AKOFALICE", "swr_secret_key": "secret-key-of-alice"}
SWR = {
    "projects": [{"name": "eu-de", "id": "5d1b0c5f0a8e4f4c9e5f6a7b8c9d0e1f", "domain": "account"}],
    "users": [
        {
            "name": "alice",
            "domain": "account",
            "access_keys": [{"access": SWR_KEY["swr_access_key"], "secret": SWR_KEY["swr_secret_key"]}],
        }
    ],
    "organizations": [
        {
            "name": "acme",
            "auth": {"alice": 7},
            "repositories": [{"name": "api", "tags": [{"name": "v1", "age_seconds": 9}]}],
        }
    ],
}
HARBOR_PASSWORD = "made-up-Secret1"
HARBOR = {
    "users": [{"name": "admin", "password": HARBOR_PASSWORD, "sysadmin": True}],
    "projects": [
        {
            "name": "acme",
            "repositories": [
                {
                    "name": "team/app",
                    "artifacts": [
                        {"digest": "sha256:" + "a" * 64, "size": 5000, "tags": [{"name": "v1"}]},
                        {"digest": "sha256:" + "b" * 64, "size": 7000, "tags": []},
                    ],
                }
            ],
        }
    ],
}


def quay(number: int, organization: str = "acme") -> dict[str, Any]:
    """Return the state of a Quay with that many repositories, each with the same tags; no policies are there."""
    repositories = [
        {
            "name": f"team-{place % 12}/application-with-a-long-name-{place:04}",
            "tags": [
                {"name": tag, "digest": f"sha256:{place:04}{order:060}", "size": 10_000_000, "age_seconds": age * DAY}
                for order, (tag, age) in enumerate(AGES.items())
            ],
        }
        for place in range(number)
    ]
    token = {"as": "alice", "token": TOKEN, "scopes": SCOPES}
    space = {"name": organization, "admins": ["alice"], "autoprune_task": True, "repositories": repositories}
    return {"users": [{"name": "alice", "tokens": [token]}], "organizations": [space]}


def harbor_access(url: str, username: str = "admin") -> dict[str, str]:
    """Return the variables by which a host signs in to a Harbor."""
    return {"harbor_url": url, "harbor_username": username, "harbor_password": HARBOR_PASSWORD}


def declared(url: str, organization: str = "acme", **more: Any) -> dict[str, Any]:
    """Return the variables of a host: two images go in each repository by its own policy, one by the organization's."""
    return {
        "quay_url": url,
        "quay_token": TOKEN,
        "quay_hygiene_organizations": [
            {"names": [organization], "policies": [{"method": "creation_date", "value": "14d", "tag_pattern": "^pr-"}]}
        ],
        "quay_hygiene_repositories": [
            {
                "names": [f"{organization}/*"],
                "policies": [{"method": "creation_date", "value": "30d", "tag_pattern": "^dev-"}],
            }
        ],
        **more,
    }
