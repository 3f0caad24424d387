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
from contract.estate import HARBOR, HARBOR_PASSWORD, SWR, SWR_KEY, harbor_access
from contract.playing import recap, words, writes
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
            **harbor_access(url),
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


def test_endpoints_come_before_policies_and_go_after_them_and_no_secret_is_told(play, tmp_path):
    secret = "made-up-Secret2"
    hub = {"as": "hub", "url": "http://hub.test", "type": "docker-registry", "anonymous": True, "repositories": []}
    hub["repositories"].append({"name": "base/app", "artifacts": HARBOR["projects"][0]["repositories"][0]["artifacts"]})
    users = [{"name": "me", "password": secret, "sysadmin": True}]
    harbor = Harbor(
        {
            **HARBOR,
            "remotes": [hub, {"as": "dr", "url": "https://dr.test", "type": "harbor", "users": users}],
            "registries": [{"name": "old", "type": "docker-registry", "url": hub["url"]}],
            "replication_policies": [
                {"name": "legacy", "src_registry": {"name": "old"}, "enabled": True},
                {"name": "releases", "src_registry": {"name": "old"}, "enabled": False},
            ],
        }
    )
    harbor.switches.update(start_seconds=0, refresh_seconds=0)
    endpoints = [
        {"name": "hub", "type": "docker-registry", "url": hub["url"]},
        {"name": "dr", "type": "harbor", "url": "https://dr.test", "access_key": "me", "access_secret": secret},
    ]
    policies = [
        {"name": "mirror", "src_registry": "hub", "filters": [{"type": "tag", "value": "v*"}]},
        {"name": "releases", "dest_registry": "dr", "trigger": "event_based", "enabled": True},
    ]
    with serving(harbor) as url:
        host = {
            **harbor_access(url),
            "harbor_hygiene_gc_schedule": {},
            "harbor_hygiene_registries": endpoints,
            "harbor_hygiene_registries_exclusive": True,
            "harbor_hygiene_replication_policies": policies,
            "harbor_hygiene_replication_policies_exclusive": True,
            "harbor_hygiene_replicate_now": ["mirr*", "releases"],
            "harbor_hygiene_min_interval": "1d",
            "harbor_hygiene_poll_interval": 1,
        }
        groups = {"harbor": {"harbor-1": host}}
        seen = play("preview", groups, "-vvv")
        assert seen.returncode == 0 and not writes(harbor), seen.stdout
        for text in (
            "without their endpoint: there is no registry 'hub'",
            "- legacy: removed with its history, pulls from old: everything; manual",
            "- old: removed, docker-registry at http://hub.test",
            "+ mirror: replicate now, as soon as there is such a policy",
            "In all: 8 of 8 targets would change, 0 images go",
        ):
            assert text in words(seen.stdout + seen.stderr), text
        done = play("apply", groups, "-vvv", "-e", "registry_hygiene_plan=.")
        assert done.returncode == 0, done.stdout
        state = harbor.state()
        assert sorted(item["name"] for item in state["registries"]) == ["dr", "hub"]
        assert sorted(item["name"] for item in state["replication_policies"]) == ["mirror", "releases"]
        assert "base" in {project["name"] for project in state["projects"]}, "it was replicated"
        written = writes(harbor)
        again = play("apply", groups, "-vvv")
        assert again.returncode == 0 and recap(again)["harbor-1"]["changed"] == 0 and writes(harbor) == written
        many = [{**policies[0], "name": f"mirror-{number:03}", "dest_namespace": f"n{number}"} for number in range(500)]
        long = play(
            "apply",
            {"harbor": {"harbor-1": {**host, "harbor_hygiene_replication_policies": policies + many}}},
            *("--diff", "--check"),
        )
        assert "~ policies 502 500 0 0" in words(long.stdout)
        report = long.stdout[long.stdout.index("TASK [Report]") : long.stdout.index("TASK [Report on all")]
        assert len(report.splitlines()) < 60 and max(map(len, report.splitlines()[1:])) <= 80, report
        danger = [{"name": "releases", "deletion": True}]
        refused = play("apply", {"harbor": {"harbor-1": {**host, "harbor_hygiene_replication_policies": danger}}})
        assert refused.returncode == 2 and "refused by allow_remote_deletion" in refused.stdout
    for ran in (seen, done, again, long, refused):
        assert secret not in ran.stdout + ran.stderr
    files = sorted(path.name for path in tmp_path.glob("*-plan.json"))
    steps = ("registries", "removed-registries", "replication-policies", "replication-run")
    assert files == [f"harbor-1-harbor-{step}-plan.json" for step in steps]
    assert not any(secret in path.read_text() for path in tmp_path.glob("*-plan.json"))


def test_immutable_tags_come_before_tag_retention_and_where_they_fail_nothing_is_retained(play, tmp_path):
    def image(letter, days, *names):
        tags = [{"name": name, "push_seconds_ago": days * 86400} for name in names]
        return {"digest": f"sha256:{letter * 64}", "size": 1000, "push_seconds_ago": days * 86400, "tags": tags}

    images = [image("a", 90, "v1"), image("b", 80, "v2"), image("c", 70, "dev"), image("d", 60), image("e", 50, "v3")]
    projects = [{"name": name, "repositories": [{"name": "app", "artifacts": images}]} for name in ("acme", "bits")]
    rights = {
        "tag-retention": ("read", "create", "list", "update", "delete"),
        "immutable-tag": ("create", "list", "update", "delete"),
        "repository": ("list",),
        "artifact": ("list",),
        "project": ("read",),
    }

    def granted(project, *without):
        pairs = [(resource, action) for resource, actions in rights.items() for action in actions]
        access = [{"resource": one, "action": two} for one, two in pairs if (one, two) not in without]
        return {"kind": "project", "namespace": project, "access": access}

    listing = {"kind": "system", "namespace": "/", "access": [{"resource": "project", "action": "list"}]}
    robot = {"as": "robot", "name": "robot$cleaner", "secret": HARBOR_PASSWORD, "level": "system"}
    robot["permissions"] = [listing, granted("acme"), granted("bits", ("immutable-tag", "create"))]
    harbor = Harbor({"projects": projects, "robots": [robot]})
    harbor.switches.update(start_seconds=0, refresh_seconds=0)

    def left(project):
        (found,) = harbor.store.named(project).repositories.values()
        return {item.digest[7] for item in found.artifacts}

    newest = {"template": "latestPushedK", "value": 1, "tag_selectors": [{"pattern": "v*", "untagged": False}]}
    dev = {"template": "always", "tag_selectors": [{"pattern": "dev", "untagged": False}]}
    with serving(harbor) as url:
        host = {
            **harbor_access(url, "robot$cleaner"),
            "harbor_hygiene_gc_schedule": {},
            "harbor_hygiene_immutable_tags": [
                {"projects": ["acme", "bits"], "rules": [{"tag_selector": {"pattern": "v1"}}], "exclusive": True}
            ],
            "harbor_hygiene_retention": [
                {"projects": ["[ab]*"], "rules": [newest, dev], "schedule": "daily", "max_deletions_percent": 60}
            ],
            "harbor_hygiene_retain_now": ["acme", "bits"],
            "harbor_hygiene_min_interval": "1d",
            "harbor_hygiene_poll_interval": 1,
        }
        groups = {"harbor": {"harbor-1": host}}
        seen = play("preview", groups)
        assert seen.returncode == 0 and not writes(harbor), seen.stdout
        said = words(seen.stdout + seen.stderr)
        for text in (
            "+ 2 projects (acme, bits): protect v1",
            "2 of 5 go",
            "start a retention run (dry run): as soon as there is a policy",
            "In all: 6 of 6 targets would change, 4 images go",
        ):
            assert text in said, (text, seen.stdout)
        for kind in ("html", "md"):
            page = (tmp_path / f"registry-hygiene-preview.{kind}").read_text()
            assert "acme/app" in page and "bits/app" in page and "v2" in page, kind
        steps = ("immutable-tags", "retention", "retention-run")
        files = sorted(path.name for path in tmp_path.glob("*-plan.json"))
        assert files == [f"harbor-1-harbor-{step}-plan.json" for step in steps]

        broken = [{"projects": ["acme"], "rules": [{"tag_selector": {"pattern": "v["}}]}]
        none = play("apply", {"harbor": {"harbor-1": {**host, "harbor_hygiene_immutable_tags": broken}}})
        assert none.returncode == 2 and not writes(harbor), none.stdout
        assert "tag retention was left as it is, and not run, because the immutable tags" in words(none.stdout)

        half = play("apply", groups)
        assert half.returncode == 2, half.stdout
        assert "tag retention was left as it is in bits, and not run, because the immutable tags" in words(half.stdout)
        assert harbor.store.named("acme").metadata.get("retention_id"), "the other one is served"
        assert not harbor.store.named("bits").metadata.get("retention_id")
        paths = [entry["path"] for entry in harbor.writes if entry["method"] == "POST"]
        kinds = [path.rpartition("/")[2] for path in paths]
        assert kinds[-2:] == ["retentions", "executions"] and set(kinds[:-2]) == {"immutabletagrules"}
        assert left("acme") == left("bits") == set("abcde"), "a run is dry"

        robot["permissions"][2] = granted("bits")
        harbor.accounts.robots[0]["permissions"] = robot["permissions"]
        whole = play("apply", groups)
        assert whole.returncode == 0 and harbor.store.named("bits").metadata["retention_id"], whole.stdout
        written = writes(harbor)
        again = play("apply", groups)
        assert again.returncode == 0 and recap(again)["harbor-1"]["changed"] == 0 and writes(harbor) == written

        real = ("-e", "harbor_hygiene_retain_dry_run=false")
        foretold = play("preview", groups, *real)
        assert foretold.returncode == 0 and "4 images go" in words(foretold.stdout), foretold.stdout
        refused = play("apply", groups, *real, "-e", "registry_hygiene_max_deletions=3")
        assert refused.returncode == 2 and "refused by max_deletions: 4 > 3" in refused.stdout
        assert left("acme") == set("abcde")
        done = play("apply", groups, *real, "-e", "registry_hygiene_plan=.")
        assert done.returncode == 0, done.stdout
        assert left("acme") == left("bits") == set("ace"), "v1 is immutable, dev is kept, and v3 is the newest"


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


def test_what_runs_in_a_cluster_is_left_in_all_registries(play, fakes, tmp_path):
    quay, *_others, hosts = fakes
    url = hosts["quay"]["quay-1"]["quay_url"].rpartition("/")[2]
    running = tmp_path / "running.txt"
    name = "acme/team-0/application-with-a-long-name-0000"
    running.write_text(f"docker.io/library/nginx:1\n\n{url}/{name}:dev-old\n{url}/{name}:gone\n")
    one = {"quay": {"quay-1": hosts["quay"]["quay-1"]}}
    using = ["-e", json.dumps({"registry_hygiene_in_use": [str(running)]})]
    refused = play("apply", one, *using)
    message = "refused by in_use: 1 repository: acme/team-0/application-with-a-long-n...: dev-old runs ("
    assert refused.returncode == 2 and words(message) in words(refused.stdout), refused.stdout
    assert "running.txt:3)" in words(refused.stdout) and not writes(quay)
    assert play("preview", one, *using).returncode == 0
    report = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())
    assert report["registries"][0]["refused"] == "in_use"
    for ending in ("md", "html"):
        assert "running" in (tmp_path / f"registry-hygiene-preview.{ending}").read_text()
    plan = json.loads((tmp_path / "quay-1-quay-plan.json").read_text())
    assert plan["plan"]["in_use"] == {"references": 3, "elsewhere": 1, "found": 1, "not_found": 1}
    empty = play("apply", one, "-e", "registry_hygiene_in_use=")
    assert empty.returncode == 2 and "in_use: an entry is empty" in words(empty.stdout) and not writes(quay)
    running.write_text(f"{url}/{name}:gone\n")
    done = play("apply", one, *using)
    assert done.returncode == 0 and writes(quay) == 4, done.stdout


def test_undo_puts_back_what_apply_has_changed(play, fakes, tmp_path):
    quay, _other, swr, hosts = fakes
    groups = {
        "quay": {"quay-1": hosts["quay"]["quay-1"]},
        "swr": {
            "swr-1": {
                **hosts["swr"]["swr-1"],
                "swr_hygiene_policies": [
                    {"namespace": "acme", "repositories": ["api"], "template": "date_rule", "days": 30}
                ],
            }
        },
    }
    (tmp_path / "plans").mkdir()
    kept = ["-e", "registry_hygiene_report=plans"]
    before = [quay.policies("repository", f"acme/{name}") for _space, name in quay.repositories]
    done = play("apply", groups, *kept)
    assert done.returncode == 0 and swr.retentions("acme/api"), done.stdout
    again = play("apply", groups, *kept)
    assert again.returncode == 0 and recap(again)["quay-1"]["changed"] == 0
    plans = sorted(path.name for path in (tmp_path / "plans").glob("*-plan*.json"))
    assert len(plans) == 4 and plans[1] == "quay-1-quay-plan.json" and plans[0].startswith("quay-1-quay-plan.2")
    quay.tick(force=True)
    nothing = play("undo", groups, "-e", "registry_hygiene_plan=plans")
    assert "nothing to take back. Earlier plans that were carried out are kept" in nothing.stdout
    quay.clear(), swr.clear()
    looked = play("undo", groups, "-e", f"registry_hygiene_plan=plans/{plans[0]}", "--check")
    assert looked.returncode == 0 and "images that are deleted stay deleted" in looked.stdout, looked.stdout
    assert not writes(quay, swr)
    back = play("undo", groups, "-e", f"registry_hygiene_plan=plans/{plans[0]}")
    assert back.returncode == 0 and swr.retentions("acme/api") and not writes(swr), back.stdout
    assert [quay.policies("repository", f"acme/{name}") for _space, name in quay.repositories] == before
    for line in (
        "- 4 repositories (acme/team-0/application-with-a-long-name-0000, ",
        "images that are deleted stay deleted: 8 images went, or may have, by that plan",
        "Quay's time machine still has 8 tags that went since.",
        "acme/team-0/application-with-a-long-name-0000:dev-old until ",
        "In all: 4 of 4 targets changed",
    ):
        assert words(line) in words(back.stdout), back.stdout
    other = play("undo", groups, "-e", f"registry_hygiene_plan=plans/{plans[2]}")
    assert other.returncode == 0 and not swr.retentions("acme/api"), other.stdout


def test_undo_leaves_alone_what_was_changed_since_and_says_what_it_needs(play, fakes, tmp_path):
    quay, *_others, hosts = fakes
    groups = {"quay": {"quay-1": hosts["quay"]["quay-1"], "quay-2": hosts["quay"]["quay-2"]}}
    one = {"quay": {"quay-1": hosts["quay"]["quay-1"]}}
    assert play("apply", one, "-e", "registry_hygiene_report=.").returncode == 0
    for given, message in (
        ([], "set registry_hygiene_plan to"),
        (["-e", "registry_hygiene_plan=inventory.json"], "HOST-quay"),
    ):
        refused = play("undo", one, *given)
        assert refused.returncode == 2 and message in words(refused.stdout)
    name = "acme/team-0/application-with-a-long-name-0000"
    quay.add_policy("repository", name, {"method": "number_of_tags", "value": 3})
    quay.clear()
    refused = play("undo", groups, "-e", "registry_hygiene_plan=.")
    assert refused.returncode == 2 and {h for h, row in recap(refused).items() if row["failed"]} == {"quay-1"}
    assert "somebody has changed it since" in words(refused.stdout) and "registry_hygiene_undo_force" in refused.stdout
    assert writes(quay) == 3 and len(quay.policies("repository", name)) == 2
    forced = play("undo", groups, "-e", "registry_hygiene_plan=.", "-e", "registry_hygiene_undo_force=true")
    assert forced.returncode == 0 and quay.policies("repository", name) == [], forced.stdout


def test_undo_of_a_harbor_goes_the_reverse_way_and_of_a_digitalocean_nowhere(play, tmp_path):
    harbor = Harbor(HARBOR)
    with serving(harbor) as url:
        host = {
            **harbor_access(url),
            "harbor_hygiene_purge_schedule": {
                "schedule": "daily",
                "audit_retention_hour": "90d",
                "include_event_types": ["pull_artifact"],
            },
        }
        groups = {"harbor": {"harbor-1": host}, "digitalocean": {"do-1": {}}}
        (tmp_path / "do-1-digitalocean-plan.json").write_text("{}")
        done = play("apply", groups, "-e", "registry_hygiene_report=.")
        assert done.returncode == 0 and harbor.jobs.scheduled("GARBAGE_COLLECTION"), done.stdout
        harbor.clear()
        back = play("undo", groups, "-e", "registry_hygiene_plan=.")
        assert back.returncode == 0 and "a garbage collection cannot be taken back" in words(back.stdout), back.stdout
        assert [write["path"].rpartition("/system/")[2] for write in harbor.writes] == [
            "gc/schedule",
            "purgeaudit/schedule",
        ]
        assert not harbor.jobs.scheduled("GARBAGE_COLLECTION") and not harbor.jobs.scheduled("PURGE_AUDIT_LOG")
        assert "In all: 2 of 2 targets changed" in back.stdout
        assert play("apply", groups, "-e", "registry_hygiene_report=.").returncode == 0
        one = [
            "-e",
            "registry_hygiene_plan=harbor-1-harbor-purge-schedule-plan.json",
            "-e",
            "registry_hygiene_report=.",
        ]
        only = play("undo", groups, *one)
        assert only.returncode == 0 and harbor.jobs.scheduled("GARBAGE_COLLECTION"), only.stdout
        assert not harbor.jobs.scheduled("PURGE_AUDIT_LOG")


def test_a_harbor_that_lets_nobody_in_is_asked_once_and_holds_up_no_other(play):
    all_steps = {
        "harbor_hygiene_registries": [{"name": "hub", "type": "docker-registry", "url": "http://hub.test"}],
        "harbor_hygiene_registries_exclusive": True,
        "harbor_hygiene_replication_policies": [{"name": "mirror", "src_registry": "hub"}],
        "harbor_hygiene_immutable_tags": [{"projects": ["*"], "rules": [{"tag_selector": {"pattern": "v1"}}]}],
        "harbor_hygiene_retention": [{"projects": ["*"], "rules": [{"template": "always"}]}],
        "harbor_hygiene_purge_schedule": {"schedule": "daily", "audit_retention_hour": "90d"},
        "harbor_hygiene_replicate_now": ["mirror"],
        "harbor_hygiene_retain_now": ["*"],
        "harbor_hygiene_run_now": True,
        "harbor_hygiene_connection": {"retries": 0},
    }
    every = (
        "replication-policies, removed-registries, immutable-tags, retention, purge-schedule, gc-schedule, "
        "replication-run, retention-run, purge-run, gc-run"
    )
    harbor, other = Harbor(HARBOR), Harbor(HARBOR)
    with serving(harbor) as url, serving(other) as other_url:
        good = harbor_access(other_url)
        wrong = {**all_steps, **good, "harbor_url": url, "harbor_password": "made-up-Wrong1"}
        dead = {**all_steps, **good, "harbor_url": "http://127.0.0.1:9"}
        nonsense = {**all_steps, **good, "harbor_url": "ftp://harbor"}
        groups = {"harbor": {"harbor-1": wrong, "harbor-2": dead, "harbor-3": good, "harbor-4": nonsense}}
        for playbook in ("preview", "apply"):
            harbor.requests.clear()
            ran = play(playbook, groups)
            assert len(harbor.requests) == 1 and not writes(harbor), (playbook, harbor.requests)
            said = words(ran.stdout)
            assert said.count(f"Not tried, because nobody gets to this Harbor so: {every}") >= 3, ran.stdout
            assert "failed: harbor-1, harbor-2, harbor-4" in said, ran.stdout
        assert {host for host, row in recap(ran).items() if row["failed"]} == {"harbor-1", "harbor-2", "harbor-4"}
        assert other.jobs.scheduled("GARBAGE_COLLECTION"), "a host is served, whatever becomes of others"
        harbor.requests.clear()
        ran = play("export", {"harbor": {"harbor-1": wrong}})
        assert ran.returncode == 2 and len(harbor.requests) == 1, ran.stdout
        assert "retention: not tried, because nobody gets to this registry so" in words(ran.stdout)
        purge = {**all_steps["harbor_hygiene_purge_schedule"], "include_event_types": ["pull_artifact"]}
        right = {**good, "harbor_url": url, "harbor_hygiene_purge_schedule": purge}
        assert play("apply", {"harbor": {"harbor-1": right}}, "-e", "registry_hygiene_report=.").returncode == 0
        harbor.requests.clear()
        ran = play("undo", {"harbor": {"harbor-1": wrong}}, "-e", "registry_hygiene_plan=.")
        assert ran.returncode == 2 and len(harbor.requests) == 1, ran.stdout
        assert "nobody gets to this Harbor so: purge-schedule. Mend" in words(ran.stdout), ran.stdout


def test_an_approval_covers_a_policy_but_not_its_run_in_the_same_run(play, tmp_path):
    images = [
        {"digest": f"sha256:{number:064}", "size": 1, "push_seconds_ago": number, "tags": []} for number in range(13)
    ]
    harbor = Harbor({**HARBOR, "projects": [{"name": "acme", "repositories": [{"name": "app", "artifacts": images}]}]})
    harbor.switches.update(start_seconds=0, refresh_seconds=0)
    with serving(harbor) as url:
        host = {
            **harbor_access(url),
            "harbor_hygiene_gc_schedule": {},
            "harbor_hygiene_retention": [{"projects": ["acme"], "rules": [{"template": "latestPushedK", "value": 1}]}],
            "harbor_hygiene_retention_limits": {},
            "harbor_hygiene_retain_now": ["acme"],
            "harbor_hygiene_retain_dry_run": False,
            "harbor_hygiene_poll_interval": 1,
        }
        groups = {"harbor": {"harbor-1": host}}

        def previewed():
            assert play("preview", groups).returncode == 0
            (found,) = json.loads((tmp_path / "registry-hygiene-preview.json").read_text())["registries"]
            sums = {"change": found["numbers"]["changed"], "go": found["numbers"]["count"], "perhaps": 0}
            return ("-e", json.dumps({"registry_hygiene_approved": {"hosts": {"harbor-1": sums}}}))

        refused = play("apply", groups, *previewed())
        assert refused.returncode == 2, refused.stdout
        assert harbor.store.named("acme").metadata.get("retention_id"), refused.stdout
        assert "refused by approved: 12 images would go, 0 were approved, 10 may" in words(refused.stdout)
        done = play("apply", groups, *previewed())
        assert done.returncode == 0, done.stdout
        (repository,) = harbor.store.named("acme").repositories.values()
        assert len(repository.artifacts) == 1
