# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends exchanges that take too long as a whole, however slowly each byte of them comes."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any, Iterator

LOOK = 0.5  # seconds between two looks at what is under way


class Line:
    """A copy of a connection's socket, to break the connection by; it goes with the last who knows it.

    A copy, because TLS takes the descriptor of what it wraps; and its own socket, shut down, gives its reader what is
    encrypted.
    """

    _copy = None

    def __init__(self, found: Any) -> None:
        self._copy = socket.socket(fileno=os.dup(found.fileno()))

    def __del__(self) -> None:
        if self._copy:
            self._copy.close()

    def cut(self) -> None:
        """Break the connection, so that whoever reads from it gets an error."""
        with contextlib.suppress(OSError):  # the other side may have closed it already
            self._copy.shutdown(socket.SHUT_RDWR)


class Deadline:
    """One exchange: when it has to be over, how far it came, and the line that it uses, once there is one."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.over = False
        self.connecting = False  # stays True if no connection came about: then no request was sent
        self.line: Any = None
        self._lock = threading.Lock()

    def leave(self) -> None:
        """Let go of the line, which the next exchange may use."""
        with self._lock:
            self.line = None

    def end(self) -> None:
        """Break the connection."""
        with self._lock:
            self.over = True
            if self.line is not None:
                self.line.cut()


class Watcher:
    """Looks after all exchanges of the process, in one thread, which starts with the first of them."""

    def __init__(self) -> None:
        self._running: set = set()
        self._lock = threading.Lock()
        self._thread = None

    def add(self, deadline: Deadline) -> None:
        """Watch this exchange, too."""
        with self._lock:
            self._running.add(deadline)
            if self._thread is None or not self._thread.is_alive():  # a forked process has none of its parent's threads
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    def discard(self, deadline: Deadline) -> None:
        """Watch it no longer."""
        with self._lock:
            self._running.discard(deadline)
        deadline.leave()

    def _watch(self) -> None:
        idle = 0
        while idle < 10 / LOOK:
            time.sleep(LOOK)
            with self._lock:
                late = [deadline for deadline in self._running if deadline.at < time.monotonic()]
                idle = 0 if self._running else idle + 1
                if idle >= 10 / LOOK:
                    self._thread = None
            for deadline in late:
                deadline.end()


WATCHER = Watcher()


class Deadlines:
    """The deadlines of a client's exchanges. `timeout` of a socket counts anew with each byte; this does not."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._local = threading.local()

    @contextlib.contextmanager
    def start(self) -> Iterator[Deadline]:
        """Watch what the current thread exchanges with a registry until the block is left."""
        deadline = self._local.deadline = Deadline(time.monotonic() + self.seconds)
        WATCHER.add(deadline)
        try:
            yield deadline
        finally:
            WATCHER.discard(deadline)

    def adapter(self, base: type) -> Any:
        """Return an adapter of requests (base: its HTTPAdapter) whose sockets are found when their time is over."""
        deadlines = self

        class Adapter(base):
            pool: Any = None
            checked: Any = None

            # A session asks one host in one way. What that takes, requests works out anew for each request.

            def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
                if self.pool is None:
                    self.pool = super().get_connection_with_tls_context(*args, **kwargs)
                return self.pool

            def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
                if self.checked is not conn:
                    super().cert_verify(conn, *args, **kwargs)
                    self.checked = conn

            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, **kwargs)
                self.poolmanager.pool_classes_by_scheme = deadlines.pools(self.poolmanager.pool_classes_by_scheme)

            def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
                known = proxy in self.proxy_manager
                manager = super().proxy_manager_for(proxy, **kwargs)
                if not known:
                    manager.pool_classes_by_scheme = deadlines.pools(manager.pool_classes_by_scheme)
                return manager

        return Adapter()

    def pools(self, classes: dict) -> dict:
        """Return the classes of urllib3's connection pools (scheme -> class), whose connections tell their sockets."""
        local = self._local

        def telling(pool_class: type) -> type:
            class Connection(pool_class.ConnectionCls):
                def connect(self) -> None:
                    local.deadline.connecting = True
                    super().connect()
                    local.deadline.connecting = False

                def _new_conn(self) -> Any:
                    found = super()._new_conn()
                    self.line = local.deadline.line = Line(found)
                    return found

                def getresponse(self, *args: Any, **kwargs: Any) -> Any:
                    local.deadline.line = self.line  # this connection may be one of an earlier exchange
                    return super().getresponse(*args, **kwargs)

                def close(self) -> None:
                    self.line = None  # whose answer is still read knows it by its deadline
                    super().close()

            return type(pool_class.__name__, (pool_class,), {"ConnectionCls": Connection})

        return {scheme: telling(pool_class) for scheme, pool_class in classes.items()}
