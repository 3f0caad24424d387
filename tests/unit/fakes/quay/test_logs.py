# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage logs of the fake: what is written, who may read it, how it is cut into days and pages."""

from __future__ import annotations

import time

import pytest
import requests
from fakes.mount import mounted
from fakes.quay import Quay

URL = "https://quay.test/api/v1"
KINDS = [
    f"{verb}_{scope}_autoprune_policy"
    for scope in ("namespace", "repository")
    for verb in ("create", "update", "delete")
]


@pytest.fixture
def fake():
    scopes = ["org:admin", "repo:admin", "user:admin"]
    owner = {"name": "alice", "tokens": [{"as": "alice", "token": "t-alice", "scopes": scopes}]}
    other = {"name": "bob", "tokens": [{"as": "bob", "token": "t-bob", "scopes": scopes}]}
    repositories = [{"name": "app", "permissions": [{"user": "bob", "role": "admin"}]}, {"name": "lib"}]
    space = {"name": "acme", "admins": ["alice"], "repositories": repositories}
    fake = Quay({"users": [owner, other], "organizations": [space]})
    with mounted(fake, "https://quay.test"):
        yield fake


def call(method, path, user="alice", **more):
    return requests.request(method, f"{URL}/{path}", headers={"Authorization": f"Bearer t-{user}"}, timeout=9, **more)


def entries(path, user="alice", **query):
    """Return the entries of all pages, and how many each page has."""
    found, sizes = [], []
    while True:
        page = call("GET", path, user, params=query).json()
        found += page["logs"]
        sizes.append(len(page["logs"]))
        if "next_page" not in page:
            return found, sizes
        query["next_page"] = page["next_page"]


def test_all_six_changes_of_policies_are_in_the_log_of_the_organization_and_three_in_that_of_the_repository(fake):
    for scope in ("organization/acme", "repository/acme/app"):
        body = {"method": "creation_date", "value": "7d", "tagPattern": "^dev-"}
        uuid = call("POST", f"{scope}/autoprunepolicy/", json=body).json()["uuid"]
        assert call("PUT", f"{scope}/autoprunepolicy/{uuid}", json=dict(body, value="9d")).status_code == 204
        assert call("DELETE", f"{scope}/autoprunepolicy/{uuid}").status_code == 200
    found, _sizes = entries("organization/acme/logs")
    assert [one["kind"] for one in found] == KINDS[::-1]
    last, changed = found[0], found[1]
    assert changed["metadata"]["value"] == "9d" and changed["metadata"]["tag_pattern"] == "^dev-"
    assert set(last["metadata"]) >= {"policy_uuid", "namespace", "repo"} and "method" not in last["metadata"]
    assert last["performer"]["name"] == "alice" and last["datetime"].endswith("-0000")
    assert [one["kind"] for one in entries("repository/acme/app/logs")[0]] == KINDS[:2:-1]
    assert entries("repository/acme/lib/logs")[0] == []


def test_who_may_read_which(fake):
    for path in ("logs", "aggregatelogs"):
        assert call("GET", f"organization/acme/{path}", "bob").status_code == 403
        assert call("GET", f"organization/unknown/{path}").status_code == 403
        assert call("GET", f"repository/acme/app/{path}", "bob").status_code == 200
        assert call("GET", f"repository/acme/lib/{path}", "bob").status_code == 403
        assert call("GET", f"repository/acme/gone/{path}").status_code == 404
        assert call("GET", f"user/{path}").status_code == 200
        assert call("GET", f"organization/alice/{path}").status_code == 200, "the user's own namespace"
        assert requests.get(f"{URL}/organization/acme/{path}", timeout=9).status_code == 401
    fake.tokens["t-alice"]["scopes"] = ["repo:admin"]
    assert call("GET", "organization/acme/logs").status_code == 403
    assert call("GET", "user/logs").status_code == 403


def test_the_last_page_is_an_empty_one_and_unknown_tokens_mean_the_first(fake):
    for number in range(45):
        fake.add_log("pull_repo", "acme", {"number": number})
    found, sizes = entries("organization/acme/logs")
    assert sizes == [20, 20, 5, 0] and [one["metadata"]["number"] for one in found] == list(range(44, -1, -1))
    again = call("GET", "organization/acme/logs", params={"next_page": "unknown"}).json()
    assert again["logs"] == found[:20] and again["next_page"]
    assert entries("repository/acme/app/logs")[1] == [0]


def test_times_are_days_and_anything_else_means_yesterday_and_today(fake):
    for days in range(5):
        fake.add_log("pull_repo", "acme", {"days": days}, at=fake.now() - days * 86400)

    def day(ago):
        return time.strftime("%m/%d/%Y", time.gmtime(fake.now() - ago * 86400))

    def shown(**query):
        return [one["metadata"]["days"] for one in entries("organization/acme/logs", **query)[0]]

    assert shown(starttime=day(3), endtime=day(1)) == [1, 2, 3]
    assert shown(starttime="2026-11-01", endtime="now")[:1] == [0] and 3 not in shown(starttime="2026-11-01")
    assert call("GET", "organization/acme/logs", params={"starttime": day(0), "endtime": day(5)}).status_code == 400
    counts = call("GET", "organization/acme/aggregatelogs", params={"starttime": day(3), "endtime": day(1)}).json()
    assert [(one["kind"], one["count"]) for one in counts["aggregated"]] == [("pull_repo", 1)] * 3
    refused = call("GET", "organization/acme/aggregatelogs", params={"starttime": day(40), "endtime": day(0)})
    assert refused.status_code == 400 and "Invalid date range" in refused.text


def test_without_the_feature_there_are_no_counts(fake):
    fake.switches["AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert call("GET", "organization/acme/aggregatelogs").headers["Content-Type"].startswith("text/html")
    assert call("GET", "repository/acme/app/aggregatelogs").status_code == 404
