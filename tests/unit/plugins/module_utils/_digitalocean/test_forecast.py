# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import forecast
from hypothesis import given
from hypothesis import strategies as st

NAMES = [f"sha256:{number}" for number in range(8)]


@st.composite
def repositories(draw):
    """Manifests whose blobs hold digests of others, tagged or not."""
    return [
        {
            "digest": name,
            "tags": draw(st.lists(st.sampled_from(["v1", "latest"]), max_size=1)),
            "blobs": [
                {"digest": blob, "compressed_size_bytes": 10}
                for blob in draw(st.lists(st.sampled_from([*NAMES, "layer-a", "layer-b"]), unique=True))
            ],
            "compressed_size_bytes": 5,
        }
        for name in NAMES
    ]


def digests(manifests):
    return {manifest["digest"] for manifest in manifests}


def freed(manifests, garbage):
    """The bytes that garbage frees, where what stays is looked at one by one."""
    kept = [forecast.blobs([manifest]) for manifest in manifests if manifest not in garbage]
    return forecast.freed_bytes(forecast.blobs(garbage), kept)


@given(repositories())
def test_what_goes_and_what_stays_is_everything(manifests):
    found = forecast.forecast("acme/app", manifests, (0, 0))
    named = [image["digest"] for fate in found.values() for image in fate]
    assert sorted(named) == sorted(NAMES)
    assert digests(forecast.unreachable(manifests)) == {image["digest"] for image in found["deletions"]}


def test_ages_and_sizes_are_within_bounds():
    odd = [
        {"digest": "a", "updated_at": "2027-01-15T08:00:00Z", "compressed_size_bytes": 10**400},
        {"digest": "b", "updated_at": "9999-12-31T23:59:59Z", "compressed_size_bytes": -5},
        {"digest": "c", "compressed_size_bytes": None, "blobs": [{"digest": "x", "compressed_size_bytes": 10**400}]},
    ]
    found = forecast.forecast("acme/app", odd, (1_800_000_050, 1_800_000_900))["deletions"]
    assert [(image["age"], image["size"]) for image in found] == [(50, 0), (0, 0), (None, 0)]
    assert freed(odd, odd) == 0


@given(repositories(), st.sampled_from(NAMES))
def test_a_tag_more_never_makes_more_garbage_and_saves_what_it_names(manifests, name):
    before = digests(forecast.unreachable(manifests))
    tagged = [dict(manifest, tags=["new"]) if manifest["digest"] == name else manifest for manifest in manifests]
    after = digests(forecast.unreachable(tagged))
    assert after <= before and name not in after


@given(repositories())
def test_children_of_what_stays_are_never_garbage(manifests):
    garbage = digests(forecast.unreachable(manifests))
    for manifest in manifests:
        if manifest["digest"] not in garbage:
            assert not garbage & {blob["digest"] for blob in manifest["blobs"]}


@given(repositories())
def test_no_more_is_freed_than_there_is_and_only_what_nothing_else_names(manifests):
    garbage = forecast.unreachable(manifests)
    blobs = {blob["digest"] for manifest in manifests for blob in manifest["blobs"]}
    assert 0 <= freed(manifests, garbage) <= 10 * len(blobs)
    assert freed(manifests, []) == 0


def test_blobs_that_are_shared_with_what_stays_free_nothing():
    layer = {"digest": "layer", "compressed_size_bytes": 700}
    kept = {"digest": "a", "tags": ["v1"], "blobs": [layer]}
    gone = {"digest": "b", "tags": [], "blobs": [layer, {"digest": "own", "compressed_size_bytes": 30}]}
    assert freed([kept, gone], [gone]) == 30
