# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""do_registry_gc and do_registry_gc_info beside pydo, DigitalOcean's client for Python."""

from __future__ import annotations

import pydo
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
from fakes.digitalocean import DigitalOcean
from fakes.serve import serving

ADMIN, READER = "dop_v1_made-up-admin", "dop_v1_made-up-reader"
MANIFESTS = "untagged manifests only"
BLOBS = "unreferenced blobs only"
BOTH = "untagged manifests and unreferenced blobs"
TYPES = [MANIFESTS, BLOBS, BOTH]
EVERY_RUN = {"min_interval": "0s"}
MANY = 45  # past runs of a registry
LONG = 3600  # seconds, enough for a run
each_type = pytest.mark.parametrize("kind", TYPES)


class Pydo:
    """pydo as its users call it, in one of its two families of operations."""

    def __init__(self, url, family="registries", token=ADMIN, registry="acme"):
        self.family = family
        self.registry = registry
        self.operations = getattr(pydo.Client(token, endpoint=url), family)

    def call(self, name, *arguments, **more):
        operation = getattr(self.operations, name)
        return operation(self.registry, *arguments, **more, enforce_https=False)  # it would not speak plain HTTP

    def start(self, kind=None):
        # run_garbage_collection of the family registries has no argument for the type: it goes through as JSON.
        given = {"registries": "json", "registry": "body"}[self.family]
        return self.call("run_garbage_collection", **({given: {"type": kind}} if kind else {}))["garbage_collection"]

    def active(self):
        """Returns the run that is under way, None if there is none, which pydo does not call an error."""
        found = self.call("get_garbage_collection")
        return None if found.get("id") == "not_found" else found["garbage_collection"]

    def cancel(self, uuid):
        return self.call("update_garbage_collection", uuid, {"cancel": True})["garbage_collection"]

    def listing(self, name, key, *arguments):
        """Returns all items of a paged listing."""
        items, page = [], 1
        while True:
            found = self.call(name, *arguments, page=page)
            items += found[key]
            if "next" not in found.get("links", {}).get("pages", {}):
                assert len(items) == found["meta"]["total"]
                return items
            page += 1

    def runs(self):
        return self.listing("list_garbage_collections", "garbage_collections")

    def run(self, uuid):
        (found,) = [run for run in self.runs() if run["uuid"] == uuid]
        return found

    def manifests(self):
        """Returns repository@digest of every manifest."""
        return {
            f"{repository['name']}@{manifest['digest']}"
            for repository in self.listing("list_repositories_v2", "repositories")
            for manifest in self.listing("list_repository_manifests", "manifests", repository["name"])
        }


class Ours:
    """Our modules on one registry."""

    def __init__(self, run, url, token=ADMIN, registry="acme"):
        self.run = run
        self.options = {"digitalocean_url": url, "digitalocean_token": token, "registries": [registry]}

    def attempt(self, check_mode=False, **options):
        return self.run("do_registry_gc", {**self.options, **options}, check_mode)

    def do(self, **options):
        """Returns whether our module changed something, and the run that it tells of."""
        result = self.attempt(**options)
        assert not result.get("failed"), result
        return result["changed"], result["garbage_collection"]

    def info(self, **options):
        result = self.run("do_registry_gc_info", {**self.options, **options})
        assert not result.get("failed") and not result["changed"], result
        return result["registries"]


def digest(number):
    return f"sha256:{number:064x}"


def manifest(number, *layers, **more):
    """Returns a manifest with one blob of its own of a kilobyte, and shared ones of a megabyte."""
    blobs = [{"digest": digest(1000 + number), "size": 1000}]
    blobs += [{"digest": digest(2000 + layer), "size": 1_000_000} for layer in layers]
    return {"digest": digest(number), "blobs": blobs, **more}


def repository(name, first):
    """Returns a repository: two tagged manifests, one of them with two children, and three that no tag reaches."""
    children = [digest(first + 2), digest(first + 3)]
    return {
        "name": name,
        "tags": [{"name": "latest", "digest": digest(first)}, {"name": "multi", "digest": digest(first + 1)}],
        "manifests": [
            manifest(first, 1),
            manifest(first + 1, children=children),
            manifest(first + 2, 1),
            manifest(first + 3, 2),
            manifest(first + 4, 2),
            manifest(first + 5, 3),
            manifest(first + 6, 3, 4),
        ],
    }


@pytest.fixture
def fake():
    past = [{"type": BLOBS, "age_seconds": (number + 2) * 86400, "blobs_deleted": number} for number in range(MANY)]
    fake = DigitalOcean(
        {
            "tokens": [
                {"as": "admin", "token": ADMIN},
                {"as": "reader", "token": READER, "scopes": ["registry:read"]},
            ],
            "registries": [
                {
                    "name": "acme",
                    "repositories": [repository("app", 10), repository("team/app", 20)],
                    "blobs": [{"digest": digest(9000 + number), "size": 5000} for number in range(3)],
                },
                {"name": "acme-busy", "runs": past},
                {"name": "acme-automatic", "automated_gc": True},
            ],
        }
    )
    fake.switches.update(seconds_requested=600, seconds_cancelling=600)  # so that nothing moves by itself
    return fake


class Gate:
    """In front of a fake: before it lets the next start through, it does `before_start`."""

    def __init__(self, fake):
        self.fake = fake
        self.before_start = None

    def __call__(self, environ, start_response):
        act = self.before_start
        if act and environ["REQUEST_METHOD"] == "POST":
            self.before_start = None
            act()
        return self.fake(environ, start_response)


@pytest.fixture
def gate(fake):
    return Gate(fake)


@pytest.fixture
def url(gate):
    with serving(gate) as address:
        yield address


@pytest.fixture(params=["registries", "registry"])
def vendor(request, url):
    return Pydo(url, request.param)


@pytest.fixture
def ours(run, url):
    return Ours(run, url)


def same(run, found):
    """Returns whether our words for a run are those that pydo gives, as far as we use them."""
    return {key: found[key] for key in run} == run


def told(run):
    """Returns what our module tells of a run without how it came to be the one of the task."""
    return {key: value for key, value in run.items() if key not in ("adopted", "ambiguous", "skipped_reason")}


@each_type
def test_we_adopt_what_pydo_starts(vendor, ours, kind):
    started = vendor.start(kind)
    changed, run = ours.do(type=kind)
    assert not changed and run["adopted"] and run["uuid"] == started["uuid"]
    assert same(told(run), vendor.active())
    assert same(ours.info()["active"], vendor.active())
    assert [found["uuid"] for found in vendor.runs()] == [started["uuid"]]


@each_type
def test_pydo_sees_what_we_start(vendor, ours, kind):
    assert vendor.active() is None
    assert ours.attempt(check_mode=True, type=kind)["changed"] and vendor.runs() == []
    changed, run = ours.do(type=kind)
    assert changed and not run["adopted"]
    assert same(told(run), vendor.active()) and run["type"] == kind
    with pytest.raises(ResourceExistsError):
        vendor.start(kind)
    assert [found["uuid"] for found in vendor.runs()] == [run["uuid"]]


def test_a_start_without_a_type_is_what_ours_is_by_default(vendor, ours):
    started = vendor.start()
    assert started["type"] == BLOBS
    changed, run = ours.do(if_active="fail")
    assert not changed and run["uuid"] == started["uuid"]


@pytest.mark.parametrize("wanted", [MANIFESTS, BOTH])
def test_we_tell_a_run_of_pydo_that_does_less(fake, vendor, ours, wanted):
    started = vendor.start(BLOBS)
    assert started["uuid"] in ours.attempt(type=wanted, if_active="fail")["msg"]
    fake.advance(LONG)
    changed, run = ours.do(type=wanted)
    assert changed and vendor.active()["uuid"] == run["uuid"] != started["uuid"]


@each_type
def test_a_success_of_pydo_counts_until_it_is_old(fake, vendor, ours, kind):
    started = vendor.start(kind)
    fake.advance(LONG)
    changed, run = ours.do(type=kind)
    assert not changed and run["skipped_reason"] and same(told(run), vendor.run(started["uuid"]))
    assert run["status"] == "succeeded" and vendor.active() is None
    fake.advance(86400)
    changed, run = ours.do(type=kind)
    assert changed and vendor.active()["uuid"] == run["uuid"] != started["uuid"]


def test_we_cancel_what_pydo_started(fake, vendor, ours):
    started = vendor.start()
    assert ours.attempt(check_mode=True, state="absent")["changed"] and vendor.active()["status"] == "requested"
    changed, run = ours.do(state="absent")
    assert changed and run["uuid"] == started["uuid"] and vendor.active()["status"] == "cancelling"
    assert ours.do(state="absent")[0] is False
    fake.advance(LONG)
    assert vendor.active() is None and vendor.run(started["uuid"])["status"] == "cancelled"
    assert ours.do(state="absent") == (False, None)


def test_pydo_cancels_what_we_started(fake, vendor, ours):
    started = ours.do()[1]
    assert vendor.cancel(started["uuid"])["status"] == "cancelling"
    assert ours.info()["active"]["status"] == "cancelling"
    assert "cancelling" in ours.attempt(if_active="fail")["msg"]
    assert ours.do(state="absent")[0] is False
    fake.advance(LONG)
    assert ours.info()["active"] is None and ours.info()["runs"][0]["status"] == "cancelled"
    changed, run = ours.do()  # what was cancelled is no success
    assert changed and vendor.active()["uuid"] == run["uuid"] != started["uuid"]


def test_we_wait_for_the_end_of_what_pydo_started(fake, vendor, ours):
    started = vendor.start(BOTH)
    fake.switches["seconds_per_request"] = 140  # it is over with the fifth request
    changed, run = ours.do(wait=True, wait_timeout=60, poll_interval=1)
    assert not changed and run["adopted"]
    assert same(told(run), vendor.run(started["uuid"])) and run["status"] == "succeeded"
    assert run["blobs_deleted"] > 0 and vendor.active() is None


def test_we_wait_until_what_pydo_cancels_is_over_and_start_another_one(fake, vendor, ours):
    fake.switches["seconds_cancelling"] = 0.5
    started = vendor.start()
    vendor.cancel(started["uuid"])
    changed, run = ours.do(if_active="wait", poll_interval=1)
    assert changed and vendor.active()["uuid"] == run["uuid"] != started["uuid"]
    assert vendor.run(started["uuid"])["status"] == "cancelled"


def test_we_adopt_what_pydo_starts_between_our_look_and_our_start(gate, vendor, ours):
    started = []
    gate.before_start = lambda: started.append(vendor.start()["uuid"])
    changed, run = ours.do()
    assert not changed and run["adopted"] and [run["uuid"]] == started
    assert [found["uuid"] for found in vendor.runs()] == started


def test_pydo_is_refused_when_we_start_while_its_start_is_on_the_way(gate, vendor, ours):
    started = []
    gate.before_start = lambda: started.append(ours.do())
    with pytest.raises(ResourceExistsError):
        vendor.start()
    ((changed, run),) = started
    assert changed and [found["uuid"] for found in vendor.runs()] == [run["uuid"]]


def test_both_list_all_runs_of_many_pages(run, url):
    vendor, ours = Pydo(url, registry="acme-busy"), Ours(run, url, registry="acme-busy")
    vendor.start(BOTH)
    mine, theirs = ours.info()["runs"], vendor.runs()
    assert len(mine) == len(theirs) == MANY + 1
    assert all(map(same, mine, theirs))


@pytest.mark.parametrize("kind", [MANIFESTS, BOTH])
@pytest.mark.parametrize("ours_first", [True, False], ids=["our run", "run of pydo"])
def test_pydo_sees_vanish_what_we_call_garbage(fake, vendor, ours, kind, ours_first):
    before, garbage = vendor.manifests(), ours.info(garbage=True)["garbage"]
    assert garbage["manifests"] == 6
    uuid = (ours.do(type=kind, only_if_garbage=True)[1] if ours_first else vendor.start(kind))["uuid"]
    fake.advance(LONG)
    assert before - vendor.manifests() == set(garbage["digests"])
    assert kind == MANIFESTS or vendor.run(uuid)["freed_bytes"] >= garbage["bytes"] > 0
    assert ours.info(garbage=True)["garbage"]["manifests"] == 0
    assert ours.do(type=kind, only_if_garbage=True, **EVERY_RUN)[0] is False


def test_a_registry_that_does_not_exist(run, url):
    answer = Pydo(url, registry="gone").call("run_garbage_collection")
    assert answer["id"] == "not_found"  # pydo does not call that an error
    result = Ours(run, url, registry="gone").attempt()
    assert result["failed"] and "no registry 'gone'" in result["msg"]


@pytest.mark.parametrize(
    ("token", "error", "status"),
    [("dop_v1_made-up-wrong", ClientAuthenticationError, 401), (READER, HttpResponseError, 403)],
    ids=["wrong token", "token that only reads"],
)
def test_both_are_refused(fake, run, url, token, error, status):
    with pytest.raises(error) as caught:
        Pydo(url, token=token).start()
    assert caught.value.status_code == status
    result = Ours(run, url, token=token).attempt()
    assert result["failed"] and str(status) in result["msg"]
    assert fake.runs("acme") == []


def test_both_are_refused_where_digitalocean_collects_by_itself(run, url):
    vendor, ours = Pydo(url, registry="acme-automatic"), Ours(run, url, registry="acme-automatic")
    with pytest.raises(HttpResponseError) as caught:
        vendor.start()
    assert caught.value.status_code == 412
    assert caught.value.message.removeprefix("(None) ").splitlines()[0] in ours.attempt()["msg"]
    changed, run = ours.do(if_automated="ignore")
    assert not changed and run["skipped_reason"].startswith("provider_managed")
    assert vendor.runs() == []
