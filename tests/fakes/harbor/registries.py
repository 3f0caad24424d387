# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry endpoints of the fake Harbor: their checks, their health, pings and capabilities."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._base import Answer
from . import models
from .gojson import NO_TIME, stamp, without_empty
from .listing import Match, Table, filtered, listing
from .remotes import Remote
from .wire import PAGING, Call, Refusal, Route, bad_request, created, done, not_found, ok, unknown

if TYPE_CHECKING:
    from .server import Harbor

MASK = "*****"
LONGEST_NAME = 64
LOCAL_URL = "http://core:8080"
UNHEALTHY = "the registry is unhealthy"
OLD_TYPES = ("artifact-hub", "helm-hub")  # gone with 2.8
TYPES = [
    *("ali-acr", "aws-ecr", "azure-acr", "docker-hub", "docker-registry", "dtr", "github-ghcr", "gitlab", "google-gcr"),
    *("harbor", "huawei-SWR", "jfrog-artifactory", "quay", "tencent-tcr", "volcengine-cr"),
]
NOT_WHITELISTED = ("dtr", "gitlab", "quay")
REGISTRIES = Table(
    {
        "id": ("ID", "number"),
        "name": ("Name", "text"),
        "type": ("Type", "text"),
        "url": ("URL", "text"),
        "description": ("Description", "text"),
        "insecure": ("Insecure", "bool"),
        "creation_time": ("CreationTime", "time"),
        "update_time": ("UpdateTime", "time"),
    }
)
PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s*(.*?)-----END CERTIFICATE-----", re.DOTALL)
ADAPTER_INFOS = {
    "docker-hub": {
        "endpoint_pattern": {
            "endpoint_type": "EndpointPatternTypeFix",
            "endpoints": [{"key": "hub.docker.com", "value": "https://hub.docker.com"}],
        }
    },
    "google-gcr": {
        "credential_pattern": {
            "access_key_data": "_json_key",
            "access_key_type": "AccessKeyTypeFix",
            "access_secret_data": "No Change",
            "access_secret_type": "AccessSecretTypeFile",
        },
        "endpoint_pattern": {
            "endpoint_type": "EndpointPatternTypeList",
            "endpoints": [
                {"key": name, "value": f"https://{name}"}
                for name in ("gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io")
            ],
        },
    },
}


@dataclass(eq=False)
class Registry:
    """A stored endpoint; access_secret may stay after the key's end only until the next write."""

    id: int
    name: str
    type: str
    url: str
    creation_time: float
    update_time: float
    description: str = ""
    insecure: bool = False
    ca_certificate: str = ""
    credential_type: str = "basic"
    access_key: str = ""
    access_secret: str = ""
    status: str = "healthy"


def normalised(url: str) -> str:
    """Returns a URL as Harbor stores it; raises the 400."""
    text = url.strip(" ").rstrip("/")
    if not text:
        raise bad_request("empty string")
    if "://" not in text:
        text = f"http://{text}"
    scheme = text.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        raise bad_request(f"invalid HTTP scheme: {scheme}")
    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        if parts.port is None and not host:
            raise ValueError("no host")
    except ValueError as error:
        reason = "missing ']' in host" if "[" in text and "]" not in text else str(error)
        raise bad_request(f'invalid URL: parse "{text}": {reason}') from None
    return f"{scheme}://{host}{parts.path}"


def check_certificate(text: str) -> None:
    """Raises the 400 of a text that is no PEM or no certificate."""
    blocks = PEM.findall(text)
    if text and not blocks:
        raise bad_request("invalid CA certificate: no valid certificates found in PEM data")
    for block in blocks:
        try:
            data = base64.b64decode("".join(block.split()), validate=True)
        except ValueError:
            raise bad_request("invalid CA certificate: no valid certificates found in PEM data") from None
        if len(data) < 100 or data[0] != 0x30:
            raise bad_request("invalid CA certificate: failed to parse certificate: x509: malformed certificate")


class Registries:
    """The calls about endpoints."""

    def __init__(self, harbor: Harbor) -> None:
        self.harbor = harbor
        self.known: dict[int, Registry] = {}
        self.policies: Any = None  # the family of replication policies, set by itself
        self._last = 0
        self._schedule_check()

    def routes(self) -> dict[str, dict[str, Route]]:
        """Returns the routes."""
        return {
            "/registries": {
                "GET": Route(self.list, ("registry", "list"), query=(*PAGING, "name")),
                "POST": Route(self.create, ("registry", "create"), ("registry", models.REGISTRY)),
            },
            "/registries/ping": {"POST": Route(self.ping, ("registry", "read"), ("registry", models.REGISTRY_PING))},
            "/registries/{id}": {
                "GET": Route(self.get, ("registry", "read")),
                "PUT": Route(self.update, ("registry", "update"), ("registry", models.REGISTRY_UPDATE)),
                "DELETE": Route(self.delete, ("registry", "delete")),
            },
            "/registries/{id}/info": {"GET": Route(self.info, ("registry", "read"))},
            "/replication/adapters": {"GET": Route(self.adapters, ("replication-adapter", "list"))},
            "/replication/adapterinfos": {
                "GET": Route(lambda call: ok(ADAPTER_INFOS), ("replication-adapter", "list"))
            },
        }

    def find(self, number: int) -> Registry:
        """Returns the endpoint of an id; raises the 404."""
        if number not in self.known:
            raise not_found(f"registry {number} not found")
        return self.known[number]

    # Health

    def check(self, item: Registry) -> None:
        """Raises the 400 of an unhealthy endpoint and the 500 of one that cannot be asked at all."""
        types = TYPES if self.harbor.version >= (2, 8) else [*TYPES, *OLD_TYPES]
        late = item.type == "volcengine-cr" and self.harbor.version < (2, 11)
        if item.type not in types or late:
            raise unknown()
        remote = self.harbor.remotes.at(item.url)
        trusted = not item.url.startswith("https://") or item.insecure or self._trusts(item, remote)
        if remote is None or not remote.healthy or not trusted:
            raise unknown() if item.type == "harbor" else bad_request(UNHEALTHY)
        if (item.access_key or item.access_secret) and not self._accepted(item, remote):
            raise bad_request(UNHEALTHY)

    @staticmethod
    def _trusts(item: Registry, remote: Remote | None) -> bool:
        if remote is None or not remote.ca_certificate:
            return True
        wanted = "".join(PEM.findall(remote.ca_certificate)[0].split())
        return wanted in ["".join(block.split()) for block in PEM.findall(item.ca_certificate)]

    @staticmethod
    def _accepted(item: Registry, remote: Remote) -> bool:
        if remote.type != "harbor" and remote.anonymous:
            return True  # it never asks
        return bool(item.access_key) and remote.knows(item.access_key, item.access_secret) is not None

    def _schedule_check(self) -> None:
        self.harbor.jobs.later(self.harbor.switches["health_seconds"], self._check_all)

    def _check_all(self) -> None:
        for item in self.known.values():
            try:
                self.check(item)
                status = "healthy"
            except Refusal as refusal:
                status = item.status if refusal.code == "UNKNOWN" else "unhealthy"
            if status != item.status:
                item.status, item.update_time = status, self.harbor.at()
        late = self.harbor.now() - self.harbor.at()
        every = max(self.harbor.switches["health_seconds"], 1)
        self.harbor.jobs.later(max(late // every, 1) * every, self._check_all)  # after a leap of the clock: once

    # Calls

    def list(self, call: Call) -> Answer:
        """Lists the endpoints, not the local one."""
        rows: Any = list(self.known.values())
        name = call.query.get("name")
        if name:
            rows = filtered(rows, REGISTRIES, {"name": Match("fuzzy", name)})
        return listing(call, rows, REGISTRIES, self.shown)

    def shown(self, item: Registry | None) -> dict[str, Any]:
        """Returns an endpoint as the API shows it, None being this Harbor itself."""
        if item is None:
            return {
                "id": 0,
                "name": "Local",
                "type": "harbor",
                "url": LOCAL_URL,
                "insecure": True,
                "status": "healthy",
                "credential": {"type": "secret", "access_secret": MASK},
                "creation_time": NO_TIME,
                "update_time": NO_TIME,
            }
        credential = {"type": item.credential_type, "access_key": item.access_key}
        credential["access_secret"] = MASK if item.access_secret else ""
        shown = {
            "id": item.id,
            "name": item.name,
            "description": item.description,
            "type": item.type,
            "url": item.url,
            "insecure": item.insecure,
            "status": item.status,
            "ca_certificate": item.ca_certificate if self.harbor.version >= (2, 15) else "",
            "creation_time": stamp(item.creation_time),
            "update_time": stamp(item.update_time),
        }
        return {**without_empty(shown), "credential": without_empty(credential) if item.access_key else {}}

    def of_id(self, number: int) -> Registry | None:
        """Returns the endpoint of an id, None for 0; raises the 404."""
        return self.find(number) if number else None

    def get(self, call: Call) -> Answer:
        """Answers one endpoint; 0 is the local one."""
        return ok(self.shown(self.of_id(call.path["id"])))

    def create(self, call: Call) -> Answer:
        """Creates an endpoint whose remote is healthy."""
        body = call.body or {}
        credential = body.get("credential") or {}
        item = Registry(0, body.get("name", ""), body.get("type", ""), body.get("url", ""), self.harbor.at(), 0)
        item.description, item.insecure = body.get("description", ""), body.get("insecure", False)
        item.ca_certificate = body.get("ca_certificate", "")
        item.credential_type = credential.get("type") or "basic"
        item.access_key, item.access_secret = credential.get("access_key", ""), credential.get("access_secret", "")
        self._write(item, None)
        return created(f"/registries/{item.id}")

    def _write(self, item: Registry, old: Registry | None) -> None:
        if self.harbor.version >= (2, 15):
            check_certificate(item.ca_certificate)
        else:
            item.ca_certificate = ""
        if not item.name:
            raise bad_request("name cannot be empty")
        if len(item.name.encode()) > LONGEST_NAME:
            raise bad_request(f"the max length of name is {LONGEST_NAME}")
        item.url = normalised(item.url)
        self.check(item)
        if any(other.name == item.name and other is not old for other in self.known.values()):
            raise Refusal("CONFLICT", f"registry {item.name} already exists")
        if not item.access_key:
            item.access_secret = ""
        item.status, item.update_time = "healthy", self.harbor.at()
        if old is None:
            self._last += 1
            item.id = self._last
        self.known[item.id] = item

    def update(self, call: Call) -> Answer:
        """Changes what is sent, after a look at the remote."""
        if call.path["id"] == 0 and self.harbor.version < (2, 16):
            raise unknown()
        old, body = self.find(call.path["id"]), call.body or {}
        item = Registry(**{**old.__dict__, **body})
        item.credential_type = item.credential_type or "basic"
        moved = "url" in body and normalised(item.url) != old.url
        if moved and "access_secret" not in body and self.harbor.version >= (2, 16):
            item.access_secret = ""
        self._write(item, old)
        return done()

    def delete(self, call: Call) -> Answer:
        """Deletes an endpoint that nothing refers to."""
        number = call.path["id"]
        if number:
            self.find(number)
        message = f"the registry {number} is referenced by {{}}, cannot delete it"
        if any(number in (item.src, item.dest) for item in self.policies.known.values()):
            raise Refusal("PRECONDITION", message.format("replication policies"))
        if number == 0:
            if any(project.name != "library" for project in self.harbor.store.projects.values()):
                raise Refusal("PRECONDITION", message.format("proxy cache project"))
            raise not_found("registry 0 not found")
        del self.known[number]
        return done()

    def ping(self, call: Call) -> Answer:
        """Looks at a remote without storing anything."""
        body = dict(call.body or {})
        number = body.pop("id", None)
        if number == 0:
            return done()
        item = Registry(0, "", "", "", 0, 0)
        if number is not None:
            item = Registry(**self.find(number).__dict__)
            if self.harbor.version >= (2, 16):
                body = {key: value for key, value in body.items() if key not in ("url", "insecure", "ca_certificate")}
        item.__dict__.update(body)
        if self.harbor.version >= (2, 15):
            check_certificate(item.ca_certificate)
        if not item.type or not item.url:
            raise bad_request("type or url cannot be empty")
        item.url = normalised(item.url)
        self.check(item)
        return done()

    def info(self, call: Call) -> Answer:
        """Answers what an endpoint can do."""
        item = self.of_id(call.path["id"])
        kind, labels = (item.type, []) if item else ("harbor", [one["name"] for one in self.harbor.store.labels])
        if item is not None and kind == "harbor":
            remote = self.harbor.remotes.at(item.url)
            if remote is None or not remote.healthy:
                raise unknown()
            labels = remote.labels
        filters: list[dict[str, Any]] = [
            {"type": "name", "style": "input", "values": None},
            {"type": "tag", "style": "input", "values": None},
        ]
        if kind == "harbor":
            filters.append({"type": "label", "style": "list", "values": labels or None})
        values = ["image", "artifact"] if kind == "harbor" else ["image"]
        filters.append({"type": "resource", "style": "radio", "values": values})
        triggers = ["manual", "scheduled"] if item else ["manual", "scheduled", "event_based"]
        shown = {"type": kind, "supported_resource_filters": filters, "supported_triggers": triggers}
        return ok({**shown, "supported_copy_by_chunk": True} if kind == "harbor" else shown)

    def adapters(self, call: Call) -> Answer:
        """Lists the types."""
        types = [name for name in TYPES if name != "volcengine-cr" or self.harbor.version >= (2, 11)]
        if self.harbor.version < (2, 8):
            types = sorted([*types, *OLD_TYPES])
        if self.harbor.version >= (2, 14) and self.harbor.switches["adapter_whitelist"]:
            types = [name for name in types if name not in NOT_WHITELISTED]
        return ok(types)

    # State

    def load(self, given: dict[str, Any]) -> None:
        """Takes the endpoints of a state, unchecked."""
        for item in given.get("registries", []):
            self._last += 1
            at = self.harbor.at()
            self.known[self._last] = Registry(**{**item, "id": self._last, "creation_time": at, "update_time": at})

    def dump(self, given: dict[str, Any]) -> None:
        """Adds the endpoints to a state."""
        hidden = ("id", "creation_time", "update_time")
        given["registries"] = [
            {key: value for key, value in item.__dict__.items() if key not in hidden} for item in self.known.values()
        ]
