# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registries of the demo hold, and what is declared, seen by the fakes' control planes: not by our modules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from stage import control

QUAY_KEYS = ("method", "value", "tagPattern", "tagPatternMatches")
SWR_VALUES = {"date_rule": "days", "tag_rule": "num"}

DELETIONS = ("delete_artifact", "delete_tag", "delete_repository")


class Policies:
    """The policies and the tags of a registry; wanted: target -> its declared policies, and if there may be others."""

    def __init__(self, there: dict[str, list], wanted: dict[str, tuple[list, bool]], tags: dict[str, list]) -> None:
        self.wanted = wanted
        self.there = {name: sorted(there[name]) for name in wanted}
        self.undeclared = {name: (policies, tags.get(name)) for name, policies in there.items() if name not in wanted}
        self.tags = {name: tags[name] for name in wanted if name in tags}

    def verdict(self, name: str) -> str:
        """Return how the policies of a target compare with the declared ones."""
        there, (wanted, others) = self.there[name], self.wanted[name]
        if there == sorted(wanted) or (others and set(wanted) <= set(there)):
            return "as declared"
        return "other policies" if there else "no policies"

    def verdicts(self) -> set[str]:
        """Return the verdicts on all targets."""
        return {self.verdict(name) for name in self.there}

    def count(self, verdict: str, repositories: bool = True) -> int:
        """Return how many repositories (or organizations) compare so."""
        return sum(self.verdict(name) == verdict for name in self.there if (name in self.tags) == repositories)

    def count_tags(self) -> int:
        """Return how many tags there are."""
        return sum(map(len, self.tags.values()))

    def releases(self, namespace: str) -> dict[str, int]:
        """Return how many releases each repository holds."""
        names = [name for name in self.tags if fnmatchcase(name, f"{namespace}/*")]
        return {name: sum(tag.startswith("v") for tag in self.tags[name]) for name in names}


def quay(url: str, variables: dict[str, Any]) -> Policies:
    """Return the policies of a Quay."""
    state = control(url, "state")
    holders = {space["name"]: space for space in state["organizations"] + state["users"]}
    tags = {}
    for space in state["organizations"]:
        for item in space["repositories"]:
            name = f"{space['name']}/{item['name']}"
            holders[name] = item
            tags[name] = [tag["name"] for tag in item["tags"] if alive(tag)]
    wanted = {}
    for group in variables["quay_hygiene_organizations"] + variables["quay_hygiene_repositories"]:
        declared = [quay_words(policy) for policy in group["policies"]]
        for name, holder in holders.items():
            if holder.get("state", "NORMAL") != "NORMAL":
                continue  # mirrors and read-only ones are left out
            if any(fnmatchcase(name, pattern) for pattern in group["names"]):
                wanted[name] = declared, not group.get("exclusive")
    there = {name: [plain(policy) for policy in holder.get("policies", [])] for name, holder in holders.items()}
    return Policies(there, wanted, tags)


def quay_words(policy: dict[str, Any]) -> tuple:
    """Return a declared policy of Quay."""
    matches = policy.get("tag_pattern_matches", True)
    return plain({**policy, "tagPattern": policy.get("tag_pattern"), "tagPatternMatches": matches})


def plain(policy: dict[str, Any]) -> tuple:
    """Return what makes two policies of Quay equal."""
    return tuple(str(policy[key]) for key in QUAY_KEYS)


def alive(tag: dict[str, Any]) -> bool:
    """Return whether a tag of Quay has not ended."""
    return tag["expires_in_seconds"] is None or tag["expires_in_seconds"] > 0


def swr(url: str, variables: dict[str, Any]) -> Policies:
    """Return the policies of an SWR."""
    there, tags, wanted = {}, {}, {}
    for space in control(url, "state")["organizations"]:
        for item in space["repositories"]:
            name = f"{space['name']}/{item['name']}"
            tags[name] = [tag["name"] for tag in item["tags"]]
            there[name] = [swr_words(rule, rule["params"]) for policy in item["retentions"] for rule in policy["rules"]]
            for entry in variables["swr_hygiene_policies"]:
                if any(fnmatchcase(name, f"{entry['namespace']}/{pattern}") for pattern in entry["repositories"]):
                    wanted[name] = [swr_words(entry, entry)], False
    return Policies(there, wanted, tags)


def swr_words(policy: dict[str, Any], values: dict[str, Any]) -> tuple:
    """Return what makes two policies of SWR equal."""
    selectors = sorted((item["kind"], item["pattern"]) for item in policy.get("tag_selectors") or [])
    return policy["template"], int(values[SWR_VALUES[policy["template"]]]), tuple(selectors)


class Garbage:
    """The garbage collections of the declared registries of DigitalOcean."""

    def __init__(self, url: str, variables: dict[str, Any]) -> None:
        registries = {registry["name"]: registry for registry in control(url, "state")["registries"]}
        names = variables["do_registry_hygiene_registries"]
        self.registries = {name: registries.pop(name) for name in names}
        self.undeclared = {name: [run["uuid"] for run in registry["runs"]] for name, registry in registries.items()}
        self.ages = {}  # days since the last success
        for name, registry in self.registries.items():
            ages = [run["updated_age_seconds"] for run in registry["runs"] if run["status"] == "succeeded"]
            self.ages[name] = round(min(ages) / 86400)
        self.stored = sum(registry["storage_usage_bytes"] for registry in self.registries.values())

    def freed(self, since: Garbage) -> int:
        """Return how many bytes were freed since then."""
        return self._freed() - since._freed()

    def _freed(self) -> int:
        return sum(run["freed_bytes"] for registry in self.registries.values() for run in registry["runs"])


MIRROR = "mirror"  # the project that a Harbor mirrors into


def releases(url: str, project: str) -> dict[tuple, str]:
    """Return (repository, tag) -> digest of the releases in a project of a Harbor."""
    return tags_of(control(url, "state"), project, "v*")


def tags_of(state: dict[str, Any], project: str, pattern: str = "*") -> dict[tuple, str]:
    """Return (repository, tag) -> digest in a project of a Harbor."""
    return {
        (item["name"], tag["name"]): artifact["digest"]
        for one in state["projects"]
        for item in (one["repositories"] if one["name"] == project else [])
        for artifact in item["artifacts"]
        for tag in artifact["tags"]
        if fnmatchcase(tag["name"], pattern)
    }


def retention_words(rules: list[dict[str, Any]]) -> list[tuple]:
    """Return what rules of tag retention say, whether they are declared or a Harbor's."""
    return sorted(
        (
            rule["template"],
            rule["value"] if "value" in rule else rule["params"][rule["template"]],
            tuple(selector["pattern"] for selector in rule["tag_selectors"]),
        )
        for rule in rules
    )


def within(entry: dict[str, Any], projects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the projects that a declaration names."""
    return [one for one in projects if any(fnmatchcase(one["name"], pattern) for pattern in entry["projects"])]


class Upkeep:
    """What a Harbor mirrors, protects and retains, its schedules, and what is there."""

    def __init__(self, url: str, variables: dict[str, Any]) -> None:
        state = control(url, "state")
        purge, garbage = variables["harbor_hygiene_purge_schedule"], variables["harbor_hygiene_gc_schedule"]
        self.wanted = {
            "PURGE_AUDIT_LOG": (purge["schedule"], int(purge["audit_retention_hour"].rstrip("d")) * 24, True),
            "GARBAGE_COLLECTION": (garbage["schedule"], garbage["delete_untagged"], garbage["workers"]),
        }
        self.events = set(purge["include_event_types"])
        self.there = {each["vendor_type"]: self._words(each) for each in state["schedules"]}
        self.undeclared = {key: state[key] for key in ("configuration", "labels", "robots")}
        self.missing = []  # names of declared endpoints and policies
        for key in ("registries", "replication_policies"):
            there, names = state[key], {item["name"] for item in variables[f"harbor_hygiene_{key}"]}
            self.missing += names - {item["name"] for item in there}
            self.undeclared[key] = [item for item in there if item["name"] not in names]
        self.mirrored = tags_of(state, MIRROR)
        self.projects = {
            "immutable tags": self._protected(state["projects"], variables["harbor_hygiene_immutable_tags"]),
            "tag retention": self._retained(state["projects"], variables["harbor_hygiene_retention"]),
        }
        named = [one for entry in variables["harbor_hygiene_retention"] for one in within(entry, state["projects"])]
        self.undeclared["retention"] = [one.get("retention") for one in state["projects"] if one not in named]
        kept = [project for project in state["projects"] if project["name"] != MIRROR]
        self.repositories = {f"{one['name']}/{item['name']}": item for one in kept for item in one["repositories"]}
        # (repository, digest) -> the names of its tags
        self.artifacts = {
            (name, artifact["digest"]): [tag["name"] for tag in artifact["tags"]]
            for name, item in self.repositories.items()
            for artifact in item["artifacts"]
        }
        rows = state["audit_rows"] + state["old_audit_rows"]
        # Whatever is deleted meanwhile leaves rows of its own.
        self.rows = sum(some["count"] for some in rows if some.get("event_type") not in DELETIONS)

    @staticmethod
    def _protected(projects: list[dict[str, Any]], declared: list[dict[str, Any]]) -> set[str]:
        found = set()
        for entry in declared:
            for one in within(entry, projects):
                there = [selector["pattern"] for rule in one["immutable_rules"] for selector in rule["tag_selectors"]]
                wanted = [rule["tag_selector"]["pattern"] for rule in entry["rules"]]
                found.add("as declared" if set(wanted) <= set(there) else "otherwise" if there else "none")
        return found

    @staticmethod
    def _retained(projects: list[dict[str, Any]], declared: list[dict[str, Any]]) -> set[str]:
        found = set()
        for entry in declared:
            for one in within(entry, projects):
                policy = one.get("retention")
                same = policy and retention_words(policy["rules"]) == retention_words(entry["rules"])
                fires = same and policy["trigger"]["settings"]["cron"]
                found.add("as declared" if fires else "otherwise" if policy else "none")
        return found

    def _words(self, schedule: dict[str, Any]) -> tuple:
        given, word = schedule["parameters"], schedule["type"].lower()
        if schedule["vendor_type"] == "GARBAGE_COLLECTION":
            return word, given["delete_untagged"], given["workers"]
        events = set(given.get("include_event_types", "").split(","))
        return word, given["audit_retention_hour"], self.events <= events and not given["dry_run"]

    def verdicts(self) -> dict[str, str]:
        """Return how all of that compares with the declared."""
        found = {"mirror": "none" if self.missing else "as declared"}
        found.update({what: " and ".join(sorted(verdicts)) for what, verdicts in self.projects.items()})
        for kind, what in (("PURGE_AUDIT_LOG", "purge"), ("GARBAGE_COLLECTION", "garbage collection")):
            there = self.there.get(kind)
            found[what] = "none" if there is None else "as declared" if there == self.wanted[kind] else "otherwise"
        return found
