# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries elsewhere that the fake Harbor replicates from and to: health, users and contents."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .server import Harbor

PUSHERS = ("projectAdmin", "maintainer", "developer")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PATIENCE = 5  # seconds, for another fake


@dataclass
class Image:
    """An artifact as replication sees it: its digest, size, labels and tags."""

    digest: str
    size: int
    tags: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


@dataclass
class Remote:
    """Another registry, harbor or docker-registry. `repositories` has full names, `projects` is about access."""

    name: str
    url: str
    type: str
    healthy: bool
    anonymous: bool
    users: list[dict[str, Any]]
    labels: list[str]
    ca_certificate: str | None
    given: dict[str, Any]
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    repositories: dict[str, list[Image]] = field(default_factory=dict)

    def knows(self, name: str, secret: str) -> dict[str, Any] | None:
        """Returns the user of these credentials."""
        return next((user for user in self.users if (user["name"], user["password"]) == (name, secret)), None)

    def may(self, user: dict[str, Any] | None, repository: str, push: bool) -> bool:
        """Whether a user (None: anonymous) may pull from or push to a repository."""
        if self.type != "harbor":
            return self.anonymous or user is not None
        if user is not None and user.get("sysadmin"):
            return True
        project = self.projects.get(repository.partition("/")[0])
        if project is None:
            return push and user is not None
        role = next(
            (item["role"] for item in project.get("members", []) if user and item["user"] == user["name"]), None
        )
        if project.get("owner") is not None and user is not None and project["owner"] == user["name"]:
            return True
        return role in PUSHERS if push else bool(project.get("public") or role)

    def put(self, repository: str, image: Image, tag: str, user: dict[str, Any] | None) -> None:
        """Stores an image under a tag; a missing project is created for the user."""
        project = repository.partition("/")[0]
        if self.type == "harbor" and project not in self.projects:
            self.projects[project] = {"name": project, "public": False, "owner": user["name"] if user else None}
        images = self.repositories.setdefault(repository, [])
        for old in images:
            old.tags = [name for name in old.tags if name != tag]
        found = next((old for old in images if old.digest == image.digest), None)
        if found is None:
            found = Image(image.digest, image.size)
            images.append(found)
        found.tags.append(tag)

    def dump(self) -> dict[str, Any]:
        """Returns the remote as the state has it."""
        given = {**self.given, "healthy": self.healthy}
        if self.type != "harbor":
            return {
                **given,
                "repositories": [{"name": name, **_dumped(items)} for name, items in self.repositories.items()],
            }
        projects = []
        for name, project in self.projects.items():
            inside = {key: items for key, items in self.repositories.items() if key.startswith(f"{name}/")}
            repositories = [{"name": key[len(name) + 1 :], **_dumped(items)} for key, items in inside.items()]
            projects.append({**project, "repositories": repositories})
        return {**given, "projects": projects}


def _dumped(images: list[Image]) -> dict[str, Any]:
    return {
        "artifacts": [
            {
                "digest": image.digest,
                "size": image.size,
                "type": "IMAGE",
                "labels": image.labels,
                "tags": [{"name": name} for name in image.tags],
            }
            for image in images
        ]
    }


def images_of(repository: dict[str, Any]) -> list[Image]:
    """Returns the images of a repository in the form of the state."""
    return [
        Image(
            item["digest"], item.get("size", 0), [tag["name"] for tag in item.get("tags", [])], item.get("labels", [])
        )
        for item in repository.get("artifacts", [])
    ]


class Remotes:
    """All other registries, by the names that the state gives them."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.known: dict[str, Remote] = {}

    def add(self, given: dict[str, Any]) -> None:
        """Adds a remote in the form of the state."""
        self.known[given["as"]] = described(Remote, given)

    def at(self, url: str) -> Remote | None:
        """Returns the remote of a URL; below a path nobody answers."""
        wanted = urlsplit(url)
        if wanted.path.strip("/"):
            return None
        if (wanted.scheme, wanted.netloc) == self.harbor.address:
            return self.harbor.seen_from_outside(url)
        urls = ((item, urlsplit(item.url)) for item in self.known.values())
        found = next((item for item, one in urls if (one.scheme, one.netloc) == (wanted.scheme, wanted.netloc)), None)
        if found is None and self.harbor.switches["live_remotes"] and wanted.hostname == "127.0.0.1":
            return live(f"{wanted.scheme}://{wanted.netloc}")
        return found


class Live(Remote):
    """Another fake Harbor, as it was when it was asked: its users, robots and images. Nothing is pushed to it."""

    def may(self, user: dict[str, Any] | None, repository: str, push: bool) -> bool:
        """Whether a user (None: anonymous) may pull from a repository."""
        return not push and super().may(user, repository, push)


def live(url: str) -> Live | None:
    """Returns the fake Harbor at an address of the loopback interface; None if none answers there."""
    try:
        with DIRECT.open(f"{url}/_fake/state", timeout=PATIENCE) as answer:
            state = json.load(answer)
    except (OSError, ValueError):
        return None
    robots = [
        {"name": robot["name"], "password": robot["secret"], "sysadmin": _pulls_everywhere(robot)}
        for robot in state["robots"]
    ]
    given = {"as": url, "url": url, "type": "harbor", "users": state["users"] + robots, "projects": state["projects"]}
    return described(Live, given)


def _pulls_everywhere(robot: dict[str, Any]) -> bool:
    rights = [one["access"] for one in robot["permissions"] if (one["kind"], one["namespace"]) == ("project", "*")]
    return any((one["resource"], one["action"]) == ("repository", "pull") for access in rights for one in access)


def described(kind: type, given: dict[str, Any]) -> Any:
    """Returns a remote of the form of the state."""
    kept = {key: value for key, value in given.items() if key not in ("projects", "repositories")}
    remote = kind(
        given["as"],
        given["url"].rstrip("/"),
        given["type"],
        given.get("healthy", True),
        given.get("anonymous", False),
        given.get("users", []),
        given.get("labels", []),
        given.get("ca_certificate"),
        kept,
    )
    for repository in given.get("repositories", []):
        remote.repositories[repository["name"]] = images_of(repository)
    for project in given.get("projects", []):
        remote.projects[project["name"]] = {key: value for key, value in project.items() if key != "repositories"}
        for repository in project.get("repositories", []):
            remote.repositories[f"{project['name']}/{repository['name']}"] = images_of(repository)
    return remote
