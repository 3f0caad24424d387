# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call the fake Harbor: users, robots, roles in projects, and users locked after a wrong password."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .store import Project

LIST, READ = ("list",), ("read",)
ALL = ("create", "read", "update", "delete", "list")
PUBLIC: dict[str, tuple[str, ...]] = {
    "project": READ,
    "repository": ("list", "pull", "read"),
    "artifact": ("read", "list"),
    "tag": LIST,
    "accessory": LIST,
    "label": ("read", "list"),
}
GUEST = {**PUBLIC, "metadata": ("read", "list"), "member": LIST}
DEVELOPER = {
    **GUEST,
    "repository": ("create", "read", "update", "list", "pull", "push"),
    "artifact": ("create", "read", "list"),
    "tag": ("list", "create"),
    "tag-retention": (*ALL, "operate"),
}
MAINTAINER = {
    **DEVELOPER,
    "repository": (*ALL, "pull", "push"),
    "artifact": ALL,
    "tag": ("list", "create", "delete"),
    "label": ALL,
    "metadata": ALL,
    "immutable-tag": ALL,
}
PROJECT_ADMIN = {**MAINTAINER, "project": ("read", "update", "delete")}
ROLES = {
    "projectAdmin": PROJECT_ADMIN,
    "maintainer": MAINTAINER,
    "developer": DEVELOPER,
    "guest": GUEST,
    "limitedGuest": {name: actions for name, actions in GUEST.items() if name != "member"},
}
ROLE_IDS = {"projectAdmin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limitedGuest": 5}


@dataclass
class Account:
    """A caller that signed in: a user or a robot."""

    name: str
    sysadmin: bool = False
    robot: dict[str, Any] | None = None

    def may_system(self, resource: str, action: str) -> bool:
        """Whether the caller has a right of the whole system."""
        return self.sysadmin or self._granted("system", "/", resource, action)

    def may_in(self, project: str, resource: str, action: str) -> bool:
        """Whether a robot was granted a right in the project of that name."""
        return self._granted("project", project, resource, action)

    def _granted(self, kind: str, namespace: str, resource: str, action: str) -> bool:
        if self.robot is None:
            return False
        return any(
            item["kind"] == kind
            and item["namespace"] in (namespace, "*")
            and {"resource": resource, "action": action} in item["access"]
            for item in self.robot["permissions"]
        )

    @property
    def of_project(self) -> str | None:
        """Returns the project of a project's robot."""
        return self.robot.get("project") if self.robot and self.robot["level"] == "project" else None


@dataclass
class Accounts:
    """All users and robots. A robot is known by the current prefix and its name without the prefix of its creation."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    robots: list[dict[str, Any]] = field(default_factory=list)
    prefix: str = "robot$"
    locked: dict[str, float] = field(default_factory=dict)

    def add_robot(self, robot: dict[str, Any]) -> None:
        """Adds a robot by its full name."""
        name = robot["name"]
        bare = name[len(self.prefix) :] if name.startswith(self.prefix) else name
        self.robots.append({"level": "system", "permissions": [], **robot, "bare": bare})

    def sign_in(self, header: str | None, now: float, lock: float) -> Account | None:
        """Returns the caller of an Authorization header, None for an anonymous one; a wrong password locks the user."""
        scheme, _blank, rest = (header or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
        if not colon:
            return None
        if name.startswith(self.prefix):
            return self._robot(name, password)
        user = self.users.get(name)
        if self.locked.get(name, 0) > now:
            return None
        if user is None or not password or user["password"] != password:
            self.locked[name] = now + lock
            return None
        return Account(name, bool(user.get("sysadmin")))

    def _robot(self, name: str, password: str) -> Account | None:
        for robot in self.robots:
            good = robot["bare"] == name[len(self.prefix) :] and robot["secret"] == password
            if good and not robot.get("disabled") and not robot.get("expired"):
                return Account(name, robot=robot)
        return None

    @staticmethod
    def may(account: Account | None, project: Project | None, resource: str, action: str) -> bool:
        """Whether a caller (None: anonymous) has a right in a project (None: one that does not exist)."""
        if account is not None and account.sysadmin:
            return True
        if project is None:
            return False
        if project.public and action in PUBLIC.get(resource, ()):
            return True
        if account is None:
            return False
        if account.robot is not None:
            return account.may_in(project.name, resource, action)
        return action in ROLES.get(project.members.get(account.name, ""), {}).get(resource, ())

    @staticmethod
    def sees(account: Account | None, project: Project) -> bool:
        """Whether a project is in the caller's list of projects."""
        if project.public or (account is not None and account.sysadmin):
            return True
        if account is None:
            return False
        if account.robot is not None:
            return account.of_project in (None, project.name)
        return account.name in project.members
