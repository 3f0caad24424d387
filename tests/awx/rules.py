# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6 refuses of credential types, surveys, messages and schedules, in as many words as tests need. Pure."""

from __future__ import annotations

import datetime
import re
from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

FIELD = {"id", "type", "label", "help_text", "secret", "multiline", "format", "choices", "default", "ask_at_runtime"}
TYPES = {"text": str, "textarea": str, "password": str, "integer": int, "float": float}
EVENTS = ("started", "success", "error", "workflow_approval")
APPROVAL = ("running", "approved", "timed_out", "denied")
# Notification type -> its configuration with defaults, and which of it is a secret.
CONFIGURATIONS: dict[str, tuple] = {
    "email": ({"timeout": 30}, ("password",), ("host", "port", "username", "password", "sender", "recipients")),
    "slack": ({}, ("token",), ("token", "channels")),
    "webhook": (
        {"http_method": "POST", "disable_ssl_verification": False, "username": "", "password": ""},
        ("password",),
        ("url", "headers"),
    ),
}
# What a message can name when it is saved.
STUB = {
    "job": {"artifacts": {}, "id": 42, "name": "Stub JobTemplate", "status": "running"},
    "url": "https://awx/#/jobs/playbook/1010",
    "job_friendly_name": "Job",
    "approval_status": "approved",
    "approval_node_name": "Approve Me",
    "workflow_url": "https://awx/#/jobs/workflow/1010",
}


class Refused(Exception):
    """An answer that is none of success."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


class Missing(StrictUndefined):
    """What is not there may be tested and replaced, but neither printed nor looked into."""

    __slots__ = ()
    __repr__ = __str__ = StrictUndefined._fail_with_undefined_error  # type: ignore[assignment]


def refuse(field: str, text: str) -> None:
    """Raise Refused as AWX says that a field is wrong."""
    raise Refused(400, {field: [text]})


def rendered(template: str, context: dict) -> str:
    """Return a template of AWX, filled in as strictly as when it is saved."""
    return ImmutableSandboxedEnvironment(undefined=Missing).from_string(template).render(context)


def credential_type(data: dict) -> None:
    """Refuse wrong inputs and injectors."""
    fields = data["inputs"]["fields"]
    for field in fields:
        if not {"id", "label"} <= set(field) <= FIELD or field["type"] not in ("string", "boolean"):
            refuse("inputs", f"{field} is no field")
        if not re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", field["id"]):
            refuse("inputs", f"{field['id']} is an invalid variable name")
    names = [field["id"] for field in fields]
    if len(set(names)) < len(names) or not set(data["inputs"].get("required", [])) <= set(names):
        refuse("inputs", "field IDs must be unique, required ones be there")
    if set(data["injectors"]) != {"env"}:
        refuse("injectors", "only environment variables here")
    for name, template in data["injectors"]["env"].items():
        if name.startswith("ANSIBLE_") or not re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", name):
            refuse("injectors", f"Environment variable {name} is not allowed")
        try:
            rendered(template, dict.fromkeys(names, "EXAMPLE"))
        except TemplateError as error:
            refuse("injectors", f"{name} uses an undefined field ({error})")


def survey(data: dict) -> None:
    """Refuse a wrong survey."""
    if not (isinstance(data.get("name"), str) and isinstance(data.get("description"), str) and data.get("spec")):
        raise Refused(400, {"error": "name, description or spec is missing or wrong"})
    for question in data["spec"]:
        named = all(isinstance(question.get(key), str) for key in ("type", "question_name", "variable"))
        if not named or not isinstance(question.get("required"), bool) or question["type"] not in TYPES:
            raise Refused(400, {"error": f"{question} is no question"})
        default = question.get("default", "")
        if default != "" and not isinstance(default, TYPES[question["type"]]):
            raise Refused(400, {"error": "the default is of another type"})
        if any(not isinstance(question[key], int) for key in ("min", "max") if question.get(key) is not None):
            raise Refused(400, {"error": "min and max are integers"})


def messages(found: Any) -> None:
    """Refuse messages that cannot be filled in when there are no artifacts."""
    if not isinstance(found or {}, dict) or not set(found or {}) <= set(EVENTS):
        refuse("messages", "there are other events")
    flat = []
    for event, one in (found or {}).items():
        flat += list((one or {}).values()) if event == "workflow_approval" else [one]
    for one in filter(None, flat):
        for part, text in one.items():
            if part not in ("message", "body") or not isinstance(text, str):
                refuse("messages", f"{part} is neither message nor body, or no text")
            if part == "message" and "\n" in text:
                refuse("messages", "Messages cannot contain newlines")
            try:
                rendered(text, STUB)
            except TemplateError as error:
                refuse("messages", f"Field '{error}' unavailable")


def completed(found: Any) -> Any:
    """Return messages as they are kept: with a place for each event."""
    return None if found is None else {**dict.fromkeys(EVENTS), **found}


def configured(kind: str, data: dict) -> dict:
    """Return the configuration of a notification as it is shown."""
    defaults, secret, required = CONFIGURATIONS[kind]
    found = {**defaults, **data["notification_configuration"]}
    missing = [name for name in required if name not in found]
    if missing:
        refuse("notification_configuration", f"Missing required fields: {missing}")
    return {name: "$encrypted$" if name in secret and value else value for name, value in found.items()}


def schedule(rule: str) -> None:
    """Refuse what is no rrule, or has no time zone."""
    start = re.match(r"DTSTART(?:;TZID=([\w/+-]+))?:(\d{8}T\d{6})(Z?) RRULE:(\S+)\Z", rule)
    if not start or bool(start.group(1)) == bool(start.group(3)) or "INTERVAL=" not in start.group(4):
        refuse("rrule", f"{rule}: Valid DTSTART with a time zone and a RRULE with INTERVAL required")
    else:
        datetime.datetime.strptime(start.group(2), "%Y%m%dT%H%M%S")
