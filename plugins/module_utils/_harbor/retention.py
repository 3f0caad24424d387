# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag retention policies of Harbor's projects in option words: reading, checking, comparing."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import said
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    cron,
    foresight,
    projects,
    registry,
    retention_rules,
    schedules,
    selectors,
)

NONE = "none"
SCHEDULED = "Schedule"  # the one kind of trigger that fires
POLICY_SPEC = dict(
    rules=retention_rules.RULES_SPEC,
    schedule=dict(type="str", choices=[NONE, *cron.WORDS, cron.CUSTOM]),
    cron=dict(type="str"),
    state=dict(type="str", choices=["present", "absent"], default="present"),
)
REQUIRED_IF = schedules.REQUIRED_IF
POLICY = {
    "type": "object",
    "required": ["id", "rules"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "algorithm": selectors.TEXT,
        "rules": {"type": ["array", "null"], "items": retention_rules.RULE, "maxItems": 1000},
        "trigger": {
            "type": ["object", "null"],
            "properties": {"kind": selectors.TEXT, "settings": {"type": ["object", "null"]}},
        },
        "scope": {"type": ["object", "null"], "properties": {"ref": {"type": "integer"}}},
    },
}
DANGLING = "dangling_retention_id"  # the key of a state: the project names a policy that is not there any more
OR = "or"


def fetched(thing: projects.OfProject, number: int) -> dict | None:
    """Return the policy with this number as Harbor shows it, None if it proves not to be there any more."""
    where = api.path(*registry.API, "retentions", str(number))
    try:
        found = thing.client.get(where, schema=POLICY)
    except ApiError as error:
        # Of a policy that is gone Harbor says 500 here, as of any mishap, and 400 where its runs are.
        if error.status != 500 or not _gone(thing.client, number):
            raise
        return None
    project = thing.project()["project_id"]
    if found["id"] != number or (found.get("scope") or {}).get("ref") != project:
        raise ContractError(f"GET {where} answered with the policy of another project than {thing.target}")
    return found


def _gone(client: api.Client, number: int) -> bool:
    try:
        client.get(api.path(*registry.API, "retentions", str(number), "executions"), {"page": "1", "page_size": "1"})
    except ApiError as error:
        return error.status == 400
    return False


def cron_of(found: dict) -> str:
    """Return the cron by which a policy fires, "" if it does not."""
    trigger = found.get("trigger") or {}
    text = (trigger.get("settings") or {}).get("cron")
    return text if trigger.get("kind") == SCHEDULED and isinstance(text, str) else ""


def in_option_words(found: dict) -> dict:
    """Return a policy as Harbor shows it as a state. Rules that say the same are one."""
    rules = [retention_rules.in_option_words(rule or {}) for rule in found["rules"] or []]
    text = cron_of(found)
    state: dict[str, Any] = {
        "rules": list({retention_rules.key(rule): rule for rule in rules}.values()),
        "schedule": cron.word(text) if text else NONE,
        "cron": text or None,
    }
    algorithm = found.get("algorithm", "")
    return state if algorithm == OR else dict(state, algorithm=algorithm)


class Reader(projects.OfProject):
    """The retention policy of one project, to be read."""

    noun = "policy"
    found = None  # the policy as Harbor shows it

    def read(self):
        number = self.retention_id()
        self.found = None if number is None else fetched(self, number)
        if self.found is None:
            return None if number is None else self.dangling(number)
        return in_option_words(self.found)

    def dangling(self, number: int) -> Any:
        """Return the state of a project that names a policy which is not there any more."""
        self.client.warnings.append(
            f"{self.target} names the retention policy {number}, which does not exist any more. Its web page shows an "
            "error for that, and harbor_retention_policy heals it"
        )


class Policy(Reader, foresight.Foreseeing):
    """The retention policy of one project, planned and forecast; who writes it is in retention_writing."""

    several = "declarations"
    undoes = True

    @classmethod
    def declaring(cls, state, params):
        if state is None:
            return {"state": "absent"}
        if set(state) != {"rules", "schedule", "cron"}:
            raise PlanRefused("what was there is nothing that Harbor makes any more")
        return {key: value for key, value in state.items() if value is not None}

    @classmethod
    def validate(cls, params):
        retention_rules.check(params["rules"])
        word, text = params["schedule"], params["cron"]
        if text is not None:
            cron.check(text)
            fits = word in (None, cron.CUSTOM) or word in cron.WORDS and cron.same(cron.WORDS[word], text)
            if not fits:
                raise PlanRefused(f"schedule: {word} does not go with this cron: leave one of them out")
        return super().validate(params)

    def dangling(self, number):
        return {DANGLING: number}

    def plan(self, current):
        if self.params["state"] == "absent":
            return None
        here = current if current and DANGLING not in current else None
        if self.params["rules"] is None and here is None:
            raise RegistryError("there is no policy yet: write its rules")
        planned = {"rules": self._rules(here), **self._when(here)}
        if planned != here and planned["cron"]:
            cron.check(schedules.writable(planned["cron"]))
        return planned

    def _rules(self, here: dict | None) -> list:
        if self.params["rules"] is None:
            return here["rules"]
        wanted = [retention_rules.declared(rule) for rule in self.params["rules"]]
        if any("foreign" in rule and rule not in (here or {"rules": []})["rules"] for rule in wanted):
            raise RegistryError("rules: what is foreign is only kept, never made: there is no such rule in the policy")
        same = here and sorted(map(retention_rules.key, wanted)) == sorted(map(retention_rules.key, here["rules"]))
        return here["rules"] if same else wanted

    def _when(self, here: dict | None) -> dict:
        word, text, held = self.params["schedule"], self.params["cron"], (here and here["cron"]) or ""
        if text is None:
            text = "" if word == NONE else cron.WORDS.get(word, held)
        if text and held and cron.same(text, held):
            text = held
        return {"schedule": cron.word(text) if text else NONE, "cron": text or None}

    def changes(self, current, planned):
        if current and DANGLING in current:
            more = self.changes(None, planned) if planned else []
            return [("-", "the number of a policy that does not exist any more"), *more]
        if planned is None:
            return [("-", f"the policy: {plural(len(current['rules']), 'rule')}, {_when_told(current)}")]
        found, there = [], current or {"rules": [], "schedule": None, "cron": None}
        for sign, some, others in (("-", there["rules"], planned["rules"]), ("+", planned["rules"], there["rules"])):
            found += [(sign, retention_rules.told(rule)) for rule in some if rule not in others]
        if current is None:
            return [*found, ("+", f"schedule: {_when_told(planned)}")]
        if _when_told(current) != _when_told(planned):
            found.append(("~", f"schedule: {_when_told(current)}  ->  {_when_told(planned)}"))
        if "algorithm" in current:
            found.append(("~", f"algorithm: {said(current['algorithm'])}  ->  {OR}"))
        return found

    def rules(self, current, planned):
        # What is there now deletes by itself only if it has a schedule.
        deletes = self.found and cron_of(self.found) and self.found.get("algorithm") == OR
        return self.api_rules(planned), self.found["rules"] if deletes else None

    def api_rules(self, planned: dict | None) -> list:
        """Return the rules to be sent. One that is there already stays as it is, with what only Harbor knows of it."""
        held = self.found and self.found["rules"] or []
        same = {retention_rules.key(retention_rules.in_option_words(rule or {})): rule for rule in held}
        rules = planned["rules"] if planned else []
        return [same.get(retention_rules.key(rule)) or retention_rules.in_api_words(rule) for rule in rules]


def _when_told(state: dict) -> str:
    return NONE if not state["cron"] else f"{state['schedule']} ({state['cron']})"
