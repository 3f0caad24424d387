# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Huawei Cloud SWR (basic edition) and IAM in memory: retention policies of repositories, and what they delete."""

from __future__ import annotations

import re
from typing import Any, Callable
from urllib.parse import quote, unquote, urlsplit

from werkzeug.wrappers import Request

from .._base import JSON_TYPE, Answer
from .call import Call
from .creation import Creation
from .errors import NOT_PUBLISHED, THROTTLED, Refusal, gateway_error
from .listing import Listing
from .policies import Policies

SEGMENT = "([^/]+)"
NAMESPACE = f"/v2/manage/namespaces/{SEGMENT}"
REPOSITORY = f"{NAMESPACE}/repos/{SEGMENT}"
IAM_ROUTES = {
    "tokens": ("/v3/auth/tokens", ["POST"]),
    "projects": ("/v3/projects", ["GET"]),
}
SWR_ROUTES = {
    "namespaces": ("/v2/manage/namespaces", ["GET", "POST"]),
    "namespace": (NAMESPACE, ["GET", "DELETE"]),
    "repos": (f"{NAMESPACE}/repos", ["POST"]),
    "repo": (REPOSITORY, ["DELETE"]),
    "repositories": ("/v2/manage/repos", ["GET"]),
    "tags": (f"{REPOSITORY}/tags", ["GET"]),
    "retentions": (f"{REPOSITORY}/retentions", ["GET", "POST"]),
    "histories": (f"{REPOSITORY}/retentions/histories", ["GET"]),
    "retention": (f"{REPOSITORY}/retentions/{SEGMENT}", ["GET", "PATCH", "DELETE"]),
}


class Swr(Policies, Listing, Creation):
    """SWR and IAM of one region, with their gateway; both answer on any host, or on hosts `swr...` and `iam...`."""

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
