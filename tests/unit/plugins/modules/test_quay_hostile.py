# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Quay whose answers are broken or hostile: each of them is a failure with a reason, and nothing is written."""

from __future__ import annotations

import copy

import pytest
import requests
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract.mounts import WAYS, as_module
from contract.quay_rows import QUAY_TOKEN, quay
from fakes.mount import mounted
from fakes.quay import Quay

URL = "https://quay.test"
ONE, GLOB = {"repositories": ["acme/app"]}, {"repositories": ["acme/*"]}
# What is asked for, by a task that asks for it: a part of the path, a path that gives an honest answer, the options.
PLACES = {
    "config": ("^/config$", "/config", ONE),
    "list": (r"/repository\?", "/api/v1/repository?namespace=acme", GLOB),
    "state": (r"\?includeTags", "/api/v1/repository/acme/app?includeTags=false", ONE),
    "policies": ("/acme/app/autoprunepolicy/", "/api/v1/repository/acme/app/autoprunepolicy/", ONE),
    "policies above": ("/acme/autoprunepolicy/", "/api/v1/organization/acme/autoprunepolicy/", ONE),
    "policies below": (
        "/team/app/autoprunepolicy/",
        "/api/v1/repository/acme/team/app/autoprunepolicy/",
        {"organizations": ["acme"]},
    ),
    "policies of the user": (
        "/user/autoprunepolicy/",
        "/api/v1/user/autoprunepolicy/",
        {"current_user": True},
    ),
    "tags": ("/tag/", "/api/v1/repository/acme/app/tag/?onlyActiveTags=true", ONE),
    "organization": ("/organization/acme$", "/api/v1/organization/acme", {"organizations": ["acme"]}),
    "user": ("/user/$", "/api/v1/user/", {"organizations": ["*"]}),
}
# Of each field that is used: where it is, and what it cannot be.
NO_TEXT = [None, 7, True, [], {}]
NO_NAME = [*NO_TEXT, "", ".", "..", "a b", " a", "a\nb", "a\x1b[31m", "a\u202eb", "x" * 300]
NO_FLAG = [7, "true", [], {}]
NO_LIST = [None, 7, "x", {}, True]
NO_TIME = [-1, 1.5, True, "7", [], {}, 10**15]
NO_POLICY = [
    (["policies"], NO_LIST),
    (["policies"], [[{}], [None], [[]], [{"uuid": "1", "method": "x", "value": 1}] * 1001]),
    (["policies", 0, "uuid"], [*NO_TEXT, "", "a/b", "..", "a\n", "a?b", "x" * 65]),
    (["policies", 0, "method"], [*NO_TEXT, "x" * 101]),
    (["policies", 0, "value"], [None, True, 1.5, [], {}, "9" * 1001]),
    (["policies", 0, "tagPattern"], [7, True, [], {}]),
    (["policies", 0, "tagPatternMatches"], NO_FLAG),
]
FIELDS = {
    "config": [
        (["features"], NO_LIST[:3] + [[]]),
        (["features", "AUTO_PRUNE"], NO_FLAG),
        (["config"], [7, "x", [], True]),
        (["config", "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY"], [7, "x", [], True]),
        (["config", "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY", "method"], [[], {}]),
        (["config", "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY", "value"], [[], {}]),
        (["config", "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY", "tag_pattern"], [[], {}]),
        (["config", "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY", "tag_pattern_matches"], [[], {}]),
    ],
    "list": [
        (["repositories"], NO_LIST),
        (["repositories", 0], [None, 7, [], {}]),
        (["repositories", 0, "namespace"], [*NO_NAME, "acme/team", "rivals", "ACME"]),
        (["repositories", 0, "name"], [*NO_NAME, "a/../b", "/a", "a/", "a//b", "a/.", "a?b", "a#b", "a%2fb", "*"]),
        (["repositories", 0, "state"], [*NO_TEXT, "", "normal", "A B"]),
        (["next_page"], [7, True, [], {}, "x" * 5000]),
    ],
    "state": [(["state"], [*NO_TEXT, "", "normal"])],
    "policies": NO_POLICY,
    "policies above": NO_POLICY,
    "policies below": NO_POLICY,
    "policies of the user": NO_POLICY,
    "tags": [
        (["has_additional"], [None, *NO_FLAG]),
        (["tags"], NO_LIST),
        (["tags", 0], [None, 7, [], {}]),
        (["tags", 0, "name"], [*NO_NAME, "a/b"]),
        (["tags", 0, "start_ts"], [None, *NO_TIME]),
        (["tags", 0, "end_ts"], NO_TIME),
        (["tags", 0, "manifest_digest"], [*NO_TEXT, "", "abc", "sha256:a b", "sha256:\n"]),
        (["tags", 0, "size"], [-1, "7", [], 10**29, True]),
        (["tags", 0, "immutable"], NO_FLAG),
    ],
    "organization": [(["name"], NO_NAME), (["is_admin"], [None, *NO_FLAG])],
    "user": [
        (["username"], NO_NAME),
        (["organizations"], NO_LIST),
        (["organizations", 0], [None, 7, [], {}]),
        (["organizations", 0, "name"], [*NO_NAME, "a/b"]),
        (["organizations", 0, "is_org_admin"], NO_FLAG),
    ],
}
BODIES = {
    "HTML": "<html><body>Welcome</body></html>",
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a text": '"x"',
    "a number": "7",
    "an empty object": "{}",
    "deep": "[" * 100000 + "]" * 100000,
    "deep objects": '{"a":' * 100000 + "1" + "}" * 100000,
    "a long number": '{"policies": [], "repositories": [], "tags": [], "features": {}, "x": ' + "9" * 5000 + "}",
    "half a character": '{"policies": [], "repositories": [], "tags": [], "features": {}, "x": "\\ud800"}',
    "no number": '{"policies": [], "repositories": [], "tags": [], "features": {}, "x": NaN}',
    "half": '{"policies": [',
}


def estate():
    state = quay().state()
    row = {"name": "v1", "digest": "sha256:" + "a" * 64, "age_seconds": 99, "size": 7, "expires_in_seconds": 9999}
    tag = {**row, "immutable": False, "hidden": False, "is_manifest_list": False}
    state["organizations"][0]["repositories"][0]["tags"] = [tag]
    state["default_policy"] = {"method": "number_of_tags", "value": 99}
    fake = Quay(state)
    fake.add_policy("user", "alice", {"method": "number_of_tags", "value": 7})
    fake.add_policy("repository", "acme/app", {"method": "number_of_tags", "value": 7, "tagPattern": "^other"})
    return fake


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(wait, "pause", lambda seconds: None)


@pytest.fixture(scope="module")
def honest():
    """The honest answers at all places."""
    fake, found = estate(), {}
    with mounted(fake, URL):
        for place, (_pattern, path, _options) in PLACES.items():
            bearer = {"Authorization": f"Bearer {QUAY_TOKEN}"}
            found[place] = requests.get(URL + path, headers=bearer, timeout=9).json()
    # An organization without policies: what the page of the one that has some looks like is known from others.
    found["policies above"] = found["policies"]
    return found


def run(fake, way=as_module, check_mode=False, **options):
    policy = {"method": "number_of_tags", "value": 50}
    limits = {"max_deletions": 1000, "policies": [policy], "retries": 1}
    with mounted(fake, URL):
        return way(
            "quay_autoprune_policy", {"quay_url": URL, "quay_token": QUAY_TOKEN, **limits, **options}, check_mode
        )


def replaced(body, place, value):
    """Return the body with another value at a place."""
    body = copy.deepcopy(body)
    there = body
    for key in place[:-1]:
        there = there[key]
    there[place[-1]] = value
    return body


def without_a_bug(result):
    return "bug" not in result.output and "Traceback" not in result.output


def test_every_place_is_asked_and_honest_answers_do(honest):
    for place, (pattern, _path, options) in PLACES.items():
        fake = estate()
        fake.faults.append({"path": pattern, "method": "GET", "status": 200, "times": 99, "body": honest[place]})
        result = run(fake, check_mode=place.startswith("policies"), **options)
        assert result["changed"] and not result.get("failed"), (place, result)
        assert not fake.faults or fake.faults[0]["times"] < 99, place


@pytest.mark.parametrize("place", FIELDS)
def test_a_field_that_cannot_be_is_a_failure_and_nothing_is_written(place, honest):
    pattern, _path, options = PLACES[place]
    for field, values in FIELDS[place]:
        for value in values:
            fake = estate()
            body = replaced(honest[place], field, value)
            fake.faults.append({"path": pattern, "method": "GET", "status": 200, "times": 99, "body": body})
            result = run(fake, **options)
            assert result["failed"] and not result["changed"], (field, value, result)
            assert fake.writes == [] and without_a_bug(result), (field, value, result)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_cannot_be_is_a_failure_and_nothing_is_written(way, place, body):
    pattern, _path, options = PLACES[place]
    fake = estate()
    fake.faults.append({"path": pattern, "method": "GET", "status": 200, "times": 99, "text": BODIES[body]})
    result = run(fake, WAYS[way], **options)
    assert result["failed"] and not result["changed"], result
    assert fake.writes == [] and without_a_bug(result)


@pytest.mark.parametrize("value", [None, True, 1.5, -5, 10**29, "", "0d", "x" * 1000, "9" * 999 + "d"])
@pytest.mark.parametrize("method", ["number_of_tags", "creation_date", "else", None, 7])
def test_a_default_policy_that_nobody_checked_is_at_worst_uncertain(method, value):
    fake = estate()
    fake.switches["default_policy"] = {"method": method, "value": value}
    with mounted(fake, URL):
        options = {"quay_url": URL, "quay_token": QUAY_TOKEN, "policies": [{"method": "number_of_tags", "value": 50}]}
        result = as_module("quay_autoprune_policy", {**options, **ONE, "preview": True}, True)
    assert result["changed"] and not result.get("failed") and without_a_bug(result)


@pytest.mark.parametrize("body", BODIES)
def test_one_broken_answer_is_the_failure_of_its_target_alone(body):
    fake = estate()
    fake.faults.append({"path": "/team/app/autopr", "method": "GET", "status": 200, "times": 9, "text": BODIES[body]})
    with mounted(fake, URL):
        options = {"policies": [{"method": "number_of_tags", "value": 50}], "repositories": ["acme/*"]}
        result = as_module("quay_autoprune_policy", {"quay_url": URL, "quay_token": QUAY_TOKEN, **options})
    assert result["changed"] and list(result["failures"]) == ["acme/team/app"] and without_a_bug(result)
    assert result["changed_targets"] == ["acme/app", "acme/app-archive"]


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("body", BODIES)
def test_what_an_accepted_write_is_answered_with_does_not_matter(status, body):
    fake = estate()
    for method in ("POST", "PUT"):
        fake.faults.append({"method": method, "status": status, "after": True, "text": BODIES[body]})
    with mounted(fake, URL):
        options = {"policies": [{"method": "number_of_tags", "value": 50}], **ONE}
        result = as_module("quay_autoprune_policy", {"quay_url": URL, "quay_token": QUAY_TOKEN, **options})
    assert result["changed"] and not result.get("failed") and without_a_bug(result)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500])
@pytest.mark.parametrize("body", BODIES)
def test_the_words_of_a_refusal_may_be_anything(status, body):
    fake = estate()
    fake.faults.append({"method": "POST", "status": status, "times": 9, "text": BODIES[body]})
    result = run(fake, **ONE)
    assert result["failed"] and not result["changed"] and without_a_bug(result) and len(result["msg"]) < 2000
