# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says of values whether they surely fit a JSON Schema, many at once and quickly. Pure.

What does not surely fit is not refused here: that is left to jsonschema, which is fifty times slower and says why.
Values are looked at by columns (all names, then all sizes), because such loops run in C.
"""

from __future__ import annotations

import itertools
import operator
import re
from typing import Callable

KINDS = {
    "object": {dict},
    "array": {list},
    "string": {str},
    "integer": {int},  # jsonschema takes 1.0 for one, too; that is rare enough to be left to it
    "number": {int, float},
    "boolean": {bool},
    "null": {type(None)},
}
WORDS = {
    "type": None,
    "required": dict,
    "properties": dict,
    "maxProperties": dict,
    "propertyNames": dict,
    "items": list,
    "maxItems": list,
    "minLength": str,
    "maxLength": str,
    "pattern": str,
    "minimum": int,
    "maximum": int,
}


def compiled(schema: dict) -> Callable[[list], bool]:
    """Return what says of a list of values whether each of them surely fits the schema (draft-07 words)."""
    try:
        return _compiled(schema)
    except (KeyError, TypeError, AttributeError, re.error):  # words or forms that are not known here
        return lambda values: False


def _compiled(schema: dict) -> Callable[[list], bool]:
    names = schema.get("type", list(KINDS))
    allowed = set().union(*(KINDS[name] for name in ([names] if isinstance(names, str) else names)))
    given = {WORDS[word] for word in schema}
    bounded = int in given  # bounds of floats are left to jsonschema, too
    makers = {dict: _objects, list: _arrays, str: _texts, int: _numbers}
    tests = [(kind, make(schema)) for kind, make in makers.items() if kind in given and kind in allowed]

    def fit(values: list) -> bool:
        kinds = set(map(type, values))
        if not kinds <= allowed or bounded and float in kinds:
            return False
        return all(
            test(values if len(kinds) == 1 else [value for value, of in zip(values, map(type, values)) if of is kind])
            for kind, test in tests
            if kind in kinds
        )

    return fit


def _objects(schema: dict) -> Callable[[list], bool]:
    required = list(schema.get("required", ()))
    inner = {key: _compiled(one) for key, one in schema.get("properties", {}).items()}
    always = [(operator.itemgetter(key), inner.get(key)) for key in required]
    sometimes = [(key, fit) for key, fit in inner.items() if key not in required]
    most, named = schema.get("maxProperties", float("inf")), schema.get("propertyNames")
    names_fit = _compiled(named) if named is not None else None

    def fit(values: list) -> bool:
        try:
            for getter, test in always:
                column = list(map(getter, values))
                if test and not test(column):
                    return False
        except KeyError:
            return False
        if max(map(len, values)) > most:
            return False
        if names_fit and not names_fit(list(itertools.chain.from_iterable(values))):
            return False
        return all(test([value[key] for value in values if key in value]) for key, test in sometimes)

    return fit


def _arrays(schema: dict) -> Callable[[list], bool]:
    most = schema.get("maxItems", float("inf"))
    inner = _compiled(schema["items"]) if "items" in schema else lambda values: True
    return lambda values: max(map(len, values)) <= most and inner(list(itertools.chain.from_iterable(values)))


def _texts(schema: dict) -> Callable[[list], bool]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    search = re.compile(schema.get("pattern", "")).search
    sized, shaped = "minLength" in schema or "maxLength" in schema, "pattern" in schema

    def fit(values: list) -> bool:
        if sized and not (least <= min(map(len, values)) and max(map(len, values)) <= most):
            return False
        return not shaped or all(map(search, values))

    return fit


def _numbers(schema: dict) -> Callable[[list], bool]:
    least, most = schema.get("minimum", -float("inf")), schema.get("maximum", float("inf"))
    return lambda values: least <= min(values) and max(values) <= most
