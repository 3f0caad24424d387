# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about harbor_retention_execution: it is dry unless told otherwise, lags, and may never end."""

from __future__ import annotations

import json

import pytest
from contract.harbor_tasks import DAY, changed, failed, harbor, later, ok, run, unchanged
from fakes.harbor.retention_policies import RetentionPolicies

RUN, POLICY = "harbor_retention_execution", "harbor_retention_policy"
RELEASES = {"template": "latestPushedK", "value": 1, "tag_selectors": [{"pattern": "v*", "untagged": False}]}
EVERYWHERE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}


def image(letter, name, age, **more):
    tags = [{"name": name, "push_seconds_ago": age * DAY}] if name else []
    return {"digest": f"sha256:{letter * 64}", "size": 1000, "push_seconds_ago": age * DAY, "tags": tags, **more}


APP = {
    "name": "team/app",
    "artifacts": [
        image("a", "v1", 9),
        image("b", "v2", 8),
        image("c", None, 7),
        image("d", "signed", 6, accessories=[{"digest": f"sha256:{'e' * 64}", "type": "signature.cosign"}]),
        image("f", "keep", 5),
    ],
}


def immutable(pattern):
    tags = [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}]
    return {"action": "immutable", "template": "x", "tag_selectors": tags, "scope_selectors": EVERYWHERE}


RULES = [immutable("keep"), immutable("sha256-*")]


def staged(rules=None, **more):
    fake = harbor(projects=[{"name": "acme", "repositories": [APP], "immutable_rules": RULES}], **more)
    changed(run(fake, POLICY, projects=["acme"], rules=[rules or RELEASES]), "policy")
    return fake


def tags(fake):
    return {name for item in fake.store.named("acme").repositories["team/app"].artifacts for name in item.names}


def policy_of(fake):
    """Return the one policy that there is."""
    (found,) = fake.family(RetentionPolicies).known.values()
    return found


def bodies(fake):
    return [entry["body"] for entry in fake.writes if entry["method"] == "POST"]


def test_a_run_is_dry_unless_told_otherwise_and_that_is_always_sent():
    fake = staged()
    before = tags(fake)
    for options, sent in (({}, True), ({"dry_run": True}, True), ({"dry_run": False}, False)):
        found = changed(run(fake, RUN, projects=["acme"], wait=True, **options), "execution")
        assert bodies(fake) == [{"dry_run": sent}] and found["dry_run"] is sent
        assert (tags(fake) == before) is sent


def test_a_real_run_deletes_what_was_foretold_and_says_what_was_refused():
    fake = staged()
    foretold = run(fake, RUN, check_mode=True, projects=["acme"], dry_run=False, preview_limit=10)["plan"]
    gone = {image["digest"][7] for one in foretold["worst"] for image in one["images"]}
    dry = changed(run(fake, RUN, projects=["acme"], wait=True), "execution")
    real = changed(run(fake, RUN, projects=["acme"], wait=True, dry_run=False), "execution")
    left = {item.digest[7] for item in fake.store.named("acme").repositories["team/app"].artifacts}
    assert gone == set("abcdef") - left == {"a", "c"}
    assert (dry["total"], dry["retained"], real["total"], real["retained"]) == (5, 2, 5, 3)
    names = real["repositories"]["team/app"]["names"]
    assert names["immutable"] == ["keep"] and names["retained"] == ["v2"]
    assert sorted(names["deleted"]) == ["sha256:cccccccccccc", "v1"]
    assert len(names["refused"]) == 1 and names["refused"][0].startswith("signed: http error: code 412")
    assert names["refused"][0] not in dry["repositories"]["team/app"]["names"]["refused"]


def test_limits_hold_for_a_real_run_and_not_for_a_dry_one():
    fake = staged()
    failed(run(fake, RUN, projects=["acme"], dry_run=False, max_deletions=1), "refused by max_deletions: 2 > 1")
    assert fake.writes == []
    changed(run(fake, RUN, projects=["acme"], max_deletions=0), "execution")


def test_the_server_may_rehearse_it():
    fake = staged()
    result = run(fake, RUN, projects=["acme"], dry_run=False, preview="server", wait=True)
    found = changed(result, "execution")
    assert bodies(fake) == [{"dry_run": True}, {"dry_run": False}]
    preview = found["server_preview"]
    assert (preview["total"], preview["retained"]) == (5, 2) and preview["id"] < found["id"]
    checked = run(fake, RUN, check_mode=True, projects=["acme"], dry_run=False, preview="server")
    assert "check mode does without it" in checked.output


@pytest.mark.parametrize("version", ["2.6", "2.9", "2.10", "2.16"])
def test_a_run_whose_end_is_never_shown_is_over_with_its_tasks(version):
    fake = staged(version=version)
    fake.switches["refresh_seconds"] = 1e9
    begun = fake.now()
    found = changed(run(fake, RUN, projects=["acme"], wait=True, poll_interval=2), "execution")
    assert (found["status"], found["total"]) == ("Success", 5) and fake.now() - begun < 60
    unchanged(run(fake, RUN, projects=["acme"], min_interval="1h"), "execution")


def test_a_run_without_tasks_yet_goes_on():
    fake = staged()
    fake.switches["start_seconds"] = 1e9
    changed(run(fake, RUN, projects=["acme"]), "execution")
    result = run(fake, RUN, projects=["acme"], wait=True, wait_timeout=60)
    failed(result, "not finished within 60 seconds", "It was Running")
    assert not result["changed"]


def test_one_that_is_running_is_adopted_if_it_is_of_the_same_kind():
    fake = staged()
    fake.switches["start_seconds"] = 1e9
    first = changed(run(fake, RUN, projects=["acme"]), "execution")
    again = unchanged(run(fake, RUN, projects=["acme"]), "execution")
    assert again["adopted"] and again["id"] == first["id"]
    real = changed(run(fake, RUN, projects=["acme"], dry_run=False), "execution")
    assert real["id"] != first["id"] and not real["adopted"]


def test_all_runs_are_stopped_and_again_nothing():
    fake = staged()
    fake.switches["start_seconds"] = 1e9
    for dry in (True, False):
        changed(run(fake, RUN, projects=["acme"], dry_run=dry), "execution")
    later(fake, 5)
    found = changed(run(fake, RUN, projects=["acme"], state="stopped", wait=True), "execution")
    assert found["status"] == "Stopped"
    unchanged(run(fake, RUN, projects=["acme"], state="stopped"), "execution")


def test_a_project_without_a_policy_is_told_how_to_get_one_and_has_nothing_to_stop():
    fake = harbor(projects=[{"name": "acme", "repositories": [APP]}])
    failed(run(fake, RUN, projects=["acme"]), "has no retention policy", "harbor_retention_policy")
    assert unchanged(run(fake, RUN, projects=["acme"], state="stopped"), "execution") is None
    assert fake.writes == []


def test_in_check_mode_a_task_before_may_be_about_to_give_projects_a_policy():
    fake = harbor(projects=[{"name": name, "repositories": [APP]} for name in ("acme", "bits")])
    fake.store.named("bits").metadata["retention_id"] = "77"
    for dry in (True, False):
        result = run(fake, RUN, check_mode=True, projects=["acme", "bits"], dry_run=dry, wait=True, max_deletions=0)
        assert set(changed(result, "execution")) == {"acme", "bits"} and fake.writes == []
        assert result["plan"]["lines"][0].endswith(": as soon as there is a policy")
        assert result.output.count("some projects have no retention policy") == 1


def test_a_run_that_fails_tells_the_reason():
    fake = staged()
    policy = policy_of(fake)
    policy.rules[0]["template"] = "sometimes"
    result = run(fake, RUN, projects=["acme"], wait=True)
    failed(result, "ended as Error", "rule evaluator sometimes is not registered")


def test_one_project_that_fails_hides_no_other():
    fake = harbor(projects=[{"name": name, "repositories": [APP]} for name in ("acme", "bits", "code")])
    changed(run(fake, POLICY, projects=["acme", "code"], rules=[RELEASES]), "policy")
    result = run(fake, RUN, projects=["*"], exclude=["library"], wait=True)
    assert result["failed"] and list(result["failures"]) == ["bits"]
    assert {name: found["status"] for name, found in result["execution"].items()} == {
        "acme": "Success",
        "code": "Success",
    }


def test_a_policy_that_changes_meanwhile_is_not_run():
    fake = staged()

    def theirs():
        policy_of(fake).rules = []

    reads = []

    def before(method, path):
        if method == "GET" and path.endswith("/retentions/1"):
            reads.append(path)
            if len(reads) == 2:
                theirs()

    fake.before = before
    result = run(fake, RUN, projects=["acme"], dry_run=False, max_deletions=5)
    failed(result, "somebody else changed the retention policy")
    assert fake.writes == []


def test_a_thousand_repositories_are_told_shortly():
    repositories = [{"name": f"r{number:04}", "artifacts": APP["artifacts"][:2]} for number in range(1000)]
    fake = harbor(projects=[{"name": "acme", "repositories": repositories}])
    changed(run(fake, POLICY, projects=["acme"], rules=[RELEASES]), "policy")
    fake.switches["refresh_seconds"] = 1
    result = run(fake, RUN, projects=["acme"], wait=True)
    found = changed(result, "execution")
    assert (found["total"], found["retained"], len(found["repositories"])) == (2000, 1000, 10)
    assert len(json.dumps(found)) < 20_000
    assert sum("/tasks/" in entry["path"] for entry in fake.requests) == 10


def test_a_log_that_is_not_there_hides_no_numbers():
    fake = staged()
    fake.faults.append({"method": "GET", "path": "/tasks/[0-9]+$", "status": 404, "times": 9, "body": {
        "errors": [{"code": "NOT_FOUND", "message": '{"code":10010}'}]}})  # fmt: skip
    found = ok(run(fake, RUN, projects=["acme"], wait=True), "execution")
    assert found["total"] == 5 and found["repositories"]["team/app"]["names"] is None
