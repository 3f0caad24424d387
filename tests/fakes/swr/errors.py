# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the fake SWR in the shapes that its gateway, the service itself and IAM give them."""

from __future__ import annotations

import uuid
from typing import Any

from .._base import Answer, as_json

GATEWAY_STATUS = {"0101": 404, "0301": 401, "0308": 429}
NOT_PUBLISHED = "The API does not exist or has not been published in the environment"
BAD_IDENTITY = "Incorrect IAM authentication information: {}"
THROTTLED = "The throttling threshold has been reached: policy user over ratelimit"
TEXTS = {
    "4000014": "Invalid parameter",
    "4000306": "Retention does not exist",
    "4001096": "Invalid order column",
    "4010000": "Authentication failed",
    "4030170": "No permission",
    "4037020": "No permission",
    "4039002": "No permission",
    "4031032": "Too many requests",
    "4031042": "Too many requests",
    "4040010": "Image does not exist",
    "4040058": "Namespace does not exists",
    "4040113": "Image does not exist",
    "4040306": "Retention does not exist",
    "4090023": "System busy, try again later",
    "5000000": "Internal error",
}
TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
SERVICE = "SVCSTG.SWR."


class Refusal(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def service_body(code: str, shape: str, detail: str = "", text: str | None = None) -> Any:
    """Returns the body of an error of the service itself: shape double, errors, array or object."""
    message = text if text is not None else TEXTS.get(code.rsplit(".", 1)[-1], "Error")
    one = {"errorCode": code, "errorMessage": message, "detail": detail}
    if shape == "object":
        return one
    if shape == "array":
        return [one]
    if shape == "errors":
        return {"errors": [one]}
    # https://github.com/opentelekomcloud/terraform-provider-opentelekomcloud/issues/3551: both styles in one body.
    return {"errors": [one], "error_code": code, "error_msg": message, "encoded_authorization_message": ""}


def service_error(code: str, shape: str, detail: str = "") -> Answer:
    """Returns an error of the service itself; the status is the head of the code's number."""
    return as_json(service_body(code, shape, detail), int(code.rsplit(".", 1)[-1][:3]))


def gateway_error(number: str, text: str, prefix: str = "APIGW") -> Answer:
    """Returns an error of the API gateway in front of the service."""
    request_id = uuid.uuid4().hex
    body = {"error_msg": text, "error_code": f"{prefix}.{number}", "request_id": request_id}
    answer = as_json(body, GATEWAY_STATUS[number])
    answer.headers["X-Request-Id"] = request_id
    return answer


def iam_error(status: int, text: str) -> Answer:
    """Returns an error of IAM."""
    return as_json({"error": {"message": text, "code": status, "title": TITLES[status]}}, status)
