# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds on Quay."""

from __future__ import annotations

from typing import Any

from fakes.quay import Quay

from chaos.world import World

DAY = 86400
SCOPES = ["org:admin", "repo:admin", "repo:read", "user:admin", "user:read"]
KINDS = [
    ("number_of_tags", None, True),
    ("number_of_tags", "^v", True),
    ("number_of_tags", "^dev-", True),
    ("creation_date", None, True),
    ("creation_date", "^dev-", True),
    ("creation_date", "^v", False),
]
VALUES = {"number_of_tags": (1, 3, 10), "creation_date": ("7d", "30d", "90d")}
LIMITS = [{}] * 8 + [{"max_deletions": 0}, {"max_deletions": 3}, {"max_deletions": 1000}, {"protect": ["^latest$"]}]


def identity(policy: tuple) -> tuple:
    """Returns what a policy is known by."""
    return policy[0], policy[2], policy[3]


class QuayWorld(World):
    """The policies of organizations, of repositories or of the user; states are sorted tuples of policies."""

    module = "quay_autoprune_policy"

    def estate(self) -> Quay:
        """Returns a Quay with decoys."""
        self.secrets = [f"{self.chance.getrandbits(160):040x}" for _number in range(2)]
        tokens = [{"as": "x", "token": text, "scopes": SCOPES} for text in self.secrets]
        names = self.chance.sample(
            ["app", "api", "team/app", "team/web", "app-archive", "x"], self.chance.randint(1, 6)
        )
        other = dict(self._repository("app"), policies=[self._policy(KINDS[0])])
        return Quay(
            {
                "features": {"AUTO_PRUNE": True},
                "users": [
                    {"name": "alice", "tokens": tokens[:1], "policies": self._policies()},
                    {"name": "mallory", "tokens": tokens[1:], "policies": self._policies()},
                ],
                "organizations": [
                    self._organization("acme", "alice", [self._repository(name) for name in names]),
                    self._organization("acme-archive", "alice", [other]),
                    self._organization("globex", "alice", [self._repository("app")]),
                    self._organization("rivals", "mallory", [other]),
                ],
                "user_repositories": [dict(self._repository("notes"), owner="alice")],
            }
        )

    def _organization(self, name: str, admin: str, repositories: list) -> dict:
        policies = self._policies() if self.chance.random() < 0.5 else []
        return dict(name=name, admins=[admin], members=[], repositories=repositories, policies=policies)

    def _repository(self, name: str) -> dict:
        tags = [
            {
                "name": tag,
                "digest": f"sha256:{self.chance.getrandbits(256):064x}",
                "age_seconds": DAY * age + 7 * number,
            }
            for number, (tag, age) in enumerate((tag, self.chance.randrange(200)) for tag in self._tags())
        ]
        state = self.chance.choice(["NORMAL"] * 6 + ["MIRROR", "READ_ONLY"])
        return dict(name=name, state=state, tags=tags, policies=self._policies())

    def _tags(self) -> list[str]:
        return self.chance.sample(["latest", "v1", "v2", "v3", "dev-1", "dev-2", "other"], self.chance.randrange(8))

    def _policy(self, kind: tuple) -> dict:
        method, pattern, matches = kind
        value = self.chance.choice(VALUES[method])
        return dict(method=method, value=value, tagPattern=pattern, tagPatternMatches=matches)

    def _policies(self) -> list[dict]:
        found: list[dict] = []
        for _number in range(self.chance.choice([0, 0, 1, 1, 2, 3])):
            policy = self._policy(self.chance.choice(KINDS))
            if policy not in found:
                found.append(policy)
        return found

    def declare(self) -> None:
        """Sets options and targets."""
        kinds = self.chance.sample(KINDS, self.chance.randint(1, 3))
        policies = [
            dict(
                method=method,
                tag_pattern=pattern,
                tag_pattern_matches=matches,
                value=self.chance.choice(VALUES[method]),
            )
            for method, pattern, matches in kinds
        ]
        self.absent = self.chance.random() < 0.15
        self.exclusive = not self.absent and self.chance.random() < 0.6
        self.options = dict(policies=policies, exclusive=self.exclusive, **self.chance.choice(LIMITS))
        if self.absent:
            self.options["state"] = "absent"
            if self.chance.random() < 0.5:
                del self.options["policies"]
        self.declared = {
            (p["method"], p["tag_pattern"], p["tag_pattern_matches"]): p["value"]
            for p in self.options.get("policies", [])
        }
        self._choose()

    def _choose(self) -> None:
        mine = [name for (space, name) in self.fake.repositories if space == "acme"]
        scope = self.chance.choice(["glob", "glob", "names", "organizations", "all", "user"])
        normal = [name for name in mine if self._normal(f"acme/{name}") or self.absent]
        if scope == "glob":
            self.options["repositories"] = ["acme/*"]
            names = [f"acme/{name}" for name in normal]
        elif scope == "names" and normal:
            names = [f"acme/{name}" for name in self.chance.sample(normal, self.chance.randint(1, len(normal)))]
            self.options["repositories"] = names
        elif scope == "all":
            self.options["organizations"] = ["acme*", "globex"]
            names = ["acme", "acme-archive", "globex"]
        elif scope == "user":
            self.options["current_user"] = True
            self.targets = {("user", "alice"): "current_user"}
            return
        else:
            names = self.options["organizations"] = ["acme"]
        self.targets = {("repository" if "/" in name else "organization", name): name for name in names}

    def _normal(self, name: str) -> bool:
        return self.fake.repositories[tuple(name.split("/", 1))]["state"] == "NORMAL"

    def access(self, url: str) -> dict[str, str]:
        """Returns the environment with address and token."""
        return {"QUAY_URL": url, "QUAY_TOKEN": self.secrets[0]}

    def snapshot(self) -> dict[Any, Any]:
        """Returns key -> policies of all namespaces and repositories."""
        holders = [
            ("organization" if space["organization"] else "user", space) for space in self.fake.namespaces.values()
        ]
        found = {(kind, space["name"]): space["policies"] for kind, space in holders}
        found.update({("repository", "/".join(key)): row["policies"] for key, row in self.fake.repositories.items()})
        return {key: self._words(policies) for key, policies in found.items()}

    def _words(self, policies: list) -> tuple:
        rows = [(p["method"], p["value"], p["tagPattern"], p["tagPatternMatches"]) for p in policies]
        return tuple(sorted(rows, key=str))

    def wanted(self, key: Any) -> Any:
        """Returns the declared policies, and the others unless they are to go."""
        others = [policy for policy in self.initial[key] if identity(policy) not in self.declared]
        if self.absent:
            return tuple(others) if self.declared else ()
        mine = [(kind[0], value, kind[1], kind[2]) for kind, value in self.declared.items()]
        return tuple(sorted(mine + ([] if self.exclusive else others), key=str))

    def wrong(self, key: Any, initial: Any, before: Any, after: Any) -> list[str]:
        """Returns whether the last policy went, or one came that nobody declared."""
        found = []
        if before and not after and self.wanted(key):
            found.append("no policy is left")
        if set(after) - set(initial) - set(self.wanted(key)):
            found.append(f"{after} holds what was neither there nor declared")
        if set(self.wanted(key)) & set(before) - set(after):
            found.append(f"a declared policy went: {before} became {after}")
        return found

    def refusal(self) -> str:
        """Returns the limits that are set."""
        return "max_deletions|protect" if {"max_deletions", "protect"} & set(self.options) else ""

    def afterwards(self, changed: set) -> list[str]:
        """Returns whether the worker deletes more of the changed targets than the limit lets go."""
        if "max_deletions" not in self.options:
            return []

        def images() -> int:
            return sum(
                len(self.fake.tags("/".join(key)))
                for key in self.fake.repositories
                if {("repository", "/".join(key)), ("organization", key[0]), ("user", key[0])} & changed
            )

        before = images()
        for _number in range(len(self.fake.namespaces)):
            self.fake.tick()
        gone, most = before - images(), self.options["max_deletions"]
        return [f"{gone} images went, max_deletions is {most}"] if gone > most else []
