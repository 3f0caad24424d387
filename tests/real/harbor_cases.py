# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract's rows and the forecasts of the modules for Harbor, as a real one can play them."""

from __future__ import annotations

import json
from typing import Any, Callable

from contract.harbor_replication_rows import HARBOR_REPLICATION_ROWS
from contract.harbor_rows import HARBOR_ROWS, STORED

from .case import Case, Forecast
from .harbor import API, HarborPlace, far_cron
from .place import Skipped

ROWS = {row.name: row for row in [*HARBOR_ROWS, *HARBOR_REPLICATION_ROWS]}
NOTHING = {"audit_retention_hour": 1, "dry_run": True, "include_event_types": "", "include_operations": ""}


def schedule(path: str, keys: tuple[str, ...]) -> Callable[[HarborPlace], Any]:
    """Return what looks at a schedule of the whole system: its word, its cron, and these parameters."""

    def seen(place: HarborPlace) -> Any:
        found = place.schedule(path)
        if not found:
            return None
        parameters = json.loads(found["job_parameters"])
        kept = {key: parameters[key] for key in keys if key in parameters}
        return [found["schedule"]["type"], found["schedule"]["cron"], kept]

    return seen


def put_back(path: str, held: dict | None, place: HarborPlace) -> None:
    """Bring a schedule of the whole system back to what Harbor said of it."""
    body = {"schedule": {"type": "None"}, "parameters": NOTHING}
    if held:
        kept = {key: held["schedule"][key] for key in ("type", "cron")}
        body = {"schedule": kept, "parameters": json.loads(held["job_parameters"])}
    place.ask("PUT", f"{API}/system/{path}/schedule", body)


def lend_purge_schedule(place: HarborPlace) -> None:
    """Take the schedule of the purge away for the time of a test."""
    place.needs_system((2, 13))
    held = place.schedule("purgeaudit")
    place.undo.append(lambda: put_back("purgeaudit", held, place))
    put_back("purgeaudit", None, place)


def lend_gc_schedule(place: HarborPlace) -> None:
    """Make sure that there is no schedule of the garbage collection that would have to be put back."""
    place.needs_system((2, 9))
    if place.schedule("gc"):
        raise Skipped("this Harbor has a schedule of its own, and does not say whether it is a dry run: it stays")
    place.undo.append(lambda: put_back("gc", None, place))


def purge_steps(place: HarborPlace) -> list[tuple[dict, Any]]:
    """The row's steps; that both schedules are dry runs, is part of it."""
    row, cron = ROWS["harbor_purge_schedule"], far_cron()
    return [
        ({**row.created, "schedule": "custom", "cron": cron}, ["Custom", cron, STORED]),
        ({**row.changed, "cron": far_cron(170)}, ["Custom", far_cron(170), dict(STORED, audit_retention_hour=2160)]),
        (row.removed, None),
    ]


def gc_steps(place: HarborPlace) -> list[tuple[dict, Any]]:
    """Create, change and remove a schedule that deletes nothing."""
    tag = {"delete_tag": False} if place.version >= (2, 15) else {}
    first, second = far_cron(), far_cron(170)
    return [
        (
            {"cron": first, "workers": 3, "dry_run": True},
            ["Custom", first, {"delete_untagged": False, "workers": 3, **tag}],
        ),
        (
            {"cron": second, "delete_untagged": True, "dry_run": True},
            ["Custom", second, {"delete_untagged": True, "workers": 3, **tag}],
        ),
        ({"state": "absent"}, None),
    ]


def find(key: str, name: Callable[[HarborPlace], str]) -> Callable[[HarborPlace, dict], dict | None]:
    """Return what finds the thing of that name in a result of an _info module."""
    return lambda place, found: next((item for item in found[key] if item["name"] == name(place)), None)


def own_endpoint(place: HarborPlace) -> str:
    """Return the name of the endpoint of the row."""
    return f"{place.prefix}-self"


def own_policy(place: HarborPlace) -> str:
    """Return the name of the policy of the row."""
    return f"{place.prefix}-row"


def endpoint(place: HarborPlace) -> Any:
    """Return what Harbor says of the row's endpoint."""
    found = place.named("/registries", own_endpoint(place))
    if not found:
        return None
    credential = found["credential"]
    whole = {"description": "", "insecure": False, **found}
    kept = [whole[key] for key in ("type", "url", "description", "insecure")]
    return [*kept, credential["access_key"], credential["access_secret"]]


def endpoint_steps(place: HarborPlace) -> list[tuple[dict, Any]]:
    """The row's steps."""
    name, itself = {"name": own_endpoint(place)}, place.itself()
    fixed = ["harbor", place.own_url, "", itself["insecure"], place.username, "*****"]
    return [
        ({**name, **itself, "url": f"{place.own_url}/ "}, fixed),
        ({**name, "description": "for disasters"}, [*fixed[:2], "for disasters", *fixed[3:]]),
        ({**name, "state": "absent"}, None),
    ]


def policy(place: HarborPlace) -> Any:
    """Return what Harbor says of the row's policy."""
    found = place.named("/replication/policies", own_policy(place))
    if not found:
        return None
    trigger, count = found["trigger"], found["dest_namespace_replace_count"]
    cron = trigger.get("trigger_settings", {}).get("cron", "")
    enabled = [found.get(key, False) for key in ("enabled", "override", "deletion")]
    where = [found["src_registry"]["name"], found.get("dest_namespace", ""), count]
    return [*where, *enabled, trigger["type"], cron, found["speed"], found["filters"]]


def policy_steps(place: HarborPlace) -> list[tuple[dict, Any]]:
    """The row's steps: what it would pull comes from one of the tests' projects and goes to the other."""
    repositories = f"{place.source}/{{app,none}}"
    kept = [
        {"type": "tag", "value": "v*", "decoration": "matches"},
        {"type": "name", "value": repositories},
    ]
    name, into = {"name": own_policy(place)}, f"{place.target}/mirror"
    created = {**name, "src_registry": place.peer, "dest_namespace": into}
    filters = [{"type": "tag", "value": "v*"}, {"type": "name", "value": repositories}]
    scheduled = {"trigger": "scheduled", "cron": far_cron(), "speed": 1024, "dest_namespace_replace_count": 1}
    fixed = [True, False, False]
    return [
        ({**created, "filters": filters}, [place.peer, into, -1, *fixed, "manual", "", 0, kept]),
        ({**name, **scheduled}, [place.peer, into, 1, *fixed, "scheduled", far_cron(), 1024, kept]),
        ({**name, "state": "absent"}, None),
    ]


def only_ours(place: HarborPlace, foretold: dict[str, set[str]]) -> None:
    """Raise Skipped if images of others would go."""
    others = sorted(name for name in foretold if name.partition("/")[0] not in (place.source, place.target))
    if others:
        raise Skipped(f"untagged artifacts of others would go, too, in {len(others)} repositories, such as {others[0]}")


CASES = [
    Case(
        ROWS["harbor_purge_schedule"],
        steps=purge_steps,
        seen=schedule("purgeaudit", tuple(STORED)),
        prepare=lend_purge_schedule,
    ),
    Case(
        ROWS["harbor_gc_schedule"],
        steps=gc_steps,
        seen=schedule("gc", ("delete_untagged", "delete_tag", "workers")),
        prepare=lend_gc_schedule,
    ),
    Case(
        ROWS["harbor_registry"],
        steps=endpoint_steps,
        seen=endpoint,
        feed=find("registries", own_endpoint),
        fresh=find("registries", own_endpoint),
    ),
    Case(
        ROWS["harbor_replication_policy"],
        steps=policy_steps,
        seen=policy,
        prepare=lambda place: place.with_peer(),
        feed=find("policies", own_policy),
        fresh=find("policies", own_policy),
    ),
]
FORECASTS = [
    Forecast(
        name="harbor_gc_execution",
        module="harbor_gc_execution",
        options=lambda place: {"delete_untagged": True, "wait": True, "poll_interval": 2},
        images=lambda place: {**place.images(place.source), **place.images(place.target)},
        prepare=lambda place: place.needs_system((2, 9)),
        harmless=only_ours,
    )
]
