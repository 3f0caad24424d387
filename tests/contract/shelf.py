# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry without HTTP: things on a shelf, each with a state, which says how many of its images stay."""

from __future__ import annotations

from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core import (
    approval,
    declarations,
    engine,
    forecast,
    fuse,
    names,
    planfile,
    result,
    undo,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.ledger import Ledger
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource

DAY = 86400
URL = "https://shelf.test"


class Shelf:
    """What is on it (`states`), the tags of its repositories (`images`), what is `broken`, and what was `written`."""

    url = URL
    hosts = ("shelf.test",)

    def __init__(self, **states: Any) -> None:
        self.states = states
        self.images: dict = {}
        self.written: list = []
        self.warnings: list = []
        self.left_out: dict = {}
        self.broken: dict = {}
        self.ledger = Ledger()
        self.progress = lambda text: None

    def breaks(self, target: str, verb: str) -> None:
        """Raise what is set for this verb of the target."""
        if verb in self.broken.get(target, {}):
            raise self.broken[target][verb]


class Thing(Resource):
    """A thing that is to have the state `want`."""

    noun, module, called, naming = "things", "shelf_thing", "thing", ("names", "exclude")
    several = "declarations"
    undoes = True

    @classmethod
    def named_as(cls, target):
        return {"names": target}

    @classmethod
    def declaring(cls, state, params):
        if state == "secret":
            raise PlanRefused("that is a secret")
        return {"want": state}

    @classmethod
    def named(cls, params):
        return [params["names"]] if isinstance(params["names"], str) else params["names"]

    @classmethod
    def targets(cls, client, params):
        if isinstance(params["names"], str):
            return params["names"]
        return names.expand(params["names"], lambda glob: list(client.states), client.warnings, params.get("exclude"))

    def read(self):
        self.client.breaks(self.target, "read")
        return self.client.states.get(self.target)

    def plan(self, current):
        return self.params["want"]

    def apply(self, current, planned):
        self.client.breaks(self.target, "apply")
        self.client.written.append(self.target)
        self.client.ledger.note(certain=True)
        self.client.states[self.target] = planned


class Foreseeing(Thing):
    """A thing that loses one image whenever it changes."""

    foresees = True

    def foresee(self, current, planned):
        self.client.breaks(self.target, "foresee")
        return forecast.compared({"deletions": [image("v1", self.target)]}, None, lambda _image: self.name)


class Keeping(Thing):
    """A group ("acme") or a repository ("acme/app"): the state is how many images stay, the fewest of both count."""

    foresees = True

    @classmethod
    def foresee_all(cls, client, things, before, after, each):
        owners = {}
        for repository in client.images:
            felt = [name for name in (repository, repository.partition("/")[0]) if name in things]
            if felt:
                owners[repository] = felt

        def one(repository):
            client.breaks(repository, "foresee")
            group, tags = repository.partition("/")[0], client.images[repository]
            rules = [
                [states.get(name, client.states.get(name)) for name in (repository, group)]
                for states in (before, after)
            ]
            kept = [min([number for number in rule if number is not None], default=len(tags)) for rule in rules]
            now, then = (
                {
                    "deletions": [image(tag, repository) for tag in tags[number:]],
                    "uncertain": [],
                    "kept": [image(tag, repository) for tag in tags[:number]],
                }
                for number in kept
            )
            return forecast.compared(then, now, lambda _image: owners[repository][0])

        found, errors = each(one, list(owners))
        failed = {name: error for repository, error in errors.items() for name in owners[repository]}
        return {name: images for some in found.values() for name, images in some.items()}, owners, failed


def image(tag: str | None, repository: str = "acme/app", **more: Any) -> dict:
    """Return an image as a registry's forecast has it."""
    known = {"target": repository, "tag": tag, "digest": f"sha256:{tag}", "age": DAY, "size": 10}
    return {**known, "because": "not among the newest", **more}


SPEC = {
    **fuse.ARGUMENT_SPEC,
    **result.ARGUMENT_SPEC,
    **planfile.ARGUMENT_SPEC,
    **approval.ARGUMENT_SPEC,
    **undo.ARGUMENT_SPEC,
    **dict.fromkeys(("names", "exclude", "want", "declarations"), {}),
}


def options(**given: Any) -> dict:
    """Return all options of a task."""
    return {**{name: option.get("default") for name, option in SPEC.items()}, "workers": 3, **given}


def entries(*some: dict) -> list[dict]:
    """Return dictionaries of `declarations`, each with all options that one has."""
    empty = dict.fromkeys((*fuse.LIMITS, "exclude"))
    return [{**empty, **one} for one in some]


def converged(shelf: Shelf, resource: type, params: dict, check_mode: bool = False) -> Any:
    """Return the outcome of a task."""
    shelf.ledger = Ledger()
    report = result.Report(resource, shelf, params, check_mode)
    return engine.converge(resource, shelf, params, check_mode, ["want"], report.hold)


def undone(shelf: Shelf, resource: type, path: str, check_mode: bool = False, **more: Any) -> dict:
    """Return the result of a task that takes back the plan in a file."""
    params = options(undo=path, **more)
    back = undo.Undo(resource, dict.fromkeys(("names", "exclude", "want"), {"type": "raw"}), params)
    back.check_registry(shelf.url)
    shelf.ledger = Ledger()
    report = result.Report(resource, shelf, params, check_mode)
    outcome = engine.converge(resource, shelf, params, check_mode, ["want"], report.hold, back.entries)
    return report.of(outcome, True, *back.told(shelf, bool(outcome.changed_targets)))


def reported(shelf: Shelf, resource: type, params: dict, check_mode: bool = False) -> dict:
    """Return the result of a task."""
    outcome = converged(shelf, resource, params, check_mode)
    return result.Report(resource, shelf, params, check_mode).of(outcome, diff=True)


def entry(label: str, number: int | None = None, **params: Any) -> declarations.Entry:
    """Return an entry of a declaration, with these options."""
    return declarations.Entry(options(**params), number, [label], params if number is not None else {})
