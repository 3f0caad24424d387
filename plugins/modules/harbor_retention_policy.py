#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_retention_policy
short_description: Manage the tag retention policies of Harbor's projects
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the tag retention policies of many projects of Harbor into the declared state. A project has one at most.
  - A run of a policy deletes B(artifacts), never single tags. One tag that a rule keeps saves the artifact with all its
    tags; one that no rule keeps goes with all of them.
  - Harbor checks next to nothing of a policy. This module refuses what would make runs fail, or delete what nobody
    meant, before it writes anything.
  - Check mode and limits such as O(max_deletions) and O(min_keep) count what the first run would delete if it came now,
    be it by the schedule or by hand. What runs of the present policy would delete by their schedule counts as going
    anyway.
options:
  rules:
    description:
      - The rules, all of them. An artifact stays if any of them keeps it. B(All others go), each with all its tags.
      - At most 15, no two the same. Their order means nothing. Without it, those of the policy stay as they are; a
        project without a policy needs it.
      - An empty list makes a policy of which a run does nothing.
    type: list
    elements: dict
    suboptions: &rule
      template:
        description:
          - Which of the artifacts that the selectors select are kept.
          - V(latestPushedK), V(latestPulledN) and V(latestActiveK) keep the O(rules[].value) that were pushed last,
            pulled last, or either of it last. What was never pulled is the last of all.
          - V(nDaysSinceLastPush), V(nDaysSinceLastPull) and V(lastXDays) keep what was pushed, pulled, or pushed within
            that many days. V(always) keeps all.
          - An artifact counts as pushed and pulled when that happened last to it or to any of its tags, so a new tag
            makes an old one young.
          - Harbor's web page does not offer V(latestActiveK) and V(lastXDays), but carries them out.
          - Either this or O(rules[].foreign) is required.
        type: str
        choices:
          - latestPushedK
          - latestPulledN
          - latestActiveK
          - nDaysSinceLastPush
          - nDaysSinceLastPull
          - lastXDays
          - always
      foreign:
        description:
          - A rule that the other options cannot say, as M(registry.hygiene.harbor_retention_policy_info) returns it.
            Written here, it is kept. None is ever made.
        type: str
      value:
        description:
          - How many artifacts, or days, 1 at least and 106751 days at most, as Harbor's arithmetic overflows beyond and
            then keeps nothing. V(0) is refused, because it keeps nothing either.
          - Required, but for V(always), which has none.
        type: int
      disabled:
        description: Whether the rule is there, but means nothing.
        type: bool
        default: false
      tag_selectors:
        description:
          - Which artifacts the rule is about. Each of the selectors must select one, not necessarily by the same tag.
          - Without it, all of them, with and without tags.
        type: list
        elements: dict
        suboptions:
          decoration:
            description:
              - V(matches) selects what has a tag that O(rules[].tag_selectors[].pattern) matches.
              - V(excludes) selects what has a tag that it does not match.
            type: str
            choices: [matches, excludes]
            default: matches
          pattern:
            description:
              - A pattern for the whole tag. C(*) and C(?) stand for characters, C([a-c]) and C([^a]) for one of them
                or none of them, C({a,b}) for either, C(**) for everything.
              - A malformed one is refused, because Harbor would store it and then fail.
            type: str
            required: true
          untagged:
            description:
              - With V(matches), whether artifacts without any tag are selected, too. By default they are.
              - With V(excludes), whether they are left out, too. By default they are not, so the rule is about them.
            type: bool
      repository_selectors:
        description:
          - In which repositories the rule applies, by their names without the project. All of the selectors must fit.
          - Without it, in all of them. A repository in which no rule applies is left alone.
        type: list
        elements: dict
        suboptions:
          decoration:
            description: Whether the pattern matches the repositories that are meant, or those that are not.
            type: str
            choices: [repoMatches, repoExcludes]
            default: repoMatches
          pattern:
            description:
              - A pattern for the whole name. C(*) does not cross a slash, C(**) does as a whole part of the path, as in
                V(team/**).
            type: str
            required: true
  schedule:
    description:
      - When Harbor runs the policy by itself. V(hourly), V(daily) and V(weekly) have the crons of Harbor's web page,
        V(custom) is for any other O(cron). V(none) means never.
      - Without O(schedule) and O(cron), that of the policy stays; a new policy has none.
    type: str
    choices: [none, hourly, daily, weekly, custom]
  cron:
    description:
      - When to run it, in six fields, that is second (V(0)), minute, hour, day of month, month, day of week, in the
        time zone of the server. One that never fires is refused, because it makes Harbor hang.
    type: str
  state:
    description:
      - V(present) makes sure that each project has this policy. It is changed in place, so there is no moment without.
      - V(absent) makes sure that the projects have none. A run that is under way is in the way of that.
    type: str
    choices: [present, absent]
    default: present
  declarations:
    description:
      - Several declarations in one task, for several kinds of projects. They are one plan, that is, all is read once,
        forecast together, held against the limits together, and only then written.
      - Each has the options of a task that declares one thing, and may have limits of its own instead of those of the
        task.
      - These options, such as O(rules) or O(state), then stand in the entries and not beside them.
      - A project that two entries name with different content is refused, and both entries are named.
    type: list
    elements: dict
    suboptions:
      projects:
        description: As O(projects).
        type: list
        elements: str
        required: true
      exclude:
        description: As O(exclude).
        type: list
        elements: str
      rules:
        description: As O(rules).
        type: list
        elements: dict
        suboptions: *rule
      schedule:
        description: As O(schedule).
        type: str
        choices: [none, hourly, daily, weekly, custom]
      cron:
        description: As O(cron).
        type: str
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
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
  - registry.hygiene._harbor_projects
  - registry.hygiene._harbor_projects.immutable_tags
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - The forecast is what Harbor decides, with immutable tags, indexes and their children, and signatures. An artifact
    is uncertain only where it cannot be known. That is within a minute of a limit in days or if the clocks differ; if
    many have the same time and the order among them matters, before Harbor 2.8; if a pattern of a policy that somebody
    else wrote is malformed; for artifacts without a tag or with a signature if the immutable rules cannot be read
    (developers cannot); and for what has accessories other than cosign signatures, where an immutable rule may cover
    their tags.
  - Signatures and other accessories go with what they belong to, and are not counted.
  - Project administrators, maintainers and developers may do all this, and robots with C(tag-retention) (C(read),
    C(create), C(update), C(delete)) in the project. The forecast takes C(list) of C(repository), C(artifact) and
    C(immutable-tag), too.
  - Up to Harbor 2.13, a project goes on naming a deleted policy. The module removes that mark, which takes a project
    administrator.
seealso:
  - module: registry.hygiene.harbor_retention_policy_info
  - module: registry.hygiene.harbor_retention_execution
  - module: registry.hygiene.harbor_immutable_tag_rule
"""

EXAMPLES = r"""
# Releases are kept by number, branches by age, whatever was pulled in the last month stays, and what has no tag goes.
# Each rule leaves untagged artifacts to the others, and none of them takes these.

- name: Keep what is needed in all projects of the teams, every night
  registry.hygiene.harbor_retention_policy:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    projects: [team-*]
    exclude: [team-archive]
    rules:
      - template: latestPushedK
        value: 10
        tag_selectors:
          - pattern: v[0-9]*
            untagged: false
      - template: nDaysSinceLastPush
        value: 30
        tag_selectors:
          - pattern: "{main,dev-*,pr-*}"
            untagged: false
      - template: nDaysSinceLastPull
        value: 30
        tag_selectors:
          - pattern: "**"
            untagged: false
    schedule: daily
    max_deletions_percent: 50
    min_keep: 1

# From here on the environment says it, HARBOR_URL and so on.

- name: See what two declarations would cost, as one plan
  registry.hygiene.harbor_retention_policy:
    declarations:
      - projects: ["*"]
        exclude: [base]
        rules:
          - template: latestPushedK
            value: 20
        cron: 0 30 3 * * 0
      - projects: [base] # other images are built on these
        rules:
          - template: always
            repository_selectors:
              - pattern: debian/**
          - template: nDaysSinceLastPull
            value: 365
            repository_selectors:
              - decoration: repoExcludes
                pattern: debian/**
        schedule: weekly
        max_deletions: 10
    plan_file: /tmp/harbor-plan.json
  check_mode: true
  diff: true

- name: Have no policy in the archive
  registry.hygiene.harbor_retention_policy:
    projects: [team-archive]
    state: absent
"""

RETURN = r"""
policy:
  description:
    - The policy afterwards, in check mode as it would be afterwards. V(null) if there is none.
    - If one project is named exactly, its policy; if several are named, or by a glob, or in O(declarations), a
      dictionary from the project to its policy, see O(return_states). Projects that failed are left out.
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
plan:
  description:
    - What the task changes, or would change, and which artifacts that costs.
      The module M(registry.hygiene.quay_autoprune_policy) describes all keys.
    - Everything is in O(plan_file).
  type: dict
  returned: always, unless the task fails before there is a plan
  contains:
    targets:
      description: How many projects the task is about.
      type: int
      sample: 12
    changed:
      description: How many of them change.
      type: int
      sample: 3
    images:
      description: The artifacts of the repositories that a rule is about, and how many of them go. V(null) if there is
        no forecast, see O(preview).
      type: dict
      sample: {count: 61, uncertain_count: 2, anyway_count: 40, added_count: 23, total: 912, bytes: 18253611008,
        repositories: 21, estimate: false}
    refused:
      description: V(null), or which limit or plan refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ 3 projects (team-*): keep the 10 pushed last: v[0-9]*"
left_out:
  description: The projects that are left as they are, with the reason. At most 50.
  type: dict
  returned: when there are such
  sample:
    base: "min_keep: base/debian: 0 of 2 stay, not 1"
changed_targets:
  description: The first 50 projects that were changed, or would be in check mode.
  type: list
  elements: str
  returned: always, unless the task fails before there is a plan
  sample: [team]
failures:
  description: From each project that failed to the reason, at most 50. The others were served all the same.
  type: dict
  returned: when some of the projects failed
  sample:
    gone: "there is no project gone, or robot$cleaner is not a member of it and so does not see it. ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    immutable_rules,
    projects,
    registry,
    retention,
    retention_writing,
)


class RetentionPolicy(retention_writing.Writing):
    """The tag retention policy of one project."""

    module = "harbor_retention_policy"


MODULE = Module(
    RetentionPolicy,
    registry,
    dict(projects.PROJECTS_SPEC, **retention.POLICY_SPEC),
    required_if=retention.REQUIRED_IF,
    beside=immutable_rules.DECLARED_SPEC,
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
