# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the quick look at a page of artifacts takes for plain fits the schema, whatever is in it."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import schema
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import foresight
from hypothesis import given, settings
from hypothesis import strategies as st

TIME = "2026-11-30T10:00:00.123Z"
ROW = {
    "digest": "sha256:1",
    "push_time": TIME,
    "pull_time": "0001-01-01T00:00:00.000Z",
    "tags": [{"name": "v1", "immutable": False, "push_time": TIME, "pull_time": None}],
    "references": [{"child_digest": "sha256:2"}],
    "accessories": [{"type": "signature.cosign"}],
}
PLACES = [
    (*place, key)
    for place, some in (
        ((), ROW),
        (("tags", 0), ROW["tags"][0]),
        (("references", 0), ROW["references"][0]),
        (("accessories", 0), ROW["accessories"][0]),
    )
    for key in some
]
PLACES += [("tags", 0), ("references", 0), ("accessories", 0)]
ODD = st.sampled_from(
    [None, True, 0, 1.5, "", "x", "x" * 65, "x" * 513, [], {}, [None], [1], ["x"], [[]], [{}], {"name": "x"}, "gone"]
)


def fits(page):
    try:
        schema.check(page, foresight.ARTIFACTS, "it")
    except ContractError:
        return False
    return True


def test_what_is_usual_is_plain():
    nothing = {**ROW, "tags": None, "references": None, "accessories": None}
    assert foresight.plain([ROW, nothing]) and fits([ROW, nothing]) and foresight.plain([])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), ODD)
def test_what_is_plain_fits(place, value):
    row = copy.deepcopy(ROW)
    inner = row
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    if value == "gone":
        del inner[place[-1]]
    if foresight.plain([row]):
        assert fits([row])


@pytest.mark.parametrize("page", [[None], [[]], ["x"], [{}], [{**ROW, "tags": "x"}], [{**ROW, "digest": None}]])
def test_what_does_not_fit_is_not_plain(page):
    assert not foresight.plain(page) and not fits(page)
