#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swr_history_info
short_description: Read what the retention policies of Huawei Cloud SWR deleted
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns which tags the image retention policies of repositories in Huawei Cloud SWR deleted, and by which rule, in
    the same form as the modules of this kind for other registries.
  - SWR keeps this for about three months. What people delete is not in it.
options:
  namespace:
    description:
      - The organization.
    type: str
    required: true
    aliases: [organization]
  repositories:
    description:
      - The repositories, each by its name without the organization. Names may hold slashes.
      - Globs (C(*), C(?), C([...])) are replaced by the matching repositories that can be seen. C(*) goes across
        slashes, so V(*) means every repository.
    type: list
    elements: str
    required: true
  exclude:
    description:
      - Names and globs of what to leave out of O(repositories).
    type: list
    elements: str
extends_documentation_fragment:
  - registry.hygiene._history
  - registry.hygiene._swr
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.swr_retention
  - module: registry.hygiene.history_report
"""

EXAMPLES = r"""
- name: What went last night
  registry.hygiene.swr_history_info:
    swr_region: eu-west-101
    swr_access_key: "{{ vault_swr_access_key }}"
    swr_secret_key: "{{ vault_swr_secret_key }}"
    namespace: acme
    repositories: ["*"]
    since: 24h
  register: night
"""

RETURN = r"""
history:
  description: What was deleted, the newest first, up to O(limit).
  type: list
  elements: dict
  returned: success, or when only some of the repositories failed
  contains:
    when:
      description: When, in UTC, in whole seconds.
      type: str
      sample: "2026-11-30T02:10:05Z"
    target:
      description: The repository.
      type: str
      sample: acme/team/app
    tag:
      description: The tag that went.
      type: str
      sample: build-118
    digest:
      description: Always V(null). SWR does not say it.
      type: str
      sample:
    because:
      description: The rule, in words.
      type: str
      sample: "retention: all but the newest 12"
    run:
      description: Always V(null). SWR names no runs.
      type: raw
      sample:
count:
  description: How many deletions there are in all, whatever the O(limit).
  type: int
  returned: success, or when only some of the repositories failed
  sample: 118
repositories:
  description: The 50 repositories that lost most, each with its C(target) and C(count).
  type: list
  elements: dict
  returned: success, or when only some of the repositories failed
  sample: [{target: acme/team/app, count: 118}]
changes:
  description: Always empty.
  type: list
  elements: dict
  returned: success, or when only some of the repositories failed
  sample: []
runs:
  description: Always empty.
  type: list
  elements: dict
  returned: success, or when only some of the repositories failed
  sample: []
truncated:
  description: Why not all is known, a line for each target of which that is so. These lines are warnings, too.
  type: list
  elements: str
  returned: success, or when only some of the repositories failed
  sample: []
registry:
  description: The address of the registry.
  type: str
  returned: success, or when only some of the repositories failed
  sample: https://swr-api.eu-west-101.myhuaweicloud.com
since:
  description: From when on, in UTC.
  type: str
  returned: success, or when only some of the repositories failed
  sample: "2026-11-29T06:00:00Z"
until:
  description: Up to when, V(null) for up to now.
  type: str
  returned: success, or when only some of the repositories failed
  sample:
file:
  description: The O(history_file).
  type: str
  returned: success, or when only some of the repositories failed
  sample: /tmp/history.json
failures:
  description: From each of the repositories that failed to the reason. The others were read all the same.
  type: dict
  returned: when some of the repositories failed
  sample:
    team/gone: "GET /v2/manage/namespaces/acme/repos/team$gone/retentions/histories answered 404"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core import history, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry, retention


class SwrHistory(history.History, retention.RetentionReader):
    """What retention policies deleted of one repository."""

    def read(self):
        rows = [
            history.row(
                schedule.epoch(one["created_at"]),
                self.full_name(),
                f"retention: {retention.rule(one['rule'])}",
                tag=one["tag"],
            )
            for one in retention.histories(self.client, self.where("histories"))
        ]
        return history.state([row for row in rows if self.window.holds(schedule.epoch(row["when"]))])


MODULE = Module(
    SwrHistory,
    registry,
    dict(retention.TARGET_SPEC, exclude=dict(type="list", elements="str"), **history.ARGUMENT_SPEC),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
