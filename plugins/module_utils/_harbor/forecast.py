# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which artifacts a garbage collection of Harbor deletes because no tag reaches them."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, figures, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import inventory

TEXT = {"type": "string", "minLength": 1, "maxLength": 512}
ARTIFACTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["digest"],
        "properties": {
            "digest": TEXT,
            "push_time": {"type": ["string", "null"], "maxLength": 64},
            "tags": {
                "type": ["array", "null"],
                "items": {"type": "object", "required": ["name"], "properties": {"name": TEXT}},
            },
            "references": {
                "type": ["array", "null"],
                "items": {"type": "object", "required": ["child_digest"], "properties": {"child_digest": TEXT}},
            },
        },
    },
}


def untagged(client: api.Client, judged: Callable[[dict], dict]) -> dict:
    """Return repository -> images of a garbage collection that deletes untagged artifacts; GET only.

    judged: makes repository -> images of what becomes of the artifacts of one repository.
    """
    projects = inventory.all_projects(client)
    listed = client.each(lambda project: inventory.repositories(client, project), projects)
    now = client.clock()

    def foreseen(name: str) -> dict:
        return judged(fates(name, inventory.artifacts(client, name, ARTIFACTS, {"q": "base=*"}), now))

    return forecasts.merged(client.each(foreseen, [name for some in listed for name in some]))


def fates(repository: str, artifacts: list, now: tuple[float, float]) -> dict:
    """Return what becomes of the artifacts of a repository, children of indexes included. Pure.

    Harbor deletes what has no tag, whatever its age, but what an index needs; with an index go its children.
    """
    by_digest = {artifact["digest"]: artifact for artifact in artifacts}
    waiting = [artifact for artifact in artifacts if artifact.get("tags")]
    reached: set = set()
    while waiting:
        artifact = waiting.pop()
        if artifact["digest"] not in reached:
            reached.add(artifact["digest"])
            children = [reference["child_digest"] for reference in artifact.get("references") or []]
            waiting += [by_digest[child] for child in children if child in by_digest]
    found: dict[str, list] = {"deletions": [], "uncertain": [], "kept": []}
    for artifact in artifacts:
        goes = artifact["digest"] not in reached
        found["deletions" if goes else "kept"].append(_image(repository, artifact, goes, now))
    return found


def _image(repository: str, artifact: dict, goes: bool, now: tuple[float, float]) -> dict[str, Any]:
    tags = [tag["name"] for tag in artifact.get("tags") or []]
    pushed = artifact.get("push_time")
    return {
        "target": repository,
        "tag": ", ".join(tags) or None,
        "digest": artifact["digest"],
        "age": figures.age(now, schedule.epoch(pushed)) if pushed else None,
        "size": figures.size(artifact.get("size")) or 0,
        "because": "no tag reaches it" if goes else "" if tags else "an index with a tag needs it",
        "children": [reference["child_digest"] for reference in artifact.get("references") or []],
    }
