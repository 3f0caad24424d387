# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention policies in the fake SWR's API, and how they run."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import NoReturn

from .._base import JSON_TYPE, Answer, as_json
from . import retention
from .call import Call, with_headers
from .rows import Row, find, shown_history
from .state import READ, State

HISTORY_LIFE_NS = 90 * 86400 * 10**9


class Policies(State):
    """The endpoints of policies and of what they deleted; a policy runs when it is written and with each tick."""

    def work(self) -> list[Row]:
        """Runs all policies once and returns what they deleted."""
        return [
            gone
            for row in self.repositories.values()
            for policy in row["retentions"]
            for gone in self._run(row, policy)
        ]

    def _run(self, repository: Row, policy: Row) -> list[Row]:
        now_ns = self._now_ns()
        gone = []
        for tag, rule in retention.judged(repository["tags"], policy["rules"], now_ns, self._reading()):
            repository["tags"].remove(tag)
            shown = {"template": rule["template"], "params": rule["params"]}
            shown["tag_selectors"] = rule.get("tag_selectors") or []
            repository["histories"].append(
                {
                    "id": self._history_id,
                    "retention_id": policy["id"],
                    "namespace": repository["namespace"],
                    "repo": repository["name"],
                    "tag": tag["name"],
                    "created_ns": now_ns,
                    "rule_type": json.dumps(shown, separators=(",", ":")),
                }
            )
            self._history_id += 1
            name = f"{repository['namespace']}/{repository['name']}"
            gone.append({"repository": name, "retention_id": policy["id"], "tag": tag["name"]})
        return gone

    def _reading(self) -> retention.Reading:
        names = ("regexp_match", "regexp_dialect", "bad_regexp", "date_boundary", "recent_by")
        return retention.Reading(**{name: self.switches[name] for name in names})

    # Requests

    def _get_retentions(self, call: Call, namespace: str, repository: str) -> Answer:
        row = call.repository(namespace, repository, READ)
        return as_json([self._shown(policy) for policy in row["retentions"]])

    def _post_retentions(self, call: Call, namespace: str, repository: str) -> Answer:
        row = call.repository(namespace, repository, self.switches["retention_auth"])
        body = call.policy()
        if row["retentions"] and self.switches["second_post"] == "refuse":
            self._refuse("4000014", "the repository has a retention policy")
        rules = [retention.stored_rule(rule, self.switches["number_params"]) for rule in body["rules"]]
        number = self.add_retention(f"{namespace}/{row['name']}", {"algorithm": "or", "rules": rules})
        if self.switches["create_runs"]:
            self._run(row, row["retentions"][-1])
        return as_json({"id": self._shown_id(number)}, 201)

    def _get_retention(self, call: Call, namespace: str, repository: str, number: str) -> Answer:
        row = call.repository(namespace, repository, READ)
        policy = find(row, number)
        if policy is None:
            if self.switches["missing_on_show"] == "empty":
                return as_json({"rules": []})
            self._refuse_missing("missing_on_show")
        return as_json(self._shown(policy))

    def _patch_retention(self, call: Call, namespace: str, repository: str, number: str) -> Answer:
        row = call.repository(namespace, repository, self.switches["retention_auth"])
        policy = find(row, number)
        if policy is None:
            self._refuse_missing("missing_on_update")
        body = call.policy()
        before = [rule["template"] for rule in policy["rules"]]
        if [rule["template"] for rule in body["rules"]] != before and self.switches["template_change"] == "refuse":
            self._refuse("4000014", "the template of a retention policy cannot be changed")
        policy["rules"] = [retention.stored_rule(rule, self.switches["number_params"]) for rule in body["rules"]]
        if self.switches["update_runs"]:
            self._run(row, policy)
        return Answer(201, b"", {"Content-Type": JSON_TYPE})

    def _delete_retention(self, call: Call, namespace: str, repository: str, number: str) -> Answer:
        row = call.repository(namespace, repository, self.switches["retention_auth"])
        policy = find(row, number)
        if policy is None:
            self._refuse_missing("missing_on_delete")
        row["retentions"].remove(policy)
        return Answer(200, b"", {"Content-Type": JSON_TYPE})

    def _get_histories(self, call: Call, namespace: str, repository: str) -> Answer:
        row = call.repository(namespace, repository, READ)
        oldest = self._now_ns() - HISTORY_LIFE_NS
        entries = [entry for entry in row["histories"] if entry["created_ns"] >= oldest]
        if self.switches["history_order"] == "newest":
            entries.reverse()
        rows, headers = call.page(entries)
        return with_headers({"total": len(entries), "retention_log": [shown_history(entry) for entry in rows]}, headers)

    def _refuse_missing(self, switch: str) -> NoReturn:
        self._refuse({"400": "4000306", "404": "4040306"}[self.switches[switch]])

    def _shown_id(self, number: int) -> int | str:
        return str(number) if self.switches["retention_id_as"] == "string" else number

    def _shown(self, policy: Row) -> Row:
        rules = deepcopy(policy["rules"])
        for rule in rules:
            if rule.get("tag_selectors") == [] and self.switches["empty_selectors_as"] != "list":
                rule["tag_selectors"] = None
                if self.switches["empty_selectors_as"] == "missing":
                    del rule["tag_selectors"]
        shown = {"id": self._shown_id(policy["id"]), "algorithm": policy["algorithm"]}
        return {**shown, "rules": rules, "scope": policy["scope"]}
