# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to the fake Quay's API: its caller's rights and what it asks for."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException

from .._base import as_json
from . import prune
from .access import Rights
from .errors import BAD_REQUEST, NOT_JSON, Refusal, server_error
from .schema import schema_complaint
from .state import Repository


class Call(Rights):
    """One API request with its caller: rights, input and refusals."""

    def repository(self, namespace: str, name: str) -> Repository:
        """Returns a repository, or refuses with 404."""
        return self.quay.repositories.get((namespace, name)) or self.not_found()

    # Input

    def number(self, name: str, default: int, help_text: str) -> int:
        """Returns a numeric query argument; the answer to any other text is the argument's description."""
        try:
            numbers = [int(text) for text in self.request.args.getlist(name)]
        except ValueError:
            raise Refusal(as_json({"message": {name: help_text}}, 400)) from None
        return numbers[0] if numbers else default

    def body(self, schema: dict[str, Any]) -> Any:
        """Returns the request's JSON object after checking it against a schema."""
        if not self.request.is_json:
            raise Refusal(as_json({"message": NOT_JSON}, 415))
        try:
            body = self.request.get_json()
        except HTTPException:
            raise Refusal(as_json({"message": BAD_REQUEST}, 400)) from None
        if body is None:
            self.invalid("Missing JSON body")
        complaint = schema_complaint(body, schema)
        if complaint:
            self.invalid(complaint)
        return body

    def policy(self, body: dict[str, Any]) -> dict[str, Any]:
        """Returns the policy that a body describes, without uuid; unknown keys are dropped, the pattern is trimmed."""
        pattern = body.get("tagPattern")
        policy = {"method": body["method"], "value": body["value"]}
        policy["tagPattern"] = None if pattern is None else pattern.strip()
        policy["tagPatternMatches"] = body.get("tagPatternMatches", True)
        try:
            wrong = prune.problem(policy["method"], policy["value"], policy["tagPattern"])
        except OverflowError:
            raise Refusal(server_error()) from None
        if wrong:
            self.invalid(wrong)
        return policy


def truth(text: str | None) -> bool:
    """Returns how the server reads a boolean query argument."""
    return text not in (None, "false", "False", "FALSE", "0", "null", "")
