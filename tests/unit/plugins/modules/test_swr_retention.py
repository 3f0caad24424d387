# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about Huawei SWR; what all modules share is in test_contract.py."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract.mounts import as_module
from contract.swr_rows import DATES, IAM, KEYS, LATEST, PASSWORD, RELEASES, SWR, TAGS, USER, held, swr
from fakes.mount import mounted
from fakes.swr import Swr

APP = {"namespace": "acme", "repositories": ["team/app"]}
NAME = "acme/team/app"


@pytest.fixture
def fake():
    return swr()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(wait, "pause", lambda seconds: None)


def run(fake, module="swr_retention", access=KEYS, check_mode=False, **options):
    fake.clear()
    with contextlib.ExitStack() as stack:
        for url in (SWR, IAM):
            stack.enter_context(mounted(fake, url))
        result = as_module(module, {**access, **options}, check_mode)
    for secret in fake.secrets():
        assert secret not in result.output
    return result


def info(fake, **options):
    return run(fake, "swr_retention_info", **options)


def rule(template, value, *selectors):
    return {
        "template": template,
        "params": {"date_rule": {"days": value}, "tag_rule": {"num": value}}[template],
        "tag_selectors": list(selectors),
    }


def paths(fake):
    return [(entry["method"], entry["path"]) for entry in fake.requests]


# Changing


def test_numbers_and_selectors_are_changed_in_place(fake):
    number = fake.add_retention(NAME, rule("date_rule", "10", LATEST))
    assert run(fake, **APP, **DATES)["changed"]
    assert [policy["id"] for policy in fake.retentions(NAME)] == [number]
    assert held(fake, NAME) == [["date_rule", "30", []]]
    assert [entry["method"] for entry in fake.writes] == ["PATCH"]


@pytest.mark.parametrize("order", [[LATEST, RELEASES], [RELEASES, LATEST]])
@pytest.mark.parametrize("number", ["30", "030"])
def test_selectors_are_a_set_and_numbers_are_numbers(fake, order, number):
    fake.add_retention(NAME, rule("date_rule", number, *order))
    assert not run(fake, **APP, **DATES, tag_selectors=[LATEST, RELEASES, LATEST])["changed"]


@pytest.mark.parametrize("form", ["list", "null", "missing"])
@pytest.mark.parametrize("options", [{}, {"tag_selectors": []}])
def test_no_selectors_are_no_selectors_in_whatever_form(fake, form, options):
    fake.switches["empty_selectors_as"] = form
    fake.add_retention(NAME, rule("date_rule", "30"))
    assert not run(fake, **APP, **DATES, **options)["changed"]


def test_another_template_needs_permission(fake):
    fake.add_retention(NAME, rule("date_rule", "10"))
    for check_mode in (True, False):
        result = run(fake, **APP, **TAGS, check_mode=check_mode)
        assert result["failed"] and "allow_replace: true" in result["msg"] and fake.writes == []
    result = run(fake, **APP, **TAGS, allow_replace=True)
    assert result["changed"] and held(fake, NAME) == [["tag_rule", "20", []]]
    assert not run(fake, **APP, **TAGS, allow_replace=True)["changed"]


def test_if_the_replacement_fails_the_old_policy_is_put_back(fake):
    fake.add_retention(NAME, rule("date_rule", "10", LATEST))
    fake.fail("4000014", method="POST")
    result = run(fake, **APP, **TAGS, allow_replace=True)
    assert result["failed"] and result["changed"] and "was put back" in result["msg"]
    assert held(fake, NAME) == [["date_rule", "10", [("label", "latest")]]]


def test_if_that_fails_too_the_task_says_so_loudly(fake):
    fake.add_retention(NAME, rule("date_rule", "10"))
    fake.fail("4000014", method="POST", times=2)
    result = run(fake, **APP, **TAGS, allow_replace=True)
    assert result["failed"] and result["changed"] and "THERE IS NO POLICY NOW" in result["msg"]


def test_a_replacement_whose_answer_was_lost_is_found_by_reading_back(fake):
    fake.add_retention(NAME, rule("date_rule", "10"))
    fake.faults.append({"method": "POST", "drop": True, "after": True})
    result = run(fake, **APP, **TAGS, allow_replace=True)
    assert result["changed"] and not result.get("failed") and held(fake, NAME) == [["tag_rule", "20", []]]


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 504}])
@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_of_a_patch_is_resolved_by_reading_back(fake, fault, after):
    fake.add_retention(NAME, rule("date_rule", "10"))
    fake.faults.append({"method": "PATCH", "after": after, **fault})
    result = run(fake, **APP, **DATES)
    assert bool(result.get("failed")) is not after and result["changed"] is after
    assert len(fake.writes) == 1


def test_a_list_of_several_policies_is_survived_reported_and_made_one(fake):
    for policy in (rule("tag_rule", "5"), rule("date_rule", "30"), rule("date_rule", "7")):
        fake.add_retention(NAME, policy)
    found = info(fake, **APP)
    assert "holds 3 retention policies" in found["warnings"][0]
    assert len(found["retention"]["further_policies"]) == 2
    result = run(fake, **APP, **DATES)
    assert result["changed"] and held(fake, NAME) == [["date_rule", "30", []]]
    assert not run(fake, **APP, **DATES)["changed"]


def test_absent_removes_all_of_several(fake):
    for policy in (rule("tag_rule", "5"), rule("date_rule", "7")):
        fake.add_retention(NAME, policy)
    assert run(fake, **APP, state="absent")["changed"] and held(fake, NAME) == []


def test_a_policy_that_the_options_cannot_say_is_only_replaced_with_permission(fake):
    fake.switches["max_rules"] = 2
    fake.add_retention(NAME, {"rules": [rule("tag_rule", "5"), rule("date_rule", "7")]})
    assert len(info(fake, **APP)["retention"]["rules"]) == 2
    assert "allow_replace" in run(fake, **APP, **TAGS)["msg"]
    assert run(fake, **APP, **TAGS, allow_replace=True)["changed"] and held(fake, NAME) == [["tag_rule", "20", []]]


@pytest.mark.parametrize(("switch", "value"), [("missing_on_delete", "400"), ("missing_on_delete", "404")])
def test_a_policy_that_somebody_else_deleted_is_gone_in_both_ways_to_say_so(fake, switch, value):
    fake.switches[switch] = value
    number = fake.add_retention(NAME, rule("tag_rule", "5"))

    class Racing:
        """Deletes the policy just before our DELETE comes."""

        def __call__(self, environ, start_response):
            if environ["REQUEST_METHOD"] == "DELETE":
                fake.remove_retention(NAME, number)
            return Swr.__call__(fake, environ, start_response)

    with mounted(Racing(), SWR):
        result = as_module("swr_retention", {**KEYS, **APP, "state": "absent"})
    assert result["changed"] and not result.get("failed") and held(fake, NAME) == []


# Only an empty list means that there is no policy


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("APIGW.0101", "does not know this address"),
        ("4040058", "no such organization"),
        ("4040010", "no such repository"),
        ("4040113", "no such repository"),
        ("4030170", "lacks the right"),
        ("4010000", "wrong, expired"),
        ("5000001", "500"),
    ],
)
@pytest.mark.parametrize("shape", ["double", "errors", "array", "object"])
@pytest.mark.parametrize("options", [DATES, {"state": "absent"}])
def test_every_error_fails_with_its_own_message(fake, code, message, shape, options):
    fake.switches["error_shape"] = shape
    fake.add_retention(NAME, rule("date_rule", "10"))
    fake.fail(code, times=99)
    result = run(fake, **APP, **options)
    assert result["failed"] and not result["changed"] and message in result["msg"], result["msg"]
    assert fake.writes == []


def test_unknown_organizations_and_repositories_fail_also_for_absent(fake):
    assert "no such repository" in run(fake, namespace="acme", repositories=["nosuch"], state="absent")["msg"]
    assert "no such organization" in run(fake, namespace="nosuch", repositories=["app"], state="absent")["msg"]
    assert "no such organization" in run(fake, namespace="nosuch", repositories=["*"], state="absent")["msg"]


@pytest.mark.parametrize("code", ["4031032", "4031042", "4090023", "APIGW.0308"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_throttling_and_a_busy_system_only_delay(fake, code, method):
    fake.fail(code, method=method, times=3)
    assert run(fake, **APP, **DATES)["changed"] and held(fake, NAME) == [["date_rule", "30", []]]


def test_throttling_without_an_end_is_called_by_its_name(fake):
    fake.fail("4031032", times=99)
    assert "SWR is busy" in run(fake, **APP, **DATES, retries=2)["msg"]


# Names


def test_slashes_travel_as_dollars(fake):
    run(fake, **APP, **DATES)
    assert any("team$app" in path for _method, path in paths(fake))
    assert held(fake, NAME) and held(fake, "acme/app") == [["tag_rule", "7", []]]


@pytest.mark.parametrize("limit", ["fuzzy", "exact"])
def test_globs_are_expanded_to_the_last_page_within_the_organization_only(fake, limit):
    fake.switches["namespace_matches"] = limit
    found = info(fake, namespace="acme", repositories=["team/*", "app"])["retention"]
    assert sorted(found) == ["app", "team/app", "team/app-archive"]
    assert len(info(fake, namespace="bulk", repositories=["*"])["retention"]) == 500


def test_a_glob_without_a_match_is_a_warning(fake):
    result = run(fake, namespace="acme", repositories=["x*"], state="absent")
    assert not result["changed"] and "matches none of the 3" in result["warnings"][0]


def test_organization_is_an_alias_of_namespace(fake):
    assert info(fake, organization="acme", repositories=["app"])["retention"]["num"] == 7


# Signing in


def test_a_token_is_fetched_once_a_task(fake):
    run(fake, access=USER, namespace="bulk", repositories=["*"], **DATES)
    assert len([path for _method, path in paths(fake) if "/auth/tokens" in path]) == 1


def test_a_token_may_be_handed_in(fake):
    access = {"swr_url": SWR, "swr_token": fake.token("robot")}
    assert run(fake, access=access, **APP, **DATES)["changed"]
    assert not any("/auth/tokens" in path for _method, path in paths(fake))


def test_a_project_may_be_named_by_its_id(fake):
    access = {name: value for name, value in USER.items() if name != "swr_project"}
    assert run(fake, access=dict(access, swr_project_id=fake.project_id("eu-de")), **APP, **DATES)["changed"]


def test_a_wrong_password_is_tried_once(fake):
    result = run(
        fake,
        access=dict(USER, swr_password="wrong-password"),
        namespace="bulk",
        repositories=["svc/001", "svc/002"],
        **DATES,
    )
    assert result["failed"] and "swr_domain is the name of the account" in result["msg"]
    assert len(fake.requests) == 1


def test_a_wrong_signature_is_tried_once(fake):
    many = {"namespace": "bulk", "repositories": [f"svc/{number:03}" for number in range(50)]}
    result = run(fake, access=dict(KEYS, swr_secret_key="wrong"), **many, **DATES)
    assert result["failed"] and len(fake.requests) == 1
    assert "canonicalRequest" not in result["msg"]


@pytest.mark.parametrize("seconds", [1200, -1200])
def test_a_wrong_clock_is_named(fake, seconds):
    fake.switches["gateway_clock_off"] = seconds
    assert "clock of this host" in run(fake, **APP, **DATES)["msg"]


@pytest.mark.parametrize(
    ("access", "message"),
    [
        ({"swr_url": SWR}, "no credentials"),
        ({"swr_url": SWR, "swr_access_key": "A"}, "swr_secret_key"),
        ({"swr_url": SWR, "swr_secret_key": "A"}, "swr_access_key"),
        ({"swr_url": SWR, "swr_username": "u", "swr_password": "p"}, "swr_domain"),
        (dict(USER, iam_url=None), "iam_url or swr_region"),
        (dict(USER, swr_project=None), "swr_project or swr_project_id"),
        ({"swr_access_key": "A", "swr_secret_key": "B"}, "swr_url or swr_region"),
        (dict(USER, iam_url="iam"), "https://registry.example.com"),
    ],
)
def test_missing_parts_of_a_sign_in_are_named_before_any_request(fake, access, message):
    result = run(fake, access=access, **APP, **DATES)
    assert result["failed"] and message in result["msg"] and fake.requests == []


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("cn-north-4", "https://swr-api.cn-north-4.myhuaweicloud.com"),
        ("eu-west-101", "https://swr-api.eu-west-101.myhuaweicloud.eu"),
    ],
)
def test_a_region_is_a_short_cut(fake, region, url):
    with mounted(fake, url):
        result = as_module(
            "swr_retention_info", {"swr_region": region, **{k: v for k, v in KEYS.items() if k != "swr_url"}, **APP}
        )
    assert not result.get("failed") and fake.requests


@pytest.mark.parametrize(
    "names",
    [
        ("SWR_ACCESS_KEY", "SWR_SECRET_KEY", "SWR_URL"),
        ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "SWR_URL"),
        ("OS_ACCESS_KEY", "OS_SECRET_KEY", "SWR_URL"),
    ],
)
def test_keys_come_from_the_names_that_users_have(fake, names, monkeypatch):
    for name, value in zip(names, (KEYS["swr_access_key"], KEYS["swr_secret_key"], SWR)):
        monkeypatch.setenv(name, value)
    assert not info(fake, access={}, **APP).get("failed")


def test_users_come_from_the_names_of_openstack(fake, monkeypatch):
    names = {
        "OS_AUTH_URL": f"{IAM}/v3",
        "OS_USERNAME": "robot",
        "OS_PASSWORD": PASSWORD,
        "OS_USER_DOMAIN_NAME": "acme-account",
        "OS_PROJECT_NAME": "eu-de",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert not info(fake, access={"swr_url": SWR}, **APP).get("failed")


# Warnings


@pytest.mark.parametrize(
    ("pattern", "doubts"),
    [
        ("^v[0-9]+$", []),
        ("^v\\d+$", []),
        ("v.*", ["not anchored"]),
        ("^(?!x).*$", ["look-around"]),
        ("(?=x)", ["look-around", "not anchored"]),
    ],
)
def test_doubtful_patterns_are_warnings(fake, pattern, doubts):
    result = run(fake, **APP, **DATES, tag_selectors=[{"kind": "regexp", "pattern": pattern}], check_mode=True)
    warnings = result.get("warnings", [])
    assert len(warnings) == len(doubts) and all(doubt in text for doubt, text in zip(doubts, warnings))


# Every position of a switch that says what nobody knows of the real service


@pytest.mark.parametrize(
    ("switch", "value"),
    [
        (name, value)
        for name, values in {
            "second_post": ["append"],
            "template_change": ["accept"],
            "number_params": ["string", "number"],
            "missing_selectors": ["accept"],
            "empty_selectors_as": ["null", "missing"],
            "retention_id_as": ["string"],
            "missing_on_show": ["400", "empty"],
            "missing_on_update": ["404"],
            "missing_on_delete": ["404"],
            "create_runs": [False],
            "update_runs": [False],
            "check_range": [False],
            "name_matches": ["exact"],
            "name_dollar": ["dollar", "slash"],
            "namespace_matches": ["fuzzy"],
            "unknown_namespace": ["404"],
            "lone_paging": ["ignored"],
            "over_limit": ["refuse"],
            "content_range": ["always", "never"],
            "history_order": ["oldest"],
            "error_shape": ["errors", "array", "object"],
            "gateway_prefix": ["APIG"],
            "missing_repository": ["4040113"],
            "content_type": ["ignored"],
            "bad_token_seen_by": ["service"],
        }.items()
        for value in values
    ],
)
@pytest.mark.parametrize("access", [KEYS, USER], ids=["key", "user"])
def test_it_works_in_every_position_of_a_switch(fake, switch, value, access):
    fake.switches[switch] = value
    every = {"namespace": "acme", "repositories": ["*"]}
    for options, wanted in (
        (dict(DATES, tag_selectors=[LATEST]), ["date_rule", "30", [("label", "latest")]]),
        (dict(DATES, days=45), ["date_rule", "45", []]),
        (dict(TAGS, allow_replace=True), ["tag_rule", "20", []]),
        ({"state": "absent"}, None),
    ):
        options = {"allow_replace": options.get("state") != "absent", **options}
        foretold = run(fake, access=access, **every, **options, check_mode=True)
        done = run(fake, access=access, **every, **options)
        assert done["changed"] and not done.get("failed"), done
        assert foretold["retention"] == done["retention"]
        for name in ("team/app", "app", "team/app-archive"):
            assert held(fake, f"acme/{name}") == ([wanted] if wanted else [])
        assert not run(fake, access=access, **every, **options)["changed"]
    assert run(fake, access=access, namespace="acme", repositories=["nosuch"], state="absent")["failed"]
    assert run(fake, access=access, namespace="nosuch", repositories=["*"], state="absent")["failed"]


# Histories


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_histories_are_read_to_the_last_page_latest_first(fake, order):
    fake.switches["history_order"] = order
    for number in range(250):
        fake.add_tag(NAME, f"build-{number:03}", age_seconds=1000 - number)
    assert run(fake, **APP, template="tag_rule", num=3, tag_selectors=[LATEST])["changed"]
    fake.advance(10 * 86400)
    fake.add_tag(NAME, "late")
    fake.tick()
    history = info(fake, **APP, history=True)["history"]
    assert len(history) == 248 and history[0]["tag"] == "build-247"
    assert history[0]["rule"] == {"template": "tag_rule", "num": 3, "tag_selectors": [LATEST]}
    assert history[0]["retention_id"] == fake.retention(NAME)["id"]
    assert [row["created_at"] for row in history] == sorted((row["created_at"] for row in history), reverse=True)


def test_histories_are_limited_by_time(fake, monkeypatch):
    for number in range(5):
        fake.add_tag(NAME, f"build-{number}", age_seconds=100 - number)
    run(fake, **APP, template="tag_rule", num=3)
    fake.advance(10 * 86400)
    fake.add_tag(NAME, "late")
    fake.tick()
    monkeypatch.setattr(wait, "clock", fake.now)
    access = {"swr_url": SWR, "swr_token": fake.token("robot")}
    assert [row["tag"] for row in info(fake, access=access, **APP, history=True, history_since="2d")["history"]] == [
        "build-2"
    ]
    assert len(info(fake, access=access, **APP, history=True, history_since="2w")["history"]) == 3


def test_histories_of_many_and_of_none(fake):
    found = info(fake, namespace="acme", repositories=["*"], history=True)
    assert found["history"] == {"app": [], "team/app": [], "team/app-archive": []}
    assert info(fake, **APP)["history"] == []


def test_a_wrong_length_of_time_is_refused_before_any_request(fake):
    assert "history_since" in info(fake, **APP, history=True, history_since="2 months")["msg"] and fake.requests == []
