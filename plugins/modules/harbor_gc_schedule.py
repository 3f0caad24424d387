#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_gc_schedule
short_description: Manage the schedule by which Harbor collects garbage
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings the schedule of the garbage collection of Harbor 2.6 to 2.16 into the declared state. A Harbor has one.
  - With O(delete_untagged), artifacts are deleted. Check mode names them, and limits such as O(max_deletions) and
    O(min_keep) hold.
  - A schedule whose replacement failed never fires again, although Harbor shows it. It counts as changed and is written
    anew.
options:
  dry_run:
    description:
      - Whether Harbor only finds out what each run would delete. V(false) if it is not set.
      - B(Harbor keeps this but does not show it.) Only the runs of a schedule tell it. So another value is seen as a
        change as soon as the schedule has fired, and until then is written only if something else changes, too.
      - If it is not set, the value that the last run of the schedule tells is kept. If none tells it, a schedule that
        has to be written is written without, and a warning is given.
      - Beside O(undo) it says whether the schedule that is put back was a dry run, where no run had told that when the
        plan was made.
    type: bool
extends_documentation_fragment:
  - registry.hygiene._harbor_schedule
  - registry.hygiene._harbor_gc
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - A new schedule needs O(schedule) or O(cron).
seealso:
  - module: registry.hygiene.harbor_gc_info
  - module: registry.hygiene.harbor_gc_execution
"""

EXAMPLES = r"""
- name: Collect garbage every Sunday, untagged artifacts stay
  registry.hygiene.harbor_gc_schedule:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    schedule: weekly
    delete_untagged: false

- name: Delete untagged artifacts, too, if that are at most fifty now
  registry.hygiene.harbor_gc_schedule:
    schedule: weekly
    delete_untagged: true
    max_deletions: 50
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
      description:
        - What this task has written. Otherwise whether the schedule's last run was dry, V(null) if it has not fired
          since it was written.
      type: bool
      sample: false
    active:
      description:
        - Whether it does anything. A schedule whose replacement failed half way is listed although it never fires
          again.
          The module writes such a schedule anew.
      type: bool
      sample: true
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
        - "~ garbage collection: delete_untagged: false  ->  true"
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

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    executions,
    gc,
    schedules,
)


class GcSchedule(gc.GcReader, schedules.Schedule):
    """The schedule of the garbage collection."""

    module = "harbor_gc_schedule"
    starts = gc.Collection
    foresees = True
    unread = ("dry_run",)
    beside_undo = (*schedules.Schedule.beside_undo, "dry_run")

    @classmethod
    def validate(cls, params):
        gc.check(params)
        return super().validate(params)

    @classmethod
    def declaring(cls, state, params):
        if state and state["dry_run"] is None and params["dry_run"] is None:
            raise PlanRefused("Harbor did not show whether it was a dry run. Say so: write dry_run beside undo")
        return super().declaring(state, params)

    def planned_content(self, current):
        given, seen = self.params["dry_run"], current and current["dry_run"]
        dry_run = bool(seen) if given is None else given
        return dict(gc.chosen(self.version, self.params, current), dry_run=dry_run)

    def plan(self, current):
        planned = super().plan(current)
        if not planned or not current or current["dry_run"] is not None:
            return planned
        if dict(planned, dry_run=None) == current:  # what cannot be seen is no drift
            return current
        if self.params["dry_run"] is None:
            self.client.warnings.append(
                "Harbor does not show whether the schedule that is there was a dry run; it is written as none. Set "
                "dry_run to say what it should be"
            )
        return planned

    def foresee(self, current, planned):
        return gc.foreseen(self, current, planned)

    def parameters(self, planned):
        return gc.parameters(planned) if planned else {}


MODULE = Module(
    GcSchedule,
    gc,
    dict(schedules.SCHEDULE_SPEC, **gc.GC_SPEC, **executions.PREVIEW),
    required_if=schedules.REQUIRED_IF,
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
