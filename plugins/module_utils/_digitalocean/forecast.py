# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manifests of a DigitalOcean registry no tag reaches, and how many bytes only they hold. Pure."""

from __future__ import annotations

from typing import Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core import figures, schedule


def unreachable(manifests: list) -> list:
    """Return the manifests of one repository that are reached neither by a tag nor by an index that a tag reaches.

    manifests: {"digest", "tags": [...], "blobs": [{"digest"}]}. The blobs of an index hold the digests of its children,
    which are listed without tags themselves, and are no garbage.
    """
    by_digest = {manifest["digest"]: manifest for manifest in manifests}
    waiting = [manifest for manifest in manifests if manifest.get("tags")]
    reached = set()
    while waiting:
        manifest = waiting.pop()
        if manifest["digest"] not in reached:
            reached.add(manifest["digest"])
            waiting += [
                by_digest[blob["digest"]] for blob in manifest.get("blobs") or [] if blob["digest"] in by_digest
            ]
    return [manifest for manifest in manifests if manifest["digest"] not in reached]


def forecast(repository: str, manifests: list, now: tuple[float, float]) -> dict:
    """Return {"deletions", "uncertain", "kept"} of a run that removes untagged manifests.

    now: the earliest and the latest time that it may be.
    """
    doomed = {manifest["digest"] for manifest in unreachable(manifests)}
    listed = {manifest["digest"] for manifest in manifests}
    found = {"deletions": [], "uncertain": [], "kept": []}
    for manifest in manifests:
        goes = manifest["digest"] in doomed
        tags = manifest.get("tags") or []
        image = {
            "target": repository,
            "tag": ", ".join(tags) or None,
            "digest": manifest["digest"],
            "age": figures.age(now, schedule.epoch(manifest["updated_at"])) if manifest.get("updated_at") else None,
            "size": figures.size(manifest.get("compressed_size_bytes")) or 0,
            "because": "no tag reaches it" if goes else "" if tags else "a tag reaches it through an index",
            "children": [blob["digest"] for blob in manifest.get("blobs") or [] if blob["digest"] in listed],
        }
        found["deletions" if goes else "kept"].append(image)
    return found


def blobs(manifests: Iterable[dict]) -> dict[str, int]:
    """Return the bytes of each blob that manifests name, by its digest; 0 where they are not known."""
    return {
        blob["digest"]: figures.size(blob.get("compressed_size_bytes")) or 0
        for manifest in manifests
        for blob in manifest.get("blobs") or []
    }


def freed_bytes(garbage: dict[str, int], kept: Iterable[Iterable[str]]) -> int:
    """Return the bytes of the blobs of garbage (as `blobs` has them) that nothing else names: so much would be freed.

    kept: the digests of all other blobs of the registry, some after others, because its repositories share blobs.
    """
    left = dict(garbage)
    for some in kept:
        for digest in some:
            left.pop(digest, None)
    return sum(left.values())
