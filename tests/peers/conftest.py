# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our modules beside the vendors' own clients, at work on the same fake servers over HTTP on the loopback interface."""

from __future__ import annotations

import pytest
from contract.mounts import WAYS


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def run(request):
    """Returns what runs one of our modules: run(module, options) gives its result."""
    return request.param
