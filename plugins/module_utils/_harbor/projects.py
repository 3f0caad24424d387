# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the projects of a Harbor: which projects a task means, and what is known of each."""

from __future__ import annotations

import re

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import NotFound, PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import inventory, registry

PROJECTS_SPEC = dict(
    projects=dict(type="list", elements="str", required=True),
    exclude=dict(type="list", elements="str"),
)
NAME = re.compile(r"[a-z0-9._-]{1,255}\Z")


def check_name(name: str) -> None:
    """Raise PlanRefused unless it is the name of a project."""
    if not NAME.match(name or ""):
        raise PlanRefused(
            f"projects: {printable(repr(name), 100)} is no name of a project: write it as Harbor does, in lower case "
            "and without its repositories"
        )


class OfProject(Resource):
    """Something of one project. The list of projects already tells much of it, so it is asked once a task."""

    called = "project"
    naming = ("projects", "exclude")

    @classmethod
    def validate(cls, params):
        names.require(params["projects"], "projects")
        for name in params["projects"]:
            if not names.is_glob(name):
                check_name(name)
        return []

    @classmethod
    def named(cls, params):
        return list(params["projects"] or [])

    @classmethod
    def named_as(cls, target):
        check_name(target)
        return {"projects": [target]}

    @classmethod
    def targets(cls, client, params):
        registry.version(client)  # proves the credentials: a stranger gets a list of projects, too
        given, exclude = params["projects"], params["exclude"]
        exact = [name for name in given if not names.is_glob(name)]
        every = inventory.all_projects(client) if len(exact) < len(given) else {}
        cls._seen(client).update(every or inventory.projects(client, exact))
        return names.exact(given, exclude) or names.expand(given, lambda glob: every, client.warnings, exclude)

    @staticmethod
    def _seen(client: api.Client) -> dict:
        return client.cached("projects seen", dict)

    def seen_already(self, known: dict) -> None:
        """Take projects (name -> project) that were listed already for what is known."""
        self._seen(self.client).update(known)

    def project(self, again: bool = False) -> dict:
        """Return the project as the list of projects shows it; raises NotFound if the user sees none of that name."""
        seen = self._seen(self.client)
        if again:
            seen.pop(self.target, None)
            seen.update(inventory.projects(self.client, [self.target]))
        if self.target not in seen:
            raise NotFound(
                f"there is no project {self.target}, or {self.params['harbor_username']} is not a member of it and so "
                "does not see it. Check the exact name, and the user",
                404,
            )
        return seen[self.target]

    def retention_id(self, again: bool = False) -> int | None:
        """Return the number of the retention policy that the project names, None if it names none."""
        text = (self.project(again).get("metadata") or {}).get("retention_id")
        return int(text) if text else None

    def where(self, *rest: str) -> str:
        """Return the path of something of the project."""
        # By its number: Harbor takes a name of digits for one.
        return api.path(*registry.API, "projects", str(self.project()["project_id"]), *rest)
