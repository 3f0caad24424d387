# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: starts made-up registries, applies to them what the inventory declares, and checks what came of it."""

from __future__ import annotations

import argparse
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
from stage import BIN, call, colour, control, expect, output, paragraph, relative, show_command, title

INVENTORY = "tests/demo/inventory.yml"
APPLY = [str(BIN / "ansible-playbook"), "registry.hygiene.apply", "-i", INVENTORY]
PREVIEW = [str(BIN / "ansible-playbook"), "registry.hygiene.preview", "-i", INVENTORY]
RAISED = '{"swr_hygiene_limits": {"max_deletions": 400, "max_deletions_percent": 50, "min_keep": 1}}'
REPORT = f"registry_hygiene_report={stage.LOGS.relative_to(stage.ROOT)}"
KINDS = ("quay", "swr")  # with policies
# What the made-up registries know: names of environment variables and their values.
CREDENTIALS = {
    "quay": {"QUAY_TOKEN": "demo-token-of-alice"},
    "swr": {"SWR_ACCESS_KEY": "DEMOALICEXXXXXXXXXXX", "SWR_SECRET_KEY": "demo-secret-key-of-alice"},
    "digitalocean": {"DIGITALOCEAN_TOKEN": "dop_v1_demo-operator"},
}
OVERLAP = " (some are in both rows)"
SHORT = {"seconds_requested": 0.5, "seconds_waiting": 0.5, "seconds_scanning": 1, "seconds_deleting": 1}


def main() -> int:
    """Run the demo; returns the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", action="store_true", help="leave the made-up registries running")
    keep = options.parse_args().keep
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
                exports = demo(stage.environment(scratch))
                took = time.monotonic() - began
                stage.check_signals()
                if keep:
                    playground(exports, stage.keep_children())
            finally:
                stage.stop_children()
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.")
        return 128 + stage.signals[0]
    except (stage.Broken, OSError) as error:
        print(f"\nFAILED: {error}")
        return 1
    ending = "are left running" if keep else "are stopped; make demo KEEP=1 leaves them running"
    print(f"\nAll as it should be, in {took:.0f} s. The made-up registries {ending}.")
    return 0


def demo(env: dict[str, str]) -> list[str]:
    """Run all steps; returns what has to be exported to go on by hand. Raises Broken."""
    title("Three made-up registries, one inventory")
    urls = {registry: stage.start(registry, env) for registry in CREDENTIALS}
    control(urls["digitalocean"], "switches", SHORT)
    exports = [f"export ANSIBLE_COLLECTIONS_PATH={os.path.relpath(stage.COLLECTIONS)}"]
    for registry, known in CREDENTIALS.items():
        given = {f"{registry.upper()}_URL": urls[registry], **known}
        exports.append(f"export {' '.join(f'{name}={value}' for name, value in given.items())}")
        env.update(given)
    for line in exports:
        show_command(line)
    estate = Estate(urls, env)
    before = estate.look()
    show_sizes(before)
    print("  Policies that somebody made by hand, compared with those declared in tests/demo/group_vars:")
    show_table(before)
    for name in KINDS:
        expect("as declared" not in before[name].verdicts(), f"{name}: some are as declared before anything was done")

    title("1. What would go? Nothing is written")
    foreseen = preview(env)
    expect(not any(estate.writes().values()), "the preview wrote something")
    estate.expect_same(before, KINDS, "after the preview")

    title("2. Do it - and a fuse blows, because more would go than swr.example.com allows")
    play("apply", [], env, blown="swr.example.com")
    halfway = estate.look()
    for name, policies in halfway["swr"].there.items():
        touched = policies != before["swr"].there[name] or halfway["swr"].tags[name] != before["swr"].tags[name]
        expect(touched == name.startswith("globex/"), f"swr: {name} should be {'un' * (not touched)}touched")
    print("  All else was done:")
    show_table(halfway)

    title("3. They may go: the limit is raised for that registry")
    play("raised", ["--limit", "swr.example.com", "-e", RAISED], env, hosts=1)
    after = estate.look()
    show_table(after)
    writes = estate.writes()
    for name in KINDS:
        expect(after[name].verdicts() == {"as declared"}, f"{name}: not all are as declared")
    for name, found in after.items():
        expect(found.undeclared == before[name].undeclared, f"{name}: something was changed that nobody declared")

    title("4. Once more: nothing is left to do, and no limit has to be raised for that")
    expect(changes(play("again", [], env)) == [0, 0, 0], f"something changed again, see {relative('again')}")
    expect(estate.writes() == writes, "something was written again")
    work = control(urls["quay"], "tick", {"force": True})
    expect(not any(space["error"] for space in work["namespaces"]), f"Quay's worker failed: {work}")
    cleaned = estate.look()

    title("5. Somebody changes a policy by hand; --check sees it")
    name = drift(urls["quay"], env["QUAY_TOKEN"], after["quay"])
    drifted = estate.writes()
    log = play("drift", ["--check", "--diff"], env)
    expect(changes(log) == [0, 1, 0], f"not just one change, see {relative('drift')}")
    show_excerpt(log, "policies", re.escape(name))
    expect(estate.writes() == drifted, "something was written in check mode")

    title("Summary")
    show_summary(foreseen, before, cleaned, {kind: Counter(found) for kind, found in writes.items()})
    return exports


def preview(env: dict[str, str]) -> dict[str, list]:
    """Run the playbook preview and show its tables; returns its report: host -> rows."""
    command = [*PREVIEW, "-e", REPORT]
    show_command(shlex.join(command))
    began = time.monotonic()
    log = output(command, env, "preview")
    took = time.monotonic() - began
    tables = re.findall(r'^ok: \[(.*)\] => {\s+"msg": (\[[^]]*\])', log, re.MULTILINE)
    expect(len(tables) == len(CREDENTIALS), f"not all hosts have a table, see {relative('preview')}")
    for host, lines in tables:
        print(f"  {colour(host, 'bold')}")
        for line in json.loads(lines):
            print(f"    {colour(line, '-') if line.endswith('BLOWN') else line}")
    print(f"  in {took:.1f} s; also in {REPORT.partition('=')[2]}/registry-hygiene-preview.md and .json")
    expect_no_secrets("preview", log)
    rows = json.loads((stage.LOGS / "registry-hygiene-preview.json").read_text())
    blown = [(host, row["what"]) for host, found in rows.items() for row in found if row["fuse"]]
    expect(blown == [("swr.example.com", "acme/*")], f"these fuses would blow: {blown}")
    return rows


def drift(url: str, token: str, quay: estates.Policies) -> str:
    """Change a policy of a repository through the API of Quay, as a person would; returns the repository."""
    name = min(name for name in quay.tags if name in quay.wanted)
    where = f"{url}/api/v1/repository/{name}/autoprunepolicy/"
    policy = next(found for found in call(where, token=token)["policies"] if found["method"] == "number_of_tags")
    wish = {"method": "number_of_tags", "value": 3, "tagPattern": policy["tagPattern"]}
    address = where.replace(url, "$QUAY_URL") + policy["uuid"]
    show_command(
        "printf 'Authorization: Bearer %s' \"$QUAY_TOKEN\" | curl -H @- -X PUT -H 'Content-Type: application/json' \\"
    )
    print(f"        -d '{json.dumps(wish)}' \\\n        {address}")
    call(where + policy["uuid"], wish, "PUT", token)
    return name


def playground(exports: list[str], processes: list[int]) -> None:
    """Print how to go on by hand."""
    inventory = f"-i {INVENTORY}"
    look = shlex.join([*PREVIEW, "-e", REPORT])
    title("The made-up registries are yours now")
    for line in [f"cd {shlex.quote(str(stage.ROOT))}", *exports, "export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1"]:
        show_command(line)
    for what, command in (
        ("What would go? Change tests/demo/group_vars, and look again", look),
        ("See the drift of step 5, and each image that would go", f"{APPLY[0]} {APPLY[1]} {inventory} --check --diff"),
        ("Mend it", f"{APPLY[0]} {APPLY[1]} {inventory}"),
        ("Let the worker of Quay delete what the policies say", "curl -d '{\"force\": true}' $QUAY_URL/_fake/tick"),
        ("All that was written to a registry", "curl $SWR_URL/_fake/writes"),
        ("Stop them", f"kill {' '.join(map(str, processes))}"),
    ):
        print(f"  # {what}")
        show_command(command)


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

    def expect_same(self, before: dict[str, Any], kinds: tuple, when: str) -> None:
        """Raise Broken if policies or tags are not what they were."""
        now = self.look()
        for name in kinds:
            same = now[name].there == before[name].there and now[name].tags == before[name].tags
            expect(same, f"{name} is not what it was {when}")

    def writes(self) -> dict[str, list[str]]:
        """Return the methods of all requests that wrote something."""
        return {name: [entry["method"] for entry in control(url, "writes")] for name, url in self.urls.items()}


def play(name: str, options: list[str], env: dict[str, str], blown: str = "", hosts: int = 3) -> str:
    """Run the playbook apply, say how long it took and what it reports of each host; returns its output.

    blown: the host on which a limit refuses the plan. hosts: how many it is about.
    """
    show_command(shlex.join([*APPLY, *options]))
    began = time.monotonic()
    log = output([*APPLY, *options], env, name, 2 if blown else 0)
    took = time.monotonic() - began
    reports = re.findall(r'^ok: \[(.*)\] => {\s+"msg": "(.*)"', log, re.MULTILINE)
    expect(len(reports) == hosts - bool(blown), f"not all hosts report, see {relative(name)}")
    for host, report in reports:
        print(f"  {host}: {report}")
    fatal = re.findall(r"^fatal: \[(.*)\]: FAILED! => ({.*})", log, re.MULTILINE)
    if blown:
        host, result = fatal[-1]
        message = json.loads(result)["msg"]
        expect(host == blown and message.startswith("max_deletions: "), f"another failure, see {relative(name)}")
        print(f"  {colour(f'{host}: refused', '-')}")
        paragraph(message)
    for line in re.findall(r"^\S+ +: ok=.*", log, re.MULTILINE):
        print(f"  {line.split('skipped')[0].rstrip()}")
    print(f"  in {took:.1f} s, see {relative(name)}")
    expect_no_secrets(name, log)
    return log


def changes(log: str) -> list[int]:
    """Return the number of changes of each host, in the order of the recap."""
    return [int(number) for number in re.findall(r"^\S+ +: ok=.* changed=(\d+) .* failed=0 ", log, re.MULTILINE)]


def expect_no_secrets(name: str, log: str) -> None:
    """Raise Broken if a log holds credentials."""
    for known in CREDENTIALS.values():
        for variable, value in known.items():
            expect(value not in log, f"{relative(name)} holds {variable}")


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


def show_excerpt(log: str, noun: str, name: str) -> None:
    """Print the part of a diff that is about one repository."""
    block_of = rf'^ {{5}}"{name}": {{\n {{9}}"{noun}": (?:\n?(?! {{5}}\S).*)*?\n {{5}}}},?$'
    found = re.search(block_of, log, re.MULTILINE) or re.search(r"^@@.*\n(?:[ +-].*\n)+", log, re.MULTILINE)
    expect(found, f"no {noun} of {name} in {relative('drift')}")
    for line in found.group().splitlines():
        print(f"  | {colour(line, line[0])}")


def show_summary(foreseen: dict, before: dict[str, Any], after: dict[str, Any], writes: dict[str, Counter]) -> None:
    """Print what was foreseen and what was deleted, and check that it is what should be."""
    for name in KINDS:
        rows = foreseen[f"{name}.example.com"]
        there, left = before[name].count_tags(), after[name].count_tags()
        gone, sure = there - left, sum(row["count"] for row in rows)
        perhaps = sum(row["uncertain_count"] for row in rows)
        spaces = {target.split("/")[0] for target in after[name].tags}
        did = f"{writes[name]['POST']} created, {writes[name]['PATCH'] + writes[name]['PUT']} changed in place"
        print(f"  {colour(f'{name}.example.com', 'bold')}")
        print(f"    {len(after[name].tags)} repositories of {len(spaces)} organizations as declared")
        print(f"    policies: {did}, {writes[name]['DELETE']} deleted")
        print(f"    tags: {there} before, {gone} deleted, {left} kept")
        print(f"    foreseen: {sure}{f' and perhaps {perhaps}' if perhaps else ''}{OVERLAP if name == 'quay' else ''}")
        for row in rows:
            if row["fuse"]:
                print(f"    {row['fuse']} held back {row['count']} of them in {row['what']} until its limit was raised")
        # Rows of Quay may name the same images.
        expect(max(row["count"] for row in rows) <= gone <= sure + perhaps, f"{name} deleted {gone}, not {sure}")
    garbage = after["digitalocean"]
    freed = garbage.freed(before["digitalocean"])
    ages = [f"{name} {days} days ago" for name, days in garbage.ages.items()]
    print(f"  {colour('digitalocean.example.com', 'bold')}")
    print(f"    {freed / 2**20:.0f} MB of garbage freed; collected: {', '.join(ages)}")
    expect(freed, "digitalocean freed nothing")
    gone = before["swr"].count_tags() - after["swr"].count_tags()
    expect(gone == sum(row["count"] for row in foreseen["swr.example.com"]), "swr did not delete what was foreseen")
    most = max(after["quay"].releases("*").values())
    expect(most <= 10 < max(before["quay"].releases("*").values()), "Quay did not keep the ten newest releases")
    expect(after["swr"].releases("acme") == before["swr"].releases("acme"), "SWR deleted releases of acme")
    expect(max(after["swr"].releases("globex").values()) <= 10, "SWR did not keep the ten newest tags of globex")
    print("  All releases of acme are still in SWR, and the ten newest of each repository in Quay.")


if __name__ == "__main__":
    sys.exit(main())
