# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that only read, without a twin that writes: what a registry deleted. test_histories.py says the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable

from fakes._base import Fake
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.swr import Swr

from contract import swr_rows

HOUR, DAY = 3600, 86400
TOKEN = "made-up-token-of-alice"
PASSWORD = "made-up-Secret1"
DIGEST = "sha256:" + "a" * 64


@dataclass
class HistoryRow:
    """What the suite needs to know of such a module. Options are those of the module, without `access`."""

    module: str
    fake: Callable[[], Fake]
    urls: list[str]
    access: dict
    wrong: dict  # the same with credentials that are refused
    refused: str  # a part of the message then
    secrets: list[str]
    target: dict  # options that name all
    night: list  # [target, tag, digest, because] of what went in the last 24 hours, the newest first
    runs: list  # [target, what, status, deleted, bytes] of that time
    week: int  # how many went in the last 7 days
    partial: tuple  # options that name a target that fails beside others, and its name
    path: str  # of the requests for the history
    bad: list[tuple[dict, str]]


def quay() -> Quay:
    """A Quay whose logs hold more than one page, a neighbour's too, and what is of no interest."""

    def entry(kind: str, hours: float, namespace: str, repo: str, performer: Any = None, **more: Any) -> dict:
        metadata = {"namespace": namespace, "repo": repo, **more}
        return dict(
            kind=kind,
            namespace=namespace,
            repo=repo,
            metadata=metadata,
            performer=performer,
            age_seconds=hours * HOUR,
        )

    pulls = [entry("pull_repo", number / 10, "acme", "app", "robot", tag="v1") for number in range(1, 60)]
    return Quay(
        {
            "users": [
                {"name": "alice", "tokens": [{"as": "alice", "token": TOKEN, "scopes": ["org:admin", "user:read"]}]},
                {"name": "mallory", "tokens": []},
            ],
            "organizations": [
                {"name": "acme", "admins": ["alice"], "repositories": [{"name": "app"}, {"name": "team/app"}]},
                {"name": "globex", "admins": ["alice"], "repositories": [{"name": "app"}]},
                {"name": "rivals", "admins": ["mallory"], "repositories": [{"name": "app"}]},
            ],
            "logs": [
                *pulls,
                entry("autoprune_tag_delete", 3, "acme", "app", tag="dev-1", performer_="autoprune worker"),
                entry("autoprune_tag_delete", 5, "acme", "team/app", tag="dev-2"),
                entry("delete_tag", 7, "globex", "app", "alice", tag="old", username="alice"),
                entry("delete_tag", 8, "globex", "app", "bot+x", tag="older", digest=DIGEST),
                entry("autoprune_tag_delete", 50, "acme", "app", tag="dev-0"),
                entry("autoprune_tag_delete", 300, "acme", "app", tag="dev-x"),
                entry("autoprune_tag_delete", 4, "rivals", "app", tag="dev-1"),
                entry("delete_repo", 20, "acme", "gone", "alice"),
                entry(
                    "create_namespace_autoprune_policy",
                    9,
                    "acme",
                    "",
                    "alice",
                    method="creation_date",
                    value="30d",
                    tag_pattern="^dev-",
                    tag_pattern_matches=True,
                ),
                entry("delete_repository_autoprune_policy", 10, "acme", "app", "alice", policy_uuid="fb41fe82"),
            ],
        }
    )


def swr() -> Swr:
    """An SWR whose policies deleted tags of two repositories."""
    rule = {"template": "tag_rule", "params": {"num": "12"}, "tag_selectors": []}

    def log(number: int, tag: str, hours: float) -> dict:
        return {
            "id": number,
            "retention_id": 4711,
            "tag": tag,
            "rule_type": json.dumps(rule),
            "age_seconds": hours * HOUR,
        }

    user = {"name": "robot", "domain": "acme-account", "password": swr_rows.PASSWORD}
    keys = [{"access": swr_rows.ACCESS, "secret": swr_rows.SECRET}]
    return Swr(
        {
            "users": [dict(user, access_keys=keys)],
            "projects": [{"name": "eu-de", "domain": "acme-account"}],
            "organizations": [
                {
                    "name": "acme",
                    "auth": {"robot": 7},
                    "repositories": [
                        {"name": "app", "tags": [], "histories": [log(1, "b-1", 50), log(2, "b-2", 5)]},
                        {"name": "team/app", "tags": [], "histories": [log(3, "c-1", 3), log(4, "c-0", 300)]},
                    ],
                }
            ],
        }
    )


def harbor() -> Harbor:
    """A Harbor in which people deleted something, and a garbage collection untagged artifacts."""

    def audit(event: str, hours: float, resource: str, username: str = "dora", **more: Any) -> dict:
        return {
            "event_type": event,
            "age_hours": hours,
            "count": 1,
            "of": dict(resource=resource, username=username, **more),
        }

    pairs = [(name, verb) for name in ("garbage-collection", "purge-audit") for verb in ("list", "read")]
    access = [{"resource": name, "action": verb} for name, verb in pairs]
    allowed = {"kind": "system", "namespace": "/", "access": access}
    return Harbor(
        {
            "users": [
                {"name": "admin", "password": PASSWORD, "sysadmin": True},
                {"name": "dora", "password": PASSWORD},
            ],
            "robots": [{"name": "robot$cleaner", "secret": PASSWORD, "permissions": [allowed]}],
            "projects": [{"name": "acme"}],
            "audit_rows": [
                audit("delete_artifact", 3, f"acme/app@{DIGEST}", "harbor-jobservice"),
                audit("delete_tag", 5, "acme/team/app:v1"),
                audit("delete_artifact", 6, f"acme/app@{DIGEST}", operation_result=False),
                audit("pull_artifact", 1, "acme/app:v2"),
                audit("delete_repository", 60, "acme/gone"),
                audit("delete_user", 2, "mallory"),
            ],
            "old_audit_rows": [
                {
                    "operation": "delete",
                    "age_hours": 7,
                    "count": 1,
                    "of": {"resource": "acme/old:v0", "resource_type": "tag"},
                }
            ],
            "executions": [
                run("GARBAGE_COLLECTION", 4, dict(GC, freed_space=2916, purged_blobs=2, purged_manifests=1)),
                run("GARBAGE_COLLECTION", 200, dict(GC, freed_space=1, purged_blobs=1, purged_manifests=0)),
                run("PURGE_AUDIT_LOG", 8, {"audit_retention_hour": 24, "dry_run": True, "include_event_types": ""}),
            ],
        }
    )


GC = {"delete_untagged": False, "delete_tag": False, "dry_run": False, "time_window": 2, "workers": 1}


def run(vendor: str, hours: float, extra: dict) -> dict:
    """Return a run that ended well so many hours ago."""
    seconds = {"start_seconds_ago": hours * HOUR, "duration_seconds": 4}
    return {"vendor_type": vendor, "trigger": "MANUAL", "status": "Success", "extra_attrs": extra, **seconds}


def digitalocean() -> DigitalOcean:
    """An account with garbage collections of last night and of last week."""
    done = {"type": "unreferenced blobs only", "status": "succeeded", "blobs_deleted": 42, "freed_bytes": 667}
    return DigitalOcean(
        {
            "tokens": [{"as": "admin", "token": TOKEN}],
            "registries": [
                {
                    "name": "acme",
                    "region": "fra1",
                    "runs": [dict(done, age_seconds=3 * HOUR), dict(done, age_seconds=3 * DAY)],
                },
                {"name": "globex", "region": "fra1", "runs": [dict(done, age_seconds=9 * DAY)]},
            ],
        }
    )


BAD = [
    ({"since": "yesterday"}, "24h or 7d"),
    ({"since": "-3h"}, "24h or 7d"),
    ({"since": "99999999999999999999d"}, "24h or 7d"),
    ({"since": "9" * 100000 + "d"}, "24h or 7d"),
    ({"since": "1h", "until": "2h"}, "before since"),
    ({"limit": -1}, "0 to 100000"),
    ({"history_file": "/nowhere/at/all.json"}, "its folder must be there"),
    ({"colour": "red"}, "Unsupported parameters"),
]
HISTORIES = [
    HistoryRow(
        module="quay_history_info",
        fake=quay,
        urls=["https://quay.test"],
        access={"quay_url": "https://quay.test", "quay_token": TOKEN},
        wrong={"quay_url": "https://quay.test", "quay_token": "made-up-token-nobody-knows"},
        refused="quay_token",
        secrets=[TOKEN, "made-up-token-nobody-knows"],
        target={"organizations": ["*"]},
        night=[
            ["acme/app", "dev-1", None, "auto-prune"],
            ["acme/team/app", "dev-2", None, "auto-prune"],
            ["globex/app", "old", None, "deleted by alice"],
            ["globex/app", "older", DIGEST, "deleted by bot+x"],
            ["acme/gone", None, None, "repository deleted by alice"],
        ],
        runs=[],
        week=6,
        partial=({"organizations": ["acme", "rivals", "globex"]}, "rivals"),
        path="logs",
        bad=[*BAD, ({"organizations": ["acme/app"]}, "no name of an organization")],
    ),
    HistoryRow(
        module="swr_history_info",
        fake=swr,
        urls=[swr_rows.SWR, swr_rows.IAM],
        access=swr_rows.KEYS,
        wrong=dict(swr_rows.KEYS, swr_secret_key="wrong-secret"),
        refused="secret key",
        secrets=[swr_rows.SECRET, "wrong-secret"],
        target={"namespace": "acme", "repositories": ["*"]},
        night=[
            ["acme/team/app", "c-1", None, "retention: all but the newest 12"],
            ["acme/app", "b-2", None, "retention: all but the newest 12"],
        ],
        runs=[],
        week=3,
        partial=({"repositories": ["app", "gone"]}, "gone"),
        path="histories",
        bad=BAD,
    ),
    HistoryRow(
        module="harbor_history_info",
        fake=harbor,
        urls=["https://harbor.test"],
        access={"harbor_url": "https://harbor.test", "harbor_username": "admin", "harbor_password": PASSWORD},
        wrong={"harbor_url": "https://harbor.test", "harbor_username": "admin", "harbor_password": "wrong-Secret1"},
        refused="harbor_password",
        secrets=[PASSWORD, "wrong-Secret1"],
        target={},
        night=[
            ["acme/app", None, DIGEST, "deleted by harbor-jobservice"],
            ["acme/team/app", "v1", None, "deleted by dora"],
            ["acme/old", "v0", None, "deleted by admin"],
        ],
        runs=[
            ["all repositories", "garbage collection", "Success", 3, 2916],
            ["audit log", "audit-log purge", "Success (dry run)", None, None],
        ],
        week=4,
        partial=({"harbor_username": "robot$cleaner"}, "audit_log"),
        path="/auditlog-exts?",
        bad=[*BAD, ({"parts": []}, "write some of"), ({"parts": ["gc"]}, "garbage_collection")],
    ),
    HistoryRow(
        module="do_history_info",
        fake=digitalocean,
        urls=["https://digitalocean.test"],
        access={"digitalocean_url": "https://digitalocean.test", "digitalocean_token": TOKEN},
        wrong={"digitalocean_url": "https://digitalocean.test", "digitalocean_token": "wrong-token"},
        refused="digitalocean_token",
        secrets=[TOKEN, "wrong-token"],
        target={"registries": ["*"]},
        night=[],
        runs=[["acme", "garbage collection (unreferenced blobs only)", "succeeded", 42, 667]],
        week=0,
        partial=({"registries": ["acme", "gone"]}, "gone"),
        path="garbage-collections",
        bad=[*BAD, ({"registries": ["ACME"]}, "no name of a registry")],
    ),
]
