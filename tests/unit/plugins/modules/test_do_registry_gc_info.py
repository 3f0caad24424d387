# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do_registry_gc_info says, and what becomes of answers that are none."""

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import spool
from contract.digitalocean_tasks import (
    ACCESS,
    BOTH,
    GARBAGE,
    HOUR,
    account,
    acme,
    digest,
    failed,
    info,
    ok,
    run,
    started,
)
from fakes.digitalocean import DigitalOcean, pages


@pytest.fixture
def fake():
    return acme()


# Info


def test_info_without_anything():
    found = info(account({"name": "acme"}))["registries"]
    assert (found["active"], found["runs"], found["garbage"]) == (None, [], None)
    assert found["registry"]["name"] == "acme" and found["registry"]["read_only"] is False


def test_info_while_one_is_running(fake):
    uuid = fake.start_run("acme", BOTH)
    found = info(fake)["registries"]
    assert found["active"]["uuid"] == uuid and found["active"]["type"] == BOTH and found["registry"]["read_only"]
    assert found["runs"] == [found["active"]] and fake.writes == []


@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
@pytest.mark.parametrize("meta", [True, False])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(("most", "count"), [(200, 199), (200, 200), (200, 401), (20, 1), (20, 20), (20, 61)])
def test_info_has_all_runs_newest_first(fake, order, meta, links, most, count, monkeypatch):
    monkeypatch.setattr(pages, "MOST_PER_PAGE", most)
    fake.switches.update(list_order=order, list_meta=meta, list_links=links)
    for number in range(count):
        fake.add_run("acme", age_seconds=(number * 7919 % count + 1) * HOUR)
    found = info(fake)["registries"]["runs"]
    assert [item["uuid"] for item in found] == [item["uuid"] for item in fake.runs("acme")] and len(found) == count


@pytest.mark.parametrize("body", [{"garbage_collections": None}, {"garbage_collections": [], "links": {}, "meta": {}}])
def test_no_runs_in_other_forms(fake, body):
    fake.faults.append({"path": "garbage-collections", "status": 200, "body": body})
    assert info(fake)["registries"]["runs"] == []


@pytest.mark.parametrize("most", [spool.MOST_HELD, 0])
def test_the_estimate_is_what_a_run_would_free(fake, most, monkeypatch):
    monkeypatch.setattr(spool, "MOST_HELD", most)
    found = info(fake, garbage=True)["registries"]["garbage"]
    assert found == GARBAGE and fake.writes == []
    orphan = 9000
    done = started(run(fake, type=BOTH, wait=True))
    assert done["freed_bytes"] == found["bytes"] + orphan  # a lower bound: what nobody names is not listed
    assert info(fake, garbage=True)["registries"]["garbage"] == dict(GARBAGE, manifests=0, bytes=0, digests=[])


@pytest.mark.parametrize("spare", [True, False])
def test_the_estimate_is_never_too_high(fake, spare):
    fake = DigitalOcean()
    fake.switches["spare_index_children"] = spare
    access = dict(ACCESS, digitalocean_token=fake.token("admin"))
    found = info(fake, access=access, garbage=True)["registries"]["garbage"]
    assert found["manifests"] > 0 and found["lower_bound"]
    done = ok(run(fake, access=access, type=BOTH, wait=True, min_interval="0s"))
    assert 0 < found["bytes"] <= done["freed_bytes"]


@pytest.mark.parametrize("most", [20, 200])
def test_the_estimate_reads_all_pages(fake, most, monkeypatch):
    monkeypatch.setattr(pages, "MOST_PER_PAGE", most)
    for number in range(45):
        fake.push("acme", f"team/more-{number:02}", "v1")
    for _number in range(230):
        fake.push("acme", "team/app")
    assert info(fake, garbage=True)["registries"]["garbage"]["manifests"] == 232


@pytest.mark.parametrize("missing", [{"tags": None}, {"blobs": None}, {"compressed_size_bytes": None}])
def test_the_estimate_with_less_than_is_documented(fake, missing):
    manifest = {"digest": digest("a"), "tags": [], "blobs": [{"digest": digest("a")}], **missing}
    fake.faults.append({"path": "/digests", "status": 200, "body": {"manifests": [manifest]}, "times": 9})
    found = info(fake, garbage=True)["registries"]["garbage"]
    assert found["manifests"] == 2 and found["bytes"] == 0


def test_a_listing_that_does_not_come_completely_is_a_failure(fake):
    fake.faults.append({"path": "/digests", "status": 200, "body": {"manifests": [], "meta": {"total": 3}}, "times": 9})
    failed(info(fake, garbage=True), "does not go on after 0", "Run again")
