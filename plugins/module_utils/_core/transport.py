# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a request travels: sessions, TLS, proxies, limits, retries, lost answers. The only file that imports requests."""

from __future__ import annotations

import http.client
import http.cookiejar
import random
import re
import threading
import traceback
import urllib.parse
import zlib
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import access, body, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.deadline import Deadlines
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    LostAnswer,
    MissingLibrary,
    OldLibrary,
    RegistryError,
    Unreachable,
    Unsendable,
)

try:
    import requests
    import requests.adapters
    from requests.packages import urllib3

    REQUESTS_IMPORT_ERROR = None
    # What may go wrong with an answer; the errors of requests are OSErrors.
    BREAKING = (OSError, ValueError, zlib.error, http.client.HTTPException, urllib3.exceptions.HTTPError)
except ImportError:
    requests = None
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

OLDEST = [2, 20, 1]  # version of requests
USER_AGENT = "registry.hygiene (Ansible collection)"
READING = ("GET", "HEAD")
REPEATABLE = (*READING, "PUT", "DELETE")
LEAST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # seconds
MOST_DOUBLINGS = 7
LONGEST_BUSY = 600.0  # seconds in which a registry may say "later" to one request
LONGEST_SEARCH, SHORT_SEARCH = 45.0, 2.0  # seconds of trying to reach a host that never answered, or has no address
UNCONNECTED = "NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError"
NO_TLS = "It does not speak TLS there: is it http://, or another port?"
# What no part of requests would write otherwise: nothing to be escaped or resolved.
PLAIN = re.compile(r"(?:/(?!\.\.?(?:[/?]|\Z))[0-9A-Za-z_.~-]*)+(?:\?[0-9A-Za-z_.~=&-]*)?\Z")
TIMEOUTS = 4  # an answer is complete within so many times `timeout`


class _Broken(Exception):
    """An exchange without a whole answer: the reason, and whether the request was never sent."""

    def __init__(self, reason: Exception, never_sent: bool) -> None:
        super().__init__()
        self.reason = reason
        self.never_sent = never_sent


class Transport:
    """The way to one registry. Threads may share it; each gets a connection of its own.

    auth: called with each prepared request, adds the credentials. busy: tells the registry's own ways to say "later"
    (answer), to which nothing was done. masked: hides secrets in a text. tell: tells the user what is waited for.
    """

    def __init__(
        self, url: str, params: dict, auth: Callable, busy: Callable[[Answer], bool], masked: Callable, tell: Callable
    ) -> None:
        if requests is None:
            raise MissingLibrary("requests", REQUESTS_IMPORT_ERROR)
        if [int(part) for part in re.findall(r"\d+", requests.__version__)[:3]] < OLDEST:
            raise OldLibrary("requests", requests.__version__, ".".join(map(str, OLDEST)))
        access.options(params)
        self.url = access.url(url)
        self.retries = params["retries"]
        self.timeout = params["timeout"]
        self.auth = auth
        self.busy = busy
        self.masked = masked
        self.tell = tell
        self.answered = False
        self._verify, self._cert = access.tls(params)
        if self._verify is False:
            urllib3.disable_warnings()
        found = requests.utils.get_environ_proxies(self.url) if params["use_proxy"] else {}
        self._proxies = access.proxies(found, self.url)
        self._deadlines = Deadlines(TIMEOUTS * self.timeout)
        self._local = threading.local()
        self._not_before = 0.0  # nobody sends before, because the registry said that it is busy

    def send(self, method: str, where: str, query: dict | None = None, content: Any = None) -> Answer:
        """Return the answer to a request, which is sent again where that can do no harm.

        Raises Unreachable (LostAnswer if a POST may have arrived; `sent` tells whether anything may have), Unsendable
        if no host can be asked so, ContractError if the answer goes beyond the limits.
        """
        attempts, busy, waited, sent, began = 0, 0, 0.0, False, wait.now()
        wait.pause(max(0.0, self._not_before - wait.now()))
        while True:
            attempts += 1
            pause = _pause(attempts)
            last = attempts > self.retries
            try:
                answer = self._exchange(method, where, query, content)
            except _Broken as broken:
                unreachable, again = self._unreachable(method, where, broken.reason, broken.never_sent)
                sent = unreachable.sent = sent or unreachable.sent
                nameless = "NameResolutionError" in repr(broken.reason)
                search = SHORT_SEARCH if nameless else LONGEST_SEARCH
                lost = not self.answered and wait.now() - began > search
                if last or lost or not again:
                    raise unreachable from None
                if attempts == 3:
                    self.tell(f"{unreachable}. Trying on")
            else:
                answer.resent = sent
                self.answered = True
                if answer.status_code == 429 or self.busy(answer):
                    # Nothing was done. With many at work, one of them may be put off more often than there are retries.
                    attempts, busy = attempts - 1, busy + 1
                    pause = _pause(busy)
                    last = not self.retries or waited >= LONGEST_BUSY
                elif answer.status_code not in (502, 503, 504) or method not in REPEATABLE:
                    return answer
                else:
                    sent = answer.resent = True
                if last:
                    return answer
                asked = answer.retry_after()
                if asked is not None:
                    pause = max(LEAST_PAUSE, min(LONGEST_PAUSE, asked))
                if busy:
                    self._not_before = max(self._not_before, wait.now() + pause)
            waited += pause
            try:
                wait.pause(pause)
            except RegistryError as error:  # interrupted
                error.sent = sent
                raise

    def _exchange(self, method: str, where: str, query: dict | None, content: Any) -> Answer:
        """Return the answer to one request that is sent once."""
        session = self._session()
        try:
            prepared = self._prepared(session, method, where, query, content)
        except RegistryError:
            raise  # of signing in
        except (ValueError, TypeError, UnicodeError) as error:
            # The text of such an error may hold the header, and with it the credentials.
            raise Unsendable(
                f"{method} {where} cannot be sent: the address, the proxy or the credentials hold what no request can "
                f"hold ({type(error).__name__})"
            ) from None
        broken = None
        with self._deadlines.start() as deadline:
            try:
                # Not session.send: that follows redirects, or looks at them, and keeps cookies. Redirects would turn a
                # write into a GET, or take the credentials to another host.
                found = session.get_adapter(prepared.url).send(
                    prepared,
                    stream=True,
                    timeout=self.timeout,
                    verify=self._verify,
                    cert=self._cert,
                    proxies=self._proxies,
                )
                with found:
                    self.answered = True
                    received = body.read(found, f"{method} {where}")
            except ContractError as error:
                repeatable = method in REPEATABLE
                raise _sent(error if repeatable else LostAnswer(f"{error}: its effect is not known")) from None
            except BREAKING as error:
                broken = error
        if deadline.over:
            text = f"the answer was not complete within {TIMEOUTS * self.timeout:g} s, {TIMEOUTS} times timeout"
            broken = requests.exceptions.ReadTimeout(text)
        if broken:
            raise _Broken(broken, deadline.connecting) from None
        return Answer(found.status_code, found.headers, received, self.masked, False)

    def _prepared(self, session: Any, method: str, where: str, query: dict | None, content: Any) -> Any:
        """Return a request with all that requests adds to it; raises ValueError and the like for what cannot be one."""
        # The query is written here, because requests writes a blank as +, which signatures do not cover.
        question = "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="") if query else ""
        if method != "GET" or content is not None or not PLAIN.match(where + question):
            request = requests.Request(method, self.url + where + question, json=content, auth=self.auth)
            return session.prepare_request(request)
        # All GETs are the same but for where they go; to prepare one takes requests as long as to read most answers.
        if not hasattr(self._local, "get"):
            self._local.get = session.prepare_request(requests.Request("GET", self.url + "/"))
        prepared = self._local.get.copy()
        prepared.url = prepared.url[:-1] + where + question
        return self.auth(prepared)

    def _session(self) -> Any:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False  # no credentials out of ~/.netrc; proxies were looked up once, for all requests
            session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"})
            session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
            for scheme in ("http://", "https://"):
                session.mount(scheme, self._deadlines.adapter(requests.adapters.HTTPAdapter))
            self._local.session = session
        return self._local.session

    def _unreachable(self, method: str, where: str, error: Exception, never_sent: bool) -> tuple[RegistryError, bool]:
        """Return the error for the user and whether trying again may help and does no harm."""
        kinds = requests.exceptions
        secure = self.url.startswith("https:")
        through = self._proxies.get(urllib.parse.urlsplit(self.url).scheme)
        proxy = f" through the proxy {urllib.parse.urlsplit(through).hostname}" if through else ""
        if isinstance(error, (kinds.InvalidURL, kinds.InvalidProxyURL, kinds.MissingSchema)):
            what = "the proxy" if isinstance(error, kinds.InvalidProxyURL) else "the address"
            return Unsendable(f"{method} {where} cannot be sent: {what} is none that can be used. Correct it"), False
        cause = _cause(error)
        text = f"{method} {where}: no answer from {self.url}{proxy}: {self.masked(cause)[:200]}"
        late = isinstance(error, kinds.Timeout) or "timed out" in cause
        if method not in REPEATABLE and not never_sent:
            return _sent(LostAnswer(f"{text}. Its effect is not known{'. See timeout' if late else ''}")), False
        if never_sent and isinstance(error, kinds.SSLError):
            return self._given_up(f"{text}. {_tls_advice(str(error))}", True), False
        if never_sent and secure and not re.search(UNCONNECTED, repr(error)):
            # It accepts connections, but no TLS came about.
            return self._given_up(f"{text}. {NO_TLS}{' Or see timeout' if late else ''}", True), True
        if never_sent:
            hint = "Is the address right, the registry up, a proxy needed (use_proxy)?"
        elif late:
            hint = "See timeout"
        else:
            hint = (
                "Does something on the way to it break answers?"
                if self.answered
                else "Is its scheme (http, https) right?"
            )
        return self._given_up(f"{text}. {hint}", never_sent), True

    def _given_up(self, text: str, never_sent: bool) -> Unreachable:
        error = Unreachable(text)
        error.sent = not never_sent
        # The host is the trouble, not what was asked for.
        error.fatal = error.no_access = never_sent or not self.answered
        return error


def _pause(turn: int) -> float:
    """Return the seconds before the next try: the range doubles each time, so that seven of them outlast 30 seconds."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE, LEAST_PAUSE * 2 ** min(turn - 1, MOST_DOUBLINGS))


def _sent(error: RegistryError) -> RegistryError:
    error.sent = True
    return error


def _tls_advice(text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "UNEXPECTED_EOF" in text or "RECORD_LAYER_FAILURE" in text:
        return NO_TLS
    if "ostname mismatch" in text or "IP address mismatch" in text:
        return "Its certificate is for another name: write the address with that name"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "Set ca_path to the registry's certificate authority"
    return "See ca_path, client_cert and client_key"


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed request; the outer texts hold the query."""
    while True:
        inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if inner is None:
            break
        error = inner
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or str(error)
    return str(text).split("(Caused by", 1)[0] or type(error).__name__
