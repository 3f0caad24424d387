# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The race of the first policies of a namespace in the fake Quay: all but one of those on the way at once fail."""

from __future__ import annotations

import re
import threading
from typing import Any

from werkzeug.wrappers import Request

from .._base import Answer
from .access import caller_of
from .errors import Refusal, server_error
from .state import State

POLICIES_PATH = re.compile(r"/api/v1/(?:user|(?:organization|repository)/([^/]+)(?:/.+)?)/autoprunepolicy/")
HOLD_SECONDS = 0.02
SAW_NO_TASK = "fakes.quay.saw_no_task"


class FirstPolicies(State):
    """What a POST of a policy sees when it arrives, and what it meets when it is its turn.

    Seen on a live Quay: parallel POSTs to several repositories of a namespace that never had a policy race for its one
    row in `autoprunetaskstatus`. Each looks for the row first and inserts it last; who comes second violates a unique
    index, is rolled back and answered 500. Requests are handled one by one here, so that each looks when it arrives,
    and who saw no row is held for a moment: requests of parallel clients do overlap, one after the other never does.
    """

    def _service(self, request: Request, environ: dict[str, Any]) -> Answer:
        if self.switches["first_policy_race"] and request.method == "POST" and self._is_first(request):
            environ[SAW_NO_TASK] = True
            threading.Event().wait(HOLD_SECONDS)  # not time.sleep, which tests replace
        return super()._service(request, environ)

    def _is_first(self, request: Request) -> bool:
        found = POLICIES_PATH.fullmatch(request.path)
        return found is not None and (found.group(1) or caller_of(self, request).name) not in self.tasks

    def _win(self, request: Request, namespace: str) -> None:
        if namespace in self.tasks and request.environ.get(SAW_NO_TASK):
            raise Refusal(server_error())
        self._queue(namespace)
