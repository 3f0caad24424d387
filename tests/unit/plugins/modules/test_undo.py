# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about taking changes back; test_contract.py has what all modules share that can."""

from __future__ import annotations

import contextlib
import json
import shlex

import pytest
from contract.clock import in_its_time
from contract.harbor_replication_rows import HARBOR_REPLICATION_ROWS, NEW
from contract.mounts import as_module
from contract.quay_rows import QUAY_SCOPES, QUAY_TOKEN
from contract.swr_rows import DATES, KEYS, SWR, TAGS, held, swr
from fakes.mount import mounted
from fakes.quay import Quay
from werkzeug.test import Client

DAY = 86400
URL = "https://quay.test"
OLD = [{"method": "creation_date", "value": "30d"}]


def quay(number=1, kept=14 * DAY):
    """A Quay whose organization has repositories with three tags each."""

    def tag(name, age):
        row = {"name": name, "digest": f"sha256:{name[-1] * 64}", "age_seconds": age * DAY, "size": 10}
        return {**row, "hidden": False, "immutable": False, "is_manifest_list": False}

    repositories = [
        {"name": f"app-{place}", "tags": [tag("v1", 1), tag("v2", 40), tag("v3", 50)]} for place in range(number)
    ]
    alice = {"name": "alice", "tokens": [{"as": "alice", "token": QUAY_TOKEN, "scopes": [*QUAY_SCOPES, "repo:write"]}]}
    acme = {"name": "acme", "admins": ["alice"], "members": [], "tag_expiration_s": kept, "repositories": repositories}
    return Quay({"features": {"AUTO_PRUNE": True}, "users": [alice], "organizations": [acme]})


def run(fake, check_mode=False, at=URL, module="quay_autoprune_policy", **options):
    fake.clear()
    access = {"quay_url": URL, "quay_token": QUAY_TOKEN} if module.startswith("quay") else {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(in_its_time(fake))
        stack.enter_context(mounted(fake, at))
        return as_module(module, {**access, **options}, check_mode)


def restored(fake, where, body):
    """Return the status of a request that restores a tag."""
    return Client(fake).post(where, json=body, headers={"Authorization": f"Bearer {QUAY_TOKEN}"}).status_code


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "plan.json")


def pruned(path, **more):
    """A Quay after a plan that made it delete two tags in each repository."""
    fake = quay(**more)
    run(fake, repositories=["acme/*"], policies=OLD, plan_file=path)
    fake.tick(force=True)
    return fake


def test_what_the_time_machine_has_is_named_with_the_request_that_brings_it_back(path):
    fake = pruned(path)
    assert fake.tags("acme/app-0") == ["v1"]
    fake.advance(DAY)
    for check_mode in (True, False):
        done = run(fake, check_mode, undo=path)
        assert done["changed"] and [write["method"] for write in fake.writes] == ([] if check_mode else ["DELETE"])
        assert "images that are deleted stay deleted: 2 images went, or may have" in done["diff"]["prepared"]
        assert "Quay's time machine still has 2 tags that went since." in done["diff"]["prepared"]
        found = done["restorable"]
        assert (found["count"], found["gone_count"]) == (2, 0)
        assert [(tag["target"], tag["tag"]) for tag in found["tags"]] == [("acme/app-0", "v2"), ("acme/app-0", "v3")]
        assert QUAY_TOKEN not in json.dumps(done)
    words = shlex.split(found["tags"][0]["command"])
    address, body = words[-1], words[words.index("-d") + 1]
    assert restored(fake, address[len(URL) :], json.loads(body)) == 200 and fake.tags("acme/app-0") == ["v2", "v1"]
    assert run(fake, undo=path)["restorable"]["count"] == 1


def test_what_is_beyond_the_time_machine_is_not_promised(path):
    fake = pruned(path, kept=2 * DAY)
    fake.advance(3 * DAY)
    late = run(fake, undo=path)
    assert (late["restorable"]["count"], late["restorable"]["gone_count"]) == (0, 2)
    assert "has none of the tags" in late["plan"]["lines"][-1]
    fake.tick(force=True)
    assert run(fake, undo=path)["restorable"] == {"count": 0, "gone_count": 0, "tags": []}


def test_a_tag_that_was_pushed_anew_is_not_gone(path):
    fake = pruned(path)
    body = {"manifest_digest": f"sha256:{'2' * 64}"}
    assert restored(fake, "/api/v1/repository/acme/app-0/tag/v2/restore", body) == 200
    assert [tag["tag"] for tag in run(fake, undo=path)["restorable"]["tags"]] == ["v3"]


def test_that_it_cannot_be_looked_up_is_a_warning_and_all_else_is_put_back(path):
    fake = pruned(path, number=3)
    fake.faults.append({"method": "GET", "path": "app-1/tag/", "status": 403, "times": 99})
    done = run(fake, undo=path)
    assert done["changed"] and not done.get("failed") and done["restorable"]["count"] == 4
    assert any("acme/app-1: what can be restored is not known" in warning for warning in done["warnings"])


def test_a_result_stays_short_however_much_went(path):
    fake = pruned(path, number=120)
    done = run(fake, undo=path)
    assert done["restorable"]["count"] == 240 and len(done["restorable"]["tags"]) == 50
    assert len(done["plan"]["lines"]) < 60 and len(json.dumps(done)) < 100_000
    assert "    and 230 more" in done["plan"]["lines"] and max(map(len, done["plan"]["lines"])) <= 110


def test_names_of_a_file_that_no_repository_has_are_not_asked_for(path):
    fake = pruned(path)
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    one = plan["repositories"].pop("acme/app-0")
    plan["repositories"].update({"../../x": one, "acme/a b": one, "acme": one, "acme/$(id)": one})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(plan, file)
    done = run(fake, undo=path)
    assert "restorable" not in done and not any("/tag/" in entry["path"] for entry in fake.requests)


def test_policies_that_no_option_can_declare_fail_alone(path):
    fake = quay(2)
    for value in ("7d", "8d"):
        fake.add_policy("repository", "acme/app-0", {"method": "creation_date", "value": value})
    before = fake.policies("repository", "acme/app-0")
    run(fake, repositories=["acme/*"], policies=OLD, exclusive=True, plan_file=path)
    done = run(fake, undo=path)
    assert list(done["failures"]) == ["acme/app-0"] and "one policy has one value" in done["msg"]
    assert fake.policies("repository", "acme/app-1") == [] and len(before) == 2


def test_a_repository_that_became_read_only_keeps_its_policies_unless_forced(path):
    fake = quay()
    run(fake, repositories=["acme/app-0"], policies=OLD)
    run(fake, repositories=["acme/app-0"], state="absent", plan_file=path)
    fake.repositories["acme", "app-0"]["state"] = "READ_ONLY"
    assert "set force: true" in run(fake, undo=path)["msg"]
    assert run(fake, undo=path, force=True)["changed"] and len(fake.policies("repository", "acme/app-0")) == 1


def test_swr_gets_another_template_back(path):
    fake, options = swr(), {"module": "swr_retention", "at": SWR, **KEYS}
    target = {"namespace": "acme", "repositories": ["team/app"]}
    run(fake, **options, **target, **DATES)
    run(fake, **options, **target, **TAGS, allow_replace=True, plan_file=path)
    assert run(fake, **options, undo=path)["changed"]
    assert [one[:2] for one in held(fake, "acme/team/app")] == [["date_rule", "30"]]


def test_an_endpoint_of_harbor_comes_back_without_its_secret_or_not_at_all_and_that_is_said(path):
    row = HARBOR_REPLICATION_ROWS[0]
    fake, options = row.fake(), {"module": row.module, "at": row.urls[0], **row.access}
    run(fake, **options, **NEW)
    run(fake, **options, **row.removed, plan_file=path)
    refused = run(fake, **options, undo=path)
    assert refused["failed"] and row.server(fake) is None and "access_secret" in refused["msg"]
    assert any("its secret is in no plan file" in warning for warning in refused["warnings"])
    done = run(fake, **options, undo=path, access_secret=NEW["access_secret"])
    assert done["changed"] and row.server(fake) == row.wanted[0] and "warnings" not in done


def test_a_secret_beside_several_endpoints_is_refused(path):
    row = HARBOR_REPLICATION_ROWS[0]
    fake, options = row.fake(), {"module": row.module, "at": row.urls[0], **row.access}
    two = [{**NEW, "name": name} for name in ("acme", "acme-9")]
    planned = run(fake, **options, registries=two, plan_file=path)
    assert planned["changed"], planned
    refused = run(fake, **options, undo=path, access_secret="made-up")
    assert refused["failed"] and "the plan file has 2 targets, and all would get it" in refused["msg"]
    assert run(fake, **options, undo=path)["changed"] and row.server(fake) is None
