# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds on DigitalOcean."""

from __future__ import annotations

from typing import Any

from fakes.digitalocean import DigitalOcean

from chaos.world import World

DAY = 86400
BLOBS, MANIFESTS = "unreferenced blobs only", "untagged manifests only"
BOTH = "untagged manifests and unreferenced blobs"
FINAL = ("succeeded", "failed", "cancelled")
STOPPED = ("cancelling", "cancelled")


class DigitalOceanWorld(World):
    """Garbage collections of registries; states are tuples of (uuid, type, whether it was cancelled)."""

    module = "do_registry_gc"

    def estate(self) -> DigitalOcean:
        """Returns an account with decoys."""
        chance = self.chance
        self.secrets = [f"dop_v1_{chance.getrandbits(160):040x}"]
        names = ["acme", "acme-staging", "acme-archive", "globex"]
        fake = DigitalOcean(
            {
                "account": {"tier": "professional"},
                "tokens": [{"as": "admin", "token": self.secrets[0]}],
                "registries": [{"name": name, "region": "fra1", "runs": self._runs()} for name in names],
            }
        )
        seconds = ("requested", "waiting", "scanning", "deleting", "cancelling")
        fake.switches.update({f"seconds_{name}": chance.choice([0.1, 0.5]) for name in seconds})
        fake.switches.update(
            rate_hour=0,
            rate_minute=0,
            send_type=chance.random() < 0.7,
            conflict_status=chance.choice([409, 412, 422]),
            cancel_answer=chance.choice(["object", "empty", 204]),
            list_order=chance.choice(["newest", "oldest", "shuffled"]),
        )
        return fake

    def _runs(self) -> list[dict]:
        chance = self.chance
        past = [{"age_seconds": age, "type": chance.choice([BLOBS, BOTH])} for age in (30 * DAY, 3 * DAY, 3600)]
        found = [dict(run, status=chance.choice(FINAL)) for run in past if chance.random() < 0.4]
        if chance.random() < 0.4:
            found.append({"age_seconds": 0, "type": chance.choice([BLOBS, BOTH]), "status": "requested"})
        return found

    def declare(self) -> None:
        """Sets options and targets."""
        chance = self.chance
        given = chance.choice([["acme"], ["acme", "acme-staging"], ["acme*"], ["globex"]])
        names = ["acme", "acme-staging", "acme-archive"] if given == ["acme*"] else given
        self.targets = {name: name for name in names}
        self.options = {"registries": given, "poll_interval": 1, "wait_timeout": 60, "wait": chance.random() < 0.5}
        self.absent = chance.random() < 0.3
        if self.absent:
            self.options["state"] = "absent"
            return
        interval = chance.choice(["1d", "1d", "2w", "0s"])
        kind, active = chance.choice([BLOBS, BLOBS, MANIFESTS, BOTH]), chance.choice(["adopt", "wait"])
        self.options.update(type=kind, min_interval=interval, if_active=active)
        # A lesser run that was adopted is not enough the next time, nor is one whose type nobody tells.
        lesser = kind != BLOBS and (active == "adopt" or not self.fake.switches["send_type"])
        self.repeats = interval == "0s" or lesser

    def access(self, url: str) -> dict[str, str]:
        """Returns the environment with address and token."""
        return {"DIGITALOCEAN_URL": url, "DIGITALOCEAN_TOKEN": self.secrets[0]}

    def snapshot(self) -> dict[Any, Any]:
        """Returns key -> runs of all registries."""
        return {
            name: tuple((run["uuid"], run["type"], run["status"] in STOPPED) for run in registry["runs"])
            for name, registry in self.fake.registries.items()
        }

    def reached(self, key: Any, state: Any) -> bool:
        """Returns whether one succeeded or runs, or with state absent none does."""
        runs = self.fake.runs(key)
        active = [run for run in runs if run["status"] not in FINAL]
        if self.absent:
            return not any(run["status"] != "cancelling" for run in active) and not (active and self.options["wait"])
        return any(run["status"] == "succeeded" for run in runs) or bool(active and not self.options["wait"])

    def wrong(self, key: Any, initial: Any, before: Any, after: Any) -> list[str]:
        """Returns whether one was started or cancelled that should not be."""
        if self.absent:
            return ["a run was started"] if len(after) > len(before) else []
        found = [
            f"{kind} was started" for _uuid, kind, _stopped in after[len(before) :] if kind != self.options["type"]
        ]
        stopped = [run for run, was in zip(after, before) if run != was]
        return found + [f"{run} was cancelled" for run in stopped]

    def ended(self, changed: list) -> list[str]:
        """Returns whether more than one was started in a registry."""
        return [f"{changed.count(key)} runs in {key} by one task" for key in set(changed) if changed.count(key) > 1]

    def pass_time(self, seconds: float) -> None:
        """Lets the runs go on."""
        self.fake.advance(seconds)
