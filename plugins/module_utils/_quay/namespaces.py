# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into which namespaces a Quay is divided: organizations, and the token's own user."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._quay import listings


def namespaces(client: api.Client) -> list[str]:
    """Return the names of all organizations that the token administers, and that of its user (GET only)."""
    return listings.namespaces(client)


def variables(client: api.Client, name: str) -> dict:
    """Return what the host of a namespace has: only that of the user gets the policies of the user."""
    own = listings.current_user(client)["username"] == name
    return {"quay_url": client.url, **({} if own else {"quay_hygiene_user": {}})}
