# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task in each of its ways: as the module file, by ansible-playbook, or here without any pauses."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock

import yaml
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract import mounts

from chaos.world import World

LONGEST = 150.0  # seconds that a task may take
GRACE = 15.0  # seconds that what a killed task started may live on
FOREIGN = r"(?i)(ansible|quay|swr|iam|os|hw|huaweicloud|digitalocean|do_api|registry_hygiene)_|.*_proxy$"
SHOWN = re.compile(r"^(?:ok|changed|fatal|failed): \[localhost\](?:: FAILED!)? => ", re.MULTILINE)
PLUGINS = "ansible_collections.registry.hygiene.plugins"
BUILD = str(Path(wait.__file__).parents[6])


class Run:
    """What came of a task: its result (None if it has none), all text that it gave away, and what is wrong with it."""

    def __init__(self, result: dict | None, output: str, problems: list[str], killed: bool = False) -> None:
        self.result, self.output, self.problems, self.killed = result, output, problems, killed
        self.ended = time.monotonic()


def here(world: World, options: dict, environment: dict, check: bool, folder: Path, chance: random.Random) -> Run:
    """Runs the task in this process, one of the two ways, with pauses that only seem to be."""
    way = chance.choice(list(mounts.WAYS.values()))
    skipped, printed = [0.0], io.StringIO()

    def pause(seconds: float) -> None:
        if wait.stopped.is_set():
            raise wait.RegistryError("interrupted")
        if seconds > 0:
            skipped[0] += seconds
            world.pass_time(seconds)
            time.sleep(0.001)

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(wait, "pause", pause))
        stack.enter_context(mock.patch.object(wait, "now", lambda: time.monotonic() + skipped[0]))
        stack.enter_context(mock.patch.dict(os.environ, {**environment, "no_proxy": "*"}))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(_limited())
        try:
            result = way(world.module, options, check)
        except Exception as error:
            return Run(None, printed.getvalue(), [f"the task raised {type(error).__name__}: {error}"])
    return Run(result, result.output + printed.getvalue(), [])


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(*_what: Any) -> None:
        raise TimeoutError(f"it did not end within {LONGEST:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Process:
    """Runs the task in a process of its own, which may be killed."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(
        self,
        world: World,
        options: dict,
        environment: dict,
        check: bool,
        folder: Path,
        chance: random.Random,
        kill: Callable[[Callable[[], None]], None] | None = None,
    ) -> Run:
        """Returns what came of it. kill: called with what kills it, once it has begun."""
        env = {name: text for name, text in os.environ.items() if not re.match(FOREIGN, name)}
        env.update(environment, no_proxy="*", TMPDIR=str(folder), PYTHONPATH=BUILD)
        started, killed = self._start(world, options, check, folder, env), []
        family: set[int] = set()

        def strike() -> None:
            number, whole = chance.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]), chance.random() < 0.5
            killed.append(number)
            family.update(descendants(started.pid))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, number) if whole or number == signal.SIGINT else os.kill(started.pid, number)

        if kill:
            kill(strike)
        problems = []
        try:
            started.wait(LONGEST)
        except subprocess.TimeoutExpired:
            problems.append(f"it did not end within {LONGEST:g} s" + (f" after signal {killed[0]}" if killed else ""))
            family.update(descendants(started.pid))
            started.kill()
            started.wait()
        if _end(family) and signal.SIGKILL not in killed:
            problems.append(f"it left processes behind for {GRACE:g} s after signal {killed}")
        output = "".join((folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
        result = self._result((folder / "stdout").read_text("utf-8", "replace"))
        if result is None and not killed and not problems:
            problems.append(f"it ended with status {started.returncode} and no result")
        return Run(result, output, problems, bool(killed))

    def _start(self, world: World, options: dict, check: bool, folder: Path, env: dict) -> subprocess.Popen:
        if self.kind == "module":
            internal = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_module_name": world.module}
            given = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **internal}})
            command = [sys.executable, "-m", f"{PLUGINS}.modules.{world.module}"]
        else:
            env.update(
                ANSIBLE_COLLECTIONS_PATH=BUILD,
                ANSIBLE_HOME=str(folder / "home"),
                ANSIBLE_REMOTE_TEMP=str(folder / "home" / "tmp"),
                ANSIBLE_CONFIG=str(folder / "ansible.cfg"),
                ANSIBLE_NOCOLOR="1",
                REGISTRY_HYGIENE_IN_PROCESS="0" if self.kind == "ansible" else "1",
            )
            task = {f"registry.hygiene.{world.module}": options, "check_mode": check, "diff": True}
            interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
            play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": interpreter}
            (folder / "playbook.yml").write_text(yaml.safe_dump([{**play, "tasks": [task]}]), encoding="utf-8")
            program = str(Path(sys.executable).with_name("ansible-playbook"))
            command, given = [program, "-vvv", "-i", "localhost,", str(folder / "playbook.yml")], ""
        with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
            started = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=err, env=env, cwd=folder, start_new_session=True
            )
        with contextlib.suppress(BrokenPipeError):
            started.stdin.write(given.encode())
            started.stdin.close()
        return started

    def _result(self, text: str) -> dict | None:
        if self.kind == "module":
            lines = [line for line in text.splitlines() if line.startswith("{")]
            return _parsed(lines[-1]) if lines else None
        found = list(SHOWN.finditer(text))
        result = _parsed(text[found[-1].end() :]) if found else None
        return result and {"failed": "FAILED!" in found[-1].group(), **result}  # which Ansible does not show


def _parsed(text: str) -> dict | None:
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except ValueError:
        return None  # it was killed while it wrote


def descendants(parent: int) -> set[int]:
    """Returns the ids of the processes that this one has started, and those that they have."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(place.parent.name)] = int(place.read_text().rpartition(")")[2].split()[1])
    found, fresh = set(), {parent}
    while fresh:
        fresh = {pid for pid, above in parents.items() if above in fresh}
        found |= fresh
    return found


def _end(family: set[int]) -> bool:
    """Returns whether any of these processes had to be killed."""
    deadline = time.monotonic() + GRACE
    while (alive := {pid for pid in family if _lives(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(alive)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


MOUNTS: dict[str, Callable[..., Run]] = {
    "here": here,
    "module": Process("module"),
    "ansible": Process("ansible"),
    "in-process": Process("in-process"),
}
