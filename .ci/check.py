# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the checks, or those named, each as the nox session of that name, and sums up what they did."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".build" / "logs"
TAIL = 60  # lines shown of the log of a check that failed


class Part(NamedTuple):
    """A check; what its log says about each thing that ran and that failed: a number, or one line for each."""

    unit: str
    ran: str
    failed: str = r"^(?!)"


TESTS = Part(  # of pytest
    "tests",
    r"\b(\d+) (?:passed|failed|errors?)\b(?=.* in [\d.]+s)",
    r"\b(\d+) (?:failed|errors?)\b(?=.* in [\d.]+s)",
)
# In the order in which they start: the longest first.
PARTS = {
    "sanity": Part("tests", r'^Running sanity test "', r"^(?:ERROR|FATAL): The (\d+) sanity test"),
    "build": Part("artefacts", r"^Importer processing completed successfully"),
    "molecule": Part("scenarios", r"^\S+ +: actions=[1-9]", r"^\S+ +: actions=.* failed=[1-9]"),
    "units": TESTS,
    "test-awx-kit": TESTS,
    "lint": Part("linters", r"^nox > \* (?!lint:)\S+: ", r"^nox > \* \S+: (?!success)"),
    "docs": Part("plugins and roles", r"^registry\.hygiene\."),
}


class Result(NamedTuple):
    """What a check did."""

    name: str
    passed: int
    failed: int
    seconds: float


def count(pattern: str, log: str) -> int:
    """Sum of the numbers that the pattern finds; a find without a number counts as one."""
    return sum(int(found) if found.isdigit() else 1 for found in re.findall(pattern, log, re.MULTILINE))


def run(name: str) -> Result:
    """Runs one check; nothing that ran is a failure, too."""
    start = time.monotonic()
    path = LOGS / f"{name}.log"
    with open(path, "wb") as output:
        command = [sys.executable, "-m", "nox", "--no-color", "--session", name]
        env = {**os.environ, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
        env.pop("FORCE_COLOR", None)
        code = subprocess.call(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    log = path.read_text(encoding="utf-8", errors="replace")
    failed = count(PARTS[name].failed, log)
    passed = max(0, count(PARTS[name].ran, log) - failed)
    if not failed and (code or not passed):
        failed, passed = 1, max(0, passed - 1)
    result = Result(name, passed, failed, time.monotonic() - start)
    if failed:
        print("\n".join([f"----- {name}: end of {path}", *log.splitlines()[-TAIL:], "-----"]), flush=True)
    else:
        print(f"{name}: ok", flush=True)
    return result


def main() -> int:
    names = sys.argv[1:] or list(PARTS)
    LOGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        results = list(pool.map(run, names))
    print(f"\n{'part':<12} {'passed':>6} {'failed':>6} {'seconds':>8}")
    for result in results:
        unit = PARTS[result.name].unit
        print(f"{result.name:<12} {result.passed:>6} {result.failed:>6} {result.seconds:>8.0f}  {unit}")
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    print(f"\nFull logs: {LOGS}\ntests: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
