# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quay: how to sign in, what its errors mean, what its configuration says."""

from __future__ import annotations

from ansible.module_utils.basic import env_fallback
from ansible_collections.registry.hygiene.plugins.module_utils._core import api
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
# What the administrator of Quay writes there is checked by no one, so its values may be of any simple kind.
SIMPLE = {"type": ["string", "number", "boolean", "null"], "maxLength": 65536}
CONFIG = {
    "type": "object",
    "required": ["features"],
    "properties": {
        "features": {"type": "object", "properties": {"AUTO_PRUNE": {"type": ["boolean", "null"]}}},
        "config": {
            "type": ["object", "null"],
            "properties": {
                "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY": {
                    "type": ["object", "null"],
                    "properties": dict.fromkeys(("method", "value", "tag_pattern", "tag_pattern_matches"), SIMPLE),
                }
            },
        },
    },
}


def client(params: dict, read_only: bool = False) -> api.Client:
    """Return a client that signs in with quay_token."""
    auth = api.Bearer(params["quay_token"], "quay_token")
    return api.Client(params["quay_url"], params, auth, explain, read_only, secrets=[auth.token])


def explain(method: str, where: str, answer: Answer) -> RegistryError:
    """Return what an error answer of Quay means, and what to do."""
    status, words = answer.status_code, answer.words()
    text = str(api.explain(method, where, answer))
    bad_token = "Quay does not know the token: it is mistyped, expired or revoked (quay_token)"
    if status == 401:
        return Denied(f"{text}. {bad_token}", status, words)
    if status == 403 and "CSRF" in words:  # Quay ffba0c7: what a write with a bad token gets
        return Denied(f"{text}. {bad_token}", status, words)
    if status == 403:
        return ApiError(
            f"{text}. The token lacks the right, or the scope (org:admin for organizations, repo:admin for "
            "repositories, user:admin for current_user), or there is no such organization or namespace: names are "
            "case-sensitive",
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


def config(client: api.Client) -> dict:
    """Return Quay's public configuration (features, config), which is asked for once a task."""
    return client.cached("config", lambda: client.get("/config", schema=CONFIG))


def require_autoprune(client: api.Client) -> None:
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
