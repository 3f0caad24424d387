# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prune worker's rules of Quay as functions over plain data: which tags a policy ends, in which order."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any, Iterable

METHODS = ("number_of_tags", "creation_date")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
COSIGN = re.compile(r"sha256-[0-9a-f]{64}\.(sig|att|sbom)")
COSIGN_SUFFIXES = ("sig", "att", "sbom")
LARGEST_OFFSET = 2**63 - 1
LARGEST_BOUND = 255

Tag = dict[str, Any]
Policy = dict[str, Any]


class PruneError(Exception):
    """The worker's run of a namespace stops here; the text is what the server keeps of it."""


def age_limit(value: str) -> timedelta:
    """Returns the age that a creation_date policy names; ValueError if malformed, OverflowError if too long."""
    number, unit = int(value[:-1]), value[-1:]
    if unit not in UNITS:
        raise ValueError(f"unknown unit in {value!r}")
    if unit in "smh":
        return timedelta(seconds=number * UNITS[unit])
    return timedelta(days=number * (UNITS[unit] // UNITS["d"]))


def problem(method: Any, value: Any, pattern: Any) -> str | None:
    """Returns what is wrong with a policy, None if nothing; OverflowError for an age beyond the server's range."""
    if method not in METHODS:
        return "Invalid method provided"
    if not valid_value(method, value):
        return "Invalid value given for method type"
    if pattern == "":
        return "tag_pattern cannot be empty"
    return None


def valid_value(method: str, value: Any) -> bool:
    """Returns whether the value suits the method; OverflowError for an age beyond the server's range."""
    if not value:
        return False
    if method == "number_of_tags":
        return isinstance(value, int) and value > 0
    if not isinstance(value, str):
        return False
    try:
        age_limit(value)
    except ValueError:
        return False
    return True


def is_cosign(name: str) -> bool:
    """Returns whether a tag name has the form that cosign gives to signatures, attestations and SBOMs."""
    return COSIGN.fullmatch(name) is not None


def alive(tag: Tag, now_ms: int) -> bool:
    """Returns whether a tag has not ended; an end in the future does not count."""
    return tag["end_ms"] is None or tag["end_ms"] > now_ms


def candidates(tags: Iterable[Tag], now_ms: int) -> list[Tag]:
    """Returns the tags that policies count and end."""
    return [
        tag
        for tag in tags
        if alive(tag, now_ms) and not tag["hidden"] and not tag["immutable"] and not is_cosign(tag["name"])
    ]


def doomed(tags: Iterable[Tag], policy: Policy, now_ms: int) -> list[Tag]:
    """Returns the tags that one policy ends; PruneError where the server's query or its checks fail."""
    method, value, pattern = policy["method"], policy["value"], policy["tagPattern"]
    try:
        wrong = problem(method, value, pattern)
        limit_ms = int(age_limit(value).total_seconds() * 1000) if not wrong and method == "creation_date" else 0
    except OverflowError as error:
        raise PruneError(str(error)) from error
    if wrong:
        raise PruneError(wrong)
    found = candidates(tags, now_ms)
    if pattern is not None:
        # Quay ffba0c7, data/text.py: the database searches, so a pattern that it rejects fails even without tags.
        expression = postgres_regex(pattern)
        # Seen on a live Quay: null (by hand in the database, or no flag in a default policy) inverts the pattern.
        wanted = bool(policy["tagPatternMatches"])
        found = [tag for tag in found if (expression.search(tag["name"]) is not None) is wanted]
    if method == "creation_date":
        return [tag for tag in found if now_ms - tag["start_ms"] > limit_ms]
    if value > LARGEST_OFFSET:
        raise PruneError("bigint out of range")
    found.sort(key=lambda tag: tag["start_ms"], reverse=True)
    return found[value:]


def end_tag(tags: Iterable[Tag], tag: Tag, now_ms: int) -> list[Tag]:
    """Ends a tag and, if it was the last ordinary one of its digest, the digest's cosign tags; returns the latter."""
    tag["end_ms"] = now_ms
    if is_cosign(tag["name"]):
        return []
    return end_cosign_tags(tags, tag, now_ms)


def end_cosign_tags(tags: Iterable[Tag], subject: Tag, now_ms: int) -> list[Tag]:
    """Ends the cosign tags of a digest unless another ordinary tag still names it; returns those that ended."""
    tags = list(tags)
    for other in tags:
        same = other is not subject and other["digest"] == subject["digest"] and alive(other, now_ms)
        if same and not other["hidden"] and not is_cosign(other["name"]):
            return []
    names = {f"{subject['digest'].replace(':', '-')}.{suffix}" for suffix in COSIGN_SUFFIXES}
    ended = [tag for tag in tags if tag["name"] in names and not tag["immutable"] and alive(tag, now_ms)]
    for tag in ended:
        tag["end_ms"] = now_ms
    return ended


def apply_policy(tags: list[Tag], policy: Policy, now_ms: int) -> list[tuple[Tag, bool]]:
    """Ends the tags that a policy dooms; returns each with whether it ended only as a cosign companion."""
    ended: list[tuple[Tag, bool]] = []
    for tag in doomed(tags, policy, now_ms):
        ended.append((tag, False))
        ended.extend((companion, True) for companion in end_tag(tags, tag, now_ms))
    return ended


def in_order(policies: Iterable[Policy]) -> list[Policy]:
    """Returns the policies in the order of execution: all by age, then all by number."""
    policies = list(policies)
    return [
        policy for method in ("creation_date", "number_of_tags") for policy in policies if policy["method"] == method
    ]


def default_as_policy(default: Policy) -> Policy:
    """Returns the configured default policy in API form."""
    # Quay ffba0c7, data/model/autoprune.py: the configured object is used as it is, so only the snake-case keys
    # count, and a pattern without tag_pattern_matches is inverted because a missing flag is false there.
    return {
        "method": default.get("method"),
        "value": default.get("value"),
        "tagPattern": default.get("tag_pattern"),
        "tagPatternMatches": default.get("tag_pattern_matches"),
    }


CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "word": "\\w",
    "xdigit": "0-9a-fA-F",
}
WORD_EDGES = {"[[:<:]]": r"\b(?=\w)", "[[:>:]]": r"\b(?<=\w)"}
# PostgreSQL 15, "Regular Expression Escapes": \b is a backspace, \B a backslash, \m \M \y \Y are word edges.
ESCAPES = {"m": r"\b(?=\w)", "M": r"\b(?<=\w)", "y": r"\b", "Y": r"\B", "b": r"\x08", "B": r"\\", "e": r"\x1b"}
CONSTRAINTS = set("mMyYAZ")
SAME_ESCAPES = set("adfnrstvwADSWZ0123456789")


@lru_cache(maxsize=512)
def postgres_regex(pattern: str) -> re.Pattern[str]:
    """Returns a Python expression that finds what PostgreSQL's `~` finds; PruneError if PostgreSQL rejects it."""
    out: list[str] = []
    position, quantified = 0, True
    options = re.match(r"\(\?([bceimnpqstwx]+)\)", pattern)
    if options:
        out.append("(?i)" if "i" in options.group(1) else "")
        position = options.end()
    while position < len(pattern):
        char, rest = pattern[position], pattern[position:]
        edge = next((text for text in WORD_EDGES if rest.startswith(text)), None)
        if edge:
            out.append(WORD_EDGES[edge])
            position, quantified = position + len(edge), True
        elif char == "[":
            text, position = bracket(pattern, position)
            out.append(text)
            quantified = False
        elif char == "\\":
            text, length = escape(rest)
            out.append(text)
            position, quantified = position + length, rest[1] in CONSTRAINTS
        elif char in "*+?" or re.match(r"\{\d", rest):
            if quantified:
                raise invalid("quantifier operand invalid")
            text = quantifier(rest)
            out.append(text)
            position, quantified = position + len(text), True
        elif char == "(":
            group = re.match(r"\(\?(#[^)]*\)|:|=|!|<=|<!)", rest)
            if rest.startswith("(?") and not group:
                raise invalid("quantifier operand invalid")
            text = group.group(0) if group else "("
            out.append(text)
            position, quantified = position + len(text), True
        elif char in "|^":
            out.append(char)
            position, quantified = position + 1, True
        else:
            out.append(r"\Z" if char == "$" else "\\{" if char == "{" else char)
            position, quantified = position + 1, char == "$"
    try:
        return re.compile("".join(out))
    except re.error as error:
        raise invalid(str(error)) from error


def invalid(why: str) -> PruneError:
    """Returns the error of a pattern that PostgreSQL rejects."""
    return PruneError(f"invalid regular expression: {why}")


def quantifier(rest: str) -> str:
    """Returns the quantifier at the start of a pattern's rest."""
    found = re.match(r"([*+?]|\{(\d+)(,(\d*))?\})\??", rest)
    if not found:
        raise invalid("braces {} not balanced")
    for bound in (found.group(2), found.group(4)):
        if bound and int(bound) > LARGEST_BOUND:
            raise invalid("invalid repetition count(s)")
    return found.group(0)


def escape(rest: str) -> tuple[str, int]:
    """Returns the Python form of the escape at the start of a pattern's rest, and its length."""
    if len(rest) < 2:
        raise invalid("invalid escape \\ sequence")
    letter = rest[1]
    if letter in ESCAPES:
        return ESCAPES[letter], 2
    if not letter.isalnum() or letter in SAME_ESCAPES:
        return "\\" + letter, 2
    code = re.match(r"\\(x[0-9a-fA-F]+|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})", rest)
    if code:
        return re.escape(chr(int(code.group(1)[1:], 16))), code.end()
    raise invalid("invalid escape \\ sequence")


def bracket(pattern: str, start: int) -> tuple[str, int]:
    """Returns the Python form of the bracket expression that begins at `start`, and the index after it."""
    out, position = ["["], start + 1
    if pattern[position : position + 1] == "^":
        out.append("^")
        position += 1
    first = position
    while position < len(pattern):
        char = pattern[position]
        if char == "]" and position > first:
            return "".join(out) + "]", position + 1
        named = re.match(r"\[:(\w+):\]", pattern[position:])
        single = re.match(r"\[([.=])(.)\1\]", pattern[position:])
        if named:
            if named.group(1) not in CLASSES:
                raise invalid("invalid character class")
            out.append(CLASSES[named.group(1)])
            position += named.end()
        elif single:
            out.append(re.escape(single.group(2)))
            position += single.end()
        elif char == "\\":
            text, length = escape(pattern[position:])
            out.append(text)
            position += length
        else:
            out.append("\\" + char if char in "[]&~|" else char)
            position += 1
    raise invalid("brackets [] not balanced")
