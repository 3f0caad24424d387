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
from typing import Callable, Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core import files
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.fuse import PLAN, Refusal
from ansible_collections.registry.hygiene.plugins.module_utils._core.images import Images
from ansible_collections.registry.hygiene.plugins.module_utils._core.stream import Reader
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

ARGUMENT_SPEC = dict(plan_file=dict(type="path"), plan=dict(type="path"))
FORMAT, VERSION = "registry.hygiene plan", 1
LARGEST = 1 << 33  # bytes of a plan file that is read
LINES = json.JSONEncoder(separators=("\n", ": "))
MOST_KEPT = 100  # plan files of one second
MOST_LINE = 1 << 16  # characters that are looked at together
SHOWN = 5  # differences that a refusal names


def check_options(params: dict) -> None:
    """Raise PlanRefused if a plan file cannot be read or written."""
    files.check_path(params["plan_file"] or None, "plan_file")
    if params["plan"]:
        load(params["plan"])


def save(path: str, head: dict, changes: list, images: dict) -> None:
    """Write a plan file in one step. head: what stands before `changes`. images: repository -> images."""
    pieces = _pieces(dict(head, format=FORMAT, version=VERSION), changes, images)
    files.put(path, pieces, "plan_file", lambda: _keep(path))


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
            # Lines as _pieces writes them, so that a large file is not read as a whole, whatever it is.
            lines = iter(lambda: file.readline(MOST_LINE), "")
            for line in lines:
                found = re.match(r' "(check_mode|refused|made)": (.{1,60}?),?$', line)
                if found:
                    head[found.group(1)] = json.loads(found.group(2))
                elif line.startswith(' "changes": ['):
                    changed = next(lines, "").startswith("  {")
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
        yield f'{"," if number else ""}\n  {json.dumps(repository)}: {{"images": [{",".join(_rows(found))}]}}'
    yield "\n }\n}\n"


def _rows(images: Images) -> Iterator[str]:
    """Yield what json.dumps makes of each image, in a quarter of the time: what many of them share is written once."""
    rows = list(images.rows())
    # A list is encoded at once; no value holds a line break once it is encoded.
    tags, digests, ages, sizes = (LINES.encode([row[place] for row in rows])[1:-1].split("\n") for place in range(4))
    shared: dict = {}
    for row, tag, digest, age, size in zip(rows, tags, digests, ages, sizes):
        key = row[4:8]
        if key not in shared:
            because, fate, anyway, by = map(json.dumps, key)
            shared[key] = f', "anyway": {anyway}, "because": {because}, "by": {by}, ', f', "fate": {fate}, "size": '
        reason, what = shared[key]
        inner = f'"children": {json.dumps(row[8])}, ' if len(row) > 8 else ""
        yield f'\n   {{"age": {age}{reason}{inner}"digest": {digest}{what}{size}, "tag": {tag}}}'


@contextlib.contextmanager
def _reading(path: str, option: str) -> Iterator[Reader]:
    """Give a reader of a plan file; raises PlanRefused for all that goes wrong with it."""
    try:
        if os.path.getsize(path) > LARGEST or not os.path.isfile(path):
            raise ValueError("too large, or no file")
        with open(path, encoding="utf-8") as file:
            yield Reader(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is none, or of another version"
        raise PlanRefused(f"{option}: {printable(path, 200)} cannot be used as a plan: {reason}") from None


def load(path: str, option: str = "plan", visit: Callable[[str, dict], None] = lambda name, one: None) -> dict:
    """Return a plan file without its repositories, which are too many to keep; raises PlanRefused if it is none.

    option: what it was given as. visit: called with each repository and its {"images": [...]}, one by one.
    """
    found: dict = {}
    with _reading(path, option) as reader:
        for key in reader.members():
            if key == "repositories":
                for name in reader.members():
                    visit(name, _sound(reader.value()))
                found[key] = None
            else:
                found[key] = list(reader.elements()) if key == "changes" else reader.value()
        reader.end()
        if found["format"] != FORMAT or found["version"] != VERSION:
            raise ValueError("another format")
        for change in found["changes"]:
            _texts(change["target"])
            change["before"], change["after"]
        _texts(found["module"], found["registry"])
        del found["repositories"]
    return found


def _sound(one: dict) -> dict:
    """Return what is said of a repository; raises KeyError or TypeError if it is not what a plan file says."""
    for image in one["images"]:
        _texts(*(image[key] for key in ("tag", "digest") if image[key] is not None), image["fate"])
    return one


def _texts(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError


def differing(path: str, module: str, registry: str, changes: list, there: dict, images: dict) -> list[Refusal]:
    """Return what would be done now beyond the plan file: other changes, or images that it does not let go.

    there: target -> its state now. What the plan has made of a target already is no difference, so that a plan that
    was carried out in part can be carried out to its end.
    """
    beyond: dict = {}  # repository -> the number of images that would go beyond the plan, and the first of them

    def hold(repository: str, one: dict) -> None:
        if repository in images:
            going = {(image["tag"], image["digest"]) for image in forecasts.going(one["images"])}
            beyond[repository] = _beyond(repository, images[repository], going)

    held = load(path, visit=hold)
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
        found.append(f"{plural(len(others), 'target')} would be changed otherwise: {_some(others, len(others))}")
    unheld = [name for name, some in images.items() if some.losses and name not in beyond]
    beyond.update((name, _beyond(name, images[name], set())) for name in unheld)
    number = sum(more for more, _first in beyond.values())
    if number:
        first = [word for name in images if name in beyond for word in beyond[name][1]]
        found.append(f"{plural(number, 'image')} would go beyond it: {_some(first[:SHOWN], number)}")
    return [Refusal(PLAN, text, []) for text in found]


def _beyond(repository: str, images: Images, going: set) -> tuple[int, list[str]]:
    """Return how many images go that are not among these (tag, digest), and the names of the first of them."""
    more = [image for image in images.going() if (image["tag"], image["digest"]) not in going]
    return len(more), [
        f"{repository}{':' if image['tag'] else '@'}{image['tag'] or image['digest']}" for image in more[:SHOWN]
    ]


def _some(words: list, number: int) -> str:
    more = f" and {number - SHOWN:,} more" if number > SHOWN else ""
    return ", ".join(printable(word, 60) for word in words[:SHOWN]) + more
