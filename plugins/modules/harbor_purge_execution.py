#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_purge_execution
short_description: Purge the audit log of Harbor now
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Starts, adopts, awaits and stops runs of the audit-log purge of Harbor 2.6 to 2.16.
  - A run changes something each time; O(min_interval) makes the task idempotent.
extends_documentation_fragment:
  - registry.hygiene._harbor_execution
  - registry.hygiene._harbor_purge
  - registry.hygiene._runs
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - A purge looks for a request to stop only when it starts, so one that is running ends by itself.
  - Harbor shows the end of a run up to half a minute late.
seealso:
  - module: registry.hygiene.harbor_purge_info
  - module: registry.hygiene.harbor_purge_schedule
"""

EXAMPLES = r"""
- name: Find out how many rows are older than 90 days
  registry.hygiene.harbor_purge_execution:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    audit_retention_hour: 90d
    include_event_types: [pull_artifact]
    dry_run: true
    wait: true
  register: purge

- name: Show it
  ansible.builtin.debug:
    var: purge.execution.purged_rows

- name: Purge them unless that was done this week
  registry.hygiene.harbor_purge_execution:
    audit_retention_hour: 90d
    include_event_types: [pull_artifact]
    min_interval: 7d
    wait: true

- name: Stop whatever purge there is
  registry.hygiene.harbor_purge_execution:
    state: stopped
    wait: true
"""

RETURN = r"""
execution:
  description:
    - The run that was started, adopted or stopped, or the recent one that made another one needless. V(null) if there
      is none.
  type: dict
  returned: success, or when waiting failed
  contains:
    id:
      description: Its number.
      type: int
      sample: 31
    status:
      description: V(Running) (also while it waits), V(Success), V(Error) or V(Stopped). V(requested) in check mode.
      type: str
      sample: Success
    trigger:
      description: V(manual) or V(schedule).
      type: str
      sample: manual
    creation_time:
      description: When it was started.
      type: str
      sample: "2026-11-21T12:28:26.022Z"
    update_time:
      description: When its status changed last, hence when it ended if it has ended.
      type: str
      sample: "2026-11-21T12:28:53.000Z"
    audit_retention_hour:
      description: How long rows stay, in hours.
      type: int
      sample: 2160
    include_event_types:
      description: The event types whose rows go.
      type: list
      elements: str
      sample: [create_artifact, delete_artifact, pull_artifact]
    include_operations:
      description: The operations whose rows go, up to Harbor 2.12, and of rows from then.
      type: list
      elements: str
      sample: []
    dry_run:
      description: Whether it deletes nothing.
      type: bool
      sample: false
    purged_rows:
      description:
        - How many rows were purged, or would be by a dry run, in both tables of Harbor 2.13 and later together.
        - Only the log says it, so it is V(null) unless the run was waited for.
      type: int
      sample: 1042
    adopted:
      description: Whether it was running already.
      type: bool
      sample: false
    ambiguous:
      description: Whether the answer was lost, so that it may have been somebody else who started or stopped it.
      type: bool
      sample: false
    skipped_reason:
      description: Why none was started, V(null) if one was started or adopted.
      type: str
      sample: null
    server_preview:
      description:
        - With O(preview=server), what Harbor's own dry run found (the C(id) of that run and C(purged_rows)).
          Otherwise V(null).
      type: dict
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
      description: Always 1, because there is one in a registry.
      type: int
      sample: 1
    changed:
      description: Whether it changes, as V(1) or V(0).
      type: int
      sample: 1
    images:
      description: All of its numbers are V(0), as no image goes.
      type: dict
      sample: {count: 0, uncertain_count: 0, anyway_count: 0, added_count: 0, total: 0, bytes: 0, repositories: 0,
        estimate: false}
    refused:
      description: V(null), or which limit or plan refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ audit log: start a purge of the audit log: rows older than 2160 h of pull_artifact"
changed_targets:
  description: V([audit log]) if something was changed, or would be in check mode, otherwise empty.
  type: list
  elements: str
  returned: always, unless the task fails before there is a plan
  sample: [audit log]
failures:
  description: V(audit log) with the reason, if that is what failed.
  type: dict
  returned: when it failed
  sample:
    audit log: "PUT /api/v2.0/system/purgeaudit/schedule answered 403: robot$reader. robot$reader lacks the right: ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import executions, purge, registry


class PurgeExecution(purge.Purge):
    """A run of the audit-log purge: one that was recent, one that is running, or none."""

    module = "harbor_purge_execution"


MODULE = Module(
    PurgeExecution,
    registry,
    dict(executions.RUN_SPEC, **purge.PURGE_SPEC, **executions.PREVIEW),
    required_if=[("state", "started", ["audit_retention_hour"])],
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
