#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_replication_execution
short_description: Start, await and stop replications of Harbor
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Starts, adopts, awaits and stops executions of replication policies of Harbor 2.6 to 2.16, of one policy or many in
    a task.
  - An execution changes something each time; O(min_interval) makes the task idempotent.
options:
  policies:
    description:
      - The exact names of the policies. The wildcards C(*), C(?) and C([...]) stand for several.
      - A disabled policy cannot be started, and fails. See O(declared) for check mode.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(started) starts an execution of each policy. One that is running already is adopted, however it was started.
      - V(stopped) makes sure that the execution O(id), or without it any of the policies, does not go on. Harbor
        answers before the execution ends, see O(wait).
    type: str
    choices: [started, stopped]
    default: started
  id:
    description:
      - The execution to stop, with O(state=stopped) and one policy.
    type: int
  wait_for_retries:
    description:
      - Harbor runs failed tasks again by itself, up to three times within some minutes. With V(true), a failure is
        waited for until nothing has followed it for three minutes. With V(false), the first failure counts.
      - Neither stopping an execution nor deleting its policy keeps Harbor from running a failed task again.
    type: bool
    default: true
  declared:
    description:
      - What a task with M(registry.hygiene.harbor_replication_policy) before this one declares. In check mode, in which
        that task writes nothing, it is taken for done. So check mode knows which policies there will be, and which of
        them can be started.
      - It is O(registry.hygiene.harbor_replication_policy#module:policies), of which C(name), C(enabled) and C(state)
        count, and O(registry.hygiene.harbor_replication_policy#module:exclusive).
      - Without it, check mode is by the policies that are there now; one that is not there is a warning. Out of check
        mode it means nothing.
    type: dict
extends_documentation_fragment:
  - registry.hygiene._runs
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - Harbor shows the end of an execution up to half a minute late.
seealso:
  - module: registry.hygiene.harbor_replication_info
  - module: registry.hygiene.harbor_replication_policy
"""

EXAMPLES = r"""
- name: Replicate now, and wait for it
  registry.hygiene.harbor_replication_execution:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    policies: [mirror-alpine]
    wait: true
  register: replication

- name: Show what stayed as it is at the destination
  ansible.builtin.debug:
    var: replication.execution.conflicts

- name: Bring all mirrors up to date that were not today
  registry.hygiene.harbor_replication_execution:
    policies: [mirror-*]
    min_interval: 1d
    wait: true
    wait_timeout: 7200

- name: Stop whatever is pushed
  registry.hygiene.harbor_replication_execution:
    policies: [push-*]
    state: stopped
    wait: true
"""

RETURN = r"""
execution:
  description:
    - The execution that was started, adopted or stopped, or the recent one that made another one needless. V(null) if
      there is none.
    - If several policies are named, or by a glob, a dictionary from the name of the policy to it, see O(return_states).
  type: dict
  returned: success, or when waiting failed
  contains:
    id:
      description: Its number.
      type: int
      sample: 7
    policy:
      description: The name of its policy.
      type: str
      sample: mirror-alpine
    status:
      description: V(InProgress), V(Succeed), V(Failed) or V(Stopped).
      type: str
      sample: Succeed
    outcome:
      description:
        - What came of it, in one word. V(running), V(replicated), V(nothing_to_replicate) (nothing fits the filters),
          V(skipped) (another one was running, and the policy allows one at a time), V(failed) or V(stopped).
      type: str
      sample: replicated
    status_text:
      description: What Harbor says of it. Empty if tasks failed; then RV(execution.failed_tasks) say why.
      type: str
      sample: ""
    trigger:
      description: V(manual), V(scheduled) or V(event_based).
      type: str
      sample: manual
    total:
      description:
        - How many tasks it has. There is one for each repository, and none before Harbor has listed the source.
      type: int
      sample: 3
    succeed:
      description: How many of them succeeded.
      type: int
      sample: 3
    failed:
      description: How many of them failed.
      type: int
      sample: 0
    in_progress:
      description: How many of them wait or run.
      type: int
      sample: 0
    stopped:
      description: How many of them were stopped.
      type: int
      sample: 0
    start_time:
      description: When it began.
      type: str
      sample: "2026-11-21T12:40:29.761Z"
    end_time:
      description: When it ended, V(null) while it runs.
      type: str
      sample: "2026-11-21T12:40:49.000Z"
    failed_tasks:
      description:
        - Up to 20 tasks that failed, with C(src_resource), C(dst_resource), C(status) and others, and as C(log_lines)
          the last lines of their logs in which they say why. V(null) unless it was waited for.
      type: list
      elements: dict
      sample: []
    conflicts:
      description:
        - Up to 20 tags that stay as they are at the destination, where they are another image, because C(override) of
          the policy is V(false). Harbor counts these as replicated. V(null) unless it was waited for.
      type: list
      elements: str
      sample: []
    conflicts_count:
      description: How many tags these are, in the first thousand repositories. V(null) unless it was waited for.
      type: int
      sample: 0
    adopted:
      description: Whether it was running already.
      type: bool
      sample: false
    ambiguous:
      description: Whether the answer was lost, so that it may have been somebody else who started or stopped it.
      type: bool
      sample: false
    skipped_reason:
      description: Why none was started, or why Harbor skipped it. V(null) if one was started or adopted.
      type: str
      sample: null
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
        - "+ mirror-alpine: replicate now: pulls from hub into mirror: name library/alpine; manual"
changed_targets:
  description: The first 50 names of policies of which an execution was started or stopped, or would be.
  type: list
  elements: str
  returned: always, unless the task fails before there is a plan
  sample: [mirror-alpine]
failures:
  description: From the name of each policy that failed to the reason, at most 50. The others were served all the same.
  type: dict
  returned: when some of them failed
  sample:
    mirror-alpine: "the execution 7 (2 of 3 tasks done) ended as Failed: src/web [1 item(s) in total] to locked/web ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry, replications


class ReplicationExecution(replications.Replications):
    """The executions of one replication policy: one that was recent, one that is running, or none."""

    module = "harbor_replication_execution"


MODULE = Module(ReplicationExecution, registry, replications.EXECUTION_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
