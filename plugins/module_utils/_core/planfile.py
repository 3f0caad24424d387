# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan file: everything that a task would change and delete, written for machines, and held to later.

Its form is described in docs/docsite/rst/plans.rst.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import tempfile
from typing import Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.fuse import PLAN, Refusal
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import encodable, plural, printable

ARGUMENT_SPEC = dict(plan_file=dict(type="path"), plan=dict(type="path"))
FORMAT, VERSION = "registry.hygiene plan", 1
LARGEST = 1 << 30  # bytes of a plan file that is read
MOST_KEPT = 100  # plan files of one second
SHOWN = 5  # differences that a refusal names


def check_options(params: dict) -> None:
    """Raise PlanRefused if a plan file cannot be read or written."""
    path = params["plan_file"]
    if path:
        folder = os.path.dirname(os.path.abspath(path))
        if (
            "\0" in path
            or encodable(path) != path
            or not (os.path.isdir(folder) and os.access(folder, os.W_OK))
            or os.path.isdir(path)
        ):
            raise PlanRefused(f"plan_file: {printable(path, 200)} cannot be written: its folder must be there")
    if params["plan"]:
        load(params["plan"])


def save(path: str, head: dict, changes: list, images: dict) -> None:
    """Write a plan file in one step. head: what stands before `changes`. images: repository -> images."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        number, name = tempfile.mkstemp(dir=folder, prefix=".plan-")
        with contextlib.ExitStack() as undo:
            undo.callback(os.unlink, name)
            with open(number, "w", encoding="utf-8") as file:
                for piece in _pieces(dict(head, format=FORMAT, version=VERSION), changes, images):
                    file.write(piece)
            os.chmod(name, 0o644)
            _keep(path)
            os.replace(name, path)
            undo.pop_all()
    except OSError as error:
        raise PlanRefused(f"plan_file: {printable(path, 200)} cannot be written: {error.strerror}") from None


def _keep(path: str) -> None:
    """Rename the plan file that is there if it was carried out and changed something: undo may need it."""
    made = _carried_out(path)
    if not made:
        return
    root, ending = os.path.splitext(path)
    for number in range(MOST_KEPT):
        kept = f"{root}.{made}{f'-{number}' if number else ''}{ending}"
        if not os.path.exists(kept):
            os.rename(path, kept)
            return
    raise OSError(errno.EEXIST, f"there are {MOST_KEPT} of the same second")


def _carried_out(path: str) -> str:
    """Return when a plan file was made, if it was not in check mode, not refused, and says what changed; else ''."""
    head: dict = {}
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:  # as _pieces writes them, so that a large file is not read as a whole
                found = re.match(r' "(check_mode|refused|made)": (.{1,60}?),?$', line)
                if found:
                    head[found.group(1)] = json.loads(found.group(2))
                elif line.startswith(' "changes": ['):
                    changed = next(file, "").startswith("  {")
                    done = changed and head.get("check_mode") is False and head.get("refused", "") is None
                    made = re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z\Z", str(head.get("made")))
                    return made.group().replace(":", "") if done and made else ""
    except (OSError, ValueError):
        pass
    return ""


def _pieces(head: dict, changes: list, images: dict) -> Iterator[str]:
    yield json.dumps(head, indent=1, sort_keys=True)[:-2]
    yield ',\n "changes": [' + ",".join(f"\n  {json.dumps(change, sort_keys=True)}" for change in changes) + "\n ]"
    yield ',\n "repositories": {'
    for number, (repository, found) in enumerate(images.items()):
        rows = ",".join(f"\n   {json.dumps(image, sort_keys=True)}" for image in found)
        yield f'{"," if number else ""}\n  {json.dumps(repository)}: {{"images": [{rows}]}}'
    yield "\n }\n}\n"


def load(path: str, option: str = "plan") -> dict:
    """Return a plan file; raises PlanRefused if it is none. option: what it was given as."""
    try:
        if os.path.getsize(path) > LARGEST or not os.path.isfile(path):
            raise ValueError("too large, or no file")
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        if found["format"] != FORMAT or found["version"] != VERSION:
            raise ValueError("another format")
        for change in found["changes"]:
            _texts(change["target"])
            change["before"], change["after"]
        for one in found["repositories"].values():
            for image in one["images"]:
                _texts(*(image[key] for key in ("tag", "digest") if image[key] is not None), image["fate"])
        _texts(found["module"], found["registry"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is none, or of another version"
        raise PlanRefused(f"{option}: {printable(path, 200)} cannot be used as a plan: {reason}") from None
    return found


def _texts(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError


def differing(path: str, module: str, registry: str, changes: list, there: dict, images: dict) -> list[Refusal]:
    """Return what would be done now beyond the plan file: other changes, or images that it does not let go.

    there: target -> its state now. What the plan has made of a target already is no difference, so that a plan that
    was carried out in part can be carried out to its end.
    """
    held = load(path)
    if (held["module"], held["registry"]) != (module, registry):
        return [Refusal(PLAN, printable(f"{path} is of {held['module']} on {held['registry']}", 300), [])]
    found = []
    planned = {change["target"]: (change["before"], change["after"]) for change in held["changes"]}
    now = {change["target"]: (change["before"], change["after"]) for change in changes}
    # Through JSON, as the others are: tuples are lists there, and keys are texts.
    now = json.loads(json.dumps(now))
    there = json.loads(json.dumps(there))
    others = [
        name
        for name in dict.fromkeys([*planned, *now])
        if list(planned.get(name, ())) != now.get(name, [])
        and not (name in planned and name not in now and name in there and there[name] == planned[name][1])
    ]
    if others:
        found.append(f"{plural(len(others), 'target')} would be changed otherwise: {_some(others)}")
    going = {
        (repository, image["tag"], image["digest"])
        for repository, one in held["repositories"].items()
        for image in one["images"]
        if image["fate"] != forecasts.STAYS
    }
    more = [
        f"{repository}{':' if image['tag'] else '@'}{image['tag'] or image['digest']}"
        for repository, some in images.items()
        for image in forecasts.going(some)
        if (repository, image["tag"], image["digest"]) not in going
    ]
    if more:
        found.append(f"{plural(len(more), 'image')} would go beyond it: {_some(more)}")
    return [Refusal(PLAN, text, []) for text in found]


def _some(words: list) -> str:
    more = f" and {len(words) - SHOWN:,} more" if len(words) > SHOWN else ""
    return ", ".join(printable(word, 60) for word in words[:SHOWN]) + more
