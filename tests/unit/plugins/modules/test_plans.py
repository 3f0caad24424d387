# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts and fuses, on every module that can delete images: what is foretold is what happens, or nothing is."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any, Callable

import pytest
from contract.clock import in_its_time
from contract.digitalocean_rows import BOTH, TOKEN
from contract.digitalocean_rows import URL as DO
from contract.mounts import WAYS
from contract.quay_rows import QUAY_SCOPES, QUAY_TOKEN
from contract.rows import ROWS
from contract.swr_rows import ACCESS, KEYS, SECRET, SWR
from fakes._base import Fake
from fakes.digitalocean import DigitalOcean
from fakes.mount import mounted
from fakes.quay import Quay
from fakes.swr import Swr

DAY = 86400
VERSIONS = 20


@dataclass
class Subject:
    """A module, a registry with images in two repositories, and a plan that deletes some of them."""

    name: str
    module: str
    make: Callable[[], Fake]
    url: str
    options: dict
    images: Callable[[Fake], set]  # what the registry holds, as "repository:tag" or "repository@digest"
    run: Callable[[Fake], Any]  # lets the registry do by itself what it does
    listing: str  # a part of the path by which images are listed
    gone: int  # how many images go
    total: int
    keeps: int  # how many stay in the repository that keeps the fewest


def digest(text: str) -> str:
    return "sha256:" + text.encode().hex().rjust(64, "0")


def quay() -> Quay:
    def tag(repository: str, name: str, age: float, **more: Any) -> dict:
        row = {
            "name": name,
            "digest": digest(repository + name),
            "age_seconds": int(age * DAY),
            "size": 1000,
            "hidden": False,
        }
        return {**row, "expires_in_seconds": None, "immutable": False, "is_manifest_list": False, **more}

    def repository(name: str, **more: Any) -> dict:
        tags = [tag(name, f"v{number}", number + 0.5) for number in range(VERSIONS)]
        tags += [tag(name, f"dev-{number}", number + 0.2) for number in range(10)]
        tags += [tag(name, "signed", 50), tag(name, "kept", 99, immutable=True)]
        tags.append(tag(name, f"{digest(name + 'v19').replace(':', '-')}.sig", 19))
        return {"name": name, "state": "NORMAL", "tags": tags, **more}

    alice = {"name": "alice", "tokens": [{"as": "alice", "token": QUAY_TOKEN, "scopes": [*QUAY_SCOPES]}]}
    acme = {
        "name": "acme",
        "admins": ["alice"],
        "members": [],
        "repositories": [repository("app"), repository("team/lib")],
    }
    own = [repository(name, owner="alice") for name in ("app", "team/lib")]
    state = {"features": {"AUTO_PRUNE": True}, "users": [alice], "organizations": [acme], "user_repositories": own}
    return Quay(state)


def quay_images(namespace: str) -> Callable[[Quay], set]:
    names = [f"{namespace}/app", f"{namespace}/team/lib"]
    return lambda fake: {f"{name}:{tag}" for name in names for tag in fake.tags(name)}


def swr() -> Swr:
    def repository(name: str) -> dict:
        tags = [{"name": f"v{number}", "age_seconds": (number + 0.5) * DAY, "size": 1000} for number in range(VERSIONS)]
        return {"name": name, "tags": [*tags, {"name": "stable", "age_seconds": 90 * DAY, "size": 1000}]}

    user = {"name": "robot", "domain": "d", "password": "p", "access_keys": [{"access": ACCESS, "secret": SECRET}]}
    organization = {"name": "acme", "repositories": [repository("app"), repository("team/lib")]}
    return Swr({"users": [user], "organizations": [organization]})


def digitalocean() -> DigitalOcean:
    def manifest(name: str, age: int, **more: Any) -> dict:
        blob = {"digest": digest(f"blob {name}"), "size": 500}
        return {"digest": digest(name), "age_seconds": age * DAY, "size": 100, "blobs": [blob], **more}

    def repository(name: str) -> dict:
        loose = [manifest(f"{name} loose {number}", number) for number in range(5)]
        child = manifest(f"{name} child", 9)
        index = manifest(f"{name} index", 9, children=[child["digest"]])
        tagged = [manifest(f"{name} v{number}", number) for number in range(3)]
        tags = [{"name": f"v{number}", "digest": row["digest"], "age_seconds": 0} for number, row in enumerate(tagged)]
        tags.append({"name": "multi", "digest": index["digest"], "age_seconds": 0})
        return {"name": name, "manifests": [*loose, child, index, *tagged], "tags": tags}

    registry = {"name": "acme", "region": "fra1", "repositories": [repository("app"), repository("team/lib")]}
    return DigitalOcean({"tokens": [{"as": "admin", "token": TOKEN}], "registries": [registry]})


def manifests(fake: DigitalOcean) -> set:
    return {f"acme/{row['repository']}@{row['digest']}" for row in fake.manifests("acme")}


def collect(fake: DigitalOcean) -> None:
    fake.finish_run("acme")


POLICIES = [
    {"method": "number_of_tags", "value": 12, "tag_pattern": "^v[0-9]+$"},
    {"method": "creation_date", "value": "4d", "tag_pattern": "^dev-"},
]
# Of each repository v12 to v19, dev-4 to dev-9 and the signature of v19 go; 12 + 4 + "signed" + "kept" stay.
QUAY = {
    "module": "quay_autoprune_policy",
    "make": quay,
    "url": "https://quay.test",
    "listing": "/tag/",
    "gone": 30,
    "total": 66,
}
QUAY.update(run=lambda fake: fake.tick(force=True), keeps=18)
QUAY_OPTIONS = {"quay_url": "https://quay.test", "quay_token": QUAY_TOKEN, "policies": POLICIES}
SUBJECTS = [
    Subject(
        "quay repositories",
        options={**QUAY_OPTIONS, "repositories": ["acme/app", "acme/team/*"]},
        images=quay_images("acme"),
        **QUAY,
    ),
    Subject(
        "quay organization", options={**QUAY_OPTIONS, "organizations": ["acme"]}, images=quay_images("acme"), **QUAY
    ),
    Subject("quay user", options={**QUAY_OPTIONS, "current_user": True}, images=quay_images("alice"), **QUAY),
    Subject(
        name="swr",
        module="swr_retention",
        make=swr,
        url=SWR,
        options={
            **KEYS,
            "namespace": "acme",
            "repositories": ["*"],
            "template": "tag_rule",
            "num": 5,
            "tag_selectors": [{"kind": "label", "pattern": "stable"}],
        },
        images=lambda fake: {f"acme/{name}:{tag}" for name in ("app", "team/lib") for tag in fake.tags(f"acme/{name}")},
        run=lambda fake: fake.tick(),
        listing="/tags",
        gone=30,
        total=42,
        keeps=6,
    ),
    Subject(
        name="digitalocean",
        module="do_registry_gc",
        make=digitalocean,
        url=DO,
        options={"digitalocean_url": DO, "digitalocean_token": TOKEN, "registries": ["acme"], "type": BOTH},
        images=manifests,
        run=collect,
        listing="/digests",
        gone=10,
        total=20,
        keeps=5,
    ),
]
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=[subject.name for subject in SUBJECTS])


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def run(way, subject, fake, check_mode=False, **options):
    fake.clear()
    with contextlib.ExitStack() as stack:
        stack.enter_context(in_its_time(fake))
        stack.enter_context(mounted(fake, subject.url))
        return WAYS[way](subject.module, {**subject.options, **options}, check_mode)


def named(images):
    return {f"{image['target']}{':' + image['tag'] if image['tag'] else '@' + image['digest']}" for image in images}


def test_every_module_that_deletes_images_is_a_subject():
    assert {row.module for row in ROWS} == {subject.module for subject in SUBJECTS}


@every_subject
def test_what_check_mode_foretells_is_what_the_registry_then_deletes(way, subject):
    fake = subject.make()
    before = subject.images(fake)
    foretold = run(way, subject, fake, check_mode=True, preview_limit=1000)["preview"]
    assert fake.writes == [] and subject.images(fake) == before
    assert not foretold["uncertain"] and (foretold["count"], foretold["total"]) == (subject.gone, subject.total)
    assert run(way, subject, fake)["changed"]
    subject.run(fake)
    gone = before - subject.images(fake)
    assert gone == named(foretold["deletions"]) and len(gone) == subject.gone
    for image in foretold["deletions"]:
        assert image["because"] and image["digest"] and image["size"] and image["age"] >= 0


@every_subject
def test_the_forecast_names_what_goes_what_stays_and_why_in_the_diff(way, subject):
    fake = subject.make()
    result = run(way, subject, fake, check_mode=True, preview_limit=2)
    text = result["diff"]["prepared"]
    first = result["preview"]["deletions"][0]
    assert result["preview"]["estimate"] is ("An estimate" in text) is not subject.name.startswith("quay")
    assert f"{first['target']}: {subject.gone // 2} of {subject.total // 2} images go" in text
    assert first["because"] in text and "more" in text and "stay: " in text
    assert len(result["preview"]["deletions"]) == 4 and result["preview"]["count"] == subject.gone
    counts = result["preview"]["targets"][first["target"]]
    assert counts["count"] + counts["kept_count"] + counts["uncertain_count"] == subject.total // 2
    assert len(counts["kept"]) == 2


@every_subject
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("limit", ["max_deletions", "max_deletions_percent", "min_keep", "protect"])
def test_a_blown_fuse_writes_nothing_and_names_images(way, subject, check_mode, limit, tmp_path):
    fake = subject.make()
    before = subject.images(fake)
    goes = run(way, subject, fake, check_mode=True, preview_limit=1000)["preview"]["deletions"]
    just = {
        "max_deletions": subject.gone,
        "max_deletions_percent": subject.gone * 100 / subject.total,
        "min_keep": subject.keeps,
        "protect": ["^nothing$"],
    }[limit]
    too_little = {
        "max_deletions": subject.gone - 1,
        "max_deletions_percent": subject.gone * 100 / subject.total - 0.1,
        "min_keep": subject.keeps + 1,
        "protect": [f"^{goes[-1]['tag'] or ''}$"],
    }[limit]
    path = tmp_path / "forecast.json"
    refused = run(way, subject, fake, check_mode, **{limit: too_little}, preview_file=str(path))
    assert refused["failed"] and not refused["changed"] and refused["msg"].startswith(f"{limit}: ")
    assert any(name in refused["msg"] for name in named(goes)) and refused["preview"]["count"] == subject.gone
    assert fake.writes == [] and subject.images(fake) == before
    saved = json.loads(path.read_text())
    assert sum(len(found["deletions"]) for found in saved.values()) == subject.gone
    assert run(way, subject, fake, check_mode, **{limit: just})["changed"]


@every_subject
@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"text": "<html>"}])
def test_without_a_forecast_a_fuse_lets_nothing_through_and_without_a_fuse_it_is_a_warning(way, subject, fault):
    fake = subject.make()
    fake.faults.append({"method": "GET", "path": subject.listing, "times": 99, **fault})
    for check_mode in (True, False):
        refused = run(way, subject, fake, check_mode, max_deletions=1000)
        assert refused["failed"] and "no forecast for" in refused["msg"] and fake.writes == []
    looked = run(way, subject, fake, check_mode=True)
    assert looked["changed"] and not looked.get("failed") and "no forecast for" in looked["warnings"][-1]
    assert run(way, subject, fake)["changed"]


@every_subject
def test_nothing_is_forecast_without_a_reason(way, subject):
    fake = subject.make()
    result = run(way, subject, fake)
    assert "preview" not in result and not any(subject.listing in entry["path"] for entry in fake.requests)
    again = run(way, subject, fake, check_mode=True, max_deletions=0)
    assert not again["changed"] and not again.get("failed") and "preview" not in again


@every_subject
def test_a_preview_can_be_had_while_it_is_done(way, subject):
    fake = subject.make()
    result = run(way, subject, fake, preview=True)
    assert result["changed"] and result["preview"]["count"] == subject.gone


@every_subject
@pytest.mark.parametrize(
    "options",
    [
        {"max_deletions": -1},
        {"max_deletions_percent": 101},
        {"min_keep": -1},
        {"protect": ["v("]},
        {"preview_limit": -1},
        {"preview_file": "/nowhere/at/all.json"},
        {"preview_file": "a\0b"},
        {"max_deletions_percent": float("nan")},
        {"protect": ["(" * 600 + ")" * 600]},
    ],
)
def test_limits_that_cannot_be_are_refused_before_any_request(way, subject, options):
    fake = subject.make()
    refused = run(way, subject, fake, **options)
    assert refused["failed"] and next(iter(options)) in refused["msg"] and fake.requests == []


def test_what_cannot_be_known_is_uncertain_and_counts_for_a_fuse(way):
    subject, fake = SUBJECTS[0], quay()
    policies = [dict(POLICIES[0], tag_pattern="^v\\d+$")]
    foretold = run(way, subject, fake, check_mode=True, policies=policies)["preview"]
    assert (
        foretold["count"] == 0
        and foretold["uncertain_count"] >= 16
        and "read differently" in foretold["uncertain"][0]["because"]
    )
    assert run(way, subject, fake, policies=policies, max_deletions=15)["failed"]


def test_the_policies_of_the_organization_and_of_the_registry_are_part_of_the_forecast(way):
    subject, fake = SUBJECTS[0], quay()
    fake.add_policy("organization", "acme", {"method": "creation_date", "value": "15d", "tagPattern": "^(v|signed)"})
    fake.switches["default_policy"] = {"method": "number_of_tags", "value": 9}
    before = subject.images(fake)
    foretold = run(way, subject, fake, check_mode=True, preview_limit=1000)["preview"]
    reasons = " ".join(image["because"] for image in foretold["deletions"])
    assert "organization" in reasons and "default" in reasons and "repository" in reasons
    assert run(way, subject, fake)["changed"]
    subject.run(fake)
    assert before - subject.images(fake) == named(foretold["deletions"])


def test_without_the_right_to_read_the_policies_of_the_organization_there_is_no_forecast(way):
    subject, fake = SUBJECTS[0], quay()
    for token in fake.tokens.values():
        token["scopes"] = ["repo:admin", "repo:read"]
    refused = run(way, subject, fake, max_deletions=1000)
    assert refused["failed"] and "org:admin" in refused["msg"] and fake.writes == []
