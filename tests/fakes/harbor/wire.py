# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers of the fake Harbor: routes, the checks before a handler is called, errors, cookies."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import parse_qsl, unquote, unquote_plus

from werkzeug.wrappers import Request

from .._base import Answer
from . import gojson

if TYPE_CHECKING:
    from .accounts import Account
    from .server import Harbor

JSON, TEXT = "application/json", "text/plain"
ERROR_TYPE = "application/json; charset=utf-8"
API = "/api/v2.0"
MOST_PER_PAGE = 100
CSRF_HEADER, CSRF_COOKIE, SESSION_COOKIE = "X-Harbor-CSRF-Token", "_gorilla_csrf", "sid"
CSRF_LIFE = 43200
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
TRUE_WORDS = {"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"}
READ_ONLY = "The system is in read only mode. Any modification is prohibited."
STATUSES = {
    "BAD_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "DENIED": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "PRECONDITION": 412,
    "VIOLATE_FOREIGN_KEY_CONSTRAINT": 412,
    "UNPROCESSABLE_ENTITY": 422,
    "UNKNOWN": 500,
}
PAGING = ("page", "page_size", "q", "sort")
INTEGERS = {"page", "page_size", "policy_id", "project_id"}
PATH_INTEGERS = {"purge_id", "gc_id", "id", "task_id", "eid", "tid", "immutable_rule_id", "label_id"}


class Refusal(Exception):
    """An error answer in Harbor's form."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = "internal server error" if code == "UNKNOWN" else message

    def answer(self) -> Answer:
        """Returns the answer."""
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return Answer(STATUSES[self.code], encoded(body), {"Content-Type": ERROR_TYPE})


class Crash(Exception):
    """A handler that breaks down: status 500 without a body."""


def bad_request(message: str) -> Refusal:
    """Returns a 400."""
    return Refusal("BAD_REQUEST", message)


def not_found(message: str) -> Refusal:
    """Returns a 404."""
    return Refusal("NOT_FOUND", message)


def unknown() -> Refusal:
    """Returns the 500 that hides its cause."""
    return Refusal("UNKNOWN")


def encoded(value: Any) -> bytes:
    """Returns a value as the body of an answer."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def ok(value: Any, headers: dict[str, str] | None = None) -> Answer:
    """Returns a 200 with JSON."""
    return Answer(200, encoded(value), {"Content-Type": JSON, **(headers or {})})


def done() -> Answer:
    """Returns an empty 200."""
    return Answer(200)


def created(path: str) -> Answer:
    """Returns an empty 201 that names the new thing's path below the API."""
    return Answer(201, b"", {"Location": API + path})


@dataclass
class Route:
    """One verb of a path: its handler, the right it needs, the body it takes and the query it reads.

    `needs` is () for everybody, ("user",) for any signed-in caller, or a resource and an action of the system; handlers
    check rights within a project themselves.
    """

    handler: Callable[[Call], Answer]
    needs: tuple[str, ...] = ()
    body: tuple[str, gojson.Struct | gojson.MapOf] | None = None
    query: tuple[str, ...] = ()
    produces: tuple[str, ...] = (JSON,)
    since: tuple[int, ...] = ()
    most_per_page: int | None = MOST_PER_PAGE


@dataclass
class Call:
    """A request on its way to a handler."""

    harbor: Harbor
    request: Request
    raw_path: str
    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    account: Account | None = None
    accepts: str = JSON

    @property
    def method(self) -> str:
        """Returns the verb."""
        return self.request.method

    def pairs(self) -> list[tuple[str, str]]:
        """Returns all parameters of the query string."""
        return parse_qsl(self.request.query_string.decode("latin-1"), keep_blank_values=True, encoding="utf-8")

    def sign_in(self) -> Account:
        """Returns the caller; raises the 401."""
        if self.account is None:
            raise Refusal("UNAUTHORIZED", "unauthorized")
        return self.account

    def need(self, resource: str, action: str) -> None:
        """Raises the 401 or 403 unless the caller has a right of the system."""
        account = self.sign_in()
        if not account.may_system(resource, action):
            raise Refusal("FORBIDDEN", account.name)

    def need_project(self, project: Any, resource: str, action: str) -> None:
        """Raises the 401 or 403 unless the caller has a right in the project (None: an unknown one)."""
        if self.harbor.accounts.may(self.account, project, resource, action):
            return
        self.sign_in()
        raise Refusal("FORBIDDEN", "forbidden")


def text_answer(call: Call, text: str, always_plain: bool = False) -> Answer:
    """Returns a log: plain, or as a JSON text for callers that ask for JSON."""
    if call.accepts == JSON:
        return Answer(200, encoded(text), {"Content-Type": TEXT if always_plain else JSON})
    return Answer(200, text.encode(), {"Content-Type": TEXT})


def raw_path(request: Request) -> str:
    """Returns the path as it was sent, percent-encoded."""
    uri = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or request.path
    if "://" in uri.split("?")[0]:
        uri = "/" + uri.split("://", 1)[1].partition("/")[2]
    return uri.partition("?")[0]


def accepted(request: Request, produces: tuple[str, ...]) -> str | None:
    """Returns the type of the answer that the Accept header allows; None when there is none."""
    header = request.headers.get("Accept")
    if not header:
        return produces[0]
    best, found = 0.0, None
    for number, item in enumerate(header.split(",")):
        kind, *options = (part.strip() for part in item.split(";"))
        weight = next((float(option[2:]) for option in options if re.fullmatch(r"q=[\d.]+", option)), 1.0)
        for offer in produces:
            fits = kind.lower() in (offer, "*/*", offer.split("/")[0] + "/*")
            if fits and weight - number / 1000 > best:
                best, found = weight - number / 1000, offer
    return found


def integer(text: str) -> int | None:
    """Returns a text as Go's ParseInt reads it, None when it is no 64-bit integer."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    return int(text) if -(2**63) <= int(text) < 2**63 else None


def bind(call: Call, route: Route, given: dict[str, str]) -> None:
    """Fills path, query and body of a call; raises the 422 with everything that is wrong."""
    request, data = call.request, call.request.get_data(cache=True)
    if data:
        kind = (request.headers.get("Content-Type") or "application/octet-stream").split(";")[0].strip().lower()
        if kind != JSON:
            message = f'unsupported media type "{kind}", only [{JSON}] are allowed'
            raise Refusal("UNPROCESSABLE_ENTITY", f"validation failure list:\n{message}")
    accepts = accepted(request, route.produces)
    if accepts is None and not data:
        message = f"unsupported media type requested, only [{' '.join(route.produces)}] are available"
        raise Refusal("UNPROCESSABLE_ENTITY", f"validation failure list:\n{message}")
    call.accepts = accepts or route.produces[0]
    wrong: list[tuple[str, str]] = []
    for name, text in given.items():
        call.path[name] = integer(text) if name in PATH_INTEGERS else unquote(text)
        if call.path[name] is None:
            wrong.append((name, f'{name} in path must be of type int64: "{text}"'))
    sent: dict[str, str] = {}
    for name, text in call.pairs():
        sent.setdefault(name, text)
    for name in route.query:
        text = sent.get(name)
        if name.startswith("with_"):
            call.query[name] = None if not text else text.lower() in TRUE_WORDS
        elif name in INTEGERS and text:
            call.query[name] = integer(text)
            if call.query[name] is None:
                wrong.append((name, f'{name} in query must be of type int64: "{text}"'))
            elif name == "page_size" and route.most_per_page and call.query[name] > route.most_per_page:
                wrong.append((name, f"page_size in query should be less than or equal to {route.most_per_page}"))
        else:
            call.query[name] = text or None
    if route.body:
        wrong.extend(_body(call, *route.body))
    if wrong:
        lines = "\n".join(text for _name, text in sorted(wrong, key=lambda item: item[0]))
        raise Refusal("UNPROCESSABLE_ENTITY", f"validation failure list:\n{lines}")


def _body(call: Call, name: str, kind: Any) -> list[tuple[str, str]]:
    text = call.request.get_data(cache=True).decode("utf-8", "replace")
    try:
        call.body = gojson.decode(text, kind)
    except gojson.Missing:
        return [(name, f"{name} in body is required")]
    except gojson.BadJson as error:
        return [(name, f'parsing {name} body from "" failed, because {error}')]
    if isinstance(kind, gojson.Struct):
        found = gojson.complaints(call.body, call.harbor.of_version(kind))
        if found:
            return [(name, "validation failure list:\n" + "\n".join(found))]
    return []


class Sessions:
    """The cookies that Harbor hands out, and the check that they provoke."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.tokens: dict[str, bytes] = {}

    def check(self, request: Request) -> tuple[dict[str, Any], str | None]:
        """Returns the headers that an answer gets, and why the request is refused (None: it is not)."""
        cookies: list[str] = []
        headers: dict[str, Any] = {}
        sid = request.cookies.get(SESSION_COOKIE)
        if sid not in self.known:
            new = secrets.token_hex(16)
            self.known.add(new)
            cookies.append(f"{SESSION_COOKIE}={new}; Path=/; HttpOnly")
        problem = None
        if sid is not None:
            real = self.tokens.get(request.cookies.get(CSRF_COOKIE, ""))
            if request.method not in SAFE:
                problem = self._problem(request.headers.get(CSRF_HEADER), real)
            if real is None:
                real, name = secrets.token_bytes(32), secrets.token_urlsafe(48)
                self.tokens[name] = real
                expires = formatdate(time.time() + CSRF_LIFE, usegmt=True)
                cookies.append(
                    f"{CSRF_COOKIE}={name}; Path=/; Expires={expires}; Max-Age={CSRF_LIFE}; HttpOnly; SameSite=Strict"
                )
            mask = secrets.token_bytes(32)
            masked = bytes(one ^ other for one, other in zip(mask, real))
            headers[CSRF_HEADER] = base64.b64encode(mask + masked).decode()
        if cookies:
            headers["Set-Cookie"] = cookies
        return headers, problem

    @staticmethod
    def _problem(sent: str | None, real: bytes | None) -> str | None:
        if not sent:
            return "CSRF token not found in request"
        try:
            data = base64.b64decode(sent, validate=True)
        except ValueError:
            data = b""
        token = bytes(one ^ other for one, other in zip(data[:32], data[32:]))
        return None if len(data) == 64 and token == real else "CSRF token invalid"


def request_id(request: Request) -> str:
    """Returns the id that the answer repeats."""
    return request.headers.get("X-Request-Id") or str(uuid.uuid4())


def unescaped(text: str) -> str:
    """Returns a text as Go's QueryUnescape reads it, unchanged where it is malformed."""
    return text if re.search(r"%(?![0-9a-fA-F]{2})", text) else unquote_plus(text)
