# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo estate of the fake Harbor."""

from __future__ import annotations

from typing import Any


def demo() -> dict[str, Any]:
    """Returns the state."""
    return {"users": [{"name": "admin", "password": "Harbor12345", "sysadmin": True}]}
