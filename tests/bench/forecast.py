# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the forecast of a large plan in check mode: its time, its requests and its memory.

Each forecast must name as many images, of each repository, as the fake's prune worker then deletes.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Iterator, NamedTuple

import stage

REPOSITORIES = 1000
TAGS = 100  # of each, half of them releases, half of them builds
DECLARED = [
    {"method": "number_of_tags", "value": 10, "tag_pattern": "^v[0-9]"},
    {"method": "creation_date", "value": "30d", "tag_pattern": "^dev-"},
]
TARGETS = {"repositories": ["big/*"], "organizations": ["big"]}  # each in one task
RUNS = 3  # at most
SHOWN = "{{ found.plan.images.count }} {{ found.plan.images.uncertain_count }} {{ found.plan.images.total }}"


class Run(NamedTuple):
    """What one forecast took."""

    seconds: float
    requests: int
    mebibytes: float  # of the largest process


def organization() -> dict:
    """Returns an organization of many repositories without policies."""
    repositories = []
    for number in range(REPOSITORIES):
        tags = []
        for name, count in (("v", TAGS // 2), ("dev-", TAGS - TAGS // 2)):
            for age in range(count):
                digest = f"sha256:{number:032x}{len(tags):032x}"
                tags.append({"name": f"{name}{age}", "digest": digest, "age_seconds": age * 86400 + 43200, "size": 1})
        repositories.append({"name": f"app-{number:04}", "tags": tags})
    return {"name": "big", "repositories": repositories}


def measure(folder: Path, kind: str) -> Run:
    """Returns what a forecast took; exits unless it is right and nothing was written."""
    print(f"forecast, {kind}", end="", file=sys.stderr, flush=True)
    options = {kind: TARGETS[kind], "policies": DECLARED}
    tasks = [
        {"registry.hygiene.quay_autoprune_policy": options, "register": "found"},
        {"ansible.builtin.debug": {"msg": f"foretold {SHOWN}"}},
    ]
    with stage.quay(folder, organization()) as server:
        server.ask("/config")  # what the server does only once
        server.ask("/_fake/writes", method="DELETE")
        command = [sys.executable, "-c", stage.WATCH, *stage.playbook(folder, tasks), "--check"]
        output, seconds = stage.run(command, stage.environment(folder, server.url, in_process=True))
        requests = server.ask("/_fake/requests")
        gone = deleted(server)
    foretold = tuple(map(int, re.search(r"foretold (\d+) (\d+) (\d+)", output).groups()))
    mebibytes = int(output.split()[-1]) / (2**20 if sys.platform == "darwin" else 2**10)
    wrong = sum(entry["method"] != "GET" or entry["status"] != 200 for entry in requests)
    total = REPOSITORIES * TAGS
    if foretold != (sum(gone.values()), 0, total) or len(set(gone.values())) != 1 or len(gone) != REPOSITORIES or wrong:
        sys.exit(f": foretold {foretold}, gone {sum(gone.values())} of {total}, {wrong} wrong requests\n{output}")
    print(f": {seconds:.2f} s, {mebibytes:.0f} MiB", file=sys.stderr)
    return Run(seconds, len(requests), mebibytes)


def deleted(server: stage.Server) -> Counter:
    """Returns how many images of each repository the worker deletes once the organization has the policies."""
    for policy in DECLARED:
        body = {"method": policy["method"], "value": policy["value"], "tagPattern": policy["tag_pattern"]}
        server.ask("/api/v1/organization/big/autoprunepolicy/", body)
    (report,) = server.ask("/_fake/tick", {"force": True})["namespaces"]
    return Counter(entry["repository"] for entry in report["pruned"])


def results(folder: Path, number: int) -> Iterator[str]:
    """Measures, and yields the lines of the table."""
    images = REPOSITORIES * TAGS
    yield f"| forecast of {REPOSITORIES:,} repositories, {images:,} tags | time | requests | peak memory |"
    yield "| --- | --- | --- | --- |"
    for kind, names in TARGETS.items():
        runs = [measure(folder, kind) for _number in range(number)]
        times = [run.seconds for run in runs]
        least = f" ({min(times):.2f})" if number > 1 else ""
        most = max(run.mebibytes for run in runs)
        yield (
            f"| `{kind}: {json.dumps(names)}` | {statistics.median(times):.2f} s{least} | {runs[0].requests:,} | "
            f"{most:.0f} MiB |"
        )
