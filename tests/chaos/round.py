# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One round: a random estate and declaration, runs with faults and kills, then one that must converge, then another."""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from fakes.serve import serving

from chaos import faults
from chaos.digitalocean import DigitalOceanWorld
from chaos.monitor import Monitor
from chaos.mounts import MOUNTS, Run
from chaos.proxy import AIMS, Proxy
from chaos.quay import QuayWorld
from chaos.swr import SwrWorld

WORLDS = {"digitalocean": DigitalOceanWorld, "quay": QuayWorld, "swr": SwrWorld}
PATIENT = {"timeout": 30, "retries": 5}
LONGEST_TEXT = 20000
PART = 12  # characters of a secret that are too many in a text
NO_HELP = r"Traceback|\bbug\b|object at 0x|<class '|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"


class Round:
    """Plays the round of a seed. counts: what happened. problems: what must not have."""

    def __init__(self, seed: int, registry: str, mount: str) -> None:
        self.chance = random.Random(f"{seed} {registry} {mount}")
        self.world = WORLDS[registry](self.chance)
        self.mount = mount
        self.seed = seed
        self.counts: Counter = Counter({"rounds": 1, f"rounds of {registry}": 1, f"rounds {mount}": 1})
        self.problems: list[str] = []

    def play(self) -> Round:
        """Plays it."""
        slow = 0.3 if self.mount == "here" else 1.0
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder, serving(self.world.fake) as url:
            self.folder = Path(folder)
            with Proxy(url, str(self.seed), slow) as self.proxy:
                self.monitor = Monitor(self.world)
                self._play(slow)
                self.counts.update({"requests": self.proxy.requests, "writes monitored": self.monitor.writes})
                hit = {f"fault {name}": number for name, number in self.proxy.counts.items() if name != "none"}
                self.counts.update(hit)
        return self

    def _play(self, slow: float) -> None:
        chance = self.chance
        self.proxy.kinds = [name for name in faults.FAULTS if chance.random() < 0.7 and self._fits(name)] or ["busy"]
        self.proxy.rate = chance.choice([0.03, 0.1, 0.3, 0.6])
        self.proxy.aim = chance.choice(AIMS)
        settings = {"timeout": slow, "retries": chance.choice([0, 1, 2, 4]), "workers": chance.choice([1, 4, 10])}
        if chance.random() < 0.15:
            self._run("check", settings, check=True)
        for _number in range(chance.choice([1, 1, 2])):
            kill = self.mount != "here" and chance.random() < 0.5
            self._run("faulty", settings, kill=kill)
        self.proxy.rate = 0
        self._run("clean", PATIENT)
        self._run("again", PATIENT)
        if not self.problems:
            changed = {key for key, state in self.world.snapshot().items() if state != self.monitor.initial[key]}
            self._add("afterwards", self.world.afterwards(changed))

    def _fits(self, name: str) -> bool:
        # Without real pauses nothing comes late.
        return self.mount != "here" or name not in faults.LATE

    def _run(self, name: str, settings: dict, check: bool = False, kill: bool = False) -> None:
        world, options, environment = self.world, {**self.world.options, **settings}, self.world.access(self.proxy.url)
        mount: Any = MOUNTS[self.mount]
        if name == "again" and self.mount != "here":
            mount = MOUNTS["module"]  # what one way has done is nothing to do for the other
        kills = {}
        if kill:
            number, after = self.chance.choice([1, 2, 3, 5, 8, 13, 21]), self.chance.random() < 0.5
            kills["kill"] = lambda strike: self.proxy.strike_at(number, after, strike)
        before, writes, self.proxy.late = world.snapshot(), len(world.fake.writes), False
        self.proxy.writing = False
        self.monitor.effects.clear()
        run = mount(world, options, environment, check, self.folder, self.chance, **kills)
        self.proxy.quiet()
        late = self.proxy.late or any(when > run.ended for when, _key in self.monitor.effects)
        self.counts.update({"runs": 1, f"runs {name}": 1, "kills": run.killed, "late effects": late})
        found = [*run.problems, *self.monitor.taken(), *self._leaks(run)]
        effects = [key for _when, key in self.monitor.effects]
        if check and len(world.fake.writes) > writes:
            found.append("check mode wrote")
        if run.result is not None and not run.killed:
            found += self._judged(run.result, check, late, effects, len(world.fake.writes) - writes)
            if not check and not late:
                for key, state in self._states().items():
                    found += world.healed(key, before[key], state, run.output)
        if not run.killed:
            found += world.ended(effects)
        if name in ("clean", "again"):
            found += self._clean(name, run, effects, len(world.fake.writes) - writes)
        self._add(f"{name} {run.result and run.result.get('msg', '')!r}"[:1500], found)

    def _add(self, what: str, found: list[str]) -> None:
        self.problems += [f"{text} [{what}]" for text in found]

    def _states(self) -> dict:
        found = self.world.snapshot()
        return {key: found[key] for key in self.world.targets}

    def _judged(self, result: dict, check: bool, late: bool, effects: list, writes: int) -> list[str]:
        """Returns what is wrong with the result of a task that ended by itself."""
        found, world, failed = [], self.world, bool(result.get("failed"))
        texts = [
            str(result.get("msg", "")),
            *result.get("failures", {}).values(),
            *map(str, result.get("warnings", [])),
        ]
        if failed and len(texts[0]) < 10:
            found.append(f"its message says nothing: {texts[0]!r}")
        found += [f"a message that nobody can act on: {text!r}" for text in texts if re.search(NO_HELP, text)]
        found += [f"a message of {len(text)} characters" for text in texts if len(text) > LONGEST_TEXT]
        changed = bool(result.get("changed"))
        if failed and re.search(r"max_deletions|protect:", texts[0]) and not result.get("failures") and writes:
            found.append("a plan that was refused by a limit was written")
        if check or late:
            return found
        if effects and not changed:
            found.append(f"changed is false, but it changed {sorted(set(effects))}")
        # With reads that are answered, no write stays in doubt.
        if changed and not effects and (not failed or self.proxy.aim == "writes"):
            found.append("changed is true, but nothing was")
        if not failed:
            told = sorted(result.get("changed_targets", []))
            if told != sorted({world.targets[key] for key in effects if key in world.targets}):
                found.append(f"changed_targets are {told}, but it changed {sorted(set(effects))}")
        found += self._reached(result, failed)
        return found

    def _reached(self, result: dict, failed: bool) -> list[str]:
        """Returns which targets are not what they should be, of those that are said to be."""
        failures = result.get("failures")
        if failed and failures is None:
            return []
        states = self._states()
        return [
            f"{key} is not what it should be: {states[key]}"
            for key, name in self.world.targets.items()
            if name not in (failures or {}) and not self.world.reached(key, states[key])
        ]

    def _clean(self, name: str, run: Run, effects: list, writes: int) -> list[str]:
        """Returns what is wrong with a run without any faults."""
        if run.result is None:
            return ["a run without faults has no result"]
        found, refusal = [], self.world.refusal()
        text = str(run.result.get("msg", ""))
        refused = bool(refusal and re.search(refusal, text))
        if run.result.get("failed") and not refused:
            found.append("a run without faults failed")
        if (
            name == "again"
            and not refused
            and not self.world.repeats
            and (run.result.get("changed") or effects or writes)
        ):
            found.append(f"the second run without faults changed {effects} with {writes} writes")
        if refused and not run.result.get("failures") and writes:
            found.append("a refused plan was written")
        self.counts["refused"] += refused
        return found

    def _leaks(self, run: Run) -> list[str]:
        """Returns which secrets, or parts of them, are in what the task gave away and left behind."""
        texts = {"the output": run.output}
        if not run.killed:  # a killed Ansible leaves its own files
            for place, _folders, names in os.walk(self.folder):
                for name in names:
                    path = Path(place, name)
                    texts[name] = path.read_text("utf-8", "replace") if path.is_file() else ""
        parts = {text[at : at + PART] for text in self.world.secrets for at in range(len(text) - PART + 1)}
        return [
            f"{name} holds a part of a secret" for name, text in texts.items() if any(part in text for part in parts)
        ]
