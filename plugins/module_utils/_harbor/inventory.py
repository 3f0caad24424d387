# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Harbor holds: lists of projects, of their repositories, of the artifacts in these."""

from __future__ import annotations

import urllib.parse

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry

NAME = {"type": "string", "pattern": r"^[^/\s][^\s]{0,511}\Z"}
NAMED = {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {"name": NAME}}}
PROJECTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "project_id"],
        "properties": {
            "name": NAME,
            "project_id": {"type": "integer", "minimum": 1},
            "metadata": {
                "type": ["object", "null"],
                "properties": {"retention_id": {"type": ["string", "null"], "pattern": r"^[0-9]{0,18}\Z"}},
            },
        },
    },
}
AT_ONCE = 50  # exact names in one request


def all_projects(client: api.Client) -> dict:
    """Return name -> project of all projects that the user sees; asked once a task."""
    where = api.path(*registry.API, "projects")
    return client.cached(
        "projects", lambda: _by_name(registry.listing(client, where, PROJECTS, lambda row: row["name"]))
    )


def projects(client: api.Client, names: list) -> dict:
    """Return name -> project of those with these names that the user sees. Names have no blanks, commas or brackets."""
    where, found = api.path(*registry.API, "projects"), {}
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        query = {"q": f"name={some[0]}" if len(some) == 1 else f"name={{{' '.join(some)}}}"}
        found.update(_by_name(registry.listing(client, where, PROJECTS, lambda row: row["name"], query)))
    return {name: found[name] for name in names if name in found}


def _by_name(rows: list) -> dict:
    return {row["name"]: row for row in rows}


def repositories(client: api.Client, project: str) -> list[str]:
    """Return the names of a project's repositories, with the project in front."""
    where = api.path(*registry.API, "projects", project, "repositories")
    # By default the latest come first, and those of the same moment in another order on each page.
    rows = registry.listing(client, where, NAMED, lambda row: row["name"], {"sort": "name"})
    names = [row["name"] for row in rows]
    for name in names:
        if not name.startswith(f"{project}/") or len(name) == len(project) + 1:
            raise ContractError(f"{where} answered with a repository of another project: {name[:200]}")
    return names


def artifacts(client: api.Client, name: str, schema: dict, query: dict) -> list[dict]:
    """Return the artifacts of a repository, given with its project, in Harbor's order: what the schema names of them,
    and the size.
    """
    project, _slash, rest = name.partition("/")
    # Slashes within the name are encoded twice.
    rest = urllib.parse.quote(rest, safe="")
    where = api.path(*registry.API, "projects", project, "repositories", rest, "artifacts")
    kept = (*schema["items"]["properties"], "size")

    def rows(page: list) -> list:
        """Harbor tells some kilobytes of each, and a repository may have many."""
        return [{key: row[key] for key in kept if key in row} for row in page]

    return registry.listing(client, where, schema, lambda row: row["digest"], query, rows=rows)
