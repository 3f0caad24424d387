#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: do_registry_gc_info
short_description: Read garbage collections of container registries of DigitalOcean
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns container registries of DigitalOcean, the garbage collection that is running in each and the past ones, and
    on demand an estimate of what could be collected.
options:
  registries:
    description:
      - The registries, by their names. Globs (C(*), C(?), C([...])) are replaced by the matching registries of the
        account; V(*) means all of them.
    type: list
    elements: str
    required: true
  garbage:
    description:
      - Whether to look for manifests that no tag reaches. This reads all manifests, a request for each 200 of a
        repository.
    type: bool
    default: false
extends_documentation_fragment:
  - registry.hygiene._digitalocean
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.do_registry_gc
"""

EXAMPLES = r"""
- name: Read the garbage collections of all registries, and what could be collected
  registry.hygiene.do_registry_gc_info:
    digitalocean_token: "{{ vault_digitalocean_token }}"
    registries:
      - "*"
    garbage: true
  register: found

- name: Show how much that is
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.garbage.bytes | human_readable }} or more"
  loop: "{{ found.registries | dict2items }}"
  loop_control:
    label: "{{ item.key }}"
"""

RETURN = r"""
registries:
  description:
    - If one registry is named exactly, what is known of it; if several are named, or by a glob, a dictionary from the
      registry to that. Registries that failed are left out.
  type: dict
  returned: success, or when only some of the registries failed
  contains:
    registry:
      description:
        - The registry in DigitalOcean's words, with C(name), C(region), C(created_at), C(storage_usage_bytes) and,
          where DigitalOcean says it, C(read_only).
      type: dict
      sample: {name: acme, region: fra1, storage_usage_bytes: 29393920}
    active:
      description: The garbage collection that is running, V(null) if there is none.
      type: dict
      sample: null
    runs:
      description: All garbage collections that DigitalOcean remembers, the newest first.
      type: list
      elements: dict
      sample:
        - uuid: eff0feee-49c7-4e8f-ba5c-a320c109c8a8
          status: succeeded
          type: unreferenced blobs only
          created_at: "2026-03-30T20:51:32Z"
          updated_at: "2026-03-30T20:59:47Z"
          freed_bytes: 667
          blobs_deleted: 3
    garbage:
      description:
        - With O(garbage=true), what no tag reaches, as the number of C(manifests), their C(digests) and the C(bytes)
          of the blobs that only they hold. Children of multi-platform images are reached by these.
        - A lower bound, which C(lower_bound) says, because blobs that no manifest names are not listed by DigitalOcean.
        - Otherwise V(null).
      type: dict
      sample: {manifests: 12, bytes: 90112, lower_bound: true, digests:
      ["team/app@sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b"]}
changed_targets:
  description: Always empty.
  type: list
  elements: str
  returned: success, or when only some of the registries failed
  sample: []
failures:
  description: From each registry that failed to the reason. The other registries were read all the same.
  type: dict
  returned: when some of the registries failed
  sample:
    gone: "there is no registry 'gone'; registries of this account: acme"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import (
    garbage_collection,
    registry,
)


class Registry(garbage_collection.GcReader):
    """One registry, its garbage collections, and its garbage."""

    noun = "registries"

    def read(self):
        self.locate()
        active = [self.shown(run) for run in self.under_way()]
        return {
            "registry": self.registry,
            "active": active[0] if active else None,
            "runs": [self.shown(run) for run in self.recent()],
            "garbage": self.collectable() if self.params["garbage"] else None,
        }


MODULE = Module(
    Registry,
    registry,
    dict(registry.TARGET_SPEC, garbage=dict(type="bool", default=False)),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
