# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A caller of the fake Harbor in the same process."""

from __future__ import annotations

import base64

import pytest
from fakes.harbor import Harbor
from werkzeug.test import Client

ADMIN = {"name": "admin", "password": "Harbor12345", "sysadmin": True}


class Caller:
    """The administrator of a fake, or who else signs in."""

    def __init__(self, **state):
        self.fake = Harbor({"users": [ADMIN], **state})
        self.client = Client(self.fake, use_cookies=False)

    def __call__(self, method, path, body=None, user="admin", password="Harbor12345", **options):
        text = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {**({"Authorization": f"Basic {text}"} if user else {}), **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self.client.open(f"/api/v2.0{path}", method=method, headers=headers, **options)

    def message(self, *args, **options):
        """Return status and message of an answer."""
        answer = self(*args, **options)
        return answer.status_code, answer.get_json()["errors"][0]["message"] if answer.data else ""

    def make(self, path, body):
        """Create something and return its id."""
        answer = self("POST", path, body)
        assert answer.status_code == 201, answer.text
        return int(answer.headers["Location"].rsplit("/", 1)[-1])

    def wait(self, seconds):
        """Let time pass, schedules included."""
        self.fake.advance(seconds)
        self.fake.tick()


@pytest.fixture
def harbor():
    """Return a function that makes a caller of a new fake in that state."""
    return Caller
