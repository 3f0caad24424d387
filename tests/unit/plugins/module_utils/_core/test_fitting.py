# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick test of answers says "surely" of nothing that jsonschema refuses, for every schema of the collection."""

from __future__ import annotations

import copy
import importlib
import re
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import fitting
from hypothesis import given, settings
from hypothesis import strategies as st

ROOMS = Path(fitting.__file__).resolve().parents[1]
PACKAGE = "ansible_collections.registry.hygiene.plugins.module_utils"
NUMBERS = st.integers(-2, 2) | st.sampled_from([10**18, 10**18 + 1, 2**62 + 1, 253402300800, 2**63, 10**30])
FLOATS = st.sampled_from([0.0, 1.0, 1.5, -1.0, 1e300])
WORDS = st.text(max_size=3) | st.sampled_from(["v1", "v1\n", "sha256:abc", "a/b", "..", "\n", "x" * 301])
LONG = st.sampled_from([5000, 70000]).map(lambda length: "x" * length)
LEAVES = st.none() | st.booleans() | NUMBERS | FLOATS | WORDS | LONG
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))


def schemas() -> dict:
    """All schemas that stand in the files of the rooms: name -> schema."""
    found = {}
    for path in sorted(ROOMS.glob("_*/*.py")):
        module = importlib.import_module(f"{PACKAGE}.{path.parent.name}.{path.stem}")
        for name, value in vars(module).items():
            kinds = value.get("type") if isinstance(value, dict) else None
            kinds = [kinds] if isinstance(kinds, str) else kinds
            if isinstance(kinds, list) and set(kinds) <= set(fitting.KINDS):  # an option of Ansible has others
                found.setdefault(id(value), (f"{path.parent.name}.{path.stem}.{name}", value))
    return dict(found.values())


SCHEMAS = schemas()


def documents(schema: dict) -> st.SearchStrategy:
    """Documents that fit a schema, or nearly."""
    kinds = schema.get("type", list(fitting.KINDS))
    return st.one_of([MAKERS[kind](schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


def objects(schema: dict) -> st.SearchStrategy:
    inner = {key: documents(one) for key, one in schema.get("properties", {}).items()}
    needed = {key: inner.pop(key, LEAVES) for key in schema.get("required", [])}
    if "propertyNames" in schema:
        return st.dictionaries(documents(schema["propertyNames"]), LEAVES, max_size=3)
    return st.fixed_dictionaries(needed, optional={**inner, "another": LEAVES})


def texts(schema: dict) -> st.SearchStrategy:
    shaped = st.from_regex(re.compile(schema["pattern"])) if "pattern" in schema else st.text(max_size=5)
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", 300), 300)
    return shaped | st.sampled_from(["x" * least, "x" * most])


def numbers(schema: dict) -> st.SearchStrategy:
    least, most = schema.get("minimum", -(10**30)), schema.get("maximum", 10**30)
    return st.integers(least, most) | st.sampled_from([least, most])


MAKERS = {
    "object": objects,
    "array": lambda schema: st.lists(documents(schema.get("items", {"type": "null"})), max_size=3),
    "string": texts,
    "integer": numbers,
    "number": lambda schema: numbers(schema) | FLOATS,
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
}


def places(document: object) -> list[tuple]:
    """Every (holder, key) in a document."""
    found, waiting = [], [document]
    while waiting:
        one = waiting.pop()
        for key in list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else []:
            found.append((one, key))
            waiting.append(one[key])
    return found


def has_float(document: object) -> bool:
    return isinstance(document, float) or any(isinstance(holder[key], float) for holder, key in places(document))


def test_the_schemas_of_all_rooms_are_found():
    rooms = {name.partition(".")[0] for name in SCHEMAS}
    assert rooms >= {"_quay", "_swr", "_digitalocean", "_harbor"} and len(SCHEMAS) > 40


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_surely_is_said_of_just_what_jsonschema_takes(name, data):
    schema = SCHEMAS[name]
    validator, fit = jsonschema.Draft7Validator(schema), fitting.compiled(schema)
    whole = data.draw(documents(schema))
    broken = copy.deepcopy(whole)
    everywhere = places(broken)
    if everywhere and data.draw(st.booleans()):
        holder, key = data.draw(st.sampled_from(everywhere))
        if data.draw(st.booleans()):
            holder[key] = data.draw(ANYTHING)
        else:
            del holder[key]
    else:
        broken = data.draw(ANYTHING)
    for document in (whole, broken):
        said, fits = fit([document]), validator.is_valid(document)
        assert fits or not said
        assert said or not fits or has_float(document)  # and it is of use: only floats are left to jsonschema
    assert fit([whole, broken]) is (fit([whole]) and fit([broken]))


@pytest.mark.parametrize(
    ("schema", "document", "surely"),
    [
        ({"type": "integer"}, True, False),
        ({"type": "integer"}, 1.0, False),  # jsonschema takes it
        ({"type": "number", "minimum": 0}, float("nan"), False),  # jsonschema takes it
        ({"type": "number"}, 1.5, True),
        ({"minimum": 3}, "text", True),
        ({"minimum": 3}, 2, False),
        ({"maxLength": 2}, [1, 2, 3], True),
        ({"type": ["string", "null"], "pattern": "b"}, "abc", True),
        ({"type": ["string", "null"], "pattern": "b"}, None, True),
        ({"type": ["string", "null"], "pattern": "b"}, "ac", False),
        ({"type": "object", "required": ["a"]}, {}, False),
        ({"type": "array", "maxItems": 1}, [1, 2], False),
        ({"type": "array"}, [1, 2], True),
        ({"maxProperties": 1}, {"a": 1}, True),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, False),
        ({"type": "object", "propertyNames": {"pattern": "a"}}, {"a": 1}, True),
        ({"type": "object", "propertyNames": {"pattern": "a"}}, {"a": 1, "b": 2}, False),
        ({"type": "object", "propertyNames": {"pattern": "a"}}, {}, True),
        ({}, {"a": 1}, True),
        # What is not known here is left to jsonschema.
        ({"enum": [1]}, 1, False),
        ({"type": "colour"}, 1, False),
        ({"type": "array", "items": [{"type": "null"}]}, [None], False),
        ({"properties": {"a": True}}, {}, False),
        ({"pattern": "("}, "", False),
    ],
)
def test_what_is_sure_in_single_cases(schema, document, surely):
    assert fitting.compiled(schema)([document]) is surely
