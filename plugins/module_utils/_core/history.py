# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has deleted, in one form for all of them: a window of time, rows, and a result that stays short."""

from __future__ import annotations

import collections
import datetime
import heapq
import json
from typing import Any, Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core import files, schedule, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource

ARGUMENT_SPEC = dict(
    since=dict(type="str", default="24h"),
    until=dict(type="str"),
    limit=dict(type="int", default=500),
    history_file=dict(type="path"),
)
FORMAT, VERSION = "registry.hygiene history", 1
MOST_ROWS = 200000  # of one target that are kept in memory
MOST_LIMIT = 100000
MOST_SHOWN = 50  # repositories, runs and changes in a result; the file has all of them
TIME = "%Y-%m-%dT%H:%M:%SZ"


class Window:
    """From since to until (epoch seconds, both included, until with all of its second); until None: up to now."""

    def __init__(self, since: float, until: float | None) -> None:
        self.since = since
        self.until = until

    def holds(self, moment: float) -> bool:
        """Return whether a moment (epoch seconds) lies in it."""
        return moment >= self.since and (self.until is None or int(moment) <= self.until)


def moment(text: str, option: str, now: float) -> float:
    """Return epoch seconds of an option: a length of time before now, or an RFC 3339 time; raises PlanRefused."""
    try:
        found = now - schedule.seconds(text[:60], option)
    except PlanRefused:
        try:
            found = schedule.epoch(text[:60].strip())
        except ContractError:
            found = -1.0
    if not 0 <= found <= now + 10 * 366 * 86400:
        raise PlanRefused(
            f"{option}: {text[:60]!r}: write a length of time such as 24h or 7d, or a time such as 2026-11-30T06:00:00Z"
        )
    return found


def stamp(moment: float) -> str:
    """Return epoch seconds as an RFC 3339 time in UTC, of whole seconds."""
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime(TIME)


def check(params: dict) -> None:
    """Raise PlanRefused for options that cannot be followed."""
    now = wait.clock()
    since = moment(params["since"], "since", now)
    if params["until"] is not None and moment(params["until"], "until", now) < since:
        raise PlanRefused(f"until: {params['until']} is before since ({params['since']}): nothing lies between them")
    if not 0 <= params["limit"] <= MOST_LIMIT:
        raise PlanRefused(f"limit: {params['limit']}: write how many deletions to return at most, 0 to {MOST_LIMIT}")
    files.check_path(params["history_file"], "history_file")


def window(client: Any, params: dict) -> Window:
    """Return the window that the options mean; the same for all targets of a task."""

    def found() -> Window:
        now, until = client.now(), params["until"]
        return Window(moment(params["since"], "since", now), until and moment(until, "until", now))

    return client.cached("window of the history", found)


def row(
    when: float, target: str, because: str, tag: str | None = None, digest: str | None = None, run: Any = None
) -> dict:
    """Return one deletion: what went (a whole repository without tag and digest), when, why, by which run."""
    return {"when": stamp(when), "target": target, "tag": tag, "digest": digest, "because": because, "run": run}


def run(when: float, target: str, what: str, number: Any, status: str, deleted: int | None, size: int | None) -> dict:
    """Return a run that deletes, with what it counts: what went, and bytes that came free, None if it does not say."""
    found = {"when": stamp(when), "target": target, "what": what, "run": number}
    return {**found, "status": status, "deleted": deleted, "bytes": size}


def state(rows: list, runs: Any = (), changes: Any = (), truncated: str | None = None) -> dict:
    """Return the state of a target. truncated: why not all is there. Too many rows are cut, and that is said."""
    if len(rows) > MOST_ROWS:
        rows = newest(rows)[:MOST_ROWS]
        truncated = truncated or f"only the newest {MOST_ROWS:,} deletions are here; give a later since"
    return {"history": rows, "runs": list(runs), "changes": list(changes), "truncated": truncated}


def newest(rows: list) -> list:
    """Return rows, the newest first."""
    return sorted(rows, key=lambda row: row["when"], reverse=True)


class History(Resource):
    """What was deleted of one target, to be read; the result has it of all of them together."""

    noun = "history"

    @classmethod
    def validate(cls, params):
        check(params)
        return super().validate(params)

    @property
    def window(self) -> Window:
        """The time that the task is about."""
        return window(self.client, self.params)

    @classmethod
    def gathered(cls, client, params, states, failures):
        rows = [row for state in states.values() for row in state["history"]]
        first = heapq.nlargest(params["limit"], rows, key=lambda row: row["when"])
        counts = collections.Counter(row["target"] for row in rows)
        worst = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        known = {
            name: newest([one for state in states.values() for one in state[name]]) for name in ("runs", "changes")
        }
        found = {
            "registry": client.url,
            **_span(window(client, params)),
            "count": len(rows),
            "truncated": [f"{name}: {state['truncated']}" for name, state in states.items() if state["truncated"]],
        }
        client.warnings += [f"not all is known: {text}" for text in found["truncated"]]
        if params["history_file"]:
            failed = {name: str(error) for name, error in failures.items()}
            head = dict(found, format=FORMAT, version=VERSION, failures=failed, **known)
            files.put(params["history_file"], _pieces(head, newest(rows)), "history_file")
        return {
            **found,
            "history": first,
            "repositories": [{"target": name, "count": count} for name, count in worst[:MOST_SHOWN]],
            **{name: rows[:MOST_SHOWN] for name, rows in known.items()},
            "file": params["history_file"],
        }


def _span(window: Window) -> dict:
    return {"since": stamp(window.since), "until": stamp(window.until) if window.until is not None else None}


def _pieces(head: dict, rows: list) -> Iterator[str]:
    yield json.dumps(head, indent=1, sort_keys=True)[:-2] + ',\n "history": ['
    for number, row in enumerate(rows):
        yield f"{',' if number else ''}\n  {json.dumps(row)}"
    yield "\n ]\n}\n"
