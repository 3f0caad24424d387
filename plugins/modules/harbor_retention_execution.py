#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_retention_execution
short_description: Run tag retention in Harbor's projects now
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Starts, adopts, awaits and stops runs of the tag retention policies of projects of Harbor, many at once.
  - A run changes something each time; O(min_interval) makes the task idempotent.
  - A real run deletes artifacts. Check mode names them, and limits such as O(max_deletions) and O(min_keep) hold.
  - The forecast is by the policies that are there now. A project without one is a failure, but in check mode a warning,
    because a task before may be about to give it one.
options:
  state:
    description:
      - V(started) starts a run. One of the same kind (dry or real) that is running already is adopted.
      - V(stopped) makes sure that no run goes on. What it had deleted until then is gone.
    type: str
    choices: [started, stopped]
    default: started
  dry_run:
    description:
      - Whether Harbor is only to find out what would be deleted. B(Nothing is deleted) unless it is V(false).
      - A dry run also counts what a real one cannot delete, that is tagged children of indexes that stay, and artifacts
        whose signatures an immutable rule covers. The forecast of this module does not.
    type: bool
    default: true
  preview:
    description:
      - V(server) lets Harbor itself make a dry run before the real one, if one is to be started, and returns its
        numbers under C(server_preview) of RV(execution). It is waited for. Check mode does without it.
      - V(yes) forecasts deleted artifacts, as check mode and limits do in any case.
    type: str
    choices: ['no', 'yes', server]
    default: 'no'
extends_documentation_fragment:
  - registry.hygiene._harbor_projects.required
  - registry.hygiene._harbor_projects.immutable_tags
  - registry.hygiene._runs
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - A run counts as over a quarter of a minute after its last task has ended, although Harbor may say that it goes on.
    Harbor shows the end up to half a minute late, and now and then never.
  - Project administrators, maintainers and developers may do this, and robots with C(tag-retention) in the project
    (C(read), C(list) and C(update)). The forecast takes C(list) of C(repository), C(artifact) and C(immutable-tag),
    too.
seealso:
  - module: registry.hygiene.harbor_retention_policy
"""

EXAMPLES = r"""
- name: Let Harbor say what its policies would delete
  registry.hygiene.harbor_retention_execution:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    projects: [team-*]
    wait: true
  register: rehearsed

- name: Delete it, unless that was done within a day, and leave at least one artifact in each repository
  registry.hygiene.harbor_retention_execution:
    projects: [team-*]
    dry_run: false
    min_interval: 1d
    min_keep: 1
    wait: true

- name: Stop all runs
  registry.hygiene.harbor_retention_execution:
    projects: ["*"]
    state: stopped
"""

RETURN = r"""
execution:
  description:
    - The run that was started, adopted or stopped, or the recent one that made another one needless. V(null) if there
      is none.
    - If one project is named exactly, its run; if several are named, or by a glob, a dictionary from the project to its
      run, see O(return_states). Projects that failed are left out.
  type: dict
  returned: success, or when waiting failed
  contains:
    id:
      description: Its number.
      type: int
      sample: 31
    status:
      description: V(Running), V(Success), V(Error) or V(Stopped). V(requested) in check mode.
      type: str
      sample: Success
    trigger:
      description: V(manual) or V(schedule).
      type: str
      sample: manual
    dry_run:
      description: Whether it deletes nothing.
      type: bool
      sample: true
    start_time:
      description: When it was started.
      type: str
      sample: "2026-11-21T12:28:26.022Z"
    end_time:
      description: When it ended, V(null) while it runs, or if Harbor does not say.
      type: str
      sample: "2026-11-21T12:28:53Z"
    total:
      description: How many artifacts it looked at. V(null) unless it was waited for.
      type: int
      sample: 120
    retained:
      description: How many of them stay, or would after a real run. V(null) unless it was waited for.
      type: int
      sample: 101
    repositories:
      description:
        - The repositories in which it failed or which lose most, at most 10. V(null) unless it was waited for.
        - C(names) are the tags of some of the artifacts (or the digest of one without) that are C(deleted),
          C(retained), C(immutable) or C(refused), at most 10 of each. They are read for 20 repositories of a task, and
          V(null) for all others.
      type: dict
      sample:
        app:
          status: Success
          total: 12
          retained: 11
          names:
            deleted: [dev-118]
            retained: ["v1.4, latest"]
            immutable: []
            refused: []
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
      description: With O(preview=server), what Harbor's own dry run found (C(id), C(total), C(retained),
        C(repositories)). Otherwise V(null).
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
      description: How many projects the task is about.
      type: int
      sample: 12
    changed:
      description: How many of them change.
      type: int
      sample: 3
    images:
      description: The artifacts of the repositories that a rule is about, and how many of them go. V(null) if there is
        no forecast, see O(preview).
      type: dict
      sample: {count: 61, uncertain_count: 2, anyway_count: 40, added_count: 23, total: 912, bytes: 18253611008,
        repositories: 21, estimate: false}
    refused:
      description: V(null), or which limit or plan refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ 3 projects (team-*): start a retention run: 3 rules"
left_out:
  description: The projects that are left as they are, with the reason. At most 50.
  type: dict
  returned: when there are such
  sample:
    base: "min_keep: base/debian: 0 of 2 stay, not 1"
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
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry, retention_runs


class RetentionExecution(retention_runs.RetentionRun):
    """A run of tag retention in one project: one that was recent, one that is running, or none."""

    module = "harbor_retention_execution"


MODULE = Module(RetentionExecution, registry, retention_runs.RUN_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
