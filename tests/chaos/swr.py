# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds on SWR."""

from __future__ import annotations

from typing import Any

from fakes.swr import Swr

from chaos.world import World

DAY = 86400
SELECTORS = [[], [{"kind": "label", "pattern": "latest"}], [{"kind": "regexp", "pattern": "^v.*$"}]]
LIMITS = ({}, {}, {}, {"max_deletions": 0}, {"max_deletions": 1000})
TOLD = ("THERE IS NO POLICY NOW", "is not known", "reading", "looking")


class SwrWorld(World):
    """The retention policies of repositories; states are sorted tuples of (template, number, selectors)."""

    module = "swr_retention"

    def estate(self) -> Swr:
        """Returns an SWR with decoys."""
        chance = self.chance
        self.key = {"access": f"{chance.getrandbits(80):020X}", "secret": f"{chance.getrandbits(160):040x}"}
        self.password = f"P{chance.getrandbits(160):039x}"
        self.secrets = [self.key["secret"], self.password]
        user = {"name": "robot", "domain": "acme-account", "password": self.password, "access_keys": [self.key]}
        names = chance.sample(["app", "api", "team/app", "team/app-archive", "a/b/c"], chance.randint(1, 5))
        self.several = chance.random() < 0.15
        switches = {
            "second_post": "append" if self.several else "refuse",
            "retention_id_as": chance.choice(["integer", "string"]),
            "empty_selectors_as": chance.choice(["list", "null", "missing"]),
            "error_shape": chance.choice(["double", "errors", "array", "object"]),
            "iam_lock_after": 0,
            "key_lock_after": 0,
        }
        return Swr(
            {
                "users": [user],
                "projects": [{"name": "eu-de", "domain": "acme-account"}],
                "switches": switches,
                "organizations": [
                    {"name": "acme", "repositories": [self._repository(name) for name in names]},
                    {"name": "acme-archive", "repositories": [self._repository("app"), self._repository("team/app")]},
                ],
            }
        )

    def _repository(self, name: str) -> dict:
        chance = self.chance
        tags = [{"name": tag, "age_seconds": DAY * chance.randrange(200)} for tag in ("latest", "v1", "dev")]
        count = chance.choice([0, 1, 1, 1, 2 if self.several else 1])
        return dict(name=name, tags=tags, retentions=[self._rule() for _number in range(count)])

    def _rule(self) -> dict:
        template, option, number = self.chance.choice([("date_rule", "days", 300), ("tag_rule", "num", 50)])
        selectors = self.chance.choice(SELECTORS)
        number += self.chance.randrange(3)
        return {"template": template, "params": {option: str(number)}, "tag_selectors": selectors}

    def declare(self) -> None:
        """Sets options and targets."""
        chance = self.chance
        mine = [name for (space, name) in self.fake.repositories if space == "acme"]
        names = mine if chance.random() < 0.6 else chance.sample(mine, chance.randint(1, len(mine)))
        self.options = {"namespace": "acme", "repositories": ["*"] if len(names) == len(mine) else names}
        self.targets = {f"acme/{name}": name for name in names}
        self.replace = chance.random() < 0.6
        self.rule = None if chance.random() < 0.2 else self._rule()
        if self.rule:
            number = {option: int(text) for option, text in self.rule["params"].items()}
            self.options.update(template=self.rule["template"], **number, tag_selectors=self.rule["tag_selectors"])
            self.options.update(chance.choice(LIMITS), allow_replace=self.replace)
        else:
            self.options["state"] = "absent"
        self.by_key = chance.random() < 0.7

    def access(self, url: str) -> dict[str, str]:
        """Returns the environment with addresses and credentials."""
        if self.by_key:
            return {"SWR_URL": url, "SWR_ACCESS_KEY": self.key["access"], "SWR_SECRET_KEY": self.key["secret"]}
        names = {"USERNAME": "robot", "PASSWORD": self.password, "USER_DOMAIN_NAME": "acme-account"}
        return {"SWR_URL": url, "IAM_URL": f"{url}/v3", **self._os(dict(names, PROJECT_NAME="eu-de"))}

    def _os(self, names: dict) -> dict[str, str]:
        return {f"OS_{name}": text for name, text in names.items()}

    def snapshot(self) -> dict[Any, Any]:
        """Returns key -> rules of the policies of all repositories."""
        return {
            "/".join(key): tuple(sorted(self._words(rule) for item in row["retentions"] for rule in item["rules"]))
            for key, row in self.fake.repositories.items()
        }

    def _words(self, rule: dict) -> tuple:
        selectors = tuple(sorted((one["kind"], one["pattern"]) for one in rule.get("tag_selectors") or []))
        return rule["template"], *(str(number) for number in rule["params"].values()), selectors

    def wanted(self, key: Any) -> Any:
        """Returns the declared policy, or what was there if it must not be replaced."""
        if not self.rule:
            return ()
        templates = {words[0] for words in self.initial[key]}
        refused = templates and self.rule["template"] not in templates and not self.replace
        return self.initial[key] if refused else (self._words(self.rule),)

    def wrong(self, key: Any, initial: Any, before: Any, after: Any) -> list[str]:
        """Returns whether the last policy went without need, or one came that nobody declared."""
        found = []
        gap = self.replace and self.rule and self.rule["template"] not in {words[0] for words in initial}
        if before and not after and self.wanted(key) and not gap:
            found.append("no policy is left")
        if set(after) - set(initial) - set(self.wanted(key)):
            found.append(f"{after} holds what was neither there nor declared")
        if len(after) > 1 and len(after) > len(before) and not self.several:
            found.append(f"there are several policies: {after}")
        return found

    def healed(self, key: Any, before: Any, state: Any, text: str) -> list[str]:
        """Returns whether a target lost its policy and nobody says so."""
        lost = self.rule and before and not state
        return [f"{key} has no policy, and nobody says so"] if lost and not any(word in text for word in TOLD) else []

    def refusal(self) -> str:
        """Returns the options that a refusal may name."""
        refused = any(
            self.wanted(key) == self.initial[key] != (self._words(self.rule),) for key in self.targets if self.rule
        )
        names = ["max_deletions"] * ("max_deletions" in self.options) + ["allow_replace"] * refused
        return "|".join(names)
