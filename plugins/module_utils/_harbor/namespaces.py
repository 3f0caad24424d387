# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into which namespaces a Harbor is divided: its projects."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import inventory, registry

# What the role declares of a Harbor as a whole: of these, the host of a project has none.
WHOLE = {
    **dict.fromkeys(("purge_schedule", "gc_schedule"), {}),
    **dict.fromkeys(("registries", "replication_policies", "replicate_now"), []),
    **dict.fromkeys(("registries_exclusive", "replication_policies_exclusive", "run_now"), False),
}


def namespaces(client: api.Client) -> list[str]:
    """Return the names of all projects that can be seen (GET only)."""
    registry.version(client)  # to a stranger, Harbor lists the public ones
    return list(inventory.all_projects(client))


def variables(client: api.Client, _name: str) -> dict:
    """Return what the host of a project has."""
    return {"harbor_url": client.url, **{f"harbor_hygiene_{name}": value for name, value in WHOLE.items()}}
