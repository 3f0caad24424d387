# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that is tested: what is created there, tasks against it, and looks at it without the collection."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import urlsplit

import requests
from contract.clock import in_its_time
from contract.mounts import WAYS
from fakes._base import Fake

from .exchanges import Exchanges
from .push import Pusher, PushFailed
from .settings import Refused, Settings

TIMEOUT = (10, 60)  # seconds to connect and between two bytes: a write of Harbor may wait
LOOKS = 2.0  # seconds between two looks


class Skipped(Exception):
    """The registry lacks what a test needs; the message says what."""


class Answered(Exception):
    """The registry's own API answered with a status that was not asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Session(requests.Session):
    """Keeps no cookies, reads no ~/.netrc, and waits for no answer for ever."""

    def __init__(self, verify: Any) -> None:
        super().__init__()
        self.trust_env, self.verify = False, verify
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # with one, Harbor wants a CSRF token

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Return the answer; redirects are answers."""
        return super().request(*args, **{"timeout": TIMEOUT, "allow_redirects": False, **kwargs})


class Place:
    """One registry, real or fake. Subclasses know the vendor's API."""

    kind = ""
    title = ""
    secrets: tuple[str, ...] = ()

    def __init__(self, settings: Settings, url: str, fake: Fake | None = None) -> None:
        self.settings, self.prefix, self.fake = settings, settings.prefix, fake
        self.url = url.rstrip("/")
        insecure, authority = settings.consents("INSECURE"), settings["REGISTRY_HYGIENE_REAL_CA_PATH"]
        self.tls = {"validate_certs": not insecure, **({"ca_path": authority} if authority else {})} if not fake else {}
        self.session = Session(authority or not insecure)
        self.access: dict[str, Any] = {}  # options of every task
        self.auth: Any = None  # of requests without the collection
        self.exchanges = Exchanges([self.prefix])
        self.undo: list[Callable[[], None]] = []  # what puts back what is no thing of the tests' own
        self.ours = False  # whether all with the prefix was created here, so that it may be deleted

    # What a subclass says

    def check(self) -> None:
        """Find out what the registry can do; raises Refused if it cannot be tested at all."""
        raise NotImplementedError

    def holdings(self) -> list[str]:
        """Return what is there with the prefix, in words."""
        raise NotImplementedError

    def fill(self) -> None:
        """Create what the tests need."""
        raise NotImplementedError

    def empty(self) -> None:
        """Delete everything with the prefix."""
        raise NotImplementedError

    def intent(self) -> list[str]:
        """Return in words what the tests do there."""
        raise NotImplementedError

    # From the first look to the last one

    def open(self) -> None:
        """Prepare the registry; raises Refused, and then nothing was created."""
        try:
            self.check()
            held = self.holdings()
        except (requests.RequestException, Answered) as error:
            raise Refused(
                f"{self.url} does not answer as it should: {type(error).__name__}: {str(error)[:200]}"
            ) from None
        if held:
            raise Refused(
                f"{self.url} already holds {len(held)} things whose names begin with {self.prefix}, such as {held[0]}. "
                "All with that prefix would be deleted at the end: leave REGISTRY_HYGIENE_REAL_PREFIX out, or, if an "
                f'earlier run was killed, clean up with make test-real ARGS="--sweep {self.prefix}"'
            )
        self.ours = True
        try:
            self.fill()
        except (PushFailed, Answered, requests.RequestException) as error:
            raise Refused(f"{self.url} cannot be filled: {error}") from None

    def close(self) -> list[str]:
        """Put back and delete; returns what is left, in words."""
        left = self.put_back()
        if not self.ours:
            return left
        for _again in range(2):  # what was on its way when the tests were interrupted may arrive late
            failed = self._attempt(self.empty)
        left += failed
        with contextlib.suppress(requests.RequestException, Refused, Answered):
            left += self.holdings()
        return left

    def put_back(self) -> list[str]:
        """Put back what was taken away for a test; returns what could not be, in words."""
        left = []
        while self.undo:
            left += self._attempt(self.undo.pop())
        return left

    @staticmethod
    def _attempt(step: Callable[[], None]) -> list[str]:
        try:
            step()
        except (requests.RequestException, PushFailed, Refused, Answered, KeyError, ValueError) as error:
            return [f"{type(error).__name__}: {str(error)[:300]}"]
        return []

    # Without the collection

    def ask(self, method: str, path: str, body: Any = None, good: tuple[int, ...] = (200, 201, 204)) -> Any:
        """Return the answer of the vendor's API as JSON, None if it is empty; raises Answered for any other status."""
        found = self.session.request(method, self.url + path, json=body, auth=self.auth)
        self.exchanges.add(method, found.request.url, found.status_code, found.headers, found.content)
        if found.status_code not in good:
            text = f"{method} {urlsplit(path).path} was answered {found.status_code}: {found.text[:200].strip()}"
            raise Answered(found.status_code, text)
        with contextlib.suppress(ValueError):
            return found.json()
        return None

    def status(self, method: str, path: str) -> int:
        """Return with which status something is answered."""
        return self.session.request(method, self.url + path, auth=self.auth).status_code

    def pusher(self, username: str, password: str) -> Pusher:
        """Return what pushes images there."""
        return Pusher(self.session, self.url, username, password)

    # With the collection

    def run(self, module: str, *options: dict, check_mode: bool = False, **more: Any) -> dict:
        """Return the result of a task; check mode must not write. Raises Skipped if a right is missing."""
        given = {**self.access, **self.tls}
        for some in (*options, more):
            given.update(some)
        with self.in_time(), self.exchanges.listening() as heard:
            result = WAYS["module"](module, given, check_mode)
        for secret in self.secrets:
            assert secret not in result.output, f"{module} tells a secret"
        writes = [f"{method} {path}" for method, path, _status in heard if method not in ("GET", "HEAD")]
        assert not (check_mode and writes), f"check mode of {module} sent {writes}"
        if result.get("failed") and any(status == 403 for _method, _path, status in heard):
            raise Skipped(f"a right is missing: {result['msg'][:300]}")
        return result

    def done(self, module: str, *options: dict, **more: Any) -> dict:
        """Return the result of a task that must not fail."""
        result = self.run(module, *options, **more)
        assert not result.get("failed"), result["msg"]
        return result

    def foretold(self, module: str, options: dict) -> dict[str, set[str]]:
        """Return repository -> tags, or digests of untagged images, that check mode says will go."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "plan.json"
            self.done(module, options, check_mode=True, plan_file=str(path))
            plan = json.loads(path.read_text(encoding="utf-8"))
        return {
            repository: {one["tag"] or one["digest"] for one in found["images"] if one["fate"] == "goes"}
            for repository, found in plan["repositories"].items()
        }

    @contextlib.contextmanager
    def in_time(self) -> Iterator[None]:
        """Let the collection live in the time of a fake, which passes when somebody waits for it."""
        with contextlib.ExitStack() as stack:
            if self.fake:
                stack.enter_context(in_its_time(self.fake))
            yield

    def now(self) -> float:
        """Return the time there, epoch seconds."""
        return self.fake.now() if self.fake else time.time()

    def wait(self, seconds: float) -> None:
        """Let time pass, in which the registry does what it does by itself."""
        if self.fake:
            self.fake.advance(seconds)
            self.fake.tick()
        else:
            time.sleep(seconds)

    def until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Return whether something comes true within so many seconds."""
        left = seconds
        while not true():
            if left <= 0:
                return False
            self.wait(LOOKS)
            left -= LOOKS
        return True
