# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acceptance tests, tested: on fakes that they take for real registries, interrupted, refused, and let down."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from contract import swr_rows
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.serve import serving
from real import digitalocean, settings, swr
from real.exchanges import Exchanges, differences
from real.place import Answered, Skipped
from real.quay import SCOPES
from real.run import CASES, FORECASTS, SERVER, Run
from real.settings import Refused

TESTS = Path(__file__).resolve().parents[1]
OURS = re.compile(r"rht-[a-z0-9]{6}-|/service/token|/v2/auth")
ADMIN = {"name": "admin", "password": "made-up-Secret3", "sysadmin": True}
TOKEN = "made-up-token-of-olga"
IMAGE = {"digest": f"sha256:{'a' * 64}", "size": 5000, "tags": [{"name": "v1"}]}
WEEKLY = {"audit_retention_hour": 1000, "dry_run": False, "include_event_types": "login_user"}
POLICY = {"method": "number_of_tags", "value": 70, "tagPattern": "^x", "tagPatternMatches": True}


def harbor(*projects: str, version: str = "2.16", **more) -> Harbor:
    """Return a Harbor in use: with projects of others, and a schedule of the purge."""
    fake = Harbor(
        {
            "version": version,
            "users": [ADMIN],
            "projects": [
                {"name": name, "repositories": [{"name": "app", "artifacts": [IMAGE]}]} for name in ("acme", *projects)
            ],
            "schedules": [
                {"vendor_type": "PURGE_AUDIT_LOG", "type": "Weekly", "cron": "0 0 0 * * 0", "parameters": WEEKLY}
            ],
            **more,
        }
    )
    fake.switches.update(start_seconds=0, refresh_seconds=0)
    return fake


def quay(*organizations: str, scopes: list = SCOPES) -> Quay:
    """Return a Quay in use: with an organization and a policy of the token's user."""
    token = {"as": "olga", "token": TOKEN, "scopes": scopes}
    spaces = [
        {"name": name, "admins": ["olga"], "policies": [POLICY], "repositories": [{"name": "app", "tags": []}]}
        for name in ("acme", *organizations)
    ]
    return Quay({"users": [{"name": "olga", "tokens": [token], "policies": [POLICY]}], "organizations": spaces})


def environment(url: str, **more: str) -> dict[str, str]:
    """Return the environment of a run on that address."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "COVERAGE_RCFILE") if name in os.environ}
    named = {
        "": {},
        "harbor": {"HARBOR_URL": url, "HARBOR_USERNAME": "admin", "HARBOR_PASSWORD": ADMIN["password"]},
        "quay": {"QUAY_URL": url, "QUAY_TOKEN": TOKEN},
        "swr": {"SWR_URL": url, "SWR_ACCESS_KEY": swr_rows.ACCESS, "SWR_SECRET_KEY": swr_rows.SECRET},
        "digitalocean": {"DIGITALOCEAN_URL": url, "DIGITALOCEAN_TOKEN": digitalocean.TOKEN},
    }[more.pop("kind")]
    path = os.pathsep.join([str(TESTS.parents[3]), str(TESTS)])
    return {**kept, **named, "PYTHONPATH": path, **more}


def command(*options: str) -> list[str]:
    """Return the command of a run."""
    cache = ("-p", "no:cacheprovider")
    return [sys.executable, "-m", "pytest", "-q", *cache, str(TESTS / "real"), *options]


def run(url: str, *options: str, **more: str) -> tuple[int, str]:
    """Return exit status and output of a run."""
    found = subprocess.run(
        command(*options),
        env=environment(url, **more),
        capture_output=True,
        text=True,
        timeout=300,
        cwd=TESTS.parent,
        check=False,
    )
    assert ADMIN["password"] not in found.stdout + found.stderr and TOKEN not in found.stdout + found.stderr
    return found.returncode, found.stdout + found.stderr


def played(kind: str, fake, name: str, **more: str) -> tuple[Run, str]:
    """Return the run, and what came of one row or forecast: passed, skipped and why, or an error."""
    with serving(fake) as url:
        found = Run(settings.read(environment(url, kind=kind, **more)))
        case = next(one for one in [*CASES[kind], *FORECASTS[kind]] if one.name == name)
        try:
            place = found.begin(name, kind, SERVER)
            case.play(place)
            text = "passed"
        except Skipped as skipped:
            text = f"skipped: {skipped}"
        except (Refused, Answered, AssertionError) as error:
            text = f"{type(error).__name__}: {error}"
        finally:
            found.close()
    return found, text


def held(fake) -> str:
    """Return what a fake holds, without ages, uuids, and what Harbor keeps of every run and every deletion."""
    state = fake.state()
    for name in ("audit_rows", "garbage", "trash", "executions"):
        state.pop(name, None)
    text = json.dumps(state, sort_keys=True)
    return re.sub(r'"\w*(ago|age_seconds|age_hours|uuid|autoprune_task)": [^,}]+', "", text)


def strangers(fake) -> list[str]:
    """Return the writes that name nothing of the run's own."""
    writes = [f"{entry['method']} {entry['path']} {json.dumps(entry['body'])}" for entry in fake.writes]
    return [text for text in writes if not OURS.search(text)]


def test_without_an_environment_everything_runs_on_fakes():
    status, output = run("", kind="")
    assert status == 0, output
    assert "Harbor at a fake on loopback" in output and "Quay at a fake on loopback" in output
    assert "nothing with rht-" in output and "not tested" not in output and "skipped" not in output


def test_a_harbor_of_others_is_left_as_it_was_and_what_is_not_allowed_is_skipped_by_name():
    fake = harbor(version="2.14")
    before = held(fake)
    with serving(fake) as url:
        status, output = run(url, "-k", "row or moves", kind="harbor")
    assert status == 0, output
    assert held(fake) == before
    # What belongs to a project of the run's own has its number.
    numbered = r"(registries|replication/policies|retentions|projects/\d+/immutabletagrules)/\d+"
    made = r"(registries/ping|retentions(/\d+/executions)?|projects/\d+/immutabletagrules)"
    elsewhere = [text for text in strangers(fake) if not re.match(rf"(POST /api/v2.0/{made}|DELETE|PUT) ", text)]
    numbers = [text for text in strangers(fake) if text.startswith(("PUT", "DELETE"))]
    assert all(re.match(rf"\w+ /api/v2.0/{numbered} ", text) for text in numbers), numbers
    assert elsewhere == []
    assert not [entry for entry in fake.writes if "/system/" in entry["path"]]
    assert f"Harbor at {url}" in output and "REGISTRY_HYGIENE_REAL_SYSTEM is not set" in output
    assert "test_row[harbor_purge_schedule-server]: REGISTRY_HYGIENE_REAL_SYSTEM is not set" in output
    assert (
        "nothing that these tests see" in output and "Not tested, as the environment does not name them: Quay" in output
    )


def test_what_belongs_to_the_whole_harbor_is_put_back():
    fake = harbor()
    before = held(fake)
    with serving(fake) as url:
        status, output = run(url, "-k", "schedule", kind="harbor", REGISTRY_HYGIENE_REAL_SYSTEM="1")
    assert status == 0, output
    assert [entry for entry in fake.writes if entry["path"].endswith("/purgeaudit/schedule")]
    assert held(fake) == before


def test_a_quay_of_others_is_left_as_it_was_and_what_differs_from_the_fake_is_told():
    fake = quay()
    before = held(fake)
    fake.switches["put_status"] = 200
    with serving(fake) as url:
        status, output = run(url, kind="quay", REGISTRY_HYGIENE_REAL_USER="1", REGISTRY_HYGIENE_REAL_WAIT="2")
    assert status == 0, output
    assert held(fake) == before
    assert "PUT /api/v1/repository/{name}/app/autoprunepolicy/{uuid}: 200, the fake 204" in output
    assert "test_forecast[quay_autoprune_policy-server]: the worker pruned nothing within 2 s" in output
    assert {text.split()[1].partition("autoprunepolicy")[0] for text in strangers(fake)} == {"/api/v1/user/"}


@pytest.mark.parametrize(
    ("kind", "path", "number"),
    [
        ("harbor", "/blobs/uploads/", signal.SIGTERM),
        ("harbor", "/replication/executions", signal.SIGINT),
        ("quay", "/manifests/", signal.SIGINT),
        ("quay", "/user/", signal.SIGTERM),
    ],
)
def test_whoever_interrupts_the_tests_finds_nothing_left(kind, path, number):
    fake = harbor() if kind == "harbor" else quay()
    before = held(fake)
    with serving(fake) as url:
        wanted = environment(url, kind=kind, REGISTRY_HYGIENE_REAL_USER="1")
        with subprocess.Popen(command(), env=wanted, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent) as process:
            until = time.monotonic() + 90
            while not any(path in entry["path"] for entry in fake.writes):
                assert time.monotonic() < until and process.poll() is None
                time.sleep(0.02)
            for _impatient in range(3):
                process.send_signal(number)
                time.sleep(0.1)
            output = process.communicate(timeout=120)[0]
    assert process.returncode == 2, output
    assert "nothing with rht-" in output
    assert held(fake) == before


@pytest.mark.parametrize(
    ("kind", "fault", "outcome"),
    [
        ("harbor", {"method": "PUT", "path": "/manifests/", "status": 500}, "cannot be filled: PUT"),
        ("harbor", {"method": "POST", "path": "/projects$", "drop": True, "after": True}, "cannot be filled"),
        ("harbor", {"method": "POST", "path": "/registries$", "status": 500, "times": 9}, "POST /api/v2.0/registries"),
        ("harbor", {"method": "DELETE", "path": "/repositories/", "status": 502}, "passed"),
        ("quay", {"method": "PUT", "path": "/manifests/", "status": 500}, "cannot be filled: PUT"),
        ("quay", {"method": "POST", "path": "/organization/$", "drop": True, "after": True}, "cannot be filled"),
        ("quay", {"method": "DELETE", "path": "/organization/", "status": 502}, "passed"),
    ],
)
def test_what_fails_in_the_middle_leaves_nothing_either(kind, fault, outcome):
    fake = harbor() if kind == "harbor" else quay()
    before = held(fake)
    fake.faults.append(fault)
    run, found = played(
        kind, fake, {"harbor": "harbor_registry", "quay": "quay_autoprune_policy_of_a_repository"}[kind]
    )
    assert outcome in found, found
    assert run.left == [] and held(fake) == before


@pytest.mark.parametrize("kind", ["harbor", "quay"])
def test_a_registry_that_holds_the_prefix_is_refused_before_anything_is_written(kind):
    fake = {"harbor": harbor, "quay": quay}[kind]("rht-mine-src", "rht-mine-org")
    name = CASES[kind][0].name
    _run, found = played(kind, fake, name, REGISTRY_HYGIENE_REAL_PREFIX="rht-mine")
    assert "already holds" in found and "rht-mine-" in found and "--sweep rht-mine" in found
    assert fake.writes == []


def test_what_a_killed_run_left_is_swept_with_its_prefix_and_nothing_else_is():
    fake = harbor("rht-abc123-src", "rht-abc123", "rht-abc1234", "my-rht-abc123-src")
    with serving(fake) as url:
        refused, output = run(url, "--sweep", "acme-prefix", kind="harbor")
        assert refused == 4 and fake.writes == [] and "rht-..." in output
        status, output = run(url, "--sweep", "rht-abc123", kind="harbor")
    assert status == 0, output
    names = [project["name"] for project in fake.state()["projects"]]
    assert names == ["library", "acme", "rht-abc1234", "my-rht-abc123-src"]
    assert "holds 2 things with rht-abc123" in output


def test_a_schedule_that_could_not_be_put_back_is_not_touched():
    gc = {"vendor_type": "GARBAGE_COLLECTION", "type": "Weekly", "cron": "0 0 0 * * 0", "parameters": {"workers": 2}}
    fake = harbor(schedules=[gc])
    _run, found = played("harbor", fake, "harbor_gc_schedule", REGISTRY_HYGIENE_REAL_SYSTEM="1")
    assert "this Harbor has a schedule of its own" in found
    assert not [entry for entry in fake.writes if "/system/" in entry["path"]]


def test_images_of_others_keep_the_garbage_collection_from_running():
    lost = {"digest": f"sha256:{'b' * 64}", "size": 7000, "tags": []}
    fake = harbor(projects=[{"name": "rivals", "repositories": [{"name": "app", "artifacts": [lost]}]}])
    _run, found = played("harbor", fake, "harbor_gc_execution", REGISTRY_HYGIENE_REAL_SYSTEM="1")
    assert "untagged artifacts of others would go, too, in 1 repositories, such as rivals/app" in found
    assert not [entry for entry in fake.writes if "/system/" in entry["path"]]


def test_a_harbor_that_cannot_reach_itself_is_named():
    fake = harbor()
    _run, found = played("harbor", fake, "harbor_registry", HARBOR_SELF_URL="https://nobody.test")
    assert "Harbor does not reach itself at https://nobody.test (set HARBOR_SELF_URL" in found


def test_where_no_organization_may_be_created_a_namespace_can_be_named():
    fake = quay()
    fake.switches["SUPERUSERS_ORG_CREATION_ONLY"] = True
    before = held(fake)
    row = "quay_autoprune_policy_of_a_repository"
    assert "QUAY_NAMESPACE names one" in played("quay", fake, row)[1] and held(fake) == before
    assert played("quay", fake, row, QUAY_NAMESPACE="acme")[1] == "passed" and held(fake) == before
    assert any("/acme/rht-" in entry["path"] for entry in fake.writes)
    row = "quay_autoprune_policy_of_an_organization"
    assert "no organization was created" in played("quay", fake, row, QUAY_NAMESPACE="acme")[1]


def test_a_feature_that_is_off_and_a_scope_that_is_missing_are_named():
    fake = quay()
    fake.switches["AUTO_PRUNE"] = False
    found = played("quay", fake, "quay_autoprune_policy_of_a_repository")[1]
    assert found == "skipped: the feature is off: FEATURE_AUTO_PRUNE"
    fake = quay(scopes=["repo:write", *(scope for scope in SCOPES if scope != "repo:admin")])
    found = played("quay", fake, "quay_autoprune_policy_of_a_repository")[1]
    assert found.startswith("Answered: GET") and "was answered 403" in found  # which conftest.py takes for a skip


def test_an_organization_of_swr_comes_and_goes():
    fake = swr.twin()
    before = held(fake)
    run, found = played("swr", fake, swr.ROW.name.replace(" ", "_"))
    assert found == "passed" and run.left == [] and held(fake) == before
    names = [entry["path"] for entry in fake.writes if "/namespaces/" in entry["path"]]
    assert names and all(f"/namespaces/{run.settings.prefix}-org" in path for path in names)


def test_a_registry_at_digitalocean_comes_and_goes_and_no_subscription_begins():
    fake = digitalocean.twin()
    before = held(fake)
    run, found = played("digitalocean", fake, "do_registry_gc")
    assert found == "passed" and run.left == [] and held(fake) == before
    assert all(f"{run.settings.prefix}-registry" in f"{entry['path']} {entry['body']}" for entry in fake.writes)
    for registries, text in (([], "would begin a subscription"), ([{"name": "acme", "region": "fra1"}], "one more")):
        fake = DigitalOcean({"tokens": [{"as": "me", "token": digitalocean.TOKEN}], "registries": registries})
        fake.account["tier"] = "basic"
        assert text in played("digitalocean", fake, "do_registry_gc")[1]
        assert len(fake.registries) == len(registries)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"HARBOR_URL": "https://h.test"}, "harbor: set HARBOR_USERNAME, HARBOR_PASSWORD, too"),
        ({"QUAY_TOKEN": "x"}, "quay: set QUAY_URL, too"),
        ({"REGISTRY_HYGIENE_REAL_PREFIX": "A"}, "6 to 30 lower-case"),
        ({"REGISTRY_HYGIENE_REAL_PREFIX": "double--dash"}, "6 to 30 lower-case"),
        ({"REGISTRY_HYGIENE_REAL_WAIT": "soon"}, "no number of seconds"),
    ],
)
def test_an_environment_that_cannot_be_followed_is_refused(given, text):
    with pytest.raises(Refused, match=text):
        found = settings.read(given)
        found.kinds()
        print(found.patience)


def test_what_differs_in_kind_is_told_and_what_differs_in_what_is_there_is_not():
    def seen(*answers):
        found = Exchanges(["rht-abc123"])
        for method, path, status, kind, body in answers:
            data = b"" if body is None else json.dumps(body).encode()
            found.add(method, f"https://h.test{path}", status, {"Content-Type": kind}, data)
        return found

    page = {"items": [{"id": 1, "name": "rht-abc123-src", "tags": None}], "more": {"a": 1}}
    fake = seen(("GET", "/p/7/rht-abc123-src?page=1", 200, "application/json", page))

    def lines(*answer):
        return differences(seen(answer), fake)

    path = "/p/8/rht-abc123-dst"
    assert lines("GET", path, 200, "application/json; charset=utf-8", page) == []
    assert lines("GET", path, 200, "application/json", {"items": [], "more": None}) == []
    tagged = {"items": [{"id": 2, "name": "x", "tags": [{"name": "v1"}]}], "more": {"a": 2}}
    assert lines("GET", path, 200, "application/json", tagged) == []
    assert lines("GET", path, 404, "text/plain", "no") == ["GET /p/{id}/{name}: 404, the fake 200"]
    assert lines("GET", path, 200, "text/html", page) == [
        "GET /p/{id}/{name}: 200 is text/html, the fake's application/json"
    ]
    other = {"items": [{"id": "2", "name": "x", "tags": None, "new": {"deep": 1}}], "more": {}}
    assert lines("GET", path, 200, "application/json", other) == [
        "GET /p/{id}/{name}: 200 has .items[].new, the fake's has not",
        "GET /p/{id}/{name}: 200 has no .more.a, the fake's has",
        "GET /p/{id}/{name}: 200 .items[].id is str, the fake's int",
    ]
