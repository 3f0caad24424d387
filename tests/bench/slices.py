# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a registry as one host beside the same divided by the inventory plugin, in 1, 2 and 4 slices at a time.

A slice is an ansible-playbook of its own, as a job of AWX is. Prints Markdown.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import stage
import yaml

ORGANIZATIONS, EACH, TAGS = 40, 25, 5
POLICY = {"method": "creation_date", "value": "30d", "tag_pattern": "^dev-"}
LATENCY = 400  # milliseconds
WAYS = ("one host", 1, 2, 4)


def organization(number: int) -> dict:
    """Returns an organization whose repositories have no policies."""
    tags = [{"name": f"dev-{age}", "digest": f"sha256:{age:064x}", "age_seconds": age * 864000} for age in range(TAGS)]
    return {"name": f"org-{number:02}", "repositories": [{"name": f"app-{n:02}", "tags": tags} for n in range(EACH)]}


def inventory(folder: Path, url: str, way: str | int) -> None:
    """Writes the inventory: the registry as one host, or divided."""
    names = [f"org-{number:02}" for number in range(ORGANIZATIONS)]
    declared = [f"{name}/*" for name in names] if way == "one host" else ["{{ registry_hygiene_namespace }}/*"]
    variables = {"quay_hygiene_repositories": [{"names": declared, "policies": [POLICY]}]}
    variables["quay_hygiene_limits"] = {"max_deletions_percent": 60, "min_keep": 1}
    (folder / "group_vars").mkdir(exist_ok=True)
    (folder / "group_vars" / "quay.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    config = {"plugin": "registry.hygiene.namespaces", "registry": "quay", "exclude": ["alice"], "name": "q"}
    found = {"quay": {"hosts": {"whole": {}}}} if way == "one host" else config
    (folder / "namespaces.yml").write_text(yaml.safe_dump(found), encoding="utf-8")


def measure(folder: Path, way: str | int) -> tuple[float, float, int]:
    """Returns how long the slices took together in check mode, their seconds of CPU, and how many requests."""
    slices = 1 if way == "one host" else int(way)
    size = ORGANIZATIONS // slices
    with stage.quay(folder, *map(organization, range(ORGANIZATIONS))) as server:
        inventory(folder, server.url, way)
        server.ask("/_fake/switches", {"latency_ms": LATENCY})
        server.ask("/_fake/writes", method="DELETE")  # both logs
        env = stage.environment(folder, server.url, in_process=True)

        def one(number: int) -> None:
            limit = f"quay[{number * size}:{(number + 1) * size - 1}]"
            command = [str(stage.PLAYBOOK), "registry.hygiene.apply", "-i", str(folder / "namespaces.yml"), "--check"]
            stage.run([*command, *(["--limit", limit] if slices > 1 else [])], env)

        start, used = time.perf_counter(), cpu()
        with ThreadPoolExecutor(slices) as pool:
            list(pool.map(one, range(slices)))
        seconds = time.perf_counter() - start
        return seconds, cpu() - used, len(server.ask("/_fake/requests"))


def cpu() -> float:
    """Returns the seconds of CPU of all that has ended; the server has not."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


if __name__ == "__main__":
    print(f"| {ORGANIZATIONS * EACH:,} repositories, {LATENCY} ms | time | CPU | requests |\n| --- | --- | --- | --- |")
    for each in WAYS:
        with tempfile.TemporaryDirectory() as scratch:
            took, used, requests = measure(Path(scratch), each)
        name = each if isinstance(each, str) else f"divided, {each} at a time"
        print(f"| {name} | {took:.1f} s | {used:.1f} s | {requests:,} |")
        sys.stdout.flush()
