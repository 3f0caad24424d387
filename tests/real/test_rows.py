# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module must do, on a real registry or on fakes; conftest.py says what is created there."""

from __future__ import annotations


def test_row(place, case):
    """Each step changes something once, as check mode foretells, and what the _info module says is valid input."""
    case.play(place)


def test_forecast(place, forecast):
    """What goes is what check mode says."""
    forecast.play(place)
