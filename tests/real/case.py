# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test needs to know beside a row of the contract, so that the row can be played on a real registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from contract.row import Row

from .place import Place


@dataclass
class Case:
    """One row of the contract on a place.

    steps(place): pairs of options and what the server must have then. seen(place): what it has, without the collection.
    Both may raise Skipped. `prepare` is called before the first step, `feed`, `shown` and `fresh` replace those of the
    row where these know the names of its fake.
    """

    row: Row
    steps: Callable[[Any], list[tuple[dict, Any]]]
    seen: Callable[[Any], Any]
    target: Callable[[Any], dict] = lambda place: {}  # options that name what the _info module is asked for
    prepare: Callable[[Any], None] = lambda place: None
    feed: Callable[[Any, dict], dict] | None = None
    shown: Callable[[Any, dict], Any] | None = None
    fresh: Callable[[Any, dict], Any] | None = None

    @property
    def name(self) -> str:
        """Return the name of the row."""
        return self.row.name.replace(" ", "_")

    def play(self, place: Place) -> None:
        """Change the server step by step as the contract wants it, and leave nothing behind."""
        self.prepare(place)
        place.exchanges.forget()
        target = self.target(place)
        for options, wanted in self.steps(place):
            before = self.seen(place)
            foretold = place.done(self.row.module, target, options, check_mode=True)
            assert self.seen(place) == before, "check mode changed the server"
            done = place.done(self.row.module, target, options)
            assert done["changed"], f"{options} changed nothing"
            assert self.seen(place) == wanted, f"after {options}"
            assert self.row.foretold(foretold) == self.row.foretold(done), "check mode foretold something else"
            for check_mode in (True, False):
                again = place.done(self.row.module, target, options, check_mode=check_mode)
                assert not again["changed"], f"{options} changes something again: {again['diff']}"
            info = place.done(self.row.info, target)
            assert self._fresh(place, info) == self._shown(place, done) == self._shown(place, again)
            if wanted:
                fed = place.done(self.row.module, target, self._feed(place, info))
                assert not fed["changed"], f"what {self.row.info} says changes something: {fed['diff']}"

    def _feed(self, place: Place, info: dict) -> dict:
        return self.feed(place, info) if self.feed else self.row.feed(info)

    def _shown(self, place: Place, result: dict) -> Any:
        return self.shown(place, result) if self.shown else self.row.shown(result)

    def _fresh(self, place: Place, info: dict) -> Any:
        return self.fresh(place, info) if self.fresh else self.row.fresh(info)


@dataclass
class Forecast:
    """Something that deletes images: what check mode says must be what goes.

    options(place): of the task. images(place): repository -> tags, or digests of untagged images, of the place's own.
    happen(place): makes it happen after the task, if the registry does not do so at once; all may raise Skipped.
    """

    name: str
    module: str
    options: Callable[[Any], dict]
    images: Callable[[Any], dict[str, set[str]]]
    happen: Callable[[Any], None] = lambda place: None
    prepare: Callable[[Any], None] = lambda place: None
    harmless: Callable[[Any, dict[str, set[str]]], None] = lambda place, foretold: None

    def play(self, place: Place) -> None:
        """Compare the forecast with what happens."""
        self.prepare(place)
        place.exchanges.forget()
        options, before = self.options(place), self.images(place)
        foretold = {repository: images for repository, images in place.foretold(self.module, options).items() if images}
        assert foretold, "nothing is foretold: there is nothing to see"
        self.harmless(place, foretold)
        assert self.images(place) == before, "check mode deleted images"
        count = sum(map(len, foretold.values()))
        assert place.done(self.module, options, max_deletions=count)["changed"]
        self.happen(place)
        left = {repository: images - foretold.get(repository, set()) for repository, images in before.items()}
        place.until(lambda: self.images(place) == left, place.settings.patience)
        now = self.images(place)
        gone = {name: images - now.get(name, set()) for name, images in before.items() if images - now.get(name, set())}
        assert gone == foretold, f"foretold: {foretold}, gone: {gone}"
