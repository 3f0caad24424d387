# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make chaos: rounds of chaos until the time is over, and what came of them."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from chaos.mounts import MOUNTS
from chaos.round import WORLDS, Round

SHARES = {"here": 6, "module": 6, "in-process": 3, "ansible": 1}


def chosen(seed: int, registry: str | None, mount: str | None) -> tuple[str, str]:
    """Returns registry and mount of a seed, unless they are given."""
    chance = random.Random(seed)
    by_chance = chance.choice(sorted(WORLDS)), chance.choices(list(SHARES), list(SHARES.values()))[0]
    return registry or by_chance[0], mount or by_chance[1]


def play(seed: int, registry: str, mount: str) -> tuple[Counter, list[str]]:
    """Plays a round; returns its counts and problems."""
    try:
        done = Round(seed, registry, mount).play()
    except Exception as error:
        return Counter(), [f"the round itself broke: {type(error).__name__}: {error}"]
    return done.counts, done.problems


def options() -> argparse.Namespace:
    """Returns what the command line says."""
    parser = argparse.ArgumentParser(description="Faults, kills and hostile answers by chance, with a monitor.")
    parser.add_argument("--seed", type=int, help="of the first round; each further one has the next number")
    parser.add_argument("--rounds", type=int, default=10**9, help="at most")
    parser.add_argument("--minutes", type=float, default=10, help="after which no round begins")
    parser.add_argument("--registry", choices=sorted(WORLDS))
    parser.add_argument("--mount", choices=sorted(MOUNTS))
    parser.add_argument("--jobs", type=int, default=6, help="rounds at the same time; most of them wait")
    return parser.parse_args()


def main() -> int:
    """Plays rounds; returns 1 if a promise was broken."""
    args = options()
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    counts, broken, begun, end = Counter(), 0, 0, time.monotonic() + args.minutes * 60
    running: dict[Future, tuple[int, str, str]] = {}
    print(f"chaos from seed {seed}", flush=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        while running or begun < args.rounds and time.monotonic() < end:
            while len(running) < args.jobs and begun < args.rounds and time.monotonic() < end:
                which = (seed + begun, *chosen(seed + begun, args.registry, args.mount))
                running[pool.submit(play, *which)] = which
                begun += 1
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number, registry, mount = running.pop(future)
                more, problems = future.result()
                counts.update(more)
                broken += bool(problems)
                if problems:
                    again = f"--seed {number} --rounds 1 --registry {registry} --mount {mount}"
                    print("\n  ".join([f'BROKEN: make chaos ARGS="{again}"', *problems]), flush=True)
    for name, number in sorted(counts.items()):
        print(f"{number:8} {name}")
    print(f"{begun} rounds, {broken} broke a promise")
    return 1 if broken or not counts["requests"] else 0


if __name__ == "__main__":
    sys.exit(main())
