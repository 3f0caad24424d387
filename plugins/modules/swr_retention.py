#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swr_retention
short_description: Manage the image retention policies of Huawei Cloud SWR
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the image retention policies of repositories in Huawei Cloud SWR (SoftWare Repository for Container, basic
    edition), or a cloud of its kind such as Open Telekom Cloud, into the declared state. One task serves thousands of
    repositories.
  - B(A policy starts deleting images the moment it is created), and nobody can tell it not to. The same has to be
    assumed of a change. What it deletes cannot be brought back.
  - A repository has one policy. Its numbers and selectors are changed in place.
options:
  namespace:
    description:
      - The organization.
      - Required, with O(repositories), unless there are O(declarations).
    type: str
    aliases: [organization]
  repositories:
    description:
      - The repositories, each by its name without the organization. Names may hold slashes.
      - Globs (C(*), C(?), C([...])) are replaced by the matching repositories that can be seen. C(*) goes across
        slashes, so V(*) means every repository.
    type: list
    elements: str
  exclude:
    description:
      - Names and globs of repositories to leave out of those that O(repositories) names.
    type: list
    elements: str
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
    suboptions: &selector
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
  declarations:
    description:
      - Several declarations in one task, for several kinds of repositories. They are one plan, that is, all is read
        once, forecast together, held against the limits together, and only then written.
      - Each has the options of a task that declares one thing, and may have limits of its own instead of those of the
        task.
      - These options, such as O(template) or O(state), then stand in the entries and not beside them.
      - A target that two entries name with different content is refused, and both entries are named.
    type: list
    elements: dict
    suboptions:
      namespace:
        description: As O(namespace).
        type: str
        required: true
        aliases: [organization]
      repositories:
        description: As O(repositories).
        type: list
        elements: str
        required: true
      exclude:
        description: As O(exclude).
        type: list
        elements: str
      template:
        description: As O(template).
        type: str
        choices: [date_rule, tag_rule]
      days:
        description: As O(days).
        type: int
      num:
        description: As O(num).
        type: int
      tag_selectors:
        description: As O(tag_selectors).
        type: list
        elements: dict
        suboptions: *selector
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      allow_replace:
        description: As O(allow_replace).
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
  - registry.hygiene._swr
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.swr_retention_info
"""

EXAMPLES = r"""
- name: Keep the images of thirty days in every repository of acme but the caches, and all releases
  registry.hygiene.swr_retention:
    swr_region: eu-west-101
    swr_access_key: "{{ vault_swr_access_key }}"
    swr_secret_key: "{{ vault_swr_secret_key }}"
    namespace: acme
    repositories:
      - "*"
    exclude:
      - "*-cache"
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
    namespace: globex
    repositories:
      - team/app
    template: tag_rule
    num: 20

# From here on the environment says it, SWR_REGION and so on.

- name: Declare several organizations as one plan, and leave repositories as they are where a stable image would go
  registry.hygiene.swr_retention:
    declarations:
      - namespace: initech
        repositories: ["*"]
        exclude: [base/*]
        template: tag_rule
        num: 50
      - namespace: initech
        repositories: [base/*] # other images are built on these
        template: date_rule
        days: 365
        max_deletions: 10
    max_deletions_percent: 50
    min_keep: 1
    protect: [^stable]
    on_limit: skip

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
      repository to its policy, see O(return_states). Repositories that failed are left out.
    - With O(declarations), this and all other results name repositories as C(namespace/name).
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
plan:
  description:
    - What the task changes, or would change, and which images that costs. Its size does not grow with the registry.
    - Everything is in O(plan_file).
  type: dict
  returned: always, unless the task fails before there is a plan
  contains:
    targets:
      description: How many repositories the task is about.
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
        estimate: true
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
        - "~ 38 repositories (acme/* but 2): older than 30 days, sparing latest  ->  older than 21 days, sparing latest"
        - "  61 images of 912 go (18.3 GB), 2 more may; 40 of them would go anyway, this adds 23; an estimate, not all
          rules are documented"
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
        - target: acme/team/app
          count: 9
          uncertain_count: 0
          anyway_count: 6
          kept_count: 31
          bytes: 2831155200
          images:
            - tag: build-118
              digest: "sha256:2485f4d55aae6c5b073114bc4c4b1907c0abae14166281beee7d93f76ebf41fc"
              age: 2160000
              size: 314572800
              because: older than 21 days
              fate: goes
              anyway: false
              by: team/app
    file:
      description: The path of the O(plan_file), V(null) if none was asked for.
      type: str
      sample: null
left_out:
  description:
    - The repositories that are left as they are, with the reason. At most 50.
  type: dict
  returned: when there are such
  sample:
    team/base: "protect: acme/team/base: stable"
changed_targets:
  description:
    - The first 50 repositories whose policy was changed, or would be, with O(declarations) as C(namespace/name).
  type: list
  elements: str
  returned: success, or when only some of the targets failed, or when the plan was refused
  sample: [team/app]
failures:
  description: From each target that failed to the reason, at most 50. The other targets were served all the same.
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
    several = "declarations"
    foresees = True
    undoes = True

    @classmethod
    def validate(cls, params):
        return super().validate(params) + retention.check(params)

    @classmethod
    def declaring(cls, state, params):
        return retention.declaring(state)

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
        return self.judged(then, before)

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
