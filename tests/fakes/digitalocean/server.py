# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container registry API of DigitalOcean in memory: registries, what they hold, and garbage collections."""

from __future__ import annotations

import math
from collections import deque
from email.utils import formatdate
from typing import Any, Callable

from werkzeug.wrappers import Request

from .._base import Answer, as_json
from .errors import Refusal, error_id
from .garbage import Garbage
from .images import Images
from .registries import Registries
from .routes import ROUTES, Call, bearer, matched, segments

HOUR, MINUTE = 3600, 60


class DigitalOcean(Registries, Images, Garbage):
    """DigitalOcean's container registry API in memory, with its tokens, scopes and rate limits."""

    def _service(self, request: Request, environ: dict[str, Any]) -> Answer:
        answer = super()._service(request, environ)
        with self.lock:
            headers = {name.lower() for name in answer.headers}
            extra = {"x-request-id": self._new_uuid(), **self._rate_headers(request)}
            if self.switches["send_date"]:
                extra["Date"] = formatdate(self.now(), usegmt=True)
            answer.headers.update({name: text for name, text in extra.items() if name.lower() not in headers})
        return answer

    def answer(self, request: Request) -> Answer:
        """Answers a request: rate limit, token, scope, then what the path is about."""
        if self.switches["seconds_per_request"]:
            self.advance(self.switches["seconds_per_request"])
        try:
            self._count(request)
            handler, arguments = self._routed(request)
            self.work()
            return handler(*arguments)
        except Refusal as refusal:
            return self._error(refusal)

    def _error(self, refusal: Refusal) -> Answer:
        number = self._new_uuid()
        body = {"id": error_id(refusal.status), "message": refusal.message}
        if self.switches["request_id_in_body"]:
            body["request_id"] = number
        answer = as_json(body, refusal.status)
        answer.headers.update({"x-request-id": number, **refusal.headers})
        return answer

    def _count(self, request: Request) -> None:
        now, times = self.now(), self._times(request)
        hour, minute = self.switches["rate_hour"], self.switches["rate_minute"]
        if hour and len(times) >= hour:
            raise Refusal(429, headers={"ratelimit-remaining": "0"})
        if minute and len(times) >= minute and times[-minute] > now - MINUTE:
            wait = math.ceil(times[-minute] + MINUTE - now)
            raise Refusal(429, headers={"ratelimit-remaining": "0", "retry-after": str(wait)})
        times.append(now)

    def _times(self, request: Request) -> deque[float]:
        times = self._counted.setdefault(bearer(request) or "", deque())
        while times and times[0] <= self.now() - HOUR:
            times.popleft()
        return times

    def _rate_headers(self, request: Request) -> dict[str, str]:
        times = self._times(request)
        limit = self.switches["rate_hour"] or self.SWITCHES["rate_hour"]
        return {
            "ratelimit-limit": str(limit),
            "ratelimit-remaining": str(max(0, limit - len(times))),
            "ratelimit-reset": str(math.ceil((times[0] if times else self.now()) + HOUR)),
        }

    def _routed(self, request: Request) -> tuple[Callable[..., Answer], list[Any]]:
        token = self.tokens.get(bearer(request) or "")
        if token is None:
            raise Refusal(401)
        family, words = segments(request)
        for pattern, route in ROUTES.get(family, {}).items():
            arguments = matched(pattern, words)
            if arguments is None:
                continue
            method = "GET" if request.method == "HEAD" else request.method
            if method not in route:
                raise Refusal(405, headers={"Allow": ", ".join(sorted(route))})
            name, scopes = route[method]
            if not set(scopes) <= set(token["scopes"]):
                raise Refusal(403)
            return getattr(self, f"_{name}"), [Call(request, family), *arguments]
        raise Refusal(404)
