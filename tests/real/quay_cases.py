# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract's rows and the forecasts of the modules for Quay, as a real one can play them."""

from __future__ import annotations

from typing import Any, Callable

from contract.quay_rows import QUAY_ROWS

from .case import Case, Forecast
from .place import Skipped
from .quay import TAGS, QuayPlace

REPOSITORY, ORGANIZATION, USER = QUAY_ROWS
KEPT = 2
MANY = 10**6  # tags: more than anybody has


def steps(row: Any) -> Callable[[QuayPlace], list[tuple[dict, Any]]]:
    """Return the row's own steps."""
    return lambda place: list(zip([row.created, row.changed, row.removed], row.wanted))


def harmless(place: QuayPlace) -> list[tuple[dict, Any]]:
    """Return steps whose policies prune nothing at all: they are the user's, and so are the images."""
    count = {"method": "number_of_tags", "value": MANY, "tag_pattern": "^v[0-9]"}
    age = {"method": "creation_date", "value": "100y", "tag_pattern": "^v[0-9]", "tag_pattern_matches": False}
    both = [["creation_date", "100y", "^v[0-9]", False], ["number_of_tags", MANY, "^v[0-9]", True]]
    older = [{**count, "value": MANY + 1}, {"method": "creation_date", "value": "99y"}]
    changed = [["creation_date", "99y", None, True], ["number_of_tags", MANY + 1, "^v[0-9]", True]]
    return [
        ({"policies": [count, age]}, both),
        ({"policies": older, "exclusive": True}, changed),
        (USER.removed, []),
    ]


def push_to_prune(place: QuayPlace) -> None:
    """Create an organization that never had a policy, and push tags one after the other."""
    place.needs_organization()
    place.create(place.pruned)
    for tag in TAGS:
        place.push.image(f"{place.pruned}/app", tag, tag)
        place.wait(1.1)  # Quay shows seconds and compares milliseconds


def pruned(place: QuayPlace) -> None:
    """Raise Skipped if the worker does not come within the time."""
    before = place.tags(f"{place.pruned}/app")
    if not place.until(lambda: place.tags(f"{place.pruned}/app") != before, place.settings.patience):
        text = f"the worker pruned nothing within {place.settings.patience:g} s (REGISTRY_HYGIENE_REAL_WAIT)"
        raise Skipped(f"{text}: whether the forecast is right was not seen")


CASES = [
    Case(
        REPOSITORY,
        steps=steps(REPOSITORY),
        seen=lambda place: place.policies(f"repository/{place.repository('app')}"),
        target=lambda place: {"repositories": [place.repository("app")]},
        prepare=lambda place: place.needs_pruning(),
    ),
    Case(
        ORGANIZATION,
        steps=steps(ORGANIZATION),
        seen=lambda place: place.policies(f"organization/{place.organization}"),
        target=lambda place: {"organizations": [place.organization]},
        prepare=lambda place: place.needs_organization(),
    ),
    Case(
        USER,
        steps=harmless,
        seen=lambda place: place.policies("user"),
        target=lambda place: {"current_user": True},
        prepare=lambda place: place.lend_user(),
    ),
]
FORECASTS = [
    Forecast(
        name="quay_autoprune_policy",
        module="quay_autoprune_policy",
        options=lambda place: {
            "repositories": [f"{place.pruned}/app"],
            "policies": [{"method": "number_of_tags", "value": KEPT}],
        },
        images=lambda place: {f"{place.pruned}/app": place.tags(f"{place.pruned}/app")},
        prepare=push_to_prune,
        happen=pruned,
    )
]
