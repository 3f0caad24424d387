# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake Harbor makes of images that are pushed to it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ..distribution import Distribution, Refused
from .accounts import Account, Accounts
from .store import Artifact

if TYPE_CHECKING:
    from .server import Harbor


class Pushes:
    """Takes pushed manifests into the projects."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.store = harbor.store
        self.registry = Distribution("/service/token", "harbor-registry", self.sign_in, self.may, self.put, self.find)

    def sign_in(self, user: str, password: str) -> Account | None:
        """Returns the account of user name and password."""
        header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        return self.harbor.accounts.sign_in(header, self.harbor.at(), 0)

    def may(self, account: Account, name: str, action: str) -> bool:
        """Whether an account may push to a repository or pull from it."""
        project = self.store.named(name.partition("/")[0])
        return Accounts.may(account, project, "repository", action)

    def find(self, name: str, reference: str) -> str | None:
        """Returns the digest of what a tag or digest names in a repository."""
        _project, repository = self.store.repository(name)
        found = repository.find(reference) if repository else None
        return found.digest if found else None

    def put(self, name: str, reference: str, pushed: dict[str, Any]) -> None:
        """Stores a manifest, and moves the tag to it; an immutable tag stays where it is."""
        if self.harbor.switches["read_only"]:
            raise Refused("DENIED", "The system is in read only mode. Any modification is prohibited.")
        project, _repository = self.store.repository(name)
        if project is None:
            raise Refused("NAME_UNKNOWN", f"project {name.partition('/')[0]} not found")
        rest = name.partition("/")[2]
        if not rest:
            raise Refused("NAME_UNKNOWN", f"{name} names no repository of a project")
        repository = self.store.add_repository(project, rest)
        held, tag = repository.find(reference), "" if ":" in reference else reference
        if held is not None and held.digest != pushed["digest"] and tag and project.immutable(rest, [tag]):
            raise Refused("DENIED", f"Failed to process request due to '{rest}:{tag}' configured as immutable.")
        artifact = repository.find(pushed["digest"])
        if artifact is None:
            at = self.harbor.at()
            artifact = Artifact(self.store.next_id("artifact"), pushed["digest"], pushed["size"], at)
            artifact.references, artifact.blobs = self._references(pushed), pushed["blobs"]
            artifact.manifest_size = pushed["manifest_size"]
            self.store.add_artifact(repository, artifact)
        if tag and (held is not artifact):
            if held is not None:
                held.tags.remove(held.tag(tag))
            self.store.create_tag(project, repository, artifact, tag)

    @staticmethod
    def _references(pushed: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"digest": item["digest"], "platform": item.get("platform", {})} for item in pushed["references"]]
