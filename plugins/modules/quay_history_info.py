#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_history_info
short_description: Read what Quay deleted
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns which tags went, and why, from the usage logs of organizations, of repositories or of the token's own user.
    What auto-prune deleted is told as well as what people deleted, and who changed auto-prune policies.
  - It never changes anything.
  - Quay gives 20 entries of a log at a time, of all kinds, pulls too. If it counts no deletion in these days, nothing
    more is read. Otherwise a busy organization takes its time; a later O(since) or single repositories help.
  - If Quay counts more deletions than its log shows, or if there is more than can be read, RV(truncated) says so.
options:
  exclude:
    description:
      - Names and globs of what to leave out of O(organizations) and O(repositories).
    type: list
    elements: str
notes:
  - The logs do not name digests of pruned tags, and not which policy it was.
  - Where Quay reads its logs from Elasticsearch or Splunk (C(LOGS_MODEL)), it does not see what auto-prune writes to
    the database.
  - Quay may forget entries after 30 days (C(FEATURE_ACTION_LOG_ROTATION), C(ACTION_LOG_ROTATION_THRESHOLD)).
  - Cosign tags that go together with a pruned tag are in no log.
extends_documentation_fragment:
  - registry.hygiene._quay_policies
  - registry.hygiene._history
  - registry.hygiene._quay
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.quay_autoprune_policy
  - module: registry.hygiene.history_report
"""

EXAMPLES = r"""
- name: What went last night
  registry.hygiene.quay_history_info:
    quay_url: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    organizations: [acme]
    since: 24h
  register: night

- name: What went of one repository in a week, all of it in a file
  registry.hygiene.quay_history_info:
    repositories: [acme/app]
    since: 7d
    history_file: /tmp/app-history.json
"""

RETURN = r"""
history:
  description: What was deleted, the newest first, up to O(limit).
  type: list
  elements: dict
  returned: success, or when only some of the targets failed
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
      description: The tag that went. V(null) if a whole repository went.
      type: str
      sample: build-118
    digest:
      description: The digest, V(null) where the log does not say it.
      type: str
      sample:
    because:
      description: V(auto-prune), or who did it.
      type: str
      sample: auto-prune
    run:
      description: Always V(null). Quay's worker has no runs that could be named.
      type: int
      sample:
count:
  description: How many deletions there are in all, whatever the O(limit).
  type: int
  returned: success, or when only some of the targets failed
  sample: 10967
repositories:
  description: The 50 repositories that lost most, each with its C(target) and C(count).
  type: list
  elements: dict
  returned: success, or when only some of the targets failed
  sample: [{target: acme/app, count: 118}]
changes:
  description: The newest 50 changes of auto-prune policies, with C(when), C(target), C(what) and C(by).
  type: list
  elements: dict
  returned: success, or when only some of the targets failed
  sample: [{when: "2026-11-29T16:00:00Z", target: acme, what: "policy created: older than 30d", by: alice}]
runs:
  description: Always empty.
  type: list
  elements: dict
  returned: success, or when only some of the targets failed
  sample: []
truncated:
  description: Why not all is known, a line for each target of which that is so. These lines are warnings, too.
  type: list
  elements: str
  returned: success, or when only some of the targets failed
  sample: []
registry:
  description: The address of the registry.
  type: str
  returned: success, or when only some of the targets failed
  sample: https://quay.example.com
since:
  description: From when on, in UTC.
  type: str
  returned: success, or when only some of the targets failed
  sample: "2026-11-29T06:00:00Z"
until:
  description: Up to when, V(null) for up to now.
  type: str
  returned: success, or when only some of the targets failed
  sample:
file:
  description: The O(history_file).
  type: str
  returned: success, or when only some of the targets failed
  sample: /tmp/app-history.json
failures:
  description: From each target that failed to the reason. The other targets were read all the same.
  type: dict
  returned: when some of the targets failed
  sample:
    acme/gone: "GET /api/v1/repository/acme/gone/logs answered 404: Not Found. Check the exact name"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core import history
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._quay import logs, reader, registry


class QuayHistory(history.History, reader.PolicyReader):
    """What was deleted of one organization, one repository or the token's own user."""

    def read(self):
        return logs.read(self.client, self.scope, self.window)


MODULE = Module(
    QuayHistory,
    registry,
    dict(reader.SCOPE_SPEC, **reader.EXCLUDE, **history.ARGUMENT_SPEC),
    **reader.SCOPE_RULES,
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
