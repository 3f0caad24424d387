# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the forecast of one large project of Harbor in check mode, beside a bare script that only lists it all.

The forecast must name as many artifacts as the fake's own run then deletes.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

import stage

HERE = Path(__file__).resolve().parent
REPOSITORIES = 1000
TAGS = 100  # of each, half of them releases, half of them builds
RULES = [
    {"template": "latestPushedK", "value": 10, "tag_selectors": [{"pattern": "v*"}]},
    {"template": "nDaysSinceLastPush", "value": 30, "tag_selectors": [{"pattern": "dev-*"}]},
]
MOST = 1.3  # times the bare script
RUNS = 3  # at most
SHOWN = "{{ found.plan.images.count }} {{ found.plan.images.uncertain_count }} {{ found.plan.images.total }}"


class Run(NamedTuple):
    """What one way took."""

    seconds: float
    mebibytes: float  # of the largest process


def project(repositories: int) -> dict:
    """Returns a project of many repositories without a policy."""
    found = []
    for number in range(repositories):
        artifacts = []
        for place in range(TAGS):
            name, age = ("v" if place % 2 else "dev-") + str(place // 2), (place // 2) * 86400 + 43200
            tag = {"name": name, "push_seconds_ago": age}
            digest = f"sha256:{number:032x}{place:032x}"
            artifacts.append({"digest": digest, "size": 1000, "push_seconds_ago": age, "tags": [tag]})
        found.append({"name": f"team/app-{number:04}", "artifacts": artifacts})
    return {"name": "big", "repositories": found}


def measure(folder: Path, way: str, repositories: int = REPOSITORIES) -> Run:
    """Returns what a forecast or the bare script took; exits unless what it found is right and nothing was written."""
    print(f"retention, {way}, {repositories} repositories", end="", file=sys.stderr, flush=True)
    options = {"projects": ["big"], "rules": RULES}
    tasks = [
        {"registry.hygiene.harbor_retention_policy": options, "register": "found"},
        {"ansible.builtin.debug": {"msg": f"found {SHOWN}"}},
    ]
    with stage.harbor(folder, project(repositories)) as server:
        script = [sys.executable, str(HERE / "listing.py")]
        inner = script if way == "bare script" else [*stage.playbook(folder, tasks), "--check"]
        command = [sys.executable, "-c", stage.WATCH, *inner]
        output, seconds = stage.run(command, stage.environment(folder, server.url, in_process=True))
        writes = server.ask("/_fake/writes")
    total = repositories * TAGS
    found = re.search(r"found (\d+) (\d+) (\d+)", output)
    # The youngest ten releases stay, and what was built within thirty days.
    gone = repositories * (TAGS // 2 - 10 + TAGS // 2 - 30)
    wanted = (0, 0, total) if way == "bare script" else (gone, 0, total)
    if writes or tuple(map(int, found.groups())) != wanted:
        sys.exit(f": found {found.groups()} instead of {wanted}, {len(writes)} writes\n{output}")
    mebibytes = int(output.split()[-1]) / (2**20 if sys.platform == "darwin" else 2**10)
    print(f": {seconds:.2f} s, {mebibytes:.0f} MiB", file=sys.stderr)
    return Run(seconds, mebibytes)


def results(folder: Path, number: int) -> Iterator[str]:
    """Measures, and yields the lines of the table."""
    ways = ("bare script", "forecast")
    runs: dict = {way: [] for way in ways}
    for _number in range(number):
        for way in ways:
            runs[way].append(measure(folder, way))
    small = measure(folder, "forecast", REPOSITORIES // 10)
    bare, ours = (statistics.median(run.seconds for run in runs[way]) for way in ways)
    ratio = statistics.median(ours.seconds / bare.seconds for bare, ours in zip(*runs.values()))
    memory = {way: max(run.mebibytes for run in runs[way]) for way in ways}
    yield f"| one project of Harbor, {REPOSITORIES:,} repositories, {REPOSITORIES * TAGS:,} tags | time | peak memory |"
    yield "| --- | --- | --- |"
    yield f"| bare script that lists them | {bare:.2f} s | {memory['bare script']:.0f} MiB |"
    times = f"{ours:.2f} s, {ratio:.2f} × (at most {MOST} ×)"
    yield f"| forecast, in process | {times} | {memory['forecast']:.0f} MiB |"
    yield f"| forecast of a tenth of it | {small.seconds:.2f} s | {small.mebibytes:.0f} MiB |"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        (Path(name) / "ansible.cfg").touch()
        print(*results(Path(name), int(json.loads(sys.argv[1])) if sys.argv[1:] else 1), sep="\n")
