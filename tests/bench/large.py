# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures plans of 10,000 repositories beside a bare script that only asks for the same, in the same run.

The server answers both from bytes made before, in a process of its own. Processor time is that of the client alone, all
its processes together, and less shaken than time by what else the machine does.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NamedTuple

import stage

HERE = Path(__file__).resolve().parent
REPOSITORIES, TAGS = 10_000, 100
DECLARED = [
    {"method": "number_of_tags", "value": 10, "tag_pattern": "^v[0-9]"},
    {"method": "creation_date", "value": "30d", "tag_pattern": "^dev-"},
]
HELD = [
    {"uuid": str(number), "method": policy["method"], "value": policy["value"], "tagPattern": policy["tag_pattern"]}
    for number, policy in enumerate(DECLARED)
]
RUNS = 3  # at most
SHOWN = "{{ found.plan.changed }} {{ found.plan.images.count }} {{ found.plan.images.total }}"
# A small process in between, because the memory of the one that starts a command counts as the command's own.
WATCH = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("used", used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(status)
"""
TAGS_ONLY, FLOOR = "bare script, tags only", "bare script"
FORECAST, WITH_FILE = "forecast", "forecast with a plan file"
UNCHANGED = "unchanged"


class Run(NamedTuple):
    """What one run took."""

    seconds: float
    processor: float  # seconds
    requests: int
    mebibytes: float  # of the largest process


@contextmanager
def quay(there: bool) -> Iterator[stage.Server]:
    """Gives a server whose repositories have the declared policies, or none."""
    held = json.dumps(HELD if there else [])
    command = [sys.executable, str(HERE / "ready.py"), str(REPOSITORIES), str(TAGS), held]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield stage.Server(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def command_of(folder: Path, way: str) -> list[str]:
    """Returns the command that is measured, after writing the files that it reads."""
    if way in (FLOOR, TAGS_ONLY):
        return [sys.executable, str(HERE / "lister.py"), "tags", *(["policies"] if way == FLOOR else [])]
    if way == f"{UNCHANGED}, {FLOOR}":
        return [sys.executable, str(HERE / "lister.py"), "policies"]
    options = {"repositories": ["big/*"], "policies": DECLARED}
    if way == WITH_FILE:
        options["plan_file"] = str(folder / "plan.json")
    tasks = [{"registry.hygiene.quay_autoprune_policy": options, "register": "found"}]
    if way != UNCHANGED:
        tasks.append({"ansible.builtin.debug": {"msg": f"found {SHOWN}"}})
    return stage.playbook(folder, tasks) + (["--check"] if way != UNCHANGED else [])


def measure(folder: Path, way: str) -> Run:
    """Returns what a run took; exits unless it did what it should."""
    print(way, end="", file=sys.stderr, flush=True)
    unchanged = UNCHANGED in way
    with quay(unchanged) as server:
        server.ask("/_asked")
        command = [sys.executable, "-c", WATCH, *command_of(folder, way)]
        output, seconds = stage.run(command, stage.environment(folder, server.url, in_process=True))
        requests = server.ask("/_asked")
    *_rest, processor, peak = output.split()
    total, told = REPOSITORIES * TAGS, re.search(r"found ([\d ]+)", output)
    goes = REPOSITORIES * (max(TAGS // 2 - 10, 0) + max(TAGS - TAGS // 2 - 30, 0))
    wanted = [REPOSITORIES, 0 if unchanged else total] if "bare" in way else [REPOSITORIES, goes, total]
    right = "ok=1" in output and "changed=0" in output if way == UNCHANGED else told is not None
    if not right or told and list(map(int, told.group(1).split())) != wanted:
        sys.exit(f": not as it should be, {wanted}:\n{output}")
    mebibytes = int(peak) / (2**20 if sys.platform == "darwin" else 2**10)
    print(f": {seconds:.2f} s, {mebibytes:.0f} MiB", file=sys.stderr)
    return Run(seconds, float(processor), requests, mebibytes)


def results(folder: Path, number: int) -> Iterator[str]:
    """Measures, and yields the lines of the table."""
    floors = {FORECAST: FLOOR, WITH_FILE: FLOOR, UNCHANGED: f"{UNCHANGED}, {FLOOR}"}
    ways = [TAGS_ONLY, FLOOR, FORECAST, WITH_FILE, f"{UNCHANGED}, {FLOOR}", UNCHANGED]
    runs: dict = {way: [] for way in ways}
    for _number in range(number):
        for way in ways:
            runs[way].append(measure(folder, way))
    yield f"| {REPOSITORIES:,} repositories, {REPOSITORIES * TAGS:,} tags | time | processor | requests | peak memory |"
    yield "| --- | --- | --- | --- | --- |"
    for way in ways:
        cells = []
        for place in (0, 1):  # time, and processor time
            text = f"{statistics.median(run[place] for run in runs[way]):.1f} s"
            if way in floors:  # each run beside that of the script right before
                pairs = zip(runs[way], runs[floors[way]])
                text += f", {statistics.median(run[place] / floor[place] for run, floor in pairs):.2f} ×"
            cells.append(text)
        most = max(run.mebibytes for run in runs[way])
        yield f"| {way} | {' | '.join(cells)} | {runs[way][0].requests:,} | {most:.0f} MiB |"
