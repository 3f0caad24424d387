# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake SWR holds: loaded from and dumped to the neutral form, asked and staged by tests."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, NoReturn

from .._base import Answer, Fake, as_json
from . import retention
from .errors import SERVICE, THROTTLED, Refusal, gateway_error, service_body, service_error
from .iam import Iam, made_up_id
from .rows import Row, dumped, shown_history, stored_time

READ, EDIT, MANAGE = 1, 3, 7
FIRST_RETENTION_ID, FIRST_HISTORY_ID = 501, 70001


class State(Fake):
    """Organizations and repositories of one region and who signs in, without anything that acts on them.

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

    def _demands(self) -> retention.Demands:
        names = ("max_rules", "check_range", "number_params", "missing_selectors", "max_regexps", "max_labels")
        names += ("bad_regexp", "regexp_dialect")
        return retention.Demands(**{name: self.switches[name] for name in names})

    def _refuse(self, number: str, detail: str = "") -> NoReturn:
        raise Refusal(service_error(f"{SERVICE}{number}", self.switches["error_shape"], detail))
