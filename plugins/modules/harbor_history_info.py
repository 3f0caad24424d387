#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_history_info
short_description: Read what was deleted in Harbor
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns which artifacts, tags, repositories and projects went, and who or what deleted them, in the same form as the
    modules of this kind for other registries.
  - The audit log tells what people and robots deleted. What a tag retention deleted is there, too, in the name of
    C(harbor-jobservice). What garbage collections deleted is not there, but they name untagged artifacts in their logs.
  - RV(runs) has the garbage collections and the purges of the audit log, with what they count.
options:
  parts:
    description:
      - What to read. Each is read by itself, and may fail by itself.
      - V(audit_log) needs the permission C(list) of C(audit-log), V(garbage_collection) C(list) and C(read) of
        C(garbage-collection), V(purge) C(list) and C(read) of C(purge-audit), V(retention) C(list) and C(read) of
        C(tag-retention) in the projects.
      - What tag retention deleted is also in the audit log. It is told once, by the logs of the runs, which say why.
    type: list
    elements: str
    choices: [audit_log, garbage_collection, purge, retention]
    default: [audit_log, garbage_collection, purge, retention]
  repositories:
    description:
      - Whose deletions to return, as C(project/repository), with globs (C(*), C(?), C([...])). C(*) goes across
        slashes.
      - Runs are of the whole Harbor, so all are returned whatever stands here.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description:
      - Names and globs of what to leave out of O(repositories).
    type: list
    elements: str
notes:
  - What the purge of the audit log removed is not to be read any more, and whatever the settings of Harbor keep out of
    the audit log is not in it.
extends_documentation_fragment:
  - registry.hygiene._history
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_gc_info
  - module: registry.hygiene.harbor_purge_info
  - module: registry.hygiene.history_report
"""

EXAMPLES = r"""
- name: What went last night
  registry.hygiene.harbor_history_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    since: 24h
  register: night

- name: What somebody deleted in one project in November, all of it in a file
  registry.hygiene.harbor_history_info:
    parts: [audit_log]
    repositories: [acme/*]
    since: "2026-11-01T00:00:00Z"
    until: "2026-12-01T00:00:00Z"
    history_file: /tmp/november.json
"""

RETURN = r"""
history:
  description: What was deleted, the newest first, up to O(limit).
  type: list
  elements: dict
  returned: success, or when only some of the parts failed
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
      description: The tag that went, V(null) if an artifact or a whole repository went.
      type: str
      sample:
    digest:
      description: The digest of the artifact that went, V(null) if a tag or a whole repository went.
      type: str
      sample: sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b
    because:
      description: Who did it, or V(garbage collection).
      type: str
      sample: deleted by harbor-jobservice
    run:
      description: The id of the garbage collection, V(null) otherwise.
      type: raw
      sample:
count:
  description: How many deletions there are in all, whatever the O(limit).
  type: int
  returned: success, or when only some of the parts failed
  sample: 118
repositories:
  description: The 50 repositories that lost most, each with its C(target) and C(count).
  type: list
  elements: dict
  returned: success, or when only some of the parts failed
  sample: [{target: acme/team/app, count: 118}]
changes:
  description: Always empty.
  type: list
  elements: dict
  returned: success, or when only some of the parts failed
  sample: []
runs:
  description: The newest 50 runs, with C(when) they ended or changed last, C(target), C(what) they are, C(run) (their
    id), C(status), and what they count themselves, C(deleted) and C(bytes), V(null) where they do not.
  type: list
  elements: dict
  returned: success, or when only some of the parts failed
  sample: [{when: "2026-11-30T02:11:40Z", target: all repositories, what: garbage collection, run: 8, status: Success,
           deleted: 3, bytes: 2916}]
truncated:
  description: Why not all is known, a line for each target of which that is so. These lines are warnings, too.
  type: list
  elements: str
  returned: success, or when only some of the parts failed
  sample: []
registry:
  description: The address of the registry.
  type: str
  returned: success, or when only some of the parts failed
  sample: https://harbor.example.com
since:
  description: From when on, in UTC.
  type: str
  returned: success, or when only some of the parts failed
  sample: "2026-11-29T06:00:00Z"
until:
  description: Up to when, V(null) for up to now.
  type: str
  returned: success, or when only some of the parts failed
  sample:
file:
  description: The O(history_file).
  type: str
  returned: success, or when only some of the parts failed
  sample: /tmp/history.json
failures:
  description: From each of the parts that failed to the reason. The others were read all the same.
  type: dict
  returned: when some of the parts failed
  sample:
    audit_log: "GET /api/v2.0/auditlog-exts/events answered 403: robot$cleaner. It lacks the right"
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.history import ARGUMENT_SPEC
from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import history, registry

MODULE = Module(history.Reader, registry, dict(history.PARTS_SPEC, **ARGUMENT_SPEC))


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
