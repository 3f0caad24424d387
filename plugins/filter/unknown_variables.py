# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds misspelt variables of a role."""

from __future__ import annotations

import difflib
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

DOCUMENTATION = r"""
name: unknown_variables
short_description: Find misspelt variables of a role
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns a message for each variable that a role does not know, with the name that was probably meant.
  - Ansible itself says nothing about a misspelt variable. What it should have declared is then missing.
  - The variables of the other playbooks of this collection are known to all of its roles.
positional: known
options:
  _input:
    description: The names of the variables that there are.
    type: list
    elements: str
    required: true
  known:
    description: The names of the variables that the role knows.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse misspelt variables
  ansible.builtin.assert:
    that: found | length == 0
    fail_msg: "{{ found | join(' ') }}"
  vars:
    names: "{{ query('ansible.builtin.varnames', '^my_role_') }}"
    found: "{{ names | registry.hygiene.unknown_variables(['my_role_names', 'my_role_state']) }}"
"""

RETURN = r"""
_value:
  description: A message for each name that is not known, in the order of the names.
  type: list
  elements: str
  sample: ["my_role_nmaes is no variable of this role: did you mean my_role_names?"]
"""

MOST = 200  # characters of a name
# What playbooks and plugins of this collection read, or set, and roles only find beside their own.
ELSEWHERE = tuple(
    f"registry_hygiene_{name}"
    for name in (*("export_folder", "export_force", "fail_on", "history", "namespace", "since", "undo_force", "until"),)
)


def unknown_variables(found: list, known: list) -> list[str]:
    """Return a message for each name that is not known, sorted; raises AnsibleFilterError unless both are lists."""
    for names in (found, known):
        if isinstance(names, str) or not hasattr(names, "__iter__"):
            raise AnsibleFilterError("unknown_variables: give it a list of names, and the list of those that are known")
    known = [str(name) for name in known]
    return [message(name, known) for name in sorted({str(name) for name in found}.difference(known, ELSEWHERE))]


def message(name: str, known: list[str]) -> str:
    """Return what is wrong with a name."""
    said = f"{printable(name, MOST)} is no variable of this role"
    near = difflib.get_close_matches(name[:MOST], known, 1)
    return f"{said}: did you mean {near[0]}?" if near else f"{said}: those are {', '.join(sorted(known))}"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return name -> function."""
        return {"unknown_variables": unknown_variables}
