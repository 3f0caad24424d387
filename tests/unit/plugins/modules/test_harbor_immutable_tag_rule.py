# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about harbor_immutable_tag_rule: rules that are enabled at first, twins, foreign ones, exposure."""

from __future__ import annotations

import pytest
from contract.harbor_tasks import changed, failed, harbor, ok, run, unchanged

RULE, INFO = "harbor_immutable_tag_rule", "harbor_immutable_tag_rule_info"
V = {"tag_selector": {"pattern": "v*"}}


def api_rule(pattern="v*", disabled=False, **more):
    tags = [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}]
    scopes = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
    rule = {"action": "immutable", "template": "immutable_template", "disabled": disabled, "tag_selectors": tags}
    return {**rule, "scope_selectors": scopes, **more}


def staged(*rules):
    return harbor(projects=[{"name": "acme", "repositories": [], "immutable_rules": list(rules)}])


def held(fake):
    return fake.store.named("acme").immutable_rules


def test_a_disabled_rule_takes_a_second_request_and_a_failure_of_that_is_told():
    fake = staged()
    changed(run(fake, RULE, projects=["acme"], rules=[dict(V, disabled=True)]), "rules")
    assert [entry["method"] for entry in fake.writes] == ["POST", "PUT"] and held(fake)[0]["disabled"] is True
    fake = staged()
    fake.faults.append({"method": "PUT", "status": 403, "times": 9})
    result = run(fake, RULE, projects=["acme"], rules=[dict(V, disabled=True)])
    failed(result, "could not be disabled: it is active")
    assert result["changed"] and len(held(fake)) == 1
    fake.faults.clear()
    changed(run(fake, RULE, projects=["acme"], rules=[dict(V, disabled=True)]), "rules")
    assert len(held(fake)) == 1 and held(fake)[0]["disabled"] is True


def test_twins_count_as_one_that_is_enabled_if_any_is():
    fake = staged(api_rule(disabled=True), api_rule(), api_rule(disabled=True))
    assert [rule["disabled"] for rule in ok(run(fake, INFO, projects=["acme"]), "rules")] == [False]
    unchanged(run(fake, RULE, projects=["acme"], rules=[V]), "rules")
    changed(run(fake, RULE, projects=["acme"], rules=[dict(V, disabled=True)]), "rules")
    assert all(rule["disabled"] for rule in held(fake))
    changed(run(fake, RULE, projects=["acme"], rules=[V]), "rules")
    assert [rule.get("disabled", False) for rule in held(fake)] == [False, True, True]
    changed(run(fake, RULE, projects=["acme"], rules=[V], state="absent"), "rules")
    assert held(fake) == []


def test_others_stay_unless_the_rules_are_to_be_the_only_ones():
    fake = staged(api_rule("keep"))
    changed(run(fake, RULE, projects=["acme"], rules=[V]), "rules")
    assert len(held(fake)) == 2
    changed(run(fake, RULE, projects=["acme"], rules=[V], exclusive=True), "rules")
    assert [rule["tag_selectors"][0]["pattern"] for rule in held(fake)] == ["v*"]


@pytest.mark.parametrize("more", [{"tag_selectors": []}, {"scope_selectors": {}}, {"scope_selectors": {"repository": [
    {"kind": "doublestar", "decoration": "sometimes", "pattern": "x"}]}}])  # fmt: skip
def test_a_rule_that_the_options_cannot_say_is_kept_when_it_is_fed_back(more):
    fake = staged(api_rule(**more))
    shown = ok(run(fake, INFO, projects=["acme"]), "rules")
    unchanged(run(fake, RULE, projects=["acme"], rules=shown, exclusive=True), "rules")
    failed(run(fake, RULE, projects=["acme"], rules=[{"foreign": "x"}]), "never made")
    changed(run(fake, RULE, projects=["acme"], rules=[V], exclusive=True), "rules")
    assert len(held(fake)) == 1


def test_only_the_first_selectors_count_and_the_others_survive():
    more = [{"kind": "doublestar", "decoration": "matches", "pattern": pattern} for pattern in ("v*", "w*")]
    fake = staged(api_rule(tag_selectors=more, priority=4))
    changed(run(fake, RULE, projects=["acme"], rules=[dict(V, disabled=True)]), "rules")
    assert len(held(fake)[0]["tag_selectors"]) == 2 and held(fake)[0]["priority"] == 4


@pytest.mark.parametrize("policy", [True, False])
@pytest.mark.parametrize("options", [{"state": "absent"}, {"rules": [dict(V, disabled=True)]}])
def test_the_diff_says_what_is_exposed(policy, options):
    fake = staged(api_rule())
    if policy:
        rules = [{"template": "latestPushedK", "value": 3}]
        changed(run(fake, "harbor_retention_policy", projects=["acme"], rules=rules), "policy")
    lines = run(fake, RULE, check_mode=True, projects=["acme"], **options)["plan"]["lines"]
    assert lines[0].startswith("! acme: what these rules protected can be")
    assert ("retention policy" in lines[0]) is policy
    changed(run(fake, RULE, projects=["acme"], rules=[dict(V, disabled=True)]), "rules")
    again = run(fake, RULE, projects=["acme"], state="absent")["plan"]["lines"]
    assert again == ["- acme: protect v* (disabled)"]


def test_more_protection_comes_before_less():
    fake = staged(api_rule("old"))
    changed(run(fake, RULE, projects=["acme"], rules=[V], exclusive=True), "rules")
    assert [entry["method"] for entry in fake.writes] == ["POST", "DELETE"]


def test_a_developer_is_told_that_he_lacks_the_right():
    fake = staged()
    fake.accounts.users["dora"] = {"name": "dora", "password": "made-up-Secret1"}
    fake.store.named("acme").members["dora"] = "developer"
    result = run(fake, RULE, access={"harbor_username": "dora"}, projects=["acme"], rules=[V])
    failed(result, "dora lacks the right: project administrators and maintainers have it", "immutable-tag:list")


def test_projects_of_digits_are_meant_by_name():
    fake = harbor(projects=[{"name": "2", "repositories": []}, {"name": "3", "repositories": []}])
    changed(run(fake, RULE, projects=["3"], rules=[V]), "rules")
    assert [len(fake.store.named(name).immutable_rules) for name in "23"] == [0, 1]
