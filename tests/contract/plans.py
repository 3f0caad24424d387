# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up results of modules that plan, and their plan files, of any size and with any names."""

from __future__ import annotations

from typing import Any

DAY = 86400
RULES = (
    "repository policy: older than 30d, ^dev-",
    "organization policy: older than 14d, ^pr-",
)


def image(tag: str, age: float | None, rule: str = RULES[0], **more: Any) -> dict:
    """Return an image of a plan; age: days."""
    digest = "sha256:" + tag.encode("utf-8", "replace").hex()[:64].rjust(64, "0")
    seconds = None if age is None else int(age * DAY)
    size = 1_000_000 * (1 + len(tag))
    known = {"tag": tag, "digest": digest, "age": seconds, "size": size, "because": rule}
    return {**known, "fate": "goes", "anyway": False, **more}


def repositories(names: list[str], losses: list[int]) -> dict[str, dict]:
    """Return the key `repositories` of a plan file: of each that many images that go, and three that stay."""
    found = {}
    for place, (name, loss) in enumerate(zip(names, losses)):
        fates = ["perhaps" if number % 7 == 6 else "goes" for number in range(loss)]
        images = [
            image(f"{('dev', 'pr')[number % 2]}-{place * 7919 + number * 104729:07x}", 15 + (number * 37 + place) % 500,
                  RULES[number % 2], fate=fate, anyway=number % 5 == 4)
            for number, fate in enumerate(fates)
        ]  # fmt: skip
        images += [image(f"v1.{number}", number, "", fate="stays") for number in range(3)]
        found[name] = {"images": images}
    return found


def planned(found: dict[str, dict], entries: dict[str, int] | None = None, refused: str = "", **more: Any) -> dict:
    """Return the result of a module that planned to change these repositories.

    entries: what each entry is called -> how many targets it has. refused: the limit that refused the plan.
    """
    losing = {name: [one for one in each["images"] if one["fate"] != "stays"] for name, each in found.items()}
    going = [one for images in losing.values() for one in images]
    sure = [one for one in going if one["fate"] == "goes"]
    anyway = sum(one["anyway"] for one in going)
    images = {
        "count": len(sure),
        "uncertain_count": len(going) - len(sure),
        "anyway_count": anyway,
        "added_count": len(going) - anyway,
        "total": sum(len(each["images"]) for each in found.values()),
        "bytes": sum(one["size"] or 0 for one in sure),
        "repositories": sum(map(bool, losing.values())),
        "estimate": False,
    }
    entries = entries or {"acme/*": len(found)}
    share = {key: images[key] // len(entries) for key in ("count", "uncertain_count", "anyway_count", "total", "bytes")}
    rows = [
        {"what": what, "targets": targets, "changed": targets, **share, "limit": refused if not place else ""}
        for place, (what, targets) in enumerate(entries.items())
    ]
    worst = sorted(losing, key=lambda name: len(losing[name]), reverse=True)[:10]
    blown = {"limit": refused, "value": len(going), "allowed": 10, "count": 1,
             "message": f"refused by {refused}: {len(going)} > 10 (acme/*)"}  # fmt: skip
    plan = {
        "targets": sum(entries.values()),
        "changed": sum(entries.values()),
        "failed": 0,
        "left_out": 0,
        "images": images,
        "refused": blown if refused else None,
        "lines": [f"~ {len(found):,} repositories (acme/*): older than 30d, ^dev-  ->  21d"],
        "rows": rows[:50],
        "worst": [
            {
                "target": name,
                "count": sum(one["fate"] == "goes" for one in losing[name]),
                "uncertain_count": sum(one["fate"] == "perhaps" for one in losing[name]),
                "kept_count": 3,
                "bytes": sum(one["size"] or 0 for one in losing[name] if one["fate"] == "goes"),
                "images": losing[name][:3],
            }
            for name in worst
        ],
        "file": None,
    }
    result = {"changed": not refused, "failed": bool(refused), "plan": {**plan, **more}}
    return {**result, "msg": blown["message"]} if refused else result


def unchanged(targets: int = 3) -> dict:
    """Return the result of a module that had nothing to do."""
    found = planned({}, {"acme/*": targets})
    found["plan"].update(changed=0, images=None, worst=[], lines=[])
    zeros = dict.fromkeys(("changed", "count", "uncertain_count", "anyway_count", "total", "bytes"), 0)
    found["plan"]["rows"] = [{**row, **zeros} for row in found["plan"]["rows"]]
    return {**found, "changed": False}


def plan_file(found: dict[str, dict], result: dict) -> dict:
    """Return what the plan file of that result holds."""
    kept = {key: value for key, value in result["plan"].items() if key not in ("lines", "file")}
    head = {"format": "registry.hygiene plan", "version": 1, "module": "made_up", "registry": "https://made-up.test"}
    return {**head, "plan": kept, "changes": [], "repositories": found}
