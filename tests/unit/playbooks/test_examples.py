# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example that collects what runs in clusters, with a made-up kubernetes.core: it writes what in_use takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import in_use

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "extensions" / "examples" / "running_images.yml"
MODULE = """
import json
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(dict(kind=dict(), kubeconfig=dict(), context=dict()))
module.exit_json(resources=json.load(open(module.params["kubeconfig"])))
"""
DIGEST = "sha256:" + "a" * 64
PODS = [
    {
        "spec": {
            "nodeName": "one",
            "containers": [{"image": "quay.test/acme/app:v1"}, {"image": "nginx"}],
            "initContainers": [{"image": "quay.test/acme/init:v1"}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{"imageID": f"docker-pullable://quay.test/acme/app@{DIGEST}"}, {"imageID": ""}],
        },
    },
    {"spec": {"containers": [{"image": "quay.test/acme/app:v2"}]}},
]


@pytest.fixture
def collect(tmp_path):
    """Return what plays the example over clusters (name -> pods)."""
    module = tmp_path / "ansible_collections" / "kubernetes" / "core" / "plugins" / "modules" / "k8s_info.py"
    module.parent.mkdir(parents=True)
    module.write_text(MODULE)

    def run(**clusters):
        hosts = {}
        for name, pods in clusters.items():
            (tmp_path / name).write_text(json.dumps(pods))
            hosts[name] = {"kubeconfig": str(tmp_path / name), "ansible_connection": "local"}
        common = {"ansible_python_interpreter": sys.executable}
        inventory = {"all": {"vars": common, "children": {"clusters": {"hosts": hosts}}}}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(tmp_path), ANSIBLE_HOME=str(tmp_path), ANSIBLE_LOCALHOST_WARNING="0")
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(EXAMPLE), "-i", "inventory.json"]
        command += ["-e", f"running_images_file={tmp_path / 'running.txt'}"]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_the_images_of_all_clusters_are_written_and_those_of_none_are_no_file(collect, tmp_path):
    written = tmp_path / "running.txt"
    done = collect(one=PODS, two=PODS[1:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert written.read_text().splitlines() == [
        f"docker-pullable://quay.test/acme/app@{DIGEST}",
        "nginx",
        "quay.test/acme/app:v1",
        "quay.test/acme/app:v2",
        "quay.test/acme/init:v1",
    ]
    assert in_use.load({"in_use": [str(written)]}, ["quay.test"]).number == 5
    lost = collect(one=PODS, two=[])
    assert lost.returncode == 2 and not written.exists(), lost.stdout
