# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the modules for Harbor."""

from __future__ import annotations

import json
import re
from typing import Any

from fakes.harbor import Harbor
from fakes.harbor.system import System

from contract.row import Row

URL = "https://harbor.test"
NAME, PASSWORD = "robot$cleaner", "made-up-Secret1"
PURGE, GC = "PURGE_AUDIT_LOG", "GARBAGE_COLLECTION"
ACTIONS = ("read", "list", "create", "update", "stop")
RESOURCES = ("purge-audit", "garbage-collection")
RIGHTS = [{"resource": resource, "action": action} for resource in RESOURCES for action in ACTIONS]
LISTS = [{"resource": resource, "action": "list"} for resource in ("repository", "artifact")]
ROBOT = {
    "as": "cleaner",
    "name": NAME,
    "secret": PASSWORD,
    "level": "system",
    "permissions": [
        {"kind": "system", "namespace": "/", "access": RIGHTS},
        {"kind": "project", "namespace": "*", "access": LISTS},
    ],
}
IMAGE = {"digest": "sha256:" + "a" * 64, "size": 5000, "tags": [{"name": "v1"}]}
LOST = {"digest": "sha256:" + "b" * 64, "size": 7000, "tags": []}
YEARLY = {"type": "Custom", "cron": "0 0 0 1 1 *"}
PARAMETERS = {
    PURGE: {"audit_retention_hour": 1000, "include_event_types": "login_user", "dry_run": False},
    GC: {"delete_untagged": True, "workers": 2},
}
RUN = {"trigger": "SCHEDULE", "status": "Success", "start_seconds_ago": 90, "duration_seconds": 10}


def harbor(own: str, scheduled: bool = False) -> Harbor:
    """A Harbor whose other kind of runs has a schedule and past runs, and waits for its next run."""
    other = GC if own == PURGE else PURGE
    fake = Harbor(
        {
            "robots": [ROBOT],
            "projects": [{"name": "acme", "repositories": [{"name": "team/app", "artifacts": [IMAGE, LOST]}]}],
            "schedules": [{"vendor_type": other, **YEARLY, "parameters": PARAMETERS[other]}],
            "executions": [{"vendor_type": other, **RUN, "extra_attrs": PARAMETERS[other]}],
            "audit_rows": [{"event_type": "pull_artifact", "age_hours": 99, "count": 3}],
        }
    )
    fake.switches["start_seconds"] = 1e9  # nothing that is started begins
    waiting = fake.jobs.execution(other, -1, "MANUAL", dict(PARAMETERS[other], dry_run=False))
    fake.jobs.task(waiting, lambda task: iter(()))
    return fake


def schedule(fake: Harbor, kind: str) -> list | None:
    """Return word, cron and parameters of the schedule of a kind."""
    found = fake.jobs.scheduled(kind)
    return found and [found.kind, found.cron, found.parameters]


def running(fake: Harbor, kind: str) -> list:
    """Return the parameters of the runs of a kind that go on, the newest first."""
    return [run.extra for run in reversed(fake.jobs.of(kind)) if run.status == "Running"]


def neighbours(own: str) -> Any:
    """Return what tells all that a row of this kind must leave alone."""
    other = GC if own == PURGE else PURGE

    def found(fake: Harbor) -> list:
        runs = [(run.id, run.status) for run in fake.jobs.of(other)]
        return [schedule(fake, other), runs, len(fake.family(System).audit), _digests(fake)]

    return found


def _digests(fake: Harbor) -> list:
    return [
        artifact["digest"]
        for project in fake.state()["projects"]
        for repository in project["repositories"]
        for artifact in repository["artifacts"]
    ]


def timeless(result: Any) -> Any:
    """Return a result without times."""
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=\"age\": )\d+|(?<=  )\d+(?= d )", "0", json.dumps(result)))


def goes_on(run: dict | None) -> int | None:
    """Return the number of a run that goes on."""
    return run["id"] if run and run["status"] == "Running" else None


def common(own: str, noun: str) -> dict:
    """Return what all rows of a kind have in common."""
    return dict(
        noun=noun,
        fake=lambda: harbor(own),
        urls=[URL],
        access={"harbor_url": URL, "harbor_username": NAME, "harbor_password": PASSWORD},
        wrong={"harbor_url": URL, "harbor_username": NAME, "harbor_password": "wrong-Secret1"},
        secrets=[PASSWORD, "wrong-Secret1"],
        target={},
        many={},  # a registry has just one
        of_many=list,
        failing="/schedule",
        once=1,
        timeless=timeless,
        untouched=neighbours(own),
        refused="harbor_password",
    )


BAD = [
    ({"harbor_url": "harbor"}, "https://registry.example.com"),
    ({"harbor_username": "admin:x"}, "without a colon"),
    ({"harbor_password": "two\nlines"}, "line break"),
    ({"dry_run": "perhaps"}, "dry_run"),
    ({"colour": "red"}, "Unsupported parameters"),
    ({"poll_interval": 0}, "above 0"),
    ({"wait_timeout": 0}, "above 0"),
]
BAD_CRONS = [
    ({"cron": "0 0 * * *"}, "write '0 0 0 * * *'"),
    ({"cron": "0 0 0 31 2 *"}, "never fires"),
    ({"cron": "0 , 0 * * *"}, "never fires"),
    ({"cron": "@daily"}, "schedule to hourly"),
    ({"cron": ""}, "six fields"),
    ({"schedule": "custom"}, "cron"),
    ({"schedule": "yearly"}, "hourly, daily, weekly, custom"),
]
BAD_PURGES = [
    ({"audit_retention_hour": 0}, "1 to 240000"),
    ({"audit_retention_hour": -2}, "audit_retention_hour"),
    ({"audit_retention_hour": 240001}, "1 to 240000"),
    ({"audit_retention_hour": 24.5}, "audit_retention_hour"),
    ({"audit_retention_hour": "90m"}, "whole number of hours"),
    ({"audit_retention_hour": "3 months"}, "such as 7d"),
    ({"include_event_types": ["pull_artefact"]}, "Did you mean 'pull_artifact'"),
    ({"include_event_types": ["create_artifact", " pull_artifact"]}, "Write 'pull_artifact'"),
    ({"include_event_types": ["Pull_artifact"]}, "Write 'pull_artifact'"),
    ({"include_event_types": []}, "nothing would be purged"),
    ({"include_operations": ["push"]}, "It knows create, delete, pull"),
]
BAD_WORKERS = [
    ({"workers": 11}, "1 to 10"),
    ({"workers": 0}, "1 to 10"),
    ({"delete_untagged": "all"}, "delete_untagged"),
]
TYPES = {"audit_retention_hour": 168, "include_event_types": ["pull_artifact", "create_artifact"]}
STORED = {"audit_retention_hour": 168, "dry_run": True, "include_event_types": "create_artifact,pull_artifact"}
OFF, ON = dict.fromkeys(("delete_untagged", "delete_tag"), False), {"delete_untagged": True, "delete_tag": False}
REDIS = "redis://redis:6379/1?idle_timeout_seconds=30"
JOB = {"time_window": 2, "redis_url_reg": REDIS}


def fed(found: dict) -> dict:
    """Return a schedule as options."""
    return {key: value for key, value in found["schedule"].items() if key != "active" and value is not None}


def stated(result: dict) -> dict:
    """Return a schedule of a result as the _info module shows it."""
    return result["schedule"] and {key: value for key, value in result["schedule"].items() if key != "server_preview"}


def readable(result: dict) -> dict:
    """Return a schedule of the garbage collection but for what Harbor does not show after a write."""
    found = stated(result)
    return found and {key: value for key, value in found.items() if key != "dry_run"}


HARBOR_ROWS = [
    Row(
        name="harbor_purge_schedule",
        module="harbor_purge_schedule",
        info="harbor_purge_info",
        created={"schedule": "daily", **TYPES, "dry_run": True},
        changed={"cron": "0 30 3 * * 0", "audit_retention_hour": "90d"},
        removed={"state": "absent"},
        server=lambda fake: schedule(fake, PURGE),
        wanted=[
            ["Daily", "0 0 0 * * *", STORED],
            ["Custom", "0 30 3 * * 0", dict(STORED, audit_retention_hour=2160)],
            None,
        ],
        feed=fed,
        bad=BAD + BAD_CRONS + BAD_PURGES,
        foretold=lambda result: (result["changed"], result["changed_targets"], result["schedule"], result["plan"]),
        shown=stated,
        fresh=stated,
        posts=False,
        **common(PURGE, "schedule"),
    ),
    Row(
        name="harbor_gc_schedule",
        module="harbor_gc_schedule",
        info="harbor_gc_info",
        created={"schedule": "weekly", "workers": 3},
        changed={"cron": "0 0 5 * * *", "delete_untagged": True, "dry_run": False, "max_deletions": 1},
        removed={"state": "absent"},
        server=lambda fake: schedule(fake, GC),
        wanted=[
            ["Weekly", "0 0 0 * * 0", dict(OFF, workers=3, dry_run=False)],
            ["Custom", "0 0 5 * * *", dict(ON, workers=3, dry_run=False)],
            None,
        ],
        feed=fed,
        beside_undo={"dry_run": False},  # Harbor has not shown it while no run began
        bad=BAD + BAD_CRONS + BAD_WORKERS,
        held=2,
        foretold=lambda result: (result["changed"], result["changed_targets"], result["plan"]["changed"]),
        shown=readable,
        fresh=readable,
        posts=False,
        **common(GC, "schedule"),
    ),
    Row(
        name="harbor_purge_execution",
        module="harbor_purge_execution",
        info="harbor_purge_info",
        created=TYPES,
        changed={**TYPES, "dry_run": True},
        removed={"state": "stopped", "wait": True},
        server=lambda fake: running(fake, PURGE),
        wanted=[[dict(STORED, dry_run=False)], [STORED, dict(STORED, dry_run=False)], []],
        feed=lambda found: {key: found["executions"][0][key] for key in (*TYPES, "dry_run")},
        bad=[*BAD, *BAD_PURGES, ({"id": 5}, "state: stopped"), ({"min_interval": "1 month"}, "min_interval")],
        foretold=lambda result: (result["changed"], result["changed_targets"], result["plan"]),
        shown=lambda result: goes_on(result["execution"]),
        fresh=lambda found: goes_on(found["executions"][0]),
        **common(PURGE, "execution"),
    ),
    Row(
        name="harbor_gc_execution",
        module="harbor_gc_execution",
        info="harbor_gc_info",
        created={"workers": 2},
        changed={"delete_untagged": True},
        removed={"state": "stopped", "wait": True},
        server=lambda fake: running(fake, GC),
        wanted=[
            [dict(OFF, workers=2, dry_run=False, **JOB)],
            [dict(ON, workers=1, dry_run=False, **JOB), dict(OFF, workers=2, dry_run=False, **JOB)],
            [],
        ],
        feed=lambda found: {key: found["executions"][0][key] for key in (*OFF, "dry_run", "workers")},
        bad=[*BAD, *BAD_WORKERS, ({"id": 5}, "state: stopped")],
        foretold=lambda result: (result["changed"], result["changed_targets"], result["plan"]["changed"]),
        shown=lambda result: goes_on(result["execution"]),
        fresh=lambda found: goes_on(found["executions"][0]),
        **common(GC, "execution"),
    ),
]
for row in HARBOR_ROWS:  # what an entry of BAD needs beside it, so that nothing else is refused
    row.bad = [(dict(row.created, **options), text) for options, text in row.bad]
