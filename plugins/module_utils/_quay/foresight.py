# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images Quay would delete under planned policies: reads what forecast.py needs."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import http
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._quay import forecast, policies, registry

TAGS = {
    "type": "object",
    "required": ["tags", "has_additional"],
    "properties": {
        "has_additional": {"type": "boolean"},
        "tags": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "start_ts", "manifest_digest"],
                "properties": {"name": {"type": "string"}, "start_ts": {"type": "integer"}},
            },
        },
    },
}


def of_repository(client: http.Client, name: str, planned: list) -> dict:
    """Return the forecast of a repository under these policies of its own and those of its namespace."""
    namespace = name.partition("/")[0]
    state = registry.listed(client, namespace).get(name)
    if state is None:
        raise ContractError(f"{name} is not in the listing of {namespace}: the token may not read it (repo:read)")
    own = client.cached(("namespace", namespace), lambda: read_policies(client, "organization", namespace))
    return of_one(client, name, state, own, planned)


def of_namespace(client: http.Client, namespace: str, planned: list) -> dict:
    """Return the forecast of all repositories of an organization or user under these policies of it."""

    def one(item: tuple) -> dict:
        name, state = item
        return of_one(client, name, state, planned, read_policies(client, "repository", *name.split("/")))

    merged = {"deletions": [], "uncertain": [], "kept": []}
    for found in client.each(one, registry.listed(client, namespace).items()):
        for fate, images in found.items():
            merged[fate] += images
    return merged


def of_one(client: http.Client, name: str, state: str, of_namespace: list, of_repository: list) -> dict:
    """Return the forecast of one repository, with the default policy that only Quay's configuration shows."""
    default = (registry.config(client).get("config") or {}).get("DEFAULT_NAMESPACE_AUTOPRUNE_POLICY")
    rows = tags(client, name)
    return forecast.forecast(name, state, rows, of_namespace, of_repository, default, client.clock())


def read_policies(client: http.Client, *scope: str) -> list:
    """Return policies in option words; the namespace of a user answers as an organization, too."""
    where = http.path(*registry.API, *scope, "autoprunepolicy", "")
    try:
        found = client.get(where, schema=policies.POLICIES)["policies"]
    except ApiError as error:
        if error.status == 403:
            raise RegistryError(
                f"{error}. A forecast needs the policies of {'/'.join(scope[1:])}, too (scope org:admin or repo:admin)"
            ) from None
        raise
    return [policies.in_option_words(policy) for policy in found]


def tags(client: http.Client, name: str) -> list:
    """Return the active tags of a repository."""
    where = http.path(*registry.API, "repository", *name.split("/"), "tag", "")
    query = {"onlyActiveTags": "true", "limit": "100", "page": "1"}
    try:
        rows = client.listing(where, query, TAGS, lambda page: page["tags"], lambda tag: tag["name"], _next_page)
    except ApiError as error:
        if error.status == 403:
            raise RegistryError(
                f"{error}. A forecast lists tags, for which the token needs the scope repo:read"
            ) from None
        raise
    return list(rows.values())


def _next_page(page: dict, query: dict, _number: int) -> dict | None:
    return {"page": str(int(query["page"]) + 1)} if page["has_additional"] else None
