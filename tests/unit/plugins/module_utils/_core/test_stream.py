# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import stream
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Whatever is read ends in the middle of something."""
    monkeypatch.setattr(stream, "PIECE", 3)


def reader(text):
    return stream.Reader(io.StringIO(text))


def read(text):
    """A whole document, its first level and that below it item by item."""
    found = reader(text)
    start = text.lstrip()[:1]
    if start == "{":
        value = {}
        for key in found.members():
            value[key] = list(found.elements()) if found._next() == "[" else found.value()
    else:
        value = list(found.elements()) if start == "[" else found.value()
    found.end()
    return value


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_what_is_read_in_pieces_is_what_was_written(value, indent, ascii_only):
    assert read(json.dumps(value, indent=indent, ensure_ascii=ascii_only)) == value


@settings(deadline=None)
@given(VALUES, st.data())
def test_what_json_refuses_is_refused(value, data):
    text = json.dumps(value)
    place = data.draw(st.integers(0, len(text) - 1))
    broken = text[:place] + data.draw(st.text('{}[],:"1ex \\n', max_size=2)) + text[place + 1 :]
    try:
        expected = json.loads(broken)
    except ValueError:
        with pytest.raises(ValueError):
            read(broken)
    else:
        try:
            assert read(broken) == expected
        except ValueError as error:
            assert "already" in str(error)  # a key that is there twice


@pytest.mark.parametrize(
    "text", ["", " ", "[1", "[1,]", "[1 2]", '{"a" 1}', '{"a": 1,}', "{1: 2}", "[] []", "]", "12 3"]
)
def test_what_is_cut_or_no_json_is_refused(text):
    with pytest.raises(ValueError):
        read(text)


def test_a_value_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(stream, "LARGEST", 1000)
    assert read(json.dumps(["x" * 400] * 50)) == ["x" * 400] * 50
    with pytest.raises(ValueError, match="too large"):
        read(json.dumps(["x" * 1000]))
