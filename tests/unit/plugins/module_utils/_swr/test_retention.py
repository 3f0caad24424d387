# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._swr import retention

DATES = {"template": "date_rule", "days": 30, "tag_selectors": [{"kind": "label", "pattern": "latest"}]}
TAGS = {"template": "tag_rule", "num": 20, "tag_selectors": []}


@pytest.mark.parametrize(
    ("current", "planned", "told"),
    [
        (None, DATES, ("+", "older than 30 days, sparing latest")),
        (TAGS, None, ("-", "all but the newest 20")),
        (TAGS, DATES, ("~", "all but the newest 20  ->  older than 30 days, sparing latest")),
        (dict(TAGS, further_policies=[DATES]), TAGS, (
            "~", "all but the newest 20, and 1 more of its own  ->  all but the newest 20"
        )),
        ({"rules": [{"template": "odd\n"}]}, None, ("-", 'rules [{"template": "odd\\\\n"}]'.replace("\\\\n", "\\n"))),
    ],
)  # fmt: skip
def test_a_person_is_told_what_differs(current, planned, told):
    assert retention.changes(current, planned) == [told]


def test_long_selectors_hide_nothing():
    long = dict(TAGS, tag_selectors=[{"kind": "regexp", "pattern": "x" * 5000}])
    ((_sign, text),) = retention.changes(long, dict(long, num=1))
    assert "all but the newest 1, sparing" in text and len(text) < 300
