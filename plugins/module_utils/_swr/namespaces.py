# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into which namespaces an SWR is divided: its organizations."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry

ORGANIZATIONS = {
    "type": "object",
    "required": ["namespaces"],
    "properties": {"namespaces": {"type": "array", "items": registry.ORGANIZATION}},
}
ADDRESSES = ("swr_url", "swr_region", "iam_url")


def namespaces(client: api.Client) -> list[str]:
    """Return the names of all organizations that can be seen (GET only); SWR has no pages of them."""
    found = client.get(api.path(*registry.MANAGE, "namespaces"), schema=ORGANIZATIONS)["namespaces"]
    return [row["name"] for row in found]


def variables(client: api.Client, _name: str) -> dict:
    """Return what the host of an organization has: the addresses."""
    return {option: client.params[option] for option in ADDRESSES if client.params[option]}
