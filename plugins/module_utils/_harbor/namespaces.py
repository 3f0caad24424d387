# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into which namespaces a Harbor is divided: its projects."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry

PROJECTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255}},
    },
}


def namespaces(client: api.Client) -> list[str]:
    """Return the names of all projects that can be seen (GET only)."""
    registry.version(client)  # to a stranger, Harbor lists the public ones
    rows = registry.listing(client, api.path(*registry.API, "projects"), PROJECTS, lambda row: row["name"])
    return [row["name"] for row in rows]


def variables(client: api.Client, _name: str) -> dict:
    """Return what the host of a project has: a project has no schedules, so none is declared for it."""
    return {"harbor_url": client.url, "harbor_hygiene_purge_schedule": {}, "harbor_hygiene_gc_schedule": {}}
