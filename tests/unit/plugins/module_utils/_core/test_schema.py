# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import schema
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import OldLibrary

ROOT = Path(__file__).resolve().parents[5]


def test_a_jsonschema_that_is_too_old_is_named_with_what_to_do(monkeypatch):
    old = ModuleType("jsonschema")
    old.__version__ = "2.6.0"
    monkeypatch.setitem(sys.modules, "jsonschema", old)
    with pytest.raises(OldLibrary) as caught:
        schema.check({}, {"type": "object"}, "it")
    assert str(caught.value).startswith("jsonschema 2.6.0 is too old: 3.2 or newer is needed. Run ")


@pytest.mark.parametrize("library", ["jsonschema", "requests"])
def test_the_oldest_libraries_are_the_same_wherever_they_are_named(library):
    needed = re.search(rf"^{library}>=(\S+)$", (ROOT / "meta/ee-requirements.txt").read_text(), re.MULTILINE).group(1)
    assert f"{library} {needed} or newer" in (ROOT / "README.md").read_text()
    if library == "jsonschema":
        assert needed == schema.OLDEST
