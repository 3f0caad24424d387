# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_report
short_description: Show and write what modules of this collection planned, or did
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Makes a report of the results of modules of this collection, for a person to read and for pipelines to decide on.
  - It shows a row of each entry of a declaration, their sum, the repositories that lose most, with some of their images
    and the reasons, and what was refused or failed. Each line is an event of its own for AWX.
  - It writes the same as Markdown, JSON and a page of HTML that needs no network.
  - It talks to no registry, and it is never C(changed).
options:
  results:
    description:
      - The results of one registry, as they were registered, those of loops too. Results of skipped tasks do not count.
      - One of O(results) and O(hosts) is required.
    type: list
    elements: dict
  name:
    description:
      - What the results are of. The default is the name of the host.
    type: str
  hosts:
    description:
      - A list of results of each registry by its name, for the sum over all of them. They are sorted by name.
    type: dict
  show:
    description:
      - V(table) shows a table; for O(hosts), with a row of each.
      - V(lines) also shows what changes, as a diff does. For O(hosts), it is the same as V(table).
      - V(none) shows nothing.
    type: str
    choices: [table, lines, none]
    default: table
  folder:
    description:
      - The folder on the controller into which the report is written, as C(registry-hygiene-preview.json), C(.md) and
        C(.html), in a run that is not in check mode as C(registry-hygiene-apply.json) and so on.
      - Without it, nothing is written. A relative path begins where C(ansible-playbook) was started.
      - Files are written in check mode, too, and only if they differ.
    type: str
    default: ''
  formats:
    description:
      - What to write into O(folder).
      - The page (V(html)) names up to 2,000 images, taken from the plan files if they can be read on the controller.
    type: list
    elements: str
    choices: [markdown, json, html]
    default: [markdown, json, html]
  fail_on:
    description:
      - V(refusal) fails if a limit refused a plan, or something else failed.
      - V(drift) also fails if anything would change or was changed.
      - Without it, the task does not fail because of what it reports.
    type: str
    choices: ['', drift, refusal]
    default: ''
  stats:
    description:
      - Whether to set the custom stat C(registry_hygiene), as M(ansible.builtin.set_stats) does, which AWX hands to the
        next job of a workflow. It is C({summary, hosts}), with C({change, go, perhaps, bytes, blown, message}) of each
        host, and C(reason) if there is one.
    type: bool
    default: false
  reason:
    description:
      - Why it is run, in a line that is shown, written into the report and set in the custom stat.
    type: str
    default: ''
extends_documentation_fragment:
  - registry.hygiene._attributes.REPORT
seealso:
  - module: ansible.builtin.set_stats
"""

EXAMPLES = r"""
- name: Look at what would change
  registry.hygiene.quay_autoprune_policy:
    repositories: [acme/*]
    policies:
      - method: creation_date
        value: 30d
        tag_pattern: ^dev-
    preview: true
  check_mode: true
  ignore_errors: true
  register: looked

- name: Show it, and fail if a limit refused it
  registry.hygiene.plan_report:
    results: ["{{ looked }}"]
    fail_on: refusal

- name: Sum up over all registries of the play, and write the report
  registry.hygiene.plan_report:
    hosts: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'looked'))) }}"
    folder: "{{ playbook_dir }}"
    stats: true
  run_once: true
"""

RETURN = r"""
summary:
  description: The sum over all results in one line.
  type: str
  returned: unless the task fails
  sample: 1,080 of 1,200 targets would change, 361 images go, 12 perhaps, 123.4 MB
files:
  description: The paths of the files that hold the report.
  type: list
  elements: str
  returned: always
  sample: [/tmp/registry-hygiene-preview.json]
drift:
  description: Whether anything would change, or was changed.
  type: bool
  returned: always
  sample: true
refused:
  description: Whether a limit refused a plan.
  type: bool
  returned: always
  sample: false
"""
