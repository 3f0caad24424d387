# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""quay_autoprune_policy beside the requests that infra.quay_configuration 2.x sends for the same wishes."""

from __future__ import annotations

import pytest
import requests
from fakes.quay import Quay
from fakes.serve import serving

TOKEN = "made-up-token-of-alice"
AUTH = {"Authorization": f"Bearer {TOKEN}"}
PLACE = "/api/v1/organization/acme/autoprunepolicy/"
UNSTABLE = {"method": "number_of_tags", "value": 5, "tagPattern": "unstable", "tagPatternMatches": True}
WEEKS = {"method": "creation_date", "value": "7w"}  # a pattern that is not set is not sent
NIGHTLY = {"method": "creation_date", "value": "8d", "tagPattern": "nightly", "tagPatternMatches": True}


class Watched(Quay):
    """A Quay that notes how many policies the organization has after each request that may change them."""

    def __init__(self):
        scopes = ["org:admin", "user:read"]
        user = {"name": "alice", "tokens": [{"as": "alice", "token": TOKEN, "scopes": scopes}]}
        super().__init__({"users": [user], "organizations": [{"name": "acme", "admins": ["alice"]}]})
        self.counts = []

    def answer(self, request):
        answer = super().answer(request)
        if request.method != "GET":
            self.counts.append(len(self.policies("organization", "acme")))
        return answer


@pytest.fixture
def quay():
    """Returns a Quay and its address."""
    fake = Watched()
    with serving(fake) as url:
        yield fake, url


def ours(run, url, *policies, **options):
    """Return whether our module changed something."""
    named = [{"method": one["method"], "value": one["value"], "tag_pattern": one.get("tagPattern")} for one in policies]
    content = {"policies": named} if policies else {}
    access = {"quay_url": url, "quay_token": TOKEN, "organizations": ["acme"]}
    result = run("quay_autoprune_policy", {**access, **content, **options})
    assert not result.get("failed"), result["msg"]
    return result["changed"]


def ask(url, method, path, body=None):
    """Return the answer to a request of the other collection."""
    return requests.request(method, url + path, json=body, headers=AUTH)


def listed(url):
    return ask(url, "GET", PLACE).json()["policies"]


def replace_all(url, body):
    """Send what `append: false` sends: each policy is deleted, then the new one is created."""
    for policy in listed(url):
        assert ask(url, "DELETE", PLACE + policy["uuid"]).status_code == 200
    assert ask(url, "POST", PLACE, body).status_code == 201


def test_policies_that_it_made_are_ours_as_they_are(run, quay):
    _fake, url = quay
    for body in (UNSTABLE, WEEKS):
        assert ask(url, "POST", PLACE, body).status_code == 201
    assert not ours(run, url, UNSTABLE, WEEKS, exclusive=True)
    assert not ours(run, url, WEEKS)


def test_it_finds_again_what_we_made(run, quay):
    _fake, url = quay
    assert ours(run, url, UNSTABLE, WEEKS)
    keys = ("method", "value", "tagPattern", "tagPatternMatches")
    found = [[policy[key] for key in keys] for policy in listed(url)]
    wanted = [
        [{"tagPattern": None, "tagPatternMatches": True, **one}[key] for key in keys] for one in (UNSTABLE, WEEKS)
    ]
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_both_end_alike_but_only_its_way_leaves_a_moment_without_any_policy(run, quay):
    fake, url = quay
    ask(url, "POST", PLACE, UNSTABLE)
    fake.counts.clear()
    replace_all(url, NIGHTLY)
    assert min(fake.counts) == 0
    assert not ours(run, url, NIGHTLY, exclusive=True)
    fake.counts.clear()
    assert ours(run, url, UNSTABLE, exclusive=True)
    assert fake.counts and min(fake.counts) >= 1
    assert len(listed(url)) == 1


def test_blanks_around_a_pattern_do_not_make_it_another_policy_for_us(run, quay):
    _fake, url = quay
    padded = {**NIGHTLY, "tagPattern": " nightly "}
    assert ask(url, "POST", PLACE, padded).status_code == 201
    # Quay trims it, so that a comparison with what was sent fails, and the next POST is refused as a duplicate.
    assert listed(url)[0]["tagPattern"] == "nightly" and ask(url, "POST", PLACE, padded).status_code == 400
    assert not ours(run, url, padded)
