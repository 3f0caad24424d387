# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings resources into the declared state, many at once. Knows neither Ansible nor HTTP."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import fuse, preview
from ansible_collections.registry.hygiene.plugins.module_utils._core.crew import Crew
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError, Unreachable

MOST_WARNINGS = 3  # about targets without a forecast


class Resource:
    """A noun with verbs; one object for each target of a task.

    States are plain data in the option names of the module; equal states mean that nothing is to be done.
    """

    noun = "state"  # the key of the state in a result
    nouns = None  # several keys of a result, if states are dictionaries with these keys
    # foresee(current, planned): GET only; {"deletions", "uncertain", "kept"}, each a list of images: {"target": its
    # repository, "tag", "digest", "age" in seconds, "size" in bytes, "because": the rule or reason}
    foresee = None
    estimate = False  # True: the registry does not document all that foresee has to know
    follow = None  # follow(state): wait for what was started or found running; returns its last state
    careful = False  # the first target is read alone, because the registry locks accounts after some refusals
    idle = False  # set by apply if somebody else did it in the meantime

    def __init__(self, client: Any, params: dict, target: str) -> None:
        self.client = client
        self.params = params
        self.target = target

    @classmethod
    def validate(cls, params: dict) -> list[str]:
        """Return warnings about the options; raises PlanRefused. Pure, and called before any request."""
        return []

    @classmethod
    def targets(cls, client: Any, params: dict) -> str | list[str]:
        """Return the names that the task is about (GET only): a text if one is named exactly, otherwise a list."""
        raise NotImplementedError

    def read(self) -> Any:
        """Return how it is now (GET only)."""
        raise NotImplementedError

    def plan(self, current: Any) -> Any:
        """Return how it should be. Pure."""
        return current

    def apply(self, current: Any, planned: Any) -> Any:
        """Make it so, with no moment in between that is worse than both; returns a state if plan could not know it."""
        raise NotImplementedError

    def read_back(self, doubt: RegistryError, look: Callable[[], Any]) -> Any:
        """Return look(), after a write with an unknown effect; if that fails, the error tells of both."""
        try:
            return look()
        except RegistryError as error:
            raise RegistryError(f"{doubt}; reading back failed: {error}") from None


@dataclasses.dataclass
class Outcome:
    """What a task found and did. before, after: target -> state, of every target that did not fail."""

    before: dict
    after: dict
    forecasts: dict  # target -> what foresee said
    failures: dict  # target -> message
    single: bool  # one target, named exactly
    changed: bool
    changed_targets: list


def converge(resource_class: type, client: Any, params: dict, check_mode: bool) -> Outcome:
    """Read all targets, plan all, forecast, check the fuses over all together, and only then write."""
    found = resource_class.targets(client, params)
    single = isinstance(found, str)
    targets = [found] if single else list(dict.fromkeys(found))
    things = {target: resource_class(client, params, target) for target in targets}
    failures, forecasts = {}, {}

    with Crew(max(1, min(params["workers"], len(targets))), client) as crew:

        def each(verb: Callable, names: list) -> dict:
            """Return target -> result of verb(target), of all that did not fail."""
            results, errors = crew.each(verb, names)
            _give_up(errors, client)
            failures.update(errors)
            return results

        alone = 1 if resource_class.careful else 0
        before = each(lambda name: things[name].read(), targets[:alone])
        before.update(each(lambda name: things[name].read(), targets[alone:]))
        after = each(lambda name: things[name].plan(before[name]), list(before))
        changed = [name for name in after if after[name] != before[name]]
        if resource_class.foresee and (check_mode or params["preview"] or fuse.is_set(params)):
            forecasts, errors = crew.each(lambda name: things[name].foresee(before[name], after[name]), changed)
            _give_up(errors, client)
            unknown = {name: str(error) for name, error in errors.items()}
            client.warnings += [f"no forecast for {name}: {why}" for name, why in unknown.items()][:MOST_WARNINGS]
            if params["preview_file"]:
                preview.save(forecasts, params["preview_file"])
            if fuse.is_set(params):
                fuse.check(forecasts, unknown, params)
        if not check_mode:

            def settle(name: str) -> Any:
                client.ledger.begin(name)
                return things[name].apply(before[name], after[name])

            applied = each(settle, changed)
            after.update({name: state for name, state in applied.items() if state is not None})
            _look_again(crew, client, [name for name in failures if name in after], things, before)
        reached = [name for name in after if name not in failures]  # what comes now makes none of it undone
        if resource_class.follow and not check_mode:
            after.update(each(lambda name: things[name].follow(after[name]), reached))

    done = [name for name in changed if name in reached and not things[name].idle]
    unfinished = {name: error.state for name, error in failures.items() if error.state is not None}
    return Outcome(
        before={name: state for name, state in before.items() if name in reached},
        after={**{name: after[name] for name in reached}, **unfinished},
        forecasts=forecasts,
        failures={name: str(error) for name, error in failures.items()},
        single=single,
        changed=bool(client.ledger.any() or done),
        changed_targets=done,
    )


def _give_up(errors: dict, client: Any) -> None:
    """Raise the first error that is the same for every target, unless something was written already."""
    fatal = [error for error in errors.values() if error.fatal]
    if fatal and not client.ledger.any():
        raise fatal[0]


def _look_again(crew: Crew, client: Any, failed: list, things: dict, before: dict) -> None:
    """Find out whether anything was written for targets that failed with a write in doubt: it was, unless disproved."""

    def look(name: str) -> None:
        try:
            if things[name].read() == before[name]:
                client.ledger.disprove(name)
        except Unreachable as error:
            error.fatal = True  # nobody else can look either
            raise

    doubtful = set(client.ledger.doubtful())
    crew.each(look, [name for name in failed if name in doubtful])
