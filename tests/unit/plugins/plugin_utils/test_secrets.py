# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a wrong type end a task before Ansible knows its secrets: none may be seen in either mount."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from contract.mounts import PLUGINS, WAYS

BUILD = Path(__file__).resolve().parents[7]
NO_REGISTRY = {"export_variables", "history_report", "plan_report"}  # these ask none, so they have no credentials
NAMES = sorted(
    path.stem
    for path in Path(__file__).resolve().parents[4].glob("plugins/modules/*.py")
    if path.stem not in NO_REGISTRY
)
REGISTRIES = sorted({name.split("_")[0] for name in NAMES})
WRONG = {"text": "a text", "number": 7, "dictionary": {"a": "dictionary"}, "texts": ["a text"], "numbers": [[7]]}


def spec_of(module):
    return importlib.import_module(f"{PLUGINS}.modules.{module}").MODULE.argument_spec


def secrets_of(module):
    """Return a value for each option with no_log, by the option's name."""
    return {name: f"secret-{name}" for name, option in spec_of(module).items() if option.get("no_log")}


def nested_of(module):
    """Return the options that hold lists or dictionaries."""
    return [name for name, option in spec_of(module).items() if option["type"] in ("list", "dict")]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("module", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_an_option_of_a_wrong_type_shows_no_secret(way, module, wrong):
    assert secrets_of(module) and nested_of(module)
    for option in nested_of(module):
        # `timeout` makes sure that nothing is sent: for some options, the text is a list of one.
        result = WAYS[way](module, {**secrets_of(module), option: WRONG[wrong], "timeout": "long"})
        assert result["failed"] and option in result["invocation"]["module_args"]
        for secret in secrets_of(module).values():
            assert secret not in result.output, option


@pytest.mark.parametrize("module", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_nor_does_it_show_one_of_the_environment(way, module, monkeypatch):
    secret = [option for option in spec_of(module).values() if option.get("no_log") and "fallback" in option]
    names = [name for option in secret for name in option["fallback"][1]]
    assert names
    for name in names:
        monkeypatch.setenv(name, f"secret-{name}")
    for option in nested_of(module):
        result = WAYS[way](module, {option: "a text", "timeout": "long"})
        assert result["failed"] and names and "secret-" not in result.output


@pytest.mark.parametrize("way", WAYS)
def test_a_misspelt_credential_is_not_shown(way):
    result = WAYS[way]("quay_autoprune_policy", {"token": "secret-token", "timeout": 9})
    assert result["invocation"]["module_args"]["timeout"] == 9 and "secret-token" not in result.output


@pytest.mark.parametrize("way", WAYS)
def test_a_short_secret_does_not_turn_false_into_true(way):
    result = WAYS[way]("quay_autoprune_policy", {"quay_token": "al", "timeout": "long"})
    assert result["failed"] is True and result["changed"] is False


@pytest.mark.parametrize("option", ["protect", "quay_token", "policies"])
@pytest.mark.parametrize("way", WAYS)
def test_an_option_nested_without_end_is_refused(way, option):
    value = "secret-inside"
    for _depth in range(300):  # as JSON still takes it
        value = [value]
    result = WAYS[way]("quay_autoprune_policy", {"quay_token": "secret-token", option: value})
    assert result["failed"] and not result["changed"] and result["msg"].startswith(f"{option}: ")
    assert result["invocation"] == {"module_args": {}} and "secret-" not in result.output


@pytest.mark.parametrize("invocation", [True, False])
def test_both_mounts_show_the_options_or_do_not(invocation):
    shown = []
    for way in WAYS.values():
        result = way("quay_autoprune_policy", {"quay_token": "t", "timeout": "long"}, invocation=invocation)
        shown.append("invocation" in result)
    assert shown[0] == shown[1] and shown[0] >= invocation


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.parametrize("in_process", ["0", "1"])
def test_ansible_playbook_shows_none_at_vvv(in_process, registry, tmp_path):
    tasks, secrets = [], {}
    for module in (name for name in NAMES if name.startswith(f"{registry}_")):
        secrets.update(secrets_of(module))
        given = {name: "{{ " + f"given_{name}" + " }}" for name in secrets_of(module)}
        wrong = dict.fromkeys(nested_of(module), "a text")
        task = {f"registry.hygiene.{module}": {**given, **wrong, "timeout": "long"}, "ignore_errors": True}
        tasks.append(task)
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    host.update({f"given_{name}": secret for name, secret in secrets.items()})
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {"localhost": host}}}))
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_INJECT_INVOCATION": "1",
        "REGISTRY_HYGIENE_IN_PROCESS": in_process,
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-vvv", "-i", "hosts.json", "play.yml"]
    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    output = run.stdout + run.stderr
    assert run.returncode == 0 and f"ignored={len(tasks)} " in output, output
    assert output.count('"module_args"') >= len(tasks) and "AnsiballZ" * (in_process == "0") in output
    for secret in secrets.values():
        assert secret not in output
