# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers requests of the `requests` library from a fake in the same process, without a socket."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from http.client import HTTPMessage
from typing import Any, Iterator
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3._collections import HTTPHeaderDict
from urllib3.response import HTTPResponse

from ._base import Dropped, Fake, TimedOut

_mounts: dict[str, Fake] = {}
_lock = threading.Lock()
_real_send = HTTPAdapter.send


@contextmanager
def mounted(fake: Fake, origin: str) -> Iterator[Fake]:
    """Lets the fake answer every request to the origin (`https://quay.test`); all other origins are unreachable."""
    origin = origin.rstrip("/")
    with _lock:
        if origin in _mounts:
            raise ValueError(f"{origin} is mounted already")
        _mounts[origin] = fake
        HTTPAdapter.send = _send
    try:
        yield fake
    finally:
        with _lock:
            del _mounts[origin]
            if not _mounts:
                HTTPAdapter.send = _real_send


class _Original:
    """What `requests` looks at for cookies."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.msg = HTTPMessage()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        """Returns that there is no connection."""
        return True

    def close(self) -> None:
        """Does nothing."""


def _send(
    adapter: HTTPAdapter,
    request: requests.PreparedRequest,
    stream: bool = False,
    timeout: Any = None,
    verify: Any = True,
    cert: Any = None,
    proxies: Any = None,
) -> requests.Response:
    url = urlsplit(request.url)
    fake = _mounts.get(f"{url.scheme}://{url.netloc}")
    if fake is None:
        raise requests.exceptions.ConnectionError(f"no fake is mounted at {url.scheme}://{url.netloc}", request=request)
    environ = _environ(request, timeout)
    started: list[Any] = []
    try:
        body = b"".join(fake(environ, lambda status, headers, exc_info=None: started.extend((status, headers))))
    except Dropped:
        text = "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"
        raise requests.exceptions.ConnectionError(text, request=request) from None
    except TimedOut:
        raise requests.exceptions.ReadTimeout("Read timed out.", request=request) from None
    status, headers = started
    raw = HTTPResponse(
        body=io.BytesIO(body),
        headers=HTTPHeaderDict(headers),
        status=int(status.split()[0]),
        reason=status.partition(" ")[2],
        preload_content=False,
        request_method=request.method,
        enforce_content_length=True,
        original_response=_Original(headers),
    )
    return adapter.build_response(request, raw)


def _environ(request: requests.PreparedRequest, timeout: Any) -> dict[str, Any]:
    url = urlsplit(request.url)
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes):
        body = b"".join(body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": request.path_url,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        name = name.upper().replace("-", "_")
        value = value.decode("latin-1") if isinstance(value, bytes) else value
        environ[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"] = value
    environ["CONTENT_LENGTH"] = str(len(body))
    seconds = timeout[1] if isinstance(timeout, tuple) else timeout
    if isinstance(seconds, (int, float)):
        environ["fakes.timeout"] = seconds
    return environ
