# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of do_registry_gc and do_registry_gc_info against accounts in the fake, and looks at their results."""

from __future__ import annotations

import json
import re

from fakes.digitalocean import DigitalOcean
from fakes.mount import mounted

from contract.clock import in_its_time
from contract.mounts import as_module

URL = "https://digitalocean.test"

TOKEN = "dop_v1_made-up-token"

ACCESS = {"digitalocean_url": URL, "digitalocean_token": TOKEN}

MANIFESTS, BLOBS = "untagged manifests only", "unreferenced blobs only"

BOTH = "untagged manifests and unreferenced blobs"

TYPES = [MANIFESTS, BLOBS, BOTH]

FINAL = ["succeeded", "failed", "cancelled"]

HOUR, DAY = 3600, 86400


def digest(letter):
    return "sha256:" + letter * 64


def blob(letter, size):
    return {"digest": digest(letter), "size": size}


# An index with two children, one of which an untagged index names, too; one untagged image; one orphaned blob.
APP = {
    "name": "team/app",
    "tags": [{"name": "v1", "digest": digest("a")}],
    "manifests": [
        {"digest": digest("a"), "size": 10, "children": [digest("b"), digest("c")]},
        {"digest": digest("b"), "size": 20, "blobs": [blob("1", 1000)]},
        {"digest": digest("c"), "size": 30, "blobs": [blob("1", 1000), blob("2", 2000)]},
        {"digest": digest("d"), "size": 40, "children": [digest("c")]},
        {"digest": digest("e"), "size": 50, "blobs": [blob("1", 1000), blob("3", 3000), blob("4", 4000)]},
    ],
}


# Here a tag holds a blob that is garbage in the other repository.
WEB = {
    "name": "web",
    "tags": [{"name": "v1", "digest": digest("f")}],
    "manifests": [{"digest": digest("f"), "size": 60, "blobs": [blob("4", 4000)]}],
}


GARBAGE = {
    "manifests": 2,
    "bytes": 40 + 50 + 3000,
    "lower_bound": True,
    "digests": [f"team/app@{digest('d')}", f"team/app@{digest('e')}"],
}


class Staged(DigitalOcean):
    """Lets a test do something just before a request is answered, and leave the newest run out of lists."""

    before = staticmethod(lambda method, path: None)
    unlisted = 0  # so many times
    now_and_then = None  # times of all requests

    def answer(self, request):
        self.before(request.method, request.path)
        if self.now_and_then is not None:
            self.now_and_then.append(self.now())
        answer = super().answer(request)
        if self.unlisted and request.path.endswith("garbage-collections"):
            self.unlisted -= 1
            found = json.loads(answer.body)
            del found["garbage_collections"][0]
            found["meta"]["total"] -= 1
            answer.body = json.dumps(found).encode()
        return answer

    def next(self, method, do, path=""):
        """Do this before the next such request."""

        def before(asked, where):
            if asked == method and re.search(path, where):
                self.before = lambda asked, where: None
                do()

        self.before = before


def acme():
    """Return an account with garbage in a registry, and a neighbour."""
    return account({"name": "acme", "repositories": [APP, WEB], "blobs": [blob("9", 9000)]}, {"name": "other"})


def account(*registries):
    return Staged({"tokens": [{"as": "admin", "token": TOKEN}], "registries": list(registries)})


def run(fake, module="do_registry_gc", check_mode=False, access=None, controller=-3650 * DAY, **options):
    fake.clear()
    with in_its_time(fake, controller), mounted(fake, URL):
        result = as_module(
            module, {**(ACCESS if access is None else access), "registries": ["acme"], **options}, check_mode
        )
    assert TOKEN not in result.output
    assert "Traceback" not in result.output
    return result


def info(fake, **options):
    return run(fake, "do_registry_gc_info", **options)


def posts(fake):
    return [entry["body"] for entry in fake.writes if entry["method"] == "POST"]


def ok(result):
    assert not result.get("failed"), result
    return result["garbage_collection"]


def started(result):
    """Return the run that the task started, after a look whether it says so."""
    assert result["changed"] and result["changed_targets"] == ["acme"], result
    assert not ok(result)["adopted"] and ok(result)["skipped_reason"] is None
    return ok(result)


def adopted(result):
    assert not result["changed"] and result["changed_targets"] == [], result
    assert ok(result)["adopted"] and ok(result)["skipped_reason"] is None
    return ok(result)


def skipped(result, reason="min_interval"):
    assert not result["changed"] and result["changed_targets"] == [], result
    assert reason in ok(result)["skipped_reason"] and not ok(result)["adopted"]
    return ok(result)


def failed(result, *texts):
    assert result.get("failed"), result
    for text in texts:
        assert text in result["msg"], result["msg"]
    return result
