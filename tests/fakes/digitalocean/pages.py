# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the fake DigitalOcean's lists, their numbers, tokens and links."""

from __future__ import annotations

import base64
import json
import math
from typing import Any, Callable, Iterator
from urllib.parse import urlencode

from .errors import Refusal
from .routes import Call, raw_path

PER_PAGE, MOST_PER_PAGE = 20, 200


def page(
    switches: dict[str, Any], call: Call, key: str, items: list[Any], view: Callable[[Any], Any], tokens: bool = False
) -> dict[str, Any]:
    """Returns a page of a list as the request asks for it, with links to the others: `links` and `meta`."""
    size = min(call.number("per_page", PER_PAGE), MOST_PER_PAGE)
    token = call.request.args.get("page_token") if tokens else None
    start = offset_of(token) if token else (call.number("page", 1) - 1) * size
    answer: dict[str, Any] = {key: [view(item) for item in items[start : start + size]]}
    here, last = start // size + 1, max(1, math.ceil(len(items) / size))
    pages = dict(neighbours(here, last))
    base = switches["link_base"] or call.request.host_url
    path = raw_path(call.request)
    links = {}
    for name, number in pages.items():
        query: dict[str, Any] = {"page": number}
        if tokens and name in ("next", "prev"):
            query["page_token"] = page_token((number - 1) * size)
        links[name] = f"{base.rstrip('/')}{path}?{urlencode({**query, 'per_page': size})}"
    if links:
        answer["links"] = {"pages": links}
    elif switches["empty_links"]:
        answer["links"] = {}
    answer["meta"] = {"total": len(items)}
    return answer


def neighbours(page: int, last: int) -> Iterator[tuple[str, int]]:
    """Gives the numbers of the pages that make sense to link to."""
    if page > 1:
        yield "first", 1
        yield "prev", min(page - 1, last)
    if page < last:
        yield "next", page + 1
        yield "last", last


def page_token(offset: int) -> str:
    """Returns an opaque token for a place in a list."""
    return base64.urlsafe_b64encode(json.dumps({"Offset": offset}).encode()).decode().rstrip("=")


def offset_of(token: str) -> int:
    """Returns the place that a page token stands for."""
    try:
        return int(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["Offset"])
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "invalid page_token") from None
