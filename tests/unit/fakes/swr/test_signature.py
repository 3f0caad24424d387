# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature check of the fake SWR against vectors and against requests of the vendor's SDK."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fakes.swr import Swr
from fakes.swr import signature as signing
from werkzeug.test import Client

DATA = Path(__file__).resolve().parents[3] / "data" / "swr"
VECTORS = json.loads((DATA / "swr_signing_vectors.json").read_text(encoding="utf-8"))["vectors"]
SDK = json.loads((DATA / "swr_sdk_requests.json").read_text(encoding="utf-8"))
SENT = [(capture["name"], request) for capture in SDK["captures"] for request in capture["requests"]]
SIGNED_AT = 1736929800  # 2025-01-15T08:30:00Z
SECURITY_TOKEN = "gQpldS1kZS1leGFtcGxlLXRva2Vu"
# Status of the fake's answer where it is not 200.
STATUS = {
    "create_retention": 201,
    "create_retention_no_selectors_key": 400,
    "create_retention_empty_selectors": 201,
    "create_retention_int_param": 400,
    "update_retention": 201,
    "list_retentions_slash_not_replaced": 404,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector):
    expected = vector["expected"]
    headers = {"host": vector["host"], **{name.lower(): text for name, text in vector["headers"].items()}}
    claim = signing.parse(expected["authorization"])
    assert (claim.access, ";".join(claim.names)) == (vector["ak"], expected["signed_headers"])
    for query in (
        expected["request_target"].partition("?")[2],
        urlencode(list(map(tuple, reversed(vector["query"])))),
    ):
        target = f"{vector['path']}?{query}"
        canonical = signing.canonical_request(vector["method"], target, headers, claim.names, vector["body"].encode())
        assert canonical == expected["canonical_request"]
    date = headers["x-sdk-date"]
    assert signing.string_to_sign(canonical, date) == expected["string_to_sign"]
    assert signing.matches(claim, vector["sk"], canonical, date)
    assert not signing.matches(claim, vector["sk"] + "x", canonical, date)


def sdk_fake(name, security_token=None):
    key = {"access": SDK["ak"], "secret": SDK["sk"], "security_token": security_token}
    rule = {"template": "date_rule", "params": {"days": "30"}, "tag_selectors": []}
    existing = [] if name.startswith("create") else [{"id": 4711, "rules": [rule]}]
    app = {"name": "team/app", "tags": [{"name": "v1", "age_seconds": 10}], "retentions": existing}
    fake = Swr(
        {
            "projects": [{"name": "eu-de", "id": SDK["project_id"]}],
            "users": [{"name": "alice", "access_keys": [key]}],
            "organizations": [{"name": "acme", "repositories": [app]}],
        }
    )
    fake.switches["gateway_clock_off"] = SIGNED_AT - time.time()
    return fake


def replayed(fake, request, **changed):
    headers = [(name, text) for name, text in request["headers"] if name != "Content-Length"]
    headers = [(name, changed.get(name, text)) for name, text in headers]
    body = changed.get("body", request["body"])
    return Client(fake).open(request["target"], method=request["method"], headers=headers, data=body)


@pytest.mark.parametrize(("name", "request_"), SENT, ids=[name for name, _request in SENT])
class TestRequestsOfTheSdk:
    def test_are_answered(self, name, request_):
        fake = sdk_fake(name, SECURITY_TOKEN if "security" in name else None)
        answer = replayed(fake, request_)
        assert answer.status_code == STATUS.get(name, 200), answer.get_data(as_text=True)
        if answer.status_code == 404:
            assert answer.json["error_code"] == "APIGW.0101"

    @pytest.mark.parametrize("seconds", [-901, 902])
    def test_are_refused_at_another_time(self, name, request_, seconds):
        fake = sdk_fake(name, SECURITY_TOKEN if "security" in name else None)
        fake.switches["gateway_clock_off"] += seconds
        answer = replayed(fake, request_)
        if "slash" not in name:
            assert answer.status_code == 401
            assert "signature expired, signature time:20250115T083000Z,server time:" in answer.json["error_msg"]

    def test_are_refused_when_changed(self, name, request_):
        if "slash" in name:
            return
        for change in ({"body": request_["body"] + " "}, {"Host": "localhost"}, {"User-Agent": "curl"}):
            answer = replayed(sdk_fake(name, SECURITY_TOKEN if "security" in name else None), request_, **change)
            assert (answer.status_code, answer.json["error_code"]) == (401, "APIGW.0301"), change


def test_some_requests_pass_with_a_switch():
    requests = dict(SENT)
    for name, switch, value in (
        ("create_retention_no_selectors_key", "missing_selectors", "accept"),
        ("create_retention_int_param", "number_params", "string"),
    ):
        fake = sdk_fake(name)
        fake.switches[switch] = value
        assert replayed(fake, requests[name]).status_code == 201
    assert fake.retention("acme/team/app")["rules"][0]["params"] == {"days": "30"}


def test_a_security_token_is_needed_by_its_key_only():
    requests = dict(SENT)
    assert replayed(sdk_fake("x"), requests["list_retentions_security_token"]).status_code == 401
    assert replayed(sdk_fake("x", SECURITY_TOKEN), requests["list_retentions"]).status_code == 401


def test_a_plus_sign_is_no_space():
    assert signing.canonical_query("b=x+y&a=%7e&c") == "a=~&b=x%2By&c="


@pytest.mark.parametrize("text", ["", "SDK-HMAC-SHA256", "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=12"])
def test_malformed_claims(text):
    assert signing.parse(text) is None
