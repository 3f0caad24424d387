# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast, fuse
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from contract.shelf import entry, image, options
from hypothesis import given
from hypothesis import strategies as st


def one(repository, deletions=(), kept=(), uncertain=(), current=None, by=None):
    """The images of a repository: planned, and under what is there now."""

    def images(names):
        return [image(name, repository) for name in names]

    planned = {"deletions": images(deletions), "kept": images(kept), "uncertain": images(uncertain)}
    now = current and {fate: images(names) for fate, names in current.items()}
    return forecast.compared(planned, now, lambda _image: by or repository)


TWO = {
    **one("acme/app", ["v1", "v2"], ["v3", "v4"]),
    **one("acme/lib", ["dev-1"], ["v9"], ["odd"]),
}


def judge(**limits):
    """A judge of a task with one entry and these limits."""
    alone = entry("acme/*", **limits)
    return fuse.Judge(alone.params, lambda repository: alone, lambda target: alone)


def told(plan, **limits):
    """What a plan is refused with, None if it is not."""
    found = judge(**limits).refusals(plan)
    return fuse.message(found) if found else None


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"max_deletions": 4},
        {"max_deletions_percent": 58},
        {"min_keep": 1},
        {"protect": ["^v[34]$", "^release"]},
        {"max_deletions": 4, "max_deletions_percent": 100, "min_keep": 0, "protect": []},
    ],
)
def test_a_plan_within_the_limits_passes(given):
    assert told(TWO, **given) is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"max_deletions": 3}, "refused by max_deletions: 4 > 3 (acme/*)\n"),
        ({"max_deletions": 0}, "\nNothing was written. If this is meant, change max_deletions (in a role: its"),
        ({"max_deletions": 0}, "or for one run registry_hygiene_max_deletions)"),
        ({"max_deletions_percent": 57}, "refused by max_deletions_percent: 57.1 % > 57 %, 4 of 7 (acme/*)"),
        ({"min_keep": 2}, "refused by min_keep: 1 repository: acme/lib: 1 of 3 stay, not 2\n"),
        ({"min_keep": 3}, "refused by min_keep: 2 repositories: acme/app: 2 of 4 stay, not 3; acme/lib: 1 of 3"),
        ({"protect": ["^v2$"]}, "refused by protect: 1 repository: acme/app: v2\n"),
        ({"protect": ["^v"]}, "acme/app: v1 and 1 more"),
        ({"protect": ["odd"]}, "acme/lib: odd"),
    ],
)
def test_a_plan_beyond_a_limit_is_refused_with_numbers_and_names(given, text):
    found = told(TWO, **given)
    assert found.startswith(f"refused by {next(iter(given))}: ") and text in found


def test_several_limits_are_told_on_a_line_each():
    lines = told(TWO, max_deletions=3, min_keep=2, protect=["^v2$"], max_deletions_percent=1).splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [
        f"refused by {limit}" for limit in ("max_deletions", "max_deletions_percent", "min_keep", "protect")
    ]
    assert "change max_deletions, max_deletions_percent, min_keep, protect" in lines[-1]


def test_all_offenders_are_counted_and_the_ten_worst_named_within_a_thousand_characters():
    plan = {}
    for number in range(1077):
        plan.update(one(f"acme/service-{number}", [f"v{place}" for place in range(number % 50 + 1)], ["kept"]))
    found = told(plan, min_keep=5, max_deletions=1, protect=["."])
    assert len(found) < 1000 and "Nothing was written" in found.splitlines()[-1]
    assert "min_keep: 1,077 repositories: acme/service-49: 1 of 51 stay, not 5; " in found
    alone = told(plan, min_keep=5)
    assert alone.count("not 5") == 10 and "; and 1,067 more\n" in alone and len(alone) < 1000
    assert "acme/service-48" not in alone


@pytest.mark.parametrize("number", [9, 500])
def test_many_refusals_still_end_with_what_to_do(number):
    refusals = [fuse.Refusal("max_deletions", f"{place} > 0 ({'x' * 90})", []) for place in range(number)]
    found = fuse.message(refusals)
    assert len(found) < 1000 and f"and by {number - 8} more" in found and found.endswith("_max_deletions)")


def test_a_plan_file_that_is_not_kept_to_is_no_limit():
    found = fuse.message([fuse.Refusal("plan", "2 images would go beyond it", [])])
    assert "make a new plan" in found and "limits" not in found


class Task:
    """A task with entries; each repository is a target of one of them."""

    def __init__(self, params, **own):
        self.entries = {
            name: entry(name, number, **{**params, **limits}) for number, (name, limits) in enumerate(own.items())
        }
        for name, limits in own.items():
            self.entries[name].own = limits
        self.params = options(**params)

    def refusals(self, plan):
        def find(name):
            return self.entries[name.partition("/")[0]]

        return [
            (refusal.limit, [one.label for one in refusal.entries])
            for refusal in fuse.Judge(self.params, find, find).refusals(plan)
        ]


PLAN = {**one("acme/app", "abcdef", "xyz"), **one("globex/app", "abc", "x")}


@pytest.mark.parametrize(
    ("params", "acme", "globex", "refused"),
    [
        ({"max_deletions": 8}, {}, {}, [("max_deletions", ["acme", "globex"])]),
        ({"max_deletions": 9}, {}, {}, []),
        ({"max_deletions": 3}, {"max_deletions": 6}, {}, []),  # its own count for themselves
        ({"max_deletions": 2}, {"max_deletions": 6}, {}, [("max_deletions", ["globex"])]),
        ({"max_deletions": 100}, {"max_deletions": 5}, {}, [("max_deletions", ["acme"])]),
        ({}, {"max_deletions": 5}, {}, [("max_deletions", ["acme"])]),
        ({}, {"max_deletions": 0}, {"max_deletions": 0}, [("max_deletions", ["acme"]), ("max_deletions", ["globex"])]),
        ({"max_deletions_percent": 70}, {}, {}, []),  # 9 of 13
        ({"max_deletions_percent": 70}, {"max_deletions_percent": 66}, {}, [("max_deletions_percent", ["acme"]),
         ("max_deletions_percent", ["globex"])]),  # 6 of 9, and 3 of 4
        ({"min_keep": 2}, {}, {}, [("min_keep", ["globex"])]),
        ({"min_keep": 2}, {}, {"min_keep": 1}, []),
        ({"min_keep": 1}, {"min_keep": 4}, {}, [("min_keep", ["acme"])]),
        ({"protect": ["a"]}, {}, {"protect": []}, [("protect", ["acme"])]),
        ({}, {}, {"protect": ["a"]}, [("protect", ["globex"])]),
    ],
)  # fmt: skip
def test_an_entry_narrows_or_widens_the_limits_for_its_own(params, acme, globex, refused):
    assert Task(params, acme=acme, globex=globex).refusals(PLAN) == refused


def test_limits_may_count_only_what_the_change_adds():
    current = {"deletions": ["v1"], "uncertain": ["v2"], "kept": ["v3", "v4", "v5"]}
    plan = one("acme/app", ["v1", "v2", "v3"], ["v5"], ["v4"], current)
    # v1 goes anyway; v2 may go anyway, but now it surely goes; v3 and v4 are added.
    assert [tag for tag in "12345" if list(plan["acme/app"])[int(tag) - 1]["anyway"]] == ["1"]
    for count, number in (("all", 4), ("added", 3)):
        assert told(plan, max_deletions=number, limits_count=count) is None
        assert f"{number} > {number - 1}" in told(plan, max_deletions=number - 1, limits_count=count)
    assert "acme/app: v1" in told(plan, protect=["^v1$"])
    assert told(plan, protect=["^v1$"], limits_count="added") is None
    nothing_new = one("acme/app", ["v1"], ["v2"], (), {"deletions": ["v1"]})
    assert told(nothing_new, min_keep=2) and told(nothing_new, min_keep=2, limits_count="added") is None


@pytest.mark.parametrize(
    "given",
    [
        {"max_deletions": -1},
        {"max_deletions_percent": 101.0},
        {"max_deletions_percent": -1.0},
        {"min_keep": -1},
        {"protect": ["v("]},
        {"protect": [""]},
        {"max_deletions_percent": float("nan")},
        {"max_deletions_percent": float("inf")},
        {"max_deletions_percent": float("-inf")},
        {"protect": ["(" * 600 + ")" * 600]},
        {"protect": ["x" * 5000]},
        {"protect": ["(a{1,60000}){1,60000}"]},
        {"protect": ["(?=" * 300 + ")" * 300]},
        {"protect": ["x{99999999999}"]},
    ],
)
def test_limits_that_cannot_be_are_refused(given):
    with pytest.raises(PlanRefused, match=next(iter(given))):
        fuse.check_options(options(**given))


def untagged(*digests):
    images = [image(None, digest=digest) for digest in digests]
    return forecast.compared({"deletions": images}, None, lambda _image: "acme/app")


@pytest.mark.parametrize(
    ("pattern", "protects"), [(".*", True), ("^$", True), ("v|", True), (".", False), ("^v", False)]
)
def test_an_image_without_a_tag_has_the_empty_name_and_is_told_by_its_digest(pattern, protects):
    found = told(untagged("sha256:a"), protect=[pattern])
    assert "acme/app: sha256:a" in found if protects else found is None


@pytest.mark.parametrize("pattern", ["^(a|a)+$", "(x+x+)+y", "a.*a.*a.*a.*a.*a.*b$", "(.*a){20}$"])
def test_what_takes_python_for_ever_is_decided(pattern):
    fuse.check_options(options(protect=[pattern]))
    assert told(one("acme/app", ["a" * 127 + "!", "x" * 128]), protect=[pattern]) is None


def test_what_is_not_decided_counts_as_protected_and_says_so():
    given = ["^nothing$", "(?=v)"]
    fuse.check_options(options(protect=given))
    plan = one("acme/app", ["v" * 129, "other"])
    broken = judge(protect=given).broken(plan)["protect"]
    assert broken == {"acme/app": f"{'v' * 129} (an expression was not decided for it)"}
    both = judge(protect=given).broken(one("acme/app", ["v1", "v" * 129]))["protect"]
    assert both == {"acme/app": "v1 and 1 more"}
    assert judge(protect=["(?=v)", "v{129}"]).broken(plan)["protect"] == {"acme/app": "v" * 129}


@pytest.mark.parametrize(
    "given", [{"max_deletions": 0}, {"min_keep": 9}, {"max_deletions_percent": 0}, {"protect": ["."]}]
)
def test_names_of_others_are_escaped(given):
    alone = entry("acme/\x1b*", **given)
    found = fuse.Judge(alone.params, lambda repository: alone, lambda target: alone).refusals(
        one("acme/\x1bapp", ["v1\n\u202e" + "x" * 9999])
    )
    lines = fuse.message(found).splitlines()
    assert len(lines) == 2 and all(line.isprintable() for line in lines) and r"acme/\x1b" in lines[0]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 40))
def test_max_deletions_refuses_exactly_what_is_more(deletions, uncertain, kept, most):
    names = [str(number) for number in range(deletions + uncertain + kept)]
    goes, perhaps, stays = names[:deletions], names[deletions : deletions + uncertain], names[deletions + uncertain :]
    assert bool(told(one("a/b", goes, stays, perhaps), max_deletions=most)) is (deletions + uncertain > most)
