#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_replication_policy_info
short_description: Read the replication policies of Harbor
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns replication policies of Harbor 2.6 to 2.16, in the form that M(registry.hygiene.harbor_replication_policy)
    takes.
options:
  names:
    description:
      - The names of the policies to return. The wildcards C(*), C(?) and C([...]) stand for several, C(*) also across
        slashes. All of them if it is not set.
    type: list
    elements: str
extends_documentation_fragment:
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_replication_policy
  - module: registry.hygiene.harbor_replication_info
"""

EXAMPLES = r"""
- name: Read all policies
  registry.hygiene.harbor_replication_policy_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
  register: replication

- name: Have the same in another Harbor
  registry.hygiene.harbor_replication_policy:
    harbor_url: https://harbor-dr.example.com
    policies: "{{ replication.policies }}"
"""

RETURN = r"""
policies:
  description: The policies, sorted by name, each with the options of M(registry.hygiene.harbor_replication_policy).
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
      sample: mirror-alpine
    description:
      description: The text about it.
      type: str
      sample: ""
    enabled:
      description: Whether it does anything.
      type: bool
      sample: true
    src_registry:
      description: The endpoint that it pulls from, V(null) if it pushes.
      type: str
      sample: hub
    dest_registry:
      description: The endpoint that it pushes to, V(null) if it pulls.
      type: str
      sample: null
    dest_namespace:
      description: What stands before the repositories at the destination.
      type: str
      sample: mirror
    dest_namespace_replace_count:
      description: How many parts of their paths it replaces, V(-1) for all.
      type: int
      sample: 1
    filters:
      description: What images have to fit. Labels are sorted, and a missing decoration is V(matches).
      type: list
      elements: dict
      sample: [{type: name, value: library/alpine}, {type: tag, value: 3.*, decoration: matches}]
    trigger:
      description: What starts it.
      type: str
      sample: scheduled
    cron:
      description: When it starts, V(null) unless it is scheduled.
      type: str
      sample: 0 30 3 * * *
    deletion:
      description: Whether deletions are carried over.
      type: bool
      sample: false
    override:
      description: Whether tags at the destination are replaced.
      type: bool
      sample: false
    speed:
      description: The limit in Kbit/s, V(0) for none.
      type: int
      sample: 0
    copy_by_chunk:
      description: Whether blobs go in pieces, V(null) before Harbor 2.6.2.
      type: bool
      sample: false
    single_active_replication:
      description: Whether an execution is skipped while one runs, V(null) before Harbor 2.14.
      type: bool
      sample: false
details:
  description: From the name of each of them to what else Harbor tells of it.
  type: dict
  returned: success
  sample:
    mirror-alpine: {id: 12, creation_time: "2026-11-21T12:33:05.120Z", update_time: "2026-11-21T12:33:05.120Z"}
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import listings, registry, replication


class ReplicationPolicyInfo(Resource):
    """The replication policies, to be read."""

    nouns = ("policies", "details")

    @classmethod
    def targets(cls, client, params):
        registry.version(client)
        return "policies"

    def read(self):
        version = registry.version(self.client)
        rows = listings.chosen(self.client, listings.POLICIES, self.params["names"])
        return {
            "policies": [replication.state_of(version, row) for row in rows],
            "details": {row["name"]: listings.details(row) for row in rows},
        }


MODULE = Module(ReplicationPolicyInfo, registry, dict(names=dict(type="list", elements="str")))


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
