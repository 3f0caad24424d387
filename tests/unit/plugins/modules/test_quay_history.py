# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Quay's logs do to who reads them: many pages, counts, lost entries, and what the worker writes."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from contract.clock import in_its_time
from contract.mounts import as_module
from fakes.mount import mounted
from fakes.quay import Quay

URL, TOKEN = "https://quay.test", "made-up-token-of-alice"
SCOPES = ["org:admin", "repo:admin", "repo:write", "user:admin", "user:read"]
DAY = 86400


def tag(name, days):
    return {"name": name, "digest": "sha256:" + "a" * 64, "age_seconds": days * DAY}


def made(**more):
    """A Quay with 300 tags that are due, in two repositories, and some in the user's own."""
    due = [tag(f"dev-{number:03}", 40) for number in range(150)]
    return Quay(
        {
            "users": [{"name": "alice", "tokens": [{"as": "alice", "token": TOKEN, "scopes": SCOPES}]}],
            "organizations": [
                {
                    "name": "acme",
                    "admins": ["alice"],
                    "repositories": [{"name": name, "tags": [*due, tag("v1", 1)]} for name in ("app", "team/app")],
                }
            ],
            "user_repositories": [{"owner": "alice", "name": "notes", "tags": [tag("old", 40)]}],
            **more,
        }
    )


def run(fake, module="quay_history_info", check_mode=False, **options):
    with contextlib.ExitStack() as stack:
        stack.enter_context(in_its_time(fake))
        stack.enter_context(mounted(fake, URL))
        fake.clear()
        return as_module(module, {"quay_url": URL, "quay_token": TOKEN, **options}, check_mode)


def pruned(fake, **target):
    """Declare a policy, and let the worker work."""
    policies = [{"method": "creation_date", "value": "30d", "tag_pattern": "^dev-"}]
    done = run(fake, "quay_autoprune_policy", policies=policies, **(target or {"organizations": ["acme"]}))
    assert done["changed"] and not done.get("failed"), done
    return fake.tick(force=True)


def pages(fake):
    return [one["path"] for one in fake.requests if "/logs" in one["path"]]


def test_history_names_exactly_what_the_worker_pruned_over_many_pages():
    fake = made()
    gone = {(one["repository"], one["tag"]) for space in pruned(fake)["namespaces"] for one in space["pruned"]}
    found = run(fake, organizations=["acme"])
    assert len(gone) == 300 == found["count"] and len(pages(fake)) >= 300 // 20
    assert {(one["target"], one["tag"]) for one in found["history"]} == gone
    assert {one["because"] for one in found["history"]} == {"auto-prune"}
    assert [one["what"] for one in found["changes"]] == ["policy created: older than 30d, ^dev-"]
    assert found["changes"][0]["by"] == "alice" and found["truncated"] == []
    assert found["repositories"] == [{"target": name, "count": 150} for name in ("acme/app", "acme/team/app")]
    one = run(fake, repositories=["acme/team/app"])
    assert one["count"] == 150 and {row["target"] for row in one["history"]} == {"acme/team/app"}


def test_the_users_own_namespace_has_a_log_as_well():
    fake = made()
    policies = [{"method": "creation_date", "value": "30d"}]
    assert run(fake, "quay_autoprune_policy", current_user=True, policies=policies)["changed"]
    fake.tick(force=True)
    found = run(fake, current_user=True)
    assert [(one["target"], one["tag"]) for one in found["history"]] == [("alice/notes", "old")]


def test_where_quay_counts_nothing_no_page_is_read():
    fake = made()
    for _number in range(500):
        fake.add_log("pull_repo", "acme", {"namespace": "acme", "repo": "app", "tag": "v1"})
    found = run(fake, organizations=["acme"])
    assert found["count"] == 0 and pages(fake) == [] and len(fake.requests) == 1


def test_without_counts_the_pages_are_read_all_the_same():
    fake = made()
    pruned(fake)
    fake.switches["AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert run(fake, organizations=["acme"])["count"] == 300
    assert run(fake, repositories=["acme/app"])["count"] == 150
    assert run(fake, organizations=["acme"], since="90d")["count"] == 300  # more than a month: nothing is counted


def test_the_days_that_are_asked_for_hold_the_window():
    fake = made()
    pruned(fake)
    run(fake, organizations=["acme"], since="36h")
    query = parse_qs(urlsplit(pages(fake)[0]).query)
    assert set(query) == {"starttime", "endtime"} and all(len(text[0]) == len("11/30/2026") for text in query.values())
    fake.advance(2 * DAY)
    assert run(fake, organizations=["acme"], since="36h")["count"] == 0
    assert run(fake, organizations=["acme"], since="3d")["count"] == 300


@pytest.mark.parametrize("switch", [{"log_seconds": True}, {"ACTION_LOG_MAX_PAGE": 3}])
def test_entries_that_quay_counts_and_does_not_show_are_missed(switch):
    fake = made()
    fake.switches.update(switch)
    pruned(fake)
    for number, entry in enumerate(fake.log):  # seven within each second
        entry["at"] += number // 7 - 60
    found = run(fake, organizations=["acme"])
    assert 0 < found["count"] < 300 and not found.get("failed")
    assert "acme: Quay counts 301 entries" in found["truncated"][0]
    assert "not all is known: acme: Quay counts 301" in found["warnings"][0]


def test_a_log_that_starts_over_is_an_error_and_no_endless_loop():
    fake = made()
    pruned(fake)
    fake._log_token = lambda text: {}  # as after two days: the first page again, under a new token
    found = run(fake, organizations=["acme"])
    assert found["failed"] and "starts over" in found["msg"] and len(fake.requests) < 5


def test_who_lacks_the_right_is_told_and_never_an_empty_history():
    fake = made()
    fake.tokens[TOKEN]["scopes"] = ["repo:read"]
    for options in ({"organizations": ["acme"]}, {"repositories": ["acme/app"]}, {"current_user": True}):
        found = run(fake, **options)
        assert found["failed"] and "answered 403" in found["msg"] and "scope" in found["msg"]
    assert run(fake, organizations=["unknown"])["failed"]


def test_hostile_entries_of_other_kinds_do_no_harm_and_those_that_matter_are_checked():
    fake = made()
    pruned(fake)
    fake.add_log("push_repo", "acme", {"namespace": ["x"], "repo": {"y": 1}, "tag": 7})
    assert run(fake, organizations=["acme"])["count"] == 300
    fake.add_log("delete_tag", "acme", {"namespace": "acme", "repo": "app", "tag": "\x1b[31mred"})
    found = run(fake, organizations=["acme"])
    assert found["count"] == 301 and found["history"][0]["tag"] == "\x1b[31mred"
    fake.add_log("delete_tag", "acme", {"namespace": "acme", "repo": ["app"], "tag": "t"})
    found = run(fake, organizations=["acme"])
    assert found["failed"] and "in a form that is not known" in found["msg"]


def test_what_auto_prune_does_is_not_in_logs_that_are_read_from_elsewhere():
    fake = made()
    pruned(fake)
    fake.switches["LOGS_MODEL"] = "elasticsearch"
    assert run(fake, organizations=["acme"])["count"] == 0


def test_what_people_delete_is_told_with_who_it_was():
    fake = made()
    for path in ("repository/acme/app/tag/v1", "repository/acme/team/app"):
        with mounted(fake, URL):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert requests.delete(f"{URL}/api/v1/{path}", headers=headers, timeout=9).status_code == 204
    rows = [(row["target"], row["tag"], row["because"]) for row in run(fake, organizations=["acme"])["history"]]
    assert rows == [
        ("acme/team/app", None, "repository deleted by alice"),
        ("acme/app", "v1", "deleted by alice"),
    ]
