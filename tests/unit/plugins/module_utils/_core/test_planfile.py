# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import tracemalloc

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import planfile
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.images import FIELDS, Images
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE = "v1\n-   acme/app:latest\x1b[2K\u202e\ud800\u2028</script>"
HEAD = {"module": "shelf_thing", "registry": "https://shelf.test", "refused": None}
CHANGES = [{"target": "acme/app", "entry": "acme/*", "before": [], "after": [{"value": "30d"}]}]


def image(tag, fate="goes", digest="sha256:a", **more):
    known = {"age": 1, "size": None, "anyway": False, "because": HOSTILE, "by": "acme/*"}
    return {"tag": tag, "digest": digest, "fate": fate, **known, **more}


def packed(repositories):
    """The images of repositories as a forecast has them."""
    return {
        name: Images([tuple(one[field] for field in FIELDS if field in one) for one in some])
        for name, some in repositories.items()
    }


def read(path):
    """A plan file as a whole, with its repositories."""
    repositories = {}
    return dict(planfile.load(str(path), visit=repositories.__setitem__), repositories=repositories)


def differing(path, changes=None, images=None, module=HEAD["module"], registry=HEAD["registry"], there=None):
    changes = CHANGES if changes is None else changes
    found = planfile.differing(str(path), module, registry, changes, there or {}, packed(images or {}))
    return [refusal.text for refusal in found]


@pytest.fixture
def path(tmp_path):
    """A plan file."""
    path = tmp_path / "plan.json"
    images = {"acme/app": [image("v1"), image("v2", "perhaps"), image(None), image("v3", "stays")]}
    planfile.save(str(path), HEAD, CHANGES, packed(images))
    return path


def test_what_is_written_can_be_read(path):
    found = read(path)
    assert (found["format"], found["version"], found["module"]) == ("registry.hygiene plan", 1, "shelf_thing")
    assert found["changes"] == CHANGES and [one["tag"] for one in found["repositories"]["acme/app"]["images"]] == [
        "v1", "v2", None, "v3",
    ]  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 and os.listdir(path.parent) == ["plan.json"]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_whatever_the_names_a_plan_file_holds_them_as_they_are(tmp_path_factory, name):
    path = str(tmp_path_factory.mktemp("plans") / "plan.json")
    changes = [{"target": name, "entry": name, "before": name, "after": None}]
    planfile.save(path, dict(HEAD, refused=name), changes, packed({name: [image(name)]}))
    found = read(path)
    assert (
        found["changes"] == changes
        and found["refused"] == name
        and found["repositories"] == {name: {"images": [image(name)]}}
    )
    assert differing(path, changes, {name: [image(name)]}) == []


TEXTS = st.none() | st.text(st.characters(exclude_categories=()), max_size=5)


ROW = st.tuples(TEXTS, TEXTS, st.none() | st.integers(0), st.none() | st.integers(0), TEXTS,
                st.sampled_from(["goes", "perhaps", "stays"]), st.booleans(), TEXTS)  # fmt: skip
INDEX = st.tuples(ROW, st.lists(TEXTS, min_size=1)).map(lambda parts: (*parts[0], parts[1]))


@settings(deadline=None)
@given(st.lists(ROW | INDEX))
def test_each_image_is_written_as_json_has_it(tmp_path_factory, rows):
    path = str(tmp_path_factory.mktemp("plans") / "plan.json")
    found = Images(rows)
    planfile.save(path, HEAD, [], {"acme/app": found})
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert json.loads(text)["repositories"]["acme/app"]["images"] == list(found)
    assert all(f"\n   {json.dumps(one, sort_keys=True)}" in text for one in found)


def test_a_plan_file_is_read_one_repository_at_a_time(tmp_path):
    path = str(tmp_path / "plan.json")
    many = {f"acme/{number}": [image(f"v{tag}") for tag in range(100)] for number in range(1000)}
    planfile.save(path, HEAD, CHANGES, packed(many))
    seen = []
    tracemalloc.start()
    try:
        held = planfile.load(path, visit=lambda name, one: seen.append((name, len(one["images"]))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < os.path.getsize(path) / 5
    assert seen == [(name, 100) for name in many] and "repositories" not in held


def test_nothing_planned_is_a_plan_too(tmp_path):
    planfile.save(str(tmp_path / "plan.json"), HEAD, [], {})
    assert differing(tmp_path / "plan.json", []) == []
    assert differing(tmp_path / "plan.json") == ["1 target would be changed otherwise: acme/app"]


def test_what_was_carried_out_already_is_no_difference(path):
    name, after = CHANGES[0]["target"], CHANGES[0]["after"]
    assert differing(path, CHANGES[1:], there={name: after}) == []
    assert differing(path, CHANGES[1:], there={name: "another"}) == [f"1 target would be changed otherwise: {name}"]


def test_the_same_plan_or_less_images_are_no_difference(path):
    assert differing(path) == []
    assert differing(path, images={"acme/app": [image("v1", "perhaps"), image("v2"), image(None)]}) == []
    assert differing(path, images={"acme/lib": [image("v1", "stays")]}) == []
    as_tuples = [dict(CHANGES[0], before=(), after=({"value": "30d"},))]
    assert differing(path, as_tuples) == []


@pytest.mark.parametrize(
    ("changes", "images", "text"),
    [
        ([], {}, "1 target would be changed otherwise: acme/app"),
        ([dict(CHANGES[0], after=[{"value": "1d"}])], {}, "1 target would be changed otherwise: acme/app"),
        ([dict(CHANGES[0], before=None)], {}, "1 target would be changed otherwise: acme/app"),
        ([*CHANGES, dict(CHANGES[0], target="acme/lib")], {}, "1 target would be changed otherwise: acme/lib"),
        (CHANGES, {"acme/app": [image("v3")]}, "1 image would go beyond it: acme/app:v3"),
        (CHANGES, {"acme/app": [image("v4", "perhaps")]}, "1 image would go beyond it: acme/app:v4"),
        (CHANGES, {"acme/lib": [image("v1")]}, "1 image would go beyond it: acme/lib:v1"),
        (CHANGES, {"acme/app": [image("v1", digest="sha256:b")]}, "1 image would go beyond it: acme/app:v1"),
        (CHANGES, {"acme/app": [image(None, digest="sha256:b")]}, "1 image would go beyond it: acme/app@sha256:b"),
        (CHANGES, {HOSTILE: [image(HOSTILE)]}, "1 image would go beyond it: v1\\n-   acme/app:latest\\x1b[2K\\u202e"),
    ],
)
def test_what_is_not_in_the_plan_is_told(path, changes, images, text):
    (found,) = differing(path, changes, images)
    assert found.startswith(text) and found.isprintable()


def test_many_differences_are_counted(path):
    changes = [dict(CHANGES[0], target=f"acme/{number:03}" + "x" * 200) for number in range(300)]
    targets, images = differing(path, changes, {"acme/app": [image(f"w{number}") for number in range(1000)]})
    assert targets.startswith("301 targets would be changed otherwise: acme/app, acme/000")
    assert targets.endswith(" and 296 more") and images.endswith("acme/app:w4 and 995 more")
    assert len(targets) < 1000


def test_a_plan_of_another_module_or_registry_is_refused(path):
    for other in ({"module": "other"}, {"registry": "https://elsewhere.test"}):
        (text,) = differing(path, **other)
        assert "is of shelf_thing on https://shelf.test" in text


BROKEN = [
    "",
    "no json",
    "[]",
    "null",
    "{}",
    "[" * 100_000,
    "\ud800",
    {"format": "another"},
    {"version": 2},
    {"changes": None},
    {"changes": [1]},
    {"changes": [{"target": "a"}]},
    {"changes": [{"target": [], "before": 1, "after": 2}]},
    {"repositories": []},
    {"repositories": {"a": []}},
    {"repositories": {"a": {"images": [{"tag": "v1"}]}}},
    {"repositories": {"a": {"images": [{"tag": {}, "digest": "d", "fate": "goes"}]}}},
    {"repositories": {"a": {"images": [{"tag": "v", "digest": [], "fate": "goes"}]}}},
    {"module": 1},
    '{"format": "registry.hygiene plan"} {}',
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_plan_is_refused_and_never_a_traceback(path, broken):
    text = broken if isinstance(broken, str) else json.dumps({**json.loads(path.read_text()), **broken})
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for verb in (differing, lambda path: planfile.check_options({"plan_file": None, "plan": str(path)})):
        with pytest.raises(PlanRefused, match="cannot be used as a plan: it is none, or of another version"):
            verb(path)


@pytest.mark.parametrize(
    "odd", ["/nowhere/at/all.json", "a\0b", "/tmp", "/dev/zero", "/tmp/\ud800", "/tmp/" + "a" * 300]
)
def test_odd_paths_of_a_plan_are_refused(odd):
    with pytest.raises(PlanRefused, match="cannot be used as a plan") as refused:
        planfile.check_options({"plan_file": None, "plan": odd})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("odd", ["a\0b", "\0/b", "/tmp/a\ud800", "/nowhere/at/all.json", "/nowhere\n/all.json", "/tmp"])
def test_odd_paths_of_a_plan_file_are_refused_before_anything_is_read(odd):
    with pytest.raises(PlanRefused, match="plan_file: .* cannot be written: its folder must be there") as refused:
        planfile.check_options({"plan_file": odd, "plan": None})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("path", [None, ""])
def test_no_path_is_no_fault(path):
    planfile.check_options({"plan_file": path, "plan": path})


@pytest.mark.parametrize("there", ["folder", "long name"])
def test_a_file_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, there):
    path = tmp_path / ("x" * 300 if there == "long name" else "plan.json")
    if there == "folder":
        path.mkdir()
    with pytest.raises(PlanRefused, match="plan_file"):
        planfile.save(str(path), HEAD, [], {})
    assert [one for one in os.listdir(tmp_path) if one.startswith(".")] == []


def test_an_interrupted_write_leaves_the_earlier_file_as_it_was(path):
    before = path.read_bytes()

    def interrupted():
        yield CHANGES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        planfile.save(str(path), HEAD, interrupted(), {})
    assert path.read_bytes() == before and os.listdir(path.parent) == ["plan.json"]


def test_a_plan_that_was_carried_out_is_kept_when_a_later_one_is_written(tmp_path):
    path, done = tmp_path / "plan.json", dict(HEAD, check_mode=False, made="2026-11-21T14:00:00Z")

    def save(changes=None, **more):
        planfile.save(str(path), dict(done, **more), CHANGES if changes is None else changes, {})
        return sorted(one.name for one in tmp_path.iterdir())

    for never in ({"check_mode": True}, {"refused": "by a limit"}, {"changes": []}, {"made": "x/../../y"}, {"made": 7}):
        assert save(**never) == ["plan.json"]
    assert save() == ["plan.json"]
    assert save(made="2026-11-21T15:00:00Z") == ["plan.2026-11-21T140000Z.json", "plan.json"]
    assert save(changes=[], made="2026-11-21T15:00:00Z") == [
        "plan.2026-11-21T140000Z.json",
        "plan.2026-11-21T150000Z.json",
        "plan.json",
    ]
    assert save() == ["plan.2026-11-21T140000Z.json", "plan.2026-11-21T150000Z.json", "plan.json"]
    assert "plan.2026-11-21T140000Z-1.json" in save()
    assert planfile.load(str(tmp_path / "plan.2026-11-21T140000Z.json"))["changes"] == CHANGES


def test_a_plan_with_long_lines_is_kept_too_and_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(planfile, "MOST_LINE", 40)
    done = dict(HEAD, check_mode=False, made="2026-11-21T14:00:00Z", failures={"acme/app": "no " * 100})
    for _number in range(2):
        planfile.save(str(tmp_path / "plan.json"), done, CHANGES, {})
    assert sorted(os.listdir(tmp_path)) == ["plan.2026-11-21T140000Z.json", "plan.json"]


@pytest.mark.parametrize(
    "text", ["", "{", '{"changes": []}', "\xff", ' "changes": [', ' "check_mode": no\n "changes": [\n  {']
)
def test_what_is_no_plan_is_replaced(tmp_path, text):
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="latin-1")
    planfile.save(str(path), HEAD, CHANGES, {})
    assert os.listdir(tmp_path) == ["plan.json"] and planfile.load(str(path))
