#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_autoprune_policy_info
short_description: Read the auto-prune policies of Quay
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the auto-prune policies of organizations, of repositories or of the token's own user, many at once.
  - Here the namespace of a repository may be a glob, too, such as in V(*/*). That stands for the organizations that the
    token administers, and for its own user. It needs the scope C(user:read).
  - What it returns for a target can be given to M(registry.hygiene.quay_autoprune_policy) as it is, unless Quay holds
    what that module refuses, such as an age of V(0d), or several values of one policy.
extends_documentation_fragment:
  - registry.hygiene._quay_policies
  - registry.hygiene._quay
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.quay_autoprune_policy
"""

EXAMPLES = r"""
- name: Read the policies of all organizations that the token administers
  registry.hygiene.quay_autoprune_policy_info:
    quay_url: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    organizations:
      - "*"
  register: found

- name: Read the policies of all repositories of acme
  registry.hygiene.quay_autoprune_policy_info:
    repositories:
      - acme/*

- name: Read those of all repositories of all these organizations and of the token's own user
  registry.hygiene.quay_autoprune_policy_info:
    repositories:
      - "*/*"

- name: Give one repository the policies of another
  registry.hygiene.quay_autoprune_policy_info:
    repositories:
      - acme/app
  register: model

- name: As before
  registry.hygiene.quay_autoprune_policy:
    repositories:
      - acme/copy
    policies: "{{ model.policies }}"
    exclusive: true
"""

RETURN = r"""
policies:
  description:
    - The policies, in a fixed order.
    - A list if one target is named exactly. If several are named, or by a glob, a dictionary from the target
      (C(acme), C(acme/app)) to its list; targets that failed are left out.
  type: raw
  returned: success, or when only some of the targets failed
  sample:
    acme/app:
      - method: creation_date
        value: 14d
        tag_pattern: ^dev-
        tag_pattern_matches: true
state:
  description:
    - The state of repositories that a glob stands for, C(NORMAL), C(READ_ONLY) or C(MIRROR). Quay prunes nothing in the
      latter two. V(null) for all else. In the shape of RV(policies).
  type: raw
  returned: success, or when only some of the targets failed
  sample:
    acme/app: NORMAL
changed_targets:
  description: Always empty.
  type: list
  elements: str
  returned: success, or when only some of the targets failed
  sample: []
failures:
  description: From each target that failed to the reason. The other targets were read all the same.
  type: dict
  returned: when some of the targets failed
  sample:
    acme/gone: "GET /api/v1/repository/acme/gone/autoprunepolicy/ answered 404: Not Found. Check the exact name"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._quay import registry
from ansible_collections.registry.hygiene.plugins.module_utils._quay.reader import (
    SCOPE_RULES,
    SCOPE_SPEC,
    PolicyReader,
)


class Policies(PolicyReader):
    """The auto-prune policies of one organization, one repository or the token's own user, and its state."""

    nouns = ("policies", "state")
    everywhere = True

    @classmethod
    def choose(cls, client, params, found):
        return client.cached("states", lambda: found)

    def read(self):
        return {"policies": super().read(), "state": self.client.cached("states", dict).get(self.target)}


MODULE = Module(Policies, registry, SCOPE_SPEC, **SCOPE_RULES)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
