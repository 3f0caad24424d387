# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DigitalOcean: how to sign in, its rate limits, what its errors mean, which registries there are."""

from __future__ import annotations

import collections
import datetime
import threading
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    Denied,
    NotFound,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.transport import READING

ARGUMENT_SPEC = dict(
    digitalocean_token=dict(
        type="str",
        required=True,
        no_log=True,
        fallback=(env_fallback, ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN"]),
    ),
    digitalocean_url=dict(
        type="str", default="https://api.digitalocean.com", fallback=(env_fallback, ["DIGITALOCEAN_URL"])
    ),
)
TARGET_SPEC = dict(registries=dict(type="list", elements="str", required=True))
CURRENT, LEGACY = ("v2", "registries"), ("v2", "registry")
PAGE = 200  # the most that DigitalOcean gives
SMALLEST_PAGE = 20  # what it gives if it is not asked for more
IMAGES = "registry.digitalocean.com"  # the host of all images, whatever the address of the API
BURST, BURST_SECONDS = 240, 60.0  # it refuses the 251st request within a minute
LONGEST = 1000  # characters of any text of DigitalOcean: more than it has, and little enough for a message
TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST}
TEXT_OR_NULL = {"type": ["string", "null"], "maxLength": LONGEST}
COUNT = {"type": ["integer", "null"], "minimum": 0}
ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-z0-9-]{1,63}\Z"},
        "region": TEXT_OR_NULL,
        "created_at": TEXT_OR_NULL,
        "storage_usage_bytes": COUNT,
        "read_only": {"type": ["boolean", "null"]},
    },
}
KEYS = tuple(ITEM["properties"])
REGISTRIES = {
    "type": "object",
    "required": ["registries"],
    "properties": {"registries": {"type": ["array", "null"], "items": ITEM}},
}
REGISTRY = {"type": "object", "required": ["registry"], "properties": {"registry": ITEM}}


class Pace:
    """Lets at most `most` requests out within any `seconds`; threads may share it."""

    def __init__(self, most: int, seconds: float) -> None:
        self.seconds = seconds
        self.slots = collections.deque(maxlen=most)
        self.lock = threading.Lock()

    def wait(self) -> None:
        """Wait for the next free slot."""
        with self.lock:
            now = wait.now()
            full = len(self.slots) == self.slots.maxlen
            slot = max(now, self.slots[0] + self.seconds) if full else now
            self.slots.append(slot)
        wait.pause(slot - now)


def client(params: dict, read_only: bool = False) -> api.Client:
    """Return a client that signs in with digitalocean_token and keeps below the rate limits."""
    bearer = api.Bearer(params["digitalocean_token"], "digitalocean_token")
    pace = Pace(BURST, BURST_SECONDS)

    def auth(request: Any) -> Any:
        pace.wait()
        return bearer(request)

    made = api.Client(params["digitalocean_url"], params, auth, explain, read_only, secrets=[bearer.token])
    made.hosts = [IMAGES]
    return made


def explain(method: str, where: str, answer: Answer) -> RegistryError:
    """Return what an error answer of DigitalOcean means, and what to do."""
    status, words = answer.status_code, answer.words()
    text = str(api.explain(method, where, answer))
    if status == 401:
        return Denied(f"{text}. The token is mistyped, expired or revoked (digitalocean_token)", status, words)
    if status == 403:
        scope = "registry:read" if method in READING else "registry:update"
        return ApiError(f"{text}. The token lacks the scope {scope}", status, words)
    if status == 404 and answer.get("id") == "not_found":
        return NotFound(text, status, words)
    if status == 404:
        return ContractError(f"{text}. This is not DigitalOcean's API: is digitalocean_url right?")
    if status == 429:
        reset = answer.headers.get("ratelimit-reset", "")
        try:
            when = datetime.datetime.fromtimestamp(int(reset), datetime.timezone.utc)
        except (ValueError, OverflowError, OSError):  # not a number, or none that is a time
            when = "within an hour"
        return ApiError(f"{text}. The token's requests are used up; more are allowed {when}", status, words)
    return ApiError(text, status, words)


def check_names(given: list) -> None:
    """Raise PlanRefused if a name cannot be one of a registry, or a glob for some."""
    for name in given:
        if not name or not all(sign.islower() or sign.isdigit() or sign in "-*?[]!" for sign in name):
            raise PlanRefused(f"registries: {name!r} is no name of a registry (lower-case letters, digits and -)")


def targets(client: api.Client, given: list, exclude: list | None = None) -> str | list[str]:
    """Return the registries that are meant; `known` of the client has all of the account, by name."""
    if not given:
        return []
    found = client.cached("registries", lambda: client.get(api.path(*CURRENT), schema=REGISTRIES)["registries"]) or []
    client.known = {registry["name"]: registry for registry in found}
    return names.exact(given, exclude) or names.expand(
        given, lambda _glob: list(client.known), client.warnings, exclude
    )


def locate(client: api.Client, name: str) -> tuple[tuple, dict]:
    """Return the path segments of a registry of the account, and what is known of it (KEYS); raises NotFound.

    The path is of the legacy family where the current one does not have a registry that it lists.
    """
    if name not in client.known:
        have = ", ".join(sorted(client.known)) or "none"
        raise NotFound(f"there is no registry {name!r}; registries of this account: {have}", 404)
    try:
        found = client.get(api.path(*CURRENT, name), schema=REGISTRY)["registry"]
    except NotFound:
        return (*LEGACY, name), _known(client.known[name])
    if found["name"] != name:
        raise ContractError(f"DigitalOcean answered with the registry {found['name']} when asked for {name}")
    return (*CURRENT, name), _known(dict(client.known[name], **found))


def _known(found: dict) -> dict:
    return {key: found[key] for key in KEYS if key in found}


def listing_schema(key: str, item: dict) -> dict:
    """Return the schema of a page of a paged listing."""
    meta = {"type": ["object", "null"], "properties": {"total": COUNT}}
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"type": ["array", "null"], "items": item}, "meta": meta},
    }


def listing(client: api.Client, where: str, key: str, identity: str, schema: dict) -> list:
    """Return all items of a paged listing, each once. Pages may come without links and meta."""

    def rows(page: dict) -> list:
        return page[key] or []

    def next_page(page: dict, query: dict, number: int) -> dict | None:
        total = (page.get("meta") or {}).get("total")
        known = total is not None and total >= number  # a total below what is there already is none to be believed
        ends = number == total if known else len(rows(page)) < SMALLEST_PAGE
        return None if ends else {"page": str(int(query["page"]) + 1)}

    query = {"page": "1", "per_page": str(PAGE)}
    return list(client.listing(where, query, schema, rows, lambda row: row[identity], next_page).values())
