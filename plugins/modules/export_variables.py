# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: export_variables
short_description: Write what registries have as variables of the roles of this collection
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Makes variables of the roles of this collection of what its C(_info) modules returned, and writes them to
    C(host_vars/<host>/registry_hygiene.yml).
  - The playbook C(registry.hygiene.export) reads all registries of an inventory, and uses this to write.
  - Targets with equal policies become one entry. Their names are folded into globs where a glob, with C(exclude), means
    exactly these.
  - What cannot be declared is written as a comment with the reason. Secrets are never written, as registries do not
    show them.
  - It talks to no registry.
options:
  quay:
    description:
      - C(organizations), C(repositories) and C(user), results of M(registry.hygiene.quay_autoprune_policy_info).
      - C(named) is the name of the organization if it was one, otherwise V(*).
    type: dict
  swr:
    description:
      - C(repositories), the result of M(registry.hygiene.swr_retention_info) for V(*), and C(named), the namespace, or
        V(*) for all of them.
    type: dict
  digitalocean:
    description:
      - C(registries), the result of M(registry.hygiene.do_registry_gc_info), and C(named), the registry, or V(*) for
        all of them.
    type: dict
  harbor:
    description:
      - C(purge_schedule), C(gc_schedule), C(registries) and C(replication_policies), results of
        M(registry.hygiene.harbor_purge_info), M(registry.hygiene.harbor_gc_info),
        M(registry.hygiene.harbor_registry_info) and M(registry.hygiene.harbor_replication_policy_info).
    type: dict
  folder:
    description:
      - The folder on the controller that holds C(host_vars), or is to hold it. A relative path begins where
        C(ansible-playbook) was started.
    type: str
    required: true
  force:
    description:
      - Whether to replace a file that is there and says something else. Otherwise that fails.
    type: bool
    default: false
extends_documentation_fragment:
  - registry.hygiene._attributes.FILE
"""

EXAMPLES = r"""
- name: Read the policies of all repositories
  registry.hygiene.quay_autoprune_policy_info:
    repositories:
      - "*/*"
  register: found

- name: Write them beside the inventory
  registry.hygiene.export_variables:
    quay:
      repositories: "{{ found }}"
    folder: "{{ inventory_dir }}"
"""

RETURN = r"""
path:
  description: The path of the file.
  type: str
  returned: if anything could be read
  sample: /home/me/inventory/host_vars/quay.example.com/registry_hygiene.yml
failures:
  description: What could not be read. The file has all else, and the task fails.
  type: list
  elements: str
  returned: always
  sample: []
"""
