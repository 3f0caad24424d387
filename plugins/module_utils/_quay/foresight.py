# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images Quay would delete under planned policies: reads what forecast.py needs, nothing of it twice."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._quay import forecast, listings, policies, registry

LAST_SECOND = 253402300799  # of the year 9999
MOST_BYTES = 1 << 62
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
                "properties": {
                    "name": {"type": "string", "pattern": r"^\w[\w.-]{0,255}\Z"},
                    "start_ts": {"type": "integer", "minimum": 0, "maximum": LAST_SECOND},
                    "end_ts": {"type": ["integer", "null"], "minimum": 0, "maximum": LAST_SECOND},
                    "manifest_digest": {"type": "string", "pattern": r"^[0-9A-Za-z_+.-]{1,32}:[0-9A-Za-z=_-]{1,256}\Z"},
                    "size": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST_BYTES},
                    "immutable": {"type": ["boolean", "null"]},
                },
            },
        },
    },
}
WITHOUT = (
    "Without that there is no forecast and no limit can be held: leave max_deletions, max_deletions_percent, min_keep "
    "and protect unset (in the role: quay_hygiene_limits: {})"
)


def of_repository(client: api.Client, name: str, planned: list) -> dict:
    """Return the forecast of a repository under these policies of its own and those of its namespace."""
    namespace = name.partition("/")[0]
    own = _allowed(
        f"the policies of {namespace}, for which the token needs the scope org:admin and its user must administer "
        f"{namespace}, not only the repository",
        lambda: policies.of_namespace(client, namespace),
    )
    return of_one(client, name, listings.state_of(client, name), own, planned)


def of_namespace(client: api.Client, namespace: str, planned: list) -> dict:
    """Return the forecast of all repositories of an organization or user under these policies of it."""

    def one(item: tuple) -> dict:
        name, state = item
        held = _allowed(
            f"the policies of {name}, for which the token needs the scope repo:admin",
            lambda: policies.held(client, "repository", *name.split("/")),
        )
        return of_one(client, name, state, planned, list(map(policies.in_option_words, held)))

    merged = {"deletions": [], "uncertain": [], "kept": []}
    for found in client.each(one, listings.repositories(client, namespace).items()):
        for fate, images in found.items():
            merged[fate] += images
    return merged


def of_one(client: api.Client, name: str, state: str, of_namespace: list, of_repository: list) -> dict:
    """Return the forecast of one repository, with the default policy that only Quay's configuration shows."""
    default = (registry.config(client).get("config") or {}).get("DEFAULT_NAMESPACE_AUTOPRUNE_POLICY")
    rows = tags(client, name)
    return forecast.forecast(name, state, rows, of_namespace, of_repository, default, client.clock())


def tags(client: api.Client, name: str) -> list:
    """Return the active tags of a repository."""
    where = api.path(*registry.API, "repository", *name.split("/"), "tag", "")
    query = {"onlyActiveTags": "true", "limit": "100", "page": "1"}

    def rows() -> dict:
        return client.listing(where, query, TAGS, lambda page: page["tags"], lambda tag: tag["name"], _next_page)

    # Quay ffba0c7: repo:admin includes repo:read, which would do for this one.
    return list(_allowed(f"the tags of {name}, for which the token needs the scope repo:admin", rows).values())


def _next_page(page: dict, query: dict, _number: int) -> dict | None:
    return {"page": str(int(query["page"]) + 1)} if page["has_additional"] else None


def _allowed(what: str, read: Callable[[], Any]) -> Any:
    """Return read(); if the token may not, the error says what a forecast needs, and how to do without."""
    try:
        return read()
    except ApiError as error:
        if error.status == 403:
            raise RegistryError(f"{error}. A forecast needs {what}. {WITHOUT}") from None
        raise
