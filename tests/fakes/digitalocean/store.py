# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registries of the fake DigitalOcean hold: repositories, tags, manifests and blobs, and what is garbage."""

from __future__ import annotations

from typing import Any, Iterator

Registry = dict[str, Any]
Repository = dict[str, Any]

MANIFEST_SIZE = 528


def loaded(given: dict[str, Any], now: float) -> Registry:
    """Returns a registry, without its runs, from the neutral form."""
    registry: Registry = {
        "name": given["name"],
        "region": given.get("region", "fra1"),
        "created_at": now - given.get("age_seconds", 86400),
        "automated_gc": given.get("automated_gc", False),
        "read_only": given.get("read_only", False),
        "write_until": now + given["write_token_seconds"] if given.get("write_token_seconds") else 0.0,
        "repositories": {},
        "blobs": {},
        "runs": [],
    }
    for repository in given.get("repositories", []):
        registry["repositories"][repository["name"]] = _loaded_repository(registry, repository, now)
    for blob in given.get("blobs", []):
        registry["blobs"].setdefault(blob["digest"], blob["size"])
    registry["storage"] = {
        "bytes": given.get("storage_usage_bytes", sum(registry["blobs"].values())),
        "at": now - given.get("storage_age_seconds", 3600),
        "due": now + given["storage_due_seconds"] if given.get("storage_due_seconds") is not None else None,
    }
    return registry


def _loaded_repository(registry: Registry, given: dict[str, Any], now: float) -> Repository:
    repository: Repository = {"name": given["name"], "manifests": {}, "tags": {}}
    for manifest in given.get("manifests", []):
        add_manifest(registry, repository, manifest, now)
    for tag in given.get("tags", []):
        if tag["digest"] not in repository["manifests"]:
            raise ValueError(f"the tag {given['name']}:{tag['name']} points to no manifest of its repository")
        age = tag.get("age_seconds", 0)
        repository["tags"][tag["name"]] = {"digest": tag["digest"], "updated_at": now - age}
    return repository


def add_manifest(registry: Registry, repository: Repository, given: dict[str, Any], now: float) -> None:
    """Stores a manifest in the neutral form, its own data and the blobs that it names."""
    for blob in given.get("blobs", []):
        registry["blobs"].setdefault(blob["digest"], blob["size"])
    registry["blobs"].setdefault(given["digest"], given.get("size", MANIFEST_SIZE))
    repository["manifests"][given["digest"]] = {
        "updated_at": now - given.get("age_seconds", 0),
        "blobs": [blob["digest"] for blob in given.get("blobs", [])],
        "children": list(given.get("children", [])),
        "uncompressed": given.get("uncompressed_size"),
    }


def dumped(registry: Registry, now: float) -> dict[str, Any]:
    """Returns a registry, without its runs, in the neutral form; ages count from now."""
    storage = registry["storage"]
    given = {
        "name": registry["name"],
        "region": registry["region"],
        "age_seconds": now - registry["created_at"],
        "automated_gc": registry["automated_gc"],
        "read_only": registry["read_only"],
        "write_token_seconds": max(0.0, registry["write_until"] - now),
        "storage_usage_bytes": storage["bytes"],
        "storage_age_seconds": now - storage["at"],
        "storage_due_seconds": storage["due"] - now if storage["due"] is not None else None,
        "repositories": [_dumped_repository(registry, item, now) for item in registry["repositories"].values()],
    }
    given["blobs"] = [{"digest": digest, "size": registry["blobs"][digest]} for digest in unreferenced(registry)]
    return given


def _dumped_repository(registry: Registry, repository: Repository, now: float) -> dict[str, Any]:
    blobs = registry["blobs"]
    manifests = [
        {
            "digest": digest,
            "age_seconds": now - manifest["updated_at"],
            "size": blobs.get(digest, 0),
            "uncompressed_size": manifest["uncompressed"],
            "blobs": [{"digest": blob, "size": blobs.get(blob, 0)} for blob in manifest["blobs"]],
            "children": list(manifest["children"]),
        }
        for digest, manifest in repository["manifests"].items()
    ]
    tags = [
        {"name": name, "digest": tag["digest"], "age_seconds": now - tag["updated_at"]}
        for name, tag in repository["tags"].items()
    ]
    return {"name": repository["name"], "manifests": manifests, "tags": tags}


def named(digest: str, manifest: dict[str, Any]) -> list[str]:
    """Returns the digests of all blobs that belong to a manifest: layers, children and its own data."""
    return list(dict.fromkeys([*manifest["blobs"], *manifest["children"], digest]))


def tags_of(repository: Repository, digest: str) -> list[str]:
    """Returns the names of the tags that point to a manifest."""
    return sorted(name for name, tag in repository["tags"].items() if tag["digest"] == digest)


def parents(repository: Repository, digest: str) -> list[str]:
    """Returns the digests of the indexes that name a manifest."""
    return [parent for parent, manifest in repository["manifests"].items() if digest in manifest["children"]]


def untagged(repository: Repository, spare_children: bool) -> list[str]:
    """Returns the digests of the manifests without a tag; `spare_children` keeps those that a tagged index reaches."""
    kept: set[str] = set()
    ahead = [tag["digest"] for tag in repository["tags"].values()]
    while ahead:
        digest = ahead.pop()
        if digest in repository["manifests"] and digest not in kept:
            kept.add(digest)
            if spare_children:
                ahead += repository["manifests"][digest]["children"]
    return [digest for digest in repository["manifests"] if digest not in kept]


def unreferenced(registry: Registry) -> list[str]:
    """Returns the digests of the blobs that no manifest of the registry names."""
    used = set(_named_anywhere(registry))
    return sorted(digest for digest in registry["blobs"] if digest not in used)


def _named_anywhere(registry: Registry) -> Iterator[str]:
    for repository in registry["repositories"].values():
        for digest, manifest in repository["manifests"].items():
            yield from named(digest, manifest)


def delete_manifest(repository: Repository, digest: str) -> None:
    """Deletes a manifest and its tags; all blobs stay."""
    del repository["manifests"][digest]
    for name in tags_of(repository, digest):
        del repository["tags"][name]


def count_storage_later(registry: Registry, when: float) -> None:
    """Notes when the storage usage is counted next."""
    if registry["storage"]["due"] is None:
        registry["storage"]["due"] = when


def count_storage(registry: Registry, now: float) -> None:
    """Counts the storage usage if that is due."""
    storage = registry["storage"]
    if storage["due"] is not None and now >= storage["due"]:
        storage.update(bytes=sum(registry["blobs"].values()), at=storage["due"], due=None)
