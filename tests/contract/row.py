# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the contract suite needs to know of a module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from fakes._base import Fake

MANY = 500


def without_images(result: dict) -> dict:
    """Return a result without the forecast of images and the lines about it, which check mode adds."""
    lines = [line for line in result["plan"]["lines"] if not line.startswith(" ")]
    unknown = dict.fromkeys(("count", "uncertain_count", "anyway_count", "total", "bytes"))
    rows = [{**row, **unknown} for row in result["plan"]["rows"]]
    plan = {**result["plan"], "images": None, "worst": [], "rows": rows, "lines": lines}
    return {**result, "plan": plan, "diff": {"prepared": "".join(f"{line}\n" for line in lines)}}


@dataclass
class Row:
    """What the suite needs to know of a module. Options are those of the module, without `access`."""

    name: str
    module: str
    info: str
    noun: str
    fake: Callable[[], Fake]
    urls: list[str]  # of the services that the fake plays
    access: dict  # address and credentials
    wrong: dict  # the same with credentials that are refused
    secrets: list[str]
    target: dict  # options that name one target
    created: dict  # options that create it,
    changed: dict  # change it,
    removed: dict  # and remove it
    server: Callable[[Fake], Any]  # what the server has of the target, in a form that can be compared
    wanted: list[Any]  # what the server must have after each of the three
    feed: Callable[[dict], dict]  # options that a result of the _info module gives
    many: dict  # options that name `count` targets, all of them without anything
    of_many: Callable[[Fake], list]  # what the server has of them
    failing: str  # a part of the path of one of them
    bad: list[tuple[dict, str]]  # options that are refused before any request, and a part of the message
    count: int = MANY  # how many `many` are
    held: int = 1  # how many GETs an unchanged target takes; what a task asks once does not count
    reading: int = 1  # the same after `removed`
    once: int = 1  # how many GETs a task makes whatever the targets
    listings: int = 0  # how many GETs listing the MANY takes
    foretold: Callable[[dict], Any] = without_images  # what of a result check mode must know
    shown: Callable[[dict], Any] = None  # what a result and one of the _info module must agree on: in a result,
    fresh: Callable[[dict], Any] = None  # and in one of the _info module; the noun by default
    timeless: Callable[[dict], Any] = lambda result: result  # a result without what depends on the time
    untouched: Callable[[Fake], Any] = lambda fake: fake.state()  # what must be as before after `removed`
    writing: str = ""  # a part of the path of its writes
    but: tuple = ()  # names and globs to leave out of `many`, and how many targets are left
    posts: bool = True  # whether it creates by POST
    refuses_duplicates: bool = False  # whether a POST that was lost may be sent again once it is proved absent
    limits: bool = True  # whether it deletes images, and so takes limits
    beside_undo: dict = field(default_factory=dict)  # options that taking a change back needs
    refused: str = "token"  # part of the message for refused credentials

    def __post_init__(self) -> None:
        self.shown = self.shown or (lambda result: result[self.noun])
        self.fresh = self.fresh or self.shown
