# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quay: how to sign in, what its errors mean, which organizations and repositories there are."""

from __future__ import annotations

from ansible.module_utils.basic import env_fallback
from ansible_collections.registry.hygiene.plugins.module_utils._core import http, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    Denied,
    NotFound,
    PlanRefused,
    RegistryError,
)

ARGUMENT_SPEC = dict(
    quay_url=dict(type="str", required=True, fallback=(env_fallback, ["QUAY_URL"])),
    quay_token=dict(type="str", required=True, no_log=True, fallback=(env_fallback, ["QUAY_TOKEN"])),
)
API = ("api", "v1")
REPOSITORIES = {
    "type": "object",
    "required": ["repositories"],
    "properties": {
        "repositories": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["namespace", "name"],
                "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}},
            },
        },
        "next_page": {"type": ["string", "null"]},
    },
}
USER = {
    "type": "object",
    "required": ["username"],
    "properties": {
        "username": {"type": "string"},
        "organizations": {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
    },
}
CONFIG = {"type": "object", "required": ["features"], "properties": {"features": {"type": "object"}}}
ORGANIZATION = {"type": "object", "required": ["name"], "properties": {"is_admin": {"type": "boolean"}}}


def client(params: dict, read_only: bool = False) -> http.Client:
    """Return a client that signs in with quay_token."""
    auth = http.Bearer(params["quay_token"], "quay_token")
    return http.Client(params["quay_url"], params, auth, explain, read_only, secrets=[auth.token])


def explain(method: str, where: str, answer: Answer) -> RegistryError:
    """Return what an error answer of Quay means, and what to do."""
    status, words = answer.status_code, answer.words()
    text = str(http.explain(method, where, answer))
    bad_token = "Quay does not know the token: it is mistyped, expired or revoked (quay_token)"
    if status == 401:
        return Denied(f"{text}. {bad_token}", status, words)
    if status == 403 and "CSRF" in words:  # Quay ffba0c7: what a write with a bad token gets
        return Denied(f"{text}. {bad_token}", status, words)
    if status == 403:
        return ApiError(
            f"{text}. The token lacks the right, or the scope (org:admin for organizations, repo:admin for "
            "repositories, user:admin for current_user), or there is no such organization or namespace",
            status,
            words,
        )
    if status == 404 and answer.get("error_type") == "not_found":
        return NotFound(f"{text}. Check the exact name; names are case-sensitive", status, words)
    if status in (404, 405) and "read-only" not in words:
        return ContractError(
            f"{text}. Quay does not offer this here: is quay_url its base address, and FEATURE_AUTO_PRUNE switched on?"
        )
    return ApiError(text, status, words)


def config(client: http.Client) -> dict:
    """Return Quay's public configuration (features, config), which is asked for once a task."""
    return client.cached("config", lambda: client.get("/config", schema=CONFIG))


def require_autoprune(client: http.Client) -> None:
    """Raise PlanRefused if Quay says that auto-prune is switched off; it is asked once, by the first who calls.

    The others need not wait: with the feature off, reading policies fails anyway. But Quay ffba0c7 answers a DELETE of
    a repository's policy with a false success then.
    """
    if not client.once("features"):
        return
    try:
        found = config(client)
    except (ApiError, ContractError):
        return  # a proxy in front may offer /api only
    if found["features"].get("AUTO_PRUNE") is False:
        raise PlanRefused(
            f"auto-prune is switched off on {client.url}: set FEATURE_AUTO_PRUNE: true in Quay's config.yaml first"
        )


def check_names(given: list, kind: str) -> None:
    """Raise PlanRefused if a name cannot be one: kind is "organizations" or "repositories"."""
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
        if kind == "repositories" and names.is_glob(namespace):
            raise PlanRefused(f"repositories: {name!r}: only the part after the namespace may hold *, ? or [...]")
        if name != name.strip() or any(part in ("", ".", "..") for part in name.split("/")):
            raise PlanRefused(f"{kind}: {name!r} holds blanks or empty parts: write the exact name")


def expand(client: http.Client, given: list, kind: str) -> dict[str, str | None]:
    """Return the given names with globs replaced by what they match; kind is "organizations" or "repositories".

    The values are the states of repositories that were listed (NORMAL, READ_ONLY, MIRROR), otherwise None.
    """
    listings = {}

    def candidates(name: str) -> dict:
        space = name.partition("/")[0] if kind == "repositories" else ""
        if space not in listings:
            listings[space] = listed(client, space) if space else dict.fromkeys(organizations(client))
        return listings[space]

    found = names.expand(given, candidates, client.warnings)
    states = {name: state for listing in listings.values() for name, state in listing.items()}
    return {name: states.get(name) for name in found}


def listed(client: http.Client, namespace: str) -> dict[str, str | None]:
    """Return repositories(), which is asked once a task."""
    return client.cached(("repositories", namespace), lambda: repositories(client, namespace))


def repositories(client: http.Client, namespace: str) -> dict[str, str | None]:
    """Return namespace/name -> state of all repositories of a namespace that the token can see, in Quay's order."""
    where = http.path(*API, "repository")

    def key(row: dict) -> str:
        return f"{row['namespace']}/{row['name']}"

    # Quay ffba0c7 answers an unknown page token with the first page again, under a new token.
    listing = client.listing(
        where, {"namespace": namespace}, REPOSITORIES, lambda page: page["repositories"], key, _next_page
    )
    found = {name: row.get("state") for name, row in listing.items()}
    if not found:
        _prove_empty(client, namespace)
    return {name: state for name, state in found.items() if name.startswith(f"{namespace}/")}


def _next_page(page: dict, query: dict, _number: int) -> dict | None:
    return {"next_page": page["next_page"]} if page.get("next_page") else None


def _prove_empty(client: http.Client, namespace: str) -> None:
    """Raise unless the token administers the namespace: to anybody else Quay lists unknown ones as empty, too."""
    try:
        client.get(http.path(*API, "organization", namespace, "autoprunepolicy", ""))  # tells a refused token apart
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
        "is no such namespace. Check the name and the token, or name the repositories one by one"
    )


def organization(client: http.Client, name: str) -> dict:
    """Return an organization (name, is_admin, is_member); raises NotFound, also for the name of a user."""
    return client.get(http.path(*API, "organization", name), schema=ORGANIZATION)


def current_user(client: http.Client) -> dict:
    """Return the user who granted the token (username, organizations); needs the scope user:read."""
    try:
        return client.get(http.path(*API, "user", ""), schema=USER)
    except Denied as error:
        raise Denied(f"{error}, or the token lacks the scope user:read", error.status, error.message) from None


def organizations(client: http.Client) -> list[str]:
    """Return the names of all organizations that the token administers."""
    found = current_user(client).get("organizations", [])
    # Quay ffba0c7 says is_org_admin only to tokens with the scope user:admin.
    told = {item["name"]: item.get("is_org_admin") for item in found}
    return sorted(
        name for name, admin in told.items() if admin or admin is None and organization(client, name).get("is_admin")
    )
