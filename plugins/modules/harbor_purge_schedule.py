#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_purge_schedule
short_description: Manage the schedule by which Harbor purges its audit log
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the schedule of the audit-log purge of Harbor 2.6 to 2.16 into the declared state. A Harbor has one.
  - A schedule that was stored before an upgrade to 2.13 silently purges nothing, and one whose replacement failed never
    fires again, although Harbor shows both. They count as changed and are written anew.
  - Two schedules are the same if word, cron (but for the seconds), hours, types of events in any order and O(dry_run)
    are. Names that Harbor ignores, such as one with a blank before it, do not count.
options:
  dry_run:
    description:
      - Whether Harbor only writes into the log of each run how many rows it would purge. If it is not set, it stays as
        it is, and is V(false) for a new schedule.
    type: bool
extends_documentation_fragment:
  - registry.hygiene._harbor_schedule
  - registry.hygiene._harbor_purge
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - A new schedule needs O(schedule) or O(cron), O(audit_retention_hour), and the types of events.
seealso:
  - module: registry.hygiene.harbor_purge_info
  - module: registry.hygiene.harbor_purge_execution
"""

EXAMPLES = r"""
- name: Purge what is older than 90 days every night
  registry.hygiene.harbor_purge_schedule:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    schedule: daily
    audit_retention_hour: 90d
    include_event_types: [create_artifact, delete_artifact, pull_artifact]
    include_operations: [create, delete, pull]

- name: Purge on Sundays at half past three, of logins only, after a look at how many rows that would be today
  registry.hygiene.harbor_purge_schedule:
    cron: 0 30 3 * * 0
    audit_retention_hour: 720
    include_event_types: [login_user, logout_user]
    preview: server
  register: purge

- name: Purge nothing any more
  registry.hygiene.harbor_purge_schedule:
    state: absent
"""

RETURN = r"""
schedule:
  description: The schedule afterwards, in check mode as it would be. V(null) if there is none.
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
          The module writes such a schedule anew.
      type: bool
      sample: true
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
        - "~ audit log: audit_retention_hour: 168  ->  2160"
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
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    executions,
    purge,
    registry,
    schedules,
)


class PurgeSchedule(purge.PurgeReader, schedules.Schedule):
    """The schedule of the audit-log purge."""

    module = "harbor_purge_schedule"
    starts = purge.Purge

    @classmethod
    def validate(cls, params):
        if params["state"] == "present":
            purge.check(params)
        return super().validate(params)

    def planned_content(self, current):
        return purge.chosen(self.version, self.params, current)

    def parameters(self, planned):
        # Harbor wants all of them even for a deletion.
        nothing = {"audit_retention_hour": 1, "include_event_types": [], "include_operations": [], "dry_run": True}
        return purge.parameters(self.version, planned or nothing)


MODULE = Module(
    PurgeSchedule,
    registry,
    dict(schedules.SCHEDULE_SPEC, **purge.PURGE_SPEC, **executions.PREVIEW),
    required_if=schedules.REQUIRED_IF,
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
