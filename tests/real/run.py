# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries of one run of the tests: real ones with a fake beside each, or fakes alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Callable

from fakes._base import Fake
from fakes.serve import serving

from . import digitalocean, harbor, harbor_cases, harbor_project_cases, quay, quay_cases, swr
from .exchanges import Exchanges, differences, summary
from .place import Place
from .settings import Settings

PLACES: dict[str, type[Place]] = {
    "harbor": harbor.HarborPlace,
    "quay": quay.QuayPlace,
    "swr": swr.SwrPlace,
    "digitalocean": digitalocean.DigitalOceanPlace,
}
ADDRESSES = {"harbor": "HARBOR_URL", "quay": "QUAY_URL", "swr": "SWR_URL", "digitalocean": "DIGITALOCEAN_URL"}
TWINS: dict[str, Callable[[Any], Fake]] = {
    "harbor": lambda place: harbor.twin(place and place.full_version),
    "quay": lambda place: quay.twin(place and place.config),
    "swr": lambda place: swr.twin(),
    "digitalocean": lambda place: digitalocean.twin(),
}
CASES = {
    "harbor": harbor_cases.CASES + harbor_project_cases.CASES,
    "quay": quay_cases.CASES,
    "swr": swr.CASES,
    "digitalocean": digitalocean.CASES,
}
FORECASTS = {
    "harbor": harbor_cases.FORECASTS + harbor_project_cases.FORECASTS,
    "quay": quay_cases.FORECASTS,
    "swr": [],
    "digitalocean": [],
}
SERVER, FAKE = "server", "fake"


class Run:
    """All places of a run, opened when they are first needed and closed together."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        named = settings.kinds()
        self.kinds = named or list(PLACES)
        self.sides = [SERVER, FAKE] if named else [FAKE]
        self.places: dict[tuple[str, str], Place] = {}
        self.seen: dict[tuple[str, str], Exchanges] = {}  # test, side -> exchanges
        self.left: list[str] = []
        self._fakes = ExitStack()

    def intent(self) -> list[str]:
        """Return in words what the run will do, before it has looked at anything."""
        lines = []
        for kind in self.kinds:
            place = self._new(kind, SERVER) if SERVER in self.sides else self._new(kind, FAKE, "a fake on loopback")
            lines.append(f"{place.title} at {place.url}, all names begin with {place.prefix}:")
            lines += [f"  {line}" for line in place.intent()]
        others = [PLACES[kind].title for kind in PLACES if kind not in self.kinds]
        if others:
            lines.append(f"Not tested, as the environment does not name them: {', '.join(others)}")
        if SERVER in self.sides:
            lines.append("Each test runs on a fake of the same version, too; what differs is told at the end.")
        return lines

    def _new(self, kind: str, side: str, url: str = "") -> Place:
        if side == SERVER:
            return PLACES[kind](self.settings, self.settings[ADDRESSES[kind]])
        fake = TWINS[kind](self.places.get((kind, SERVER)))
        url = url or self._fakes.enter_context(serving(fake))
        return PLACES[kind](self.settings, url, fake)

    def open(self, kind: str, side: str) -> Place:
        """Return the place, ready for tests; raises Refused."""
        if side == FAKE and SERVER in self.sides:
            self.open(kind, SERVER)
        if (kind, side) not in self.places:
            place = self.places[kind, side] = self._new(kind, side)
            place.open()
        return self.places[kind, side]

    def adopt(self, kind: str) -> list[str]:
        """Return what a real registry holds with the prefix; closing deletes it."""
        place = self.places[kind, SERVER] = self._new(kind, SERVER)
        place.check()
        place.ours = True
        return place.holdings()

    def begin(self, test: str, kind: str, side: str) -> Place:
        """Return the place for a test, whose exchanges are noted from now on."""
        place = self.open(kind, side)
        place.exchanges = self.seen[test, side] = Exchanges([place.prefix])
        return place

    def close(self) -> None:
        """Leave all places as they were found."""
        for (_kind, side), place in self.places.items():
            self.left += [f"{place.title} ({side}, {place.url}): {text}" for text in place.close()]
        self._fakes.close()

    def differences(self) -> list[str]:
        """Return in words what the real registries did unlike the fakes, each thing once."""
        lines = []
        for (test, side), exchanges in self.seen.items():
            other = self.seen.get((test, FAKE))
            if side == SERVER and other is not None:
                lines += differences(exchanges, other)
        return summary(lines)
