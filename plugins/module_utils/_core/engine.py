# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings resources into the declared state, many at once, as one plan. Knows neither Ansible nor HTTP."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import declarations, fuse, images, in_use
from ansible_collections.registry.hygiene.plugins.module_utils._core.crew import Crew
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError, Unreachable
from ansible_collections.registry.hygiene.plugins.module_utils._core.spool import Spool

WORD = re.compile(r"[\w+@-]+")
NAMES = re.compile(r"\.{3}(?:[/$.]\.{3})+")
ASKING = ("preview", "plan", "plan_file", "approved")  # options that need a forecast
NOT_ASKED = (None, False, "", "no")


@dataclasses.dataclass
class Outcome:
    """What a task found, planned and did. before, after: target -> state, of every target that did not fail."""

    entries: list
    things: dict  # target -> its Resource
    single: bool  # one target, named exactly
    before: dict = dataclasses.field(default_factory=dict)
    after: dict = dataclasses.field(default_factory=dict)
    changed_targets: list = dataclasses.field(default_factory=list)
    failures: dict = dataclasses.field(default_factory=dict)  # target -> RegistryError, in the end its text
    forecast: dict | None = None  # repository -> images
    in_use: dict | None = None  # how many references of images in use there are, and are there
    owners: dict = dataclasses.field(default_factory=dict)  # repository -> targets whose change it feels
    refusals: list = dataclasses.field(default_factory=list)  # limits that the plan goes beyond: nothing was written
    changed: bool = False
    no_access: bool = False  # nobody gets to the registry any more, see RegistryError

    def nearest(self, repository: str) -> Any:
        """Return the entry whose limits hold in a repository: its own, or that of what holds it."""
        return self.entry(repository if repository in self.things else self.owners[repository][0])

    def entry(self, target: str) -> Any:
        """Return the entry that a target comes from."""
        return self.things[target].entry


def converge(
    resource_class: type,
    client: Any,
    params: dict,
    check_mode: bool,
    content: Any = (),
    hold: Callable | None = None,
    entries: list | None = None,
) -> Outcome:
    """Read all targets, plan all, forecast, hold the plan against its limits, and only then write.

    content: names of the options that say what is to become of a target. hold(outcome): may refuse the plan, too.
    entries: instead of those that the options of the task are.
    """
    if entries is None:
        entries = declarations.entries(resource_class, params)
    outcome = _meant(resource_class, client, params, content, entries)
    with Crew(max(1, min(params["workers"] or 1, len(outcome.things))), client) as crew:
        _read(crew, outcome)
        things, before = outcome.things, outcome.before
        outcome.after = _each(
            crew, outcome, "planned", lambda name: things[name].entry.planned(things[name], before[name]), before
        )
        outcome.changed_targets = [name for name in outcome.after if outcome.after[name] != before[name]]
        asked = check_mode or any(params.get(name) not in NOT_ASKED for name in ASKING)
        if not resource_class.foresees:
            outcome.forecast = {}  # whatever it does, no image goes
        elif asked or fuse.any_set(outcome.entries):
            _forecast(crew, outcome, resource_class, client, params)
        if hold:
            hold(outcome)
        if not (check_mode or outcome.refusals):
            _write(crew, outcome, client)
        out = {name for name in outcome.changed_targets if things[name].idle or name in outcome.failures}
        outcome.changed_targets = [name for name in outcome.changed_targets if name not in out]
        outcome.after = {name: state for name, state in outcome.after.items() if name not in outcome.failures}
        if resource_class.follow and not (check_mode or outcome.refusals):  # what comes now makes none of it undone
            after = outcome.after
            after.update(_each(crew, outcome, None, lambda name: things[name].follow(after[name]), list(after)))
    return _ended(outcome, client)


def _meant(resource_class: Any, client: Any, params: dict, content: Any, entries: list) -> Outcome:
    """Return the outcome of a task with all targets that it is about, each with its entry."""
    entries = list(entries)
    things: dict = {}
    single = False
    for entry in entries:
        found = resource_class.targets(client, entry.params)
        single = isinstance(found, str) and entry.number is None
        for target in [found] if isinstance(found, str) else dict.fromkeys(found):
            thing = resource_class(client, entry, target)
            declarations.claim(things, thing.name, thing, content)
    rest = declarations.undeclared(resource_class, client, params, things)
    things.update((thing.name, thing) for thing in rest)
    entries += [thing.entry for thing in rest[:1]]
    return Outcome(entries, things, single)


def _ended(outcome: Outcome, client: Any) -> Outcome:
    """Return the outcome with what became of it, and texts for its errors."""
    outcome.changed = bool(client.ledger.any() or outcome.changed_targets and not outcome.refusals)
    outcome.before = {name: state for name, state in outcome.before.items() if name in outcome.after}
    outcome.after.update((name, error.state) for name, error in outcome.failures.items() if error.state is not None)
    outcome.no_access = any(error.no_access for error in outcome.failures.values())
    outcome.failures = {name: str(error) for name, error in outcome.failures.items()}
    return outcome


def _each(crew: Crew, outcome: Outcome, doing: str | None, verb: Callable, names: Any) -> dict:
    """Return target -> result of verb(target), of all that did not fail; the others go to the failures."""
    results, errors = crew.each(verb, list(names), doing)
    crew.give_up(errors)
    outcome.failures.update(errors)
    return results


def _read(crew: Crew, outcome: Outcome) -> None:
    names = list(outcome.things)
    alone = 1 if names and outcome.things[names[0]].careful else 0
    for some in (names[:alone], names[alone:]):
        outcome.before.update(_each(crew, outcome, "read", lambda name: outcome.things[name].read(), some))


def _forecast(crew: Crew, outcome: Outcome, resource_class: Any, client: Any, params: dict) -> None:
    """Find out which images the plan costs; targets that break in_use, min_keep or protect may be left out."""
    limited = fuse.any_set(outcome.entries) or params.get("approved") is not None
    running = in_use.load(params, client.hosts)
    judge = fuse.Judge(params, outcome.nearest, outcome.entry, running)
    spool = Spool()

    def each(verb: Callable, names: list) -> tuple:
        return crew.each(lambda name: images.stowed(verb(name), spool), names, "forecast")

    while True:
        changing = {name: outcome.things[name] for name in outcome.changed_targets}
        forecast, owners, errors = resource_class.foresee_all(client, changing, outcome.before, outcome.after, each)
        crew.give_up(errors)
        outcome.forecast, outcome.owners = forecast, owners
        if not limited:
            client.warnings += grouped(
                {name: f"no forecast: {error}" for name, error in errors.items()}, outcome.things
            )
            break
        outcome.failures.update({name: _unforeseen(error) for name, error in errors.items()})
        skipped = _breaking(outcome, judge.broken(forecast)) if params["on_limit"] == "skip" and not errors else {}
        client.left_out.update(skipped)
        _leave(outcome, [*errors, *skipped])
        if not _felt_by_others(outcome, {*errors, *skipped}):
            break
    if limited:
        outcome.refusals = judge.refusals(outcome.forecast)
    if running:
        client.warnings += running.doubts()
        outcome.in_use = running.told(outcome.forecast)


def _felt_by_others(outcome: Outcome, left: set) -> bool:
    """Return whether what is left out of the plan changes what others cost; if not, its forecast goes as well."""
    felt = {repository for repository, names in outcome.owners.items() if left.intersection(names)}
    if any(not left.issuperset(outcome.owners[repository]) for repository in felt):
        return True
    outcome.forecast = {name: found for name, found in outcome.forecast.items() if name not in felt}
    return False


def _leave(outcome: Outcome, names: Any) -> None:
    """Take targets out of the plan: they stay as they are."""
    outcome.after.update({name: outcome.before[name] for name in names})
    outcome.changed_targets = [name for name in outcome.changed_targets if name not in names]


def _unforeseen(error: RegistryError) -> RegistryError:
    return RegistryError(f"no forecast: {error}. Without one no limit can hold, so it was left as it is")


def _breaking(outcome: Outcome, broken: dict) -> dict:
    """Return target -> why, of all targets whose change is felt where a limit is broken."""
    found: dict = {}
    for limit, repositories in broken.items():
        for repository, why in repositories.items():
            for name in outcome.owners[repository]:
                found.setdefault(name, f"{limit}: {repository}: {why}")
    return found


def _write(crew: Crew, outcome: Outcome, client: Any) -> None:
    things, before, after = outcome.things, outcome.before, outcome.after

    def settle(name: str) -> Any:
        client.ledger.begin(name)
        return things[name].apply(before[name], after[name])

    def look(name: str) -> None:
        # Whether anything was written for a target that failed with a write in doubt: it was, unless disproved.
        try:
            if things[name].read() == before[name]:
                client.ledger.disprove(name)
        except Unreachable as error:
            error.fatal = True  # nobody else can look either
            raise

    applied = _each(crew, outcome, "written", settle, outcome.changed_targets)
    after.update({name: state for name, state in applied.items() if state is not None})
    doubtful = set(client.ledger.doubtful())
    crew.each(look, [name for name in outcome.changed_targets if name in outcome.failures and name in doubtful])


def _cause(name: str, text: str) -> str:
    """Return a message without the name of its target, in whatever form a path has it (team/app, team$app)."""
    parts = set(WORD.findall(name))
    return NAMES.sub("...", WORD.sub(lambda word: "..." if word.group() in parts else word.group(), text))


def grouped(messages: dict, things: dict) -> list[str]:
    """Return a line for each cause: target -> message, where equal messages, but for the target's name, are one.

    It names the first target, and the first entry of several that such a target comes from.
    """
    causes: dict = {}
    for name, text in messages.items():
        causes.setdefault(_cause(name, text), []).append((name, text))
    found = []
    for same in causes.values():
        name, text = same[0]
        more = f" and {len(same) - 1:,} more" if len(same) > 1 else ""
        entry = things[name].entry
        place = f" ({entry.numbered()})" if entry.number is not None else ""
        found.append(f"{name}{more}{place}: {text}")
    return found
