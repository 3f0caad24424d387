# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read of replications of Harbor: policies, executions, the tasks of one, a log."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import NotFound, PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    information,
    listings,
    registry,
    replication,
    replication_runs,
)

INFO_SPEC = dict(
    policies=dict(type="list", elements="str"),
    status=dict(type="list", elements="str", choices=list(replication_runs.STATUSES)),
    trigger=dict(type="str", choices=list(replication.TRIGGERS)),
    sort=dict(type="str", choices=list(information.ORDERS), default="newest"),
    limit=dict(type="int", default=0),
    id=dict(type="int"),
    task_status=dict(type="str", choices=[replication_runs.PENDING, *replication_runs.STATUSES]),
    resource_type=dict(type="str"),
    task_id=dict(type="int"),
)
NOUNS = ("policies", "executions", "execution", "tasks", "log")


def check(params: dict) -> list[str]:
    """Return no warnings; raises PlanRefused for options that do not go together. Pure."""
    for option in ("task_status", "resource_type", "task_id"):
        if params[option] is not None and params["id"] is None:
            raise PlanRefused(f"{option}: write the id of the execution whose tasks are meant")
    information.check_limit(params)
    return []


def read(client: api.Client, params: dict) -> dict:
    """Return policies, executions, and with id that execution, its tasks and a log (GET only)."""
    version, number = registry.version(client), params["id"]
    rows = listings.chosen(client, listings.POLICIES, params["policies"])
    found = {
        "policies": [replication.state_of(version, row) for row in rows],
        **dict.fromkeys(("executions", "tasks"), []),
        **dict.fromkeys(("execution", "log")),
    }
    if number is None:
        return dict(found, executions=_executions(client, params, rows))
    one = replication_runs.one(client, number)
    if one is None:
        raise NotFound(f"there is no replication execution {number}, or Harbor has forgotten it", 404)
    query = {"status": params["task_status"], "resource_type": params["resource_type"]}
    found["execution"] = _shown(one, _names(client))
    found["tasks"] = replication_runs.tasks(client, number, query)
    if params["task_id"] is not None:
        found["log"] = replication_runs.log(client, number, params["task_id"])
    return found


def _names(client: api.Client) -> dict:
    return {row["id"]: name for name, row in listings.known(client, listings.POLICIES).items()}


def _shown(run: dict, names: dict) -> dict:
    found = {key: run.get(key) for key in replication_runs.KEYS}
    return dict(found, policy=names.get(run["policy_id"]))


def _executions(client: api.Client, params: dict, rows: list) -> list[dict]:
    statuses, names = params["status"] or [], _names(client)
    query = {"sort": information.ORDERS[params["sort"]], "trigger": params["trigger"]}
    if len(statuses) == 1:
        query["status"] = statuses[0]
    most = params["limit"] if len(statuses) < 2 else 0  # Harbor takes one status

    def of(policy: int | None) -> list:
        runs = replication_runs.listed(client, dict(query, policy_id=policy), most)
        fits = [run for run in runs if not statuses or run["status"] in statuses]
        return fits[: params["limit"] or None]

    some = [None] if params["policies"] is None else [row["id"] for row in rows]
    return [_shown(run, names) for found in client.each(of, some) for run in found]
