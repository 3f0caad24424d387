# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook under ansible-runner, as AWX does, and measures its events: python events.py PLAYBOOK [OPTION...]"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

MOST_SHOWN = 1000  # bytes of the output of an event: AWX cuts a little above
WHOLE = "playbook_on_"  # how kinds of events begin that it does not cut
MOST_RESULT = 700_000  # bytes of a result above which ansible-runner drops it
BIGGEST = 10


class Event(NamedTuple):
    """An event of a run: its kind, its task and host, what it prints, and how many bytes that and its result have."""

    kind: str
    task: str
    host: str
    stdout: str
    stdout_bytes: int
    result_bytes: int


class Run(NamedTuple):
    """A run: its exit status, its events in order, and the custom stats that it set."""

    status: int
    events: list[Event]
    stats: dict[str, Any]

    def output(self) -> str:
        """Return all that it printed."""
        return "\n".join(event.stdout for event in self.events)

    def biggest(self, key: str) -> list[Event]:
        """Return the events that AWX cuts with most stdout_bytes or result_bytes, the largest first."""
        cut = [event for event in self.events if not event.kind.startswith(WHOLE)]
        return sorted(cut, key=lambda event: getattr(event, key), reverse=True)[:BIGGEST]


def run(playbook: str, options: list[str], env: dict[str, str] | None = None) -> Run:
    """Return the run of a playbook (a path, or the full name of one in a collection); env: set beside our own.

    Raises ImportError without ansible-runner.
    """
    import ansible_runner

    with tempfile.TemporaryDirectory(prefix="registry-hygiene-runner-") as folder:
        project = Path(folder, "project")
        project.mkdir()
        # Results are measured here, so they must not be dropped before.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        envvars = {**os.environ, "PATH": path, "MAX_EVENT_RES": str(2**31), **(env or {})}
        result = ansible_runner.run(
            private_data_dir=folder,
            playbook=playbook,
            cmdline=shlex.join(options),
            envvars=envvars,
            quiet=True,
            rotate_artifacts=1,
            settings={"suppress_env_files": True},
        )
        found = list(result.events)
        return Run(result.rc, [event(one) for one in found], stats(found))


def event(found: dict) -> Event:
    """Return an event of ansible-runner, measured."""
    data = found.get("event_data") or {}
    output = found.get("stdout") or ""
    size = len(json.dumps(data["res"], default=str).encode()) if "res" in data else 0
    where = (str(data.get("task") or ""), str(data.get("host") or ""))
    return Event(found["event"], *where, output, len(output.encode("utf-8", "backslashreplace")), size)


def stats(found: list[dict]) -> dict[str, Any]:
    """Return the custom stats of all hosts together, as AWX hands them to the next job."""
    data = [one["event_data"] for one in found if one["event"] == "playbook_on_stats"]
    return (data[-1].get("artifact_data") or {}) if data else {}


def main() -> int:
    """Print the biggest events; returns 1 if one of them is larger than AWX takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("playbook")
    arguments, options = parser.parse_known_args()
    ran = run(arguments.playbook, options)
    print(f"exit status {ran.status}, {len(ran.events)} events")
    for key in ("stdout_bytes", "result_bytes"):
        print(f"\n{key}")
        for one in ran.biggest(key):
            print(f"{getattr(one, key):>10}  {one.kind:<24}{one.host:<24.23}{one.task}")
    shown, result = (getattr(ran.biggest(key)[0], key) for key in ("stdout_bytes", "result_bytes"))
    return int(shown > MOST_SHOWN or result > MOST_RESULT)


if __name__ == "__main__":
    sys.exit(main())
