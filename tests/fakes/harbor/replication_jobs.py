# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replication finds, where it puts it, and the job that does one repository."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generator
from urllib.parse import urlsplit

from . import doublestar
from .itself import Itself
from .jobs import JobFailed, Task
from .registries import LOCAL_URL, Registry
from .remotes import Image, Remote
from .store import Artifact, Tag

if TYPE_CHECKING:
    from .replication_policies import Policy
    from .server import Harbor

FREE_BYTES = 1024000  # of each blob, before the limit of the speed counts
BYTES_PER_UNIT = 128
TRANSFER = "/src/controller/replication/transfer/image/transfer.go"
FAILURE = "got error during the whole transfer period, mark the job failure"
UNKNOWN_NAME = (
    '{{"errors":[{{"code":"NAME_UNKNOWN","message":"repository name not known to registry",'
    '"detail":{{"name":"{}"}}}}]}}\n'
)
UNAUTHORIZED = '{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}\n'


class FetchFailed(Exception):
    """The execution fails before there are tasks; the message is its status_text."""


class ItemFailed(Exception):
    """One tag of a task failed."""


@dataclass
class Resource:
    """What one task is about: a repository on both sides and its images with the tags that go ("" for a digest)."""

    source: str
    destination: str
    kind: str
    images: list[Image]
    operation: str = "copy"

    @property
    def count(self) -> int:
        """Returns the number of items."""
        return sum(len(image.tags) or 1 for image in self.images)

    def named(self, name: str) -> str:
        """Returns how a task shows one side."""
        return f"{name} [{self.count} item(s) in total]"


def refused(remote: Remote | None, url: str, path: str = "/v2/") -> str:
    """Returns Go's error of a connection that nobody takes."""
    parts = urlsplit(remote.url if remote else url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f'Get "{url}{path}": dial tcp {parts.hostname}:{port}: connect: connection refused'


def expanded(pattern: str) -> list[str] | None:
    """Returns the names that a pattern lists, None if it has wildcards."""
    if any(char in pattern for char in "*?[\\") or pattern.count("{") != pattern.count("}"):
        return None
    if "{" not in pattern:
        return [pattern]
    before, _brace, rest = pattern.partition("{")
    inner, _brace, after = rest.partition("}")
    if "{" in inner:
        return None
    found = [expanded(before + option + after) for option in inner.split(",")]
    return None if None in found else list(itertools.chain(*found))


def keeps(filters: list[dict[str, Any]], name: str, image: Image) -> Image | None:
    """Returns what the filters leave of an image, None for nothing."""
    tags = list(image.tags)
    for one in filters:
        kind, value, excludes = one["type"], one["value"], one.get("decoration") == "excludes"
        if kind == "name" and not _hits(value, name):
            return None
        if kind == "tag":
            tags = [tag for tag in tags if _hits(value, tag) != excludes]
            if not tags:
                return None
        if kind == "label" and (set(value) <= set(image.labels)) == excludes:
            return None
    return Image(image.digest, image.size, tags, image.labels)


def _hits(pattern: str, name: str) -> bool:
    try:
        return doublestar.match(pattern, name)
    except doublestar.BadPattern:
        raise FetchFailed("failed to fetch artifacts: syntax error in pattern") from None


def destination(policy: Policy, source: str) -> str:
    """Returns the name of a repository on the other side; raises FetchFailed."""
    if not policy.dest_namespace:
        return source
    *parts, last = source.split("/")
    level = policy.dest_namespace_replace_count
    if level < 0:
        return f"{policy.dest_namespace}/{last}"
    if level > len(parts):
        text = f'the source repository "{source}" contains only {len(parts)} path components [{" ".join(parts)}]'
        raise FetchFailed(f"{text} excepting the last one, but the destination namespace flattening level is {level}")
    return "/".join([policy.dest_namespace, *parts[level:], last])


class Side:
    """One end of a replication: this Harbor, or an endpoint with its remote."""

    def __init__(self, harbor: Harbor, registry: Registry | None) -> None:
        self.harbor = harbor
        self.registry = registry
        self.remote = harbor.remotes.at(registry.url) if registry else None
        self.user = None
        if registry and self.remote and registry.access_key:
            self.user = self.remote.knows(registry.access_key, registry.access_secret)

    @property
    def url(self) -> str:
        """Returns the URL."""
        return self.registry.url if self.registry else LOCAL_URL

    @property
    def type(self) -> str:
        """Returns the type of the endpoint."""
        return self.registry.type if self.registry else "harbor"

    @property
    def here(self) -> bool:
        """Whether its images are those of this Harbor."""
        return self.registry is None or isinstance(self.remote, Itself)

    @property
    def reachable(self) -> bool:
        """Whether somebody answers there."""
        return self.registry is None or (self.remote is not None and self.remote.healthy)

    def describe(self) -> str:
        """Returns how the log calls it."""
        insecure = str(self.registry.insecure if self.registry else True).lower()
        return f"[type: {self.type}, URL: {self.url}, insecure: {insecure}]"

    def repositories(self) -> dict[str, list[Image]]:
        """Returns what may be pulled there, by full names."""
        if self.here:
            found: dict[str, list[Image]] = {}
            for project in self.harbor.store.projects.values():
                for repository in project.repositories.values():
                    if self.registry and not self.remote.may(self.user, f"{project.name}/{repository.name}", False):
                        continue
                    images = [Image(one.digest, one.size, one.names, one.labels) for one in repository.candidates()]
                    found[f"{project.name}/{repository.name}"] = images
            return found
        items = self.remote.repositories.items()
        return {name: images for name, images in items if self.remote.may(self.user, name, False)}

    def listed(self, filters: list[dict[str, Any]]) -> dict[str, list[Image]]:
        """Returns the repositories that a listing for these filters gives; raises FetchFailed."""
        patterns = [one["value"] for one in filters if one["type"] == "name"]
        names = expanded(patterns[-1]) if patterns and self.type != "harbor" else None
        if not self.reachable:
            prefix = f"failed to list artifacts of repository {names[0]}: " if names else ""
            raise FetchFailed(f"failed to fetch artifacts: {prefix}{refused(self.remote, self.url)}")
        asks = self.remote is not None and not self.remote.anonymous and self.type != "harbor"
        if self.registry is not None and self.user is None and (self.registry.access_key or asks):
            raise FetchFailed(f"failed to fetch artifacts: http status code: 401, body: {UNAUTHORIZED}")
        found = self.repositories()
        if names is None:
            return found
        for name in names:
            if name not in found:
                reason = f"failed to list artifacts of repository {name}: http status code: 404"
                body = UNKNOWN_NAME.format(name)
                raise FetchFailed(f"failed to fetch artifacts: failed to fetch artifacts: {reason}, body: {body}")
        return {name: found[name] for name in names}

    def image(self, repository: str, tag: str) -> Image | None:
        """Returns what a tag (or digest) is there."""
        if self.here:
            _project, place = self.harbor.store.repository(repository)
            item = place.find(tag) if place else None
            return Image(item.digest, item.size, item.names) if item else None
        images = self.remote.repositories.get(repository, [])
        return next((one for one in images if tag in one.tags or tag == one.digest), None)

    def may_push(self, repository: str) -> bool:
        """Whether the endpoint's credentials allow to push."""
        return self.registry is None or self.remote.may(self.user, repository, True)

    def put(self, repository: str, image: Image, tag: str) -> None:
        """Stores an image under a tag (or its digest)."""
        if not self.here:
            self.remote.put(repository, image, tag, self.user)
            return
        store, at = self.harbor.store, self.harbor.at()
        name, _slash, rest = repository.partition("/")
        place = store.add_repository(store.named(name) or store.add_project(name), rest)
        for item in place.artifacts:
            item.tags = [one for one in item.tags if one.name != tag]
        found = place.find(image.digest)
        if found is None:
            found = Artifact(store.next_id("artifact"), image.digest, image.size, at)
            store.add_artifact(place, found)
        if tag != image.digest:
            found.tags.append(Tag(store.next_id("tag"), tag, at))

    def remove(self, repository: str, tag: str, whole: bool) -> None:
        """Deletes a tag, or the whole image that has it."""
        if self.here:
            self._remove_here(repository, tag, whole)
            return
        images = self.remote.repositories.get(repository, [])
        for image in list(images):
            if tag in image.tags:
                image.tags.remove(tag)
                if whole:
                    images.remove(image)

    def _remove_here(self, repository: str, tag: str, whole: bool) -> None:
        store = self.harbor.store
        project, place = store.repository(repository)
        item = place.find(tag) if place else None
        if item is not None and whole:
            store.delete(project, place, item, quiet=True)
        elif item is not None:
            item.tags.remove(item.tag(tag))


class Transfer:
    """The job of one task."""

    def __init__(self, harbor: Harbor, policy: Policy, source: Side, target: Side, resource: Resource) -> None:
        self.jobs = harbor.jobs
        self.policy, self.source, self.target, self.resource = policy, source, target, resource

    def __call__(self, task: Task) -> Generator[float, None, None]:
        """Runs the job; raises JobFailed."""
        self.task = task
        self._say(f"client for source registry {self.source.describe()} created", 89)
        self._say(f"client for destination registry {self.target.describe()} created", 99)
        yield 1
        if self.resource.operation == "copy":
            yield from self._copy()
        else:
            try:
                self._delete()
            except ItemFailed:
                raise JobFailed from None

    def _say(self, text: str, line: int, level: str = "INFO") -> None:
        self.jobs.write(self.task, level, f"{TRANSFER}:{line}", text)

    def _fail(self, text: str, line: int) -> ItemFailed:
        self._say(text, line, "ERROR")
        return ItemFailed()

    def _copy(self) -> Generator[float, None, None]:
        source, target = self.resource.source, self.resource.destination
        items = [(image, tag) for image in self.resource.images for tag in image.tags or [image.digest]]
        tags = ",".join(tag for _image, tag in items)
        whole = f"{source}:[{tags}](source registry) to {target}:[{tags}](destination registry)"
        self._say(f"copying {whole}...", 135)
        failed = False
        for image, tag in items:
            self._say(f"copying {source}:{tag}(source registry) to {target}:{tag}(destination registry)...", 168)
            try:
                self._pull(source, tag)
                if self._wanted(image, tag):
                    yield from self._push(image, tag)
            except ItemFailed:  # the other items have their turn
                failed = True
        if failed:
            self._say(FAILURE, 150, "ERROR")
            raise JobFailed
        self._say(f"copy {whole} completed", 158)

    def _pull(self, source: str, tag: str) -> None:
        if not self.source.reachable:
            reason = refused(self.source.remote, self.source.url, f"/v2/{source}/manifests/{tag}")
            raise self._fail(f"failed to pull the manifest of artifact {source}:{tag}: {reason}", 410)
        self._say(f"pulling the manifest of artifact {source}:{tag} ...", 402)
        self._say(f"the manifest of artifact {source}:{tag} pulled", 415)

    def _wanted(self, image: Image, tag: str) -> bool:
        name = f"{self.resource.destination}:{tag}"
        check = f"failed to check the existence of the manifest of artifact {name} on the destination registry: "
        if not self.target.reachable:
            path = f"/v2/{self.resource.destination}/manifests/{tag}"
            raise self._fail(check + refused(self.target.remote, self.target.url, path), 479)
        if self.target.type == "harbor" and "/" not in self.resource.destination:
            raise self._fail(f"{check}http status code: 400, body: ", 479)
        there = self.target.image(self.resource.destination, tag)
        if there is not None and there.digest == image.digest:
            self._say(f"the artifact {name} already exists on the destination registry, skip", 190)
            return False
        if there is not None:
            same = f"the same name artifact {name} exists on the destination registry"
            if not self.policy.override:
                self._say(f'{same}, but the "override" is set to false, skip', 200, "WARNING")
                return False
            self._say(f'{same} and the "override" is set to true, continue...', 205, "WARNING")
        return True

    def _push(self, image: Image, tag: str) -> Generator[float, None, None]:
        repository = self.resource.destination
        way = " by chunk" if self.policy.copy_by_chunk else ""
        self._say(f"copying the blob {image.digest}{way}...", 330)
        if not self.target.may_push(repository):
            message = f"unauthorized to access repository: {repository}, action: push: unauthorized"
            body = f'{{"errors":[{{"code":"UNAUTHORIZED","message":"{message}"}}]}}'
            for pause in (2, 4, 8, 16):
                text = f"failed to mount the blob {image.digest} on the destination registry"
                self._say(f"{text}: http status code: 401, body: {body}", 352, "ERROR")
                yield pause
            raise self._fail(f"http status code: 401, body: {body}", 195)
        if self.policy.speed:
            self._say(f"limit network speed at {self.policy.speed} kb/s", 340)
            yield max(image.size - FREE_BYTES, 0) / (self.policy.speed * BYTES_PER_UNIT)
        yield 0.5
        self._say(f"copy the blob {image.digest}{way} completed", 360)
        self._say(f"pushing the manifest of artifact {repository}:{tag} ...", 440)
        self.target.put(repository, image, tag)
        self._say(f"the manifest of artifact {repository}:{tag} pushed", 450)

    def _delete(self) -> None:
        name, whole = self.resource.destination, self.resource.operation == "deletion"
        if not self.target.reachable:
            raise self._fail(refused(self.target.remote, self.target.url), 505)
        if self.target.type != "harbor":
            raise self._fail(f"the {self.resource.operation} isn't supported", 510)
        for image in self.resource.images:
            for tag in image.tags:
                self.target.remove(name, tag, whole)
                self._say(f"the {'manifest' if whole else 'tag'} {name}:{tag} is deleted", 520)
