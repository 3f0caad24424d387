# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DigitalOcean's registries, tokens, rates and the two families of its API, as tasks meet them."""

from __future__ import annotations

from collections import deque

import pytest
from contract.digitalocean_tasks import ACCESS, BOTH, HOUR, TOKEN, URL, account, acme, failed, info, ok, run, started


@pytest.fixture
def fake():
    return acme()


# Registries and paths


def test_names_globs_and_the_whole_account():
    fake = account({"name": "acme"}, {"name": "acme-two"}, {"name": "other"})
    assert set(ok(run(fake, registries=["*"]))) == {"acme", "acme-two", "other"}
    assert set(info(fake, registries=["acme*"])["registries"]) == {"acme", "acme-two"}
    assert set(info(fake, registries=["acme", "other", "acme"])["registries"]) == {"acme", "other"}
    assert info(fake, registries=["acme"])["registries"]["registry"]["name"] == "acme"
    result = info(fake, registries=["nothing-*"])
    assert result["registries"] == {} and "matches none of the 3" in result["warnings"][0]
    assert ok(run(account(), registries=["*"])) == {}


def test_an_unknown_registry_fails_and_the_others_are_served(fake):
    result = failed(run(fake, registries=["acme", "gone"]), "there is no registry 'gone'", "acme, other")
    assert result["changed"] and result["changed_targets"] == ["acme"] and list(result["failures"]) == ["gone"]


def test_only_the_current_family_is_used(fake):
    run(fake, type=BOTH, only_if_garbage=True, wait=True)
    fake.start_run("acme")
    for options in ({"state": "absent"}, {}):
        run(fake, **options)
        assert all(entry["path"].startswith("/v2/registries") for entry in fake.requests)


@pytest.mark.parametrize("options", [{}, {"type": BOTH, "only_if_garbage": True, "wait": True}])
def test_the_legacy_family_where_the_current_one_does_not_have_a_listed_registry(fake, options):
    not_found = {"id": "not_found", "message": "The resource you requested could not be found."}
    fake.faults.append({"path": "^/v2/registries/acme", "status": 404, "body": not_found, "times": 9999})
    started(run(fake, **options))
    assert fake.writes[0]["path"] == "/v2/registry/acme/garbage-collection"
    if "wait" not in options:
        started(run(fake, state="absent", wait=True))
        assert fake.writes[0]["path"].startswith("/v2/registry/acme/garbage-collection/")
    found = info(fake, garbage=True)["registries"]
    assert found["registry"]["name"] == "acme" and len(found["runs"]) == 1 and found["garbage"]["lower_bound"]


@pytest.mark.parametrize("answer", [{"status": 500}, {"text": "<html>"}, {"status": 404, "text": "no such route"}])
def test_no_legacy_family_after_other_answers(fake, answer):
    fake.faults.append({"path": "^/v2/registries/acme", "times": 99, **answer})
    failed(run(fake))
    assert fake.writes == [] and not [entry for entry in fake.requests if entry["path"].startswith("/v2/registry/")]


@pytest.mark.parametrize("names", [["Acme"], ["a/b"], [""], ["acme "], ["acme", "../x"], ["a_b"]])
def test_names_that_no_registry_has_are_refused(fake, names):
    failed(run(fake, registries=names), "registries: ")
    assert fake.requests == []


# Tokens and rates


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_token_that_may_only_read_gets_the_name_of_the_scope_that_it_lacks(fake, state):
    if state == "absent":
        fake.start_run("acme")
    access = dict(ACCESS, digitalocean_token=fake.token("reader", ["registry:read"]))
    result = failed(run(fake, access=access, state=state), "registry:update")
    assert not result["changed"] and "registry:read" not in result["msg"]
    assert not info(fake, access=access).get("failed")
    assert not run(fake, access=access, state=state, check_mode=True).get("failed")


@pytest.mark.parametrize("module", ["do_registry_gc", "do_registry_gc_info"])
def test_a_token_that_may_not_read_gets_the_name_of_the_scope_that_it_lacks(fake, module):
    access = dict(ACCESS, digitalocean_token=fake.token("blind", ["registry:update"]))
    failed(run(fake, module, access=access), "registry:read")
    assert fake.writes == []


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "tökén"])
def test_a_token_that_cannot_be_one_is_refused(fake, token):
    failed(run(fake, access=dict(ACCESS, digitalocean_token=token)), "digitalocean_token")
    assert fake.requests == []


@pytest.mark.parametrize("variable", ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN"])
def test_the_token_may_come_from_the_environment(fake, variable, monkeypatch):
    monkeypatch.setenv(variable, TOKEN)
    started(run(fake, access={"digitalocean_url": URL}))


@pytest.mark.parametrize("workers", [1, 8])
def test_a_long_list_never_bursts(workers):
    fake = account(*[{"name": f"r{number:03}"} for number in range(200)])
    fake.switches["rate_hour"] = 0
    fake.now_and_then = []
    result = run(fake, registries=["*"], workers=workers)
    assert result["plan"]["changed"] == 200 and len(fake.now_and_then) > 1000
    assert {entry["status"] for entry in fake.requests} <= {200, 201, 404}
    times = fake.now_and_then
    assert all(after - before >= 59.5 for before, after in zip(times, times[250:]))


def test_the_burst_limit_is_obeyed_where_somebody_else_used_it_up(fake):
    fake.switches["rate_minute"] = 2
    started(run(fake, wait=True))
    assert 429 in {entry["status"] for entry in fake.requests}


@pytest.mark.parametrize("seconds", [20, 50])
def test_the_hourly_limit_is_waited_for_if_it_ends_soon(fake, seconds):
    """Over this one there is no retry-after: ratelimit-reset says when the oldest request is forgotten."""
    fake.switches["rate_hour"] = 10
    fake._counted[TOKEN] = deque([fake.now() + seconds - HOUR] * 10)
    started(run(fake))


def test_the_hourly_limit_is_explained_if_it_lasts(fake):
    fake.switches["rate_hour"] = 10
    fake._counted[TOKEN] = deque([fake.now() - 100] * 10)
    result = failed(run(fake), "API rate limit exceeded", "more are allowed 20")
    assert not result["changed"] and fake.runs("acme") == []


@pytest.mark.parametrize("reset", ["", "soon", "9" * 20, "²"])
def test_a_reset_that_is_no_time_is_no_crash(fake, reset):
    headers = {"ratelimit-reset": reset} if reset != "²" else {"ratelimit-reset": "\xb2"}
    fake.fail(429, headers=headers, times=99)
    failed(run(fake), "within an hour")
