# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbor: how to sign in, which version it is, what its errors mean, how its lists are paged."""

from __future__ import annotations

import base64
import re
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback
from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    Denied,
    NotFound,
    PlanRefused,
    RegistryError,
)

ARGUMENT_SPEC = dict(
    harbor_url=dict(type="str", required=True, fallback=(env_fallback, ["HARBOR_URL"])),
    harbor_username=dict(type="str", required=True, fallback=(env_fallback, ["HARBOR_USERNAME"])),
    harbor_password=dict(type="str", required=True, no_log=True, fallback=(env_fallback, ["HARBOR_PASSWORD"])),
)
API = ("api", "v2.0")
SYSTEM_INFO = api.path(*API, "systeminfo")
NO_TIME = "0001-01-01"
PAGE = 100  # the most that Harbor gives
NEWEST = (9999,)  # a build whose version cannot be read
BAD_PASSWORD = (
    "Harbor does not know this user with this password (harbor_username, harbor_password): one of them is mistyped, "
    "or the robot account is expired, disabled, or written without its prefix (robot$), or somebody used a wrong "
    "password a moment ago, after which Harbor locks the user for a second or two. It is not tried again"
)
INFO = {
    "type": "object",
    "required": ["auth_mode"],
    "properties": {"harbor_version": {"type": "string", "maxLength": 200}},
}
RESOURCES = (
    ("/system/purgeaudit", "purge-audit"),
    ("/system/gc", "garbage-collection"),
    ("/replication/policies", "replication-policy"),
    ("/replication/executions", "replication"),
    ("/registries", "registry"),
    ("/auditlog-exts", "audit-log"),
    ("/audit-logs", "audit-log"),
)

# What belongs to a project, by what its paths hold: the permission, and the members who have it as well.
OF_PROJECTS = (
    ("/immutabletagrules", "immutable-tag", "project administrators and maintainers"),
    ("/retentions", "tag-retention", "project administrators, maintainers and developers"),
    ("/metadatas", "metadata", "project administrators"),
)
ACTIONS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


class Basic:
    """Signs in with user name and password, of a user or a robot; raises PlanRefused for what can be neither."""

    def __init__(self, username: str, password: str) -> None:
        name = username.strip()
        if not name or ":" in name or not name.isprintable():
            raise PlanRefused("harbor_username: write the name alone, without a colon, such as admin or robot$cleaner")
        if not password.strip() or not password.isprintable():
            raise PlanRefused(
                "harbor_password is empty or holds characters that none has, such as a line break: give it exactly"
            )
        self.name = name
        self.token = base64.b64encode(f"{name}:{password}".encode()).decode()

    def __call__(self, request: Any) -> Any:
        """Add user name and password to a prepared request."""
        request.headers["Authorization"] = f"Basic {self.token}"
        return request


def client(params: dict, read_only: bool = False) -> api.Client:
    """Return a client that signs in with harbor_username and harbor_password."""
    auth = Basic(params["harbor_username"], params["harbor_password"])

    def explain(method: str, where: str, answer: Answer) -> RegistryError:
        return explained(method, where, answer, auth.name)

    secrets = [params["harbor_password"], auth.token]
    return api.Client(params["harbor_url"], params, auth, explain, read_only, secrets=secrets)


def version(client: api.Client) -> tuple[int, ...]:
    """Return Harbor's version, such as (2, 16, 0); asked once a task. Raises Denied if nobody is signed in."""
    return client.cached("version", lambda: _version(client))


def _version(client: api.Client) -> tuple[int, ...]:
    # Harbor answers this with 200 to a wrong password, too, as to anybody. Only who is signed in is told the version.
    text = client.get(SYSTEM_INFO, schema=INFO).get("harbor_version")
    if not text:
        raise Denied(f"GET {SYSTEM_INFO} was answered as to a stranger. {BAD_PASSWORD}", 401)
    found = re.match(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else NEWEST


def named(found: tuple) -> str:
    """Return a version as messages name it."""
    return "this Harbor" if found == NEWEST else f"Harbor {'.'.join(map(str, found[:2]))}"


def explained(method: str, where: str, answer: Answer, user: str) -> RegistryError:
    """Return what an error answer of Harbor means to this user, and what to do."""
    status, words = answer.status_code, said(answer)
    text = f"{method} {where} answered {status}{': ' + words if words else ''}"
    code = _first(answer).get("code")
    if status == 401:
        return Denied(f"{text}. {BAD_PASSWORD}", status, words)
    if status == 403:
        return _forbidden(method, where, text, code, words, user)
    if status in (404, 405) and (code is None or re.match(r"(path|method) ", words)):
        return ContractError(
            f"{text}. This Harbor does not offer it: it is too old (the audit log can be purged since 2.6), or "
            "harbor_url is not its base address"
        )
    if status == 404:
        return NotFound(text, status, words)
    if status >= 500 and status not in (502, 503, 504):
        number = answer.headers.get("X-Request-Id") or ""
        more = f" by its X-Request-Id, {answer.masked(number)[:80]}" if number else ""
        return ApiError(f"{text}. Harbor tells the cause to its own log only: look there{more}", status, words)
    return ApiError(text, status, words)


def _first(answer: Answer) -> dict:
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


def said(answer: Answer) -> str:
    """Return Harbor's own words in an error answer, as one line: of a validation, what is below its headings."""
    message = _first(answer).get("message")
    if not isinstance(message, str):
        return answer.words()
    lines = [line.strip() for line in answer.masked(message).splitlines()]
    return "; ".join(line for line in lines if line and line != "validation failure list:")[:500]


def _forbidden(method: str, where: str, text: str, code: Any, words: str, user: str) -> RegistryError:
    error = ApiError(text, 403, words)
    if code == "DENIED":
        hint = "Switch the read-only mode of Harbor off (Configuration, System Settings), or wait until it is"
    elif "CSRF" in words:
        hint = "Something between here and Harbor adds cookies to requests (sid), which Harbor does not take: remove it"
    elif code != "FORBIDDEN":
        hint = "That is not Harbor's own answer: a proxy or firewall in front of it refuses this"
    else:
        hint = f"{user} lacks the right: {needed(method, where)}"
    error.args = (f"{text}. {hint}",)
    return error


def needed(method: str, where: str) -> str:
    """Return who may send this request: the permission that a robot needs."""
    for part, resource, members in OF_PROJECTS:
        if part in where:
            action = "update" if where.endswith("/executions") and method == "POST" else ACTIONS.get(method)
            action = action or ("list" if where.endswith((part, "/executions", "/tasks")) else "read")
            return f"{members} have it, and robots with {resource}:{action} in the project"
    resource = next((resource for part, resource in RESOURCES if part in where), None)
    if resource is None:
        last = "repository" if where.endswith("/repositories") else "artifact"
        return f"a system administrator has it, and a system robot with {last}:list in all projects"
    lists = ("purgeaudit", "/gc", "/policies", "/executions", "/registries", "/tasks", "/events", "-logs", "-exts")
    listed = where.endswith(lists)
    if method == "GET" or where.endswith("/ping"):
        action = "list" if listed else "read"
    elif method == "PUT" and resource in ("purge-audit", "garbage-collection") and not where.endswith("/schedule"):
        action = "stop"
    else:
        action = {"PUT": "create" if resource == "replication" else "update", "DELETE": "delete"}.get(method, "create")
    return f"a system administrator has it, and a system robot with {resource}:{action}"


def listing(
    client: api.Client,
    where: str,
    schema: dict,
    key: Callable[[dict], Any],
    query: dict | None = None,
    most: int = 0,
    rows: Callable[[list], list] = list,
) -> list:
    """Return the rows of a list, each once, in Harbor's order; at most so many, 0 for all.

    rows: what is kept of a page.
    """

    def next_page(page: list, query: dict, number: int) -> dict | None:
        ends = len(page) < int(query["page_size"]) or most and number >= most
        return None if ends else {"page": str(int(query["page"]) + 1)}

    size = min(most, PAGE) if most else PAGE
    asked = dict(query or {}, page="1", page_size=str(size))
    found = client.listing(where, asked, schema, rows, key, next_page)
    return list(found.values())[: most or None]


def made(answer: Answer) -> int | None:
    """Return the number of what a POST made, None if the answer does not tell it."""
    found = re.search(r"/([1-9][0-9]{0,17})\Z", answer.headers.get("Location") or "")
    return int(found.group(1)) if found else None


def moment(text: str | None) -> str | None:
    """Return a time, None for the one by which Harbor says that there is none."""
    return text if text and not text.startswith(NO_TIME) else None
