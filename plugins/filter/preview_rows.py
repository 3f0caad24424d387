# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums up the results of tasks for the playbook preview."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: preview_rows
short_description: Sum up what tasks of this collection would change and delete
version_added: 0.1.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Makes a row of each result of a module of this collection that was run in check mode.
  - The playbook C(registry.hygiene.preview) shows these rows as a table.
options:
  _input:
    description: The results, as they were registered. Those of a loop may be given as the one registered variable.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would go
  ansible.builtin.debug:
    msg: "{{ [result] | registry.hygiene.preview_rows }}"
"""

RETURN = r"""
_value:
  description:
    - A row of each result, with C(what) it is about, how many C(targets) there are and how many would be C(changed),
      how many images would go (C(count)), might go (C(uncertain_count)) and are there in all (C(total)), the C(share)
      of the first two in percent, the C(bytes) that would go, and a C(message) if a limit refused the plan or
      something failed. C(fuse) is the name of that limit, or empty.
    - Numbers that are not known are V(null). Texts are one line each, and what cannot be printed is escaped.
  type: list
  elements: dict
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

NAMES = ("names", "repositories", "registries", "organizations")  # of what an item of a loop, or a task, is about
FUSES = ("max_deletions", "max_deletions_percent", "min_keep", "protect")
STATES = ("policies", "retention", "garbage_collection")


def rows(results: list) -> list[dict]:
    """Return a row of each result; what was skipped gives none."""
    flat = [one for result in results for one in result.get("results", [result])]
    return [row(result) for result in flat if not result.get("skipped")]


def row(result: dict) -> dict:
    """Return what a result says: a dictionary with the keys that RETURN documents."""
    preview = result.get("preview") or {}
    going = preview.get("count", 0) + preview.get("uncertain_count", 0)
    nothing = not result.get("changed") and not result.get("failed")
    known = {key: preview.get(key, 0 if nothing else None) for key in ("count", "uncertain_count", "total", "bytes")}
    message = printable(" ".join(str(result.get("msg", "")).split())) if result.get("failed") else ""
    fuse = message.partition(":")[0]
    return {
        "what": printable(about(result)),
        "targets": targets(result),
        "changed": changed(result),
        "share": round(100 * going / preview["total"], 1) if preview.get("total") else None,
        "fuse": fuse if fuse in FUSES else "",
        "message": message,
        **known,
    }


def changed(result: dict) -> int | None:
    """Return how many targets would change; of a plan that a limit refused that is known for repositories only."""
    if "changed_targets" in result:
        return len(result["changed_targets"])
    return len(result["preview"]["targets"]) if result.get("preview") and "/" in about(result) else None


def about(result: dict) -> str:
    """Return the names of the targets as they were written in the task."""
    options = result.get("invocation", {}).get("module_args", {})
    for source in (result.get("item") or {}, options):
        for key in NAMES:
            if isinstance(source, dict) and source.get(key):
                space = source.get("namespace")
                return ", ".join(f"{space}/{name}" if space else name for name in source[key])
    return "the user" if options.get("current_user") else "everything"


def targets(result: dict) -> int | None:
    """Return how many targets the task found, None if it came to no end."""
    for key in STATES:
        if key in result:
            state = result[key]
            many = isinstance(state, dict) and all(
                value is None or isinstance(value, (dict, list)) for value in state.values()
            )
            several = many and "template" not in state and "status" not in state
            return (len(state) if several else 1) + len(result.get("failures", {}))
    return None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return name -> function."""
        return {"preview_rows": rows}
