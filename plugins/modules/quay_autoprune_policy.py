#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_autoprune_policy
short_description: Manage the auto-prune policies of Quay
version_added: 0.1.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the auto-prune policies of organizations, of repositories or of the token's own user into the declared
    state. One task serves thousands of repositories.
  - A policy is known by its O(policies[].method), O(policies[].tag_pattern) and O(policies[].tag_pattern_matches).
    If Quay holds it with another value, it is changed in place. New policies are created before superfluous ones are
    deleted, so that there is no moment without a policy.
  - If Quay holds several policies that differ in their value only, one is kept and the others are deleted, because the
    strictest would go on deleting images.
  - B(Quay deletes tags by itself as soon as there is a policy, for a new one within minutes.) Every policy deletes on
    its own. A policy of a repository cannot protect what a policy of its organization deletes.
options:
  state:
    description:
      - V(present) makes sure that the O(policies) are there.
      - V(absent) makes sure that the O(policies) are not there, whatever their values; without O(policies), that
        there are none.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - V(true) makes the declared policies the only ones, that is, policies that are not declared are deleted.
      - Otherwise policies that are not declared stay as they are.
      - Only with O(state=present).
    type: bool
    default: false
  policies:
    description:
      - The policies. Required with O(state=present).
    type: list
    elements: dict
    suboptions:
      method:
        description:
          - V(number_of_tags) keeps the newest tags and deletes the others.
          - V(creation_date) deletes the tags that were pushed longer ago than the value.
        type: str
        choices: [number_of_tags, creation_date]
        required: true
      value:
        description:
          - With V(number_of_tags) how many tags to keep, a whole number above 0.
          - With V(creation_date) the age above which tags are deleted, a number and a unit, for example V(30d).
            Units are V(s), V(m) (minutes), V(h), V(d), V(w) and V(y) (365 days). Quay knows no months.
          - Required with O(state=present).
        type: raw
      tag_pattern:
        description:
          - A regular expression. The policy only sees the tags in which it is found; it is not anchored, so V(v) is
            found in V(dev). Without it, the policy sees every tag.
          - The database of Quay evaluates it. Literals, C(. ^ $ [...] * + ? {m,n}), groups and C(|) mean the same in
            all databases; a warning is given for the rest.
        type: str
      tag_pattern_matches:
        description:
          - V(false) means the tags in which O(policies[].tag_pattern) is not found.
        type: bool
        default: true
  force:
    description:
      - V(true) puts policies also on mirrors and read-only repositories that O(repositories) names exactly. Without it,
        such a target fails and the others are served.
      - Quay prunes nothing in such a repository. Worse, a policy of its own makes Quay's worker give up on the whole
        namespace, unless the organization has policies of its own, too.
      - Globs leave such repositories out, with RV(left_out) and a warning, whatever is said here. O(state=absent) needs
        no force.
    type: bool
    default: false
extends_documentation_fragment:
  - registry.hygiene._quay_policies
  - registry.hygiene._quay
  - registry.hygiene._http
  - registry.hygiene._preview
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.quay_autoprune_policy_info
notes:
  - Quay offers auto-prune policies only with C(FEATURE_AUTO_PRUNE) set to true in its configuration. With it switched
    off, the module fails before it writes anything.
"""

EXAMPLES = r"""
- name: Keep the ten newest release tags, and development tags for two weeks, in every repository of acme
  registry.hygiene.quay_autoprune_policy:
    quay_url: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    repositories:
      - acme/*
    policies:
      - method: number_of_tags
        value: 10
        tag_pattern: ^v[0-9]
      - method: creation_date
        value: 14d
        tag_pattern: ^dev-

- name: Have exactly one policy on two organizations, and see what would change
  registry.hygiene.quay_autoprune_policy:
    organizations:
      - acme
      - globex
    policies:
      - method: creation_date
        value: 1y
    exclusive: true
  check_mode: true
  diff: true

- name: Remove the policies by age of one repository that are for everything but releases
  registry.hygiene.quay_autoprune_policy:
    repositories:
      - acme/team/app
    policies:
      - method: creation_date
        tag_pattern: ^v[0-9]
        tag_pattern_matches: false
    state: absent

- name: Remove all policies of the token's own user
  registry.hygiene.quay_autoprune_policy:
    current_user: true
    state: absent
"""

RETURN = r"""
policies:
  description:
    - The policies afterwards, in check mode as they would be afterwards.
    - A list if one target is named exactly. If several are named, or by a glob, a dictionary from the target
      (C(acme), C(acme/app)) to its list; targets that failed are left out.
  type: raw
  returned: success, or when only some of the targets failed
  sample:
    acme/app:
      - method: number_of_tags
        value: 10
        tag_pattern: ^v[0-9]
        tag_pattern_matches: true
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
      sample: false
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
left_out:
  description:
    - The repositories that a glob matched and that got no policies all the same, with the reason.
  type: dict
  returned: when there are such
  sample:
    acme/mirror: "its state is MIRROR: Quay prunes nothing in it"
changed_targets:
  description:
    - The targets whose policies were changed, or would be in check mode. For the token's own user V(current_user).
  type: list
  elements: str
  returned: success, or when only some of the targets failed
  sample: [acme/app]
failures:
  description: From each target that failed to the reason. The other targets were served all the same.
  type: dict
  returned: when some of the targets failed
  sample:
    acme/gone: "GET /api/v1/repository/acme/gone/autoprunepolicy/ answered 404: Not Found. Check the exact name"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._quay import (
    foresight,
    policies,
    reader,
    registry,
    states,
    writing,
)
from ansible_collections.registry.hygiene.plugins.module_utils._quay.policies import identity


class AutoprunePolicies(reader.PolicyReader):
    """The auto-prune policies of one organization, one repository or the token's own user."""

    module = "quay_autoprune_policy"
    foresees = True

    @classmethod
    def validate(cls, params):
        return super().validate(params) + states.check(params) + policies.check(params)

    @classmethod
    def choose(cls, client, params, found):
        return states.choose(client, params, found)

    def read(self):
        current = super().read()
        if any(policy not in current for policy in self.plan(current)):
            states.require_normal(self.client, self.params, self.target)
        return current

    def plan(self, current):
        declared = {identity(policy): policy for policy in policies.declared(self.params)}
        others = [policy for policy in current if identity(policy) not in declared]
        if self.params["state"] == "absent":
            return [] if self.params["policies"] is None else others
        wanted = [policies.as_held(policy, current) for policy in declared.values()]
        return policies.in_order(wanted + ([] if self.params["exclusive"] else others))

    def changes(self, current, planned):
        return policies.changes(current, planned)

    @classmethod
    def foresee_all(cls, client, things, before, after, each):
        return foresight.Plan(client, things, before, after).forecast(each)

    def apply(self, current, planned):
        replaced, created, deleted = policies.steps(self.found, planned)
        namespace = self.target.partition("/")[0]
        doubts = [writing.replace(self.client, self.where(uuid), namespace, policy) for uuid, policy in replaced]
        for policy in created:
            writing.create(
                self.client, self.where(), namespace, policy, lambda doubt: self.read_back(doubt, self.fetch)
            )
        if doubts:
            there = self.read_back(doubts[0], self.fetch)
            if any(policy not in there for policy in planned):
                raise doubts[0]
        for uuid in deleted:  # last, and only if all others are there, so that no moment is without a policy
            writing.delete(self.client, self.where(uuid))


MODULE = Module(
    AutoprunePolicies,
    registry,
    dict(
        reader.SCOPE_SPEC,
        **reader.EXCLUDE,
        state=dict(type="str", choices=["present", "absent"], default="present"),
        exclusive=dict(type="bool", default=False),
        policies=dict(type="list", elements="dict", options=policies.POLICY_SPEC),
        force=dict(type="bool", default=False),
    ),
    required_if=[("state", "present", ["policies"])],
    **reader.SCOPE_RULES,
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
