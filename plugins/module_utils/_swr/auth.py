# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways to sign in to Huawei Cloud: signing each request with a key (SDK-HMAC-SHA256), or a token of IAM."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import threading
import urllib.parse
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import access, api
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    Denied,
    PlanRefused,
    RegistryError,
)

ALGORITHM = "SDK-HMAC-SHA256"
SIGNED = ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token")


class Signer:
    """Signs each request with an access key and its secret key.

    security_token: of temporary keys. project_id: only needed for sub-projects.
    """

    def __init__(self, access_key: str, secret_key: str, security_token: str | None, project_id: str | None) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.extra = {"X-Security-Token": security_token, "X-Project-Id": project_id}

    def __call__(self, request: Any) -> Any:
        """Add the headers of the signature to a prepared request."""
        request.headers.update({name: value for name, value in self.extra.items() if value})
        request.headers["Content-Type"] = "application/json"
        request.headers["Host"] = urllib.parse.urlsplit(request.url).netloc
        request.headers["X-Sdk-Date"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        signed = {name.lower(): value for name, value in request.headers.items() if name.lower() in SIGNED}
        request.headers["Authorization"] = authorization(
            request.method, request.url, signed, request.body or b"", self.access_key, self.secret_key
        )
        return request


def authorization(method: str, url: str, headers: dict, body: Any, access_key: str, secret_key: str) -> str:
    """Return the Authorization header; headers: lower-case name -> value of all that are to be signed."""
    text = f"{ALGORITHM}\n{headers['x-sdk-date']}\n{_sha256(canonical_request(method, url, headers, body))}"
    signature = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={access_key}, SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"


def canonical_request(method: str, url: str, headers: dict, body: Any) -> str:
    """Return the text that is hashed for the signature: the same for every way to escape the same URL."""
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.quote(urllib.parse.unquote(parts.path), safe="/-_.~")
    query = sorted(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    lines = [
        method.upper(),
        path if path.endswith("/") else path + "/",
        "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in query),
        *(f"{name}:{headers[name].strip()}" for name in sorted(headers)),
        "",
        ";".join(sorted(headers)),
        _sha256(body),
    ]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")


def _sha256(content: Any) -> str:
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


class Token:
    """Sends a token of IAM with each request; `fetch` gets it, at the first request and once."""

    def __init__(self, fetch: Callable[[], str]) -> None:
        self.fetch = fetch
        self.lock = threading.Lock()
        self.text = None
        self.secrets = set()  # of the client, to keep what was fetched out of every output

    def __call__(self, request: Any) -> Any:
        """Add the token to a prepared request."""
        with self.lock:
            if self.text is None:
                try:
                    self.text = self.fetch()
                except RegistryError as error:
                    # Nobody else gets one either, and each try may bring the account nearer to being locked.
                    error.fatal = error.no_access = True
                    error.sent = False
                    raise
                self.secrets.add(self.text)
        request.headers["Content-Type"] = "application/json"
        request.headers["X-Auth-Token"] = self.text
        return request


def password_token(url: str, params: dict) -> str:
    """Return a token of IAM at `url` for swr_username, swr_password, swr_domain and the project."""
    user = {
        "name": params["swr_username"],
        "password": params["swr_password"],
        "domain": {"name": params["swr_domain"]},
    }
    project = {"id": params["swr_project_id"]} if params["swr_project_id"] else {"name": params["swr_project"]}
    identity = {"methods": ["password"], "password": {"user": user}}
    client = api.Client(url, params, lambda request: request, _explain, secrets=[params["swr_password"]])
    # nocatalog: the catalog is long and not needed
    body = {"auth": {"identity": identity, "scope": {"project": project}}}
    answer = client.request("POST", "/v3/auth/tokens", {"nocatalog": "true"}, body)
    token = answer.headers.get("X-Subject-Token")
    if not token:
        raise ContractError(f"POST /v3/auth/tokens: {url} answered without a token: is iam_url the address of IAM?")
    try:
        return access.credential(token, "the token")
    except PlanRefused:
        raise ContractError(f"POST /v3/auth/tokens: {url} gave what can be no token: is iam_url right?") from None


def _explain(method: str, where: str, answer: Answer) -> RegistryError:
    error = api.explain(method, where, answer)
    if answer.status_code != 401:
        return error
    # IAM tells no more than "unauthorized", and locks the account after some tries.
    return Denied(
        f"{error}. IAM refuses swr_username, swr_password or swr_domain. swr_domain is the name of the account (its "
        "domain), not of the user; the user must be an IAM user, a HUAWEI ID cannot sign in here",
        error.status,
        error.message,
    )
