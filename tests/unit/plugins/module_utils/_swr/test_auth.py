# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import access, api, transport
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import LostAnswer
from ansible_collections.registry.hygiene.plugins.module_utils._swr import auth

DATA = Path(__file__).resolve().parents[4] / "data/swr"
VECTORS = json.loads((DATA / "swr_signing_vectors.json").read_text())["vectors"]
CAPTURED = json.loads((DATA / "swr_sdk_requests.json").read_text())
REQUESTS = [
    pytest.param(request, id=f"{capture['name']}-{number}")
    for capture in CAPTURED["captures"]
    for number, request in enumerate(capture["requests"])
]


def query_of(vector):
    query = "&".join(f"{auth._escaped(name)}={auth._escaped(value)}" for name, value in vector["query"])
    return "?" + query if query else ""


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_published_and_computed_vectors(vector):
    url = f"{vector['scheme']}://{vector['host']}{vector['path']}{query_of(vector)}"
    headers = {"host": vector["host"], **{name.lower(): value for name, value in vector["headers"].items()}}
    headers = {name: value for name, value in headers.items() if "_" not in name}  # as the vendor's signer does
    expected = vector["expected"]
    assert auth.canonical_request(vector["method"], url, headers, vector["body"]) == expected["canonical_request"]
    signed = auth.authorization(vector["method"], url, headers, vector["body"], vector["ak"], vector["sk"])
    assert signed == expected["authorization"]


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_requests_of_the_vendors_sdk_get_the_same_signature(request_):
    sent = {name.lower(): value for name, value in request_["headers"]}
    names = sent["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    url = f"http://{sent['host']}{request_['target']}"
    signed = auth.authorization(
        request_["method"], url, {name: sent[name] for name in names}, request_["body"], CAPTURED["ak"], CAPTURED["sk"]
    )
    assert signed == sent["authorization"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (api.path("repos", "team$app", "retentions"), {}),
        (api.path("repos"), {"filter": "namespace::acme|name::team/app"}),
        (api.path("repos", "a b"), {"name": "ü ß/$&=+", "empty": ""}),
    ],
)
def test_a_request_is_signed_as_it_goes_out(path, query, monkeypatch):
    sent = []

    def send(adapter, prepared, **_more):
        sent.append(prepared)
        raise transport.requests.exceptions.ConnectionError

    monkeypatch.setattr(transport.requests.adapters.HTTPAdapter, "send", send)
    params = {name: option.get("default") for name, option in access.ARGUMENT_SPEC.items()}
    signer = auth.Signer("KEY", "SECRET", "security-token", "project")
    client = api.Client("https://swr.test:8443", params, signer, api.explain)
    with pytest.raises(LostAnswer):
        client.request("POST", path, query, {"a": "ü"})
    (request,) = sent
    headers = {name.lower(): value for name, value in request.headers.items()}
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert names == ["content-type", "host", "x-project-id", "x-sdk-date", "x-security-token"]
    assert headers["host"] == "swr.test:8443" and "SECRET" not in str(headers)
    assert headers["authorization"] == auth.authorization(
        "POST", request.url, {name: headers[name] for name in names}, request.body, "KEY", "SECRET"
    )
    assert "+" not in request.url
