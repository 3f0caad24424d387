# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import figures
from hypothesis import given
from hypothesis import strategies as st

ODD = [10**400, -(10**400), float("nan"), float("inf"), float("-inf"), "x", None, [], 2**63]
ANYTHING = st.one_of(st.integers(), st.floats(), st.sampled_from(ODD))


@given(ANYTHING, ANYTHING)
def test_times_and_ages_are_within_bounds_whatever_comes(value, other):
    time, now = figures.moment(value), figures.moment(other)
    assert 0 <= time <= figures.LATEST
    assert 0 <= figures.age((now, now), time) <= figures.LATEST


@pytest.mark.parametrize(
    ("value", "time"), [(0, 0), (1.5, 1.5), (-1, 0), (10**400, figures.LATEST), (None, figures.LATEST)]
)
def test_a_time_that_is_none_is_late(value, time):
    assert figures.moment(value) == time


@pytest.mark.parametrize(
    ("now", "times", "window"),
    [
        ((1000, 1000), [], (1000, 1000)),
        ((1000, 1000), [5, 1300], (1000, 1000)),
        ((1000, 1000), [5, 1301], (1000, 1301)),
        ((1000, 2000), [2300], (1000, 2000)),
        ((1000, 2000), [2301, 9], (1000, 2301)),
    ],
)
def test_tags_from_the_future_say_how_late_it_may_be(now, times, window):
    assert figures.window(now, times) == window


@pytest.mark.parametrize(
    ("value", "size"),
    [(0, 0), (7, 7), (-1, None), (10**400, None), (float("nan"), None), (True, None), ("7", None), (None, None)],
)
def test_sizes_are_numbers_of_bytes(value, size):
    assert figures.size(value) == size
