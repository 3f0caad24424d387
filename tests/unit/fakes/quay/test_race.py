# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first policies of a namespace, which race for one row as on a live Quay, over HTTP and in the same process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from fakes.mount import mounted
from fakes.quay import Quay, race
from fakes.serve import serving

TEN = {"method": "number_of_tags", "value": 10}
REPOSITORIES = ["r0", "r1", "team/r2", "r3"]
ORGANIZATION = "organization/acme"
PATHS = [f"repository/acme/{name}" for name in REPOSITORIES]


def fake(**more):
    token = {"as": "alice", "token": "made-up", "scopes": ["org:admin", "repo:admin", "user:admin"]}
    acme = {"name": "acme", "admins": ["alice"], "repositories": [{"name": name} for name in REPOSITORIES], **more}
    other = {"name": "other", "admins": ["alice"], "repositories": [{"name": "r0"}]}
    return Quay({"users": [{"name": "alice", "tokens": [token]}], "organizations": [acme, other]})


def held(quay):
    """Returns how many policies acme and its repositories have."""
    names = [("organization", "acme"), *(("repository", f"acme/{name}") for name in REPOSITORIES)]
    return sum(len(quay.policies(*name)) for name in names)


@pytest.fixture(params=["over HTTP", "in process"])
def post(request):
    """Returns what sends a body to each path at once and returns the answers."""

    def send(quay, paths, body=None):
        body = TEN if body is None else body
        bodies = body if isinstance(body, list) else [body] * len(paths)
        started = threading.Barrier(len(paths))

        def one(path, given, url):
            with requests.Session() as session:
                session.trust_env = False
                session.headers["Authorization"] = "Bearer made-up"
                started.wait(10)
                return session.post(f"{url}/api/v1/{path}/autoprunepolicy/", json=given, timeout=10)

        there = serving(quay) if request.param == "over HTTP" else mounted(quay, "https://quay.test")
        with there as url, ThreadPoolExecutor(len(paths)) as pool:
            url = url if isinstance(url, str) else "https://quay.test"
            return list(pool.map(one, paths, bodies, [url] * len(paths)))

    return send


@pytest.fixture
def overlap(monkeypatch):
    """Makes sure that requests that are sent at once do overlap, however busy the machine is."""
    monkeypatch.setattr(race, "HOLD_SECONDS", 0.3)


def statuses(answers):
    return sorted(answer.status_code for answer in answers)


@pytest.mark.parametrize("paths", [PATHS, [ORGANIZATION, PATHS[2]], [ORGANIZATION, ORGANIZATION]])
def test_of_first_policies_at_once_one_is_stored_and_the_others_are_rolled_back(overlap, post, paths):
    quay = fake()
    answers = post(quay, paths, [{**TEN, "value": number} for number in range(1, len(paths) + 1)])
    assert statuses(answers) == [201] + [500] * (len(paths) - 1)
    assert held(quay) == 1
    lost = [(number, path) for number, (path, answer) in enumerate(zip(paths, answers), 1) if not answer.ok]
    for answer in answers:
        if not answer.ok:
            assert answer.headers["Content-Type"] == "text/html" and "Internal Server Error" in answer.text
    again = post(quay, [path for _number, path in lost], [{**TEN, "value": number} for number, _path in lost])
    assert statuses(again) == [201] * len(lost) and held(quay) == len(paths)


def test_the_users_namespace_has_the_race_too(overlap, post):
    assert statuses(post(fake(), ["user", "organization/alice"], [TEN, {**TEN, "value": 3}])) == [201, 500]


@pytest.mark.parametrize("before", ["a lone first policy", {"policies": [TEN]}, {"autoprune_task": True}], ids=str)
def test_after_the_first_policy_parallel_ones_never_fail(overlap, post, before):
    quay = fake(**before) if isinstance(before, dict) else fake()
    if before == "a lone first policy":
        assert statuses(post(quay, ["organization/acme"])) == [201]
    assert statuses(post(quay, PATHS)) == [201] * len(PATHS)


def test_one_after_the_other_never_fails(post):
    quay = fake()
    assert [statuses(post(quay, [path])) for path in PATHS] == [[201]] * len(PATHS)


def test_namespaces_do_not_race_with_one_another(overlap, post):
    assert statuses(post(fake(), ["organization/acme", "repository/other/r0", "user"])) == [201] * 3


def test_a_refused_policy_takes_no_part(overlap, post):
    quay = fake()
    assert statuses(post(quay, PATHS[:2], [{**TEN, "value": 0}, TEN])) == [201, 400]
    assert held(quay) == 1


def test_the_race_can_be_switched_off(overlap, post):
    quay = fake()
    quay.switches["first_policy_race"] = False
    assert statuses(post(quay, PATHS)) == [201] * len(PATHS)


def test_the_row_outlives_the_policies_until_the_worker_comes_and_survives_a_dump(overlap, post):
    quay = fake()
    [answer] = post(quay, PATHS[:1])
    stored = quay.repositories["acme", "r0"]["policies"]
    assert stored.pop()["uuid"] == answer.json()["uuid"] and held(quay) == 0
    again = Quay(quay.state())
    assert again.state()["organizations"][0]["autoprune_task"] is True
    assert statuses(post(again, PATHS)) == [201] * len(PATHS)
    quay.tick()
    idle = Quay(quay.state())
    assert idle.state()["organizations"][0]["autoprune_task"] is False
    assert statuses(post(idle, PATHS[:2])) == [201, 500]
