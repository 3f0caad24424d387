# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, PlanRefused
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("20m", 1200), ("24h", 86400), ("7d", 604800), ("2w", 1209600), (" 7 d ", 604800), ("0s", 0)],
)
def test_lengths_of_time(text, seconds):
    assert schedule.seconds(text, "option") == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7D", "1y", "1 month", "1.5d"])
def test_what_is_no_length_of_time_is_refused_naming_the_option(text):
    with pytest.raises(PlanRefused, match="min_interval"):
        schedule.seconds(text, "min_interval")


@given(st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2090, 1, 1)), st.integers(0, 9))
def test_times_with_any_number_of_digits(moment, digits):
    seconds = moment.replace(microsecond=0, tzinfo=datetime.timezone.utc).timestamp()
    fraction = f".{moment.microsecond:06d}123"[: digits + 1] if digits else ""
    found = schedule.epoch(f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z")
    assert found == pytest.approx(seconds + float(fraction or 0), abs=1e-5)


def test_offsets_count():
    assert schedule.epoch("2026-01-01T01:00:00+01:00") == schedule.epoch("2026-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["", "today", "2026-01-01", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_an_error_of_the_registry(text):
    with pytest.raises(ContractError):
        schedule.epoch(text)
