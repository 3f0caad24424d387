# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry was asked and how it answered, without names and values, and how that of two of them differs."""

from __future__ import annotations

import contextlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Iterator
from unittest import mock
from urllib.parse import unquote, urlsplit

from ansible_collections.registry.hygiene.plugins.module_utils._core import body

VARYING = (
    (re.compile(r"sha256:[0-9a-f]{64}"), "{digest}"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "{uuid}"),
    (re.compile(r"(?<=/)-?\d+(?=/|$)"), "{id}"),
)
MOST_LINES = 60


@dataclass
class Seen:
    """All answers with one status to one kind of request: how many, their content types, and what is in them."""

    count: int = 0
    types: set[str] = field(default_factory=set)
    shape: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # place in the JSON -> types


class Exchanges:
    """The exchanges of one test with one registry: request -> status -> what was seen."""

    def __init__(self, names: list[str]) -> None:
        self.names = [re.compile(rf"{re.escape(name)}[\w.-]*") for name in names]
        self.seen: dict[str, dict[int, Seen]] = defaultdict(lambda: defaultdict(Seen))
        self.last: list[tuple[str, str, int]] = []  # of the task that runs, or ran last: method, path, status

    def add(self, method: str, url: str, status: int, headers: Any, data: bytes) -> None:
        """Take an exchange in."""
        path = unquote(unquote(urlsplit(url).path))
        self.last.append((method, path, status))
        for pattern in self.names:
            path = pattern.sub("{name}", path)
        for pattern, word in VARYING:
            path = pattern.sub(word, path)
        seen = self.seen[f"{method} {path}"][status]
        seen.count += 1
        seen.types.add(headers.get("Content-Type", "no type").partition(";")[0].strip())
        with contextlib.suppress(ValueError):
            walk(json.loads(data), "", seen.shape)

    def forget(self) -> None:
        """Forget what was only asked to prepare a test: it depends on what others did there before."""
        self.seen.clear()

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[tuple[str, str, int]]]:
        """Take in all that the collection exchanges meanwhile; gives what it was."""
        original, self.last = body.read, []

        def read(found: Any, what: str) -> bytes:
            data = original(found, what)
            self.add(found.request.method, found.request.url, found.status_code, found.headers, data)
            return data

        with mock.patch.object(body, "read", read):
            yield self.last


def walk(value: Any, place: str, shape: dict[str, set[str]]) -> None:
    """Note of what type the value at each place in some JSON is; all items of a list are at one place."""
    shape[place].add(type(value).__name__)
    if isinstance(value, dict):
        for key, inner in value.items():
            walk(inner, f"{place}.{key}", shape)
    elif isinstance(value, list):
        for inner in value:
            walk(inner, f"{place}[]", shape)


def differences(server: Exchanges, fake: Exchanges) -> list[str]:
    """Return a line for each thing that a server did unlike the fake."""
    found = []
    for what, answers in server.seen.items():
        known = fake.seen.get(what)
        if known is None:
            continue  # how often and for what is asked depends on the time that things take
        statuses = sorted(set(answers) - set(known))
        if statuses:
            found.append(
                f"{what}: {' and '.join(map(str, statuses))}, the fake {' and '.join(map(str, sorted(known)))}"
            )
        for status in sorted(set(answers) & set(known)):
            one, other = answers[status], known[status]
            if what.startswith("GET ") and not (one.shape and other.shape):
                continue  # an empty body is how some say that there is nothing, and there may be something here
            found += [f"{what}: {status} {text}" for text in _unlike(one, other)]
    return found


def _unlike(server: Seen, fake: Seen) -> Iterator[str]:
    if server.types != fake.types:
        yield f"is {', '.join(sorted(server.types))}, the fake's {', '.join(sorted(fake.types))}"
    if bool(server.shape) != bool(fake.shape):
        yield f"has {'a' if server.shape else 'no'} body, the fake's has {'none' if server.shape else 'one'}"
        return
    more = _tops([place for place in server.shape if place not in fake.shape and _comparable(place, fake)])
    less = _tops([place for place in fake.shape if place not in server.shape and _comparable(place, server)])
    if more:
        yield f"has {', '.join(more)}, the fake's has not"
    if less:
        yield f"has no {', '.join(less)}, the fake's has"
    for place in sorted(set(server.shape) & set(fake.shape)):
        ours, theirs = server.shape[place] - {"NoneType"}, fake.shape[place] - {"NoneType"}
        if ours and theirs and ours != theirs:
            yield f"{place or 'the body'} is {' or '.join(sorted(ours))}, the fake's {' or '.join(sorted(theirs))}"


def _comparable(place: str, other: Seen) -> bool:
    """Whether a place could be there: not if all that it would be in is null, or an empty list."""
    outer = [place[: found.start()] for found in re.finditer(r"\.|\[\]", place)]
    return not any(one in other.shape and not _fillable(one, other) for one in outer if one != place)


def _fillable(place: str, seen: Seen) -> bool:
    return "dict" in seen.shape[place] or f"{place}[]" in seen.shape


def _tops(places: list[str]) -> list[str]:
    """Return the places that are in no other one of them."""
    places = sorted(places)
    return [one for one in places if not any(one.startswith((f"{other}.", f"{other}[")) for other in places)]


def summary(lines: list[str]) -> list[str]:
    """Return each line once, with how often it came up, the most frequent first, and at most so many."""
    counts: dict[str, int] = defaultdict(int)
    for line in lines:
        counts[line] += 1
    ranked = sorted(counts, key=lambda line: (-counts[line], line))
    shown = [f"{line} ({counts[line]} tests)" if counts[line] > 1 else line for line in ranked[:MOST_LINES]]
    rest = len(ranked) - len(shown)
    return [*shown, f"and {rest} more"] if rest else shown
