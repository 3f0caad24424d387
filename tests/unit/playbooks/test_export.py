# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook export: what it writes, and that applying it changes nothing."""

from __future__ import annotations

import contextlib

import pytest
from contract import estate
from contract.estate import HARBOR, SWR, SWR_KEY, recap, writes
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
        login = {"harbor_url": harbor_url, "harbor_username": "admin", "harbor_password": "made-up-Secret1"}
        token = next(iter(ocean.state()["tokens"]))["token"]
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
