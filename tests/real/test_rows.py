# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module must do, on a real registry or on fakes; conftest.py says what is created there."""

from __future__ import annotations


def test_each_step_of_the_row_changes_once_as_check_mode_foretells(place, case):
    case.play(place)


def test_what_goes_is_what_was_foretold(place, forecast):
    forecast.play(place)
