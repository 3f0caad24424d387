#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swr_retention
short_description: Manage the image retention policies of Huawei Cloud SWR
version_added: 0.1.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the image retention policies of repositories in Huawei Cloud SWR (SoftWare Repository for Container, basic
    edition), or a cloud of its kind such as Open Telekom Cloud, into the declared state. One task serves thousands of
    repositories.
  - B(A policy starts deleting images the moment it is created), and nobody can tell it not to. The same has to be
    assumed of a change. What it deletes cannot be brought back.
  - A repository has one policy. Its numbers and selectors are changed in place.
options:
  template:
    description:
      - V(date_rule) keeps the tags that were pushed within the last O(days) and deletes the older ones.
      - V(tag_rule) keeps the O(num) newest tags and deletes the others.
      - Required with O(state=present).
    type: str
    choices: [date_rule, tag_rule]
  days:
    description:
      - How many days tags are kept, from 1 to 365. Required with O(template=date_rule).
    type: int
  num:
    description:
      - How many tags are kept, from 1 to 1000. Required with O(template=tag_rule).
    type: int
  tag_selectors:
    description:
      - The tags that the policy must spare. They do not count for O(num).
      - Without any, the policy sees every tag.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - V(label) means the one tag that O(tag_selectors[].pattern) names.
          - V(regexp) means all tags that match the regular expression O(tag_selectors[].pattern).
        type: str
        choices: [label, regexp]
        required: true
      pattern:
        description:
          - A tag or a regular expression. SWR does not document its kind of expressions. Write C(^...$) around them and
            keep to the syntax of RE2; a warning is given for others.
        type: str
        required: true
  state:
    description:
      - V(present) makes sure that each repository has exactly this policy.
      - V(absent) makes sure that the repositories have none.
    type: str
    choices: [present, absent]
    default: present
  allow_replace:
    description:
      - SWR cannot change O(template) of a policy. V(true) allows to delete the policy and to create another one in its
        place; otherwise a repository with another template fails.
      - In between, the repository is without a policy. If the creation fails, the old policy is put back, and the task
        fails and says so. If that fails as well, the message says that the repository has no policy.
      - If an answer is lost, SWR is asked for about a quarter of a minute what is there now. If that cannot be read,
        nothing more is written, and the message says so.
    type: bool
    default: false
extends_documentation_fragment:
  - registry.hygiene._swr_retention
  - registry.hygiene._swr
  - registry.hygiene._http
  - registry.hygiene._preview
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.swr_retention_info
"""

EXAMPLES = r"""
- name: Keep the images of thirty days in every repository of acme, and all releases
  registry.hygiene.swr_retention:
    swr_region: eu-west-101
    swr_access_key: "{{ vault_swr_access_key }}"
    swr_secret_key: "{{ vault_swr_secret_key }}"
    namespace: acme
    repositories:
      - "*"
    template: date_rule
    days: 30
    tag_selectors:
      - kind: label
        pattern: latest
      - kind: regexp
        pattern: ^v[0-9]+[.][0-9]+[.][0-9]+$

- name: Keep the twenty newest tags, as an IAM user of Open Telekom Cloud
  registry.hygiene.swr_retention:
    swr_url: https://swr-api.eu-de.otc.t-systems.com
    iam_url: https://iam.eu-de.otc.t-systems.com
    swr_project: eu-de
    swr_domain: OTC-EU-DE-00000000001000000000
    swr_username: registry-hygiene
    swr_password: "{{ vault_swr_password }}"
    namespace: acme
    repositories:
      - team/app
    template: tag_rule
    num: 20

- name: Remove the policies of all caches
  registry.hygiene.swr_retention:
    namespace: acme
    repositories:
      - "*-cache"
    state: absent
"""

RETURN = r"""
retention:
  description:
    - The policy afterwards, in check mode as it would be afterwards. V(null) if there is none.
    - If one repository is named exactly, its policy; if several are named, or by a glob, a dictionary from the
      repository to its policy. Repositories that failed are left out.
    - SWR documents one policy of one rule for a repository. Should there be more, they are under C(further_policies),
      and a warning is given; C(rules) is there instead of the other keys for a policy that the options cannot say.
  type: dict
  returned: success, or when only some of the repositories failed
  sample:
    team/app:
      template: date_rule
      days: 30
      tag_selectors:
        - kind: label
          pattern: latest
preview:
  description:
    - The images that the plan deletes. What Quay, SWR or DigitalOcean would do by itself in the same repositories
      anyway is part of it.
    - The lists hold at most O(preview_limit) images of each repository; the counts are complete.
  type: dict
  returned: in check mode, with O(preview=true), or when a limit is set, if a target changes
  contains:
    estimate:
      description: Whether it is an estimate, because the registry does not document all of its rules.
      type: bool
      sample: true
    count:
      description: How many images are certain to go.
      type: int
      sample: 2
    uncertain_count:
      description: How many others may go.
      type: int
      sample: 0
    total:
      description: How many images there are in the repositories of the changed targets.
      type: int
      sample: 40
    bytes:
      description: The sum of the sizes of those that are certain to go. Images share layers, so less is freed.
      type: int
      sample: 14680064
    deletions:
      description: The images that are certain to go.
      type: list
      elements: dict
      sample:
        - target: acme/app
          tag: v0.9.1
          digest: "sha256:2485f4d55aae6c5b073114bc4c4b1907c0abae14166281beee7d93f76ebf41fc"
          age: 3456011
          size: 7340032
          because: "repository policy: not among the newest 10, tag_pattern ^v[0-9]"
    uncertain:
      description: The images that may go, C(because) says why that cannot be known.
      type: list
      elements: dict
      sample: []
    targets:
      description: From each repository to its counts, and the images that stay.
      type: dict
      sample: {acme/app: {count: 2, uncertain_count: 0, kept_count: 38, kept: [v1.0.0]}}
changed_targets:
  description: The repositories whose policy was changed, or would be in check mode.
  type: list
  elements: str
  returned: success, or when only some of the repositories failed
  sample: [team/app]
failures:
  description: From each repository that failed to the reason. The other repositories were served all the same.
  type: dict
  returned: when some of the repositories failed
  sample:
    gone: "GET /v2/manage/namespaces/acme/repos/gone/retentions answered 404 SVCSTG.SWR.4040010: There is no such ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._swr import forecast, registry, retention
from ansible_collections.registry.hygiene.plugins.module_utils._swr.changes import Changes


class Retention(retention.RetentionReader):
    """The retention policy of one repository."""

    module = "swr_retention"
    foresees = True

    @classmethod
    def validate(cls, params):
        return super().validate(params) + retention.check(params)

    def plan(self, current):
        declared = retention.declared(self.params)
        if current and declared and not self.params["allow_replace"] and not self._kept(declared):
            raise RegistryError(
                f"the policy has the template {current.get('template', 'of several rules')}, which SWR cannot change "
                f"to {declared['template']}: set allow_replace: true to have it deleted and created anew"
            )
        return declared

    def foresee(self, current, planned):
        rows = retention.tags(self.client, self.params["namespace"], self.target)
        now = self.client.clock()
        then, before = (forecast.forecast(self.full_name(), rows, state, now) for state in (planned, current))
        return then, before

    def changes(self, current, planned):
        return retention.changes(current, planned)

    def _kept(self, planned):
        """Return the policy that is or can be made the planned one, None if there is none."""
        alike = [policy for policy in self.found if retention.template(policy) == planned["template"]]
        equal = [policy for policy in alike if retention.in_option_words([policy]) == planned]
        return next(iter(equal + alike), None)

    def apply(self, current, planned):
        changes = Changes(self)
        kept = planned and self._kept(planned)
        if kept and retention.in_option_words([kept]) != planned:
            changes.update(kept, planned)
        for policy in self.found:
            if policy is not kept:
                changes.delete(policy)
        if planned and not kept:
            changes.create(planned)
        try:
            there = retention.in_option_words(changes.look(lambda found: retention.in_option_words(found) == planned))
        except RegistryError as error:
            raise RegistryError(f"SWR accepted the change, but reading it back failed: {error}") from None
        if there != planned:
            raise ContractError(f"SWR accepted the change of {self.where()}, but the policy is not what it should be")


MODULE = Module(
    Retention,
    registry,
    dict(
        retention.TARGET_SPEC,
        exclude=dict(type="list", elements="str"),
        **retention.POLICY_SPEC,
        state=dict(type="str", choices=["present", "absent"], default="present"),
        allow_replace=dict(type="bool", default=False),
    ),
    required_if=[("state", "present", ["template"])],
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
