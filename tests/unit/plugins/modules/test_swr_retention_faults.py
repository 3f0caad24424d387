# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""swr_retention while answers are lost, refused or hostile: what is there in the end, and what the task says of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import api, wait
from contract.mounts import as_module
from contract.swr_rows import DATES, IAM, KEYS, LATEST, PASSWORD, SWR, TAGS, USER, held, swr
from fakes.mount import mounted

APP = {"namespace": "acme", "repositories": ["team/app"], "retries": 1}
NAME = "acme/team/app"
OLD, NEW, NONE = [["date_rule", "10", [("label", "latest")]]], [["tag_rule", "20", []]], []
BEFORE = {"template": "date_rule", "params": {"days": "10"}, "tag_selectors": [LATEST]}


@pytest.fixture
def fake():
    found = swr()
    found.switches["second_post"] = "append"  # so that a write too many shows
    return found


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The seconds that passed in pauses, none of which is waited for."""
    passed = [0.0]
    monkeypatch.setattr(wait, "now", lambda: passed[0])
    monkeypatch.setattr(wait, "pause", lambda seconds: passed.__setitem__(0, passed[0] + seconds))
    return passed


def run(fake, module="swr_retention", access=KEYS, app=None, check_mode=False, **options):
    with contextlib.ExitStack() as stack:
        stack.enter_context(mounted(app or fake, SWR))
        stack.enter_context(mounted(fake, IAM))
        result = as_module(module, {**access, **APP, **options}, check_mode)
    for secret in fake.secrets():
        assert secret not in result.output
    assert "is a bug" not in result.output and "Traceback" not in result.output, result.output
    return result


# A template is replaced: a DELETE and a POST

FAULTS = {
    "ok": None,
    "lost before": {"drop": True},
    "lost after": {"drop": True, "after": True},
    "refused": {"status": 403, "body": {"error_code": "SVCSTG.SWR.4030170", "error_msg": "No permission"}},
    "500": {"status": 500},
}


class Faulty:
    """Lets each DELETE, the first POST, the second POST, and reading after the first write with a fault go wrong."""

    def __init__(self, fake, delete, create, put_back, reads):
        self.fake, self.delete, self.posts, self.reads = fake, delete, [create, put_back], reads

    def __call__(self, environ, start_response):
        method, fault = environ["REQUEST_METHOD"], None
        if method == "DELETE":
            fault = FAULTS[self.delete]
        elif method == "POST":
            fault = FAULTS[self.posts.pop(0)]
        if fault:
            self.fake.faults.insert(0, dict(fault, method=method))
        if (fault or method == "POST") and self.reads:
            self.fake.faults.append({"method": "GET", "status": 500, "times": self.reads})
            self.reads = 0
        return self.fake(environ, start_response)


def foretold(delete, create, put_back, reads):
    """Return what is there in the end, whether the task fails, its changed and message, and the number of POSTs."""
    blind = reads == 999
    if delete == "refused":
        return OLD, True, False, "lacks the right", 0
    if delete != "ok" and blind:
        return (NONE if delete == "lost after" else OLD), True, True, "now is not known", 0
    if delete in ("lost before", "500"):
        return OLD, True, False, "The old policy is still there", 0
    if create in ("ok", "lost after"):
        return NEW, blind, True, ("now is not known" if create != "ok" else "reading it back failed") * blind, 1
    if blind:
        return NONE, True, True, "now is not known", 1
    if put_back in ("ok", "lost after"):
        return OLD, True, True, "The old policy, which was deleted before, was put back", 2
    return NONE, True, True, "Putting back the old policy, .* THERE IS NO POLICY NOW", 2


@pytest.mark.parametrize("reads", [0, 1, 999])
@pytest.mark.parametrize(
    ("delete", "create", "put_back"),
    [
        case
        for case in itertools.product(FAULTS, repeat=3)
        # what comes after is of no account
        if (case[0] in ("ok", "lost after") or case[1:] == ("ok", "ok"))
        and (case[1] not in ("ok", "lost after") or case[2] == "ok")
    ],
)
def test_a_replacement_ends_well_or_says_what_is_there(fake, delete, create, put_back, reads, clock):
    fake.add_retention(NAME, BEFORE)
    result = run(fake, app=Faulty(fake, delete, create, put_back, reads), **TAGS, allow_replace=True)
    end, failed, changed, message, posts = foretold(delete, create, put_back, reads)
    assert held(fake, NAME) == end
    assert bool(result.get("failed")) is failed and result["changed"] is changed, result
    if failed:
        assert re.search(message, result["msg"]), result["msg"]
        assert "THERE IS NO" not in result["msg"] or end == NONE
    assert len([entry for entry in fake.writes if entry["method"] == "POST"]) == posts
    assert clock[0] < 60


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_a_policy_that_comes_into_effect_late_is_waited_for(fake, delay):
    fake.add_retention(NAME, BEFORE)

    class Late:
        """Drops the POST, and does it at the n-th look."""

        looks, late = 0, False

        def __call__(self, environ, start_response):
            if environ["REQUEST_METHOD"] == "POST":
                self.late = True
                fake.faults.append({"drop": True})
            elif self.late and environ["REQUEST_METHOD"] == "GET":
                self.looks += 1
                if self.looks == delay + 1:
                    fake.add_retention(NAME, {"template": "tag_rule", "params": {"num": "20"}, "tag_selectors": []})
            return fake(environ, start_response)

    result = run(fake, app=Late(), **TAGS, allow_replace=True)
    assert not result.get("failed") and result["changed"] and held(fake, NAME) == NEW


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize(("options", "end"), [(DATES, [["date_rule", "30", []]]), ({"state": "absent"}, NONE)])
def test_a_change_without_any_answer_counts_if_it_was_done(fake, options, end, after):
    fake.add_retention(NAME, BEFORE)
    for method in ("PATCH", "DELETE"):
        fake.faults.append({"method": method, "drop": True, "after": after, "times": 99})
    result = run(fake, **options)
    assert result["changed"] is after and bool(result.get("failed")) is not after
    assert held(fake, NAME) == (end if after else OLD)
    assert after or "The old policy is still there" in result["msg"]


@pytest.mark.parametrize("options", [DATES, {"state": "absent"}, dict(TAGS, allow_replace=True)])
def test_a_change_whose_last_look_fails_is_a_change(fake, options):
    fake.add_retention(NAME, BEFORE)

    class Blind:
        def __call__(self, environ, start_response):
            if fake.writes:
                fake.faults.append({"method": "GET", "status": 500})
            return fake(environ, start_response)

    fake.clear()
    result = run(fake, app=Blind(), **options)
    assert result["failed"] and result["changed"]


# Hostile answers

POLICY = {"id": 501, "algorithm": "or", "rules": [BEFORE]}
TAG = {
    "Tag": "v1",
    "updated": "2025-01-14T22:10:05Z",
    "created": "2025-01-14T22:10:05Z",
    "digest": "sha256:0",
    "size": 7,
}
LOG = {"id": 1, "retention_id": 501, "tag": "v1", "created_at": "2025-01-14T22:10:05Z", "rule_type": json.dumps(BEFORE)}
ROW = {"name": "team/app", "namespace": "acme"}
GLOB = {"repositories": ["*"]}
FORECAST = dict(DATES, preview=True, max_deletions=1000)
HUGE = "@huge@"  # a number of 5,000 digits
WRONG = [None, True, [], {}, [None], {"a": {}}, -1, 1.5, HUGE, "9" * 5000, "", "\ud800", "1\n", "²", "x/../y"]
GETS = {
    "policies": ("retentions$", lambda row: [row], dict(DATES, allow_replace=True), "swr_retention"),
    "tags": ("tags[?]", lambda row: [row], FORECAST, "swr_retention"),
    "repositories": ("/repos[?]", lambda row: [row], dict(DATES, **GLOB), "swr_retention"),
    "histories": (
        "histories",
        lambda row: {"total": 1, "retention_log": [row]},
        {"history": True},
        "swr_retention_info",
    ),
    "organization": ("namespaces/acme$", lambda row: row, dict(DATES, **GLOB), "swr_retention"),
}
# Which wrong values do no harm in which field; all others have to fail.
HARMLESS = {
    ("policies", "algorithm"): WRONG,
    ("policies", "rules"): [[]],
    ("policies", "template"): ["", "9" * 5000, "1\n", "²", "x/../y"],
    ("policies", "params"): [{}, {"a": {}}],
    ("policies", "days"): [-1, "", "1\n", "²", "x/../y"],
    ("policies", "tag_selectors"): [None, []],
    ("policies", "kind"): ["", "9" * 5000, "1\n", "²", "x/../y"],
    ("policies", "pattern"): ["", "9" * 5000, "1\n", "²", "x/../y"],
    ("tags", "Tag"): ["1\n", "²", "x/../y"],
    ("tags", "created"): [None, ""],
    ("tags", "digest"): [None, "", "1\n", "²", "x/../y"],
    ("tags", "size"): [None, -1],
    ("histories", "retention_id"): [None],
    ("histories", "tag"): ["", "1\n", "²", "x/../y"],
    ("histories", "rule_type"): [{}, {"a": {}}, "", "9" * 5000, "1\n", "²", "x/../y"],
    ("repositories", "name"): ["²", "x/../y"],
    ("repositories", "namespace"): ["", "1\n", "²", "x/../y"],
    ("organization", "name"): ["", "9" * 5000, "1\n", "²", "x/../y"],
}


def replaced(document, field, value):
    """Return the document with another value of the field, wherever it stands."""
    if isinstance(document, list):
        return [replaced(item, field, value) for item in document]
    if isinstance(document, dict):
        return {key: value if key == field else replaced(item, field, value) for key, item in document.items()}
    return document


def fields(document):
    """Return the names of all fields of a document."""
    if isinstance(document, list):
        return [name for item in document for name in fields(item)]
    if isinstance(document, dict):
        return [name for key, item in document.items() for name in [key, *fields(item)]]
    return []


BASES = {"policies": POLICY, "tags": TAG, "repositories": ROW, "histories": LOG, "organization": {"name": "acme"}}


@pytest.mark.parametrize(("get", "field"), [(get, field) for get, base in BASES.items() for field in fields(base)])
def test_every_field_that_is_used_is_checked(get, field):
    where, around, options, module = GETS[get]
    for value in WRONG:
        fake = swr()
        text = json.dumps(around(replaced(BASES[get], field, value))).replace(f'"{HUGE}"', "9" * 5000)
        if get == "organization":
            fake.faults.append({"method": "GET", "path": "/repos[?]", "text": "[]", "times": 9})
        fake.faults.append({"method": "GET", "path": where, "text": text, "times": 1})
        result = run(fake, module, **options)
        if any(value is fine or value == fine and type(value) is type(fine) for fine in HARMLESS.get((get, field), [])):
            continue
        assert result.get("failed"), (field, value, result)
        assert not fake.writes and not result["changed"], (field, value)


BODIES = {
    "empty": "",
    "null": "null",
    "a number": "1",
    "a text": '"text"',
    "HTML": "<!doctype html><html>Sign in</html>",
    "deep": "[" * 100_000,
    "deep and whole": "[" * 5000 + "]" * 5000,
    "deep object": '{"a":' * 5000 + "1" + "}" * 5000,
    "digits": "9" * 5000,
    "an exponent": "[1e999]",
    "NaN": "[NaN]",
    "half a character": '["\\ud800"]',
    "bytes": "\udcff",
    "a list of lists": "[[[]]]",
    "an object": '{"errors": []}',
    "half": '[{"id": 1,',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("get", GETS)
@pytest.mark.parametrize("status", [200, 404, 500])
def test_bodies_that_are_none_fail_that_target_and_write_nothing(fake, get, name, status):
    where, _around, options, module = GETS[get]
    body = BODIES[name].encode("utf-8", "surrogateescape").decode("latin-1")
    if get == "organization":
        fake.faults.append({"method": "GET", "path": "/repos[?]", "text": "[]", "times": 9})
    fake.faults.append({"method": "GET", "path": where, "text": body, "status": status, "times": 9})
    result = run(fake, module, **options)
    if (name, get) == ("an object", "histories"):
        name = "a list of lists"
    assert result.get("failed") and not result["changed"] and not fake.writes, result
    assert "answered" in result["msg"]


@pytest.mark.parametrize("get", ["tags", "repositories", "histories"])
@pytest.mark.parametrize("how", ["ignores offset", "invents a row each", "invents full pages"])
def test_listings_without_an_end_have_one(fake, monkeypatch, get, how):
    monkeypatch.setattr(api, "MOST_ROWS", 2000)
    monkeypatch.setattr(api, "MOST_PAGES", 30)
    where, around, options, module = GETS[get]
    key = {"tags": "Tag", "repositories": "name", "histories": "id"}[get]
    made = itertools.count(1)

    class Endless:
        def __call__(self, environ, start_response):
            uri = environ["REQUEST_URI"].split("?")[0] + "?" + environ["QUERY_STRING"]
            if environ["REQUEST_METHOD"] == "GET" and get in uri.replace("/repos?", "/repositories?"):
                number = 1 if how != "invents full pages" else 100
                rows = [
                    dict(BASES[get], **{key: next(made) if key == "id" else f"r{next(made)}"}) for _row in range(number)
                ]
                if how == "ignores offset":
                    rows = [BASES[get]]
                text = json.dumps([*rows] if get != "histories" else {"retention_log": rows})
                fake.faults.insert(0, {"text": text})
            return fake(environ, start_response)

    result = run(fake, module, app=Endless(), **options)
    assert result["failed"] and not fake.writes, result
    assert "does not end" in result["msg"] or "does not go on" in result["msg"], result["msg"]
    assert len(fake.requests) < 40


@pytest.mark.parametrize("code", ["x" * 300, "\x1b[31mred", "a b", "<b>", KEYS["swr_secret_key"]])
def test_a_code_that_is_none_stays_out_of_the_message(fake, code):
    fake.faults.append({"method": "GET", "status": 400, "body": {"error_code": code, "error_msg": "said"}, "times": 9})
    assert run(fake, **DATES)["msg"].endswith("/retentions answered 400: said")


# Signing in


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 201, "headers": {}}, "without a token"),
        ({"status": 201, "headers": {"X-Subject-Token": "x" * 40 + "\x7f"}}, "can be no token"),
        ({"status": 201, "headers": {"X-Subject-Token": "gültig"}}, "can be no token"),
        ({"status": 201, "headers": {"X-Subject-Token": "   "}}, "can be no token"),
        ({"status": 302, "headers": {"Location": "https://elsewhere.test/"}}, "a redirect to https://elsewhere.test/"),
        ({"status": 200, "text": "<html>Sign in</html>"}, "without a token"),
        ({"status": 201, "text": "x" * (33 << 20)}, "more than 32 MiB"),
        ({"status": 500, "text": "x" * (1 << 20)}, "answered 500"),
        ({"status": 401, "text": "[" * 60_000}, "IAM refuses"),
        ({"status": 400, "text": json.dumps({"error": {"message": PASSWORD}})}, "answered 400: ********"),
        ({"drop": True}, "no answer"),
    ],
)
def test_what_iam_answers_is_checked_and_it_is_asked_once(fake, fault, message):
    fake.faults.append(dict(fault, path="auth/tokens", times=99))
    result = run(fake, access=USER, **DATES, repositories=["app", "team/app", "team/app-archive"])
    assert result["failed"] and message in result["msg"] and not result["changed"], result["msg"]
    assert len(fake.requests) == 1


@pytest.mark.parametrize("password", ["a\nb", '"\\', "ü€ x", " blank ", "\x00"])
def test_a_password_may_hold_anything(fake, password):
    fake.iam.users[0]["password"] = password
    assert not run(fake, "swr_retention_info", access=dict(USER, swr_password=password)).get("failed")


@pytest.mark.parametrize("option", ["swr_token", "swr_access_key", "swr_security_token", "swr_project_id"])
@pytest.mark.parametrize("value", ["wrapped\ntext", "wrapped\r\n text", "nul\0", "ümlaut", "esc\x1b"])
def test_what_goes_into_headers_is_checked_before_any_request(fake, option, value):
    result = run(fake, access=dict(KEYS, **{option: value}), **DATES)
    assert result["failed"] and option in result["msg"] and fake.requests == []
    assert value not in result["msg"] and value.split()[0] not in result["msg"]
