# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories in the fake Quay's API: the list with its pages, one of them, its description, its end."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from .._base import Answer, as_json
from . import prune
from .call import Call, truth
from .errors import BAD_REQUEST, no_content, server_error
from .schema import DESCRIPTION_SCHEMA
from .state import Repository
from .tags import Tags

REPOSITORIES_PER_PAGE = 100
PAGE_TOKEN_LIFE = 2 * 86400


class Repositories(Tags):
    """The endpoints of repositories."""

    def _get_repositories(self, call: Call) -> Answer:
        arguments = call.request.args
        namespace = arguments.get("namespace")
        starred, public = truth(arguments.get("starred")), truth(arguments.get("public"))
        if not namespace and not starred and not public:
            call.invalid("namespace, starred or public are required for this API call")
        if starred and call.caller.name is None:
            return as_json({"message": BAD_REQUEST}, 400)
        first = self._page_start(arguments.get("next_page"))
        nothing = starred or arguments.get("repo_kind", "image") != "image"
        found = [] if nothing else self._listed(call, namespace, public)
        found = [repository for repository in found if repository["id"] >= first]
        answer: dict[str, Any] = {
            "repositories": [self._repository_entry(call, item) for item in found[:REPOSITORIES_PER_PAGE]]
        }
        if len(found) > REPOSITORIES_PER_PAGE:
            answer["next_page"] = self._new_page_token(found[REPOSITORIES_PER_PAGE]["id"])
        return as_json(answer)

    def _listed(self, call: Call, namespace: str | None, public: bool) -> list[Repository]:
        everything = call.caller.name is not None and call.sees_everything()
        found = []
        for repository in self.repositories.values():
            if namespace and repository["namespace"] != namespace:
                continue
            open_to_all = public and repository["visibility"] == "public"
            own = call.own_repository_role(repository["namespace"], repository) is not None
            if open_to_all or everything or own:
                found.append(repository)
        return found

    def _repository_entry(self, call: Call, repository: Repository) -> dict[str, Any]:
        entry = {key: repository[key] for key in ("namespace", "name", "description")}
        entry.update(is_public=repository["visibility"] == "public", kind="image", state=repository["state"])
        if truth(call.request.args.get("last_modified")):
            now_ms = self._now_ms()
            starts = [tag["start_ms"] for tag in repository["tags"] if prune.alive(tag, now_ms) and not tag["hidden"]]
            entry["last_modified"] = max(starts) // 1000 if starts else None
        if truth(call.request.args.get("popularity")):
            entry["popularity"] = 0.0
        if call.caller.name is not None:
            entry["is_starred"] = False
        return entry

    def _new_page_token(self, first: int) -> str:
        token = f"gAAAAAB{self._random.getrandbits(400):0100x}"
        self._page_tokens[token] = (first, self.now())
        return token

    def _page_start(self, token: str | None) -> int:
        first, issued = self._page_tokens.get(token or "", (0, 0.0))
        return first if self.now() - issued <= PAGE_TOKEN_LIFE else 0

    def _get_repository(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_read_repository(namespace, name, "read")
        repository = call.repository(namespace, name)
        role, normal = call.repository_role(namespace, name), repository["state"] == "NORMAL"
        view = {key: repository[key] for key in ("namespace", "name", "description", "state")}
        view.update(kind="image", is_public=repository["visibility"] == "public", is_starred=False, status_token="")
        view.update(is_organization=self.namespaces[namespace]["organization"], trust_enabled=False)
        view.update(tag_expiration_s=self.namespaces[namespace]["tag_expiration_s"], is_free_account=True)
        if truth(call.request.args.get("includeTags", "true")):
            view["tags"] = {tag["name"]: short_tag(tag) for tag in self._history(repository, live=True)[:500]}
        view["can_write"] = normal and (role in ("write", "admin") or call.is_powerful())
        view["can_admin"] = role == "admin" or call.sees_everything()
        if truth(call.request.args.get("includeStats")):
            view["stats"] = []
        return as_json(view)

    def _put_repository(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_write_repository(namespace, name, "write")
        body = call.body(DESCRIPTION_SCHEMA)
        call.repository(namespace, name)["description"] = body["description"]
        return as_json({"success": True})

    def _delete_repository(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        if namespace not in self.namespaces:
            return server_error()
        # Quay ffba0c7, data/model/repository.py: deleting what does not exist succeeds as well.
        repository = self.repositories.pop((namespace, name), None)
        if repository:
            self.deleted.append(repository)
        self.log_of(call, "delete_repo", namespace, {"repo": name, "namespace": namespace})
        return no_content()


def short_tag(tag: dict[str, Any]) -> dict[str, Any]:
    """Returns a tag as the answer about a repository shows it."""
    view = {"name": tag["name"], "size": tag["size"], "last_modified": formatdate(tag["start_ms"] // 1000)}
    if tag["end_ms"] is not None:
        view["expiration"] = formatdate(tag["end_ms"] // 1000)
    view["manifest_digest"] = tag["digest"]
    return view
