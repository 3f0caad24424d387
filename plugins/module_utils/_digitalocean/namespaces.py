# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into which namespaces an account of DigitalOcean is divided: its registries."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import registry


def namespaces(client: api.Client) -> list[str]:
    """Return the names of all registries of the account (GET only)."""
    return list(registry.targets(client, ["*"]))


def variables(client: api.Client, _name: str) -> dict:
    """Return what the host of a registry has: the address."""
    return {"digitalocean_url": client.url}
