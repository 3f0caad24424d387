# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a person reads it: what changes, grouped, names first, and what that costs. Short at any size. Pure.

things: target -> its Resource, with the `entry` that it comes from. forecast: repository -> images, see forecast.py.
"""

from __future__ import annotations

import collections

from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core import names
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

WIDTH = 110  # characters of a line
MOST_GROUPS = 12  # of equal changes: with the rest, about 60 lines
MOST_RULES = 6
MOST_WORST = 10  # repositories that lose most
MOST_ROWS = 50  # entries of a declaration
NAMED = 3  # names of a group
DANGER = "!"  # the sign of what a change may cost beyond the images of a forecast: always told first
ORDER = "+~-"  # of changes that are about as many targets
DAY = 86400


def changes(things: dict, before: dict, after: dict, changed: list) -> list[dict]:
    """Return the groups of equal changes, the largest first: {"sign", "text", "kind", "targets": [...]}."""
    groups: dict = {}
    for name in changed:
        for sign, text in things[name].changes(before[name], after[name]):
            groups.setdefault((sign, text, things[name].kind()), {})[name] = True
    ordered = sorted(
        groups.items(), key=lambda item: (item[0][0] != DANGER, -len(item[1]), ORDER.find(item[0][0]), item[0][1])
    )
    return [{"sign": sign, "text": text, "kind": kind, "targets": list(found)} for (sign, text, kind), found in ordered]


def by_entry(things: dict) -> dict:
    """Return entry -> the names of its targets."""
    found: dict = {}
    for name, thing in things.items():
        found.setdefault(thing.entry, []).append(name)
    return found


def folded(targets: list, things: dict, owned: dict) -> list[str]:
    """Return the targets in few words: a glob of an entry for most of what it stands for, full names for the rest.

    owned: what by_entry returns.
    """
    left = {things[name].full_name(): name for name in targets}
    mine: dict = {}  # entry -> the full names of its targets here
    for full, name in left.items():
        mine.setdefault(things[name].entry, []).append(full)
    found: list = []
    for entry, ours in mine.items():
        every = None
        for glob in filter(names.is_glob, entry.named):
            here = names.matching(glob, [full for full in ours if full in left])
            if len(here) < 2:
                continue
            every = every or [things[name].full_name() for name in owned[entry]]
            meant = len(names.matching(glob, every))
            missing = meant - len(here)
            if len(here) > NAMED and missing <= meant // 2 or not missing:
                found.append(f"{glob} but {missing:,}" if missing else glob)
                for full in here:
                    del left[full]
            if len(found) > NAMED or not left:  # nobody gets to see more
                return [*found, *left]
    return [*found, *left]


def _line(group: dict, things: dict, owned: dict) -> str:
    """Return a group of equal changes: as many names as there is room for, at least one."""
    words, number = folded(group["targets"], things, owned), len(group["targets"])
    for most in range(NAMED, 0, -1):
        some = ", ".join(printable(word, 60) for word in words[:most]) + (", ..." if len(words) > most else "")
        who = some if number == 1 else f"{plural(number, group['kind'])} ({some})"
        line = printable(f"{group['sign']} {who}: {group['text']}", 2 * WIDTH)
        if len(line) <= WIDTH:
            break
    return line


def lines(groups: list, things: dict, forecast: dict | None, params: dict, estimate: bool) -> list[str]:
    """Return the plan for a person, in about 60 lines whatever its size."""
    owned = by_entry(things)
    found = [_line(group, things, owned) for group in groups[:MOST_GROUPS]]
    rest = groups[MOST_GROUPS:]
    if rest:
        number = len({target for group in rest for target in group["targets"]})
        found.append(f"  and {plural(len(rest), 'other change')} of {plural(number, 'target')}, see plan_file")
    if forecast is not None:
        found += _of_images(forecast, params["preview_limit"], estimate)
    return found


def _of_images(forecast: dict, limit: int, estimate: bool) -> list[str]:
    sums = forecasts.totals(forecast)
    go, perhaps, anyway = sums["count"], sums["uncertain_count"], sums["anyway_count"]
    if not go and not perhaps:
        return [f"  no image goes of {sums['total']:,}"] if sums["total"] else []
    text = f"  {plural(go, 'image')} of {sums['total']:,} {'goes' if go == 1 else 'go'}"
    text += f" ({size(sums['bytes'])})" if sums["bytes"] else ""
    text += f", {perhaps:,} more may" if perhaps else ""
    if anyway:
        text += f"; {anyway:,} of them would go anyway, this adds {sums['added_count']:,}"
    found = [text + ("; an estimate, not all rules are documented" if estimate else "")]
    rules: collections.Counter = collections.Counter()
    for images in forecast.values():
        for (fate, _anyway, _by, because), (number, _size) in images.groups.items():
            rules[because] += number if fate != forecasts.STAYS else 0
    rules = +rules  # without what nothing goes for
    for rule, number in rules.most_common(MOST_RULES):
        found.append(printable(f"    {number:>7,}  {rule}", WIDTH))
    if len(rules) > MOST_RULES:
        others = rules.most_common()[MOST_RULES:]
        found.append(f"    {sum(number for _rule, number in others):>7,}  for {plural(len(others), 'other reason')}")
    worst = forecasts.worst(forecast, MOST_WORST, limit)
    for one in worst:
        loses, total = one["count"] + one["uncertain_count"], one["count"] + one["uncertain_count"] + one["kept_count"]
        found.append(f"  {printable(one['target'], 60)}: {loses:,} of {total:,} go, {one['kept_count']:,} stay")
        found += [line_of(image) for image in one["images"]]
    others = sums["repositories"] - len(worst)
    if others > 0:
        number = go + perhaps - sum(one["count"] + one["uncertain_count"] for one in worst)
        found.append(f"  and {number:,} images of {others:,} other repositories")
    return found


def line_of(image: dict) -> str:
    """Return an image that goes or may go, with age, size and reason."""
    digest = (image["digest"] or "")[:19]
    parts = [
        printable(image["tag"] or digest, 40),
        f"{image['age'] // DAY} d" if image["age"] is not None else "",
        size(image["size"]) if image["size"] else "",
        image["because"] + (" (anyway)" if image["anyway"] else ""),
    ]
    return printable(f"    {'-' if image['fate'] == forecasts.GOES else '?'} {'  '.join(filter(None, parts))}", WIDTH)


def size(number: int) -> str:
    """Return bytes for a person, in powers of 1,000 as registries show them."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def rows(entries: list, things: dict, changed: list, forecast: dict | None, blown: dict, one: str = "") -> list[dict]:
    """Return a row of each entry (at most MOST_ROWS): what it is about, its targets and images, the limit that refuses.

    blown: entry -> name of the limit. one: what to call all entries where each is one target, which make one row; they
    have no images then.
    """
    if one:
        sums = dict.fromkeys(("count", "uncertain_count", "anyway_count", "total", "bytes"), 0)
        limit = next(iter(blown.values()), "")
        row = {"what": one, "targets": len(things), "changed": len(changed), **sums, "limit": limit}
        return [row] if things else []
    groups: dict = {entry: [] for entry in entries}  # of images
    totals: dict = {entry: {} for entry in entries}  # repository -> images of any entry
    for repository, images in (forecast or {}).items():
        for key, sums in images.groups.items():
            _fate, _anyway, by, _because = key
            entry = things[by].entry
            groups[entry].append({key: sums})
            totals[entry][repository] = len(images)
    changing, owned = set(changed), by_entry(things)
    found = []
    for entry in entries[:MOST_ROWS]:
        own = owned.get(entry, [])
        change = sum(name in changing for name in own)
        sums = dict(forecasts.summed(groups[entry]), total=sum(totals[entry].values())) if forecast is not None else {}
        known = {
            key: sums.get(key) if change else 0
            for key in ("count", "uncertain_count", "anyway_count", "total", "bytes")
        }
        found.append(
            {
                "what": printable(entry.label, 200),
                "targets": len(own),
                "changed": change,
                **known,
                "limit": blown.get(entry, ""),
            }
        )
    return found
