# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Harbor has of registry endpoints and replication policies, each listed once a task, and found by exact name.

A query by name would not do: Harbor decodes it twice, has no way to write a comma, and answers with all there are to a
key that it does not know.
"""

from __future__ import annotations

import difflib

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry

ENDPOINTS = ("registries",)
POLICIES = ("replication", "policies")
LOCAL = 0  # the id of this Harbor itself among the endpoints of a policy
TEXT = {"type": "string", "maxLength": 65536}
FLAG = {"type": ["boolean", "null"]}
NUMBER = {"type": ["integer", "null"]}
ID = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
CREDENTIAL = {"type": ["object", "null"], "properties": dict.fromkeys(("type", "access_key", "access_secret"), TEXT)}
ENDPOINT = {
    "type": "object",
    "required": ["id", "name", "type", "url"],
    "properties": {
        "id": ID,
        "name": dict(TEXT, minLength=1),
        "credential": CREDENTIAL,
        "insecure": FLAG,
        **dict.fromkeys(
            ("type", "url", "description", "ca_certificate", "status", "creation_time", "update_time"), TEXT
        ),
    },
}
POLICY = {
    "type": "object",
    "required": ["id", "name", "src_registry", "dest_registry"],
    "properties": {
        "id": dict(ID, minimum=1),
        "name": dict(TEXT, minLength=1),
        "src_registry": ENDPOINT,
        "dest_registry": ENDPOINT,
        "filters": {
            "type": ["array", "null"],
            "maxItems": 1024,
            "items": {
                "type": "object",
                "required": ["type", "value"],
                "properties": {
                    "type": TEXT,
                    "decoration": TEXT,
                    "value": {"type": ["string", "array"], "maxLength": 4096, "maxItems": 1024, "items": TEXT},
                },
            },
        },
        "trigger": {
            "type": ["object", "null"],
            "properties": {
                "type": TEXT,
                "trigger_settings": {"type": ["object", "null"], "properties": {"cron": TEXT}},
            },
        },
        **dict.fromkeys(("description", "dest_namespace", "creation_time", "update_time"), TEXT),
        **dict.fromkeys(
            ("enabled", "override", "deletion", "replicate_deletion", "copy_by_chunk", "single_active_replication"),
            FLAG,
        ),
        **dict.fromkeys(("speed", "dest_namespace_replace_count"), NUMBER),
    },
}
ROWS = {
    ENDPOINTS: {"type": "array", "items": ENDPOINT},
    POLICIES: {"type": "array", "items": POLICY},
}


class Unknown(RegistryError):
    """There is nothing of the name that is given."""


def where(place: tuple, *rest: object) -> str:
    """Return the path of a list, or of something in it."""
    return api.path(*registry.API, *place, *map(str, rest))


def fetched(client: api.Client, place: tuple) -> dict:
    """Return name -> row of all there are of a kind (ENDPOINTS or POLICIES), as they are at this moment."""
    rows = registry.listing(client, where(place), ROWS[place], lambda row: row["id"], {"sort": "id"})
    return {row["name"]: row for row in rows}


def known(client: api.Client, place: tuple) -> dict:
    """Return the same, as it was when this task first asked."""
    return client.cached(place, lambda: fetched(client, place))


def chosen(client: api.Client, place: tuple, wanted: list | None) -> list:
    """Return the rows that names and globs mean, sorted by name, all of them for None; warns of what is not there."""
    there = known(client, place)
    if wanted is None:
        return [there[name] for name in sorted(there)]
    found = names.expand(wanted, lambda glob: list(there), client.warnings)
    for name in found:
        if name not in there:
            client.warnings.append(f"there is no {name!r}{meant(name, there)}")
    return [there[name] for name in sorted(found) if name in there]


def endpoint(client: api.Client, text: str) -> dict:
    """Return the endpoint of this name, or of this number if none is called so; raises Unknown."""
    there = known(client, ENDPOINTS)
    found = there.get(text) or next((row for row in there.values() if str(row["id"]) == text), None)
    if found is None:
        raise Unknown(f"there is no registry {text!r}{meant(text, there)}")
    return found


def users(client: api.Client, number: int) -> list:
    """Return the names of the policies that use an endpoint, sorted."""
    there = known(client, POLICIES).values()
    return sorted(row["name"] for row in there if number in (row["src_registry"]["id"], row["dest_registry"]["id"]))


def meant(text: str, there: dict) -> str:
    """Return which of the names there was probably meant."""
    near = difflib.get_close_matches(text[:300], list(there)[:1000], n=1)
    return f". Did you mean {near[0]!r}?" if near else ""


def details(row: dict) -> dict:
    """Return what Harbor tells of a row beside what is declared."""
    return {"id": row["id"], **{key: registry.moment(row.get(key)) for key in ("creation_time", "update_time")}}
