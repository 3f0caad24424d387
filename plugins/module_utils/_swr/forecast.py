# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags of a repository a retention policy of SWR deletes, for certain or perhaps. Pure.

An estimate: where the documentation of SWR leaves open what happens, the tag is uncertain.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import figures, matching, patterns, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

SECOND = "within a second of the limit"
TIE = "its time is equal to that of others at the limit"
OTHERS = "depends on other tags that are uncertain"
DIFFERENTLY = "may be read differently by SWR"
MOST_WORDS = 200  # characters of a selector in a reason
BY_WHAT = "SWR does not say whether the time of creation or of the update counts, and they differ here"
SEVERAL = "SWR holds several policies here, which it does not document"


def forecast(repository: str, tags: list, policy: dict | None, now: tuple[float, float]) -> dict:
    """Return {"deletions": [image], "uncertain": [image], "kept": [image]}: every tag once.

    tags: as SWR lists them; policy: a state as the retention of a repository is read, None if there is none;
    now: the earliest and the latest time that it may be.
    """
    rows = {tag["Tag"]: _row(tag["Tag"], tag.get("created") or tag["updated"], tag["updated"]) for tag in tags}
    now = figures.window(now, [row["updated"] for row in rows.values()])
    policies = [policy, *policy.get("further_policies", [])] if policy else []
    fates: dict = {}
    reasons: dict = {}
    for one in policies:
        found, spared = _fates(one, list(rows.values()), now)
        for name, (certain, because) in found.items():
            # SWR documents one policy of one rule; with several, one may delete what another counts.
            fates.setdefault(name, (certain, because) if len(policies) == 1 else (False, f"{because}: {SEVERAL}"))
        reasons.update(spared)
    images: dict = {"deletions": [], "uncertain": [], "kept": []}
    for name, tag in {tag["Tag"]: tag for tag in tags}.items():
        certain, because = fates.get(name, (None, reasons.get(name, "")))
        image = dict(target=repository, tag=name, digest=tag.get("digest"), age=figures.age(now, rows[name]["updated"]))
        kind = {True: "deletions", False: "uncertain", None: "kept"}[certain]
        images[kind].append(dict(image, size=figures.size(tag.get("size")), because=because))
    return images


def _row(name: str, created: str, updated: str) -> dict:
    return {"name": name, "created": schedule.epoch(created), "updated": schedule.epoch(updated)}


def _fates(policy: dict, rows: list, now: tuple[float, float]) -> tuple[dict, dict]:
    """Return tag -> (certain, because) of the tags that go or may go, and tag -> selector of those that are spared."""
    if policy.get("template") not in ("date_rule", "tag_rule"):
        return {row["name"]: (False, "SWR holds a rule that cannot be forecast") for row in rows}, {}
    selectors = policy.get("tag_selectors") or []
    for selector in selectors:
        if selector["kind"] == "regexp" and _reading(selector["pattern"])[0] is None:
            # https://support.huaweicloud.com/intl/en-us/usermanual-swr/swr_01_0102.html warns of badly formed filters.
            text = f"SWR may delete every tag, because {_words(selector)} is badly formed for it"
            return {row["name"]: (False, text) for row in rows}, {}
    spared, doubts, pool = {}, {}, []
    for row in rows:
        verdicts = [(selector, _matches(selector, row["name"])) for selector in selectors]
        certain = next((selector for selector, matches in verdicts if matches is True), None)
        unsure = next((f"{_words(selector)} {why}" for selector, why in verdicts if isinstance(why, str)), None)
        if certain:
            spared[row["name"]] = _words(certain)
            continue
        pool.append(row)
        if unsure:
            doubts[row["name"]] = unsure
    if policy["template"] == "date_rule":
        return _by_age(policy["days"], pool, doubts, now), spared
    return _by_number(policy["num"], pool, doubts), spared


def _words(selector: dict) -> str:
    return printable(f"tag_selector {selector['kind']} {selector['pattern']}", MOST_WORDS)


@functools.lru_cache(maxsize=1024)
def _reading(pattern: str) -> tuple[Any, bool]:
    """Return the matcher of a pattern, None if SWR may find it badly formed, and whether all engines share it."""
    if patterns.fault(pattern) or patterns.not_re2(pattern):
        return None, False
    try:
        return matching.compile(pattern), patterns.not_portable(pattern) is None
    except re.error:
        return None, False


def _matches(selector: dict, name: str) -> bool | str:
    """Return whether a selector spares a tag, or why that is not known."""
    if selector["kind"] == "label":
        return selector["pattern"] == name
    if selector["kind"] != "regexp":
        return DIFFERENTLY
    matcher, portable = _reading(selector["pattern"])
    anywhere, whole = matcher.search(name), matcher.fullmatch(name)
    if anywhere is None or whole is None:
        return f"cannot be evaluated here: {matcher.problem}"
    # SWR does not say whether an expression must match the whole tag.
    return anywhere if portable and anywhere == whole else DIFFERENTLY


def _by_age(days: int, pool: list, doubts: dict, now: tuple[float, float]) -> dict:
    fates, limit, rule = {}, days * 86400, f"older than {days} days"
    for row in pool:
        if now[1] - row["updated"] >= limit - 1:
            unsure = SECOND if now[0] == now[1] else figures.CLOCKS
            doubt = doubts.get(row["name"]) or (None if now[0] - row["updated"] > limit + 1 else unsure)
            fates[row["name"]] = (not doubt, f"{rule}: {doubt}" if doubt else rule)
    return fates


def _by_number(num: int, pool: list, doubts: dict) -> dict:
    fates, rule = {}, f"not among the newest {num}"
    by_update, by_creation = (_beyond_newest(num, pool, doubts, key) for key in ("updated", "created"))
    for row in pool:
        name = row["name"]
        if name in by_update or name in by_creation:
            doubt = doubts.get(name) or by_update.get(name, BY_WHAT) or by_creation.get(name, BY_WHAT)
            fates[name] = (not doubt, f"{rule}: {doubt}" if doubt else rule)
    return fates


def _beyond_newest(num: int, pool: list, doubts: dict, key: str) -> dict:
    """Return tag -> doubt or None of those that go or may go when this time counts."""
    found, newer, surely_newer = {}, 0, 0
    ordered = sorted(pool, key=lambda row: row[key], reverse=True)
    for _time, group in itertools.groupby(ordered, lambda row: row[key]):
        names = [row["name"] for row in group]
        counted = sum(name not in doubts for name in names)
        if newer + len(names) > num:
            unsure = OTHERS if newer + len(names) > surely_newer + counted else TIE
            found.update(dict.fromkeys(names, None if surely_newer >= num else unsure))
        newer, surely_newer = newer + len(names), surely_newer + counted
    return found
