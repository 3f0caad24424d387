# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live Quay was seen to do where its API says less or other than its worker does."""

from __future__ import annotations

import json

import pytest
from fakes.quay import Quay
from werkzeug.test import Client

DAY = 86400
OLD = {"method": "creation_date", "value": "2d"}
ACME, REPOSITORY = "organization/acme", "repository/acme/app"
SCOPES = {"organization": (ACME, "acme"), "repository": (REPOSITORY, "acme/app")}


def tag(name, days, **more):
    return {"name": name, "digest": f"sha256:{name:0>64}", "age_seconds": days * DAY + 11, **more}


def fake(*repositories, features=None, **more):
    acme = {"name": "acme", "admins": ["alice"], "repositories": list(repositories), **more}
    return Quay({"features": features or {}, "users": [user("alice"), user("root", True)], "organizations": [acme]})


def user(name, superuser=False):
    token = {"as": name, "token": f"made-up-{name}", "scopes": ["org:admin", "repo:admin", "super:user"]}
    return {"name": name, "superuser": superuser, "tokens": [token]}


def dumped(quay):
    """Returns a fake made of the state of another."""
    return Quay(json.loads(json.dumps(quay.state())))


def send(quay, method, path, body=None, who="alice"):
    headers = {"Authorization": f"Bearer made-up-{who}"}
    return Client(quay).open(
        f"/api/v1/{path}", method=method, headers=headers, **({} if body is None else {"json": body})
    )


def policies(quay, path):
    return send(quay, "GET", f"{path}/autoprunepolicy/").json["policies"]


NULL = [
    {**OLD, "tagPattern": "^v", "tagPatternMatches": None},
    {**OLD, "tag_pattern": "^v", "tag_pattern_matches": None},
]


@pytest.mark.parametrize("policy", NULL, ids=["as the API writes it", "as the database writes it"])
@pytest.mark.parametrize("scope", SCOPES)
def test_null_beside_a_pattern_is_shown_and_inverts_it(scope, policy):
    path, name = SCOPES[scope]
    held = {"organization": [], "repository": [], scope: [policy]}
    repository = {"name": "app", "tags": [tag("v1", 5), tag("dev", 4), tag("new", 1)], "policies": held["repository"]}
    quay = dumped(fake(repository, policies=held["organization"]))
    [shown] = policies(quay, path)
    assert (shown["tagPattern"], shown["tagPatternMatches"]) == ("^v", None)
    assert send(quay, "GET", f"{path}/autoprunepolicy/{shown['uuid']}").json == shown
    quay.tick()
    assert quay.tags("acme/app") == ["new", "v1"]
    assert quay.policies(scope, name) == [shown]


def test_null_is_another_policy_than_true_and_put_ends_it():
    quay = fake({"name": "app", "tags": [tag("v1", 5), tag("dev", 4)]}, policies=[NULL[0]])
    path = f"{ACME}/autoprunepolicy/"
    [shown] = policies(quay, ACME)
    assert send(quay, "POST", path, {**OLD, "tagPattern": "^v"}).status_code == 201
    assert send(quay, "DELETE", path + policies_with(quay, True)["uuid"]).status_code == 200
    assert send(quay, "PUT", path + shown["uuid"], {**OLD, "tagPattern": "^v"}).status_code == 204
    quay.tick()
    assert quay.tags("acme/app") == ["dev"]


def policies_with(quay, matches):
    return next(policy for policy in policies(quay, ACME) if policy["tagPatternMatches"] is matches)


def test_null_without_a_pattern_means_nothing():
    quay = fake({"name": "app", "tags": [tag("v1", 5), tag("new", 1)]}, policies=[{**OLD, "tagPatternMatches": None}])
    quay.tick()
    assert quay.tags("acme/app") == ["new"]


@pytest.mark.parametrize("shown", [True, False])
def test_immutable_tags_are_spared_whether_the_api_shows_them_or_not(shown):
    tags = [tag("pinned", 9, immutable=True), tag("old", 8), tag("new", 1)]
    quay = dumped(fake({"name": "app", "tags": tags}, features={"IMMUTABLE_TAGS": shown}, policies=[OLD]))
    assert Client(quay).get("/config").json["features"]["IMMUTABLE_TAGS"] is shown
    rows = send(quay, "GET", f"{REPOSITORY}/tag/?onlyActiveTags=true").json["tags"]
    assert [row.get("immutable") for row in rows] == ([False, False, True] if shown else [None] * 3)
    quay.tick()
    assert quay.tags("acme/app") == ["new", "pinned"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_disabled_organization_takes_no_policies_and_is_not_pruned(scope):
    path, name = SCOPES[scope]
    where = f"{path}/autoprunepolicy/"
    repository = {"name": "app", "tags": [tag("old", 9)], "policies": [OLD]}
    quay = dumped(fake(repository, features={"SUPERUSERS_FULL_ACCESS": True}, enabled=False, policies=[OLD]))
    [stored] = policies(quay, path)
    unknown = send(quay, "POST", where.replace("acme", "nosuch"), OLD, who="root")
    assert (unknown.status_code, unknown.json["error_type"]) == (404, "not_found")
    for body in (OLD, {**OLD, "value": "7d"}, {**OLD, "value": "nonsense"}):
        for method, target in (("POST", where), ("PUT", where + stored["uuid"])):
            answer = send(quay, method, target, body)
            assert (answer.status_code, answer.json) == (404, unknown.json)
    assert send(quay, "POST", where, {}).status_code == 400
    assert quay.policies(scope, name) == [stored]
    quay.tick(force=True)
    assert quay.tags("acme/app") == ["old"]
    assert send(quay, "DELETE", where + stored["uuid"]).status_code == 200
    quay.namespaces["acme"]["enabled"] = True
    assert send(quay, "POST", where, OLD).status_code == 201
    quay.tick()
    assert quay.tags("acme/app") == []


@pytest.mark.parametrize("state", ["MIRROR", "READ_ONLY"])
def test_a_policy_of_its_own_on_a_repository_that_is_not_normal_stops_the_whole_namespace(state):
    odd = {"name": "odd", "state": state, "tags": [tag("old", 9)]}
    quay = dumped(fake(odd, {"name": "app", "tags": [tag("old", 9)], "policies": [OLD]}))
    assert send(quay, "POST", "repository/acme/odd/autoprunepolicy/", OLD).status_code == 201
    for _pass in range(2):
        assert quay.tick(force=True)["namespaces"][0]["error"]
        assert (quay.tags("acme/odd"), quay.tags("acme/app")) == (["old"], ["old"])
    uuid = policies(quay, "repository/acme/odd")[0]["uuid"]
    assert send(quay, "DELETE", f"repository/acme/odd/autoprunepolicy/{uuid}").status_code == 200
    assert quay.tick(force=True)["namespaces"][0]["error"] is None
    assert (quay.tags("acme/odd"), quay.tags("acme/app")) == (["old"], [])
