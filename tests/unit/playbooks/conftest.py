# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays the playbooks of this collection as people do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """Return a path of collections with ours."""
    path = tmp_path_factory.mktemp("collections")
    home = path / "ansible_collections" / "registry"
    home.mkdir(parents=True)
    (home / "hygiene").symlink_to(ROOT)
    return path


@pytest.fixture
def environment(collections, tmp_path):
    """Return what gives the environment of an ansible that nothing of ours disturbs."""

    def of_now():
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_HOME=str(tmp_path), ANSIBLE_LOCALHOST_WARNING="0")
        env.update(ANSIBLE_SHOW_CUSTOM_STATS="1", ANSIBLE_NOCOLOR="1", ANSIBLE_INVENTORY_UNPARSED_WARNING="0")
        return env

    return of_now


@pytest.fixture
def terminal(environment, tmp_path):
    """Return what types a command into a shell, in a folder of its own."""

    def typed(line):
        env = dict(environment(), PATH=f"{ANSIBLE.parent}{os.pathsep}{os.environ['PATH']}", ANSIBLE_TRANSPORT="local")
        env.update(ANSIBLE_PYTHON_INTERPRETER=sys.executable)
        return subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    return typed


@pytest.fixture
def play(environment, tmp_path):
    """Return what plays a playbook over hosts (group -> name -> variables), in a folder of its own."""

    def run(playbook, groups, *options):
        inventory = {group: {"hosts": hosts} for group, hosts in groups.items()}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        env = environment()
        command = [str(ANSIBLE), f"registry.hygiene.{playbook}", "-i", "inventory.json", *options]
        command += ["-e", f"ansible_python_interpreter={sys.executable}"]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run
