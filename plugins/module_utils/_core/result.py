# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a task: what a person decides on, short at any size, and the plan file, which has everything."""

from __future__ import annotations

import datetime
from typing import Any, Sequence

from ansible_collections.registry.hygiene.plugins.module_utils._core import approval, fuse, in_use, plan, planfile
from ansible_collections.registry.hygiene.plugins.module_utils._core import forecast as forecasts
from ansible_collections.registry.hygiene.plugins.module_utils._core.engine import grouped
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import plural, printable

ARGUMENT_SPEC = dict(
    preview=dict(type="bool", default=False),
    preview_limit=dict(type="int", default=3),
    return_states=dict(type="str", choices=["auto", "all", "none"], default="auto"),
)
MOST = 50  # states, failures and names in a result
MOST_CAUSES = 8  # of failures that a message names
LONGEST_MESSAGE = 950  # characters: AWX cuts at 1,024
MOST_PREVIEW = 1000


def check_options(params: dict) -> None:
    """Raise PlanRefused if the options cannot be followed."""
    if not 0 <= params["preview_limit"] <= MOST_PREVIEW:
        raise PlanRefused(
            f"preview_limit: write how many images of each of the worst repositories to show, 0 to {MOST_PREVIEW}"
        )


class Report:
    """Makes the result of an outcome."""

    def __init__(self, resource: type, client: Any, params: dict, check_mode: bool) -> None:
        self.resource = resource
        self.client = client
        self.params = params
        self.check_mode = check_mode

    def hold(self, outcome: Any) -> None:
        """Hold the plan of an outcome against an earlier one, if the task says so; write it to its file."""
        if not self.resource.module:
            return
        if self.params["plan"] and not outcome.refusals:
            outcome.refusals = planfile.differing(
                self.params["plan"],
                self.resource.module,
                self.client.url,
                self._changes(outcome),
                {outcome.things[name].full_name(): state for name, state in outcome.before.items()},
                outcome.forecast or {},
            )
        if self.params["approved"] is not None and not outcome.refusals:
            images = forecasts.totals(outcome.forecast or {})
            targets = sum(not outcome.things[name].idle for name in outcome.changed_targets)
            outcome.refusals = approval.beyond(self.params, targets, images["count"] + images["uncertain_count"])
        if self.params["plan_file"]:
            head = {
                "made": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "module": self.resource.module,
                "registry": self.client.url,
                "check_mode": self.check_mode,
                "estimate": self.resource.estimate,
                "refused": fuse.message(outcome.refusals) if outcome.refusals else None,
                "plan": self.summary(outcome),
                "failures": {name: str(error) for name, error in outcome.failures.items()},
                "left_out": dict(self.client.left_out),
            }
            planfile.save(self.params["plan_file"], head, self._changes(outcome), outcome.forecast or {})

    def _changes(self, outcome: Any) -> list[dict]:
        return [
            {
                "target": outcome.things[name].full_name(),
                "entry": outcome.things[name].entry.label,
                "before": outcome.before[name],
                "after": outcome.after[name],
            }
            for name in outcome.changed_targets
        ]

    def summary(self, outcome: Any) -> dict:
        """Return the plan in numbers and the worst of it."""
        known = outcome.forecast is not None
        blown = {entry: refusal.limit for refusal in outcome.refusals for entry in refusal.entries}
        several = self.resource.surplus and self.params.get(self.resource.several) is not None
        one = self.resource.several if several else ""
        rows = plan.rows(outcome.entries, outcome.things, outcome.changed_targets, outcome.forecast, blown, one)
        return {
            "targets": len(outcome.things),
            "changed": len(outcome.changed_targets),
            "failed": len(outcome.failures),
            "left_out": len(self.client.left_out),
            "images": dict(forecasts.totals(outcome.forecast), estimate=self.resource.estimate) if known else None,
            "in_use": outcome.in_use,
            "refused": None if not outcome.refusals else _refused(outcome.refusals),
            "rows": rows,
            "worst": forecasts.worst(outcome.forecast, plan.MOST_WORST, self.params["preview_limit"]) if known else [],
        }

    def of(self, outcome: Any, diff: bool, ends: Sequence[str] = (), restorable: dict | None = None) -> dict:
        """Return the result. ends: lines for people at the end of the plan. restorable: what could be brought back."""
        found = dict(changed=outcome.changed)
        if not outcome.refusals:
            found.update(self._states(outcome))
        if self.client.left_out:  # not "skipped": Ansible would take the whole task for skipped
            found["left_out"] = _first(self.client.left_out)
        if self.resource.module:
            told = [name for name in outcome.changed_targets if name in outcome.after]
            groups = plan.changes(outcome.things, outcome.before, outcome.after, told)
            lines = plan.lines(groups, outcome.things, outcome.forecast, self.params, self.resource.estimate)
            lines += [*in_use.described(outcome.in_use), *ends]
            found["changed_targets"] = outcome.changed_targets[:MOST]
            found["plan"] = dict(self.summary(outcome), lines=lines, file=self.params["plan_file"])
            if diff:
                found["diff"] = {"prepared": "".join(f"{line}\n" for line in lines)}
        if restorable:
            found["restorable"] = restorable
        if outcome.refusals:
            found.update(failed=True, changed=False, msg=fuse.message(outcome.refusals))
        if outcome.failures:
            messages = {name: str(error) for name, error in outcome.failures.items()}
            found.update(failed=True, failures=_first(messages))
            found.setdefault("msg", _failed(messages, outcome.things))
        if outcome.no_access:
            found["no_access"] = True
        return found

    def _states(self, outcome: Any) -> dict:
        """Return the states that the result holds, under the key of the noun or of each noun."""
        if self.resource.gathered:
            return self.resource.gathered(self.client, self.params, outcome.after, outcome.failures)
        names = list(outcome.after)
        if self.resource.module and not outcome.single:
            how = self.params["return_states"]
            if how == "none":
                names = []
            elif how == "auto" and len(names) > MOST:
                names = outcome.changed_targets[:MOST]
        found = {}
        for noun in self.resource.nouns or [self.resource.noun]:
            states = {name: outcome.after[name] for name in names}
            if self.resource.nouns:
                states = {name: state[noun] for name, state in states.items()}
            found[noun] = next(iter(states.values()), None) if outcome.single else states
        return found


def _refused(refusals: list) -> dict:
    first = refusals[0]
    return {"limit": first.limit, "message": fuse.message(refusals).splitlines()[0], "count": len(refusals)}


def _first(messages: dict) -> dict:
    return {name: printable(text, 500) for name, text in list(messages.items())[:MOST]}


def _failed(messages: dict, things: dict) -> str:
    """Return what failed: one line for each cause."""
    causes = grouped(messages, things)
    lines = [f"{len(messages):,} of {plural(len(things), 'target')} failed", *causes[:MOST_CAUSES]]
    if len(causes) > MOST_CAUSES:
        lines.append(f"and {len(causes) - MOST_CAUSES:,} other causes, see failures")
    return cut("\n".join(lines))


def cut(text: str) -> str:
    """Return a message as long as people get to see it at most."""
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 3]}..."
