# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short slice of `make chaos`, without kills; and what its proxy does, and what its monitor sees."""

from __future__ import annotations

import random

import pytest
import requests
from chaos import faults
from chaos.monitor import Monitor
from chaos.proxy import Proxy
from chaos.quay import QuayWorld
from chaos.round import WORLDS, Round
from fakes.mount import mounted
from fakes.serve import serving

ROUNDS = 6
URL = "https://quay.test"


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("registry", WORLDS)
def test_a_round_of_chaos_breaks_no_promise(registry, seed):
    done = Round(seed, registry, "here").play()
    assert done.problems == []
    assert done.counts["requests"] and done.counts["runs clean"] == 1


def policy(**more):
    return {"method": "number_of_tags", "value": 7, **more}


def monitored(*policies, **options):
    """Return a world whose task declares one policy for acme, which has these, and its monitor."""
    world = QuayWorld(random.Random(1))
    world.absent, world.exclusive, world.options = False, True, options
    world.declared = {("number_of_tags", None, True): 7}
    world.targets = {("organization", "acme"): "acme"}
    world.fake.namespaces["acme"]["policies"].clear()
    uuids = [world.fake.add_policy("organization", "acme", found) for found in policies]
    world.initial = world.snapshot()
    return world, Monitor(world), uuids


def write(world, method, path, body=None):
    with mounted(world.fake, URL):
        headers = {"Authorization": f"Bearer {world.secrets[0]}"}
        return requests.request(method, f"{URL}/api/v1{path}", json=body, headers=headers, timeout=9).status_code


def test_the_monitor_sees_the_last_policy_go_and_what_nobody_declared_come():
    world, monitor, [uuid] = monitored(policy(value=1))
    assert write(world, "DELETE", f"/organization/acme/autoprunepolicy/{uuid}") == 200
    assert write(world, "POST", "/organization/acme/autoprunepolicy/", policy()) == 201
    assert [text.split(": ")[1] for text in monitor.taken()] == ["no policy is left"]
    assert write(world, "POST", "/organization/acme/autoprunepolicy/", policy(value=9)) == 201
    assert "neither there nor declared" in monitor.taken()[0]
    assert [key for _when, key in monitor.effects] == [("organization", "acme")] * 3


def test_the_monitor_sees_a_neighbour_touched():
    world, monitor, _uuids = monitored()
    assert write(world, "POST", "/organization/acme-archive/autoprunepolicy/", policy(tagPattern="^x")) == 201
    assert "touched its neighbour" in monitor.taken()[0]


def test_the_judge_sees_what_a_result_does_not_say():
    round_ = Round(3, "quay", "here")
    world, monitor, _uuids = monitored()
    round_.world, round_.monitor, round_.proxy = world, monitor, Proxy(URL, "1", 0)
    key = ("organization", "acme")
    unchanged = {"changed": False, "changed_targets": []}
    assert any("changed is false" in text for text in round_._judged(unchanged, False, False, [key], 1))
    assert any("not what it should be" in text for text in round_._judged(unchanged, False, False, [], 0))
    changed = {"changed": True, "changed_targets": ["acme"]}
    assert any("nothing was" in text for text in round_._judged(changed, False, False, [], 0))
    bug = {"changed": False, "failed": True, "msg": "KeyError at x.py:1, which is a bug. Please report it"}
    assert any("nobody can act on" in text for text in round_._judged(bug, False, False, [], 0))
    blown = {"changed": True, "failed": True, "msg": "max_deletions: 3 images would be deleted"}
    assert any("refused by a limit" in text for text in round_._judged(blown, False, False, [key], 1))


@pytest.mark.parametrize("name", faults.FAULTS)
def test_each_fault_has_the_effect_that_its_name_says(name):
    world, monitor, _uuids = monitored()
    with serving(world.fake) as url, Proxy(url, "1", 0.01) as proxy:
        proxy.rate, proxy.kinds = 1.0, [name]
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {world.secrets[0]}"}
            where = f"{proxy.url}/api/v1/organization/acme/autoprunepolicy/"
            try:
                answer = session.post(where, json=policy(), headers=headers, timeout=5, allow_redirects=False)
                done = answer.status_code == 201
            except requests.RequestException:
                done = False
        proxy.quiet()
        assert proxy.counts == {name: 1}
    untouched = {"drop_before", "busy", "down", "rubbish", "odd", "redirected", "reflected", "denied"}
    assert bool(monitor.effects) == (name not in untouched)
    if name in untouched or name in ("delay", "late_answer", "late_effect", "drip", "twice"):
        assert done == bool(monitor.effects)
