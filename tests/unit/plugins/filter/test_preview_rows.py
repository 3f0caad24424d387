# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.filter.preview_rows import FilterModule

preview_rows = FilterModule().filters()["preview_rows"]
PREVIEW = {"count": 3, "uncertain_count": 1, "total": 16, "bytes": 99, "targets": {"acme/app": {}, "acme/lib": {}}}


@pytest.mark.parametrize(
    ("result", "row"),
    [
        (
            {
                "changed": True,
                "item": {"names": ["acme/*"]},
                "policies": {"acme/app": [], "acme/lib": [], "acme/x": []},
                "changed_targets": ["acme/app", "acme/lib"],
                "preview": PREVIEW,
            },
            {
                "what": "acme/*",
                "targets": 3,
                "changed": 2,
                "count": 3,
                "total": 16,
                "share": 25.0,
                "bytes": 99,
                "message": "",
            },
        ),
        (
            {"changed": False, "item": {"names": ["acme"]}, "policies": [{}, {}], "changed_targets": []},
            {"what": "acme", "targets": 1, "changed": 0, "count": 0, "uncertain_count": 0, "share": None},
        ),
        (
            {
                "changed": True,
                "item": {"names": ["a", "b"]},
                "policies": {"a": []},
                "changed_targets": ["a"],
                "failures": {"b": "no"},
                "failed": True,
                "msg": "1 of 2 failed",
            },
            {"what": "a, b", "targets": 2, "changed": 1, "count": None, "message": "1 of 2 failed"},
        ),
        (
            {"failed": True, "msg": "max_deletions: 3 images", "item": {"names": ["acme/*"]}, "preview": PREVIEW},
            {"targets": None, "changed": 2, "count": 3, "message": "max_deletions: 3 images", "fuse": "max_deletions"},
        ),
        (  # the forecast of an organization is about its repositories
            {"failed": True, "msg": "protect: 3 images", "item": {"names": ["acme"]}, "preview": PREVIEW},
            {"targets": None, "changed": None, "count": 3, "fuse": "protect"},
        ),
        (
            {"failed": True, "msg": "GET /: it cannot be reached"},
            {
                "what": "everything",
                "changed": None,
                "total": None,
                "message": "GET /: it cannot be reached",
                "fuse": "",
            },
        ),
        (
            {
                "changed": True,
                "item": {"namespace": "acme", "repositories": ["*"]},
                "retention": {"app": None, "lib": {"template": "tag_rule"}},
                "changed_targets": ["lib"],
            },
            {"what": "acme/*", "targets": 2, "changed": 1},
        ),
        (
            {
                "changed": False,
                "retention": {"template": "tag_rule", "num": 3, "tag_selectors": []},
                "changed_targets": [],
                "invocation": {"module_args": {"namespace": "acme", "repositories": ["app"]}},
            },
            {"what": "acme/app", "targets": 1},
        ),
        (
            {
                "changed": True,
                "garbage_collection": {"status": "requested", "type": "t"},
                "changed_targets": ["acme"],
                "invocation": {"module_args": {"registries": ["acme"]}},
            },
            {"what": "acme", "targets": 1, "changed": 1},
        ),
        (
            {
                "changed": False,
                "policies": [],
                "changed_targets": [],
                "invocation": {"module_args": {"current_user": True}},
            },
            {"what": "the user", "targets": 1},
        ),
    ],
)
def test_a_result_gives_a_row(result, row):
    (found,) = preview_rows([result])
    assert {key: found[key] for key in row} == row


def test_loops_are_flattened_and_what_was_skipped_gives_no_row():
    loop = {"results": [{"item": {"names": ["a"]}, "policies": []}, {"item": {"names": ["b"]}, "policies": []}]}
    assert [row["what"] for row in preview_rows([loop, {"skipped": True}, {"results": []}])] == ["a", "b"]


def test_texts_of_others_are_one_printable_line():
    (row,) = preview_rows([{"failed": True, "msg": "max_deletions: a\nb\x1b[2K\u202e", "item": {"names": ["a\n| b"]}}])
    assert (row["what"], row["message"]) == (r"a\n| b", r"max_deletions: a b\x1b[2K\u202e")
    assert row["fuse"] == "max_deletions"
