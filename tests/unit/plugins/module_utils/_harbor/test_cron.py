# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Crons: what is accepted here Harbor accepts, and the other way round, by what a real one was recorded to answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import cron
from fakes.harbor import cron as server
from hypothesis import given, settings
from hypothesis import strategies as st

DATA = Path(__file__).resolve().parents[4] / "data" / "harbor"
FILES = ("purge_schedule", "gc_schedule", "purge_runs", "gc_runs")
NEVER = [
    "0 0 0 31 2 *",
    "0 0 0 30 2 ?",
    "0 , 0 * * *",
    "0 0 0 31 4,6,9,11 *",
    "0 0 , * * *",
    "0 0 0 * , *",
    "0 0 0 , * *",
]


def recorded():
    """Return cron -> whether the real Harbor took it; refusals for other reasons than the cron left out."""
    found = {}
    for name in FILES:
        for exchange in json.loads((DATA / f"{name}.json").read_text())["exchanges"]:
            body, expected = exchange.get("body"), exchange.get("expect", {})
            schedule = body.get("schedule") if isinstance(body, dict) else None
            if not schedule or schedule.get("type") not in ("Hourly", "Daily", "Weekly", "Custom"):
                continue
            text, status = schedule.get("cron"), expected["status"]
            refusal = json.dumps(expected.get("body"))
            about_cron = status < 300 or status == 500 or "invalid cron" in refusal
            if isinstance(text, str) and about_cron:
                found[text] = status < 300
    return found


def accepted(text):
    try:
        cron.check(text)
    except PlanRefused:
        return False
    return True


def taken(text):
    """Return whether the fake, which replays the recordings, takes a cron, and it fires."""
    try:
        found = server.check(text, strict=True)
    except (server.BadCron, server.ParserCrash):
        return False
    return len(text) <= server.LONGEST and found.next(1_800_000_000.0) is not None


def test_the_recorded_table_is_large_enough():
    verdicts = list(recorded().values())
    assert verdicts.count(True) > 20 and verdicts.count(False) > 30


@pytest.mark.parametrize(("text", "verdict"), recorded().items())
def test_it_accepts_what_the_recorded_harbor_accepted(text, verdict):
    assert accepted(text) is verdict is taken(text)


@pytest.mark.parametrize("text", NEVER)
def test_a_cron_that_never_fires_is_refused(text):
    with pytest.raises(PlanRefused, match="never fires"):
        cron.check(text)
    assert not taken(text)


@pytest.mark.parametrize("text", ["0 0 0 29 2 *", "0 0 0 31 2 1", "0 0 0 31 1-2 *", "0 0 0 */31 2 *", "0 0 0 30 2 */7"])
def test_a_cron_that_seldom_fires_is_not(text):
    assert accepted(text) and taken(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("0 0 * * *", "write '0 0 0 * * *'"),
        ("30 3 * * 1", "write '0 30 3 * * 1'"),
        ("5 0 0 * * *", "write '0 0 0 * * *'"),
        ("@daily", "schedule"),
        ("0 0 0 L * *", "no L, W and #"),
        ("0 0 24 * * *", "from 0 to 23"),
        ("TZ=Nowhere/X 0 0 0 * * *", "time zone"),
        ("0" + " " * 60 + "0 0 * * *", "64"),
    ],
)
def test_a_refusal_says_how_to_write_it(text, part):
    with pytest.raises(PlanRefused) as refusal:
        cron.check(text)
    assert part in str(refusal.value)


number = st.integers(-1, 70).map(str)
bound = st.one_of(number, st.sampled_from(["*", "?", "JAN", "feb", "SUN", "sat", "L", "", "00", "+3", "7", "31"]))
item = st.one_of(
    bound,
    st.tuples(bound, bound).map("-".join),
    st.tuples(bound, number).map("/".join),
    st.tuples(bound, bound, number).map(lambda parts: f"{parts[0]}-{parts[1]}/{parts[2]}"),
)
field = st.lists(item, min_size=1, max_size=3).map(",".join)
likely = st.one_of(st.sampled_from(["*", "0", "1", "2", "?", "*/2", "29", "30", "31", "1-5", ",", "FEB", "MON"]), field)
blank = st.sampled_from([" ", " ", " ", "  ", "\t"])
zone = st.sampled_from(["", "", "", "TZ=UTC ", "CRON_TZ=Europe/Berlin ", "TZ= ", "TZ=../x ", " ", "@"])
second = st.sampled_from(["0", "0", "0", "0", "*", "5", "00"])
crons = st.tuples(
    zone, second, st.lists(st.tuples(blank, likely).map("".join), min_size=4, max_size=6).map("".join)
).map("".join)


@settings(max_examples=1500, deadline=None)
@given(crons)
def test_it_accepts_what_the_fake_accepts(text):
    assert accepted(text) is taken(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_whatever_comes_is_accepted_or_refused(text):
    assert accepted(text) in (True, False)


@pytest.mark.parametrize(("word", "text"), cron.WORDS.items())
def test_the_words_are_those_of_the_web_page(word, text):
    assert accepted(text) and cron.word(text) == word and cron.word(text + ",5") == cron.CUSTOM


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0 0 0 * * *", "17 0 0 * * *", True),
        ("0 0 0 * * *", " 0 0  0 * * *", True),
        ("0 0 0 * * *", "0 1 0 * * *", False),
        ("0 0 * * *", "0 0 * * *", True),
        ("TZ=UTC 0 0 0 * * *", "TZ=UTC 5 0 0 * * *", False),
        ("0 0 0 * * 1", "0 0 0 * * MON", False),
    ],
)
def test_crons_are_the_same_but_for_the_seconds(one, other, same):
    assert cron.same(one, other) is same
