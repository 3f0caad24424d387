# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the body of an answer, unpacked, up to a limit: some bytes on the line may become gigabytes."""

from __future__ import annotations

import zlib
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError

LARGEST, LARGEST_ERROR = 32 << 20, 64 << 10  # bytes, on the line and unpacked
PIECE = 1 << 16  # bytes


def read(found: Any, what: str) -> bytes:
    """Return the unpacked body of a streamed answer of requests to `what`; empty for an error that is too long.

    Raises ContractError if it is too large or in an unknown coding; ValueError, zlib.error and whatever urllib3 raises
    if it breaks off.
    """
    coding = found.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip"):
        raise ContractError(f"{what} was answered in a Content-Encoding that was not asked for")
    found.raw.enforce_content_length = True  # urllib3 1.26 takes what breaks off for the whole
    # Unpacked here and not by urllib3, which unpacks all of a piece at once, a thousand times its size.
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if coding == "gzip" else None
    error = found.status_code >= 400
    limit, size, came, pieces = LARGEST_ERROR if error else LARGEST, 0, 0, []
    while max(size, came) <= limit:
        piece = found.raw.read(PIECE, decode_content=False)
        if not piece:
            break
        came += len(piece)
        if unpack:
            piece = b"" if unpack.eof else unpack.decompress(piece, limit + 1 - size)
        pieces.append(piece)
        size += len(piece)
    else:
        if error:
            return b""  # too long for a message; what is cut may end in half a secret, which no mask finds
        raise ContractError(f"{what} was answered with more than {limit >> 20} MiB, the most that is read of an answer")
    if unpack and came and not unpack.eof and not error:
        raise ValueError("the packed answer breaks off")
    return b"".join(pieces)
