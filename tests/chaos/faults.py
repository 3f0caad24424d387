# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a request and to its answer, by name."""

from __future__ import annotations

import gzip
import json
import re
import socket
from email.utils import formatdate
from typing import Any, Callable

REFLECTED = 900  # bytes of filling before a reflected header, at most: texts are cut somewhere there


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Returns an answer as it travels."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def none(exchange: Any) -> None:
    """Does nothing to it."""
    exchange.send(exchange.ask())


def drop_before(exchange: Any) -> None:
    """Closes the connection instead."""
    exchange.close(exchange.chance.random() < 0.5)


def drop_after(exchange: Any) -> None:
    """Closes the connection when it has been done."""
    exchange.ask()
    exchange.close(exchange.chance.random() < 0.5)


def drop_half(exchange: Any) -> None:
    """Closes the connection in the middle of the answer."""
    found = exchange.ask()
    exchange.send(found[: exchange.chance.randrange(len(found))])
    exchange.close()


def half_closed(exchange: Any) -> None:
    """Says nothing more in the middle of the answer, but stays."""
    found = exchange.ask()
    exchange.send(found[: len(found) // 2])
    exchange.connection.shutdown(socket.SHUT_WR)
    exchange.wait(1.5)
    exchange.close()


def delay(exchange: Any) -> None:
    """Answers late, but in time."""
    exchange.wait(0.3)
    exchange.send(exchange.ask())


def late_answer(exchange: Any) -> None:
    """Does it at once, and answers when nobody waits any more."""
    found = exchange.ask()
    exchange.wait(1.5)
    exchange.send(found)


def late_effect(exchange: Any) -> None:
    """Does it when nobody waits any more."""
    exchange.wait(1.5)
    exchange.send(exchange.ask())


def drip(exchange: Any) -> None:
    """Answers byte by byte, slower than anybody waits."""
    for byte in exchange.ask():
        exchange.send(bytes([byte]))
        exchange.wait(0.2)


def twice(exchange: Any) -> None:
    """Delivers it twice; of a POST the first answer arrives, because nobody can know that the second is to blame."""
    first = exchange.ask()
    exchange.send(first if exchange.method == "POST" else exchange.ask())


def busy(exchange: Any) -> None:
    """Puts it off."""
    headers = [f"Retry-After: {_later(exchange)}"] if exchange.chance.random() < 0.7 else []
    exchange.send(answer("429 Too Many Requests", b"slow down", *headers))


def down(exchange: Any) -> None:
    """Says that it cannot, and does nothing."""
    exchange.send(answer(_status(exchange), b"<html>down</html>", *_retry(exchange)))


def down_after(exchange: Any) -> None:
    """Says that it cannot, but it has been done."""
    exchange.ask()
    exchange.send(answer(_status(exchange), b"<html>down</html>", *_retry(exchange)))


def rubbish(exchange: Any) -> None:
    """Answers something that is no HTTP."""
    exchange.send(bytes(exchange.chance.randrange(256) for _number in range(40)) + b"\r\n\r\n")
    exchange.close()


def rubbish_after(exchange: Any) -> None:
    """Answers something that is no HTTP when it has been done."""
    exchange.ask()
    rubbish(exchange)


def odd(exchange: Any) -> None:
    """Answers something that nobody expects, and does nothing."""
    exchange.send(_odd(exchange))


def odd_after(exchange: Any) -> None:
    """Answers something that nobody expects when it has been done."""
    exchange.ask()
    exchange.send(_odd(exchange))


def redirected(exchange: Any) -> None:
    """Sends the client elsewhere."""
    status = exchange.chance.choice(["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
    place = exchange.chance.choice(["http://127.0.0.1:1/", "/", "http://[", "", "//evil.test/", "file:///etc/passwd"])
    exchange.send(answer(status, b"", f"Location: {place}"))


def reflected(exchange: Any) -> None:
    """Refuses it, and repeats what it came with, credentials included."""
    filling = "x" * exchange.chance.randrange(REFLECTED)
    found = re.findall(r"(?i)^((?:authorization|x-[a-z-]+): .*)\r$", exchange.request.decode("latin-1"), re.MULTILINE)
    text = f"{filling} {' '.join(found)}"
    body = json.dumps({"message": text, "error_message": text, "errors": [{"message": text}], "error_type": text})
    status = exchange.chance.choice(["400 Bad Request", "403 Forbidden", "409 Conflict", "422 No", "500 Oops"])
    exchange.send(answer(status, body.encode(), "Content-Type: application/json"))


def denied(exchange: Any) -> None:
    """Refuses it as if the credentials were wrong."""
    exchange.send(answer("401 Unauthorized", b'{"message": "no"}', "Content-Type: application/json"))


def _later(exchange: Any) -> str:
    values = ["0", "1", "0.001", "-1", "soon", "9" * 400, formatdate(0, usegmt=True), ""]
    return exchange.chance.choice(values[:5] if exchange.proxy.slow else values)


def _retry(exchange: Any) -> list[str]:
    return [f"Retry-After: {_later(exchange)}"] if exchange.chance.random() < 0.3 else []


def _status(exchange: Any) -> str:
    return exchange.chance.choice(
        ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"]
    )


def _odd(exchange: Any) -> bytes:
    kind = "Content-Type: application/json"
    packed = gzip.compress(b'{"policies": []}')
    refusals = [
        answer("404 Not Found", b"<html>nginx</html>"),
        answer("418 Teapot", b'{"message": "a\\nok: [localhost] => {}\\u202e\\u001b[2J"}', kind),
        answer("999 Odd", b"\x00\x01"),
        answer("400 Bad Request", b"[" * 50000, kind),
    ]
    successes = [
        answer("200 OK", b"", kind),
        answer("200 OK", b"null", kind),
        answer("200 OK", b"{}", kind),
        answer("200 OK", b"<html>Welcome</html>", "Content-Type: text/html"),
        answer("200 OK", b"[" * 50000, kind),
        answer("200 OK", b'{"x": ' + b"9" * 5000 + b"}", kind),
        answer("200 OK", b'{"x": "\\ud800\\u001b[31m"}', kind),
        answer("200 OK", b"\xff\xfe", "Content-Type: application/json; charset=punycode"),
        answer("200 OK", packed[: len(packed) // 2], kind, "Content-Encoding: gzip"),
        answer("200 OK", b"no gzip", kind, "Content-Encoding: gzip"),
        answer("200 OK", b"{}", kind, "Date: " + "9" * 300),
        answer("204 No Content"),
        answer("206 Partial Content", b"{", kind),
        answer("299 Odd", b"7", kind),
    ]
    # Nobody can know that a success, or a refusal, which the registry reports was none.
    if exchange.method == "GET":
        return exchange.chance.choice(refusals + successes)
    return exchange.chance.choice(successes if exchange.asked else refusals)


LATE = ("late_effect",)  # what was written may be there only when the task has ended
SLOW = ("half_closed", "late_answer", "late_effect", "drip")
FAULTS: dict[str, Callable[[Any], None]] = {
    action.__name__: action
    for action in (
        drop_before,
        drop_after,
        drop_half,
        half_closed,
        delay,
        late_answer,
        late_effect,
        drip,
        twice,
        busy,
        down,
        down_after,
        rubbish,
        rubbish_after,
        odd,
        odd_after,
        redirected,
        reflected,
        denied,
    )
}
