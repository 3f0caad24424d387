# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every measurement needs: a fake as a process of its own, and an ansible-playbook that nothing disturbs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import yaml

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
TOKEN = "token-of-the-benchmark"
ROBOT = "robot$bench"
# A small process in between, because the memory of the one that starts a command counts as the command's own.
WATCH = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


class Server:
    """The fake server, a process of its own and new for each run."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Returns the server's answer; with a body it is a POST."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def quay(folder: Path, *organizations: dict[str, Any]) -> Iterator[Server]:
    """Gives a server that holds these organizations, which the token administers."""
    token = {"as": "alice", "token": TOKEN, "scopes": ["org:admin", "repo:admin", "repo:read", "user:read"]}
    state = {
        "users": [{"name": "alice", "tokens": [token]}],
        # With the task, parallel first policies do not fail: the bare script knows nothing of that race.
        "organizations": [{"admins": ["alice"], "autoprune_task": True, **one} for one in organizations],
    }
    with _served(folder, "quay", state) as server:
        yield server


@contextmanager
def harbor(folder: Path, project: dict[str, Any]) -> Iterator[Server]:
    """Gives a server that holds this project, and knows the robot of the environment."""
    access = [
        {"resource": resource, "action": action}
        for resource in ("repository", "artifact", "immutable-tag", "tag-retention")
        for action in ("list", "read")
    ]
    robot = {"as": "bench", "name": ROBOT, "secret": TOKEN, "level": "system"}
    permissions = [{"kind": "project", "namespace": "*", "access": access}]
    with _served(
        folder, "harbor", {"robots": [{**robot, "permissions": permissions}], "projects": [project]}
    ) as server:
        yield server


@contextmanager
def _served(folder: Path, registry: str, state: dict[str, Any]) -> Iterator[Server]:
    file = folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    script = Path(__file__).resolve().parents[1] / "fakes" / "serve.py"
    command = [sys.executable, str(script), registry, "--state", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield Server(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def playbook(folder: Path, tasks: list[dict[str, Any]]) -> list[str]:
    """Returns the command that runs these tasks, after writing its playbook."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": tasks,
    }
    file = folder / "playbook.yml"
    file.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    return [str(PLAYBOOK), "--inventory", "localhost,", str(file)]


def environment(folder: Path, url: str, in_process: bool) -> dict[str, str]:
    """Returns the environment of the command, without what would change the way it works."""
    foreign = (
        "ansible_",
        "quay_",
        "harbor_",
        "registry_hygiene_",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    )
    env = {name: text for name, text in os.environ.items() if not name.lower().startswith(foreign)}
    env.update(
        ANSIBLE_COLLECTIONS_PATH=os.path.abspath(os.environ.get("ANSIBLE_COLLECTIONS_PATH", ".build")),
        ANSIBLE_CONFIG=str(folder / "ansible.cfg"),
        ANSIBLE_HOME=str(folder / "home"),
        ANSIBLE_REMOTE_TEMP=str(folder / "home" / "tmp"),
        TMPDIR=str(folder),
        REGISTRY_HYGIENE_IN_PROCESS="1" if in_process else "0",
        QUAY_URL=url,
        QUAY_TOKEN=TOKEN,
        HARBOR_URL=url,
        HARBOR_USERNAME=ROBOT,
        HARBOR_PASSWORD=TOKEN,
    )
    return env


def run(command: list[str], env: dict[str, str]) -> tuple[str, float]:
    """Returns the output of the command and how long it took; exits if it fails, ends it if we are to stop."""
    start = time.perf_counter()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output, _none = process.communicate()
        except BaseException:
            process.terminate()
            raise
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{output}\nfailed with status {process.returncode}: {' '.join(command)}")
    return output, seconds
