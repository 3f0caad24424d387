# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all fakes share: logs, faults, clock, switches, the two mounts and the server."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from fakes import serve
from fakes.mount import mounted
from fakes.quay import Quay
from fakes.serve import serving

ORIGIN = "https://quay.test"
ORG = "/api/v1/organization/acme/autoprunepolicy/"
TEN = {"method": "number_of_tags", "value": 10}
STATE = {
    "features": {"AUTO_PRUNE": True},
    "users": [
        {"name": "alice", "tokens": [{"as": "alice", "token": "made-up", "scopes": ["org:admin", "repo:admin"]}]}
    ],
    "organizations": [
        {
            "name": "acme",
            "admins": ["alice"],
            "repositories": [{"name": "app", "tags": [{"name": "v1", "digest": "sha256:1", "age_seconds": 100}]}],
        }
    ],
}


@pytest.fixture(params=["in process", "loopback"])
def both(request):
    """Gives the fake, its base URL and a session with a token, through each of the two mounts."""
    fake = Quay(STATE)
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = "Bearer made-up"
    mount = mounted(fake, ORIGIN) if request.param == "in process" else serving(fake)
    with mount as given:
        yield fake, given if isinstance(given, str) else ORIGIN, session


def test_logs(both):
    fake, url, session = both
    assert session.get(url + ORG).json() == {"policies": []}
    session.post(url + ORG, json=TEN)
    session.post(url + ORG + "?x=1", data="{")
    session.delete(url + ORG)
    assert fake.writes == [
        {"method": "POST", "path": ORG, "body": TEN, "status": 201},
        {"method": "POST", "path": ORG + "?x=1", "body": "{", "status": 415},
        {"method": "DELETE", "path": ORG, "body": None, "status": 405},
    ]
    assert session.get(url + "/_fake/writes").json() == fake.writes
    assert [entry["method"] for entry in session.get(url + "/_fake/requests").json()] == [
        "GET",
        "POST",
        "POST",
        "DELETE",
    ]
    assert fake.requests[0]["headers"]["authorization"] == "Bearer made-up"
    session.delete(url + "/_fake/writes")
    assert fake.writes == fake.requests == []


def test_a_head_and_a_204_carry_no_body(both):
    fake, url, session = both
    uuid = session.post(url + ORG, json=TEN).json()["uuid"]
    answer = session.put(url + ORG + uuid, json=TEN)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (204, b"", "application/json")
    assert session.head(url + ORG).content == b""
    assert session.get(url + ORG).status_code == 200


def test_fault_replaces_an_answer_once_and_keeps_the_effect_away(both):
    fake, url, session = both
    body = {"status": 503, "method": "POST", "path": "autoprune", "headers": {"Retry-After": 7}, "body": {"a": 1}}
    assert session.post(url + "/_fake/faults", json=body).status_code == 200
    assert session.get(url + ORG).status_code == 200
    answer = session.post(url + ORG, json=TEN)
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {"a": 1}, "7")
    assert fake.policies("organization", "acme") == []
    assert session.post(url + ORG, json=TEN).status_code == 201
    assert [entry["status"] for entry in fake.writes] == [503, 201]


def test_faults_in_order_and_several_times(both):
    fake, url, session = both
    session.post(url + "/_fake/faults", json=[{"status": 500, "times": 2}, {"status": 502}])
    assert [session.get(url + ORG).status_code for _number in range(4)] == [500, 500, 502, 200]
    assert fake.faults == []


def test_fault_after_the_effect(both):
    fake, url, session = both
    fake.faults.append({"status": 500, "after": True})
    assert session.post(url + ORG, json=TEN).status_code == 500
    assert len(fake.policies("organization", "acme")) == 1


@pytest.mark.parametrize(("after", "stored"), [(False, 0), (True, 1)])
def test_fault_drops_the_connection(both, after, stored):
    fake, url, session = both
    fake.faults.append({"drop": True, "after": after, "method": "POST"})
    with pytest.raises(requests.exceptions.ConnectionError):
        session.post(url + ORG, json=TEN)
    assert len(fake.policies("organization", "acme")) == stored
    assert fake.writes[0]["status"] is None
    assert session.get(url + ORG).status_code == 200


def test_fault_truncates(both):
    fake, url, session = both
    fake.faults.append({"truncate": True})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(url + ORG)
    assert session.get(url + ORG).json() == {"policies": []}


def test_fault_text_and_delay(both):
    fake, url, session = both
    fake.faults += [{"text": "<html>please log in</html>"}, {"delay": 0.05}, {"delay": 5}]
    answer = session.get(url + ORG)
    assert (answer.status_code, answer.text) == (200, "<html>please log in</html>")
    started = time.monotonic()
    assert session.get(url + ORG).json() == {"policies": []}
    assert time.monotonic() - started >= 0.05
    with pytest.raises(requests.exceptions.ReadTimeout):
        session.get(url + ORG, timeout=0.1)


def test_clock_tick_switches_and_state(both):
    fake, url, session = both
    before = fake.now()
    assert session.post(url + "/_fake/clock", json={"advance": 3600}).json()["now"] >= before + 3600
    session.post(url + ORG, json={"method": "creation_date", "value": "1h"})
    assert session.post(url + "/_fake/tick").json()["namespaces"][0]["pruned"][0]["tag"] == "v1"
    assert fake.tags("acme/app") == []
    assert session.post(url + "/_fake/switches", json={"put_status": 200}).json()["put_status"] == 200
    answer = session.post(url + "/_fake/switches", json={"latency_ms": 1, "nosuch": 1})
    assert answer.status_code == 400 and fake.switches["latency_ms"] == 0
    with pytest.raises(KeyError):
        fake.switches["nosuch"] = 1
    dump = session.get(url + "/_fake/state").json()
    assert dump["organizations"][0]["policies"][0]["value"] == "1h"
    assert fake.requests[-1]["path"] == ORG


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"advance": "soon"}),
        ("clock", {}),
        ("faults", {"colour": 1}),
        ("faults", {"path": "("}),
        ("tick", {"x": 1}),
    ],
)
def test_control_refuses_nonsense(both, path, body):
    _fake, url, session = both
    assert session.post(f"{url}/_fake/{path}", json=body).status_code == 400
    assert session.get(url + "/_fake/nosuch").status_code == 404
    assert session.post(url + "/_fake/writes").status_code == 405


def test_latency(both):
    fake, url, session = both
    fake.switches["latency_ms"] = 40
    started = time.monotonic()
    session.get(url + ORG)
    assert time.monotonic() - started >= 0.04


def test_other_origins_are_unreachable_while_mounted():
    send = requests.adapters.HTTPAdapter.send
    with mounted(Quay(STATE), ORIGIN), mounted(Quay(STATE), "https://two.test"):
        assert requests.get("https://two.test/config").status_code == 200
        for url in ("http://quay.test/config", "https://quay.test:8443/config", "https://example.com/"):
            with pytest.raises(requests.exceptions.ConnectionError):
                requests.get(url)
    assert requests.adapters.HTTPAdapter.send is send


def test_bodies_survive_a_redirect_that_the_client_follows(both):
    _fake, url, session = both
    answer = session.post(url + ORG[:-1], json=TEN, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, url + ORG)
    assert session.post(url + ORG[:-1], json=TEN).status_code == 201


def test_many_threads_at_once():
    from concurrent.futures import ThreadPoolExecutor

    fake = Quay(STATE)
    with serving(fake) as url, ThreadPoolExecutor(12) as pool:
        headers = {"Authorization": "Bearer made-up"}
        statuses = list(pool.map(lambda _: requests.post(url + ORG, json=TEN, headers=headers).status_code, range(24)))
    assert sorted(statuses) == [201] + [400] * 23


@pytest.fixture
def started(tmp_path):
    """Starts serve.py as a script; gives a function that returns the process and its URL."""
    running = []

    def start(*arguments):
        command = [sys.executable, str(Path(serve.__file__)), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        running.append(process)
        words = process.stdout.readline().split()
        assert words[:2] == ["listening", "on"]
        return process, words[2]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_serve_runs_until_sigterm(started, tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(STATE))
    process, url = started("quay", "--state", str(path))
    assert url.startswith("http://127.0.0.1:")
    with requests.Session() as session:
        assert session.get(url + ORG, headers={"Authorization": "Bearer made-up"}).json() == {"policies": []}
        host, port = url.split("//")[1].split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert process.communicate() == ("", "")


def test_serve_ticks(started):
    _process, url = started("quay", "--tick", "0.05")
    headers = {"Authorization": "Bearer demo-token-of-mallory"}
    path = url + "/api/v1/repository?namespace=acme-archive"
    name = requests.get(path, headers=headers).json()["repositories"][0]["name"]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        tags = requests.get(
            f"{url}/api/v1/repository/acme-archive/{name}/tag/?onlyActiveTags=1", headers=headers
        ).json()
        if len([tag for tag in tags["tags"] if not tag["name"].startswith("sha256-")]) <= 3:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the worker did not run")
