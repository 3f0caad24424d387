# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.plugin_utils import _history, _plans
from contract.mounts import action_plugin
from hypothesis import given, settings
from hypothesis import strategies as st

URL = "https://quay.test"
NAMES = ["registry-hygiene-history.json", "registry-hygiene-history.md"]
HEX = "a" * 64


def row(target, tag=None, when="2026-11-30T02:00:00Z", **more):
    return {"when": when, "target": target, "tag": tag, "digest": None, "because": "auto-prune", "run": None, **more}


def result(rows, **more):
    found = {"changed": False, "registry": URL, "since": "2026-11-29T06:00:00Z", "until": None, "count": len(rows)}
    return {**found, "history": rows, "runs": [], "changes": [], "truncated": [], "file": None, **more}


def plan(images, made="2026-11-29T12:00:00Z", **more):
    """Return a plan file; images: repository -> [(tag, digest, fate)]."""
    found = {
        name: {
            "images": [{"tag": tag, "digest": digest, "fate": fate, "because": "a rule"} for tag, digest, fate in some]
        }
        for name, some in images.items()
    }
    head = {"format": "registry.hygiene plan", "version": 1, "made": made, "registry": URL}
    return {**head, "module": "quay_autoprune_policy", "changes": [], "repositories": found, **more}


def report(hosts, **options):
    """Return the result of the task, and the lines that it displayed."""
    action = action_plugin("history_report", {"hosts": hosts, **options}, True)
    action._load_name = "history_report"  # as the loader of plugins does
    lines = []
    with mock.patch.object(action._display, "display", side_effect=lambda text, color=None: lines.append(text)):
        found = action.run(task_vars={"inventory_hostname": "one"})
    json.dumps(found)
    return found, lines


def compared(rows, *documents):
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.json") for number, _one in enumerate(documents)]
        for path, one in zip(paths, documents):
            path.write_text(json.dumps(one), encoding="utf-8")
        return _history.compared(rows, _plans.readable(paths), "2026-11-29T06:00:00Z")


def named(found):
    return {
        key: [(one["target"], one["tag"] or one["digest"]) for one in found[key]]
        for key in ("gone", "unforeseen", "unseen")
    }


def test_ten_thousand_deletions_are_a_short_table_and_all_in_the_json(tmp_path):
    rows = [row(f"acme/svc-{number % 1000:03}", f"dev-{number}") for number in range(10967)]
    file = tmp_path / "history.json"
    head = {key: value for key, value in result(rows).items() if key != "history"}
    file.write_text(json.dumps({"format": "registry.hygiene history", **head, "history": rows}))
    short = result(rows[:500], count=10967, file=str(file))
    found, lines = report({"quay.example.com": [short]}, folder=str(tmp_path))
    assert len(lines) < 20 and all(len(line) < 80 for line in lines if not line.startswith("Report:"))
    assert lines[1].split() == ["quay.example.com", "10,967", "0"]
    assert "  acme/svc-000: 11 (auto-prune)" in lines and "  and 995 more repositories" in lines
    assert found["count"] == 10967 and found["foretold"] is None and len(json.dumps(found)) < 1000
    written = json.loads((tmp_path / NAMES[0]).read_text())
    assert len(written["registries"][0]["history"]) == 10967 and written["summary"] == found["summary"]
    assert len((tmp_path / NAMES[1]).read_text()) < 10000
    assert (
        sorted(path.name for path in tmp_path.glob("registry-*"))
        == NAMES
        == [path.split("/")[-1] for path in found["files"]]
    )


def test_a_file_of_another_task_is_not_taken_for_this_one_and_what_is_missing_is_told(tmp_path):
    file = tmp_path / "history.json"
    other = {"format": "registry.hygiene history", **result([row("acme/other", "x")]), "since": "2020-01-01T00:00:00Z"}
    file.write_text(json.dumps(other))
    found, lines = report({"one": [result([row("acme/app", "v1")], count=9, file=str(file))]})
    assert "  acme/app: 1 (auto-prune)" in lines
    assert any("only 1 of 9 are here" in line for line in lines) and "not all is known of one" in found["summary"]


def test_a_plan_is_held_against_it():
    images = {"acme/app": [("v1", "d1", "goes"), ("v2", "d2", "stays"), ("v3", "d3", "perhaps"), ("v4", "d4", "goes")]}
    rows = [row("acme/app", tag) for tag in ("v1", "v2", "v3", "new")] + [row("acme/app", "v1")]
    found = compared([*rows, row("acme/app", "v4", when="2026-11-29T11:59:59Z")], plan(images))
    assert named(found) == {
        "gone": [("acme/app", "v1"), ("acme/app", "v3")],
        "unforeseen": [("acme/app", "v2"), ("acme/app", "new")],
        "unseen": [("acme/app", "v4")],
    }
    assert found["before"] == 1 and not found["early"]
    assert compared([], plan(images, made="2026-11-28T00:00:00Z"))["early"]


def test_untagged_images_are_known_by_their_digest_and_repositories_of_one_name_are_told_apart():
    images = {"acme/app": [(None, "sha256:1", "goes")], "acme/other": [(None, "sha256:1", "goes")]}
    found = compared([row("acme/app", digest="sha256:1")], plan(images))
    assert named(found) == {
        "gone": [("acme/app", "sha256:1")],
        "unforeseen": [],
        "unseen": [("acme/other", "sha256:1")],
    }


def test_signatures_that_go_along_unlogged_are_no_surprise():
    images = {
        "acme/app": [("v1", f"sha256:{HEX}", "goes"), (f"sha256-{HEX}.sig", "d9", "goes")],
        "acme/lib": [(f"sha256-{HEX}.sig", "d9", "goes")],
    }
    found = compared([row("acme/app", "v1")], plan(images))
    assert len(found["gone"]) == 2 and named(found)["unseen"] == [("acme/lib", f"sha256-{HEX}.sig")]


TAGS, DIGESTS = st.sampled_from(["v1", "v2", f"sha256-{HEX}.sig"]), st.sampled_from([f"sha256:{HEX}", "d1", "d2"])
IMAGE = st.tuples(st.none() | TAGS, DIGESTS, st.sampled_from(["goes", "perhaps", "stays"]))
PLANS = st.lists(st.dictionaries(st.sampled_from("ab"), st.lists(IMAGE, max_size=4)), min_size=1, max_size=2)
ROWS = st.tuples(st.sampled_from("ab"), st.one_of(st.tuples(TAGS, st.none()), st.tuples(st.none(), DIGESTS)))


@settings(deadline=None)
@given(st.lists(ROWS, max_size=5), PLANS)
def test_what_was_foretold_is_what_a_search_for_each_row_finds(found, images):
    rows = [row(target, tag, digest=digest) for target, (tag, digest) in found]
    known: dict = {}
    for number, one in enumerate(images):
        for target, some in one.items():
            for place, (tag, digest, fate) in enumerate(some):
                if fate != "stays":
                    known.setdefault((target, tag or (number, place)), (target, tag, digest, fate))

    def has(one, image):
        return one["target"] == image[0] and (one["tag"] == image[1] if one["tag"] else one["digest"] == image[2])

    met = [image for image in known.values() if any(has(one, image) for one in rows)]
    signed = {one[0] for one in met if one[2][7:] == HEX}
    gone = [one for one in known.values() if one in met or (one[1] or "").endswith(".sig") and one[0] in signed]
    seen = compared(rows, *map(plan, images))
    keys = ("target", "tag", "digest", "fate")
    assert [tuple(one[key] for key in keys) for one in seen["gone"]] == gone
    unseen = [image for image in known.values() if image not in gone and image[3] == "goes"]
    assert [tuple(one[key] for key in keys) for one in seen["unseen"]] == unseen
    assert seen["unforeseen"] == [one for one in rows if not any(has(one, image) for image in known.values())]


def test_two_plans_that_say_the_same_count_once():
    images = {"acme/app": [("v1", "d1", "goes")]}
    assert len(compared([row("acme/app", "v1")], plan(images), plan(images))["gone"]) == 1


def test_the_plan_of_a_host_is_found_in_a_folder_and_that_of_another_registry_left_aside(tmp_path):
    rows = [row("acme/app", "v1")]
    (tmp_path / "one-quay-plan.json").write_text(json.dumps(plan({"acme/app": [("v1", "d1", "goes")]})))
    (tmp_path / "one-more-quay-plan.json").write_text(json.dumps(plan({}, registry="https://elsewhere.test")))
    (tmp_path / "one-harbor-plan.json").write_text("no JSON")
    found, lines = report({"one": [result(rows)], "two": [result(rows)]}, plan=str(tmp_path))
    assert (found["foretold"], found["not_foretold"], found["not_seen"]) == (1, 0, 0) and "warnings" not in found
    assert lines[1].split() == ["one", "1", "0", "1", "0", "0"] and lines[2].split() == ["two", "1", "0", "-", "-", "-"]
    single = report({"one": [result(rows)]}, plan=str(tmp_path / "one-quay-plan.json"))[0]
    assert single["foretold"] == 1
    none = report({"one": [result(rows)]}, plan=str(tmp_path / "gone.json"))[0]
    assert none["foretold"] is None and "no plan of these registries" in none["warnings"][0]


def test_nothing_is_held_against_a_registry_that_names_no_images(tmp_path):
    run = {"when": "2026-11-30T02:00:00Z", "target": "acme", "what": "garbage collection", "run": "x"}
    run.update(status="succeeded", deleted=42, bytes=667)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan({"acme/app": [(None, "d", "goes")]}, module="do_registry_gc")))
    found, lines = report({"do": [result([], runs=[run])]}, plan=str(path))
    assert found["not_seen"] is None and any("does not tell which images went" in line for line in lines)
    assert any("42 deleted, 667 B" in line for line in lines)


def test_failures_are_shown_and_fail_only_if_asked_to():
    bad = {"failed": False, "failed_when_result": False, "msg": "1 of 2 targets failed\nrivals: answered 403"}
    bad.update(result([row("acme/app", "v1")]), failures={"rivals": "answered 403"})
    lost = {"failed": True, "msg": "no answer came"}
    found, lines = report({"one": [bad], "two": [lost], "three": [{"skipped": True}]})
    assert not found.get("failed") and "failed: one, two" in found["summary"]
    assert any("rivals: answered 403" in line for line in lines) and any(
        line.split()[:2] == ["two", "?"] for line in lines
    )
    failed, shown = report({"one": [bad]}, fail_on="failure", show="none")
    assert failed["failed"] and "answered 403" in failed["msg"] and shown == []
    assert not report({"three": [{"skipped": True}]}, fail_on="failure")[0].get("failed")


def test_hostile_texts_are_shown_as_text(tmp_path):
    evil = "\x1b[31m|<script>\n# x"
    changes = [{"when": evil, "target": evil, "what": evil, "by": evil}]
    rows = [row(evil, evil, because=evil), {"when": None}, "no row", row([evil], {"tag": 1})]
    found, lines = report({evil: [result(rows, changes=changes, truncated=[evil])]}, folder=str(tmp_path))
    assert all(line.isprintable() for line in lines) and found["count"] == 4
    page = (tmp_path / NAMES[1]).read_text()
    assert "\x1b" not in page and "<script>" not in page and not [line for line in page.splitlines() if line == "# x"]


def test_a_change_of_many_repositories_is_one_line():
    changes = [
        {
            "when": f"2026-11-30T02:00:{59 - number:02}Z",
            "target": f"acme/{number}",
            "what": "policy created",
            "by": "alice",
        }
        for number in range(40)
    ]
    lines = report({"one": [result([], changes=changes)]})[1]
    assert "  2026-11-30T02:00:59Z  acme/0 and 39 more: policy created, by alice" in lines


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(AnsibleActionFail, match="folder: the report cannot be written"):
        report({"one": [result([])]}, folder="/nowhere/at/all")
