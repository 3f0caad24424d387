# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quay's time machine: which tags that went can still be brought back, until when, and by which request. GET only."""

from __future__ import annotations

import datetime
import json
import re
import shlex
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable
from ansible_collections.registry.hygiene.plugins.module_utils._quay import foresight, listings, registry

MOST_REPOSITORIES = 1000  # whose history is read: those that lost most
MOST_SHOWN, MOST_LINES = 50, 10  # tags in a result, and in its lines
MOST_SECONDS = 100 * 366 * 86400
REPOSITORY = {
    "type": "object",
    "required": ["state"],
    "properties": {
        "state": listings.STATE,
        # Quay ffba0c7: how long its namespace keeps tags that are deleted.
        "tag_expiration_s": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST_SECONDS},
    },
}


def restorable(client: api.Client, losing: dict, made: Any) -> tuple[dict | None, list[str]]:
    """Return what can be restored of the tags that went since a plan was made, as results have it, and lines of it.

    losing: repository -> how many images went by the plan. made: when, as its file says. None: nothing went by it.
    """
    losing = {name: number for name, number in losing.items() if _is_name(name)}
    if not losing:
        return None, []
    worst = sorted(losing, key=lambda name: -losing[name])[:MOST_REPOSITORIES]
    since = _since(made)

    def look(name: str) -> Any:
        try:
            return _of_one(client, name, since)
        except RegistryError as error:
            return error

    found = dict(zip(worst, client.each(look, worst)))
    failed = {name: error for name, error in found.items() if isinstance(error, RegistryError)}
    if failed:
        name, error = next(iter(failed.items()))
        more = f" and {len(failed) - 1:,} more" if len(failed) > 1 else ""
        client.warnings.append(f"{name}{more}: what can be restored is not known: {error}")
    if len(losing) > len(worst):
        client.warnings.append(
            f"what can be restored was looked up in the {len(worst):,} repositories of {len(losing):,} that lost most"
        )
    tags = [tag for name, some in found.items() if name not in failed for tag in some]
    living = sorted((tag for tag in tags if tag["until"]), key=lambda tag: (tag["until"], tag["target"], tag["tag"]))
    result = {"count": len(living), "gone_count": len(tags) - len(living), "tags": living[:MOST_SHOWN]}
    return result, _lines(result, living)


def _is_name(name: str) -> bool:
    return "/" in name and re.match(listings.NAME["pattern"], name) is not None and len(name) <= 255


def _since(made: Any) -> float:
    """Return when the plan was made, a little earlier as clocks differ; 0.0 if the file does not say."""
    try:
        return schedule.epoch(made) - api.MOST_SKEW
    except (ContractError, TypeError):
        return 0.0


def _of_one(client: api.Client, name: str, since: float) -> list[dict]:
    """Return the tags of a repository that went since then, and are not back."""
    place = (*registry.API, "repository", *name.split("/"))
    about = client.get(api.path(*place), {"includeTags": "false"}, schema=REPOSITORY)
    kept = about.get("tag_expiration_s") or 0
    query = {"onlyActiveTags": "false", "limit": "100", "page": "1"}

    def key(row: dict) -> tuple:
        return row["name"], row["start_ts"], row.get("end_ts"), row["manifest_digest"]

    rows = client.listing(
        api.path(*place, "tag", ""), query, foresight.TAGS, lambda page: page["tags"], key, foresight.next_page
    )
    now = client.now()
    latest: dict = {}  # tag -> its last row: what ended before was moved on, and is not what went
    for row in rows.values():
        there = latest.setdefault(row["name"], row)
        if _end(row) > _end(there):
            latest[row["name"]] = row
    return [
        _told(client, name, row, kept, now)
        for row in latest.values()
        if since <= _end(row) <= now  # others are there
    ]


def _end(row: dict) -> float:
    return float("inf") if row.get("end_ts") is None else row["end_ts"]


def _told(client: api.Client, name: str, row: dict, kept: int, now: float) -> dict:
    until = row["end_ts"] + kept
    where = api.path(*registry.API, "repository", *name.split("/"), "tag", row["name"], "restore")
    body = json.dumps({"manifest_digest": row["manifest_digest"]})
    return {
        "target": name,
        "tag": row["name"],
        "digest": row["manifest_digest"],
        "went": _moment(row["end_ts"]),
        "until": _moment(until) if until > now else None,
        "command": f'curl -X POST -H "Authorization: Bearer $QUAY_TOKEN" -H "Content-Type: application/json" '
        f"-d {shlex.quote(body)} {shlex.quote(client.url + where)}",
    }


def _moment(seconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "9999-12-31T23:59:59Z"


def _lines(result: dict, living: list) -> list[str]:
    if not living:
        return ["  Quay's time machine has none of the tags that went since"]
    lines = [
        f"  Quay's time machine still has {plural(len(living), 'tag')} that went since. The result has a command to",
        "  restore each (restorable.tags), for a token with the scope repo:write:",
    ]
    for tag in living[:MOST_LINES]:
        lines.append(printable(f"    {tag['target']}:{tag['tag']}  until {tag['until']}", 110))
    more = len(living) - MOST_LINES
    return lines + ([f"    and {more:,} more"] if more > 0 else [])
