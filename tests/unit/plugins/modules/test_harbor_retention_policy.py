# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about harbor_retention_policy: numbers that dangle, foreign policies, races, rights, limits."""

from __future__ import annotations

import json

import pytest
from contract.harbor_tasks import DAY, PASSWORD, VERSIONS, changed, failed, harbor, ok, run, unchanged
from fakes.harbor.retention_policies import Retention, RetentionPolicies

POLICY = "harbor_retention_policy"
KEEP = {"template": "latestPushedK", "value": 1, "tag_selectors": [{"pattern": "v*", "untagged": False}]}
EVERYWHERE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}


def image(letter, name, age, **more):
    tags = [{"name": name, "push_seconds_ago": age * DAY}] if name else []
    return {"digest": f"sha256:{letter * 64}", "size": 1000, "push_seconds_ago": age * DAY, "tags": tags, **more}


APP = {"name": "team/app", "artifacts": [image("a", "v1", 9), image("b", "v2", 8), image("c", "dev", 7)]}


def acme(name="acme", **more):
    return {"name": name, "repositories": [APP], **more}


def api_rule(**more):
    tags = [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}]
    rule = {"action": "retain", "template": "latestPushedK", "params": {"latestPushedK": 2}, "tag_selectors": tags}
    return {**rule, "scope_selectors": EVERYWHERE, **more}


def family(fake):
    return fake.family(RetentionPolicies)


def held(fake, name="acme"):
    """Return the policy of a project as the fake holds it."""
    return family(fake).known.get(family(fake).tied(fake.store.named(name)))


def tie(fake, rules, trigger=("Schedule", {"cron": ""}), name="acme", **more):
    """Put a policy into the fake, as anybody else might have made it."""
    policies = family(fake)
    policies._last += 1
    found = Retention(policies._last, fake.store.named(name).id, rules=rules, kind=trigger[0], settings=trigger[1])
    for key, value in more.items():
        setattr(found, key, value)
    policies.known[found.id] = found
    fake.store.named(name).metadata["retention_id"] = str(found.id)
    return found


def methods(fake):
    return [entry["method"] for entry in fake.writes]


# Absent, and what dangles


@pytest.mark.parametrize("version", VERSIONS)
def test_absent_leaves_nothing_behind_on_any_version_and_a_new_one_can_be_made(version):
    fake = harbor(version=version, projects=[acme()])
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")
    assert changed(run(fake, POLICY, projects=["acme"], state="absent"), "policy") is None
    assert fake.store.named("acme").metadata.get("retention_id") is None and family(fake).known == {}
    unchanged(run(fake, POLICY, projects=["acme"], state="absent"), "policy")
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_number_that_dangles_is_healed(state):
    fake = harbor(projects=[acme()])
    fake.store.named("acme").metadata["retention_id"] = "77"
    options = {"projects": ["acme"], "state": state, **({"rules": [KEEP]} if state == "present" else {})}
    foretold = run(fake, POLICY, check_mode=True, **options)
    assert foretold["changed"] and "does not exist any more" in " ".join(foretold["plan"]["lines"])
    changed(run(fake, POLICY, **options), "policy")
    assert (held(fake) is not None) is (state == "present")
    assert (fake.store.named("acme").metadata.get("retention_id") is None) is (state == "absent")
    unchanged(run(fake, POLICY, **options), "policy")


def test_the_info_module_warns_of_a_number_that_dangles():
    fake = harbor(projects=[acme()])
    fake.store.named("acme").metadata["retention_id"] = "77"
    result = run(fake, "harbor_retention_policy_info", projects=["acme"])
    assert ok(result, "policy") is None and "77, which does not exist any more" in result.output


def test_a_server_that_breaks_down_is_not_taken_for_a_number_that_dangles():
    fake = harbor(projects=[acme()])
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")
    for state in ("present", "absent"):
        fake.faults.append({"method": "GET", "path": "/retentions/1$", "status": 500, "times": 9})
        options = {"rules": [KEEP]} if state == "present" else {}
        failed(run(fake, POLICY, projects=["acme"], state=state, **options), "answered 500")
        fake.faults.clear()
        assert fake.writes == [] and held(fake).id == 1


def test_a_deletion_that_a_run_is_in_the_way_of_says_so():
    fake = harbor(projects=[acme()])
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")
    fake.switches["start_seconds"] = 1e9
    changed(run(fake, "harbor_retention_execution", projects=["acme"]), "execution")
    fake.advance(5)
    fake.tick()
    failed(run(fake, POLICY, projects=["acme"], state="absent"), "answered 412", "state: stopped")
    assert held(fake) is not None


# What others stored


@pytest.mark.parametrize(
    "foreign",
    [
        api_rule(template="sometimes"),
        api_rule(params={}),
        api_rule(action="delete"),
        api_rule(tag_selectors=[]),
        api_rule(tag_selectors=[{"kind": "regexp", "decoration": "matches", "pattern": "x"}]),
        api_rule(scope_selectors={"repository": [{"kind": "doublestar", "decoration": "sometimes"}]}),
    ],
)
def test_a_rule_that_the_options_cannot_say_is_shown_and_replaced(foreign):
    fake = harbor(projects=[acme()])
    tie(fake, [foreign])
    shown = ok(run(fake, "harbor_retention_policy_info", projects=["acme"]), "policy")
    assert list(shown["rules"][0]) == ["foreign"]
    unchanged(run(fake, POLICY, projects=["acme"], **shown), "policy")
    nowhere = [{"foreign": "x"}]
    failed(run(fake, POLICY, projects=["acme"], rules=nowhere), "never made")
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")
    assert [rule["template"] for rule in held(fake).rules] == ["latestPushedK"]


def test_a_rule_that_stays_keeps_what_only_harbor_knows_of_it_and_so_do_rules_that_are_not_declared():
    fake = harbor(projects=[acme()])
    foreign = api_rule(template="sometimes")
    tie(fake, [api_rule(priority=3, params={"latestPushedK": 2, "more": 1}), foreign])
    changed(run(fake, POLICY, projects=["acme"], schedule="weekly"), "policy")
    assert held(fake).rules[0]["priority"] == 3 and held(fake).rules[1]["template"] == "sometimes"
    changed(run(fake, POLICY, projects=["acme"], rules=[{"template": "latestPushedK", "value": 2}]), "policy")
    assert len(held(fake).rules) == 1 and held(fake).rules[0]["priority"] == 3
    assert held(fake).cron == "0 0 0 * * 0"


def test_values_are_read_as_harbor_reads_them():
    fake = harbor(projects=[acme()])
    tie(fake, [api_rule(params={"latestPushedK": "many"}), api_rule(params={"latestPushedK": 3.7})])
    shown = ok(run(fake, "harbor_retention_policy_info", projects=["acme"]), "policy")
    assert [rule["value"] for rule in shown["rules"]] == [10, 3]
    unchanged(run(fake, POLICY, projects=["acme"], **shown), "policy")


@pytest.mark.parametrize(
    "trigger", [("Schedule", {}), ("Schedule", None), ("Event", {"x": 1}), ("", None), ("Schedule", {"cron": None})]
)
@pytest.mark.parametrize("cron", [None, "0 0 3 * * *"])
def test_any_trigger_can_be_written_over(trigger, cron):
    fake = harbor(projects=[acme()])
    tie(fake, [api_rule()], trigger)
    for value in (1, 3):
        options = {"rules": [dict(KEEP, value=value)], **({"cron": cron} if cron else {"schedule": "none"})}
        changed(run(fake, POLICY, projects=["acme"], **options), "policy")
        unchanged(run(fake, POLICY, projects=["acme"], **options), "policy")
    assert held(fake).cron == (cron or "")


def test_an_algorithm_that_no_run_knows_is_mended():
    fake = harbor(projects=[acme()])
    tie(fake, [api_rule()], algorithm="and")
    result = run(fake, POLICY, projects=["acme"], rules=[{"template": "latestPushedK", "value": 2}])
    changed(result, "policy")
    assert held(fake).algorithm == "or" and "algorithm: and  ->  or" in result["plan"]["lines"][0]


def test_the_order_of_rules_means_nothing():
    fake = harbor(projects=[acme()])
    rules = [KEEP, {"template": "always", "tag_selectors": [{"pattern": "main"}]}]
    changed(run(fake, POLICY, projects=["acme"], rules=rules), "policy")
    unchanged(run(fake, POLICY, projects=["acme"], rules=rules[::-1]), "policy")


# Races


def test_what_somebody_else_wrote_in_between_is_not_lost():
    fake = harbor(projects=[acme()])
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")

    def theirs():
        held(fake).rules = [api_rule(params={"latestPushedK": 50})]

    reads = []

    def before(method, path):
        if method == "GET" and path.endswith("/retentions/1"):
            reads.append(path)
            if len(reads) == 2:
                theirs()

    fake.before = before
    failed(run(fake, POLICY, projects=["acme"], rules=[dict(KEEP, value=2)]), "somebody else changed", "run again")
    assert fake.writes == [] and held(fake).rules[0]["params"] == {"latestPushedK": 50}


def test_two_that_create_at_a_time_do_not_make_two():
    fake = harbor(projects=[acme()])
    fake.next("POST", lambda: tie(fake, [api_rule()]))
    failed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "already has retention policy", "run again")
    assert len(family(fake).known) == 1


def test_two_that_delete_at_a_time_are_both_content():
    fake = harbor(projects=[acme()])
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")

    def theirs():
        del family(fake).known[1]
        fake.store.named("acme").metadata.pop("retention_id")

    fake.next("DELETE", theirs)
    ok(run(fake, POLICY, projects=["acme"], state="absent"), "policy")


# Names, rights, sizes


def test_projects_of_digits_and_names_with_slashes():
    deep = {"name": "a/b/c", "artifacts": [image("a", "v1", 9), image("b", "v2", 8)]}
    fake = harbor(projects=[{"name": "2", "repositories": []}, {"name": "123", "repositories": [deep]}])
    result = run(fake, POLICY, projects=["123"], rules=[KEEP], max_deletions=1)
    changed(result, "policy")
    assert held(fake, "123") is not None and held(fake, "2") is None
    assert result["plan"]["images"]["count"] == 1 and result["plan"]["worst"][0]["target"] == "123/a/b/c"
    asked = [entry["path"] for entry in fake.requests if "/artifacts" in entry["path"]]
    assert len(asked) == 1
    changed(run(fake, POLICY, projects=["123"], state="absent"), "policy")


def test_a_project_that_is_not_there_or_not_seen_fails_alone():
    fake = harbor(projects=[acme()])
    result = run(fake, POLICY, projects=["acme", "gone"], rules=[KEEP])
    assert result["failed"] and list(result["failures"]) == ["gone"] and held(fake) is not None
    assert "there is no project gone, or admin is not a member" in result["msg"]
    for state in ("present", "absent"):
        options = {"rules": [KEEP]} if state == "present" else {}
        failed(run(fake, POLICY, projects=["acm"], state=state, **options), "there is no project acm")
    assert len(family(fake).known) == 1


def user(role):
    users = [{"name": "dora", "password": PASSWORD}]
    members = [{"user": "dora", "role": role}]
    fake = harbor(projects=[acme(members=members)])
    for one in users:
        fake.accounts.users[one["name"]] = one
    return fake, {"harbor_username": "dora", "harbor_password": PASSWORD}


def test_a_developer_may_manage_it_although_what_protects_is_hidden():
    fake, access = user("developer")
    fake.store.named("acme").repositories["team/app"].artifacts[0].tags.clear()
    result = run(fake, POLICY, access=access, projects=["acme"], rules=[dict(KEEP, tag_selectors=[
        {"pattern": "none", "untagged": False}])], preview=True)  # fmt: skip
    changed(result, "policy")
    images = result["plan"]["images"]
    assert (images["count"], images["uncertain_count"], images["total"]) == (2, 1, 3)
    assert "immutable-tag:list" in json.dumps(result["plan"]["worst"])


def test_a_guest_is_told_the_right_that_is_lacking():
    fake, access = user("guest")
    result = run(fake, POLICY, access=access, projects=["acme"], rules=[KEEP])
    failed(result, "lacks the right: project administrators, maintainers and developers", "tag-retention:create")


def test_a_project_without_a_policy_costs_no_request_of_its_own():
    fake = harbor(projects=[{"name": f"p{number:03}", "repositories": []} for number in range(250)])
    unchanged(run(fake, POLICY, projects=["p*"], state="absent"), "policy")
    assert len(fake.requests) == 1 + 3


# Limits


def test_limits_hold_over_all_projects_together_and_nothing_is_written():
    fake = harbor(projects=[acme(), acme("bits")])
    result = run(fake, POLICY, projects=["acme", "bits"], rules=[KEEP], schedule="daily", max_deletions=3)
    failed(result, "refused by max_deletions: 4 > 3")
    assert fake.writes == []
    result = run(fake, POLICY, projects=["acme", "bits"], rules=[KEEP], schedule="daily", max_deletions=4)
    changed(result, "policy")
    assert result["plan"]["images"]["count"] == 4


def test_what_a_schedule_deletes_already_counts_as_anyway_and_what_only_hands_start_does_not():
    fake = harbor(projects=[acme()])
    changed(run(fake, POLICY, projects=["acme"], rules=[KEEP]), "policy")
    by_hand = run(fake, POLICY, check_mode=True, projects=["acme"], schedule="daily")["plan"]["images"]
    assert (by_hand["count"], by_hand["anyway_count"]) == (2, 0)
    changed(run(fake, POLICY, projects=["acme"], schedule="daily"), "policy")
    rules = [{"template": "nDaysSinceLastPush", "value": 1}]
    more = run(fake, POLICY, check_mode=True, projects=["acme"], rules=rules)["plan"]["images"]
    assert (more["count"], more["anyway_count"], more["added_count"]) == (3, 2, 1)


@pytest.mark.parametrize("limit", [{"min_keep": 2}, {"protect": ["^v1$"]}])
def test_a_project_that_breaks_a_limit_of_its_own_may_be_left_out(limit):
    few = {"name": "few", "repositories": [{"name": "x", "artifacts": [image("d", "v9", 3), image("e", "v8", 4)]}]}
    fake = harbor(projects=[acme(), few])
    rules = [dict(KEEP, tag_selectors=[{"pattern": "v*"}])]
    result = run(fake, POLICY, projects=["acme", "few"], rules=rules, on_limit="skip", **limit)
    assert "acme" in result["left_out"] and held(fake) is None
    assert (held(fake, "few") is None) is ("min_keep" in limit)


def test_immutable_ones_stay_and_say_so(tmp_path):
    protect = {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v1"}],
        "scope_selectors": EVERYWHERE,
    }
    fake = harbor(projects=[acme(immutable_rules=[protect])])
    path = tmp_path / "plan.json"
    result = run(fake, POLICY, check_mode=True, projects=["acme"], rules=[KEEP], plan_file=str(path))
    assert result["plan"]["images"]["count"] == 1
    assert '"immutable"' in path.read_text()


V1, DEV = ({"tag_selector": {"pattern": pattern}} for pattern in ("v1", "dev"))
NOT_V = {"tag_selector": {"decoration": "excludes", "pattern": "v*"}, "repository_selector": {"pattern": "te*/**"}}


@pytest.mark.parametrize(
    "declarations",
    [
        [],
        [{"projects": ["*"], "rules": [DEV]}],
        [{"projects": ["*"], "rules": [NOT_V], "exclusive": True}],
        [{"projects": ["*"], "rules": [DEV], "exclude": ["acme"]}, {"projects": ["acme"], "rules": [V1, NOT_V]}],
        [{"projects": ["ac*"], "rules": [dict(V1, disabled=True), dict(DEV, disabled="yes")]}],
        [{"projects": ["acme"], "state": "absent"}, {"projects": ["bits"], "rules": [V1], "state": "absent"}],
    ],
)
def test_check_mode_takes_declared_immutable_tags_for_written(declarations, tmp_path):
    tags = [{"kind": "doublestar", "decoration": "matches", "pattern": "v1"}]
    there = [{"action": "immutable", "template": "immutable_template", "tag_selectors": tags}]
    there[0]["scope_selectors"] = EVERYWHERE
    images = [*APP["artifacts"], image("d", None, 5)]
    repositories = [dict(APP, artifacts=images), {"name": "app", "artifacts": images}]
    projects = [acme(name, repositories=repositories, immutable_rules=there) for name in ("acme", "bits")]
    fake = harbor(projects=projects)

    def foretold(**more):
        path = tmp_path / f"{len(more)}.json"
        ok(run(fake, POLICY, check_mode=True, projects=["*"], rules=[KEEP], plan_file=str(path), **more), "policy")
        return {
            (repository, image["digest"]): (image["fate"], image["because"])
            for repository, found in json.loads(path.read_text())["repositories"].items()
            for image in found["images"]
        }

    before = foretold(immutable_tags=declarations)
    if declarations:
        changed(run(fake, "harbor_immutable_tag_rule", declarations=declarations), "rules")
    assert before == foretold() and len(before) == 16


def test_declared_immutable_tags_are_checked_as_where_they_are_written():
    fake = harbor(projects=[acme()])
    for wrong, text in (
        ({"rules": [V1]}, "missing required arguments: projects"),
        ({"projects": ["acme"], "rules": [{"tag_selector": {"pattern": "v["}}]}, "cannot be used by Harbor"),
    ):
        result = run(fake, POLICY, check_mode=True, projects=["acme"], rules=[KEEP], immutable_tags=[wrong])
        assert text in result.output, result


def test_a_thousand_repositories_are_told_shortly():
    repositories = [
        {"name": f"r{number:04}", "artifacts": [image("a", "v1", 9), image("b", "v2", 8)]} for number in range(1000)
    ]
    fake = harbor(projects=[{"name": "acme", "repositories": repositories}])
    result = run(fake, POLICY, check_mode=True, projects=["acme"], rules=[KEEP], schedule="daily")
    assert result["plan"]["images"]["count"] == result["plan"]["images"]["repositories"] == 1000
    assert len(result["plan"]["lines"]) < 60 and len(result.output) < 60_000


def test_a_hostile_policy_is_read_in_bounded_time_and_shown_harmlessly():
    nasty = "*a" * 400 + "\x1b[31m"
    fake = harbor(projects=[acme()])
    tags = [{"kind": "doublestar", "decoration": "matches", "pattern": nasty}]
    tie(fake, [api_rule(tag_selectors=tags), api_rule(template="\x1b[31mred")], ("Schedule", {"cron": "0 0 0 * * *"}))
    result = run(fake, POLICY, projects=["acme"], rules=[KEEP], max_deletions=5)
    changed(result, "policy")
    assert "\x1b" not in "".join(result["plan"]["lines"])
