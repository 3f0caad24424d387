# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of the fake DigitalOcean in both families, what scopes they take, and one routed request."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request

from .errors import Refusal

SCOPES = ("registry:read", "registry:create", "registry:update", "registry:delete")
READ, CREATE, UPDATE, DELETE = ((scope,) for scope in SCOPES)

Route = dict[str, tuple[str, tuple[str, ...]]]
CURRENT, LEGACY = "registries", "registry"
COMMON_ROUTES: dict[str, Route] = {
    "subscription": {"GET": ("subscription", READ), "POST": ("change_tier", UPDATE)},
    "options": {"GET": ("options", READ)},
    "validate-name": {"POST": ("validate_name", CREATE)},
    "{registry}/garbage-collection": {"GET": ("active_run", READ), "POST": ("start_by_api", UPDATE)},
    "{registry}/garbage-collection/{run}": {"PUT": ("update_run", UPDATE)},
    "{registry}/garbage-collections": {"GET": ("list_runs", READ)},
    "{registry}/repositoriesV2": {"GET": ("list_repositories", READ)},
    "{registry}/repositories/{repository}/tags": {"GET": ("list_tags", READ)},
    "{registry}/repositories/{repository}/tags/{tag}": {"DELETE": ("delete_tag", DELETE)},
    "{registry}/repositories/{repository}/digests": {"GET": ("list_manifests", READ)},
    "{registry}/repositories/{repository}/digests/{digest}": {"DELETE": ("delete_manifest", DELETE)},
}
ROUTES: dict[str, dict[str, Route]] = {
    CURRENT: {
        "": {"GET": ("list_registries", READ), "POST": ("create", CREATE)},
        **COMMON_ROUTES,
        "{registry}": {"GET": ("get_registry", READ), "DELETE": ("delete_registry", DELETE)},
        "{registry}/docker-credentials": {"GET": ("credentials", READ + UPDATE)},
        "{registry}/repositories/{repository}": {"DELETE": ("delete_repository", DELETE)},
    },
    LEGACY: {
        "": {"GET": ("get_only", READ), "POST": ("create", CREATE), "DELETE": ("delete_only", DELETE)},
        "docker-credentials": {"GET": ("credentials_of_only", READ + UPDATE)},
        **COMMON_ROUTES,
        "{registry}/repositories": {"GET": ("list_repositories_v1", READ)},
    },
}


class Call:
    """A request that was routed: its family of paths, its query and its body."""

    def __init__(self, request: Request, family: str) -> None:
        self.request = request
        self.family = family

    def body(self) -> dict[str, Any]:
        """Returns the JSON object of the body; no body and `null` are an empty one."""
        data = self.request.get_data()
        try:
            given = json.loads(data) if data.strip() else None
        except ValueError:
            raise Refusal(400) from None
        if given is not None and not isinstance(given, dict):
            raise Refusal(400)
        return given or {}

    def number(self, name: str, default: int) -> int:
        """Returns a positive number of the query."""
        text = self.request.args.get(name, str(default))
        if not text.isdecimal() or int(text) < 1:
            raise Refusal(400, f"invalid value for {name}")
        return int(text)


def bearer(request: Request) -> str | None:
    """Returns the token of the Authorization header."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def raw_path(request: Request) -> str:
    """Returns the path as it was sent: `%2F` is not decoded."""
    uri = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or request.path
    return re.sub(r"\Ahttps?://[^/]*", "", uri).partition("?")[0]


def segments(request: Request) -> tuple[str, list[str]]:
    """Returns the family of a path and the decoded words after it."""
    words = raw_path(request).strip("/").split("/")
    if len(words) < 2 or words[0] != "v2":
        return "", []
    return words[1], [unquote(word) for word in words[2:]]


def matched(pattern: str, words: list[str]) -> list[str] | None:
    """Returns the words that stand for the names in a pattern, or None if it does not match."""
    parts = pattern.split("/") if pattern else []
    if len(parts) != len(words):
        return None
    if any(part != word for part, word in zip(parts, words) if not part.startswith("{")):
        return None
    return [word for part, word in zip(parts, words) if part.startswith("{")]
