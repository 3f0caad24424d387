#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_purge_info
short_description: Read the schedule and the runs of the audit-log purge of Harbor
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the schedule of the audit-log purge of Harbor 2.6 to 2.16, its runs, and on demand one of them with its log.
extends_documentation_fragment:
  - registry.hygiene._harbor_info
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_purge_schedule
  - module: registry.hygiene.harbor_purge_execution
"""

EXAMPLES = r"""
- name: Read the schedule and the last three runs that failed
  registry.hygiene.harbor_purge_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    status: [Error]
    limit: 3
  register: purge

- name: Read the log of one
  registry.hygiene.harbor_purge_info:
    id: "{{ purge.executions[0].id }}"
    log: true
  when: purge.executions | length > 0
"""

RETURN = r"""
schedule:
  description:
    - The schedule, with keys that M(registry.hygiene.harbor_purge_schedule) takes as options, but for C(active).
      V(null) if there is none.
  type: dict
  returned: success
  contains:
    schedule:
      description: The word for it.
      type: str
      sample: weekly
    cron:
      description: When it fires.
      type: str
      sample: 0 0 0 * * 0
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
      description: Whether its runs are dry.
      type: bool
      sample: false
    active:
      description:
        - Whether it does anything. A schedule whose replacement failed half way is listed although it never fires
          again, and one from before 2.13 purges nothing.
          M(registry.hygiene.harbor_purge_schedule) writes such a schedule anew.
      type: bool
      sample: true
next_scheduled_time:
  description: When it fires next, V(null) if there is no schedule.
  type: str
  returned: success
  sample: "2026-11-22T00:00:00.000Z"
executions:
  description: The runs that the options ask for. Each is like RV(execution), but without C(purged_rows).
  type: list
  elements: dict
  returned: success
  sample: []
execution:
  description: With O(id), this run. Otherwise V(null).
  type: dict
  returned: success
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
      description: How many rows its log says that it purged.
      type: int
      sample: 1042
log:
  description: With O(log), the text of its log. V(null) if there is none, as of a run that never began.
  type: str
  returned: success
  sample: null
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import information, purge, registry


class PurgeInfo(purge.PurgeReader):
    """The schedule and the runs of the audit-log purge."""

    nouns = information.NOUNS

    @classmethod
    def validate(cls, params):
        return information.check(params)

    def read(self):
        return information.read(self)


MODULE = Module(PurgeInfo, registry, information.INFO_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
