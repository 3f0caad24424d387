# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer of a registry: its JSON, its own words in an error, its clock. Whatever it holds may be hostile."""

from __future__ import annotations

import email.utils
import functools
import json
import math
import re
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import wait

LONGEST_MESSAGE = 500  # characters of a registry's own words in an error
MOST_DIGITS = 30  # of a number; Python itself needs minutes for millions of them
WORDS = ("detail", "message", "error_message", "error_msg", "error", "errors")


class Answer:
    """A status, headers (read without regard to case) and a body of bytes that is complete.

    masked: hides secrets in a text. resent: whether the request may have arrived more than once.
    """

    def __init__(self, status_code: int, headers: Any, body: bytes, masked: Callable[[str], str], resent: bool) -> None:
        self.status_code = status_code
        self.headers = headers
        self.body = body
        self.masked = masked
        self.resent = resent

    @property
    def text(self) -> str:
        """The body as text. What a header says of its charset is not believed: JSON is UTF-8."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the parsed body; raises ValueError for all that is not JSON as registries write it."""
        return parse(self.body.decode("utf-8-sig"))

    def get(self, *keys: str) -> Any:
        """Return what is at this place of a JSON object, None if there is no such place."""
        try:
            found = self.json()
        except ValueError:
            return None
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def words(self) -> str:
        """Return the registry's own words in an error answer, as one line; empty for HTML pages."""
        try:
            found = _words(self.json())
        except ValueError:
            found = "" if "<html" in self.text[:1000].lower() else self.text
        lines = [line.strip() for line in self.masked(str(found)).splitlines() if line.strip()]
        return lines[0][:LONGEST_MESSAGE] if lines else ""

    def date(self) -> float | None:
        """Return when the server made it (epoch seconds), None if it does not say or if that is no time."""
        return _epoch(self.headers.get("Date"))

    def retry_after(self) -> float | None:
        """Return the seconds that Retry-After asks for (seconds or a date), None if it does not, or not so."""
        value = (self.headers.get("Retry-After") or "").strip()
        if re.match(r"[0-9]{1,9}(\.[0-9]{1,9})?\Z", value):
            return float(value)
        date = _epoch(value)
        return None if date is None else date - wait.clock()


def parse(text: str) -> Any:
    """Return what a text of JSON holds; raises ValueError for all that is not JSON as registries write it."""
    try:
        found = DECODER.decode(text)
        if "\\" in text and "\\ud" in text.lower():  # perhaps half a character: neither to be printed nor compared
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return found


@functools.lru_cache(maxsize=16)  # all answers within a second have the same
def _epoch(date: str | None) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError, OSError):
        return None


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _float(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("a number is too large")
    return found


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


# json.loads would make a new one each time.
DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refused)


def _words(found: Any) -> Any:
    """Return the first text where the errors of registries have theirs."""
    while isinstance(found, (dict, list)):
        if isinstance(found, list):
            found = found[0] if found else ""
        else:
            texts = [text for text in found.values() if isinstance(text, str)]
            found = next((found[key] for key in WORDS if found.get(key)), texts[0] if texts else "")
    return found
