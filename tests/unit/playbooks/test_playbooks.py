# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks preview and apply, with our roles, on fakes: what is shown, written, done and failed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from contract import estate
from contract.estate import HARBOR, SWR, SWR_KEY, recap, writes
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.serve import serving
from fakes.swr import Swr

ROOT = Path(__file__).resolve().parents[3]
ROLES = {
    "quay": "quay_hygiene",
    "swr": "swr_hygiene",
    "digitalocean": "do_registry_hygiene",
    "harbor": "harbor_hygiene",
}
NOTHING = [{"namespace": "acme", "repositories": ["api"], "state": "absent"}]


@pytest.fixture
def fakes():
    """Return two Quays and an SWR, and the hosts that stand for them: all that can become of one."""
    quay, other, swr = Quay(estate.quay(4)), Quay(estate.quay(4)), Swr(SWR)
    with serving(quay) as quay_url, serving(other) as other_url, serving(swr) as swr_url:
        signed = {"swr_url": swr_url, **SWR_KEY, "swr_hygiene_policies": NOTHING}
        hosts = {
            "quay": {
                "quay-1": estate.declared(quay_url, quay_hygiene_organizations=[]),
                "quay-2": estate.declared(other_url, quay_hygiene_limits={"protect": ["older"]}),
            },
            "swr": {"swr-1": signed, "swr-2": {**signed, "swr_hygiene_polices": []}},
            "digitalocean": {"do-1": {}},
        }
        yield quay, other, swr, hosts


REFUSAL = "refused by protect: 4 repositories: acme/team-0/application-with-a-long-n...: dev-older; "
MISSPELT = "swr_hygiene_polices is no variable of this role: did you mean swr_hygiene_policies?"


def words(text) -> str:
    """Return a text without line breaks and indents: lines of reports are folded."""
    return " ".join(text.split())


def test_preview_shows_and_writes_all_and_changes_nothing(play, fakes, tmp_path):
    *registries, hosts = fakes
    ran = play("preview", hosts)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {host: (row["changed"], row["failed"]) for host, row in recap(ran).items()} == {
        host: (0, 0) for some in hosts.values() for host in some
    }
    assert not writes(*registries)
    text = words(ran.stdout)
    for line in (
        "~ acme/*        4       4          8  24  80.0 MB",
        "+ 4 repositories (acme/*): older than 30d, ^dev-",
        "  8 images of 24 go (80.0 MB)",
        "          8  repository policy: older than 30d, ^dev-",
        "  acme/team-0/application-with-a-long-name-0000: 2 of 6 go, 4 stay",
        "    - dev-old  90 d  10.0 MB  repository policy: older than 30d, ^dev-",
        MISSPELT,
        "In all: 9 of 10 targets would change, 20 images go, 200.0 MB, refused: quay-2, failed: swr-2",
    ):
        assert words(line) in text, line
    assert words(REFUSAL) in text and "do-1: nothing is declared. Are its variables" in ran.stdout + ran.stderr
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert [each["name"] for each in report["registries"]] == sorted(host for some in hosts.values() for host in some)
    assert report["summary"] in text
    for ending in ("md", "html"):
        assert "did you mean swr" in (tmp_path / f"registry-hygiene-preview.{ending}").read_text()
    assert sorted(path.name for path in tmp_path.glob("*-plan.json")) == [
        "quay-1-quay-plan.json",
        "quay-2-quay-plan.json",
        "swr-1-swr-plan.json",
    ]
    plan = json.loads((tmp_path / "quay-2-quay-plan.json").read_text())
    assert plan["refused"].startswith(REFUSAL) and len(plan["changes"]) == 5 and len(plan["repositories"]) == 4
    shown = re.search(r"RUN: (\{.*)", ran.stdout, re.DOTALL).group(1)
    stats = json.loads(shown)["registry_hygiene"]
    assert stats["hosts"]["quay-1"] == {
        "change": 4,
        "go": 8,
        "perhaps": 0,
        "bytes": 80000000,
        "blown": "",
        "message": "",
    }
    assert stats["hosts"]["quay-2"]["blown"] == "protect" and stats["hosts"]["quay-2"]["message"].startswith(REFUSAL)
    assert stats["summary"] == report["summary"]
    again = play("preview", hosts)
    assert recap(again) == recap(ran)


def test_apply_serves_all_and_fails_on_the_hosts_that_failed(play, fakes, tmp_path):
    quay, *others, hosts = fakes
    ran = play("apply", hosts, "--diff")
    assert ran.returncode == 2
    assert {host for host, row in recap(ran).items() if row["failed"]} == {"quay-2", "swr-2"}
    last = ran.stdout[ran.stdout.index("Fail where something failed") :]
    assert REFUSAL in last and f'"msg": "{MISSPELT} (swr-2)"' in last
    assert ran.stdout.count("+ 4 repositories (acme/*): older than 30d, ^dev-") == 2, (
        "each host's once, not as a diff too"
    )
    assert "In all: 4 of 10 targets changed" in ran.stdout, "what was refused has not changed"
    assert writes(quay) == 4 and not writes(*others)
    assert not list(tmp_path.glob("*-plan.json")) and not list(tmp_path.glob("registry-hygiene-*"))
    done = play("apply", {"quay": {"quay-1": hosts["quay"]["quay-1"]}})
    assert done.returncode == 0 and recap(done)["quay-1"]["changed"] == 0 and writes(quay) == 4


@pytest.mark.parametrize(
    ("fail_on", "failed"), [("refusal", {"quay-2", "swr-2"}), ("drift", {"quay-1", "quay-2", "swr-2"})]
)
def test_preview_fails_for_pipelines(play, fakes, fail_on, failed):
    ran = play("preview", fakes[-1], "-e", f"registry_hygiene_fail_on={fail_on}", "-e", "registry_hygiene_report=")
    assert {host for host, row in recap(ran).items() if row["failed"]} == failed
    assert ran.returncode == 2


def test_limits_of_one_run_go_before_those_of_the_host_but_protect_stays(play, fakes):
    quay, *others, hosts = fakes
    one = {"quay": {"quay-1": {**hosts["quay"]["quay-1"], "quay_hygiene_limits": {"max_deletions": 7}}}}
    survey = ["-e", "registry_hygiene_min_keep=", "-e", "registry_hygiene_max_deletions_percent="]
    refused = play("apply", one, *survey)
    assert refused.returncode == 2 and "refused by max_deletions: 8 > 7 (acme/*)" in refused.stdout
    none = play("apply", one, *survey, "-e", "registry_hygiene_max_deletions=0")
    assert "refused by max_deletions: 8 > 0 (acme/*)" in none.stdout and not writes(quay)
    two = {"quay": {"quay-2": hosts["quay"]["quay-2"]}}
    held = play("apply", two, *survey, "-e", "registry_hygiene_max_deletions=500")
    assert words(REFUSAL) in words(held.stdout) and not writes(*others)
    raised = play("apply", one, *survey, "-e", "registry_hygiene_max_deletions=8")
    assert raised.returncode == 0 and writes(quay) == 4, raised.stdout


def test_apply_does_only_what_the_plan_says_that_was_looked_at(play, fakes, tmp_path):
    quay, *_others, hosts = fakes
    one = {"quay": {"quay-1": hosts["quay"]["quay-1"]}}
    assert play("preview", one).returncode == 0
    looked_at = (tmp_path / "quay-1-quay-plan.json").read_text()
    both = ["-e", "registry_hygiene_plan=.", "-e", "registry_hygiene_report=."]
    other = {
        "quay": {
            "quay-1": {
                **one["quay"]["quay-1"],
                "quay_hygiene_organizations": hosts["quay"]["quay-2"]["quay_hygiene_organizations"],
            }
        }
    }
    refused = play("apply", other, *both)
    assert refused.returncode == 2 and "refused by plan: 1 target would be changed otherwise: acme" in refused.stdout
    assert not writes(quay)
    assert (tmp_path / "quay-1-quay-plan.json").read_text() == looked_at, "it is not written over"
    done = play("apply", one, "-e", "registry_hygiene_plan=quay-1-quay-plan.json")
    assert done.returncode == 0 and writes(quay) == 4, done.stdout


def test_a_harbor_is_served_with_both_of_its_schedules_and_the_images_of_one(play, tmp_path):
    harbor = Harbor(HARBOR)
    with serving(harbor) as url:
        host = {
            "harbor_url": url,
            "harbor_username": "admin",
            "harbor_password": "made-up-Secret1",
            "harbor_hygiene_purge_schedule": {
                "schedule": "daily",
                "audit_retention_hour": "90d",
                "include_event_types": ["pull_artifact"],
            },
            "harbor_hygiene_gc_schedule": {"schedule": "weekly", "delete_untagged": True},
        }
        groups = {"harbor": {"harbor-1": host}}
        seen = play("preview", groups)
        assert seen.returncode == 0 and not writes(harbor), seen.stdout
        assert "In all: 2 of 2 targets would change, 1 image goes, 7.0 kB" in seen.stdout
        assert sorted(path.name for path in tmp_path.glob("*-plan.json")) == [
            "harbor-1-harbor-gc-schedule-plan.json",
            "harbor-1-harbor-purge-schedule-plan.json",
        ]
        refused = play("apply", groups, "-e", "registry_hygiene_max_deletions=0")
        assert refused.returncode == 2 and "refused by max_deletions: 1 > 0" in refused.stdout
        purge, garbage = (harbor.jobs.scheduled(kind) for kind in ("PURGE_AUDIT_LOG", "GARBAGE_COLLECTION"))
        assert purge.parameters["audit_retention_hour"] == 2160 and garbage is None, "the other one is served"
        done = play("apply", groups, "-e", "registry_hygiene_plan=.")
        assert done.returncode == 0 and recap(done)["harbor-1"]["changed"] == 1, done.stdout
        assert harbor.jobs.scheduled("GARBAGE_COLLECTION").cron == "0 0 0 * * 0"
        written = writes(harbor)
        again = play("apply", groups)
        assert again.returncode == 0 and recap(again)["harbor-1"]["changed"] == 0 and writes(harbor) == written


def test_a_tag_serves_one_kind_of_registry(play, fakes, tmp_path):
    ran = play("preview", fakes[-1], "--tags", "swr", "-e", "registry_hygiene_report=.")
    assert ran.returncode == 0, ran.stdout
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert [each["name"] for each in report["registries"]] == ["swr-1", "swr-2"]


def test_a_host_in_two_groups_is_reported_with_both(play, fakes, tmp_path):
    hosts = fakes[-1]
    one = {**hosts["quay"]["quay-1"], **hosts["swr"]["swr-1"]}
    ran = play("preview", {"quay": {"both": one}, "swr": {"both": one}})
    assert ran.returncode == 0, ran.stdout
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert report["total"]["numbers"]["targets"] == 5
    assert sorted(path.name for path in tmp_path.glob("*-plan.json")) == ["both-quay-plan.json", "both-swr-plan.json"]


def test_a_registry_that_cannot_be_reached_is_reported_too(play, fakes):
    one = fakes[-1]["quay"]["quay-1"]
    lost = {**one, "quay_url": "http://127.0.0.1:9", "quay_hygiene_connection": {"retries": 0}}
    far = {**one, "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    ran = play("preview", {"quay": {"far": far, "lost": lost, "quay-1": one}})
    assert ran.returncode == 0, ran.stdout
    assert "failed: far, lost" in words(ran.stdout) and "In all: 4 of 4 targets" in ran.stdout


def test_without_any_registry_nothing_fails(play):
    ran = play("preview", {"others": {"one": {}}})
    assert ran.returncode == 0 and "WARNING" not in ran.stderr + ran.stdout, ran.stdout + ran.stderr


def test_a_registry_takes_a_play_of_a_few_lines():
    for playbook in ("preview", "apply"):
        *registries, last = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text())
        tags = [tag for play in registries for tag in play["tags"]]
        assert tags == list(ROLES)
        for play, role in zip(registries, ROLES.values()):
            (task,) = play["tasks"]
            assert task["ansible.builtin.import_tasks"] == "tasks/registry.yml"
            assert task["vars"]["_registry_hygiene_role"] == f"registry.hygiene.{role}"
            assert bool(play.get("check_mode")) == (playbook == "preview")
        assert last["tags"] == ["always"] and all(f"'{tag}'" in last["hosts"] for tag in tags)
