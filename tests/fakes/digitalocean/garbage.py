# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Garbage collections in the fake DigitalOcean's API."""

from __future__ import annotations

from .._base import Answer, as_json
from . import runs as gc
from .errors import AUTOMATED, Refusal
from .pages import page
from .routes import CURRENT, Call
from .state import State


class Garbage(State):
    """The endpoints of garbage collections."""

    def _active_run(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        run = gc.active(registry)
        if run is None:
            raise Refusal(404)
        return as_json({"garbage_collection": self._seen_run(registry, run)})

    def _start_by_api(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        kind = call.body().get("type")
        if kind is not None and not isinstance(kind, str):
            raise Refusal(400)
        kind = kind or self.switches["default_type"]
        if call.family == CURRENT and not self.switches["current_family_obeys_type"]:
            kind = self.switches["default_type"]
        if kind not in gc.TYPES:
            raise Refusal(self.switches["unknown_type_status"], f"invalid garbage collection type: {kind}")
        if registry["automated_gc"] or self.switches["automated_gc"]:
            raise Refusal(412, AUTOMATED)
        if gc.active(registry):
            raise Refusal(self.switches["conflict_status"], self.switches["conflict_message"])
        return as_json({"garbage_collection": self._seen_run(registry, self._start(registry, kind))}, 201)

    def _list_runs(self, call: Call, name: str) -> Answer:
        registry = self._registry(name)
        found = registry["runs"][::-1]
        if self.switches["list_order"] == "oldest":
            found.reverse()
        elif self.switches["list_order"] == "shuffled":
            found.sort(key=lambda run: run["uuid"])
        answer = page(self.switches, call, "garbage_collections", found, lambda run: self._seen_run(registry, run))
        if not self.switches["list_meta"]:
            del answer["meta"]
        if not self.switches["list_links"]:
            answer.pop("links", None)
        return as_json(answer)

    def _update_run(self, call: Call, name: str, number: str) -> Answer:
        registry = self._registry(name)
        body = call.body()
        run = gc.active(registry)
        if run is None or run["uuid"] != number:
            raise Refusal(404)
        seen = {"garbage_collection": self._seen_run(registry, run)}
        if body.get("cancel") is not True:
            status = self.switches["update_without_cancel_status"]
            if status != 200:
                raise Refusal(status, "nothing to update")
            return as_json(seen)
        if self.switches["cancel_race"] == "before":
            gc.finish(registry, run, gc.SUCCEEDED, self.switches, self.now())
            raise Refusal(404)
        gc.cancel(run, self.now(), self.switches["cancel_race"] == "after")
        if self.switches["cancel_answer"] == 204:
            return Answer(204)
        if self.switches["cancel_answer"] == "empty":
            return as_json({})
        return as_json({"garbage_collection": self._seen_run(registry, run)})
