# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook export: what it writes, and that applying it changes nothing."""

from __future__ import annotations

import contextlib
import json

import pytest
from contract import estate
from contract.estate import HARBOR, SWR, SWR_KEY, harbor_access
from contract.playing import recap, writes
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.serve import serving
from fakes.swr import Swr

AGE = {"method": "creation_date", "value": "30d", "tagPattern": "^dev-"}
HOSTILE = {"method": "number_of_tags", "value": 7, "tagPattern": "{{ lookup('pipe', 'touch hacked') }}|x: y # z"}


@pytest.fixture
def registries():
    """Return a registry of each kind with what is to be exported, and their hosts."""
    state = estate.quay(30)
    space = state["organizations"][0]
    space["policies"] = [HOSTILE]
    for repository in space["repositories"]:
        repository["policies"] = [AGE]
    space["repositories"][3]["policies"] = [AGE, dict(AGE, value="7d")]
    state["user_repositories"] = [{"name": "mine", "owner": "alice", "policies": [dict(AGE, value="7d")], "tags": []}]
    quay, swr, ocean, harbor = Quay(state), Swr(_swr()), DigitalOcean(), Harbor(_harbor())
    with contextlib.ExitStack() as stack:
        quay_url, swr_url, ocean_url, harbor_url = (
            stack.enter_context(serving(fake)) for fake in (quay, swr, ocean, harbor)
        )
        login = harbor_access(harbor_url)
        token = ocean.state()["tokens"][0]["token"]
        hosts = {
            "quay": {"quay-1": {"quay_url": quay_url, "quay_token": estate.TOKEN}},
            "swr": {"swr-1": {"swr_url": swr_url, **SWR_KEY}},
            "digitalocean": {"do-1": {"digitalocean_url": ocean_url, "digitalocean_token": token}},
            "harbor": {"harbor-1": login},
        }
        yield [quay, swr, ocean, harbor], hosts


def _swr() -> dict:
    rule = {"template": "tag_rule", "params": {"num": "20"}, "tag_selectors": [{"kind": "label", "pattern": "v1"}]}
    names = ["api", "web", "team/app", "team/job"]
    space = {"name": "acme", "auth": {"alice": 7}}
    space["repositories"] = [{"name": name, "tags": [], "retentions": [rule]} for name in names]
    space["repositories"].append({"name": "base", "tags": []})
    return {**SWR, "organizations": [space]}


def _harbor() -> dict:
    return {
        **HARBOR,
        "schedules": [
            {
                "vendor_type": "GARBAGE_COLLECTION",
                "type": "Weekly",
                "cron": "0 0 0 * * 0",
                "parameters": {"delete_untagged": True, "workers": 2, "dry_run": False},
            }
        ],
    }


def text_of(tmp_path, host):
    return (tmp_path / "host_vars" / host / "registry_hygiene.yml").read_text()


def test_what_is_exported_can_be_applied_and_changes_nothing(play, registries, tmp_path):
    fakes, hosts = registries
    seen = play("export", hosts, "--check", "--diff")
    assert seen.returncode == 0 and not (tmp_path / "host_vars").exists(), seen.stdout + seen.stderr
    ran = play("export", hosts)
    assert ran.returncode == 0 and not writes(*fakes), ran.stdout + ran.stderr
    names = [name for group in hosts.values() for name in group]
    assert {host: row["changed"] for host, row in recap(ran).items()} == dict.fromkeys(names, 1)
    for name in names:
        text = text_of(tmp_path, name)
        assert all(f"+{line}" in seen.stdout for line in text.splitlines()), "check mode shows it"
        assert "made-up" not in text and "token-of" not in text and "secret-key" not in text
    again = play("export", hosts)
    assert {row["changed"] for row in recap(again).values()} == {0}
    done = play("apply", hosts)
    assert done.returncode == 0 and not writes(*fakes), done.stdout + done.stderr
    assert {row["changed"] for row in recap(done).values()} == {0}
    assert not (tmp_path / "hacked").exists()


def test_after_all_is_deleted_the_exported_is_put_back(play, registries, tmp_path):
    fakes, hosts = registries
    quay, swr = fakes[:2]
    some = {"quay": hosts["quay"], "swr": hosts["swr"]}
    assert play("export", some).returncode == 0
    for name in map("/".join, quay.repositories):
        if "0003" not in name:  # of which two values are left to people
            quay.repositories[tuple(name.split("/", 1))]["policies"].clear()
    quay.namespaces["acme"]["policies"].clear()
    swr.remove_retention("acme/team/app")
    limits = {f"{kind}_hygiene_limits": {} for kind in ("quay", "swr")}
    done = play("apply", some, "-e", json.dumps(limits))
    assert done.returncode == 0, done.stdout + done.stderr
    assert quay.policies("organization", "acme")[0]["tagPattern"] == HOSTILE["tagPattern"]
    held = {name: quay.policies("repository", name) for name in map("/".join, quay.repositories)}
    assert all(len(policies) == (2 if "0003" in name else 1) for name, policies in held.items())
    assert swr.retention("acme/team/app")["rules"][0]["params"] == {"num": "20"}
    assert not (tmp_path / "hacked").exists()


def test_one_namespace_of_a_registry_is_exported_alone(play, registries, tmp_path):
    _fakes, hosts = registries
    some = {group: {name: {**variables, "registry_hygiene_namespace": "acme"} for name, variables in those.items()}
            for group, those in hosts.items() if group != "harbor"}  # fmt: skip
    ran = play("export", some)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    text = text_of(tmp_path, "quay-1")
    assert "acme/*" in text and "alice" not in text and "quay_hygiene_user" not in text
    assert "namespace: acme" in text_of(tmp_path, "swr-1")
    assert "#   acme: " in text_of(tmp_path, "do-1") and "acme-archive" not in text_of(tmp_path, "do-1")


def test_a_host_of_two_groups_has_one_file_and_a_registry_that_fails_hides_no_other(play, registries, tmp_path):
    _fakes, hosts = registries
    both = {**hosts["quay"]["quay-1"], **hosts["swr"]["swr-1"]}
    lost = {**hosts["quay"]["quay-1"], "quay_url": "http://127.0.0.1:9", "quay_hygiene_connection": {"retries": 0}}
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    groups = {"quay": {"both": both, "lost": lost}, "swr": {"both": both}}
    ran = play("export", groups, "-e", "registry_hygiene_export_folder=elsewhere")
    assert ran.returncode == 2 and {host for host, row in recap(ran).items() if row["failed"]} == {"lost"}, ran.stdout
    text = text_of(folder, "both")
    assert "quay_hygiene_repositories:" in text and "swr_hygiene_policies:" in text
    assert not (folder / "host_vars" / "lost").exists()
    (folder / "host_vars" / "both" / "registry_hygiene.yml").write_text("mine: true\n")
    again = play("export", {"swr": {"both": both}}, "-e", "registry_hygiene_export_folder=elsewhere")
    assert again.returncode == 2 and "registry_hygiene_export_force=true" in again.stdout
    assert text_of(folder, "both") == "mine: true\n"
