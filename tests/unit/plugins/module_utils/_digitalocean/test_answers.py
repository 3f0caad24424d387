# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever DigitalOcean answers: every field that is used is looked at first, and only its registry fails."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from contract.digitalocean_tasks import BOTH, acme, failed, info, run, started

WHEN = "2026-03-30T20:51:32Z"
REGISTRY = {"name": "acme", "region": "fra1", "created_at": WHEN, "storage_usage_bytes": 1, "read_only": False}
RUN = {"uuid": "u", "status": "x", "type": BOTH, "created_at": WHEN, "updated_at": WHEN}
RUN.update(freed_bytes=1, blobs_deleted=1)
BLOB = {"digest": "sha256:1", "compressed_size_bytes": 1}
MANIFEST = {"digest": "sha256:1", "tags": ["v1"], "updated_at": WHEN, "compressed_size_bytes": 1, "blobs": [BLOB]}
META = {"meta": {"total": 1}}
GETS = {
    "registries": ("/v2/registries$", {"registries": [REGISTRY]}),
    "registry": ("/v2/registries/acme$", {"registry": REGISTRY}),
    "active": ("/garbage-collection$", {"garbage_collection": RUN}),
    "runs": ("/garbage-collections", {"garbage_collections": [dict(RUN, status="succeeded")], **META}),
    "repositories": ("/repositoriesV2", {"repositories": [{"name": "team/app"}], **META}),
    "manifests": ("/digests", {"manifests": [MANIFEST], **META}),
}
TEXT = [7, True, {}, [], ["x"], {"x": "y"}, "x" * 5000]
OBLIGATORY = [*TEXT, None, ""]
COUNT = ["7", True, -1, 1.5, {}, []]
OBJECT = ["x", 7, True, []]
ROWS = ["x", 7, True, {"x": 1}, [None], ["x"], [7], [[]], [{}]]
UUID = [*OBLIGATORY, ".", "..", "a/b", "u\n", "a b", "\u2028"]
TIMES = ["soon", "2026-02-30T20:51:32Z", "9" * 5000, "2026-03-30T20:51:32+99:99"]
FIELDS = [
    # which answer, where in it, what it may not be
    ("registries", ["registries"], ROWS),
    ("registries", ["registries", 0, "name"], [*OBLIGATORY, ".", "..", "a/b", "Acme", "acme\n"]),
    ("registry", ["registry"], [*OBJECT, None, {}]),
    ("registry", ["registry", "name"], [*OBLIGATORY, "..", "other"]),
    ("registries", ["registries", 0], OBJECT),
    *[(place[0], [*place, "region"], TEXT) for place in (["registry"], ["registries", 0])],
    *[(place[0], [*place, "created_at"], TEXT) for place in (["registry"], ["registries", 0])],
    *[(place[0], [*place, "storage_usage_bytes"], COUNT) for place in (["registry"], ["registries", 0])],
    *[(place[0], [*place, "read_only"], ["x", 7, {}, []]) for place in (["registry"], ["registries", 0])],
    ("active", ["garbage_collection"], [*OBJECT, None, {}]),
    ("runs", ["garbage_collections"], ROWS),
    *[
        (answer, [*place, key], values)
        for answer, place in (("active", ["garbage_collection"]), ("runs", ["garbage_collections", 0]))
        for key, values in (
            ("uuid", UUID),
            ("status", OBLIGATORY),
            ("type", TEXT),
            ("created_at", TEXT),
            ("updated_at", TEXT),
            ("freed_bytes", COUNT),
            ("blobs_deleted", COUNT),
        )
    ],
    ("runs", ["garbage_collections", 0, "created_at"], TIMES),
    ("repositories", ["repositories"], ROWS),
    ("repositories", ["repositories", 0, "name"], [*OBLIGATORY, ".", ".."]),
    ("manifests", ["manifests"], ROWS),
    ("manifests", ["manifests", 0, "digest"], OBLIGATORY),
    ("manifests", ["manifests", 0, "tags"], ["x", 7, {}, [None], [7], [{}], [["x"]], [""]]),
    ("manifests", ["manifests", 0, "updated_at"], TEXT),
    ("manifests", ["manifests", 0, "compressed_size_bytes"], COUNT),
    ("manifests", ["manifests", 0, "blobs"], ["x", 7, {"x": 1}, [None], [7], ["x"], [[]], [{}]]),
    ("manifests", ["manifests", 0, "blobs", 0, "digest"], OBLIGATORY),
    ("manifests", ["manifests", 0, "blobs", 0, "compressed_size_bytes"], COUNT),
    *[(answer, ["meta"], OBJECT) for answer in ("runs", "repositories", "manifests")],
    *[(answer, ["meta", "total"], COUNT) for answer in ("runs", "repositories", "manifests")],
]
CASES = [(answer, place, value) for answer, place, values in FIELDS for value in values]
BODIES = {
    "nothing": "",
    "null": "null",
    "a number": "7",
    "a text": '"x"',
    "a list": "[]",
    "an object": "{}",
    "a page": "<html>maintenance</html>",
    "half of it": '{"registries": [{"na',
    "not a number": '{"x": NaN}',
    "5,000 digits": '{"x": %s}' % ("9" * 5000),
    "half a character": '{"x": "\\ud800"}',
    **{f"{depth} deep": "[" * depth + "]" * depth for depth in (100, 900, 960, 990, 100000)},
}


@pytest.fixture
def fake():
    return acme()


def task(fake, answer, module):
    """Run a task that reads all that the module reads."""
    if module == "do_registry_gc_info":
        return info(fake, registries=["acme", "other"], garbage=True)
    options = {"type": BOTH, "only_if_garbage": True, "min_interval": "1000w"}
    return run(fake, registries=["acme", "other"], **({} if answer in ("active", "runs") else options))


def refused(fake, answer, module):
    """Run the task; see that it fails only where it must, as a wrong answer, and writes nothing there."""
    result = failed(task(fake, answer, module))
    text = json.dumps([result["msg"], result.get("failures")])
    assert "bug" not in text and "Error" not in text and len(text) < 2000, text
    assert not [entry for entry in fake.writes if "/acme/" in entry["path"]]
    if answer != "registries":
        assert list(result["failures"]) == ["acme"]
        assert list(result["registries" if module.endswith("info") else "garbage_collection"]) == ["other"]
    return result


def told(fake, answer, **fault):
    """Let the fake give this answer for the registry acme alone."""
    where = GETS[answer][0]
    own = where if answer.startswith("regist") else "/acme.*" + where.lstrip("/")
    fake.faults.append({"method": "GET", "path": own, "status": 200, "times": 99, **fault})


@pytest.mark.parametrize(("answer", "place", "value"), CASES)
def test_a_field_that_is_none_is_a_wrong_answer(fake, answer, place, value):
    body = copy.deepcopy(GETS[answer][1])
    within = body
    for key in place[:-1]:
        within = within[key]
    within[place[-1]] = value
    told(fake, answer, body=body)
    refused(fake, answer, "do_registry_gc_info")


@pytest.mark.parametrize("module", ["do_registry_gc", "do_registry_gc_info"])
@pytest.mark.parametrize("body", list(BODIES))
@pytest.mark.parametrize("answer", list(GETS))
def test_a_body_that_is_none_is_a_wrong_answer(fake, answer, body, module):
    told(fake, answer, text=BODIES[body])
    refused(fake, answer, module)


@pytest.mark.parametrize("answer", list(GETS))
def test_the_answers_of_the_table_are_good_otherwise(fake, answer):
    """Without null fields, and with them."""
    for body in (GETS[answer][1], nulled(GETS[answer][1])):
        fake.faults.clear()
        told(fake, answer, body=body)
        result = info(fake, garbage=True)
        assert not result.get("failed"), result["msg"]


def nulled(found):
    """Return an answer with null for all that it need not tell."""
    if isinstance(found, list):
        return [nulled(item) if isinstance(item, dict) else item for item in found]
    needed = ("uuid", "status", "name", "digest")
    return {
        key: nulled(value) if isinstance(value, (dict, list)) and key != "tags" else value if key in needed else None
        for key, value in found.items()
    }


@pytest.mark.parametrize("body", [{"garbage_collection": {"uuid": value, "status": "x"}} for value in UUID])
def test_an_answer_to_a_start_that_tells_no_run_is_read_back(fake, body):
    fake.faults.append({"method": "POST", "after": True, "status": 201, "body": body})
    assert started(run(fake))["uuid"] == fake.runs("acme")[0]["uuid"]


@pytest.mark.parametrize("total", [0, 1, 19])
def test_a_total_that_is_too_low_does_not_end_a_listing(fake, total):
    """The second page is empty, which does."""
    rows = [dict(RUN, uuid=f"u{number}") for number in range(45)]
    page = {"garbage_collections": rows, "meta": {"total": total}}
    last = {"garbage_collections": [], "meta": {"total": total}}
    fake.faults.append({"path": r"collections.*[?&]page=1&", "status": 200, "body": page})
    fake.faults.append({"path": r"collections.*[?&]page=2&", "status": 200, "body": last})
    assert len(info(fake)["registries"]["runs"]) == 45 and fake.faults == []


@pytest.mark.parametrize("total", [46, 10**29, None])
def test_a_listing_that_begins_anew_is_a_wrong_answer(fake, total):
    rows = [dict(RUN, uuid=f"u{number}") for number in range(45)]
    told(fake, "runs", body={"garbage_collections": rows, "meta": {"total": total}})
    failed(info(fake), "does not go on after 45 rows")


def test_an_endless_listing_ends(fake, monkeypatch):
    monkeypatch.setattr(api, "MOST_ROWS", 1000)
    answered = fake.answer
    numbers = iter(range(10**6))

    def answer(request):
        answer = answered(request)
        if request.path.endswith("garbage-collections"):
            rows = [dict(RUN, uuid=f"u{next(numbers)}") for _row in range(200)]
            answer.body = json.dumps({"garbage_collections": rows, "meta": {"total": 10**9}}).encode()
        return answer

    monkeypatch.setattr(fake, "answer", answer)
    failed(info(fake), "this listing does not end")


def test_only_what_is_documented_of_a_registry_is_passed_through(fake):
    body = {"registry": dict(REGISTRY, storage_usage_bytes=None, subscription={"tier": "x"}, secret="s")}
    told(fake, "registry", body=body)
    assert info(fake)["registries"]["registry"] == dict(REGISTRY, storage_usage_bytes=None)
    del body["registry"]["read_only"]
    fake.faults.clear()
    told(fake, "registry", body=body)
    assert "subscription" not in info(fake)["registries"]["registry"]


HEADERS = ["", "soon", "-1", "-" + "9" * 30, "9" * 20, "9" * 5000, "1e9", "0x10", "\xb2", "nan", "1_0"]


@pytest.mark.parametrize("reset", HEADERS)
def test_any_header_about_the_rate_is_survived(fake, reset):
    fake.fail(429, headers={"ratelimit-reset": reset}, times=99)
    failed(run(fake), "more are allowed ")


@pytest.mark.parametrize("identity", [None, 7, {}, [], "not found", True])
def test_a_404_that_is_not_the_vendors_is_a_wrong_address(fake, identity):
    fake.faults.append({"path": "collection$", "status": 404, "body": {"id": identity}, "times": 9})
    failed(run(fake), "is digitalocean_url right?")
    assert fake.writes == []
