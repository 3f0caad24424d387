# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from fakes.serve import serving

from awx.api import Awx
from awx.setting_up import AWX_AWX, SKELETON

OWN = ("HARBOR_", "QUAY_", "SWR_", "IAM_", "OS_", "HW_", "HUAWEICLOUD_", "DIGITALOCEAN_", "DO_")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option for what takes minutes."""
    parser.addoption(
        "--whole", action="store_true", help="also repair, removal and the renewal of secrets: minutes more"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of what takes minutes."""
    config.addinivalue_line("markers", "whole: runs only with --whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list) -> None:
    """Skip what takes minutes unless it is asked for."""
    for item in items:
        if item.get_closest_marker("whole") and not config.getoption("--whole"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: make test-awx-kit ARGS=--whole"))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """Keep the developer's own registries out of the tests."""
    for name in list(os.environ):
        if name.startswith(OWN):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def awx():
    """Return an AWX, without anything of ours in the beginning, and its address."""
    if not (AWX_AWX / "ansible_collections" / "awx" / "awx").is_dir():
        pytest.skip("awx.awx could not be had: is PyPI reachable?")
    server = Awx(SKELETON)
    with serving(server) as url:
        yield server, url
