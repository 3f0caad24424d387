# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan files as reports need them, however large they are: what goes of each repository, out of memory."""

from __future__ import annotations

import marshal
import sys
from typing import Iterable, Iterator

from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.module_utils._core import figures, planfile
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.spool import Spool

GOING = ("goes", "perhaps")


class Plan:
    """A plan file, which is read once. Raises PlanRefused if it is none, RegistryError if there is no room for it.

    module, registry, made: as the file has them, made empty if it does not say.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._spool = Spool()
        self._packed: list = []
        head = planfile.load(path, visit=self._keep)
        self.module, self.registry, self.made = head["module"], head["registry"], str(head.get("made") or "")

    def _keep(self, name: str, one: dict) -> None:
        images = [_sound(image) for image in one["images"] if image["fate"] in GOING]
        self._packed.append(self._spool.put(marshal.dumps((name, images, len(one["images"]) - len(images)))))

    def repositories(self) -> Iterator[tuple[str, list[dict], int]]:
        """Yield the name of each repository, its images that go or may go, and how many stay."""
        for fetch in self._packed:
            yield marshal.loads(fetch())


def _sound(image: dict) -> dict:
    """Return an image of a plan file with nothing in it but what a report can show; many share their reasons."""
    age = image.get("age")
    return {
        "tag": image["tag"],
        "digest": image["digest"],
        "fate": sys.intern(image["fate"]),
        "because": sys.intern(str(image.get("because") or "")),
        "age": age if isinstance(age, (int, float)) and 0 <= age <= figures.LATEST else None,
        "size": figures.size(image.get("size")),
        "anyway": image.get("anyway") is True,
    }


def readable(paths: Iterable[str]) -> list[Plan]:
    """Return the plan files that can be read here: a task may have been delegated. Raises AnsibleActionFail."""
    return [plan for plan in map(_read, paths) if plan is not None]


def _read(path: str) -> Plan | None:
    try:
        return Plan(path)
    except PlanRefused:
        return None
    except RegistryError as error:
        raise AnsibleActionFail(str(error)) from None
