# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo stands on: programs that are started and surely stopped, and what is printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH", ".build")
LOGS = ROOT / ".build" / "demo"
BIN = Path(os.path.relpath(Path(sys.executable).parent, ROOT))  # of the virtual environment
COLOURS = {"bold": "1", "+": "32", "-": "31"} if sys.stdout.isatty() and "NO_COLOR" not in os.environ else {}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# The modules look at these, too: the demo must not meet real accounts.
FOREIGN = (
    *("ANSIBLE_", "DIGITALOCEAN_", "DO_API_", "HARBOR_", "HUAWEICLOUD_", "HW_", "IAM_", "OS_", "QUAY_", "SWR_"),
    "UPSTREAM_",
)

children: list[subprocess.Popen] = []
signals: list[int] = []  # that we got


class Broken(Exception):
    """A step did not do what it should."""


def expect(condition: Any, otherwise: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(otherwise)


def environment(scratch: str) -> dict[str, str]:
    """Return the variables for all programs: the user's own, but for settings of Ansible and of registries."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    config = Path(scratch, "ansible.cfg")
    config.touch()
    return {
        **env,
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": scratch,
        "ANSIBLE_REMOTE_TEMP": scratch,
        "NO_PROXY": "127.0.0.1",
        "TMPDIR": scratch,
        "no_proxy": "127.0.0.1",
    }


def watch_signals() -> None:
    """Note Ctrl-C and the like from now on, for check_signals()."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: signals.append(got))


def check_signals() -> None:
    """Raise KeyboardInterrupt after Ctrl-C and the like."""
    if signals:
        raise KeyboardInterrupt


def start(name: str, env: dict[str, str], *arguments: str) -> str:
    """Start a fake registry of that name, or with arguments of tests/fakes/serve.py; returns its address."""
    command = [str(BIN / "python"), "tests/fakes/serve.py", *(arguments or [name])]
    show_command(f"{shlex.join(command)} &")
    with open(LOGS / f"{name}.log", "w") as errors:
        server = spawn(command, env, stdout=subprocess.PIPE, stderr=errors, text=True)
    found = re.match(r"listening on (http://\S+)", server.stdout.readline())
    expect(found or signals, f"the fake did not start, see {relative(name)}")
    check_signals()
    return found.group(1)


def output(command: list[str], env: dict[str, str], name: str, status: int = 0) -> str:
    """Run a program to its end with that status; returns its output, which is also in the log of that name."""
    log = LOGS / f"{name}.log"
    with open(log, "w") as file:
        child = spawn(command, env, stdout=file, stderr=subprocess.STDOUT)
    while child.poll() is None:
        check_signals()
        time.sleep(0.02)
    text = log.read_text()
    if child.returncode != status:
        print("\n".join(text.splitlines()[-20:]))
        raise Broken(f"{shlex.join(command)} ended with status {child.returncode}, see {relative(name)}")
    return text


def spawn(command: list[str], env: dict[str, str], **streams: Any) -> subprocess.Popen:
    """Start a program out of reach of the terminal's Ctrl-C, so that stop_children() can stop it in order."""
    check_signals()
    children.append(subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True, **streams))
    return children[-1]


def keep_children() -> list[int]:
    """Leave running what still runs; returns the process ids."""
    kept = [child.pid for child in children if child.poll() is None]
    children.clear()
    return kept


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


def control(url: str, name: str, given: Any = None) -> Any:
    """Return an answer of the fake's control plane."""
    return call(f"{url}/_fake/{name}", given)


def call(url: str, given: Any = None, method: str | None = None, token: str = "") -> Any:
    """Return the JSON that an address answers; token: a bearer token."""
    check_signals()
    body = None if given is None else json.dumps(given).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} if token else {}
    with DIRECT.open(urllib.request.Request(url, body, headers, method=method), timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


def relative(name: str) -> str:
    """Return the path of a log as a person would type it."""
    return os.path.relpath(LOGS / f"{name}.log")


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n{colour(text, 'bold')}", flush=True)


def show_command(text: str) -> None:
    """Print a command as a person would type it, in lines that fit."""
    whole = re.sub(r" (?!-)", "\xa0", text) if " -" in text else text  # an option and its value stay together
    lines = textwrap.wrap(whole, 74, break_long_words=False, break_on_hyphens=False)
    print(" \\\n    ".join([f"  $ {lines[0]}", *lines[1:]]).replace("\xa0", " "), flush=True)


def colour(text: str, kind: str) -> str:
    """Return the text in its colour, if there are colours."""
    return f"\033[{COLOURS[kind]}m{text}\033[0m" if kind in COLOURS else text
