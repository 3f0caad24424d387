# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: history_report
short_description: Show and write what registries deleted, and hold it against a plan
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Makes a report of the results of the history modules of this collection, for a person to read.
  - It shows a row of each registry, and of each the repositories that lost most, the runs, and the changes of policies.
    Thousands of deletions are some lines; the report in JSON has all of them.
  - With O(plan), it says what of that plan has gone, what went that it did not foretell, and what it foretold and is
    not seen in the history.
  - It talks to no registry, and it is never C(changed).
options:
  hosts:
    description:
      - A list of results of the history modules of each registry by its name, as they were registered, those of loops
        too. They are sorted by name. Results of skipped tasks do not count.
      - Of results with a C(history_file) that can be read on the controller, all that is in the file is reported.
    type: dict
    required: true
  plan:
    description:
      - A plan file, or a folder that holds them under the names that the roles of this collection give them,
        C(<host>-<registry>-plan.json). Plans of other registries are left aside.
      - What went before the plan was made is not held against it.
    type: str
    default: ''
  show:
    description:
      - V(table) shows the report, V(none) nothing.
    type: str
    choices: [table, none]
    default: table
  folder:
    description:
      - The folder on the controller into which the report is written, as C(registry-hygiene-history.json) and C(.md).
      - Without it, nothing is written. A relative path begins where C(ansible-playbook) was started.
      - Files are written in check mode, too, and only if they differ.
    type: str
    default: ''
  formats:
    description:
      - What to write into O(folder).
    type: list
    elements: str
    choices: [json, markdown]
    default: [json, markdown]
  fail_on:
    description:
      - V(failure) fails if something could not be read. Without it, the task does not fail because of what it reports.
    type: str
    choices: ['', failure]
    default: ''
notes:
  - That something is not seen does not prove that it is there. It may have gone before O(hosts) begins, it may not be
    logged, or the run that would delete it is yet to come.
extends_documentation_fragment:
  - registry.hygiene._attributes.REPORT
seealso:
  - module: registry.hygiene.quay_history_info
  - module: registry.hygiene.swr_history_info
  - module: registry.hygiene.harbor_history_info
  - module: registry.hygiene.do_history_info
  - module: registry.hygiene.plan_report
"""

EXAMPLES = r"""
- name: Read what went last night
  registry.hygiene.quay_history_info:
    organizations: [acme]
    history_file: /tmp/quay-history.json
  register: night

- name: Show it, and hold it against what was foretold
  registry.hygiene.history_report:
    hosts:
      quay.example.com: ["{{ night }}"]
    plan: /tmp/quay-plan.json
    folder: /tmp
"""

RETURN = r"""
summary:
  description: All in one line.
  type: str
  returned: always
  sample: >-
    10,967 deletions since 2026-11-29T06:00:00Z, 10,960 were foretold, 7 were not, 12 were foretold and are not seen
count:
  description: How many deletions there are.
  type: int
  returned: always
  sample: 10967
foretold:
  description: How many images of the plans have gone, V(null) without a plan.
  type: int
  returned: always
  sample: 10960
not_foretold:
  description: How many deletions no plan foretold, V(null) without a plan.
  type: int
  returned: always
  sample: 7
not_seen:
  description: How many images surely were to go by the plans, and are not seen in the history. V(null) without a plan.
  type: int
  returned: always
  sample: 12
files:
  description: The paths of the files that hold the report.
  type: list
  elements: str
  returned: always
  sample: [/tmp/registry-hygiene-history.json]
"""
