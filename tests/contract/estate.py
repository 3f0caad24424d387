# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up Quay of any size, and what an inventory declares for it: the ground of tests of whole playbooks."""

from __future__ import annotations

from typing import Any

DAY = 86400
TOKEN = "token-of-alice"
SCOPES = ["org:admin", "repo:admin", "user:admin", "user:read"]
AGES = {"v1": 300, "v2": 2, "dev-old": 90, "dev-older": 120, "dev-new": 1, "pr-1": 40}  # days of each tag


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
