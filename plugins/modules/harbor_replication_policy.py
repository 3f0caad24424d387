#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_replication_policy
short_description: Manage the replication policies of Harbor
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings replication policies of Harbor 2.6 to 2.16 into the declared state, one or many in a task. A policy is
    identified by its exact name.
  - Harbor replaces all of a policy whenever it is written. So a change is laid over what there is, and options that are
    not set stay as they are.
  - A change that may delete or replace images at the destination is told first in the plan, in lines that begin with
    C(!), see O(allow_remote_deletion).
options:
  name:
    description:
      - The exact name of the policy, up to 256 characters.
    type: str
  state:
    description:
      - V(present) makes sure that there is a policy like this, V(absent) that there is none of this name.
      - With a policy, Harbor deletes the history of its executions.
    type: str
    choices: [present, absent]
    default: present
  description:
    description:
      - A text about it. Empty for a new policy if it is not set.
    type: str
  enabled:
    description:
      - Whether it does anything. V(true) for a new policy if it is not set.
    type: bool
  src_registry:
    description:
      - The name (or number) of the endpoint that it pulls from, into this Harbor.
      - A new policy needs this or O(dest_registry). Setting one of them turns a policy round that has the other.
    type: str
  dest_registry:
    description:
      - The name (or number) of the endpoint that it pushes to, from this Harbor.
    type: str
  dest_namespace:
    description:
      - What stands before the repositories at the destination. Empty, they are called there as at the source.
    type: str
  dest_namespace_replace_count:
    description:
      - How many leading parts of a repository's path O(dest_namespace) replaces. V(0) puts it before the path, V(all)
        (or V(-1)) replaces all but the last part, which is what a new policy does if it is not set.
      - With more parts than a path has, executions fail.
    type: str
  filters:
    description:
      - What an image has to fit, all of them together. V([]) replicates everything, which is what a new policy does if
        it is not set. Their order does not matter.
    type: list
    elements: dict
    suboptions: &filter
      type:
        description:
          - V(name) is about repositories (their full names), V(tag) about tags, V(label) about labels, V(resource)
            about the kind of an artifact.
        type: str
        choices: [name, tag, label, resource]
        required: true
      value:
        description:
          - With V(name) and V(tag) a pattern, in which C(*) stays within a part of a path, C(**) goes across parts, and
            C({a,b}) is one of both.
          - With V(label) a list of names. An image must have all of them.
          - With V(resource) V(image) or V(artifact).
        type: raw
        required: true
      decoration:
        description:
          - V(excludes) means the tags that do not fit, or the images that do not have all of the labels. Only with
            V(tag) and V(label), where V(matches) is meant if it is not set.
        type: str
        choices: [matches, excludes]
  trigger:
    description:
      - What starts it. V(manual) for a new policy if it is not set. V(event_based) means pushes and deletions here, so
        it is for policies that push.
    type: str
    choices: [manual, scheduled, event_based]
  cron:
    description:
      - When it starts, in six fields, namely second (V(0)), minute (no C(*)), hour, day of month, month, day of week,
        in the time zone of the server.
      - Required with O(trigger=scheduled), unless the policy has one.
      - A cron that never fires is refused, because it hangs Harbor's job service.
    type: str
  deletion:
    description:
      - Whether images that are deleted here are deleted at the destination, too. Only O(trigger=event_based) does that.
        V(false) for a new policy if it is not set.
    type: bool
  override:
    description:
      - Whether a tag at the destination that is another image is replaced. V(false) for a new policy if it is not set;
        such tags stay then, and executions succeed all the same.
    type: bool
  speed:
    description:
      - The limit for each of its workers in Kbit/s, V(0) for none. The first megabyte of each blob is not slowed down.
    type: int
  copy_by_chunk:
    description:
      - Whether blobs go in pieces, since Harbor 2.6.2.
    type: bool
  single_active_replication:
    description:
      - Whether an execution is skipped while one of the policy runs, since Harbor 2.14. Not with
        O(trigger=event_based).
    type: bool
  policies:
    description:
      - Several policies in one task. All are read with one listing, planned together, and only then written.
      - Each has the options above, which then do not stand beside the list.
    type: list
    elements: dict
    suboptions:
      name:
        description: As O(name).
        type: str
        required: true
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      filters:
        description: As O(filters).
        type: list
        elements: dict
        suboptions: *filter
      trigger:
        description: As O(trigger).
        type: str
        choices: [manual, scheduled, event_based]
      description:
        description: As O(description).
        type: str
      enabled:
        description: As O(enabled).
        type: bool
      src_registry:
        description: As O(src_registry).
        type: str
      dest_registry:
        description: As O(dest_registry).
        type: str
      dest_namespace:
        description: As O(dest_namespace).
        type: str
      dest_namespace_replace_count:
        description: As O(dest_namespace_replace_count).
        type: str
      cron:
        description: As O(cron).
        type: str
      deletion:
        description: As O(deletion).
        type: bool
      override:
        description: As O(override).
        type: bool
      speed:
        description: As O(speed).
        type: int
      copy_by_chunk:
        description: As O(copy_by_chunk).
        type: bool
      single_active_replication:
        description: As O(single_active_replication).
        type: bool
  exclusive:
    description:
      - Whether policies that O(policies) does not list are deleted. The list must not be empty then.
    type: bool
    default: false
  allow_remote_deletion:
    description:
      - V(false) refuses a change after which more may be deleted or replaced at the destination, that is, one that
        switches O(deletion) on, widens what a policy with O(deletion) reaches, or switches O(override) on.
      - The role harbor_hygiene sets it to V(false) by default.
    type: bool
    default: true
  force:
    description:
      - Whether executions that run are stopped so that their policy can be deleted. Without it, such a policy fails.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most until Harbor has seen that the executions of a policy that is to be deleted are over.
    type: int
    default: 300
  poll_interval:
    description:
      - Seconds between two tries to delete it.
    type: int
    default: 10
extends_documentation_fragment:
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - Harbor stops the schedule of a policy before it refuses a change, and shows it as before. After such a refusal the
    module writes again what the policy had, and says so.
  - In check mode, an endpoint that is not there is a warning, because an earlier task of the same play might make it.
seealso:
  - module: registry.hygiene.harbor_replication_policy_info
  - module: registry.hygiene.harbor_replication_execution
  - module: registry.hygiene.harbor_registry
"""

EXAMPLES = r"""
- name: Mirror the 3.x images of Alpine every night
  registry.hygiene.harbor_replication_policy:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    name: mirror-alpine
    src_registry: hub
    dest_namespace: mirror
    dest_namespace_replace_count: 1
    filters:
      - type: name
        value: library/alpine
      - type: tag
        value: 3.*
    trigger: scheduled
    cron: 0 30 3 * * *

- name: Have these two policies, and no others
  registry.hygiene.harbor_replication_policy:
    policies:
      - name: releases-to-dr
        dest_registry: disaster-recovery
        filters:
          - {type: name, value: "{acme,globex}/**"}
          - {type: tag, value: v*}
        trigger: event_based
      - name: mirror-alpine
        src_registry: hub
    exclusive: true
    allow_remote_deletion: false

- name: Remove one, even while it runs
  registry.hygiene.harbor_replication_policy:
    name: old-mirror
    state: absent
    force: true
"""

RETURN = r"""
policy:
  description:
    - The policy afterwards, in check mode as it would be. V(null) if there is none.
    - With O(policies), a dictionary from the name to it, see O(return_states).
  type: dict
  returned: success, or when only some of the targets failed
  contains:
    name:
      description: Its name.
      type: str
      sample: mirror-alpine
    description:
      description: The text about it.
      type: str
      sample: ""
    enabled:
      description: Whether it does anything.
      type: bool
      sample: true
    src_registry:
      description: The endpoint that it pulls from, V(null) if it pushes.
      type: str
      sample: hub
    dest_registry:
      description: The endpoint that it pushes to, V(null) if it pulls.
      type: str
      sample: null
    dest_namespace:
      description: What stands before the repositories at the destination.
      type: str
      sample: mirror
    dest_namespace_replace_count:
      description: How many parts of their paths it replaces, V(-1) for all.
      type: int
      sample: 1
    filters:
      description: What images have to fit. Labels are sorted, and a missing decoration is V(matches).
      type: list
      elements: dict
      sample: [{type: name, value: library/alpine}, {type: tag, value: 3.*, decoration: matches}]
    trigger:
      description: What starts it.
      type: str
      sample: scheduled
    cron:
      description: When it starts, V(null) unless it is scheduled.
      type: str
      sample: 0 30 3 * * *
    deletion:
      description: Whether deletions are carried over.
      type: bool
      sample: false
    override:
      description: Whether tags at the destination are replaced.
      type: bool
      sample: false
    speed:
      description: The limit in Kbit/s, V(0) for none.
      type: int
      sample: 0
    copy_by_chunk:
      description: Whether blobs go in pieces, V(null) before Harbor 2.6.2.
      type: bool
      sample: false
    single_active_replication:
      description: Whether an execution is skipped while one runs, V(null) before Harbor 2.14.
      type: bool
      sample: false
plan:
  description:
    - What the task changes, or would change.
      The module M(registry.hygiene.quay_autoprune_policy) describes all keys.
    - Everything is in O(plan_file).
  type: dict
  returned: always, unless the task fails before there is a plan
  contains:
    targets:
      description: How many policies the task is about.
      type: int
      sample: 2
    changed:
      description: How many of them change.
      type: int
      sample: 1
    images:
      description:
        - All of its numbers are V(0). What a replication deletes elsewhere is told in words, see RV(plan.lines).
      type: dict
      sample: {count: 0, uncertain_count: 0, anyway_count: 0, added_count: 0, total: 0, bytes: 0, repositories: 0,
        estimate: false}
    refused:
      description: V(null), or that O(plan) refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same. Lines with V(!) say what a change may delete or replace.
      type: list
      elements: str
      sample:
        - "+ mirror-alpine: new, pulls from hub into mirror: name library/alpine, tag 3.*; scheduled 0 30 3 * * *"
changed_targets:
  description: The first 50 names of policies that were changed, or would be.
  type: list
  elements: str
  returned: always, unless the task fails before there is a plan
  sample: [mirror-alpine]
failures:
  description: From the name of each policy that failed to the reason, at most 50. The others were served all the same.
  type: dict
  returned: when some of them failed
  sample:
    mirror-alpine: "there is no registry 'hup'. Did you mean 'hub'?"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core import runs
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import policies, registry, replication


class ReplicationPolicy(policies.Policy):
    """One replication policy."""

    module = "harbor_replication_policy"
    several = "policies"


MODULE = Module(
    ReplicationPolicy,
    registry,
    replication.POLICY_SPEC,
    beside=dict(
        exclusive=dict(type="bool", default=False),
        allow_remote_deletion=dict(type="bool", default=True),
        force=dict(type="bool", default=False),
        wait_timeout=dict(type="int", default=300),
        poll_interval=runs.ARGUMENT_SPEC["poll_interval"],
    ),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
