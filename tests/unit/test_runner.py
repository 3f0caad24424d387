# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that wait, run by ansible-runner as AWX does: its display writes from within the worker process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.digitalocean import DigitalOcean
from fakes.serve import serving

REGISTRIES = ["acme", "acme-staging"]
SECONDS = 40  # it takes about six
PHASES = ("requested", "waiting", "scanning", "deleting")


def playbook(url: str) -> list:
    """Return a play whose only task waits for garbage collections of all registries."""
    task = {
        "registry.hygiene.do_registry_gc": {
            "digitalocean_url": url,
            "digitalocean_token": "dop_v1_demo-admin",
            "registries": REGISTRIES,
            "min_interval": "0s",
            "wait": True,
            "wait_timeout": SECONDS // 2,
            "poll_interval": 1,
        }
    }
    return [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]


def family(pid: int) -> list:
    """Return the process and all that descend from it."""
    table = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="], text=True)
    parents = [tuple(map(int, line.split())) for line in table.splitlines()]
    found = [pid]
    for one in found:
        found += [child for child, parent in parents if parent == one]
    return found


def run(folder: Path, **environment: str) -> tuple:
    """Return the exit status, None if it had to be killed, and the events of ansible-runner on that folder."""
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).resolve().parents[5]),
        "ANSIBLE_HOME": str(folder / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **environment,
    }
    command = [sys.executable, "-m", "ansible_runner", "run", str(folder), "--playbook", "play.yml", "--ident", "1"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            status = None
            for pid in family(process.pid):  # workers have sessions of their own, so that no group holds all
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
    found = folder.glob("artifacts/1/job_events/*-*.json")
    events = [json.loads(path.read_text()) for path in found if not path.stem.endswith("-partial")]
    return status, sorted(events, key=lambda event: event["counter"])


@pytest.mark.parametrize("in_process", ["1", "0"])
def test_a_task_that_waits_ends_and_tells_how_it_goes(tmp_path, in_process):
    for place in ("project", "inventory"):
        (tmp_path / place).mkdir()
    interpreter = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "inventory/hosts.json").write_text(json.dumps({"all": {"hosts": {"localhost": interpreter}}}))
    fake = DigitalOcean()
    fake.switches.update({f"seconds_{phase}": 1 for phase in PHASES})
    with serving(fake) as url:
        (tmp_path / "project/play.yml").write_text(json.dumps(playbook(url)))
        status, events = run(tmp_path, REGISTRY_HYGIENE_IN_PROCESS=in_process)
    texts = "\n".join(event["stdout"] for event in events)
    assert status == 0, texts
    (done,) = [event["event_data"]["res"] for event in events if event["event"] == "runner_on_ok"]
    assert {name: run["status"] for name, run in done["garbage_collection"].items()} == dict.fromkeys(
        REGISTRIES, "succeeded"
    )
    if in_process == "1":
        for name in REGISTRIES:
            assert f"{name}: garbage collection" in texts
