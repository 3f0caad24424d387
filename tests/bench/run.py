# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures this collection beside a bare script and a loop of ansible.builtin.uri, on a fake Quay; prints Markdown.

Times are those of whole processes, start included. The exit status is about correctness only: after each run the
server must have been asked what it should have been asked, and hold what it should hold.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import signal
import statistics
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import forecast
import large
import plans
import retention
import stage

HERE = Path(__file__).resolve().parent
REPOSITORIES = [f"bench/app-{number:03}" for number in range(200)]
POLICY = {"method": "number_of_tags", "value": 10, "tagPattern": "^v[0-9]", "tagPatternMatches": True}
DECLARED = [{"method": "number_of_tags", "value": 10, "tag_pattern": "^v[0-9]"}]

JOBS = {"unchanged": 0, "created": len(REPOSITORIES)}  # writes
LATENCIES = (0, 30)  # ms
SCRIPT, IN_PROCESS, MODULE, LOOP = "bare script", "one task, in process", "one task, as a module", "loop of `uri`"
OURS = (IN_PROCESS, MODULE)
TASKS = (1, 21)  # in a play, to see what one more costs

MOST = {(IN_PROCESS, 0): 3.7, (IN_PROCESS, 30): 1.6, (MODULE, 0): 5.5, (MODULE, 30): 2.2}  # times the bare script
MOST_PER_TASK = 30  # ms, in process
LEAST_GAIN = 35  # times faster than the loop


class Case(NamedTuple):
    """What is measured: a job in one of the ways. With `tasks`, that many tasks of one repository each."""

    job: str
    latency: int
    way: str
    tasks: int | None = None


Times = dict[Case, list[float]]  # seconds of each run
Best = Callable[[list[float]], float]  # median or minimum


def policies_of(repository: str) -> str:
    """Returns the path of a repository's policies."""
    return f"/api/v1/repository/{repository}/autoprunepolicy/"


class Quay(stage.Server):
    """The fake server with what is to be done before and to be checked after a run."""

    def warm_up(self, latency: int) -> None:
        """Lets the server do once what it does only once, and sets its latency."""
        self.ask(policies_of(REPOSITORIES[0]))
        self.ask("/config")
        self.ask("/_fake/switches", {"latency_ms": latency})
        self.ask("/_fake/writes", method="DELETE")

    def complaint(self, names: list[str], writes: int) -> str | None:
        """Returns what is not as it should be after a run over these repositories, None if all is well."""
        requests = self.ask("/_fake/requests")
        read = {entry["path"] for entry in requests if entry["method"] == "GET"}
        unread = [name for name in names if policies_of(name) not in read]
        refused = [entry for entry in requests if entry["status"] not in (200, 201)]
        written = sum(entry["method"] != "GET" for entry in requests)
        held = [repository["policies"] for repository in self.ask("/_fake/state")["organizations"][0]["repositories"]]
        right = [[{key: policy[key] for key in POLICY} for policy in policies] == [POLICY] for policies in held]
        if unread or refused or written != writes or right != [True] * len(REPOSITORIES):
            return (
                f"{len(unread)} repositories were not read, {len(refused)} requests refused, {written} writes made "
                f"instead of {writes}, and only {sum(right)} repositories hold the declared policy and nothing else"
            )
        return None


@contextmanager
def quay(folder: Path, case: Case) -> Iterator[Quay]:
    """Gives a server that holds the repositories, with their policies if nothing is to be changed."""
    policies = [POLICY] if case.job == "unchanged" else []
    repositories = [{"name": name.partition("/")[2], "policies": policies} for name in REPOSITORIES]
    with stage.quay(folder, {"name": "bench", "repositories": repositories}) as started:
        server = Quay(started.url)
        server.warm_up(case.latency)
        yield server


def tasks_of_ours(case: Case) -> list[dict]:
    """Returns one task for all repositories, or tasks of one repository each."""
    parts = [REPOSITORIES] if case.tasks is None else [[name] for name in REPOSITORIES[: case.tasks]]
    return [
        {"registry.hygiene.quay_autoprune_policy": {"repositories": names, "policies": DECLARED}} for names in parts
    ]


def tasks_of_uri(url: str) -> list[dict]:
    """Returns what one writes without such a module."""
    call = {"headers": {"Authorization": f"Bearer {stage.TOKEN}"}, "use_proxy": False}
    where = url + policies_of("{{ item }}")
    read = {"ansible.builtin.uri": {"url": where, **call}, "loop": REPOSITORIES, "register": "found"}
    call.update(method="POST", status_code=201, body_format="json", body=POLICY)
    where = where.replace("item", "item.item")
    write = {
        "ansible.builtin.uri": {"url": where, **call},
        "loop": "{{ found.results }}",
        "loop_control": {"label": "{{ item.item }}"},
        "when": "not item.json.policies",
    }
    return [read, write]


def command_of(folder: Path, case: Case, url: str) -> list[str]:
    """Returns the command to measure, after writing the file that it reads."""
    if case.way == SCRIPT:
        file = folder / "job.json"
        file.write_text(json.dumps([REPOSITORIES, POLICY]), encoding="utf-8")
        return [sys.executable, str(HERE / "floor.py"), str(file)]
    return stage.playbook(folder, tasks_of_uri(url) if case.way == LOOP else tasks_of_ours(case))


def measure(folder: Path, case: Case) -> float:
    """Returns the seconds of one run; exits unless it did what it should."""
    print(*(part for part in case if part is not None), sep=", ", end="", file=sys.stderr, flush=True)
    with quay(folder, case) as server:
        command = command_of(folder, case, server.url)
        _output, seconds = stage.run(command, stage.environment(folder, server.url, case.way != MODULE))
        complaint = server.complaint(REPOSITORIES[: case.tasks], JOBS[case.job])
    print(f": {complaint or f'{seconds:.2f} s'}", file=sys.stderr)
    if complaint:
        sys.exit(1)
    return seconds


def ratio(times: Times, best: Best, case: Case, base: str = SCRIPT) -> float:
    """Returns how many times as long the case takes as the same in the way `base`."""
    return best(times[case]) / best(times[case._replace(way=base)])


def per_task(times: Times, best: Best, way: str) -> float:
    """Returns the milliseconds that one more task in a play takes."""
    one, many = (best(times[Case("unchanged", 0, way, tasks)]) for tasks in TASKS)
    return (many - one) / (TASKS[1] - TASKS[0]) * 1000


def cell(times: Times, case: Case) -> str:
    """Returns what the table says about a case."""
    found = times[case]
    text = f"{statistics.median(found):.2f} s" + (f" ({min(found):.2f})" if len(found) > 1 else "")
    return text if case.way == SCRIPT else f"{text}, {ratio(times, statistics.median, case):.1f} ×"


def results(times: Times, ways: list[str]) -> Iterator[str]:
    """Yields the lines of the table of what was measured."""
    yield f"| {len(REPOSITORIES)} repositories | latency | {' | '.join(ways)} |"
    yield "| --- " * (len(ways) + 2) + "|"
    for job in JOBS:
        for latency in LATENCIES:
            cells = [cell(times, Case(job, latency, way)) for way in ways]
            yield f"| {job} | {latency} ms | {' | '.join(cells)} |"
    more = [f"{per_task(times, statistics.median, way):.0f} ms ({per_task(times, min, way):.0f})" for way in OURS]
    yield f"| one more task in a play | 0 ms | | {' | '.join(more)} |{' |' if LOOP in ways else ''}"


def aims(times: Times, ways: list[str]) -> Iterator[str]:
    """Yields the lines of the table of what is aimed at; of several jobs the worst counts."""
    both = (statistics.median, min)
    yield "| aim | bound | measured |"
    yield "| --- | --- | --- |"
    for (way, latency), most in MOST.items():
        cases = [Case(job, latency, way) for job in JOBS]
        median, least = (max(ratio(times, best, case) for case in cases) for best in both)
        yield f"| {way}, {latency} ms: time of the bare script | at most {most} × | {median:.2f} × ({least:.2f}) |"
    median, least = (per_task(times, best, IN_PROCESS) for best in both)
    yield f"| one more task, in process | at most {MOST_PER_TASK} ms | {median:.0f} ms ({least:.0f}) |"
    for way in OURS if LOOP in ways else ():
        cases = [Case(job, latency, LOOP) for job in JOBS for latency in LATENCIES]
        median, least = (min(ratio(times, best, case, way) for case in cases) for best in both)
        yield f"| {way}: faster than the loop | at least {LEAST_GAIN} × | {median:.0f} × ({least:.0f}) |"


def main() -> None:
    """Measures all and prints the tables."""
    parser = argparse.ArgumentParser(description="Measures how long the modules take; prints Markdown.")
    parser.add_argument("--runs", type=int, default=5, help="of everything but the loop, which runs once; default 5")
    parser.add_argument("--quick", action="store_true", help="without the loop of uri tasks, which takes minutes")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ways = [SCRIPT, *OURS] + ([] if args.quick else [LOOP])
    cases = [Case(job, latency, way) for job in JOBS for latency in LATENCIES for way in (SCRIPT, *OURS)]
    cases += [Case("unchanged", 0, way, tasks) for tasks in TASKS for way in OURS]
    times: Times = {case: [] for case in cases}
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "ansible.cfg").touch()
        for way in ways[:3]:
            measure(folder, Case("unchanged", 0, way))  # not counted: compiles
        for _number in range(max(1, args.runs)):
            for case in cases:
                times[case].append(measure(folder, case))
        for case in (Case(job, latency, LOOP) for job in JOBS for latency in LATENCIES if LOOP in ways):
            times[case] = [measure(folder, case)]
        forecasts = list(forecast.results(folder, max(1, min(args.runs, forecast.RUNS))))
        largest = list(large.results(folder, max(1, min(args.runs, large.RUNS))))
        several = list(plans.results(folder, max(1, min(args.runs, plans.RUNS))))
        projects = list(retention.results(folder, max(1, min(args.runs, retention.RUNS))))
    print(*results(times, ways), "", sep="\n")
    print(
        f"Whole processes, start included: median (minimum) of {max(1, args.runs)} interleaved runs, and the ratio to "
        f"the bare script{'' if args.quick else '; the loop ran once'}.\n"
        f"{os.cpu_count()} cores for client and server, Python {platform.python_version()}, "
        f"ansible-core {importlib.metadata.version('ansible-core')}, {platform.system()}.\n"
    )
    print(*aims(times, ways), "", *forecasts, "", *largest, "", *several, "", *projects, sep="\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
