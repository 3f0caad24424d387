# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images Quay would delete under all policies of a plan together: reads what forecast.py needs, nothing twice."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._quay import forecast, listings, policies, registry

LAST_SECOND = 253402300799  # of the year 9999
MOST_BYTES = 1 << 62
DIGEST = {"type": "string", "pattern": r"^[0-9A-Za-z_+.-]{1,32}:[0-9A-Za-z=_-]{1,256}\Z"}
TAGS = {
    "type": "object",
    "required": ["tags", "has_additional"],
    "properties": {
        "has_additional": {"type": "boolean"},
        "tags": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "start_ts", "manifest_digest"],
                "properties": {
                    "name": {"type": "string", "pattern": r"^\w[\w.-]{0,255}\Z"},
                    "start_ts": {"type": "integer", "minimum": 0, "maximum": LAST_SECOND},
                    "end_ts": {"type": ["integer", "null"], "minimum": 0, "maximum": LAST_SECOND},
                    "manifest_digest": DIGEST,
                    "size": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST_BYTES},
                    "immutable": {"type": ["boolean", "null"]},
                    # Quay ffba0c7: of an index, the digests of its children; older ones do not tell.
                    "child_manifests_presence": {
                        "type": ["object", "null"],
                        "maxProperties": 1000,
                        "propertyNames": DIGEST,
                    },
                },
            },
        },
    },
}
WITHOUT = (
    "Without that there is no forecast and no limit can be held: leave max_deletions, max_deletions_percent, min_keep, "
    "protect and in_use unset (in the role: quay_hygiene_limits: {})"
)


class Plan:
    """What a task plans for organizations, repositories and the user, and what Quay would delete under that.

    things: target -> its resource, of those that change. before, after: target -> policies, of all that were read.
    """

    def __init__(self, client: api.Client, things: dict, before: dict, after: dict) -> None:
        self.client = client
        self.things = things
        self.before = before
        self.after = after
        self.spaces: dict = {}  # namespace -> target that stands for it
        self.errors: dict = {}  # target -> RegistryError

    def forecast(self, each: Callable[[Callable, list], tuple]) -> tuple[dict, dict, dict]:
        """Return repository -> images, repository -> targets whose change it feels, target -> RegistryError."""
        owners: dict = {}
        for name, thing in self.things.items():
            if thing.kind() == "repository":
                owners.setdefault(name, []).append(name)
        listed, self.errors = each(
            self._repositories, [n for n in self.things if self.things[n].kind() != "repository"]
        )
        for name, repositories in listed.items():
            for repository in repositories:
                owners.setdefault(repository, []).append(name)
        found, errors = each(self._of_one, list(owners))
        for repository, error in errors.items():
            for name in owners[repository]:
                self.errors.setdefault(name, error)
        return forecasts.merged(found.values()), owners, self.errors

    def _repositories(self, name: str) -> list:
        """Return the repositories of an organization or of the user."""
        space = name
        if self.things[name].kind() == "user":
            space = listings.current_user(self.client)["username"]
        self.spaces[space] = name
        return list(listings.repositories(self.client, space))

    def _of_one(self, repository: str) -> dict:
        """Return repository -> images, with the default policy that only Quay's configuration shows."""
        space = repository.partition("/")[0]
        own, upper = self._policies(repository, repository), self._policies(space, self.spaces.get(space, space))
        default = (registry.config(self.client).get("config") or {}).get("DEFAULT_NAMESPACE_AUTOPRUNE_POLICY")
        thing = self.things.get(repository)
        alone = thing is not None and len(self.things) == 1 and names.exact(thing.params["repositories"]) is not None
        state = listings.state_of(self.client, repository, alone)
        rows = tags(self.client, repository)
        active = forecast.Tags(state, rows, self.client.clock())
        current, planned = (active.fates(upper[when], own[when], default) for when in (0, 1))
        return {repository: active.images(planned, current, self._by(repository, space))} if active.live else {}

    def _by(self, repository: str, space: str) -> Callable[[str], str]:
        """Return what tells the target whose policy deletes an image: of those that change, the one that says so."""
        own = repository if repository in self.things else None
        upper = self.spaces.get(space)
        return lambda because: (upper or own) if because.startswith(forecast.SCOPES[0]) else (own or upper)

    def _policies(self, name: str, target: str) -> tuple[list, list]:
        """Return the policies of a namespace or repository as they are, and as planned for the target."""
        if target in self.things:
            return self.before[target], self.after[target]
        scope = "repo:admin" if "/" in name else "org:admin"
        whose = "" if "/" in name else f" and its user must administer {name}, not only the repository"
        held = _allowed(
            f"the policies of {name}, for which the token needs the scope {scope}{whose}",
            lambda: policies.known(self.client, name),
        )
        return held, held


def tags(client: api.Client, name: str) -> list:
    """Return the active tags of a repository."""
    where = api.path(*registry.API, "repository", *name.split("/"), "tag", "")
    query = {"onlyActiveTags": "true", "limit": "100", "page": "1"}

    def rows() -> dict:
        return client.listing(where, query, TAGS, lambda page: page["tags"], lambda tag: tag["name"], next_page)

    # Quay ffba0c7: repo:admin includes repo:read, which would do for this one.
    what = f"the tags of {name}, for which the token needs the scope repo:admin"
    if client.params["on_limit"] != "skip":  # otherwise what is left of the plan is forecast again
        return list(_allowed(what, rows).values())
    return client.spooled(("tags", name), lambda: list(_allowed(what, rows).values()))


def next_page(page: dict, query: dict, _number: int) -> dict | None:
    """Return what changes in the query for the next page of tags, None at the end."""
    return {"page": str(int(query["page"]) + 1)} if page["has_additional"] else None


def _allowed(what: str, read: Callable[[], Any]) -> Any:
    """Return read(); if the token may not, the error says what a forecast needs, and how to do without."""
    try:
        return read()
    except ApiError as error:
        if error.status == 403:
            raise RegistryError(f"{error}. A forecast needs {what}. {WITHOUT}") from None
        raise
