# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a registry's answer against a JSON Schema. The only file that imports jsonschema, at the first check."""

from __future__ import annotations

import contextlib
import traceback
from typing import Any, Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import fitting
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ContractError,
    MissingLibrary,
    OldLibrary,
)

OLDEST = "3.2"
_VALIDATORS = {}  # id of a schema -> (schema, its validator, its quick test): building them costs more than their use


def check(document: Any, schema: dict, what: str, masked: Callable[[str], str] = str) -> None:
    """Raise ContractError, naming the place, if the answer of `what` does not fit the schema (draft-07 words).

    masked: hides secrets in a text.
    """
    validator, surely_fit = _validator(schema)
    if surely_fit([document]):
        return
    for error in validator.iter_errors(document):
        place = "/".join(str(part) for part in error.absolute_path) or "the top"
        raise ContractError(
            f"{what} answered in a form that is not known: at {masked(place)[:200]}, {masked(error.message)[:200]}. "
            "Is this the right registry, and a version that is supported?"
        )


def _validator(schema: dict) -> tuple:
    """Return the validator of a schema, and what says quickly whether documents surely fit it."""
    if id(schema) not in _VALIDATORS:
        try:
            import jsonschema
        except ImportError:
            raise MissingLibrary("jsonschema", traceback.format_exc()) from None
        if not hasattr(jsonschema, "Draft7Validator"):
            raise OldLibrary("jsonschema", jsonschema.__version__, OLDEST)
        _VALIDATORS[id(schema)] = (schema, jsonschema.Draft7Validator(schema), fitting.compiled(schema))
    return _VALIDATORS[id(schema)][1:]


def preload() -> None:
    """Import jsonschema if it is there: for a process that will fork children which need it."""
    with contextlib.suppress(ImportError):
        import jsonschema  # noqa: F401
