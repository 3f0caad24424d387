# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a request travels: sessions, TLS, proxies, limits, retries, lost answers. The only file that imports requests."""

from __future__ import annotations

import email.utils
import http.cookiejar
import random
import re
import threading
import traceback
import urllib.parse
import zlib
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import access, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.deadline import Deadlines
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    LostAnswer,
    MissingLibrary,
    OldLibrary,
    PlanRefused,
    RegistryError,
    Unreachable,
)

try:
    import requests
    import requests.adapters

    REQUESTS_IMPORT_ERROR = None
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
LARGEST_BODY, LARGEST_ERROR = 32 << 20, 64 << 10  # bytes, unpacked
PIECE = 1 << 16  # bytes
TIMEOUTS = 4  # an answer is complete within so many times `timeout`


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
            requests.packages.urllib3.disable_warnings()
        found = requests.utils.get_environ_proxies(self.url) if params["use_proxy"] else {}
        self._proxies = access.proxies(found)
        self._deadlines = Deadlines(TIMEOUTS * self.timeout)
        self._local = threading.local()
        self._not_before = 0.0  # nobody sends before, because the registry said that it is busy

    def send(self, method: str, where: str, query: dict | None = None, body: Any = None) -> Answer:
        """Return the answer to a request, which is sent again where that can do no harm.

        Raises Unreachable (LostAnswer if a POST may have arrived; `sent` tells whether anything may have), PlanRefused
        if no host can be asked so, ContractError if the answer goes beyond the limits.
        """
        attempts, busy, waited, sent, began = 0, 0, 0.0, False, wait.now()
        wait.pause(max(0.0, self._not_before - wait.now()))
        while True:
            attempts += 1
            pause = _pause(attempts)
            last = attempts > self.retries
            try:
                answer = self._exchange(method, where, query, body)
            except ContractError as error:
                error.sent = True
                raise
            except requests.exceptions.RequestException as error:
                unreachable, again = self._unreachable(method, where, error)
                sent = unreachable.sent = sent or unreachable.sent
                nameless = "NameResolutionError" in repr(error) or "Name or service not known" in str(unreachable)
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
                pause = _retry_after(answer, pause)
                if busy:
                    self._not_before = max(self._not_before, wait.now() + pause)
            waited += pause
            wait.pause(pause)

    def _exchange(self, method: str, where: str, query: dict | None, body: Any) -> Answer:
        """Return the answer to one request that is sent once."""
        session = self._session()
        # The query is written here, because requests writes a blank as +, which signatures do not cover.
        question = "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="") if query else ""
        request = requests.Request(method, self.url + where + question, json=body, auth=self.auth)
        try:
            prepared = session.prepare_request(request)
        except RegistryError:
            raise  # of signing in
        except (ValueError, TypeError, UnicodeError) as error:
            # The text of such an error may hold the header, and with it the credentials.
            raise PlanRefused(
                f"{method} {where} cannot be sent: the address, the proxy or the credentials hold what no request can "
                f"hold ({type(error).__name__})"
            ) from None
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
                    content = self._content(method, where, found)
            except requests.packages.urllib3.exceptions.HTTPError as error:
                raise requests.exceptions.ConnectionError(error, request=prepared) from None
            except (OSError, ValueError, zlib.error, http.client.HTTPException) as error:
                if isinstance(error, requests.exceptions.RequestException):
                    raise
                raise requests.exceptions.ConnectionError(error, request=prepared) from None
            finally:
                if deadline.over:
                    raise requests.exceptions.ReadTimeout(
                        f"the answer was not complete within {TIMEOUTS * self.timeout:g} s, {TIMEOUTS} times timeout"
                    ) from None
        return Answer(found.status_code, found.headers, content, self.masked, False)

    def _content(self, method: str, where: str, found: Any) -> bytes:
        """Return the unpacked body of an answer; raises ContractError if it is too large."""
        coding = found.headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity", "gzip"):
            raise ContractError(f"{method} {where} was answered in a coding that was not asked for ({coding[:20]!r})")
        # Unpacked here and not by urllib3, which unpacks all of a piece at once, a thousand times its size.
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if coding == "gzip" else None
        error = found.status_code >= 400
        limit, size, pieces = LARGEST_ERROR if error else LARGEST_BODY, 0, []
        while size <= limit:
            piece = found.raw.read(PIECE, decode_content=False)
            if not piece:
                break
            plain = unpack.decompress(piece, limit + 1 - size) if unpack else piece
            pieces.append(plain)
            size += len(plain)
        if size > limit and not error:
            raise ContractError(
                f"{method} {where} was answered with more than {limit >> 20} MiB, the most that is read of an answer"
            )
        if unpack and not error and not unpack.eof and size:
            raise ValueError("the packed answer breaks off")
        return b"".join(pieces)[:limit]

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

    def _unreachable(self, method: str, where: str, error: Exception) -> tuple[RegistryError, bool]:
        """Return the error for the user and whether trying again may help and does no harm."""
        kinds = requests.exceptions
        through = self._proxies.get(urllib.parse.urlsplit(self.url).scheme)
        proxy = f" through the proxy {urllib.parse.urlsplit(through).hostname}" if through else ""
        if isinstance(error, (kinds.InvalidURL, kinds.InvalidProxyURL, kinds.InvalidHeader, kinds.MissingSchema)):
            what = "the proxy" if isinstance(error, kinds.InvalidProxyURL) else "the address, or a credential,"
            return PlanRefused(f"{method} {where} cannot be sent: {what} is none that can be used. Correct it"), False
        text = f"{method} {where}: no answer from {self.url}{proxy}: {self.masked(_cause(error))[:200]}"
        if isinstance(error, kinds.SSLError):
            return self._given_up(f"{text}. {_tls_advice(str(error))}", True), False
        unconnected = re.search("NewConnectionError|NameResolutionError|ConnectTimeoutError", repr(error))
        never_sent = isinstance(error, (kinds.ConnectTimeout, kinds.ProxyError)) or unconnected is not None
        if method not in REPEATABLE and not never_sent:
            lost = LostAnswer(f"{text}. Its effect is not known")
            lost.sent = True
            return lost, False
        hint = "Is the address right, the registry up, a proxy needed (use_proxy)?"
        if not never_sent:
            hint = "See timeout" if isinstance(error, kinds.Timeout) else "Is its scheme (http, https) right?"
        return self._given_up(f"{text}. {hint}", never_sent), True

    def _given_up(self, text: str, never_sent: bool) -> Unreachable:
        error = Unreachable(text)
        error.sent = not never_sent
        error.fatal = never_sent or not self.answered  # the host is the trouble, not what was asked for
        return error


def _pause(turn: int) -> float:
    """Return the seconds before the next try: the range doubles each time, so that seven of them outlast 30 seconds."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE, LEAST_PAUSE * 2 ** min(turn - 1, MOST_DOUBLINGS))


def _retry_after(answer: Answer, otherwise: float) -> float:
    """Return the seconds that Retry-After asks for (seconds or a date), never less than a short pause."""
    value = (answer.headers.get("Retry-After") or "").strip()
    if re.match(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z", value):
        seconds = float(value)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - wait.clock()
        except (TypeError, ValueError, OverflowError, IndexError):
            return otherwise
    return max(LEAST_PAUSE, min(LONGEST_PAUSE, seconds))


def _tls_advice(text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "UNEXPECTED_EOF" in text or "RECORD_LAYER_FAILURE" in text:
        return "It does not speak TLS there: is it http://, or another port?"
    if "ostname mismatch" in text or "IP address mismatch" in text:
        return "Its certificate is for another name: write the address with that name"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "Set ca_path to the registry's certificate authority"
    return "See ca_path, client_cert and client_key"


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed request; the outer texts hold the query."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or str(error)
    return str(text).split("(Caused by", 1)[0] or type(error).__name__
