# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage logs of the fake Quay: what is written into them, and their pages with all that is wrong with these.

All of this is read in the source of Quay ffba0c7 (endpoints/api/logs.py, data/logs_model/table_logs_model.py,
data/model/modelutil.py, data/model/log.py), where nothing else is said.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Any

from .._base import Answer, as_json
from .call import Call
from .errors import BAD_REQUEST, Refusal, server_error
from .namespaces import avatar
from .state import Repository, State

LOGS_PER_PAGE = 20
PAGE_TOKEN_LIFE = 2 * 86400
LONGEST_COUNT = timedelta(days=31)
TICK = 1e-6  # of the database's clock: PostgreSQL keeps microseconds, MySQL (by peewee's columns) whole seconds
OTHER_KINDS = {"service_key_create", "service_key_approve", "service_key_delete", "service_key_modify"}


class Logs(State):
    """The endpoints of logs, of organizations (and the user's own namespace), repositories and the user."""

    def add_log(
        self,
        kind: str,
        namespace: str,
        metadata: dict[str, Any],
        repository: Repository | None = None,
        performer: str | None = None,
        at: float | None = None,
    ) -> None:
        """Writes an entry. Entries of one second may have one time, by the switch `log_seconds`."""
        at = self.now() if at is None else at
        if self.switches["log_seconds"]:
            at = float(int(at))
        elif self.log and at <= self.log[-1]["at"] < at + 1:
            at = self.log[-1]["at"] + TICK
        entry = {"kind": kind, "namespace": namespace, "metadata": metadata, "performer": performer, "at": at}
        self.log.append({**entry, "repository": repository and repository["id"]})

    def log_of(
        self, call: Call, kind: str, namespace: str, metadata: dict[str, Any], repository: Repository | None = None
    ) -> None:
        """Writes an entry of what the caller did; an OAuth token adds to the metadata."""
        if call.caller.csrf is None:
            metadata = {**metadata, "oauth_token_id": 1, "oauth_token_application": "hygiene"}
            metadata["oauth_token_application_id"] = "D6FCTLD0T4DXH4EXLJ9A"
        self.add_log(kind, namespace, metadata, repository, call.caller.name)

    # The endpoints

    def _get_organization_logs(self, call: Call, orgname: str) -> Answer:
        call.may_read_organization(orgname)
        return self._page(call, self._of_namespace(orgname, call))

    def _get_organization_aggregatelogs(self, call: Call, orgname: str) -> Answer:
        if not self.switches["AGGREGATED_LOG_COUNT_RETRIEVAL"]:
            return self._web_page(404)
        call.may_read_organization(orgname)
        return self._counts(call, self._of_namespace(orgname, call))

    def _get_user_logs(self, call: Call) -> Answer:
        return self._page(call, self._of_user(call))

    def _get_user_aggregatelogs(self, call: Call) -> Answer:
        if not self.switches["AGGREGATED_LOG_COUNT_RETRIEVAL"]:
            return self._web_page(404)
        return self._counts(call, self._of_user(call))

    def _get_repository_logs(self, call: Call, namespace: str, name: str) -> Answer:
        return self._page(call, self._of_repository(call, namespace, name))

    def _get_repository_aggregatelogs(self, call: Call, namespace: str, name: str) -> Answer:
        if not self.switches["AGGREGATED_LOG_COUNT_RETRIEVAL"]:
            return self._get_repository(call, namespace, f"{name}/aggregatelogs")  # the next route that fits
        return self._counts(call, self._of_repository(call, namespace, name))

    # Whose entries

    def _of_namespace(self, name: str, call: Call) -> list[dict[str, Any]]:
        if name not in self.namespaces:
            raise Refusal(as_json({"message": f"Invalid namespace requested: {name}"}, 400))
        performer = call.request.args.get("performer")
        if performer and performer not in self.users:
            raise Refusal(server_error())
        found = [entry for entry in self._visible() if entry["namespace"] == name]
        return [entry for entry in found if not performer or entry["performer"] == performer]

    def _of_user(self, call: Call) -> list[dict[str, Any]]:
        if call.user_role() != "admin":
            call.refuse()
        return [entry for entry in self._of_namespace(call.caller.name, call) if entry["kind"] not in OTHER_KINDS]

    def _of_repository(self, call: Call, namespace: str, name: str) -> list[dict[str, Any]]:
        call.may_read_repository(namespace, name, "admin")
        number = call.repository(namespace, name)["id"]
        return [entry for entry in self._visible() if entry["repository"] == number]

    def _visible(self) -> list[dict[str, Any]]:
        # data/model/autoprune.py: what is pruned is written into the database's table, whatever the logs are read from.
        elsewhere = self.switches["LOGS_MODEL"] != "database"
        return [entry for entry in self.log if not (elsewhere and entry["kind"] == "autoprune_tag_delete")]

    # Pages

    def _span(self, call: Call) -> tuple[datetime, datetime]:
        now = datetime.fromtimestamp(self.now(), timezone.utc).replace(tzinfo=None)
        start = day_of(call.request.args.get("starttime")) or now - timedelta(days=1)
        end = (day_of(call.request.args.get("endtime")) or now) + timedelta(days=1)
        if end < start:
            raise Refusal(as_json({"message": BAD_REQUEST}, 400))
        return start, end

    def _within(self, entries: list[dict[str, Any]], start: datetime, end: datetime) -> list[dict[str, Any]]:
        first, last = (moment.replace(tzinfo=timezone.utc).timestamp() for moment in (start, end))
        return [entry for entry in entries if first <= entry["at"] < last]

    def _page(self, call: Call, entries: list[dict[str, Any]]) -> Answer:
        start, end = self._span(call)
        token = self._log_token(call.request.args.get("next_page"))
        rows = sorted(self._within(entries, start, end), key=lambda entry: entry["at"], reverse=True)
        shown, following = self._table(rows, token)
        answer = {"start_time": date(start), "end_time": date(end), "logs": [self._shown(entry) for entry in shown]}
        if following is not None:
            answer["next_page"] = self._new_log_token(following)
        return as_json(answer)

    def _table(self, rows: list[dict[str, Any]], token: dict[str, Any]) -> tuple[list[dict[str, Any]], dict | None]:
        # The entries are in the newest of three tables. Behind its last page comes a page of the two others, empty.
        number, most = token.get("page"), self.switches["ACTION_LOG_MAX_PAGE"]
        if token.get("table") or number and most is not None and number > most:
            return [], None
        offset = token.get("offset", 0)
        if "start" in token:
            rows = [row for row in rows if row["at"] <= token["start"]]
        rows = rows[offset : offset + LOGS_PER_PAGE + 1]
        if len(rows) <= LOGS_PER_PAGE:
            return rows, {"table": 1} if rows else None
        # modelutil.py: the offset counts the whole page, also where only its end has the time that the next one begins
        # with, and is never taken back: what lies between is skipped.
        if rows[LOGS_PER_PAGE]["at"] == rows[LOGS_PER_PAGE - 1]["at"]:
            offset += LOGS_PER_PAGE
        return rows[:LOGS_PER_PAGE], {"start": rows[LOGS_PER_PAGE]["at"], "offset": offset, "page": (number or 0) + 1}

    def _new_log_token(self, following: dict[str, Any]) -> str:
        token = f"gAAAAABlog{len(self._log_tokens):0100x}"
        self._log_tokens[token] = ({**following}, self.now())
        return token

    def _log_token(self, text: str | None) -> dict[str, Any]:
        token, issued = self._log_tokens.get(text or "", ({}, 0.0))
        return token if self.now() - issued <= PAGE_TOKEN_LIFE else {}

    def _shown(self, entry: dict[str, Any]) -> dict[str, Any]:
        by, ip = entry["performer"], None if entry["performer"] is None else "192.0.2.7"
        shown = {"kind": entry["kind"], "metadata": entry["metadata"], "ip": ip, "datetime": formatdate(entry["at"])}
        if by is not None:
            shown["performer"] = {"kind": "user", "name": by, "is_robot": "+" in by, "avatar": avatar(by, "user")}
        return shown

    def _counts(self, call: Call, entries: list[dict[str, Any]]) -> Answer:
        start, end = self._span(call)
        if end - start > LONGEST_COUNT:
            raise Refusal(as_json({"message": "Invalid date range for logs"}, 400))
        days = Counter((entry["kind"], int(entry["at"] // 86400)) for entry in self._within(entries, start, end))
        rows = [
            {"kind": kind, "count": count, "datetime": formatdate(day * 86400)} for (kind, day), count in days.items()
        ]
        return as_json({"aggregated": rows})


def day_of(text: str | None) -> datetime | None:
    """Returns the day that an argument names, None for anything else, which is ignored."""
    try:
        return datetime.strptime(text or "", "%m/%d/%Y")
    except ValueError:
        return None


def date(moment: datetime) -> str:
    """Returns a moment without zone as the API shows it."""
    return formatdate(moment.replace(tzinfo=timezone.utc).timestamp())
