# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves a fake registry on the loopback interface: serve.py REGISTRY [--state FILE] [--port N] [--tick SECONDS]."""

from __future__ import annotations

import argparse
import io
import json
import signal
import sys
import threading
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, Iterator

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes._base import Dropped, Fake
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.swr import Swr

REGISTRIES: dict[str, type[Fake]] = {"digitalocean": DigitalOcean, "harbor": Harbor, "quay": Quay, "swr": Swr}


class Handler(WSGIRequestHandler):
    """Connections that stay open, answers in one write, no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answers one request."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
            environ["CONTENT_LENGTH"] = str(len(body))
        else:
            body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        started: list[Any] = []
        try:
            parts = self.server.app(environ, lambda status, headers, exc_info=None: started.extend((status, headers)))
        except Dropped:
            self.close_connection = True
            return
        status, headers = started
        standard = {"Date": formatdate(usegmt=True), "Server": "fake"}  # the fake's clock may be ahead
        sent = {name for name, _value in headers}
        headers = [*((name, value) for name, value in standard.items() if name not in sent), *headers]
        head = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if environ.get("fakes.cut"):
            self.close_connection = True
        if self.close_connection:
            head.append("Connection: close")
        self.wfile.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + b"".join(parts))
        self.wfile.flush()


class Server(ThreadedWSGIServer):
    """A threaded server that forgets clients that went away."""

    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Reports what went wrong in the fake, but not that a client closed its connection."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving(fake: Fake, port: int = 0) -> Iterator[str]:
    """Serves the fake on a free port of the loopback interface in a thread; gives the base URL."""
    server = Server("127.0.0.1", port, fake, handler=Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    """Runs a fake until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(description="Serves a fake container registry on the loopback interface.")
    parser.add_argument("registry", choices=sorted(REGISTRIES))
    parser.add_argument("--state", metavar="FILE.json", help="what the registry contains; without it a demo estate")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--tick", type=float, metavar="SECONDS", help="run the background worker that often")
    args = parser.parse_args()
    state = None
    if args.state:
        state = json.loads(Path(args.state).read_text(encoding="utf-8"))
        state = state.get("state", state)
    fake = REGISTRIES[args.registry](state)
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with serving(fake, args.port) as url:
        print(f"listening on {url}", flush=True)
        if args.tick is None:
            signal.sigwait(ends)
        else:
            while signal.sigtimedwait(ends, args.tick) is None:
                fake.tick()
    return 0


if __name__ == "__main__":
    sys.exit(main())
