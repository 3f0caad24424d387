# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWX in memory, as far as awx.awx and our kit need one: objects with their relations, and what AWX refuses.

What it does was observed on AWX 24.6 or read in its source. It runs no jobs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from werkzeug.wrappers import Request, Response

from awx import rules
from awx.rules import Refused

API = "/api/v2/"
ENCRYPTED = "$encrypted$"
TOKEN = "token-of-the-awx-0123456789"
# Endpoint -> the type of its objects, and what tells two of them apart beside the name.
KINDS = {
    "organizations": ("organization", ()),
    "credential_types": ("credential_type", ()),
    "credentials": ("credential", ("organization", "credential_type")),
    "execution_environments": ("execution_environment", ()),
    "notification_templates": ("notification_template", ("organization",)),
    "projects": ("project", ("organization",)),
    "inventories": ("inventory", ("organization",)),
    "inventory_sources": ("inventory_source", ("inventory",)),
    "job_templates": ("job_template", ("organization",)),
    "workflow_job_templates": ("workflow_job_template", ("organization",)),
    "workflow_approval_templates": ("workflow_approval_template", ()),
    "workflow_job_template_nodes": ("workflow_job_template_node", ()),
    "schedules": ("schedule", ("unified_job_template",)),
}
UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates", "workflow_approval_templates")
# What goes with what: endpoint -> (endpoint, field) that refers to it.
WITH = {
    "inventories": [("inventory_sources", "inventory")],
    "job_templates": [("schedules", "unified_job_template")],
    "workflow_job_templates": [("workflow_job_template_nodes", "workflow_job_template")],
}
# Relations, each with the endpoint of what is related.
RELATIONS = {
    "credentials": "credentials",
    "success_nodes": "workflow_job_template_nodes",
    "failure_nodes": "workflow_job_template_nodes",
    "always_nodes": "workflow_job_template_nodes",
    "notification_templates_success": "notification_templates",
    "notification_templates_error": "notification_templates",
    "notification_templates_started": "notification_templates",
    "notification_templates_approvals": "notification_templates",
}


class Awx:
    """The server. files: those of the project, by their paths. writes: (method, path) of all that changed something."""

    def __init__(self, project: Path) -> None:
        self.files = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
        self.objects: dict[str, dict[int, dict]] = {endpoint: {} for endpoint in KINDS}
        self.secrets: dict[int, dict] = {}  # of credentials
        self.writes: list[tuple] = []
        self.last = 0
        for name in ("Default", "Another"):
            self._create("organizations", {"name": name})
        self.writes.clear()

    def __call__(self, environ: dict, start_response: Callable) -> Any:
        """Answer a request."""
        request = Request(environ)
        try:
            status, body = self._answer(request)
        except Refused as refusal:
            status, body = refusal.status, refusal.body
        data = "" if status == 204 else json.dumps(body)
        headers = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
        return Response(data, status, headers, content_type="application/json")(environ, start_response)

    def named(self, endpoint: str, name: str) -> dict:
        """Return the only object of that name."""
        (found,) = [one for one in self.objects[endpoint].values() if one.get("name") == name]
        return found

    def related(self, endpoint: str, name: str, relation: str) -> list[str]:
        """Return the names (of nodes the identifiers) of what is related to an object."""
        objects = self.objects[RELATIONS[relation]]
        key = "identifier" if endpoint.endswith("nodes") else "name"
        (one,) = [found for found in self.objects[endpoint].values() if found.get(key) == name]
        return [objects[id_].get("name") or objects[id_]["identifier"] for id_ in one["_related"].get(relation, [])]

    def _answer(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, {"detail": "Authentication credentials were not provided."})
        if not request.path.startswith(API) or not request.path.endswith("/"):
            raise Refused(404, {"detail": "Not found."})
        endpoint, *rest = request.path[len(API) : -1].split("/")
        if request.method not in ("GET", "HEAD"):
            self.writes.append((request.method, request.path))
        data = request.get_json() if request.data else {}
        if not rest:
            if request.method == "POST":
                return 201, self._shown(endpoint, self._create(endpoint, data))
            return 200, self._listed(endpoint, request.args.to_dict())
        one = self.objects.get(endpoint, {}).get(int(rest[0]))
        if one is None:
            raise Refused(404, {"detail": "Not found."})
        if len(rest) == 2:
            return self._below(endpoint, one, rest[1], request.method, data)
        if request.method == "PATCH":
            self._check(endpoint, {**one, **data}, one)
            self._store(endpoint, one, data)
        if request.method == "DELETE":
            self._delete(endpoint, one)
            return (202 if endpoint == "inventories" else 204), {}
        return 200, self._shown(endpoint, one)

    def _below(self, endpoint: str, one: dict, what: str, method: str, data: dict) -> tuple[int, Any]:
        if what == "survey_spec" and endpoint in ("job_templates", "workflow_job_templates"):
            if method == "POST":
                rules.survey(data)
            if method != "GET":
                one["_survey"] = data if method == "POST" else {}
            return 200, one["_survey"] if method == "GET" else {}
        if what == "create_approval_template" and method == "POST":
            made = self._create("workflow_approval_templates", data)
            one["unified_job_template"] = made["id"]
            return 201, self._shown("workflow_approval_templates", made)
        if what not in RELATIONS or endpoint == "workflow_approval_templates":
            raise Refused(404, {"detail": "Not found."})
        ids, objects = one["_related"].setdefault(what, []), self.objects[RELATIONS[what]]
        if method == "GET":
            shown = [self._shown(RELATIONS[what], objects[id_]) for id_ in ids]
            return 200, {"count": len(shown), "next": None, "results": shown}
        if data.get("disassociate"):
            ids.remove(data["id"])
            return 204, {}
        types = [objects[id_].get("credential_type") for id_ in ids]
        if what == "credentials" and objects[data["id"]]["credential_type"] in types:
            raise Refused(400, {"error": "Cannot assign multiple credentials of one type."})
        ids.append(data["id"])
        return 204, {}

    def _listed(self, endpoint: str, query: dict) -> dict:
        endpoints = UNIFIED if endpoint == "unified_job_templates" else [endpoint]
        if endpoints == [endpoint] and endpoint not in KINDS:
            raise Refused(404, {"detail": "Not found."})
        found = [self._shown(kind, one) for kind in endpoints for one in self.objects[kind].values()]
        for key, value in query.items():
            if key.startswith(("or__", "page")):
                raise Refused(400, {"detail": f"{key} is not to be had here"})
            found = [one for one in found if str(one.get(key)) == value]
        return {"count": len(found), "next": None, "results": found}

    def _create(self, endpoint: str, data: dict) -> dict:
        if endpoint not in KINDS:
            raise Refused(404, {"detail": "Not found."})
        self._check(endpoint, data, None)
        self.last += 1
        one = {"id": self.last, "type": KINDS[endpoint][0], "_related": {}, "_survey": {}}
        self._store(endpoint, one, data)
        self.objects[endpoint][self.last] = one
        return one

    def _store(self, endpoint: str, one: dict, data: dict) -> None:
        one.update((key, value) for key, value in data.items() if key != "type")
        if endpoint == "credentials" and "inputs" in data:
            kind = self.objects["credential_types"][one["credential_type"]]
            secret = [field["id"] for field in kind["inputs"]["fields"] if field.get("secret")]
            kept = self.secrets.get(one["id"], {})
            self.secrets[one["id"]] = {
                key: kept[key] if value == ENCRYPTED else value for key, value in data["inputs"].items()
            }
            one["inputs"] = {key: ENCRYPTED if key in secret else value for key, value in data["inputs"].items()}
        if endpoint == "notification_templates" and "notification_configuration" in data:
            one["notification_configuration"] = rules.configured(one["notification_type"], one)
        if endpoint == "notification_templates":
            one["messages"] = rules.completed(one.get("messages"))

    def _check(self, endpoint: str, data: dict, old: dict | None) -> None:
        apart = KINDS[endpoint][1]
        for other in self.objects[endpoint].values():
            same = data.get("name") and all(other.get(key) == data.get(key) for key in ("name", *apart))
            if other is not old and same:
                raise Refused(400, {"__all__": [f"{KINDS[endpoint][0]} with this name already exists."]})
        if endpoint == "credential_types":
            rules.credential_type(data)
        if endpoint == "notification_templates":
            rules.messages(data.get("messages"))
        if endpoint == "schedules":
            rules.schedule(data.get("rrule", ""))
        if endpoint == "job_templates" and data.get("playbook") not in self.files:
            raise Refused(400, {"playbook": ["Playbook not found for project."]})
        if endpoint == "inventory_sources" and data.get("source_path") not in self.files:
            raise Refused(400, {"source_path": ["It is not in the project."]})

    def _delete(self, endpoint: str, one: dict) -> None:
        if endpoint == "credential_types" and any(
            other["credential_type"] == one["id"] for other in self.objects["credentials"].values()
        ):
            raise Refused(403, {"detail": "Credential types that are in use cannot be deleted."})
        del self.objects[endpoint][one["id"]]
        for other, field in WITH.get(endpoint, []):
            for found in [found for found in self.objects[other].values() if found.get(field) == one["id"]]:
                self._delete(other, found)
        approval = self.objects["workflow_approval_templates"].get(one.get("unified_job_template", 0))
        if endpoint == "workflow_job_template_nodes" and approval:
            self._delete("workflow_approval_templates", approval)
        for relation, target in RELATIONS.items():
            for found in [found for some in self.objects.values() for found in some.values()] * (target == endpoint):
                if one["id"] in found["_related"].get(relation, []):
                    found["_related"][relation].remove(one["id"])

    def _shown(self, endpoint: str, one: dict) -> dict:
        url = f"{API}{endpoint}/{one['id']}/"
        shown = {key: value for key, value in one.items() if not key.startswith("_")}
        shown.update(url=url, related={"survey_spec": f"{url}survey_spec/"}, summary_fields={})
        if endpoint == "inventories":
            shown.update(kind=one.get("kind") or "", host_filter=one.get("host_filter"))
        if endpoint == "projects":
            shown["scm_revision"] = "0123456789abcdef0123456789abcdef01234567"
        if one.get("unified_job_template") in self.objects["workflow_approval_templates"]:
            shown["related"]["unified_job_template"] = (
                f"{API}workflow_approval_templates/{one['unified_job_template']}/"
            )
        return json.loads(json.dumps(shown))
