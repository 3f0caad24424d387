# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo estate of the fake Harbor: seven projects, some 1500 artifacts, and what years of use have left behind."""

from __future__ import annotations

import hashlib
import json
import random
from copy import deepcopy
from functools import lru_cache
from typing import Any

SEED = 20261121
DAY = 86400
SIZES = {"library": 6, "platform": 14, "shop": 18, "web": 12, "sandbox": 8, "2024": 2}
PREFIXES = ("", "", "", "api/", "jobs/", "team/be/", "team/fe/")
SUBJECTS = ("auth", "billing", "cart", "docs", "edge", "mailer", "proxy", "reports", "search", "store", "worker")
BASE = {"digest": "sha256:" + hashlib.sha256(b"base layer").hexdigest(), "size": 28_000_000}
ALL_TAGS = [{"kind": "doublestar", "decoration": "matches", "pattern": "**", "extras": json.dumps({"untagged": True})}]
EVERYWHERE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
SYSTEM_RIGHTS = {
    "purge-audit": ("read", "create", "list", "update", "stop"),
    "garbage-collection": ("read", "create", "list", "update", "stop"),
    "registry": ("read", "create", "delete", "list", "update"),
    "replication-policy": ("read", "create", "delete", "list", "update"),
    "replication": ("read", "create", "list"),
    "replication-adapter": ("list",),
    "jobservice-monitor": ("list", "stop"),
    "audit-log": ("list",),
    "project": ("list",),
}
PROJECT_RIGHTS = {
    "tag-retention": ("read", "create", "list", "update", "delete"),
    "immutable-tag": ("create", "list", "update", "delete"),
    "repository": ("pull", "list", "read"),
    "artifact": ("read", "list"),
    "tag": ("list",),
    "accessory": ("list",),
    "project": ("read",),
}


def estate() -> dict[str, Any]:
    """Returns a fresh copy of the demo estate in the form that the fake's constructor takes."""
    return deepcopy(shared_estate())


@lru_cache(maxsize=1)
def shared_estate() -> dict[str, Any]:
    """Returns the demo estate itself, built once; not to be changed."""
    chance = random.Random(SEED)
    projects = [_project(chance, name, count) for name, count in SIZES.items()]
    by_name = {project["name"]: project for project in projects}
    by_name["library"]["public"] = True
    # Rules typed by hand: one counts for nothing, one deletes what it should keep, one protects a single project.
    by_name["platform"]["retention"] = _retention("0 0 3 * * *", _rule("latestPushedK", 5, []))
    by_name["web"]["retention"] = _retention("", _rule("nDaysSinceLastPull", "30", ALL_TAGS))
    by_name["shop"]["immutable_rules"] = [_immutable("v*.*.0", "**"), _immutable("{stable,latest}", "team/**")]
    return {
        "version": "v2.16.0-c50c7ddd",
        "users": [
            {"as": "admin", "name": "admin", "password": "Harbor12345", "sysadmin": True},
            {"as": "olga", "name": "olga", "password": "Olga-12345", "sysadmin": False},
            {"as": "dora", "name": "dora", "password": "Dora-12345", "sysadmin": False},
        ],
        "robots": [_robot("hygiene", "Hygiene-Secret-1", True), _robot("reader", "Reader-Secret-1", False)],
        "labels": ["keep", "qa"],
        "projects": [*projects, {"name": "archive", "public": False, "members": [], "repositories": []}],
        "remotes": _remotes(chance),
        "registries": [
            _registry("hub", "harbor", "https://hub.example.test", "mirror", "Mirror-12345"),
            _registry("old-mirror", "docker-registry", "http://mirror.example.test:5000", "", ""),
        ],
        "replication_policies": _policies(),
        "audit_rows": _audit_rows(chance),
        "old_audit_rows": [{"operation": name, "age_hours": 9000, "count": 150} for name in ("pull", "create", "push")],
        "executions": _history(),
        # Stored before the upgrade to 2.13: it runs every night and purges nothing.
        "schedules": [
            {
                "vendor_type": "PURGE_AUDIT_LOG",
                "type": "Daily",
                "cron": "0 0 0 * * *",
                "parameters": {"audit_retention_hour": 2160, "dry_run": False, "include_operations": "pull,create"},
            }
        ],
    }


def _digest(chance: random.Random) -> str:
    return f"sha256:{chance.getrandbits(256):064x}"


def _image(chance: random.Random, age: float, tags: list[str], pulled: float | None = None) -> dict[str, Any]:
    config, layer = {"digest": _digest(chance), "size": 3200}, chance.randrange(10**5, 10**8)
    return {
        "digest": _digest(chance),
        "size": 3200 + BASE["size"] + layer,
        "type": "IMAGE",
        "push_seconds_ago": age,
        "pull_seconds_ago": pulled,
        "labels": ["keep"] if chance.random() < 0.02 else [],
        "tags": [{"name": name, "push_seconds_ago": age, "pull_seconds_ago": pulled} for name in tags],
        "blobs": [config, BASE, {"digest": _digest(chance), "size": layer}],
        "manifest_size": 740,
    }


def _repository(chance: random.Random, name: str) -> dict[str, Any]:
    count, artifacts = chance.randrange(8, 40), []
    ages = sorted((chance.uniform(0.1, 720) * DAY for _number in range(count)), reverse=True)
    for number, age in enumerate(ages):
        pulled = chance.uniform(0, age) if chance.random() < 0.4 else None
        kind = chance.random()
        if kind < 0.12:
            artifacts.append(_image(chance, age, [], pulled))
        elif kind < 0.3:
            artifacts.append(_image(chance, age, [f"pr-{chance.randrange(10, 999)}-{number}"], pulled))
        elif kind < 0.36:
            artifacts.extend(_index(chance, age, f"v{number // 6}.{number % 6}.0"))
        else:
            artifacts.append(
                _image(chance, age, [f"v{number // 6}.{number % 6}.{chance.randrange(9)}-{number}"], pulled)
            )
            if kind > 0.9:
                artifacts[-1]["accessories"] = [{"digest": _digest(chance), "type": "signature.cosign"}]
    # One digest with an old version and a tag that moves.
    newest = next(item for item in reversed(artifacts) if item["tags"] and "references" not in item)
    newest["tags"].append({"name": "latest", "push_seconds_ago": 3600, "pull_seconds_ago": 60})
    return {"name": name, "artifacts": artifacts}


def _index(chance: random.Random, age: float, tag: str) -> list[dict[str, Any]]:
    children = [_image(chance, age, []), _image(chance, age, [f"{tag}-arm64"] if chance.random() < 0.3 else [])]
    index = {**_image(chance, age, [tag]), "size": sum(child["size"] for child in children), "blobs": []}
    platforms = ("amd64", "arm64")
    index["references"] = [
        {"digest": child["digest"], "platform": {"architecture": platform, "os": "linux"}}
        for child, platform in zip(children, platforms)
    ]
    return [*children, index]


def _project(chance: random.Random, name: str, count: int) -> dict[str, Any]:
    names = [f"{prefix}{subject}" for prefix in PREFIXES[2:] for subject in SUBJECTS]
    return {
        "name": name,
        "public": False,
        "members": [{"user": "olga", "role": "projectAdmin"}, {"user": "dora", "role": "developer"}],
        "labels": ["release"],
        "repositories": [_repository(chance, item) for item in chance.sample(names, count)],
    }


def _rule(template: str, value: Any, tags: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "action": "retain",
        "template": template,
        "params": {template: value},
        "tag_selectors": tags,
        "scope_selectors": EVERYWHERE,
    }


def _retention(cron: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"algorithm": "or", "rules": list(rules), "trigger": {"kind": "Schedule", "settings": {"cron": cron}}}


def _immutable(tags: str, repositories: str) -> dict[str, Any]:
    return {
        "disabled": False,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]
        },
    }


def _robot(name: str, secret: str, writes: bool) -> dict[str, Any]:
    def access(rights: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
        pairs = ((resource, action) for resource, actions in rights.items() for action in actions)
        return [{"resource": one, "action": two} for one, two in pairs if writes or two in ("read", "list", "pull")]

    return {
        "as": name,
        "name": f"robot${name}",
        "secret": secret,
        "level": "system",
        "permissions": [
            {"kind": "system", "namespace": "/", "access": access(SYSTEM_RIGHTS)},
            {"kind": "project", "namespace": "*", "access": access(PROJECT_RIGHTS)},
        ],
    }


def _remotes(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "as": "hub",
            "url": "https://hub.example.test",
            "type": "harbor",
            "healthy": True,
            "anonymous": True,
            "users": [{"name": "mirror", "password": "Mirror-12345", "sysadmin": False}],
            "labels": ["qa"],
            "projects": [{"name": "base", "public": True, "repositories": [_repository(chance, "alpine")]}],
        },
        {
            "as": "old-mirror",
            "url": "http://mirror.example.test:5000",
            "type": "docker-registry",
            "healthy": False,
            "anonymous": True,
            "repositories": [_repository(chance, "base/busybox")],
        },
    ]


def _registry(name: str, kind: str, url: str, key: str, secret: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "url": url, "access_key": key, "access_secret": secret}


def _policies() -> list[dict[str, Any]]:
    nightly = {"type": "scheduled", "trigger_settings": {"cron": "0 30 2 * * *"}}
    return [
        {
            "name": "mirror-base",
            "src_registry": {"name": "hub"},
            "dest_namespace": "library",
            "filters": [{"type": "name", "value": "base/**"}, {"type": "tag", "value": "v*", "decoration": "matches"}],
            "trigger": nightly,
            "enabled": True,
            "override": True,
        },
        {
            "name": "push-releases",
            "dest_registry": {"name": "hub"},
            "filters": [{"type": "name", "value": "shop/**"}, {"type": "label", "value": ["keep"]}],
            "trigger": {"type": "event_based"},
            "enabled": True,
            "deletion": True,  # a deletion here deletes there
        },
        {"name": "old mirror, off since 2024", "dest_registry": {"name": "old-mirror"}, "enabled": False},
    ]


def _audit_rows(chance: random.Random) -> list[dict[str, Any]]:
    kinds = {"pull_artifact": 900, "create_artifact": 250, "delete_artifact": 60, "login_user": 300, "create_robot": 4}
    ages = (2, 30, 200, 1000, 4000, 9000)
    return [
        {"event_type": kind, "age_hours": age, "count": chance.randrange(most // 2, most) // len(ages) + 1}
        for kind, most in kinds.items()
        for age in ages
    ]


def _history() -> list[dict[str, Any]]:
    purge = {"audit_retention_hour": 2160, "dry_run": False, "include_event_types": ""}
    gc = {"delete_untagged": False, "delete_tag": False, "dry_run": False, "time_window": 2, "workers": 1}
    done = {"freed_space": 0, "purged_blobs": 0, "purged_manifests": 0}
    runs = [("PURGE_AUDIT_LOG", "SCHEDULE", day, purge) for day in (3, 2, 1)]
    runs.append(("GARBAGE_COLLECTION", "MANUAL", 40, {**gc, **done}))
    return [
        {
            "vendor_type": vendor,
            "trigger": trigger,
            "status": "Success",
            "start_seconds_ago": day * DAY,
            "duration_seconds": 4,
            "extra_attrs": extra,
        }
        for vendor, trigger, day, extra in sorted(runs, key=lambda run: -run[2])
    ]
