#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_immutable_tag_rule
short_description: Protect tags in Harbor's projects
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the rules that make tags immutable into the declared state, in many projects at once. What such a rule covers
    can be neither deleted nor overwritten, whatever else cleans up.
  - New rules are created before others are disabled or deleted, so that there is no moment with less protection.
  - Where a rule is disabled or deleted, the diff says what may become of its tags.
options:
  rules:
    description:
      - The rules, each known by its two selectors. Required with O(state=present).
    type: list
    elements: dict
    suboptions: &rule
      tag_selector:
        description: Which tags are protected. Either this or O(rules[].foreign) is required.
        type: dict
        suboptions:
          decoration:
            description:
              - V(matches) protects the tags that the pattern matches.
              - V(excludes) protects those that it does not match, and from tag retention also artifacts without a tag.
            type: str
            choices: [matches, excludes]
            default: matches
          pattern:
            description:
              - A pattern for the whole tag. C(*) and C(?) stand for characters, C([a-c]) and C([^a]) for one of them
                or none of them, C({a,b}) for either, C(**) for everything.
            type: str
            required: true
      foreign:
        description:
          - A rule that the other options cannot say, as M(registry.hygiene.harbor_immutable_tag_rule_info) returns it.
            Written here, it is kept. None is ever made.
        type: str
      repository_selector:
        description: In which repositories. Without it, in all.
        type: dict
        suboptions:
          decoration:
            description: Whether the pattern matches the repositories that are meant, or those that are not.
            type: str
            choices: [repoMatches, repoExcludes]
            default: repoMatches
          pattern:
            description: A pattern for the whole name without the project, such as V(team/**).
            type: str
            required: true
      disabled:
        description: Whether the rule is there, but protects nothing.
        type: bool
        default: false
  exclusive:
    description:
      - V(true) makes the declared rules the only ones. Otherwise rules that are not declared stay as they are.
      - Only with O(state=present).
    type: bool
    default: false
  state:
    description:
      - V(present) makes sure that the O(rules) are there.
      - V(absent) makes sure that the O(rules) are not there, whether disabled or not; without O(rules), that there are
        none.
    type: str
    choices: [present, absent]
    default: present
  declarations:
    description:
      - Several declarations in one task, for several kinds of projects. They are one plan, that is, all is read before
        anything is written.
      - Each has the options of a task that declares one thing. These options, such as O(rules) or O(state), then stand
        in the entries and not beside them.
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
      exclusive:
        description: As O(exclusive).
        type: bool
        default: false
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
extends_documentation_fragment:
  - registry.hygiene._harbor_projects
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - Harbor creates every rule enabled, and takes a second request to disable it.
  - Harbor takes the same rule twice. Such rules count as one here, which is enabled if any of them is.
  - Project administrators and maintainers may do this, and robots with C(immutable-tag) (C(list), C(create),
    C(update), C(delete)) in the project.
seealso:
  - module: registry.hygiene.harbor_immutable_tag_rule_info
  - module: registry.hygiene.harbor_retention_policy
"""

EXAMPLES = r"""
- name: Protect releases everywhere
  registry.hygiene.harbor_immutable_tag_rule:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    projects: ["*"]
    rules:
      - tag_selector:
          pattern: v[0-9]*

# From here on the environment says it, HARBOR_URL and so on.

- name: Have these rules and no others in one project
  registry.hygiene.harbor_immutable_tag_rule:
    projects: [base]
    rules:
      - tag_selector:
          decoration: excludes
          pattern: dev-*
        repository_selector:
          pattern: debian/**
      - tag_selector:
          pattern: latest
        disabled: true
    exclusive: true

- name: Remove one
  registry.hygiene.harbor_immutable_tag_rule:
    projects: [base]
    rules:
      - tag_selector:
          pattern: latest
    state: absent
"""

RETURN = r"""
rules:
  description:
    - The rules afterwards, in check mode as they would be afterwards.
    - A list if one project is named exactly. If several are named, or by a glob, a dictionary from the project to its
      list, see O(return_states). Projects that failed are left out.
  type: raw
  returned: success, or when only some of the projects failed
  sample:
    base:
      - tag_selector:
          decoration: matches
          pattern: v*
        repository_selector:
          decoration: repoMatches
          pattern: "**"
        disabled: false
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
    refused:
      description: V(null), or which limit or plan refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ 12 projects (*): protect v[0-9]*"
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
    immutable_writing,
    projects,
    registry,
)


class ImmutableTagRule(immutable_writing.ImmutableRules):
    """The rules that protect tags in one project."""

    module = "harbor_immutable_tag_rule"


MODULE = Module(
    ImmutableTagRule,
    registry,
    dict(projects.PROJECTS_SPEC, **immutable_rules.RULES_SPEC),
    required_if=immutable_rules.REQUIRED_IF,
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
