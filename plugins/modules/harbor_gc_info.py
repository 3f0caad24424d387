#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_gc_info
short_description: Read the schedule and the runs of the garbage collection of Harbor
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the schedule of the garbage collection of Harbor 2.6 to 2.16, its runs, and on demand one of them with its
    log.
  - Harbor before 2.15.1 shows the address of its Redis, which may hold a password, among the parameters of a run. It is
    left out.
extends_documentation_fragment:
  - registry.hygiene._harbor_info
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_gc_schedule
  - module: registry.hygiene.harbor_gc_execution
"""

EXAMPLES = r"""
- name: Read the schedule, and all runs by hand that succeeded
  registry.hygiene.harbor_gc_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    status: [Success]
    trigger: manual
  register: collections

- name: Say how much they freed
  ansible.builtin.debug:
    msg: "{{ collections.executions | map(attribute='freed_space') | sum | human_readable }}"
"""

RETURN = r"""
schedule:
  description:
    - The schedule, with keys that M(registry.hygiene.harbor_gc_schedule) takes as options, but for C(active). V(null)
      if there is none.
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
    delete_untagged:
      description: Whether artifacts go that no tag reaches.
      type: bool
      sample: true
    delete_tag:
      description: Harbor's parameter of that name, V(null) before 2.15.
      type: bool
      sample: false
    workers:
      description: How many workers it has, V(null) before 2.9.
      type: int
      sample: 1
    dry_run:
      description: Whether its last run was dry, V(null) if it has not fired since it was written.
      type: bool
      sample: null
    active:
      description:
        - Whether it does anything. A schedule whose replacement failed half way is listed although it never fires
          again.
          M(registry.hygiene.harbor_gc_schedule) writes such a schedule anew.
      type: bool
      sample: true
next_scheduled_time:
  description: When it fires next, V(null) if there is no schedule.
  type: str
  returned: success
  sample: "2026-11-22T00:00:00.000Z"
executions:
  description: The runs that the options ask for. Each is like RV(execution).
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
    delete_untagged:
      description: Whether artifacts go that no tag reaches.
      type: bool
      sample: true
    delete_tag:
      description: Harbor's parameter of that name, V(null) before 2.15.
      type: bool
      sample: false
    workers:
      description: How many workers it has, V(null) before 2.9.
      type: int
      sample: 1
    dry_run:
      description: Whether it deletes nothing.
      type: bool
      sample: false
    freed_space:
      description:
        - How many bytes it freed, or a dry run would. V(null) while it runs, before Harbor 2.9, and after a stop,
          although blobs may be gone then.
      type: int
      sample: 1517361
    purged_blobs:
      description: How many blobs it deleted.
      type: int
      sample: 9
    purged_manifests:
      description: How many manifests it deleted.
      type: int
      sample: 4
    overestimate:
      description:
        - Whether these numbers are too high. A dry run with C(delete_untagged) counts every blob of each untagged
          artifact, also those that other artifacts share and those that are too young.
      type: bool
      sample: false
log:
  description: With O(log), the text of its log. V(null) if there is none, as of a run that never began.
  type: str
  returned: success
  sample: null
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import gc, information, registry


class GcInfo(gc.GcReader):
    """The schedule and the runs of the garbage collection."""

    nouns = information.NOUNS

    @classmethod
    def validate(cls, params):
        return information.check(params)

    def read(self):
        return information.read(self)


MODULE = Module(GcInfo, registry, information.INFO_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
