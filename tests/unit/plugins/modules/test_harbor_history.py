# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Harbor's audit log and the logs of its garbage collections tell, in each version, and to whom."""

from __future__ import annotations

import contextlib

import pytest
import requests
from ansible_collections.registry.hygiene.plugins.plugin_utils import _history, _plans
from contract.clock import in_its_time
from contract.mounts import as_module
from fakes.harbor import Harbor
from fakes.mount import mounted

URL, PASSWORD = "https://harbor.test", "made-up-Secret1"
VERSIONS = ["2.6", "2.12", "2.13", "2.16"]
DIGEST = {name: "sha256:" + name * 64 for name in "abc"}


def harbor(version="2.16", *pairs, **more):
    """A Harbor with an artifact with a tag and two without, and a robot that may do what the pairs say."""
    artifacts = [
        {"digest": DIGEST[name], "size": 5000, "tags": [{"name": "v1"}] if name == "a" else [], "push_hours_ago": 50}
        for name in "abc"
    ]
    access = [{"resource": name, "action": verb} for name, verb in pairs]
    allowed = [{"kind": "system", "namespace": "/", "access": access}]
    fake = Harbor(
        {
            "users": [
                {"name": "admin", "password": PASSWORD, "sysadmin": True},
                {"name": "dora", "password": PASSWORD},
            ],
            "robots": [{"name": "robot$cleaner", "secret": PASSWORD, "permissions": allowed}],
            "projects": [
                {"name": "acme", "repositories": [{"name": "team/app", "artifacts": artifacts}]},
                {"name": "own", "members": [{"user": "dora", "role": "projectAdmin"}]},
            ],
            "old_audit_rows": [{"operation": "pull", "age_hours": 90, "count": 1}],
            **more,
        }
    )
    fake.switches["version"] = version
    return fake


def run(fake, module="harbor_history_info", user="admin", **options):
    with contextlib.ExitStack() as stack:
        stack.enter_context(in_its_time(fake))
        stack.enter_context(mounted(fake, URL))
        fake.clear()
        access = {"harbor_url": URL, "harbor_username": user, "harbor_password": PASSWORD}
        return as_module(module, {**access, **options})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_garbage_collection_names_the_untagged_artifacts_and_what_it_counts(version):
    fake = harbor(version)
    done = run(fake, "harbor_gc_execution", delete_untagged=True, wait=True)
    assert done["changed"] and not done.get("failed"), done
    found = run(fake)
    assert not found.get("failed"), found
    rows = sorted((row["target"], row["tag"], row["digest"], row["because"]) for row in found["history"])
    assert rows == [("acme/team/app", None, DIGEST[name], "garbage collection") for name in "bc"]
    assert (
        {row["run"] for row in found["history"]} == {done["execution"]["id"]} == {run["run"] for run in found["runs"]}
    )
    assert (found["runs"][0]["deleted"] is None) == (version in ("2.6",))  # numbers came with 2.9
    assert run(fake, exclude=["acme/*"])["count"] == 0 == run(fake, repositories=["own/*"])["count"]
    assert run(fake, repositories=["acme/team/*"])["count"] == 2


def test_a_dry_run_deletes_nothing_and_says_so():
    fake = harbor()
    run(fake, "harbor_gc_execution", delete_untagged=True, dry_run=True, wait=True)
    found = run(fake)
    assert found["count"] == 0
    assert [(one["status"], one["deleted"], one["bytes"]) for one in found["runs"]] == [
        ("Success (dry run)", None, None)
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_people_delete_is_in_the_audit_log(version):
    fake = harbor(version)
    place = f"{URL}/api/v2.0/projects/acme/repositories/team%252Fapp/artifacts/{DIGEST['a']}"
    with mounted(fake, URL):
        for path in ("/tags/v1", ""):
            assert requests.delete(place + path, auth=("admin", PASSWORD), timeout=9).status_code == 200
    rows = [(row["target"], row["tag"], row["digest"]) for row in run(fake, parts=["audit_log"])["history"]]
    assert len(rows) == 2 and {*rows} == {("acme/team/app", "v1", None), ("acme/team/app", None, DIGEST["a"])}


@pytest.mark.parametrize("version", VERSIONS)
def test_who_does_not_see_the_audit_log_is_told_and_gets_the_rest(version):
    pairs = [(name, verb) for name in ("garbage-collection", "purge-audit") for verb in ("list", "read")]
    fake = harbor(version, *pairs)
    with mounted(fake, URL):
        place = f"{URL}/api/v2.0/projects/acme/repositories/team%252Fapp/artifacts/{DIGEST['b']}"
        requests.delete(place, auth=("admin", PASSWORD), timeout=9)
    run(fake, "harbor_gc_execution", delete_untagged=True, wait=True)
    found = run(fake, user="robot$cleaner")
    assert found["failed"] and list(found["failures"]) == ["audit_log"]
    assert "audit-log:list" in found["failures"]["audit_log"]
    assert [row["because"] for row in found["history"]] == ["garbage collection"]
    assert not run(harbor(version, *pairs, ("audit-log", "list")), user="robot$cleaner").get("failed")


def test_a_log_that_is_gone_is_told():
    extra = {"delete_untagged": True, "delete_tag": False, "dry_run": False, "workers": 1}
    ended = {"vendor_type": "GARBAGE_COLLECTION", "trigger": "MANUAL", "status": "Success", "extra_attrs": extra}
    fake = harbor(executions=[{**ended, "start_seconds_ago": 3600, "duration_seconds": 4}])
    found = run(fake)
    assert not found.get("failed") and "cannot be read" in found["truncated"][0] and "log" in found["warnings"][0]


def test_thousands_of_rows_are_read_page_by_page():
    of = {"username": "dora", "resource": f"acme/team/app@{DIGEST['a']}"}
    fake = harbor(audit_rows=[{"event_type": "delete_artifact", "age_hours": 2, "count": 1234, "of": of}])
    found = run(fake, parts=["audit_log"], limit=3)
    assert found["count"] == 1234 and len(found["history"]) == 3
    assert found["repositories"] == [{"target": "acme/team/app", "count": 1234}]


def test_the_plan_of_a_garbage_collection_comes_true(tmp_path):
    fake, path = harbor(), tmp_path / "plan.json"
    run(fake, "harbor_gc_execution", delete_untagged=True, wait=True, plan_file=str(path))
    seen = _history.registry("one", [run(fake)], _plans.readable([str(path)]), lambda path: None)["comparison"]
    assert {(one["target"], one["digest"]) for one in seen["gone"]} == {
        ("acme/team/app", DIGEST[name]) for name in "bc"
    }
    assert seen["unforeseen"] == seen["unseen"] == []


RULE = {"template": "latestPushedK", "value": 1, "tag_selectors": [{"decoration": "matches", "pattern": "v*"}]}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_of_tag_retention_names_what_it_deleted_once(version):
    fake = harbor(version)
    assert run(
        fake, "harbor_retention_policy", projects=["acme"], rules=[{**RULE, "template": "always", "value": None}]
    )
    rules = [{**RULE, "tag_selectors": [{"decoration": "matches", "pattern": "none*", "untagged": False}]}]
    stored = run(fake, "harbor_retention_policy", projects=["acme"], rules=rules)
    assert stored["changed"] and not stored.get("failed"), stored
    dry = run(fake, "harbor_retention_execution", projects=["acme"], wait=True)
    assert not dry.get("failed"), dry
    found = run(fake)
    assert found["history"] == [] and found["runs"][0]["status"].endswith("(dry run)")
    assert found["runs"][0]["deleted"] is None
    done = run(fake, "harbor_retention_execution", projects=["acme"], dry_run=False, wait=True)
    assert done["changed"] and not done.get("failed"), done
    found = run(fake)
    assert not found.get("failed") and not found["truncated"], found
    rows = sorted((row["target"], row["tag"] or "", row["digest"], row["because"]) for row in found["history"])
    tags = {"a": "v1", "b": "", "c": ""}
    assert rows == sorted(("acme/team/app", tags[name], DIGEST[name], "tag retention") for name in "abc")
    assert found["count"] == 3 and found["runs"][0]["deleted"] == 3 and found["runs"][0]["target"] == "acme"
    assert run(fake, parts=["retention"], exclude=["acme/*"])["count"] == 0
    assert run(fake, parts=["audit_log"])["count"] >= 3  # the audit log has them, too, without saying why


def test_projects_whose_retention_cannot_be_read_are_told():
    fake = harbor("2.16", ("project", "list"))
    run(fake, "harbor_retention_policy", projects=["acme"], rules=[RULE])
    answer = {"errors": [{"code": "FORBIDDEN", "message": "forbidden"}]}
    fake.faults.append({"method": "GET", "path": "/retentions/", "status": 403, "body": answer, "times": 9})
    found = run(fake, parts=["retention"])
    assert found["failed"] and "403" in found["msg"]
    run(fake, "harbor_retention_policy", projects=["own"], rules=[RULE])
    fake.faults[:] = [{"method": "GET", "path": "/retentions/1/", "status": 403, "body": answer, "times": 9}]
    found = run(fake, parts=["retention"])
    assert not found.get("failed") and "1 project cannot be read" in found["truncated"][0]
