# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole playbooks under ansible-runner at 3 and at 1,000 repositories: what AWX sees is small and complete."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from contract import estate
from fakes.quay import Quay
from fakes.serve import serving
from runner import events

COLLECTIONS = str(Path(__file__).resolve().parents[6])
CHECK = {"preview": [], "apply": ["--check", "--diff"]}
MOST_LINES = 60
MOST_RESULT = 100_000  # bytes
MOST_OUTPUT = 1 << 20  # bytes of a job, above which AWX shows nothing


@pytest.mark.parametrize("playbook", CHECK)
@pytest.mark.parametrize("number", [3, 1000])
def test_what_a_playbook_shows_stays_small_and_counts_all(tmp_path, number, playbook):
    fake = Quay(estate.quay(number))
    with serving(fake) as url:
        more = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        limits = {"max_deletions": 2, "protect": ["^dev-old"], "min_keep": 4}
        host = estate.declared(url, quay_hygiene_limits=limits, **more)
        (tmp_path / "inventory.json").write_text(json.dumps({"quay": {"hosts": {"quay.example.com": host}}}))
        env = {"ANSIBLE_COLLECTIONS_PATH": COLLECTIONS, "ANSIBLE_HOME": str(tmp_path)}
        options = [
            "-i",
            str(tmp_path / "inventory.json"),
            "-e",
            f"registry_hygiene_report={tmp_path}",
            *CHECK[playbook],
        ]
        ran = events.run(f"registry.hygiene.{playbook}", options, env)
    assert ran.status == (0 if playbook == "preview" else 2), ran.output()
    assert not fake.writes
    biggest = ran.biggest("stdout_bytes")[0]
    assert biggest.stdout_bytes <= events.MOST_SHOWN, (biggest.task, biggest.stdout)
    assert sum(event.stdout_bytes for event in ran.events) < min(MOST_OUTPUT, 30_000)
    assert ran.biggest("result_bytes")[0].result_bytes < MOST_RESULT

    plan = json.loads((tmp_path / "quay.example.com-quay-plan.json").read_text())
    assert len(plan["changes"]) == number + 1 and len(plan["repositories"]) == number
    assert plan["plan"]["images"]["count"] == 3 * number
    output = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", ran.output()).split())
    for refusal in (
        f"refused by max_deletions: {3 * number:,} > 2",
        f"refused by protect: {number:,} repositories: ",
        f"refused by min_keep: {number:,} repositories: ",
        *([f"and {number - 3:,} more"] if number > 3 else []),
        "If this is meant, change max_deletions, ",
    ):
        assert refusal in output and refusal in " ".join(plan["refused"].split()), refusal
    shown = [event.stdout for event in ran.events if event.kind == "verbose" and event.task == "Report"]
    lines = [line for line in shown if re.match(r"(\x1b\[[0-9;]+m)*([-+~] | {2,})", line)]
    assert 10 < len(lines) <= MOST_LINES + 20, "the table, the lines of the plan, some of them folded, and the refusals"
    assert sum("repository policy: older than 30d, ^dev-" in line for line in lines) > 1, "images with their reasons"
    assert ran.stats["registry_hygiene"]["hosts"]["quay.example.com"]["blown"] == "max_deletions"


@pytest.mark.parametrize("number", [3, 1000])
def test_a_job_that_writes_and_shows_its_diff_stays_small(tmp_path, number):
    fake = Quay(estate.quay(number))
    with serving(fake) as url:
        more = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"quay.example.com": estate.declared(url, **more)}
        (tmp_path / "inventory.json").write_text(json.dumps({"quay": {"hosts": hosts}}))
        env = {"ANSIBLE_COLLECTIONS_PATH": COLLECTIONS, "ANSIBLE_HOME": str(tmp_path)}
        options = ["-i", str(tmp_path / "inventory.json"), "-e", "registry_hygiene_report=", "--diff"]
        ran = events.run("registry.hygiene.apply", options, env)
    assert ran.status == 0, ran.output()
    assert len(fake.writes) == number + 1
    biggest = ran.biggest("stdout_bytes")[0]
    assert biggest.stdout_bytes <= events.MOST_SHOWN, (biggest.task, biggest.stdout)
    assert sum(event.stdout_bytes for event in ran.events) < 30_000
    assert ran.biggest("result_bytes")[0].result_bytes < MOST_RESULT
    assert ran.stats["registry_hygiene"]["hosts"]["quay.example.com"] == {
        "change": number + 1,
        "go": 3 * number,
        "perhaps": 0,
        "bytes": 30_000_000 * number,
        "blown": "",
        "message": "",
    }
