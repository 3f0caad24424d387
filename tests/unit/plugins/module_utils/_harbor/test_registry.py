# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in to Harbor, and what its errors mean."""

from __future__ import annotations

import pytest
from contract import harbor_remotes
from contract.harbor_tasks import ADMIN, GC, PURGE, TYPES, changed, failed, harbor, keep, run, shown, stored

ROBOT = {"harbor_username": "robot$cleaner", "harbor_password": "Robot-Secret1"}
NIGHTLY = {"schedule": "daily", **TYPES}
FOLDER = {"purge-audit": "purge", "garbage-collection": "gc"}
BEGIN = {"purge": TYPES, "gc": {}}
# What a robot may not do -> the task that needs it.
NEEDS = [
    ("read", "schedule", {"state": "absent"}),
    ("update", "schedule", {"schedule": "daily"}),
    ("list", "execution", {"state": "started"}),
    ("create", "execution", {"state": "started"}),
    ("stop", "execution", {"state": "stopped"}),
]


def robot(*rights, **more):
    access = [{"resource": resource, "action": action} for resource, action in rights]
    permissions = [{"kind": "system", "namespace": "/", "access": access}]
    name = {"as": "cleaner", "name": "robot$cleaner", "secret": "Robot-Secret1", "level": "system"}
    return {**name, "permissions": permissions, **more}


@pytest.mark.parametrize("resource", FOLDER)
@pytest.mark.parametrize(("action", "what", "options"), NEEDS)
def test_a_robot_is_told_the_permission_that_it_lacks(resource, action, what, options):
    kind = FOLDER[resource]
    rights = [(resource, one) for one in ("read", "list", "create", "update", "stop") if one != action]
    fake = harbor(robots=[robot(*rights)])
    run(fake, f"harbor_{kind}_execution", **BEGIN[kind])
    options = {**BEGIN[kind], **options} if options.get("state") != "stopped" else options
    options = {**options, "dry_run": True} if action == "create" else options
    result = run(fake, f"harbor_{kind}_{what}", access=ROBOT, **options)
    failed(
        result,
        f"robot$cleaner lacks the right: a system administrator has it, and a system robot with {resource}:{action}",
    )
    assert not result["changed"]


POLICY = {"name": "p", "src_registry": {"name": "hub"}, "enabled": True}
REPLICATING = [
    ("registry:list", "harbor_registry", {"name": "hub"}),
    ("registry:create", "harbor_registry", {"name": "new", "type": "docker-registry", "url": "http://hub.test"}),
    ("registry:update", "harbor_registry", {"name": "hub", "description": "x"}),
    ("registry:delete", "harbor_registry", {"name": "limited", "state": "absent"}),
    ("registry:read", "harbor_registry_info", {"ping": True}),
    ("replication-policy:list", "harbor_replication_policy", {"name": "p"}),
    ("replication-policy:create", "harbor_replication_policy", {"name": "new", "src_registry": "hub"}),
    ("replication-policy:update", "harbor_replication_policy", {"name": "p", "description": "x"}),
    ("replication-policy:delete", "harbor_replication_policy", {"name": "p", "state": "absent"}),
    ("replication:list", "harbor_replication_execution", {"policies": ["p"]}),
    ("replication:create", "harbor_replication_execution", {"policies": ["p"]}),
    ("replication:read", "harbor_replication_info", {"id": 3}),
]


@pytest.mark.parametrize(("right", "module", "options"), REPLICATING, ids=[row[0] for row in REPLICATING])
def test_a_robot_is_told_what_it_lacks_to_replicate_and_needs_no_more_than_what_is_documented(right, module, options):
    resources = ("registry", "replication-policy", "replication")
    rights = [(resource, action) for resource in resources for action in ("read", "list", "create", "update", "delete")]
    for held in (rights, [one for one in rights if ":".join(one) != right]):
        fake = harbor_remotes.harbor(robots=[robot(*held)], replication_policies=[POLICY])
        fake.jobs.fail(fake.jobs.execution(harbor_remotes.REPLICATION, 1, "MANUAL", {}), "why")
        result = run(fake, module, access=ROBOT, **options)
        if held is rights:
            assert not result.get("failed"), result["msg"]
        else:
            failed(
                result, f"robot$cleaner lacks the right: a system administrator has it, and a system robot with {right}"
            )
            assert not result["changed"]


def test_a_robot_with_the_rights_needs_no_others():
    rights = [("purge-audit", action) for action in ("read", "update")]
    fake = harbor(robots=[robot(*rights)])
    changed(run(fake, "harbor_purge_schedule", access=ROBOT, **NIGHTLY))
    assert shown(fake)[0] == "Daily"


def test_a_robot_that_may_not_list_runs_can_still_manage_the_schedule_of_the_garbage_collection():
    fake = harbor(robots=[robot(*[("garbage-collection", action) for action in ("read", "update")])])
    keep(fake, GC, {"delete_untagged": False, "workers": 1})
    changed(run(fake, "harbor_gc_schedule", access=ROBOT, schedule="weekly"))


@pytest.mark.parametrize(
    ("access", "robots"),
    [
        ({"harbor_password": "wrong"}, []),
        ({"harbor_username": "nobody"}, []),
        (ROBOT, []),
        (ROBOT, [robot(("purge-audit", "read"), disabled=True)]),
        (ROBOT, [robot(("purge-audit", "read"), expired=True)]),
        ({**ROBOT, "harbor_username": "cleaner"}, [robot(("purge-audit", "read"))]),
    ],
)
@pytest.mark.parametrize("module", ["harbor_purge_schedule", "harbor_gc_execution", "harbor_purge_info"])
def test_wrong_credentials_are_one_request_and_a_plain_word(access, robots, module):
    fake = harbor(robots=robots)
    options = {} if module != "harbor_purge_schedule" else NIGHTLY
    failed(run(fake, module, access=access, **options), "harbor_username, harbor_password", "robot$", "not tried again")
    assert len(fake.requests) == 1


def test_credentials_that_end_within_a_task_are_not_tried_again():
    fake = harbor()
    fake.next("PUT", fake.accounts.users.clear)
    failed(run(fake, "harbor_purge_schedule", **NIGHTLY), "harbor_password")
    assert [entry["status"] for entry in fake.writes] == [401]


@pytest.mark.parametrize(
    ("username", "password"), [("", "x"), ("admin:", "x"), ("admin", ""), ("admin", "a\nb"), (" ", "x"), ("a\nb", "x")]
)
def test_what_can_be_no_credentials_is_refused_before_any_request(username, password):
    fake = harbor()
    access = {"harbor_username": username, "harbor_password": password}
    failed(run(fake, "harbor_purge_info", access=access), "harbor_")
    assert fake.requests == []


@pytest.mark.parametrize("password", ["pässwört ☃", "a:b:c", ' "quoted" \\ ', "%41"])
def test_any_password_that_can_be_typed_works(password):
    fake = harbor(users=[dict(ADMIN, password=password)])
    assert not run(fake, "harbor_purge_info", access={"harbor_password": password}).get("failed")


def test_the_read_only_mode_is_named():
    fake = harbor(configuration={"read_only": True})
    for module, options in (("harbor_purge_schedule", NIGHTLY), ("harbor_gc_execution", {})):
        result = failed(run(fake, module, **options), "The system is in read only mode", "Switch the read-only mode")
        assert not result["changed"]
    assert not run(fake, "harbor_purge_info").get("failed") and stored(fake) is None


def errors(code, message):
    return {"body": {"errors": [{"code": code, "message": message}]}}


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ({"status": 403, **errors("FORBIDDEN", "admin")}, ["admin lacks the right", "purge-audit:update"]),
        ({"status": 403, **errors("FORBIDDEN", "CSRF token invalid")}, ["adds cookies"]),
        ({"status": 403, "text": "<html>blocked</html>"}, ["not Harbor's own answer", "proxy or firewall"]),
        ({"status": 403, "body": {"message": "no"}}, ["not Harbor's own answer"]),
        ({"status": 404, **errors("NOT_FOUND", "path /api/v2.0/x was not found")}, ["harbor_url"]),
        ({"status": 404, "text": "<html>nothing here</html>"}, ["harbor_url"]),
        ({"status": 405, **errors("METHOD_NOT_ALLOWED", "method PUT is not allowed")}, ["does not offer it"]),
        ({"status": 400, **errors("BAD_REQUEST", "bad request: no")}, ["answered 400: bad request: no"]),
        (
            {
                "status": 422,
                **errors("UNPROCESSABLE_ENTITY", "validation failure list:\nvalidation failure list:\na\nb"),
            },
            ["answered 422: a; b"],
        ),
        (
            {"status": 500, "text": "", "headers": {"X-Request-Id": "abc-1"}},
            ["own log only", "X-Request-Id, abc-1"],
        ),
        ({"status": 500, **errors("UNKNOWN", "internal server error")}, ["internal server error", "its own log only"]),
        ({"status": 301, "headers": {"Location": "https://harbor.test/portal"}}, ["redirect"]),
    ],
)
def test_errors_are_told_apart(answer, texts):
    fake = harbor()
    fake.faults.append({"method": "PUT", "times": 9, **answer})
    result = failed(run(fake, "harbor_purge_schedule", **NIGHTLY), *texts)
    assert not result["changed"] and stored(fake, PURGE) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("v2.12.4-abc", "include_operations"),
        ("2.13", "include_event_types"),
        ("v2.16.0-rc1", "include_event_types"),
        ("v3.0.0", "include_event_types"),
        ("dev", "include_event_types"),
    ],
)
def test_versions_are_read_as_builds_write_them(text, key):
    fake = harbor(version="2.12" if key == "include_operations" else "2.16")
    fake.faults.append({"path": "systeminfo", "status": 200, "body": {"auth_mode": "db_auth", "harbor_version": text}})
    changed(run(fake, "harbor_purge_schedule", **NIGHTLY))
    assert key in stored(fake).parameters
