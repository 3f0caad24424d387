# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks preview and apply, with roles that only leave results behind: what is shown, written and failed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from contract import plans

ROOT = Path(__file__).resolve().parents[3]
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"
ROLES = {"quay": "quay_hygiene", "swr": "swr_hygiene", "digitalocean": "do_registry_hygiene"}
ROLE = """
- name: Leave the results
  ansible.builtin.set_fact:
    registry_hygiene_results: "{{ results }}"
  when: results is defined
- name: Tell
  ansible.builtin.debug:
    msg: "with {{ registry_hygiene_playbook }} {{ registry_hygiene_report }}."
- name: Write to the registry
  ansible.builtin.copy:
    content: ""
    dest: "{{ written }}/written-by-{{ inventory_hostname }}"
    mode: "0600"
  changed_when: false
- name: Fail as roles do for what is no result
  ansible.builtin.fail:
    msg: a misspelt option
  when: misspelt is defined
"""
BIG = plans.repositories([f"acme/app-{number}" for number in range(4)], [3, 0, 1, 30])


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """Return a path of collections with ours, but for its roles."""
    path = tmp_path_factory.mktemp("collections")
    home = path / "ansible_collections" / "registry" / "hygiene"
    home.mkdir(parents=True)
    for name in ("galaxy.yml", "meta", "playbooks", "plugins"):
        (home / name).symlink_to(ROOT / name)
    for role in ROLES.values():
        (home / "roles" / role / "tasks").mkdir(parents=True)
        (home / "roles" / role / "tasks" / "main.yml").write_text(ROLE)
    return path


@pytest.fixture
def play(collections, tmp_path):
    """Return what plays a playbook over hosts (group -> name -> variables), in a folder of its own."""

    def run(playbook, groups, *options):
        inventory = {group: {"hosts": hosts} for group, hosts in groups.items()}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_HOME=str(tmp_path), ANSIBLE_LOCALHOST_WARNING="0")
        env.update(ANSIBLE_SHOW_CUSTOM_STATS="1", ANSIBLE_NOCOLOR="1", ANSIBLE_INVENTORY_UNPARSED_WARNING="0")
        command = [str(ANSIBLE), f"registry.hygiene.{playbook}", "-i", "inventory.json", *options]
        command += ["-e", f"written={tmp_path}", "-e", f"ansible_python_interpreter={sys.executable}"]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


def recap(ran) -> dict[str, dict[str, int]]:
    """Return host -> what the last lines say of it."""
    lines = re.findall(r"^(\S+) +: (ok=.*)$", ran.stdout, re.MULTILINE)
    return {host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)} for host, line in lines}


REFUSED = plans.planned(BIG, refused="min_keep")
THREE = {
    "quay": {"quay-1": {"results": [plans.planned(BIG)]}, "quay-2": {"results": [REFUSED]}},
    "swr": {"swr-1": {"results": [plans.unchanged()]}, "swr-2": {"misspelt": True}},
    "digitalocean": {"do-1": {"results": []}},
}


def test_preview_shows_and_writes_all_and_changes_nothing(play, tmp_path):
    ran = play("preview", THREE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {host: (row["changed"], row["failed"]) for host, row in recap(ran).items()} == {
        host: (0, 0) for hosts in THREE.values() for host in hosts
    }
    assert ran.stdout.count("with preview ..") == 5
    assert not list(tmp_path.glob("written-by-*"))
    for line in (
        "refused by min_keep: 34 > 10 (acme/*)",
        "a misspelt option",
        "do-1: nothing is declared",
        "In all: 8 of 11 targets would change, 60 images go, 8 perhaps, 12 of them would go anyway, 692.0 MB,"
        " refused: quay-2, failed: swr-2",
    ):
        assert line in ran.stdout.splitlines(), line
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert [each["name"] for each in report["registries"]] == sorted(host for hosts in THREE.values() for host in hosts)
    assert report["summary"] in ran.stdout
    for ending in ("md", "html"):
        assert "a misspelt option" in (tmp_path / f"registry-hygiene-preview.{ending}").read_text()
    shown = re.search(r"RUN: (\{.*)", ran.stdout, re.DOTALL).group(1)
    stats = json.loads(shown)["registry_hygiene"]
    assert stats["hosts"]["quay-2"] == {
        "change": 4,
        "go": 30,
        "perhaps": 4,
        "bytes": 346000000,
        "blown": "min_keep",
        "message": "refused by min_keep: 34 > 10 (acme/*)",
    }
    again = play("preview", THREE)
    assert recap(again) == recap(ran)


def test_apply_serves_all_and_fails_on_the_hosts_that_failed(play, tmp_path):
    ran = play("apply", THREE, "-e", "registry_hygiene_report=")
    assert ran.returncode == 2
    assert {host for host, row in recap(ran).items() if row["failed"]} == {"quay-2", "swr-2"}
    last = ran.stdout[ran.stdout.index("Fail where something failed") :]
    assert '"msg": "refused by min_keep: 34 > 10 (acme/*) (quay-2)"' in last
    assert '"msg": "a misspelt option (swr-2)"' in last
    assert "In all: 4 of 11 targets changed" in ran.stdout, "what was refused has not changed"
    assert ran.stdout.count("with apply .") == len(list(tmp_path.glob("written-by-*"))) == 5
    assert not list(tmp_path.glob("registry-hygiene-*"))


@pytest.mark.parametrize(
    ("fail_on", "failed"), [("refusal", {"quay-2", "swr-2"}), ("drift", {"quay-1", "quay-2", "swr-2"})]
)
def test_preview_fails_for_pipelines(play, fail_on, failed):
    ran = play("preview", THREE, "-e", f"registry_hygiene_fail_on={fail_on}")
    assert {host for host, row in recap(ran).items() if row["failed"]} == failed
    assert ran.returncode == 2


def test_a_tag_serves_one_kind_of_registry(play, tmp_path):
    ran = play("preview", THREE, "--tags", "swr", "-e", "registry_hygiene_report=.")
    assert ran.stdout.count("with preview ..") == 2
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert [each["name"] for each in report["registries"]] == ["swr-1", "swr-2"]


def test_a_host_in_two_groups_is_reported_with_both(play, tmp_path):
    one = {"results": [plans.unchanged(2)]}
    ran = play("preview", {"quay": {"both": one}, "swr": {"both": one}})
    assert ran.returncode == 0, ran.stdout
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert report["total"]["numbers"]["targets"] == 4


def test_an_unreachable_host_is_reported_too(play):
    hosts = {"lost": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9, "misspelt": True}}
    ran = play("preview", {"quay": {**hosts, "quay-1": THREE["quay"]["quay-1"]}})
    assert "failed: lost" in ran.stdout and "In all: 4 of 4 targets" in ran.stdout


def test_without_any_registry_nothing_fails(play):
    ran = play("preview", {"others": {"one": {}}})
    assert ran.returncode == 0 and "WARNING" not in ran.stderr + ran.stdout, ran.stdout + ran.stderr


def test_a_registry_takes_a_play_of_a_few_lines():
    for playbook in ("preview", "apply"):
        *registries, last = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text())
        tags = [tag for play in registries for tag in play["tags"]]
        assert tags == list(ROLES)
        for play, role in zip(registries, ROLES.values()):
            (task,) = play["tasks"]
            assert task["ansible.builtin.import_tasks"] == "tasks/registry.yml"
            assert task["vars"]["registry_hygiene_role"] == f"registry.hygiene.{role}"
            assert bool(play.get("check_mode")) == (playbook == "preview")
        assert last["tags"] == ["always"] and all(f"'{tag}'" in last["hosts"] for tag in tags)
