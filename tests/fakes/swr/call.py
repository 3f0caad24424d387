# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to the fake SWR: its query, its caller's permissions, its page of a list."""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug.wrappers import Request

from .._base import Answer, as_json
from . import retention
from .iam import Caller, Project, User
from .rows import Row
from .state import MANAGE, State

PAGE, LARGEST_PAGE = 100, 1000


class Call:
    """One request to SWR: its query, its caller and what they may."""

    def __init__(self, fake: State, request: Request, caller: Caller) -> None:
        self.fake = fake
        self.request = request
        self.user: User = caller.user
        self.project: Project = caller.project or {}
        self.query = dict(request.args.items())
        if "filter" in self.query:
            pairs = [pair.partition("::") for pair in self.query["filter"].split("|") if pair]
            self.query = {name: value for name, _colons, value in pairs}

    def in_project(self, space: Row) -> bool:
        """Returns whether an organization belongs to the project of the call."""
        return (space["domain"], space["project"]) == (self.project["domain"], self.project["name"])

    def level(self, space: Row, repository: Row | None = None) -> int:
        """Returns the caller's permission in an organization or repository: 7, 3, 1 or 0."""
        name = self.user["name"]
        own = self.user["domain"] == space["domain"]
        if not own:
            return 0
        level = MANAGE if space["auth"] is None else space["auth"].get(name, 0)
        return max(level, repository["auth"].get(name, 0)) if repository else level

    def organization(self, name: str) -> Row:
        """Returns an organization of the call's project; 404 if there is none."""
        space = self.fake.organizations.get(name)
        if space is None or (space["domain"] == self.project["domain"] and not self.in_project(space)):
            self.fake._refuse("4040058")
        return space

    def repository(self, namespace: str, name: str, level: int) -> Row:
        """Returns a repository whose name has dollar signs for slashes; 404 or 403 in the service's words."""
        space = self.organization(namespace)
        row = self.fake.repositories.get((namespace, name.replace("$", "/")))
        if self.level(space, row) < level and (row is not None or not self.level(space)):
            self.fake._refuse(self.fake.switches["denied"])
        if row is None:
            self.fake._refuse(self.fake.switches["missing_repository"])
        return row

    def policy(self) -> Any:
        """Returns the body of a create or update request; 400 when it is refused."""
        try:
            body = json.loads(self.request.get_data())
        except ValueError:
            body = None
        wrong = retention.complaint(body, self.fake._demands())
        if wrong:
            self.fake._refuse("4000014", wrong)
        return body

    def descending(self) -> bool:
        """Returns the direction of the order, descending by default; 400 for an unknown one."""
        direction = self.query.get("order_type", "desc")
        if direction not in ("asc", "desc"):
            self.fake._refuse("4000014", "order_type must be asc or desc")
        return direction == "desc"

    def page(self, rows: list[Row]) -> tuple[list[Row], dict[str, str]]:
        """Returns the part of the rows that limit and offset ask for, and the headers that tell so."""
        given = {key: self._number(key) for key in ("limit", "offset") if self.query.get(key, "") != ""}
        both = len(given) == 2
        if not both and self.fake.switches["lone_paging"] == "ignored":
            given = {}
        limit, offset = given.get("limit", PAGE), given.get("offset", 0)
        if limit > LARGEST_PAGE and self.fake.switches["over_limit"] == "refuse":
            self.fake._refuse("4000014", f"limit must not be over {LARGEST_PAGE}")
        shown = rows[offset : offset + min(limit, LARGEST_PAGE)]
        tells = self.fake.switches["content_range"]
        if tells == "always" or (tells == "asked" and both):
            return shown, {"Content-Range": f"{offset}-{len(shown)}/{len(rows)}"}
        return shown, {}

    def _number(self, key: str) -> int:
        text = self.query[key]
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or (key == "limit" and int(text) == 0):
            self.fake._refuse("4000014", f"{key} must be a number")
        return int(text)


def with_headers(value: Any, headers: dict[str, str]) -> Answer:
    """Returns a value as JSON with more headers."""
    answer = as_json(value)
    answer.headers.update(headers)
    return answer
