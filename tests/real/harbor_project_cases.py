# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract's rows and the forecast of tag retention and immutable tags, as a real Harbor can play them."""

from __future__ import annotations

from typing import Any, Callable

from contract.harbor_project_rows import HARBOR_PROJECT_ROWS

from .case import Case, Forecast
from .harbor import API, HarborPlace

POLICY, RULES, _EXECUTION = HARBOR_PROJECT_ROWS
KEPT = 2
TAGS = ("v1", "v2", "v3", "v4", "dev")


def steps(row: Any) -> Callable[[HarborPlace], list[tuple[dict, Any]]]:
    """Return the row's own steps."""
    return lambda place: list(zip([row.created, row.changed, row.removed], row.wanted))


def policy(place: HarborPlace) -> list:
    """Return cron and rules of the policy of the project, an empty list for none."""
    tied = place.ask("GET", f"{API}/projects/{place.source}", good=(200,))["metadata"].get("retention_id")
    held = tied and place.ask("GET", f"{API}/retentions/{tied}", good=(200, 404))
    if not held or "rules" not in held:
        return []
    rules = [[rule["template"], rule.get("params") or {}] for rule in held["rules"] or []]
    return [held["trigger"]["settings"].get("cron", ""), rules]


def protected(place: HarborPlace) -> list:
    """Return patterns of the rules of the project, and whether they are enabled."""
    found = place.pages(f"/projects/{place.source}/immutabletagrules")
    return sorted([rule["tag_selectors"][0]["pattern"], not rule.get("disabled")] for rule in found)


def retained(place: HarborPlace) -> str:
    """Return the name of a project whose images a retention may delete."""
    return f"{place.prefix}-ret"


def push_to_retain(place: HarborPlace) -> None:
    """Create a project with tags that were pushed one after the other, and a policy that keeps some of them."""
    name = retained(place)
    place.ask("POST", f"{API}/projects", {"project_name": name, "metadata": {"public": "false"}})
    for tag in TAGS:
        place.push.image(f"{name}/app", tag, tag)
        place.wait(1.1)  # a retention compares whole seconds
    rule = {"template": "latestPushedK", "value": KEPT, "tag_selectors": [{"pattern": "v*", "untagged": False}]}
    place.done("harbor_retention_policy", projects=[name], rules=[rule])
    dry = place.done("harbor_retention_execution", run(place), dry_run=True)
    assert dry["changed"] and place.images(name) == {f"{name}/app": set(TAGS)}, "a dry run deleted images"


def run(place: HarborPlace) -> dict:
    """Return the options of a run that deletes images."""
    return {"projects": [retained(place)], "dry_run": False, "wait": True, "poll_interval": 2, "wait_timeout": 600}


CASES = [
    Case(POLICY, steps=steps(POLICY), seen=policy, target=lambda place: {"projects": [place.source]}),
    Case(RULES, steps=steps(RULES), seen=protected, target=lambda place: {"projects": [place.source]}),
]
FORECASTS = [
    Forecast(
        name="harbor_retention_execution",
        module="harbor_retention_execution",
        options=run,
        images=lambda place: place.images(retained(place)),
        prepare=push_to_retain,
    )
]
