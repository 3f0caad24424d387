# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as a YAML file with comments, in which nothing that came from others is more than text."""

from __future__ import annotations

import re
import textwrap
from typing import Any, Iterator

import yaml
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

WIDTH = 120
# What Ansible would take for a template, or for a word about how to read one.
TEMPLATE = re.compile(r"\{[{%#]|^#jinja2:")
PLAIN = re.compile(r"[A-Za-z^][A-Za-z0-9_./^*-]*\Z")  # what needs no look by YAML, but for its words
WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}


def document(head: list, variables: list, notes: list) -> str:
    """Return the text of a file. head, notes: lines of comments before and after the variables."""
    lines = ["---", *comments(head)]
    for variable in variables:
        lines += ["", *comments(variable.notes), *_pair(variable.name, variable.value, "")]
    if notes:
        lines += ["", *comments(notes)]
    return "".join(f"{line}\n" for line in lines)


def comments(notes: list) -> list[str]:
    """Return lines as comments, long ones folded; what cannot be seen is escaped."""
    found = []
    for note in map(printable, notes):
        bare = note.lstrip()
        indent = note[: len(note) - len(bare)]
        found += textwrap.wrap(
            bare, WIDTH, initial_indent=f"# {indent}", subsequent_indent=f"# {indent}  ", break_on_hyphens=False
        )
    return found


def scalar(value: Any) -> str:
    """Return a text, number or flag in one line of YAML, in ASCII; never a template."""
    if isinstance(value, str) and TEMPLATE.search(value):
        quoted = yaml.safe_dump(value, width=float("inf"), default_style='"')
        return f"!unsafe {quoted.rstrip()}"
    if isinstance(value, str) and PLAIN.match(value) and value.lower() not in WORDS:
        return value
    return (
        yaml.safe_dump(value, width=float("inf"), default_style='"' if _long(value) else None)
        .split("\n...")[0]
        .rstrip()
    )


def _long(value: Any) -> bool:
    """Return whether YAML would need more than a line for it in another style."""
    return isinstance(value, str) and not value.isprintable()


def _pair(key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield f"{indent}{scalar(key)}:"
        yield from _inner(value, f"{indent}  ")
    else:
        empty = {dict: "{}", list: "[]"}.get(type(value))
        yield f"{indent}{scalar(key)}: {empty or scalar(value)}"


def _inner(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pair(key, item, indent)
        return
    for item in value:
        if isinstance(item, (dict, list)) and item:
            first, *rest = _inner(item, f"{indent}  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        else:
            empty = {dict: "{}", list: "[]"}.get(type(item))
            yield f"{indent}- {empty or scalar(item)}"
