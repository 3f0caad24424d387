# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manifests of a DigitalOcean registry no tag reaches, and how many bytes only they hold. Pure."""

from __future__ import annotations


def unreachable(manifests: list) -> list:
    """Return the manifests of one repository that are reached neither by a tag nor by an index that a tag reaches.

    manifests: {"digest", "tags": [...], "blobs": [{"digest"}]}. The blobs of an index hold the digests of its children,
    which carry no tags themselves and are no garbage (seen at DigitalOcean in 2026).
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


def freed_bytes(manifests: list, garbage: list) -> int:
    """Return the bytes of the blobs that only garbage names, each once: at least that much would be freed.

    manifests: all of the registry, because its repositories share blobs.
    """
    doomed = {id(manifest) for manifest in garbage}
    kept = {
        blob["digest"] for manifest in manifests if id(manifest) not in doomed for blob in manifest.get("blobs") or []
    }
    sizes = {
        blob["digest"]: blob.get("compressed_size_bytes") or 0
        for manifest in garbage
        for blob in manifest.get("blobs") or []
    }
    return sum(size for digest, size in sizes.items() if digest not in kept)
