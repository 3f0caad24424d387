# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas of the bodies that the fake Quay takes, and what it says of a body that violates one."""

from __future__ import annotations

from pprint import pformat
from typing import Any

POLICY_SCHEMA = {
    "required": ["method", "value"],
    "properties": {
        "method": ["string"],
        "value": ["integer", "string"],
        "tagPattern": ["string"],
        "tagPatternMatches": ["boolean"],
    },
}
DESCRIPTION_SCHEMA = {"required": ["description"], "properties": {"description": ["string"]}}
ORGANIZATION_SCHEMA = {"required": ["name"], "properties": {"name": ["string"], "email": ["string"]}}
RESTORE_SCHEMA = {"required": [], "properties": {"manifest_digest": ["string"]}}
TAG_SCHEMA = {
    "required": [],
    "properties": {"manifest_digest": ["string", "null"], "expiration": ["number", "null"], "immutable": ["boolean"]},
}


def schema_complaint(body: Any, schema: dict[str, Any]) -> str | None:
    """Returns what a JSON Schema library says of the most relevant violation, None if there is none."""
    if not isinstance(body, dict):
        return complaint(f"{body!r} is not of type 'object'", "type", [], schema, body)
    for name in schema["required"]:
        if name not in body:
            return complaint(f"{name!r} is a required property", "required", [], schema, body)
    for name, types in schema["properties"].items():
        if name in body and not any(is_type(body[name], kind) for kind in types):
            text = f"{body[name]!r} is not of type {', '.join(map(repr, types))}"
            return complaint(text, "type", ["properties", name], schema, body[name])
    return None


def complaint(first: str, validator: str, path: list[str], schema: dict[str, Any], instance: Any) -> str:
    """Returns the long text of a schema violation; only its first line is of use."""
    properties = {
        name: {"description": "Made-up text in place of what the server says about it. ", "type": types}
        for name, types in schema["properties"].items()
    }
    shown: Any = {"type": "object", "required": schema["required"], "properties": properties}
    for step in path:
        shown = shown[step]
    where = "".join(f"[{step!r}]" for step in path)
    inside = "".join(f"[{step!r}]" for step in path[1:])
    schema_text = "    " + pformat(shown, width=72).replace("\n", "\n    ")
    instance_text = "    " + pformat(instance, width=72).replace("\n", "\n    ")
    failing = f"Failed validating {validator!r} in schema{where}:\n{schema_text}"
    return f"{first}\n\n{failing}\n\nOn instance{inside}:\n{instance_text}"


def is_type(value: Any, kind: str) -> bool:
    """Returns whether a value has a JSON Schema type; 5.0 is an integer there, true is none."""
    if kind == "integer":
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "null": type(None)}[kind])
