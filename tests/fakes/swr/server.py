# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Huawei Cloud SWR (basic edition) and IAM in memory: retention policies of repositories, and what they delete."""

from __future__ import annotations

import json
import re
import time
from copy import deepcopy
from typing import Any, Callable, NoReturn
from urllib.parse import quote, unquote, urlsplit

from werkzeug.wrappers import Request

from .._base import JSON_TYPE, Answer, Fake, as_json
from . import retention
from .errors import NOT_PUBLISHED, SERVICE, THROTTLED, Refusal, gateway_error, service_body, service_error
from .iam import Caller, Iam, Project, User, made_up_id

READ, EDIT, MANAGE = 1, 3, 7
PAGE, LARGEST_PAGE = 100, 1000
HISTORY_LIFE_NS = 90 * 86400 * 10**9
FIRST_RETENTION_ID, FIRST_HISTORY_ID = 501, 70001
REPOSITORY_ORDERS = ("name", "updated_time", "tag_count")
TAG_ORDERS = ("updated_at", "tag")
FRACTION_DIGITS = (9, 6, 0)

SEGMENT = "([^/]+)"
NAMESPACE = f"/v2/manage/namespaces/{SEGMENT}"
REPOSITORY = f"{NAMESPACE}/repos/{SEGMENT}"
IAM_ROUTES = {
    "tokens": ("/v3/auth/tokens", ["POST"]),
    "projects": ("/v3/projects", ["GET"]),
}
SWR_ROUTES = {
    "namespaces": ("/v2/manage/namespaces", ["GET"]),
    "namespace": (NAMESPACE, ["GET"]),
    "repositories": ("/v2/manage/repos", ["GET"]),
    "tags": (f"{REPOSITORY}/tags", ["GET"]),
    "retentions": (f"{REPOSITORY}/retentions", ["GET", "POST"]),
    "histories": (f"{REPOSITORY}/retentions/histories", ["GET"]),
    "retention": (f"{REPOSITORY}/retentions/{SEGMENT}", ["GET", "PATCH", "DELETE"]),
}

Row = dict[str, Any]


class Swr(Fake):
    """SWR and IAM of one region, with their gateway; both answer on any host, or on hosts `swr...` and `iam...`.

    The state is a dictionary; all keys but `name` are optional:

    - `users`: `name`, `domain` (the account), `password`, `access_keys` (`access`, `secret`, and for temporary ones
      `security_token` and `expires_in_seconds`), `projects` (names; None: all of the account), `locked`, `mfa`,
      `huawei_id`, `list_projects`
    - `projects`: `name`, `id`, `domain`; an account without any has one called `eu-de`
    - `organizations`: `name`, `domain`, `project` (a name), `creator`, `auth` (user name to 7, 3 or 1; without it all
      users of the account have 7) and `repositories`: `name`, `is_public`, `category`, `description`, `auth`,
      `age_seconds`, `tags` (`name`, `digest`, `age_seconds` since the last push, `created_age_seconds`, `size`,
      `tag_type`), `retentions` (`id`, `algorithm`, `rules` as in the API, or one bare rule) and `histories`
    """

    SWITCHES = {
        # Retention policies: what the documentation leaves open or sources disagree about.
        "second_post": "refuse",  # or "append": a repository can have more than one policy
        "template_change": "refuse",  # or "accept": PATCH with another template
        "max_rules": 1,  # rules in one policy
        "check_range": True,  # False: integers out of range are stored
        "number_params": "refuse",  # numbers instead of strings; or "string", "number": accepted, read back as that
        "missing_selectors": "refuse",  # no tag_selectors, or null; or "accept"
        "max_labels": 0,  # selectors of that kind, 0: any number
        "max_regexps": 0,
        "bad_regexp": "delete_all",  # a badly formed one; or "refuse", "matches_nothing"
        "regexp_dialect": "re2",  # or "perl": look-around and back-references work
        "regexp_match": "search",  # or "full": anchored on both sides
        "date_boundary": "over",  # deleted when older than the days; or "reached"
        "recent_by": "updated",  # which time tag_rule sorts by; or "created"
        "create_runs": True,
        "update_runs": True,  # whether PATCH runs the policy at once
        "empty_selectors_as": "list",  # how an empty tag_selectors reads; or "null", "missing"
        "retention_id_as": "integer",  # or "string"
        "missing_on_show": "404",  # a policy that is gone; or "400", "empty": 200 with empty rules
        "missing_on_update": "400",  # or "404"
        "missing_on_delete": "400",  # or "404"
        "retention_auth": EDIT,  # the permission that changing a policy takes; or 7
        # Listing
        "name_matches": "fuzzy",  # the query argument name of the repository list; or "exact"
        "name_dollar": "both",  # how a slash in it is written; or "dollar", "slash"
        "reply_names": "slash",  # or "dollar"
        "namespace_matches": "exact",  # or "fuzzy", in the organization list
        "unknown_namespace": "empty",  # in the repository list; or "404"
        "lone_paging": "honoured",  # limit without offset or the other way round; or "ignored"
        "over_limit": "cap",  # a limit above 1000; or "refuse"
        "content_range": "asked",  # with both limit and offset; or "always", "never"
        "order_by_updated_at": "refuse",  # as order_column of repositories; or "accept"
        "history_order": "newest",  # or "oldest"
        # Errors
        "error_shape": "double",  # or "errors", "array", "object"
        "gateway_prefix": "APIGW",  # or "APIG"
        "missing_repository": "4040010",  # or "4040113"
        "denied": "4030170",  # or "4039002", "4037020"
        "throttled": "4031032",  # or "4031042", "gateway": 429
        "rate_limit": 0,  # requests per second, 0: no limit
        "rate_burst": 25,
        "content_type": "required",  # or "ignored"
        # Identity
        "split_hosts": True,  # a host `iam...` knows only IAM, a host `swr...` only SWR
        "bad_token_seen_by": "gateway",  # or "service"
        "token_lifetime": 86400,
        "token_bytes": 3000,
        "max_skew": 900,  # seconds between a signature and the gateway's clock
        "gateway_clock_off": 0,  # seconds; that clock follows the real one, not the fake's, so that clients can sign
        "iam_lock_after": 5,  # wrong passwords within 15 minutes, 0: never
        "locked_says_so": True,  # False: a locked account looks like a wrong password
        "key_lock_after": 5,  # wrong signatures in a row, 0: never
    }

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__init__()
        if state is None:
            from .estate import shared_estate

            state = shared_estate()
        for name, value in state.get("switches", {}).items():
            self.switches[name] = value
        self.iam = Iam(state, self.switches, self.now)
        self.organizations: dict[str, Row] = {}
        self.repositories: dict[tuple[str, str], Row] = {}
        self._ids = {"namespace": 100, "repository": 1000, "tag": 10000}
        self._retention_id, self._history_id = FIRST_RETENTION_ID, FIRST_HISTORY_ID
        self._rate_level, self._rate_at = 0.0, 0.0
        self._load(state)

    def _load(self, state: dict[str, Any]) -> None:
        now_ns = self._now_ns()
        for given in state.get("organizations", []):
            domain = given.get("domain", self.iam.first_domain())
            projects = [project["name"] for project in self.iam.projects if project["domain"] == domain]
            self.organizations[given["name"]] = {
                "id": self._next_id("namespace"),
                "name": given["name"],
                "domain": domain,
                "project": given.get("project", projects[0] if projects else "eu-de"),
                "creator": given.get("creator", domain),
                "auth": deepcopy(given.get("auth")),
            }
            for repository in given.get("repositories", []):
                self._add_repository(given["name"], repository, now_ns)

    def _next_id(self, kind: str) -> int:
        self._ids[kind] += 1
        return self._ids[kind]

    def _add_repository(self, namespace: str, given: Row, now_ns: int) -> None:
        row = {
            "id": self._next_id("repository"),
            "namespace": namespace,
            "name": given["name"],
            "category": given.get("category", "other"),
            "description": given.get("description", ""),
            "is_public": given.get("is_public", False),
            "auth": deepcopy(given.get("auth", {})),
            "created_ns": now_ns - int(given.get("age_seconds", 500 * 86400) * 10**9),
            "tags": [],
            "retentions": [],
            "histories": [],
        }
        self.repositories[namespace, given["name"]] = row
        name = f"{namespace}/{given['name']}"
        for tag in given.get("tags", []):
            self._store_tag(row, tag, now_ns)
        for policy in given.get("retentions", []):
            self.add_retention(name, policy)
        for entry in given.get("histories", []):
            kept = {key: item for key, item in entry.items() if key != "age_seconds"}
            row["histories"].append({**kept, "created_ns": now_ns - int(entry["age_seconds"] * 10**9)})
            self._history_id = max(self._history_id, entry["id"] + 1)

    def _store_tag(self, repository: Row, given: Row, now_ns: int) -> None:
        number = self._next_id("tag")
        age = given["age_seconds"]
        updated_ns = stored_time(now_ns - int(age * 10**9))
        created_ns = stored_time(now_ns - int(given.get("created_age_seconds", age) * 10**9))
        repository["tags"] = [tag for tag in repository["tags"] if tag["name"] != given["name"]]
        repository["tags"].append(
            {
                "id": number,
                "name": given["name"],
                "digest": given.get("digest") or f"sha256:{made_up_id(given['name']) * 2}",
                "size": given.get("size", 1000000),
                "tag_type": given.get("tag_type", 0),
                "created_ns": created_ns,
                "updated_ns": updated_ns,
            }
        )

    # What tests ask and stage

    def retentions(self, name: str) -> list[Row]:
        """Returns copies of the stored policies of `namespace/repo`, in the API's form."""
        with self.lock:
            return deepcopy(self._named(name)["retentions"])

    def retention(self, name: str) -> Row | None:
        """Returns a copy of the only policy of `namespace/repo`, None without one; ValueError with more than one."""
        found = self.retentions(name)
        if len(found) > 1:
            raise ValueError(f"{name} has {len(found)} policies")
        return found[0] if found else None

    def add_retention(self, name: str, policy: Row, check: bool = False) -> int:
        """Stores a policy (or one bare rule) as it is and returns its id; `check` makes it refuse what the API does.

        It is not run; the next tick does that.
        """
        with self.lock:
            given = {"rules": [policy]} if "template" in policy else policy
            body = {"algorithm": given.get("algorithm", "or"), "rules": deepcopy(given["rules"])}
            repository = self._named(name)
            if check:
                wrong = retention.complaint(body, self._demands())
                if wrong:
                    raise ValueError(wrong)
            number = given.get("id") or self._retention_id
            self._retention_id = max(self._retention_id, number + 1)
            repository["retentions"].append({"id": number, "scope": "", **body})
            return number

    def remove_retention(self, name: str, number: int | None = None) -> None:
        """Removes one policy of `namespace/repo`, or all, as if somebody did it in the console."""
        with self.lock:
            row = self._named(name)
            row["retentions"] = [item for item in row["retentions"] if number not in (None, item["id"])]

    def remove_repository(self, name: str) -> None:
        """Removes `namespace/repo` and everything in it."""
        with self.lock:
            self._named(name)
            del self.repositories[tuple(name.split("/", 1))]

    def remove_organization(self, name: str) -> None:
        """Removes an organization and its repositories."""
        with self.lock:
            del self.organizations[name]
            for key in [key for key in self.repositories if key[0] == name]:
                del self.repositories[key]

    def add_tag(self, name: str, tag: str, age_seconds: float = 0, **more: Any) -> None:
        """Pushes a tag to `namespace/repo`; an older tag of that name is replaced."""
        with self.lock:
            self._store_tag(self._named(name), {"name": tag, "age_seconds": age_seconds, **more}, self._now_ns())

    def tags(self, name: str) -> list[str]:
        """Returns the names of the tags of `namespace/repo`, the one pushed last first."""
        with self.lock:
            rows = sorted(self._named(name)["tags"], key=lambda tag: (-tag["updated_ns"], -tag["id"]))
            return [tag["name"] for tag in rows]

    def histories(self, name: str) -> list[Row]:
        """Returns the log rows of `namespace/repo` as the API shows them, newest first."""
        with self.lock:
            return [shown_history(entry) for entry in reversed(self._named(name)["histories"])]

    def repository_names(self, namespace: str | None = None) -> list[str]:
        """Returns `namespace/repo` of all repositories, or of one organization's."""
        with self.lock:
            return sorted(f"{space}/{name}" for space, name in self.repositories if namespace in (None, space))

    def user(self, name: str) -> Row:
        """Returns what a user signs in with: name, password, domain, project and project_id."""
        user = self.iam.user(name)
        project = self.iam.projects_of(user)[0]
        shown = {key: user[key] for key in ("name", "password", "domain")}
        return {**shown, "project": project["name"], "project_id": project["id"]}

    def access_key(self, name: str, temporary: bool = False) -> Row:
        """Returns access, secret, security_token and project_id of a user's first permanent or temporary key."""
        user = self.iam.user(name)
        for key in self.iam.keys.values():
            if key["user"] is user and (key["security_token"] is not None) == temporary:
                shown = {part: key[part] for part in ("access", "secret", "security_token")}
                return {**shown, "project_id": self.iam.projects_of(user)[0]["id"]}
        raise KeyError(name)

    def token(self, name: str) -> str:
        """Returns a new token of a user for the first of their projects."""
        with self.lock:
            user = self.iam.user(name)
            return self.iam.issue(user, self.iam.projects_of(user)[0])

    def project_id(self, name: str) -> str:
        """Returns the id of the first project of that name."""
        return next(project["id"] for project in self.iam.projects if project["name"] == name)

    def secrets(self) -> list[str]:
        """Returns every password, secret key, security token and issued token: what must show up in no output."""
        with self.lock:
            return self.iam.secrets()

    def expire_tokens(self) -> None:
        """Ends the life of all tokens."""
        with self.lock:
            for token in self.iam.tokens.values():
                token["expires_at"] = min(token["expires_at"], self.now())

    def fail(self, code: str, **how: Any) -> None:
        """Queues a fault with the body that the service or its gateway gives it.

        The code is `SVCSTG.SWR.4090023`, `4090023` or `APIGW.0308`; `how` has keys of a fault, such as `times`.
        """
        with self.lock:
            if code.startswith("APIG"):
                answer = gateway_error(code.rsplit(".", 1)[1], THROTTLED, self.switches["gateway_prefix"])
                fault = {"status": answer.status, "body": json.loads(answer.body)}
            else:
                number = code.rsplit(".", 1)[-1]
                fault = {
                    "status": int(number[:3]),
                    "body": service_body(f"{SERVICE}{number}", self.switches["error_shape"]),
                }
            self.faults.append({**fault, **how})

    def _control_fail(self, method: str, given: Any) -> Answer | None:
        if method != "POST":
            return None
        self.fail(**given)
        return as_json(self.faults)

    def state(self) -> dict[str, Any]:
        """Returns everything but tokens in the form that the constructor takes; ages count from the fake's present."""
        with self.lock:
            now_ns = self._now_ns()
            organizations = []
            for space in self.organizations.values():
                entry = {key: deepcopy(item) for key, item in space.items() if key != "id"}
                entry["repositories"] = [
                    dumped(row, now_ns) for (name, _short), row in self.repositories.items() if name == space["name"]
                ]
                organizations.append(entry)
            changed = {name: value for name, value in self.switches.items() if value != self.SWITCHES.get(name, 0)}
            return {**self.iam.dump(), "organizations": organizations, "switches": changed}

    def _named(self, name: str) -> Row:
        namespace, _slash, short = name.partition("/")
        return self.repositories[namespace, short]

    def _now_ns(self) -> int:
        return int(self.now() * 10**9)

    # The policies at work

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

    def _demands(self) -> retention.Demands:
        names = ("max_rules", "check_range", "number_params", "missing_selectors", "max_regexps", "max_labels")
        names += ("bad_regexp", "regexp_dialect")
        return retention.Demands(**{name: self.switches[name] for name in names})

    # Requests

    def answer(self, request: Request) -> Answer:
        """Returns the gateway's, the service's or IAM's answer to a request and changes the state accordingly."""
        target = received_target(request)
        try:
            return self._routed(request, target)
        except Refusal as refusal:
            return refusal.answer

    def _log(self, request: Request, path: str, body: Any, status: int | None, environ: dict[str, Any]) -> None:
        super()._log(request, path, body, status, environ)
        if request.method not in ("GET", "HEAD") and request.path == IAM_ROUTES["tokens"][0]:
            self.writes.pop()

    def _routed(self, request: Request, target: str) -> Answer:
        # A percent-encoded slash is a slash: https://github.com/huaweicloud/huaweicloud-sdk-go-v3/issues/78
        path = unquote(target.partition("?")[0])
        host = request.host.split(".")[0]
        is_iam, is_swr = host.startswith("iam"), host.startswith("swr")
        split = self.switches["split_hosts"]
        if not (split and is_swr):
            for name, (pattern, methods) in IAM_ROUTES.items():
                if path == pattern and request.method in methods:
                    if name == "tokens":
                        return self.iam.tokens_answer(request)
                    return self.iam.projects_answer(request, self.iam.caller(request, target))
        if not (split and is_iam):
            for name, (pattern, methods) in SWR_ROUTES.items():
                found = re.fullmatch(pattern, path)
                if found:
                    if request.method not in methods:
                        break
                    return self._service_answer(name, request, target, found.groups())
        raise Refusal(gateway_error("0101", NOT_PUBLISHED, self.switches["gateway_prefix"]))

    def _service_answer(self, name: str, request: Request, target: str, parts: tuple[str, ...]) -> Answer:
        if self._too_fast():
            if self.switches["throttled"] == "gateway":
                raise Refusal(gateway_error("0308", THROTTLED, self.switches["gateway_prefix"]))
            self._refuse(self.switches["throttled"])
        caller = self.iam.caller(request, target)
        # https://docs.otc.t-systems.com/software-repository-container/api-ref/: tokens must be of a project.
        if caller.project is None:
            self._refuse("4010000")
        if self.switches["content_type"] == "required" and request.mimetype != JSON_TYPE:
            self._refuse("4000014", "Content-Type must be application/json")
        handler: Callable[..., Answer] = getattr(self, f"_{request.method.lower()}_{name}")
        return handler(Call(self, request, caller), *parts)

    def _too_fast(self) -> bool:
        rate = self.switches["rate_limit"]
        if not rate:
            return False
        now = self.now()
        level = max(0.0, self._rate_level - (now - self._rate_at) * rate)
        if level > self.switches["rate_burst"]:
            return True
        self._rate_level, self._rate_at = level + 1, now
        return False

    def _refuse(self, number: str, detail: str = "") -> NoReturn:
        raise Refusal(service_error(f"{SERVICE}{number}", self.switches["error_shape"], detail))

    # Retention policies

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

    # Listing

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


class Call:
    """One request to SWR: its query, its caller and what they may."""

    def __init__(self, fake: Swr, request: Request, caller: Caller) -> None:
        self.fake = fake
        self.request = request
        self.user: User = caller.user
        self.project: Project = caller.project or {}
        self.query = dict(request.args.items())
        if "filter" in self.query:
            pairs = [pair.partition("::") for pair in self.query["filter"].split("|") if pair]
            self.query = {name: value for name, _colons, value in pairs}

    def in_project(self, space: Row) -> bool:
        """Returns whether an organization belongs to the project of the call."""
        return (space["domain"], space["project"]) == (self.project["domain"], self.project["name"])

    def level(self, space: Row, repository: Row | None = None) -> int:
        """Returns the caller's permission in an organization or repository: 7, 3, 1 or 0."""
        name = self.user["name"]
        own = self.user["domain"] == space["domain"]
        if not own:
            return 0
        level = MANAGE if space["auth"] is None else space["auth"].get(name, 0)
        return max(level, repository["auth"].get(name, 0)) if repository else level

    def organization(self, name: str) -> Row:
        """Returns an organization of the call's project; 404 if there is none."""
        space = self.fake.organizations.get(name)
        if space is None or (space["domain"] == self.project["domain"] and not self.in_project(space)):
            self.fake._refuse("4040058")
        return space

    def repository(self, namespace: str, name: str, level: int) -> Row:
        """Returns a repository whose name has dollar signs for slashes; 404 or 403 in the service's words."""
        space = self.organization(namespace)
        row = self.fake.repositories.get((namespace, name.replace("$", "/")))
        if self.level(space, row) < level and (row is not None or not self.level(space)):
            self.fake._refuse(self.fake.switches["denied"])
        if row is None:
            self.fake._refuse(self.fake.switches["missing_repository"])
        return row

    def policy(self) -> Any:
        """Returns the body of a create or update request; 400 when it is refused."""
        try:
            body = json.loads(self.request.get_data())
        except ValueError:
            body = None
        wrong = retention.complaint(body, self.fake._demands())
        if wrong:
            self.fake._refuse("4000014", wrong)
        return body

    def descending(self) -> bool:
        """Returns the direction of the order, descending by default; 400 for an unknown one."""
        direction = self.query.get("order_type", "desc")
        if direction not in ("asc", "desc"):
            self.fake._refuse("4000014", "order_type must be asc or desc")
        return direction == "desc"

    def page(self, rows: list[Row]) -> tuple[list[Row], dict[str, str]]:
        """Returns the part of the rows that limit and offset ask for, and the headers that tell so."""
        given = {key: self._number(key) for key in ("limit", "offset") if self.query.get(key, "") != ""}
        both = len(given) == 2
        if not both and self.fake.switches["lone_paging"] == "ignored":
            given = {}
        limit, offset = given.get("limit", PAGE), given.get("offset", 0)
        if limit > LARGEST_PAGE and self.fake.switches["over_limit"] == "refuse":
            self.fake._refuse("4000014", f"limit must not be over {LARGEST_PAGE}")
        shown = rows[offset : offset + min(limit, LARGEST_PAGE)]
        tells = self.fake.switches["content_range"]
        if tells == "always" or (tells == "asked" and both):
            return shown, {"Content-Range": f"{offset}-{len(shown)}/{len(rows)}"}
        return shown, {}

    def _number(self, key: str) -> int:
        text = self.query[key]
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or (key == "limit" and int(text) == 0):
            self.fake._refuse("4000014", f"{key} must be a number")
        return int(text)


def received_target(request: Request) -> str:
    """Returns path and query as they were received, percent-encoding included."""
    raw = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI")
    if not raw:
        query = request.query_string.decode("latin-1")
        return quote(request.path) + (f"?{query}" if query else "")
    if raw.startswith("/"):
        return raw
    parts = urlsplit(raw)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def find(repository: Row, number: str) -> Row | None:
    """Returns the policy of a repository with that id; another repository's is not found."""
    return next((policy for policy in repository["retentions"] if str(policy["id"]) == number), None)


def with_headers(value: Any, headers: dict[str, str]) -> Answer:
    """Returns a value as JSON with more headers."""
    answer = as_json(value)
    answer.headers.update(headers)
    return answer


def stored_time(nanoseconds: int) -> int:
    """Returns a time cut to nine, six or no digits of a fraction of a second, as they all occur."""
    unit = 10 ** (9 - FRACTION_DIGITS[nanoseconds // 10**9 % len(FRACTION_DIGITS)])
    return nanoseconds // unit * unit


def rfc3339(nanoseconds: int, digits: int | None = None) -> str:
    """Returns a time in UTC with 0 to 9 digits of a fraction, without zeros at its end unless digits are given."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f"{rest:09d}"
    fraction = fraction[:digits] if digits else fraction.rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (f".{fraction}" if fraction else "") + "Z"


def changed_ns(repository: Row) -> int:
    """Returns when a repository was changed last."""
    return max([repository["created_ns"], *(tag["updated_ns"] for tag in repository["tags"])])


def shown_history(entry: Row) -> Row:
    """Returns a log row as the API shows it."""
    shown = {key: item for key, item in entry.items() if key != "created_ns"}
    return {**shown, "created_at": rfc3339(entry["created_ns"], 6)}


def shown_tag(repository: Row, tag: Row, domain: str) -> Row:
    """Returns a tag as the API shows it; its name is in `Tag`, with a capital letter."""
    path = f"{repository['namespace']}/{repository['name']}:{tag['name']}"
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1500, "digest": tag["digest"]}
    manifest = {"schemaVersion": 2, "config": config, "layers": [config] * 8}
    return {
        "id": tag["id"],
        "repo_id": repository["id"],
        "Tag": tag["name"],
        "image_id": made_up_id(tag["digest"]) * 2,
        "manifest": json.dumps(manifest),
        "digest": tag["digest"],
        "schema": 2,
        "path": f"swr.test/{path}",
        "internal_path": f"10.125.0.198:20202/{path}",
        "size": tag["size"],
        "is_trusted": False,
        "created": rfc3339(tag["created_ns"]),
        "updated": rfc3339(tag["updated_ns"]),
        "deleted": None,
        "domain_id": domain,
        "scanned": False,
        "tag_type": tag["tag_type"],
    }


def dumped(repository: Row, now_ns: int) -> Row:
    """Returns a repository in the form that the constructor takes."""
    entry = {key: deepcopy(repository[key]) for key in ("name", "category", "description", "is_public", "auth")}
    entry["age_seconds"] = (now_ns - repository["created_ns"]) / 10**9
    entry["tags"] = [
        {
            **{key: tag[key] for key in ("name", "digest", "size", "tag_type")},
            "age_seconds": (now_ns - tag["updated_ns"]) / 10**9,
            "created_age_seconds": (now_ns - tag["created_ns"]) / 10**9,
        }
        for tag in repository["tags"]
    ]
    entry["retentions"] = deepcopy(repository["retentions"])
    entry["histories"] = [
        {
            **{key: item for key, item in log.items() if key != "created_ns"},
            "age_seconds": (now_ns - log["created_ns"]) / 10**9,
        }
        for log in repository["histories"]
    ]
    return entry
