# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake DigitalOcean takes the requests that the vendor's Python client writes, byte by byte."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from urllib.parse import unquote

import pytest
from fakes.digitalocean import DigitalOcean
from fakes.serve import serving

FILE = Path(__file__).resolve().parents[3] / "data" / "digitalocean" / "pydo_requests.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
CALLS = [call for kind in ("garbage_collection_calls", "related_calls") for call in RECORDED[kind]]
SENT = [call for call in CALLS if call["request"]]
# The vendor's example of a page token, which is cut at its start.
CUT_TOKEN = "page_token=JPZmZzZXQiOjB9"
UUID = "eff0feee-49c7-4e8f-ba5c-a320c109c8a8"
KEYS = {
    "garbage-collection": "garbage_collection",
    "garbage-collections": "garbage_collections",
    "digests": "manifests",
}
KEYS.update(
    {"repositoriesV2": "repositories", "repositories": "repositories", "tags": "tags", UUID: KEYS["garbage-collection"]}
)
KEYS.update({"registries": "registries", "registry": "registry", "example": "registry", "subscription": "subscription"})


def fake_for(request):
    """Returns a fake that has whatever the request is about."""
    words = [unquote(word) for word in request["target"].partition("?")[0].split("/")]
    repositories = []
    if "repositories" in words and len(words) > words.index("repositories") + 1:
        repository = words[words.index("repositories") + 1]
        digest = words[-1] if words[-1].startswith("sha256:") else "sha256:" + "a" * 64
        tag = words[-1] if "tags" in words and words[-1] != "tags" else "v1"
        repositories = [
            {"name": repository, "manifests": [{"digest": digest}], "tags": [{"name": tag, "digest": digest}]}
        ]
    token = dict(request["headers"])["Authorization"].split()[1]
    given = {"name": "example", "repositories": repositories}
    fake = DigitalOcean({"tokens": [{"as": "admin", "token": token}], "registries": [given]})
    if words[-1] == UUID or (request["method"], words[-1]) == ("GET", "garbage-collection"):
        fake.add_run("example", uuid=UUID, status="scanning manifests")
    return fake


@pytest.mark.parametrize("call", SENT, ids=lambda call: f"{call['family']} {call['operation']}")
def test_takes_the_request(call):
    request = call["request"]
    fake = fake_for(request)
    with serving(fake) as url, socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), 10) as connection:
        connection.sendall(request["raw"].encode())
        answer = http.client.HTTPResponse(connection, method=request["method"])
        answer.begin()
        body = answer.read()
    last = unquote(request["target"].partition("?")[0].rsplit("/", 1)[1])
    if CUT_TOKEN in request["target"]:
        assert (answer.status, json.loads(body)["id"]) == (400, "bad_request")
    elif request["method"] == "DELETE":
        assert (answer.status, body) == (204, b"")
    else:
        assert answer.status == (201 if request["method"] == "POST" else 200)
        assert KEYS[last] in json.loads(body)
    if request["method"] == "POST":
        expected = json.loads(request["body"])["type"] if request["body"] else "unreferenced blobs only"
        assert [run["type"] for run in fake.runs("example")] == [expected]
    if request["method"] == "PUT":
        assert [run["status"] for run in fake.runs("example")] == ["cancelling"]


def test_no_call_is_missing():
    assert (len(CALLS), len(SENT)) == (28, 27)
