# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Quay that answers from bytes made before: it keeps no state, and is never what the others wait for.

Usage: ready.py REPOSITORIES TAGS POLICIES (JSON: what each repository has). Prints its address, runs until SIGTERM.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
import time
import urllib.parse
from email.utils import formatdate

PAGE = 100  # rows, as Quay has it
BODIES = 100  # different lists of tags, which the repositories share
DAY = 86400
TAG = re.compile(r"/api/v1/repository/big/app-(\d+)/tag/\?.*page=(\d+)")
POLICIES = re.compile(r"/api/v1/repository/big/app-\d+/autoprunepolicy/")
LISTING = re.compile(r"/api/v1/repository\?(.*)")


def packed(found: object) -> bytes:
    """Returns the bytes of a whole answer."""
    body = json.dumps(found).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nDate: {DATE}\r\n\r\n"
    return head.encode() + body


DATE = formatdate(usegmt=True)
NOW = int(time.time())


def tags(number: int, count: int) -> list[dict]:
    """Returns the tags of a repository, half of them releases, half of them builds, one a day, as Quay lists them."""
    found = []
    for name, some in (("v", count // 2), ("dev-", count - count // 2)):
        for age in range(some):
            start = NOW - age * DAY - DAY // 2
            digest = hashlib.sha256(f"{number} {name}{age}".encode()).hexdigest()
            tag = f"v1.{age}.0" if name == "v" else f"dev-{digest[:7]}"
            row = {"name": tag, "reversion": False, "start_ts": start, "manifest_digest": f"sha256:{digest}"}
            row.update(is_manifest_list=False, size=50_000_000 + age, last_modified=formatdate(start), immutable=False)
            found.append(row)
    return found


def pages(rows: list, key: str) -> list[bytes]:
    """Returns the answers with these rows."""
    parts = [rows[place : place + PAGE] for place in range(0, len(rows), PAGE)] or [[]]
    return [
        packed({key: part, "page": place + 1, "has_additional": place + 1 < len(parts)})
        for place, part in enumerate(parts)
    ]


class Quay:
    """What is answered."""

    def __init__(self, repositories: int, count: int, policies: list) -> None:
        self.tags = [pages(tags(number, count), "tags") for number in range(BODIES)]
        rows = [
            {"namespace": "big", "name": f"app-{number:05}", "state": "NORMAL", "kind": "image", "is_public": False}
            for number in range(repositories)
        ]
        self.listing = {}
        for place in range(0, max(len(rows), 1), PAGE):
            page = {"repositories": rows[place : place + PAGE]}
            if place + PAGE < len(rows):
                page["next_page"] = f"token{place + PAGE}"
            self.listing[f"token{place}"] = packed(page)
        self.policies = packed({"policies": policies})
        self.nothing = packed({"policies": []})
        self.config = packed({"features": {"AUTO_PRUNE": True}, "config": {}})
        self.organization = packed({"name": "big", "is_admin": True, "is_member": True})
        self.asked = 0

    def answer(self, method: str, where: str) -> bytes:
        """Returns the answer to a request."""
        if where == "/_asked":
            return packed(self.asked)
        self.asked += 1
        found = TAG.match(where)
        if method == "GET" and found:
            return self.tags[int(found.group(1)) % BODIES][int(found.group(2)) - 1]
        if method == "GET" and POLICIES.match(where):
            return self.policies
        found = LISTING.match(where)
        if method == "GET" and found:
            query = dict(urllib.parse.parse_qsl(found.group(1)))
            return self.listing[query.get("next_page", "token0")]
        simple = {
            "/config": self.config,
            "/api/v1/organization/big": self.organization,
            "/api/v1/organization/big/autoprunepolicy/": self.nothing,
        }
        if method != "GET" or where not in simple:
            return b"HTTP/1.1 418 Unforeseen\r\nContent-Length: 0\r\n\r\n"
        return simple[where]


class Connection(asyncio.Protocol):
    """One connection, which stays open."""

    def __init__(self, quay: Quay) -> None:
        self.quay = quay
        self.rest = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Remembers where to write."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers each request whose head is complete; none has a body."""
        *heads, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for head in heads:
            method, where, _rest = head.decode().split(" ", 2)
            self.transport.write(self.quay.answer(method, where))


async def main() -> None:
    """Serves."""
    quay = Quay(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(quay), "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
