# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import preview
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from hypothesis import given
from hypothesis import strategies as st

HOSTILE = "v1\n-   acme/app:latest\x1b[2K\u202e\ud800"


def image(tag, **more):
    return dict(target="acme/app", tag=tag, digest="sha256:abc", age=86400, size=10**6, because=f"rule {tag}", **more)


def forecasts(tag):
    return {"acme/app": {"deletions": [image(tag)], "uncertain": [image(tag)], "kept": [image(tag)]}}


def test_a_tag_forges_no_line():
    lines = preview.text(forecasts(HOSTILE), 9, False).split("\n")
    assert len(lines) == 5 and lines[-1] == ""
    shown = r"v1\n-   acme/app:latest\x1b[2K\u202e\ud800"
    assert lines[1] == f"-   {shown}  sha256:abc  1 d  1.0 MB  rule {shown}"
    assert lines[3] == f"    stay: {shown}"


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_the_tag_the_text_is_printable_and_the_result_can_be_written(tag):
    lines = preview.text(forecasts(tag), 9, True).split("\n")
    assert len(lines) == 6 and all(line.isprintable() for line in lines)
    assert json.dumps(preview.summary(forecasts(tag), 9, True), ensure_ascii=False).encode("utf-8")


def test_a_result_holds_names_as_they_are():
    found = preview.summary(forecasts("a\x1b\n"), 9, False)
    assert found["deletions"][0]["tag"] == "a\x1b\n" and found["targets"]["acme/app"]["kept"] == ["a\x1b\n"]


def test_a_file_holds_the_names_as_they_are(tmp_path):
    path = tmp_path / "forecast.json"
    preview.save(forecasts(HOSTILE), str(path))
    assert json.loads(path.read_text())["acme/app"]["deletions"][0]["tag"] == HOSTILE


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a\0b", r"preview_file: a\x00b cannot be the name of a file"),
        ("\0/b", "cannot be the name of a file"),
        ("/tmp/a\ud800", r"/tmp/a\ud800 cannot be the name of a file"),
        ("/nowhere/at/all.json", "/nowhere/at is no folder that can be written to"),
        ("/nowhere\n/all.json", r"/nowhere\n is no folder"),
        ("/tmp", "/tmp is a folder: add the name of a file"),
        ("/tmp/" + "a" * 300, None),
    ],
)
def test_odd_paths_are_refused_and_never_a_traceback(path, text):
    options = {"preview_limit": 1, "preview_file": path}
    if text:
        with pytest.raises(PlanRefused) as refused:
            preview.check(options)
        assert text in str(refused.value)
    with pytest.raises(PlanRefused, match="preview_file"):
        preview.save({}, path)


@pytest.mark.parametrize("path", [None, ""])
def test_no_path_is_no_fault(path):
    preview.check({"preview_limit": 0, "preview_file": path})
