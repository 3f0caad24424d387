# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of a Quay as variables of the role quay_hygiene. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import exported, folding
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.exported import Export, Notes, Variable
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._quay import listings, policies

SEVERAL = "Quay holds several policies that differ in their value at most, of which the module would keep one"
RULES = {"state": "present", "exclusive": False}


def export(found: dict) -> Export:
    """Return what there is.

    found: the results of quay_autoprune_policy_info for organizations, for repositories and for the user, each by that
    name and as far as it was asked; named: the organization, or * if they are all that the token administers.
    """
    made, named = Export(), found.get("named", "*")
    for kind, whole in (("organizations", named == "*"), ("repositories", True)):
        result = found.get(kind) or {}
        states = made.read(result, "policies", kind)
        if isinstance(states, list):  # what is named exactly
            states = {named: states}
        if states is not None:
            made.variables.append(_variable(kind, states, result, whole))
    user = found.get("user") or {}
    held = user.get("policies")
    if user.get("msg"):  # most tokens lack the scope user:admin, and need it for nothing else
        made.notes.append(f"Not read: policies of the token's own user: {printable(user['msg'], exported.MOST_TEXT)}")
    elif held:
        made.variables.append(_of_user(held))
    return made


def _of_user(held: list) -> Variable:
    notes = Notes()
    content = _content("current_user", held, "NORMAL", notes)
    return Variable("quay_hygiene_user", {"policies": content} if content else {}, notes.lines())


def _variable(kind: str, states: dict, result: dict, whole: bool) -> Variable:
    notes, declared = Notes(), {}
    kept = result.get("state") if isinstance(result.get("state"), dict) else {}
    for name, held in states.items():
        content = _content(name, held, kept.get(name), notes, kind)
        if content:
            declared[name] = content
    places = _places(kind, [*states, *exported.unread(result)], whole and exported.all_named(result))
    entries = []
    for content, names in exported.groups(declared):
        folded: tuple = ([], [])
        for place, here in _by_place(kind, names).items():
            for some, more in zip(folded, places[place].fold(here)):
                some.extend(more)
        exclude = {"exclude": folded[1]} if folded[1] else {}
        entries.append({"names": folded[0], **exclude, "policies": content})
    return Variable(f"quay_hygiene_{kind}", entries, notes.lines())


def _by_place(kind: str, names: list) -> dict:
    """Return what globs may begin with -> names: a glob never goes beyond a namespace."""
    found: dict = {}
    for name in names:
        found.setdefault(f"{name.partition('/')[0]}/" if kind == "repositories" else "", []).append(name)
    return found


def _places(kind: str, names: list, whole: bool) -> dict:
    return {place: folding.Names(here, place, whole) for place, here in _by_place(kind, names).items()}


def _content(name: str, held: list, state: Any, notes: Notes, kind: str = "") -> list:
    """Return those policies of a target that can be declared, in as few words as possible; notes of the others."""
    fault = _fault_of_name(name, kind) if kind else None
    if state not in (None, "NORMAL"):
        fault = f"the state is {state}, where Quay prunes nothing and a policy stops all pruning in the namespace"
    identities = [policies.identity(policy) for policy in held]
    found, left = [], {}
    for policy, identity in zip(held, identities):
        why = fault or (SEVERAL if identities.count(identity) > 1 else _fault(policy))
        if why:
            left.setdefault(why, []).append(policies.rule(policy))
        else:
            shown = dict(policy, tag_pattern_matches=None if policy["tag_pattern_matches"] else False)
            found.append(exported.without(shown))
    for why, rules in left.items():
        notes.add(why, "; ".join(rules), name)
    return found


def _fault_of_name(name: str, kind: str) -> str | None:
    try:
        listings.check_names([name], kind)
    except PlanRefused as error:
        return str(error)
    return "its name would be read as a glob" if folding.globs.is_glob(name) else None


def _fault(policy: dict) -> str | None:
    """Return why the module would not leave a policy as it is, None if it does."""
    if policy["method"] not in policies.POLICY_SPEC["method"]["choices"]:
        return "the method is not known here"
    try:
        policies.check(dict(RULES, policies=[policy]))
        (declared,) = policies.declared(dict(RULES, policies=[policy]))
    except PlanRefused as error:
        return str(error)
    if policies.as_held(declared, [policy]) != policy:
        return "the module would write it in another way"
    return None
