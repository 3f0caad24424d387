# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of do_registry_gc that are killed between the question and the answer: the next one adopts what they began."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import fakes.serve
import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from contract.digitalocean_tasks import FINAL, TOKEN, adopted
from fakes.digitalocean import DigitalOcean
from fakes.serve import serving


@contextlib.contextmanager
def own_server():
    """Run serve.py in a process of its own; gives a function that talks to its control plane, and the address."""
    script = Path(fakes.serve.__file__)
    with subprocess.Popen(
        [sys.executable, str(script), "digitalocean"], stdout=subprocess.PIPE, text=True, cwd=script.parents[1]
    ) as server:
        try:
            url = server.stdout.readline().split()[-1]

            def control(name, body=None):
                data = None if body is None else json.dumps(body).encode()
                with urllib.request.urlopen(f"{url}/_fake/{name}", data, timeout=10) as answer:
                    return json.load(answer)

            yield url, control
        finally:
            server.terminate()


def eventually(found, seconds=60):
    """Wait until that is true."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def family(process):
    """Return the ids of a process and of all that come from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [process]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found


def playing(folder, url, token, in_process):
    """Start ansible-playbook with the task; its result goes to result.json in the folder."""
    task = {
        "registry.hygiene.do_registry_gc": {
            "digitalocean_url": url,
            "digitalocean_token": token,
            "registries": ["acme"],
            "min_interval": "0s",
        },
        "register": "found",
    }
    keep = {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(folder / "result.json")}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, keep]}
    (folder / "play.json").write_text(json.dumps([play]))
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(Path(api.__file__).parents[6]),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "REGISTRY_HYGIENE_IN_PROCESS": in_process,
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(folder / "play.json")]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill(process):
    for number in family(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def played(*args):
    """Play to the end; returns the result of the task."""
    with playing(*args) as process:
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    return json.loads((args[0] / "result.json").read_text())


@pytest.fixture(params=["1", "0"], ids=["in process", "as a module"])
def in_process(request):
    return request.param


def test_killed_while_the_start_is_on_its_way(tmp_path, in_process):
    """The server takes its time and handles the start only after our task has died."""
    token = "dop_v1_demo-admin"
    with own_server() as (url, control):
        control("switches", {"seconds_requested": 9999})
        past = len(runs_of(control))
        control("faults", {"method": "POST", "path": "garbage-collection", "delay": 3})
        with playing(tmp_path, url, token, in_process) as process:
            eventually(lambda: control("faults") == [])  # now the server has the request
            kill(process)
        assert control("writes") == [] and not (tmp_path / "result.json").exists()
        eventually(lambda: control("writes"))
        assert len(runs_of(control)) == past + 1
        second = played(tmp_path, url, token, in_process)
        (started_one,) = [found for found in runs_of(control) if found["status"] not in FINAL]
        assert adopted({"changed_targets": [], **second})["uuid"] == started_one["uuid"]
        assert len(runs_of(control)) == past + 1
        assert [entry["method"] for entry in control("writes")] == ["POST"]


def runs_of(control):
    return next(found["runs"] for found in control("state")["registries"] if found["name"] == "acme")


class Slow(DigitalOcean):
    """Handles starts at once and keeps their answers back."""

    def __init__(self, *args):
        super().__init__(*args)
        self.handled, self.over = threading.Event(), threading.Event()

    def __call__(self, environ, start_response):
        body = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            self.handled.set()
            self.over.wait(60)
        return body


def test_killed_while_the_answer_is_on_its_way(tmp_path, in_process):
    fake = Slow({"tokens": [{"as": "admin", "token": TOKEN}], "registries": [{"name": "acme"}]})
    fake.switches["seconds_requested"] = 9999
    with serving(fake) as url:
        try:
            with playing(tmp_path, url, TOKEN, in_process) as process:
                assert fake.handled.wait(60)
                kill(process)
            assert len(fake.runs("acme")) == 1 and not (tmp_path / "result.json").exists()
            second = played(tmp_path, url, TOKEN, in_process)
        finally:
            fake.over.set()
    (only,) = fake.runs("acme")
    assert adopted(second)["uuid"] == only["uuid"] and not second["garbage_collection"]["ambiguous"]
    assert [entry["method"] for entry in fake.writes] == ["POST"]
