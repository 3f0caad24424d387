#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_autoprune_policy
short_description: Manage the auto-prune policies of Quay
version_added: 1.0.0
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
    suboptions: &policy
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
  exclude:
    description:
      - Names and globs of organizations or repositories to leave out of those that O(organizations) or
        O(repositories) name.
    type: list
    elements: str
  declarations:
    description:
      - Several declarations in one task, for several kinds of targets. They are one plan, that is, all is read
        once, forecast together, held against the limits together, and only then written.
      - Each has the options of a task that declares one thing, and may have limits of its own instead of those of the
        task.
      - These options, such as O(policies) or O(state), then stand in the entries and not beside them.
      - A target that two entries name with different content is refused, and both entries are named.
    type: list
    elements: dict
    suboptions:
      organizations:
        description: As O(organizations).
        type: list
        elements: str
      repositories:
        description: As O(repositories).
        type: list
        elements: str
      current_user:
        description: As O(current_user).
        type: bool
      exclude:
        description: As O(exclude).
        type: list
        elements: str
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      exclusive:
        description: As O(exclusive).
        type: bool
        default: false
      policies:
        description: As O(policies).
        type: list
        elements: dict
        suboptions: *policy
      force:
        description: As O(force).
        type: bool
        default: false
      max_deletions:
        description: As O(max_deletions), for what this entry deletes.
        type: int
      max_deletions_percent:
        description: As O(max_deletions_percent), for what this entry deletes.
        type: float
      min_keep:
        description: As O(min_keep), for the repositories of this entry.
        type: int
      protect:
        description: As O(protect), for the repositories of this entry.
        type: list
        elements: str
extends_documentation_fragment:
  - registry.hygiene._quay_policies
  - registry.hygiene._quay
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
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
- name: Delete the images of merge requests after two weeks, in all repositories of two organizations
  registry.hygiene.quay_autoprune_policy:
    quay_url: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    organizations:
      - acme
      - globex
    policies:
      - method: creation_date
        value: 14d
        tag_pattern: ^pr-

# From here on the environment says it, QUAY_URL and QUAY_TOKEN.

- name: See what a whole Quay would lose, as one plan, and keep the plan
  registry.hygiene.quay_autoprune_policy:
    declarations: &declared
      - organizations: [acme, globex]
        policies:
          - method: creation_date
            value: 14d
            tag_pattern: ^pr-
      - repositories: [acme/*, globex/*]
        exclude: [acme/base/*]
        policies:
          - method: number_of_tags
            value: 10
            tag_pattern: ^v[0-9]
          - method: creation_date
            value: 30d
            tag_pattern: ^dev-
      - repositories: [acme/base/*] # other images are built on these
        policies:
          - method: creation_date
            value: 1y
            tag_pattern: ^dev-
        max_deletions: 20
    max_deletions_percent: 50
    min_keep: 1
    plan_file: /tmp/quay-plan.json
  check_mode: true
  diff: true

- name: Do that, and nothing else
  registry.hygiene.quay_autoprune_policy:
    declarations: *declared
    max_deletions_percent: 50
    min_keep: 1
    plan: /tmp/quay-plan.json

- name: Do that, unless an image would go that runs in a cluster
  registry.hygiene.quay_autoprune_policy:
    declarations: *declared
    in_use:
      - /srv/registry-hygiene/running.txt
    plan_file: /srv/registry-hygiene/quay-plan.json

- name: Take it back
  registry.hygiene.quay_autoprune_policy:
    undo: /srv/registry-hygiene/quay-plan.json

- name: Keep the newest twenty tags of one repository, and have no other policy on it
  registry.hygiene.quay_autoprune_policy:
    repositories:
      - initech/app
    policies:
      - method: number_of_tags
        value: 20
    exclusive: true

- name: Remove the policies by age that are for everything but releases, whatever their age
  registry.hygiene.quay_autoprune_policy:
    repositories:
      - initech/tools
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
    - A list if one target is named exactly. If several are named, or by a glob, or in O(declarations), a dictionary
      from the target (C(acme), C(acme/app)) to its list, see O(return_states); targets that failed are left out.
  type: raw
  returned: success, or when only some of the targets failed
  sample:
    acme/app:
      - method: number_of_tags
        value: 10
        tag_pattern: ^v[0-9]
        tag_pattern_matches: true
plan:
  description:
    - What the task changes, or would change, and which images that costs. Its size does not grow with the registry.
    - Everything is in O(plan_file).
  type: dict
  returned: always, unless the task fails before there is a plan
  contains:
    targets:
      description: How many organizations, repositories or users the task is about.
      type: int
      sample: 40
    changed:
      description: How many of them change.
      type: int
      sample: 38
    failed:
      description: How many failed, see RV(failures).
      type: int
      sample: 0
    left_out:
      description: How many are left as they are, see RV(left_out).
      type: int
      sample: 0
    images:
      description:
        - The images in the repositories where something changes. V(null) if there is no forecast, see O(preview).
        - C(count) are certain to go, C(uncertain_count) may go. C(anyway_count) of both would go anyway under what is
          there now, C(added_count) would not. C(total) is how many there are, C(repositories) how many repositories
          lose some.
        - C(bytes) are those of the images that are certain to go. Images share layers, so less is freed.
        - C(estimate) says whether the registry leaves some of its rules undocumented.
      type: dict
      sample:
        count: 61
        uncertain_count: 2
        anyway_count: 40
        added_count: 23
        total: 912
        bytes: 18253611008
        repositories: 21
        estimate: false
    in_use:
      description:
        - V(null) without O(in_use). How many C(references) there are, how many of them are of other hosts
          (C(elsewhere)), how many images that run are listed in the repositories where something changes (C(found)),
          and how many references name these repositories and are not (C(not_found)).
      type: dict
      sample: null
    refused:
      description:
        - V(null), or the limit that refused the plan (V(plan) for O(plan)), with a C(message) and the C(count) of all
          limits that did. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people, at most about 60 lines. The diff is the same.
      type: list
      elements: str
      sample:
        - "~ 38 repositories (acme/* but 2): older than 30d, ^dev-  ->  21d"
        - "  61 images of 912 go (18.3 GB), 2 more may; 40 of them would go anyway, this adds 23"
    rows:
      description:
        - The numbers of each entry of O(declarations), or of the task. At most 50.
      type: list
      elements: dict
      sample:
        - what: acme/*
          targets: 40
          changed: 38
          count: 61
          uncertain_count: 2
          anyway_count: 40
          total: 912
          bytes: 18253611008
          limit: ""
    worst:
      description: The ten repositories that lose most, with up to O(preview_limit) images of each.
      type: list
      elements: dict
      sample:
        - target: acme/app
          count: 9
          uncertain_count: 0
          anyway_count: 6
          kept_count: 31
          bytes: 2831155200
          images:
            - tag: dev-4293bf3
              digest: "sha256:2485f4d55aae6c5b073114bc4c4b1907c0abae14166281beee7d93f76ebf41fc"
              age: 2160000
              size: 314572800
              because: "repository policy: older than 21d, ^dev-"
              fate: goes
              anyway: false
              by: acme/app
    file:
      description: The path of the O(plan_file), V(null) if none was asked for.
      type: str
      sample: null
left_out:
  description:
    - The targets that are left as they are, with the reason. At most 50.
  type: dict
  returned: when there are such
  sample:
    acme/mirror: "its state is MIRROR: Quay prunes nothing in it"
changed_targets:
  description:
    - The first 50 targets whose policies were changed, or would be. For the token's own user V(current_user).
  type: list
  elements: str
  returned: success, or when only some of the targets failed, or when the plan was refused
  sample: [acme/app]
restorable:
  description:
    - With O(undo), the tags that went since the plan was made, in the repositories that lost some by it. C(count) of
      them can still be restored, for C(gone_count) it is too late. Quay keeps them for as long as the time machine of
      the organization is set to.
    - C(tags) has the first 50 that can be restored, with the time C(until) which, and the C(command) that does it. The
      token needs the scope C(repo:write).
  type: dict
  returned: with O(undo), if images went by the plan
  sample:
    count: 1
    gone_count: 0
    tags:
      - target: acme/app
        tag: dev-4293bf3
        digest: "sha256:2485f4d55aae6c5b073114bc4c4b1907c0abae14166281beee7d93f76ebf41fc"
        went: "2026-11-21T14:00:00Z"
        until: "2026-12-05T14:00:00Z"
        command: "curl -X POST ... https://quay.example.com/api/v1/repository/acme/app/tag/dev-4293bf3/restore"
failures:
  description: From each target that failed to the reason, at most 50. The other targets were served all the same.
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
    time_machine,
    writing,
)
from ansible_collections.registry.hygiene.plugins.module_utils._quay.policies import identity


class AutoprunePolicies(reader.PolicyReader):
    """The auto-prune policies of one organization, one repository or the token's own user."""

    module = "quay_autoprune_policy"
    several = "declarations"
    foresees = True
    undoes = True
    beside_undo = ("force",)
    restorable = staticmethod(time_machine.restorable)

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
