# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the page on playbooks to the playbooks: the variables that each of them reads are on it, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = {path.stem: path for path in sorted(ROOT.glob("playbooks/*.yml"))}
PAGE = (ROOT / "docs" / "docsite" / "rst" / "playbooks.rst").read_text()
SECTIONS = dict(re.findall(r"^(.+)\n-{5,}\n((?:.*\n)*?)(?=.+\n-{5,}\n|\Z)", PAGE, re.MULTILINE))
SHARED = "Limits and approval"
ROW = re.compile(r"^   \* - ``([a-z_]+)``\n     - .+\n     - .+\n     - .+", re.MULTILINE)
VARIABLE = re.compile(r"(?<!\w)(?:registry_hygiene|awx_setup)_[a-z_]+")
OURS = re.compile(r"(?<!\w)__[a-z_]+")  # what a role defines in its vars


class Loader(yaml.SafeLoader):
    """Reads YAML of Ansible."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def read(path: Path) -> str:
    """Return what a file of YAML says, without its comments."""
    return json.dumps(yaml.load(path.read_text(), Loader))


def reached(name: str) -> str:
    """Return the text of a playbook, of the files that it names, and of what it uses of its roles."""
    text = read(PLAYBOOKS[name])
    for named in set(re.findall(r"\b(?:tasks|vars)/[a-z_{} ]+\.yml", text)):
        pattern = re.sub("{{.*}}", "*", named)
        text += "".join(read(path) for path in ROOT.glob(f"playbooks/{pattern}"))
    tasks = name if name in ("undo", "history", "export") else "main"
    for role in set(re.findall(r'_registry_hygiene_role": "(?:registry\.hygiene\.)?(\w+)"', text)):
        place = ROOT / "roles" / role
        text += used(read(place / "tasks" / f"{tasks}.yml"), json.loads(read(place / "vars" / "main.yml")))
    return text


def used(text: str, variables: dict) -> str:
    """Return the text with all of these variables that it comes to, directly or by others."""
    seen, open_names = set(), set(OURS.findall(text))
    while new := open_names & set(variables) - seen:
        seen |= new
        more = json.dumps([variables[name] for name in sorted(new)])
        text, open_names = text + more, set(OURS.findall(more))
    return text


def shown(name: str) -> list[str]:
    """Return the variables that the page lists for a playbook."""
    section = SECTIONS[f"registry.hygiene.{name}"]
    return ROW.findall(section) + (ROW.findall(SECTIONS[SHARED]) if f"`{SHARED}`_" in section else [])


def test_each_playbook_has_a_section_and_each_section_a_playbook():
    assert {name for name in SECTIONS if name.startswith("registry.")} == {f"registry.hygiene.{it}" for it in PLAYBOOKS}


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_variables_on_the_page_are_those_that_the_playbook_reads(name):
    prefix = "awx_setup_" if name == "awx_setup" else "registry_hygiene_"
    inputs = {variable for variable in VARIABLE.findall(reached(name)) if variable.startswith(prefix)}
    assert sorted(shown(name)) == sorted(inputs)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_section_says_how_to_run_it_what_it_writes_and_when_it_fails(name):
    section = SECTIONS[f"registry.hygiene.{name}"]
    assert f"$ ansible-playbook registry.hygiene.{name} " in section
    assert "\n*Writes:* " in section and "\n*Fails* " in section
