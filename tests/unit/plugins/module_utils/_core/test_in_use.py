# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast, fuse, in_use
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from contract.shelf import Keeping, Shelf, entries, image, options, reported

ONE, TWO, CHILD = (f"sha256:{sign * 64}" for sign in "12c")


def loaded(*given, hosts=("quay.test",), **more):
    """What runs, as a task says it."""
    return in_use.load({"in_use": list(given), **more}, hosts)


def planned(*images, repository="acme/app"):
    """The images of one repository: (tag, digest, fate, further keys)."""
    fates = {"goes": "deletions", "perhaps": "uncertain", "stays": "kept"}
    found = {fate: [] for fate in fates.values()}
    for tag, digest, fate, *more in images:
        found[fates[fate]].append(dict(image(tag, repository), digest=digest, **dict(*more)))
    return list(forecast.compared(found, None, lambda _image: repository)[repository])


GOING = planned(("v1", ONE, "goes"), ("v2", TWO, "stays"))


@pytest.mark.parametrize(
    "text",
    [
        "acme/app:v1",
        "quay.test/acme/app:v1",
        "QUAY.test:443/acme/app:v1",
        "docker-pullable://quay.test/acme/app:v1",
        f"quay.test/acme/app@{ONE}",
        f"quay.test/acme/app:v2@{ONE}",  # the digest counts
        f"docker://{ONE}",
        ONE,
        f"  quay.test/acme/app:v2\tquay.test/acme/app@{ONE}\n",
    ],
)
def test_an_image_is_known_by_each_of_its_references(text):
    running = loaded(text)
    (found,) = running.lost("acme/app", GOING, GOING[:1])
    assert found.endswith(" (in_use)") and found.startswith(("v1 runs", "sha256:111111111111 of v1 runs"))
    assert running.lost("acme/lib", [], []) == []


@pytest.mark.parametrize(
    "text",
    [
        "acme/app",  # latest, which is not there
        "acme/app:v2",
        f"acme/app:v1@{TWO}",
        "acme/app:v10",
        "acme/apps:v1",
        "app:v1",
        "hub.test/acme/app:v1",
        "quay.test:5000/acme/app:v1",
        "localhost/acme/app:v1",
        f"hub.test/acme/app@{ONE}",
    ],
)
def test_what_is_another_image_protects_nothing(text):
    assert loaded(text).lost("acme/app", GOING, GOING[:1]) == []


def test_without_a_tag_or_digest_latest_is_meant():
    images = planned(("latest", ONE, "perhaps"))
    assert loaded("acme/app").lost("acme/app", images, images) == ["latest runs (in_use)"]


def test_a_digest_is_lost_with_the_last_tag_that_holds_it_but_a_tag_by_itself():
    images = planned(("v1", ONE, "goes"), ("stable", ONE, "stays"))
    assert loaded(f"acme/app@{ONE}").lost("acme/app", images, images[:1]) == []
    assert loaded("acme/app:v1").lost("acme/app", images, images[:1]) == ["v1 runs (in_use)"]


def test_an_index_covers_its_children_and_one_that_goes_takes_them_along():
    index = {"children": [CHILD]}
    stays = planned(("v1", ONE, "stays", index), (None, CHILD, "goes"))
    assert loaded(CHILD).lost("acme/app", stays, [one for one in stays if one["fate"] == "goes"]) == []
    goes = planned(("v1", ONE, "goes", index))  # of children that are not listed themselves
    assert loaded(f"acme/app@{CHILD}").lost("acme/app", goes, goes) == ["sha256:cccccccccccc of v1 runs (in_use)"]
    alone = planned(("v1-arm64", CHILD, "stays"), ("v1", ONE, "goes", index))
    assert loaded(CHILD).lost("acme/app", alone, alone[1:]) == []


def test_an_image_with_several_tags_is_known_by_each():
    images = planned(("v1, v1.2, latest", ONE, "goes"))
    assert loaded("acme/app:v1.2").lost("acme/app", images, images) == ["v1.2 runs (in_use)"]


def test_other_hosts_of_the_registry_are_said():
    running = loaded("mirror.test:5000/acme/app:v1", in_use_hosts=["mirror.test:5000"])
    assert running.lost("acme/app", GOING, GOING[:1]) and running.doubts() == []
    (doubt,) = loaded("mirror.test/acme/app:v1", "hub.test/nginx", "hub.test/redis").doubts()
    assert "none of 3 references is of this registry (quay.test), but 2 of hub.test" in doubt
    assert "in_use_hosts" in doubt
    for host in ("https://mirror.test", "mirror.test/acme", "", "a b"):
        with pytest.raises(PlanRefused, match="is no host"):
            loaded(in_use_hosts=[host])


def test_a_file_has_references_one_a_line_or_in_one_line(tmp_path):
    path = tmp_path / "running.txt"
    path.write_bytes(f"\ufeffhub.test/nginx:1\r\n\r\nquay.test/acme/app:v1\nacme/app:v1 acme/app@{ONE}\n".encode())
    running = loaded(str(path))
    first, second = running.lost("acme/app", GOING, GOING[:1])
    assert first.startswith("v1 runs (...") or first == f"v1 runs ({path}:3)"
    assert first.endswith("running.txt:3)") and second.endswith("running.txt:4)") and len(first) < 75
    assert running.told({"acme/app": GOING}) == {"references": 4, "elsewhere": 1, "found": 2, "not_found": 0}


def test_what_is_not_there_any_more_is_counted():
    running = loaded("acme/app:v1", "acme/app:v0", f"acme/app@{CHILD}", "acme/other:v1", "hub.test/nginx", TWO)
    told = running.told({"acme/app": GOING})
    assert told == {"references": 6, "elsewhere": 1, "found": 2, "not_found": 2}
    assert in_use.line(told) == "  in use: 2 of 6 references in these repositories; 2 more are not in their listings"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, which does not mean that nothing runs"),
        (b" \n\n", "is empty"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"No resources found\n", "'No' is no reference of an image"),
        (b"acme/app:v1\nError from server (Forbidden): pods is forbidden\n", "running.txt:2: 'Error'"),
        (b"\x1b[31mred\x1b[0m\n", "\\x1b"),
        (b"acme/app:v1@sha256:12\n", "nor a digest"),
        (b"a" * 2000, "is no reference"),
        (b"<none>\n", "'<none>'"),
    ],
)
def test_what_does_not_say_what_runs_is_refused(tmp_path, content, message):
    path = tmp_path / "running.txt"
    path.write_bytes(content)
    with pytest.raises(PlanRefused) as refused:
        in_use.check_options({"in_use": [str(path)]})
    assert message in str(refused.value) and len(str(refused.value)) < 600 and str(refused.value).isprintable()


@pytest.mark.parametrize(
    "given", [[""], ["acme/app:v1", " "], ["/nowhere/at/all"], ["/"], ["./no\0where"], ["not ok!"]]
)
def test_bad_entries_are_refused(given):
    with pytest.raises(PlanRefused, match="in_use"):
        in_use.check_options({"in_use": given})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "running.txt"
    path.write_text("acme/app:v1")
    path.chmod(0)
    with pytest.raises(PlanRefused, match="cannot be read: Permission denied"):
        loaded(str(path))


def test_size_and_number_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "running.txt"
    path.write_text("acme/app:v1\n" * 20)
    monkeypatch.setattr(in_use, "MOST", 19)
    with pytest.raises(PlanRefused, match="more than 19 references"):
        loaded(str(path))
    monkeypatch.setattr(in_use, "LARGEST", 100)
    with pytest.raises(PlanRefused, match="is larger than"):
        loaded(str(path))


def test_nothing_at_all_has_to_be_written_as_an_empty_list():
    assert in_use.load({"in_use": None}, ()) is None
    running = loaded()
    assert running.lost("acme/app", GOING, GOING[:1]) == [] and "empty list" in running.doubts()[0]


def shelf():
    """Two groups, all of whose repositories have three images."""
    found = Shelf()
    found.images = {f"{group}/{name}": ["v3", "v2", "v1"] for group in ("acme", "globex") for name in ("app", "lib")}
    return found


def test_a_plan_that_would_delete_what_runs_is_refused_and_says_where():
    one = shelf()
    result = reported(
        one, Keeping, options(names=["acme", "globex"], want=2, in_use=["acme/app:v1", "shelf.test/globex/lib:v1"])
    )
    assert result["failed"] and one.written == [] and len(result["msg"]) < 950
    assert result["msg"].splitlines() == [
        "refused by in_use: 2 repositories: acme/app: v1 runs (in_use); globex/lib: v1 runs (in_use)",
        "Nothing was written. To keep what runs, change the policies or set on_limit: skip; if it may go, take it out "
        "of in_use (in a role: registry_hygiene_in_use)",
    ]
    assert result["plan"]["refused"]["limit"] == "in_use"
    assert result["plan"]["in_use"] == {"references": 2, "elsewhere": 0, "found": 2, "not_found": 0}
    assert result["plan"]["lines"][-1] == "  in use: 2 of 2 references in these repositories"


def test_with_skip_what_holds_a_running_image_is_left_alone():
    one = shelf()
    params = options(names=["acme", "globex"], want=2, in_use=["acme/app:v1"], on_limit="skip")
    result = reported(one, Keeping, params)
    assert result["changed"] and one.written == ["globex"] and not result.get("failed")
    assert result["left_out"] == {"acme": "in_use: acme/app: v1 runs (in_use)"}


def test_what_would_go_anyway_counts_unless_only_what_is_added_does():
    for count, refused in (("all", True), ("added", False)):
        one = shelf()
        one.states = {"acme": 2}
        params = options(names=["acme"], want=1, in_use=["acme/app:v1"], limits_count=count)
        assert bool(reported(one, Keeping, params).get("failed")) is refused


def test_it_goes_with_other_limits_and_the_message_stays_short():
    one = Shelf()
    one.images = {f"acme/{'long' * 20}-{number}": ["v3", "v2", "v1"] for number in range(1000)}
    runs = [f"{name}:{tag}" for name in one.images for tag in ("v1", "v2")]
    params = options(
        names=["acme"], want=0, in_use=runs, max_deletions=1, max_deletions_percent=1, min_keep=2, protect=["v"]
    )
    message = reported(one, Keeping, params)["msg"]
    assert len(message) <= 950 and message.count("refused by ") == 5
    assert "refused by in_use: 1,000 repositories: acme/longlong" in message
    assert message.splitlines()[-1].endswith("in_use (in a role: registry_hygiene_in_use)")


def test_an_entry_is_held_to_it_as_well():
    one = shelf()
    declared = entries({"names": ["acme"], "want": 2}, {"names": ["globex"], "want": 2})
    result = reported(one, Keeping, options(declarations=declared, in_use=["globex/app:v1"]))
    assert [row["limit"] for row in result["plan"]["rows"]] == ["", "in_use"]


def test_without_it_there_is_no_forecast_but_with_an_empty_list():
    assert reported(shelf(), Keeping, options(names=["acme"], want=2))["plan"]["images"] is None
    assert reported(shelf(), Keeping, options(names=["acme"], want=2, in_use=[]))["plan"]["images"]["count"] == 2
    assert fuse.is_set({"in_use": []}) and not fuse.is_set({"in_use": None})
