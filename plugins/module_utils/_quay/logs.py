# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quay's usage logs: reading their pages, and what they say of deletions and of policies.

Facts of Quay ffba0c7, read in its source (endpoints/api/logs.py, data/logs_model, data/model/autoprune.py):

- A page has 20 entries, the newest first; no parameter changes that, and none selects kinds. So all is read, pulls too.
- starttime and endtime are days (MM/DD/YYYY, by the server's own clock), both included. Anything else is ignored, and
  means yesterday and today.
- The last page may be empty: after the entries of one table, those of its predecessors are asked for.
- The next page is asked for by time and an offset among equal times. Where the database keeps whole seconds (MySQL),
  entries are left out when many are of one second. The counts (aggregatelogs) have all of them, a month at most.
- With ACTION_LOG_MAX_PAGE, the pages end before the entries do, without a word.
- Auto-prune writes to the database whatever LOGS_MODEL says. Where logs are read from Elasticsearch or Splunk, what it
  deleted is not to be seen.
- What cosign tags go along with a pruned tag has no entry.
"""

from __future__ import annotations

import datetime
import email.utils
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, history, schema, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError, ContractError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural
from ansible_collections.registry.hygiene.plugins.module_utils._quay import policies
from ansible_collections.registry.hygiene.plugins.module_utils._quay.registry import API

MOST_PAGES = 10000  # of 20 entries; about half an hour at the quarter of a second that a token costs Quay each time
MOST_ALIKE = 100  # pages
MOST_DAYS = 28  # for which counts are asked: by then no day of a month comes twice
DAY = 86400
PRUNED, DELETED, GONE = "autoprune_tag_delete", "delete_tag", "delete_repo"
DELETIONS = (PRUNED, DELETED, GONE)
CHANGES = {
    f"{verb}_{scope}_autoprune_policy": done
    for verb, done in (("create", "created"), ("update", "changed"), ("delete", "deleted"))
    for scope in ("namespace", "repository")
}
KIND, TIME = {"type": "string", "maxLength": 200}, {"type": "string", "maxLength": 100}
NAME = {"type": ["string", "null"], "maxLength": 1000}
LOGS = {
    "type": "object",
    "required": ["logs"],
    "properties": {
        "logs": {
            "type": "array",
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["kind", "datetime", "metadata"],
                "properties": {"kind": KIND, "datetime": TIME, "metadata": {"type": ["object", "null"]}},
            },
        },
        "next_page": {"type": ["string", "null"], "maxLength": 65536},
    },
}
COUNTS = {
    "type": "object",
    "required": ["aggregated"],
    "properties": {
        "aggregated": {
            "type": "array",
            "maxItems": 100000,
            "items": {
                "type": "object",
                "required": ["kind", "count"],
                "properties": {"kind": KIND, "count": {"type": "integer", "minimum": 0}},
            },
        }
    },
}
# Of the kinds that matter here: what is in the others is not looked at.
ENTRY = {
    "type": "object",
    "required": ["metadata"],
    "properties": {
        "metadata": {
            "type": "object",
            "properties": {
                **dict.fromkeys(("namespace", "repo", "tag", "digest", "manifest_digest", "username"), NAME),
                **dict.fromkeys(("method", "tag_pattern", "policy_uuid"), NAME),
                "value": {"type": ["integer", "string", "null"], "maxLength": 1000},
                "tag_pattern_matches": {"type": ["boolean", "null"]},
            },
        },
        "performer": {"type": ["object", "null"], "properties": {"name": NAME}},
    },
}


def read(client: api.Client, scope: list, window: history.Window) -> dict:
    """Return the state of a history: what was deleted of a scope (["organization", name] and so on), in that time."""
    query = days(client, window)
    counted = counts(client, scope, query, window)
    if counted == 0:
        return history.state([])
    where = api.path(*API, *scope, "logs")
    reading = Reading(client, where, window)
    for number in range(MOST_PAGES):
        page = client.get(where, query, LOGS)
        if page.get("search_unavailable"):
            raise ContractError(f"GET {where}: Quay cannot search its logs, as LOGS_MODEL in its config.yaml is set")
        reading.add(page["logs"], first=number == 0)
        more = page.get("next_page")
        if not more or counted is not None and reading.seen >= counted and reading.past:
            return reading.state(counted)
        query = dict(query, next_page=more)
    return reading.state(counted, f"stopped after {MOST_PAGES:,} pages of the log: give a later since")


def days(client: api.Client, window: history.Window) -> dict:
    """Return the query that has all of the window: a day more, as the server may live by another clock than UTC."""
    last = (client.now() if window.until is None else window.until) + DAY
    return {"starttime": _day(window.since), "endtime": _day(last)}


def _day(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%m/%d/%Y")


def counts(client: api.Client, scope: list, query: dict, window: history.Window) -> int | None:
    """Return how many entries Quay counts of what matters here in these days; None if it does not say.

    It needs one request, where reading them may need thousands.
    """
    if (client.now() if window.until is None else window.until) + DAY - window.since > MOST_DAYS * DAY:
        return None
    try:
        found = client.get(api.path(*API, *scope, "aggregatelogs"), query, COUNTS)
    except (ApiError, ContractError) as error:  # FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL may be off
        if error.fatal:
            raise
        return None
    wanted = (*DELETIONS, *CHANGES)
    return sum(one["count"] for one in found["aggregated"] if one["kind"] in wanted)


class Reading:
    """What was read so far of the log of one scope."""

    def __init__(self, client: api.Client, where: str, window: history.Window) -> None:
        self.client = client
        self.where = where
        self.window = window
        self.rows: list[dict] = []
        self.changes: list[dict] = []
        self.seen = 0  # entries of what matters, in the window or not
        self.total = 0
        self.past = False  # whether there were entries from before the window
        self.first: list = []
        self.last: Any = None
        self.alike = 0  # pages that were as the first one
        self.told = wait.now()

    def add(self, entries: list, first: bool) -> None:
        """Add a page."""
        if first:
            self.first = entries
        elif entries and entries == self.first and self._starts_over():
            # Quay ffba0c7 answers an unknown page token with the first page again, under a new token.
            raise ContractError(f"GET {self.where}: the log starts over after {self.total:,} entries. Run again")
        for entry in entries:
            self._one(entry)
        self.total += len(entries)
        self.last = entries[-1]["datetime"] if entries else self.last
        if wait.now() - self.told >= wait.TELL:
            self.told = wait.now()
            self.client.tell(f"{self.where}: {self.total:,} entries so far, {len(self.rows):,} deletions")

    def _starts_over(self) -> bool:
        """Return whether the first page again is no chance: pulls of one second may be alike, deletions are not."""
        self.alike += 1
        unique = any(entry["kind"] in DELETIONS for entry in self.first)
        return unique or self.alike > MOST_ALIKE or self.first[0]["datetime"] != self.last

    def _one(self, entry: dict) -> None:
        when, kind = self._when(entry["datetime"]), entry["kind"]
        self.past = self.past or when < self.window.since
        if kind not in DELETIONS and kind not in CHANGES:
            return
        self.seen += 1
        schema.check(entry, ENTRY, self.where, self.client.masked)
        if not self.window.holds(when):
            return
        if kind in CHANGES:
            self.changes.append(_change(when, entry))
        else:
            self.rows.append(_deletion(when, entry))

    def _when(self, text: str) -> float:
        try:
            return email.utils.parsedate_to_datetime(text).timestamp()
        except (TypeError, ValueError, OverflowError, IndexError, OSError):
            raise ContractError(f"GET {self.where}: {text!r} stands where a time was expected") from None

    def state(self, counted: int | None, truncated: str | None = None) -> dict:
        """Return the state, and whether it is less than what Quay counts."""
        if truncated is None and counted is not None and self.seen < counted:
            truncated = (
                f"Quay counts {plural(counted, 'entry')} here and showed {self.seen:,}: the others are lost to us"
            )
        return history.state(self.rows, changes=self.changes, truncated=truncated)


def _by(entry: dict) -> str:
    """Return who did it: Quay names the performer, older entries only in their metadata."""
    return (entry.get("performer") or {}).get("name") or entry["metadata"].get("username") or "somebody"


def _deletion(when: float, entry: dict) -> dict:
    found, kind = entry["metadata"], entry["kind"]
    target = f"{found.get('namespace')}/{found.get('repo')}"
    if kind == GONE:
        return history.row(when, target, f"repository deleted by {_by(entry)}")
    because = "auto-prune" if kind == PRUNED else f"deleted by {_by(entry)}"
    # A tag that is deleted by its name has that for a digest.
    digests = [found.get(key) for key in ("digest", "manifest_digest")]
    digest = next((text for text in digests if text and text.startswith("sha256:")), None)
    return history.row(when, target, because, tag=found.get("tag"), digest=digest)


def _change(when: float, entry: dict) -> dict:
    found, done = entry["metadata"], CHANGES[entry["kind"]]
    target = f"{found.get('namespace')}/{found['repo']}" if found.get("repo") else str(found.get("namespace"))
    if found.get("method"):
        words = policies.in_option_words(
            {
                "method": found["method"],
                "value": found.get("value"),
                "tagPattern": found.get("tag_pattern"),
                "tagPatternMatches": found.get("tag_pattern_matches"),
            }
        )
        what = policies.rule(words)
    else:
        what = str(found.get("policy_uuid"))
    return {"when": history.stamp(when), "target": target, "what": f"policy {done}: {what}", "by": _by(entry)}
