# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client: sessions, retries, pages, JSON, escaping. The only file that imports requests."""

from __future__ import annotations

import email.utils
import http.cookiejar
import json
import os
import random
import re
import threading
import time
import traceback
import urllib.parse
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    MissingLibrary,
    PlanRefused,
    RegistryError,
    Unreachable,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.schema import check

try:
    import requests
    import requests.adapters

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    requests = None
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

ARGUMENT_SPEC = dict(
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="path"),
    client_cert=dict(type="path"),
    client_key=dict(type="path", no_log=False),
    use_proxy=dict(type="bool", default=True),
    timeout=dict(type="float", default=30),
    retries=dict(type="int", default=5),
    workers=dict(type="int", default=10),
)
USER_AGENT = "registry.hygiene (Ansible collection)"
READING = ("GET", "HEAD")
REPEATABLE = (*READING, "PUT", "DELETE")
LONGEST_PAUSE = 60.0  # seconds
LONGEST_MESSAGE = 500  # characters of a registry's own words in an error


def path(*segments: str) -> str:
    """Return the URL path of the segments, each escaped; an empty last segment gives a trailing slash."""
    for index, segment in enumerate(segments):
        if segment in (".", "..") or not segment and index < len(segments) - 1:
            raise PlanRefused(f"{'/'.join(segments)!r} holds an empty part, '.' or '..': write the exact name")
    return "/" + "/".join(urllib.parse.quote(segment, safe="") for segment in segments)


def server_time(response: Any) -> float:
    """Return when the server made an answer (epoch seconds), by its own clock if it says so."""
    try:
        return email.utils.parsedate_to_datetime(response.headers.get("Date")).timestamp()
    except (TypeError, ValueError):
        return time.time()


def message_of(response: Any) -> str:
    """Return the registry's own words in an error answer, as one line; empty for HTML pages."""
    try:
        found = response.json()
    except ValueError:
        text = "" if "<html" in response.text[:1000].lower() else response.text
    else:
        text = _words(found)
    first_lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return first_lines[0][:LONGEST_MESSAGE] if first_lines else ""


def _words(found: Any) -> Any:
    if isinstance(found, dict):
        for key in ("detail", "message", "error_message", "error_msg", "error", "errors"):
            if found.get(key):
                return _words(found[key])
        return next((text for text in found.values() if isinstance(text, str)), "")
    if isinstance(found, list):
        return _words(found[0]) if found else ""
    return found


class Bearer:
    """Signs in with a token in the Authorization header; raises PlanRefused if the option's value can be none."""

    def __init__(self, text: str, option: str) -> None:
        self.token = text.strip()
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise PlanRefused(f"{option} is empty or holds characters that no token has: give the token exactly")

    def __call__(self, request: Any) -> Any:
        """Add the token to a prepared request."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """One registry over HTTP. Threads may share it; each gets a connection of its own.

    auth: called with each prepared request, adds the credentials. explain: makes a RegistryError of an error answer
    (method, path, response). read_only: refuses everything but GET and HEAD. busy: tells the registry's own ways to
    say "later" (response), to which nothing was done.
    """

    def __init__(
        self,
        url: str,
        params: dict,
        auth: Callable,
        explain: Callable[[str, str, Any], RegistryError],
        read_only: bool = False,
        busy: Callable[[Any], bool] = lambda response: False,
    ) -> None:
        if requests is None:
            raise MissingLibrary("requests", REQUESTS_IMPORT_ERROR)
        self.url = _checked_url(url)
        self.params = params
        _check_options(params)
        self.auth = auth
        self.explain = explain
        self.read_only = read_only
        self.busy = busy
        self.written = []  # (method, path) of each write that the registry accepted
        self.warnings = []  # texts for the user
        self.secrets = set()  # got at run time, to be kept out of every output
        self.progress = lambda text: None  # tells the user what is waited for
        self._verify, self._cert = _tls(params)
        self._proxies = requests.utils.get_environ_proxies(self.url) if params["use_proxy"] else {}
        self._local = threading.local()
        self._lock = threading.Lock()
        self._begun = set()
        self._cache = {}
        self._answered = False
        self._not_before = 0.0  # nobody sends before, because the registry said that it is busy
        self._pool = None  # for work within a target; its threads never wait for one another

    def get(self, where: str, query: dict | None = None, schema: dict | None = None) -> Any:
        """Return the parsed JSON of a GET, checked against the schema."""
        return self.parse(where, self.request("GET", where, query=query), schema)

    def pages(self, where: str, query: dict, schema: dict, next_page: Callable) -> Iterator[Any]:
        """Yield the parsed pages of a listing; next_page(page, query) gives what changes, None at the end."""
        asked = []
        while query is not None:
            if query in asked:
                raise ContractError(f"GET {where}: the listing starts over instead of ending. Run it again")
            asked.append(query)
            page = self.get(where, query, schema)
            yield page
            more = next_page(page, query)
            query = None if more is None else dict(query, **more)

    def each(self, work: Callable[[Any], Any], items: Any) -> list:
        """Return work(item) for all items, in parallel beside the targets of the task; raises the first error."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.params["workers"])
        return list(self._pool.map(work, items))

    def once(self, what: str) -> bool:
        """Return True to the first caller with this text, False to all others."""
        with self._lock:
            first = what not in self._begun
            self._begun.add(what)
            return first

    def cached(self, key: Any, fetch: Callable[[], Any]) -> Any:
        """Return fetch(), which is called once for each key; threads that come meanwhile wait for it."""
        with self._lock:
            mine = key not in self._cache
            future = self._cache.setdefault(key, Future())
        if mine:
            try:
                future.set_result(fetch())
            except BaseException as error:  # whatever it is, the others must not wait for ever
                future.set_exception(error)
        return future.result()

    def request(self, method: str, where: str, query: dict | None = None, body: Any = None) -> Any:
        """Send one request, with retries where they can do no harm; returns the answer, raises on any but 2xx."""
        if self.read_only and method not in READING:
            raise ContractError(f"{method} {where}: a write in check mode was stopped. Please report this as a bug.")
        attempts, busy, waited = 0, 0, 0.0
        self._wait_for_turn()
        while True:
            attempts += 1
            last = attempts > self.params["retries"]
            pause = random.uniform(0, min(LONGEST_PAUSE, 0.25 * 2**attempts))
            try:
                response = self._send(method, where, query, body)
            except requests.exceptions.RequestException as error:
                unreachable, again = self._unreachable(method, where, error)
                if last or not again:
                    raise unreachable from None
            except (ValueError, TypeError, requests.packages.urllib3.exceptions.HTTPError) as error:
                raise PlanRefused(f"{method} {where} cannot be sent: {error}. See the address and the proxy") from None
            else:
                if response.status_code == 429 or self.busy(response):
                    # Nothing was done. With many at work, one of them may be put off more often than there are retries.
                    attempts, busy = attempts - 1, busy + 1
                    pause = random.uniform(0.5, 1) * min(LONGEST_PAUSE, 0.25 * 2**busy)
                    last = waited >= self.params["retries"] * LONGEST_PAUSE
                elif response.status_code not in (502, 503, 504) or method not in REPEATABLE:
                    break
                if last:
                    break
                pause = _retry_after(response.headers.get("Retry-After"), pause)
                if busy:
                    self._not_before = max(self._not_before, time.monotonic() + pause)
            waited += pause
            time.sleep(pause)
        return self._accepted(method, where, response)

    def _wait_for_turn(self) -> None:
        left = self._not_before - time.monotonic()
        if left > 0:
            time.sleep(left)

    def parse(self, where: str, response: Any, schema: dict | None = None) -> Any:
        """Return the JSON of an answer, checked against the schema."""
        try:
            found = json.loads(response.text)
        except ValueError:
            kind = response.headers.get("Content-Type", "no content type").split(";")[0]
            raise ContractError(
                f"{where} answered {response.status_code} with {kind} instead of JSON: is {self.url} the right address?"
            ) from None
        if schema is not None:
            check(found, schema, where)
        return found

    def _send(self, method: str, where: str, query: dict | None, body: Any) -> Any:
        # Redirects are never followed: they would turn a write into a GET, or take the credentials to another host.
        # The query is written here, because requests writes a blank as +, which signatures do not cover.
        question = "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="") if query else ""
        return self._session().request(
            method,
            self.url + where + question,
            json=body,
            auth=self.auth,
            timeout=self.params["timeout"],
            verify=self._verify,
            cert=self._cert,
            allow_redirects=False,
        )

    def _session(self) -> Any:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False  # no credentials out of ~/.netrc; proxies were looked up once, for all requests
            session.proxies = self._proxies
            session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
            session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
            self._local.session = session
        return self._local.session

    def _accepted(self, method: str, where: str, response: Any) -> Any:
        self._answered = True
        status = response.status_code
        if 200 <= status < 300:
            if method not in READING:
                self.written.append((method, where))
            return response
        if 300 <= status < 400:
            target = urllib.parse.urljoin(self.url + where, response.headers.get("Location", "")).split("?")[0]
            raise ContractError(
                f"{method} {where} answered {status}, a redirect to {target}, which is not followed: "
                f"give the final address of the registry instead of {self.url}"
            )
        if method not in REPEATABLE and status >= 500:
            raise LostAnswer(f"{explain(method, where, response)}; its effect is not known")
        raise self.explain(method, where, response)

    def _unreachable(self, method: str, where: str, error: Exception) -> tuple[RegistryError, bool]:
        """Return the error for the user and whether trying again may help and does no harm."""
        kinds = requests.exceptions
        through = self._proxies.get(urllib.parse.urlsplit(self.url).scheme)
        proxy = f" through the proxy {urllib.parse.urlsplit(through).hostname}" if through else ""
        text = f"{method} {where}: no answer from {self.url}{proxy}: {_cause(error)}"
        if isinstance(error, kinds.SSLError):
            return self._given_up(f"{text}. {_tls_advice(str(error))}", True), False
        if isinstance(error, (kinds.InvalidURL, kinds.InvalidProxyURL, kinds.InvalidHeader, kinds.MissingSchema)):
            return PlanRefused(f"{text}. Correct the address, the proxy or the credentials"), False
        unconnected = re.search("NewConnectionError|NameResolutionError|ConnectTimeoutError", repr(error))
        never_sent = isinstance(error, (kinds.ConnectTimeout, kinds.ProxyError)) or unconnected is not None
        if method not in REPEATABLE and not never_sent:
            return LostAnswer(f"{text}. Its effect is not known"), False
        hint = "Is the address right, the registry up, a proxy needed (use_proxy)?"
        if not never_sent:
            hint = "See timeout" if isinstance(error, kinds.Timeout) else "Is its scheme (http, https) right?"
        return self._given_up(f"{text}. {hint}", never_sent), True

    def _given_up(self, text: str, never_sent: bool) -> Unreachable:
        error = Unreachable(text)
        error.fatal = never_sent or not self._answered  # the host is the trouble, not what was asked for
        return error


def explain(method: str, where: str, response: Any) -> ApiError:
    """Return the error of an answer in the registry's own words; registries put better advice around it."""
    words = message_of(response)
    return ApiError(
        f"{method} {where} answered {response.status_code}{': ' + words if words else ''}", response.status_code, words
    )


def _tls_advice(text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text:
        return "It does not speak TLS there: is it http://, or another port?"
    if "ostname mismatch" in text or "IP address mismatch" in text:
        return "Its certificate is for another name: write the address with that name"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "Set ca_path to the registry's certificate authority"
    return "See ca_path, client_cert and client_key"


def _check_options(params: dict) -> None:
    for option, least in (("retries", 0), ("workers", 1)):
        if params[option] < least:
            raise PlanRefused(f"{option}: {params[option]}: write a whole number from {least}")
    if not 0 < params["timeout"] < float("inf"):
        raise PlanRefused(f"timeout: {params['timeout']}: write a number of seconds above 0")


def _checked_url(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url.strip())
        parts.port  # noqa: B018
    except ValueError as error:
        raise PlanRefused(f"{url!r} is no address of a registry: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PlanRefused(f"{url!r} is no address of a registry: write it as https://registry.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise PlanRefused(
            f"the address of {parts.hostname} must hold neither credentials nor a query: use the options for them"
        )
    return url.strip().rstrip("/")


def _tls(params: dict) -> tuple[Any, Any]:
    for option in ("ca_path", "client_cert", "client_key"):
        if params[option] and not os.path.exists(params[option]):
            raise PlanRefused(f"{option}: there is no file {params[option]}")
    if params["client_key"] and not params["client_cert"]:
        raise PlanRefused("client_key goes with client_cert: give both, or a client_cert that holds its key")
    environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    verify = (params["ca_path"] or environment or True) if params["validate_certs"] else False
    if verify is False:
        requests.packages.urllib3.disable_warnings()
    cert = (params["client_cert"], params["client_key"]) if params["client_key"] else params["client_cert"]
    return verify, cert


def _retry_after(value: str | None, otherwise: float) -> float:
    """Return the seconds that a Retry-After header asks for (seconds or a date), within 0 and LONGEST_PAUSE."""
    if not value:
        return otherwise
    if re.match(r"\d+(\.\d+)?\Z", value.strip()):
        seconds = float(value)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return otherwise
    return max(0.0, min(LONGEST_PAUSE, seconds))


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed request; the outer texts hold the query."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or str(error)
    return str(text).split("(Caused by", 1)[0][:200] or type(error).__name__
