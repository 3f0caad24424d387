# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs registry.hygiene.awx_setup on a made-up AWX."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from awx.api import TOKEN

ROOT = Path(__file__).resolve().parents[2]
SKELETON = ROOT / "extensions" / "awx" / "skeleton"
BIN = Path(sys.executable).parent
COLLECTIONS = ROOT.parents[2]
AWX_AWX = Path(os.environ.get("AWX_COLLECTIONS", "/nowhere"))  # where awx.awx is
BOTH = f"{COLLECTIONS}{os.pathsep}{AWX_AWX}"


def play(url: str, variables: dict, *options: str, collections: str = BOTH) -> subprocess.CompletedProcess:
    """Return the run with these variables on the AWX at that address."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "CONTROLLER_"))}
    env.update(
        ANSIBLE_COLLECTIONS_PATH=collections,
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="0",
        ANSIBLE_HOME=os.environ.get("ANSIBLE_HOME", str(Path.home())),
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_PIPELINING="1",
        ANSIBLE_LOCALHOST_WARNING="0",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="0",
        CONTROLLER_HOST=url,
        CONTROLLER_OAUTH_TOKEN=TOKEN,
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    command = [str(BIN / "ansible-playbook"), "registry.hygiene.awx_setup", "-e", json.dumps(variables), *options]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


def changed(ran: subprocess.CompletedProcess) -> int:
    """Return how many tasks changed something; fails unless the run went well."""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return int(re.search(r"changed=(\d+)", ran.stdout).group(1))


def value(name: str, variables: dict, folder: Path) -> Any:
    """Return a variable of playbooks/vars/awx.yml as Ansible sees it."""
    copy = {"content": f"{{{{ {name} | to_json }}}}", "dest": str(folder / "value.json")}
    task = {"ansible.builtin.copy": copy}
    found = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    found["vars_files"] = [str(ROOT / "playbooks" / "vars" / "awx.yml")]
    found["vars"] = {"ansible_python_interpreter": sys.executable, "ansible_remote_tmp": str(folder)}
    (folder / "play.yml").write_text(json.dumps([found]))
    env = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "0"}
    command = [str(BIN / "ansible-playbook"), str(folder / "play.yml"), "-e", json.dumps(variables)]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads((folder / "value.json").read_text())
