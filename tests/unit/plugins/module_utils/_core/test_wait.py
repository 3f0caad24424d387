# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError, Unfinished, Unreachable


class Clock:
    """A clock that only pauses move."""

    def __init__(self, monkeypatch):
        self.now, self.pauses = 0.0, []
        monkeypatch.setattr(wait, "now", lambda: self.now)
        monkeypatch.setattr(wait, "pause", self.sleep)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def polls(*answers):
    left = list(answers)

    def poll():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return poll


def test_it_ends_with_the_first_final_state_and_tells_of_each_new_one(clock):
    told = []
    found = wait.until(lambda state: state == "done", polls("new", "new", "busy", "done"), 100, 10, told.append)
    assert found == "done" and told == ["new", "busy", "done"] and clock.pauses == [10, 10, 10]


def test_what_is_final_at_once_is_not_waited_for(clock):
    assert wait.until(lambda state: True, polls("done"), 100, 10) == "done" and clock.pauses == []


def test_a_time_out_holds_the_last_state_and_is_not_exceeded(clock):
    with pytest.raises(Unfinished) as error:
        wait.until(lambda state: False, polls("a", "b"), 25, 10)
    assert error.value.state == "b" and clock.now == 25


@pytest.mark.parametrize("lost", [Unreachable("gone"), ApiError("busy", 503), ApiError("too many", 429), None])
def test_a_poll_without_an_answer_is_only_a_lost_poll(clock, lost):
    assert wait.until(lambda state: state == "done", polls("a", lost, "done"), 100, 10) == "done"


def test_other_errors_end_it(clock):
    with pytest.raises(ApiError):
        wait.until(lambda state: False, polls("a", ApiError("no right", 403)), 100, 10)
