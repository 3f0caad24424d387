# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refusals of the fake DigitalOcean and their texts."""

from __future__ import annotations

from http import HTTPStatus

IDS = {500: "server_error"}
MESSAGES = {
    400: "error parsing request body",
    401: "Unable to authenticate you.",
    403: "You are not authorized to perform this operation",
    404: "The resource you requested could not be found.",
    405: "The method is not allowed for the requested resource.",
    409: "The request could not be completed due to a conflict.",
    429: "API rate limit exceeded.",
    500: "Unexpected server-side error",
}
# The line breaks and quotes are those of the example in the vendor's API description.
SEVERAL_REGISTRIES = (
    "This API is not supported if you have created multiple registries. Please use \n"
    "\u2018/v2/registries/{registry_name}\u2019 instead. Refer to \n"
    "https://docs.digitalocean.com/reference/api/digitalocean/#tag/Container-Registry for more info."
)
NOT_ELIGIBLE = "registry is not eligible for tier because: [{}]"
AUTOMATED = "manual garbage collection is not available while automated garbage collection is enabled for this registry"
ALREADY_RUNNING = "only one active garbage collection is allowed per registry"
NO_DELETES = "delete operations are not available while garbage collection is running"
REFERENCED = "manifest is referenced by one or more other manifests"


class Refusal(Exception):
    """An error answer that ends the handling of a request."""

    def __init__(self, status: int, message: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.message = message or MESSAGES.get(status) or HTTPStatus(status).phrase
        self.headers = headers or {}


def error_id(status: int) -> str:
    """Returns the word that stands for a status in an error body."""
    return IDS.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
