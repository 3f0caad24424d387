# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushing and pulling images by the OCI distribution protocol with bearer tokens, for the fakes that take it.

A fake says who may do what and where an image goes; blobs and manifests are kept here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from typing import Any, Callable

from werkzeug.wrappers import Request

from ._base import Answer, as_json

NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
TAG = r"\w[\w.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}"
PATHS = {
    "upload": re.compile(rf"/v2/(?P<name>{NAME})/blobs/uploads/(?P<number>[0-9a-f]*)"),
    "blob": re.compile(rf"/v2/(?P<name>{NAME})/blobs/(?P<digest>{DIGEST})"),
    "manifest": re.compile(rf"/v2/(?P<name>{NAME})/manifests/(?P<reference>{TAG}|{DIGEST})"),
}
STATUSES = {"UNAUTHORIZED": 401, "DENIED": 403, "NAME_UNKNOWN": 404, "BLOB_UNKNOWN": 404, "MANIFEST_UNKNOWN": 404}


class Refused(Exception):
    """An error answer in the form of the specification."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def answer(self) -> Answer:
        """Returns the answer."""
        body = {"errors": [{"code": self.code, "message": self.message, "detail": {}}]}
        return as_json(body, STATUSES.get(self.code, 400))


class Distribution:
    """The part of a fake below /v2/.

    realm: the path that gives tokens. service: what the tokens are for. sign_in(user, password): who that is, None for
    nobody. may(who, name, action): whether he may "push" to or "pull" from a repository. put(name, reference, pushed):
    takes a manifest: `digest`, `size`, `manifest_size`, `blobs` and `references` with `digest`, and the `media_type`.
    find(name, reference): the digest of a tag or digest there, None for nothing.
    """

    def __init__(
        self,
        realm: str,
        service: str,
        sign_in: Callable[[str, str], Any],
        may: Callable[[Any, str, str], bool],
        put: Callable[[str, str, dict[str, Any]], None],
        find: Callable[[str, str], str | None],
    ) -> None:
        self.realm, self.service = realm, service
        self.sign_in, self.may, self.put, self.find = sign_in, may, put, find
        self.tokens: dict[str, dict[str, set[str]]] = {}  # token -> repository -> actions
        self.uploads: set[tuple[str, str]] = set()
        self.blobs: dict[tuple[str, str], int] = {}  # repository, digest -> size
        self.manifests: dict[str, tuple[str, bytes]] = {}  # digest -> media type, text

    def takes(self, path: str) -> bool:
        """Whether a path is of this part."""
        return path == self.realm or path.startswith("/v2/")

    def answer(self, request: Request) -> Answer:
        """Returns the answer to a request."""
        try:
            if request.path == self.realm:
                return self._token(request)
            return self._registry(request)
        except Refused as refused:
            answer = refused.answer()
            if refused.code == "UNAUTHORIZED" and request.path != self.realm:
                realm = request.host_url.rstrip("/") + self.realm
                answer.headers["WWW-Authenticate"] = f'Bearer realm="{realm}",service="{self.service}"'
            return answer

    def _token(self, request: Request) -> Answer:
        scheme, _blank, rest = request.headers.get("Authorization", "").partition(" ")
        user, colon, password = "", "", ""
        if scheme.lower() == "basic":
            user, colon, password = base64.b64decode(rest).decode().partition(":")
        who = self.sign_in(user, password) if colon else None
        if who is None:
            raise Refused("UNAUTHORIZED", "authentication required")
        granted: dict[str, set[str]] = {}
        for scope in request.args.getlist("scope"):
            kind, _colon, rest = scope.partition(":")
            name, _colon, actions = rest.rpartition(":")
            if kind != "repository" or not re.fullmatch(NAME, name):
                raise Refused("NAME_INVALID", f"unable to decode the scope {scope}")
            wanted = sorted(actions.split(","), reverse=True)  # push first: Quay makes what is missing then
            granted[name] = {action for action in wanted if self.may(who, name, action)}
        token = secrets.token_urlsafe(24)
        self.tokens[token] = granted
        return as_json({"token": token, "expires_in": 1800})

    def _registry(self, request: Request) -> Answer:
        granted = self.tokens.get(request.headers.get("Authorization", "").partition(" ")[2])
        if granted is None:
            raise Refused("UNAUTHORIZED", "authentication required")
        if request.path == "/v2/":
            return as_json({})
        for kind, pattern in PATHS.items():
            found = pattern.fullmatch(request.path)
            handler = getattr(self, f"_{request.method.lower()}_{kind}", None) if found else None
            if handler is None:
                continue
            action = "pull" if request.method in ("GET", "HEAD") else "push"
            if action not in granted.get(found["name"], ()):
                raise Refused("UNAUTHORIZED", f"unauthorized to access repository: {found['name']}, action: {action}")
            return handler(request, **found.groupdict())
        raise Refused("NAME_UNKNOWN", f"{request.method} {request.path} is no part of the fake")

    def _head_blob(self, request: Request, name: str, digest: str) -> Answer:
        if (name, digest) not in self.blobs:
            raise Refused("BLOB_UNKNOWN", "blob unknown to registry")
        return Answer(200, b"", {"Docker-Content-Digest": digest})

    def _post_upload(self, request: Request, name: str, number: str) -> Answer:
        new = secrets.token_hex(8)
        self.uploads.add((name, new))
        return Answer(202, b"", {"Location": f"/v2/{name}/blobs/uploads/{new}?_state={new}", "Range": "0-0"})

    def _put_upload(self, request: Request, name: str, number: str) -> Answer:
        data, digest = request.get_data(), request.args.get("digest", "")
        if (name, number) not in self.uploads or request.args.get("_state") != number:
            raise Refused("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if digest != digest_of(data):
            raise Refused("DIGEST_INVALID", "provided digest did not match uploaded content")
        self.uploads.discard((name, number))
        self.blobs[name, digest] = len(data)
        return Answer(201, b"", {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})

    def _put_manifest(self, request: Request, name: str, reference: str) -> Answer:
        data, kind = request.get_data(), request.headers.get("Content-Type", "")
        digest = digest_of(data)
        try:
            manifest = json.loads(data)
            parts = [manifest["config"], *manifest["layers"]] if "layers" in manifest else []
            children = manifest.get("manifests", [])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused("MANIFEST_INVALID", "manifest invalid") from None
        if manifest.get("mediaType") != kind or (":" in reference and reference != digest):
            raise Refused("MANIFEST_INVALID", "media type or digest of the manifest do not fit")
        for part in parts:
            if self.blobs.get((name, part["digest"])) != part["size"]:
                raise Refused("MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {part['digest']}")
        for child in children:
            if self.find(name, child["digest"]) is None:
                raise Refused("MANIFEST_BLOB_UNKNOWN", f"manifest unknown to registry: {child['digest']}")
        size = len(data) + sum(part["size"] for part in [*parts, *children])
        blobs = [{"digest": part["digest"], "size": part["size"]} for part in parts]
        pushed = {"digest": digest, "media_type": kind, "size": size, "manifest_size": len(data), "blobs": blobs}
        self.put(name, reference, {**pushed, "references": children})
        self.manifests[digest] = (kind, data)
        return Answer(201, b"", {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest})

    def _get_manifest(self, request: Request, name: str, reference: str) -> Answer:
        digest = self.find(name, reference)
        if digest not in self.manifests:
            raise Refused("MANIFEST_UNKNOWN", "manifest unknown")
        kind, data = self.manifests[digest]
        return Answer(200, data, {"Content-Type": kind, "Docker-Content-Digest": digest})

    _head_manifest = _get_manifest


def digest_of(data: bytes) -> str:
    """Returns the digest of a blob or manifest."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
