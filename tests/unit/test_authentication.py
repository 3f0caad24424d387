# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the page on authentication to the options: each is on it, with all names of the environment in their order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import access
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import registry as digitalocean
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry as harbor
from ansible_collections.registry.hygiene.plugins.module_utils._quay import registry as quay
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry as swr

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "authentication.rst").read_text()
ROW = re.compile(r"^   \* - ``([a-z_]+)``\n     - (.+)$", re.MULTILINE)
SHOWN = {option: re.findall(r"``([A-Z_]+)``", names) for option, names in ROW.findall(PAGE)}
OPTIONS = {
    option: spec["fallback"][1]
    for room in (digitalocean, harbor, quay, swr)
    for option, spec in room.ARGUMENT_SPEC.items()
}


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_an_option_is_on_the_page_with_its_names_in_the_environment(option):
    assert SHOWN[option] == OPTIONS[option]


def test_the_page_has_no_other_options_with_such_names():
    assert {option for option, names in SHOWN.items() if names} == set(OPTIONS)


@pytest.mark.parametrize("option", sorted(access.ARGUMENT_SPEC))
def test_how_to_get_there_is_on_the_page(option):
    assert f"``{option}``" in PAGE
