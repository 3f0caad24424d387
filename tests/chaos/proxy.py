# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on the loopback interface that does to requests and answers whatever a network and a server can do."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
import time
from collections import Counter
from typing import Any, Callable
from urllib.parse import urlsplit

from chaos import faults

AIMS = ("all", "writes", "since the first write")
PATIENCE = 0.8  # the share of the client's timeout within which it surely still waits
QUIET = 0.05  # seconds without anything under way, after which nothing is


class Proxy:
    """Stands before one fake. What it does to a request depends on the seed, the request and how often it came.

    rate: the share of requests that are hit. kinds: names of faults. aim: which requests may be hit. at: the number of
    the request at which `strike` is called, once, before or after its effect.
    """

    def __init__(self, upstream: str, seed: str, slow: float) -> None:
        self.upstream = ("127.0.0.1", urlsplit(upstream).port)
        self.seed, self.slow = seed, slow
        self.rate, self.kinds, self.aim = 0.0, list(faults.FAULTS), "all"
        self.counts: Counter = Counter()
        self.requests, self.late, self.writing = 0, False, False
        self.at, self.after, self.strike = 0, False, lambda: None
        self._seen: Counter = Counter()
        self._lock, self._pending = threading.Lock(), 0
        self.over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_error: Any) -> None:
        self.over.set()
        self._socket.close()

    def quiet(self) -> None:
        """Returns when no request is under way any more."""
        calm = time.monotonic()
        while time.monotonic() - calm < QUIET:
            time.sleep(0.01)
            if self._pending:
                calm = time.monotonic()

    def strike_at(self, number: int, after: bool, strike: Callable[[], None]) -> None:
        """Has `strike` called at the request of that number from now on, before or after its effect."""
        with self._lock:
            self.at, self.after, self.strike = self.requests + number, after, strike

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._socket.accept()[0]
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), connection:
            while True:
                head, rest = read_head(connection)
                exchange = self._receive(connection, head, rest)
                try:
                    exchange.fault(exchange)
                finally:
                    exchange.settled()

    def _receive(self, connection: socket.socket, head: bytes, rest: bytes) -> Exchange:
        body = read_body(connection, head, rest)
        with self._lock:
            self._pending += 1
            self.requests += 1
            line = head.partition(b"\r\n")[0].decode("latin-1")
            self._seen[line] += 1
            chance = random.Random(f"{self.seed} {line} {self._seen[line]}")
            writes = not line.startswith(("GET", "HEAD")) and "/auth/" not in line
            self.writing = self.writing or writes
            aimed = {"all": True, "writes": writes, "since the first write": self.writing}[self.aim]
            name = chance.choice(self.kinds) if aimed and chance.random() < self.rate else "none"
            self.counts[name] += 1
            self.late = self.late or name in faults.LATE
            hit = self.requests == self.at
        return Exchange(self, connection, head + b"\r\n\r\n" + body, chance, faults.FAULTS.get(name, faults.none), hit)

    def done(self) -> None:
        """Notes that what was under way has had its effect, or will have none."""
        with self._lock:
            self._pending -= 1


class Exchange:
    """A request, and what may be done with it and its answer."""

    def __init__(
        self, proxy: Proxy, connection: socket.socket, request: bytes, chance: random.Random, fault: Any, hit: bool
    ) -> None:
        self.proxy, self.connection, self.request = proxy, connection, request
        self.chance, self.fault, self.hit = chance, fault, hit
        self.method = request.partition(b" ")[0].decode("latin-1")
        self.asked = self._settled = False
        self.began = time.monotonic()

    def ask(self) -> bytes:
        """Returns the answer of the fake to the request; called twice, it is delivered twice."""
        if not self.proxy.after:
            self._strike()
        self.asked = True
        with socket.create_connection(self.proxy.upstream, timeout=30) as upstream:
            upstream.sendall(self.request)
            head, rest = read_head(upstream)
            answer = head + b"\r\n\r\n" + read_body(upstream, head, rest)
        if time.monotonic() - self.began > PATIENCE * self.proxy.slow:
            self.proxy.late = True  # whatever the fault: this machine was too slow
        return answer

    def _strike(self) -> None:
        if self.hit:
            self.hit = False
            self.proxy.strike()

    def settled(self) -> None:
        """Notes that the request has had its effect, or will have none."""
        if not self._settled:
            self._settled = True
            self._strike()
            self.proxy.done()

    def send(self, data: bytes) -> None:
        """Sends to the client."""
        self.settled()
        self.connection.sendall(data)

    def close(self, reset: bool = False) -> None:
        """Ends the connection; reset: in the rude way."""
        self.settled()
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        raise OSError("closed")

    def wait(self, times: float) -> None:
        """Lets so many times the client's timeout pass."""
        self.proxy.over.wait(times * self.proxy.slow)


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Returns the head of a message and what has come of its body; raises OSError at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    head, _empty, rest = data.partition(b"\r\n\r\n")
    return head, rest


def read_body(connection: socket.socket, head: bytes, body: bytes) -> bytes:
    """Returns the body of a message whose head says how long it is."""
    length = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) or [b"", b"0"])[1])
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            raise OSError("closed")
        body += more
    return body
