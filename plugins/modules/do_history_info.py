#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: do_history_info
short_description: Read which garbage collections ran in container registries of DigitalOcean
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns the garbage collections of container registries, with what each of them counts, in the same form as the
    modules of this kind for other registries.
  - DigitalOcean does not tell which images went, only how many blobs. RV(history) is therefore always empty.
options:
  registries:
    description:
      - The registries. Globs (C(*), C(?), C([...])) are replaced by the matching ones of the account, so that V(*)
        means all of them.
    type: list
    elements: str
    required: true
  exclude:
    description:
      - Names and globs of what to leave out of O(registries).
    type: list
    elements: str
extends_documentation_fragment:
  - registry.hygiene._history
  - registry.hygiene._digitalocean
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.do_registry_gc
  - module: registry.hygiene.history_report
"""

EXAMPLES = r"""
- name: What ran in the last week
  registry.hygiene.do_history_info:
    digitalocean_token: "{{ vault_digitalocean_token }}"
    registries: ["*"]
    since: 7d
  register: week
"""

RETURN = r"""
history:
  description: Always empty. The keys are those of the other modules of this kind.
  type: list
  elements: dict
  returned: success, or when only some of the registries failed
  contains:
    when:
      description: When, in UTC, in whole seconds.
      type: str
      sample: "2026-11-30T02:10:05Z"
    target:
      description: The repository.
      type: str
      sample: acme/app
    tag:
      description: The tag that went.
      type: str
      sample:
    digest:
      description: The digest that went.
      type: str
      sample:
    because:
      description: Why.
      type: str
      sample:
    run:
      description: The run.
      type: raw
      sample:
count:
  description: How many deletions there are in all, whatever the O(limit).
  type: int
  returned: success, or when only some of the registries failed
  sample: 0
repositories:
  description: The 50 repositories that lost most, each with its C(target) and C(count).
  type: list
  elements: dict
  returned: success, or when only some of the registries failed
  sample: []
changes:
  description: Always empty.
  type: list
  elements: dict
  returned: success, or when only some of the registries failed
  sample: []
runs:
  description: The newest 50 runs, with C(when) they ended or changed last, C(target), C(what) they are, C(run) (their
    id), C(status), and what they count themselves, C(deleted) and C(bytes), V(null) where they do not.
  type: list
  elements: dict
  returned: success, or when only some of the registries failed
  sample: [{when: "2026-11-30T02:11:40Z", target: acme, what: garbage collection, run: eff0feee, status: succeeded,
           deleted: 42, bytes: 667}]
truncated:
  description: Why not all is known, a line for each target of which that is so. These lines are warnings, too.
  type: list
  elements: str
  returned: success, or when only some of the registries failed
  sample: []
registry:
  description: The address of the registry.
  type: str
  returned: success, or when only some of the registries failed
  sample: https://api.digitalocean.com
since:
  description: From when on, in UTC.
  type: str
  returned: success, or when only some of the registries failed
  sample: "2026-11-29T06:00:00Z"
until:
  description: Up to when, V(null) for up to now.
  type: str
  returned: success, or when only some of the registries failed
  sample:
file:
  description: The O(history_file).
  type: str
  returned: success, or when only some of the registries failed
  sample: /tmp/history.json
failures:
  description: From each of the registries that failed to the reason. The others were read all the same.
  type: dict
  returned: when some of the registries failed
  sample:
    gone: "there is no registry 'gone'; registries of this account: acme"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core import history, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import garbage_collection, registry


class DoHistory(history.History, garbage_collection.GcReader):
    """The garbage collections of one registry."""

    def read(self):
        self.locate()
        runs = []
        for run in self.recent():
            text = run.get("updated_at") or run.get("created_at")
            when = schedule.epoch(text) if text else None
            if when is not None and self.window.holds(when):
                what = f"garbage collection ({run.get('type') or garbage_collection.BLOBS})"
                numbers = run.get("blobs_deleted"), run.get("freed_bytes")
                runs.append(history.run(when, self.target, what, run["uuid"], run["status"], *numbers))
        return history.state([], runs=runs)


MODULE = Module(
    DoHistory,
    registry,
    dict(registry.TARGET_SPEC, exclude=dict(type="list", elements="str"), **history.ARGUMENT_SPEC),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
