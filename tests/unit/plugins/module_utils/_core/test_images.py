# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import images, spool
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = st.none() | st.text(st.characters(exclude_categories=()), max_size=3)
NUMBERS = st.none() | st.integers(0, 2**62)
ROW = st.tuples(
    TEXTS, TEXTS, NUMBERS, NUMBERS, st.sampled_from(["", "old", "many"]), st.sampled_from(["goes", "perhaps", "stays"]),
    st.booleans(), st.sampled_from(["a", "b"])
)  # fmt: skip
INDEX = st.tuples(ROW, st.lists(st.text(max_size=3), min_size=1, max_size=3)).map(lambda parts: (*parts[0], parts[1]))
ROWS = st.lists(ROW | INDEX)


def in_file():
    """A spool that keeps nothing in memory."""
    found = spool.Spool()
    found._held = spool.MOST_HELD
    return found


@settings(deadline=None)
@given(ROWS, st.booleans())
def test_images_are_as_they_were_and_counted(rows, in_a_file):
    found = images.Images(rows)
    found.stow(in_file() if in_a_file else spool.Spool())
    found.stow(in_file())  # it stays where it is
    ordered = [row for row in rows if row[5] != "stays"] + [row for row in rows if row[5] == "stays"]
    assert list(found.rows()) == ordered and len(found) == len(rows)
    assert list(found) == [dict(zip(images.FIELDS, row)) for row in ordered]
    assert sorted(len(one) for one in found) == sorted(map(len, rows))  # only an index has children
    gone = [one for one in found if one["fate"] != "stays"]
    assert found.going() == gone and found.losses == len(gone)
    counted = Counter((one["fate"], one["anyway"], one["by"], one["because"]) for one in gone)
    counted.update(("stays", False, one["by"], "") for one in found if one["fate"] == "stays")
    assert {key: number for key, (number, _size) in found.groups.items()} == counted
    assert sum(size for _number, size in found.groups.values()) == sum(one["size"] or 0 for one in gone)


def test_what_is_many_is_in_a_file_that_has_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MOST_HELD", 1000)
    monkeypatch.setattr(spool.tempfile, "tempdir", str(tmp_path))
    kept = spool.Spool()
    data = [os.urandom(100 + number) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        fetch = list(pool.map(kept.put, data))
        assert list(pool.map(lambda one: one(), fetch)) == data
    assert os.fstat(kept._file.fileno()).st_size > 10_000 and os.listdir(tmp_path) == []


def test_an_empty_piece_is_kept_too():
    assert in_file().put(b"")() == b""


def test_without_room_it_says_what_to_do(monkeypatch):
    def full(*_args, **_more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool.os, "pwrite", full)
    with pytest.raises(RegistryError, match="No space left on device. Make room there, or set TMPDIR"):
        in_file().put(b"x")


def test_a_write_that_takes_a_part_goes_on(monkeypatch):
    whole = os.pwrite
    monkeypatch.setattr(spool.os, "pwrite", lambda number, data, place: whole(number, bytes(data[:3]), place))
    kept = in_file()
    fetch = [kept.put(data) for data in (b"0123456789", b"abcdef")]
    assert [one() for one in fetch] == [b"0123456789", b"abcdef"]


def test_only_images_go_to_the_spool():
    kept = in_file()
    found = {"acme/app": images.Images([("v1", None, 1, 2, "", "stays", False, "a")])}
    assert images.stowed(found, kept) is found and kept._file is not None and len(list(found["acme/app"])) == 1
    for other in (["acme/app"], None, {"a": "b"}):
        assert images.stowed(other, kept) is other
