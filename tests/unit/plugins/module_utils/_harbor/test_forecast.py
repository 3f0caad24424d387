# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a garbage collection with delete_untagged is foretold to delete is what the fake's deletes."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import forecast, foresight, inventory
from contract.harbor_tasks import harbor, later, run
from hypothesis import given, settings
from hypothesis import strategies as st

MOST = 6  # artifacts of a repository


def digest(repository, number):
    return f"sha256:{repository:032x}{number:032x}"


@st.composite
def repositories(draw):
    """Return repositories of images and indexes, tagged or not; an index names what was pushed before it."""
    found = []
    for place in range(draw(st.integers(1, 3))):
        artifacts = []
        for number in range(draw(st.integers(0, MOST))):
            tags = draw(
                st.lists(st.sampled_from(["v1", "v2", "dev"]).map(lambda tag, n=number: f"{tag}-{n}"), max_size=2)
            )
            children = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
            artifact = {
                "digest": digest(place, number),
                "size": 1000 + number,
                "push_seconds_ago": 9000 - number,
                "tags": [{"name": name} for name in dict.fromkeys(tags)],
            }
            if children:
                platform = {"architecture": "amd64", "os": "linux"}
                artifact["references"] = [{"digest": digest(place, child), "platform": platform} for child in children]
            elif draw(st.booleans()):
                artifact["accessories"] = [{"digest": digest(place, 100 + number), "type": "signature.cosign"}]
            artifacts.append(artifact)
        found.append({"name": ["app", "team/app", "a/b/c"][place], "artifacts": artifacts})
    return found


def artifacts(fake):
    accessories = [item.digest for repository in every(fake) for item in repository.artifacts if item.subject]
    return {item.digest for repository in every(fake) for item in repository.artifacts} - set(accessories)


def every(fake):
    return [repository for project in fake.store.projects.values() for repository in project.repositories.values()]


@settings(max_examples=120, deadline=None)
@given(repositories())
def test_what_goes_is_what_was_foretold(given_repositories):
    fake = harbor(projects=[{"name": "acme", "repositories": given_repositories}])
    before = artifacts(fake)
    foretold = run(fake, "harbor_gc_execution", check_mode=True, delete_untagged=True, preview_limit=1000)["plan"]
    doomed = {image["digest"] for one in foretold["worst"] for image in one["images"]}
    assert artifacts(fake) == before and foretold["images"]["total"] == len(before)
    run(fake, "harbor_gc_execution", delete_untagged=True, wait=True)
    later(fake, 60)
    assert before - artifacts(fake) == doomed


@pytest.mark.parametrize("schema", [forecast.ARTIFACTS, foresight.ARTIFACTS])
def test_no_more_is_kept_of_an_artifact_than_a_forecast_needs(schema):
    row = {"digest": "d", "size": 5, "tags": None, "push_time": None, "extra_attrs": {"config": {}}, "id": 1}
    client = mock.Mock(listing=lambda where, query, schema, rows, key, more: {key(one): one for one in rows([row])})
    kept = {key: row[key] for key in ("digest", "size", "tags", "push_time")}
    assert inventory.artifacts(client, "acme/app", schema, {}) == [kept]


def test_more_than_a_page_of_everything_is_read():
    names = [f"p{number:03}" for number in range(101)]
    many = [{"digest": digest(0, number), "tags": []} for number in range(205)]
    projects = [{"name": name, "repositories": []} for name in names]
    projects[50]["repositories"] = [{"name": f"r{number:03}", "artifacts": []} for number in range(101)]
    projects[50]["repositories"][99]["artifacts"] = many
    plan = run(harbor(projects=projects), "harbor_gc_execution", check_mode=True, delete_untagged=True)["plan"]
    assert plan["images"]["count"] == plan["images"]["total"] == 205 and plan["worst"][0]["target"] == "p050/r099"
