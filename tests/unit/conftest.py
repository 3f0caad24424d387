# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the collection and the fakes importable, and keeps the tests from waiting."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("unhurried", deadline=None)  # how long something takes is for the benchmark
hypothesis.settings.load_profile("unhurried")
TESTS = Path(__file__).resolve().parents[1]
ROOTS = [str(TESTS)]  # of the package fakes
if TESTS.parents[2].name == "ansible_collections":
    ROOTS.append(str(TESTS.parents[3]))
sys.path[:0] = [root for root in ROOTS if root not in sys.path]

OWN = r"(HARBOR|QUAY|SWR|IAM|OS|HW|HUAWEICLOUD|DIGITALOCEAN|DO_API)_|(REQUESTS|CURL)_CA_BUNDLE$|(HTTPS?|NO|ALL)_PROXY$"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """Keep the developer's own registries and proxies out of the tests."""
    for name in list(os.environ):
        if re.match(OWN, name, re.IGNORECASE):
            monkeypatch.delenv(name)
