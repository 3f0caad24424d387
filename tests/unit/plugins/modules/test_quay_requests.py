# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a task makes: Quay spends a quarter of a second on each, so no task makes one more than it must."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from contract.mounts import as_module
from contract.quay_rows import QUAY_SCOPES, QUAY_TOKEN, quay
from fakes.mount import mounted
from fakes.quay import Quay

URL = "https://quay.test"
COUNT = {"method": "number_of_tags", "value": 10}
LIMIT = {"max_deletions": 0}
SERVED = 200  # repositories of bulk, on two pages


def estate():
    state = quay().state()
    for organization in state["organizations"]:
        if organization["name"] == "bulk":
            del organization["repositories"][SERVED:]
    state["organizations"].append({"name": "fresh", "admins": ["alice"], "members": [], "repositories": []})
    return Quay(state)


def run(fake, module="quay_autoprune_policy", check_mode=False, **options):
    fake.clear()
    with mounted(fake, URL):
        result = as_module(module, {"quay_url": URL, "quay_token": QUAY_TOKEN, **options}, check_mode)
    assert not result.get("failed"), result
    return result


KINDS = {
    "config": r"^/config$",
    "list": r"/repository\?",
    "state": r"\?includeTags=false$",
    "tags": r"/tag/\?",
    "policies": r"/repository/.*/autoprunepolicy/$",
    "policies above": r"/organization/[^/]+/autoprunepolicy/$",
    "policies of the user": r"/user/autoprunepolicy/$",
    "organization": r"/organization/[^/]+$",
    "user": r"/user/$",
}


def asked(fake):
    """How often each kind of thing was asked for."""
    return Counter(
        entry["method"]
        if entry["method"] != "GET"
        else next(kind for kind, pattern in KINDS.items() if re.search(pattern, entry["path"]))
        for entry in fake.requests
    )


ONE, ALL = {"repositories": ["acme/app"]}, {"repositories": ["bulk/*"]}
SOME = {"repositories": ["acme/app", "acme/team/app", "acme/app-archive"]}
OF_ALL = {"config": 1, "list": 2, "policies": SERVED}
ABOVE = {"config": 1, "policies above": 1}
OWN = {"config": 1, "policies of the user": 1}


@pytest.mark.parametrize(
    ("options", "first", "forecast", "again"),
    [
        (
            ONE,
            {"config": 1, "policies": 1, "state": 1, "POST": 1},
            {"config": 1, "policies": 1, "state": 1, "policies above": 1, "tags": 1},
            {"config": 1, "policies": 1},
        ),
        (
            SOME,
            {"config": 1, "policies": 3, "list": 1, "POST": 3},
            {"config": 1, "policies": 3, "list": 1, "policies above": 1, "tags": 3},
            {"config": 1, "policies": 3},
        ),
        (ALL, {**OF_ALL, "POST": SERVED}, {**OF_ALL, "policies above": 1, "tags": SERVED}, OF_ALL),
        (
            {"organizations": ["bulk"]},
            {**ABOVE, "organization": 1, "POST": 1},
            {**ABOVE, "organization": 1, "list": 2, "policies": SERVED, "tags": SERVED},
            ABOVE,
        ),
        (
            {"organizations": ["fresh"]},
            {**ABOVE, "organization": 1, "POST": 1},
            {**ABOVE, "organization": 1, "list": 1},
            ABOVE,
        ),
        ({"current_user": True}, {**OWN, "POST": 1}, {**OWN, "user": 1, "list": 1, "policies": 1, "tags": 1}, OWN),
    ],
    ids=["a repository", "some", "a glob", "an organization", "one without repositories", "the user"],
)
def test_a_task_makes_no_request_more_than_it_must(options, first, forecast, again):
    fake = estate()
    run(fake, check_mode=True, policies=[COUNT], **LIMIT, **options)
    assert asked(fake) == forecast
    run(fake, policies=[COUNT], **options)
    assert asked(fake) == first
    run(fake, policies=[COUNT], **LIMIT, **options)
    assert asked(fake) == again and fake.writes == []


def test_nothing_at_all_is_asked_twice():
    for options in (ONE, SOME, ALL, {"organizations": ["*"]}, {"current_user": True}, {"repositories": ["alice/*"]}):
        for check_mode in (True, False):
            fake = estate()
            run(fake, check_mode=check_mode, policies=[COUNT], **LIMIT, **options)
            paths = Counter(entry["path"] for entry in fake.requests if entry["method"] == "GET")
            assert max(paths.values()) == 1, paths.most_common(3)


def test_organizations_that_are_asked_whether_they_are_administered_are_not_asked_again():
    fake = estate()
    for token in fake.tokens.values():
        token["scopes"] = ["org:admin", "user:read"]
    run(fake, "quay_autoprune_policy_info", organizations=["*"])
    paths = Counter(entry["path"] for entry in fake.requests)
    assert max(paths.values()) == 1 and paths["/api/v1/organization/bulk"] == 1


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        (ONE, {"org:admin", "repo:admin"}),
        (ALL, {"org:admin", "repo:admin"}),
        ({"organizations": ["acme"]}, {"org:admin", "repo:admin"}),
        ({"current_user": True}, {"user:admin", "repo:admin"}),
    ],
)
def test_forecasts_need_the_scopes_that_the_pages_name_and_no_others(options, scopes):
    fake = estate()
    for token in fake.tokens.values():
        token["scopes"] = sorted(scopes)
    run(fake, check_mode=True, policies=[COUNT], **LIMIT, **options)
    for missing in scopes & set(QUAY_SCOPES):
        for token in fake.tokens.values():
            token["scopes"] = sorted((scopes - {missing}) | {"repo:read", "user:read"})
        with mounted(fake, URL):
            access = {"quay_url": URL, "quay_token": QUAY_TOKEN}
            refused = as_module("quay_autoprune_policy", {**access, "policies": [COUNT], **LIMIT, **options}, True)
        assert refused["failed"] and missing in refused["msg"], refused["msg"]


def test_who_administers_one_repository_only_is_told_how_to_do_without_a_limit():
    state = estate().state()
    state["organizations"][0]["admins"] = ["mallory"]
    state["organizations"][0]["repositories"][0]["permissions"] = [{"user": "alice", "role": "admin"}]
    fake = Quay(state)
    with mounted(fake, URL):
        options = {"quay_url": URL, "quay_token": QUAY_TOKEN, "policies": [COUNT], **ONE}
        refused = as_module("quay_autoprune_policy", {**options, **LIMIT})
        for word in ("org:admin", "not only the repository", "max_deletions_percent", "quay_hygiene_limits: {}"):
            assert word in refused["msg"]
        assert refused["failed"] and fake.writes == []
        assert as_module("quay_autoprune_policy", options)["changed"]


ENTRIES = [
    {"organizations": ["acme", "bulk", "fresh"], "policies": [COUNT]},
    {"repositories": ["bulk/*"], "exclude": ["bulk/svc-0*"], "policies": [COUNT]},
    {"repositories": ["bulk/svc-0*"], "policies": [dict(COUNT, value=3)], "max_deletions": 3},
    {"repositories": ["acme/app", "acme/team/*"], "policies": [COUNT]},
    {"repositories": ["acme/app-archive"], "policies": [COUNT]},
    {"current_user": True, "policies": [COUNT]},
]


@pytest.mark.parametrize("limits", [LIMIT, {"min_keep": 1, "on_limit": "skip"}, {"protect": ["."], "on_limit": "skip"}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_plan_of_several_entries_asks_for_nothing_twice(check_mode, limits):
    fake = estate()
    run(fake, check_mode=check_mode, declarations=ENTRIES, **limits)
    assert len({entry["path"] for entry in fake.requests if entry["method"] == "GET"}) == sum(
        entry["method"] == "GET" for entry in fake.requests
    )
    found = asked(fake)
    repositories = SERVED + 3 + 1  # of bulk, of acme, and of alice
    assert (found["config"], found["user"], found["policies above"]) == (1, 1, 3)
    assert found["list"] == 2 + 3  # bulk has two pages
    assert found["tags"] == repositories and found["policies"] == repositories
    assert found["policies of the user"] == 1


def test_what_is_left_out_under_way_costs_no_request_more():
    """The forecast is made again without what breaks a limit, of the same tags."""
    fake = estate()
    tag = {"name": "v1", "digest": "sha256:" + "a" * 64, "age_seconds": 9 * 86400, "size": 1, "hidden": False}
    more = {"expires_in_seconds": None, "immutable": False, "is_manifest_list": False}
    state = fake.state()
    for organization in state["organizations"]:
        if organization["name"] == "acme":
            organization["repositories"][0]["tags"] = [{**tag, **more}]
    fake = Quay(state)
    old = {"method": "creation_date", "value": "3d"}
    some = [{"organizations": ["acme"], "policies": [COUNT]}, {"repositories": ["acme/*"], "policies": [old]}]
    result = run(fake, declarations=some, min_keep=1, on_limit="skip")
    assert set(result["left_out"]) == {"acme", "acme/app"} and result["plan"]["changed"] == 2
    assert fake.policies("repository", "acme/app") == [] == fake.policies("organization", "acme")
    paths = Counter(entry["path"] for entry in fake.requests if entry["method"] == "GET")
    assert max(paths.values()) == 1, paths.most_common(3)
