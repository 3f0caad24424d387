# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX sees of a report: each of its lines is an event that it shows in full."""

from __future__ import annotations

import json
import os
from pathlib import Path

from contract import plans
from runner import events

COLLECTIONS = str(Path(__file__).resolve().parents[6])
NAMES = [f"acme/application-with-a-long-name-{place}" for place in range(1000)]
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - registry.hygiene.plan_report:
        results: "{{ results }}"
        folder: "{{ lookup('ansible.builtin.env', 'FOLDER') }}"
        stats: true
      check_mode: true
      register: reported
    - ansible.builtin.assert:
        that: [reported is not changed, reported.files | length == 3]
"""


def test_each_line_of_a_report_of_1000_repositories_is_an_event_of_its_own(tmp_path):
    found = plans.repositories(NAMES, [place % 9 for place in range(1000)])
    result = plans.planned(found, {f"acme/entry-{place}-*": 20 for place in range(50)}, refused="max_deletions")
    result["left_out"] = dict.fromkeys(NAMES[:50], "min_keep " * 500)
    result["plan"]["worst"][0]["images"] = [plans.image("\x1b[2J\n" * 900, 3, "because " * 500)]
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "results.json").write_text(json.dumps({"results": [result]}))
    env = {"ANSIBLE_COLLECTIONS_PATH": COLLECTIONS, "ANSIBLE_HOME": str(tmp_path), "FOLDER": str(tmp_path)}
    ran = events.run(str(tmp_path / "play.yml"), ["-e", f"@{tmp_path / 'results.json'}"], env)
    assert ran.status == 0, ran.output()
    lines = [event.stdout for event in ran.events if event.kind == "verbose"]
    rows = [line for line in lines if "acme/entry-" in line]
    assert len(rows) == 50 and all("\n" not in line.strip() for line in rows)
    assert ran.biggest("stdout_bytes")[0].stdout_bytes <= events.MOST_SHOWN
    report = [event.result_bytes for event in ran.events if "plan_report" in event.task and event.result_bytes]
    assert report and max(report) < 5_000
    assert ran.stats["registry_hygiene"]["hosts"]["localhost"]["blown"] == "max_deletions"
    assert len(os.listdir(tmp_path)) >= 5
