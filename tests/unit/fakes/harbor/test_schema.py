# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Harbor against the vendor's API description, which is no part of this repository."""

from __future__ import annotations

import base64
import json
import os
import re
from functools import lru_cache
from pathlib import Path

import pytest
from fakes.harbor import Harbor
from fakes.serve import serving

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

BESIDE = [folder / "shared" / "specs" for folder in Path(__file__).resolve().parents]  # the tests may run in a copy
FOLDER = Path(
    os.environ.get("REGISTRY_HYGIENE_SPECS") or next(filter(Path.is_dir, BESIDE), "a folder of specifications")
)
FILE = FOLDER / "harbor-v2.0-swagger.yaml"
if not FILE.is_file():
    pytest.skip(f"no {FILE.name} in {FOLDER}: set REGISTRY_HYGIENE_SPECS", allow_module_level=True)

DATA = Path(__file__).resolve().parents[3] / "data"
FILES = sorted(path for path in (DATA / "harbor").glob("*.json") if path.name != "retention_cases.json")
API = "/api/v2.0"
# Seen in the recordings although the description has other types: the body of a stopped replication is null.
WITHOUT_BODY = {("PUT", "/replication/executions/{id}")}
UNDESCRIBED = {"OsFeatures"}


@lru_cache(maxsize=1)
def spec():
    return nullable(yaml.load(FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def nullable(item):
    """Let lists, objects and pointers be null, as Go sends and takes them; refuse keys that are not described."""
    if isinstance(item, list):
        return [nullable(one) for one in item]
    if not isinstance(item, dict):
        return item
    if item == {"type": "object"}:
        return {}  # what Go takes for any value at all
    found = {key: nullable(one) for key, one in item.items()}
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None, ""]
    if isinstance(item.get("properties"), dict) and "type" in item["properties"] and "type" not in item:
        found["type"] = ["object", "null"]
    return found


def templates():
    found = [
        (path, method.upper(), operation)
        for path, item in spec()["paths"].items()
        for method, operation in item.items()
    ]
    return sorted(found, key=lambda one: [part.startswith("{") for part in one[0].split("/")])


def operation_of(method, path):
    parts = path.partition("?")[0].removeprefix(API).strip("/").split("/")
    for template, verb, operation in templates():
        names = template.strip("/").split("/")
        same = len(names) == len(parts) and all(a == b or a.startswith("{") for a, b in zip(names, parts))
        if verb == method and same:
            return template, operation
    return None, None


def problems(schema, value, undeclared):
    whole = {**schema, "definitions": spec()["definitions"]}
    found = [error.message for error in jsonschema.Draft4Validator(whole).iter_errors(value)]
    return found + (unknown_names(schema, value, "") if undeclared else [])


def unknown_names(schema, value, where):
    schema = resolved(schema)
    if isinstance(value, list):
        return [text for item in value for text in unknown_names(schema.get("items", {}), item, where)]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not properties or "additionalProperties" in schema:
        return []
    more = [f"{where}.{name} is not described" for name in set(value) - set(properties) - UNDESCRIBED]
    return more + [
        text
        for name, item in value.items()
        for text in unknown_names(properties.get(name, {}), item, f"{where}.{name}")
    ]


def resolved(schema):
    while "$ref" in schema:
        schema = spec()["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


class Witness(Harbor):
    """A fake that remembers what it was asked and what it answered."""

    def answer(self, request):
        answer = super().answer(request)
        self.seen.append((request.method, request.environ["REQUEST_URI"], request.get_data(), answer))
        return answer


def replayed(path):
    from importlib.util import module_from_spec, spec_from_file_location

    found = spec_from_file_location("replay_harbor", DATA / "replay_harbor.py")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    recording = json.loads(path.read_text(encoding="utf-8"))
    fake = Witness(recording["state"])
    fake.seen = []
    with serving(fake) as url:
        module.replay(url, recording, fake=True)
    return fake.seen


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_answers_and_the_bodies_that_it_takes_are_as_described(path):
    wrong, count = [], 0
    for method, url, body, answer in replayed(path):
        template, operation = operation_of(method, url)
        if operation is None or answer.status >= 300:
            continue
        count += 1
        declared = operation["responses"].get(str(answer.status), operation["responses"].get(answer.status))
        if declared is None:
            wrong.append(f"{method} {template}: status {answer.status} is not described")
            continue
        kind = answer.headers.get("Content-Type", "")
        if (
            "schema" in declared
            and answer.body
            and kind == "application/json"
            and (method, template) not in WITHOUT_BODY
        ):
            found = problems(declared["schema"], json.loads(answer.body), True)
            wrong += [f"{method} {template} answers: {text}" for text in found]
        names = declared.get("headers", {})
        if "Location" in names and not re.fullmatch(rf"{API}/.+", answer.headers.get("Location", "")):
            wrong.append(f"{method} {template}: no Location")
        parameter = next((one for one in operation.get("parameters", []) if one.get("in") == "body"), None)
        if body and parameter:
            with_values = _readable(body)
            if with_values is not None:
                wrong += [
                    f"{method} {template} takes: {text}" for text in problems(parameter["schema"], with_values, False)
                ]
    assert sorted(set(wrong)) == [], "\n".join(sorted(set(wrong)))
    assert count > 30


def _readable(body):
    try:
        return json.loads(body)
    except ValueError:
        return None  # Go ignores what follows the value


def test_the_fake_has_no_path_of_its_own():
    fake = Harbor({"users": []})
    described = {(re.sub(r"{\w+}", "{}", path.rstrip("/")), method) for path, method, _operation in templates()}
    for parts, verbs in fake.routes:
        for verb in verbs:
            assert (re.sub(r"{\w+}", "{}", "/" + "/".join(parts)), verb) in described


def test_every_route_refuses_an_anonymous_caller_or_is_open_to_all():
    from werkzeug.test import Client

    header = {"Authorization": "Basic " + base64.b64encode(b"admin:wrong").decode()}
    open_to_all = {"/ping", "/health", "/systeminfo", "/projects"}
    fake = Harbor({"users": [{"name": "admin", "password": "right", "sysadmin": True}]})
    client = Client(fake, use_cookies=False)
    for parts, verbs in fake.routes:
        path = "/" + "/".join(parts)
        for verb, route in verbs.items():
            url = API + re.sub(r"{(\w+)}", "9", path)
            more = {"json": {}} if route.body else {}
            answer = client.open(url, method=verb, headers=header, **more)
            expected = 200 if path in open_to_all and verb == "GET" else 401
            assert answer.status_code == expected, (verb, path)
