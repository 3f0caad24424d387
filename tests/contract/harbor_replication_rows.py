# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the modules for Harbor's endpoints and replications."""

from __future__ import annotations

import json
import re
from typing import Any

from fakes.harbor import Harbor
from fakes.harbor.registries import Registries
from fakes.harbor.replication_policies import ReplicationPolicies

from contract.harbor_rows import BAD, NAME, PASSWORD, ROBOT, URL
from contract.row import Row

SECRET = "made-up-Secret2"
REPLICATION = "REPLICATION"
ACTIONS = ("read", "list", "create", "update", "delete")
RESOURCES = ("registry", "replication-policy", "replication")
RIGHTS = [{"resource": resource, "action": action} for resource in RESOURCES for action in ACTIONS]
ALPINE = {
    "name": "library/alpine",
    "artifacts": [{"digest": f"sha256:{'a' * 64}", "size": 5000, "type": "IMAGE", "tags": [{"name": "3.19"}]}],
}
HUB = {"as": "hub", "url": "http://hub.test", "type": "docker-registry", "anonymous": True, "repositories": [ALPINE]}
DR = {
    "as": "dr",
    "url": "https://dr.test",
    "type": "harbor",
    "insecure": True,
    "users": [{"name": "me", "password": SECRET, "sysadmin": True}],
}
ENDPOINTS = [
    {"name": "hub", "type": "docker-registry", "url": "http://hub.test"},
    {"name": "acme-2", "type": "docker-registry", "url": "http://hub.test"},  # its name holds that of the row's target
    {"name": "Acme", "type": "docker-registry", "url": "http://hub.test"},
]
NEIGHBOURS = [
    {
        "name": name,
        "src_registry": {"name": "hub"},
        "enabled": True,
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}},
        "filters": [{"type": "name", "value": "nothing/**"}],
    }
    for name in ("acme-2", "Acme", "my acme")
]
STARTED = [*NEIGHBOURS, {"name": "acme", "src_registry": {"name": "hub"}, "enabled": True}]


def harbor(policies: list | None = None) -> Harbor:
    """A Harbor with endpoints and policies whose names are nearly that of the row's target; no run ever begins."""
    robot = dict(ROBOT, permissions=[{"kind": "system", "namespace": "/", "access": RIGHTS}])
    fake = Harbor(
        {
            "robots": [robot],
            "remotes": [HUB, DR],
            "registries": ENDPOINTS,
            "replication_policies": NEIGHBOURS if policies is None else policies,
        }
    )
    fake.switches["start_seconds"] = 1e9
    neighbour = next(item for item in fake.family(ReplicationPolicies).known.values() if item.name == "acme-2")
    run = fake.jobs.execution(REPLICATION, neighbour.id, "MANUAL", {})
    fake.jobs.task(run, lambda task: iter(()))
    return fake


def endpoint(fake: Harbor) -> list | None:
    """Return what the fake holds of the row's endpoint."""
    found = [item for item in fake.family(Registries).known.values() if item.name == "acme"]
    keys = ("type", "url", "description", "insecure", "access_key", "access_secret")
    return [getattr(found[0], key) for key in keys] if found else None


def policy(fake: Harbor) -> list | None:
    """Return what the fake holds of the row's policy."""
    found = [item for item in fake.family(ReplicationPolicies).known.values() if item.name == "acme"]
    keys = ("src", "dest", "enabled", "override", "deletion", "kind", "cron", "speed", "dest_namespace", "filters")
    return [getattr(found[0], key) for key in keys] if found else None


def running(fake: Harbor) -> list:
    """Return the statuses of what runs of the row's policy."""
    number = next(item.id for item in fake.family(ReplicationPolicies).known.values() if item.name == "acme")
    return [run.status for run in fake.jobs.of(REPLICATION, number) if run.status == "Running"]


def others(fake: Harbor) -> Any:
    """Return all endpoints and policies but the row's, and what runs of them."""
    known = [*fake.family(Registries).known.values(), *fake.family(ReplicationPolicies).known.values()]
    runs = [(run.vendor_id, run.status) for run in fake.jobs.of(REPLICATION, 1)]
    return [item.__dict__ for item in known if item.name != "acme"], runs


def timeless(result: Any) -> Any:
    """Return a result without times."""
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "0", json.dumps(result)))


def named(noun: str) -> Any:
    """Return what finds the row's target in a result of an _info module."""
    return lambda found: next((item for item in found[noun] if item["name"] == "acme"), None)


def unmasked(result: dict) -> dict | None:
    """Return an endpoint of a result without what says that its secret was written."""
    return result["registry"] and dict(result["registry"], access_secret=None)


def fed(found: dict) -> dict:
    """Return what goes on as options."""
    run = goes_on(found["executions"][0])
    return {"policies": ["acme"], "state": "started" if run else "stopped"}


def goes_on(run: dict | None) -> int | None:
    """Return the number of an execution that goes on."""
    return run["id"] if run and run["status"] == "InProgress" else None


def common(**more: Any) -> dict:
    """Return what the rows have in common."""
    return dict(
        fake=harbor,
        urls=[URL],
        access={"harbor_url": URL, "harbor_username": NAME, "harbor_password": PASSWORD},
        wrong={"harbor_url": URL, "harbor_username": NAME, "harbor_password": "wrong-Secret1"},
        secrets=[PASSWORD, SECRET, "wrong-Secret1"],
        target={},
        many={},
        of_many=list,
        once=1,
        timeless=timeless,
        untouched=others,
        refused="harbor_password",
        **more,
    )


def own(bad: list) -> list:
    """Return the entries of BAD that all modules for Harbor have in common, and more."""
    return [
        (options, text) for options, text in BAD if not {"dry_run", "poll_interval", "wait_timeout"} & set(options)
    ] + bad


ACME = {"name": "acme"}
NEW = {
    **ACME,
    "type": "harbor",
    "url": "https://dr.test/ ",
    "insecure": True,
    "access_key": "me",
    "access_secret": SECRET,
}
ALL = {
    **ACME,
    "src_registry": "hub",
    "filters": [{"type": "tag", "value": "3.*"}, {"type": "name", "value": "library/{alpine,busybox}"}],
}
KEPT = [{"type": "tag", "value": "3.*", "decoration": "matches"}, {"type": "name", "value": "library/{alpine,busybox}"}]
SCHEDULE = {"trigger": "scheduled", "cron": "0 30 3 * * 0", "dest_namespace": "mirror/hub", "speed": 1024}
HARBOR_REPLICATION_ROWS = [
    Row(
        name="harbor_registry",
        module="harbor_registry",
        info="harbor_registry_info",
        noun="registry",
        created=NEW,
        changed={**ACME, "description": "for disasters"},
        removed={**ACME, "state": "absent"},
        server=endpoint,
        wanted=[
            ["harbor", "https://dr.test", "", True, "me", SECRET],
            ["harbor", "https://dr.test", "for disasters", True, "me", SECRET],
            None,
        ],
        feed=named("registries"),
        beside_undo={"access_secret": SECRET},  # it is in no plan file
        bad=own(
            [
                ({**NEW, "name": ""}, "1 to 64 bytes"),
                ({**NEW, "name": "ü" * 33}, "1 to 64 bytes"),
                ({**NEW, "url": "ftp://dr.test"}, "no address"),
                ({**NEW, "url": "https://me:hidden@dr.test"}, "access_secret"),
                ({**NEW, "access_secret": "*****"}, "asterisks"),
                ({**NEW, "access_key": ""}, "access_key"),
                ({**NEW, "ca_certificate": "/etc/ca.pem"}, "PEM"),
                ({**NEW, "access_secret": None, "update_secret": "always"}, "access_secret"),
                ({**NEW, "update_secret": "never"}, "on_create, always"),
                ({"exclusive": True, **NEW}, "registries"),
                ({"registries": [], "exclusive": True}, "everything would go"),
                ({"registries": [NEW, {"type": "quay"}]}, "name"),
                ({"registries": [NEW], **ACME}, "mutually exclusive"),
                ({}, "name, registries"),
            ]
        ),
        shown=unmasked,
        fresh=named("registries"),
        failing="/registries$",
        **common(),
    ),
    Row(
        name="harbor_replication_policy",
        module="harbor_replication_policy",
        info="harbor_replication_policy_info",
        noun="policy",
        created=ALL,
        changed={**ACME, **SCHEDULE},
        removed={**ACME, "state": "absent"},
        server=policy,
        wanted=[
            [1, 0, True, False, False, "manual", "", 0, "", KEPT],
            [1, 0, True, False, False, "scheduled", "0 30 3 * * 0", 1024, "mirror/hub", KEPT],
            None,
        ],
        feed=named("policies"),
        bad=own(
            [
                ({**ALL, "name": ""}, "1 to 256 characters"),
                ({**ALL, "name": "x" * 257}, "1 to 256 characters"),
                ({**ALL, "dest_registry": "acme-2"}, "leave one of them out"),
                ({**ALL, "dest_namespace": "Mirror"}, "lower-case"),
                ({**ALL, "dest_namespace_replace_count": "two"}, "how many parts"),
                ({**ALL, "dest_namespace_replace_count": 128}, "up to 127"),
                ({**ALL, "speed": -1}, "Kbit/s"),
                ({**ALL, "speed": 2**31}, "Kbit/s"),
                ({**ALL, "trigger": "hourly"}, "manual, scheduled, event_based"),
                ({**ALL, "trigger": "manual", "cron": "0 0 2 * * *"}, "trigger: scheduled"),
                ({**ALL, "trigger": "scheduled", "cron": "0 0 0 31 2 *"}, "never fires"),
                ({**ALL, "trigger": "scheduled", "cron": "0 * * * * *"}, "each minute"),
                ({**ALL, "trigger": "scheduled", "cron": "TZ=UTC 0 0 2 * * *"}, "time zone"),
                ({**ALL, "trigger": "scheduled", "cron": "0 0 2 * *"}, "write '0 0 0 2 * *'"),
                ({**ALL, "trigger": "event_based", "single_active_replication": True}, "leave it out"),
                ({**ALL, "filters": [{"type": "size", "value": "1"}]}, "name, tag, label, resource"),
                ({**ALL, "filters": [{"type": "tag", "value": ["v1"]}]}, "one text"),
                ({**ALL, "filters": [{"type": "tag", "value": "[a-"}]}, "no pattern"),
                ({**ALL, "filters": [{"type": "label", "value": []}]}, "as a list"),
                ({**ALL, "filters": [{"type": "name", "value": "x", "decoration": "excludes"}]}, "decoration"),
                ({**ALL, "filters": [{"type": "resource", "value": "helm"}]}, "image or artifact"),
                ({**ALL, "filters": [{"type": "tag", "value": "<" * 200}]}, "too long"),
                ({**ALL, "wait_timeout": 0}, "above 0"),
                ({"exclusive": True, **ALL}, "policies"),
                ({"policies": [], "exclusive": True}, "everything would go"),
                ({"policies": [ALL, {"src_registry": "hub"}]}, "name"),
                ({}, "name, policies"),
            ]
        ),
        fresh=named("policies"),
        shown=lambda result: result["policy"],
        reading=1,
        failing="/policies$",
        **common(),
    ),
    Row(
        name="harbor_replication_execution",
        module="harbor_replication_execution",
        info="harbor_replication_info",
        noun="execution",
        created={"policies": ["acme"]},
        changed={"policies": ["acme"], "state": "stopped", "wait": True},
        removed={"policies": ["acme"], "state": "started"},
        server=running,
        wanted=[["Running"], [], ["Running"]],
        feed=fed,
        bad=own(
            [
                ({"policies": ["acme"], "id": 5}, "state: stopped"),
                ({"policies": ["acme", "x"], "id": 5, "state": "stopped"}, "just that one"),
                ({"policies": ["acme"], "min_interval": "1 month"}, "min_interval"),
                ({"policies": ["acme"], "poll_interval": 0}, "above 0"),
                ({}, "policies"),
            ]
        ),
        foretold=lambda result: (result["changed"], result["changed_targets"], result["plan"]),
        shown=lambda result: goes_on(result["execution"]),
        fresh=lambda found: goes_on(found["executions"][0]),
        failing="/executions",
        **{**common(), "fake": lambda: harbor(STARTED), "once": 2},
    ),
]
for row in HARBOR_REPLICATION_ROWS:
    row.bad = [
        ({**({} if {"registries", "policies", "name"} & set(options) or not options else row.created), **options}, text)
        for options, text in row.bad
    ]
