# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks: what ansible-rulebook has to understand of them, and what their actions do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from contract import estate
from contract.playing import recap, writes
from fakes.quay import Quay
from fakes.serve import serving
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[3]
RULEBOOKS = sorted((ROOT / "extensions/eda/rulebooks").glob("*.yml"))
TEXT = {"type": "string", "minLength": 1}
ACTION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["run_playbook"],
    "properties": {
        "run_playbook": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": {"enum": [f"registry.hygiene.{name}" for name in ("preview", "apply")]},
                           "extra_vars": {"type": "object"}},
        }
    },
}  # fmt: skip
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "condition", "actions", "throttle"],
    "properties": {
        "name": TEXT,
        "condition": TEXT,
        "throttle": {
            "type": "object",
            "additionalProperties": False,
            "required": ["once_within", "group_by_attributes"],
            "properties": {
                "once_within": {"type": "string", "pattern": r"^\d+ (seconds?|minutes?|hours?|days?)$"},
                "group_by_attributes": {"type": "array", "items": {"type": "string", "pattern": r"^event\."}},
            },
        },
        "actions": {"type": "array", "minItems": 1, "items": ACTION},
    },
}
RULEBOOK = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "hosts", "sources", "rules"],
        "properties": {
            "name": TEXT,
            "hosts": TEXT,
            "execution_strategy": {"enum": ["sequential"]},
            "sources": {"type": "array", "minItems": 1, "items": {"required": ["ansible.eda.webhook"]}},
            "rules": {"type": "array", "minItems": 1, "items": RULE},
        },
    },
}
each_rulebook = pytest.mark.parametrize("path", RULEBOOKS, ids=[path.stem for path in RULEBOOKS])


def rules(path):
    """Return all rules of a rulebook."""
    return [rule for ruleset in yaml.safe_load(path.read_text()) for rule in ruleset["rules"]]


@each_rulebook
def test_a_rulebook_is_one(path):
    found = yaml.safe_load(path.read_text())
    assert [error.message for error in Draft7Validator(RULEBOOK).iter_errors(found)] == []
    for ruleset in found:
        source = ruleset["sources"][0]["ansible.eda.webhook"]
        assert all(value.startswith("{{ webhook_") for value in source.values()), "no secret stands in it"
        assert "token" in source or "vars.webhook_secret" in ruleset["rules"][0]["condition"], "not for anybody"
        named = set(re.findall(r"\{\{ (\w+) \}\}|vars\.(\w+)", path.read_text()))
        head = path.read_text().partition("\n- name:")[0]
        assert all((one or other) in head for one, other in named), "the head says which variables it takes"


@each_rulebook
def test_nothing_of_an_event_reaches_a_playbook_and_its_variables_are_known(path):
    for rule in rules(path):
        specs = yaml.safe_load((ROOT / "roles/quay_hygiene/meta/argument_specs.yml").read_text())
        known = {*specs["argument_specs"]["main"]["options"], "registry_hygiene_fail_on"}
        for action in rule["actions"]:
            assert set(action["run_playbook"]["extra_vars"]) <= known
        assert "event" not in str(rule["actions"])


@each_rulebook
@pytest.mark.parametrize("most", [0, 500])
def test_what_was_previewed_is_applied_if_the_limits_allow(play, tmp_path, path, most):
    fake = Quay(estate.quay(2))
    with serving(fake) as url:
        host = estate.declared(url, quay_hygiene_limits={"max_deletions": most})
        for action in rules(path)[0]["actions"]:
            told = action["run_playbook"]
            options = [word for name, value in told["extra_vars"].items()
                       for word in ("-e", f"{name}={value.replace('{{ plans }}', '.')}")]  # fmt: skip
            ran = play(told["name"].split(".")[-1], {"quay": {"quay-1": host}}, *options)
            assert ran.returncode == (0 if most else 2), ran.stdout
        assert bool(writes(fake)) == bool(most) and recap(ran)["quay-1"]["failed"] == (0 if most else 1)
