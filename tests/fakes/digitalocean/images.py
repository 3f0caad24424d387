# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories, tags and manifests in the fake DigitalOcean's API."""

from __future__ import annotations

from typing import Any

from .._base import Answer, as_json
from . import runs as gc
from . import store
from .errors import NO_DELETES, REFERENCED, Refusal
from .pages import page
from .routes import Call
from .state import State


class Images(State):
    """The endpoints of repositories, tags and manifests."""

    def _list_repositories(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        found = sorted(registry["repositories"].values(), key=lambda repository: repository["name"])

        def seen(repository: store.Repository) -> dict[str, Any]:
            view = {
                "registry_name": name,
                "name": repository["name"],
                "tag_count": len(repository["tags"]),
                "manifest_count": len(repository["manifests"]),
            }
            if repository["manifests"]:
                digest, _manifest = max(repository["manifests"].items(), key=lambda item: item[1]["updated_at"])
                view["latest_manifest"] = self._seen_manifest(registry, repository, digest)
            elif self.switches["empty_latest_manifest"] == "null":
                view["latest_manifest"] = None
            return view

        return as_json(page(self.switches, call, "repositories", found, seen, tokens=True))

    def _list_repositories_v1(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        found = sorted(registry["repositories"].values(), key=lambda repository: repository["name"])

        def seen(repository: store.Repository) -> dict[str, Any]:
            view = {"registry_name": name, "name": repository["name"], "tag_count": len(repository["tags"])}
            if repository["tags"]:
                newest = max(repository["tags"], key=lambda tag: repository["tags"][tag]["updated_at"])
                view["latest_tag"] = self._seen_tag(registry, repository, newest)
            return view

        return as_json(page(self.switches, call, "repositories", found, seen))

    def _list_tags(self, call: Call, name: str, repository: str) -> Answer:
        registry, found = self._repository(name, repository)
        tags = sorted(found["tags"], key=lambda tag: (-found["tags"][tag]["updated_at"], tag))
        return as_json(page(self.switches, call, "tags", tags, lambda tag: self._seen_tag(registry, found, tag)))

    def _list_manifests(self, call: Call, name: str, repository: str) -> Answer:
        registry, found = self._repository(name, repository)
        digests = sorted(found["manifests"], key=lambda digest: (-found["manifests"][digest]["updated_at"], digest))
        return as_json(
            page(self.switches, call, "manifests", digests, lambda digest: self._seen_manifest(registry, found, digest))
        )

    def _delete_tag(self, call: Call, name: str, repository: str, tag: str) -> Answer:
        registry, found = self._repository(name, repository)
        if tag not in found["tags"]:
            raise Refusal(404)
        self._may_delete(registry, "all")
        del found["tags"][tag]
        return Answer(204)

    def _delete_manifest(self, call: Call, name: str, repository: str, digest: str) -> Answer:
        registry, found = self._repository(name, repository)
        if digest not in found["manifests"]:
            raise Refusal(404)
        self._may_delete(registry, "all", "manifests")
        if store.parents(found, digest):
            raise Refusal(412, REFERENCED)
        store.delete_manifest(found, digest)
        return Answer(204)

    def _delete_repository(self, call: Call, name: str, repository: str) -> Answer:
        registry, found = self._repository(name, repository)
        self._may_delete(registry, "all")
        del registry["repositories"][found["name"]]
        return Answer(204)

    def _may_delete(self, registry: store.Registry, *refused: str) -> None:
        if gc.active(registry) and self.switches["deletes_refused_during_run"] in refused:
            raise Refusal(412, NO_DELETES)

    def _sizes(self, registry: store.Registry, repository: store.Repository, digest: str) -> dict[str, int]:
        manifest = repository["manifests"][digest]
        compressed = sum(registry["blobs"].get(blob, 0) for blob in store.named(digest, manifest))
        uncompressed = compressed * 2 if manifest["uncompressed"] is None else manifest["uncompressed"]
        return {"compressed_size_bytes": compressed, "size_bytes": uncompressed}

    def _seen_manifest(self, registry: store.Registry, repository: store.Repository, digest: str) -> dict[str, Any]:
        manifest = repository["manifests"][digest]
        return {
            "digest": digest,
            "registry_name": registry["name"],
            "repository": repository["name"],
            **self._sizes(registry, repository, digest),
            "updated_at": self._time(manifest["updated_at"], 0),
            "tags": store.tags_of(repository, digest),
            "blobs": [
                {"digest": blob, "compressed_size_bytes": registry["blobs"].get(blob, 0)}
                for blob in store.named(digest, manifest)
            ],
        }

    def _seen_tag(self, registry: store.Registry, repository: store.Repository, name: str) -> dict[str, Any]:
        tag = repository["tags"][name]
        return {
            "registry_name": registry["name"],
            "repository": repository["name"],
            "tag": name,
            "manifest_digest": tag["digest"],
            **self._sizes(registry, repository, tag["digest"]),
            "updated_at": self._time(tag["updated_at"], 0),
        }
