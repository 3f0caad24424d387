# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that protect tags in Harbor's projects: in option words, planned, written."""

from __future__ import annotations

import contextlib
import json

from ansible_collections.registry.hygiene.plugins.module_utils._core import plan
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    LostAnswer,
    NotFound,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import foresight, projects, registry, selectors

RULES_SPEC = dict(
    rules=dict(
        type="list",
        elements="dict",
        mutually_exclusive=[("tag_selector", "foreign")],
        required_one_of=[("tag_selector", "foreign")],
        options=dict(
            foreign=dict(type="str"),
            tag_selector=dict(type="dict", options=selectors.options(selectors.TAGS)),
            repository_selector=dict(type="dict", options=selectors.options(selectors.REPOSITORIES)),
            disabled=dict(type="bool", default=False),
        ),
    ),
    exclusive=dict(type="bool", default=False),
    state=dict(type="str", choices=["present", "absent"], default="present"),
)
REQUIRED_IF = [("state", "present", ["rules"])]
ACTION = {"action": "immutable", "template": "immutable_template"}


def check(params: dict) -> None:
    """Raise PlanRefused for rules that Harbor would store, although they protect nothing or say two things."""
    seen: dict = {}
    for number, rule in enumerate(params["rules"] or []):
        for option in ("tag_selector", "repository_selector"):
            if rule[option]:
                selectors.check(rule[option], f"rules[{number}]: {option}")
        same = seen.setdefault(_key(declared(rule)), number)
        if same != number:
            raise PlanRefused(f"rules[{number}] has the selectors of rules[{same}]: leave one of them out")
    if params["exclusive"] and params["state"] == "absent":
        raise PlanRefused("exclusive: only with state: present; state: absent without rules removes all")


def declared(rule: dict) -> dict:
    """Return a rule of the options as a state."""
    if rule["foreign"] is not None:
        return {"foreign": rule["foreign"], "disabled": rule["disabled"]}
    where = rule["repository_selector"] or selectors.everywhere()
    return {
        "tag_selector": dict(rule["tag_selector"]),
        "repository_selector": dict(where),
        "disabled": rule["disabled"],
    }


def in_option_words(rule: dict) -> dict:
    """Return a rule as Harbor lists it as a state: of several selectors it looks at the first.

    What the options cannot say is under `foreign`, as a text of JSON.
    """
    scopes, tags = selectors.repositories_of(rule), selectors.tags_of(rule)
    known = scopes and tags and scopes[0].get("decoration") in selectors.REPOSITORIES
    if not known or tags[0].get("decoration") not in selectors.TAGS:
        left = {key: value for key, value in rule.items() if key != "id"}
        return {"foreign": json.dumps(left, sort_keys=True)[:2000], "disabled": bool(rule.get("disabled"))}
    return {
        "tag_selector": selectors.in_option_words(tags[0]),
        "repository_selector": selectors.in_option_words(scopes[0]),
        "disabled": bool(rule.get("disabled")),
    }


def _key(rule: dict) -> str:
    """Return what identifies a rule of a state: its selectors."""
    return json.dumps({key: value for key, value in rule.items() if key != "disabled"}, sort_keys=True)


def _told(rule: dict) -> str:
    if "foreign" in rule:
        return printable(f"what the options cannot say: {rule['foreign']}", 100)
    return f"protect {selectors.told([rule['tag_selector']], [rule['repository_selector']]) or 'all tags'}"


class Reader(projects.OfProject):
    """The immutable rules of one project, to be read."""

    noun = "rules"

    def read(self):
        self.found = foresight.immutable_rules(self)
        states: dict = {}
        for rule in map(in_option_words, self.found):
            # Harbor takes identical rules: together they protect unless all are disabled.
            known = states.setdefault(_key(rule), rule)
            known["disabled"] = known["disabled"] and rule["disabled"]
        return [states[key] for key in sorted(states)]


class ImmutableRules(Reader):
    """The immutable rules of one project, brought into the declared state."""

    several = "declarations"
    undoes = True

    @classmethod
    def declaring(cls, state, params):
        return {"rules": list(state), "exclusive": True}

    @classmethod
    def validate(cls, params):
        check(params)
        return super().validate(params)

    def plan(self, current):
        wanted = {_key(rule): rule for rule in map(declared, self.params["rules"] or [])}
        others = {_key(rule): rule for rule in current if _key(rule) not in wanted}
        if self.params["state"] == "absent":
            return [] if self.params["rules"] is None else [others[key] for key in sorted(others)]
        there = set(map(_key, current))
        if any("foreign" in rule and key not in there for key, rule in wanted.items()):
            raise RegistryError("rules: what is foreign is only kept, never made: there is no such rule in the project")
        planned = {**({} if self.params["exclusive"] else others), **wanted}
        return [planned[key] for key in sorted(planned)]

    def changes(self, current, planned):
        old, new = ({_key(rule): rule for rule in some} for some in (current, planned))
        found, exposed = [], False
        for key in dict.fromkeys([*new, *old]):
            had, has = (key in some and not some[key]["disabled"] for some in (old, new))
            exposed = exposed or had and not has
            if key not in old:
                found.append(("+", f"{_told(new[key])}{'' if has else ' (disabled)'}"))
            elif key not in new:
                found.append(("-", f"{_told(old[key])}{'' if had else ' (disabled)'}"))
            elif had != has:
                found.append(("~", f"{'enable' if has else 'disable'}: {_told(new[key])}"))
        return found + [(plan.DANGER, self._exposed())] * exposed

    def _exposed(self) -> str:
        """Return what becomes of tags that are not protected any more, in words."""
        if self.retention_id() is None:
            return "what these rules protected can be overwritten and deleted from now on"
        return "what these rules protected can be deleted from now on, also by the project's retention policy"

    def apply(self, current, planned):
        held: dict = {}
        for rule in self.found:
            held.setdefault(_key(in_option_words(rule)), []).append(rule)
        wanted = {_key(rule): rule for rule in planned}
        for key, rule in wanted.items():  # first what protects more
            if key not in held:
                self._create(rule)
        for disabled in (False, True):
            for key, rules in held.items():
                if key in wanted and wanted[key]["disabled"] is disabled:
                    self._switch(rules, disabled)
        for key, rules in held.items():
            for rule in [] if key in wanted else rules:
                self._delete(rule)
        there = self.read_back(RegistryError("the rules were written"), self.read)
        if there != planned:
            raise ContractError(
                f"Harbor took the rules of {self.target}, but shows others: somebody else wrote them at the same time. "
                "Run again"
            )

    def _create(self, rule: dict) -> None:
        body = {
            **ACTION,
            "disabled": rule["disabled"],
            "tag_selectors": [selectors.in_api_words(rule["tag_selector"])],
            "scope_selectors": {"repository": [selectors.in_api_words(rule["repository_selector"])]},
        }
        known = {one["id"] for one in self.found}
        try:
            answer = self.client.request("POST", self.where("immutabletagrules"), body=body)
            number = registry.made(answer) or self._new(known, rule, None)
        except LostAnswer as error:
            number = self._new(known, rule, error)
        if rule["disabled"]:  # which Harbor ignores in a POST
            try:
                self._put(dict(body, id=number), True)
            except RegistryError as error:
                raise RegistryError(f"{error}. The rule was created, but could not be disabled: it is active") from None

    def _new(self, known: set, rule: dict, error: RegistryError | None) -> int:
        """Return the number of a rule that is there now and was not before; raises the error if there is none."""
        error = error or ContractError("a rule was created, but Harbor does not say its number")
        rows = self.read_back(error, lambda: foresight.immutable_rules(self))
        new = [row["id"] for row in rows if row["id"] not in known and _key(in_option_words(row)) == _key(rule)]
        if not new:
            raise error
        return new[0]

    def _switch(self, rules: list, disabled: bool) -> None:
        """Disable all of these identical rules, or make sure that one of them is enabled."""
        if not disabled and any(not rule.get("disabled") for rule in rules):
            return
        for rule in rules if disabled else rules[:1]:
            if bool(rule.get("disabled")) != disabled:
                self._put(rule, disabled)

    def _put(self, rule: dict, disabled: bool) -> None:
        where = self.where("immutabletagrules", str(rule["id"]))
        self.client.request("PUT", where, body=dict(rule, disabled=disabled))

    def _delete(self, rule: dict) -> None:
        with contextlib.suppress(NotFound):  # by somebody else, or by a request whose answer was lost
            self.client.request("DELETE", self.where("immutabletagrules", str(rule["id"])))
