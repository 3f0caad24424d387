# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that looking takes in Python: lists the repositories of an organization, and asks for each; no checks.

Usage: lister.py WHAT..., of "policies" and "tags". Prints how many repositories and tags there are.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

WORKERS = 8
API = f"{os.environ['QUAY_URL']}/api/v1"
local = threading.local()


def get(where: str, **query: str) -> dict:
    """Returns an answer."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
        local.session.headers["Authorization"] = f"Bearer {os.environ['QUAY_TOKEN']}"
    answer = local.session.get(API + where, params=query, timeout=30)
    answer.raise_for_status()
    return answer.json()


def repositories() -> list[str]:
    """Returns the names of all repositories."""
    found, page = [], {}
    while True:
        answer = get("/repository", namespace="big", **page)
        found += [f"{row['namespace']}/{row['name']}" for row in answer["repositories"]]
        if not answer.get("next_page"):
            return found
        page = {"next_page": answer["next_page"]}


def look(repository: str) -> int:
    """Asks for the policies and counts the tags of a repository, as far as that is wanted."""
    if "policies" in sys.argv:
        get(f"/repository/{repository}/autoprunepolicy/")
    number, page, more = 0, 1, "tags" in sys.argv
    while more:
        answer = get(f"/repository/{repository}/tag/", onlyActiveTags="true", limit="100", page=str(page))
        number, page, more = number + len(answer["tags"]), page + 1, answer["has_additional"]
    return number


names = repositories()
with ThreadPoolExecutor(WORKERS) as pool:
    print("found", len(names), sum(pool.map(look, names)))
