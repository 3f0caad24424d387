# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts of the fake Harbor: listings, single ones, tags, accessories, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .._base import Answer
from . import models
from .gojson import stamp
from .listing import Match, Table, keywords, listing, page_of
from .projects import shown_label
from .store import Artifact, Project, Repository, Tag
from .wire import API, PAGING, Call, Refusal, Route, bad_request, done, not_found, ok, unescaped

if TYPE_CHECKING:
    from .server import Harbor

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
ICON = "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06"
TAGS_QUERY = 'the value of "tags" query can only be fuzzy match value or exact match value'
LABELS_QUERY = 'the value of "labels" query can only be integer list with intersection relationship'
BASE_QUERY = 'the value of "base" query can only be exact match value with "*"'
ARTIFACTS = Table(
    {
        "id": ("ID", "number"),
        "digest": ("Digest", "text"),
        "type": ("Type", "text"),
        "size": ("Size", "number"),
        "push_time": ("PushTime", "time"),
        "pull_time": ("PullTime", "time"),
    },
    "-push_time,-id",
)
TAGS = Table(
    {
        "id": ("ID", "number"),
        "name": ("Name", "text"),
        "push_time": ("PushTime", "time"),
        "pull_time": ("PullTime", "time"),
    },
    "-push_time,-id",
)
OPTIONS = ("with_tag", "with_label", "with_immutable_status", "with_accessory")


class Artifacts:
    """The calls about artifacts."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.store = harbor.store

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        all_of = "/projects/{project_name}/repositories/{repository_name}/artifacts"
        one = f"{all_of}/{{reference}}"
        return {
            all_of: {"GET": Route(self.list_artifacts, query=(*PAGING, *OPTIONS))},
            one: {"GET": Route(self.get, query=OPTIONS), "DELETE": Route(self.delete)},
            f"{one}/tags": {
                "GET": Route(self.list_tags, query=(*PAGING, "with_immutable_status")),
                "POST": Route(self.create_tag, body=("tag", models.NEW_TAG)),
            },
            f"{one}/tags/{{tag_name}}": {"DELETE": Route(self.delete_tag)},
            f"{one}/accessories": {"GET": Route(self.list_accessories, query=PAGING)},
        }

    # Finding

    def _place(self, call: Call, resource: str, action: str) -> tuple[Project | None, Repository | None, str]:
        project = self.store.named(call.path["project_name"])
        call.need_project(project, resource, action)
        name = unescaped(call.path["repository_name"])
        repository = project.repositories.get(name) if project else None
        return project, repository, f"{call.path['project_name']}/{name}"

    def _one(self, call: Call, resource: str, action: str) -> tuple[Project, Repository, Artifact]:
        project, repository, full_name = self._place(call, resource, action)
        reference = call.path["reference"]
        artifact = repository.find(reference) if repository else None
        if project is None or repository is None or artifact is None:
            raise not_found(f"artifact {full_name}{'@' if ':' in reference else ':'}{reference} not found")
        return project, repository, artifact

    # Listing

    def list_artifacts(self, call: Call) -> Answer:
        """Lists the artifacts of a repository; one that does not exist has none."""
        project, repository, _name = self._place(call, "artifact", "list")
        wanted = keywords(call.query.get("q"))
        if project is None or repository is None:
            return ok([], {"X-Total-Count": "0"})
        rows = self._filtered(project, repository, wanted)
        return listing(call, rows, ARTIFACTS, lambda item: self.shown(project, repository, item, call.query))

    def _filtered(self, project: Project, repository: Repository, wanted: dict[str, Match]) -> list[Artifact]:
        base, tags, labels = wanted.get("base"), wanted.get("tags"), wanted.get("labels")
        if base is not None and (base.kind, base.value) != ("exact", "*"):
            raise bad_request(BASE_QUERY)
        rows = repository.candidates(children=base is not None)
        if tags is not None:
            if tags.kind not in ("exact", "fuzzy"):
                raise bad_request(TAGS_QUERY)
            rows = [item for item in rows if self._tagged(item, tags)]
        if labels is not None:
            if labels.kind != "all" or not all(value.isdecimal() for value in labels.value):
                raise bad_request(LABELS_QUERY)
            rows = [
                item for item in rows if set(labels.value) <= {str(one["id"]) for one in self._labels(project, item)}
            ]
        return rows

    @staticmethod
    def _tagged(artifact: Artifact, wanted: Match) -> bool:
        if wanted.kind == "fuzzy":
            return any(wanted.value.lower() in name.lower() for name in artifact.names)
        if wanted.value == "nil":
            return not artifact.tags
        return bool(artifact.tags) if wanted.value == "*" else wanted.value in artifact.names

    def _labels(self, project: Project, artifact: Artifact) -> list[dict[str, Any]]:
        owned = [(label, project) for label in project.labels if label["name"] in artifact.labels]
        known = {label["name"] for label, _project in owned}
        shared = [label for label in self.store.labels if label["name"] in artifact.labels]
        found = owned + [(label, None) for label in shared if label["name"] not in known]
        return [shown_label(*item) for item in sorted(found, key=lambda item: item[0]["id"])]

    def shown(
        self, project: Project, repository: Repository, artifact: Artifact, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Returns an artifact as the API shows it with the given with_* options."""
        full_name, is_index = f"{project.name}/{repository.name}", bool(artifact.references)
        tags, links = None, {}
        if options.get("with_tag") is not False and artifact.tags:
            immutable = options.get("with_immutable_status") is True
            rows = sorted(artifact.tags, key=lambda tag: (-tag.push_time, -tag.id))
            tags = [self._shown_tag(project, repository, artifact, tag, immutable) for tag in rows]
        accessories = repository.accessories(artifact) if options.get("with_accessory") else []
        labels = self._labels(project, artifact) if options.get("with_label") else []
        shown: dict[str, Any] = {
            "id": artifact.id,
            "type": artifact.type,
            "media_type": INDEX_TYPE if is_index else CONFIG_TYPE,
            "manifest_media_type": INDEX_TYPE if is_index else MANIFEST_TYPE,
            "project_id": project.id,
            "repository_id": repository.id,
            "repository_name": full_name,
            "digest": artifact.digest,
            "size": artifact.size,
            "icon": ICON,
            "push_time": stamp(artifact.push_time),
            "pull_time": stamp(artifact.pull_time),
            "references": [self._reference(repository, artifact, item) for item in artifact.references] or None,
            "tags": tags,
            "labels": labels or None,
            "accessories": [self._accessory(repository, artifact, item, full_name) for item in accessories] or None,
        }
        if not is_index:
            encoded = quote(quote(repository.name, safe=""), safe="")
            path = f"{API}/projects/{project.name}/repositories/{encoded}/artifacts/{artifact.digest}"
            links = {"build_history": {"absolute": False, "href": f"{path}/additions/build_history"}}
            attrs = self._attributes(repository, artifact)
            shown.update(artifact_type=CONFIG_TYPE, extra_attrs=attrs, addition_links=links)
        return shown

    @staticmethod
    def _attributes(repository: Repository, artifact: Artifact) -> dict[str, Any]:
        """Returns what the image's configuration says; the state does not have it, but for the platform."""
        platforms = [
            reference.get("platform", {})
            for parent in repository.parents(artifact)
            for reference in parent.references
            if reference["digest"] == artifact.digest
        ]
        system = platforms[0] if platforms else {}
        return {
            "architecture": system.get("architecture", "amd64"),
            "author": "",
            "config": {"Cmd": ["/app"], "Env": ["PATH=/bin"]},
            "created": "2026-01-05T08:00:00Z",
            "os": system.get("os", "linux"),
        }

    @staticmethod
    def _reference(repository: Repository, artifact: Artifact, reference: dict[str, Any]) -> dict[str, Any]:
        child = repository.find(reference["digest"])
        return {
            "child_digest": reference["digest"],
            "child_id": child.id if child else 0,
            "parent_id": artifact.id,
            "platform": {"OsFeatures": None, **reference.get("platform", {})},
            "urls": None,
        }

    @staticmethod
    def _accessory(repository: Repository, subject: Artifact, item: Artifact, full_name: str) -> dict[str, Any]:
        return {
            "id": item.id,
            "artifact_id": item.id,
            "subject_artifact_id": subject.id,
            "subject_artifact_digest": subject.digest,
            "subject_artifact_repo": full_name,
            "size": item.size,
            "digest": item.digest,
            "type": item.subject_type,
            "icon": ICON,
            "creation_time": stamp(item.push_time),
        }

    @staticmethod
    def _shown_tag(
        project: Project, repository: Repository, artifact: Artifact, tag: Tag, status: bool
    ) -> dict[str, Any]:
        return {
            "id": tag.id,
            "repository_id": repository.id,
            "artifact_id": artifact.id,
            "name": tag.name,
            "push_time": stamp(tag.push_time),
            "pull_time": stamp(tag.pull_time),
            "immutable": status and project.immutable(repository.name, [tag.name]),
        }

    # Single ones

    def get(self, call: Call) -> Answer:
        """Answers one artifact."""
        project, repository, artifact = self._one(call, "artifact", "read")
        return ok(self.shown(project, repository, artifact, call.query))

    def delete(self, call: Call) -> Answer:
        """Deletes an artifact with all its tags."""
        self.store.delete(*self._one(call, "artifact", "delete"))
        return done()

    def list_tags(self, call: Call) -> Answer:
        """Lists the tags of an artifact."""
        project, repository, artifact = self._one(call, "tag", "list")
        status = call.query.get("with_immutable_status") is True

        def show(tag: Tag) -> Any:
            return self._shown_tag(project, repository, artifact, tag, status)

        return listing(call, artifact.tags, TAGS, show)

    def create_tag(self, call: Call) -> Answer:
        """Adds a tag."""
        project, repository, artifact = self._one(call, "tag", "create")
        name = (call.body or {}).get("name", "")
        if not name:
            raise bad_request("the tag name is empty")
        if any(item.tag(name) for item in repository.artifacts):
            raise Refusal("CONFLICT", f"tag {name} already exists")
        self.store.create_tag(project, repository, artifact, name)
        return Answer(201)

    def delete_tag(self, call: Call) -> Answer:
        """Deletes one tag."""
        project, repository, artifact = self._one(call, "tag", "delete")
        name = call.path["tag_name"]
        if artifact.tag(name) is None:
            raise not_found(f"tag {name} attached to artifact {artifact.id} not found")
        self.store.delete_tag(project, repository, artifact, name)
        return done()

    def list_accessories(self, call: Call) -> Answer:
        """Lists what is attached to an artifact."""
        project, repository, artifact = self._one(call, "accessory", "list")
        part, headers = page_of(call, repository.accessories(artifact))
        full_name = f"{project.name}/{repository.name}"
        return ok([self._accessory(repository, artifact, item, full_name) for item in part], headers)
