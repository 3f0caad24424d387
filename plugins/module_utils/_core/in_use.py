# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that run somewhere: reads their references, finds them among the images of a forecast. Asks no registry."""

from __future__ import annotations

import collections
import os
import re
from typing import Any, Iterable, Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

ARGUMENT_SPEC = dict(
    in_use=dict(type="list", elements="str"),
    in_use_hosts=dict(type="list", elements="str"),
)
LARGEST = 1 << 26  # bytes of a file
MOST = 1_000_000  # references of all files together, with their repetitions
LONGEST = 1000  # characters of a reference
MOST_PATH = 40  # characters of a path in a message
ITSELF = "in_use"  # where a reference stands that is in no file
SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://")  # what Kubernetes puts before imageID: docker-pullable://
DIGEST = r"[A-Za-z0-9_+.-]{1,32}:[0-9A-Fa-f]{32,128}"
ALONE = re.compile(rf"{DIGEST}\Z")
PART = r"[a-z0-9][a-z0-9._-]*"  # of the name of an image, which has no capital letters
REFERENCE = re.compile(
    rf"(?:(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?)/)?(?P<path>{PART}(?:/{PART})*)"
    rf"(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{DIGEST}))?\Z",
    re.ASCII,
)


class Running:
    """Where each image runs that belongs to a registry, by repository, and how many references there are in all.

    references: reference -> where it stands first. tags, digests: repository -> name -> where it was found. anywhere:
    digest -> where, of digests that stand alone. elsewhere: host -> number, of the references of other registries.
    """

    def __init__(self, references: dict, hosts: Iterable[str]) -> None:
        self.number = len(references)
        self.hosts = [_host(host) for host in hosts]
        self.tags: dict = {}
        self.digests: dict = {}
        self.anywhere: dict = {}
        self.elsewhere: collections.Counter = collections.Counter()
        for text, where in references.items():
            self._add(text, _parts(text, where), where)

    def _add(self, text: str, found: Any, where: str) -> None:
        if found is None:
            self.anywhere[text] = where
            return
        host, path, tag, digest = found.group("host", "path", "tag", "digest")
        if host and (re.search("[.:A-Z]", host) or host == "localhost"):  # as Docker tells hosts from names
            if _host(host) not in self.hosts:
                self.elsewhere[_host(host)] += 1
                return
        elif host:
            path = f"{host}/{path}"
        # With a digest, no runtime looks at the tag.
        group, name = (self.digests, digest) if digest else (self.tags, tag or "latest")
        group.setdefault(path, {}).setdefault(name, where)

    def watches(self, repository: str) -> bool:
        """Return whether anything runs that may be of a repository."""
        return bool(self.anywhere or self.tags.get(repository) or self.digests.get(repository))

    def found(self, repository: str, images: Iterable[dict]) -> dict:
        """Return name -> (where it runs, the images that hold it) of all that runs of a repository.

        A tag is held by the image that has it; a digest by each image that has it, and by each index with it in it.
        """
        if not self.watches(repository):
            return {}
        tags, digests = self.tags.get(repository, {}), self.digests.get(repository, {})
        holders: dict = {}
        names: dict = {}
        for image in images:
            for digest in dict.fromkeys((image["digest"], *image.get("children", ()))):
                holders.setdefault(digest, []).append(image)
            for tag in (image["tag"] or "").split(", "):
                names.setdefault(tag, []).append(image)
        held = {tag: (tags[tag], names[tag]) for tag in tags if tag in names}
        for digest, some in holders.items():
            where = digests.get(digest) or self.anywhere.get(digest)
            if where:
                held[digest] = (where, some)
        return held

    def lost(self, repository: str, images: list, counted: list) -> list[str]:
        """Return what runs of a repository and would go, or may go, each with where it was found.

        counted: those of its images that count as deleted. A digest is lost with the last image that holds it.
        """
        doomed = {id(image) for image in counted}
        found = []
        for name, (where, holders) in self.found(repository, images).items():
            stays = ":" in name and any(image["fate"] == forecasts.STAYS for image in holders)
            if not stays and any(id(image) in doomed for image in holders):
                tags = [image["tag"] for image in holders if image["tag"] and ":" in name]
                more = f" of {tags[0]}" if tags else ""
                found.append(f"{name[:19] if ':' in name else name}{more} runs ({where})")
        return found

    def told(self, forecast: dict) -> dict:
        """Return how many references there are, are of other hosts, and were found in the repositories of a forecast or
        not, as results show it."""
        found = missing = 0
        for repository, images in forecast.items():
            held = self.found(repository, images)
            found += len(held)
            wanted = [*self.tags.get(repository, ()), *self.digests.get(repository, ())]
            missing += sum(name not in held for name in wanted)
        return {
            "references": self.number,
            "elsewhere": sum(self.elsewhere.values()),
            "found": found,
            "not_found": missing,
        }

    def doubts(self) -> list[str]:
        """Return warnings: where so many references protect nothing that it may be a mistake."""
        if not self.number:
            return ["in_use is an empty list, so nothing counts as running"]
        if sum(self.elsewhere.values()) < self.number:
            return []
        host, number = self.elsewhere.most_common(1)[0]
        return [
            f"in_use: none of {plural(self.number, 'reference')} is of this registry ({', '.join(self.hosts)}), but "
            f"{number:,} of {printable(host, 100)}. If clusters know it by another name, write that into in_use_hosts "
            "(in a role: registry_hygiene_in_use_hosts)"
        ]


def line(told: dict) -> str:
    """Return what `told` says, for a person."""
    missing = told["not_found"]
    more = f"; {missing:,} more {'is' if missing == 1 else 'are'} not in their listings" if missing else ""
    return f"  in use: {told['found']:,} of {plural(told['references'], 'reference')} in these repositories{more}"


def check_options(params: dict) -> None:
    """Raise PlanRefused if what is in use cannot be known for certain."""
    load(params, ())


def load(params: dict, hosts: Iterable[str]) -> Running | None:
    """Return what runs, None if the task does not say; raises PlanRefused. hosts: of the registry's images."""
    for host in params.get("in_use_hosts") or []:
        if not re.match(r"[\w.-]+(:[0-9]{1,5})?\Z", host, re.ASCII):
            raise PlanRefused(
                f"in_use_hosts: {printable(host, 100)!r} is no host: write registry.example.com, with :port if need be"
            )
    if params.get("in_use") is None:
        return None
    return Running(_references(params["in_use"]), [*hosts, *(params.get("in_use_hosts") or [])])


def _references(given: list) -> dict:
    """Return reference -> where it stands first; raises PlanRefused if one of them is none."""
    found: dict = {}
    number = 0
    for item in given:
        text = item.strip()
        if not text:
            raise PlanRefused(
                "in_use: an entry is empty, which does not mean that nothing runs. Leave in_use out to do without it, "
                "or write [] if really nothing is in use"
            )
        words = _words(text) if text[0] in "/.~" else ((word, ITSELF) for word in text.split())
        for word, where in words:
            number += 1
            if number > MOST:
                raise PlanRefused(f"in_use: more than {MOST:,} references: give each only once (sort -u)")
            plain = SCHEME.sub("", word, count=1)
            if plain not in found:
                _parts(plain, where)  # refuses what is none; a million matches would take too much memory to be kept
                found[plain] = where
    return found


def _words(path: str) -> Iterator[tuple]:
    """Yield (word, where it stands) of a file; raises PlanRefused, also if there is none."""
    shown = printable(path, 200)
    place = path if len(path) <= MOST_PATH else f"...{path[3 - MOST_PATH :]}"
    empty = True
    try:
        real = os.path.expanduser(path)
        if not os.path.isfile(real):
            raise PlanRefused(f"in_use: {shown} is no file. What begins with / . or ~ is the path of one")
        if os.path.getsize(real) > LARGEST:
            raise PlanRefused(f"in_use: {shown} is larger than {LARGEST >> 20} MB: give each reference once (sort -u)")
        with open(real, encoding="utf-8-sig") as file:
            for number, row in enumerate(file, 1):
                for word in row.split():
                    empty = False
                    yield word, f"{place}:{number}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise PlanRefused(f"in_use: {shown} cannot be read: {reason}") from None
    if empty:
        raise PlanRefused(
            f"in_use: {shown} is empty, which does not mean that nothing runs: did what wrote it fail? If really "
            "nothing is in use, write in_use: []"
        )


def _parts(text: str, where: str) -> Any:
    """Return the match of a reference, None for a digest alone; raises PlanRefused."""
    if len(text) <= LONGEST:
        if ALONE.match(text):  # which also looks like name:tag
            return None
        parts = REFERENCE.match(text)
        if parts:
            return parts
    raise PlanRefused(
        f"in_use: {printable(where, 60)}: {printable(repr(text), 150)} is no reference of an image, such as "
        "registry.example.com/acme/app:v1, nor a digest. Is it the message of something that failed?"
    )


def _host(text: str) -> str:
    """Return a host as they are compared: in small letters, without the usual port."""
    return re.sub(r":(443|80)\Z", "", text.lower())


def described(told: Any) -> list[str]:
    """Return the lines of a plan about what is in use."""
    return [line(told)] if told else []
