# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images Quay would delete under planned policies: reads what _forecast_quay needs."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils import _forecast_quay, _http, _quay, _quay_policies
from ansible_collections.registry.hygiene.plugins.module_utils._errors import ApiError, ContractError, RegistryError

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


def of_repository(client: _http.Client, name: str, planned: list) -> dict:
    """Return the forecast of a repository under these policies of its own and those of its namespace."""
    namespace = name.partition("/")[0]
    state = _quay.listed(client, namespace).get(name)
    if state is None:
        raise ContractError(f"{name} is not in the listing of {namespace}: the token may not read it (repo:read)")
    own = client.cached(("namespace", namespace), lambda: policies(client, "organization", namespace))
    return forecast(client, name, state, own, planned)


def of_namespace(client: _http.Client, namespace: str, planned: list) -> dict:
    """Return the forecast of all repositories of an organization or user under these policies of it."""

    def one(item: tuple) -> dict:
        name, state = item
        return forecast(client, name, state, planned, policies(client, "repository", *name.split("/")))

    merged = {"deletions": [], "uncertain": [], "kept": []}
    for found in client.each(one, _quay.listed(client, namespace).items()):
        for fate, images in found.items():
            merged[fate] += images
    return merged


def forecast(client: _http.Client, name: str, state: str, of_namespace: list, of_repository: list) -> dict:
    """Return the forecast of one repository, with the default policy that only Quay's configuration shows."""
    default = (_quay.config(client).get("config") or {}).get("DEFAULT_NAMESPACE_AUTOPRUNE_POLICY")
    rows, now = tags(client, name)
    return _forecast_quay.forecast(name, state, rows, of_namespace, of_repository, default, now)


def policies(client: _http.Client, *scope: str) -> list:
    """Return policies in option words; the namespace of a user answers as an organization, too."""
    where = _http.path(*_quay.API, *scope, "autoprunepolicy", "")
    try:
        found = client.get(where, schema=_quay_policies.POLICIES)["policies"]
    except ApiError as error:
        if error.status == 403:
            raise RegistryError(
                f"{error}. A forecast needs the policies of {'/'.join(scope[1:])}, too (scope org:admin or repo:admin)"
            ) from None
        raise
    return [_quay_policies.in_option_words(policy) for policy in found]


def tags(client: _http.Client, name: str) -> tuple[list, float]:
    """Return the active tags of a repository and the server's time."""
    where = _http.path(*_quay.API, "repository", *name.split("/"), "tag", "")
    rows, page, now = {}, 1, None
    while True:
        query = {"onlyActiveTags": "true", "limit": "100", "page": str(page)}
        try:
            response = client.request("GET", where, query)
        except ApiError as error:
            if error.status == 403:
                raise RegistryError(
                    f"{error}. A forecast lists tags, for which the token needs the scope repo:read"
                ) from None
            raise
        now = _http.server_time(response) if now is None else now
        found = client.parse(where, response, TAGS)
        known = len(rows)
        rows.update({tag["name"]: tag for tag in found["tags"]})
        if not found["has_additional"]:
            return list(rows.values()), now
        if len(rows) == known:
            raise ContractError(f"GET {where}: the listing of tags does not go on after {known}. Run again")
        page += 1
