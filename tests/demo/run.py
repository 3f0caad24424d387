# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: starts a made-up Quay, applies the policies of group_vars/quay.yml to it, and checks what came of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH", ".build")
LOGS = ROOT / ".build" / "demo"
BIN = Path(os.path.relpath(Path(sys.executable).parent, ROOT))  # of the virtual environment
INVENTORY = "tests/demo/inventory.yml"
HOST = "quay.example.com"
TOKEN = "demo-token-of-alice"
APPLY = [str(BIN / "ansible-playbook"), "registry.hygiene.apply", "-i", INVENTORY]
COLOURS = {"bold": "1", "+": "32", "-": "31"} if sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
KEYS = ("method", "value", "tagPattern", "tagPatternMatches")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

children: list[subprocess.Popen] = []
signals: list[int] = []  # that we got


class Broken(Exception):
    """A step did not do what it should."""


def main() -> int:
    """Run the demo; returns the exit status."""
    os.chdir(ROOT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: signals.append(got))
    if not (ROOT / COLLECTIONS / "ansible_collections/registry/hygiene").is_dir():
        print(f"There is no collection in {COLLECTIONS}: run this as `make demo`.")
        return 1
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="registry-hygiene-demo-") as scratch:
            try:
                demo(environment(scratch))
            finally:
                stop_children()
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.")
        return 128 + signals[0]
    except (Broken, OSError) as error:
        print(f"\nFAILED: {error}")
        return 1
    print(f"\nAll as it should be, in {time.monotonic() - began:.0f} s. The made-up Quay is stopped.")
    return 0


def demo(env: dict[str, str]) -> None:
    """Run all steps; raises Broken."""
    serve = [str(BIN / "python"), "tests/fakes/serve.py", "quay"]
    title("A made-up Quay")
    show_command(f"{shlex.join(serve)} &")
    url = start(serve, env)
    env["QUAY_URL"] = url
    show_command(f"export ANSIBLE_COLLECTIONS_PATH={os.path.relpath(COLLECTIONS)}")
    show_command(f"export QUAY_URL={url} QUAY_TOKEN={TOKEN}")
    variables = json.loads(output([str(BIN / "ansible-inventory"), "-i", INVENTORY, "--host", HOST], env))
    before = State(url, variables)
    spaces = len(before.spaces)
    print(f"  {spaces} organizations, {len(before.holders) - spaces} repositories, {before.tags} tags")
    print("  Their policies, compared with tests/demo/group_vars/quay.yml:")
    show_table(before)
    expect(before.count("as declared") == 0, "some targets are as declared before anything was done")

    title("What would change? Nothing is written")
    log = play("preview", ["--check", "--diff"], env)
    expect(not control(url, "writes"), "something was written in check mode")
    expect(State(url, variables).policies == before.policies, "policies differ after check mode")
    name, lines = excerpt(log, before)
    print(f"  {len(log.splitlines())} lines in {relative('preview')}, for example on {name}:")
    for line in lines:
        print(f"  | {colour(line, line[0])}")

    title("Do it")
    play("apply", [], env)
    after = State(url, variables)
    show_table(after)
    done = Counter(entry["method"] for entry in control(url, "writes"))
    print(f"  Policies: {done['POST']} created, {done['PUT']} changed in place, {done['DELETE']} deleted")
    expect(after.count("as declared") == len(after.holders), "not all targets are as declared")
    expect(after.undeclared == before.undeclared, "policies were changed that nobody declared")

    title("Once more: nothing is left to do")
    log = play("again", [], env)
    expect(re.search(r" changed=0 .* failed=0 ", log), f"something changed again, see {relative('again')}")
    expect(len(control(url, "writes")) == sum(done.values()), "something was written again")

    title("What Quay then does by itself (here at once)")
    work = control(url, "tick", {"force": True})
    expect(not any(space["error"] for space in work["namespaces"]), f"Quay's worker failed: {work}")
    pruned = State(url, variables)
    print(f"  {after.tags - pruned.tags} of {after.tags} tags deleted, {pruned.tags} kept")
    expect(pruned.most_releases() <= 10 < after.most_releases(), "Quay did not keep the ten newest releases")


class State:
    """What the registry holds, and what is declared, seen by the fake's control plane: not through our modules."""

    def __init__(self, url: str, variables: dict) -> None:
        found = control(url, "state")
        everything = {space["name"]: space for space in found["organizations"]}
        for space in found["organizations"]:
            everything.update({f"{space['name']}/{item['name']}": item for item in space["repositories"]})
        self.declared = {}
        for group in variables["quay_hygiene_organizations"] + variables["quay_hygiene_repositories"]:
            for name in everything:
                if any(fnmatchcase(name, pattern) for pattern in group["names"]):
                    self.declared[name] = group
        self.holders = {name: everything[name] for name in self.declared}
        self.spaces = [name for name in self.holders if "/" not in name]
        self.policies = {name: sorted(map(plain, holder["policies"])) for name, holder in self.holders.items()}
        others = [holder for name, holder in everything.items() if name not in self.declared]
        self.undeclared = [holder["policies"] for holder in others + found["users"]]
        repositories = [holder for name, holder in self.holders.items() if "/" in name]
        alive = [[tag["name"] for tag in item["tags"] if alive_tag(tag)] for item in repositories]
        self.tags = sum(map(len, alive))
        self.normal = [tags for item, tags in zip(repositories, alive) if item["state"] == "NORMAL"]

    def verdict(self, name: str) -> str:
        """Return how the policies of a target compare with the declared ones."""
        group, there = self.declared[name], self.policies[name]
        wanted = sorted(map(plain, map(in_api_words, group["policies"])))
        if there == wanted or (not group.get("exclusive") and set(wanted) <= set(there)):
            return "as declared"
        return "other policies" if there else "no policies"

    def count(self, verdict: str, sign: str = "") -> int:
        """Return how many targets (with the sign in their name) compare so."""
        return sum(self.verdict(name) == verdict for name in self.holders if sign in name)

    def most_releases(self) -> int:
        """Return how many release tags the repository has that has most of them; Quay leaves mirrors alone."""
        return max(sum(name.startswith("v") for name in tags) for tags in self.normal)


def plain(policy: dict) -> tuple:
    """Return what makes two policies of Quay equal."""
    return tuple(str(policy[key]) for key in KEYS)


def in_api_words(policy: dict) -> dict:
    """Return a declared policy as Quay has it."""
    matches = policy.get("tag_pattern_matches", True)
    return {**policy, "tagPattern": policy.get("tag_pattern"), "tagPatternMatches": matches}


def alive_tag(tag: dict) -> bool:
    """Return whether the tag has not ended."""
    return tag["expires_in_seconds"] is None or tag["expires_in_seconds"] > 0


def environment(scratch: str) -> dict[str, str]:
    """Return the variables for all programs: the user's own, but for settings of Ansible."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    config = Path(scratch, "ansible.cfg")
    config.touch()
    return {
        **env,
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": scratch,
        "ANSIBLE_REMOTE_TEMP": scratch,
        "NO_PROXY": "127.0.0.1",
        "QUAY_TOKEN": TOKEN,
        "TMPDIR": scratch,
        "no_proxy": "127.0.0.1",
    }


def start(command: list[str], env: dict[str, str]) -> str:
    """Start the fake; returns its address."""
    with open(LOGS / "server.log", "w") as errors:
        server = spawn(command, env, stdout=subprocess.PIPE, stderr=errors, text=True)
    found = re.match(r"listening on (http://\S+)", server.stdout.readline())
    expect(found or signals, f"the fake did not start, see {relative('server')}")
    check_signals()
    return found.group(1)


def play(name: str, options: list[str], env: dict[str, str]) -> str:
    """Run the playbook, say how long it took and what it reports; returns its output."""
    show_command(shlex.join([*APPLY, *options]))
    began = time.monotonic()
    log = output([*APPLY, *options], env, LOGS / f"{name}.log")
    took = time.monotonic() - began
    report = re.search(r'"msg": "(.*)"', log)
    expect(report, f"no report, see {relative(name)}")
    print(f"  {report.group(1)} ({took:.1f} s)")
    expect(TOKEN not in log, f"{relative(name)} holds the token")
    return log


def output(command: list[str], env: dict[str, str], log: Path = LOGS / "inventory.log") -> str:
    """Run a program to its end; returns its output, which is also in the log."""
    with open(log, "w") as file:
        child = spawn(command, env, stdout=file, stderr=subprocess.STDOUT)
    while child.poll() is None:
        check_signals()
        time.sleep(0.02)
    text = log.read_text()
    if child.returncode:
        print("\n".join(text.splitlines()[-20:]))
        raise Broken(f"{shlex.join(command)} ended with status {child.returncode}, see {os.path.relpath(log)}")
    return text


def spawn(command: list[str], env: dict[str, str], **streams: Any) -> subprocess.Popen:
    """Start a program out of reach of the terminal's Ctrl-C, so that stop_children() can stop it in order."""
    check_signals()
    children.append(subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True, **streams))
    return children[-1]


def stop_children() -> None:
    """Stop what still runs, the youngest first; ansible-playbook takes its workers with it."""
    while children:
        child = children.pop()
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def check_signals() -> None:
    """Raise KeyboardInterrupt after Ctrl-C and the like."""
    if signals:
        raise KeyboardInterrupt


def control(url: str, name: str, given: Any = None) -> Any:
    """Return an answer of the fake's control plane."""
    check_signals()
    body = None if given is None else json.dumps(given).encode()
    with DIRECT.open(urllib.request.Request(f"{url}/_fake/{name}", body), timeout=30) as answer:
        return json.load(answer)


def excerpt(log: str, before: State) -> tuple[str, list[str]]:
    """Return a repository whose policies change, and its part of the diff: the one that loses least."""
    found = {}
    for name, policies in before.policies.items():
        block = re.search(rf'^ {{5}}"{re.escape(name)}": {{$(?:\n(?! {{5}}\S).*)*?\n {{5}}}},?$', log, re.MULTILINE)
        lines = block.group().splitlines() if block and policies and "/" in name else []
        if {"+", "-"} <= {line[0] for line in lines} and not any(line.startswith("@") for line in lines):
            found[name] = lines
    expect(found, f"no repository whose policies change in {relative('preview')}")
    return min(found.items(), key=lambda item: [line[0] for line in item[1]].count("-"))


def expect(condition: Any, otherwise: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(otherwise)


def relative(name: str) -> str:
    """Return the path of a log as a person would type it."""
    return os.path.relpath(LOGS / f"{name}.log")


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n{colour(text, 'bold')}", flush=True)


def show_command(text: str) -> None:
    """Print a command as a person would type it."""
    print(f"  $ {text}", flush=True)


def show_table(state: State) -> None:
    """Print how the policies there are compare with the declared ones."""
    print(f"  {'':16}{'organizations':>15}{'repositories':>15}")
    for verdict in ("as declared", "other policies", "no policies"):
        repositories = state.count(verdict, "/")
        print(f"  {verdict:16}{state.count(verdict) - repositories:>15}{repositories:>15}")


def colour(text: str, kind: str) -> str:
    """Return the text in its colour, if there are colours."""
    return f"\033[{COLOURS[kind]}m{text}\033[0m" if kind in COLOURS else text


if __name__ == "__main__":
    sys.exit(main())
