# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.registry.hygiene.plugins.filter import approved as subject

SUMS = {
    "summary": "3 of 4 targets would change",
    "hosts": {"quay-1": {"change": 3, "go": 361, "perhaps": 12, "bytes": 5, "blown": "", "message": ""}},
}


def plan(changed, go, **more):
    """Return the result of a task."""
    return {"plan": {"changed": changed, "images": {"count": go, "uncertain_count": 0}, "refused": None, **more}}


def test_it_gives_what_was_approved_of_the_host():
    assert subject.approved(SUMS, "quay-1") == {"approved": {"change": 3, "go": 361, "perhaps": 12}}
    assert subject.approved(SUMS, "quay-2") == {"approved": {"change": 0, "go": 0, "perhaps": 0}}
    given = subject.approved(SUMS, "quay-1", [], "7.5", 0)
    assert given["approved_tolerance_percent"] == "7.5" and given["approved_tolerance_images"] == 0


@pytest.mark.parametrize("empty", [None, "", {}])
def test_without_sums_nothing_is_held(empty):
    assert subject.approved(empty, "quay-1", [], 5, 10) == {}


def test_what_was_carried_out_is_approved_no_more():
    done = [plan(1, 300), {"skipped": True}, {}, plan(1, 1000, refused={"limit": "min_keep"}), {"plan": None}]
    assert subject.approved(SUMS, "quay-1", done)["approved"] == {"change": 2, "go": 61, "perhaps": 12}
    assert subject.approved(SUMS, "quay-1", [{"results": done}, plan(9, 99)])["approved"]["change"] == 0
    assert subject.approved(SUMS, "quay-1", [plan(None, None), {"plan": {"images": None}}])["approved"]["go"] == 361


@pytest.mark.parametrize(
    "wrong",
    ["yes", [1], {"summary": ""}, {"hosts": []}, {"hosts": {"quay-1": 3}}, {"hosts": {"quay-1": {"go": "many"}}}, 5],
)
def test_what_no_preview_hands_on_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="registry_hygiene_approved: give it the custom stat"):
        subject.approved(wrong, "quay-1")
