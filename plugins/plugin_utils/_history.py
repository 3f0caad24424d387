# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries deleted, by the results of the history modules, and held against what plans foretold. Pure."""

from __future__ import annotations

import collections
import re
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.plugin_utils import _report
from ansible_collections.registry.hygiene.plugins.plugin_utils._plans import Plan

FORMAT = "registry.hygiene history"
ROW = ("when", "target", "tag", "digest", "because", "run")
RUN = ("when", "target", "what", "run", "status", "deleted", "bytes")
CHANGE = ("when", "target", "what", "by")
NAMELESS = ("do_registry_gc",)  # DigitalOcean does not tell which images went, so nothing can be held against these
COSIGN = re.compile(r"sha256-([0-9a-f]{64})\.(sig|att|sbom)\Z")  # the log of Quay has no entry of these


def registry(name: str, results: list, plans: list[Plan], read: Callable[[str], Any]) -> dict:
    """Return what the results of the history modules say of one registry; the keys are those of the report in JSON.

    plans: plan files, perhaps of other registries. read: returns what a history file holds, None if that is not known.
    """
    said = _report.registry(name, results, check_mode=False)
    found = [result for result in results_of(results) if isinstance(result.get("history"), list)]
    parts = [_whole(result, read) for result in found]
    rows = [row for part, _complete in parts for row in _rows(part, "history", ROW)]
    rows.sort(key=lambda row: str(row["when"]), reverse=True)
    spans = [str(result.get("since")) for result in found if result.get("since")]
    url = next((result["registry"] for result in found if result.get("registry")), None)
    known = {
        "name": name,
        "registry": url,
        "since": min(spans, default=None),
        "read": bool(found),
        "failed": said["failed"],
        "count": sum(int(result.get("count") or 0) for result in found),
        "repositories": repositories(rows),
        "runs": [run for part, _complete in parts for run in _rows(part, "runs", RUN)],
        "changes": [change for part, _complete in parts for change in _rows(part, "changes", CHANGE)],
        "messages": [message["text"] for message in said["messages"]],
        "truncated": [str(text) for result in found for text in result.get("truncated") or []],
        "history": rows,
    }
    if not all(complete for _part, complete in parts):
        known["truncated"].append(f"only {len(rows):,} of {known['count']:,} are here: there is no history_file")
    own = [plan for plan in plans if plan.registry == url]
    named = [plan for plan in own if plan.module not in NAMELESS]
    known["nameless"] = bool(own) and not named
    known["comparison"] = compared(rows, named, known["since"]) if named and found else None
    return known


def results_of(results: list) -> list[dict]:
    """Return results, those of loops one by one, without what was skipped."""
    flat = [one for result in results for one in result.get("results") or [result]]
    return [one for one in flat if isinstance(one, dict) and one.get("skipped") is not True]


def _whole(result: dict, read: Callable[[str], Any]) -> tuple[dict, bool]:
    """Return the history file of a result, or if it is not to be read here, the result; and whether that is all."""
    written = read(result["file"]) if result.get("file") else None
    keys = ("registry", "since", "count")  # another file may be there, if the task was delegated
    if (
        isinstance(written, dict)
        and isinstance(written.get("history"), list)
        and [written.get(key) for key in ("format", *keys)] == [FORMAT, *(result.get(key) for key in keys)]
    ):
        return written, True
    return result, len(result["history"]) >= int(result.get("count") or 0)


def _rows(part: dict, name: str, keys: tuple) -> list[dict]:
    found = part.get(name)
    return [{key: _plain(row.get(key)) for key in keys} for row in found or [] if isinstance(row, dict)]


def _plain(value: Any) -> Any:
    """Return a value as it is if it is a simple one, otherwise as a text."""
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def repositories(rows: list) -> list[dict]:
    """Return what each repository lost, the worst first: target, count, newest (time), because (the most frequent)."""
    found: dict = {}
    for row in rows:
        found.setdefault(str(row["target"]), []).append(row)
    sums = [
        {
            "target": name,
            "count": len(some),
            "newest": some[0]["when"],
            "because": collections.Counter(str(row["because"]) for row in some).most_common(1)[0][0],
        }
        for name, some in found.items()
    ]
    return sorted(sums, key=lambda one: (-one["count"], one["target"]))


def compared(rows: list, plans: list[Plan], since: str | None) -> dict:
    """Return what plans foretold and what of it went: numbers and images.

    Rows from before a plan was made are not its matter. What a plan calls uncertain may have gone or not.
    """
    made = min(plan.made for plan in plans)
    since_then = [row for row in rows if str(row["when"]) >= made]
    history = History(since_then)
    for plan in plans:
        for repository, images, _kept in plan.repositories():
            history.meet(repository, images)
    gone, unseen = history.outcome()
    return {
        "plans": [plan.path for plan in plans],
        "gone": gone,
        "unforeseen": [row for row in since_then if not history.foretold[_named(row)]],
        "unseen": unseen,
        "before": len(rows) - len(since_then),
        "made": made,
        "early": bool(since and made < since),
    }


def _named(row: dict) -> tuple:
    """Return what a row is compared by. A tag that went twice counts once."""
    kind = "tag" if row["tag"] else "digest"
    return row["target"], kind, row[kind]


class History:
    """The rows of a history, which meet the images of plans, one repository after another.

    foretold: what each row is compared by -> whether a plan has such an image.
    """

    def __init__(self, rows: list) -> None:
        self.foretold = dict.fromkeys(map(_named, rows), False)
        self.images: list = []  # (image, whether a row has it), of those that a result may name
        self.known: set = set()  # (repository, tag)

    def meet(self, repository: str, images: list) -> None:
        """Note which rows have the images of a plan that go or may go."""
        for image in images:
            if image["tag"]:
                if (repository, image["tag"]) in self.known:
                    continue  # several plans say so
                self.known.add((repository, image["tag"]))
            keys = [(repository, kind, image[kind]) for kind in ("tag", "digest") if image[kind]]
            hit = [key for key in keys if key in self.foretold]
            self.foretold.update(dict.fromkeys(hit, True))
            if hit or image["fate"] == "goes" or COSIGN.match(image["tag"] or ""):
                one = {"target": repository, **{key: image[key] for key in ("tag", "digest", "because", "fate")}}
                self.images.append((one, bool(hit)))

    def outcome(self) -> tuple[list, list]:
        """Return what was foretold and has gone, and what surely was to go and was not seen."""
        digests = {(image["target"], image["digest"]) for image, met in self.images if met}
        gone, unseen = [], []
        for image, met in self.images:
            signed = COSIGN.match(image["tag"] or "")
            if met or signed and (image["target"], f"sha256:{signed.group(1)}") in digests:
                gone.append(image)
            elif image["fate"] == "goes":
                unseen.append(image)
        return gone, unseen


def together(registries: list) -> dict:
    """Return the sums over registries; those of the comparison are None if there was no plan at all."""
    plans = [each["comparison"] for each in registries if each["comparison"]]
    sums = {key: sum(len(plan[key]) for plan in plans) if plans else None for key in ("gone", "unforeseen", "unseen")}
    return {
        "count": sum(each["count"] for each in registries),
        "runs": sum(len(each["runs"]) for each in registries),
        **sums,
        "failed": [each["name"] for each in registries if each["failed"]],
        "truncated": [each["name"] for each in registries if each["truncated"]],
    }


def summary(registries: list) -> str:
    """Return all in one line."""
    found, since = together(registries), min((each["since"] for each in registries if each["since"]), default=None)
    deletions = f"{found['count']:,} deletion{'' if found['count'] == 1 else 's'}"
    parts = [f"{deletions}{f' since {since}' if since else ''}"]
    parts += [_report.plural(found["runs"], "run")] if found["runs"] else []
    if found["gone"] is not None:
        parts.append(f"{found['gone']:,} were foretold")
        parts.append(f"{found['unforeseen']:,} were not")
        parts.append(f"{found['unseen']:,} were foretold and are not seen")
    parts += [f"not all is known of {_report.listed(found['truncated'])}"] if found["truncated"] else []
    parts += [f"failed: {_report.listed(found['failed'])}"] if found["failed"] else []
    return ", ".join(parts)
