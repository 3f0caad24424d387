# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Quay server in memory: the auto-prune policies of organizations, repositories and users, and what they act on."""

from __future__ import annotations

import random
import re
import urllib.parse
from copy import deepcopy
from email.utils import formatdate
from functools import lru_cache
from pprint import pformat
from typing import Any, Callable

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule
from werkzeug.wrappers import Request

from .._base import Answer, Fake, as_html, as_json
from . import prune

FEATURES = {"AUTO_PRUNE": True, "ANONYMOUS_ACCESS": True, "IMMUTABLE_TAGS": True, "SUPERUSERS_FULL_ACCESS": False}
REPOSITORY_STATES = {"NORMAL": 0, "READ_ONLY": 1, "MIRROR": 2}
REPOSITORY_ROLES = (None, "read", "write", "admin")
TEAM_ROLES = (None, "member", "creator", "admin")
USER_ROLES = (None, "read", "admin")
REPOSITORY_SCOPES = {"repo:read": "read", "repo:write": "write", "repo:admin": "admin"}
TEAM_SCOPES = {"repo:create": "creator", "org:admin": "admin"}
USER_SCOPES = {"user:read": "read", "user:admin": "admin"}
EVERY_SCOPE = frozenset([*REPOSITORY_SCOPES, *TEAM_SCOPES, *USER_SCOPES, "super:user"])

REPOSITORIES_PER_PAGE = 100
PAGE_TOKEN_LIFE = 2 * 86400
TAG_EXPIRATION = 14 * 86400
TASK_INTERVAL = 3600
TASKS_PER_POLL = 10
DEFAULT_POLICY_INTERVAL = 86400
WEB_PAGE_PADDING = 30000

CSRF = "CSRF token was invalid or missing."
NEEDS_XHR = "API calls must be invoked with an X-Requested-With header if called from a browser"
NO_ANONYMOUS = "Anonymous access is not allowed"
BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."
NOT_JSON = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
NOT_ALLOWED = "The method is not allowed for the requested URL."
NO_SUCH_URL = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and"
    " try again."
)
READ_ONLY = "System is currently read-only. Pulls will succeed but all write operations are currently suspended."
DUPLICATE = "Existing policy with same values for this {}, duplicate policies are not permitted"
TAG_FILTER = (
    "Unsupported syntax for filter_tag_name. Expected <operation>:<tag_name> where <operation>can be 'like' or 'eq'."
)
LIMIT_HELP = "Limit to the number of results to return per page. Max 100."
PAGE_HELP = "Page index for the results. Default 1."

POLICY_SCHEMA = {
    "required": ["method", "value"],
    "properties": {
        "method": ["string"],
        "value": ["integer", "string"],
        "tagPattern": ["string"],
        "tagPatternMatches": ["boolean"],
    },
}
DESCRIPTION_SCHEMA = {"required": ["description"], "properties": {"description": ["string"]}}
RESTORE_SCHEMA = {"required": [], "properties": {"manifest_digest": ["string"]}}
TAG_SCHEMA = {
    "required": [],
    "properties": {"manifest_digest": ["string", "null"], "expiration": ["number", "null"], "immutable": ["boolean"]},
}

# Quay ffba0c7, endpoints/decorators.py: browser families that need X-Requested-With.
BROWSERS = frozenset(
    ("aol", "ask", "camino", "chrome", "firefox", "galeon", "google", "kmeleon", "konqueror", "links", "lynx", "msie")
    + ("msn", "netscape", "opera", "safari", "seamonkey", "webkit", "yahoo")
)

Namespace = dict[str, Any]
Repository = dict[str, Any]


class Refusal(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class RepositoryPath(BaseConverter):
    """Two or more path segments; unlike one segment it weighs more than a fixed text, as in Quay's own routes."""

    part_isolating = False
    weight = 200
    regex = r"[^/]+(?:/[^/]+)+"


class WebPath(RepositoryPath):
    """Any path of two or more segments that is left to the web interface."""

    regex = r"(?!v1/|v2/|cnr/|push/|repository/)[^/]+(?:/[^/]+)+"


AUTOPRUNE_ROUTES = {
    "organization_policies": ("organization/<orgname>/autoprunepolicy/", ["GET", "POST"]),
    "organization_policy": ("organization/<orgname>/autoprunepolicy/<uuid>", ["GET", "PUT", "DELETE"]),
    "repository_policies": ("repository/<repositorypath:path>/autoprunepolicy/", ["GET", "POST"]),
    "repository_policy": ("repository/<repositorypath:path>/autoprunepolicy/<uuid>", ["GET", "PUT", "DELETE"]),
    "user_policies": ("user/autoprunepolicy/", ["GET", "POST"]),
    "user_policy": ("user/autoprunepolicy/<uuid>", ["GET", "PUT", "DELETE"]),
}
OTHER_ROUTES = {
    "organization": ("organization/<orgname>", ["GET", "PUT", "DELETE"]),
    "repositories": ("repository", ["GET", "POST"]),
    "repository": ("repository/<repositorypath:path>", ["GET", "PUT", "DELETE"]),
    "tags": ("repository/<repositorypath:path>/tag/", ["GET"]),
    "tag": ("repository/<repositorypath:path>/tag/<tag>", ["PUT", "DELETE"]),
    "tag_restore": ("repository/<repositorypath:path>/tag/<tag>/restore", ["POST"]),
    "current_user": ("user/", ["GET", "POST", "PUT", "DELETE"]),
    "user": ("users/<username>", ["GET"]),
}
# Endpoints of the real server that are no part of this fake; without them the repository routes would swallow them.
MISSING_BELOW_REPOSITORY = (
    "aggregatelogs",
    "changestate",
    "changetrust",
    "changevisibility",
    "exportlogs",
    "immutabilitypolicy/",
    "immutabilitypolicy/<item>",
    "logs",
    "manifest/<item>",
    "mirror",
    "mirror/sync-cancel",
    "mirror/sync-now",
    "notification/",
    "notification/<item>",
    "permissions/team/",
    "permissions/team/<item>",
    "permissions/user/",
    "permissions/user/<item>",
    "tag/<tag>/expire",
    "tokens/",
    "tokens/<item>",
    "trigger/",
    "trigger/<item>",
)
MISSING_BELOW_ORGANIZATION = ("applications", "logs", "members", "mirror", "proxycache", "quota", "robots", "plan")
ANY_METHOD = ["GET", "POST", "PUT", "DELETE"]


@lru_cache(maxsize=2)
def build_routes(autoprune: bool) -> Map:
    """Returns the URL map; without the feature the policy routes are not registered, as in the real server."""
    api = dict(OTHER_ROUTES)
    if autoprune:
        api.update(AUTOPRUNE_ROUTES)
    rules = [
        Rule(f"/api/v1/{path}", endpoint=f"api.{name}", methods=[*methods, "OPTIONS"])
        for name, (path, methods) in api.items()
    ]
    missing = [f"repository/<repositorypath:path>/{tail}" for tail in MISSING_BELOW_REPOSITORY]
    missing += [f"organization/<orgname>/{tail}" for tail in MISSING_BELOW_ORGANIZATION]
    rules += [Rule(f"/api/v1/{path}", endpoint="api.missing", methods=[*ANY_METHOD, "OPTIONS"]) for path in missing]
    rules.append(Rule("/config", endpoint="config", methods=["GET", "OPTIONS"]))
    for path in ("/", "/repository/<path:rest>", "/organization/<path:rest>", "/user/<path:rest>"):
        rules.append(Rule(path, endpoint="page", methods=["GET", "OPTIONS"]))
    # Quay ffba0c7, endpoints/web.py: a GET that no other route takes is redirected to its form with a slash.
    for path in ("/<webpath:rest>/", "/<webpath:rest>", "/<rest>", "/<rest>/"):
        rules.append(Rule(path, endpoint="nothing", methods=["GET", "OPTIONS"]))
    return Map(rules, converters={"repositorypath": RepositoryPath, "webpath": WebPath})


class Caller:
    """Who sends a request: user name (None: nobody), scopes, and the text of a valid session's CSRF token."""

    def __init__(self, name: str | None = None, scopes: frozenset[str] = frozenset(), csrf: str | None = None) -> None:
        self.name = name
        self.scopes = scopes
        self.csrf = csrf


class Quay(Fake):
    """A Quay server in memory, at commit ffba0c7 with PostgreSQL and without its own nginx in front."""

    SWITCHES = {
        "put_status": 204,
        "rate_limit": 0,
        "rate_burst": 25,
        "registry_state": "normal",
        "default_policy": None,
        **FEATURES,
    }

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__init__()
        if state is None:
            from .estate import shared_estate

            state = shared_estate()
        self._random = random.Random(20260821)
        self._serial = 0
        self.namespaces: dict[str, Namespace] = {}
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.deleted: list[Repository] = []
        self.users: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self._unknown_tokens = deepcopy(state.get("unknown_tokens", []))
        self._page_tokens: dict[str, tuple[int, float]] = {}
        self._default_ran: float | None = None
        self._rate_level, self._rate_at = 0.0, 0.0
        self._load(state)

    def _load(self, state: dict[str, Any]) -> None:
        for name, value in state.get("features", {}).items():
            self.switches[name] = value
        for name in ("registry_state", "default_policy"):
            if name in state:
                self.switches[name] = deepcopy(state[name])
        seeded_ms = int(self.now() * 1000)
        for user in state.get("users", []):
            self.users[user["name"]] = {
                "superuser": user.get("superuser", False),
                "global_readonly_superuser": user.get("global_readonly_superuser", False),
            }
            self._add_namespace(user, organization=False)
            for token in user.get("tokens", []):
                self.tokens[token["token"]] = {**deepcopy(token), "user": user["name"]}
        for organization in state.get("organizations", []):
            self._add_namespace(organization, organization=True)
            for repository in organization.get("repositories", []):
                self._add_repository(organization["name"], repository, seeded_ms)
        for repository in state.get("user_repositories", []):
            self._add_repository(repository["owner"], repository, seeded_ms)

    def _add_namespace(self, given: dict[str, Any], organization: bool) -> None:
        self.namespaces[given["name"]] = {
            "name": given["name"],
            "organization": organization,
            "admins": list(given.get("admins", [])),
            "members": list(given.get("members", [])),
            "enabled": given.get("enabled", True),
            "policies": [],
        }
        for policy in given.get("policies", []):
            self.add_policy("organization" if organization else "user", given["name"], policy)

    def _add_repository(self, namespace: str, given: dict[str, Any], seeded_ms: int) -> None:
        self._serial += 1
        self.repositories[namespace, given["name"]] = {
            "id": self._serial,
            "namespace": namespace,
            "name": given["name"],
            "state": given.get("state", "NORMAL"),
            "visibility": given.get("visibility", "private"),
            "description": given.get("description"),
            "permissions": {item["user"]: item["role"] for item in given.get("permissions", [])},
            "policies": [],
            "tags": stored_tags(given.get("tags", []), seeded_ms),
        }
        for policy in given.get("policies", []):
            self.add_policy("repository", f"{namespace}/{given['name']}", policy)

    # What tests ask and stage

    def policies(self, scope: str, name: str) -> list[dict[str, Any]]:
        """Returns copies of the stored policies (API form with uuid) of an organization, a user or `namespace/repo`."""
        with self.lock:
            return [seen(policy) for policy in self._holder(scope, name)["policies"]]

    def add_policy(self, scope: str, name: str, policy: dict[str, Any], check: bool = False) -> str:
        """Stores a policy (API form) and returns its uuid; only `check` makes it refuse what the API refuses."""
        with self.lock:
            holder = self._holder(scope, name)
            stored = {
                "uuid": policy.get("uuid") or self._new_uuid(),
                "method": policy["method"],
                "value": policy["value"],
                "tagPattern": policy.get("tagPattern"),
                "tagPatternMatches": policy.get("tagPatternMatches", True),
                "rank": self._random.random(),
            }
            if check:
                wrong = prune.problem(stored["method"], stored["value"], stored["tagPattern"])
                wrong = wrong or (DUPLICATE.format(scope) if duplicate(holder["policies"], stored) else None)
                if wrong:
                    raise ValueError(wrong)
            holder["policies"].append(stored)
            self.tasks.setdefault(name.split("/")[0], {"last_ran": None, "status": "queued"})
            return stored["uuid"]

    def tags(self, name: str, hidden: bool = False) -> list[str]:
        """Returns the names of the tags of `namespace/repo` that are alive, newest first; `hidden` adds hidden ones."""
        with self.lock:
            now_ms = self._now_ms()
            rows = [row for row in self._holder("repository", name)["tags"] if prune.alive(row, now_ms)]
            rows.sort(key=lambda row: (-row["start_ms"], row["name"]))
            return [row["name"] for row in rows if hidden or not row["hidden"]]

    def token(self, name: str) -> str:
        """Returns the text of a user's first valid token, or of the token that the state calls by that name."""
        for text, token in self.tokens.items():
            if token["as"] == name or (token["user"] == name and not token.get("expired")):
                return text
        raise KeyError(name)

    def session(self, name: str) -> tuple[str, str]:
        """Returns the value of the `session` cookie of a user who is logged in in a browser, and its CSRF token."""
        return f"session-of-{name}", f"csrf-of-{name}"

    def state(self) -> dict[str, Any]:
        """Returns everything in the form that the constructor takes; ages count from the fake's present."""
        with self.lock:
            now_ms = self._now_ms()
            organizations, users = [], []
            for space in self.namespaces.values():
                entry = {"name": space["name"], "enabled": space["enabled"]}
                entry["policies"] = [seen(policy) for policy in space["policies"]]
                if space["organization"]:
                    entry.update(admins=list(space["admins"]), members=list(space["members"]), repositories=[])
                    organizations.append(entry)
                else:
                    owned = [dict(token) for token in self.tokens.values() if token["user"] == space["name"]]
                    tokens = [{key: item for key, item in token.items() if key != "user"} for token in owned]
                    users.append({**entry, **self.users[space["name"]], "tokens": tokens})
            by_name = {entry["name"]: entry for entry in organizations}
            owned_by_users = []
            for (space, _name), repository in self.repositories.items():
                entry = dumped_repository(repository, now_ms)
                if space in by_name:
                    by_name[space]["repositories"].append(entry)
                else:
                    owned_by_users.append({"owner": space, **entry})
            return {
                "features": {name: self.switches[name] for name in FEATURES},
                "registry_state": self.switches["registry_state"],
                "default_policy": self.switches["default_policy"],
                "users": users,
                "unknown_tokens": self._unknown_tokens,
                "organizations": organizations,
                "user_repositories": owned_by_users,
            }

    # The background worker

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
        return report

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
        return [{"repository": name, "tag": tag["name"], "cascade": companion} for tag, companion in ended]

    # Requests

    def answer(self, request: Request) -> Answer:
        """Returns the server's answer to a request and changes the state accordingly."""
        if self._too_fast(request):
            return as_html(429, "Too Many Requests", "nginx")
        routes = build_routes(bool(self.switches["AUTO_PRUNE"])).bind_to_environ(request.environ)
        try:
            endpoint, arguments = routes.match()
        except RequestRedirect as error:
            answer = as_html(308, "Redirecting...", error.new_url)
            answer.headers["Location"] = error.new_url
            return answer
        except MethodNotAllowed as error:
            return self._method_not_allowed(routes, error.valid_methods or [])
        except HTTPException:
            return self._web_page(404)
        try:
            if not endpoint.startswith("api."):
                return self._web(endpoint, request)
            answer = self._api(endpoint[4:], request, arguments)
        except Refusal as refusal:
            answer = refusal.answer
        answer.headers.update(CORS)
        return answer

    def _too_fast(self, request: Request) -> bool:
        rate = self.switches["rate_limit"]
        if not rate or not request.path.startswith("/api/"):
            return False
        now = self.now()
        level = max(0.0, self._rate_level - (now - self._rate_at) * rate)
        if level > self.switches["rate_burst"]:
            return True
        self._rate_level, self._rate_at = level + 1, now
        return False

    def _method_not_allowed(self, routes: Any, methods: list[str]) -> Answer:
        allowed = sorted({*methods, "OPTIONS"})
        try:
            endpoint, _arguments = routes.match(method=next(name for name in allowed if name != "OPTIONS"))
        except RequestRedirect:
            endpoint = "nothing"
        if endpoint.startswith("api."):
            answer = as_json({"message": NOT_ALLOWED}, 405)
            answer.headers.update(CORS)
        else:
            answer = as_html(405, "Method Not Allowed", NOT_ALLOWED)
        answer.headers["Allow"] = ", ".join(allowed)
        return answer

    def _web(self, endpoint: str, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(200, b"", {"Content-Type": "text/html; charset=utf-8", "Allow": "GET, HEAD, OPTIONS"})
        if endpoint == "config":
            return as_json(self._config())
        if not self.switches["ANONYMOUS_ACCESS"] and self._caller(request).name is None:
            return error_text(401, NO_ANONYMOUS)
        return self._web_page(200 if endpoint == "page" else 404)

    def _web_page(self, status: int) -> Answer:
        return as_html(status, "Quay" if status == 200 else "Not Found", padding=WEB_PAGE_PADDING)

    def _config(self) -> dict[str, Any]:
        features = {name: bool(self.switches[name]) for name in FEATURES}
        features.update(
            SUPER_USERS=True, BILLING=False, REPO_MIRROR=True, RATE_LIMITS=bool(self.switches["rate_limit"])
        )
        config = {f"FEATURE_{name}": value for name, value in features.items()}
        config.update(REGISTRY_TITLE="Quay", DEFAULT_NAMESPACE_AUTOPRUNE_POLICY=self.switches["default_policy"])
        return {
            "config": config,
            "features": features,
            "oauth": {},
            "external_login": [],
            "registry_state": self.switches["registry_state"],
            "account_recovery_mode": False,
            "version_number": "Quay 3.11.0",
        }

    def _api(self, name: str, request: Request, arguments: dict[str, str]) -> Answer:
        suspicious = request.method == "GET" and is_browser(request.headers.get("User-Agent", ""))
        if suspicious and request.headers.get("X-Requested-With") != "XMLHttpRequest":
            return error_text(400, NEEDS_XHR)
        caller = self._caller(request)
        if request.method == "OPTIONS":
            return Answer(200, b"", {"Content-Type": "text/html; charset=utf-8"})
        if request.method not in ("GET", "HEAD"):
            check_csrf(caller, request)
        # Quay ffba0c7, endpoints/decorators.py: only the verb GET is exempt, so HEAD is refused as well.
        if request.method != "GET" and self.switches["registry_state"] == "readonly":
            detail = {"code": "DENIED", "detail": {}, "is_readonly": True, "message": READ_ONLY}
            return as_json({"errors": [detail]}, 405)
        if name != "current_user" and caller.name is None and not self.switches["ANONYMOUS_ACCESS"]:
            return error_text(401, NO_ANONYMOUS)
        if "path" in arguments:
            arguments = dict(arguments)
            namespace, repository = arguments.pop("path").split("/", 1)
            arguments.update(namespace=namespace, name=urllib.parse.quote_plus(repository, safe="/"))
        verb = "get" if request.method == "HEAD" else request.method.lower()
        handler: Callable[..., Answer] | None = getattr(self, f"_{verb}_{name}", None)
        if handler is None:
            return as_json({"error": "this endpoint is no part of the fake"}, 501)
        return handler(Call(self, request, caller), **arguments)

    def _caller(self, request: Request) -> Caller:
        words = request.headers.get("Authorization", "").split()
        if len(words) == 2 and words[0].lower() == "bearer":
            token = self.tokens.get(words[1])
            if token and not token.get("expired"):
                return Caller(token["user"], frozenset(token["scopes"]))
            return Caller()
        cookie = request.cookies.get("session", "")
        for name in self.users:
            session, csrf = self.session(name)
            if cookie == session:
                return Caller(name, EVERY_SCOPE, csrf)
        return Caller()

    # Policies of an organization (or of a user's own namespace)

    def _get_organization_policies(self, call: Call, orgname: str) -> Answer:
        call.may_read_organization(orgname)
        space = self.namespaces.get(orgname)
        return as_json({"policies": listed(space["policies"] if space else [])})

    def _post_organization_policies(self, call: Call, orgname: str) -> Answer:
        body = call.body(POLICY_SCHEMA)
        call.may_write_organization(orgname)
        return self._create(call, self.namespaces.get(orgname), body, "namespace")

    def _get_organization_policy(self, call: Call, orgname: str, uuid: str) -> Answer:
        call.may_read_organization(orgname)
        return self._read(call, self.namespaces.get(orgname), uuid)

    def _put_organization_policy(self, call: Call, orgname: str, uuid: str) -> Answer:
        body = call.body(POLICY_SCHEMA)
        call.may_write_organization(orgname)
        return self._replace(call, self.namespaces.get(orgname), uuid, body)

    def _delete_organization_policy(self, call: Call, orgname: str, uuid: str) -> Answer:
        call.may_write_organization(orgname)
        return self._remove(call, self.namespaces.get(orgname), uuid)

    # Policies of the caller

    def _get_user_policies(self, call: Call) -> Answer:
        return as_json({"policies": listed(self._own(call)["policies"])})

    def _post_user_policies(self, call: Call) -> Answer:
        space = self._own(call)
        return self._create(call, space, call.body(POLICY_SCHEMA), "namespace")

    def _get_user_policy(self, call: Call, uuid: str) -> Answer:
        return self._read(call, self._own(call), uuid)

    def _put_user_policy(self, call: Call, uuid: str) -> Answer:
        space = self._own(call)
        return self._replace(call, space, uuid, call.body(POLICY_SCHEMA))

    def _delete_user_policy(self, call: Call, uuid: str) -> Answer:
        return self._remove(call, self._own(call), uuid)

    def _own(self, call: Call) -> Namespace:
        if call.user_role() != "admin":
            call.refuse()
        return self.namespaces[call.caller.name]

    # Policies of a repository

    def _get_repository_policies(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_read_repository(namespace, name, "admin")
        return as_json({"policies": listed(call.repository(namespace, name)["policies"])})

    def _post_repository_policies(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        body = call.body(POLICY_SCHEMA)
        return self._create(call, call.repository(namespace, name), body, "repository")

    def _get_repository_policy(self, call: Call, namespace: str, name: str, uuid: str) -> Answer:
        call.may_read_repository(namespace, name, "admin")
        return self._read(call, self._same_named(name, uuid), uuid)

    def _put_repository_policy(self, call: Call, namespace: str, name: str, uuid: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        body = call.body(POLICY_SCHEMA)
        call.repository(namespace, name)
        holder = self._same_named(name, uuid)
        return self._replace(call, holder, uuid, body, elsewhere=bool(holder and holder["namespace"] != namespace))

    def _delete_repository_policy(self, call: Call, namespace: str, name: str, uuid: str) -> Answer:
        call.may_write_repository(namespace, name, "admin")
        call.repository(namespace, name)
        holder = self._same_named(name, uuid)
        if holder and holder["namespace"] != namespace:
            return server_error()
        return self._remove(call, holder, uuid)

    def _same_named(self, name: str, uuid: str) -> Repository | None:
        # Quay ffba0c7, data/model/autoprune.py: an item is looked up by the repository's name and the uuid alone,
        # so that one of another namespace is found; update and delete then change no row.
        for (_namespace, other), repository in self.repositories.items():
            if other == name and find(repository, uuid):
                return repository
        return None

    # What the three scopes have in common

    def _create(self, call: Call, holder: dict[str, Any] | None, body: dict[str, Any], kind: str) -> Answer:
        if holder is None:
            call.not_found()
        policy = call.policy(body)
        if duplicate(holder["policies"], policy):
            call.invalid(DUPLICATE.format(kind))
        policy.update(uuid=self._new_uuid(), rank=self._random.random())
        holder["policies"].append(policy)
        self.tasks.setdefault(holder.get("namespace", holder["name"]), {"last_ran": None, "status": "queued"})
        return as_json({"uuid": policy["uuid"]}, 201)

    def _read(self, call: Call, holder: dict[str, Any] | None, uuid: str) -> Answer:
        return as_json(seen(find(holder, uuid) or call.not_found()))

    def _replace(
        self, call: Call, holder: dict[str, Any] | None, uuid: str, body: dict[str, Any], elsewhere: bool = False
    ) -> Answer:
        stored = find(holder, uuid) or call.not_found()
        policy = call.policy(body)
        if not elsewhere:
            stored.update(policy, rank=self._random.random())
        if self.switches["put_status"] == 204:
            return no_content()
        return as_json({"uuid": uuid}, self.switches["put_status"])

    def _remove(self, call: Call, holder: dict[str, Any] | None, uuid: str) -> Answer:
        stored = find(holder, uuid) or call.not_found()
        holder["policies"].remove(stored)
        return as_json({"uuid": uuid})

    # Organizations and users

    def _get_organization(self, call: Call, orgname: str) -> Answer:
        space = self.namespaces.get(orgname)
        if not space or not space["organization"]:
            call.not_found()
        powerful = call.sees_everything()
        role = call.team_role(orgname)
        is_admin, is_member = role == "admin" or powerful, role is not None or powerful
        view = {"name": orgname, "email": "", "avatar": avatar(orgname, "org"), "is_admin": is_admin}
        view["is_member"] = is_member
        if is_member:
            teams = {"owners": (space["admins"], "admin")}
            if space["members"]:
                teams["members"] = (space["members"], "member")
            view["teams"] = {
                team: {
                    "name": team,
                    "description": "",
                    "role": team_role,
                    "avatar": avatar(team, "team"),
                    "can_view": is_admin or call.caller.name in people,
                    "repo_count": 0,
                    "member_count": len(people),
                    "is_synced": False,
                }
                for team, (people, team_role) in teams.items()
            }
            view["ordered_teams"] = list(teams)
        if is_admin:
            view.update(invoice_email=False, invoice_email_address=None, is_free_account=True)
            view["tag_expiration_s"] = TAG_EXPIRATION
        return as_json(view)

    def _get_current_user(self, call: Call) -> Answer:
        if call.user_role() is None:
            call.refuse_with(401, "invalid_token", "Requires authentication", session_required=False)
        return as_json(self._user_view(call, call.caller.name))

    def _get_user(self, call: Call, username: str) -> Answer:
        if username not in self.users:
            return as_json({"message": NO_SUCH_URL}, 404)
        return as_json(self._user_view(call, username))

    def _user_view(self, call: Call, name: str) -> dict[str, Any]:
        own = name == call.caller.name
        role = call.user_role() if own else None
        view = {"anonymous": False, "username": name, "avatar": avatar(name, "user")}
        if role == "admin":
            view.update(can_create_repo=True, is_me=True, verified=True, email=f"{name}@example.com", logins=[])
            view.update(invoice_email=False, invoice_email_address=None, preferred_namespace=False)
            view.update(tag_expiration_s=TAG_EXPIRATION, prompts=[], company=None, family_name=None, given_name=None)
            view.update(location=None, is_free_account=True, has_password_set=True)
        if role:
            view["organizations"] = [
                self._organization_of_user(call, space["name"], role == "admin")
                for space in self.namespaces.values()
                if space["organization"] and name in (*space["admins"], *space["members"])
            ]
        if call.is_superuser():
            view["super_user"] = own
        if call.is_readonly_superuser():
            view["global_readonly_super_user"] = own
        return view

    def _organization_of_user(self, call: Call, name: str, as_admin: bool) -> dict[str, Any]:
        role = call.team_role(name)
        entry = {"name": name, "avatar": avatar(name, "org"), "can_create_repo": role in ("creator", "admin")}
        entry["public"] = False
        if as_admin:
            entry.update(is_org_admin=role == "admin", preferred_namespace=False)
        return entry

    # Repositories

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
        view.update(tag_expiration_s=TAG_EXPIRATION, is_free_account=True)
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
        return no_content()

    # Tags

    def _get_tags(self, call: Call, namespace: str, name: str) -> Answer:
        call.may_read_repository(namespace, name, "read")
        live = truth(call.request.args.get("onlyActiveTags"))
        page = max(1, call.number("page", 1, PAGE_HELP))
        limit = min(100, max(1, call.number("limit", 50, LIMIT_HELP)))
        repository = call.repository(namespace, name)
        wanted = tag_filter(call.request.args.get("filter_tag_name", ""))
        specific = call.request.args.get("specificTag")
        rows = [
            row
            for row in self._history(repository, live)
            if (not specific or row["name"] == specific) and wanted(row["name"])
        ]
        first = limit * (page - 1)
        shown = [self._tag_entry(row) for row in rows[first : first + limit]]
        return as_json({"tags": shown, "page": page, "has_additional": len(rows) > first + limit})

    def _history(self, repository: Repository, live: bool) -> list[dict[str, Any]]:
        now_ms = self._now_ms()
        rows = [row for row in repository["tags"] if not row["hidden"] and (not live or prune.alive(row, now_ms))]
        return sorted(rows, key=lambda row: (-row["start_ms"], row["name"]))

    def _tag_entry(self, row: dict[str, Any]) -> dict[str, Any]:
        start, end = row["start_ms"] // 1000, None if row["end_ms"] is None else row["end_ms"] // 1000
        entry: dict[str, Any] = {"name": row["name"], "reversion": row["reversion"]}
        if self.switches["IMMUTABLE_TAGS"]:
            entry["immutable"] = row["immutable"]
        entry["start_ts"] = start
        if end is not None:
            entry["end_ts"] = end
        entry.update(manifest_digest=row["digest"], is_manifest_list=row["is_manifest_list"], size=row["size"])
        entry["last_modified"] = formatdate(start)
        if end is not None:
            entry["expiration"] = formatdate(end)
        if row["is_manifest_list"]:
            presence = {child["digest"]: child["present"] for child in row["children"]}
            present = sum(presence.values())
            entry.update(is_sparse=present < len(presence), child_manifest_count=len(presence))
            entry.update(present_child_count=present, child_manifests_presence=presence)
        return entry

    def _put_tag(self, call: Call, namespace: str, name: str, tag: str) -> Answer:
        repository = self._writable(call, namespace, name)
        body = call.body(TAG_SCHEMA)
        if repository is None:
            call.not_found()
        row = self._live_row(repository, tag)
        if row is None and ("expiration" in body or "immutable" in body):
            call.not_found()
        if "expiration" in body:
            until = body["expiration"]
            if until is not None and until <= self.now():
                return as_json({"message": BAD_REQUEST}, 400)
            row["end_ms"] = None if until is None else int(until * 1000)
        if "immutable" in body and self.switches["IMMUTABLE_TAGS"]:
            if row["immutable"] and not body["immutable"] and call.repository_role(namespace, name) != "admin":
                call.refuse()
            row["immutable"] = body["immutable"]
        if "manifest_digest" in body:
            known = [row for row in repository["tags"] if row["digest"] == body["manifest_digest"]]
            known = [row for row in known if prune.alive(row, self._now_ms())] or call.not_found()
            self._retarget(call, repository, tag, known[0], reversion=False)
        return as_json("Updated", 201)

    def _delete_tag(self, call: Call, namespace: str, name: str, tag: str) -> Answer:
        repository = self._writable(call, namespace, name) or call.not_found()
        row = self._live_row(repository, tag) or call.not_found()
        if row["immutable"] and self.switches["IMMUTABLE_TAGS"]:
            call.refuse_with(409, "tag_immutable", f"Cannot delete immutable tag '{tag}'")
        prune.end_tag(repository["tags"], row, self._now_ms())
        return no_content()

    def _post_tag_restore(self, call: Call, namespace: str, name: str, tag: str) -> Answer:
        repository = self._writable(call, namespace, name)
        digest = call.body(RESTORE_SCHEMA).get("manifest_digest")
        if repository is None:
            call.not_found()
        if digest is None:
            call.invalid("Missing manifest_digest")
        oldest = self._now_ms() - TAG_EXPIRATION * 1000
        rows = [row for row in repository["tags"] if row["digest"] == digest and prune.alive(row, oldest)]
        self._retarget(call, repository, tag, (rows or call.not_found())[0], reversion=True)
        return as_json({})

    def _retarget(self, call: Call, repository: Repository, tag: str, model: dict[str, Any], reversion: bool) -> None:
        now_ms = self._now_ms()
        existing = self._live_row(repository, tag)
        if existing:
            if existing["immutable"] and self.switches["IMMUTABLE_TAGS"]:
                call.refuse_with(409, "tag_immutable", f"Cannot overwrite immutable tag '{tag}'")
            existing["end_ms"] = now_ms
            if not prune.is_cosign(tag) and existing["digest"] != model["digest"]:
                prune.end_cosign_tags(repository["tags"], existing, now_ms)
        row = {**model, "name": tag, "start_ms": now_ms, "end_ms": None, "reversion": reversion}
        row.update(immutable=False, hidden=False)
        repository["tags"].append(row)

    def _writable(self, call: Call, namespace: str, name: str) -> Repository | None:
        call.may_write_repository(namespace, name, "write")
        repository = self.repositories.get((namespace, name))
        if repository and repository["state"] != "NORMAL":
            number = REPOSITORY_STATES[repository["state"]]
            raise Refusal(as_json({"message": f"Repository is in read only or mirror mode: {number}"}, 503))
        return repository

    def _live_row(self, repository: Repository, tag: str) -> dict[str, Any] | None:
        now_ms = self._now_ms()
        rows = [row for row in repository["tags"] if row["name"] == tag and not row["hidden"]]
        return next((row for row in rows if prune.alive(row, now_ms)), None)

    # Small things

    def _holder(self, scope: str, name: str) -> dict[str, Any]:
        if scope == "repository":
            namespace, repository = name.split("/", 1)
            return self.repositories[namespace, repository]
        return self.namespaces[name]

    def _new_uuid(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def _now_ms(self) -> int:
        return int(self.now() * 1000)


class Call:
    """One API request with its caller: rights, body and refusals."""

    def __init__(self, quay: Quay, request: Request, caller: Caller) -> None:
        self.quay = quay
        self.request = request
        self.caller = caller

    # Rights: Quay ffba0c7, auth/permissions.py: a role is cut down to the highest one that the token's scopes allow.

    def user_role(self) -> str | None:
        """Returns the role that the token has on its own user: None, read or admin."""
        return cut("admin", USER_ROLES, USER_SCOPES, self.caller.scopes) if self.caller.name else None

    def team_role(self, namespace: str) -> str | None:
        """Returns the caller's role in a namespace: None, member, creator or admin."""
        if self.is_powerful():
            return "admin"
        space = self.quay.namespaces.get(namespace)
        name = self.caller.name
        if space is None or name is None:
            return None
        role = "admin" if name == namespace or name in space["admins"] else "member"
        if role == "member" and name not in space["members"]:
            return None
        return cut(role, TEAM_ROLES, TEAM_SCOPES, self.caller.scopes)

    def own_repository_role(self, namespace: str, repository: Repository | None) -> str | None:
        """Returns the caller's role in a repository before scopes are considered."""
        space = self.quay.namespaces.get(namespace)
        name = self.caller.name
        if space is None or name is None:
            return None
        if name == namespace or name in space["admins"]:
            return "admin"
        return repository["permissions"].get(name) if repository else None

    def repository_role(self, namespace: str, name: str) -> str | None:
        """Returns the caller's role in a repository, which need not exist."""
        if self.is_powerful():
            return "admin"
        role = self.own_repository_role(namespace, self.quay.repositories.get((namespace, name)))
        return cut(role, REPOSITORY_ROLES, REPOSITORY_SCOPES, self.caller.scopes)

    def is_superuser(self) -> bool:
        """Returns whether the caller is a superuser, not only a reading one, with a token for it."""
        user = self.quay.users.get(self.caller.name or "", {})
        readonly = user.get("global_readonly_superuser")
        return bool(user.get("superuser") and not readonly and "super:user" in self.caller.scopes)

    def is_readonly_superuser(self) -> bool:
        """Returns whether the caller is a global read-only superuser."""
        return bool(self.quay.users.get(self.caller.name or "", {}).get("global_readonly_superuser"))

    def is_powerful(self) -> bool:
        """Returns whether the caller may change everything."""
        return self.is_superuser() and bool(self.quay.switches["SUPERUSERS_FULL_ACCESS"])

    def sees_everything(self) -> bool:
        """Returns whether the caller may read everything."""
        return self.is_powerful() or self.is_readonly_superuser()

    def may_read_organization(self, name: str) -> None:
        """Refuses a caller who may not read an organization's policies."""
        if self.team_role(name) != "admin" and not self.is_readonly_superuser():
            self.refuse()

    def may_write_organization(self, name: str) -> None:
        """Refuses a caller who may not change an organization's policies."""
        if self.team_role(name) != "admin":
            self.refuse()

    def may_read_repository(self, namespace: str, name: str, role: str) -> None:
        """Refuses a caller who has not at least that role in a repository and does not see everything."""
        repository = self.quay.repositories.get((namespace, name))
        public = role == "read" and repository is not None and repository["visibility"] == "public"
        if not public and not self.is_readonly_superuser():
            self.may_write_repository(namespace, name, role)

    def may_write_repository(self, namespace: str, name: str, role: str) -> None:
        """Refuses a caller who has not at least that role in a repository."""
        if REPOSITORY_ROLES.index(self.repository_role(namespace, name)) < REPOSITORY_ROLES.index(role):
            self.refuse()

    def repository(self, namespace: str, name: str) -> Repository:
        """Returns a repository, or refuses with 404."""
        return self.quay.repositories.get((namespace, name)) or self.not_found()

    # Input

    def number(self, name: str, default: int, help_text: str) -> int:
        """Returns a numeric query argument; the answer to any other text is the argument's description."""
        try:
            numbers = [int(text) for text in self.request.args.getlist(name)]
        except ValueError:
            raise Refusal(as_json({"message": {name: help_text}}, 400)) from None
        return numbers[0] if numbers else default

    def body(self, schema: dict[str, Any]) -> Any:
        """Returns the request's JSON object after checking it against a schema."""
        if not self.request.is_json:
            raise Refusal(as_json({"message": NOT_JSON}, 415))
        try:
            body = self.request.get_json()
        except HTTPException:
            raise Refusal(as_json({"message": BAD_REQUEST}, 400)) from None
        if body is None:
            self.invalid("Missing JSON body")
        complaint = schema_complaint(body, schema)
        if complaint:
            self.invalid(complaint)
        return body

    def policy(self, body: dict[str, Any]) -> dict[str, Any]:
        """Returns the policy that a body describes, without uuid; unknown keys are dropped, the pattern is trimmed."""
        pattern = body.get("tagPattern")
        policy = {"method": body["method"], "value": body["value"]}
        policy["tagPattern"] = None if pattern is None else pattern.strip()
        policy["tagPatternMatches"] = body.get("tagPatternMatches", True)
        try:
            wrong = prune.problem(policy["method"], policy["value"], policy["tagPattern"])
        except OverflowError:
            raise Refusal(server_error()) from None
        if wrong:
            self.invalid(wrong)
        return policy

    # Refusals

    def refuse_with(self, status: int, kind: str, detail: str, **extra: Any) -> Any:
        """Refuses in the standard shape of an API error."""
        address = urllib.parse.urljoin(self.request.host_url, f"/api/v1/error/{kind}")
        body = {"detail": detail, "error_message": detail, "error_type": kind, "title": kind, "type": address}
        raise Refusal(as_json({**extra, **body, "status": status}, status))

    def refuse(self) -> Any:
        """Refuses for lack of rights: 401 to nobody, 403 to somebody."""
        if self.caller.name is None:
            self.refuse_with(401, "invalid_token", "Requires authentication")
        self.refuse_with(403, "insufficient_scope", "Unauthorized")

    def not_found(self) -> Any:
        """Refuses with 404."""
        self.refuse_with(404, "not_found", "Not Found")

    def invalid(self, detail: str) -> Any:
        """Refuses with 400 and a text."""
        self.refuse_with(400, "invalid_request", detail)


CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    "Access-Control-Max-Age": "21600",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
}


def cut(role: str | None, order: tuple[str | None, ...], allowed: dict[str, str], scopes: frozenset[str]) -> str | None:
    """Returns a role or, if lower, the highest one that the scopes allow."""
    highest = max((order.index(allowed.get(scope)) for scope in scopes), default=0)
    return order[min(order.index(role), highest)]


def check_csrf(caller: Caller, request: Request) -> None:
    """Refuses a write that carries neither a valid token nor the CSRF token of its session."""
    if caller.name is not None and caller.csrf is None:
        return
    if caller.csrf is not None:
        given = request.args.get("_csrf_token") or request.headers.get("X-CSRF-Token")
        if given == caller.csrf:
            return
        raise Refusal(error_text(403, f"{CSRF} (authorized: user {caller.name})"))
    raise Refusal(error_text(403, CSRF))


def is_browser(agent: str) -> bool:
    """Returns whether a User-Agent is of a browser family that the server asks for X-Requested-With."""
    if re.search(r"HeadlessChrome|Edg(e|A|iOS)?/|Mobile", agent):
        return False
    if "OPR/" in agent:
        return True
    names = re.findall(r"([A-Za-z-]+)/\d|^(Lynx|Links)\b", agent)
    families = [(first or second).lower().replace("-", "") for first, second in names]
    return any(family in BROWSERS for family in families)


def schema_complaint(body: Any, schema: dict[str, Any]) -> str | None:
    """Returns what a JSON Schema library says of the most relevant violation, None if there is none."""
    if not isinstance(body, dict):
        return complaint(f"{body!r} is not of type 'object'", "type", [], schema, body)
    for name in schema["required"]:
        if name not in body:
            return complaint(f"{name!r} is a required property", "required", [], schema, body)
    for name, types in schema["properties"].items():
        if name in body and not any(is_type(body[name], kind) for kind in types):
            text = f"{body[name]!r} is not of type {', '.join(map(repr, types))}"
            return complaint(text, "type", ["properties", name], schema, body[name])
    return None


def complaint(first: str, validator: str, path: list[str], schema: dict[str, Any], instance: Any) -> str:
    """Returns the long text of a schema violation; only its first line is of use."""
    properties = {
        name: {"description": "Made-up text in place of what the server says about it. ", "type": types}
        for name, types in schema["properties"].items()
    }
    shown: Any = {"type": "object", "required": schema["required"], "properties": properties}
    for step in path:
        shown = shown[step]
    where = "".join(f"[{step!r}]" for step in path)
    inside = "".join(f"[{step!r}]" for step in path[1:])
    schema_text = "    " + pformat(shown, width=72).replace("\n", "\n    ")
    instance_text = "    " + pformat(instance, width=72).replace("\n", "\n    ")
    failing = f"Failed validating {validator!r} in schema{where}:\n{schema_text}"
    return f"{first}\n\n{failing}\n\nOn instance{inside}:\n{instance_text}"


def is_type(value: Any, kind: str) -> bool:
    """Returns whether a value has a JSON Schema type; 5.0 is an integer there, true is none."""
    if kind == "integer":
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "null": type(None)}[kind])


def error_text(status: int, message: str) -> Answer:
    """Returns an error as JSON that is labelled as HTML, without a newline at its end."""
    answer = as_json({"error": message}, status, "text/html; charset=utf-8")
    answer.body = answer.body.rstrip()
    return answer


def server_error() -> Answer:
    """Returns the server's page for an error that it did not expect."""
    answer = as_html(500, "Internal Server Error", "The server encountered an internal error.")
    answer.headers["Content-Type"] = "text/html"
    return answer


def no_content() -> Answer:
    """Returns an empty 204, which the API labels as JSON all the same."""
    return Answer(204, b"", {"Content-Type": "application/json"})


def seen(policy: dict[str, Any]) -> dict[str, Any]:
    """Returns a policy as the API shows it."""
    return {key: policy[key] for key in ("uuid", "method", "value", "tagPattern", "tagPatternMatches")}


def listed(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns policies as a list shows them, in an order that has nothing to do with their age."""
    return [seen(policy) for policy in sorted(policies, key=lambda policy: policy["rank"])]


def find(holder: dict[str, Any] | None, uuid: str) -> dict[str, Any] | None:
    """Returns the stored policy with that uuid."""
    return next((policy for policy in holder["policies"] if policy["uuid"] == uuid), None) if holder else None


def duplicate(policies: list[dict[str, Any]], policy: dict[str, Any]) -> bool:
    """Returns whether an equal policy is among the stored ones."""
    keys = ("method", "value", "tagPattern", "tagPatternMatches")
    return any(all(other[key] == policy[key] for key in keys) for other in policies)


def truth(text: str | None) -> bool:
    """Returns how the server reads a boolean query argument."""
    return text not in (None, "false", "False", "FALSE", "0", "null", "")


def tag_filter(text: str) -> Callable[[str], bool]:
    """Returns the predicate of a filter_tag_name argument."""
    if not text:
        return lambda name: True
    operation, colon, value = text.partition(":")
    if not colon:
        raise Refusal(as_json({"message": TAG_FILTER}, 400))
    if operation == "eq":
        return lambda name: name == value
    if operation != "like":
        return lambda name: True
    # Quay ffba0c7, data/model/oci/tag.py: the text goes into ILIKE as it is, so % and _ are wildcards.
    wildcards = {"%": ".*", "_": "."}
    pieces = re.findall(r"\\.|.", value, re.DOTALL)
    expression = "".join(wildcards.get(piece) or re.escape(piece[-1]) for piece in pieces)
    compiled = re.compile(expression, re.IGNORECASE | re.DOTALL)
    return lambda name: compiled.search(name) is not None


def avatar(name: str, kind: str) -> dict[str, str]:
    """Returns the avatar object of a user, an organization or a team."""
    return {"name": name, "hash": f"{random.Random(name).getrandbits(256):064x}", "color": "#1f77b4", "kind": kind}


def short_tag(tag: dict[str, Any]) -> dict[str, Any]:
    """Returns a tag as the answer about a repository shows it."""
    view = {"name": tag["name"], "size": tag["size"], "last_modified": formatdate(tag["start_ms"] // 1000)}
    if tag["end_ms"] is not None:
        view["expiration"] = formatdate(tag["end_ms"] // 1000)
    view["manifest_digest"] = tag["digest"]
    return view


def stored_tags(given: list[dict[str, Any]], seeded_ms: int) -> list[dict[str, Any]]:
    """Returns tag rows with absolute times; size and children belong to the manifest, so the first row decides."""
    manifests: dict[str, dict[str, Any]] = {}
    rows = [stored_tag(tag, seeded_ms) for tag in given]
    for row in rows:
        first = manifests.setdefault(row["digest"], row)
        row.update({key: first[key] for key in ("size", "is_manifest_list", "children")})
    return rows


def stored_tag(given: dict[str, Any], seeded_ms: int) -> dict[str, Any]:
    """Returns a tag row with absolute times from one with ages."""
    until = given.get("expires_in_seconds")
    return {
        "name": given["name"],
        "digest": given["digest"],
        "start_ms": seeded_ms - int(given["age_seconds"] * 1000),
        "end_ms": None if until is None else seeded_ms + int(until * 1000),
        "immutable": given.get("immutable", False),
        "hidden": given.get("hidden", False),
        "is_manifest_list": given.get("is_manifest_list", False),
        "size": given.get("size", 0),
        "children": deepcopy(given.get("children", [])),
        "reversion": given.get("reversion", False),
    }


def dumped_repository(repository: Repository, now_ms: int) -> dict[str, Any]:
    """Returns a repository in the form that the constructor takes."""
    tags = []
    for row in repository["tags"]:
        tag = {key: item for key, item in row.items() if key not in ("start_ms", "end_ms")}
        tag["age_seconds"] = (now_ms - row["start_ms"]) / 1000
        tag["expires_in_seconds"] = None if row["end_ms"] is None else (row["end_ms"] - now_ms) / 1000
        tags.append(tag)
    permissions = [{"user": user, "role": role} for user, role in repository["permissions"].items()]
    entry = {key: repository[key] for key in ("name", "state", "visibility", "description")}
    entry["policies"] = [seen(policy) for policy in repository["policies"]]
    return {**entry, "permissions": permissions, "tags": tags}
