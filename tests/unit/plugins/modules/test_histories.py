# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that tells what a registry deleted must do, run in both ways that a module runs."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from contract.clock import in_its_time
from contract.histories import DAY, HISTORIES
from contract.mounts import WAYS
from fakes.mount import mounted

every_row = pytest.mark.parametrize("row", HISTORIES, ids=lambda row: row.module)
KEYS = ["when", "target", "tag", "digest", "because", "run"]


class Bench:
    """One row, one way, one fake."""

    def __init__(self, row, way):
        self.row = row
        self.way = way
        self.fake = row.fake()

    def run(self, *options, check_mode=False):
        merged = {key: value for some in (self.row.access, self.row.target, *options) for key, value in some.items()}
        self.fake.clear()
        with contextlib.ExitStack() as stack:
            stack.enter_context(in_its_time(self.fake))
            for url in self.row.urls:
                stack.enter_context(mounted(self.fake, url))
            result = WAYS[self.way](self.row.module, merged, check_mode)
        for secret in self.row.secrets:
            assert secret not in result.output
        assert [one for one in self.fake.writes if "tokens" not in one["path"]] == []
        return result


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def plain(rows):
    return [[row["target"], row["tag"], row["digest"], row["because"]] for row in rows]


@every_row
def test_it_names_what_went_in_the_time_the_newest_first(row, way):
    bench = Bench(row, way)
    for check_mode in (False, True):
        found = bench.run(check_mode=check_mode)
        assert not found.get("failed") and not found["changed"], found
        assert plain(found["history"]) == row.night and found["count"] == len(row.night)
        assert all(list(one) == KEYS for one in found["history"])
        runs = [[one[key] for key in ("target", "what", "status", "deleted", "bytes")] for one in found["runs"]]
        assert runs == row.runs
        assert found["truncated"] == [] and "warnings" not in found
    assert bench.run({"since": "7d"})["count"] == row.week


@every_row
def test_a_window_has_both_ends_in_any_form(row, way):
    bench = Bench(row, way)
    whole = bench.run({"since": "7d"})["history"]
    for first, last in ((0, 0), (0, len(whole) - 1), (1, 2)) if whole else ():
        since, until = whole[min(last, len(whole) - 1)]["when"], whole[first]["when"]
        found = bench.run({"since": since, "until": until.replace("Z", "+00:00")})
        assert plain(found["history"]) == plain(whole[first : last + 1])
        assert (found["since"], found["until"]) == (since, until)
    future = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(bench.fake.now() + DAY))
    assert bench.run({"since": future})["count"] == 0


@every_row
def test_a_limit_cuts_the_result_and_the_file_has_all(row, way, tmp_path):
    bench, file = Bench(row, way), tmp_path / "all.json"
    found = bench.run({"since": "7d", "limit": 1, "history_file": str(file)}, check_mode=True)
    written = json.loads(file.read_text())
    assert len(found["history"]) == min(row.week, 1) and found["count"] == row.week == len(written["history"])
    assert written["history"][:1] == found["history"] and found["file"] == str(file)
    assert (written["format"], written["version"], written["registry"]) == ("registry.hygiene history", 1, row.urls[0])
    assert sum(one["count"] for one in found["repositories"]) == row.week
    assert written["runs"] == found["runs"] and written["changes"] == found["changes"]
    assert [one["when"] for one in written["history"]] == sorted(
        (one["when"] for one in written["history"]), reverse=True
    )


@every_row
def test_one_target_that_fails_hides_no_other(row, way, tmp_path):
    (options, name), file = row.partial, tmp_path / "all.json"
    found = Bench(row, way).run(options, {"history_file": str(file)})
    assert json.loads(file.read_text())["failures"] == found["failures"]
    assert found["failed"] and list(found["failures"]) == [name], found
    assert found["history"] or found["runs"]


@every_row
def test_refused_credentials_fail_plainly_and_at_once(row, way):
    bench = Bench(row, way)
    found = bench.run(row.wrong)
    assert found["failed"] and row.refused in found["msg"] and len(bench.fake.requests) < 5


@every_row
def test_bad_input_is_refused_before_any_request(row, way):
    bench = Bench(row, way)
    for options, message in row.bad:
        found = bench.run(options)
        assert found["failed"] and message in found["msg"], (options, found["msg"])
        assert bench.fake.requests == [] and len(found["msg"]) < 1000


@every_row
@pytest.mark.parametrize("body", [{}, "x", None, {"logs": [{"kind": 1}]}, [{"id": "x"}], {"retention_log": [{}]}])
def test_an_answer_in_another_form_is_no_empty_history(row, way, body):
    bench = Bench(row, way)
    other = {"text": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    bench.fake.faults.append({"path": row.path, "times": 50, **other})
    found = bench.run()
    assert found["failed"] and not found.get("history"), found


@every_row
def test_a_busy_server_only_delays(row, way):
    bench = Bench(row, way)
    bench.fake.faults += [
        {"path": row.path, "status": 429, "headers": {"Retry-After": "1"}},
        {"path": row.path, "drop": True},
    ]
    assert plain(bench.run()["history"]) == row.night
