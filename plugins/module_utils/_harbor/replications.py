# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The executions of one replication policy: looked at, started, adopted, waited for, stopped."""

from __future__ import annotations

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names, options, runs, schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    NotFound,
    PlanRefused,
    RegistryError,
    Unfinished,
)
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    consequences,
    declared,
    listings,
    registry,
    replication,
    replication_runs,
)

EXECUTION_SPEC = dict(
    runs.ARGUMENT_SPEC,
    policies=dict(type="list", elements="str", required=True),
    state=dict(type="str", choices=["started", "stopped"], default="started"),
    id=dict(type="int"),
    wait_for_retries=dict(type="bool", default=True),
    declared=dict(type="dict"),
)
DECLARED_SPEC = dict(
    policies=dict(type="list", elements="dict", required=True), exclusive=dict(type="bool", default=False)
)
# Harbor runs a failed task again after 16 to 120 seconds, and shows that up to 30 seconds later. Nothing tells which
# failure is the last one, but one that nothing follows for so long.
QUIET = 180


def enabled_by_then(client: api.Client, params: dict) -> dict[str, bool]:
    """Return the name of each policy, and whether it is enabled, once all tasks before have been carried out.

    In check mode they were not; what they are to do then stands in the option `declared`.
    """

    def found() -> dict:
        there = {name: bool(row.get("enabled")) for name, row in listings.known(client, listings.POLICIES).items()}
        if not (params["declared"] and client.read_only and params["state"] == "started"):
            return there
        given = options.validated(params["declared"], DECLARED_SPEC, "declared")
        named = {str(one.get("name")): one for one in given["policies"]}
        if given["exclusive"]:
            there = {name: enabled for name, enabled in there.items() if name in named}
        for name, one in named.items():
            if one.get("state") == "absent":
                there.pop(name, None)
            elif one.get("enabled") is None:
                there.setdefault(name, True)
            else:
                there[name] = boolean(one["enabled"], strict=False)
        return there

    return client.cached("policies that are enabled by then", found)


class Replications(runs.Run):
    """The executions of one policy, one of which is to be started, or none of which is to go on."""

    noun = "execution"
    word = "execution"
    called = "policy"
    naming = ("policies",)
    keys = (*replication_runs.KEYS, "failed_tasks", "conflicts", "conflicts_count")
    moments = ("end_time", "start_time")
    good, bad = (replication_runs.SUCCEED,), (replication_runs.FAILED, replication_runs.STOPPED)
    stopped = replication_runs.STOPPED
    exclusive = False  # Harbor runs several of a policy side by side
    policy = None

    @classmethod
    def validate(cls, params):
        if params["state"] == "started" and params["id"] is not None:
            raise PlanRefused("id: Harbor numbers executions itself; write it with state: stopped only")
        if params["id"] is not None and names.exact(params["policies"]) is None:
            raise PlanRefused("id: an execution belongs to one policy: name just that one in policies")
        if params["declared"] is not None:
            options.validated(params["declared"], DECLARED_SPEC, "declared")
        return super().validate(params)

    @classmethod
    def named(cls, params):
        return params["policies"]

    @classmethod
    def targets(cls, client, params):
        registry.version(client)
        exact = names.exact(params["policies"])
        there = enabled_by_then(client, params)
        return exact or names.expand(params["policies"], lambda glob: list(there), client.warnings)

    def locate(self):
        there = listings.known(self.client, listings.POLICIES)
        self.policy = there.get(self.target)
        starts = self.params["state"] == "started"
        enabled = enabled_by_then(self.client, self.params).get(self.target)
        if enabled is None:
            error = NotFound(f"there is no replication policy {self.target!r}{listings.meant(self.target, there)}", 404)
            if not (starts and self.client.read_only) or self.params["declared"]:
                raise error
            # An earlier task of the same play may be about to make it.
            self.client.warnings.append(f"nothing can be started without its policy: {error}")
        elif starts and not enabled:
            raise RegistryError("the policy is disabled, so Harbor starts no execution of it: set enabled: true first")

    def _listed(self, most: int = 0, **query: object) -> list:
        if self.policy is None:
            return []
        return replication_runs.listed(self.client, dict(query, policy_id=self.policy["id"]), most)

    def active(self):
        return self._listed(status=replication_runs.RUNNING)

    def recent(self):
        return self._listed(registry.PAGE)

    def one(self, identity):
        found = replication_runs.one(self.client, identity)
        return found if found and found["policy_id"] == self.policy["id"] else None

    def title(self, run):
        done = f" ({run['succeed']:,} of {run['total']:,} tasks done)" if run.get("total") else ""
        return f"execution {run['id']}{done}"

    def shown(self, run):
        found = super().shown(run)
        return dict(found, policy=self.target) if run else found

    def final(self, run):
        if run["status"] != replication_runs.FAILED or not run["total"] or not self.params["wait_for_retries"]:
            return super().final(run)
        if run["in_progress"] or not run["failed"] or not run["end_time"]:
            return False  # a task has begun again, which the status shows later
        return self.client.now() - schedule.epoch(run["end_time"]) > QUIET

    def details(self, run):
        return replication_runs.results(self.client, run, bool(self.policy.get("override")))

    def tail(self, run):
        return run["status_text"] or replication_runs.reason(run)

    def covers(self, run):
        return True

    def own(self, run):
        return run["trigger"] == "manual"

    def wanted(self):
        return {"policy": self.target}

    def to_stop(self):
        if self.params["id"] is None:
            return self.under_way()
        found = self.one(self.params["id"])
        if found is None:
            raise NotFound(f"there is no execution {self.params['id']} of this policy, or Harbor has forgotten it", 404)
        return [] if super().final(found) else [found]

    def start(self):
        body = {"policy_id": self.policy["id"]}
        answer = self.client.request("POST", listings.where(replication_runs.EXECUTIONS), body=body)
        number = registry.made(answer)
        return self.asked(lambda run: self.one(run["id"]), {"id": number}, None) if number else None

    def refused(self, error):
        hint = "Enable the policy first (enabled: true)"
        raise declared.explained(error, hint) if error.status == 412 else error

    def stop(self, run):
        replication_runs.stop(self.client, run["id"])

    def apply(self, current, planned):
        return _skipped(super().apply(current, planned))

    def ended(self, state):
        try:
            return super().ended(state)
        except Unfinished as error:
            if error.state and error.state["outcome"] == "skipped":
                return _skipped(error.state)
            raise

    def changes(self, current, planned):
        if self.params["state"] == "stopped":
            return [("-", f"stop {', '.join(self.title(run) for run in self.running)}")]
        if self.policy is None:
            return [("+", "replicate now, as soon as there is such a policy")]
        version = registry.version(self.client)
        return [("+", f"replicate now: {consequences.described(replication.state_of(version, self.policy))}")]


def _skipped(state: dict) -> dict:
    """Return a run; one that Harbor skipped because another one goes on is neither a success nor a failure."""
    return dict(state, skipped_reason=state["status_text"]) if state.get("outcome") == "skipped" else state
