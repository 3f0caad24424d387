# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: starts made-up registries, applies to them what group_vars declare, and checks what came of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
import time
from collections import Counter
from typing import Any

import estates
import stage
from stage import BIN, colour, control, expect, output, relative, show_command, title

INVENTORY = "tests/demo/inventory.yml"
APPLY = [str(BIN / "ansible-playbook"), "registry.hygiene.apply", "-i", INVENTORY]
# What the made-up registries know: names of environment variables and their values.
CREDENTIALS = {
    "quay": {"QUAY_TOKEN": "demo-token-of-alice"},
    "swr": {"SWR_ACCESS_KEY": "DEMOALICEXXXXXXXXXXX", "SWR_SECRET_KEY": "demo-secret-key-of-alice"},
    "digitalocean": {"DIGITALOCEAN_TOKEN": "dop_v1_demo-operator"},
}
SHORT = {"seconds_requested": 0.5, "seconds_waiting": 0.5, "seconds_scanning": 1, "seconds_deleting": 1}


def main() -> int:
    """Run the demo; returns the exit status."""
    os.chdir(stage.ROOT)
    stage.watch_signals()
    if not (stage.ROOT / stage.COLLECTIONS / "ansible_collections/registry/hygiene").is_dir():
        print(f"There is no collection in {stage.COLLECTIONS}: run this as `make demo`.")
        return 1
    stage.LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="registry-hygiene-demo-") as scratch:
            try:
                demo(stage.environment(scratch))
            finally:
                stage.stop_children()
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.")
        return 128 + stage.signals[0]
    except (stage.Broken, OSError) as error:
        print(f"\nFAILED: {error}")
        return 1
    print(f"\nAll as it should be, in {time.monotonic() - began:.0f} s. The made-up registries are stopped.")
    return 0


def demo(env: dict[str, str]) -> None:
    """Run all steps; raises Broken."""
    title("Made-up registries")
    urls = {registry: stage.start(registry, env) for registry in CREDENTIALS}
    control(urls["digitalocean"], "switches", SHORT)
    show_command(f"export ANSIBLE_COLLECTIONS_PATH={os.path.relpath(stage.COLLECTIONS)}")
    for registry, known in CREDENTIALS.items():
        given = {f"{registry.upper()}_URL": urls[registry], **known}
        show_command(f"export {' '.join(f'{name}={value}' for name, value in given.items())}")
        env.update(given)
    estate = Estate(urls, env)
    before = estate.look()
    show_sizes(before)
    print("  Policies that somebody made by hand, compared with those declared in tests/demo/group_vars:")
    show_table(before)
    for name in ("quay", "swr"):
        expect("as declared" not in before[name].verdicts(), f"{name}: some are as declared before anything was done")

    title("What would change? Nothing is written")
    log = play("preview", ["--check", "--diff"], env)
    expect(not any(estate.writes().values()), "something was written in check mode")
    for name, found in estate.look().items():
        same = found.ages == before[name].ages if name == "digitalocean" else found.there == before[name].there
        expect(same, f"{name} differs after check mode")
    print(f"  {len(log.splitlines())} lines in {relative('preview')}, for example:")
    show_excerpt(log, "policies", "\\w+/.*")
    show_excerpt(log, "retention", ".*")

    title("Do it")
    play("apply", [], env)
    after = estate.look()
    show_table(after)
    writes = estate.writes()
    for name in ("quay", "swr"):
        done = Counter(writes[name])
        changed = done["PATCH"] + done["PUT"]
        print(f"  {name}: {done['POST']} policies created, {changed} changed in place, {done['DELETE']} deleted")
        expect(after[name].verdicts() == {"as declared"}, f"{name}: not all are as declared")
    for name, found in after.items():
        expect(found.undeclared == before[name].undeclared, f"{name}: something was changed that nobody declared")

    title("Once more: nothing is left to do")
    log = play("again", [], env)
    unchanged = re.findall(r"^\S+ +: ok=.* changed=0 .* failed=0 ", log, re.MULTILINE)
    expect(len(unchanged) == len(CREDENTIALS), f"something changed again, see {relative('again')}")
    expect(estate.writes() == writes, "something was written again")

    title("What the registries then deleted")
    work = control(urls["quay"], "tick", {"force": True})
    expect(not any(space["error"] for space in work["namespaces"]), f"Quay's worker failed: {work}")
    show_deleted(before, estate.look())


class Estate:
    """The three registries, looked at past our modules."""

    def __init__(self, urls: dict[str, str], env: dict[str, str]) -> None:
        self.urls = urls
        everything = json.loads(output([str(BIN / "ansible-inventory"), "-i", INVENTORY, "--list"], env, "inventory"))
        hosts = everything["_meta"]["hostvars"]
        self.variables = {registry: hosts[f"{registry}.example.com"] for registry in urls}

    def look(self) -> dict[str, Any]:
        """Return how it is now."""
        readers = {"quay": estates.quay, "swr": estates.swr, "digitalocean": estates.Garbage}
        return {name: reader(self.urls[name], self.variables[name]) for name, reader in readers.items()}

    def writes(self) -> dict[str, list[str]]:
        """Return the methods of all requests that wrote something."""
        return {name: [entry["method"] for entry in control(url, "writes")] for name, url in self.urls.items()}


def play(name: str, options: list[str], env: dict[str, str]) -> str:
    """Run the playbook, say how long it took and what it reports of each host; returns its output."""
    show_command(shlex.join([*APPLY, *options]))
    began = time.monotonic()
    log = output([*APPLY, *options], env, name)
    took = time.monotonic() - began
    reports = re.findall(r'^ok: \[(.*)\] => {\s+"msg": "(.*)"', log, re.MULTILINE)
    recap = re.findall(r"^\S+ +: ok=.*", log, re.MULTILINE)
    expect(len(reports) == len(recap) == len(CREDENTIALS), f"not all hosts report, see {relative(name)}")
    for host, report in reports:
        print(f"  {host}: {report}")
    for line in recap:
        print(f"  {line.split('rescued')[0].rstrip()}")
    print(f"  in {took:.1f} s")
    for known in CREDENTIALS.values():
        for variable, value in known.items():
            expect(value not in log, f"{relative(name)} holds {variable}")
    return log


def show_sizes(estate: dict[str, Any]) -> None:
    """Print how much there is."""
    for name in ("quay", "swr"):
        found = estate[name]
        spaces = {target.split("/")[0] for target in found.tags}
        print(f"  {name}: {len(spaces)} organizations, {len(found.tags)} repositories, {found.count_tags()} tags")
    garbage = estate["digitalocean"]
    print(f"  digitalocean: {len(garbage.registries)} registries, {garbage.stored / 2**30:.1f} GB")


def show_table(estate: dict[str, Any]) -> None:
    """Print how what is there compares with what is declared."""
    quay, swr = estate["quay"], estate["swr"]
    print(f"  {'':16}{'Quay organizations':>20}{'Quay repositories':>20}{'SWR repositories':>20}")
    for verdict in ("as declared", "other policies", "no policies"):
        counts = quay.count(verdict, False), quay.count(verdict), swr.count(verdict)
        print(f"  {verdict:16}{''.join(f'{count:>20}' for count in counts)}")
    ages = [f"{name} {days} days ago" for name, days in estate["digitalocean"].ages.items()]
    print(f"  Garbage collected at DigitalOcean: {', '.join(ages)}")


def show_excerpt(log: str, noun: str, names: str) -> None:
    """Print the part of a diff that is about one repository whose policies change: the one that loses least."""
    found = []
    block_of = rf'^ {{5}}"{names}": {{\n {{9}}"{noun}": (?:\n?(?! {{5}}\S).*)*?\n {{5}}}},?$'
    for block in re.finditer(block_of, log, re.MULTILINE):
        lines = block.group().splitlines()
        if {"+", "-"} <= {line[0] for line in lines} and not any(line.startswith("@") for line in lines):
            found.append(lines)
    expect(found, f"no repository whose {noun} change in {relative('preview')}")
    for line in min(found, key=lambda lines: [line[0] for line in lines].count("-")):
        print(f"  | {colour(line, line[0])}")


def show_deleted(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Print what was deleted, and check that it is what should be."""
    for name, when in (("quay", "within minutes (here at once)"), ("swr", "when the policies were created")):
        there, left = before[name].count_tags(), after[name].count_tags()
        print(f"  {name}, {when}: {there - left} of {there} tags deleted, {left} kept")
        expect(left < there, f"{name} deleted nothing")
    freed = after["digitalocean"].freed(before["digitalocean"])
    print(f"  digitalocean, during garbage collection: {freed / 2**20:.0f} MB freed")
    expect(freed, "digitalocean freed nothing")
    most = max(after["quay"].releases("*").values())
    expect(most <= 10 < max(before["quay"].releases("*").values()), "Quay did not keep the ten newest releases")
    expect(after["swr"].releases("acme") == before["swr"].releases("acme"), "SWR deleted releases of acme")
    expect(max(after["swr"].releases("globex").values()) <= 10, "SWR did not keep the ten newest tags of globex")


if __name__ == "__main__":
    sys.exit(main())
