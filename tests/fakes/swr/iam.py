# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls the fake SWR: IAM users, projects, access keys and tokens, and how the gateway checks them."""

from __future__ import annotations

import calendar
import json
import random
import time
from copy import deepcopy
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from werkzeug.wrappers import Request

from .._base import Answer, Switches, as_json
from . import signature as signing
from .errors import BAD_IDENTITY, SERVICE, Refusal, gateway_error, iam_error, service_error

UNAUTHORIZED = "Unauthorized."
# https://support.huaweicloud.com/intl/en-us/iam_faq/iam_01_0130.html
LOCKED = "The account is locked."
LOCK_SECONDS = 15 * 60
# https://support.huaweicloud.com/eu/nl-nl/devg-apisign/api-sign-0001.html
KEY_LOCKED = "AK access failed to reach the limit,forbidden."
KEY_LOCK_SECONDS = 5 * 60
TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"

User = dict[str, Any]
Project = dict[str, str]


@dataclass(frozen=True)
class Caller:
    """Who sends a request, and the project that it is about (None: the token has none)."""

    user: User
    project: Project | None


def made_up_id(text: str) -> str:
    """Returns 32 hex digits that depend on the text only."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def utc(seconds: float) -> str:
    """Returns epoch seconds as IAM writes a time: UTC with six digits of a fraction."""
    micros = round(seconds * 10**6)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(micros // 10**6))}.{micros % 10**6:06d}Z"


class Iam:
    """Users of all accounts, their projects, access keys and tokens."""

    def __init__(self, state: dict[str, Any], switches: Switches, now: Any) -> None:
        self.switches = switches
        self.now = now
        self._random = random.Random(20260904)
        self.users: list[User] = []
        self.projects: list[Project] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        for given in state.get("users", []):
            user = {"domain": "acme", "password": None, "mfa": False, "huawei_id": False, "locked": False}
            user.update(list_projects=True, projects=None, failures=[], locked_until=0.0)
            user.update({key: deepcopy(item) for key, item in given.items() if key != "access_keys"})
            user.setdefault("id", made_up_id(f"user {user['domain']}/{user['name']}"))
            self.users.append(user)
            for key in given.get("access_keys", []):
                self._add_key(user, key)
        for given in state.get("projects", []):
            project = {"name": given["name"], "domain": given.get("domain", self.first_domain())}
            project["id"] = given.get("id") or made_up_id(f"project {project['domain']}/{project['name']}")
            self.projects.append(project)
        for domain in dict.fromkeys(user["domain"] for user in self.users):
            if not any(project["domain"] == domain for project in self.projects):
                self.projects.append({"id": made_up_id(f"project {domain}"), "name": "eu-de", "domain": domain})

    def _add_key(self, user: User, given: dict[str, Any]) -> None:
        seconds = given.get("expires_in_seconds")
        self.keys[given["access"]] = {
            "access": given["access"],
            "secret": given["secret"],
            "security_token": given.get("security_token"),
            "expires_at": None if seconds is None else self.now() + seconds,
            "user": user,
            "failures": 0,
            "locked_until": 0.0,
        }

    def first_domain(self) -> str:
        """Returns the account that everything belongs to unless it says otherwise."""
        return self.users[0]["domain"] if self.users else "acme"

    def user(self, name: str) -> User:
        """Returns the first user of that name; `account/name` when names repeat."""
        domain, slash, short = name.partition("/")
        for user in self.users:
            if (user["domain"], user["name"]) == (domain, short) if slash else user["name"] == name:
                return user
        raise KeyError(name)

    def projects_of(self, user: User) -> list[Project]:
        """Returns the projects that a user may act in, the account's first one first."""
        own = [project for project in self.projects if project["domain"] == user["domain"]]
        return own if user["projects"] is None else [item for item in own if item["name"] in user["projects"]]

    def issue(self, user: User, project: Project | None) -> str:
        """Returns a new token; older ones stay valid."""
        text = "".join(self._random.choices(TOKEN_ALPHABET, k=max(20, self.switches["token_bytes"])))
        now = self.now()
        self.tokens[text] = {
            "user": user,
            "project": project,
            "issued_at": now,
            "expires_at": now + self.switches["token_lifetime"],
        }
        return text

    def secrets(self) -> list[str]:
        """Returns every password, secret key, security token and token that must not leak."""
        found = [user["password"] for user in self.users]
        for key in self.keys.values():
            found += [key["secret"], key["security_token"]]
        return [text for text in [*found, *self.tokens] if text]

    def dump(self) -> dict[str, Any]:
        """Returns users and projects in the neutral form."""
        users = []
        for user in self.users:
            entry = {key: deepcopy(item) for key, item in user.items() if key not in ("failures", "locked_until")}
            entry["locked"] = user["locked"] or user["locked_until"] > self.now()
            entry["access_keys"] = []
            for key in self.keys.values():
                if key["user"] is user:
                    left = None if key["expires_at"] is None else key["expires_at"] - self.now()
                    shown = {name: key[name] for name in ("access", "secret", "security_token")}
                    entry["access_keys"].append({**shown, "expires_in_seconds": left})
            users.append(entry)
        return {"users": users, "projects": deepcopy(self.projects)}

    # Requests to IAM

    def tokens_answer(self, request: Request) -> Answer:
        """Returns the answer to POST /v3/auth/tokens: 201 with the token in X-Subject-Token, 400 or 401."""
        if request.mimetype != "application/json":
            return iam_error(400, "Content-Type must be application/json.")
        try:
            auth = json.loads(request.get_data())["auth"]
            identity, scope = auth["identity"], auth.get("scope") or {}
            methods, given = identity["methods"], identity["password"]["user"]
            name, password, domain = given["name"], given["password"], given["domain"]["name"]
            wanted = scope.get("project")
        except (ValueError, KeyError, TypeError, AttributeError):
            return iam_error(400, "The request body is invalid.")
        if methods != ["password"]:
            return iam_error(400, "The authentication method is not supported.")
        user = self._signed_in(domain, name, password)
        if isinstance(user, Answer):
            return user
        project = None
        if wanted is not None:
            project = next((item for item in self.projects_of(user) if self._is(item, wanted)), None)
            if project is None:
                return iam_error(401, UNAUTHORIZED)
        text = self.issue(user, project)
        answer = as_json({"token": self._described(self.tokens[text], not request.args.get("nocatalog"))}, 201)
        answer.headers["X-Subject-Token"] = text
        return answer

    def _is(self, project: Project, wanted: Any) -> bool:
        return isinstance(wanted, dict) and bool(wanted) and all(project.get(key) == wanted[key] for key in wanted)

    def _signed_in(self, domain: str, name: str, password: str) -> User | Answer:
        now = self.now()
        found = [user for user in self.users if (user["domain"], user["name"]) == (domain, name)]
        # https://github.com/opentelekomcloud/otc-tools/issues/36: the same few words whatever is wrong.
        refused = iam_error(401, UNAUTHORIZED)
        if not found:
            return refused
        user = found[0]
        if user["locked"] or user["locked_until"] > now:
            return iam_error(401, LOCKED) if self.switches["locked_says_so"] else refused
        if user["password"] is None or user["password"] != password:
            user["failures"] = [then for then in user["failures"] if now - then < LOCK_SECONDS] + [now]
            if 0 < self.switches["iam_lock_after"] <= len(user["failures"]):
                user["locked_until"], user["failures"] = now + LOCK_SECONDS, []
            return refused
        user["failures"] = []
        return refused if user["mfa"] or user["huawei_id"] else user

    def _described(self, token: dict[str, Any], with_catalog: bool) -> dict[str, Any]:
        user, project = token["user"], token["project"]
        domain = {"id": made_up_id(f"domain {user['domain']}"), "name": user["domain"]}
        described: dict[str, Any] = {
            "expires_at": utc(token["expires_at"]),
            "issued_at": utc(token["issued_at"]),
            "methods": ["password"],
            "user": {"id": user["id"], "name": user["name"], "domain": domain, "password_expires_at": ""},
            "roles": [{"id": "0", "name": "te_admin"}],
        }
        if project:
            described["project"] = {"id": project["id"], "name": project["name"], "domain": domain}
        if with_catalog:
            # https://github.com/opentelekomcloud/terraform-provider-opentelekomcloud/issues/623: SWR is not in it.
            described["catalog"] = [
                {"id": made_up_id(name), "name": name, "type": name, "endpoints": [endpoint(name)]}
                for name in ("iam", "obs", "smn", "vpc")
            ]
        return described

    def projects_answer(self, request: Request, caller: Caller) -> Answer:
        """Returns the answer to GET /v3/projects."""
        if not caller.user["list_projects"]:
            return iam_error(403, "Policy doesn't allow iam:projects:listProjects to be performed.")
        name = request.args.get("name")
        rows = [
            {"id": item["id"], "name": item["name"], "domain_id": made_up_id(f"domain {item['domain']}")}
            for item in self.projects_of(caller.user)
            if name in (None, item["name"])
        ]
        for row in rows:
            row.update(enabled=True, is_domain=False, parent_id=row["domain_id"], description="")
        return as_json({"projects": rows, "links": {"self": request.base_url, "previous": None, "next": None}})

    # The gateway's check of every other request

    def caller(self, request: Request, target: str) -> Caller:
        """Returns who sends the request, by signature or by token; Refusal when nobody valid does."""
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith(signing.ALGORITHM):
            return self._signer(request, target, signing.parse(authorization))
        text = request.headers.get("X-Auth-Token")
        # https://support.huaweicloud.com/intl/en-us/ocr_faq/ocr_01_0063.html has the gateway's texts about tokens.
        if not text:
            raise self.refusal("x-auth-token not found")
        token = self.tokens.get(text)
        if token is None:
            raise self._bad_token("decrypt token fail")
        if token["expires_at"] <= self.now():
            raise self._bad_token(f"token expires, expires_at: {utc(token['expires_at'])}")
        return Caller(token["user"], token["project"])

    def refusal(self, text: str) -> Refusal:
        """Returns the gateway's 401 with a text of its own."""
        return Refusal(gateway_error("0301", BAD_IDENTITY.format(text), self.switches["gateway_prefix"]))

    def _bad_token(self, text: str) -> Refusal:
        if self.switches["bad_token_seen_by"] == "service":
            return Refusal(service_error(f"{SERVICE}4010000", self.switches["error_shape"]))
        return self.refusal(text)

    def _signer(self, request: Request, target: str, claim: signing.Claim | None) -> Caller:
        if claim is None:
            raise self.refusal("verify aksk signature fail, malformed Authorization header")
        key = self.keys.get(claim.access)
        if key is None:
            raise self.refusal(f"ak {claim.access} not exist")
        if key["locked_until"] > self.now():
            raise self.refusal(KEY_LOCKED)
        missing = [name for name in signing.REQUIRED if name not in claim.names or not request.headers.get(name)]
        if missing:
            raise self.refusal(f"verify aksk signature fail, not signed: {';'.join(missing)}")
        date = request.headers[signing.DATE].strip()
        self._check_date(date)
        self._check_security_token(request, claim, key)
        headers = {name.lower(): value for name, value in request.headers.items()}
        canonical = signing.canonical_request(request.method, target, headers, claim.names, request.get_data())
        if not signing.matches(claim, key["secret"], canonical, date):
            key["failures"] += 1
            if 0 < self.switches["key_lock_after"] <= key["failures"]:
                key["failures"], key["locked_until"] = 0, self.now() + KEY_LOCK_SECONDS
            shown = canonical.replace("\n", "|")
            raise self.refusal(f"verify aksk signature fail, canonicalRequest:{shown}")
        key["failures"] = 0
        return Caller(key["user"], self._project_of(request, key["user"]))

    def _check_date(self, date: str) -> None:
        now = time.time() + self.switches["gateway_clock_off"]
        try:
            then = calendar.timegm(time.strptime(date, signing.DATE_FORMAT))
        except ValueError:
            raise self.refusal(f"calc aksk signature fail:invalid x-sdk-date {date}") from None
        if abs(now - then) > self.switches["max_skew"]:
            server = time.strftime(signing.DATE_FORMAT, time.gmtime(now))
            # https://github.com/huaweicloud/huaweicloud-sdk-java-v3/issues/44
            text = f"calc aksk signature fail:signature expired, signature time:{date},server time:{server}"
            raise self.refusal(text)

    def _check_security_token(self, request: Request, claim: signing.Claim, key: dict[str, Any]) -> None:
        sent = request.headers.get("X-Security-Token")
        if sent != key["security_token"] or (sent is not None and "x-security-token" not in claim.names):
            raise self.refusal("verify security token fail")
        if key["expires_at"] is not None and key["expires_at"] <= self.now():
            raise self.refusal(f"security token expires, expires_at: {utc(key['expires_at'])}")

    def _project_of(self, request: Request, user: User) -> Project:
        own = self.projects_of(user)
        wanted = request.headers.get("X-Project-Id")
        for project in own:
            if wanted in (None, project["id"]):
                return project
        raise self.refusal(f"project {wanted} not found")


def endpoint(name: str) -> dict[str, str]:
    """Returns an endpoint of the service catalog."""
    url = f"https://{name}.eu-de.otc.t-systems.com"
    return {
        "id": made_up_id(f"endpoint {name}"),
        "interface": "public",
        "region": "eu-de",
        "region_id": "eu-de",
        "url": url,
    }
