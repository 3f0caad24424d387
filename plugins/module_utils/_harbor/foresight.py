# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a forecast of tag retention needs, one repository after another, and keeps only what it says."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    immutable_rules,
    inventory,
    projects,
    registry,
    retention_forecast,
)

# The first Harbor that is known to be built with Go 1.19 or later, whose sort.Slice orders equal rows as gosort does.
EXACT_SINCE = (2, 8)
QUERY = {"q": "base=*", "with_immutable_status": "true", "with_accessory": "true"}
TEXT = {"type": "string", "minLength": 1, "maxLength": 512}
TIME = {"type": ["string", "null"], "maxLength": 64}
TIMES = {"push_time": TIME, "pull_time": TIME}
ARTIFACTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["digest", "push_time", "tags"],  # without the tags, all would look untagged
        "properties": {
            "digest": TEXT,
            **TIMES,
            "tags": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["name", "immutable"],
                    "properties": {"name": TEXT, "immutable": {"type": "boolean"}, **TIMES},
                },
            },
            "references": {
                "type": ["array", "null"],
                "items": {"type": "object", "required": ["child_digest"], "properties": {"child_digest": TEXT}},
            },
            "accessories": {
                "type": ["array", "null"],
                "items": {"type": "object", "properties": {"type": TEXT}},
            },
        },
    },
}


def estate(thing: projects.OfProject) -> retention_forecast.Estate:
    """Return what a forecast knows beside the artifacts. A developer may run retention, but not read what protects."""
    try:
        there = immutable_rules.listed(thing)
        rules = immutable_rules.by_then(thing, there)
    except ApiError as error:
        if error.status != 403:
            raise
        there = rules = None
    client = thing.client
    return retention_forecast.Estate(rules, client.clock(), registry.version(client) >= EXACT_SINCE, rules is there)


class Foreseeing(projects.OfProject):
    """What makes Harbor's tag retention delete artifacts in one project."""

    foresees = True

    def rules(self, current: Any, planned: Any) -> tuple[list, list | None]:
        """Return the rules of the API that are to be carried out, and those that are now (None: nothing goes). Pure."""
        raise NotImplementedError

    def foresee(self, current, planned):
        """Repositories that no planned rule is about lose nothing, and are not looked at."""
        rules, now = self.rules(current, planned)
        if all((rule or {}).get("disabled") for rule in rules):
            return {}  # a run does nothing
        known, place = estate(self), len(self.target) + 1

        def foreseen(name: str) -> dict:
            rows = inventory.artifacts(self.client, name, ARTIFACTS, QUERY)
            then = retention_forecast.forecast(name, rows, rules, known)
            before = now and retention_forecast.forecast(name, rows, now, known)
            return self.judged(then, before)

        names = inventory.repositories(self.client, self.target)
        names = [name for name in names if retention_forecast.applying(rules, name[place:])]
        return forecasts.merged(self.client.each(foreseen, names))
