# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what was approved of a host in the sums of a preview."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: approved
short_description: Find what was approved of a host in the sums of a preview
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the options O(registry.hygiene.quay_autoprune_policy#module:approved) and its tolerances for the tasks of
    one host, from the custom stat that the playbook C(registry.hygiene.preview) sets.
  - Of a host that the sums do not name, nothing was approved.
positional: host
options:
  _input:
    description:
      - The value of the custom stat C(registry_hygiene). Empty, nothing is held to anything.
    type: raw
    required: true
  host:
    description: The name of the host.
    type: str
    required: true
  done:
    description:
      - Registered results of the same host. What they say of plans that were carried out is approved no more.
    type: list
    elements: dict
    default: []
  percent:
    description: The option C(approved_tolerance_percent). Empty, it is left out.
    type: raw
  images:
    description: The option C(approved_tolerance_images). Empty, it is left out.
    type: raw
"""

EXAMPLES = r"""
- name: Change only what was approved
  registry.hygiene.quay_autoprune_policy:
    repositories: [acme/*]
    policies:
      - method: creation_date
        value: 30d
        tag_pattern: ^dev-
    approved: "{{ (sums | registry.hygiene.approved(inventory_hostname)).approved }}"
  vars:
    sums: # as registry.hygiene.plan_report sets them
      summary: 3 of 4 targets would change, 361 images go
      hosts:
        quay.example.com: {change: 3, go: 361, perhaps: 0, bytes: 81200000000, blown: '', message: ''}
"""

RETURN = r"""
_value:
  description: Options of a module; none if nothing is to be held to.
  type: dict
  sample: {approved: {change: 3, go: 361, perhaps: 0}, approved_tolerance_percent: 5}
"""

# The sums, each with where a result has it.
PATHS = {"change": ("changed",), "go": ("images", "count"), "perhaps": ("images", "uncertain_count")}
WRONG = "registry_hygiene_approved: give it the custom stat registry_hygiene of a preview, or leave it empty"


def approved(sums: Any, host: str, done: Any = (), percent: Any = None, images: Any = None) -> dict:
    """Return the options of a module that hold it to what was approved of a host; raises AnsibleFilterError."""
    if sums is None or sums == "" or sums == {}:
        return {}
    hosts = sums.get("hosts") if isinstance(sums, dict) else None
    if not isinstance(hosts, dict) or not isinstance(hosts.get(host, {}), dict):
        raise AnsibleFilterError(WRONG)
    plans = [result.get("plan") for result in _flat(done)]
    carried_out = [plan for plan in plans if isinstance(plan, dict) and not plan.get("refused")]
    left = {}
    for name, path in PATHS.items():
        number = hosts.get(host, {}).get(name) or 0
        if isinstance(number, bool) or not isinstance(number, int):
            raise AnsibleFilterError(WRONG)
        left[name] = max(number - sum(_found(plan, path) for plan in carried_out), 0)
    tolerances = {"approved_tolerance_percent": percent, "approved_tolerance_images": images}
    return {"approved": left, **{name: value for name, value in tolerances.items() if value not in (None, "")}}


def _flat(results: Any) -> list[dict]:
    """Return the results themselves, of those that hold others the others."""
    found = []
    for result in results:
        if isinstance(result, dict):
            found += _flat(result["results"]) if isinstance(result.get("results"), list) else [result]
    return found


def _found(plan: dict, path: tuple) -> int:
    """Return the number that a plan has there, 0 without one."""
    value: Any = plan
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value or 0


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return name -> function."""
        return {"approved": approved}
