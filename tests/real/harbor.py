# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Harbor that is tested: two projects with images, and what its API says of them."""

from __future__ import annotations

import re
import time
from typing import Iterator
from urllib.parse import quote, urlencode

from fakes.harbor import Harbor

from .place import Answered, Place, Skipped
from .settings import Refused, Settings

API = "/api/v2.0"
PAGE = 100
SYSTEM = "REGISTRY_HYGIENE_REAL_SYSTEM"
ADMIN = {"name": "admin", "password": "made-up-Secret1", "sysadmin": True}
AUDIT = [
    {"event_type": kind, "age_hours": age, "count": 3} for kind in ("pull_artifact", "login_user") for age in (9, 0.1)
]
QUICK = {"start_seconds": 0, "refresh_seconds": 0}


def twin(version: str | None = None) -> Harbor:
    """Return a fake of a version."""
    fake = Harbor({"users": [ADMIN], "audit_rows": AUDIT, **({"version": version} if version else {})})
    fake.switches.update(QUICK)
    return fake


class HarborPlace(Place):
    """A Harbor. `version`: two numbers."""

    kind, title = "harbor", "Harbor"
    version: tuple[int, int] = (0, 0)
    full_version = ""

    def __init__(self, settings: Settings, url: str, fake: Harbor | None = None) -> None:
        super().__init__(settings, url, fake)
        self.username = ADMIN["name"] if fake else settings["HARBOR_USERNAME"]
        self.password = ADMIN["password"] if fake else settings["HARBOR_PASSWORD"]
        self.access = {"harbor_url": self.url, "harbor_username": self.username, "harbor_password": self.password}
        self.auth, self.secrets = (self.username, self.password), (self.password,)
        self.source, self.target = f"{self.prefix}-src", f"{self.prefix}-dst"
        self.peer = f"{self.prefix}-peer"  # the registry endpoint that is this Harbor itself
        self.own_url = self.url if fake else settings["HARBOR_SELF_URL"].rstrip("/") or self.url

    def intent(self) -> list[str]:
        """Return in words what the tests do there."""
        lines = [
            f"create the projects {self.source} and {self.target}, push a few images of some hundred bytes,",
            f"create registry endpoints and replication policies named {self.prefix}-..., replicate between the two",
            "projects, and delete all of it at the end, whatever happens",
        ]
        if self.fake or self.settings.consents("SYSTEM"):
            lines += [
                f"{SYSTEM} is set: change the schedules of purge and garbage collection for some seconds (they fire in",
                "half a year) and put them back, make dry runs of both, and collect garbage with delete_untagged if no",
                "untagged artifact is there but those of the tests",
            ]
        else:
            lines.append(f"leave the schedules and runs of purge and garbage collection alone: {SYSTEM} is not set")
        return lines

    # Coming and going

    def check(self) -> None:
        """Find out the version, and that the credentials are good."""
        found = self.ask("GET", f"{API}/systeminfo", good=(200,))
        numbers = re.match(r"v?(\d+)\.(\d+)", str(found.get("harbor_version", "")))
        if not numbers:
            raise Refused(
                f"{self.url} does not know {self.username} with this password (HARBOR_USERNAME and _PASSWORD)"
            )
        self.full_version = found["harbor_version"]
        self.version = (int(numbers[1]), int(numbers[2]))
        if found.get("read_only"):
            raise Refused(f"{self.url} is read-only")

    def holdings(self) -> list[str]:
        """Return projects, endpoints and policies with the prefix."""
        found = []
        for path, word in (
            ("/projects", "project"),
            ("/registries", "registry endpoint"),
            ("/replication/policies", "replication policy"),
        ):
            try:
                found += [f"the {word} {item['name']}" for item in self.own(path)]
            except Answered as answered:  # who may not even list them, creates none
                if answered.status != 403:
                    raise
        return found

    def fill(self) -> None:
        """Create the projects and push the images: two tags of one image, an index, and two images without a tag."""
        for name in (self.source, self.target):
            try:
                self.ask("POST", f"{API}/projects", {"project_name": name, "metadata": {"public": "false"}})
            except Answered as answered:
                raise Refused(f"{self.username} cannot create a project: {answered}") from None
        self.push = self.pusher(self.username, self.password)
        app, tool = f"{self.source}/app", f"{self.source}/team/tool"
        for tag, text in (("v1", "one"), ("v2", "two"), ("latest", "two"), ("dev", "three"), ("dev", "four")):
            self.push.image(app, tag, text)
        self.push.image(tool, "v1", "five")
        self.push.image(tool, "", "six")
        self.push.index(tool, "multi", "seven")

    def empty(self) -> None:
        """Delete everything with the prefix."""
        left = []
        for policy in self._try(left, "/replication/policies"):
            left += self._attempt(lambda number=policy["id"]: self._remove_policy(number))
        for registry in self._try(left, "/registries"):
            left += self._attempt(lambda number=registry["id"]: self.ask("DELETE", f"{API}/registries/{number}"))
        for project in self._try(left, "/projects"):
            left += self._attempt(lambda name=project["name"]: self._remove_project(name))
        if left:
            raise Refused("; ".join(left))

    def _try(self, left: list[str], path: str) -> list[dict]:
        """Return the own things of a listing; a right that is missing means that none was made."""
        try:
            return self.own(path)
        except Answered as answered:
            if answered.status != 403:
                left.append(str(answered))
            return []

    def _remove_policy(self, number: int) -> None:
        for execution in self.pages(f"/replication/executions?policy_id={number}"):
            if execution["status"] == "InProgress":
                self.ask("PUT", f"{API}/replication/executions/{execution['id']}")

        def gone() -> bool:
            found = self.session.delete(f"{self.url}{API}/replication/policies/{number}", auth=self.auth)
            return found.status_code in (200, 404)

        # Harbor refuses as long as an execution is not over, which it notices up to half a minute late.
        if not self.until(gone, 90):
            raise Refused(f"the replication policy {number} cannot be deleted: one of its executions does not end")

    def _remove_project(self, name: str) -> None:
        for rule in self.ask("GET", f"{API}/projects/{name}/immutabletagrules", good=(200, 403, 404)) or []:
            if isinstance(rule, dict):
                self.ask("DELETE", f"{API}/projects/{name}/immutabletagrules/{rule['id']}")
        for repository in self.pages(f"/projects/{name}/repositories"):
            self.ask(
                "DELETE", f"{API}/projects/{name}/repositories/{encoded(repository['name'], name)}", good=(200, 404)
            )
        self.ask("DELETE", f"{API}/projects/{name}", good=(200, 404))

    # Looking

    def pages(self, path: str) -> Iterator[dict]:
        """Give all items of a listing."""
        page = 0
        while True:
            page += 1
            query = urlencode({"page": page, "page_size": PAGE})
            found = self.ask("GET", f"{API}{path}{'&' if '?' in path else '?'}{query}", good=(200,))
            yield from found
            if len(found) < PAGE:
                return

    def total(self, path: str) -> int:
        """Return how many items a listing has, as Harbor counts them."""
        found = self.session.get(self.url + API + path, auth=self.auth)
        if found.status_code != 200:
            raise Answered(found.status_code, f"GET {path} was answered {found.status_code}: {found.text[:200]}")
        return int(found.headers["X-Total-Count"])

    def own(self, path: str) -> list[dict]:
        """Return the items of a listing whose names begin with the prefix."""
        return [item for item in self.pages(path) if re.match(rf"{re.escape(self.prefix)}(-|$)", item["name"])]

    def named(self, path: str, name: str) -> dict | None:
        """Return the item of that name."""
        return next((item for item in self.pages(path) if item["name"] == name), None)

    def artifacts(self, project: str) -> dict[str, list[dict]]:
        """Return repository -> artifacts of a project."""
        found = {}
        for repository in self.pages(f"/projects/{project}/repositories"):
            path = f"/projects/{project}/repositories/{encoded(repository['name'], project)}/artifacts"
            found[repository["name"]] = list(self.pages(path))
        return found

    def images(self, project: str) -> dict[str, set[str]]:
        """Return repository -> tags, and digests of untagged images."""
        return {
            name: {tag["name"] for item in items for tag in item["tags"] or []}
            | {item["digest"] for item in items if not item["tags"]}
            for name, items in self.artifacts(project).items()
        }

    def tags(self, project: str) -> dict[str, str]:
        """Return repository:tag -> digest of a project."""
        return {
            f"{name.partition('/')[2]}:{tag['name']}": item["digest"]
            for name, items in self.artifacts(project).items()
            for item in items
            for tag in item["tags"] or []
        }

    def schedule(self, path: str) -> dict | None:
        """Return what Harbor says of the schedule of the whole system, None if there is none."""
        return self.ask("GET", f"{API}/system/{path}/schedule", good=(200,))

    # What tests need

    def needs_system(self, version: tuple[int, int] = (2, 6)) -> None:
        """Raise Skipped unless what belongs to the whole system may be touched, and is there."""
        if not self.fake and not self.settings.consents("SYSTEM"):
            raise Skipped(f"{SYSTEM} is not set: it would touch what belongs to the whole Harbor")
        if self.version < version:
            raise Skipped(f"needs Harbor {'.'.join(map(str, version))}, this is {self.full_version}")

    def itself(self) -> dict:
        """Return the options of an endpoint that is this Harbor; raises Skipped if it does not reach itself."""
        secret = {"access_key": self.username, "access_secret": self.password}
        insecure = not self.tls.get("validate_certs", True)
        endpoint = {"type": "harbor", "url": self.own_url, "insecure": insecure, **secret}
        try:
            self.ask("POST", f"{API}/registries/ping", endpoint)
        except Answered as answered:
            raise Skipped(
                f"Harbor does not reach itself at {self.own_url} (set HARBOR_SELF_URL to an address that it knows, and "
                f"REGISTRY_HYGIENE_REAL_INSECURE for a certificate that it does not trust): {answered}"
            ) from None
        return endpoint

    def with_peer(self) -> None:
        """Make sure that there is an endpoint which is this Harbor."""
        self.done("harbor_registry", {"name": self.peer, **self.itself()})


def encoded(repository: str, project: str) -> str:
    """Return the name of a repository as paths have it: without its project, encoded twice."""
    return quote(quote(repository[len(project) + 1 :], safe=""), safe="")


def far_cron(days: int = 180) -> str:
    """Return a cron that first fires in so many days."""
    then = time.gmtime(time.time() + days * 86400)
    return f"0 30 3 {then.tm_mday} {then.tm_mon} *"
