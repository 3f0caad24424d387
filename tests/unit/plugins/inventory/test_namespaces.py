# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that the inventory plugin makes, as ansible-inventory shows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from contract import estate, harbor_rows, quay_rows, swr_rows
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.serve import serving

ROOT = Path(__file__).resolve().parents[4]
INVENTORY = Path(sys.executable).parent / "ansible-inventory"
PLUGIN = "registry.hygiene.namespaces"


def plain(found):
    """Return a value that ansible-inventory shows as no template."""
    return found.get("__ansible_unsafe", found)


@pytest.fixture
def listed(tmp_path):
    """Return what lists an inventory of these options, and gives hosts with variables, groups, and all output."""
    home = tmp_path / "collections" / "ansible_collections" / "registry"
    home.mkdir(parents=True)
    (home / "hygiene").symlink_to(ROOT)

    def run(options, name="some.namespaces.yml", **environment):
        (tmp_path / name).write_text(yaml.safe_dump({"plugin": PLUGIN, **options}))
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        env.update(ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "collections"), ANSIBLE_HOME=str(tmp_path), **environment)
        env.update(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1", ANSIBLE_NOCOLOR="1")
        command = [str(INVENTORY), "-i", name, "--list"]
        ran = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
        found = json.loads(ran.stdout, object_hook=plain) if ran.returncode == 0 else {"_meta": {"hostvars": {}}}
        return found["_meta"]["hostvars"], found, ran.stdout + " ".join(ran.stderr.split())

    return run


@pytest.fixture
def quay():
    """Return a Quay that is served, and the options that name it."""
    fake = quay_rows.quay()
    with serving(fake) as url:
        yield fake, {"registry": "quay", "quay_url": url, "name": "q"}


SECRET = {"QUAY_TOKEN": quay_rows.QUAY_TOKEN}


def test_each_namespace_of_a_quay_is_a_host_without_credentials(listed, quay):
    fake, options = quay
    hosts, groups, output = listed(options, **SECRET)
    assert sorted(hosts) == sorted(groups["quay"]["hosts"]) == ["acme-archive.q", "acme.q", "alice.q", "bulk.q"]
    common = {"ansible_connection": "local", "quay_url": options["quay_url"]}
    assert hosts["acme.q"] == {**common, "registry_hygiene_namespace": "acme", "quay_hygiene_user": {}}
    assert hosts["alice.q"] == {**common, "registry_hygiene_namespace": "alice"}, "it alone has policies of the user"
    assert quay_rows.QUAY_TOKEN not in output and not fake.writes


def test_globs_take_and_leave_out_and_groups_are_made(listed, quay):
    _fake, options = quay
    more = {
        "include": ["a*", "bulk"],
        "exclude": ["*-archive"],
        "strict": True,
        "quay_token": "{{ lookup('ansible.builtin.env', 'MINE') }}",
        "keyed_groups": [{"key": "registry_hygiene_namespace[0]", "prefix": "first"}],
        "groups": {"large": "registry_hygiene_namespace == 'bulk'"},
        "compose": {"quay_hygiene_limits": "{'max_deletions': 9}"},
    }
    hosts, groups, output = listed({**options, **more}, MINE=quay_rows.QUAY_TOKEN)
    assert sorted(hosts) == ["acme.q", "alice.q", "bulk.q"], output
    assert groups["first_a"]["hosts"] == ["acme.q", "alice.q"] and groups["large"]["hosts"] == ["bulk.q"]
    assert hosts["bulk.q"]["quay_hygiene_limits"] == {"max_deletions": 9}
    strict = {**more, "compose": {"x": "nothing_of_that_name"}}
    assert "acme.q" in listed({**options, **strict}, MINE=quay_rows.QUAY_TOKEN)[2]
    none = listed({**options, "include": ["x*"]}, **SECRET)
    assert not none[0] and "none of the 4 namespaces that can be seen is meant" in none[2]


def test_what_was_listed_is_kept_in_the_cache_of_whoever_may_see_it(listed, quay, tmp_path):
    fake, options = quay
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    first = listed({**options, **cache}, **SECRET)[0]
    fake.clear()
    assert listed({**options, **cache}, **SECRET)[0] == first and not fake.requests
    assert listed({**options, **cache}, QUAY_TOKEN="made-up-token-of-mallory")[0].keys() == {"rivals.q", "mallory.q"}
    kept = "".join(path.read_text() + path.name for path in (tmp_path / "cache").iterdir())
    assert "acme" in kept and "made-up" not in kept


def test_a_registry_that_says_no_ends_it_without_hosts(listed, quay):
    _fake, options = quay
    hosts, _groups, output = listed(options, QUAY_TOKEN="made-up-token-nobody-knows")
    assert not hosts and "Quay does not know the token" in output and "made-up" not in output
    assert "missing required arguments: quay_token" in listed(options)[2]
    assert "must hold neither credentials" in listed({**options, "quay_url": "https://me:made-up@x.test"}, **SECRET)[2]
    assert not listed(options, name="other.yml", **SECRET)[0], "only a file that is called so is ours"


def test_what_a_name_may_hold_means_nothing_to_ansible(listed):
    token = {"as": "alice", "token": quay_rows.QUAY_TOKEN, "scopes": quay_rows.QUAY_SCOPES}
    names = ["fine", "-x", "@y", ".z", "a+b@c"]
    spaces = [{"name": name, "admins": ["alice"], "repositories": []} for name in names]
    with serving(Quay({"users": [{"name": "alice", "tokens": [token]}], "organizations": spaces})) as url:
        hosts, _groups, output = listed({"registry": "quay", "quay_url": url}, **SECRET)
    assert sorted(hosts) == ["a+b@c.127.0.0.1", "alice.127.0.0.1", "fine.127.0.0.1"]
    assert "3 namespaces have names that no host can have, and are left out: -x, .z, @y" in output


def test_organizations_of_an_swr(listed):
    with serving(swr_rows.swr()) as url:
        options = {"registry": "swr", "swr_url": url, "swr_access_key": swr_rows.ACCESS}
        hosts, groups, output = listed(options, SWR_SECRET_KEY=swr_rows.SECRET)
    assert "acme.127.0.0.1" in hosts and sorted(groups["swr"]["hosts"]) == sorted(hosts)
    assert hosts["acme.127.0.0.1"]["swr_url"] == url and swr_rows.ACCESS not in output


def test_projects_of_a_harbor_have_no_schedules(listed):
    with serving(Harbor(estate.HARBOR)) as url:
        options = {"registry": "harbor", "harbor_url": url, "harbor_username": "admin"}
        hosts, _groups, output = listed(options, HARBOR_PASSWORD=harbor_rows.PASSWORD)
        assert sorted(hosts) == ["acme.127.0.0.1", "library.127.0.0.1"], output
        assert hosts["acme.127.0.0.1"]["harbor_hygiene_gc_schedule"] == {}
        specs = yaml.safe_load((ROOT / "roles/harbor_hygiene/meta/argument_specs.yml").read_text())
        whole = {name for name in hosts["acme.127.0.0.1"] if name.startswith("harbor_hygiene")}
        assert whole <= set(specs["argument_specs"]["main"]["options"])
        wrong = listed(options, HARBOR_PASSWORD="made-up-other")
    assert not wrong[0] and "does not know this user" in wrong[2], "to a stranger, Harbor lists what is public"


def test_registries_of_an_account_of_digitalocean(listed):
    fake = DigitalOcean()
    with serving(fake) as url:
        token = fake.state()["tokens"][0]["token"]
        options = {"registry": "digitalocean", "digitalocean_url": url, "name": "do"}
        hosts, _groups, _output = listed(options, DO_API_TOKEN=token)
    assert hosts["acme.do"]["registry_hygiene_namespace"] == "acme" and "acme-archive.do" in hosts
