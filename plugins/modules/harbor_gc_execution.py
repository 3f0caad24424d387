#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_gc_execution
short_description: Collect garbage in Harbor now
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Starts, adopts, awaits and stops garbage collections of Harbor 2.6 to 2.16.
  - A run changes something each time; O(min_interval) makes the task idempotent. A run that deletes more than was asked
    for counts as one that does the same.
  - With O(delete_untagged), artifacts are deleted. Check mode names them, and limits such as O(max_deletions) and
    O(min_keep) hold.
extends_documentation_fragment:
  - registry.hygiene._harbor_execution
  - registry.hygiene._harbor_gc
  - registry.hygiene._runs
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - Blobs that were touched within the last two hours are never collected.
  - What a stopped run had deleted is gone, and counted nowhere.
  - Harbor shows the end of a run up to half a minute late.
seealso:
  - module: registry.hygiene.harbor_gc_info
  - module: registry.hygiene.harbor_gc_schedule
"""

EXAMPLES = r"""
- name: Collect garbage unless that was done within a week, and wait for it
  registry.hygiene.harbor_gc_execution:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    min_interval: 7d
    wait: true
  register: collected

- name: Say what it brought
  ansible.builtin.debug:
    msg: "{{ collected.execution.freed_space | default(0, true) | human_readable }}"

- name: Delete untagged artifacts, too, but leave at least one in each repository
  registry.hygiene.harbor_gc_execution:
    delete_untagged: true
    min_keep: 1

- name: Stop one
  registry.hygiene.harbor_gc_execution:
    state: stopped
    id: 31
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
        - Whether these numbers are too high. A dry run with O(delete_untagged) counts every blob of each untagged
          artifact, also those that other artifacts share and those that are too young.
      type: bool
      sample: false
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
        - With O(preview=server), what Harbor's own dry run found (the C(id) of that run, C(freed_space),
          C(purged_blobs), C(purged_manifests), C(overestimate)).
          Otherwise V(null).
      type: dict
      sample: null
plan:
  description:
    - What the task changes, or would change, and which artifacts that costs.
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
      description: The artifacts of all repositories, and how many of them go because no tag reaches them.
        V(null) if there is no forecast, see O(preview).
      type: dict
      sample: {count: 3, uncertain_count: 0, anyway_count: 0, added_count: 3, total: 120, bytes: 31457280,
        repositories: 2, estimate: false}
    refused:
      description: V(null), or which limit or plan refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ garbage collection: start a garbage collection: unreferenced blobs and untagged artifacts"
        - "  3 images of 120 go (31.5 MB)"
left_out:
  description: V(garbage collection) with the reason, if O(on_limit=skip) left it as it is.
  type: dict
  returned: when it is left as it is
  sample:
    garbage collection: "min_keep: acme/app: 0 of 2 stay, not 1"
changed_targets:
  description: V([garbage collection]) if something was changed, or would be in check mode, otherwise empty.
  type: list
  elements: str
  returned: always, unless the task fails before there is a plan
  sample: [garbage collection]
failures:
  description: V(garbage collection) with the reason, if that is what failed.
  type: dict
  returned: when it failed
  sample:
    garbage collection: "PUT /api/v2.0/system/gc/schedule answered 403: robot$reader. robot$reader lacks the right: ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import executions, gc


class GcExecution(gc.Collection):
    """A garbage collection: one that was recent, one that is running, or none."""

    module = "harbor_gc_execution"


MODULE = Module(
    GcExecution,
    gc,
    dict(executions.RUN_SPEC, **gc.GC_SPEC, **executions.PREVIEW),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
