# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import json
import os
import stat
from pathlib import Path
from unittest import mock

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.action import plan_report as subject
from contract import plans
from contract.mounts import action_plugin

FOUND = plans.repositories(["acme/app", "acme/lib"], [10, 2])
RESULT = plans.planned(FOUND)
REFUSED = plans.planned(FOUND, refused="min_keep")
NAMES = ["registry-hygiene-preview.html", "registry-hygiene-preview.json", "registry-hygiene-preview.md"]


def report(options, check_mode=True):
    """Return the result of the task, and the lines that it displayed."""
    action = action_plugin("plan_report", options, check_mode)
    action._load_name = "plan_report"  # as the loader of plugins does
    lines = []
    with mock.patch.object(action._display, "display", side_effect=lambda text, color=None: lines.append(text)):
        result = action.run(task_vars={"inventory_hostname": "quay.example.com"})
    json.dumps(result)
    return result, lines


def test_the_name_is_that_of_the_host_and_nothing_is_written():
    result, lines = report({"results": [RESULT]})
    assert lines[0] == "quay.example.com" and lines[2].startswith("~ acme/*")
    assert report({"results": [RESULT], "name": "mine"})[1][0] == "mine"
    assert result == {
        "changed": False,
        "files": [],
        "summary": "2 of 2 targets would change, 11 images go, 1 perhaps, 2 of them would go anyway, 126.0 MB",
        "drift": True,
        "refused": False,
    }


def test_what_is_shown_can_be_chosen():
    table, lines, none = (report({"results": [RESULT], "show": show})[1] for show in ("table", "lines", "none"))
    assert none == [] and RESULT["plan"]["lines"] == [line for line in lines if line not in table]
    assert any(line.startswith("acme/app: ") for line in table), "without the lines the worst repositories are shown"


def test_a_long_line_is_folded_for_a_terminal():
    folded = report({"results": [{"failed": True, "msg": "many words " * 20}]})[1]
    assert [len(line) <= 79 for line in folded] == [True] * 4
    assert folded[1].startswith("many") and folded[2].startswith("    many")


def test_nothing_declared_is_warned_about():
    result, lines = report({"results": []})
    assert lines == ["quay.example.com: nothing is declared"]
    assert "nothing is declared. Are its variables" in result["warnings"][0]


def test_each_line_fits_into_an_event():
    _result, lines = report({"results": [{"failed": True, "msg": "日" * 5000}], "name": "日" * 5000})
    assert 940 < max(len(line.encode()) for line in lines) <= 950


def test_several_registries_are_summed_up():
    hosts = {"one": [RESULT], "two": [REFUSED], "three": RESULT}
    result, lines = report({"hosts": hosts, "stats": True})
    assert [line[:7].strip() for line in lines[1:5]] == ["~ one", "~ three", "! two", "~ total"]
    assert list(result["ansible_stats"]["data"]["registry_hygiene"]["hosts"]) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "one of the following is required: results, hosts"),
        ({"results": [], "hosts": {}}, "mutually exclusive"),
        ({"hosts": {}, "name": "x"}, "mutually exclusive"),
        ({"hosts": {"one": "text"}}, "hosts: of one, give a list of registered results"),
        ({"hosts": {"one": ["text"]}}, "hosts: of one, give a list of registered results"),
        ({"results": [], "show": "all"}, "show must be one of"),
        ({"results": [], "formats": ["pdf"]}, "formats must be one or more of"),
        ({"results": [], "colour": "red"}, "Unsupported parameters"),
    ],
)
def test_bad_options_are_refused(options, reason):
    with pytest.raises(AnsibleActionFail, match=reason):
        report(options)


@pytest.mark.parametrize(
    ("results", "fail_on", "message"),
    [
        ([RESULT], "refusal", None),
        ([RESULT], "drift", "drift: 2 of 2 targets would change (quay.example.com)"),
        ([REFUSED], "refusal", "refused by min_keep: 12 > 10 (acme/*) (quay.example.com)"),
        ([REFUSED], "", None),
    ],
)
def test_it_fails_if_it_shall_and_is_never_changed(tmp_path, results, fail_on, message):
    result, _lines = report({"results": results, "fail_on": fail_on, "folder": str(tmp_path)})
    assert (result.get("failed", False), result.get("msg"), result["changed"]) == (bool(message), message, False)
    assert len(result["files"]) == 3, "the report is there all the same"


def test_the_report_is_written_in_check_mode_too_and_again_only_if_it_differs(tmp_path):
    options = {"results": [RESULT], "folder": str(tmp_path)}
    result, lines = report(options)
    assert sorted(os.listdir(tmp_path)) == NAMES and sorted(map(os.path.basename, result["files"])) == NAMES
    assert [f"Report: {path}" for path in result["files"]] == lines[-3:]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o644}
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    report(options)
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before
    report({**options, "results": [REFUSED]})
    assert all(path.stat().st_ino != before[path] for path in tmp_path.iterdir())
    document = json.loads((tmp_path / NAMES[1]).read_text())
    assert (document["format"], document["version"]) == ("registry.hygiene report", 1)
    assert document["registries"][0]["refused"] == "min_keep" and document["registries"][0]["rows"]


def test_a_real_run_has_a_report_of_its_own_and_formats_can_be_chosen(tmp_path):
    report({"results": [RESULT], "folder": str(tmp_path), "formats": ["markdown"]}, check_mode=False)
    assert os.listdir(tmp_path) == ["registry-hygiene-apply.md"]


def test_the_page_names_images_of_the_plan_file(tmp_path):
    path = tmp_path / "plan.json"
    result = plans.planned(FOUND, file=str(path))
    last = FOUND["acme/app"]["images"][9]["tag"]  # the result itself names three
    for text, known in (("", False), ("[]", False), (json.dumps(plans.plan_file(FOUND, result)), True)):
        path.write_text(text)
        report({"results": [result], "folder": str(tmp_path)})
        page = (tmp_path / NAMES[0]).read_text()
        assert (last in page, "there is no plan file here" in page) == (known, not known)
    path.write_text(json.dumps(plans.plan_file(FOUND, result)) + " " * (65 << 20))  # there is no size that is too large
    report({"results": [result], "folder": str(tmp_path)})
    assert last in (tmp_path / NAMES[0]).read_text()
    path.unlink()
    report({"results": [result], "folder": str(tmp_path)})
    assert last not in (tmp_path / NAMES[0]).read_text()


@pytest.mark.parametrize("folder", ["missing", "a-file", "nul\0"])
def test_a_folder_that_cannot_be_written_to_is_a_clear_error(tmp_path, folder):
    (tmp_path / "a-file").touch()
    with pytest.raises(AnsibleActionFail, match="^folder: the report cannot be written to .* or '' for no report"):
        report({"results": [RESULT], "folder": str(tmp_path / folder)})
    assert os.listdir(tmp_path) == ["a-file"], "nothing half-written stays"


def test_what_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    (tmp_path / NAMES[1]).mkdir()
    with pytest.raises(AnsibleActionFail, match="irectory"):
        report({"results": [RESULT], "folder": str(tmp_path)})
    assert os.listdir(tmp_path) == [NAMES[1]]


def test_the_documentation_has_the_options_of_the_action():
    path = Path(subject.__file__).parents[1] / "modules" / "plan_report.py"
    texts = {node.targets[0].id: node.value.value for node in ast.parse(path.read_text()).body
             if isinstance(node, ast.Assign)}  # fmt: skip
    documented = yaml.safe_load(texts["DOCUMENTATION"])["options"]
    assert set(documented) == set(subject.ARGUMENT_SPEC)
    for name, spec in subject.ARGUMENT_SPEC.items():
        for key in ("type", "elements", "choices", "default"):
            assert documented[name].get(key) == spec.get(key), (name, key)
