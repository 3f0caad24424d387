# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the modules for DigitalOcean."""

from __future__ import annotations

import json
import re
from typing import Any

from fakes.digitalocean import DigitalOcean

from contract.row import Row

URL = "https://digitalocean.test"
TOKEN = "dop_v1_made-up-token"
BLOBS, BOTH = "unreferenced blobs only", "untagged manifests and unreferenced blobs"
COUNT = 20


def digitalocean() -> DigitalOcean:
    """An account with the target of the row and neighbours that are not to be touched."""
    neighbour = {"type": BLOBS, "status": "waiting for write JWTs to expire", "age_seconds": 100}
    return DigitalOcean(
        {
            "tokens": [{"as": "admin", "token": TOKEN}],
            "registries": [
                {"name": "acme", "region": "fra1"},
                {"name": "acme-archive", "region": "fra1", "runs": [neighbour]},
                *[{"name": f"bulk-{number:02}", "region": "fra1"} for number in range(COUNT)],
            ],
        }
    )


def running(fake: DigitalOcean, name: str) -> list:
    """Return type and status of what is running in a registry; all but "cancelling" is "running"."""
    active = [run for run in fake.runs(name) if run["status"] not in ("succeeded", "failed", "cancelled")]
    return [[run["type"], "cancelling" if run["status"] == "cancelling" else "running"] for run in active]


def neighbours(fake: DigitalOcean) -> list:
    """Return all registries but that of the row; what runs in them goes on."""
    text = json.dumps([item for item in fake.state()["registries"] if item["name"] != "acme"])
    return json.loads(re.sub(r'"status": "[^"]*"', '""' + ": 0", text))


def timeless(result: Any) -> Any:
    """Return a result without times, and without identifiers, which depend on the order of requests."""
    varying = r"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    return json.loads(re.sub(varying, "", json.dumps(result)))


DIGITALOCEAN_ROWS = [
    Row(
        name="do_registry_gc",
        module="do_registry_gc",
        info="do_registry_gc_info",
        noun="garbage_collection",
        fake=digitalocean,
        urls=[URL],
        access={"digitalocean_url": URL, "digitalocean_token": TOKEN},
        wrong={"digitalocean_url": URL, "digitalocean_token": "dop_v1_wrong"},
        secrets=[TOKEN, "dop_v1_wrong"],
        target={"registries": ["acme"]},
        created={},
        changed={"type": BOTH, "if_active": "wait"},
        removed={"state": "absent"},
        server=lambda fake: running(fake, "acme"),
        wanted=[[[BLOBS, "running"]], [[BOTH, "running"]], [[BOTH, "cancelling"]]],
        feed=lambda found: {"registries": [found["registries"]["registry"]["name"]]},
        many={"registries": ["bulk-*"]},
        of_many=lambda fake: [running(fake, f"bulk-{number:02}") for number in range(COUNT)],
        but=(["bulk-1*", "bulk-01"], 9),
        failing="/bulk-15$",
        bad=[
            ({"type": "everything"}, "unreferenced blobs only"),
            ({"min_interval": "1 month"}, "min_interval"),
            ({"min_interval": "7"}, "such as 7d"),
            ({"only_if_garbage": True}, "only_if_garbage"),
            ({"if_active": "kill"}, "adopt, wait, fail"),
            ({"wait_timeout": 0}, "above 0"),
            ({"poll_interval": -1}, "above 0"),
            ({"registries": ["Acme"]}, "no name of a registry"),
            ({"registries": ["a/b"]}, "no name of a registry"),
            ({"colour": "red"}, "Unsupported parameters"),
            ({"digitalocean_url": "digitalocean"}, "https://registry.example.com"),
        ],
        count=COUNT,
        held=2,
        reading=2,
        foretold=lambda result: (result["changed"], result["changed_targets"]),
        shown=lambda result: result["garbage_collection"]["uuid"],
        fresh=lambda found: found["registries"]["active"]["uuid"],
        timeless=timeless,
        untouched=neighbours,
    )
]
