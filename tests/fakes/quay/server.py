# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Quay server in memory: the auto-prune policies of organizations, repositories and users, and what they act on."""

from __future__ import annotations

import urllib.parse
from typing import Any, Callable

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Request

from .._base import Answer, as_html, as_json
from .access import caller_of, check_csrf, is_browser
from .call import Call
from .errors import NEEDS_XHR, NO_ANONYMOUS, NOT_ALLOWED, READ_ONLY, Refusal, error_text
from .namespaces import Namespaces
from .policies import Policies
from .pushes import Pushes
from .repositories import Repositories
from .routes import build_routes
from .state import FEATURES
from .worker import Worker

WEB_PAGE_PADDING = 30000

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    "Access-Control-Max-Age": "21600",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
}


class Quay(Worker, Policies, Namespaces, Repositories, Pushes):
    """A Quay server in memory, at commit ffba0c7 with PostgreSQL and without its own nginx in front."""

    def answer(self, request: Request) -> Answer:
        """Returns the server's answer to a request and changes the state accordingly."""
        if self._too_fast(request):
            return as_html(429, "Too Many Requests", "nginx")
        pushed = self._pushed(request)
        if pushed is not None:
            return pushed
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
        if not self.switches["ANONYMOUS_ACCESS"] and caller_of(self, request).name is None:
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
        caller = caller_of(self, request)
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
