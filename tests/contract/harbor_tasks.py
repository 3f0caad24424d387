# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the modules for Harbor against a fake, and looks at their results."""

from __future__ import annotations

import json
import re
from typing import Any

from fakes.harbor import Harbor
from fakes.harbor.system import System
from fakes.mount import mounted

from contract.clock import in_its_time
from contract.mounts import as_module

URL = "https://harbor.test"
PASSWORD = "made-up-Secret1"
ACCESS = {"harbor_url": URL, "harbor_username": "admin", "harbor_password": PASSWORD}
ADMIN = {"name": "admin", "password": PASSWORD, "sysadmin": True}
PURGE, GC = "PURGE_AUDIT_LOG", "GARBAGE_COLLECTION"
VERSIONS = ["2.6", "2.12", "2.13", "2.14", "2.16"]
HOUR, DAY = 3600, 86400
ROWS = [
    {"event_type": "pull_artifact", "age_hours": 99, "count": 7},
    {"event_type": "create_artifact", "age_hours": 99, "count": 5},
    {"event_type": "pull_artifact", "age_hours": 1, "count": 3},
]
OLD_ROWS = [{"operation": "pull", "age_hours": 99, "count": 2}, {"operation": "delete", "age_hours": 99, "count": 4}]
TYPES = {"audit_retention_hour": 24, "include_event_types": ["pull_artifact"], "include_operations": ["pull"]}


class Staged(Harbor):
    """Lets a test do something just before a request is answered."""

    before = staticmethod(lambda method, path: None)

    def answer(self, request):
        self.before(request.method, request.path)
        return super().answer(request)

    def next(self, method, do, path=""):
        """Do this before the next such request."""

        def before(asked, where):
            if asked == method and re.search(path, where):
                self.before = lambda asked, where: None
                do()

        self.before = before


def harbor(**state: Any) -> Staged:
    """Return a Harbor with an administrator, rows in both tables of its audit log, and what the state adds."""
    return Staged({"users": [ADMIN], "audit_rows": ROWS, "old_audit_rows": OLD_ROWS, **state})


def run(fake, module, check_mode=False, access=None, controller=0.0, **options):
    fake.clear()
    with in_its_time(fake, controller), mounted(fake, URL):
        result = as_module(module, {**ACCESS, **(access or {}), **options}, check_mode)
    assert PASSWORD not in result.output and "Traceback" not in result.output and "redis:" not in result.output
    assert not [entry for entry in fake.requests if "cookie" in entry["headers"]]
    if check_mode:
        assert fake.writes == []
    return result


def ok(result, noun):
    assert not result.get("failed"), result
    return result[noun]


def changed(result, noun="schedule"):
    assert result["changed"] and result["changed_targets"], result
    return ok(result, noun)


def unchanged(result, noun="schedule"):
    assert not result["changed"] and result["changed_targets"] == [], result
    return ok(result, noun)


def failed(result, *texts):
    assert result.get("failed"), result
    for text in texts:
        assert text in result["msg"], result["msg"]
    return result


def stored(fake, kind=PURGE):
    """Return the schedule of a kind as the fake holds it."""
    return fake.jobs.scheduled(kind)


def rows(fake):
    """Return how many rows the tables of the audit log have, the new one first."""
    return len(fake.family(System).audit), len(fake.family(System).old_audit)


def later(fake, seconds):
    """Let time pass; schedules fire."""
    fake.advance(seconds)
    fake.tick()


def keep(fake, kind, parameters, cron="0 0 0 * * *", word="Daily", dead=False):
    """Put a schedule into the fake, as anybody else might have made it."""
    fake.jobs.unschedule(kind)
    fake.jobs.schedule(kind, -1, cron, word, parameters).dead = dead


def shown(fake, kind=PURGE):
    """Return what a schedule was stored with."""
    found = stored(fake, kind)
    return found and [found.kind, found.cron, found.parameters]


def started(fake, kind, parameters, status="Running", age=60, duration=10, trigger="MANUAL"):
    """Put a run into the fake's history; one that is Running has no task and never ends."""
    found = fake.jobs.execution(kind, -1, trigger, parameters)
    found.start_time = found.update_time = fake.now() - age
    if status != "Running":
        found.status, found.update_time = status, found.start_time + duration
        found.end_time = found.update_time
    return found


def body(fake):
    """Return the bodies of all writes."""
    return json.loads(json.dumps([entry["body"] for entry in fake.writes]))
