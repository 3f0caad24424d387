# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client of a registry, as its files use it: requests, listings, work in parallel, what is asked once."""

from __future__ import annotations

import json
import marshal
import threading
import urllib.parse
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import access, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    PlanRefused,
    Redirected,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.ledger import Ledger
from ansible_collections.registry.hygiene.plugins.module_utils._core.schema import check
from ansible_collections.registry.hygiene.plugins.module_utils._core.spool import Spool
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._core.transport import READING, REPEATABLE, Transport

MASK = "********"
MOST_ROWS = 500000  # of a listing: more than any registry has in one place
MOST_PAGES = 10000
MOST_SKEW = 300  # seconds that the clocks may differ before ages are in doubt


def path(*segments: str) -> str:
    """Return the URL path of the segments, each escaped; an empty last segment gives a trailing slash."""
    for index, segment in enumerate(segments):
        if segment in (".", "..") or not segment and index < len(segments) - 1:
            raise PlanRefused(f"{'/'.join(segments)!r} holds an empty part, '.' or '..': write the exact name")
    try:
        return "/" + "/".join(urllib.parse.quote(segment, safe="") for segment in segments)
    except UnicodeError:
        raise PlanRefused(f"{'/'.join(segments)!r} holds characters that no name has: write the exact name") from None


class Bearer:
    """Signs in with a token in the Authorization header; raises PlanRefused if the option's value can be none."""

    def __init__(self, text: str, option: str) -> None:
        self.token = access.credential(text, option)

    def __call__(self, request: Any) -> Any:
        """Add the token to a prepared request."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """One registry over HTTP. Threads may share it.

    auth: called with each prepared request, adds the credentials. explain: makes a RegistryError of an error answer
    (method, path, answer). read_only: refuses everything but GET and HEAD. busy: tells the registry's own ways to say
    "later" (answer), to which nothing was done. secrets: texts that no output may hold.
    """

    def __init__(
        self,
        url: str,
        params: dict,
        auth: Callable,
        explain: Callable[[str, str, Answer], RegistryError],
        read_only: bool = False,
        busy: Callable[[Answer], bool] = lambda answer: False,
        secrets: Any = (),
    ) -> None:
        self.params = params
        self.secrets = {secret for secret in secrets if secret}
        self.transport = Transport(url, params, auth, busy, self.masked, self.tell)
        self.url = self.transport.url
        self.hosts = [urllib.parse.urlsplit(self.url).netloc]  # before the names of its images
        self.explain = explain
        self.read_only = read_only
        self.ledger = Ledger()
        self.warnings = []  # texts for the user
        self.left_out = {}  # what a glob matched but the task leaves alone -> why
        self.progress = lambda text: None  # tells the user what is waited for
        self._lock = threading.Lock()
        self._begun = set()
        self._cache = {}
        self.spool = Spool()
        self._pool = None  # for work within a target; its threads never wait for one another
        self._ahead = None  # seconds that the server's clock is ahead of wait.now()

    def masked(self, text: str) -> str:
        """Return the text without the secrets, in whichever way they are written in it."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            quoted = (urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret), urllib.parse.quote_plus(secret))
            for form in (secret, *quoted, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
                text = text.replace(form, MASK)
        return text

    def tell(self, text: str) -> None:
        """Tell the user what is waited for."""
        self.progress(printable(self.masked(text)))

    def request(
        self, method: str, where: str, query: dict | None = None, body: Any = None, stores: bool = True
    ) -> Answer:
        """Return the answer to a request; raises RegistryError on any but 2xx, LostAnswer if a POST may have worked.

        Every write that was accepted, or may have been, goes to the ledger. stores: False for a POST that only asks.
        """
        if self.read_only and method not in READING:
            raise ContractError(f"{method} {where}: a write in check mode was stopped. Please report this as a bug.")
        writes = stores and method not in READING
        try:
            answer = self.transport.send(method, where, query, body)
        except RegistryError as error:
            if writes and error.sent:
                self.ledger.note(certain=False)
            raise
        date = answer.date()
        if date is not None:
            self._ahead = date - wait.now()
        if 200 <= answer.status_code < 300:
            if writes:
                self.ledger.note(certain=True)
            return answer
        doubtful = answer.status_code < 400 or answer.status_code >= 500
        if 300 <= answer.status_code < 400:
            text = f"{method} {where} answered {answer.status_code}, a redirect{self._target(where, answer)}"
            kind = ContractError if method in REPEATABLE else Redirected
            error = kind(f"{text}, which is not followed: give the final address of the registry instead of {self.url}")
        elif writes and method not in REPEATABLE and doubtful:
            error = LostAnswer(f"{explain(method, where, answer)}; its effect is not known")
        else:
            error = self.explain(method, where, answer)
        if writes and (answer.resent or doubtful):
            self.ledger.note(certain=False)
            error.sent = True
        raise error

    def _target(self, where: str, answer: Answer) -> str:
        location = answer.headers.get("Location") or ""
        try:
            target = urllib.parse.urlsplit(urllib.parse.urljoin(self.url + where, location))
            return self.masked(f" to {target.scheme}://{target.hostname}{target.path}")[:200] if location else ""
        except ValueError:
            return " to what is no address"

    def get(self, where: str, query: dict | None = None, schema: dict | None = None) -> Any:
        """Return the parsed JSON of a GET, checked against the schema."""
        return self.parse(where, self.request("GET", where, query=query), schema)

    def parse(self, where: str, answer: Answer, schema: dict | None = None) -> Any:
        """Return the JSON of an answer, checked against the schema."""
        try:
            found = answer.json()
        except ValueError:
            kind = self.masked(answer.headers.get("Content-Type") or "no content type").split(";")[0][:50]
            raise ContractError(
                f"{where} answered {answer.status_code} with {kind} instead of JSON that can be read: "
                f"is {self.url} the right address?"
            ) from None
        if schema is not None:
            check(found, schema, where, self.masked)
        return found

    def listing(
        self, where: str, query: dict, schema: dict, rows: Callable, key: Callable, next_page: Callable
    ) -> dict:
        """Return key(row) -> row of all pages of a listing; of rows that come twice, the later one.

        rows(page): the rows of a parsed page. next_page(page, query, number of rows so far): what changes in the query
        for the next page, None at the end. Raises ContractError if a page brings nothing new, unless it is an empty
        last one: then the listing starts over, or was changed while it was read.
        """
        found: dict = {}
        told = wait.now()
        for _number in range(MOST_PAGES):
            page = self.get(where, query, schema)
            known = len(found)
            here = rows(page)
            found.update((key(row), row) for row in here)
            more = next_page(page, query, len(found))
            if len(found) == known and (here or more):
                raise ContractError(f"GET {where}: the listing does not go on after {known} rows. Run again")
            if more is None:
                return found
            if len(found) > MOST_ROWS:
                break
            if wait.now() - told >= wait.TELL:
                told = wait.now()
                self.tell(f"{where}: {len(found):,} rows so far")
            query = dict(query, **more)
        raise ContractError(f"GET {where}: more than {MOST_ROWS} rows or {MOST_PAGES} pages: this listing does not end")

    def now(self) -> float:
        """Return the server's time (epoch seconds) by the last answer that told it, ours if none did."""
        return wait.clock() if self._ahead is None else wait.now() + self._ahead

    def clock(self) -> tuple[float, float]:
        """Return the earliest and the latest time that it may be (epoch seconds).

        That is the server's time twice. If it differs much from ours, nobody knows which is wrong: then it is both.
        """
        own, server = wait.clock(), self.now()
        return (server, server) if abs(server - own) <= MOST_SKEW else (min(server, own), max(server, own))

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
            future = self._cache.get(key)
            mine = future is None
            if mine:
                future = self._cache[key] = Future()
        if mine:
            try:
                future.set_result(fetch())
            except BaseException as error:  # whatever it is, the others must not wait for ever
                future.set_exception(error)
        return future.result()

    def spooled(self, key: Any, fetch: Callable[[], Any]) -> Any:
        """Return fetch(), as cached does, of what is too large to stay in memory: anew each time, from a file."""
        kept = self.cached(key, lambda: self.spool.put(marshal.dumps(fetch())))
        return marshal.loads(kept())


def explain(method: str, where: str, answer: Answer) -> ApiError:
    """Return the error of an answer in the registry's own words; registries put better advice around it."""
    words = answer.words()
    return ApiError(
        f"{method} {where} answered {answer.status_code}{': ' + words if words else ''}", answer.status_code, words
    )
