# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast, plan
from contract.shelf import Shelf, Thing, entry, image, options
from hypothesis import given
from hypothesis import strategies as st

HOSTILE = "v1\n-   acme/app:latest\x1b[2K\u202e\ud800"


class Repository(Thing):
    called = "repository"

    def changes(self, current, planned):
        return [("~" if current else "+", f"{current}  ->  {planned}" if current else planned)]


def things(**named):
    """Resources of entries: the first name or glob of each -> its targets."""
    found = {}
    for number, (label, targets) in enumerate(named.items()):
        own = entry(label, number)
        found.update({target: Repository(Shelf(), own, target) for target in targets})
    return found


def shown(things, before, after, images=None, limit=3, estimate=False):
    """The lines of a plan."""
    groups = plan.changes(things, before, after, [name for name in after if after[name] != before[name]])
    return plan.lines(groups, things, images, options(preview_limit=limit), estimate)


def losing(repository, tags, kept=1, **more):
    """The images of a repository of which these go."""
    found = {"deletions": [image(tag, repository, **more) for tag in tags]}
    found["kept"] = [image(f"kept-{number}", repository) for number in range(kept)]
    return forecast.compared(found, None, lambda _image: repository)


def test_equal_changes_are_one_line_with_names_first_and_globs_for_what_they_stand_for():
    everything = {f"acme/{number}": None for number in range(1077)}
    made = things(**{"acme/*": everything, "globex/app": ["globex/app"], "x/[ab]": ["x/a", "x/b"]})
    before = dict.fromkeys(made, "30d")
    lines = shown(made, before, dict(before, **dict.fromkeys(made, "21d")))
    assert lines == ["~ 1,080 repositories (acme/*, x/[ab], globex/app): 30d  ->  21d"]
    lines = shown(made, before, dict(before, **dict.fromkeys(list(everything)[2:], "21d")))
    assert lines == ["~ 1,075 repositories (acme/* but 2): 30d  ->  21d"]
    lines = shown(made, before, {**before, "acme/7": "21d"})
    assert lines == ["~ acme/7: 30d  ->  21d"]
    lines = shown(made, before, {**before, **dict.fromkeys(list(everything)[:500], "21d")})
    assert lines == ["~ 500 repositories (acme/0, acme/1, acme/2, ...): 30d  ->  21d"]


def test_changes_are_ordered_by_how_many_they_are_about():
    made = things(**{"acme/*": ["acme/a", "acme/b", "acme/c"]})
    before = {"acme/a": None, "acme/b": "30d", "acme/c": "30d"}
    lines = shown(made, before, {"acme/a": "21d", "acme/b": "14d", "acme/c": "14d"})
    assert lines == ["~ 2 repositories (acme/b, acme/c): 30d  ->  14d", "+ acme/a: 21d"]


def test_what_goes_is_told_by_rule_and_by_the_repositories_that_lose_most():
    made = things(**{"acme/app": ["acme/app"], "acme/lib": ["acme/lib"]})
    app = {
        fate: [image(tag) for tag in tags]
        for fate, tags in (("deletions", ["v1", "v3"]), ("uncertain", ["v2"]), ("kept", ["kept-0", "kept-1"]))
    }
    found = {
        **forecast.compared(app, {"deletions": [image("v1")]}, lambda _image: "acme/app"),
        **losing("acme/lib", ["old"], because="older than 30d", age=40 * 86400, size=12_345_678),
    }
    before = dict.fromkeys(made, "30d")
    lines = shown(made, before, dict.fromkeys(made, "21d"), found, limit=2)
    assert lines[1:] == [
        "  3 images of 7 go (12.3 MB), 1 more may; 1 of them would go anyway, this adds 3",
        "          3  not among the newest",
        "          1  older than 30d",
        "  acme/app: 3 of 5 go, 2 stay",
        "    - v3  1 d  10 B  not among the newest",
        "    - v1  1 d  10 B  not among the newest (anyway)",
        "  acme/lib: 1 of 2 go, 1 stay",
        "    - old  40 d  12.3 MB  older than 30d",
    ]
    assert "an estimate" in shown(made, before, dict.fromkeys(made, "21d"), found, estimate=True)[1]


def test_one_is_no_plural_and_nothing_is_said_where_nothing_is_known():
    made = things(**{"acme/app": ["acme/app"]})
    states = {"acme/app": "30d"}, {"acme/app": "21d"}
    assert shown(made, *states)[1:] == []
    assert shown(made, *states, {})[1:] == []
    assert shown(made, *states, losing("acme/app", []))[1:] == ["  no image goes of 1"]
    assert shown(made, *states, losing("acme/app", ["v1"]))[1] == "  1 image of 2 goes (10 B)"


@pytest.mark.parametrize("length", [8, 250])
def test_ten_thousand_targets_are_about_sixty_lines(length):
    labels = [f"organization-{number}/*" for number in range(50)]
    named = {label: [label.replace("*", f"{place:x<{length}}") for place in range(200)] for label in labels}
    made = things(**named)
    before = dict.fromkeys(made, "30d")
    after = {name: f"{21 + place % 37}d" for place, name in enumerate(made)}
    found = {}
    for place, name in enumerate(made):
        reason = f"organization policy: older than {place % 37}d, tag_pattern {'x' * length}"
        found.update(losing(name, [f"{'v' * length}{number}" for number in range(place % 13)], because=reason))
    lines = shown(made, before, after, found)
    assert 40 < len(lines) <= 64 and max(map(len, lines)) <= (2 * plan.WIDTH if length > 100 else plan.WIDTH)
    assert all(line.isprintable() for line in lines)
    text = "\n".join(lines)
    for words in (
        "and 24 other changes of 6,480 targets",
        " images of 9,220 other repositories",
        "for 31 other reasons",
    ):
        assert words in text, text


def test_a_tag_forges_no_line():
    made = things(**{HOSTILE: [HOSTILE]})
    lines = shown(made, {HOSTILE: HOSTILE}, {HOSTILE: "21d"}, losing(HOSTILE, [HOSTILE], because=HOSTILE))
    assert len(lines) == 5 and all(line.isprintable() for line in lines)
    assert lines[-1].startswith(r"    - v1\n-   acme/app:latest\x1b")


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_whatever_the_names_a_line_is_a_line(name, tag):
    made = things(**{name: [name]})
    lines = shown(made, {name: tag}, {name: tag + "x"}, losing(name, [tag]))
    assert len(lines) == 5 and all(line.isprintable() and len(line) <= 2 * plan.WIDTH for line in lines)


def test_a_row_tells_what_one_entry_costs_and_which_limit_refuses_it():
    made = things(**{"acme/*": ["acme/app", "acme/lib"], "globex/app": ["globex/app"]})
    entries = list({thing.entry: True for thing in made.values()})
    found = {**losing("acme/app", ["v1", "v2"]), **losing("acme/lib", [])}
    rows = plan.rows(entries, made, ["acme/app"], found, {entries[0]: "min_keep"})
    assert rows == [
        {"what": "acme/*", "targets": 2, "changed": 1, "count": 2, "uncertain_count": 0, "anyway_count": 0, "total": 4,
         "bytes": 20, "limit": "min_keep"},
        {"what": "globex/app", "targets": 1, "changed": 0, "count": 0, "uncertain_count": 0, "anyway_count": 0,
         "total": 0, "bytes": 0, "limit": ""},
    ]  # fmt: skip
    unknown = plan.rows(entries, made, ["acme/app"], None, {})
    assert unknown[0]["count"] is None and unknown[0]["total"] is None and unknown[1]["count"] == 0


def test_there_are_at_most_fifty_rows():
    made = things(**{f"acme/{number}": [f"acme/{number}"] for number in range(80)})
    assert len(plan.rows([thing.entry for thing in made.values()], made, [], None, {})) == plan.MOST_ROWS


def test_a_list_of_single_targets_is_one_row():
    made = things(one=["one"], two=["two"])
    (row,) = plan.rows([thing.entry for thing in made.values()], made, ["two"], {}, {}, "policies")
    assert (row["what"], row["targets"], row["changed"], row["count"], row["limit"]) == ("policies", 2, 1, 0, "")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345_678, "12.3 MB"),
        (10**9, "1.0 GB"),
        (5 * 10**15, "5,000.0 TB"),
    ],
)
def test_sizes_are_in_powers_of_a_thousand(number, text):
    assert plan.size(number) == text
