# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects of the fake Harbor, their metadata, repositories and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import Answer
from . import models
from .accounts import ROLE_IDS, Account, Accounts
from .gojson import MapOf, stamp
from .listing import Table, listing
from .store import Project, Repository
from .wire import PAGING, TRUE_WORDS, Call, Refusal, Route, bad_request, created, done, not_found, ok, unescaped

if TYPE_CHECKING:
    from .server import Harbor

METADATA = {"public", "enable_content_trust", "prevent_vul", "severity", "auto_scan", "reuse_sys_cve_allowlist"}
CONTAINS = "the project contains repositories, can not be deleted"


def _project_column(project: Project, column: str) -> Any:
    return {
        "project_id": project.id,
        "name": project.name,
        "owner_id": 1,
        "creation_time": project.creation_time,
        "update_time": project.creation_time,
    }[column]


PROJECTS = Table(
    {
        "project_id": ("ProjectID", "number"),
        "name": ("Name", "text"),
        "owner_id": ("OwnerID", "number"),
        "creation_time": ("CreationTime", "time"),
        "update_time": ("UpdateTime", "time"),
    },
    "name",
    _project_column,
)


def _repository_column(row: tuple[Project, Repository], column: str) -> Any:
    project, repository = row
    if column == "name":
        return f"{project.name}/{repository.name}"
    return project.id if column == "project_id" else getattr(repository, {"repository_id": "id"}.get(column, column))


REPOSITORIES = Table(
    {
        "repository_id": ("RepositoryID", "number"),
        "name": ("Name", "text"),
        "project_id": ("ProjectID", "number"),
        "pull_count": ("PullCount", "number"),
        "creation_time": ("CreationTime", "time"),
        "update_time": ("UpdateTime", "time"),
    },
    "-creation_time",
    _repository_column,
)
LABELS = Table({"id": ("ID", "number"), "name": ("Name", "text"), "scope": ("Scope", "text")}, "", dict.get)


def shown_label(label: dict[str, Any], project: Project | None) -> dict[str, Any]:
    """Returns a label as the API shows it."""
    shown = {"id": label["id"], "name": label["name"], "scope": "g" if project is None else "p"}
    shown.update(creation_time=stamp(label["at"]), update_time=stamp(label["at"]))
    return shown if project is None else {**shown, "project_id": project.id}


class Projects:
    """The calls about projects."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.store = harbor.store

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        one, metadata = "/projects/{project_name_or_id}", ("metadata", MapOf("string"))
        repositories = "/projects/{project_name}/repositories"
        return {
            "/projects": {
                "GET": Route(self.list_projects, query=(*PAGING, "name", "public", "owner", "with_detail")),
                "HEAD": Route(self.head, ("user",), query=("project_name",)),
                "POST": Route(self.create, ("user",), ("project", models.PROJECT)),
            },
            one: {"GET": Route(self.get), "DELETE": Route(self.delete)},
            f"{one}/metadatas": {
                "GET": Route(self.all_metadata),
                "POST": Route(self.add_metadata, body=metadata),
            },
            f"{one}/metadatas/{{meta_name}}": {
                "GET": Route(self.one_metadata),
                "PUT": Route(self.put_metadata, body=metadata),
                "DELETE": Route(self.delete_metadata),
            },
            repositories: {"GET": Route(self.list_repositories, query=PAGING)},
            f"{repositories}/{{repository_name}}": {
                "GET": Route(self.get_repository),
                "DELETE": Route(self.delete_repository),
            },
            "/labels": {"GET": Route(self.list_labels, query=(*PAGING, "name", "scope", "project_id"))},
        }

    # Finding

    def of_call(self, call: Call, resource: str, action: str) -> Project:
        """Returns the project of the path; raises the 401, 403 and 404."""
        name = call.path.get("project_name_or_id") or call.path.get("project_name")
        by_name = call.request.headers.get("X-Is-Resource-Name", "").lower() in TRUE_WORDS
        if "project_name_or_id" in call.path and name.isdigit() and not by_name:
            project = self.store.projects.get(int(name))
        else:
            project = self.store.named(name)
        call.need_project(project, resource, action)
        if project is None:
            raise not_found(f"project {name} not found")
        return project

    # Projects

    def list_projects(self, call: Call) -> Answer:
        """Lists the projects that the caller sees."""
        rows = [item for item in self.store.projects.values() if Accounts.sees(call.account, item)]
        name, public = call.query.get("name"), call.query.get("public")
        rows = [item for item in rows if name is None or name.lower() in item.name.lower()]
        if public is not None:
            rows = [item for item in rows if item.public == (public.lower() in TRUE_WORDS)]
        return listing(call, rows, PROJECTS, lambda item: self.shown(item, call.account))

    def shown(self, project: Project, account: Account | None) -> dict[str, Any]:
        """Returns a project as the API shows it to a caller."""
        shown: dict[str, Any] = {
            "project_id": project.id,
            "name": project.name,
            "owner_id": 1,
            "owner_name": "admin",
            "creation_time": stamp(project.creation_time),
            "update_time": stamp(project.creation_time),
            "repo_count": len(project.repositories),
            "metadata": self.metadata(project),
            "cve_allowlist": {
                "id": project.id,
                "project_id": project.id,
                "items": [],
                "creation_time": stamp(None),
                "update_time": stamp(None),
            },
        }
        role = project.members.get(account.name) if account else None
        role_id = 1 if account and account.sysadmin else ROLE_IDS.get(role or "")
        shown["current_user_role_ids"] = [role_id] if role_id else None
        return {**shown, "current_user_role_id": role_id} if role_id else shown

    @staticmethod
    def metadata(project: Project) -> dict[str, str]:
        """Returns the metadata of a project."""
        return {"public": "true" if project.public else "false", **project.metadata}

    def head(self, call: Call) -> Answer:
        """Answers whether a project exists."""
        if self.store.named(call.query.get("project_name") or "") is None:
            return Answer(404)
        return done()

    def create(self, call: Call) -> Answer:
        """Creates a project."""
        body = call.body or {}
        name = body.get("project_name", "")
        if not name:
            raise bad_request("project name is empty")
        if self.store.named(name):
            raise Refusal("CONFLICT", f"The project named {name} already exists")
        public = (body.get("metadata") or {}).get("public") == "true" or body.get("public") is True
        project = self.store.add_project(name, public)
        account = call.sign_in()
        if account.robot is None:
            project.members[account.name] = "projectAdmin"
        return created(f"/projects/{project.id}")

    def get(self, call: Call) -> Answer:
        """Answers one project."""
        return ok(self.shown(self.of_call(call, "project", "read"), call.account))

    def delete(self, call: Call) -> Answer:
        """Deletes an empty project and its retention policy."""
        project = self.of_call(call, "project", "delete")
        if project.repositories:
            raise Refusal("PRECONDITION", CONTAINS)
        del self.store.projects[project.id]
        for function in self.store.on_delete:
            function(project)
        return done()

    # Metadata

    def all_metadata(self, call: Call) -> Answer:
        """Answers all metadata."""
        return ok(self.metadata(self.of_call(call, "metadata", "read")))

    def one_metadata(self, call: Call) -> Answer:
        """Answers one key of the metadata."""
        name = call.path["meta_name"]
        found = self.metadata(self.of_call(call, "metadata", "read"))
        if name not in found:
            raise not_found(f"metadata {name} not found")
        return ok({name: found[name]})

    def add_metadata(self, call: Call) -> Answer:
        """Adds a key."""
        self._set_metadata(self.of_call(call, "metadata", "create"), call.body or {})
        return done()

    def put_metadata(self, call: Call) -> Answer:
        """Changes a key."""
        self._set_metadata(self.of_call(call, "metadata", "update"), call.body or {})
        return done()

    @staticmethod
    def _set_metadata(project: Project, wanted: dict[str, str]) -> None:
        for name, value in wanted.items():
            if name not in METADATA:
                raise bad_request(f"invalid key: {name}")
            if name == "public":
                project.public = value == "true"
            else:
                project.metadata[name] = value

    def delete_metadata(self, call: Call) -> Answer:
        """Removes a key, whichever it is."""
        self.of_call(call, "metadata", "delete").metadata.pop(call.path["meta_name"], None)
        return done()

    # Repositories and labels

    def list_repositories(self, call: Call) -> Answer:
        """Lists the repositories of a project."""
        project = self.of_call(call, "repository", "list")
        rows = [(project, item) for item in project.repositories.values()]
        return listing(call, rows, REPOSITORIES, self._shown_repository)

    @staticmethod
    def _shown_repository(row: tuple[Project, Repository]) -> dict[str, Any]:
        project, repository = row
        return {
            "id": repository.id,
            "name": f"{project.name}/{repository.name}",
            "project_id": project.id,
            "pull_count": repository.pull_count,
            "creation_time": stamp(repository.creation_time),
            "update_time": stamp(repository.update_time),
            "artifact_count": len(repository.candidates()),
        }

    def get_repository(self, call: Call) -> Answer:
        """Answers one repository."""
        return ok(self._shown_repository(self._repository(call, "read")))

    def _repository(self, call: Call, action: str) -> tuple[Project, Repository]:
        project = self.of_call(call, "repository", action)
        name = unescaped(call.path["repository_name"])
        if name not in project.repositories:
            raise not_found(f"repository {project.name}/{name} not found")
        return project, project.repositories[name]

    def delete_repository(self, call: Call) -> Answer:
        """Deletes a repository with everything in it, unless a tag is immutable."""
        project, repository = self._repository(call, "delete")
        for artifact in repository.artifacts:
            for name in artifact.names:
                self.store.check_mutable(project, repository, name)
        self.store.trash += [artifact.digest for artifact in repository.artifacts]
        del project.repositories[repository.name]
        return done()

    def list_labels(self, call: Call) -> Answer:
        """Lists the global labels, or those of a project."""
        call.sign_in()
        scope, project = call.query.get("scope"), None
        if scope not in ("g", "p"):
            raise bad_request(f"invalid scope: {scope or ''}")
        if scope == "p":
            project = self.store.projects.get(call.query.get("project_id") or 0)
            call.need_project(project, "label", "list")
            if project is None:
                raise not_found(f"project {call.query.get('project_id')} not found")
        labels = self.store.labels if project is None else project.labels
        name = call.query.get("name") or ""
        rows = [label for label in labels if name.lower() in label["name"].lower()]
        return listing(call, rows, LABELS, lambda label: shown_label(label, project))
