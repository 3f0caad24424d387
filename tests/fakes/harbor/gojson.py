# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as Go reads and writes it: syntax errors, type errors, keys in any case, doubled keys, times."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

NO_TIME = "0001-01-01T00:00:00.000Z"
NO_PLAIN_TIME = "0001-01-01T00:00:00Z"
SPACE = " \t\r\n"
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
BITS = {"int8": 7, "int32": 31, "int64": 63}
KINDS = {str: "string", bool: "bool", dict: "object", list: "array"}
DATE_PARTS = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"(?:0[1-9]|1[0-2])"),
    ("-", "-"),
    ("02", r"(?:0[1-9]|[12]\d|3[01])"),
)


def is_integer(value: Any) -> bool:
    """Returns whether a value of JSON is a whole number, which true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


class BadJson(ValueError):
    """The text is no JSON, or does not fit the type: the message is Go's."""


class Missing(ValueError):
    """There is no JSON value in the text."""


class Literal(float):
    """A number that is not written as an integer, with its text."""

    text = ""


@dataclass(eq=False)
class Struct:
    """A Go struct: its type name and the types of its JSON keys; `enums` and `readonly` are checked by `validate`."""

    name: str
    fields: dict[str, Any]
    enums: dict[str, list[str]] = field(default_factory=dict)
    readonly: tuple[str, ...] = ()

    @property
    def type_name(self) -> str:
        """Returns the name that Go's errors give the type."""
        return f"models.{self.name}"


@dataclass(eq=False)
class Slice:
    """A Go slice of structs."""

    item: Struct
    pointer: bool = True

    @property
    def type_name(self) -> str:
        """Returns the name that Go's errors give the type."""
        return f"[]{'*' if self.pointer else ''}{self.item.type_name}"


@dataclass(eq=False)
class MapOf:
    """A Go map from text to another type: `string`, `any` or a Slice."""

    item: Any

    @property
    def type_name(self) -> str:
        """Returns the name that Go's errors give the type."""
        names = {"any": "interface {}", "string": "string"}
        return f"map[string]{names[self.item] if isinstance(self.item, str) else self.item.type_name}"


class Pairs(list):
    """A JSON object as its pairs of key and value, in the order of the text."""


class Reader:
    """Reads one JSON value as Go's decoder does and ignores what follows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> Any:
        """Returns the value, objects as Pairs; raises BadJson or Missing."""
        if not self.text.strip(SPACE):
            raise Missing
        return self._value()

    def _skip(self) -> str:
        while self.at < len(self.text) and self.text[self.at] in SPACE:
            self.at += 1
        if self.at >= len(self.text):
            raise BadJson("unexpected EOF")
        return self.text[self.at]

    def _bad(self, context: str) -> BadJson:
        if self.at >= len(self.text):
            return BadJson("unexpected EOF")
        char = self.text[self.at]
        shown = {"'": "'\\''", '"': "'\"'"}.get(char) or f"'{json.dumps(char, ensure_ascii=False)[1:-1]}'"
        return BadJson(f"invalid character {shown} {context}")

    def _value(self) -> Any:
        char = self._skip()
        if char == "{":
            return self._object()
        if char == "[":
            return self._array()
        if char == '"':
            return self._string()
        if char in "-0123456789":
            return self._number()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if char == word[0]:
                for expected in word:
                    if self.text[self.at : self.at + 1] != expected:
                        raise self._bad(f"in literal {word} (expecting '{expected}')")
                    self.at += 1
                return value
        raise self._bad("looking for beginning of value")

    def _object(self) -> Pairs:
        found = Pairs()
        self.at += 1
        if self._skip() == "}":
            self.at += 1
            return found
        while True:
            if self._skip() != '"':
                raise self._bad("looking for beginning of object key string")
            key = self._string()
            if self._skip() != ":":
                raise self._bad("after object key")
            self.at += 1
            found.append((key, self._value()))
            char = self._skip()
            if char not in ",}":
                raise self._bad("after object key:value pair")
            self.at += 1
            if char == "}":
                return found

    def _array(self) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        if self._skip() == "]":
            self.at += 1
            return found
        while True:
            found.append(self._value())
            char = self._skip()
            if char not in ",]":
                raise self._bad("after array element")
            self.at += 1
            if char == "]":
                return found

    def _string(self) -> str:
        start = self.at
        self.at += 1
        while self.text[self.at : self.at + 1] != '"':
            char = self.text[self.at : self.at + 1]
            if not char or char < " ":
                raise self._bad("in string literal")
            self.at += 1
            if char == "\\":
                self._escape()
        self.at += 1
        return json.loads(self.text[start : self.at])

    def _escape(self) -> None:
        char = self.text[self.at : self.at + 1]
        if char == "u":
            for _digit in range(4):
                self.at += 1
                if self.text[self.at : self.at + 1].lower() not in tuple("0123456789abcdef"):
                    raise self._bad("in \\u hexadecimal character escape")
        elif char not in ESCAPES:
            raise self._bad("in string escape code")
        self.at += 1

    def _number(self) -> Any:
        match = NUMBER.match(self.text, self.at)
        if match is None:
            self.at += 1
            raise self._bad("in numeric literal")
        self.at = match.end()
        if self.at < len(self.text) and self.text[self.at] in ".eE":
            context = "after decimal point" if self.text[self.at] == "." else "in exponent of"
            self.at += 1
            raise self._bad(f"{context} in numeric literal" if "after" in context else f"{context} numeric literal")
        if match[1] is None and match[2] is None:
            return int(match[0])
        number = Literal(match[0])
        number.text = match[0]
        return number


def plain(value: Any) -> Any:
    """Returns a value as read with dictionaries in place of Pairs; of equal keys the last one counts."""
    if isinstance(value, Pairs):
        return {key: plain(item) for key, item in value}
    return [plain(item) for item in value] if isinstance(value, list) else value


class Decoder:
    """Fits a value as read into a type; the first thing that does not fit is the error, as in Go."""

    def __init__(self) -> None:
        self.error: BadJson | None = None

    def fit(self, value: Any, kind: Any, struct: str = "", path: str = "", old: Any = None) -> Any:
        """Returns the fitting part of the value, without nulls; remembers the first error."""
        if value is None:
            return None
        if kind == "any":
            return plain(value)
        if kind == "datetime":
            return self._time(value)
        if isinstance(kind, Struct) and isinstance(value, Pairs):
            return self._struct(value, kind, path, old)
        if isinstance(kind, MapOf) and isinstance(value, Pairs):
            return {key: self.fit(item, kind.item, struct, path) for key, item in value}
        if isinstance(kind, Slice) and isinstance(value, list) and not isinstance(value, Pairs):
            return [self.fit(item, kind.item, struct, path) for item in value]
        if kind in BITS and is_integer(value) and -(2 ** BITS[kind]) <= value < 2 ** BITS[kind]:
            return value
        if (kind == "string" and isinstance(value, str)) or (kind == "bool" and isinstance(value, bool)):
            return value
        self._refuse(value, kind, struct, path)
        return None

    def _struct(self, pairs: Pairs, kind: Struct, path: str, old: Any) -> dict[str, Any]:
        found: dict[str, Any] = dict(old or {})
        names = {name.lower(): name for name in kind.fields}
        for key, item in pairs:
            name = key if key in kind.fields else names.get(key.lower())
            if name is None:
                continue
            inner = f"{path}.{name}" if path else name
            fitting = self.fit(item, kind.fields[name], kind.name, inner, found.get(name))
            if item is None:
                found.pop(name, None)
            elif fitting is not None:
                found[name] = fitting
        return found

    def _time(self, value: Any) -> Any:
        if not isinstance(value, str):
            name = KINDS.get(type(value), "object" if isinstance(value, Pairs) else "number")
            self.error = self.error or BadJson(f"json: cannot unmarshal {name} into Go value of type string")
            return None
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            self.error = self.error or BadJson(bad_time(value))
            return None

    def _refuse(self, value: Any, kind: Any, struct: str, path: str) -> None:
        if isinstance(value, Pairs):
            name = "object"
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            name = "number" + (f" {getattr(value, 'text', value)}" if kind in BITS else "")
        else:
            name = KINDS[type(value)]
        type_name = kind if isinstance(kind, str) else kind.type_name
        where = f"Go struct field {struct}.{path}" if struct else "Go value"
        self.error = self.error or BadJson(f"json: cannot unmarshal {name} into {where} of type {type_name}")


def bad_time(text: str) -> str:
    """Returns Go's complaint about a text that is no time in any known form."""
    rest = text
    for layout, pattern in DATE_PARTS:
        match = re.match(pattern, rest)
        if match is None:
            return f'parsing time "{text}" as "2006-01-02": cannot parse "{rest}" as "{layout}"'
        rest = rest[match.end() :]
    return f'parsing time "{text}": extra text: "{rest}"'


def decode(text: str, kind: Struct) -> dict[str, Any] | None:
    """Returns what a text says of the struct's keys (None for null); raises Missing and BadJson."""
    value = Reader(text).read()
    decoder = Decoder()
    found = decoder.fit(value, kind)
    if decoder.error:
        raise decoder.error
    return found


def complaints(value: dict[str, Any] | None, kind: Struct, path: str = "") -> list[str]:
    """Returns what the generated validation says about a decoded body: enumerations, then keys that are read-only."""
    found: list[str] = []
    for name, item in sorted((value or {}).items()):
        full = f"{path}.{name}" if path else name
        words = kind.enums.get(name)
        if words and item not in ("", *words):
            found.append(f"{full} in body should be one of [{' '.join(words)}]")
        inner = kind.fields.get(name)
        if isinstance(inner, Struct):
            found.extend(complaints(item, inner, full))
    for name in sorted(kind.readonly):
        item = (value or {}).get(name)
        if item and not (isinstance(item, datetime) and item.year == 1):
            found.append(f"{path}.{name} in body is readOnly" if path else f"{name} in body is readOnly")
    return found


def marshal(value: Any) -> str:
    """Returns a value as Go's json.Marshal writes it: sorted keys, no blanks, <, > and & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def stamp(moment: float | None) -> str:
    """Returns epoch seconds as the API's time with three decimals; None is the zero time."""
    if moment is None:
        return NO_TIME
    at = datetime.fromtimestamp(int(moment * 1000) / 1000, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def plain_stamp(moment: float | None) -> str:
    """Returns epoch seconds as Go prints a time; None is the zero time."""
    if moment is None:
        return NO_PLAIN_TIME
    at = datetime.fromtimestamp(moment, timezone.utc)
    decimals = f".{at.microsecond:06d}".rstrip("0").rstrip(".")
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f"{decimals}Z"


def log_stamp(moment: float) -> str:
    """Returns epoch seconds as the job service's logs show them."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_empty(item: dict[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns the item without keys that are false, 0 or "" (None and lists stay, and the keys to keep)."""
    return {key: value for key, value in item.items() if key in keep or value is None or value not in (False, 0, "")}
