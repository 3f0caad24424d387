# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What endpoints and replication policies share: found by exact name in one listing, created, replaced, deleted."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    NotFound,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._core.runs import in_doubt
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import listings, registry


class Declared(Resource):
    """A thing with a name in a list of Harbor; `place` says which list."""

    place = ()
    naming = ("name",)
    undoes = True
    version = ()
    found = None  # the row of the list, None if there is none
    seen = False  # whether it was read before: then it may have been written, and is listed anew

    @classmethod
    def named(cls, params):
        return [params["name"]] if params["name"] else []

    @classmethod
    def named_as(cls, target):
        return {"name": target}

    @classmethod
    def targets(cls, client, params):
        registry.version(client)  # proves the credentials
        return params["name"]

    @classmethod
    def surplus(cls, client):
        return sorted(listings.known(client, cls.place))

    def state_of(self, found: dict | None) -> dict | None:
        """Return a row in the words of options."""
        raise NotImplementedError

    def wanted(self, current: dict | None) -> dict:
        """Return how it should be; raises RegistryError."""
        raise NotImplementedError

    def read(self):
        self.version = registry.version(self.client)
        there = (listings.fetched if self.seen else listings.known)(self.client, self.place)
        self.found, self.seen = there.get(self.target), True
        return self.state_of(self.found)

    def plan(self, current):
        return None if self.params["state"] == "absent" else self.wanted(current)

    def refused(self, error: RegistryError) -> RegistryError:
        """Return the error of a write that was refused, with what to do."""
        return error

    def write(self, body: dict, planned: dict, fits: Callable[[Any], bool]) -> dict:
        """Create or replace it; returns how it is then. fits(there): whether what is there is what was written."""
        number = self.found and self.found["id"]
        try:
            if number is None:
                self.client.request("POST", listings.where(self.place), body=body)
            else:
                self.client.request("PUT", listings.where(self.place, number), body=body)
        except RegistryError as error:
            crossed = getattr(error, "status", 0) == 409  # somebody else has just made one of this name
            if not (crossed or in_doubt(error)):
                raise self.refused(error) from None
            there = self.read_back(error, self.read)
            if not fits(there):
                hint = "Somebody else made it at the same time, not as it is declared: run again"
                raise (explained(error, hint) if crossed else self.refused(error)) from None
            self.idle = crossed
        return planned

    def delete(self) -> None:
        """Delete it; it may be gone by now."""
        try:
            self.client.request("DELETE", listings.where(self.place, self.found["id"]))
        except NotFound:
            self.idle = True
        except RegistryError as error:
            raise self.refused(error) from None


def explained(error: RegistryError, hint: str) -> RegistryError:
    """Return the error with a hint behind its text."""
    error.args = (f"{error}. {hint}",)
    return error
