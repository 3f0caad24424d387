# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import fuse
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from hypothesis import given
from hypothesis import strategies as st


def images(target, names):
    return [{"target": target, "tag": name, "digest": f"sha256:{name}", "age": 9, "size": 1} for name in names]


def limits(**given):
    return dict(dict.fromkeys(fuse.ARGUMENT_SPEC), **given)


def forecast(target, deletions=(), kept=(), uncertain=()):
    return {
        "deletions": images(target, deletions),
        "uncertain": images(target, uncertain),
        "kept": images(target, kept),
    }


TWO = {
    "acme/app": forecast("acme/app", ["v1", "v2"], ["v3", "v4"]),
    "acme/lib": forecast("acme/lib", ["dev-1"], ["v9"], ["odd"]),
}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"max_deletions": 4},
        {"max_deletions_percent": 58},
        {"min_keep": 1},
        {"protect": ["^v[34]$", "^release"]},
        {"max_deletions": 4, "max_deletions_percent": 100, "min_keep": 0, "protect": []},
    ],
)
def test_a_plan_within_the_limits_passes(given):
    fuse.check(TWO, {}, limits(**given))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"max_deletions": 3}, "max_deletions: 4 images would be deleted, more than 3: acme/app:v1"),
        ({"max_deletions": 0}, "Nothing was written"),
        ({"max_deletions_percent": 57}, "max_deletions_percent: 4 of 7 images"),
        ({"min_keep": 2}, "min_keep: of acme/lib only 1 images would stay, not 2: acme/lib:dev-1"),
        ({"protect": ["^v2$"]}, "protect: 1 protected images would be deleted: acme/app:v2"),
        ({"protect": ["odd"]}, "acme/lib:odd"),
    ],
)
def test_a_plan_beyond_a_limit_is_refused_and_names_images(given, text):
    with pytest.raises(PlanRefused, match=".*") as refused:
        fuse.check(TWO, {}, limits(**given))
    assert text in str(refused.value)


def test_the_message_names_the_first_images_and_counts_the_others():
    many = {"a/b": forecast("a/b", [f"t{number}" for number in range(9)])}
    with pytest.raises(PlanRefused) as refused:
        fuse.check(many, {}, limits(max_deletions=8))
    assert "a/b:t0, a/b:t1, a/b:t2, a/b:t3, a/b:t4 and 4 more" in str(refused.value)


def test_no_forecast_means_no_write_if_a_limit_is_set():
    failures = {"acme/app": "no right to list tags"}
    with pytest.raises(PlanRefused) as refused:
        fuse.check({}, failures, limits(max_deletions=1000))
    assert "no right to list tags" in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"max_deletions": -1},
        {"max_deletions_percent": 101.0},
        {"max_deletions_percent": -1.0},
        {"min_keep": -1},
        {"protect": ["v("]},
        {"protect": [""]},
        {"max_deletions_percent": float("nan")},
        {"max_deletions_percent": float("inf")},
        {"max_deletions_percent": float("-inf")},
        {"protect": ["(" * 600 + ")" * 600]},
        {"protect": ["x" * 5000]},
        {"protect": ["(a{1,60000}){1,60000}"]},
        {"protect": ["(?=" * 300 + ")" * 300]},
        {"protect": ["x{99999999999}"]},
    ],
)
def test_limits_that_cannot_be_are_refused(given):
    with pytest.raises(PlanRefused, match=next(iter(given))):
        fuse.check_options(limits(**given))


def test_untagged_images_are_named_by_their_digest():
    image = {"target": "acme/app", "tag": None, "digest": "sha256:abc", "age": None, "size": 0}
    with pytest.raises(PlanRefused, match="acme/app@sha256:abc"):
        fuse.check({"acme": {"deletions": [image], "uncertain": [], "kept": []}}, {}, limits(max_deletions=0))


def untagged(*digests):
    return [dict(image, tag=None) for image in images("acme/app", digests)]


@pytest.mark.parametrize(
    ("pattern", "protects"), [(".*", True), ("^$", True), ("v|", True), (".", False), ("^v", False)]
)
def test_an_image_without_a_tag_has_the_empty_name(pattern, protects):
    plan = {"acme": {"deletions": untagged("a"), "uncertain": [], "kept": []}}
    if protects:
        with pytest.raises(PlanRefused, match="protect: 1 protected images would be deleted: acme/app@sha256:a"):
            fuse.check(plan, {}, limits(protect=[pattern]))
    else:
        fuse.check(plan, {}, limits(protect=[pattern]))


@pytest.mark.parametrize("pattern", ["^(a|a)+$", "(x+x+)+y", "a.*a.*a.*a.*a.*a.*b$", "(.*a){20}$"])
def test_what_takes_python_for_ever_is_decided(pattern):
    plan = {"acme/app": forecast("acme/app", ["a" * 127 + "!", "x" * 128])}
    fuse.check_options(limits(protect=[pattern]))
    fuse.check(plan, {}, limits(protect=[pattern]))


def test_what_is_not_decided_counts_as_protected_and_says_so():
    given = limits(protect=["^nothing$", "(?=v)"])
    fuse.check_options(given)
    plan = {"acme/app": forecast("acme/app", ["v" * 129, "other"])}
    with pytest.raises(PlanRefused) as refused:
        fuse.check(plan, {}, given)
    assert "protect: 1 protected images would be deleted (1 of them count as protected because" in str(refused.value)
    with pytest.raises(PlanRefused) as refused:
        fuse.check({"acme/app": forecast("acme/app", ["v" * 129, "v1"])}, {}, given)
    assert "2 protected images would be deleted (1 of them" in str(refused.value)
    with pytest.raises(PlanRefused) as refused:
        fuse.check(plan, {}, limits(protect=["(?=v)", "v{129}"]))
    assert "protect: 1 protected images would be deleted: acme/app:v" in str(refused.value)


@pytest.mark.parametrize(
    "given", [{"max_deletions": 0}, {"min_keep": 9}, {"max_deletions_percent": 0}, {"protect": ["."]}]
)
def test_names_of_others_are_escaped(given):
    with pytest.raises(PlanRefused) as refused:
        fuse.check({"a": forecast("acme/\x1bapp", ["v1\n\u202e" + "x" * 9999])}, {}, limits(**given))
    assert str(refused.value).isprintable() and r"acme/\x1bapp:v1\n\u202e" in str(refused.value)
    assert len(str(refused.value)) < 2000
    with pytest.raises(PlanRefused) as refused:
        fuse.check({}, {"acme\n": "it said\x1b[2J"}, limits(**given))
    assert r"no forecast for acme\n: it said\x1b[2J" in str(refused.value)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40))
def test_max_deletions_refuses_exactly_what_is_more(deletions, kept, most):
    plan = {"a/b": forecast("a/b", map(str, range(deletions)), map(str, range(kept)))}
    if deletions > most:
        with pytest.raises(PlanRefused):
            fuse.check(plan, {}, limits(max_deletions=most))
    else:
        fuse.check(plan, {}, limits(max_deletions=most))
