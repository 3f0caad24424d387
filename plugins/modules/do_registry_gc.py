#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: do_registry_gc
short_description: Collect garbage in container registries of DigitalOcean
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Makes sure that garbage was collected recently in container registries of DigitalOcean, or that no collection is
    running. Starts, adopts, awaits and cancels garbage collections.
  - B(A registry is read-only while its garbage is collected.) Pushes fail, from the start to the end and for up to 15
    minutes of waiting before, also if there is nothing to collect. Pulls go on.
options:
  registries:
    description:
      - The registries, by their names. Globs (C(*), C(?), C([...])) are replaced by the matching registries of the
        account; V(*) means all of them.
      - Required, unless there are O(declarations).
    type: list
    elements: str
  exclude:
    description:
      - Names and globs of registries to leave out of those that O(registries) names.
    type: list
    elements: str
  type:
    description:
      - What is to be collected, in the words of DigitalOcean.
      - V(unreferenced blobs only) is what DigitalOcean does by default.
      - With V(untagged manifests only) and V(untagged manifests and unreferenced blobs), images without a tag are
        deleted. That can be images which are still pulled by their digest. It is not documented whether it spares the
        children of multi-platform images, which have no tags of their own. A warning is given for both.
    type: str
    choices:
      - untagged manifests only
      - unreferenced blobs only
      - untagged manifests and unreferenced blobs
    default: unreferenced blobs only
  state:
    description:
      - V(present) makes sure that a garbage collection that covers O(type) has succeeded within O(min_interval), or is
        running. Otherwise one is started.
      - V(absent) makes sure that none is running. What was deleted before it is cancelled stays deleted.
    type: str
    choices: [present, absent]
    default: present
  min_interval:
    description:
      - How long a success counts, by the server's clock, as a number and a unit (V(s), V(m) (minutes), V(h), V(d),
        V(w)).
      - V(0s) starts one in each run of the task, unless one is running.
    type: str
    default: 1d
  if_active:
    description:
      - What to do if a garbage collection is running that does less than O(type).
      - V(adopt) is content with it. V(wait) waits until it is over, also without O(wait), looks anew, and starts one if
        that is still needed. V(fail) fails.
      - One that is being cancelled cannot be adopted. It is waited for, or fails the task with V(fail).
      - DigitalOcean does not always say the type of a run. Without it, a run counts as V(unreferenced blobs only).
    type: str
    choices: [adopt, wait, fail]
    default: adopt
  if_automated:
    description:
      - What to do if DigitalOcean collects garbage by itself in the registry, which it does not let be started by hand
        then.
      - V(ignore) leaves it to DigitalOcean, with RV(garbage_collection.skipped_reason). This is seen only when a
        collection is to be started, hence not in check mode.
    type: str
    choices: [fail, ignore]
    default: fail
  only_if_garbage:
    description:
      - Whether to start only if there are manifests that no tag reaches.
      - Not with O(type=unreferenced blobs only), because unreferenced blobs cannot be listed.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the garbage collection that was started or adopted is over, or with O(state=absent) until
        none is running.
      - The task fails if it did not succeed.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most for one registry. After that, the task fails and leaves the garbage collection running.
      - At most O(workers) registries are waited for at the same time.
      - 15 minutes may go by before it begins.
    type: int
    default: 1800
  declarations:
    description:
      - Several declarations in one task, for several kinds of registries. They are one plan, that is, all is read
        once, forecast together, held against the limits together, and only then written.
      - Each has the options of a task that declares one thing, and may have limits of its own instead of those of the
        task.
      - These options, such as O(type) or O(state), then stand in the entries and not beside them.
      - A target that two entries name with different content is refused, and both entries are named.
    type: list
    elements: dict
    suboptions:
      registries:
        description: As O(registries).
        type: list
        elements: str
        required: true
      exclude:
        description: As O(exclude).
        type: list
        elements: str
      type:
        description: As O(type).
        type: str
        choices:
          - untagged manifests only
          - unreferenced blobs only
          - untagged manifests and unreferenced blobs
        default: unreferenced blobs only
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      min_interval:
        description: As O(min_interval).
        type: str
        default: 1d
      if_active:
        description: As O(if_active).
        type: str
        choices: [adopt, wait, fail]
        default: adopt
      if_automated:
        description: As O(if_automated).
        type: str
        choices: [fail, ignore]
        default: fail
      only_if_garbage:
        description: As O(only_if_garbage).
        type: bool
        default: false
      wait:
        description: As O(wait).
        type: bool
        default: false
      wait_timeout:
        description: As O(wait_timeout).
        type: int
        default: 1800
      poll_interval:
        description: As O(poll_interval).
        type: int
        default: 10
      max_deletions:
        description: As O(max_deletions), for what this entry deletes.
        type: int
      max_deletions_percent:
        description: As O(max_deletions_percent), for what this entry deletes.
        type: float
      min_keep:
        description: As O(min_keep), for the repositories of this entry.
        type: int
      protect:
        description: As O(protect), for the repositories of this entry.
        type: list
        elements: str
extends_documentation_fragment:
  - registry.hygiene._runs
  - registry.hygiene._digitalocean
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._fuse
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.do_registry_gc_info
"""

EXAMPLES = r"""
- name: Collect garbage unless that was done within a week, and wait for it
  registry.hygiene.do_registry_gc:
    digitalocean_token: "{{ vault_digitalocean_token }}"
    registries:
      - acme
    min_interval: 7d
    wait: true
  register: collected

- name: Say what it brought
  ansible.builtin.debug:
    msg: "{{ collected.garbage_collection.freed_bytes | default(0, true) | human_readable }}"

# From here on the environment says it, DIGITALOCEAN_TOKEN.

- name: Look what it would cost to delete untagged manifests, too, in all registries of the account but one
  registry.hygiene.do_registry_gc:
    registries:
      - "*"
    exclude:
      - acme
    type: untagged manifests and unreferenced blobs
    only_if_garbage: true
  check_mode: true
  diff: true

- name: Do both as one plan, with a limit for what deletes images
  registry.hygiene.do_registry_gc:
    declarations:
      - registries: [acme]
        min_interval: 7d
      - registries: ["*"]
        exclude: [acme]
        type: untagged manifests and unreferenced blobs
        only_if_garbage: true
        if_active: wait
        if_automated: ignore
        max_deletions: 1000

- name: Let people push again now, wherever a collection is running
  registry.hygiene.do_registry_gc:
    registries:
      - "*"
    state: absent
    wait: true
"""

RETURN = r"""
garbage_collection:
  description:
    - The garbage collection that was started, adopted or cancelled, or the recent one that made another one needless.
      V(null) if there is none; if none was needed and there is none to show, all but C(skipped_reason) is V(null).
    - If one registry is named exactly, it is that of this registry; if several are named, or by a glob, a dictionary
      from the registry to its one, see O(return_states). Also of registries that failed while waiting, as it was seen
      last.
    - In check mode, only its C(status) and C(type) are known of one that would be started.
  type: dict
  returned: success, or when only some of the registries failed, or when waiting failed
  contains:
    uuid:
      description: Its identifier.
      type: str
      sample: eff0feee-49c7-4e8f-ba5c-a320c109c8a8
    status:
      description: V(succeeded), V(failed) and V(cancelled) are final, everything else means that it is running.
      type: str
      sample: succeeded
    type:
      description: What it collects. V(null) if DigitalOcean does not say.
      type: str
      sample: unreferenced blobs only
    created_at:
      description: When it was started.
      type: str
      sample: "2026-03-30T20:51:32Z"
    updated_at:
      description: When its status changed last, hence when it ended if it has ended.
      type: str
      sample: "2026-03-30T20:59:47Z"
    freed_bytes:
      description: How many bytes it freed.
      type: int
      sample: 667
    blobs_deleted:
      description: How many blobs it deleted.
      type: int
      sample: 3
    adopted:
      description: Whether it was running already, or started by somebody else in the meantime.
      type: bool
      sample: false
    ambiguous:
      description: Whether the answer was lost, so that it may have been somebody else who started or cancelled it.
      type: bool
      sample: false
    skipped_reason:
      description: Why none was started, V(null) if one was started or adopted.
      type: str
      sample: null
plan:
  description:
    - What the task changes, or would change, and which images that costs. Its size does not grow with the registry.
    - Everything is in O(plan_file).
  type: dict
  returned: always, unless the task fails before there is a plan
  contains:
    targets:
      description: How many registries the task is about.
      type: int
      sample: 2
    changed:
      description: How many of them change.
      type: int
      sample: 1
    failed:
      description: How many failed, see RV(failures).
      type: int
      sample: 0
    left_out:
      description: How many are left as they are, see RV(left_out).
      type: int
      sample: 0
    images:
      description:
        - The images in the repositories where something changes. V(null) if there is no forecast, see O(preview).
        - C(count) are certain to go, C(uncertain_count) may go. C(anyway_count) of both would go anyway under what is
          there now, C(added_count) would not. C(total) is how many there are, C(repositories) how many repositories
          lose some.
        - C(bytes) are those of the images that are certain to go. Images share layers, so less is freed.
        - C(estimate) says whether the registry leaves some of its rules undocumented.
      type: dict
      sample:
        count: 12
        uncertain_count: 0
        anyway_count: 0
        added_count: 12
        total: 340
        bytes: 1825361100
        repositories: 3
        estimate: true
    in_use:
      description:
        - V(null) without O(in_use). How many C(references) there are, how many of them are of other hosts
          (C(elsewhere)), how many images that run are listed in the repositories where something changes (C(found)),
          and how many references name these repositories and are not (C(not_found)).
      type: dict
      sample: null
    refused:
      description:
        - V(null), or the limit that refused the plan (V(plan) for O(plan)), with a C(message) and the C(count) of all
          limits that did. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people, at most about 60 lines. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ acme: start a garbage collection of untagged manifests and unreferenced blobs"
        - "  12 images of 340 go (1.8 GB); an estimate, not all rules are documented"
    rows:
      description:
        - The numbers of each entry of O(declarations), or of the task. At most 50.
      type: list
      elements: dict
      sample:
        - what: "*"
          targets: 2
          changed: 1
          count: 12
          uncertain_count: 0
          anyway_count: 0
          total: 340
          bytes: 1825361100
          limit: ""
    worst:
      description: The ten repositories that lose most, with up to O(preview_limit) images of each.
      type: list
      elements: dict
      sample:
        - target: acme/api
          count: 8
          uncertain_count: 0
          anyway_count: 0
          kept_count: 120
          bytes: 1073741824
          images:
            - tag: null
              digest: "sha256:2485f4d55aae6c5b073114bc4c4b1907c0abae14166281beee7d93f76ebf41fc"
              age: 2160000
              size: 134217728
              because: no tag reaches it
              fate: goes
              anyway: false
              by: acme
    file:
      description: The path of the O(plan_file), V(null) if none was asked for.
      type: str
      sample: null
left_out:
  description:
    - The registries that are left as they are, with the reason. At most 50.
  type: dict
  returned: when there are such
  sample:
    globex: "min_keep: globex/api: 0 of 4 stay, not 1"
changed_targets:
  description:
    - The first 50 registries in which this task started or cancelled a garbage collection, or would.
  type: list
  elements: str
  returned: success, or when only some of the targets failed, or when the plan was refused
  sample: [acme]
failures:
  description: From each target that failed to the reason, at most 50. The other targets were served all the same.
  type: dict
  returned: when some of the registries failed
  sample:
    gone: "there is no registry 'gone'; registries of this account: acme"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core import runs
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import (
    garbage_collection,
    registry,
)
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean.garbage_collection import BLOBS


class GarbageCollection(garbage_collection.GcReader, runs.Run):
    """The garbage collection of one registry: a recent success, one that is running, or none."""

    module = "do_registry_gc"
    several = "declarations"
    noun = "garbage_collection"
    called = "registry"
    naming = ("registries", "exclude")
    foresees = True
    estimate = True
    stopping, stopped = ("cancelling",), "cancelling"

    @classmethod
    def validate(cls, params):
        warnings = super().validate(params)
        if params["only_if_garbage"] and params["type"] == BLOBS:
            raise PlanRefused(f"only_if_garbage does not go with type {BLOBS}: DigitalOcean does not list such blobs")
        if params["state"] == "present" and params["type"] != BLOBS:
            warnings.append(
                f"type {params['type']} deletes images without a tag, also such as are pulled by their digest. "
                "DigitalOcean does not say whether it spares the children of multi-platform images, which have no tag"
            )
        return warnings

    def wanted(self):
        return {"type": self.params["type"]}

    def covers(self, run):
        return (run.get("type") or BLOBS) in (garbage_collection.BOTH, self.params["type"])

    def needless(self):
        nothing = self.params["only_if_garbage"] and not self.any_garbage()
        return "no garbage: tags reach every manifest" if nothing else None

    def foresee(self, current, planned):
        if self.params["state"] == "absent" or self.params["type"] == BLOBS:
            return {}  # no image goes, so none is looked at
        return self.images()

    def changes(self, current, planned):
        if self.params["state"] == "absent":
            return [("-", "cancel the garbage collection that is running")]
        return [("+", f"start a garbage collection of {self.params['type']}")]

    def start(self):
        where = self.where("garbage-collection")
        return self.told(where, self.client.request("POST", where, body=self.wanted()))

    def started(self, run):
        if run.get("type") and not self.covers(run):
            text = f"{self.target}: DigitalOcean started {run['type']} instead of {self.params['type']}"
            self.client.warnings.append(text)

    def refused(self, error):
        if error.status not in (409, 412, 422):  # DigitalOcean does not say which one means "is running already"
            raise error
        if "automated garbage collection" not in error.message.lower():
            return None
        if self.params["if_automated"] == "fail":
            error.args = (f"{error}. Set if_automated: ignore to leave it to DigitalOcean",)
            raise error
        return "provider_managed: DigitalOcean collects the garbage of this registry by itself"

    def stop(self, run):
        where = self.where("garbage-collection", run["uuid"])
        return self.told(where, self.client.request("PUT", where, body={"cancel": True}))


MODULE = Module(GarbageCollection, registry, garbage_collection.GC_SPEC)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
