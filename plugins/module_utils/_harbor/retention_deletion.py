# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the artifacts that tag retention goes for is deleted: Harbor refuses some, others take children. Pure."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._harbor import immutability

INDEX, CHILD = "an index that stays needs it", "the only indexes that need it go"
SIGNATURE = "a signature of it is immutable"
UNREAD = "whether an immutable rule covers it cannot be seen without immutable-tag:list"
ACCESSORY = "whether a tag of an accessory is immutable cannot be seen"
OTHERS = "it depends on others of which it is not certain"


def children(row: dict) -> list[str]:
    """Return the digests that an index refers to."""
    return [reference["child_digest"] for reference in row.get("references") or ()]


class Deletion:
    """What becomes of the candidates (items) of a repository that are marked: (fate, because), in their order.

    rules: the immutable rules of the project, None if they cannot be read.
    """

    def __init__(self, repository: str, items: list, rows: list, marks: list, rules: list | None) -> None:
        self.repository = repository
        self.items = items
        self.marks = marks
        self.rules = rules
        self.by_digest = {row["digest"]: row for row in rows}
        self.parents: dict = {}
        for row in rows:
            for child in children(row):
                self.parents.setdefault(child, set()).add(row["digest"])

    def decided(self) -> dict:
        """Return digest -> (fate, because), of all candidates and of the children that go or may go."""
        if not self.parents and not any(row.get("accessories") for row in self.by_digest.values()):
            return {item.row["digest"]: mark for item, mark in zip(self.items, self.marks)}  # nothing to refuse or take
        # What goes if all that is uncertain goes, and what goes even if none of it does: more only brings more.
        most, refused = self._carried_out(("deletions", "uncertain"), True)
        least, _refused = self._carried_out(("deletions",), False)
        found = {}
        for item, (fate, because) in zip(self.items, self.marks):
            digest = item.row["digest"]
            if fate == "kept" or digest in least:
                found[digest] = fate, because
            elif digest not in most:
                found[digest] = "kept", refused.get(digest, because)
            else:
                found[digest] = "uncertain", because if fate == "uncertain" else self._doubt(digest)
        for digest in most:
            if digest not in found:
                found[digest] = ("deletions", CHILD) if digest in least else ("uncertain", OTHERS)
        return found

    def _doubt(self, digest: str) -> str:
        blocked = [self._blocked(one) for one in (digest, *children(self.by_digest[digest]))]
        return OTHERS if None not in blocked else UNREAD if self.rules is None else ACCESSORY

    def _carried_out(self, fates: tuple, most: bool) -> tuple[set, dict]:
        """Return the digests that are gone after a run that goes for these fates, and why others are refused.

        most: an accessory of which nothing is known stops no deletion; otherwise it does.
        """
        gone: set = set()
        refused: dict = {}
        for item, (fate, _because) in zip(self.items, self.marks):
            digest = item.row["digest"]
            if fate not in fates or digest in gone:
                continue
            if self.parents.get(digest, set()) - gone - {digest}:
                refused[digest] = INDEX
                continue
            doomed = set(self._doomed(digest, gone))
            blocked = {self._blocked(one) for one in doomed}
            if True in blocked or None in blocked and not most:
                refused[digest] = SIGNATURE
            else:
                gone |= doomed
        return gone, refused

    def _doomed(self, digest: str, gone: set) -> Iterator[str]:
        """Yield what goes with an artifact: itself, and its untagged children that nothing else needs."""
        doomed, waiting = {digest}, [digest]
        while waiting:
            one = waiting.pop()
            yield one
            for child in children(self.by_digest[one]):
                row = self.by_digest.get(child)
                if row is None or row.get("tags") or child in doomed or child in gone:
                    continue
                if not self.parents[child] - gone - doomed:
                    doomed.add(child)
                    waiting.append(child)

    def _blocked(self, digest: str) -> bool | None:
        """Return whether an immutable tag of an accessory keeps an artifact from being deleted, None if it may."""
        accessories = (self.by_digest.get(digest) or {}).get("accessories") or ()
        if not accessories:
            return False
        if self.rules is None:
            return None
        verdicts = {immutability.covers_accessory(self.rules, self.repository, one, digest) for one in accessories}
        return True if True in verdicts else None if None in verdicts else False
