# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SDK-HMAC-SHA256 as the API gateway checks it: the canonical form of a received request and its signature."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Mapping
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
BODY_HASH = "x-sdk-content-sha256"
DATE = "x-sdk-date"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
REQUIRED = ("host", DATE)
HEADER = re.compile(rf"{ALGORITHM} Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-fA-F]{{64}})")


@dataclass(frozen=True)
class Claim:
    """What an Authorization header claims: the access key, the signed header names and the signature."""

    access: str
    names: tuple[str, ...]
    signature: str


def parse(authorization: str) -> Claim | None:
    """Returns the parts of an Authorization header, None if it has another form."""
    found = HEADER.fullmatch(authorization.strip())
    return Claim(found[1], tuple(found[2].split(";")), found[3]) if found else None


def canonical_request(method: str, target: str, headers: Mapping[str, str], names: tuple[str, ...], body: bytes) -> str:
    """Returns the canonical text of a request; target is path and query as received, header names are lower case."""
    path, _mark, query = target.partition("?")
    listed = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names)
    digest = headers.get(BODY_HASH) or hashlib.sha256(body).hexdigest()
    return "\n".join([method.upper(), canonical_path(path), canonical_query(query), listed, ";".join(names), digest])


def canonical_path(path: str) -> str:
    """Returns a path decoded, encoded again in one way only, and with a slash at its end."""
    encoded = "/".join(quote(segment, safe="-_.~") for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def canonical_query(query: str) -> str:
    """Returns a query sorted by name and value; a plus sign is a plus sign, not a space."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    decoded = sorted((unquote(name), unquote(value)) for name, _sign, value in pairs)
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in decoded)


def string_to_sign(canonical: str, date: str) -> str:
    """Returns what the secret key signs; date is the text of the X-Sdk-Date header."""
    return f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def signature(secret: str, text: str) -> str:
    """Returns the signature of a text as lower-case hex digits."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def authorization(
    method: str, target: str, headers: Mapping[str, str], body: bytes, access: str, secret: str, *names: str
) -> str:
    """Returns the Authorization header of a request that signs all its headers, or those named."""
    lower = {name.lower(): value for name, value in headers.items()}
    chosen = tuple(names) or tuple(sorted(name for name in lower if "_" not in name))
    canonical = canonical_request(method, target, lower, chosen, body)
    signed = signature(secret, string_to_sign(canonical, lower.get(DATE, "")))
    return f"{ALGORITHM} Access={access}, SignedHeaders={';'.join(chosen)}, Signature={signed}"


def matches(claim: Claim, secret: str, canonical: str, date: str) -> bool:
    """Returns whether a claim's signature is the one that the secret key gives for the canonical request."""
    return hmac.compare_digest(claim.signature, signature(secret, string_to_sign(canonical, date)))
