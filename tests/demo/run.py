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
import shutil
import sys
import tempfile
import time
from collections import Counter
from typing import Any

import estates
import stage
from stage import BIN, call, colour, control, expect, output, relative, show_command, title

INVENTORY = "tests/demo/inventory.yml"
REPORT = f"registry_hygiene_report={stage.LOGS.relative_to(stage.ROOT)}"
PLAN = f"registry_hygiene_plan={stage.LOGS.relative_to(stage.ROOT)}"
RAISED = "registry_hygiene_max_deletions=600"
QUAY, SWR, HARBOR = (["--limit", f"{kind}.example.com"] for kind in ("quay", "swr", "harbor"))
SHOWN = 2  # repositories of each report, with their images
KINDS = ("quay", "swr")  # with policies
# What the made-up registries know: names of environment variables and their values.
CREDENTIALS = {
    "quay": {"QUAY_TOKEN": "demo-token-of-alice"},
    "swr": {"SWR_ACCESS_KEY": "DEMOALICEXXXXXXXXXXX", "SWR_SECRET_KEY": "demo-secret-key-of-alice"},
    "digitalocean": {"DIGITALOCEAN_TOKEN": "dop_v1_demo-operator"},
    "harbor": {"HARBOR_USERNAME": "robot$hygiene", "HARBOR_PASSWORD": "Hygiene-Secret-1"},
    "upstream": {"UPSTREAM_USERNAME": "mirror", "UPSTREAM_PASSWORD": "Mirror-Secret-1"},
}
UPSTREAM = ("harbor", "--state", "tests/demo/upstream.json")  # what the Harbor of the inventory mirrors
SHORT = {  # how long runs take
    "digitalocean": {"seconds_requested": 0.5, "seconds_waiting": 0.5, "seconds_scanning": 1, "seconds_deleting": 1},
    "harbor": {"start_seconds": 0.5, "refresh_seconds": 1, "live_remotes": True},
}


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
    ending = "are left running" if keep else "are stopped;\nmake demo KEEP=1 leaves them running"
    print(f"\nAll as it should be, in {took:.0f} s. The made-up registries {ending}.")
    return 0


def demo(env: dict[str, str]) -> list[str]:
    """Run all steps; returns what has to be exported to go on by hand. Raises Broken."""
    title("Four made-up registries, one inventory, and a Harbor elsewhere to mirror")
    urls = {name: stage.start(name, env, *(UPSTREAM if name == "upstream" else ())) for name in CREDENTIALS}
    for registry, switches in SHORT.items():
        control(urls[registry], "switches", switches)
    exports = [f"export ANSIBLE_COLLECTIONS_PATH={os.path.relpath(stage.COLLECTIONS)}"]
    for registry, known in CREDENTIALS.items():
        given = {f"{registry.upper()}_URL": urls[registry], **known}
        exports.append(f"export {' '.join(f'{name}={shlex.quote(value)}' for name, value in given.items())}")
        env.update(given)
    for line in exports:
        show_command(line)
    estate = Estate(urls, env)
    before = estate.look()
    show_sizes(before)
    print("  Policies made by hand, compared with those declared in tests/demo/group_vars:")
    show_table(before)
    for name in KINDS:
        expect("as declared" not in before[name].verdicts(), f"{name}: some are as declared before anything was done")

    title("1. What would go? Nothing is written")
    foreseen = preview(env)
    unneeded, untagged = planned("retention"), planned("gc-schedule")
    expect(not any(estate.writes().values()), "the preview wrote something")
    estate.expect_same(before, KINDS, "after the preview")

    title("2. Do it - and a limit refuses: more would go than swr.example.com allows")
    log = play("apply", "apply", [], env, 2)
    expect("refused by max_deletions: " in log.rpartition("fatal: [swr.example.com]")[2], "it was refused otherwise")
    halfway = estate.look()
    estate.expect_same(before, ("swr",), "after its plan was refused")
    print("  All else was done:")
    show_table(halfway)

    title("3. They may go: the limit is raised, for that registry and this run")
    play("apply", "raised", [*SWR, "-e", RAISED], env)
    after = estate.look()
    show_table(after)
    writes = estate.writes()
    for name in KINDS:
        expect(after[name].verdicts() == {"as declared"}, f"{name}: not all are as declared")
    expect(set(after["harbor"].verdicts().values()) == {"as declared"}, "harbor: not all is as declared")
    for name, found in after.items():
        expect(found.undeclared == before[name].undeclared, f"{name}: something was changed that nobody declared")

    title("4. Once more: nothing is left to do, and no limit has to be raised for that")
    expect(changes(play("apply", "again", [], env)) == [0, 0, 0, 0], f"something changed, see {relative('again')}")
    expect(estate.writes() == writes, "something was written again")
    work = control(urls["quay"], "tick", {"force": True})
    expect(not any(space["error"] for space in work["namespaces"]), f"Quay's worker failed: {work}")

    title("5. Harbor's tag retention, not tonight but now: it deletes what was foreseen")
    expect(after["harbor"].artifacts == before["harbor"].artifacts, "harbor: something is gone before anything ran")
    real = ["-e", "harbor_hygiene_retain_now=s*", "-e", "harbor_hygiene_retain_dry_run=false"]
    play("apply", "retained", [*HARBOR, *real], env)
    retained = estate.look()["harbor"]
    gone = set(before["harbor"].artifacts) - set(retained.artifacts)
    expect(gone == unneeded, f"harbor deleted {len(gone)}, not the {len(unneeded)} foreseen: {gone ^ unneeded}")
    print(f"  Foreseen in step 1: {len(unneeded)} artifacts. Deleted: these {len(gone)}, and no other one.")

    title("6. All else that Harbor is to do at night, now, and waited for")
    now = ["-e", "harbor_hygiene_run_now=true", "-e", "harbor_hygiene_replicate_now=mirror-upstream"]
    log = play("apply", "now", [*HARBOR, *now], env)
    cleaned = estate.look()
    for line in re.findall(r"^mirror-upstream: .*", log, re.MULTILINE):
        print(f"  {line}")
    expect("mirror-upstream: execution" in log, "the replication was not seen running")
    expect(cleaned["harbor"].mirrored == estates.releases(urls["upstream"], "base"), "the mirror holds something else")

    title("7. Somebody changes a policy by hand; the preview sees it and writes a plan")
    first, second, *_others = sorted(name for name in after["quay"].tags if name in after["quay"].wanted)
    drift(urls["quay"], env["QUAY_TOKEN"], first)
    drifted = estate.writes()
    log = play("preview", "drift", [*QUAY, "-e", REPORT], env)
    expect(f"~ {first}: all but the newest 3" in log, f"the change was not seen, see {relative('drift')}")

    title("8. What was looked at is what is done: something else has changed meanwhile")
    drift(urls["quay"], env["QUAY_TOKEN"], second)
    log = play("apply", "held", [*QUAY, "-e", PLAN], env, 2)
    expect(f"refused by plan: 1 target would be changed otherwise: {second}" in log, "it was refused otherwise")
    expect(len(estate.writes()["quay"]) == len(drifted["quay"]) + 1, "something was written beside the change by hand")
    print("  So look again, and do that:")
    play("preview", "plan", [*QUAY, "-e", REPORT], env, show=False)
    expect(changes(play("apply", "planned", [*QUAY, "-e", PLAN], env)) == [1], "not just one registry was changed")
    expect(estate.look()["quay"].verdicts() == {"as declared"}, "quay: not all are as declared")

    title("Summary")
    show_harbor(before["harbor"], retained, cleaned["harbor"], unneeded, untagged)
    show_summary(foreseen, before, cleaned, {kind: Counter(found) for kind, found in writes.items()})
    return exports


def preview(env: dict[str, str]) -> dict[str, dict]:
    """Run the playbook preview and show its reports; returns what it wrote of each host."""
    play("preview", "preview", ["-e", REPORT], env)
    page = stage.LOGS / "preview.html"  # a later preview writes the report again
    shutil.copy(stage.LOGS / "registry-hygiene-preview.html", page)
    print(f"  The same as a page for the browser: {os.path.relpath(page)}")
    rows = json.loads((stage.LOGS / "registry-hygiene-preview.json").read_text())["registries"]
    found = {row["name"]: row for row in rows}
    expect([name for name in found if found[name]["refused"]] == ["swr.example.com"], "others would be refused, too")
    return found


def planned(step: str) -> set[tuple[str, str]]:
    """Return (repository, digest) of the images that go by a plan file of the Harbor. Raises Broken if one may go."""
    held = json.loads((stage.LOGS / f"harbor.example.com-harbor-{step}-plan.json").read_text())
    images = [(name, image) for name, one in held["repositories"].items() for image in one["images"]]
    expect(images and not any(image["fate"] == "perhaps" for _name, image in images), f"{step}: something is uncertain")
    return {(name, image["digest"]) for name, image in images if image["fate"] == "goes"}


def drift(url: str, token: str, name: str) -> None:
    """Change a policy of a repository through the API of Quay, as a person would."""
    where = f"{url}/api/v1/repository/{name}/autoprunepolicy/"
    policy = next(found for found in call(where, token=token)["policies"] if found["method"] == "number_of_tags")
    wish = {"method": "number_of_tags", "value": 3, "tagPattern": policy["tagPattern"]}
    show_command('curl -X PUT -H "Authorization: Bearer $QUAY_TOKEN" \\')
    print("    -H 'Content-Type: application/json' \\")
    print(f"    -d '{json.dumps(wish)}' \\")
    print(f"    $QUAY_URL{where.replace(url, '')}\\\n{policy['uuid']}")
    call(where + policy["uuid"], wish, "PUT", token)


def playground(exports: list[str], processes: list[int]) -> None:
    """Print how to go on by hand."""
    look = shlex.join(["ansible-playbook", "registry.hygiene.preview", "-i", INVENTORY, "-e", REPORT])
    apply = look.partition(" -e ")[0].replace("preview", "apply")
    title("The made-up registries are yours now")
    for line in [f"cd {shlex.quote(str(stage.ROOT))}", *exports, "export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1"]:
        show_command(line)
    for what, command in (
        ("What would go? Change tests/demo/group_vars, and look again", look),
        ("The same without files", f"{apply} --check --diff"),
        ("Do it", apply),
        ("Let the worker of Quay delete what the policies say", "curl -d '{\"force\": true}' $QUAY_URL/_fake/tick"),
        ("All that was written to a registry", "curl $SWR_URL/_fake/writes"),
        ("Stop them", f"kill {' '.join(map(str, processes))}"),
    ):
        print(f"  # {what}")
        show_command(command)


class Estate:
    """The four registries, looked at past our modules."""

    def __init__(self, urls: dict[str, str], env: dict[str, str]) -> None:
        self.urls = {name: url for name, url in urls.items() if name != "upstream"}
        everything = json.loads(output([str(BIN / "ansible-inventory"), "-i", INVENTORY, "--list"], env, "inventory"))
        hosts = everything["_meta"]["hostvars"]
        self.variables = {registry: hosts[f"{registry}.example.com"] for registry in self.urls}

    def look(self) -> dict[str, Any]:
        """Return how it is now."""
        readers = {
            "quay": estates.quay,
            "swr": estates.swr,
            "digitalocean": estates.Garbage,
            "harbor": estates.Upkeep,
        }
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


def play(playbook: str, name: str, options: list[str], env: dict[str, str], status: int = 0, show: bool = True) -> str:
    """Run one of our playbooks, show what it reports and how long it took; returns its output."""
    command = [str(BIN / "ansible-playbook"), f"registry.hygiene.{playbook}", "-i", INVENTORY, *options]
    show_command(shlex.join(command))
    began = time.monotonic()
    log = output(command, env, name, status)
    took = time.monotonic() - began
    reports = re.findall(r"^TASK \[Report.*\] \*+\n((?:.*\n)*?)(?=(?:ok|skipping|fatal): )", log, re.MULTILINE)
    expect(reports, f"nothing is reported, see {relative(name)}")
    for report in reports if show else []:
        show_report(report.splitlines())
    for line in re.findall(r"^\S+ +: ok=.*", log, re.MULTILINE):
        print(f"  {re.sub(r' +(skipped|rescued|ignored|unreachable)=[0-9]+', '', line).rstrip()}")
    print(f"  in {took:.1f} s, all of it in {relative(name)}")
    expect_no_secrets(name, log)
    return log


def show_report(lines: list[str]) -> None:
    """Print a report as the playbook shows it, but for some of the repositories that lose most."""
    there, left_out = 0, 0
    for line in lines:
        images = re.match(r" +(-|\?|and) ", line) and "other repositories" not in line
        if re.match(r" {0,2}[^\s+~!-]\S*: [\d,+?]+ of [\d,]+ go", line):
            there += 1
        elif there > SHOWN and not (images or left_out):
            left_out = there - SHOWN
            print(f"  ... {left_out} more with images, left out here ...")
        if there <= SHOWN or left_out:
            sign = "-" if line.startswith(("refused", "!")) else line[:1].replace("~", "+")
            print(colour(line, sign))


def changes(log: str) -> list[int]:
    """Return the number of changes of each host, in the order of the recap."""
    return [int(number) for number in re.findall(r"^\S+ +: ok=.* changed=(\d+) .* failed=0 ", log, re.MULTILINE)]


def expect_no_secrets(name: str, log: str) -> None:
    """Raise Broken if a log holds credentials; names of users are none."""
    for known in CREDENTIALS.values():
        for variable, value in known.items():
            expect(variable.endswith("_USERNAME") or value not in log, f"{relative(name)} holds {variable}")


def show_sizes(estate: dict[str, Any]) -> None:
    """Print how much there is."""
    for name in ("quay", "swr"):
        found = estate[name]
        spaces = {target.split("/")[0] for target in found.tags}
        print(f"  {name}: {len(spaces)} organizations, {len(found.tags)} repositories, {found.count_tags()} tags")
    garbage = estate["digitalocean"]
    print(f"  digitalocean: {len(garbage.registries)} registries, {garbage.stored / 2**30:.1f} GB")
    harbor = estate["harbor"]
    there = f"{len(harbor.repositories)} repositories, {len(harbor.artifacts)} artifacts"
    print(f"  harbor: {there}, {harbor.rows} rows of audit log")


def show_table(estate: dict[str, Any]) -> None:
    """Print how what is there compares with what is declared."""
    quay, swr = estate["quay"], estate["swr"]
    print(f"  {'':16}{'Quay organizations':>20}{'Quay repositories':>20}{'SWR repositories':>20}")
    for verdict in ("as declared", "other policies", "no policies"):
        counts = quay.count(verdict, False), quay.count(verdict), swr.count(verdict)
        print(f"  {verdict:16}{''.join(f'{count:>20}' for count in counts)}")
    ages = [f"{name} {days} days ago" for name, days in estate["digitalocean"].ages.items()]
    print(f"  Garbage collected at DigitalOcean: {', '.join(ages)}")
    verdicts = estate["harbor"].verdicts()
    for verdict in dict.fromkeys(verdicts.values()):
        print(f"  Harbor, {verdict}: {', '.join(what for what in verdicts if verdicts[what] == verdict)}")


def show_summary(foreseen: dict, before: dict[str, Any], after: dict[str, Any], writes: dict[str, Counter]) -> None:
    """Print what was foreseen and what was deleted, and check that it is what should be."""
    for name in KINDS:
        numbers = foreseen[f"{name}.example.com"]["numbers"]
        there, left = before[name].count_tags(), after[name].count_tags()
        gone, sure, perhaps = there - left, numbers["count"], numbers["uncertain_count"]
        spaces = {target.split("/")[0] for target in after[name].tags}
        did = f"{writes[name]['POST']} created, {writes[name]['PATCH'] + writes[name]['PUT']} changed in place"
        print(f"  {colour(f'{name}.example.com', 'bold')}")
        print(f"    {len(after[name].tags)} repositories of {len(spaces)} organizations as declared")
        print(f"    policies: {did}, {writes[name]['DELETE']} deleted")
        print(f"    tags: {there} before, {gone} deleted, {left} kept")
        print(f"    foreseen: {sure}{f' and perhaps {perhaps}' if perhaps else ''}")
        expect(sure <= gone <= sure + perhaps, f"{name} deleted {gone}, not {sure}")
    garbage = after["digitalocean"]
    freed = garbage.freed(before["digitalocean"])
    ages = [f"{name} {days} days ago" for name, days in garbage.ages.items()]
    print(f"  {colour('digitalocean.example.com', 'bold')}")
    print(f"    {freed / 2**20:.0f} MB of garbage freed; collected: {', '.join(ages)}")
    expect(freed, "digitalocean freed nothing")
    most = max(after["quay"].releases("*").values())
    expect(most <= 10 < max(before["quay"].releases("*").values()), "Quay did not keep the ten newest releases")
    expect(after["swr"].releases("acme") == before["swr"].releases("acme"), "SWR deleted releases of acme")
    expect(max(after["swr"].releases("globex").values()) <= 10, "SWR did not keep the ten newest tags of globex")
    print("  All releases of acme are still in SWR, the ten newest of each one in Quay.")


def show_harbor(was: Any, between: Any, now: Any, unneeded: set, untagged: set) -> None:
    """Print what tag retention, garbage collection and purge deleted, and check that it is what should be."""
    there, left = set(was.artifacts), set(now.artifacts)
    collected = set(between.artifacts) - left
    print(f"  {colour('harbor.example.com', 'bold')}")
    print(f"    artifacts: {len(there)} before, {len(there - left)} deleted, {len(left)} kept")
    print(f"    foreseen: {len(unneeded)} by tag retention, {len(untagged - unneeded)} more by garbage collection")
    print(f"    rows of the audit log: {was.rows} before, {was.rows - now.rows} purged")
    print(f"    mirrored: {', '.join(f'{name}:{tag}' for name, tag in sorted(now.mirrored))}")
    expect(collected == untagged - unneeded, f"harbor collected otherwise: {collected ^ (untagged - unneeded)}")
    expect(not any(between.artifacts[one] for one in collected), "harbor collected what has a tag")
    expect(was.rows > now.rows, "harbor purged nothing")


if __name__ == "__main__":
    sys.exit(main())
