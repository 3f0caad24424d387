#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_retention_policy_info
short_description: Read the tag retention policies of Harbor's projects
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the tag retention policies of projects of Harbor, many at once. A project without one costs no request of
    its own.
  - A policy that it returns can be given to M(registry.hygiene.harbor_retention_policy) as it is, unless somebody
    stored a value or a pattern in it that Harbor cannot use.
extends_documentation_fragment:
  - registry.hygiene._harbor_projects.required
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_retention_policy
"""

EXAMPLES = r"""
- name: Read all policies
  registry.hygiene.harbor_retention_policy_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    projects: ["*"]
  register: found

- name: Show the projects without one
  ansible.builtin.debug:
    msg: "{{ found.policy | dict2items | rejectattr('value') | map(attribute='key') }}"
"""

RETURN = r"""
policy:
  description:
    - The policy, V(null) if there is none.
    - If one project is named exactly, its policy; if several are named, or by a glob, a dictionary from the project to
      its policy. Projects that failed are left out.
    - A rule that the options of M(registry.hygiene.harbor_retention_policy) cannot say is C(foreign), a text of JSON.
  type: dict
  returned: success, or when only some of the projects failed
  sample:
    team:
      schedule: daily
      cron: 0 0 0 * * *
      rules:
        - template: latestPushedK
          value: 10
          disabled: false
          tag_selectors:
            - decoration: matches
              pattern: v*
              untagged: false
          repository_selectors:
            - decoration: repoMatches
              pattern: "**"
failures:
  description: From each project that failed to the reason, at most 50.
  type: dict
  returned: when some of the projects failed
  sample:
    gone: "there is no project gone, or robot$cleaner is not a member of it and so does not see it. ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import projects, registry, retention

MODULE = Module(retention.Reader, registry, projects.PROJECTS_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
