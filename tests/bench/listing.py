# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that listing a project of Harbor takes in Python: pages of a hundred, in threads; no checks."""

from __future__ import annotations

import os
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import requests

WORKERS = 10
PROJECT = f"{os.environ['HARBOR_URL']}/api/v2.0/projects/big/repositories"
QUERY = {"q": "base=*", "with_immutable_status": "true", "with_accessory": "true"}
local = threading.local()


def pages(where: str, query: dict) -> list:
    """Returns all rows of a list."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
        local.session.auth = (os.environ["HARBOR_USERNAME"], os.environ["HARBOR_PASSWORD"])
    found: list = []
    while True:
        page = len(found) // 100 + 1
        answer = local.session.get(where, params={**query, "page": page, "page_size": 100}, timeout=30)
        answer.raise_for_status()
        local.session.cookies.clear()
        rows = answer.json()
        found += rows
        if len(rows) < 100:
            return found


def tags(repository: str) -> int:
    """Returns how many tags a repository has."""
    name = urllib.parse.quote(urllib.parse.quote(repository.partition("/")[2], safe=""), safe="")
    return sum(len(row["tags"] or ()) for row in pages(f"{PROJECT}/{name}/artifacts", QUERY))


names = [row["name"] for row in pages(PROJECT, {"sort": "name"})]
with ThreadPoolExecutor(WORKERS) as pool:
    print("found 0 0", sum(pool.map(tags, names)))
