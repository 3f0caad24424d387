# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which organizations and repositories a Quay has, by name; each is asked for once a task."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    Denied,
    NotFound,
    PlanRefused,
)
from ansible_collections.registry.hygiene.plugins.module_utils._quay import policies
from ansible_collections.registry.hygiene.plugins.module_utils._quay.registry import API

# No name that Quay gives holds anything else. What does is not asked for, let alone written to.
PART = r"(?!\.\.?(?:/|\Z))[0-9A-Za-z_.+@-]{1,255}"
NAMESPACE = {"type": "string", "pattern": rf"^{PART}\Z"}
NAME = {"type": "string", "maxLength": 255, "pattern": rf"^{PART}(?:/{PART})*\Z"}
STATE = {"type": "string", "pattern": r"^[A-Z_]{1,40}\Z"}
REPOSITORIES = {
    "type": "object",
    "required": ["repositories"],
    "properties": {
        "repositories": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["namespace", "name", "state"],
                "properties": {"namespace": NAMESPACE, "name": NAME, "state": STATE},
            },
        },
        "next_page": {"type": ["string", "null"], "maxLength": 4096},
    },
}
REPOSITORY = {"type": "object", "required": ["state"], "properties": {"state": STATE}}
USER = {
    "type": "object",
    "required": ["username"],
    "properties": {
        "username": NAMESPACE,
        "organizations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": NAMESPACE, "is_org_admin": {"type": ["boolean", "null"]}},
            },
        },
    },
}
ORGANIZATION = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": NAMESPACE, "is_admin": {"type": "boolean"}},
}


def check_names(given: list, kind: str, everywhere: bool = False) -> None:
    """Raise PlanRefused if a name cannot be one: kind is "organizations" or "repositories".

    everywhere: whether the namespace of repositories may be a glob.
    """
    for name in given:
        namespace, _slash, repository = name.partition("/")
        if kind == "organizations" and ("/" in name or not name.strip()):
            raise PlanRefused(
                f"organizations: {name!r} is no name of an organization; repositories: takes namespace/name"
            )
        if kind == "repositories" and not (namespace and repository):
            raise PlanRefused(
                f"repositories: {name!r} names no repository: write namespace/name, or namespace/* for all"
            )
        if kind == "repositories" and names.is_glob(namespace) and not everywhere:
            raise PlanRefused(f"repositories: {name!r}: only the part after the namespace may hold *, ? or [...]")
        parts = name.split("/")
        if name != name.strip() or not name.isprintable() or any(part in ("", ".", "..") for part in parts):
            raise PlanRefused(f"{kind}: {name!r} holds blanks or empty parts: write the exact name")


def expand(client: api.Client, params: dict, kind: str) -> dict[str, str | None]:
    """Return the names that the option `kind` (organizations, repositories) gives, less those that `exclude` means.

    Globs are replaced by what they match. The values are the states of repositories that were listed (NORMAL,
    READ_ONLY, MIRROR), otherwise None.
    """
    listings = {}

    def candidates(name: str) -> dict:
        space = name.partition("/")[0] if kind == "repositories" else ""
        if space not in listings:
            listings[space] = listed(space)
        if not names.is_glob(space):
            return listings[space]
        rest = name.partition("/")[2]  # a glob for namespaces ends at the slash
        return {full: state for full, state in listings[space].items() if names.meant(full.partition("/")[2], [rest])}

    def listed(space: str) -> dict:
        if not space:
            return dict.fromkeys(organizations(client))
        spaces = filter(names.matcher(space), namespaces(client)) if names.is_glob(space) else [space]
        return {name: state for one in spaces for name, state in repositories(client, one).items()}

    found = names.expand(params[kind], candidates, client.warnings, params.get("exclude"))
    states = {name: state for listing in listings.values() for name, state in listing.items()}
    return {name: states.get(name) for name in found}


def repositories(client: api.Client, namespace: str) -> dict[str, str]:
    """Return namespace/name -> state of all repositories of a namespace that the token can see, in Quay's order."""
    return client.cached(("repositories", namespace), lambda: _repositories(client, namespace))


def _repositories(client: api.Client, namespace: str) -> dict[str, str]:
    where = api.path(*API, "repository")

    def key(row: dict) -> str:
        if row["namespace"] != namespace:
            raise ContractError(f"{where} listed {row['namespace']} when asked for {namespace}")
        return f"{row['namespace']}/{row['name']}"

    # Quay ffba0c7 answers an unknown page token with the first page again, under a new token.
    listing = client.listing(
        where, {"namespace": namespace}, REPOSITORIES, lambda page: page["repositories"], key, _next_page
    )
    if not listing:
        _prove_empty(client, namespace)
    return {name: row["state"] for name, row in listing.items()}


def _next_page(page: dict, query: dict, _number: int) -> dict | None:
    return {"next_page": page["next_page"]} if page.get("next_page") else None


def _prove_empty(client: api.Client, namespace: str) -> None:
    """Raise unless the token administers the namespace: to anybody else Quay lists unknown ones as empty, too."""
    try:
        policies.known(client, namespace)  # tells a refused token apart
    except (ApiError, ContractError) as error:
        if error.fatal:
            raise
    try:
        if organization(client, namespace).get("is_admin"):
            return
    except NotFound:
        if current_user(client)["username"] == namespace:
            return
    raise ContractError(
        f"Quay lists no repository of {namespace}, which it also does when the token has no right there or when there "
        "is no such namespace. Check the name, which is case-sensitive, and the token, or name the repositories one "
        "by one"
    )


def state_of(client: api.Client, name: str, alone: bool = False) -> str:
    """Return the state of a repository (NORMAL, READ_ONLY, MIRROR). alone: no other of its namespace is asked for."""
    found = None if alone else repositories(client, name.partition("/")[0]).get(name)
    return found or client.cached(("state", name), lambda: _state_of(client, name))


def _state_of(client: api.Client, name: str) -> str:
    where = api.path(*API, "repository", *name.split("/"))
    return client.get(where, {"includeTags": "false"}, schema=REPOSITORY)["state"]


def organization(client: api.Client, name: str) -> dict:
    """Return an organization (name, is_admin, is_member); raises NotFound, also for the name of a user."""
    where = api.path(*API, "organization", name)
    return client.cached(("organization", name), lambda: client.get(where, schema=ORGANIZATION))


def current_user(client: api.Client) -> dict:
    """Return the user who granted the token (username, organizations); needs the scope user:read."""
    try:
        return client.cached("user", lambda: client.get(api.path(*API, "user", ""), schema=USER))
    except Denied as error:
        raise Denied(f"{error}, or the token lacks the scope user:read", error.status, error.message) from None


def organizations(client: api.Client) -> list[str]:
    """Return the names of all organizations that the token administers."""
    found = current_user(client).get("organizations", [])
    # Quay ffba0c7 says is_org_admin only to tokens with the scope user:admin.
    told = {item["name"]: item.get("is_org_admin") for item in found}
    return sorted(
        name for name, admin in told.items() if admin or admin is None and organization(client, name).get("is_admin")
    )


def namespaces(client: api.Client) -> list[str]:
    """Return the names of all organizations that the token administers, and that of its user."""
    return sorted({*organizations(client), current_user(client)["username"]})
