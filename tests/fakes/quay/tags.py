# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags in the fake Quay's API: the list, moving, ending and restoring one."""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import Any, Callable

from .._base import Answer, as_json
from . import prune
from .call import Call, truth
from .errors import BAD_REQUEST, Refusal, no_content
from .logs import Logs
from .schema import RESTORE_SCHEMA, TAG_SCHEMA
from .state import Repository

REPOSITORY_STATES = {"NORMAL": 0, "READ_ONLY": 1, "MIRROR": 2}
TAG_FILTER = (
    "Unsupported syntax for filter_tag_name. Expected <operation>:<tag_name> where <operation>can be 'like' or 'eq'."
)
LIMIT_HELP = "Limit to the number of results to return per page. Max 100."
PAGE_HELP = "Page index for the results. Default 1."


class Tags(Logs):
    """The endpoints of tags."""

    def _get_tags(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_read_repository(namespace, name, "read")
        live = truth(call.request.args.get("onlyActiveTags"))
        page = max(1, call.number("page", 1, PAGE_HELP))
        limit = min(100, max(1, call.number("limit", 50, LIMIT_HELP)))
        repository = call.repository(namespace, name)
        wanted = tag_filter(call.request.args.get("filter_tag_name", ""))
        specific = call.request.args.get("specificTag")
        rows = [
            row
            for row in self._history(repository, live)
            if (not specific or row["name"] == specific) and wanted(row["name"])
        ]
        first = limit * (page - 1)
        shown = [self._tag_entry(row) for row in rows[first : first + limit]]
        return as_json({"tags": shown, "page": page, "has_additional": len(rows) > first + limit})

    def _history(self, repository: Repository, live: bool) -> list[dict[str, Any]]:
        now_ms = self._now_ms()
        rows = [row for row in repository["tags"] if not row["hidden"] and (not live or prune.alive(row, now_ms))]
        return sorted(rows, key=lambda row: (-row["start_ms"], row["name"]))

    def _tag_entry(self, row: dict[str, Any]) -> dict[str, Any]:
        start, end = row["start_ms"] // 1000, None if row["end_ms"] is None else row["end_ms"] // 1000
        entry: dict[str, Any] = {"name": row["name"], "reversion": row["reversion"]}
        if self.switches["IMMUTABLE_TAGS"]:
            entry["immutable"] = row["immutable"]
        entry["start_ts"] = start
        if end is not None:
            entry["end_ts"] = end
        entry.update(manifest_digest=row["digest"], is_manifest_list=row["is_manifest_list"], size=row["size"])
        entry["last_modified"] = formatdate(start)
        if end is not None:
            entry["expiration"] = formatdate(end)
        if row["is_manifest_list"]:
            presence = {child["digest"]: child["present"] for child in row["children"]}
            present = sum(presence.values())
            entry.update(is_sparse=present < len(presence), child_manifest_count=len(presence))
            entry.update(present_child_count=present, child_manifests_presence=presence)
        return entry

    def _put_tag(self, call: Call, namespace: str, name: str, tag: str) -> Answer:
        repository = self._writable(call, namespace, name)
        body = call.body(TAG_SCHEMA)
        if repository is None:
            call.not_found()
        row = self._live_row(repository, tag)
        if row is None and ("expiration" in body or "immutable" in body):
            call.not_found()
        if "expiration" in body:
            until = body["expiration"]
            if until is not None and until <= self.now():
                return as_json({"message": BAD_REQUEST}, 400)
            row["end_ms"] = None if until is None else int(until * 1000)
        if "immutable" in body and self.switches["IMMUTABLE_TAGS"]:
            if row["immutable"] and not body["immutable"] and call.repository_role(namespace, name) != "admin":
                call.refuse()
            row["immutable"] = body["immutable"]
        if "manifest_digest" in body:
            known = [row for row in repository["tags"] if row["digest"] == body["manifest_digest"]]
            known = [row for row in known if prune.alive(row, self._now_ms())] or call.not_found()
            self._retarget(call, repository, tag, known[0], reversion=False)
        return as_json("Updated", 201)

    def _delete_tag(self, call: Call, namespace: str, name: str, tag: str) -> Answer:
        repository = self._writable(call, namespace, name) or call.not_found()
        row = self._live_row(repository, tag) or call.not_found()
        if row["immutable"] and self.switches["IMMUTABLE_TAGS"]:
            call.refuse_with(409, "tag_immutable", f"Cannot delete immutable tag '{tag}'")
        prune.end_tag(repository["tags"], row, self._now_ms())
        metadata = {"username": call.caller.name, "repo": name, "namespace": namespace, "tag": tag}
        self.log_of(call, "delete_tag", namespace, metadata, repository)
        return no_content()

    def _post_tag_restore(self, call: Call, namespace: str, name: str, tag: str) -> Answer:
        repository = self._writable(call, namespace, name)
        digest = call.body(RESTORE_SCHEMA).get("manifest_digest")
        if repository is None:
            call.not_found()
        if digest is None:
            call.invalid("Missing manifest_digest")
        oldest = self._now_ms() - self.namespaces[namespace]["tag_expiration_s"] * 1000
        rows = [row for row in repository["tags"] if row["digest"] == digest and prune.alive(row, oldest)]
        self._retarget(call, repository, tag, (rows or call.not_found())[0], reversion=True)
        return as_json({})

    def _retarget(self, call: Call, repository: Repository, tag: str, model: dict[str, Any], reversion: bool) -> None:
        now_ms = self._now_ms()
        existing = self._live_row(repository, tag)
        if existing:
            if existing["immutable"] and self.switches["IMMUTABLE_TAGS"]:
                call.refuse_with(409, "tag_immutable", f"Cannot overwrite immutable tag '{tag}'")
            existing["end_ms"] = now_ms
            if not prune.is_cosign(tag) and existing["digest"] != model["digest"]:
                prune.end_cosign_tags(repository["tags"], existing, now_ms)
        row = {**model, "name": tag, "start_ms": now_ms, "end_ms": None, "reversion": reversion}
        row.update(immutable=False, hidden=False)
        repository["tags"].append(row)

    def _writable(self, call: Call, namespace: str, name: str) -> Repository | None:
        call.may_write_repository(namespace, name, "write")
        repository = self.repositories.get((namespace, name))
        if repository and repository["state"] != "NORMAL":
            number = REPOSITORY_STATES[repository["state"]]
            raise Refusal(as_json({"message": f"Repository is in read only or mirror mode: {number}"}, 503))
        return repository

    def _live_row(self, repository: Repository, tag: str) -> dict[str, Any] | None:
        now_ms = self._now_ms()
        rows = [row for row in repository["tags"] if row["name"] == tag and not row["hidden"]]
        return next((row for row in rows if prune.alive(row, now_ms)), None)


def tag_filter(text: str) -> Callable[[str], bool]:
    """Returns the predicate of a filter_tag_name argument."""
    if not text:
        return lambda name: True
    operation, colon, value = text.partition(":")
    if not colon:
        raise Refusal(as_json({"message": TAG_FILTER}, 400))
    if operation == "eq":
        return lambda name: name == value
    if operation != "like":
        return lambda name: True
    # Quay ffba0c7, data/model/oci/tag.py: the text goes into ILIKE as it is, so % and _ are wildcards.
    wildcards = {"%": ".*", "_": "."}
    pieces = re.findall(r"\\.|.", value, re.DOTALL)
    expression = "".join(wildcards.get(piece) or re.escape(piece[-1]) for piece in pieces)
    compiled = re.compile(expression, re.IGNORECASE | re.DOTALL)
    return lambda name: compiled.search(name) is not None
