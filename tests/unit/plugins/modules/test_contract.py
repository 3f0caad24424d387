# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module must do, run for each row of contract/rows.py in both ways that a module runs."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import json
import re
import sys

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import runs, schema, transport
from ansible_collections.registry.hygiene.plugins.module_utils._core.result import MOST
from contract.clock import in_its_time
from contract.mounts import PLUGINS, WAYS
from contract.rows import ROWS
from fakes.mount import mounted

ids = [row.name for row in ROWS]
every_row = pytest.mark.parametrize("row", ROWS, ids=ids)
every_row_of_many = pytest.mark.parametrize("row", [row for row in ROWS if row.many], ids=lambda row: row.name)
every_row_that_posts = pytest.mark.parametrize("row", [row for row in ROWS if row.posts], ids=lambda row: row.name)
writing = ("POST", "PUT", "PATCH", "DELETE")


def resource(row):
    """Return the resource of the module of a row."""
    return importlib.import_module(f"{PLUGINS}.modules.{row.module}").MODULE.resource


class Bench:
    """One row, one way, one fake: runs tasks and looks into every output for secrets."""

    def __init__(self, row, way):
        self.row = row
        self.way = way
        self.fake = row.fake()
        self.untouched = self.neighbours()

    def run(self, *options, module=None, check_mode=False):
        merged = dict(self.row.access)
        for more in options:
            merged.update(more)
        self.fake.clear()
        with contextlib.ExitStack() as stack:
            stack.enter_context(in_its_time(self.fake))
            for url in self.row.urls:
                stack.enter_context(mounted(self.fake, url))
            result = WAYS[self.way](module or self.row.module, merged, check_mode)
        for secret in self.row.secrets:
            assert secret not in result.output
        return result

    def read(self):
        return self.run(self.row.target, module=self.row.info)

    def state(self):
        return self.row.server(self.fake)

    def gets(self):
        return [entry for entry in self.fake.requests if entry["method"] == "GET"]

    def neighbours(self):
        """Everything on the server that a row must leave as it was, but the ages, which go on."""
        return re.sub(r"'\w*(age|expires_in)_seconds': [-\d.e]+", "", repr(self.row.untouched(self.fake)))


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def steps(row):
    return list(zip([row.created, row.changed, row.removed], row.wanted))


@every_row
def test_every_step_changes_once_and_check_mode_foretells_it(row, way):
    bench = Bench(row, way)
    for options, wanted in steps(row):
        before = bench.state()
        foretold = bench.run(row.target, options, check_mode=True)
        assert bench.fake.writes == [] and bench.state() == before
        done = bench.run(row.target, options)
        assert done["changed"] and not done.get("failed"), done
        assert bench.state() == wanted
        assert row.foretold(foretold) == row.foretold(done)
        assert list(done["diff"]) == ["prepared"] and done["diff"]["prepared"].startswith(("+ ", "~ ", "- ", "! "))
        assert (done["plan"]["targets"], done["plan"]["changed"], done["plan"]["refused"]) == (1, 1, None)
        again = bench.run(row.target, options)
        assert not again["changed"] and not again.get("failed"), again
        assert bench.fake.writes == [] and again["diff"] == {"prepared": ""} and again["plan"]["changed"] == 0
        assert row.fresh(bench.read()) == row.shown(done) == row.shown(again)


@every_row
def test_an_unchanged_target_costs_as_many_requests_as_it_says(row, way):
    bench = Bench(row, way)
    bench.run(row.target, row.created)
    bench.run(row.target, row.created)
    assert len(bench.fake.requests) == row.once + row.held
    bench.run(row.target, row.removed)
    bench.run(row.target, row.removed)
    assert len(bench.fake.requests) == row.once + row.reading


@every_row
def test_what_the_info_module_returns_is_valid_input(row, way):
    bench = Bench(row, way)
    for options, _wanted in steps(row)[:2]:
        bench.run(row.target, options)
        fed = bench.run(row.target, row.feed(bench.read()))
        assert not fed["changed"] and not fed.get("failed"), fed


@every_row
def test_neighbours_are_left_alone(row, way):
    bench = Bench(row, way)
    for options, _wanted in steps(row):
        bench.run(row.target, options)
    assert bench.neighbours() == bench.untouched


@every_row
def test_a_busy_server_only_delays(row, way):
    bench = Bench(row, way)
    for options, wanted in steps(row):
        for method in ("GET", *writing):
            bench.fake.faults.append({"method": method, "status": 429, "headers": {"Retry-After": "1"}})
        for method in ("GET", "PUT", "DELETE"):
            bench.fake.faults.append({"method": method, "status": 503})
            bench.fake.faults.append({"method": method, "drop": True})
        done = bench.run(row.target, options)
        bench.fake.faults.clear()
        assert done["changed"] and not done.get("failed"), done
        assert bench.state() == wanted


@every_row_that_posts
@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ({"drop": True}, False),
        ({"drop": True, "after": True}, True),
        ({"status": 504}, False),
        ({"status": 504, "after": True}, True),
        ({"truncate": True}, True),
    ],
)
def test_a_lost_answer_is_resolved_by_reading_back_and_sent_again_only_where_that_does_no_harm(row, way, fault, after):
    bench = Bench(row, way)
    bench.fake.faults.append({"method": "POST", "path": row.writing, **fault})
    done = bench.run(row.target, row.created)
    bodies = [repr(entry["body"]) for entry in bench.fake.writes if entry["method"] == "POST"]
    again = row.refuses_duplicates and not after
    assert len(bodies) == len(set(bodies)) + again
    if after or again:
        assert done["changed"] and not done.get("failed"), done
        assert bench.state() == row.wanted[0]
    else:
        assert done["failed"] and "POST" in done["msg"]
        assert bench.run(row.target, row.created)["changed"] and bench.state() == row.wanted[0]


@every_row
@pytest.mark.parametrize("check_mode", [True, False])
def test_refused_credentials_fail_plainly_and_at_once(row, way, check_mode):
    bench = Bench(row, way)
    for module, options in ((row.module, row.created), (row.info, {})):
        result = bench.run(row.wrong, row.target, options, module=module, check_mode=check_mode)
        assert result["failed"] and not result["changed"] and row.refused in result["msg"] and result["no_access"]
        assert bench.fake.writes == [] and len(bench.fake.requests) <= row.once + 1
    result = bench.run(row.wrong, row.many or row.target, row.created)
    assert result["failed"] and not result["changed"]
    assert bench.fake.writes == [] and len(bench.fake.requests) < 20


@every_row
@pytest.mark.parametrize("library", ["requests", "jsonschema"])
def test_a_missing_library_is_named(row, way, library, monkeypatch):
    bench = Bench(row, way)
    if library == "requests":
        monkeypatch.setattr(transport, "requests", None)
    else:
        original = builtins.__import__

        def refuse(name, *args, **kwargs):
            if name.split(".")[0] == library:
                raise ImportError(f"No module named {name!r}")
            return original(name, *args, **kwargs)

        monkeypatch.setattr(schema, "_VALIDATORS", {})
        monkeypatch.delitem(sys.modules, library, raising=False)
        monkeypatch.setattr(builtins, "__import__", refuse)
    result = bench.run(row.target, row.created)
    assert result["failed"] and f"Python library ({library})" in result["msg"]
    assert bench.fake.writes == []


@every_row
def test_bad_input_is_refused_before_any_request(row, way):
    bench = Bench(row, way)
    for options, message in row.bad:
        for check_mode in (True, False):
            result = bench.run(row.target, options, check_mode=check_mode)
            assert result["failed"] and not result["changed"], options
            assert message in result["msg"] and len(result["msg"]) < 1000, options
            assert bench.fake.requests == [], options


@pytest.mark.parametrize("row", [row for row in ROWS if resource(row).foresees], ids=lambda row: row.name)
def test_what_may_run_is_known_before_any_request_and_what_does_not_run_there_is_no_hindrance(row, way, tmp_path):
    bench = Bench(row, way)
    path = tmp_path / "running.txt"
    path.write_text("")
    for given, message in (
        ([str(path)], "is empty"),
        (["/nowhere"], "is no file"),
        (["a b!"], "no reference of an image"),
    ):
        for check_mode in (True, False):
            refused = bench.run(row.target, row.created, {"in_use": given}, check_mode=check_mode)
            assert refused["failed"] and message in refused["msg"] and bench.fake.requests == []
    path.write_text("somewhere.test/acme/app:v1\ndocker-pullable://else.test/nginx@sha256:" + "0" * 64 + "\n")
    done = bench.run(row.target, row.created, {"in_use": [str(path)]})
    assert done["changed"] and not done.get("failed") and bench.state() == row.wanted[0]
    assert done["plan"]["in_use"] == {"references": 2, "elsewhere": 2, "found": 0, "not_found": 0}
    assert any("in_use: none of 2 references is of this registry" in warning for warning in done["warnings"])


@every_row
@pytest.mark.parametrize(
    "answer", [{"text": "<html>a page</html>"}, {"body": {"nothing": "known"}, "status": 200}, {"status": 500}]
)
def test_an_answer_that_is_not_understood_is_never_read_as_nothing_there(row, way, answer):
    bench = Bench(row, way)
    bench.run(row.target, row.created)
    held = bench.state()
    for options in (row.created, row.removed):
        bench.fake.faults.append({"method": "GET", "path": "(?<!/config)$", "times": 99, **answer})
        result = bench.run(row.target, options)
        bench.fake.faults.clear()
        assert result["failed"] and not result["changed"], result
        assert bench.fake.writes == [] and bench.state() == held


@every_row_of_many
def test_many_targets_in_one_task(row, way):
    bench = Bench(row, way)
    foretold = bench.run(row.many, row.created, check_mode=True)
    done = bench.run(row.many, row.created)
    assert done["changed"] and done["plan"]["changed"] == done["plan"]["targets"] == row.count
    assert len(done["changed_targets"]) == len(done[row.noun]) == min(row.count, MOST)
    assert row.foretold(foretold) == row.foretold(done)
    assert row.of_many(bench.fake) == [row.wanted[0]] * row.count
    again = bench.run(row.many, row.created)
    assert not again["changed"] and again["plan"]["targets"] == row.count and again["plan"]["changed"] == 0
    assert len(bench.fake.requests) == row.count * row.held + row.once + row.listings


@every_row_of_many
def test_one_failing_target_of_many_neither_stops_nor_hides_the_others(row, way):
    bench = Bench(row, way)
    refused = {"status": 403, "body": {"detail": "Unauthorized"}, "times": 99}
    bench.fake.faults.append({"path": row.failing, **refused})
    result = bench.run(row.many, row.created)
    assert result["failed"] and result["changed"]
    assert len(result["failures"]) == 1 and "Unauthorized" in result["msg"]
    assert sorted(row.of_many(bench.fake)) == [[], *[row.wanted[0]] * (row.count - 1)]
    bench.fake.faults.clear()
    rest = bench.run(row.many, row.created)
    assert rest["changed_targets"] == list(result["failures"]) and not rest.get("failed")


@every_row
def test_both_ways_give_the_same_result_word_for_word(row):
    results = []
    for way in WAYS:
        bench = Bench(row, way)
        runs = []
        for options, _wanted in steps(row):
            runs += [bench.run(row.target, options, check_mode=True), bench.run(row.target, options), bench.read()]
        runs.append(bench.run(row.wrong, row.target, row.created))
        runs += [bench.run(row.target, options) for options, _message in row.bad]
        bench.fake.faults.append({"path": row.failing, "status": 404, "times": 99})
        runs.append(bench.run(row.many or row.target, row.created))
        results.append(runs)
    for one, other in zip(*results):
        assert row.timeless(one) == row.timeless(other)


def entry(*options):
    return {name: value for some in options for name, value in some.items()}


def written(bench):
    return bench.row.timeless([[write["method"], write["path"], write["body"]] for write in bench.fake.writes])


@every_row_of_many
def test_a_list_of_declarations_does_what_the_single_form_does(row, way):
    single, several = Bench(row, way), Bench(row, way)
    for options, wanted in steps(row):
        done = single.run(row.target, options)
        same = several.run({"declarations": [entry(row.target, options)]})
        assert written(several) == written(single) and several.state() == single.state() == wanted
        assert row.timeless(list(same[row.noun].values())) == row.timeless([done[row.noun]])
        assert row.timeless(same["plan"]) == row.timeless(done["plan"]) and same["changed"]
        again = several.run({"declarations": [entry(row.target, options)] * 2})
        assert not again["changed"] and not again.get("failed") and again["plan"]["targets"] == 1


@every_row_of_many
def test_what_is_excluded_is_left_alone(row, way):
    bench = Bench(row, way)
    exclude, left = row.but
    for options in (entry(row.many, row.created), {"declarations": [entry(row.many, row.created)]}):
        inner = options.get("declarations", [options])[0]
        inner["exclude"] = exclude
        done = bench.run(options)
        assert not done.get("failed") and done["plan"]["targets"] == left
        assert row.of_many(bench.fake).count(row.wanted[0]) == left
        assert row.of_many(bench.fake).count([]) == row.count - left
    nothing = bench.run(row.many, row.created, {"exclude": ["*"]})
    assert not nothing["changed"] and nothing["plan"]["targets"] == 0 and bench.fake.writes == []


@every_row_of_many
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_target_that_two_entries_declare_differently_is_refused_with_both_named(row, way, check_mode):
    bench = Bench(row, way)
    both = [entry(row.target, row.created), entry(row.target, row.changed)]
    result = bench.run({"declarations": both}, check_mode=check_mode)
    assert result["failed"] and not result["changed"] and bench.fake.writes == []
    assert "declared twice" in result["msg"] and "declarations[0] (" in result["msg"]
    assert "declarations[1] (" in result["msg"] and len(result["msg"]) < 1000


@every_row_of_many
def test_a_mistake_in_an_entry_is_told_with_its_place_and_nothing_stands_beside_declarations(row, way):
    bench = Bench(row, way)
    good = entry(row.many, row.created)
    for options, message in row.bad:
        if not set(options) & {"colour", *row.access}:
            result = bench.run({"declarations": [good, entry(row.target, options)]})
            assert result["failed"] and message in result["msg"] and bench.fake.requests == [], options
    beside = bench.run(row.target, {"declarations": [good]})
    assert beside["failed"] and "mutually exclusive" in beside["msg"] and bench.fake.requests == []
    beside = bench.run({"declarations": [good], **row.removed})
    assert beside["failed"] and "beside declarations" in beside["msg"] and bench.fake.requests == []
    nan = bench.run({"declarations": [good, {**good, "max_deletions_percent": float("nan")}]})
    refused = (
        ("declarations[1] (", "from 0 to 100") if row.limits else ("Unsupported parameters", "max_deletions_percent")
    )
    assert nan["failed"] and nan["msg"].startswith(refused[0]) and refused[1] in nan["msg"]
    nothing = bench.run({"declarations": []})
    assert not nothing["changed"] and not nothing.get("failed") and bench.fake.writes == []


@every_row_of_many
def test_a_task_holds_to_the_plan_that_was_made_before(row, way, tmp_path):
    bench = Bench(row, way)
    path = str(tmp_path / "plan.json")
    planned = bench.run(row.target, row.created, {"plan_file": path}, check_mode=True)
    assert planned["plan"]["file"] == path and bench.fake.writes == []
    held = json.loads((tmp_path / "plan.json").read_text())
    assert (held["module"], held["registry"], held["check_mode"]) == (row.module, row.urls[0], True)
    assert len(held["changes"]) == planned["plan"]["changed"] == 1 and held["refused"] is None
    assert held["changes"][0]["target"] in held["changes"][0]["entry"]
    done = bench.run({"declarations": [entry(row.target, row.created)], "plan": path})
    assert done["changed"] and not done.get("failed") and bench.state() == row.wanted[0]


@every_row
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_differs_from_the_plan_is_refused_and_shown(row, way, check_mode, tmp_path):
    bench = Bench(row, way)
    path = str(tmp_path / "plan.json")
    options = {**row.created, **row.changed}  # a change alone may say too little where nothing is
    bench.run(row.target, options, {"plan_file": path}, check_mode=True)
    bench.run(row.target, row.created)
    refused = bench.run(row.target, options, {"plan": path}, check_mode=check_mode)
    assert refused["failed"] and not refused["changed"] and bench.fake.writes == []
    assert refused["msg"].startswith("refused by plan: 1 target would be changed otherwise: ")
    assert refused["plan"]["refused"]["limit"] == "plan" and bench.state() == row.wanted[0]


def undoable(row):
    """Return whether a plan file of a row can be taken back."""
    return resource(row).undoes


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_everything_can_be_taken_back_but_runs(row):
    assert undoable(row) is not issubclass(resource(row), runs.Run)


every_row_that_undoes = pytest.mark.parametrize("row", list(filter(undoable, ROWS)), ids=lambda row: row.name)


@every_row_that_undoes
def test_each_step_can_be_taken_back(row, way, tmp_path):
    bench = Bench(row, way)
    paths = [str(tmp_path / f"{number}.json") for number in range(len(steps(row)))]
    states = [bench.state()]
    for path, (options, wanted) in zip(paths, steps(row)):
        bench.run(row.target, options, {"plan_file": path})
        states.append(bench.state())
        assert states[-1] == wanted
    for path, before in zip(reversed(paths), reversed(states[:-1])):
        there = bench.state()
        foretold = bench.run({"undo": path, **row.beside_undo}, check_mode=True)
        assert bench.fake.writes == [] and bench.state() == there
        done = bench.run({"undo": path, **row.beside_undo})
        assert done["changed"] and not done.get("failed"), done
        assert bench.state() == before
        for key in ("changed", "changed_targets"):
            assert foretold[key] == done[key]
        foretold, told = (
            [line for line in found["plan"]["lines"] if line[0] != " "] for found in (foretold, done)
        )  # check mode also knows of images
        assert foretold == told != []
        again = bench.run({"undo": path, **row.beside_undo})
        assert not again["changed"] and not again.get("failed") and bench.fake.writes == []
    assert bench.neighbours() == bench.untouched


@every_row_that_undoes
def test_what_somebody_has_changed_since_is_not_taken_back_unless_forced(row, way, tmp_path):
    bench = Bench(row, way)
    path = str(tmp_path / "plan.json")
    bench.run(row.target, row.created, {"plan_file": path})
    bench.run(row.target, row.created, row.changed)
    there = bench.state()
    for check_mode in (True, False):
        refused = bench.run({"undo": path, **row.beside_undo}, check_mode=check_mode)
        assert refused["failed"] and not refused["changed"] and bench.fake.writes == [] and bench.state() == there
        assert "somebody has changed it since" in refused["msg"] and len(refused["msg"]) < 1000
    forced = bench.run({"undo": path, "undo_force": True, **row.beside_undo})
    assert forced["changed"] and not forced.get("failed") and bench.state() == row.wanted[2]


@every_row_that_undoes
def test_a_plan_that_was_only_looked_at_has_nothing_to_take_back(row, way, tmp_path):
    bench = Bench(row, way)
    path = str(tmp_path / "plan.json")
    bench.run(row.target, row.created, {"plan_file": path}, check_mode=True)
    before = bench.state()
    done = bench.run({"undo": path})
    assert not done["changed"] and not done.get("failed") and bench.fake.writes == [] and bench.state() == before


@every_row_that_undoes
def test_a_plan_file_of_another_registry_or_module_or_of_nonsense_is_refused(row, way, tmp_path):
    bench = Bench(row, way)
    path = tmp_path / "plan.json"
    bench.run(row.target, row.created, {"plan_file": str(path)})
    held = json.loads(path.read_text())
    one = held["changes"][0]
    for change in (
        {"registry": "https://other.test"},
        {"module": "another"},
        {"changes": [{**one, "before": 7}]},
        {"changes": [{**one, "target": "acme/*"}]},
        {"changes": [{**one, "target": "../\x1b[2J"}]},
        {"changes": [{**one, "before": {"state": "\x1b[2J"}}]},
    ):
        path.write_text(json.dumps({**held, **change}))
        for force in (False, True):
            result = bench.run({"undo": str(path), "undo_force": force})
            # A name that the registry could have is none that is there: then nothing is to be taken back.
            assert result.get("failed") or "target" in change.get("changes", [{}])[0], change
            assert not result["changed"] and bench.state() == row.wanted[0], change
            result.setdefault("msg", "")
            assert bench.fake.writes == [] and result["msg"].replace("\n", "").isprintable()
            assert "bug" not in result["msg"], result["msg"]
    beside = bench.run(row.target, row.created, {"undo": str(path)})
    assert beside["failed"] and bench.fake.requests == []


@every_row_of_many
def test_states_are_returned_as_asked_for(row, way):
    bench = Bench(row, way)
    options = entry(row.many, row.created)
    for how, number in (("none", 0), ("auto", min(row.count, MOST)), ("all", row.count)):
        assert len(bench.run(options, {"return_states": how}, check_mode=True)[row.noun]) == number
    bench.run(options)
    assert len(bench.run(options)[row.noun]) == (row.count if row.count <= MOST else 0)
    assert len(bench.run(options, {"return_states": "all"})[row.noun]) == row.count
