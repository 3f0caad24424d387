# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends a request to the fake Quay, and what roles and scopes allow them; how they are refused."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

from werkzeug.wrappers import Request

from .._base import as_json
from .errors import CSRF, Refusal, error_text
from .state import Repository, State

REPOSITORY_ROLES = (None, "read", "write", "admin")
TEAM_ROLES = (None, "member", "creator", "admin")
USER_ROLES = (None, "read", "admin")
REPOSITORY_SCOPES = {"repo:read": "read", "repo:write": "write", "repo:admin": "admin"}
TEAM_SCOPES = {"repo:create": "creator", "org:admin": "admin"}
USER_SCOPES = {"user:read": "read", "user:admin": "admin"}
EVERY_SCOPE = frozenset([*REPOSITORY_SCOPES, *TEAM_SCOPES, *USER_SCOPES, "super:user"])

# Quay ffba0c7, endpoints/decorators.py: browser families that need X-Requested-With.
BROWSERS = frozenset(
    ("aol", "ask", "camino", "chrome", "firefox", "galeon", "google", "kmeleon", "konqueror", "links", "lynx", "msie")
    + ("msn", "netscape", "opera", "safari", "seamonkey", "webkit", "yahoo")
)


class Caller:
    """Who sends a request: user name (None: nobody), scopes, and the text of a valid session's CSRF token."""

    def __init__(self, name: str | None = None, scopes: frozenset[str] = frozenset(), csrf: str | None = None) -> None:
        self.name = name
        self.scopes = scopes
        self.csrf = csrf


class Rights:
    """What the caller of a request may do, and how a request is refused."""

    def __init__(self, quay: State, request: Request, caller: Caller) -> None:
        self.quay = quay
        self.request = request
        self.caller = caller

    # Quay ffba0c7, auth/permissions.py: a role is cut down to the highest one that the token's scopes allow.

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


def caller_of(quay: State, request: Request) -> Caller:
    """Returns who sends a request, by token or by session; nobody if neither is valid."""
    words = request.headers.get("Authorization", "").split()
    if len(words) == 2 and words[0].lower() == "bearer":
        token = quay.tokens.get(words[1])
        if token and not token.get("expired"):
            return Caller(token["user"], frozenset(token["scopes"]))
        return Caller()
    cookie = request.cookies.get("session", "")
    for name in quay.users:
        session, csrf = quay.session(name)
        if cookie == session:
            return Caller(name, EVERY_SCOPE, csrf)
    return Caller()


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
