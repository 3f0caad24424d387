# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the fake Quay that end a request early, and the texts in them."""

from __future__ import annotations

from .._base import Answer, as_html, as_json

CSRF = "CSRF token was invalid or missing."
NEEDS_XHR = "API calls must be invoked with an X-Requested-With header if called from a browser"
NO_ANONYMOUS = "Anonymous access is not allowed"
BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."
NOT_JSON = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
NOT_ALLOWED = "The method is not allowed for the requested URL."
NO_SUCH_URL = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and"
    " try again."
)
READ_ONLY = "System is currently read-only. Pulls will succeed but all write operations are currently suspended."


class Refusal(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error_text(status: int, message: str) -> Answer:
    """Returns an error as JSON that is labelled as HTML, without a newline at its end."""
    answer = as_json({"error": message}, status, "text/html; charset=utf-8")
    answer.body = answer.body.rstrip()
    return answer


def server_error() -> Answer:
    """Returns the server's page for an error that it did not expect."""
    answer = as_html(500, "Internal Server Error", "The server encountered an internal error.")
    answer.headers["Content-Type"] = "text/html"
    return answer


def no_content() -> Answer:
    """Returns an empty 204, which the API labels as JSON all the same."""
    return Answer(204, b"", {"Content-Type": "application/json"})
