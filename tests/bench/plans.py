# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures one plan of many entries beside the same as one task for each entry: time and requests.

After each run the server must hold what was declared, or in check mode what it held before.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

import stage

ENTRIES = 12
EACH = 90  # repositories of an entry
TAGS = 10  # of each repository
OLD = {"method": "creation_date", "value": "30d", "tagPattern": "^dev-", "tagPatternMatches": True}
LIMITS = {"max_deletions_percent": 60, "min_keep": 1}
PLAN, TASKS = "one plan", f"{ENTRIES} tasks"
JOBS = {  # what is measured: whether the policies are there already, whether it is in check mode
    "unchanged": (True, False),
    "changed, in check mode": (False, True),
    "changed": (False, False),
}
RUNS = 3  # at most


class Run(NamedTuple):
    """What one run took."""

    seconds: float
    requests: int


def entries() -> list[dict]:
    """Returns what is declared: other policies for the repositories of each team."""
    return [
        {
            "repositories": [f"bench/team-{number:02}/*"],
            "policies": [{"method": "creation_date", "value": f"{number + 10}d", "tag_pattern": "^dev-"}],
        }
        for number in range(ENTRIES)
    ]


def organization(done: bool) -> dict:
    """Returns an organization whose repositories have the declared policies, or the same older one."""
    repositories = []
    for number, entry in enumerate(entries()):
        policy = dict(OLD, value=entry["policies"][0]["value"]) if done else OLD
        for place in range(EACH):
            tags = [
                {
                    "name": f"dev-{age}",
                    "digest": f"sha256:{number:032x}{place:016x}{age:016x}",
                    "age_seconds": age * 172800,
                }
                for age in range(TAGS)
            ]
            repositories.append({"name": f"team-{number:02}/app-{place:02}", "tags": tags, "policies": [policy]})
    return {"name": "bench", "repositories": repositories}


def tasks(way: str) -> list[dict]:
    """Returns the tasks of a play."""
    options = [{"declarations": entries()}] if way == PLAN else entries()
    return [{"registry.hygiene.quay_autoprune_policy": dict(some, **LIMITS)} for some in options]


def measure(folder: Path, job: str, way: str) -> Run:
    """Returns what a run took; exits unless it did what it should."""
    print(f"{way}, {job}", end="", file=sys.stderr, flush=True)
    there, check = JOBS[job]
    with stage.quay(folder, organization(there)) as server:
        server.ask("/config")  # what the server does only once
        server.ask("/_fake/writes", method="DELETE")
        command = stage.playbook(folder, tasks(way)) + (["--check"] if check else [])
        _output, seconds = stage.run(command, stage.environment(folder, server.url, in_process=True))
        requests = server.ask("/_fake/requests")
        held = server.ask("/_fake/state")["organizations"][0]["repositories"]
    writes = sum(entry["method"] != "GET" for entry in requests)
    refused = sum(entry["status"] >= 300 for entry in requests)
    values = {name["name"]: [policy["value"] for policy in name["policies"]] for name in held}
    wanted = {
        f"team-{number:02}/app-{place:02}": [OLD["value"] if check else entry["policies"][0]["value"]]
        for number, entry in enumerate(entries())
        for place in range(EACH)
    }
    if values != wanted or refused or writes != (0 if there or check else ENTRIES * EACH):
        sys.exit(f": {refused} requests refused, {writes} writes made, or the policies are not as they should be")
    print(f": {seconds:.2f} s, {len(requests):,} requests", file=sys.stderr)
    return Run(seconds, len(requests))


def results(folder: Path, number: int) -> Iterator[str]:
    """Measures, and yields the lines of the table."""
    runs: dict = {(job, way): [] for job in JOBS for way in (PLAN, TASKS)}
    for _number in range(number):
        for job, way in runs:
            runs[job, way].append(measure(folder, job, way))
    yield f"| {ENTRIES * EACH:,} repositories in {ENTRIES} entries | {PLAN} | {TASKS} | time | requests |"
    yield "| --- | --- | --- | --- | --- |"
    for job in JOBS:
        times, requests = {}, {}
        for way in (PLAN, TASKS):
            times[way] = statistics.median(run.seconds for run in runs[job, way])
            requests[way] = runs[job, way][0].requests
        cells = [f"{times[way]:.2f} s, {requests[way]:,} requests" for way in (PLAN, TASKS)]
        ratios = [f"{found[TASKS] / found[PLAN]:.2f} ×" for found in (times, requests)]
        yield f"| {' | '.join([job, *cells, *ratios])} |"
