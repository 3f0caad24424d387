#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_immutable_tag_rule_info
short_description: Read the rules that protect tags in Harbor's projects
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the rules that make tags immutable, of many projects at once.
  - What it returns can be given to M(registry.hygiene.harbor_immutable_tag_rule) as it is.
extends_documentation_fragment:
  - registry.hygiene._harbor_projects.required
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_immutable_tag_rule
"""

EXAMPLES = r"""
- name: Read the rules of all projects
  registry.hygiene.harbor_immutable_tag_rule_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    projects: ["*"]
  register: found

- name: Show the projects in which nothing is protected
  ansible.builtin.debug:
    msg: "{{ found.rules | dict2items | rejectattr('value') | map(attribute='key') }}"
"""

RETURN = r"""
rules:
  description:
    - The rules. Identical ones are one, which is enabled if any of them is.
    - A list if one project is named exactly. If several are named, or by a glob, a dictionary from the project to its
      list. Projects that failed are left out.
    - A rule that the options of M(registry.hygiene.harbor_immutable_tag_rule) cannot say is C(foreign), a text of JSON.
  type: raw
  returned: success, or when only some of the projects failed
  sample:
    base:
      - tag_selector:
          decoration: matches
          pattern: v*
        repository_selector:
          decoration: repoMatches
          pattern: "**"
        disabled: false
failures:
  description: From each project that failed to the reason, at most 50.
  type: dict
  returned: when some of the projects failed
  sample:
    gone: "there is no project gone, or robot$cleaner is not a member of it and so does not see it. ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import immutable_rules, projects, registry

MODULE = Module(immutable_rules.Reader, registry, projects.PROJECTS_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
