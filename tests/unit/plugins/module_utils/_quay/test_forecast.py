# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core import patterns
from ansible_collections.registry.hygiene.plugins.module_utils._quay import policies
from ansible_collections.registry.hygiene.plugins.module_utils._quay.forecast import COSIGN, Tags, forecast
from fakes.quay import prune as quay_prune
from hypothesis import given, settings
from hypothesis import strategies as st

DATA = Path(__file__).resolve().parents[4] / "data" / "quay" / "prune_cases.json"
CASES = json.loads(DATA.read_text())["cases"]
NOW = 1_800_000_000.5
DAY = 86400
HEX = "ab" * 32


def row(name, age, digest=None, **more):
    """A tag of that age in seconds, as Quay lists it."""
    digest = digest or f"sha256:{name.encode().hex():0>64}"[:71]
    return dict({"name": name, "start_ts": int(NOW - age), "manifest_digest": digest, "size": 7}, **more)


def count(value, pattern=None, matches=True):
    return dict(method="number_of_tags", value=value, tag_pattern=pattern, tag_pattern_matches=matches)


def age(value, pattern=None, matches=True):
    return dict(count(value, pattern, matches), method="creation_date")


def of(tags, namespace=(), repository=(), default=None, state="NORMAL", now=NOW):
    now = now if isinstance(now, tuple) else (now, now)
    return forecast("acme/app", state, tags, list(namespace), list(repository), default, now)


def names(images):
    return sorted(image["tag"] for image in images)


def split(found):
    return names(found["deletions"]), names(found["uncertain"]), names(found["kept"])


def because(found):
    return {image["tag"]: image["because"] for images in found.values() for image in images}


# What the real worker removed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_foretells_what_the_real_worker_removed(case):
    tags = [
        row(
            tag["name"],
            tag["age_seconds"],
            tag["digest"],
            immutable=tag["immutable"],
            **({} if tag["expires_in_seconds"] is None else {"end_ts": int(NOW + tag["expires_in_seconds"])}),
        )
        for tag in case["tags"]
        if not tag["hidden"]
    ]
    scopes = [case["namespace_policies"], case["repository_policies"]]
    scopes = [[policies.in_option_words(policy) for policy in scope] for scope in scopes]
    certain, uncertain, kept = split(of(tags, *scopes, case["default_policy"], case["repository_state"]))
    pruned = sorted(case["pruned"])
    given = [policy["tag_pattern"] for scope in scopes for policy in scope if policy["tag_pattern"]]
    portable = not any(patterns.fault(pattern) or patterns.not_portable(pattern) for pattern in given)
    if portable and not case["error"]:
        assert (certain, uncertain) == (pruned, [])
    assert set(certain) <= set(pruned) <= set(certain + uncertain)
    assert set(kept) <= set(case["kept"])


def test_what_went_before_an_error_is_certain():
    case = next(case for case in CASES if case["error"])
    tags = [row(tag["name"], tag["age_seconds"], tag["digest"], immutable=tag["immutable"]) for tag in case["tags"]]
    found = of(tags, [policies.in_option_words(policy) for policy in case["namespace_policies"]])
    assert names(found["deletions"]) == sorted(case["pruned"])


# Rules


def test_an_image_tells_what_and_why():
    found = of([row("a", 40 * DAY, "sha256:1"), row("b", DAY)], [age("30d")])
    assert found["deletions"] == [
        {
            "target": "acme/app",
            "tag": "a",
            "digest": "sha256:1",
            "age": 40 * DAY,
            "size": 7,
            "because": "organization policy: older than 30d",
        }
    ]
    assert because(found)["b"] == ""


def test_rules_in_words():
    tags = [row("v1", 1 * DAY), row("v2", 2 * DAY), row("dev-1", 40 * DAY), row("x1", 50 * DAY), row("x2", 60 * DAY)]
    found = of(tags, [age("30d", "^dev-")], [count(1, "^v"), count(1, "^(v|dev)", False)], dict(age("59d")))
    assert because(found) == {
        "v1": "",
        "v2": "repository policy: not among the newest 1, ^v",
        "dev-1": "organization policy: older than 30d, ^dev-",
        "x1": "",
        "x2": "repository policy: not among the newest 1, not ^(v|dev)",
    }
    assert because(of(tags, default={"method": "creation_date", "value": "45d"}))["x1"] == (
        "default policy of the registry: older than 45d"
    )


def test_ages_come_before_numbers():
    tags = [row("v1", 5 * DAY), row("v2", 6 * DAY), row("dev-b", 3 * DAY), row("dev-a", 4 * DAY)]
    assert split(of(tags, [count(2), age("2d", "^dev")])) == (["dev-a", "dev-b"], [], ["v1", "v2"])
    assert split(of(tags, [count(2)], [age("2d", "^dev")])) == (["dev-a", "dev-b"], [], ["v1", "v2"])


def test_numbers_of_the_organization_come_first():
    tags = [row("v3", 1 * DAY), row("v2", 2 * DAY), row("x1", 3 * DAY), row("x2", 4 * DAY)]
    assert split(of(tags, [count(2)], [count(1, "^v")])) == (["v2", "x1", "x2"], [], ["v3"])
    assert split(of(tags, [count(1, "^v")], [count(2)])) == (["v2", "x2"], [], ["v3", "x1"])


def test_what_hangs_on_the_order_within_a_scope_is_uncertain():
    tags = [row("v3", 1 * DAY), row("v2", 2 * DAY), row("x1", 3 * DAY), row("x2", 4 * DAY)]
    for in_order in ([count(2), count(1, "^v")], [count(1, "^v"), count(2)]):
        found = of(tags, in_order)
        assert split(found) == (["v2", "x2"], ["x1"], ["v3"])
        assert "the order in which Quay applies" in because(found)["x1"]
    many = [count(number, "[0-9]") for number in (1, 2, 3, 3, 3)]
    assert split(of(tags, many)) == ([], ["v2", "x1", "x2"], ["v3"])


def test_the_default_comes_last_and_in_addition():
    tags = [row(f"v{number}", number * DAY) for number in range(1, 8)]
    default = {"method": "number_of_tags", "value": 2}
    assert split(of(tags, [count(5)], default=default))[0] == ["v3", "v4", "v5", "v6", "v7"]


def test_odd_keys_of_the_default():
    tags = [row(f"{kind}{number}", number * DAY) for number in (1, 2, 3) for kind in "vx"]
    default = {"method": "number_of_tags", "value": 1, "tag_pattern": "^v"}
    assert split(of(tags, default=default))[0] == ["x2", "x3"]
    assert split(of(tags, default=dict(default, tag_pattern_matches=True)))[0] == ["v2", "v3"]
    camel = {"method": "number_of_tags", "value": 1, "tagPattern": "^v", "tagPatternMatches": True}
    assert len(of(tags, default=camel)["deletions"]) == 4
    for odd in ({"value": "1"}, {"value": None}, {"method": "none"}, {"tag_pattern": 7}, {"tag_pattern": ""}):
        certain, uncertain, _kept = split(of(tags, default=dict(default, **odd)))
        assert not certain
        assert uncertain


def test_what_fails_leaves_the_other_run_alone():
    tags = [row("a", DAY), row("b", 3 * DAY), row("c", 9 * DAY)]
    found = of(tags, [count(2, "[bad("), count(1)], default={"method": "creation_date", "value": "7d"})
    assert split(found) == (["c"], ["b"], ["a"])
    found = of(tags, [count(2)], default={"method": "number_of_tags", "value": "1"})
    assert split(found) == (["c"], ["b"], ["a"])


def test_an_expiring_tag_counts_and_an_ended_one_does_not():
    tags = [row("a", 1, end_ts=int(NOW) + 9), row("b", 2 * DAY, end_ts=int(NOW) - 9), row("c", 3 * DAY)]
    assert split(of(tags, [count(1)])) == (["c"], [], ["a"])
    assert split(of(tags, [count(2)])) == ([], [], ["a", "c"])


def test_immutable_and_cosign_tags_neither_go_nor_count():
    cosign = [row(f"sha256-{HEX}.{suffix}", 90 * DAY) for suffix in ("sig", "att", "sbom")]
    others = [row(f"sha256-{HEX}.foo", 90 * DAY), row(f"sha256-{HEX.upper()}.sig", 91 * DAY)]
    tags = [row("a", 80 * DAY, immutable=True), row("b", 2 * DAY, immutable=False), *cosign, *others]
    found = of(tags, [age("30d")], [count(1)])
    assert split(found)[0] == names({"tag": tag["name"]} for tag in others)
    assert because(found)["a"] == "immutable"
    assert because(found)[f"sha256-{HEX}.sig"] == "cosign"


def test_a_search_is_not_anchored_and_heeds_case():
    tags = [row("dev-a", DAY), row("xv9", DAY), row("V1", DAY), row("x", DAY)]
    assert split(of(tags, [age("1h", "v")]))[0] == ["dev-a", "xv9"]
    assert split(of(tags, [age("1h", "v", False)]))[0] == ["V1", "x"]


@pytest.mark.parametrize(
    "value", ["0d", "-5d", "007d", " 7d", "7 d", "+3d", "1_0d", "9d", "1w", "12h", "500m", "60s", "٧d"]
)
def test_values_that_quay_holds_as_ages(value):
    assert split(of([row("a", 30 * DAY)], [age(value)])) == (["a"], [], [])
    assert split(of([row("a", 30 * DAY)], [age("1y")])) == ([], [], ["a"])


@pytest.mark.parametrize("value", ["7", "7x", "7D", "", "d", 7, None, ["7d"], "1.5d", "-99999999999d", 10**400])
def test_values_at_which_the_worker_fails_as_ages(value):
    found = of([row("a", 30 * DAY), row("b", 9, immutable=True)], [age(value)])
    assert split(found) == ([], ["a"], ["b"])
    assert because(found)["a"].startswith("Quay's worker fails at organization policy: older than ")


@pytest.mark.parametrize("value", [0, -1, "1", True, None, 1.0, "ten", float("inf"), float("nan")])
def test_values_at_which_the_worker_fails_as_numbers(value):
    certain, uncertain, _kept = split(of([row("a", DAY), row("b", 2 * DAY)], [count(value)]))
    assert not certain
    assert "b" in uncertain


def test_numbers_beyond_64_bits_fail_and_delete_nothing_but_stop_the_rest():
    tags = [row("a", DAY), row("b", 2 * DAY)]
    assert split(of(tags, [count(10**30)])) == ([], [], ["a", "b"])
    assert split(of(tags, [count(10**30)], [count(1)])) == ([], ["b"], ["a"])
    assert split(of(tags, [count(2**63 - 1)], [count(1)])) == (["b"], [], ["a"])
    assert split(of(tags, [age("99999999999d"), age("1d", "b")])) == ([], ["b"], ["a"])


def test_an_unknown_method_makes_all_uncertain():
    found = of([row("a", DAY), row("b", 9 * DAY)], [age("2d")], [dict(count(1), method="by_size")])
    assert split(found) == ([], ["a", "b"], [])
    assert "method by_size 1 and deletes nothing or only a part" in because(found)["a"]


def test_an_error_makes_uncertain_what_follows_and_what_may_follow():
    tags = [row("a", DAY), row("b", 9 * DAY), row("c", 20 * DAY)]
    assert split(of(tags, [age("10d")], [count(5, "[bad("), count(1)])) == (["c"], ["b"], ["a"])
    assert split(of(tags, [age("10d"), age("90d", "[bad(")])) == ([], ["c"], ["a", "b"])
    assert split(of(tags, [age("10d")], [age("90d", "[bad(")])) == (["c"], [], ["a", "b"])


@pytest.mark.parametrize("pattern", [r"^v\d+$", "(?i)V", "[[:digit:]]", r"\bv", "(?P<x>v)", "a{256}", "(|x)"])
@pytest.mark.parametrize("matches", [True, False])
def test_patterns_that_databases_read_differently_are_never_certain(pattern, matches):
    tags = [row("v1", DAY), row("v2", 9 * DAY), row("x", 20 * DAY)]
    found = of(tags, [age("2d", pattern, matches)])
    assert split(found) == ([], ["v2", "x"], ["v1"])
    assert "may be read differently by Quay's database" in because(found)["x"]
    # only what can be beyond the newest 2 whatever the pattern finds; and the database may refuse it
    assert split(of(tags, [count(2, pattern, matches)])) == ([], ["x"], ["v1", "v2"])
    assert split(of(tags, [age("2d", pattern, matches)], [count(1)])) == ([], ["v2", "x"], ["v1"])


def test_uncertainty_reaches_later_cuts():
    limit = 10 * DAY
    tags = [row("a", DAY), row("dev", limit), row("c", 20 * DAY), row("d", 30 * DAY)]
    found = of(tags, [age("10d", "dev")], [count(2)])
    assert split(found) == (["d"], ["c", "dev"], ["a"])
    assert "depends on other tags" in because(found)["c"]
    assert because(found)["dev"] == ("organization policy: older than 10d, dev: within the same second as the limit")
    # gone by one policy or else by the other
    assert split(of(tags, [age("10d", "dev")], [count(1)])) == (["c", "d", "dev"], [], ["a"])


@pytest.mark.parametrize(
    ("off", "kind"), [(-2, "kept"), (-1, "uncertain"), (-0.4, "uncertain"), (0.5, "uncertain"), (2.6, "deletions")]
)
def test_ages_within_a_second_of_the_limit_are_uncertain(off, kind):
    found = of([row("a", 7 * DAY + off)], [age("7d")])
    assert names(found[kind]) == ["a"]


def test_equal_seconds_at_the_cut_are_uncertain():
    tags = [row("a", 10), row("b", 50), row("c", 50), row("d", 90)]
    found = of(tags, [count(2)])
    assert split(found) == (["d"], ["b", "c"], ["a"])
    assert because(found)["b"] == ("organization policy: not among the newest 2: within the same second as the limit")
    assert split(of(tags, [count(3)])) == (["d"], [], ["a", "b", "c"])
    assert split(of(tags, [count(1)])) == (["b", "c", "d"], [], ["a"])


@pytest.mark.parametrize(
    ("state", "text"),
    [("MIRROR", "mirror: Quay leaves it alone"), ("READ_ONLY", "read-only: Quay leaves it alone")],
)
def test_repositories_that_are_not_normal(state, text):
    tags = [row("a", DAY), row("b", 9 * DAY)]
    default = {"method": "number_of_tags", "value": 1}
    found = of(tags, [count(1)], [count(1)], default, state)
    assert split(found) == ([], [], ["a", "b"])
    assert because(found) == {"a": text, "b": text}
    found = of(tags, [], [count(1)], default, state)
    assert split(found) == ([], ["b"], ["a"])
    assert "Quay's worker fails at the policies of a" in because(found)["b"]
    assert split(of(tags, default=default, state=state)) == ([], [], ["a", "b"])


def test_signatures_go_with_the_last_tag_of_their_image():
    digest, signature = f"sha256:{HEX}", f"sha256-{HEX}.sig"
    one, two = row("v1", 9 * DAY, digest), row("v2", DAY, digest)
    found = of([one, row(signature, 1)], [age("2d")])
    assert split(found) == ([signature, "v1"], [], [])
    assert because(found)[signature] == "signature of an image that goes (cosign)"
    assert split(of([one, two, row(signature, 1)], [age("2d")])) == (["v1"], [], [signature, "v2"])
    assert split(of([one, dict(two, immutable=True), row(signature, 1)], [age("1h")]))[2] == [signature, "v2"]
    assert split(of([one, row(signature, 1, immutable=True)], [age("2d")])) == (["v1"], [], [signature])
    some = [one, row("v2", 2 * DAY, digest), row(signature, 1)]
    assert split(of(some, [age("2d")])) == (["v1"], [signature, "v2"], [])
    assert split(of([row("v1", 2 * DAY, digest), row(signature, 1)], [age("2d")])) == ([], [signature, "v1"], [])
    assert split(of([row(signature, 9 * DAY)], [age("2d")])) == ([], [], [signature])


def test_nothing_from_nothing():
    assert of([], [count(1)], [age("x")]) == {"deletions": [], "uncertain": [], "kept": []}
    assert split(of([row("a", 1)])) == ([], [], ["a"])


# Clocks, and what others may do


@pytest.mark.parametrize(
    ("days", "kind"), [(8.9, "kept"), (9.1, "uncertain"), (10, "uncertain"), (10.9, "uncertain"), (11.1, "deletions")]
)
def test_where_clocks_differ_only_what_is_too_old_by_both_surely_goes(days, kind):
    found = of([row("a", days * DAY)], [age("10d")], now=(NOW - DAY, NOW + DAY))
    assert names(found[kind]) == ["a"]
    assert ("the clocks differ" in because(found)["a"]) is (kind == "uncertain")
    assert found[kind][0]["age"] == int(days * DAY - DAY)


def test_tags_from_the_future_make_ages_uncertain():
    tags = [row("future", -20 * DAY), row("a", DAY), row("b", 40 * DAY)]
    found = of(tags, [age("10d")])
    assert split(found) == (["b"], ["a"], ["future"])
    assert "tags come from the future" in because(found)["a"] and found["kept"][0]["age"] == 0
    assert split(of([row("future", -299), *tags[1:]], [age("10d")])) == (["b"], [], ["a", "future"])
    assert split(of(tags, [count(1)])) == (["a", "b"], [], ["future"])


def test_a_tag_that_expires_about_now_counts_as_there_and_as_gone():
    clocks = (NOW - 100, NOW + 100)
    tags = [row("a", DAY, end_ts=int(NOW)), row("b", 2 * DAY, end_ts=int(NOW) + 200), row("c", 3 * DAY)]
    gone = row("d", 1, end_ts=int(NOW) - 200)
    found = of([*tags, gone], [count(2)], now=clocks)
    assert split(found) == ([], ["a", "c"], ["b"])
    assert "expires about now" in because(found)["a"]
    assert split(of(tags, now=clocks)) == ([], ["a"], ["b", "c"])


@pytest.mark.parametrize("odd", [10**400, -(10**400), float("nan"), float("inf"), float("-inf"), 2**63, -1])
def test_numbers_of_others_are_taken_whatever_they_are(odd):
    tags = [row("a", DAY), dict(row("b", DAY), start_ts=odd), row("c", DAY, end_ts=odd), dict(row("d", DAY), size=odd)]
    found = of(tags, [age("2d")], [count(1)], now=(NOW, NOW + 5))
    for image in [image for images in found.values() for image in images]:
        assert image["age"] >= 0 and (image["size"] is None or 0 <= image["size"] < 2**63)
    assert json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("pattern", ["^(a|a)+$", "(x+x+)+y", "a.*a.*a.*a.*a.*a.*b$", "(.*a){20}$"])
@pytest.mark.parametrize("matches", [True, False])
def test_patterns_that_take_python_for_ever_are_decided(pattern, matches):
    tags = [row("a" * 127 + "!", 9 * DAY), row("x" * 128, 9 * DAY)]
    goes = [] if matches else sorted(tag["name"] for tag in tags)
    assert split(of(tags, [age("2d", pattern, matches)]))[:2] == (goes, [])


@pytest.mark.parametrize("pattern", ["((a{200}){200})", "(a{255}){255}", "x" * 5000])
@pytest.mark.parametrize("matches", [True, False])
def test_patterns_that_cannot_be_decided_make_uncertain(pattern, matches):
    tags = [row("v1", DAY), row("v2", 9 * DAY)]
    found = of(tags, [age("2d", pattern, matches)], [count(1)])
    assert split(found) == ([], ["v2"], ["v1"])
    reason = because(found)["v2"]
    assert ("cannot be evaluated here" in reason or "more than 1000 characters" in reason) and len(reason) < 600


def test_patterns_of_others_forge_nothing():
    found = of([row("v2", 9 * DAY)], [age("2d", "v\n\x1b|v2")])
    assert because(found)["v2"] == r"organization policy: older than 2d, v\n\x1b|v2"


# Properties

DIGESTS = [f"sha256:{number:064x}" for number in range(4)]
TAG_NAMES = ["v1", "v2", "v3", "dev-1", "dev-2", "x", "latest", "release-1"]
TAG_NAMES += [f"{digest.replace(':', '-')}.{suffix}" for digest in DIGESTS[:3] for suffix in ("sig", "att")]
PORTABLE = ["^v", "[0-9]$", "dev|x", "e", "^(v|dev-)[12]$", "nothing"]
FOREIGN = [r"\d", r"^v\d+$", "(?i)V", "[[:alpha:]]+-", "(?!v)", "(?P<x>v)", "[bad(", "*", "a{256}", r"\q", "v*?"]
AGES = ["0d", "-1s", "3s", "4s", "10s", " 007s", "1m"]
ODD = [0, -1, "1", "", None, "7x", 10**30, True, "99999999999d", "-99999999999d"]

tags_of = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(TAG_NAMES),
            "digest": st.sampled_from(DIGESTS),
            "start_ms": st.integers(0, 20_000).map(lambda age_ms: int(NOW * 1000) - age_ms),
            "end_ms": st.sampled_from([None, None, None, int(NOW * 1000) + 9000, int(NOW * 1000) - 2000]),
            "immutable": st.sampled_from([False, False, False, True]),
            "hidden": st.just(False),
        }
    ),
    max_size=12,
    unique_by=lambda tag: tag["name"],
)


def policies_of(alphabet, most=3, odd=False, least=0):
    values = {"creation_date": AGES, "number_of_tags": [1, 2, 3, 5]}
    each = st.sampled_from(list(values)).flatmap(
        lambda method: st.fixed_dictionaries(
            {
                "method": st.just(method),
                "value": st.sampled_from(values[method] + (ODD if odd else [])),
                "tag_pattern": st.sampled_from([None, *alphabet]),
                "tag_pattern_matches": st.booleans(),
            }
        )
    )
    return st.lists(each, min_size=least, max_size=most)


def listed(tags):
    """The tags of the fake as Quay lists them."""
    found = []
    for tag in tags:
        entry = {"name": tag["name"], "start_ts": tag["start_ms"] // 1000, "manifest_digest": tag["digest"]}
        entry.update({"immutable": True} if tag["immutable"] else {})
        found.append(dict(entry, **({} if tag["end_ms"] is None else {"end_ts": tag["end_ms"] // 1000})))
    return found


def pruned_by_the_fake(tags, namespace, repository, default, now=NOW):
    """The names of the tags that the fake's worker ends in a NORMAL repository."""
    tags = [dict(tag) for tag in tags]
    rename = {"tag_pattern": "tagPattern", "tag_pattern_matches": "tagPatternMatches"}
    spelled = [{rename.get(key, key): policy[key] for key in policy} for policy in [*namespace, *repository]]
    runs = [quay_prune.in_order(spelled), [quay_prune.default_as_policy(default)] if default else []]
    ended = set()
    for run in runs:
        try:
            for policy in run:
                ended |= {tag["name"] for tag, _cascade in quay_prune.apply_policy(tags, policy, int(now * 1000))}
        except quay_prune.PruneError:
            pass
    return ended


def active(tags):
    return sorted(tag["name"] for tag in tags if tag["end_ms"] is None or tag["end_ms"] > NOW * 1000)


ANY = policies_of(PORTABLE + FOREIGN, odd=True)


@settings(max_examples=500, deadline=None)
@given(tags_of, ANY, ANY, ANY)
def test_agrees_with_the_fake(tags, namespace, repository, default):
    default = default[0] if default else None
    certain, uncertain, kept = split(of(listed(tags), namespace, repository, default))
    assert sorted(certain + uncertain + kept) == active(tags)
    pruned = pruned_by_the_fake(tags, namespace, repository, default)
    assert set(certain) <= pruned <= set(certain + uncertain)


@settings(max_examples=200, deadline=None)
@given(tags_of, ANY, ANY, ANY, st.sampled_from(["NORMAL", "READ_ONLY"]), st.randoms())
def test_images_are_what_two_forecasts_compared_are(tags, namespace, planned, current, state, chance):
    rows = listed(tags)
    for one in rows:
        one.update(chance.choice([{}, {"child_manifests_presence": None}, {"child_manifests_presence": {"a:1": True}}]))
    found = Tags(state, rows, (NOW, NOW))
    fates = [found.fates(namespace, repository, None) for repository in (planned, current)]
    told = found.images(*fates, lambda because: because[:12])
    both = [of(rows, namespace, repository, state=state) for repository in (planned, current)]
    expected = forecasts.compared(*both, lambda image: image["because"][:12])
    assert list(told) == [image for images in expected.values() for image in images]
    assert len(told) == len(active(tags))


@settings(max_examples=200, deadline=None)
@given(tags_of, policies_of(PORTABLE), policies_of(PORTABLE), st.randoms())
def test_agrees_with_the_fake_whatever_the_order_within_a_scope(tags, namespace, repository, chance):
    certain, uncertain, _kept = split(of(listed(tags), namespace, repository))
    chance.shuffle(namespace)
    chance.shuffle(repository)
    pruned = pruned_by_the_fake(tags, namespace, repository, None)
    assert set(certain) <= pruned <= set(certain + uncertain)


@settings(max_examples=200, deadline=None)
@given(tags_of, policies_of(PORTABLE, 1), policies_of(PORTABLE, 1), policies_of(PORTABLE, 1))
def test_is_certain_where_the_times_differ_widely(tags, namespace, repository, default):
    for place, tag in enumerate(tags):
        tag["start_ms"] = int(NOW * 1000) - 2500 * place - 5000
    for policy in (policy for policy in namespace + repository + default if policy["method"] == "creation_date"):
        policy["value"] = "0d" if policy["value"] in AGES[:3] else "13s"
    tags = [tag for tag in tags if not 11_500 <= NOW * 1000 - tag["start_ms"] <= 14_500]
    default = default[0] if default else None
    certain, uncertain, _kept = split(of(listed(tags), namespace, repository, default))
    assert not uncertain
    assert set(certain) == pruned_by_the_fake(tags, namespace, repository, default)


@settings(max_examples=200, deadline=None)
@given(tags_of, ANY, ANY)
def test_what_is_protected_is_never_deleted(tags, namespace, repository):
    found = of(listed(tags), namespace, repository)
    doomed = names(found["deletions"] + found["uncertain"])
    by_name = {tag["name"]: tag for tag in tags}
    assert not any(by_name[name]["immutable"] for name in doomed)
    for name in filter(COSIGN.match, doomed):
        digest = name.rpartition(".")[0].replace("-", ":", 1)
        assert any(by_name[other]["digest"] == digest for other in doomed if not COSIGN.match(other))


# An earlier policy with a pattern can save what a later number policy would delete, by making room among the newest.
# So these two hold for the policy that comes last.


@settings(max_examples=200, deadline=None)
@given(tags_of, ANY, ANY, policies_of(PORTABLE + FOREIGN, 1, odd=True, least=1))
def test_a_further_policy_saves_no_tag(tags, namespace, repository, last):
    before, after = of(listed(tags), namespace, repository), of(listed(tags), namespace, repository, last[0])
    assert set(names(before["deletions"])) <= set(names(after["deletions"]))
    assert set(names(after["kept"])) <= set(names(before["kept"]))


@settings(max_examples=200, deadline=None)
@given(tags_of, ANY, ANY, st.integers(1, 12), st.integers(1, 12), st.sampled_from([None, *PORTABLE, *FOREIGN]))
def test_a_stricter_policy_dooms_no_less(tags, namespace, repository, one, two, pattern):
    for policy in (count, lambda value, pattern: age(f"{value}s", pattern)):
        strict, lax = (of(listed(tags), namespace, repository, policy(value, pattern)) for value in sorted((one, two)))
        assert set(names(strict["kept"])) <= set(names(lax["kept"]))
        assert set(names(lax["deletions"])) <= set(names(strict["deletions"]))


@settings(max_examples=200, deadline=None)
@given(tags_of, policies_of([]), policies_of([]), policies_of([], 1, least=1))
def test_without_patterns_no_policy_saves_a_tag_wherever_it_comes(tags, namespace, repository, more):
    before, after = of(listed(tags), namespace, repository), of(listed(tags), namespace + more, repository)
    assert set(names(after["kept"])) <= set(names(before["kept"]))
