# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors, read-only repositories and disabled organizations of Quay: no policy where Quay does not prune."""

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract.mounts import WAYS
from contract.quay_rows import QUAY_TOKEN, plain, quay
from fakes.mount import mounted
from fakes.quay import Quay

URL = "https://quay.test"
COUNT = {"method": "number_of_tags", "value": 10}
THERE = {"method": "number_of_tags", "value": 7, "tagPattern": "^keep"}
STILL = "acme/app-archive"


@pytest.fixture(params=["MIRROR", "READ_ONLY"])
def fake(request):
    state = quay().state()
    state["organizations"][0]["repositories"][1]["state"] = request.param
    return Quay(state)


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(wait, "pause", lambda seconds: None)


def run(fake, way="module", module="quay_autoprune_policy", check_mode=False, **options):
    fake.clear()
    with mounted(fake, URL):
        return WAYS[way](module, {"quay_url": URL, "quay_token": QUAY_TOKEN, **options}, check_mode)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("more", [{}, {"force": True}, {"exclusive": True}, {"max_deletions": 0}])
def test_globs_leave_out_what_quay_does_not_prune_and_say_so(fake, way, check_mode, more):
    result = run(fake, way, check_mode=check_mode, repositories=["acme/*"], policies=[COUNT], **more)
    assert result["changed"] and not result.get("failed") and not result.get("skipped"), result
    assert list(result["left_out"]) == [STILL] and STILL not in result["policies"]
    state = fake.state()["organizations"][0]["repositories"][1]["state"]
    assert state in result["left_out"][STILL]
    (warning,) = result["warnings"]
    assert STILL in warning and warning.startswith("1 of")
    assert plain(fake.policies("repository", STILL)) == plain([{**THERE, "tagPatternMatches": True}])
    assert not any(STILL in entry["path"] for entry in fake.requests)


def test_globs_find_them_where_nothing_is_put(fake, way):
    read = run(fake, way, "quay_autoprune_policy_info", repositories=["acme/*"])
    assert STILL in read["policies"] and "left_out" not in read and "warnings" not in read
    for options in ({"state": "absent"}, {"policies": [], "exclusive": True}):
        fake.add_policy("repository", STILL, THERE)
        gone = run(fake, way, repositories=["acme/*"], **options)
        assert gone["changed"] and "left_out" not in gone and "warnings" not in gone
        assert fake.policies("repository", STILL) == []


@pytest.mark.parametrize("names", [[STILL], [STILL, "acme/app"], [STILL, "acme/*"]])
def test_named_exactly_they_are_refused_without_force_and_the_others_are_served(fake, way, names):
    before = fake.policies("repository", STILL)
    for check_mode in (True, False):
        refused = run(fake, way, check_mode=check_mode, repositories=names, policies=[COUNT])
        assert refused["failed"] and list(refused["failures"]) == [STILL]
        assert "force: true" in refused["msg"] and "stop all pruning in acme" in refused["msg"]
        assert fake.policies("repository", STILL) == before
    assert bool(fake.policies("repository", "acme/app")) == (len(names) > 1)
    forced = run(fake, way, repositories=names, policies=[COUNT], force=True)
    assert forced["changed"] and not forced.get("failed") and len(fake.policies("repository", STILL)) == 2


def test_no_force_is_needed_to_take_away_or_to_leave_as_it_is(fake, way):
    held = {"method": "number_of_tags", "value": 7, "tag_pattern": "^keep"}
    same = run(fake, way, repositories=[STILL], policies=[held])
    assert not same["changed"] and not same.get("failed") and len(fake.requests) == 2
    assert run(fake, way, repositories=[STILL], policies=[dict(held, value=8)])["failed"]
    gone = run(fake, way, repositories=[STILL], state="absent")
    assert gone["changed"] and fake.policies("repository", STILL) == []


@pytest.mark.parametrize("scope", [{"organizations": ["acme"]}, {"current_user": True}])
def test_force_is_for_repositories(fake, way, scope):
    refused = run(fake, way, policies=[COUNT], force=True, **scope)
    assert refused["failed"] and "force is for repositories" in refused["msg"] and fake.requests == []


def test_a_state_that_is_not_known_is_none_that_quay_prunes(way):
    state = quay().state()
    state["organizations"][0]["repositories"][1]["state"] = "ORG_MIRROR"
    result = run(Quay(state), way, repositories=["acme/*"], policies=[COUNT])
    assert "ORG_MIRROR" in result["left_out"][STILL]


@pytest.mark.parametrize(
    "target", [{"repositories": ["acme/app"]}, {"organizations": ["acme"]}, {"repositories": ["acme/*"]}]
)
@pytest.mark.parametrize("there", [[], [{"method": "number_of_tags", "value": 3}]])
def test_a_write_to_a_disabled_organization_says_what_it_may_be(way, target, there):
    fake = quay()
    scope, name = ("organization", "acme") if "organizations" in target else ("repository", "acme/app")
    for policy in there:
        fake.add_policy(scope, name, policy)
    gone = {"status": 404, "body": {"error_type": "not_found", "detail": "Not Found", "status": 404}}
    fake.faults += [{"method": method, "times": 9, **gone} for method in ("POST", "PUT")]
    result = run(fake, way, policies=[COUNT], **target)
    assert result["failed"] and not result["changed"] and "acme is disabled" in result["msg"]


def test_null_beside_a_pattern_means_not_matching(way):
    fake, target = quay(), {"repositories": ["acme/app"]}
    row = {"uuid": "1-2", "method": "number_of_tags", "value": 3, "tagPattern": "^v", "tagPatternMatches": None}
    page = {"path": "/app/autoprunepolicy/", "method": "GET", "status": 200, "times": 1}
    fake.faults.append({**page, "body": {"policies": [row, {**row, "uuid": "1-3", "tagPattern": None}]}})
    plainly, inverted = run(fake, way, "quay_autoprune_policy_info", **target)["policies"]
    assert (plainly["tag_pattern"], plainly["tag_pattern_matches"]) == (None, True)
    assert (inverted["tag_pattern"], inverted["tag_pattern_matches"]) == ("^v", False)
    declared = {"method": "number_of_tags", "value": 3, "tag_pattern": "^v"}
    for matches, changed in ((False, False), (True, True)):
        fake.faults.append({**page, "body": {"policies": [row]}})
        options = {"policies": [dict(declared, tag_pattern_matches=matches)], **target}
        assert run(fake, way, check_mode=True, **options)["changed"] is changed
