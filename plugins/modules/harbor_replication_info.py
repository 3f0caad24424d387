#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_replication_info
short_description: Read replication policies of Harbor, their executions, tasks and logs
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns replication policies of Harbor 2.6 to 2.16 with their executions, and on demand one execution with its
    tasks, and the log of one of these.
options:
  policies:
    description:
      - The names of the policies to look at. The wildcards C(*), C(?) and C([...]) stand for several. All of them if it
        is not set.
    type: list
    elements: str
  status:
    description:
      - Only executions of these statuses.
    type: list
    elements: str
    choices: [InProgress, Succeed, Failed, Stopped]
  trigger:
    description:
      - Only executions that were started so.
    type: str
    choices: [manual, scheduled, event_based]
  sort:
    description:
      - Which executions come first, by the time they were started.
    type: str
    choices: [newest, oldest]
    default: newest
  limit:
    description:
      - How many executions to return at most of each policy that O(policies) means, or of all together. V(0) for all
        that Harbor remembers.
    type: int
    default: 0
  id:
    description:
      - One execution, returned as RV(execution) with its RV(tasks). RV(executions) is empty then.
    type: int
  task_status:
    description:
      - With O(id), only tasks of this status.
    type: str
    choices: [Pending, InProgress, Succeed, Failed, Stopped]
  resource_type:
    description:
      - With O(id), only tasks about this kind of artifacts, in Harbor's words, such as V(artifact) or V(image).
    type: str
  task_id:
    description:
      - With O(id), the task whose log is returned as RV(log).
    type: int
extends_documentation_fragment:
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_replication_execution
  - module: registry.hygiene.harbor_replication_policy
"""

EXAMPLES = r"""
- name: Read the last three executions of each mirror that failed
  registry.hygiene.harbor_replication_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    policies: [mirror-*]
    status: [Failed]
    limit: 3
  register: failed

- name: Read which tasks of the first one failed
  registry.hygiene.harbor_replication_info:
    id: "{{ failed.executions[0].id }}"
    task_status: Failed
  register: execution
  when: failed.executions | length > 0

- name: Read the log of one of them
  registry.hygiene.harbor_replication_info:
    id: "{{ execution.execution.id }}"
    task_id: "{{ execution.tasks[0].id }}"
  when: execution.tasks | default([]) | length > 0
"""

RETURN = r"""
policies:
  description:
    - The policies that O(policies) means, sorted by name, each with the options of
      M(registry.hygiene.harbor_replication_policy).
  type: list
  elements: dict
  returned: success
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
executions:
  description: The executions that the options ask for. Each is like RV(execution).
  type: list
  elements: dict
  returned: success
  sample: []
execution:
  description: With O(id), this execution. Otherwise V(null).
  type: dict
  returned: success
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
      description: What Harbor says of it. Empty if tasks failed; then the logs of RV(tasks) say why.
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
tasks:
  description: With O(id), its tasks, one for each repository.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Its number.
      type: int
      sample: 3
    status:
      description: V(Pending), V(InProgress), V(Succeed), V(Failed) or V(Stopped).
      type: str
      sample: Succeed
    operation:
      description: V(copy), V(deletion) or V(tag deletion).
      type: str
      sample: copy
    resource_type:
      description: What kind of artifacts it is about.
      type: str
      sample: artifact
    src_resource:
      description: The repository at the source, and how many tags.
      type: str
      sample: src/alpine [2 item(s) in total]
    dst_resource:
      description: The repository at the destination.
      type: str
      sample: mirror/alpine [2 item(s) in total]
    start_time:
      description: When its last try began.
      type: str
      sample: "2026-11-21T12:40:33.000Z"
    end_time:
      description: When its last try ended, V(null) before.
      type: str
      sample: "2026-11-21T12:40:49.000Z"
log:
  description: With O(task_id), the log of its last try. V(null) if there is none.
  type: str
  returned: success
  sample: null
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry, replication_information


class ReplicationInfo(Resource):
    """Replication policies, their executions, tasks and logs, to be read."""

    nouns = replication_information.NOUNS

    @classmethod
    def validate(cls, params):
        return replication_information.check(params)

    @classmethod
    def targets(cls, client, params):
        registry.version(client)
        return "replication"

    def read(self):
        return replication_information.read(self.client, self.params)


MODULE = Module(ReplicationInfo, registry, replication_information.INFO_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
