# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the fake DigitalOcean against the vendor's API description, which is no part of this repository."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import pytest
from fakes.digitalocean import DigitalOcean
from fakes.digitalocean.routes import LEGACY, ROUTES
from werkzeug.test import Client

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

BESIDE = [folder / "shared" / "specs" for folder in Path(__file__).resolve().parents]  # the tests may run in a copy
FOLDER = Path(
    os.environ.get("REGISTRY_HYGIENE_SPECS") or next(filter(Path.is_dir, BESIDE), "a folder of specifications")
)
FILE = FOLDER / "digitalocean-registry-openapi.yaml"
if not FILE.is_file():
    pytest.skip(f"no {FILE.name} in {FOLDER}: set REGISTRY_HYGIENE_SPECS", allow_module_level=True)

# What the service sends although its description does not have it: godo's registry.go, and for read_only
# github.com/digitalocean/ansible-collection/pull/83.
UNDECLARED = {"type", "read_only", "total_storage_usage_bytes"}
UNDECLARED_OF_RUNS = {"meta", "links"}
OPTIONAL = {"links", "subscription", "latest_manifest", "latest_tag", "eligibility_reasons", "request_id"}
ADMIN = {"Authorization": "Bearer dop_v1_made-up-admin"}
UUID = "eff0feee-49c7-4e8f-ba5c-a320c109c8a8"
DIGEST = "sha256:" + "a" * 64
NAMES = {
    "registry_name": "example",
    "repository_name": "team/app",
    "repository_tag": "v1",
    "manifest_digest": DIGEST,
    "garbage_collection_uuid": UUID,
}
BODIES = {
    ("POST", "registries"): {"name": "new", "region": "ams3"},
    ("POST", "registry"): {"name": "new", "subscription_tier_slug": "professional"},
    ("POST", "subscription"): {"tier_slug": "professional"},
    ("POST", "validate-name"): {"name": "free"},
    ("POST", "garbage-collection"): {"type": "unreferenced blobs only"},
    ("PUT", "{garbage_collection_uuid}"): {"cancel": True},
}


def state(*more):
    manifest = {"digest": DIGEST, "blobs": [{"digest": "sha256:" + "b" * 64, "size": 1000}]}
    repository = {"name": "team/app", "manifests": [manifest], "tags": [{"name": "v1", "digest": DIGEST}]}
    others = [{"name": f"repo-{number}", "manifests": [manifest]} for number in range(3)]
    example = {"name": "example", "repositories": [repository, *others]}
    example["runs"] = [{"age_seconds": 86400 * number, "blobs_deleted": 3, "freed_bytes": 9} for number in range(1, 4)]
    tokens = [
        {"as": "admin", "token": "dop_v1_made-up-admin"},
        {"as": "nobody", "token": "dop_v1_made-up-nobody", "scopes": []},
    ]
    return {"tokens": tokens, "account": {"reserved_names": ["taken"]}, "registries": [example, *more]}


@lru_cache(maxsize=1)
def spec():
    return yaml.load(FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def operations():
    methods = ("get", "put", "post", "delete")
    return [(method.upper(), path) for path, item in spec()["paths"].items() for method in item if method in methods]


def resolved(item):
    while "$ref" in item:
        found = spec()
        for word in item["$ref"][2:].split("/"):
            found = found[word]
        item = found
    return item


CHECKER = jsonschema.FormatChecker(formats=())


@CHECKER.checks("date-time")
def is_time(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text) is not None


def check(method, path, answer):
    """Checks status, headers, body and the names in the body against the description."""
    responses = spec()["paths"][path][method.lower()]["responses"]
    declared = resolved(responses.get(str(answer.status_code), responses["default"]))
    assert str(answer.status_code) in responses or answer.status_code >= 400
    for name in declared.get("headers", {}):
        assert int(answer.headers[name]) >= 0
    assert answer.headers["Date"].endswith(" GMT")
    if "content" not in declared:
        assert answer.data == b""
        return
    assert answer.headers["Content-Type"] == "application/json"
    schema = declared["content"]["application/json"]["schema"]
    whole = {"allOf": [schema], "components": spec()["components"]}
    jsonschema.Draft4Validator(whole, format_checker=CHECKER).validate(answer.json)
    same_names(schema, answer.json, path)


def same_names(schema, value, where):
    """Checks that an object has all names that its schema has, and no others."""
    properties, items = gathered(schema)
    if isinstance(value, list):
        for item in value:
            same_names(items, item, where)
    elif isinstance(value, dict) and properties:
        allowed = UNDECLARED | UNDECLARED_OF_RUNS if where.endswith("/garbage-collections") else UNDECLARED
        assert set(value) - set(properties) <= allowed, where
        assert set(properties) - set(value) <= OPTIONAL, where
        for name, item in value.items():
            same_names(properties.get(name, {}), item, f"{where}.{name}")


def gathered(schema):
    schema = resolved(schema)
    properties, items = dict(schema.get("properties", {})), schema.get("items", {})
    for part in [*schema.get("allOf", []), *schema.get("oneOf", [])]:
        more, found = gathered(part)
        properties.update(more)
        items = items or found
    return properties, items


def send(fake, method, path, headers=None, body=None, query="", **names):
    url = re.sub(r"{(\w+)}", lambda match: quote({**NAMES, **names}[match[1]], safe=":"), path)
    if body is None:
        body = BODIES.get((method, path.rsplit("/", 1)[1]))
    more = {} if body is None else {"json": body}
    answer = Client(fake).open(url + query, method=method, headers=ADMIN if headers is None else headers, **more)
    check(method, path, answer)
    return answer


def fake_for(method, path):
    """Returns a fake in which the operation succeeds."""
    given = state()
    if (method, path) == ("POST", "/v2/registry"):
        given["registries"] = []
    fake = DigitalOcean(given)
    if path.endswith("/garbage-collection") and method == "GET":
        fake.start_run("example")
    if path.endswith("{garbage_collection_uuid}"):
        fake.add_run("example", uuid=UUID, status="scanning manifests")
    return fake


def test_the_fake_has_the_paths_and_scopes_of_the_description():
    theirs, ours = {}, {}
    for method, path in operations():
        scopes = spec()["paths"][path][method.lower()]["security"][0]["bearer_auth"]
        theirs[method, re.sub(r"{\w+}", "{}", path)] = sorted(scopes)
    for family, routes in ROUTES.items():
        for pattern, route in routes.items():
            path = f"/v2/{family}/{pattern}".rstrip("/")
            for method, (_name, scopes) in route.items():
                ours[method, re.sub(r"{\w+}", "{}", path)] = sorted(scopes)
    assert ours == theirs


@pytest.mark.parametrize(("method", "path"), operations())
class TestEachOperation:
    def test_success(self, method, path):
        answer = send(fake_for(method, path), method, path)
        declared = [status for status in spec()["paths"][path][method.lower()]["responses"] if status[0] == "2"]
        assert [str(answer.status_code)] == declared

    def test_no_token_and_a_wrong_one(self, method, path):
        for headers in ({}, {"Authorization": "Bearer dop_v1_made-up-other"}):
            answer = send(fake_for(method, path), method, path, headers)
            assert (answer.status_code, answer.json["id"]) == (401, "unauthorized")

    def test_a_token_with_too_narrow_scopes(self, method, path):
        answer = send(fake_for(method, path), method, path, {"Authorization": "Bearer dop_v1_made-up-nobody"})
        assert (answer.status_code, answer.json["id"]) == (403, "forbidden")

    def test_nothing_of_that_name(self, method, path):
        names = [name for name in NAMES if f"{{{name}}}" in path]
        for name in names:
            answer = send(fake_for(method, path), method, path, **{name: "other"})
            assert (answer.status_code, answer.json["id"]) == (404, "not_found")

    def test_too_many_requests(self, method, path):
        for switch in ("rate_minute", "rate_hour"):
            fake = fake_for(method, path)
            fake.switches[switch] = 1
            send(fake, method, path)
            answer = send(fake, method, path)
            assert (answer.status_code, answer.json["id"]) == (429, "too_many_requests")
            assert ("retry-after" in answer.headers) == (switch == "rate_minute")

    def test_server_error(self, method, path):
        fake = fake_for(method, path)
        fake.fail(500)
        answer = send(fake, method, path)
        assert (answer.status_code, answer.json["id"]) == (500, "server_error")


def test_every_page_of_every_list():
    fake = DigitalOcean()
    headers = {"Authorization": f"Bearer {fake.token('admin')}"}
    found = fake.manifests("acme")
    busiest = max({item["repository"] for item in found}, key=lambda name: sum(i["repository"] == name for i in found))
    lists = [path for method, path in operations() if method == "GET" and path.endswith(("s", "V2"))]
    lists = [path for path in lists if "{registry_name}/" in path and "credentials" not in path]
    assert len(lists) == 9
    for path in lists:
        for page in (1, 2, 3, 99):
            query = f"?page={page}&per_page=7"
            answer = send(fake, "GET", path, headers, query=query, registry_name="acme", repository_name=busiest)
            assert answer.json["links"]["pages"]


@pytest.mark.parametrize("status", ["requested", "deleting unreferenced blobs", "cancelling", "succeeded", "failed"])
def test_runs_in_each_status(status):
    for family in ROUTES:
        fake = DigitalOcean(state())
        fake.add_run("example", uuid=UUID, status=status)
        base = f"/v2/{family}/{{registry_name}}/garbage-collection"
        send(fake, "GET", base)
        assert send(fake, "GET", base + "s").json["garbage_collections"][0]["status"] == status
        send(fake, "POST", base)


def test_other_refusals():
    fake = DigitalOcean(state({"name": "second"}))
    for method, path in (("GET", "/v2/registry"), ("DELETE", "/v2/registry")):
        assert send(fake, method, path).json["id"] == "precondition_failed"
    for family in ROUTES:
        assert send(fake, "POST", f"/v2/{family}/validate-name", body={"name": "taken"}).status_code == 409
        answer = send(fake, "POST", f"/v2/{family}/subscription", body={"tier_slug": "basic"})
        assert answer.json["message"] == "registry is not eligible for tier because: [OverRegistryLimit]"
        base = f"/v2/{family}/{{registry_name}}"
        assert send(fake, "GET", f"{base}/repositoriesV2", query="?page_token=%25").status_code == 400
        assert send(fake, "POST", f"{base}/garbage-collection", body={"type": "all"}).status_code == 422


def test_the_messages_are_those_of_the_description():
    fake = DigitalOcean(state({"name": "second"}))
    example = spec()["components"]["responses"]["registries_precondition_fail"]["content"]["application/json"][
        "example"
    ]
    assert send(fake, "GET", f"/v2/{LEGACY}").json["message"] == example["message"]
    for status, name in ((401, "unauthorized"), (404, "not_found"), (429, "too_many_requests"), (500, "server_error")):
        fake.fail(status)
        given = spec()["components"]["responses"][name]["content"]["application/json"]["example"]
        assert send(fake, "GET", "/v2/registries").json == given


def test_tiers_are_those_of_the_description():
    example = spec()["components"]["responses"]["registry_options_response"]["content"]["application/json"]["example"]
    seen = send(DigitalOcean(state()), "GET", "/v2/registries/options").json["options"]["subscription_tiers"]
    for tier, theirs in zip(seen, example["options"]["subscription_tiers"]):
        same = set(theirs) - {"eligible", "eligibility_reasons"}
        assert {name: tier[name] for name in same} == {name: theirs[name] for name in same}
