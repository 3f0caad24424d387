# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module is made of: a noun with verbs. A resource knows neither Ansible nor who calls it."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.images import stowed


class Resource:
    """A noun with verbs; one object for each target of a task.

    States are plain data in the option names of the module; equal states mean that nothing is to be done.
    """

    noun = "state"  # the key of the state in a result
    nouns = None  # several keys of a result, if states are dictionaries with these keys
    module = ""  # the name of the module, if it changes anything: then results have a plan
    called = "target"  # what people call one
    naming = ()  # the options that say which targets are meant
    several = ""  # the option that takes a list of declarations, each with the options of a task that declares one
    surplus = None  # surplus(client): the names of all there are (GET only), where `exclusive` removes the undeclared
    foresees = False  # True: changes delete images, and foresee tells which
    estimate = False  # True: the registry does not document all that foresee has to know
    # gathered(client, params, target -> state, target -> error): the keys of a result that has all targets together
    gathered = None
    follow = None  # follow(state): wait for what was started or found running; returns its last state
    careful = False  # the first target is read alone, because the registry locks accounts after some refusals
    undoes = False  # True: what a plan file says that was there before can be declared (named_as, declaring)
    beside_undo = ()  # its own options that mean something then, too
    # restorable(client, repository -> how many images went by a plan file, when it was made): what can be brought back
    restorable = None
    idle = False  # set by apply if somebody else did it in the meantime

    def __init__(self, client: Any, entry: Any, target: str) -> None:
        self.client = client
        self.entry = entry
        self.params = entry.params
        self.target = target
        self.name = self.full_name() if entry.number is not None else target

    @classmethod
    def validate(cls, params: dict) -> list[str]:
        """Return warnings about the options; raises PlanRefused. Pure, and called before any request."""
        return []

    @classmethod
    def named(cls, params: dict) -> list[str]:
        """Return the names and globs that the options give for targets. Pure."""
        return []

    @classmethod
    def targets(cls, client: Any, params: dict) -> str | list[str]:
        """Return the names that the task is about (GET only): a text if one is named exactly, otherwise a list."""
        raise NotImplementedError

    def full_name(self) -> str:
        """Return the name of the target that no other one in the registry has."""
        return self.target

    def kind(self) -> str:
        """Return what people call this target."""
        return self.called

    def read(self) -> Any:
        """Return how it is now (GET only)."""
        raise NotImplementedError

    def plan(self, current: Any) -> Any:
        """Return how it should be. Pure."""
        return current

    def shows(self, there: Any, state: Any) -> bool:
        """Return whether what is there is this state, as far as the registry shows it. Pure."""
        return there == state

    def lost(self, before: Any, after: Any) -> str:
        """Return what of a change cannot be put back though the rest can, and what to do; empty for nothing. Pure."""
        return ""

    @classmethod
    def named_as(cls, target: str) -> dict:
        """Return the options that name a target by its full name; raises PlanRefused. Pure."""
        raise NotImplementedError

    @classmethod
    def declaring(cls, state: Any, params: dict) -> dict:
        """Return the options that declare a state; raises PlanRefused if none do. params: of the task. Pure."""
        raise NotImplementedError

    def changes(self, current: Any, planned: Any) -> list[tuple[str, str]]:
        """Return what a person has to know of a change: (+, -, ~ or !, text) for each thing that differs. Pure."""
        if not isinstance(current or {}, dict) or not isinstance(planned or {}, dict):
            return [("~", f"{current}  ->  {planned}")]
        return differences(current or {}, planned or {})

    def foresee(self, current: Any, planned: Any) -> dict:
        """Return repository -> images (see forecast.py), each repository judged by itself with `judged`; GET only."""
        raise NotImplementedError

    def judged(self, then: dict, now: dict | None) -> dict:
        """Return repository -> images of a part of what there is, out of memory where they are many.

        then, now: the forecasts under what is planned, and under what is there now (None: nothing goes). A forecast is
        {"deletions", "uncertain", "kept"}, each a list of images: {"target": its repository, "tag", "digest", "age" in
        seconds, "size" in bytes, "because": the rule or reason}.
        """
        return stowed(forecasts.compared(then, now, lambda image: self.name), self.client.spool)

    @classmethod
    def foresee_all(
        cls, client: Any, things: dict, before: dict, after: dict, each: Callable[[Callable, Any], tuple]
    ) -> tuple[dict, dict, dict]:
        """Return repository -> images (see forecast.py), repository -> names of the targets whose change it feels (the
        nearest first), and name -> RegistryError of the targets that cannot be forecast; GET only.

        things: the targets that change. each(verb, names): the results and errors of verb(name), in parallel. A
        registry whose targets touch one another writes its own.
        """
        found, errors = each(lambda name: things[name].foresee(before[name], after[name]), list(things))
        owners = {repository: [name] for name, one in found.items() for repository in one}
        return forecasts.merged(found.values()), owners, errors

    def apply(self, current: Any, planned: Any) -> Any:
        """Make it so, with no moment in between that is worse than both; returns a state if plan could not know it."""
        raise NotImplementedError

    def read_back(self, doubt: RegistryError, look: Callable[[], Any]) -> Any:
        """Return look(), after a write with an unknown effect; if that fails, the error tells of both."""
        try:
            return look()
        except RegistryError as error:
            raise RegistryError(f"{doubt}; reading back failed: {error}") from None


def differences(current: dict, planned: dict) -> list[tuple[str, str]]:
    """Return (sign, text) for each key that differs between two states."""
    found = []
    for key in dict.fromkeys([*planned, *current]):
        old, new = current.get(key), planned.get(key)
        if old == new:
            continue
        if old is None:
            found.append(("+", f"{key}: {said(new)}"))
        elif new is None:
            found.append(("-", f"{key}: {said(old)}"))
        else:
            found.append(("~", f"{key}: {said(old)}  ->  {said(new)}"))
    return found


def said(value: Any) -> str:
    """Return a value as people write it in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(said, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {said(item)}' for key, item in value.items())}}}"
    return "null" if value is None else str(value)
