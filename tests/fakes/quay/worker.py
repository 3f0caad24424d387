# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prune worker of the fake Quay: whose turn it is, and what an error stops."""

from __future__ import annotations

from typing import Any

from . import prune
from .logs import Logs
from .state import Repository

TASK_INTERVAL = 3600
TASKS_PER_POLL = 10
DEFAULT_POLICY_INTERVAL = 86400


class Worker(Logs):
    """The background worker."""

    def work(self, force: bool = False) -> dict[str, Any]:
        """Runs the prune worker once; `force` also runs what rests: a namespace for an hour, the default for a day."""
        report: dict[str, Any] = {"namespaces": [], "default": None}
        if self.switches["AUTO_PRUNE"]:
            for name in self._due(force):
                report["namespaces"].append(self._prune_namespace(name))
            if self.switches["default_policy"] is not None:
                rested = self._default_ran is None or self.now() - self._default_ran >= DEFAULT_POLICY_INTERVAL
                if rested or force:
                    report["default"] = self._prune_by_default()
        # Quay ffba0c7, data/model/gc.py: a deleted repository keeps its policies until it is purged.
        report["purged"] = [f"{gone['namespace']}/{gone['name']}" for gone in self.deleted]
        self.deleted.clear()
        self._collect_garbage()
        return report

    def _collect_garbage(self) -> None:
        """Forgets the tags that are beyond the time machine of their namespace."""
        # Quay ffba0c7, data/model/oci/tag.py (lookup_unrecoverable_tags); a worker of its own, read from the source.
        for repository in self.repositories.values():
            kept_ms = self.namespaces[repository["namespace"]]["tag_expiration_s"] * 1000
            repository["tags"] = [
                row for row in repository["tags"] if prune.alive(row, self._now_ms() - kept_ms) or row["immutable"]
            ]

    def _due(self, force: bool) -> list[str]:
        limit = self.now() - TASK_INTERVAL
        due = [
            (task["last_ran"] or 0.0, name)
            for name, task in self.tasks.items()
            if self.namespaces[name]["enabled"] and (force or task["last_ran"] is None or task["last_ran"] < limit)
        ]
        due.sort(key=lambda item: item[0])
        return [name for _ran, name in (due if force else due[:TASKS_PER_POLL])]

    def _prune_namespace(self, name: str) -> dict[str, Any]:
        task, space = self.tasks[name], self.namespaces[name]
        task.update(last_ran=self.now(), status="running")
        everything = [*self.repositories.values(), *self.deleted]
        holders = [repository for repository in everything if repository["namespace"] == name]
        pruned: list[dict[str, Any]] = []
        report = {"namespace": name, "error": None, "pruned": pruned}
        if not space["policies"] and not any(repository["policies"] for repository in holders):
            del self.tasks[name]
            return report
        try:
            if space["policies"]:
                for repository in self._normal_repositories(name):
                    for policy in prune.in_order([*space["policies"], *repository["policies"]]):
                        pruned += self._prune_repository(repository, policy)
            else:
                self._prune_by_repository_policies(holders, pruned)
            task["status"] = "success"
        except prune.PruneError as error:
            task["status"] = f"failure: {error}"
            report["error"] = str(error)
        return report

    def _prune_by_repository_policies(self, holders: list[Repository], pruned: list[dict[str, Any]]) -> None:
        for method in ("creation_date", "number_of_tags"):
            for repository in holders:
                for policy in repository["policies"]:
                    if policy["method"] != method:
                        continue
                    # Quay ffba0c7, workers/autopruneworker.py: only a NORMAL repository is found again by its id,
                    # and the missing one's name is read without a check.
                    if repository in self.deleted or repository["state"] != "NORMAL":
                        raise prune.PruneError("'NoneType' object has no attribute 'name'")
                    pruned += self._prune_repository(repository, policy)

    def _prune_by_default(self) -> dict[str, Any]:
        self._default_ran = self.now()
        policy = prune.default_as_policy(self.switches["default_policy"])
        pruned: list[dict[str, Any]] = []
        try:
            for name, space in self.namespaces.items():
                if space["enabled"]:
                    for repository in self._normal_repositories(name):
                        pruned += self._prune_repository(repository, policy)
        except prune.PruneError as error:
            return {"error": str(error), "pruned": pruned}
        return {"error": None, "pruned": pruned}

    def _normal_repositories(self, namespace: str) -> list[Repository]:
        repositories = self.repositories.values()
        return [item for item in repositories if item["namespace"] == namespace and item["state"] == "NORMAL"]

    def _prune_repository(self, repository: Repository, policy: dict[str, Any]) -> list[dict[str, Any]]:
        name = f"{repository['namespace']}/{repository['name']}"
        ended = prune.apply_policy(repository["tags"], policy, self._now_ms())
        # Seen on a live Quay: what goes along with a tag has no entry of its own.
        for tag in [tag for tag, companion in ended if not companion]:
            named = {"namespace": repository["namespace"], "repo": repository["name"], "tag": tag["name"]}
            metadata = {"performer": "autoprune worker", **named}
            self.add_log("autoprune_tag_delete", repository["namespace"], metadata, repository)
        return [{"repository": name, "tag": tag["name"], "cascade": companion} for tag, companion in ended]
