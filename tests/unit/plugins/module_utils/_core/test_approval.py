# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import approval as subject
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

SUMS = {"change": 3, "go": 361, "perhaps": 12}


def beyond(sums, targets, images, percent=5.0, least=10):
    """Return the lines of what refuses."""
    params = {"approved": sums, "approved_tolerance_percent": percent, "approved_tolerance_images": least}
    return [refusal.text for refusal in subject.beyond(params, targets, images)]


@pytest.mark.parametrize(
    ("sums", "targets", "images"),
    [
        (SUMS, 3, 373),
        (SUMS, 0, 0),
        (SUMS, 4, 392),  # 5 %, rounded up: 1 of 3 targets, 19 of 373 images
        ({"change": 1, "go": 0, "perhaps": 0}, 1, 10),
        ({"change": 0, "go": 0, "perhaps": 0}, 0, 0),
        ({"change": 10**400, "go": 10**400, "perhaps": None}, 5000, 10**6),
    ],
)
def test_what_is_about_as_much_is_let_through(sums, targets, images):
    assert beyond(sums, targets, images) == []


def test_what_goes_beyond_is_refused_with_all_numbers():
    assert beyond(SUMS, 5, 393) == [
        "5 targets would change, 3 were approved, 4 may with the tolerance",
        "393 images would go, 373 were approved, 392 may with the tolerance",
    ]
    assert beyond(SUMS, 3, 374, percent=0, least=0) == [
        "374 images would go, 373 were approved, 373 may with the tolerance"
    ]
    assert beyond(SUMS, 3, 1000, percent=200) == []


@pytest.mark.parametrize("sums", [{}, {"change": None, "go": None, "perhaps": None}, {"change": -5, "go": -5}])
def test_what_was_not_told_was_not_approved(sums):
    assert beyond(sums, 1, 0) == ["1 target would change, 0 were approved, 0 may with the tolerance"]
    assert beyond(sums, 0, 0) == []


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_from_0(value):
    tolerances = {"approved_tolerance_percent": 0, "approved_tolerance_images": 0}
    good = {"approved": None, **tolerances}
    subject.check_options(good)
    for option in tolerances:
        with pytest.raises(PlanRefused, match=f"{option}: .*: write a number from 0"):
            subject.check_options({**good, option: value})


@pytest.mark.parametrize("value", ["many\x1b", [1], True, 1.5, {}])
def test_sums_are_numbers(value):
    tolerances = {"approved_tolerance_percent": 0, "approved_tolerance_images": 0}
    subject.check_options({"approved": {**SUMS, "bytes": 5, "blown": "", "message": None}, **tolerances})
    with pytest.raises(PlanRefused, match="approved: go: .*: write a number from 0"):
        subject.check_options({"approved": {"go": value}, **tolerances})
