# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations, repositories and tags in the fake SWR's API."""

from __future__ import annotations

from .._base import Answer, as_json
from .call import Call, with_headers
from .iam import made_up_id
from .rows import Row, changed_ns, rfc3339, shown_tag
from .state import READ, State

REPOSITORY_ORDERS = ("name", "updated_time", "tag_count")
TAG_ORDERS = ("updated_at", "tag")


class Listing(State):
    """The endpoints that list and show."""

    def _get_namespaces(self, call: Call) -> Answer:
        rows = []
        wanted = call.query.get("namespace")
        for space in self.organizations.values():
            if wanted not in (None, space["name"]) and not (
                self.switches["namespace_matches"] == "fuzzy" and wanted in space["name"]
            ):
                continue
            level = call.level(space)
            if not level and call.query.get("mode") == "visible":
                own = [row for row in self.repositories.values() if row["namespace"] == space["name"]]
                level = READ if any(call.level(space, row) for row in own) else 0
            if level and call.in_project(space):
                rows.append(self._shown_namespace(space, level))
        return as_json({"namespaces": rows})

    def _get_namespace(self, call: Call, namespace: str) -> Answer:
        space = call.organization(namespace)
        level = call.level(space)
        if not level:
            self._refuse(self.switches["denied"])
        return as_json(self._shown_namespace(space, level))

    def _shown_namespace(self, space: Row, level: int) -> Row:
        shown = {"id": space["id"], "name": space["name"], "creator_name": space["creator"], "auth": level}
        shown["access_user_count"] = len(space["auth"] or {}) or 1
        shown["repo_count"] = sum(name == space["name"] for name, _short in self.repositories)
        return shown

    def _get_repositories(self, call: Call) -> Answer:
        query = call.query
        namespace = query.get("namespace")
        if namespace and namespace not in self.organizations and self.switches["unknown_namespace"] == "404":
            self._refuse("4040058")
        rows = [row for row in self.repositories.values() if self._listed(call, row)]
        column = query.get("order_column", "updated_time")
        if column == "updated_at" and self.switches["order_by_updated_at"] == "accept":
            column = "updated_time"
        keys = {"name": lambda row: row["name"], "tag_count": lambda row: len(row["tags"]), "updated_time": changed_ns}
        if column not in REPOSITORY_ORDERS:
            self._refuse("4001096")
        rows.sort(key=lambda row: (keys[column](row), row["id"]), reverse=call.descending())
        shown, headers = call.page(rows)
        return with_headers([self._shown_repository(row, len(rows)) for row in shown], headers)

    def _listed(self, call: Call, row: Row) -> bool:
        space, query = self.organizations[row["namespace"]], call.query
        if not call.in_project(space) or not call.level(space, row):
            return False
        for key in ("namespace", "category"):
            if query.get(key) not in (None, "", row[key]):
                return False
        if query.get("is_public") not in (None, "", str(row["is_public"]).lower()):
            return False
        wanted = query.get("name")
        if not wanted:
            return True
        name = row["name"]
        if self.switches["name_dollar"] == "dollar":
            name = name.replace("/", "$")
        elif self.switches["name_dollar"] == "both":
            wanted = wanted.replace("$", "/")
        return wanted == name or (self.switches["name_matches"] == "fuzzy" and wanted in name)

    def _shown_repository(self, row: Row, total: int) -> Row:
        path = f"{row['namespace']}/{row['name']}"
        return {
            "name": self._reply_name(row["name"]),
            "namespace": row["namespace"],
            "category": row["category"],
            "description": row["description"],
            "size": sum(tag["size"] for tag in row["tags"]),
            "is_public": row["is_public"],
            "num_images": len(row["tags"]),
            "num_download": row["id"] % 7,
            "created_at": rfc3339(row["created_ns"]),
            "updated_at": rfc3339(changed_ns(row)),
            "logo": "",
            "url": "",
            "path": f"swr.test/{path}",
            "internal_path": f"10.125.0.198:20202/{path}",
            "domain_name": self.organizations[row["namespace"]]["domain"],
            "tags": [tag["name"] for tag in sorted(row["tags"], key=lambda tag: -tag["updated_ns"])],
            "status": False,
            "total_range": total,
        }

    def _reply_name(self, name: str) -> str:
        return name.replace("/", "$") if self.switches["reply_names"] == "dollar" else name

    def _get_tags(self, call: Call, namespace: str, repository: str) -> Answer:
        row = call.repository(namespace, repository, READ)
        column = call.query.get("order_column", "updated_at")
        if column not in TAG_ORDERS:
            self._refuse("4001096")
        key = "name" if column == "tag" else "updated_ns"
        tags = sorted(row["tags"], key=lambda tag: (tag[key], tag["id"]), reverse=call.descending())
        shown, headers = call.page(tags)
        domain = made_up_id(f"domain {self.organizations[namespace]['domain']}")
        return with_headers([shown_tag(row, tag, domain) for tag in shown], headers)
