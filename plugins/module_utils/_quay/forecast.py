# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags of a repository Quay's auto-prune worker deletes, for certain or perhaps. Pure.

fates: tag -> (certain, because). A tag without one stays; one whose fate is not certain counts as there and as gone.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
import re
from typing import Any, Callable, Iterator

from ansible_collections.registry.hygiene.plugins.module_utils._core import figures, matching, patterns
from ansible_collections.registry.hygiene.plugins.module_utils._core.images import GOES, PERHAPS, STAYS, Images
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._quay.policies import MOST_SECONDS, MOST_TAGS, SECONDS

COSIGN = re.compile(r"sha256-([0-9a-f]{64})\.(sig|att|sbom)\Z")
SCOPES = ("organization policy", "repository policy", "default policy of the registry")
METHODS = {"creation_date": "older than", "number_of_tags": "not among the newest"}  # in the worker's order
STATES = {"MIRROR": "mirror", "READ_ONLY": "read-only"}
FAILS = "Quay's worker fails at {} and deletes nothing or only a part"
SECOND = "within the same second as the limit"
ENDING = "it expires about now, and the clocks differ"
KINDS = {True: GOES, False: PERHAPS, None: STAYS}
SPARED = (None, "")
START = operator.itemgetter(0)
MOST_WORDS = 200  # characters of a pattern or value in a reason
MOST_ORDERED = 4  # policies of which every order is tried


def forecast(
    repository: str,
    state: str,
    tags: list,
    namespace_policies: list,
    repository_policies: list,
    default_policy: dict | None,
    now: tuple[float, float],
) -> dict:
    """Return {"deletions": [image], "uncertain": [image], "kept": [image]}: every active tag once.

    tags: as Quay lists them; policies: in option words; default_policy: as in Quay's configuration, or None;
    now: the earliest and the latest time that it may be.
    """
    found: dict = {"deletions": [], "uncertain": [], "kept": []}
    active = Tags(state, tags, now)
    fates = active.fates(namespace_policies, repository_policies, default_policy)
    for name, digest, age, size, because, children in active.told(fates):
        kind = {True: "deletions", False: "uncertain", None: "kept"}[fates.get(name, SPARED)[0]]
        image = dict(target=repository, tag=name, digest=digest, age=age, size=size, because=because)
        found[kind].append(dict(image, children=list(children)) if children else image)
    return found


class Tags:
    """The active tags of a repository, to be judged under several sets of policies. See forecast."""

    def __init__(self, state: str, tags: list, now: tuple[float, float]) -> None:
        every = {tag["name"]: tag for tag in tags}
        ends = {name: figures.moment(tag["end_ts"]) for name, tag in every.items() if tag.get("end_ts") is not None}
        self.state = state
        gone = {name for name, end in ends.items() if end <= now[0]}
        self.live = {name: tag for name, tag in every.items() if name not in gone} if gone else every
        self.starts = {name: figures.moment(tag["start_ts"]) for name, tag in self.live.items()}
        self.now = figures.window(now, self.starts.values())
        self.ending = {name: (False, ENDING) for name in ends if name in self.live and ends[name] <= self.now[1]}
        signatures = [COSIGN.match(name) for name in self.live if name.startswith("sha256-")]
        self.cosign = {found.string: found for found in signatures if found}
        self.immutable = {name for name, tag in self.live.items() if tag.get("immutable")}
        spared = self.immutable.union(self.cosign)
        self.rows = sorted([(start, name) for name, start in self.starts.items() if name not in spared], reverse=True)

    def fates(self, namespace_policies: list, repository_policies: list, default_policy: dict | None) -> dict:
        """Return tag -> (certain, because) of those that go or may go."""
        fates = self.ending
        if self.state == "NORMAL" or not namespace_policies:
            # Quay ffba0c7: the walk along the policies of repositories stumbles over one that is not NORMAL.
            stop = None if self.state == "NORMAL" else FAILS.format(f"the policies of a {self._said()} repository")
            scopes = zip(SCOPES, (namespace_policies, repository_policies))
            ordinary = [_policy(scope, policy, self.rows) for scope, policies in scopes for policy in policies]
            fates = _ordinary_run(ordinary, fates, stop, self.now)
        if self.state == "NORMAL" and default_policy:
            # Quay ffba0c7: a run of its own, so it takes place whatever fails in the ordinary one.
            fates = _run([_policy(SCOPES[2], default_policy, self.rows)], fates, None, self.now)
        return dict(fates, **self._cascade(fates))

    def _cascade(self, fates: dict) -> dict:
        """Return the fates of the cosign tags: they go with the last ordinary tag of their image."""
        ordinary: dict = {}
        for name, tag in self.live.items() if self.cosign else ():
            if name not in self.cosign:
                ordinary.setdefault(tag["manifest_digest"], []).append(fates.get(name))
        found = {}
        for name, cosign in self.cosign.items():
            of_image = None if name in self.immutable else ordinary.get(f"sha256:{cosign.group(1)}")
            if of_image and all(of_image):
                certain = all(fate[0] for fate in of_image)
                found[name] = (certain, f"signature of an image that {'goes' if certain else 'may go'} (cosign)")
        return found

    def _said(self) -> str:
        return STATES.get(self.state, self.state)

    def told(self, fates: dict) -> Iterator[tuple]:
        """Return (name, digest, age, size, because, children) of each tag: children of an index, else None."""
        alone = "" if self.state == "NORMAL" else f"{self._said()}: Quay leaves it alone"
        reasons = {**dict.fromkeys(self.cosign, "cosign"), **dict.fromkeys(self.immutable, "immutable")}
        reasons.update({name: because for name, (_certain, because) in fates.items()})
        digests, sizes, children = (
            [tag.get(key) for tag in self.live.values()]
            for key in ("manifest_digest", "size", "child_manifests_presence")
        )
        ages = [figures.age(self.now, start) for start in self.starts.values()]
        becauses = [reasons.get(name, alone) for name in self.live]
        return zip(self.live, digests, ages, map(figures.size, sizes), becauses, children)

    def images(self, planned: dict, current: dict, by: Callable[[str], str]) -> Images:
        """Return the images with these fates under what is planned, and under what is there now.

        by(because): the target whose change an image counts for. The same as what forecasts.compared makes of them.
        """
        targets: dict = {}
        rows: dict = {True: [], False: [], None: []}
        for name, digest, age, size, because, children in self.told(planned):
            certain = planned[name][0] if name in planned else None
            anyway = certain is not None and name in current and current[name][0] >= certain
            if because not in targets:
                targets[because] = by(because)
            row = (name, digest, age, size, because, KINDS[certain], anyway, targets[because])
            rows[certain].append((*row, list(children)) if children else row)
        return Images([*rows[True], *rows[False], *rows[None]])


def _policy(scope: str, policy: dict, rows: list) -> dict:
    """Return a policy as it is carried out: its place, its rule in words, the rows that it selects, why in doubt."""
    method, value, pattern = policy.get("method"), policy.get("value"), policy.get("tag_pattern")
    limit, fails = _limit(method, value)
    words = printable(f"{METHODS.get(str(method), f'method {method}')} {value}", MOST_WORDS)
    rule, doubt, shown = f"{scope}: {words}", None, printable(pattern, MOST_WORDS)
    if pattern is not None:
        # Quay ffba0c7: in the default policy, a pattern without tag_pattern_matches is inverted.
        wanted = bool(policy.get("tag_pattern_matches", scope != SCOPES[2]))
        rule += f", {'' if wanted else 'not '}{shown}"  # as policies.rule says it
        matcher, foreign = _reading(pattern if isinstance(pattern, str) else "")
        verdicts = matcher.searches([name for _start, name in rows]) if matcher else []
        if None in verdicts:
            doubt = f"tag_pattern {shown} cannot be evaluated here: {matcher.problem}"
        elif matcher:
            rows = [row for row, verdict in zip(rows, verdicts) if verdict is wanted]
        elif foreign:
            doubt = f"tag_pattern {shown} may be read differently by Quay's database, or refused: {foreign}"
        fails = fails or not (matcher or foreign)
    # A method that is not known here may come at any place, so it comes first.
    place = (list(METHODS).index(method) if method in METHODS else -1, SCOPES.index(scope))
    doubt = FAILS.format(rule) if fails else doubt
    return dict(place=place, rule=rule, limit=limit, pattern=pattern, rows=rows, doubt=doubt)


def _limit(method: Any, value: Any) -> tuple[Any, bool]:
    """Return beyond how many tags or seconds tags go (all of them if unknown), and whether the worker fails."""
    try:
        if method == "number_of_tags":
            limit = int(value)
            whole = isinstance(value, int) and not isinstance(value, bool)
            return limit, not (whole and 0 < limit <= MOST_TAGS)
        if method == "creation_date":
            # Quay ffba0c7, util/timedeltastring.py: a number is what Python's int() takes: " 7d", "-5d", "1_0d".
            limit = int(value[:-1]) * SECONDS[value[-1:]]
            return limit, abs(limit) > MOST_SECONDS
    except (KeyError, OverflowError, TypeError, ValueError):
        pass
    return -math.inf, True


@functools.lru_cache(maxsize=1024)
def _reading(pattern: str) -> tuple[Any, str | None]:
    """Return the matcher of a pattern that all databases share, or else what they do not; neither if none takes it."""
    if not pattern.strip() or patterns.fault(pattern):
        return None, None
    foreign = patterns.not_portable(pattern)
    if foreign:
        return None, foreign
    try:
        return matching.compile(pattern), None
    except re.error as error:
        return None, str(error)


def _ordinary_run(policies: list, fates: dict, stop: str | None, now: tuple[float, float]) -> dict:
    """Return the fates after the policies: ages first, and of one method those of the organization first."""
    policies.sort(key=lambda policy: (policy["place"], policy["doubt"] is None))
    for (method, _scope), group in itertools.groupby(policies, lambda policy: policy["place"]):
        # Quay ffba0c7 reads the policies of one scope in no order: one that may fail may be the first.
        several = list(group)
        stop = stop or several[0]["doubt"]
        if stop or method == 0 or len(several) == 1 or all(policy["pattern"] is None for policy in several):
            fates = _run(several, fates, stop, now)
        else:
            fates = _in_any_order([policy for policy in several if _doomed(policy, fates, now)], fates, now)
    return fates


def _in_any_order(policies: list, fates: dict, now: tuple[float, float]) -> dict:
    """Return the fates after policies whose order is not known: certain is what is so in every order."""
    doubt = "the order in which Quay applies the policies is not known"
    if len(policies) > MOST_ORDERED:
        return _run(policies, fates, doubt, now)
    ends = [_run(order, fates, None, now) for order in itertools.permutations(policies)]
    merged = {}
    for name in dict.fromkeys(itertools.chain(*ends)):
        found = [end[name] for end in ends if name in end]
        merged[name] = min(found)
        if merged[name][0] and len(found) < len(ends):
            merged[name] = (False, f"{found[0][1]}: {doubt}")
    return merged


def _run(policies: Any, fates: dict, stop: str | None, now: tuple[float, float]) -> dict:
    """Return the fates after policies in this order; from a doubt on, such as `stop`, nothing is certain any more."""
    fates = dict(fates)
    for policy in policies:
        stop = stop or policy["doubt"]
        surely = (True, policy["rule"])
        for name, doubt in _doomed(policy, fates, now):
            if stop or doubt:
                own = stop and stop == policy["doubt"]
                fates.setdefault(name, (False, stop if own else f"{policy['rule']}: {stop or doubt}"))
            else:
                fates[name] = surely
    return fates


def _doomed(policy: dict, fates: dict, now: tuple[float, float]) -> list[tuple[str, str | None]]:
    """Return (tag, doubt or None) for each tag that one policy deletes, or may delete, of those that may be there."""
    limit, rows = policy["limit"], policy["rows"]
    if fates:
        rows = [row for row in rows if row[1] not in fates or not fates[row[1]][0]]
    # Quay ffba0c7 lists whole seconds but compares milliseconds: within one second nothing is known.
    if policy["place"][0] == 0:
        doubt = SECOND if now[0] == now[1] else figures.CLOCKS
        least, most = limit - 1, limit + 1  # seconds; of which there may be too many for a float
        earliest, latest = now
        return [(name, None if earliest - start > most else doubt) for start, name in rows if latest - start >= least]
    edge = [start for start, _name in rows[limit - 1 : limit + 1]] if limit > 0 else []
    if len(set(edge)) == 2 and not (fates and any(name in fates for _start, name in rows)):
        return [(name, None) for _start, name in rows[limit:]]  # all that follows serves the cases that are less clear
    found: list = []
    newer, surely_newer = 0, 0
    for _start, group in itertools.groupby(rows, START):
        names = [name for _start, name in group]
        there = sum(name not in fates for name in names) if fates else len(names)
        if newer + len(names) > limit:
            unsure = newer + len(names) > surely_newer + there
            doubt = "depends on other tags that are uncertain" if unsure else SECOND
            found += [(name, None if surely_newer >= limit else doubt) for name in names]
        newer, surely_newer = newer + len(names), surely_newer + there
    return found
