# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SWR's retention policies in option words: checks of what is declared, and reading what is there."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import answer, names, patterns, schedule, schema
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ContractError, PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry

TARGET_SPEC = dict(
    namespace=dict(type="str", required=True, aliases=["organization"]),
    repositories=dict(type="list", elements="str", required=True),
)
POLICY_SPEC = dict(
    template=dict(type="str", choices=["date_rule", "tag_rule"]),
    days=dict(type="int"),
    num=dict(type="int"),
    tag_selectors=dict(
        type="list",
        elements="dict",
        options=dict(
            kind=dict(type="str", required=True, choices=["label", "regexp"]),
            pattern=dict(type="str", required=True),
        ),
    ),
)
# template -> the option that goes with it, and the most that the console allows
LIMITS = {"date_rule": ("days", 365), "tag_rule": ("num", 1000)}
MOST_WORDS = 80  # characters of patterns in a rule
# SWR's documentation has ids as numbers, in older editions as texts, and the numbers of a rule as texts.
ID = {"type": ["integer", "string"], "minimum": 0, "maximum": 10**18, "pattern": r"^[0-9]{1,18}\Z"}
NUMBER = {"type": ["string", "integer"], "maxLength": 20}
TIME = {"type": "string", "maxLength": 60}
RULE = {
    "type": "object",
    "required": ["template", "params"],
    "properties": {
        "template": {"type": "string"},
        "params": {"type": "object", "properties": {"days": NUMBER, "num": NUMBER}},
        "tag_selectors": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["kind", "pattern"],
                "properties": {"kind": {"type": "string"}, "pattern": {"type": "string"}},
            },
        },
    },
}
POLICIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "rules"],
        "properties": {"id": ID, "rules": {"type": "array", "items": RULE}},
    },
}
TAGS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["Tag", "updated"],
        "properties": {
            "Tag": {"type": "string", "minLength": 1, "maxLength": 300},
            "updated": TIME,
            "created": dict(TIME, type=["string", "null"]),
            "digest": {"type": ["string", "null"], "maxLength": 300},
            "size": {"type": ["integer", "null"]},
        },
    },
}
HISTORIES = {
    "type": "object",
    "required": ["retention_log"],
    "properties": {
        "retention_log": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "tag", "created_at", "rule_type"],
                "properties": {
                    "id": ID,
                    "tag": {"type": "string", "maxLength": 300},
                    "created_at": TIME,
                    "retention_id": dict(ID, type=["integer", "string", "null"]),
                    "rule_type": {"type": ["string", "object"]},
                },
            },
        }
    },
}


def check(params: dict) -> list[str]:
    """Return warnings about the declared policy; raises PlanRefused that says what to write instead."""
    if params["state"] == "absent":
        return []
    if params["template"] is None:
        raise PlanRefused("template is null: write date_rule or tag_rule")
    option, most = LIMITS[params["template"]]
    value = params[option]
    for other, _most in LIMITS.values():
        if other != option and params[other] is not None:
            raise PlanRefused(f"{other} does not go with template {params['template']}, which takes {option}")
    if value is None or not 1 <= value <= most:
        raise PlanRefused(f"{option}: {value!r}: template {params['template']} takes a number from 1 to {most}")
    return [warning for selector in params["tag_selectors"] or [] for warning in _doubts(selector)]


def _doubts(selector: dict) -> list[str]:
    pattern = selector["pattern"]
    if not pattern.strip() or pattern != pattern.strip():
        raise PlanRefused(f"tag_selectors: pattern {pattern!r} is empty or has blanks around it: write what it means")
    if selector["kind"] == "label":
        if not re.match(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z", pattern):
            raise PlanRefused(
                f"tag_selectors: {pattern!r} is no tag: kind label takes one tag, kind regexp an expression"
            )
        return []
    # The manual warns that with a badly formed filter all tags of the image are deleted.
    fault = patterns.fault(pattern)
    if fault:
        raise PlanRefused(f"tag_selectors: pattern {pattern!r} is no regular expression: {fault}")
    doubts = []
    foreign = patterns.not_re2(pattern)
    if foreign:
        doubts.append(f"{foreign} is not known to all engines; keep to the syntax of RE2")
    if not (pattern.startswith("^") and pattern.endswith("$")):
        doubts.append("it is not anchored, and SWR does not say whether it must match a whole tag; write ^...$")
    return [f"tag_selectors: pattern {pattern!r}: {doubt}" for doubt in doubts]


def declared(params: dict) -> dict | None:
    """Return the declared policy as a state, None for absent."""
    if params["state"] == "absent":
        return None
    return _state(params["template"], params[LIMITS[params["template"]][0]], params["tag_selectors"])


def _state(template: str, value: Any, selectors: list | None) -> dict:
    pairs = sorted({(selector["kind"], selector["pattern"]) for selector in selectors or []})
    state = {"template": template, LIMITS[template][0]: value}
    return dict(state, tag_selectors=[{"kind": kind, "pattern": pattern} for kind, pattern in pairs])


def in_option_words(found: list) -> dict | None:
    """Return the policies of a repository, as SWR lists them, as one state.

    SWR documents one policy of one rule. What goes beyond is kept under keys that no declared state has:
    `further_policies`, and `rules` for a policy that the options cannot say.
    """
    if not found:
        return None
    state = one_in_option_words(found[0])
    return dict(state, further_policies=[one_in_option_words(policy) for policy in found[1:]]) if found[1:] else state


def one_in_option_words(policy: dict) -> dict:
    """Return one policy, as SWR lists it, as a state."""
    rules = policy["rules"]
    if len(rules) == 1 and rules[0]["template"] in LIMITS:
        value = rules[0]["params"].get(LIMITS[rules[0]["template"]][0])
        if re.match(r"[0-9]{1,9}\Z", str(value)):  # SWR writes numbers as texts
            return _state(rules[0]["template"], int(value), rules[0].get("tag_selectors"))
    return {"rules": rules}


def declaring(state: dict | None) -> dict:
    """Return the options that declare a state; raises PlanRefused if none do."""
    if state is None:
        return {"state": "absent"}
    if "rules" in state or "further_policies" in state:
        raise PlanRefused("SWR held several policies or rules here, which the options cannot say")
    return dict(state, allow_replace=True)


def template(policy: dict) -> str | None:
    """Return the template of a policy as SWR lists it, None if the options cannot say it."""
    return one_in_option_words(policy).get("template")


def in_api_words(state: dict) -> dict:
    """Return a state as a body for SWR: numbers as texts, and tag_selectors always."""
    option = LIMITS[state["template"]][0]
    rule = {
        "template": state["template"],
        "params": {option: str(state[option])},
        "tag_selectors": state["tag_selectors"],
    }
    return {"algorithm": "or", "rules": [rule]}


def tags(client: Any, namespace: str, repository: str) -> list:
    """Return the tags of a repository as SWR lists them."""
    where = registry.repository_path(namespace, repository, "tags")

    def rows() -> list:
        return list(registry.listing(client, where, TAGS, lambda tag: tag["Tag"]).values())

    # What is left of a plan is forecast again with on_limit: skip.
    return client.spooled(where, rows) if client.params["on_limit"] == "skip" else rows()


def history(client: Any, where: str, since: str | None) -> list[dict]:
    """Return which tags were deleted by policies since then, the latest first: tag, created_at, retention_id, rule."""
    rows = histories(client, where)
    limit = client.now() - schedule.seconds(since, "history_since") if since else 0.0
    return [row for row in rows if schedule.epoch(row["created_at"]) >= limit]


def histories(client: Any, where: str) -> list[dict]:
    """Return all that SWR remembers of which tags policies deleted, the latest first, in the same form."""
    rows = registry.listing(client, where, HISTORIES, lambda row: int(row["id"]), lambda page: page["retention_log"])
    recent = list(rows.values())
    recent.sort(key=lambda row: (schedule.epoch(row["created_at"]), int(row["id"])), reverse=True)
    return [_history_in_option_words(row) for row in recent]


def _history_in_option_words(row: dict) -> dict:
    rule = row["rule_type"]
    try:
        rule = answer.parse(rule) if isinstance(rule, str) else rule  # SWR gives the rule as a text of JSON
        schema.check(rule, RULE, "the history")
        words = one_in_option_words({"rules": [rule]})
    except (ValueError, ContractError):
        words = {"rules": [rule]}
    return {"tag": row["tag"], "created_at": row["created_at"], "retention_id": row.get("retention_id"), "rule": words}


def rule(state: dict) -> str:
    """Return a policy in words: what it deletes, and what it spares."""
    if "template" not in state:
        return printable(f"rules {json.dumps(state.get('rules'))}", 2 * MOST_WORDS)
    option = LIMITS[state["template"]][0]
    text = {"days": "older than {} days", "num": "all but the newest {}"}[option].format(state[option])
    spared = printable(", ".join(selector["pattern"] for selector in state["tag_selectors"]), MOST_WORDS)
    further = len(state.get("further_policies", []))
    return text + (f", sparing {spared}" if spared else "") + (f", and {further} more of its own" if further else "")


def changes(current: dict | None, planned: dict | None) -> list[tuple[str, str]]:
    """Return (sign, text) of a change: + a new policy, - one that goes, ~ one that becomes another one."""
    if current and planned:
        return [("~", f"{rule(current)}  ->  {rule(planned)}")]
    return [("+", rule(planned))] if planned else [("-", rule(current))]


class RetentionReader(Resource):
    """The retention policy of one repository, to be read."""

    noun = "retention"
    called = "repository"
    naming = ("namespace", "repositories", "exclude")
    careful = True
    estimate = True

    @classmethod
    def validate(cls, params):
        names.require(params["repositories"], "repositories")
        registry.check_names(params["namespace"] or "", params["repositories"])
        return []

    @classmethod
    def named(cls, params):
        return [f"{params['namespace']}/{name}" for name in params["repositories"] or []]

    @classmethod
    def named_as(cls, target):
        namespace, _slash, repository = target.partition("/")
        if names.is_glob(target) or not repository:
            raise PlanRefused(f"undo: {target!r} is no name of a repository with its organization")
        return {"namespace": namespace, "repositories": [repository]}

    @property
    def parts(self) -> tuple[str, str]:
        """The namespace and the name in it; the targets of a glob for namespaces have both in one."""
        space = self.params["namespace"]
        return tuple(self.target.split("/", 1)) if names.is_glob(space) else (space, self.target)

    def full_name(self):
        return "/".join(self.parts)

    @classmethod
    def targets(cls, client, params):
        given, exclude = params["repositories"], params.get("exclude")
        lister = registry.lister(client, params["namespace"])
        return names.exact(given, exclude) or names.expand(given, lister, client.warnings, exclude)

    def where(self, *rest: str) -> str:
        """Return the path of the repository's policies, or of something below it."""
        return registry.repository_path(*self.parts, "retentions", *rest)

    def fetch(self) -> list:
        """Return the policies as SWR lists them, the oldest first."""
        found = self.client.get(self.where(), schema=POLICIES)
        return sorted((policy for policy in found if policy["rules"]), key=lambda policy: int(policy["id"]))

    def read(self):
        self.found = self.fetch()
        if len(self.found) > 1:
            self.client.warnings.append(
                f"{self.full_name()} holds {len(self.found)} retention policies, where SWR "
                f"documents one: {json.dumps([one_in_option_words(policy) for policy in self.found])[:1000]}"
            )
        return in_option_words(self.found)
