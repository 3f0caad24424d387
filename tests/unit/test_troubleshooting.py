# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the page on troubleshooting to the sources: its messages exist, and the errors of the sources are on it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml


class Loader(yaml.SafeLoader):
    """Reads YAML of Ansible."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"
SOURCES = sorted(path for path in ROOT.glob("plugins/**/*.py") if path.parent.name != "doc_fragments")
YAML = sorted([*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/**/*.yml")])
GAP = "\0"  # what differs from message to message
QUOTED = re.compile(r"^\| ``(.+)``$", re.MULTILINE)
ERRORS = re.compile(
    r"(PlanRefused|Unsendable|RegistryError|ContractError|ApiError|NotFound|Denied|Unreachable|LostAnswer|Redirected|Unfinished"
    r"|OldLibrary|Ansible\w*(Fail|Error))\Z"
)
# The page says once that these tell by themselves what to write instead.
BY_OPTION = re.compile(rf"({GAP}|[a-z_]+(\[{GAP}\])?): ")
# Reasons in files that the playbook export writes; they stand behind "Not declared:".
IN_FILES = {"exported.py"}
FEW = 16  # letters
SHORTEST = 13  # characters of what is a message of its own
LONGEST_TERM = 130


def text_of(node: ast.AST) -> str | None:
    """Return a text of the source, with GAP for what is put into it; None for all else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
    return None


def texts_in(node: ast.AST) -> list[str]:
    """Return all texts of a part of a source, those that are put into others too."""
    own = text_of(node)
    below = [
        text
        for child in ast.iter_child_nodes(node)
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant))
        for text in texts_in(child)
    ]
    return below if own is None else [own, *below]


def documentation(tree: ast.Module) -> set[str]:
    """Return what is no message: the docstrings, and the documentation of a module."""
    found = {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    named = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    return found | {node.value.value for node in named if node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")}


def scalars(found: object) -> list[str]:
    """Return all texts of parsed YAML, with single blanks."""
    if isinstance(found, dict):
        return [text for value in found.values() for text in scalars(value)]
    if isinstance(found, list):
        return [text for value in found for text in scalars(value)]
    return [" ".join(found.split())] if isinstance(found, str) else []


def texts() -> list[str]:
    """Return all texts of the sources that may be messages."""
    found = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        none = documentation(tree)
        found += [text for text in texts_in(tree) if text not in none]
    for path in YAML:
        found += scalars(yaml.load(path.read_text(), Loader))
    return found


def errors() -> list[str]:
    """Return the texts that errors and warnings are made of, where they are made."""
    found = {}
    for path in SOURCES:
        if path.name in IN_FILES:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            warns = name == "append" and "warnings" in ast.unparse(node.func)
            if ERRORS.match(name) or warns:
                found.update((text, True) for argument in node.args for text in made_of(argument))
    return [text for text in found if len(text) >= SHORTEST and not BY_OPTION.match(text)]


def made_of(node: ast.AST) -> list[str]:
    """Return the outermost texts of an argument."""
    own = text_of(node)
    return [own] if own is not None else [text for child in ast.iter_child_nodes(node) for text in made_of(child)]


def says(term: str, text: str) -> bool:
    """Return whether a text is the message that the page shows so.

    It has to begin so, unless the page says that something stands before, or it is quoted within a template. What has
    few letters of its own has to be all of the text, as it would be found in many.
    """
    parts = term.split("...")
    if not all(part in text for part in parts):
        return False
    if len(re.sub("[^a-z]", "", term)) < FEW:
        return bool(re.fullmatch("[^A-Za-z]*".join(map(re.escape, parts)), text))
    begins = "" if term.startswith("...") else r"(?:\A|(?<='))[\s.;]*"
    return bool(re.search(begins + ".*".join(map(re.escape, parts)), text, re.DOTALL))


TERMS = QUOTED.findall(PAGE.read_text())
TEXTS = texts()


@pytest.mark.parametrize("term", TERMS)
def test_each_message_of_the_page_is_one(term):
    assert any(says(term, text) for text in TEXTS)


def test_no_message_is_on_the_page_twice():
    assert len(TERMS) == len(set(TERMS)) > 100
    assert max(map(len, TERMS)) <= LONGEST_TERM


@pytest.mark.parametrize("text", errors())
def test_each_error_and_warning_is_on_the_page(text):
    assert any(says(term, text) for term in TERMS)


def test_what_is_not_there_is_not_found():
    assert not any(says("The registry is on holiday", text) for text in TEXTS)
    assert not any(says(term, "The registry is on holiday") for term in TERMS)
