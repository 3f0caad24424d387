# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reports say of results: numbers, messages, tables, Markdown and HTML, whatever others called their images."""

from __future__ import annotations

import errno
import html.parser
import json
import re
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.module_utils._core import spool
from ansible_collections.registry.hygiene.plugins.plugin_utils import (
    _details,
    _html,
    _markdown,
    _plans,
    _report,
    _table,
)
from ansible_collections.registry.hygiene.plugins.plugin_utils._details import Details, age_of, bars
from contract import plans
from hypothesis import given, settings
from hypothesis import strategies as st

SMALL = plans.repositories(["acme/app", "acme/lib", "acme/old"], [10, 2, 0])
DAY = plans.DAY
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "two\nlines\r",
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "| cell | [link](http://x) `code` **bold** <!-- ",
    "\u202eright to left\u202c",
    "\ud800 alone",
    "x" * 100_000,
    "",
    "%s {0} {{ jinja }}",
    "日本語" * 100,
]
hostile = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=300))


def registry(*results, name="quay", check_mode=True):
    return _report.registry(name, list(results), check_mode)


def everything(*registries, check_mode=True):
    """Return the displayed lines, the Markdown and the page of registries, with the details of no plan file."""
    details = Details()
    for each in registries:
        details.add(each, [])
    lines = [
        line
        for each in registries
        for line in _table.of_registry(each, check_mode) + _table.of_registry(each, check_mode, True)
    ]
    lines += _table.of_all(list(registries), check_mode)
    page = _html.page(list(registries), details, check_mode)
    return [text for text, _kind in lines], _markdown.page(list(registries), check_mode), page


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], {"targets": 0, "changed": 0, "count": 0, "total": 0}),
        ([{"skipped": True, "changed": False}], {"targets": 0}),
        ([plans.planned(SMALL)], {"targets": 3, "changed": 3, "count": 11, "uncertain_count": 1, "anyway_count": 2}),
        ([plans.planned(SMALL)] * 2, {"targets": 6, "count": 22, "total": 42}),
        ([plans.unchanged(3)], {"targets": 3, "changed": 0, "count": 0, "bytes": 0}),
        ([plans.planned(SMALL, images=None)], {"targets": 3, "changed": 3, "count": None, "bytes": None}),
        ([plans.planned(SMALL), {"failed": True, "msg": "no"}], {"targets": None, "count": None}),
        ([{"results": [plans.unchanged(1), plans.unchanged(2), {"skipped": True}]}], {"targets": 3}),
    ],
)
def test_numbers_are_summed_and_unknown_ones_stay_unknown(results, expected):
    numbers = registry(*results)["numbers"]
    assert {key: numbers[key] for key in expected} == expected


def read(folder, document):
    """Return what is read of a plan file that holds this."""
    path = folder / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return _plans.readable([str(path), str(folder / "missing.json")])


REFUSED = plans.planned(SMALL, refused="max_deletions")


@pytest.mark.parametrize(
    ("result", "kinds", "texts"),
    [
        (plans.planned(SMALL), [], []),
        ({"skipped": True, "msg": "not today"}, [], []),
        (REFUSED, ["refused"], ["refused by max_deletions: 12 > 10 (acme/*)"]),
        ({"failed": True}, ["failed"], ["it failed, without a reason"]),
        ({"unreachable": True, "msg": "no route"}, ["failed"], ["no route"]),
        ({"failed": True, "msg": "one\n\ntwo\n"}, ["failed", "failed"], ["one", "two"]),
        ({"failed": False, "failed_when_result": False, "msg": "cannot be reached"}, ["failed"], ["cannot be reached"]),
        ({"failed": True, "msg": "1 failed: a: no", "failures": {"a": "no", "b": "nor this"}}, ["failed"] * 2,
         ["1 failed: a: no", "b: nor this"]),
        ({**plans.unchanged(), "left_out": {"a": "min_keep"}}, ["skipped"], ["a: left as it is: min_keep"]),
    ],
)  # fmt: skip
def test_each_cause_is_one_message(result, kinds, texts):
    found = registry(result)
    assert [message["kind"] for message in found["messages"]] == kinds
    assert [message["text"] for message in found["messages"]] == texts
    assert found["failed"] == bool(set(kinds) - {"skipped"})


def test_what_keeps_several_tasks_from_working_is_said_once():
    found = registry({"failed": True, "msg": "down"}, {"failed": True, "msg": "down\nfor good"})
    assert [message["text"] for message in found["messages"]] == ["down", "for good"]


def test_a_result_is_not_taken_for_skipped_because_it_names_targets_that_are():
    assert registry({**plans.unchanged(), "skipped": {"a": "min_keep"}})["numbers"]["targets"] == 3


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "?"), (0, "0"), (99999, "99,999"), (100000, "100k"), (9999999, "9,999k"), (12345678, "12M")],
)
def test_numbers_are_short(value, text):
    assert _report.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "?"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (10**19, "10,000 PB")],
)
def test_sizes_are_short(value, text):
    assert _report.size(value) == text


@given(st.integers(0, 10**18))
def test_sizes_and_numbers_fit_into_a_column(value):
    assert len(_report.size(value)) <= 8 and (value > 10**10 or len(_report.number(value)) <= 6)


TROUBLED = {
    "drifts": [plans.planned(SMALL)],
    "refused": [REFUSED],
    "fails": [{"failed": True, "msg": "cannot be reached"}],
    "same": [plans.unchanged()],
    "empty": [],
}
WHY = {
    "refused": "refused by max_deletions: 12 > 10 (acme/*) (refused)",
    "fails": "cannot be reached (fails)",
    "drifts": "drift: 3 of 3 targets would change (drifts)",
}


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [("", []), ("refusal", ["refused", "fails"]), ("drift", ["refused", "fails", "drifts"])],
)
def test_the_verdict_says_why_what_refused_first(fail_on, expected):
    registries = [registry(*results, name=name) for name, results in TROUBLED.items()]
    assert _report.verdict(registries, fail_on, True).splitlines() == [WHY[name] for name in expected]
    for name in ("same", "empty"):
        assert _report.verdict([registry(*TROUBLED[name])], fail_on, True) == ""


def test_the_verdict_is_short_however_many_fail():
    result = {"failed": True, "msg": "no " * 1000}
    many = [registry(result, name=f"registry-{number}-{'x' * 300}") for number in range(500)]
    message = _report.verdict(many, "refusal", True)
    assert len(message) < 1000 and message.endswith("and 494 hosts more")
    assert len(_report.verdict(many[:1], "refusal", True)) < 1000


def test_what_was_refused_in_a_real_run_counts_as_unchanged():
    held, done = registry(REFUSED, check_mode=False), registry(plans.planned(SMALL), check_mode=False)
    assert _report.together([held, done])["numbers"]["changed"] == 3
    assert _report.stats([held], False)["data"]["registry_hygiene"]["hosts"]["quay"]["go"] == 0
    assert _report.HELD in _table.of_registry(held, False)[0][0]
    assert _report.summary([held], False).startswith("0 of 3 targets changed, 0 images go, refused: quay")


def test_stats_are_those_of_set_stats():
    found = _report.stats([registry(*results, name=name) for name, results in TROUBLED.items()], True)
    assert (found["per_host"], found["aggregate"], list(found["data"])) == (False, True, ["registry_hygiene"])
    hosts = found["data"]["registry_hygiene"]["hosts"]
    assert hosts["refused"]["blown"] == "max_deletions" and hosts["fails"]["message"] == "cannot be reached"
    assert hosts["drifts"] == {"change": 3, "go": 11, "perhaps": 1, "bytes": 126000000, "blown": "", "message": ""}
    assert hosts["fails"]["go"] is None


def test_the_table_has_a_row_for_each_entry_and_the_sum():
    found = registry(plans.planned(SMALL, {"acme/*": 2, "globex/a-name-that-is-much-too-long-for-its-column/app": 1}))
    texts = [text for text, _kind in _table.of_registry(found, True)]
    assert texts[:5] == [
        "quay",
        "                               targets  change  images go  anyway  of     bytes",
        "~ acme/*                             2       2          5       1  10   63.0 MB",
        "~ globex/a-name-that-is-muc..        1       1          5       1  10   63.0 MB",
        "~ total                              3       3      11+1?       2  21  126.0 MB",
    ]
    assert texts[5] == "acme/app: 9+1? of 13 go, 103.0 MB"
    assert texts[6].startswith("  - dev-") and texts[6].endswith("repository policy: older than 30d, ^dev-")
    assert "    and 7 more" in texts


def test_an_image_without_a_tag_is_one_line_of_the_table_and_has_its_whole_digest_in_the_files():
    lost = {**plans.image("x", 400, "no tag reaches it"), "tag": None}
    found = registry(plans.planned({"acme/app": {**SMALL["acme/app"], "images": [lost]}}))
    line = next(text for text, _kind in _table.of_registry(found, True) if "no tag" in text)
    assert line == "  - sha256:000000000000  400 d  2.0 MB  no tag reaches it"
    assert all(lost["digest"] in text for text in everything(found)[1:])


@given(
    st.lists(
        st.fixed_dictionaries({key: st.none() | st.integers(0, 10**7) for key in _report.ROW[1:-1]}
                              | {"what": hostile, "limit": st.sampled_from(["", "min_keep"])}),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_no_row_is_wider_than_a_terminal(rows):
    found = registry(plans.planned(SMALL, rows=rows))
    found["worst"], found["messages"] = [], []
    texts = [text for text, _kind in _table.of_registry(found, True)]
    assert len(texts) == len(rows) + 2 + (len(rows) > 1)
    assert len({_table.width(text) for text in texts[1:]}) == 1 and _table.width(texts[1]) <= 79


class Page(html.parser.HTMLParser):
    """Collects the names of the elements, and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.shown = set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes.update(name for name, _value in attrs)

    def handle_data(self, data):
        self.shown.append(data)


PLAIN = Page(everything(registry(plans.planned(SMALL)), registry(REFUSED), registry({"failed": True}))[2])


@settings(deadline=None, max_examples=60)
@given(hostile, hostile, hostile)
def test_nothing_that_others_wrote_is_more_than_text(tag, name, message):
    images = [plans.image(tag, 3, message), plans.image(tag, None, name, fate="perhaps", anyway=True, size=None)]
    result = plans.planned({name: {"images": images}}, {name: 1}, file=f"/{tag}", lines=[f"~ {message}"])
    result.update(left_out={name: message})
    failed = {"failed": True, "msg": message, "failures": {name: message}}
    lines, text, page = everything(registry(result, failed, name=name), registry(result, name="other"))
    for line in lines:
        assert line.isprintable() and len(_table.cut(line).encode()) <= 950
    assert all(line.isprintable() for line in text.split("\n"))
    assert not re.search(r"(?<!\\)(<|\]\(|`|!\[)", text)
    cells = {line.count("|") for line in text.split("\n") if line.startswith("| ")}
    assert cells <= {6, 10}
    found = Page(page)
    assert found.elements <= PLAIN.elements and found.attributes <= PLAIN.attributes
    assert all(char.isprintable() or char == "\n" for char in page)


def test_the_page_needs_no_network_and_allows_no_other_script():
    _lines, _text, page = everything(registry(plans.planned(SMALL)))
    assert "default-src 'none'" in page and not re.search(r"(src|href)=|url\(|@import|https?:", page)
    assert "prefers-color-scheme: dark" in page and 'name="viewport"' in page
    assert page.count("<script>") == 1
    assert "On" not in {name[:2] for name in Page(page).attributes}


def test_what_hosts_declare_has_the_same_columns_so_that_it_can_be_compared():
    _lines, _text, page = everything(registry(plans.planned(SMALL)), registry(plans.planned(SMALL), name="other"))
    assert page.count('<table class="declared"><thead><tr><th scope="col">Policies of</th>') == 2
    assert ".declared { table-layout: fixed; }" in page


@pytest.mark.parametrize("number", [10_000, 3])
def test_reports_stay_small_at_any_size(number, tmp_path):
    names = [f"acme/application-with-a-long-name-{place}" for place in range(number)]
    found = plans.repositories(names, [place % 9 for place in range(number)])
    result = plans.planned(found, {f"acme/entry-{place}": 100 for place in range(120)}, file="/tmp/plan.json")
    result["failures"] = {f"acme/{place}": "no" for place in range(50)}
    result["left_out"] = {f"acme/{place}": "min_keep" for place in range(50)}
    one = registry(result)
    lines, text, _page = everything(one)
    table = [line for line, _kind in _table.of_registry(one, True)]
    assert len(table) <= 110 and sum(len(line) + 1 for line in table) < 10_000
    assert len(text) < 50_000
    details = Details()
    details.add(one, read(tmp_path, plans.plan_file(found, result)))
    page = _html.page([one], details, True)
    assert len(page) < 1_500_000
    if number > 3:
        assert "2,000 of 39,996 images are shown" in page
        assert "1,000 of 8,888 repositories are shown" in page
    assert len(json.dumps(_report.stats([one], True))) < 1000


@pytest.mark.parametrize(
    ("text", "shown"), [("x" * 950, "x" * 950), ("x" * 951, "x" * 947 + "..."), ("日" * 400, "日" * 315 + "...")]
)
def test_a_line_is_cut_to_what_an_event_shows(text, shown):
    assert _table.cut(text) == shown


def test_five_hundred_registries_stay_readable():
    many = [registry(plans.planned(SMALL), name=f"quay-{place}") for place in range(600)]
    lines, text, page = everything(*many)
    shown = [line for line, _kind in _table.of_all(many, True)]
    assert len(shown) == 1 + 500 + 1 + 1 + 5 + 1 and "and 100 hosts more" in shown
    assert len(text) < 450_000 and "more hosts are in the report in JSON" in text
    assert len(page) < 3_000_000 and "more hosts declare is in the report in JSON" in page
    assert all(len(line) <= 950 for line in lines)


def test_rules_and_ages_come_from_the_plan_file_and_count_what_is_certain(tmp_path):
    result = plans.planned(SMALL, file="/tmp/plan.json")
    details = Details()
    details.add(registry(result), read(tmp_path, plans.plan_file(SMALL, result)))
    numbers = result["plan"]["images"]
    for rows in (details.by_rule(), details.by_age()):
        assert sum(row[1] for row in rows) == numbers["count"]
        assert sum(row[2] for row in rows) == numbers["bytes"]
    assert [one["name"] for one in details.worst()] == ["acme/app", "acme/lib"]
    assert len(details.images()) == details.known == 12 and not details.incomplete


@pytest.mark.parametrize("document", [None, [], {"version": 2}, {"repositories": []}, {"repositories": {"a": 1}},
                                      {"repositories": {"a": {"images": ["x"]}}}, {"changes": 1}])  # fmt: skip
def test_without_a_plan_file_the_page_says_that_not_all_is_there(document, tmp_path):
    one = registry(plans.planned(SMALL, file="/tmp/plan.json"))
    details = Details()
    whole = plans.plan_file(SMALL, plans.planned(SMALL))
    details.add(one, read(tmp_path, {**whole, **document} if isinstance(document, dict) else document))
    assert details.incomplete == ["quay"] and [row["count"] for row in details.worst()] == [9, 2]
    assert "Of quay there is no plan file here" in _html.page([one], details, True)


def test_many_rules_become_one_more(tmp_path):
    images = [plans.image(f"t{number}", 1, f"rule {number}") for number in range(30)]
    found = {"acme/app": {"images": images}}
    details = Details()
    details.add(registry(plans.planned(found, file="f")), read(tmp_path, plans.plan_file(found, plans.planned(found))))
    assert len(details.by_rule()) == 13 and details.by_rule()[-1][:2] == ("18 more rules", 18)


def test_rules_without_end_are_not_all_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(_details, "MOST_KNOWN_RULES", 20)
    found = {"acme/app": {"images": [plans.image(f"t{number}", 1, f"rule {number}") for number in range(30)]}}
    details = Details()
    details.add(registry(plans.planned(found)), read(tmp_path, plans.plan_file(found, plans.planned(found))))
    assert len(details.rules) == 21 and details.rules[_details.OTHER_RULES][0] == 10
    assert sum(row[1] for row in details.by_rule()) == 30


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9), max_size=60))
def test_the_images_shown_are_those_of_the_repositories_that_lose_most(losses):
    found = plans.repositories([f"acme/{number}" for number in range(len(losses))], losses)
    names = sorted(found, key=lambda name: -len(found[name]["images"]))
    every = [one["tag"] for name in names for one in found[name]["images"] if one["fate"] != "stays"]
    details = Details()
    with mock.patch.object(_details, "MOST_IMAGES", 7), tempfile.TemporaryDirectory() as folder:
        # Bytes decide where as many go.
        for each in found.values():
            for image in each["images"]:
                image["size"] = 0
        details.add(registry(plans.planned(found)), read(Path(folder), plans.plan_file(found, plans.planned(found))))
        assert [one["tag"] for one in details.images()] == every[:7]
        assert sum(len(images) for *_names, images in details.samples) <= 7 * 10 + 9
    assert details.known == len(every)


def test_what_a_plan_file_says_is_shown_only_if_it_can_be(tmp_path):
    odd = {"age": float("nan"), "size": -5, "because": ["x"], "anyway": "yes", "more": {}}
    document = plans.plan_file({"acme/app": {"images": [{**plans.image("v1", 1), **odd}]}}, plans.planned({}))
    (plan,) = read(tmp_path, document)
    ((name, (image,), kept),) = plan.repositories()
    assert (name, kept, plan.made) == ("acme/app", 0, "")
    assert image == {"tag": "v1", "digest": plans.image("v1", 1)["digest"], "fate": "goes", "because": "['x']",
                     "age": None, "size": None, "anyway": False}  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_of_a_plan_file_that_is_damaged_all_is_read_or_nothing(data):
    document = plans.plan_file(SMALL, plans.planned(SMALL))
    text = json.dumps({key: document[key] for key in document if key != "plan"})
    place = data.draw(st.integers(0, len(text) - 1))
    broken = (
        text[:place] + data.draw(st.text('{}[],:"1ex \\n', max_size=3)) + text[place + data.draw(st.integers(0, 9)) :]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "plan.json")
        path.write_text(broken, encoding="utf-8")
        for plan in _plans.readable([str(path)]):
            found = {name: len(images) + kept for name, images, kept in plan.repositories()}
            assert found == {name: len(one["images"]) for name, one in json.loads(broken)["repositories"].items()}


def test_without_room_for_a_plan_the_report_says_what_to_do(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool, "MOST_HELD", 0)
    monkeypatch.setattr(spool.os, "pwrite", full)
    with pytest.raises(AnsibleActionFail, match="No space left on device. Make room there, or set TMPDIR"):
        read(tmp_path, plans.plan_file(SMALL, plans.planned(SMALL)))


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(None, "age not known"), (0, "below a week"), (7 * DAY, "a week to a month"), (30 * DAY, "1 to 3 months"),
     (90 * DAY, "3 to 12 months"), (365 * DAY, "above a year"), (10**12, "above a year")],
)  # fmt: skip
def test_ages_are_grouped(seconds, span):
    assert age_of(seconds) == span


def test_the_largest_bar_is_full_and_nothing_is_divided_by_zero():
    assert bars([("a", 10, None), ("b", 5, 0), ("c", None, 8)]) == [
        ("a", 10, 100.0, 0, 0.0),
        ("b", 5, 50.0, 0, 0.0),
        ("c", 0, 0.0, 8, 100.0),
    ]
    assert bars([("a", 0, 0)]) == [("a", 0, 0.0, 0, 0.0)]
