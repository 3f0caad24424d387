# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read of one kind of runs of Harbor: its schedule, its runs, one of them, a log."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import executions, registry, schedules

STATUSES = ("Running", "Success", "Error", "Stopped")
TRIGGERS = ("manual", "schedule")
ORDERS = {"newest": "-start_time", "oldest": "start_time"}
INFO_SPEC = dict(
    id=dict(type="int"),
    log=dict(type="bool", default=False),
    status=dict(type="list", elements="str", choices=list(STATUSES)),
    trigger=dict(type="str", choices=list(TRIGGERS)),
    dry_run=dict(type="bool"),
    sort=dict(type="str", choices=list(ORDERS), default="newest"),
    limit=dict(type="int", default=0),
)
NOUNS = ("schedule", "next_scheduled_time", "executions", "execution", "log")


def check(params: dict) -> list[str]:
    """Return no warnings; raises PlanRefused for options that do not go together. Pure."""
    if params["log"] and params["id"] is None:
        raise PlanRefused("log: write the id of the run whose log is wanted")
    check_limit(params)
    return []


def check_limit(params: dict) -> None:
    """Raise PlanRefused unless the limit is one."""
    if params["limit"] < 0:
        raise PlanRefused(f"limit: {params['limit']}: write how many runs to return at most, 0 for all")


def read(reader: schedules.Reader) -> dict:
    """Return schedule, next_scheduled_time, executions, and with id that execution and its log (GET only)."""
    params, found, schedule = reader.params, *reader.found_and_state()
    runs = reader.runs_of()
    following = found and found["schedule"].get("next_scheduled_time")
    one = None if params["id"] is None else runs.need_one(params["id"])
    if one and runs.final(one):
        one = dict(one, **runs.asked(runs.details, one, {}))
    return {
        "schedule": schedule and {key: value for key, value in schedule.items() if key != "server_preview"},
        "next_scheduled_time": registry.moment(following),
        "executions": [runs.shown(run) for run in _executions(runs, params)] if one is None else [],
        "execution": one and runs.shown(one),
        "log": runs.log(one) if one and params["log"] else None,
    }


def _executions(runs: executions.Executions, params: dict) -> list[dict]:
    wanted = {
        "status": params["status"] and f"{{{' '.join(params['status'])}}}",
        "trigger": params["trigger"] and params["trigger"].upper(),
        "extra_attrs.dry_run": None if params["dry_run"] is None else str(params["dry_run"]).lower(),
    }
    query = {"sort": ORDERS[params["sort"]]}
    terms = ",".join(f"{key}={value}" for key, value in wanted.items() if value)
    if terms:
        query["q"] = terms
    # Harbor answers with all runs if it does not know a key, so what comes is looked at again.
    return [
        run
        for run in runs.listed(query, params["limit"])
        if (not params["status"] or run["status"] in params["status"])
        and params["trigger"] in (None, run["trigger"])
        and params["dry_run"] in (None, run["dry_run"])
    ]
