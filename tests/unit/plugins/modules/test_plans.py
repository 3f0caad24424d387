# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts and fuses, on every module that can delete images: what is foretold is what happens, or nothing is."""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import spool
from contract.clock import in_its_time
from contract.digitalocean_rows import BOTH, TOKEN
from contract.digitalocean_rows import URL as DO
from contract.harbor_rows import PASSWORD as HARBOR_PASSWORD
from contract.harbor_rows import URL as HARBOR
from contract.mounts import WAYS
from contract.quay_rows import QUAY_SCOPES, QUAY_TOKEN
from contract.rows import ROWS
from contract.swr_rows import ACCESS, KEYS, SECRET, SWR
from fakes._base import Fake
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.mount import mounted
from fakes.quay import Quay
from fakes.swr import Swr
from hypothesis import given, settings
from hypothesis import strategies as st

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


def harbor() -> Harbor:
    def repository(name: str) -> dict:
        artifacts = [
            {"digest": digest(f"{name} v{number}"), "size": 1000, "push_seconds_ago": int((number + 0.5) * DAY),
             "tags": [{"name": f"v{number}"}]}
            for number in reversed(range(VERSIONS))
        ]  # fmt: skip
        return {"name": name, "artifacts": artifacts}

    admin = {"name": "admin", "password": HARBOR_PASSWORD, "sysadmin": True}
    project = {"name": "acme", "repositories": [repository("app"), repository("team/lib")]}
    return Harbor({"users": [admin], "projects": [project]})


def artifacts(fake: Harbor) -> set:
    (acme,) = [project for project in fake.state()["projects"] if project["name"] == "acme"]
    return {
        f"acme/{repository['name']}:{tag['name']}"
        for repository in acme["repositories"]
        for artifact in repository["artifacts"]
        for tag in artifact["tags"]
    }


def retain(fake: Harbor) -> None:
    """Let the schedule fire, and its run come to an end."""
    for _turn in range(3):
        fake.advance(DAY)
        fake.tick()


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
    Subject(
        name="harbor",
        module="harbor_retention_policy",
        make=harbor,
        url=HARBOR,
        options={
            "harbor_url": HARBOR,
            "harbor_username": "admin",
            "harbor_password": HARBOR_PASSWORD,
            "projects": ["acme"],
            "rules": [{"template": "latestPushedK", "value": 12}],
            "schedule": "daily",
        },
        images=artifacts,
        run=retain,
        listing="/artifacts",
        gone=16,
        total=40,
        keeps=12,
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
        merged = {name: value for name, value in {**subject.options, **options}.items() if value is not None}
        return WAYS[way](subject.module, merged, check_mode)


def named(path):
    """The images of a plan file that surely go, and those that may, as "repository:tag" or "repository@digest"."""
    found = {"goes": set(), "perhaps": set(), "stays": set()}
    for repository, one in json.loads(path.read_text())["repositories"].items():
        for image in one["images"]:
            found[image["fate"]].add(f"{repository}{':' + image['tag'] if image['tag'] else '@' + image['digest']}")
    return found


def test_every_module_that_deletes_images_is_a_subject():
    assert {row.module for row in ROWS if row.many and row.limits} == {subject.module for subject in SUBJECTS}


@every_subject
def test_what_check_mode_foretells_is_what_the_registry_then_deletes(way, subject, tmp_path):
    fake, path = subject.make(), tmp_path / "plan.json"
    before = subject.images(fake)
    foretold = run(way, subject, fake, check_mode=True, plan_file=str(path))["plan"]["images"]
    assert fake.writes == [] and subject.images(fake) == before
    assert (foretold["count"], foretold["total"]) == (subject.gone, subject.total)
    assert foretold["uncertain_count"] == foretold["anyway_count"] == 0 and foretold["added_count"] == subject.gone
    assert run(way, subject, fake)["changed"]
    subject.run(fake)
    planned = named(path)
    assert before - subject.images(fake) == planned["goes"] and len(planned["goes"]) == subject.gone
    assert len(planned["stays"]) == len(subject.images(fake)) == subject.total - subject.gone
    held = json.loads(path.read_text())
    for one in held["repositories"].values():
        for image in one["images"]:
            assert image["digest"] and image["size"] is not None and image["age"] >= 0
            assert image["because"] or image["fate"] == "stays"


@every_subject
def test_a_plan_that_has_no_room_in_memory_is_the_same(way, subject, tmp_path, monkeypatch):
    path, found, written = tmp_path / "plan.json", [], []
    keep = spool.Spool._written
    monkeypatch.setattr(spool.Spool, "_written", lambda self, data: written.append(data) or keep(self, data))
    for most in (spool.MOST_HELD, 0):
        monkeypatch.setattr(spool, "MOST_HELD", most)
        plan = run(way, subject, subject.make(), check_mode=True, plan_file=str(path))["plan"]
        found.append((named(path), plan["images"], plan["rows"]))
        assert len(written) == (0 if most else 4)  # what goes and what stays of two repositories
    assert found[0] == found[1]


@every_subject
def test_the_diff_names_what_goes_what_stays_and_why(way, subject):
    fake = subject.make()
    result = run(way, subject, fake, check_mode=True, preview_limit=2)
    text, plan = result["diff"]["prepared"], result["plan"]
    assert text == "".join(f"{line}\n" for line in plan["lines"])
    assert plan["images"]["estimate"] is ("an estimate" in text) is not subject.name.startswith(("quay", "harbor"))
    worst, half, total = plan["worst"], subject.gone // 2, subject.total // 2
    assert len(worst) == 2 and all(len(one["images"]) == 2 for one in worst)
    for one in worst:
        assert (one["count"], one["kept_count"]) == (half, total - half)
        assert f"{one['target']}: {half} of {total} go, {total - half} stay" in text
    first = worst[0]["images"][0]
    assert first["because"] in text and (first["tag"] or first["digest"][:19]) in text


@every_subject
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("limit", ["max_deletions", "max_deletions_percent", "min_keep", "protect", "in_use"])
def test_a_blown_fuse_writes_nothing_but_its_plan_file(way, subject, check_mode, limit, tmp_path):
    fake, path = subject.make(), tmp_path / "plan.json"
    before = subject.images(fake)
    worst = run(way, subject, fake, check_mode=True, preview_limit=1000)["plan"]["worst"]
    victim = worst[-1]["images"][-1]
    host = {DO: "registry.digitalocean.com", SWR: "swr.test", HARBOR: "harbor.test"}.get(subject.url, "quay.test")
    name = f"{host}/{worst[-1]['target']}"
    just = {
        "max_deletions": subject.gone,
        "max_deletions_percent": subject.gone * 100 / subject.total,
        "min_keep": subject.keeps,
        "protect": ["^nothing$"],
        "in_use": [f"{name}:v0", f"{name}:multi", f"{host}/acme/other:{victim['tag'] or 'v9'}"],
    }[limit]
    too_little = {
        "max_deletions": subject.gone - 1,
        "max_deletions_percent": subject.gone * 100 / subject.total - 0.1,
        "min_keep": subject.keeps + 1,
        "protect": [f"^{victim['tag'] or ''}$"],
        "in_use": [f"{name}:{victim['tag']}" if victim["tag"] else f"docker-pullable://{name}@{victim['digest']}"],
    }[limit]
    refused = run(way, subject, fake, check_mode, **{limit: too_little}, plan_file=str(path))
    assert refused["failed"] and not refused["changed"] and refused["msg"].startswith(f"refused by {limit}: ")
    assert limit in refused["msg"].splitlines()[-1] and len(refused["msg"]) < 1000
    assert (refused["plan"]["refused"]["limit"], refused["plan"]["rows"][0]["limit"]) == (limit, limit)
    assert refused["plan"]["images"]["count"] == subject.gone
    assert fake.writes == [] and subject.images(fake) == before
    held = json.loads(path.read_text())
    assert held["refused"] == refused["msg"] and len(named(path)["goes"]) == subject.gone
    assert run(way, subject, fake, check_mode, **{limit: just})["changed"]


@pytest.mark.parametrize(("keeps", "refused"), [("v1", True), ("multi", False)])
def test_the_image_of_one_platform_runs_as_long_as_an_index_with_it_stays(way, tmp_path, keeps, refused):
    """Quay lists no child that has no tag, but says with each index which they are."""
    child, tags = digest("arm64"), []
    for age, name in enumerate(("v1", "multi")):
        row = {"name": name, "digest": digest(name), "age_seconds": (age + 40) * DAY, "hidden": False}
        tags.append({**row, "is_manifest_list": True, "children": [{"digest": child, "present": True}]})
    tags[1]["immutable"] = keeps == "multi"
    alice = {"name": "alice", "tokens": [{"as": "alice", "token": QUAY_TOKEN, "scopes": QUAY_SCOPES}]}
    acme = {"name": "acme", "admins": ["alice"], "members": [], "repositories": [{"name": "app", "tags": tags}]}
    fake, path = Quay({"users": [alice], "organizations": [acme]}), tmp_path / "running"
    path.write_text(f"quay.test/acme/app@{child}\n")
    options = {**QUAY_OPTIONS, "repositories": ["acme/app"], "policies": [{"method": "creation_date", "value": "9d"}]}
    subject = Subject("one", "quay_autoprune_policy", None, "https://quay.test", options, None, None, "", 0, 0, 0)
    result = run(way, subject, fake, in_use=[str(path)])
    assert bool(result.get("failed")) is refused and result["plan"]["in_use"]["found"] == 1
    assert not refused or result["msg"].startswith("refused by in_use: 1 repository: acme/app: sha256:")
    assert "children" not in str(result["plan"]["worst"]) and result["plan"]["images"]["count"] == 1 + refused


@every_subject
@pytest.mark.parametrize("check_mode", [True, False])
def test_skip_leaves_what_breaks_a_limit_and_says_so(way, subject, check_mode):
    fake = subject.make()
    before = subject.images(fake)
    result = run(way, subject, fake, check_mode, min_keep=subject.keeps + 1, on_limit="skip")
    assert not result.get("failed") and not result["changed"] and fake.writes == []
    assert result["plan"]["changed"] == 0 and result["plan"]["left_out"] == len(result["left_out"]) > 0
    assert all("min_keep: " in why for why in result["left_out"].values())
    assert result["plan"]["images"]["count"] == 0
    with contextlib.suppress(ValueError):  # DigitalOcean does nothing by itself
        subject.run(fake)
    assert subject.images(fake) == before
    paths = [entry["path"] for entry in fake.requests if entry["method"] == "GET"]
    assert len(paths) == len(set(paths))


@every_subject
def test_what_goes_beyond_the_plan_file_is_refused(way, subject, tmp_path):
    fake, path = subject.make(), tmp_path / "plan.json"
    run(way, subject, fake, check_mode=True, plan_file=str(path))
    held = json.loads(path.read_text())
    repository, one = next((name, one) for name, one in held["repositories"].items() if one["images"])
    spared = next(image for image in one["images"] if image["fate"] == "goes")
    spared["fate"] = "stays"
    path.write_text(json.dumps(held))
    refused = run(way, subject, fake, plan=str(path))
    assert refused["failed"] and fake.writes == [] and not refused["changed"]
    assert refused["msg"].startswith(f"refused by plan: 1 image would go beyond it: {repository}")
    spared["fate"] = "perhaps"
    path.write_text(json.dumps(held))
    assert run(way, subject, fake, plan=str(path))["changed"]


@every_subject
def test_what_goes_beyond_what_was_approved_is_refused(way, subject):
    fake = subject.make()
    plan = run(way, subject, fake, check_mode=True)["plan"]
    sums = {"change": plan["changed"], "go": subject.gone - 1, "perhaps": 0}
    exact = {"approved_tolerance_percent": 0, "approved_tolerance_images": 0}
    for check_mode in (True, False):
        refused = run(way, subject, fake, check_mode, approved=sums, **exact)
        assert refused["failed"] and fake.writes == [] and not refused["changed"]
        said = f"refused by approved: {subject.gone} images would go, {subject.gone - 1} were approved, "
        assert refused["msg"].startswith(said) and "preview again" in refused["msg"]
        assert refused["plan"]["refused"]["limit"] == "approved"
    limited = run(way, subject, fake, approved=sums, max_deletions=0, **exact)
    assert limited["msg"].startswith("refused by max_deletions"), "limits come first"
    assert run(way, subject, fake, approved={}, **exact)["failed"] and fake.writes == []
    assert run(way, subject, fake, approved=sums)["changed"] and fake.writes, "it is within the tolerance"


@every_subject
@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"text": "<html>"}])
def test_without_a_forecast_a_fuse_lets_nothing_through_and_without_a_fuse_it_is_a_warning(way, subject, fault):
    fake = subject.make()
    fake.faults.append({"method": "GET", "path": subject.listing, "times": 999, **fault})
    for check_mode in (True, False):
        assert run(way, subject, fake, check_mode, approved={"change": 99, "go": 9999})["failed"] and not fake.writes
        refused = run(way, subject, fake, check_mode, max_deletions=1000)
        assert refused["failed"] and "no forecast: " in refused["msg"] and fake.writes == []
        assert not refused["changed"] and refused["plan"]["changed"] == 0
    looked = run(way, subject, fake, check_mode=True)
    assert looked["changed"] and not looked.get("failed") and "no forecast: " in looked["warnings"][-1]
    assert run(way, subject, fake)["changed"]


@every_subject
def test_nothing_is_forecast_without_a_reason(way, subject):
    fake = subject.make()
    result = run(way, subject, fake)
    assert result["plan"]["images"] is None and not any(subject.listing in entry["path"] for entry in fake.requests)
    again = run(way, subject, fake, check_mode=True, max_deletions=0)
    assert not again["changed"] and not again.get("failed") and again["plan"]["images"]["total"] == 0


@every_subject
def test_a_forecast_can_be_had_while_it_is_done(way, subject):
    fake = subject.make()
    result = run(way, subject, fake, preview=True)
    assert result["changed"] and result["plan"]["images"]["count"] == subject.gone


@every_subject
@pytest.mark.parametrize(
    "options",
    [
        {"max_deletions": -1},
        {"max_deletions_percent": 101},
        {"min_keep": -1},
        {"protect": ["v("]},
        {"preview_limit": -1},
        {"plan_file": "/nowhere/at/all.json"},
        {"plan_file": "a\0b"},
        {"plan": "/nowhere/at/all.json"},
        {"plan": "/"},
        {"on_limit": "warn"},
        {"limits_count": "most"},
        {"return_states": "some"},
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
    foretold = run(way, subject, fake, check_mode=True, policies=policies)["plan"]
    image = foretold["worst"][0]["images"][0]
    assert foretold["images"]["count"] == 0 and foretold["images"]["uncertain_count"] >= 16
    assert image["fate"] == "perhaps" and "read differently" in image["because"]
    assert run(way, subject, fake, policies=policies, max_deletions=15)["failed"]


def test_the_policies_of_the_organization_and_of_the_registry_are_part_of_the_forecast(way, tmp_path):
    subject, fake, path = SUBJECTS[0], quay(), tmp_path / "plan.json"
    fake.add_policy("organization", "acme", {"method": "creation_date", "value": "15d", "tagPattern": "^(v|signed)"})
    fake.switches["default_policy"] = {"method": "number_of_tags", "value": 9}
    before = subject.images(fake)
    foretold = run(way, subject, fake, check_mode=True, plan_file=str(path))["plan"]["images"]
    for word in ("organization policy", "default policy", "repository policy"):
        assert word in path.read_text()
    assert 0 < foretold["anyway_count"] < foretold["count"] and run(way, subject, fake)["changed"]
    subject.run(fake)
    assert before - subject.images(fake) == named(path)["goes"]


def test_what_would_go_anyway_is_counted_and_may_be_left_out_of_limits(way, tmp_path):
    subject, fake, path = SUBJECTS[0], quay(), tmp_path / "plan.json"
    fake.add_policy("organization", "acme", {"method": "creation_date", "value": "15d", "tagPattern": "^v"})
    foretold = run(way, subject, fake, check_mode=True, plan_file=str(path))
    anyway = foretold["plan"]["images"]["anyway_count"]
    before, planned = subject.images(fake), named(path)["goes"]
    assert anyway and f"{anyway} of them would go anyway" in foretold["diff"]["prepared"]
    added = len(planned) - anyway
    for most, fails in ((added - 1, True), (added, False)):
        result = run(way, subject, fake, check_mode=True, limits_count="added", max_deletions=most)
        assert result.get("failed", False) is fails
    assert run(way, subject, fake, check_mode=True, max_deletions=added)["failed"]
    subject.run(fake)  # without any change, what would go anyway goes
    gone = before - subject.images(fake)
    assert len(gone) == anyway and gone <= planned


def test_without_the_right_to_read_the_policies_of_the_organization_there_is_no_forecast(way):
    subject, fake = SUBJECTS[0], quay()
    for token in fake.tokens.values():
        token["scopes"] = ["repo:admin", "repo:read"]
    refused = run(way, subject, fake, max_deletions=1000)
    assert refused["failed"] and "org:admin" in refused["msg"] and fake.writes == []
    # One cause is one message.
    assert refused["plan"]["failed"] == len(refused["failures"]) == 2 and "and 1 more" in refused["msg"]


RULES = st.fixed_dictionaries(
    {},
    optional={
        "ages": st.tuples(st.sampled_from(["3d", "9d", "15d", "1w"]), st.sampled_from([None, "^v", "^dev-", "[05]$"])),
        "counts": st.tuples(st.integers(1, 25), st.sampled_from([None, "^v", "^dev-", "^v[0-9]+$"])),
    },
)


def rules(found, **more):
    """Policies in the module's words."""
    made = []
    for key, method in (("ages", "creation_date"), ("counts", "number_of_tags")):
        if key in found:
            value, pattern = found[key]
            made.append({"method": method, "value": value, **({"tag_pattern": pattern} if pattern else {})})
    return {"policies": made, "exclusive": True, **more}


def in_api_words(policy):
    pattern = {"tagPattern": policy["tag_pattern"]} if "tag_pattern" in policy else {}
    return {"method": policy["method"], "value": policy["value"], **pattern}


@settings(max_examples=40, deadline=None)
@given(st.tuples(RULES, RULES, RULES), st.tuples(RULES, RULES, RULES), st.booleans())
def test_plans_of_organizations_and_repositories_together_foretell_what_the_worker_deletes(there, wanted, default):
    """Of what is there (organization, two repositories), random policies become other random ones in one plan."""
    subject, fake = SUBJECTS[0], quay()
    targets = [("organization", "acme"), ("repository", "acme/app"), ("repository", "acme/team/lib")]
    for (kind, name), found in zip(targets, there):
        for policy in rules(found)["policies"]:
            fake.add_policy(kind, name, in_api_words(policy))
    if default:
        fake.switches["default_policy"] = {"method": "number_of_tags", "value": 28}
    twin = Quay(fake.state())
    twin.switches.update(fake.switches)
    declared = [
        rules(wanted[0], organizations=["acme"]),
        rules(wanted[1], repositories=["acme/app"]),
        rules(wanted[2], repositories=["acme/*"], exclude=["acme/app"]),
    ]
    options = {"policies": None, "repositories": None, "declarations": declared}
    before = subject.images(fake)
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "check.json"), Path(folder, "real.json")
        foretold = run("in process", subject, fake, check_mode=True, plan_file=str(first), **options)
        done = run("in process", subject, fake, plan_file=str(second), **options)
        assert not done.get("failed") and foretold["plan"]["images"] == done["plan"]["images"]
        planned, really = named(first), named(second)
        held = json.loads(first.read_text())["repositories"]
    assert planned == really
    subject.run(fake)
    gone = {image for image in before - subject.images(fake) if image.partition(":")[0] in held}
    assert planned["goes"] <= gone <= planned["goes"] | planned["perhaps"]
    sums = foretold["plan"]["images"]
    assert (sums["count"], sums["uncertain_count"]) == (len(planned["goes"]), len(planned["perhaps"]))
    assert sum(row["count"] for row in done["plan"]["rows"]) == sums["count"]  # each for one entry only
    # What would go anyway is what goes on a twin on which nobody changed a policy.
    subject.run(twin)
    anyway = {
        f"{repository}:{image['tag']}"
        for repository, one in held.items()
        for image in one["images"]
        if image["anyway"] and image["fate"] == "goes"
    }
    assert anyway <= before - subject.images(twin)


@pytest.mark.parametrize(
    ("subject", "first", "second"),
    [
        (SUBJECTS[3], {"repositories": ["app*"]}, {"repositories": ["*"], "exclude": ["app*"]}),
        (SUBJECTS[4], {"registries": ["acm*"]}, {"registries": ["*"], "exclude": ["acm*"]}),
    ],
    ids=["swr", "digitalocean"],
)
def test_several_entries_list_what_there_is_once(way, subject, first, second):
    fake = subject.make()
    own = {name: value for name, value in subject.options.items() if not name.endswith(("_url", "_token", "_key"))}
    options = {**dict.fromkeys(own), "declarations": [{**own, **first}, {**own, **second}], "max_deletions": 1000}
    done = run(way, subject, fake, check_mode=True, **options)
    assert done["changed"] and not done.get("failed") and done["plan"]["images"]["count"] == subject.gone
    paths = [entry["path"] for entry in fake.requests]
    assert len(paths) == len(set(paths))


def test_an_image_counts_for_the_entry_whose_policy_deletes_it(way, tmp_path):
    subject, fake, path = SUBJECTS[0], quay(), tmp_path / "plan.json"
    old = {"method": "creation_date", "value": "15d", "tag_pattern": "^v"}
    declared = [
        {"organizations": ["acme"], "policies": [old], "max_deletions": 12},
        {"repositories": ["acme/app"], "policies": POLICIES, "max_deletions": 9},
    ]
    options = {"policies": None, "repositories": None, "declarations": declared, "plan_file": str(path)}
    done = run(way, subject, fake, check_mode=True, **options)
    # v15 to v19 and the signature of each repository are the organization's; v12 to v14 and dev-4 to dev-9 are not.
    held = json.loads(path.read_text())["repositories"]
    goes = [
        (image["by"], image["because"]) for one in held.values() for image in one["images"] if image["fate"] == "goes"
    ]
    for by, because in goes:
        assert "cosign" in because or (by == "acme") is because.startswith("organization policy")
    assert [row["count"] for row in done["plan"]["rows"]] == [11, 10] and done["failed"]
    assert done["msg"].startswith("refused by max_deletions: 10 > 9 (acme/app)\n")
    assert [row["limit"] for row in done["plan"]["rows"]] == ["", "max_deletions"]
