# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Immutable tag rules of the fake Harbor's projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import models
from .gojson import without_empty
from .listing import Table, listing
from .projects import Projects
from .store import Project
from .wire import PAGING, Call, Route, created, done, not_found

if TYPE_CHECKING:
    from .server import Harbor

RESOURCE = "immutable-tag"
RULES = Table({"id": ("ID", "number"), "disabled": ("Disabled", "bool")}, "", lambda rule, name: rule.get(name, False))


class ImmutableRules:
    """The calls about the rules that protect tags."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.projects: Projects = harbor.family(Projects)

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        all_of, body = "/projects/{project_name_or_id}/immutabletagrules", ("ImmutableRule", models.IMMUTABLE_RULE)
        return {
            all_of: {"GET": Route(self.list, query=PAGING), "POST": Route(self.create, body=body)},
            f"{all_of}/{{immutable_rule_id}}": {
                "PUT": Route(self.update, body=body),
                "DELETE": Route(self.delete),
            },
        }

    @staticmethod
    def shown(rule: dict[str, Any]) -> dict[str, Any]:
        """Returns a rule as the API shows it."""
        shown = without_empty(rule)
        if not shown.get("params"):
            shown.pop("params", None)
        return {"tag_selectors": None, **shown}

    def list(self, call: Call) -> Answer:
        """Lists the rules of a project."""
        rows = self.projects.of_call(call, RESOURCE, "list").immutable_rules
        return listing(call, rows, RULES, self.shown)

    def create(self, call: Call) -> Answer:
        """Adds a rule, which is active whatever the body says."""
        project = self.projects.of_call(call, RESOURCE, "create")
        number = self.harbor.store.next_id("rule")
        project.immutable_rules.append({**(call.body or {}), "id": number, "disabled": False})
        return created(f"/projects/{call.path['project_name_or_id']}/immutabletagrules/{number}")

    def _index(self, project: Project, call: Call) -> int:
        number = call.path["immutable_rule_id"]
        for index, rule in enumerate(project.immutable_rules):
            if rule["id"] == number:
                return index
        raise not_found(f"immutable rule {number} not found")

    def update(self, call: Call) -> Answer:
        """Replaces a rule; only here it can be disabled."""
        project = self.projects.of_call(call, RESOURCE, "update")
        index = self._index(project, call)
        project.immutable_rules[index] = {**(call.body or {}), "id": project.immutable_rules[index]["id"]}
        return done()

    def delete(self, call: Call) -> Answer:
        """Deletes a rule."""
        project = self.projects.of_call(call, RESOURCE, "delete")
        del project.immutable_rules[self._index(project, call)]
        return done()
