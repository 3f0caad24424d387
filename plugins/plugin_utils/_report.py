# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of tasks say about registries, in numbers and messages: the ground of all reports. Pure."""

from __future__ import annotations

import itertools
from typing import Any, Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

IMAGES = ("count", "uncertain_count", "anyway_count", "added_count", "total", "bytes", "repositories")
NUMBERS = ("targets", "changed", "failed", "left_out", *IMAGES)
# Of the entries of a declaration; those of one plan, which may count an image in two of them, are in NUMBERS.
ROW = ("what", "targets", "changed", "count", "uncertain_count", "anyway_count", "total", "bytes", "limit")
STATS = {"change": "changed", "go": "count", "perhaps": "uncertain_count", "bytes": "bytes"}
HELD = "refused, nothing was written; this is what it would have been"
MOST_ROWS = 50
MOST_WORST = 10
MOST_MESSAGES = 50
MOST_MESSAGE = 900  # characters
MOST_REASONS = 6  # in the message of a failure
MOST_REASON = 90  # characters of each
MOST_VERDICT = 240  # characters of all of one registry: ansible-core 2.19 prints them twice, AWX shows 1,024 bytes


def registry(name: str, results: list, check_mode: bool) -> dict:
    """Return what the results of the tasks of one registry say; the keys are those of the report in JSON.

    Numbers are None where they are not known.
    """
    found = [result for result in _flat(results) if result.get("skipped") is not True]
    plans = [result.get("plan") or {} for result in found]
    # What keeps several tasks from working, such as an address where nobody answers, is said once.
    messages = list({tuple(message.items()): message for result in found for message in _messages(result)}.values())
    numbers = [_numbers(result) for result in found]
    refused = next((str(plan["refused"].get("limit") or "a limit") for plan in plans if plan.get("refused")), "")
    return {
        "name": name,
        "declared": bool(found),
        "numbers": {key: total(each[key] for each in numbers) for key in NUMBERS},
        "estimate": any((plan.get("images") or {}).get("estimate") for plan in plans),
        "drift": any(plan.get("changed") or result.get("changed") for plan, result in zip(plans, found)),
        "refused": refused,
        "held": bool(refused) and not check_mode,  # nothing was written: the numbers are what it would have been
        "failed": any(map(_failed, found)),
        "messages": messages[:MOST_MESSAGES],
        "more_messages": len(messages[MOST_MESSAGES:]),
        "rows": [{key: row.get(key) for key in ROW} for plan in plans for row in plan.get("rows") or []][:MOST_ROWS],
        "worst": sorted((one for plan in plans for one in plan.get("worst") or []), key=loss, reverse=True)[
            :MOST_WORST
        ],
        "lines": [line for plan in plans for line in plan.get("lines") or []],
        "files": [plan["file"] for plan in plans if plan.get("file")],
    }


def together(registries: list) -> dict:
    """Return the sum over registries, of what is known: `unknown` has the names of those that are not in all of it."""
    keys = [key for key in NUMBERS if key != "repositories"]  # some of them have no such thing
    return {
        "registries": len(registries),
        "numbers": {key: total(done(each)[key] or 0 for each in registries) for key in NUMBERS},
        "unknown": [each["name"] for each in registries if None in (each["numbers"][key] for key in keys)],
        "refused": [each["name"] for each in registries if each["refused"]],
        "failed": [each["name"] for each in registries if each["failed"] and not each["refused"]],
        "drift": [each["name"] for each in registries if each["drift"]],
    }


def done(registry: dict) -> dict:
    """Return the numbers of a registry, none of change if its plan was refused in a run that writes."""
    untouched = dict.fromkeys(("changed", *IMAGES[:4], *IMAGES[5:]), 0) if registry["held"] else {}
    return {**registry["numbers"], **untouched}


def summary(registries: list, check_mode: bool) -> str:
    """Return the sum over registries as one line of text."""
    if not any(each["declared"] for each in registries):
        return "nothing is declared"
    found = together(registries)
    numbers = found["numbers"]
    parts = []
    if any(each["numbers"]["targets"] is not None for each in registries):
        parts.append(f"{number(numbers['changed'])} of {plural(numbers['targets'], 'target')} {verb(check_mode)}")
        parts.append(f"{plural(numbers['count'], 'image')} {'goes' if numbers['count'] == 1 else 'go'}")
    if numbers["uncertain_count"]:
        parts.append(f"{number(numbers['uncertain_count'])} perhaps")
    if numbers["anyway_count"]:
        parts.append(f"{number(numbers['anyway_count'])} of them would go anyway")
    parts += [size(numbers["bytes"])] if numbers["bytes"] else []
    parts += [f"{number(numbers['left_out'])} left as they are"] if numbers["left_out"] else []
    for what in ("refused", "failed"):
        parts += [f"{what}: {listed(found[what])}"] if found[what] else []
    unknown = [name for name in found["unknown"] if name not in found["refused"] + found["failed"]]
    parts += [f"not all is known of {listed(unknown)}"] if unknown else []
    return ", ".join(parts)


def stats(registries: list, check_mode: bool) -> dict:
    """Return the result key `ansible_stats`, as ansible.builtin.set_stats has it."""
    hosts = {
        each["name"]: {
            **{name: done(each)[key] for name, key in STATS.items()},
            "blown": each["refused"],
            "message": printable(each["messages"][0]["text"], 300) if each["failed"] and each["messages"] else "",
        }
        for each in registries
    }
    data = {"registry_hygiene": {"summary": summary(registries, check_mode), "hosts": hosts}}
    return {"data": data, "per_host": False, "aggregate": True}


def verdict(registries: list, fail_on: str, check_mode: bool) -> str:
    """Return why the task fails: one line for each reason, what refused first; empty if it does not."""
    reasons, alone = {"refused": [], "failed": [], "drift": []}, len(registries) == 1
    for each in registries if fail_on else []:
        kind = "refused" if each["refused"] else "failed" if each["failed"] else "drift" if each["drift"] else ""
        where = printable(each["name"], 40)
        if kind == "drift" and fail_on == "drift":
            numbers = each["numbers"]
            changed = f"{number(numbers['changed'])} of {plural(numbers['targets'], 'target')}"
            reasons[kind].append(f"drift: {changed} {verb(check_mode)} ({where})")
        elif kind and kind != "drift":
            first, *rest = [one["text"] for one in each["messages"] if one["kind"] != "skipped"] or [kind]
            reasons[kind].append(f"{printable(first, MOST_REASON)} ({where})")
            reasons[kind] += [printable(line, MOST_REASON) for line in rest] if alone else []
    lines = [line for kind in reasons for line in reasons[kind]]
    more = len(lines) - MOST_REASONS
    rest = [f"and {plural(more, 'host')} more"] if more > 0 else []
    return _fitting(lines) if alone else "\n".join([*lines[:MOST_REASONS], *rest])


def _fitting(lines: list[str]) -> str:
    """Return the first of the lines of a message, as many as fit."""
    ends = itertools.accumulate(len(line) + 1 for line in lines)
    return "\n".join([line for line, end in zip(lines, ends) if end <= MOST_VERDICT] or lines[:1])


def loss(repository: dict) -> tuple:
    """Return what repositories are sorted by: how much each loses."""
    return (repository.get("count") or 0) + (repository.get("uncertain_count") or 0), repository.get("bytes") or 0


def total(values: Iterable) -> int | None:
    """Return the sum, None if one of the values is not known."""
    values = list(values)
    return None if None in values else sum(values)


def number(value: int | None) -> str:
    """Return a number for a person, at most six characters below ten thousand million; ? if it is not known."""
    if value is None:
        return "?"
    if value >= 10**7:
        return f"{value // 10**6:,}M"
    if value >= 10**5:
        return f"{value // 10**3:,}k"
    return f"{value:,}"


def plural(value: int | None, noun: str) -> str:
    """Return a number and its noun."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def size(value: int | None) -> str:
    """Return a number of bytes for a person; ? if it is not known."""
    if value is None:
        return "?"
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.95:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.0f} PB"


def days(seconds: float | None) -> str:
    """Return an age for a person, empty if it is not known."""
    return "" if seconds is None else f"{int(seconds // 86400)} d"


def verb(check_mode: bool) -> str:
    """Return what the targets do that differ."""
    return "would change" if check_mode else "changed"


def listed(names: list, most: int = 5) -> str:
    """Return names for a person, the first of them if they are many."""
    shown = ", ".join(printable(name, 50) for name in names[:most])
    return f"{shown} and {number(len(names) - most)} more" if len(names) > most else shown


def image_name(image: dict, longest: int | None = None) -> str:
    """Return the tag of an image, its digest if it has none; longest: so many characters of the digest."""
    return str(image.get("tag") or str(image.get("digest") or "")[:longest] or "an image without a name")


def _flat(results: list) -> Iterable[dict]:
    for result in results:
        if isinstance(result.get("results"), list):  # of a loop
            yield from result["results"]
        else:
            yield result


def _failed(result: dict) -> bool:
    plan = result.get("plan") or {}
    said = "failed_when_result" in result and result.get("msg")  # failed_when: false takes `failed` away
    return bool(
        any(result.get(key) for key in ("failed", "unreachable", "failures"))
        or any(plan.get(key) for key in ("refused", "failed"))
        or said
    )


def _numbers(result: dict) -> dict[str, Any]:
    plan = result.get("plan")
    if not plan:
        return dict.fromkeys(NUMBERS)
    images = plan.get("images")
    if images is None:
        nothing = not plan.get("changed") and not _failed(result)
        images = dict.fromkeys(IMAGES, 0 if nothing else None)
    return {**{key: plan.get(key) for key in NUMBERS}, **{key: images.get(key) for key in IMAGES}}


def _messages(result: dict) -> Iterable[dict]:
    if _failed(result):
        refused = (result.get("plan") or {}).get("refused")
        kind = "refused" if refused else "failed"
        said = str(result.get("msg") or (refused or {}).get("message") or "")
        failures = [
            f"{target}: {why}"
            for target, why in (result.get("failures") or {}).items()
            if not (str(target) in said and str(why) in said)
        ]
        lines = [line for line in said.splitlines() if line.strip()] + failures
        for line in lines or ["it failed, without a reason"]:
            yield {"kind": kind, "text": printable(line, MOST_MESSAGE)}
    left: dict = {}
    for target, why in (result.get("left_out") or {}).items():
        left.setdefault(str(why), []).append(str(target))
    for why, targets in left.items():
        more = f" and {number(len(targets) - 1)} more: left as they are" if len(targets) > 1 else ": left as it is"
        yield {"kind": "skipped", "text": printable(f"{targets[0]}{more}: {why}", MOST_MESSAGE)}
