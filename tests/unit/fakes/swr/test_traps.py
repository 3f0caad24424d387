# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake SWR and its IAM: answers, refusals, traps, and both positions of every switch."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from fakes.mount import mounted
from fakes.serve import serving
from fakes.swr import Swr
from fakes.swr import signature as signing
from werkzeug.test import Client

P = "/v2/manage/namespaces/acme/repos/team$app/retentions"
TAGS = "/v2/manage/namespaces/acme/repos/team$app/tags"
REPOS = "/v2/manage/repos"
APP = "acme/team/app"
DAY = 86400
RULE = {"template": "date_rule", "params": {"days": "30"}, "tag_selectors": [{"kind": "label", "pattern": "stable"}]}
BODY = {"algorithm": "or", "rules": [RULE]}
KEEP_TWO = {"template": "tag_rule", "params": {"num": "2"}, "tag_selectors": []}


def tag(name, days, **more):
    return {"name": name, "age_seconds": days * DAY, **more}


def state(**more):
    app = {"name": "team/app", "tags": [tag("v1", 90), tag("stable", 80), tag("v2", 20), tag("v3", 10)]}
    shared = {"name": "shared", "auth": {"guest": 1}, "is_public": True, "category": "linux", "tags": [tag("x", 1)]}
    return {
        "projects": [
            {"name": "eu-de", "id": "p1", "domain": "corp"},
            {"name": "eu-de_sub", "id": "p2", "domain": "corp"},
        ],
        "users": [
            {
                "name": "alice",
                "domain": "corp",
                "password": "made-up",
                "access_keys": [
                    {"access": "AK", "secret": "SK"},
                    {"access": "TEMP", "secret": "TSK", "security_token": "ST", "expires_in_seconds": 900},
                ],
            },
            {"name": "reader", "domain": "corp", "password": "reading", "list_projects": False},
            {"name": "editor", "domain": "corp", "password": "editing"},
            {"name": "guest", "domain": "corp", "password": "guessing", "projects": ["eu-de"]},
            {"name": "owner", "domain": "corp", "password": "owning", "huawei_id": True},
            {"name": "mallory", "domain": "elsewhere", "password": "scheming"},
        ],
        "organizations": [
            {
                "name": "acme",
                "auth": {"alice": 7, "editor": 3, "reader": 1},
                "repositories": [app, shared, {"name": "app"}, {"name": "team/app-old"}],
            },
            {
                "name": "acme-archive",
                "auth": {"alice": 7},
                "repositories": [{"name": "team/app", "tags": [tag("v1", 90)]}],
            },
            {"name": "sub", "project": "eu-de_sub", "repositories": [{"name": "one"}]},
        ],
        **more,
    }


class Server:
    """The fake with short words for requests."""

    def __init__(self, given=None):
        self.fake = Swr(given or state())
        self.client = Client(self.fake)

    def send(self, method, path, body=None, who="alice", **headers):
        headers = {"Content-Type": "application/json", **headers}
        if who:
            headers["X-Auth-Token"] = self.fake.token(who)
        data = body if isinstance(body, str) else None if body is None else json.dumps(body)
        return self.client.open(path, method=method, headers=headers, data=data)

    def get(self, path, **more):
        answer = self.send("GET", path, **more)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.json

    def code(self, method, path, body=None, **more):
        answer = self.send(method, path, body, **more)
        if answer.status_code < 300:
            return answer.status_code
        return answer.status_code, answer.json["error_code"].replace("SVCSTG.SWR.", "")

    def create(self, rule=None, path=P):
        answer = self.send("POST", path, {"algorithm": "or", "rules": [rule or RULE]})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.json["id"]

    def signed(self, method, path, body="", access="AK", secret="SK", names=(), **changed):
        headers = {"Host": "swr-api.test", "Content-Type": "application/json"}
        headers["X-Sdk-Date"] = time.strftime(signing.DATE_FORMAT, time.gmtime())
        headers.update({name.replace("_", "-"): text for name, text in changed.items()})
        headers["Authorization"] = signing.authorization(method, path, headers, body.encode(), access, secret, *names)
        return self.client.open(path, method=method, headers=headers, data=body)

    def sign_in(self, name="alice", password="made-up", domain="corp", query="", **more):
        user = {"name": name, "password": password, "domain": {"name": domain}}
        scope = more.get("scope", {"project": {"name": "eu-de"}})
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
        path = f"/v3/auth/tokens{query}"
        return self.client.post(path, json={"auth": auth}, headers={"Host": "iam.test"})


@pytest.fixture
def swr():
    return Server()


class TestPolicies:
    def test_the_whole_life_of_one(self, swr):
        assert swr.get(P) == []
        number = swr.create()
        assert number == 501
        shown = {"id": 501, "algorithm": "or", "rules": [RULE], "scope": ""}
        assert swr.get(P) == [shown]
        assert swr.get(f"{P}/501") == shown
        changed = {"algorithm": "or", "rules": [{**RULE, "params": {"days": "25"}, "tag_selectors": []}]}
        answer = swr.send("PATCH", f"{P}/501", changed)
        assert (answer.status_code, answer.data) == (201, b"")
        assert swr.fake.retention(APP)["rules"] == changed["rules"]
        answer = swr.send("DELETE", f"{P}/501")
        assert (answer.status_code, answer.data) == (200, b"")
        assert swr.get(P) == []
        assert [entry["status"] for entry in swr.fake.writes] == [201, 201, 200]

    def test_runs_at_once_and_logs_what_it_deletes(self, swr):
        swr.create({**KEEP_TWO, "tag_selectors": [{"kind": "label", "pattern": "v1"}]})
        assert swr.fake.tags(APP) == ["v3", "v2", "v1"]
        assert swr.fake.tags("acme-archive/team/app") == ["v1"]
        log = swr.get(f"{P}/histories?limit=10&offset=0")
        (entry,) = log["retention_log"]
        assert log["total"] == 1
        assert (entry["id"], entry["retention_id"], entry["tag"]) == (70001, 501, "stable")
        assert (entry["namespace"], entry["repo"]) == ("acme", "team/app")
        assert entry["rule_type"] == (
            '{"template":"tag_rule","params":{"num":"2"},"tag_selectors":[{"kind":"label","pattern":"v1"}]}'
        )
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["created_at"])
        assert swr.fake.histories(APP) == log["retention_log"]

    def test_runs_again_on_tick(self, swr):
        swr.create()
        assert swr.fake.tags(APP) == ["v3", "v2", "stable"]
        swr.fake.advance(15 * DAY)
        swr.fake.add_tag(APP, "new")
        assert swr.fake.tick() == [{"repository": APP, "retention_id": 501, "tag": "v2"}]
        swr.fake.advance(80 * DAY)
        assert swr.fake.tick() == [
            {"repository": APP, "retention_id": 501, "tag": "v3"},
            {"repository": APP, "retention_id": 501, "tag": "new"},
        ]
        assert [entry["tag"] for entry in swr.get(f"{P}/histories")["retention_log"]] == ["new", "v3", "v2"]
        swr.fake.switches["history_order"] = "oldest"
        assert [entry["tag"] for entry in swr.get(f"{P}/histories")["retention_log"]] == ["v2", "v3", "new"]

    def test_runs_are_switches(self, swr):
        swr.fake.switches.update(create_runs=False, update_runs=False)
        number = swr.create()
        assert swr.send("PATCH", f"{P}/{number}", BODY).status_code == 201
        assert len(swr.fake.tags(APP)) == 4
        swr.fake.switches["update_runs"] = True
        swr.send("PATCH", f"{P}/{number}", BODY)
        assert len(swr.fake.tags(APP)) == 3

    def test_a_second_one(self, swr):
        swr.create()
        assert swr.code("POST", P, BODY) == (400, "4000014")
        swr.fake.switches["second_post"] = "append"
        assert swr.create(KEEP_TWO) == 502
        assert [policy["id"] for policy in swr.get(P)] == [501, 502]
        with pytest.raises(ValueError, match="2 policies"):
            swr.fake.retention(APP)

    def test_another_template(self, swr):
        number = swr.create()
        other = {"algorithm": "or", "rules": [KEEP_TWO]}
        assert swr.code("PATCH", f"{P}/{number}", other) == (400, "4000014")
        assert swr.fake.retention(APP)["rules"] == [RULE]
        swr.fake.switches["template_change"] = "accept"
        assert swr.code("PATCH", f"{P}/{number}", other) == 201

    def test_put_is_no_verb(self, swr):
        assert swr.code("PUT", f"{P}/{swr.create()}", BODY) == (404, "APIGW.0101")

    def test_ids_count_across_the_service_and_belong_to_one_repository(self, swr):
        first, second = swr.create(), swr.create(path=P.replace("team$app", "app"))
        assert second == first + 1
        assert swr.code("GET", f"{P}/{second}") == (404, "4040306")
        assert swr.code("DELETE", f"{P}/{second}") == (400, "4000306")

    @pytest.mark.parametrize(
        ("method", "switch", "answers"),
        [
            ("GET", "missing_on_show", {"404": (404, "4040306"), "400": (400, "4000306"), "empty": 200}),
            ("PATCH", "missing_on_update", {"400": (400, "4000306"), "404": (404, "4040306")}),
            ("DELETE", "missing_on_delete", {"400": (400, "4000306"), "404": (404, "4040306")}),
        ],
    )
    def test_missing(self, swr, method, switch, answers):
        assert swr.fake.switches[switch] == next(iter(answers))
        for value, expected in answers.items():
            swr.fake.switches[switch] = value
            assert swr.code(method, f"{P}/4711", BODY if method == "PATCH" else None) == expected
        swr.fake.switches["missing_on_show"] = "empty"
        assert swr.get(f"{P}/4711") == {"rules": []}

    @pytest.mark.parametrize("wrong", ["{", "", [], {"rules": [RULE]}, {**BODY, "rules": [RULE, RULE]}])
    def test_bad_bodies(self, swr, wrong):
        assert swr.code("POST", P, wrong) == (400, "4000014")
        assert swr.fake.retention(APP) is None

    def test_numbers(self, swr):
        number = {**RULE, "params": {"days": 30}}
        assert swr.code("POST", P, {**BODY, "rules": [number]}) == (400, "4000014")
        for value, read in (("string", "30"), ("number", 30)):
            swr.fake.switches["number_params"] = value
            swr.create(number)
            assert swr.get(P)[0]["rules"][0]["params"] == {"days": read}
            swr.fake.remove_retention(APP)

    def test_empty_selectors(self, swr):
        swr.create(KEEP_TWO)
        assert swr.get(P)[0]["rules"][0]["tag_selectors"] == []
        swr.fake.switches["empty_selectors_as"] = "null"
        assert swr.get(P)[0]["rules"][0]["tag_selectors"] is None
        swr.fake.switches["empty_selectors_as"] = "missing"
        assert "tag_selectors" not in swr.get(P)[0]["rules"][0]

    def test_missing_selectors(self, swr):
        bare = {"template": "tag_rule", "params": {"num": "2"}}
        assert swr.code("POST", P, {**BODY, "rules": [bare]}) == (400, "4000014")
        swr.fake.switches["missing_selectors"] = "accept"
        swr.create(bare)
        assert swr.fake.tags(APP) == ["v3", "v2"]

    def test_ids_as_strings(self, swr):
        swr.fake.switches["retention_id_as"] = "string"
        assert swr.create() == "501"
        assert swr.get(P)[0]["id"] == "501"
        assert swr.code("DELETE", f"{P}/501") == 200

    def test_a_bad_regular_expression_empties_the_repository(self, swr):
        bad = {**KEEP_TWO, "tag_selectors": [{"kind": "regexp", "pattern": "["}]}
        swr.fake.switches["bad_regexp"] = "refuse"
        assert swr.code("POST", P, {**BODY, "rules": [bad]}) == (400, "4000014")
        swr.fake.switches["bad_regexp"] = "delete_all"
        swr.create(bad)
        assert swr.fake.tags(APP) == []

    def test_a_policy_staged_by_hand_waits_for_the_tick(self, swr):
        number = swr.fake.add_retention(APP, {"template": "date_rule", "params": {"days": 1}, "tag_selectors": None})
        assert (number, len(swr.fake.tags(APP))) == (501, 4)
        assert swr.get(P)[0]["rules"][0]["tag_selectors"] is None
        assert len(swr.fake.tick()) == 4
        with pytest.raises(ValueError, match="template"):
            swr.fake.add_retention(APP, {"rules": [{"template": "x"}]}, check=True)

    def test_old_log_rows_disappear(self, swr):
        swr.create()
        swr.fake.advance(91 * DAY)
        assert swr.get(f"{P}/histories") == {"total": 0, "retention_log": []}

    def test_log_pages(self, swr):
        swr.create({**KEEP_TWO, "params": {"num": "1"}})
        answer = swr.send("GET", f"{P}/histories?limit=2&offset=2")
        assert (answer.headers["Content-Range"], answer.json["total"]) == ("2-1/3", 3)
        assert [entry["tag"] for entry in answer.json["retention_log"]] == ["v1"]
        answer = swr.send("GET", f"{P}/histories?filter=limit::1|offset::0&limit=3&offset=0")
        assert [entry["tag"] for entry in answer.json["retention_log"]] == ["v2"]


class TestNamesAndPaths:
    @pytest.mark.parametrize("name", ["team$app", "team%24app"])
    def test_both_spellings_of_a_slash(self, swr, name):
        assert swr.get(P.replace("team$app", name)) == []

    @pytest.mark.parametrize("name", ["team/app", "team%2Fapp"])
    @pytest.mark.parametrize("who", ["alice", None])
    def test_a_slash_is_an_unknown_url(self, swr, name, who):
        answer = swr.send("GET", P.replace("team$app", name), who=who)
        assert answer.status_code == 404
        assert answer.json["error_code"] == "APIGW.0101"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
        swr.fake.switches["gateway_prefix"] = "APIG"
        assert swr.code("GET", P + "/") == (404, "APIG.0101")

    @pytest.mark.parametrize("tail", ["", "/501", "/histories"])
    def test_unknown_things(self, swr, tail):
        assert swr.code("GET", P.replace("acme", "nowhere") + tail) == (404, "4040058")
        assert swr.code("GET", P.replace("team$app", "nothing") + tail) == (404, "4040010")
        swr.fake.switches["missing_repository"] = "4040113"
        assert swr.code("GET", P.replace("team$app", "nothing") + tail) == (404, "4040113")

    def test_things_removed_behind_the_back(self, swr):
        swr.fake.remove_repository(APP)
        assert swr.code("GET", P) == (404, "4040010")
        swr.fake.remove_organization("acme")
        assert swr.code("GET", P) == (404, "4040058")

    def test_content_type_is_wanted_on_get_too(self, swr):
        headers = {"Content-Type": "text/plain"}
        assert swr.code("GET", P, **headers) == (400, "4000014")
        swr.fake.switches["content_type"] = "ignored"
        assert swr.code("GET", P, **headers) == 200

    def test_hosts(self, swr):
        assert swr.code("GET", P, Host="swr-api.eu-de.example.com") == 200
        assert swr.code("GET", P, Host="iam.test") == (404, "APIGW.0101")
        assert swr.code("POST", "/v3/auth/tokens", {}, Host="swr.test") == (404, "APIGW.0101")
        assert swr.send("POST", "/v3/auth/tokens", {}, Host="127.0.0.1:80").status_code == 400
        swr.fake.switches["split_hosts"] = False
        assert swr.code("GET", P, Host="iam.test") == 200


class TestErrors:
    def test_shapes(self, swr):
        one = {"errorCode": "SVCSTG.SWR.4040058", "errorMessage": "Namespace does not exists", "detail": ""}
        flat = {"error_code": one["errorCode"], "error_msg": one["errorMessage"], "encoded_authorization_message": ""}
        shapes = {"double": {"errors": [one], **flat}, "errors": {"errors": [one]}, "array": [one], "object": one}
        for shape, expected in shapes.items():
            swr.fake.switches["error_shape"] = shape
            assert swr.send("GET", P.replace("acme", "nowhere")).json == expected

    @pytest.mark.parametrize(
        ("code", "status"), [("4090023", 409), ("SVCSTG.SWR.4031032", 403), ("5000003", 500), ("APIGW.0308", 429)]
    )
    def test_queued_failures(self, swr, code, status):
        swr.fake.fail(code, times=2, method="POST")
        assert swr.code("GET", P) == 200
        for _number in range(2):
            found, text = swr.code("POST", P, BODY)
            assert (found, text) == (status, code.replace("SVCSTG.SWR.", ""))
        assert swr.code("POST", P, BODY) == 201

    def test_a_failure_after_the_effect_and_over_the_control_plane(self, swr):
        answer = swr.client.post("/_fake/fail", json={"code": "4090023", "after": True})
        assert answer.status_code == 200
        assert swr.code("POST", P, BODY) == (409, "4090023")
        assert swr.fake.retention(APP)["rules"] == [RULE]

    def test_throttling(self, swr):
        swr.fake.switches.update(rate_limit=1, rate_burst=2)
        found = [swr.code("GET", P) for _number in range(4)]
        assert found == [200, 200, 200, (403, "4031032")]
        swr.fake.switches["throttled"] = "gateway"
        assert swr.code("GET", P) == (429, "APIGW.0308")
        swr.fake.advance(10)
        assert swr.code("GET", P) == 200

    def test_permissions(self, swr):
        assert swr.code("GET", P, who="reader") == 200
        assert swr.code("POST", P, BODY, who="reader") == (403, "4030170")
        assert swr.code("GET", P, who="mallory") == (403, "4030170")
        assert swr.code("GET", P, who="guest") == (403, "4030170")
        assert swr.code("GET", P.replace("team$app", "shared"), who="guest") == 200
        assert swr.code("POST", P, BODY, who="editor") == 201
        swr.fake.switches.update(retention_auth=7, denied="4039002")
        assert swr.code("DELETE", f"{P}/501", who="editor") == (403, "4039002")
        assert swr.code("DELETE", f"{P}/501") == 200

    def test_projects_keep_their_organizations(self, swr):
        path = "/v2/manage/namespaces/sub/repos/one/retentions"
        assert swr.code("GET", path) == (404, "4040058")
        assert swr.signed("GET", path, X_Project_Id="p2").status_code == 200
        assert swr.signed("GET", path, X_Project_Id="p1").status_code == 404
        assert swr.signed("GET", path, X_Project_Id="p3").status_code == 401
        assert swr.signed("GET", P).status_code == 200


class TestSigning:
    def test_the_gateway_says_what_it_computed(self, swr):
        answer = swr.signed("GET", P + "?b=1&a=2", secret="wrong")
        assert (answer.status_code, answer.json["error_code"]) == (401, "APIGW.0301")
        start = "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|"
        assert answer.json["error_msg"].startswith(start + P.replace("$", "%24") + "/|a=2&b=1|content-type:")

    def test_an_unknown_key(self, swr):
        answer = swr.signed("GET", P, access="NOBODY")
        assert answer.json["error_msg"] == "Incorrect IAM authentication information: ak NOBODY not exist"

    def test_five_wrong_signatures_lock_the_key_for_five_minutes(self, swr):
        for _number in range(5):
            assert swr.signed("GET", P, secret="wrong").status_code == 401
        assert "AK access failed to reach the limit" in swr.signed("GET", P).json["error_msg"]
        swr.fake.advance(301)
        assert swr.signed("GET", P).status_code == 200

    def test_locking_can_be_turned_off(self, swr):
        swr.fake.switches.update(key_lock_after=0, iam_lock_after=0)
        for _number in range(8):
            swr.signed("GET", P, secret="wrong")
            swr.sign_in(password="wrong")
        assert swr.signed("GET", P).status_code == 200
        assert swr.sign_in().status_code == 201

    def test_a_good_signature_starts_the_count_again(self, swr):
        for secret in ["wrong"] * 4 + ["SK"] + ["wrong"] * 4:
            swr.signed("GET", P, secret=secret)
        assert swr.signed("GET", P).status_code == 200

    @pytest.mark.parametrize("names", [("x-sdk-date",), ("host",), ("content-type",)])
    def test_host_and_date_must_be_signed(self, swr, names):
        assert swr.signed("GET", P, names=names).status_code == 401

    def test_the_clock(self, swr):
        for seconds, status in ((-895, 200), (895, 200), (-905, 401), (905, 401)):
            date = time.strftime(signing.DATE_FORMAT, time.gmtime(time.time() + seconds))
            assert swr.signed("GET", P, X_Sdk_Date=date).status_code == status
        assert swr.signed("GET", P, X_Sdk_Date="2025-01-15T08:30:00Z").status_code == 401
        swr.fake.advance(30 * DAY)
        assert swr.signed("GET", P).status_code == 200
        swr.fake.switches["gateway_clock_off"] = -1000
        assert swr.signed("GET", P).status_code == 401
        swr.fake.switches["max_skew"] = 1200
        assert swr.signed("GET", P).status_code == 200

    def test_bodies_are_signed(self, swr):
        assert swr.signed("POST", P, json.dumps(BODY)).status_code == 201
        unsigned = {"X_Sdk_Content_Sha256": "UNSIGNED-PAYLOAD"}
        assert swr.signed("PATCH", f"{P}/501", json.dumps(BODY), **unsigned).status_code == 201

    def test_temporary_keys(self, swr):
        temporary = {"access": "TEMP", "secret": "TSK"}
        assert swr.signed("GET", P, **temporary).status_code == 401
        assert swr.signed("GET", P, **temporary, X_Security_Token="wrong").status_code == 401
        assert swr.signed("GET", P, **temporary, X_Security_Token="ST").status_code == 200
        names = ("host", "x-sdk-date")
        assert swr.signed("GET", P, **temporary, X_Security_Token="ST", names=names).status_code == 401
        assert swr.signed("GET", P, X_Security_Token="ST").status_code == 401
        swr.fake.advance(901)
        assert swr.signed("GET", P, **temporary, X_Security_Token="ST").status_code == 401

    def test_a_project_listing_of_iam_is_signed_too(self, swr):
        found = swr.signed("GET", "/v3/projects?name=eu-de", Host="iam.test").json["projects"]
        assert [project["id"] for project in found] == ["p1"]
        headers = {"X-Auth-Token": swr.fake.token("reader")}
        assert swr.client.get("/v3/projects", headers=headers).status_code == 403


class TestSignIn:
    def test_a_token(self, swr):
        answer = swr.sign_in()
        assert answer.status_code == 201
        token, described = answer.headers["X-Subject-Token"], answer.json["token"]
        assert len(token) == 3000
        assert described["project"]["id"] == "p1"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", described["expires_at"])
        assert "swr" not in json.dumps(described["catalog"])
        assert "catalog" not in swr.sign_in(query="?nocatalog=x").json["token"]
        headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        assert swr.client.get(P, headers=headers).status_code == 200
        assert token in swr.fake.secrets()
        assert swr.fake.writes == []
        assert swr.fake.requests[0]["method"] == "POST"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"password": "x"},
            {"name": "nobody"},
            {"domain": "alice"},
            {"name": "owner", "password": "owning"},
            {"scope": {"project": {"name": "nothing"}}},
            {"name": "guest", "password": "guessing", "scope": {"project": {"id": "p2"}}},
        ],
    )
    def test_refusals_look_alike(self, swr, wrong):
        answer = swr.sign_in(**wrong)
        assert answer.status_code == 401
        assert answer.json == {"error": {"message": "Unauthorized.", "code": 401, "title": "Unauthorized"}}

    def test_five_wrong_passwords_lock_the_account_for_fifteen_minutes(self, swr):
        for _number in range(5):
            assert swr.sign_in(password="wrong").json["error"]["message"] == "Unauthorized."
        assert swr.sign_in().json["error"]["message"] == "The account is locked."
        swr.fake.switches["locked_says_so"] = False
        assert swr.sign_in().json["error"]["message"] == "Unauthorized."
        swr.fake.advance(901)
        assert swr.sign_in().status_code == 201

    def test_scopes(self, swr):
        assert swr.sign_in(scope={"project": {"id": "p2"}}).json["token"]["project"]["name"] == "eu-de_sub"
        for scope in (None, {"domain": {"name": "corp"}}):
            answer = swr.sign_in(scope=scope)
            assert answer.status_code == 201
            headers = {"X-Auth-Token": answer.headers["X-Subject-Token"], "Content-Type": "application/json"}
            answer = swr.client.get(P, headers=headers)
            assert (answer.status_code, answer.json["error_code"]) == (401, "SVCSTG.SWR.4010000")

    @pytest.mark.parametrize("body", [{}, {"auth": {"identity": {"methods": ["token"]}}}, [], None])
    def test_bad_requests(self, swr, body):
        assert swr.client.post("/v3/auth/tokens", json=body).status_code == 400

    def test_tokens_that_are_no_good(self, swr):
        token = swr.fake.token("alice")
        headers = {"Content-Type": "application/json"}
        texts = []
        for given in ({}, {"X-Auth-Token": "x"}):
            texts.append(swr.client.get(P, headers={**headers, **given}).json["error_msg"])
        swr.fake.advance(DAY + 1)
        answer = swr.client.get(P, headers={**headers, "X-Auth-Token": token})
        assert answer.status_code == 401
        texts.append(answer.json["error_msg"])
        for text, part in zip(texts, ("x-auth-token not found", "decrypt token fail", "token expires, expires_at: 2")):
            assert text.startswith(f"Incorrect IAM authentication information: {part}")
        swr.fake.switches["bad_token_seen_by"] = "service"
        answer = swr.client.get(P, headers={**headers, "X-Auth-Token": token})
        assert (answer.status_code, answer.json["error_code"]) == (401, "SVCSTG.SWR.4010000")

    def test_the_size_and_life_of_a_token(self, swr):
        swr.fake.switches.update(token_bytes=20000, token_lifetime=60)
        headers = {"Content-Type": "application/json", "X-Auth-Token": swr.fake.token("alice")}
        assert len(headers["X-Auth-Token"]) == 20000
        assert swr.client.get(P, headers=headers).status_code == 200
        swr.fake.advance(61)
        assert swr.client.get(P, headers=headers).status_code == 401

    def test_tokens_can_be_ended(self, swr):
        headers = {"Content-Type": "application/json", "X-Auth-Token": swr.fake.token("alice")}
        assert swr.client.get(P, headers=headers).status_code == 200
        swr.fake.expire_tokens()
        assert swr.client.get(P, headers=headers).status_code == 401


class TestListing:
    def names(self, swr, query="", **more):
        return [f"{row['namespace']}/{row['name']}" for row in swr.get(REPOS + query, **more)]

    def test_organizations(self, swr):
        path = "/v2/manage/namespaces"
        found = swr.get(path)["namespaces"]
        assert [(row["name"], row["auth"]) for row in found] == [("acme", 7), ("acme-archive", 7)]
        assert [row["name"] for row in swr.get(path + "?namespace=acme")["namespaces"]] == ["acme"]
        assert swr.get(path, who="guest")["namespaces"] == []
        visible = swr.get(path + "?filter=mode::visible", who="guest")["namespaces"]
        assert [row["name"] for row in visible] == ["acme"]
        swr.fake.switches["namespace_matches"] = "fuzzy"
        assert len(swr.get(path + "?filter=namespace::acme")["namespaces"]) == 2
        assert swr.get(path + "/acme", who="reader")["auth"] == 1
        assert swr.code("GET", path + "/nowhere") == (404, "4040058")
        assert swr.code("GET", path + "/acme", who="mallory") == (403, "4030170")

    def test_names_match_loosely(self, swr):
        query = "?namespace=acme&order_column=name&order_type=asc&name="
        assert self.names(swr, query + "team/app") == ["acme/team/app", "acme/team/app-old"]
        assert self.names(swr, query + "team%24app") == ["acme/team/app", "acme/team/app-old"]
        swr.fake.switches["name_dollar"] = "dollar"
        assert self.names(swr, query + "team/app") == []
        assert len(self.names(swr, query + "team$app")) == 2
        swr.fake.switches.update(name_dollar="slash", name_matches="exact")
        assert self.names(swr, query + "team$app") == []
        assert self.names(swr, query + "team/app") == ["acme/team/app"]
        swr.fake.switches["reply_names"] = "dollar"
        assert self.names(swr, query + "team/app") == ["acme/team$app"]

    def test_other_filters(self, swr):
        assert self.names(swr, "?is_public=true") == ["acme/shared"]
        assert self.names(swr, "?category=linux") == ["acme/shared"]
        assert self.names(swr, who="guest") == ["acme/shared"]
        assert self.names(swr, "?filter=namespace::acme-archive&namespace=acme") == ["acme-archive/team/app"]
        assert self.names(swr, "?namespace=nowhere") == []
        swr.fake.switches["unknown_namespace"] = "404"
        assert swr.code("GET", REPOS + "?namespace=nowhere") == (404, "4040058")

    def test_orders(self, swr):
        assert self.names(swr, "?order_column=tag_count")[0] == APP
        assert self.names(swr, "?order_column=updated_time")[0] == "acme/shared"
        assert swr.code("GET", REPOS + "?order_column=updated_at") == (400, "4001096")
        swr.fake.switches["order_by_updated_at"] = "accept"
        assert self.names(swr, "?order_column=updated_at")[0] == "acme/shared"
        assert swr.code("GET", REPOS + "?order_type=up") == (400, "4000014")

    def test_a_row(self, swr):
        row = swr.get(REPOS + "?name=team/app&namespace=acme&order_column=name&order_type=asc")[0]
        assert (row["num_images"], row["tags"], row["total_range"]) == (4, ["v3", "v2", "stable", "v1"], 2)

    def test_pages(self, swr):
        many = {"name": "many", "tags": [tag(f"t{number:04}", 1 + number / 100) for number in range(1100)]}
        swr = Server(state(organizations=[{"name": "acme", "repositories": [many]}]))
        path = "/v2/manage/namespaces/acme/repos/many/tags"
        assert len(swr.get(path)) == 100
        answer = swr.send("GET", path + "?limit=2000&offset=50")
        assert (len(answer.json), answer.headers["Content-Range"]) == (1000, "50-1000/1100")
        assert "Content-Range" not in swr.send("GET", path + "?limit=5").headers
        assert len(swr.get(path + "?limit=5")) == 5
        swr.fake.switches.update(lone_paging="ignored", content_range="always")
        answer = swr.send("GET", path + "?limit=5")
        assert (len(answer.json), answer.headers["Content-Range"]) == (100, "0-100/1100")
        assert swr.get(path + "?limit=100&offset=1100") == []
        for wrong in ("limit=0&offset=0", "limit=x&offset=0", "limit=1&offset=-1"):
            assert swr.code("GET", f"{path}?{wrong}") == (400, "4000014")
        swr.fake.switches["over_limit"] = "refuse"
        assert swr.code("GET", path + "?limit=1001&offset=0") == (400, "4000014")

    def test_tags(self, swr):
        rows = swr.get(TAGS)
        assert [row["Tag"] for row in rows] == ["v3", "v2", "stable", "v1"]
        assert "tag" not in rows[0]
        assert [row["Tag"] for row in swr.get(TAGS + "?order_column=tag&order_type=asc")][0] == "stable"
        assert swr.code("GET", TAGS + "?order_column=updated_time") == (400, "4001096")
        assert swr.code("GET", TAGS.replace("team$app", "nothing")) == (404, "4040010")

    def test_times_have_any_number_of_digits(self):
        swr = Server(
            state(
                organizations=[
                    {
                        "name": "acme",
                        "repositories": [
                            {
                                "name": "a",
                                "tags": [{"name": str(number), "age_seconds": 1000 + number} for number in range(3)],
                            }
                        ],
                    }
                ]
            )
        )
        found = [row["updated"] for row in swr.get("/v2/manage/namespaces/acme/repos/a/tags")]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", text) for text in found)
        assert sum("." not in text for text in found) == 1
        assert max(len(text) for text in found) > 24  # nine digits, without zeros at the end


class TestServing:
    def test_the_state_comes_back(self, swr):
        swr.create()
        again = Swr(json.loads(json.dumps(swr.fake.state())))
        assert again.tags(APP) == swr.fake.tags(APP)
        assert again.retentions(APP) == swr.fake.retentions(APP)
        assert [row["tag"] for row in again.histories(APP)] == ["v1"]
        assert again.access_key("alice") == swr.fake.access_key("alice")
        assert again.user("mallory") == swr.fake.user("mallory")
        assert again.add_retention("acme/app", RULE) == 502

    def test_the_demo_estate(self):
        fake = Swr()
        names = fake.repository_names()
        assert len(names) == 123
        assert 1500 < sum(len(fake.tags(name)) for name in names) < 2500
        assert sum(bool(fake.retentions(name)) for name in names) == 9
        assert {name.split("/")[0] for name in names} == {"acme", "globex", "acme-archive"}
        assert fake.access_key("alice", temporary=True)["security_token"]
        assert fake.user("alice")["project_id"] == fake.project_id("eu-de")
        assert fake.tags(names[0]) == Swr().tags(names[0])

    @pytest.mark.parametrize("mount", ["in process", "loopback"])
    def test_both_mounts(self, mount):
        fake = Swr(state())
        session = requests.Session()
        session.trust_env = False
        session.headers["Content-Type"] = "application/json"

        def run(iam, api):
            user = {"name": "alice", "password": "made-up", "domain": {"name": "corp"}}
            auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
            auth["scope"] = {"project": {"name": "eu-de"}}
            answer = session.post(iam + "/v3/auth/tokens?nocatalog=true", json={"auth": auth})
            session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
            for name in ("team$app", "team%24app"):
                assert session.get(api + P.replace("team$app", name)).json() == []
            assert session.get(api + P.replace("$", "%2F")).status_code == 404
            del session.headers["X-Auth-Token"]
            headers = {"Host": api.split("//")[1], "Content-Type": "application/json"}
            headers["X-Sdk-Date"] = time.strftime(signing.DATE_FORMAT, time.gmtime())
            data = json.dumps(BODY).encode()
            headers["Authorization"] = signing.authorization("POST", P, headers, data, "AK", "SK")
            answer = session.post(api + P, data=data, headers=headers)
            assert (answer.status_code, answer.json()) == (201, {"id": 501})

        if mount == "loopback":
            with serving(fake) as url:
                run(url, url)
        else:
            with mounted(fake, "https://swr.test"), mounted(fake, "https://iam.test"):
                run("https://iam.test", "https://swr.test")
        assert [entry["path"] for entry in fake.writes] == [P]

    def test_the_command_line(self, tmp_path):
        given = tmp_path / "state.json"
        given.write_text(json.dumps(state()), encoding="utf-8")
        script = Path(__file__).resolve().parents[3] / "fakes" / "serve.py"
        command = [sys.executable, str(script), "swr", "--state", str(given)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            url = process.stdout.readline().split()[-1]
            found = requests.get(url + "/_fake/state", timeout=10).json()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert [row["name"] for row in found["organizations"]] == ["acme", "acme-archive", "sub"]
