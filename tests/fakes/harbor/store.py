# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake Harbor stores: projects, repositories, artifacts, labels, blobs, and what deleting takes along."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Iterator

from . import doublestar
from .wire import Refusal

if TYPE_CHECKING:
    from .server import Harbor

REFERENCED = "the deleting artifact is referenced by others"
CONFIG_SIZE = 300
MANIFEST_SIZE = 550


@dataclass(eq=False)
class Tag:
    """A tag of an artifact; times are epoch seconds, None for never."""

    id: int
    name: str
    push_time: float
    pull_time: float | None = None


@dataclass(eq=False)
class Artifact:
    """An image, an index or an accessory."""

    id: int
    digest: str
    size: int
    push_time: float
    pull_time: float | None = None
    type: str = "IMAGE"
    tags: list[Tag] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    references: list[dict[str, Any]] = field(default_factory=list)
    subject: str | None = None
    subject_type: str = ""
    blobs: list[dict[str, Any]] = field(default_factory=list)
    manifest_size: int = MANIFEST_SIZE

    @property
    def names(self) -> list[str]:
        """Returns the names of the tags, the newest first."""
        return [tag.name for tag in sorted(self.tags, key=lambda tag: (-tag.push_time, -tag.id))]

    def tag(self, name: str) -> Tag | None:
        """Returns the tag of that name."""
        return next((tag for tag in self.tags if tag.name == name), None)


@dataclass(eq=False)
class Repository:
    """A repository; its name has no project in front."""

    id: int
    name: str
    creation_time: float
    update_time: float
    artifacts: list[Artifact] = field(default_factory=list)
    pull_count: int = 0

    def find(self, reference: str) -> Artifact | None:
        """Returns the artifact of a digest or tag."""
        for item in self.artifacts:
            if item.digest == reference or item.tag(reference):
                return item
        return None

    def parents(self, artifact: Artifact) -> list[Artifact]:
        """Returns the indexes that refer to an artifact."""
        return [item for item in self.artifacts if any(ref["digest"] == artifact.digest for ref in item.references)]

    def accessories(self, artifact: Artifact) -> list[Artifact]:
        """Returns what is attached to an artifact."""
        return [item for item in self.artifacts if item.subject == artifact.digest]

    def candidates(self, children: bool = False) -> list[Artifact]:
        """Returns what a listing shows: no accessories, and no untagged children of indexes unless asked for."""
        referred = {ref["digest"] for item in self.artifacts for ref in item.references}
        found = [item for item in self.artifacts if item.subject is None]
        return [item for item in found if children or item.tags or item.digest not in referred]


@dataclass(eq=False)
class Project:
    """A project with its repositories by name."""

    id: int
    name: str
    creation_time: float
    public: bool = False
    members: dict[str, str] = field(default_factory=dict)
    labels: list[dict[str, Any]] = field(default_factory=list)
    immutable_rules: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)

    def immutable(self, repository: str, names: list[str]) -> bool:
        """Whether a rule protects an artifact with tags of these names ([]: an untagged one)."""
        return any(_protects(rule, repository, names) for rule in self.immutable_rules if not rule.get("disabled"))


def _protects(rule: dict[str, Any], repository: str, names: list[str]) -> bool:
    scopes = (rule.get("scope_selectors") or {}).get("repository") or []
    selectors = rule.get("tag_selectors") or []
    if not scopes or not selectors:
        return False
    hit = doublestar.hits(scopes[0].get("pattern", ""), repository)
    if hit is None or {"repoMatches": hit, "repoExcludes": not hit}.get(scopes[0].get("decoration")) is not True:
        return False
    decoration, pattern = selectors[0].get("decoration"), selectors[0].get("pattern", "")
    if decoration == "matches":
        return any(doublestar.hits(pattern, name) for name in names)
    return decoration == "excludes" and (not names or any(doublestar.hits(pattern, name) is False for name in names))


class Store:
    """All projects, labels and blobs."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.projects: dict[int, Project] = {}
        self.labels: list[dict[str, Any]] = []
        self.blobs: dict[str, dict[str, Any]] = {}
        self.trash: list[str] = []
        self.on_change: list[Callable[[str, Project, Repository, Artifact, list[str]], None]] = []
        self.on_delete: list[Callable[[Project], None]] = []
        self._ids = {kind: itertools.count(1) for kind in ("project", "repository", "artifact", "tag", "label", "rule")}

    def next_id(self, kind: str) -> int:
        """Returns a new id of a kind."""
        return next(self._ids[kind])

    # Looking

    def named(self, name: str) -> Project | None:
        """Returns the project of that name."""
        return next((item for item in self.projects.values() if item.name == name), None)

    def everything(self) -> Iterator[tuple[Project, Repository, Artifact]]:
        """Gives all artifacts with where they are."""
        for project in self.projects.values():
            for repository in project.repositories.values():
                for artifact in repository.artifacts:
                    yield project, repository, artifact

    def repository(self, full_name: str) -> tuple[Project | None, Repository | None]:
        """Returns project and repository of a name with the project in front."""
        project = self.named(full_name.partition("/")[0])
        return project, project.repositories.get(full_name.partition("/")[2]) if project else None

    # Adding

    def add_project(self, name: str, public: bool = False) -> Project:
        """Returns a new project."""
        project = Project(self.next_id("project"), name, self.harbor.at(), public)
        self.projects[project.id] = project
        return project

    def add_repository(self, project: Project, name: str) -> Repository:
        """Returns the project's repository of that name, a new one if need be."""
        if name not in project.repositories:
            at = self.harbor.at()
            project.repositories[name] = Repository(self.next_id("repository"), name, at, at)
        return project.repositories[name]

    def add_label(self, name: str, project: Project | None = None) -> dict[str, Any]:
        """Returns a new label of a project, or a global one."""
        label = {"id": self.next_id("label"), "name": name, "at": self.harbor.at()}
        (self.labels if project is None else project.labels).append(label)
        return label

    def add_artifact(self, repository: Repository, artifact: Artifact, touched: float | None = None) -> None:
        """Puts an artifact into a repository and its blobs into the storage."""
        repository.artifacts.append(artifact)
        self.add_blobs(artifact, artifact.push_time if touched is None else touched)

    def add_blobs(self, artifact: Artifact, touched: float) -> None:
        """Puts the blobs of an artifact into the storage; those that nobody named are made up."""
        if not artifact.blobs and not artifact.references:
            rest = max(artifact.size - MANIFEST_SIZE - CONFIG_SIZE, 1)
            for part, size in (("config", CONFIG_SIZE), ("layer", rest)):
                digest = hashlib.sha256(f"{part} of {artifact.digest}".encode()).hexdigest()
                artifact.blobs.append({"digest": f"sha256:{digest}", "size": size})
        for blob in [*artifact.blobs, {"digest": artifact.digest, "size": artifact.manifest_size, "manifest": True}]:
            old = self.blobs.setdefault(blob["digest"], {**blob, "touched": touched})
            old["touched"] = max(old["touched"], touched)

    # Deleting

    def delete(self, project: Project, repository: Repository, artifact: Artifact, quiet: bool = False) -> None:
        """Deletes an artifact as Harbor does, with all that goes along; raises the 412 and then deletes nothing."""
        doomed = self._doomed(project, repository, artifact, True, [])
        names = artifact.names
        for item in doomed:
            repository.artifacts.remove(item)
            self.trash.append(item.digest)
        repository.update_time = self.harbor.at()
        if not quiet:
            self._changed("deletion", project, repository, artifact, names)

    def _doomed(
        self, project: Project, repository: Repository, artifact: Artifact, root: bool, before: list[Artifact]
    ) -> list[Artifact]:
        if not root and artifact.tags and artifact.subject is None:
            return []
        if [parent for parent in repository.parents(artifact) if parent not in before]:
            if root:
                raise Refusal("VIOLATE_FOREIGN_KEY_CONSTRAINT", REFERENCED)
            return []
        doomed = [artifact]
        for other in repository.accessories(artifact):
            doomed += self._doomed(project, repository, other, True, before + doomed)
        for reference in artifact.references:
            child = repository.find(reference["digest"])
            if child is not None and child not in doomed:
                doomed += self._doomed(project, repository, child, False, before + doomed)
        for name in artifact.names:
            self.check_mutable(project, repository, name)
        return doomed

    @staticmethod
    def check_mutable(project: Project, repository: Repository, name: str) -> None:
        """Raises the 412 of a tag that an immutable rule covers."""
        if project.immutable(repository.name, [name]):
            raise Refusal("PRECONDITION", f"the tag {name} configured as immutable, cannot be deleted")

    def delete_tag(self, project: Project, repository: Repository, artifact: Artifact, name: str) -> None:
        """Deletes one tag; raises the 412."""
        self.check_mutable(project, repository, name)
        artifact.tags.remove(artifact.tag(name))
        self._changed("tag deletion", project, repository, artifact, [name])

    def create_tag(self, project: Project, repository: Repository, artifact: Artifact, name: str) -> None:
        """Adds a tag to an artifact."""
        artifact.tags.append(Tag(self.next_id("tag"), name, self.harbor.at()))
        self._changed("copy", project, repository, artifact, [name])

    def _changed(
        self, what: str, project: Project, repository: Repository, artifact: Artifact, names: list[str]
    ) -> None:
        for function in self.on_change:
            function(what, project, repository, artifact, names)

    # Garbage

    def orphans(self, before: float) -> list[dict[str, Any]]:
        """Returns the blobs and manifests that no artifact uses and that were last touched before that time."""
        used = set()
        for _project, _repository, artifact in self.everything():
            used.add(artifact.digest)
            used.update(blob["digest"] for blob in artifact.blobs)
        return [blob for blob in self.blobs.values() if blob["digest"] not in used and blob["touched"] < before]
