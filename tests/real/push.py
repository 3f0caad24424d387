# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes small images to any registry that speaks the OCI distribution protocol with bearer tokens."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ARCHITECTURES = ("amd64", "arm64", "s390x")


class PushFailed(Exception):
    """The registry did not take it; the message says what it answered to what."""


class Pusher:
    """Pushes to one registry with one user name and password. Both go to its own address only."""

    def __init__(self, session: requests.Session, url: str, username: str, password: str) -> None:
        self.session, self.url, self.basic = session, url.rstrip("/"), (username, password)
        self.realm, self.service = self._challenge()

    def image(self, repository: str, reference: str, text: str, architecture: str = ARCHITECTURES[0]) -> str:
        """Push an image whose only file holds the text; returns its digest. An empty reference pushes it untagged."""
        return self._put(repository, reference, self._manifest(repository, text, architecture))

    def index(self, repository: str, tag: str, text: str) -> tuple[str, list[str]]:
        """Push an index of two untagged images; returns its digest and theirs."""
        children = []
        for architecture in ARCHITECTURES[:2]:
            manifest = self._manifest(repository, f"{text} for {architecture}", architecture)
            digest = self._put(repository, "", manifest)
            platform = {"architecture": architecture, "os": "linux"}
            children.append(
                {"mediaType": IMAGE, "digest": digest, "size": len(encoded(manifest)), "platform": platform}
            )
        digest = self._put(repository, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": children})
        return digest, [child["digest"] for child in children]

    def digest(self, repository: str, tag: str) -> str | None:
        """Return the digest of a tag as pulling it gives it, None if there is none."""
        token = self._token(repository, "pull")
        headers = {"Authorization": f"Bearer {token}", "Accept": f"{IMAGE}, {INDEX}"}
        found = self.session.get(f"{self.url}/v2/{repository}/manifests/{tag}", headers=headers)
        if found.status_code == 404:
            return None
        return digest_of(_expect(found, 200).content)

    def _manifest(self, repository: str, text: str, architecture: str) -> dict[str, Any]:
        layer, plain = layer_of(text)
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [plain]},
            "history": [{"created_by": "registry.hygiene acceptance test"}],
        }
        return {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": self._blob(repository, CONFIG, encoded(config)),
            "layers": [self._blob(repository, LAYER, layer)],
        }

    def _blob(self, repository: str, kind: str, data: bytes) -> dict[str, Any]:
        digest = digest_of(data)
        headers = {"Authorization": f"Bearer {self._token(repository)}"}
        begun = self.session.post(f"{self.url}/v2/{repository}/blobs/uploads/", headers=headers)
        where = self._own(_expect(begun, 202).headers["Location"])
        where += ("&" if urlsplit(where).query else "?") + f"digest={digest}"
        headers["Content-Type"] = "application/octet-stream"
        _expect(self.session.put(where, data=data, headers=headers), 201)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def _put(self, repository: str, reference: str, manifest: dict[str, Any]) -> str:
        data = encoded(manifest)
        headers = {"Authorization": f"Bearer {self._token(repository)}", "Content-Type": manifest["mediaType"]}
        where = f"{self.url}/v2/{repository}/manifests/{reference or digest_of(data)}"
        _expect(self.session.put(where, data=data, headers=headers), 201)
        return digest_of(data)

    def _challenge(self) -> tuple[str, str]:
        found = _expect(self.session.get(f"{self.url}/v2/"), 401)
        asked = dict(re.findall(r'(\w+)="([^"]*)"', found.headers.get("WWW-Authenticate", "")))
        if "realm" not in asked:
            raise PushFailed(f"{self.url}/v2/ does not say where tokens for pushing are given")
        return self._own(asked["realm"]), asked.get("service", "")

    def _own(self, where: str) -> str:
        """Return an address as one of the registry itself: what it calls itself may not be known here."""
        parts = urlsplit(urljoin(self.url, where))
        return self.url + parts.path + (f"?{parts.query}" if parts.query else "")

    def _token(self, repository: str, actions: str = "pull,push") -> str:
        query = {"service": self.service, "scope": f"repository:{repository}:{actions}"}
        found = _expect(self.session.get(self.realm, params=query, auth=self.basic), 200).json()
        return found.get("token") or found["access_token"]


def _expect(found: requests.Response, status: int) -> requests.Response:
    if found.status_code == status:
        return found
    request, where = found.request, urlsplit(found.request.url).path
    raise PushFailed(f"{request.method} {where} was answered {found.status_code}, not {status}: {found.text[:300]!r}")


def encoded(value: Any) -> bytes:
    """Return a manifest or a configuration as it is pushed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest_of(data: bytes) -> str:
    """Return the digest of what is pushed."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer_of(text: str) -> tuple[bytes, str]:
    """Return a packed layer with one file that holds the text, and the digest of what is packed."""
    plain, data = io.BytesIO(), text.encode()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        entry = tarfile.TarInfo("about")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0), digest_of(plain.getvalue())
