# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the kit against what they are about: options of modules, variables of roles, tools that read them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest
import yaml
from ansible_collections.registry.hygiene.plugins.filter.unknown_variables import ELSEWHERE

from awx import rules
from awx.jobs import described
from awx.setting_up import BIN, COLLECTIONS, ROOT, SKELETON

ROOM = "ansible_collections.registry.hygiene.plugins.module_utils"
ROOMS = {"Harbor": "_harbor", "Quay": "_quay", "SWR key": "_swr", "SWR user": "_swr", "DigitalOcean": "_digitalocean"}
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
# What a field is called, where that is not the end of the option's name.
CALLED = {"iam_url": "iam_url"}


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """Return the templates, the types of credentials and the survey."""
    return described(tmp_path_factory.mktemp("kit"))


def read(path):
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_credentials_inject_what_the_modules_look_for_and_hide_what_they_hide(kit):
    _templates, types, _survey = kit
    assert [one["name"] for one in types] == list(ROOMS)
    for one in types:
        rules.credential_type(one)
        spec = importlib.import_module(f"{ROOM}.{ROOMS[one['name']]}.registry").ARGUMENT_SPEC
        fields = {field["id"]: bool(field.get("secret")) for field in one["inputs"]["fields"]}
        prefix = {"_digitalocean": "digitalocean"}.get(ROOMS[one["name"]], ROOMS[one["name"]][1:])
        options = {field: CALLED.get(field, f"{prefix}_{field}") for field in fields}
        for field, option in options.items():
            (name,) = [key for key, text in one["injectors"]["env"].items() if text == f"{{{{ {field} }}}}"]
            assert name == spec[option]["fallback"][1][0], (one["name"], field)
            assert fields[field] == bool(spec[option].get("no_log")), (one["name"], field)
        assert len(one["injectors"]["env"]) == len(fields)
        assert {options[name] for name in one["inputs"]["required"]} >= {
            option for option in options.values() if spec[option].get("required")
        }


@pytest.mark.parametrize("role", ROLES)
def test_every_role_takes_the_survey_and_the_variables_of_the_templates(kit, role):
    templates, _types, survey = kit
    options = read(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    for question in survey["spec"]:
        assert question["variable"] in options and question["required"] is False and question["default"] == ""
    for template in templates:
        assert template["name"] == "history" or template.get("survey", survey) == survey
    own = {name for one in templates if one["name"] != "history" for name in one["extra_vars"]}
    assert own - {"registry_hygiene_fail_on"} <= set(options)


def test_what_history_asks_for_the_roles_and_the_playbook_read(kit):
    (survey,) = [one["survey"] for one in kit[0] if one["name"] == "history"]
    rules.survey(survey)
    for question in survey["spec"]:
        assert question["variable"] in ELSEWHERE and question["required"] is False and question["default"] == ""
        for role in ROLES:
            assert question["variable"] in (ROOT / "roles" / role / "tasks" / "history.yml").read_text(), role


def test_the_survey_is_one_that_awx_takes(kit):
    rules.survey(kit[2])
    bounds = {one["variable"]: (one["min"], one["max"]) for one in kit[2]["spec"] if one["type"] == "integer"}
    assert bounds == {
        "registry_hygiene_max_deletions": (0, 1_000_000),
        "registry_hygiene_max_deletions_percent": (0, 100),
        "registry_hygiene_min_keep": (0, 1_000),
    }


@pytest.mark.parametrize("playbook", sorted(path.name for path in SKELETON.glob("*.yml") if "-" not in path.name))
def test_each_playbook_of_the_skeleton_imports_ours_of_that_name(playbook):
    if playbook == "requirements.yml":
        assert [one["name"] for one in read(SKELETON / playbook)["collections"]] == ["registry.hygiene"]
        return
    (play,) = read(SKELETON / playbook)
    assert play["ansible.builtin.import_playbook"] == f"registry.hygiene.{playbook[:-4]}"
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    command = [str(BIN / "ansible-playbook"), str(SKELETON / playbook), "--syntax-check"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_templates_have_playbooks_and_the_groups_their_variables(kit):
    for template in kit[0]:
        assert (SKELETON / template["playbook"]).is_file()
    groups = set(read(SKELETON / "inventory" / "hosts.yml")) - {"all"}
    assert groups == {path.stem for path in (SKELETON / "inventory" / "group_vars").iterdir()} and len(groups) == 4


def test_ansible_builder_takes_the_execution_environment(tmp_path):
    if not (BIN / "ansible-builder").exists():
        pytest.skip("ansible-builder is not here: run make test-awx-kit")
    file = SKELETON / "execution-environment.yml"
    command = [sys.executable, "-m", "ansible_builder", "create", "-f", str(file), "-c", str(tmp_path / "context")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "registry.hygiene" in (tmp_path / "context" / "_build" / "requirements.yml").read_text()
