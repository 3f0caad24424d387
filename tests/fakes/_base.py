# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all fakes share: WSGI entry, request logs, fault queue, movable clock, switches and the control plane."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Callable, Iterable

from werkzeug.wrappers import Request

CONTROL = "/_fake/"
FAULT_KEYS = {"method", "path", "times", "status", "headers", "body", "drop", "after", "delay", "truncate", "text"}
JSON_TYPE = "application/json"
HTML_TYPE = "text/html; charset=utf-8"


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class TimedOut(Exception):
    """The answer would come later than the in-process caller is willing to wait."""


@dataclass
class Answer:
    """An HTTP answer: status, body bytes and headers; `cut` means that the body breaks off half way."""

    status: int
    body: bytes = b""
    headers: dict[str, Any] = field(default_factory=dict)  # a list of texts is a header that is sent several times
    cut: bool = False


class Switches(dict):
    """Named settings with declared defaults; a name that was not declared is a KeyError."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            raise KeyError(f"no switch {name!r}; there are: {', '.join(sorted(self))}")
        super().__setitem__(name, value)


def as_json(value: Any, status: int = 200, content_type: str = JSON_TYPE) -> Answer:
    """Returns an answer whose body is the value as JSON, ending with a newline."""
    return Answer(status, json.dumps(value).encode() + b"\n", {"Content-Type": content_type})


def as_html(status: int, title: str = "", text: str = "", padding: int = 0) -> Answer:
    """Returns an answer with a small HTML page, padded with a comment of `padding` bytes."""
    title = title or HTTPStatus(status).phrase
    filler = f"<!--{'.' * padding}-->\n" if padding else ""
    page = (
        f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n{filler}"
    )
    return Answer(status, page.encode() + b"</html>\n", {"Content-Type": HTML_TYPE})


def body_of(data: bytes) -> Any:
    """Returns a request body for the log: None, parsed JSON or text."""
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


class Fake:
    """A registry in memory as a WSGI application; subclasses implement `answer`, `work` and `state`."""

    SWITCHES: dict[str, Any] = {}

    def __init__(self) -> None:
        self.writes: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        self.switches = Switches({"latency_ms": 0, **self.SWITCHES})
        self.lock = threading.RLock()
        self._offset = 0.0

    def answer(self, request: Request) -> Answer:
        """Returns the service's answer to a request and changes the state accordingly."""
        raise NotImplementedError

    def work(self, **options: Any) -> Any:
        """Runs the background worker once and returns what it did."""
        return None

    def state(self) -> dict[str, Any]:
        """Returns the whole state in the neutral form that the constructor takes."""
        raise NotImplementedError

    def switched(self, name: str, value: Any) -> None:
        """Called after a switch was set through the control plane; nothing by default."""

    def now(self) -> float:
        """Returns the fake's time as epoch seconds."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Moves the fake's clock by that many seconds and returns its new time."""
        self._offset += seconds
        return self.now()

    def tick(self, **options: Any) -> Any:
        """Runs the background worker once, alone, and returns what it did."""
        with self.lock:
            return self.work(**options)

    def clear(self) -> None:
        """Empties both request logs."""
        self.writes.clear()
        self.requests.clear()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        control = request.path.startswith(CONTROL)
        answer = self._control(request) if control else self._service(request, environ)
        headers = dict(answer.headers)
        bodiless = answer.status in (204, 304)
        if not bodiless:
            headers.setdefault("Content-Length", str(len(answer.body)))
        pairs = [
            (name, text) for name, value in headers.items() for text in (value if isinstance(value, list) else [value])
        ]
        start_response(f"{answer.status} {phrase(answer.status)}", pairs)
        if bodiless or request.method == "HEAD":
            return [b""]
        if answer.cut:
            environ["fakes.cut"] = True
            return [answer.body[: len(answer.body) // 2]]
        return [answer.body]

    def _service(self, request: Request, environ: dict[str, Any]) -> Answer:
        data = request.get_data(cache=True)
        path = request.path + ("?" + request.query_string.decode("latin-1") if request.query_string else "")
        fault = self._next_fault(request.method, path)
        wait = self.switches["latency_ms"] / 1000 + fault.get("delay", 0)
        limit = environ.get("fakes.timeout")
        late = limit is not None and wait > limit
        if wait:
            time.sleep(limit if late else wait)
        replaced = fault.get("drop") or "status" in fault or "text" in fault
        answer = None
        with self.lock:
            if not replaced or fault.get("after"):
                answer = self._answer(request, path, data, environ)
            if replaced and not fault.get("drop"):
                answer = replacement(fault)
            if answer is not None and fault.get("truncate"):
                answer = Answer(answer.status, answer.body, answer.headers, cut=True)
            status = None if fault.get("drop") else answer.status
            self._log(request, path, body_of(data), status, environ)
        if late:
            raise TimedOut
        if fault.get("drop"):
            raise Dropped
        return answer

    def _answer(self, request: Request, path: str, data: bytes, environ: dict[str, Any]) -> Answer:
        try:
            return self.answer(request)
        except (Dropped, TimedOut):  # the service itself never answers this request
            self._log(request, path, body_of(data), None, environ)
            raise

    def _log(self, request: Request, path: str, body: Any, status: int | None, environ: dict[str, Any]) -> None:
        headers = {key[5:].replace("_", "-").lower(): text for key, text in environ.items() if key.startswith("HTTP_")}
        entry = {"method": request.method, "path": path, "body": body, "status": status}
        self.requests.append({**entry, "headers": headers})
        if request.method not in ("GET", "HEAD"):
            self.writes.append(entry)

    def _next_fault(self, method: str, path: str) -> dict[str, Any]:
        with self.lock:
            for number, fault in enumerate(self.faults):
                if fault.get("method", method) != method or not re.search(fault.get("path", ""), path):
                    continue
                left = fault.get("times", 1) - 1
                if left > 0:
                    self.faults[number] = {**fault, "times": left}
                else:
                    del self.faults[number]
                return fault
        return {}

    def _control(self, request: Request) -> Answer:
        name = request.path[len(CONTROL) :]
        handler = getattr(self, f"_control_{name}", None) if name.isalpha() else None
        if handler is None:
            return as_json({"error": f"no control endpoint {name!r}"}, 404)
        try:
            given = json.loads(request.get_data() or b"null")
            with self.lock:
                answer = handler(request.method, given)
        except (ValueError, TypeError, KeyError, AttributeError, re.error) as error:
            return as_json({"error": str(error)}, 400)
        return answer if answer is not None else as_json({"error": f"{request.method} is not for {name}"}, 405)

    def _control_writes(self, method: str, given: Any) -> Answer | None:
        if method == "DELETE":
            self.clear()
            return as_json({})
        return as_json(self.writes) if method == "GET" else None

    def _control_requests(self, method: str, given: Any) -> Answer | None:
        return as_json(self.requests) if method == "GET" else None

    def _control_faults(self, method: str, given: Any) -> Answer | None:
        if method == "DELETE":
            self.faults.clear()
        elif method == "POST":
            faults = given if isinstance(given, list) else [given]
            for fault in faults:
                unknown = set(fault) - FAULT_KEYS
                if unknown:
                    raise ValueError(f"unknown keys of a fault: {', '.join(sorted(unknown))}")
                re.compile(fault.get("path", ""))
            self.faults.extend(faults)
        return as_json(self.faults)

    def _control_clock(self, method: str, given: Any) -> Answer | None:
        if method == "POST":
            self.advance(float(given["advance"]))
        return as_json({"now": self.now()})

    def _control_tick(self, method: str, given: Any) -> Answer | None:
        return as_json(self.tick(**(given or {}))) if method == "POST" else None

    def _control_switches(self, method: str, given: Any) -> Answer | None:
        if method == "POST":
            for name in given:
                self.switches[name] = self.switches.get(name)
            for name, value in given.items():
                self.switches[name] = value
                self.switched(name, value)
        return as_json(self.switches)

    def _control_state(self, method: str, given: Any) -> Answer | None:
        return as_json(self.state()) if method == "GET" else None


def phrase(status: int) -> str:
    """Returns the reason phrase of a status, also of one that the standard does not know."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def replacement(fault: dict[str, Any]) -> Answer:
    """Returns the answer that a fault gives instead of the service's own."""
    status = fault.get("status", 200)
    body = fault.get("text", fault.get("body"))
    if body is None:
        answer = as_html(status, phrase(status))
    elif isinstance(body, str):
        answer = Answer(status, body.encode(), {"Content-Type": HTML_TYPE})
    else:
        answer = as_json(body, status)
    answer.headers.update({key: str(text) for key, text in fault.get("headers", {}).items()})
    return answer
