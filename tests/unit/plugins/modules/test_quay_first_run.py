# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first policies of Quay's namespaces, which race for one row, and POSTs whose fate is not known."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract.mounts import as_module
from contract.quay_rows import MANY, QUAY_TOKEN, quay
from fakes.mount import mounted

URL = "https://quay.test"
COUNT = {"method": "number_of_tags", "value": 10}
APP = {"repositories": ["acme/app"]}


class Watched:
    """Passes requests on, each POST after a moment; notes how many POSTs of a namespace are under way at a time."""

    def __init__(self, fake, refuse=lambda namespace, number, others: False):
        self.fake = fake
        self.refuse = refuse  # (namespace, number of its POST, whether others of it are under way)
        self.lock = threading.Lock()
        self.begun, self.under_way, self.most, self.refused = {}, {}, {}, 0
        self.overtaken = []  # namespaces of which a second POST began before the first one ended

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] != "POST":
            return self.fake(environ, start_response)
        namespace = environ["PATH_INFO"].split("/")[4]
        with self.lock:
            number = self.begun[namespace] = self.begun.get(namespace, 0) + 1
            now = self.under_way[namespace] = self.under_way.get(namespace, 0) + 1
            self.most[namespace] = max(now, self.most.get(namespace, 0))
            self.most["all"] = max(sum(self.under_way.values()), self.most.get("all", 0))
        time.sleep(0.05 if number == 1 else 0.01)
        try:
            if number == 1 and self.begun[namespace] > 1:
                self.overtaken.append(namespace)
            if self.refuse(namespace, number, self.begun[namespace] > number):
                self.refused += 1
                start_response("500 INTERNAL SERVER ERROR", [("Content-Type", "text/html")])
                return [b"<html><title>Internal Server Error</title></html>"]
            return self.fake(environ, start_response)
        finally:
            with self.lock:
                self.under_way[namespace] -= 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(wait, "pause", lambda seconds: None)


def run(server, **options):
    with mounted(server, URL):
        return as_module("quay_autoprune_policy", {"quay_url": URL, "quay_token": QUAY_TOKEN, **options})


def posts(fake):
    return [entry for entry in fake.writes if entry["method"] == "POST"]


def test_the_first_policy_of_each_namespace_is_created_alone_and_the_others_side_by_side():
    fake = quay()
    server = Watched(fake)
    names = ["bulk/svc-0*", "acme/*", "acme-archive/app"]
    result = run(server, repositories=names, policies=[COUNT, dict(COUNT, tag_pattern="^x")], workers=8)
    assert result["changed"] and not result.get("failed")
    assert server.overtaken == [] and server.begun == {"bulk": 200, "acme": 6, "acme-archive": 2}
    assert server.most["bulk"] > 1


def test_namespaces_do_not_wait_for_one_another():
    server = Watched(quay())
    assert run(server, repositories=["acme/app", "bulk/svc-001", "acme-archive/app"], policies=[COUNT])["changed"]
    assert server.most["all"] > 1


def test_a_normal_first_run_does_not_lose_the_race_for_the_row():
    server = Watched(quay(), lambda namespace, number, others: number == 1 and others)
    result = run(server, repositories=["bulk/svc-1*"], policies=[COUNT], workers=10)
    assert result["changed"] and not result.get("failed") and server.refused == 0


def test_a_race_that_somebody_else_won_is_run_again_once():
    fake = quay()
    server = Watched(fake, lambda namespace, number, others: number in (1, 7))
    result = run(server, repositories=["bulk/*"], policies=[COUNT])
    assert result["changed"] and not result.get("failed") and server.refused == 2
    assert server.begun["bulk"] == MANY + 2
    assert all(len(fake.policies("repository", f"bulk/svc-{n:03}")) == 1 for n in range(MANY))


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 504}, {"truncate": True, "drop": True}])
def test_a_policy_that_is_proved_absent_is_sent_once_more_and_never_a_third_time(fault):
    fake = quay()
    fake.faults.append({"method": "POST", **fault})
    result = run(fake, **APP, policies=[COUNT])
    assert result["changed"] and not result.get("failed") and len(posts(fake)) == 2
    fake = quay()
    fake.faults.append({"method": "POST", "times": 99, **fault})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and not result["changed"] and "is not there" in result["msg"]
    assert len(posts(fake)) == 2
    order = [entry["method"] for entry in fake.requests if "/app/autoprunepolicy/" in entry["path"]]
    assert order[:5] == ["GET", "POST", "GET", "POST", "GET"]


def test_nothing_is_sent_again_without_reading_back():
    fake = quay()
    fake.faults.append({"method": "POST", "status": 500})
    fake.faults.append({"path": "/app/autoprunepolicy/", "method": "GET", "delay": 0})
    fake.faults.append({"path": "/app/autoprunepolicy/", "method": "GET", "status": 500, "times": 99})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and result["changed"] and "reading back failed" in result["msg"]
    assert len(posts(fake)) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_was_answered_with_a_redirect_is_not_sent_again(status):
    fake = quay()
    fake.faults.append({"method": "POST", "status": status, "headers": {"Location": "https://elsewhere.test/"}})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and "redirect" in result["msg"] and len(posts(fake)) == 1


def test_a_refusal_of_the_second_try_is_a_refusal_and_nothing_was_changed():
    fake = quay()
    fake.faults.append({"method": "POST", "status": 500})
    fake.faults.append({"method": "POST", "status": 403, "body": {"detail": "Unauthorized"}})
    result = run(fake, **APP, policies=[COUNT])
    assert result["failed"] and not result["changed"] and "Unauthorized" in result["msg"]


def test_a_first_request_that_arrives_late_makes_the_second_a_duplicate_that_is_well():
    fake = quay()
    posted = []

    def server(environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            posted.append(environ)
            if len(posted) == 1:
                start_response("504 GATEWAY TIMEOUT", [])
                return [b""]
            fake.add_policy("repository", "acme/app", COUNT)  # here the first one arrives
        return fake(environ, start_response)

    result = run(server, **APP, policies=[COUNT])
    assert result["changed"] and not result.get("failed") and len(fake.policies("repository", "acme/app")) == 1
