# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about Quay; what all modules share is in test_contract.py."""

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract.mounts import as_module
from contract.quay_rows import QUAY_TOKEN, plain, quay
from fakes.mount import mounted
from fakes.quay import Quay

URL = "https://quay.test"
ACCESS = {"quay_url": URL, "quay_token": QUAY_TOKEN}
APP = {"repositories": ["acme/app"]}
COUNT = {"method": "number_of_tags", "value": 10}
RELEASES = dict(COUNT, tag_pattern="^v[0-9]")
AGE = {"method": "creation_date", "value": "30d"}
DUPLICATE = {"detail": "Existing policy with same values for this repository, duplicate policies are not permitted"}


@pytest.fixture
def fake():
    return quay()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(wait, "pause", lambda seconds: None)


def run(fake, module="quay_autoprune_policy", check_mode=False, **options):
    fake.clear()
    with mounted(fake, URL):
        return as_module(module, {**ACCESS, **options}, check_mode)


def info(fake, **options):
    return run(fake, "quay_autoprune_policy_info", **options)


def stage(fake, *policies, scope="repository", name="acme/app"):
    return [fake.add_policy(scope, name, policy) for policy in policies]


def held(fake, scope="repository", name="acme/app"):
    return plain(fake.policies(scope, name))


def api(method, value, pattern=None, matches=True):
    return {"method": method, "value": value, "tagPattern": pattern, "tagPatternMatches": matches}


# Changing in place


def test_another_value_is_changed_in_place_and_keeps_its_uuid(fake):
    (uuid,) = stage(fake, api("number_of_tags", 3))
    assert run(fake, **APP, policies=[COUNT])["changed"]
    assert [(p["uuid"], p["value"]) for p in fake.policies("repository", "acme/app")] == [(uuid, 10)]


@pytest.mark.parametrize("status", [200, 204])
def test_put_may_answer_200_or_204(fake, status):
    fake.switches["put_status"] = status
    stage(fake, api("number_of_tags", 3))
    assert run(fake, **APP, policies=[COUNT])["changed"]
    assert held(fake) == plain([api("number_of_tags", 10)])


@pytest.mark.parametrize("policies", [[COUNT], [AGE], [COUNT, AGE], [dict(RELEASES, value=3)]])
def test_no_moment_is_without_a_policy(policies):
    class Watched(Quay):
        fewest = 99

        def answer(self, request):
            answer = super().answer(request)
            self.fewest = min(self.fewest, len(self.policies("repository", "acme/app")))
            return answer

    watched = Watched(quay().state())
    stage(watched, api("number_of_tags", 3), api("creation_date", "1d", "^dev"))
    assert run(watched, **APP, policies=policies, exclusive=True)["changed"]
    assert watched.fewest >= min(2, len(policies))


def test_of_several_values_the_declared_one_is_kept_and_the_others_go(fake):
    kept = stage(fake, api("number_of_tags", 2), api("number_of_tags", 10), api("number_of_tags", 5))[1]
    run(fake, **APP, policies=[COUNT])
    assert [p["uuid"] for p in fake.policies("repository", "acme/app")] == [kept]
    assert [entry["method"] for entry in fake.writes] == ["DELETE", "DELETE"]


def test_of_several_other_values_one_is_changed_and_the_others_go(fake):
    uuids = stage(fake, api("number_of_tags", 2), api("number_of_tags", 3))
    run(fake, **APP, policies=[COUNT])
    (policy,) = fake.policies("repository", "acme/app")
    assert policy["uuid"] in uuids and policy["value"] == 10


def test_of_equal_ones_one_is_kept(fake):
    stage(fake, api("number_of_tags", 10), api("number_of_tags", 10))
    assert run(fake, **APP, policies=[COUNT])["changed"]
    assert held(fake) == plain([api("number_of_tags", 10)])


def test_what_is_not_declared_is_touched_only_under_exclusive(fake):
    other, twice = api("creation_date", "9d", "^dev"), api("number_of_tags", 4, "^x")
    stage(fake, other, twice, twice)
    run(fake, **APP, policies=[COUNT])
    assert held(fake) == plain([other, twice, twice, api("number_of_tags", 10)])
    run(fake, **APP, policies=[COUNT], exclusive=True)
    assert held(fake) == plain([api("number_of_tags", 10)])


def test_a_flag_without_a_pattern_makes_no_other_policy(fake):
    stage(fake, api("number_of_tags", 10, None, False))
    assert not run(fake, **APP, policies=[COUNT])["changed"]
    run(fake, **APP, policies=[dict(COUNT, value=4)])
    assert [p["value"] for p in fake.policies("repository", "acme/app")] == [4]


@pytest.mark.parametrize(
    ("there", "changed"), [("007d", False), (" 7d", False), ("+7d", False), ("1w", True), ("8d", True)]
)
def test_ages_are_compared_as_quay_does_but_for_what_it_does_not_normalise(fake, there, changed):
    stage(fake, api("creation_date", there))
    assert run(fake, **APP, policies=[dict(AGE, value="7d")])["changed"] is changed
    assert [p["value"] for p in fake.policies("repository", "acme/app")] == ["7d" if changed else there]


def test_values_and_patterns_are_taken_as_people_write_them(fake):
    run(fake, **APP, policies=[{"method": "number_of_tags", "value": "10", "tag_pattern": " ^v[0-9] "}])
    assert held(fake) == plain([api("number_of_tags", 10, "^v[0-9]")])
    assert not run(fake, **APP, policies=[RELEASES])["changed"]


@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"status": 500}, {"status": 504}, {"status": 400, "body": DUPLICATE}]
)
def test_what_is_superfluous_stays_until_what_is_new_is_known_to_be_there(fake, fault):
    old = api("number_of_tags", 3)
    stage(fake, old)
    fake.faults.append({"method": "POST", "times": 9, **fault})
    result = run(fake, **APP, policies=[AGE], exclusive=True)
    assert result["failed"] and not result["changed"] and held(fake) == plain([old])
    fake.faults.clear()
    fake.faults.append({"method": "POST", "after": True, **fault})
    assert run(fake, **APP, policies=[AGE], exclusive=True)["changed"]
    assert held(fake) == plain([api("creation_date", "30d")])


def test_a_put_that_changed_nothing_keeps_what_is_superfluous(fake):
    there = [api("number_of_tags", 3), api("creation_date", "9d", "^dev")]
    stage(fake, *there)
    fake.faults.append({"method": "PUT", "status": 204, "body": ""})
    assert run(fake, **APP, policies=[COUNT], exclusive=True)["failed"] and held(fake) == plain(there)


def test_a_policy_that_somebody_else_adds_meanwhile_is_no_failure(fake):
    stage(fake, api("number_of_tags", 3))

    class Racing:
        """Adds a policy just after our PUT."""

        def __call__(self, environ, start_response):
            answer = fake(environ, start_response)
            if environ["REQUEST_METHOD"] == "PUT":
                stage(fake, api("creation_date", "9d", "^dev"))
            return answer

    with mounted(Racing(), URL):
        result = as_module("quay_autoprune_policy", {**ACCESS, **APP, "policies": [COUNT]})
    assert result["changed"] and not result.get("failed")


def test_if_reading_back_fails_too_the_write_counts_as_done_and_is_named(fake):
    fake.faults.append({"method": "POST", "drop": True, "after": True})
    first = {"path": "/app/autoprunepolicy/", "method": "GET", "delay": 0}
    fake.faults += [first, {"path": "/app/autoprunepolicy/", "method": "GET", "status": 500}]
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and result["changed"] and "POST" in result["msg"] and "reading back failed" in result["msg"]


# Null is no list


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**APP, "policies": None}, "following are missing: policies"),
        ({**APP, "policies": None, "exclusive": True}, "following are missing: policies"),
        ({"repositories": None, "policies": [COUNT]}, "are null"),
        ({"organizations": None, "state": "absent"}, "are null"),
    ],
)
def test_null_is_refused_where_it_could_mean_everything(fake, options, message):
    stage(fake, api("number_of_tags", 3))
    result = run(fake, **options)
    assert result["failed"] and message in result["msg"] and fake.requests == []


def test_a_token_with_blanks_around_it_is_kept_out_of_what_the_server_echoes(fake):
    body = {"message": f"bad token {QUAY_TOKEN} given"}
    fake.faults.append({"path": "/app/", "status": 400, "body": body})
    result = run(fake, **APP, quay_token=f" {QUAY_TOKEN}\n", state="absent")
    assert result["failed"] and QUAY_TOKEN not in result.output


def test_the_own_user_may_be_named_as_an_organization(fake):
    for options, changed in (({"policies": [COUNT]}, True), ({"state": "absent"}, True), ({"state": "absent"}, False)):
        result = run(fake, organizations=["alice"], **options)
        assert result["changed"] is changed and not result.get("failed"), result


def test_the_rate_limit_of_quay_only_delays(fake, monkeypatch):
    monkeypatch.setattr(wait, "pause", fake.advance)
    monkeypatch.setattr(wait, "now", fake.now)
    fake.switches["rate_limit"] = 5
    result = info(fake, repositories=["bulk/*"])
    assert not result.get("failed") and len(result["policies"]) == 500


def test_a_refused_token_is_called_so_also_where_quay_lists_nothing(fake):
    result = run(fake, repositories=["acme/*"], policies=[COUNT], quay_token="made-up-token-nobody-knows")
    assert "does not know the token" in result["msg"]


# Absent


def test_absent_with_policies_removes_those_whatever_their_value(fake):
    stage(fake, api("number_of_tags", 3), api("creation_date", "0d"), api("number_of_tags", 4, "^x"))
    gone = [{"method": "number_of_tags"}, {"method": "creation_date", "value": "9d"}]
    assert run(fake, **APP, state="absent", policies=gone)["changed"]
    assert held(fake) == plain([api("number_of_tags", 4, "^x")])


def test_absent_with_an_empty_list_removes_nothing(fake):
    stage(fake, api("number_of_tags", 3))
    assert not run(fake, **APP, state="absent", policies=[])["changed"]
    assert held(fake)


def test_a_policy_that_somebody_else_deleted_meanwhile_is_gone_all_the_same(fake):
    stage(fake, api("number_of_tags", 3))
    fake.faults.append(
        {"method": "DELETE", "status": 404, "after": True, "body": {"error_type": "not_found", "detail": "Not Found"}}
    )
    assert run(fake, **APP, state="absent")["changed"] and held(fake) == []


# The server's traps


@pytest.mark.parametrize("options", [{"policies": [COUNT]}, {"state": "absent"}])
def test_with_the_feature_off_nothing_is_written(fake, options):
    stage(fake, api("number_of_tags", 3))
    fake.switches["AUTO_PRUNE"] = False
    result = run(fake, repositories=["acme/app", "acme/*", "rivals/app"], **options)
    assert result["failed"] and "FEATURE_AUTO_PRUNE" in result["msg"]
    assert fake.writes == [] and held(fake)
    assert len([entry for entry in fake.requests if entry["path"] == "/config"]) == 1


@pytest.mark.parametrize("fault", [{"status": 404}, {"text": "<html>"}, {"status": 403}])
def test_a_hidden_configuration_does_not_matter_as_long_as_the_policies_can_be_read(fake, fault):
    fake.faults.append({"path": "^/config$", **fault})
    assert run(fake, **APP, policies=[COUNT])["changed"]
    fake.switches["AUTO_PRUNE"] = False
    fake.faults.append({"path": "^/config$", **fault})
    result = run(fake, **APP, state="absent")
    assert result["failed"] and fake.writes == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_configuration_is_asked_once_a_task(fake, check_mode):
    run(fake, repositories=["bulk/*"], policies=[COUNT], check_mode=check_mode)
    assert len([entry for entry in fake.requests if entry["path"] == "/config"]) == 1


def test_a_delete_that_reached_the_endpoint_for_repositories_is_no_success(fake):
    stage(fake, api("number_of_tags", 3))
    fake.faults.append({"method": "DELETE", "status": 204, "body": ""})
    result = run(fake, **APP, state="absent")
    assert result["failed"] and "204" in result["msg"]


def test_a_policy_without_a_proper_uuid_is_never_deleted(fake):
    for uuid in ("", "a/b", ".."):
        body = {"policies": [dict(api("number_of_tags", 3), uuid=uuid)]}
        fake.faults.append({"path": "/app/autoprunepolicy/", "status": 200, "body": body})
        result = run(fake, **APP, state="absent")
        assert result["failed"] and fake.writes == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(fake, method):
    where = "https://elsewhere.test/api/v1/repository/acme/app/autoprunepolicy/"
    fake.faults.append({"method": method, "path": "/app/", "status": 308, "headers": {"Location": where}})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and "redirect" in result["msg"] and not held(fake)


def test_a_policy_that_somebody_else_created_meanwhile_is_found_by_reading_back(fake):
    fake.faults.append({"method": "POST", "status": 400, "after": True, "body": DUPLICATE})
    result = run(fake, **APP, policies=[COUNT])
    assert result["changed"] and not result.get("failed") and held(fake) == plain([api("number_of_tags", 10)])


def test_a_duplicate_that_is_not_there_is_a_failure(fake):
    fake.faults.append({"method": "POST", "status": 400, "body": DUPLICATE})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and not result["changed"] and "Existing policy" in result["msg"]


def test_a_put_that_changed_nothing_is_noticed(fake):
    stage(fake, api("number_of_tags", 3))
    fake.faults.append({"method": "PUT", "status": 204, "body": ""})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and "PUT" in result["msg"]


def test_a_token_that_expires_before_the_write_is_called_a_token_that_is_refused(fake):
    csrf = '{"error": "CSRF token was invalid or missing."}'
    fake.faults.append({"method": "POST", "status": 403, "body": csrf})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and "does not know the token" in result["msg"]


def test_a_registry_in_read_only_mode_says_so(fake):
    fake.switches["registry_state"] = "readonly"
    assert "read-only" in run(fake, **APP, policies=[COUNT])["msg"]


def test_an_unknown_organization_is_told_apart_from_one_without_policies(fake):
    result = run(fake, organizations=["nosuch"], state="absent")
    assert result["failed"] and "no such organization" in result["msg"]


def test_to_a_superuser_an_empty_list_proves_no_organization():
    state = quay().state()
    state["users"][0]["superuser"] = True
    state["users"][0]["tokens"][0]["scopes"].append("super:user")
    state["features"] = {"AUTO_PRUNE": True, "SUPERUSERS_FULL_ACCESS": True}
    fake = Quay(state)
    for options in ({"state": "absent"}, {"policies": [COUNT]}):
        result = run(fake, organizations=["nosuch"], **options)
        assert result["failed"] and fake.writes == []
    assert not run(fake, organizations=["acme"], state="absent").get("failed")


def test_an_unknown_repository_fails_and_the_others_are_served(fake):
    result = run(fake, repositories=["acme/app", "acme/nosuch"], policies=[COUNT])
    assert list(result["failures"]) == ["acme/nosuch"] and held(fake)


# Globs and listings


def test_globs_go_across_slashes_and_pages_and_each_repository_is_served_once(fake):
    found = info(fake, repositories=["acme/*", "acme/app", "bulk/svc-4?9"])["policies"]
    assert list(found) == ["acme/app", "acme/app-archive", "acme/team/app", *[f"bulk/svc-4{n}9" for n in range(10)]]
    assert list(info(fake, repositories=["acme/team/*"])["policies"]) == ["acme/team/app"]
    assert len(info(fake, repositories=["bulk/*"])["policies"]) == 500


def test_a_listing_that_starts_over_is_an_error(fake):
    with mounted(fake, URL):
        import requests

        bearer = {"Authorization": f"Bearer {QUAY_TOKEN}"}
        first = requests.get(f"{URL}/api/v1/repository?namespace=bulk", headers=bearer, timeout=9).json()
    for token in ("another", None):
        body = dict(first, next_page=token)
        fake.faults.append({"path": "next_page=", "status": 200, "body": body})
        result = run(fake, repositories=["bulk/*"], policies=[COUNT])
        fake.faults.clear()
        assert result["failed"] and "does not go on" in result["msg"] and fake.writes == []


@pytest.mark.parametrize("namespace", ["nosuch", "rivals"])
def test_an_empty_listing_proves_nothing(fake, namespace):
    result = run(fake, repositories=[f"{namespace}/*"], state="absent")
    assert result["failed"] and "lists no repository" in result["msg"]


def test_an_empty_listing_of_an_own_organization_or_user_is_empty():
    state = quay().state()
    state["user_repositories"] = []
    state["organizations"].append({"name": "fresh", "admins": ["alice"], "members": [], "repositories": []})
    fake = Quay(state)
    for namespace in ("fresh", "alice"):
        result = run(fake, repositories=[f"{namespace}/*"], policies=[COUNT])
        assert not result["changed"] and not result.get("failed")
        assert "matches none of the 0" in result["warnings"][0]


def test_all_organizations_that_the_token_administers(fake):
    assert list(info(fake, organizations=["*"])["policies"]) == ["acme", "acme-archive", "bulk"]
    assert list(info(fake, organizations=["acme*", "bulk"])["policies"]) == ["acme", "acme-archive", "bulk"]


def test_without_the_scope_user_admin_each_organization_is_asked(fake):
    for token in fake.tokens.values():
        token["scopes"] = ["org:admin", "user:read"]
    assert list(info(fake, organizations=["*"])["policies"]) == ["acme", "acme-archive", "bulk"]


def test_without_the_scope_user_read_organizations_cannot_be_listed(fake):
    for token in fake.tokens.values():
        token["scopes"] = ["org:admin"]
    assert "user:read" in info(fake, organizations=["*"])["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repositories": ["acme"]}, "write namespace/name"),
        ({"repositories": ["acme/app"], "retries": -1}, "retries"),
        ({"repositories": ["acme/app"], "workers": 0}, "workers"),
        ({"repositories": ["acme/app"], "timeout": 0}, "timeout"),
        ({"repositories": ["acme/app"], "timeout": float("nan")}, "timeout"),
        ({"repositories": ["acme/app"], "quay_url": "https://[::1"}, "no address"),
        ({"repositories": ["acme/"]}, "write namespace/name"),
        ({"repositories": ["acme/../rivals"]}, "exact name"),
        ({"repositories": ["acme//app"]}, "exact name"),
        ({"repositories": [" acme/app"]}, "exact name"),
        ({"organizations": ["acme/app"]}, "namespace/name"),
        ({"organizations": [""]}, "no name"),
        ({"current_user": False}, "current_user"),
        ({"organizations": ["acme"], "repositories": ["acme/app"]}, "mutually exclusive"),
        ({}, "one of the following is required"),
    ],
)
def test_targets_are_checked_before_any_request(fake, options, message):
    for result in (run(fake, policies=[COUNT], **options), info(fake, **options)):
        assert result["failed"] and message in result["msg"] and fake.requests == []


def test_only_what_reads_takes_a_glob_for_namespaces(fake):
    result = run(fake, repositories=["*/app"], policies=[COUNT])
    assert result["failed"] and "only the part after" in result["msg"] and fake.requests == []
    found = info(fake, repositories=["*/app"])
    assert sorted(found["policies"]) == ["acme-archive/app", "acme/app"] == sorted(found["state"])
    assert set(found["state"].values()) == {"NORMAL"}
    assert sorted(info(fake, repositories=["al*/*"])["policies"]) == ["alice/notes"], "the token's own user, too"


def test_no_targets_are_nothing_to_do(fake):
    result = run(fake, organizations=[], policies=[COUNT])
    assert not result["changed"] and result["policies"] == {} and fake.requests == []


def test_the_shape_of_the_result_follows_from_how_the_target_is_named(fake):
    assert info(fake, repositories=["acme/app"])["policies"] == []
    assert info(fake, repositories=["acme/app*"])["policies"].keys() == {"acme/app", "acme/app-archive"}
    assert info(fake, repositories=["acme/team*"])["policies"].keys() == {"acme/team/app"}


def test_names_are_case_sensitive(fake):
    for options in ({"organizations": ["ACME"]}, {"repositories": ["Acme/app"]}, {"repositories": ["Acme/*"]}):
        result = run(fake, **options, policies=[COUNT])
        assert result["failed"] and "case-sensitive" in result["msg"] and fake.writes == []
