#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swr_retention_info
short_description: Read the image retention policies of Huawei Cloud SWR and what they deleted
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the image retention policies of repositories in Huawei Cloud SWR, many at once, and on demand the history
    of the tags that they deleted.
  - A policy that it returns can be given to M(registry.hygiene.swr_retention) as it is.
options:
  namespace:
    description:
      - The organization.
      - A glob (C(*), C(?), C([...])) means the matching ones. Then the keys of results are C(namespace/name).
    type: str
    required: true
    aliases: [organization]
  repositories:
    description:
      - The repositories, each by its name without the organization. Names may hold slashes.
      - Globs (C(*), C(?), C([...])) are replaced by the matching repositories that can be seen. C(*) goes across
        slashes, so V(*) means every repository.
    type: list
    elements: str
    required: true
  history:
    description:
      - Whether to return which tags were deleted, too. SWR keeps this for about three months.
    type: bool
    default: false
  history_since:
    description:
      - How far back to look with O(history=true), as a number and a unit (V(s), V(m), V(h), V(d), V(w)), for example
        V(7d).
      - Without it, as far as SWR remembers.
    type: str
extends_documentation_fragment:
  - registry.hygiene._swr
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.swr_retention
"""

EXAMPLES = r"""
- name: Read the policies of a whole organization, and what they deleted within a week
  registry.hygiene.swr_retention_info:
    swr_region: eu-west-101
    swr_access_key: "{{ vault_swr_access_key }}"
    swr_secret_key: "{{ vault_swr_secret_key }}"
    namespace: acme
    repositories:
      - "*"
    history: true
    history_since: 7d
  register: found

- name: Read the policies of all repositories that can be seen
  registry.hygiene.swr_retention_info:
    swr_region: eu-west-101
    namespace: "*"
    repositories:
      - "*"

- name: Show how many tags went
  ansible.builtin.debug:
    msg: "{{ found.history.values() | flatten | length }}"
"""

RETURN = r"""
retention:
  description:
    - The policy, V(null) if there is none.
    - If one repository is named exactly, its policy; if several are named, or by a glob, a dictionary from the
      repository to its policy. Repositories that failed are left out.
    - SWR documents one policy of one rule for a repository. Should there be more, they are under C(further_policies),
      and a warning is given; C(rules) is there instead of the other keys for a policy that the options cannot say.
  type: dict
  returned: success, or when only some of the repositories failed
  sample:
    team/app:
      template: tag_rule
      num: 20
      tag_selectors: []
history:
  description:
    - The tags that were deleted, the latest first. In the shape of RV(retention), a list for one repository that is
      named exactly, otherwise a dictionary from the repository to its list.
    - Empty lists without O(history=true).
  type: raw
  returned: success, or when only some of the repositories failed
  sample:
    team/app:
      - tag: build-118
        created_at: "2026-01-14T22:10:05.120034Z"
        retention_id: 4711
        rule:
          template: tag_rule
          num: 12
          tag_selectors: []
changed_targets:
  description: Always empty.
  type: list
  elements: str
  returned: success, or when only some of the repositories failed
  sample: []
failures:
  description: From each repository that failed to the reason. The other repositories were read all the same.
  type: dict
  returned: when some of the repositories failed
  sample:
    gone: "GET /v2/manage/namespaces/acme/repos/gone/retentions answered 404 SVCSTG.SWR.4040010: There is no such ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core import names, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry, retention


class RetentionHistory(retention.RetentionReader):
    """The retention policy of one repository and what it deleted."""

    nouns = ("retention", "history")

    @classmethod
    def validate(cls, params):
        if params["history_since"]:
            schedule.seconds(params["history_since"], "history_since")
        if names.is_glob(params["namespace"]):  # any name will do to check the others
            return super().validate(dict(params, namespace="x"))
        return super().validate(params)

    @classmethod
    def targets(cls, client, params):
        if not names.is_glob(params["namespace"]):
            return super().targets(client, params)
        return registry.everywhere(client, params["namespace"], params["repositories"])

    def read(self):
        history = []
        if self.params["history"]:
            history = retention.history(self.client, self.where("histories"), self.params["history_since"])
        return {"retention": super().read(), "history": history}


MODULE = Module(
    RetentionHistory,
    registry,
    dict(
        retention.TARGET_SPEC,
        history=dict(type="bool", default=False),
        history_since=dict(type="str"),
    ),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
