# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the fake SWR: their times, how the API shows them, how they are dumped."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import Any

from .iam import made_up_id

FRACTION_DIGITS = (9, 6, 0)

Row = dict[str, Any]


def find(repository: Row, number: str) -> Row | None:
    """Returns the policy of a repository with that id; another repository's is not found."""
    return next((policy for policy in repository["retentions"] if str(policy["id"]) == number), None)


def stored_time(nanoseconds: int) -> int:
    """Returns a time cut to nine, six or no digits of a fraction of a second, as they all occur."""
    unit = 10 ** (9 - FRACTION_DIGITS[nanoseconds // 10**9 % len(FRACTION_DIGITS)])
    return nanoseconds // unit * unit


def rfc3339(nanoseconds: int, digits: int | None = None) -> str:
    """Returns a time in UTC with 0 to 9 digits of a fraction, without zeros at its end unless digits are given."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f"{rest:09d}"
    fraction = fraction[:digits] if digits else fraction.rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (f".{fraction}" if fraction else "") + "Z"


def changed_ns(repository: Row) -> int:
    """Returns when a repository was changed last."""
    return max([repository["created_ns"], *(tag["updated_ns"] for tag in repository["tags"])])


def shown_history(entry: Row) -> Row:
    """Returns a log row as the API shows it."""
    shown = {key: item for key, item in entry.items() if key != "created_ns"}
    return {**shown, "created_at": rfc3339(entry["created_ns"], 6)}


def shown_tag(repository: Row, tag: Row, domain: str) -> Row:
    """Returns a tag as the API shows it; its name is in `Tag`, with a capital letter."""
    path = f"{repository['namespace']}/{repository['name']}:{tag['name']}"
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1500, "digest": tag["digest"]}
    manifest = {"schemaVersion": 2, "config": config, "layers": [config] * 8}
    return {
        "id": tag["id"],
        "repo_id": repository["id"],
        "Tag": tag["name"],
        "image_id": made_up_id(tag["digest"]) * 2,
        "manifest": json.dumps(manifest),
        "digest": tag["digest"],
        "schema": 2,
        "path": f"swr.test/{path}",
        "internal_path": f"10.125.0.198:20202/{path}",
        "size": tag["size"],
        "is_trusted": False,
        "created": rfc3339(tag["created_ns"]),
        "updated": rfc3339(tag["updated_ns"]),
        "deleted": None,
        "domain_id": domain,
        "scanned": False,
        "tag_type": tag["tag_type"],
    }


def dumped(repository: Row, now_ns: int) -> Row:
    """Returns a repository in the form that the constructor takes."""
    entry = {key: deepcopy(repository[key]) for key in ("name", "category", "description", "is_public", "auth")}
    entry["age_seconds"] = (now_ns - repository["created_ns"]) / 10**9
    entry["tags"] = [
        {
            **{key: tag[key] for key in ("name", "digest", "size", "tag_type")},
            "age_seconds": (now_ns - tag["updated_ns"]) / 10**9,
            "created_age_seconds": (now_ns - tag["created_ns"]) / 10**9,
        }
        for tag in repository["tags"]
    ]
    entry["retentions"] = deepcopy(repository["retentions"])
    entry["histories"] = [
        {
            **{key: item for key, item in log.items() if key != "created_ns"},
            "age_seconds": (now_ns - log["created_ns"]) / 10**9,
        }
        for log in repository["histories"]
    ]
    return entry
