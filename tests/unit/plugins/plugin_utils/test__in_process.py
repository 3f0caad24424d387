# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.registry.hygiene.plugins.plugin_utils import _in_process
from contract.mounts import action_plugin

OPTIONS = {"quay_url": "http://127.0.0.1:9", "quay_token": "t", "organizations": [], "policies": []}


def ran_as_module(plugin, **task_vars):
    """Return whether the plugin handed its task to the module."""
    with mock.patch.object(ActionBase, "_execute_module", return_value={"changed": False}) as execute:
        plugin.run(task_vars=task_vars)
    return execute.called


def plugin(**task):
    return action_plugin("quay_autoprune_policy", OPTIONS, **task)


@pytest.mark.parametrize("interpreter", [None, "", "auto", "auto_silent", sys.executable])
def test_here_if_it_makes_no_difference(interpreter):
    assert not ran_as_module(plugin(), ansible_python_interpreter=interpreter)


@pytest.mark.parametrize(
    "task",
    [{"become": True}, {"async_val": 60}, {"environment": [{"HTTPS_PROXY": "http://proxy"}]}],
)
def test_as_a_module_if_the_task_says_so(task):
    assert ran_as_module(plugin(**task))


def test_a_delegated_task_follows_the_interpreter_of_the_delegated_host():
    delegated = {"ansible_delegated_vars": {"other": {"ansible_python_interpreter": "/usr/bin/another-python"}}}
    assert ran_as_module(plugin(delegate_to="other"), **delegated)
    assert not ran_as_module(plugin(delegate_to="third"), ansible_python_interpreter="/usr/bin/p", **delegated)


def test_texts_are_nothing_but_texts():
    class Marked(str):
        """As ansible-core 2.18 hands on what variables hold."""

        def __str__(self):  # pylint: disable=invalid-str-returned
            return self

    found = _in_process.plain({Marked("names"): [Marked("app"), {"a": Marked("b")}]})
    assert found == {"names": ["app", {"a": "b"}]}
    assert {type(text) for text in (*found, found["names"][0], found["names"][1]["a"])} == {str}


def test_arguments_are_made_plain_as_for_a_module():
    class FromVault:
        """As ansible-core 2.18 hands on values from a vault: not a text, but one can be made of it."""

        def __str__(self):
            return "secret-from-a-vault"

    action = action_plugin("quay_autoprune_policy", dict(OPTIONS, quay_token=FromVault()))
    result = action.run(task_vars={})
    assert not result.get("failed") and "secret-from-a-vault" not in str(result)
    action = action_plugin("quay_autoprune_policy", dict(OPTIONS, quay_token=FromVault(), workers="many"))
    result = action.run(task_vars={})
    assert result["failed"] and "secret-from-a-vault" not in str(result)


def test_here_if_the_environment_is_empty():
    assert not ran_as_module(plugin(environment=[{}, None]))


def test_as_a_module_on_another_connection():
    action = plugin()
    action._connection.transport = "ssh"
    assert ran_as_module(action)


def test_as_a_module_with_become_on_the_connection():
    action = plugin()
    action._connection.become = object()
    assert ran_as_module(action)


def test_as_a_module_with_another_interpreter():
    assert ran_as_module(plugin(), ansible_python_interpreter="/usr/bin/another-python")


def test_the_interpreter_is_templated_first():
    action = plugin()
    action._templar.template = lambda value: sys.executable if value == "{{ ansible_playbook_python }}" else value
    assert not ran_as_module(action, ansible_python_interpreter="{{ ansible_playbook_python }}")


@pytest.mark.parametrize(
    ("value", "platform", "enabled"),
    [(None, "linux", True), ("1", "linux", True), ("0", "linux", False), (None, "darwin", False)],
)
def test_as_a_module_on_macos_and_if_the_user_wants_it(value, platform, enabled):
    code = f"import sys; sys.platform = {platform!r}; from {_in_process.__name__} import ENABLED, described"
    code += "; print(ENABLED)"
    code += "; assert ENABLED == bool(described('quay_autoprune_policy')) == ('requests' in sys.modules)"
    env = {name: text for name, text in os.environ.items() if name != "REGISTRY_HYGIENE_IN_PROCESS"}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    env.update({"REGISTRY_HYGIENE_IN_PROCESS": value} if value else {})
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(enabled)


def test_a_task_is_handed_to_the_module_where_this_is_switched_off(monkeypatch):
    monkeypatch.setattr(_in_process, "ENABLED", False)
    assert ran_as_module(plugin())


def test_async_is_handed_on():
    with mock.patch.object(ActionBase, "_execute_module", return_value={}) as execute:
        plugin(async_val=60).run(task_vars={})
    assert execute.call_args.kwargs["wrap_async"]
