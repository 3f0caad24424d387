# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbor's purge of the audit log: which event types there are by version, what its parameters mean, its runs."""

from __future__ import annotations

import difflib
import re

from ansible_collections.registry.hygiene.plugins.module_utils._core import schedule
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import executions, registry, schedules

PURGE_SPEC = dict(
    audit_retention_hour=dict(type="str"),
    include_event_types=dict(type="list", elements="str"),
    include_operations=dict(type="list", elements="str"),
)
LISTS = ("include_event_types", "include_operations")
MOST_HOURS = 240000
NEW = (2, 13)  # since then event types, and a second table; rows from before know only the operations
LATEST = (2, 16)  # the newest version whose event types are known here
OPERATIONS = ("create", "delete", "pull")
EVENTS = (
    *("create_artifact", "delete_artifact", "pull_artifact", "create_project", "delete_project", "delete_repository"),
    *("login_user", "logout_user", "create_user", "delete_user", "update_user", "create_robot", "delete_robot"),
    "update_configuration",
)
EVENTS_2_16 = ("create_member", "delete_member", "update_member", "update_project")
OTHER = "other"  # all event types but the first three
COUNT = re.compile(r"Purged ([0-9]{1,18}) rows of audit log")


def known(version: tuple) -> tuple:
    """Return the event types of a version that has them."""
    return (*EVENTS, *(EVENTS_2_16 if version >= LATEST else ()), OTHER)


def key_of(version: tuple) -> str:
    """Return what a version calls the list that it needs."""
    return LISTS[0] if version >= NEW else LISTS[1]


def hours(text: str | int) -> int:
    """Return how long rows stay, of a number of hours or a length such as 90d; raises PlanRefused."""
    found = str(text).strip()
    if not re.match(r"[0-9]{1,9}\Z", found):
        seconds = schedule.seconds(found, "audit_retention_hour")
        if seconds % 3600:
            raise PlanRefused(f"audit_retention_hour: {found!r} is no whole number of hours")
        found = str(seconds // 3600)
    if not 1 <= int(found) <= MOST_HOURS:
        raise PlanRefused(
            f"audit_retention_hour: {printable(str(text), 30)}: write 1 to {MOST_HOURS} hours, or a length such as 90d"
        )
    return int(found)


def check(params: dict) -> None:
    """Raise PlanRefused for what no version of Harbor can follow. Pure."""
    if params["audit_retention_hour"] is not None:
        hours(params["audit_retention_hour"])
    for option in LISTS:
        for name in params[option] or []:
            clean = re.sub(r"[\s,]", "", name).lower()
            if name != clean:
                raise PlanRefused(f"{option}: {name!r}: Harbor silently ignores such a name. Write {clean!r} alone")
            _require_known(option, name, (*known(LATEST), *OPERATIONS) if option == LISTS[0] else OPERATIONS, "Harbor")
    if params["include_event_types"] == [] and not params["include_operations"]:
        raise PlanRefused("include_event_types is empty, so that nothing would be purged: name some, or state: absent")


def _require_known(option: str, name: str, names: tuple, who: str) -> None:
    if name not in names:
        nearest = difflib.get_close_matches(name, names, 1, 0)[0]
        raise PlanRefused(f"{option}: {who} knows no {name!r}. Did you mean {nearest!r}? It knows {', '.join(names)}")


def content(version: tuple, held: dict) -> dict:
    """Return what Harbor's job makes of parameters: what it does not understand counts as nothing to it."""
    key = key_of(version)
    number, names = held.get("audit_retention_hour"), held.get(key)
    words = names.split(",") if isinstance(names, str) else []
    if key not in held and isinstance(held.get(LISTS[1]), str):
        words = held[LISTS[1]].split(",")  # from before an upgrade: it has no effect, but is what was wanted
    lowered = [word.lower() for word in words]
    types = [OTHER if word.lower() == OTHER else word for word in words if word not in OPERATIONS]
    return {
        "audit_retention_hour": number if isinstance(number, int) and not isinstance(number, bool) else 0,
        "include_event_types": ordered(version, types),
        "include_operations": [word for word in OPERATIONS if word in lowered],
        "dry_run": executions.flag(held, "dry_run"),
    }


def ordered(version: tuple, names: list) -> list[str]:
    """Return the event types that a version understands, each once; of a version later than ours all that may be."""
    if version < NEW:
        return []
    types = known(version)
    others = {name for name in names if name not in types and re.match(r"[a-z]+_[a-z_]+\Z", name)}
    return [name for name in types if name in names] + sorted(others if version[:2] > LATEST else ())


def chosen(version: tuple, params: dict, current: dict | None) -> dict:
    """Return what is to be purged: the options, where they are not set what there is; raises PlanRefused."""
    who = registry.named(version)
    types, operations = params["include_event_types"], params["include_operations"]
    for name in types or [] if version >= NEW else []:
        _require_known("include_event_types", name, (*known(version), *OPERATIONS), who)
    old = [name for name in types or [] if name in OPERATIONS and version >= NEW]  # they may be named among the others
    operations = [*(operations or []), *old] if old else operations
    types = types if types is not None else (current or {}).get("include_event_types", [])
    operations = operations if operations is not None else (current or {}).get("include_operations", [])
    found = {
        "include_event_types": ordered(version, types),
        "include_operations": [name for name in OPERATIONS if name in operations],
    }
    if not found[key_of(version)]:
        raise PlanRefused(
            f"{who} purges by {key_of(version)}, and there are none to keep: name some of "
            f"{', '.join(known(version) if version >= NEW else OPERATIONS)}"
        )
    number = params["audit_retention_hour"]
    number = hours(number) if number is not None else (current or {}).get("audit_retention_hour") or 0
    if number < 1:
        raise PlanRefused("audit_retention_hour is not set, and there is none to keep: write hours, or such as 90d")
    dry_run = params["dry_run"] if params["dry_run"] is not None else bool(current and current["dry_run"])
    return {"audit_retention_hour": number, **found, "dry_run": dry_run}


def parameters(version: tuple, wanted: dict) -> dict:
    """Return what Harbor wants to be sent."""
    names = [*wanted["include_event_types"], *wanted["include_operations"]]
    kept = {key: wanted[key] for key in ("audit_retention_hour", "dry_run")}
    return {**kept, key_of(version): ",".join(names)}


class Purges(executions.Executions):
    """The purges of the audit log, to be read."""

    word = "purge of the audit log"
    target_name = "audit log"
    place = ("system", "purgeaudit")
    numbers = ("purged_rows",)
    keys = (*executions.Executions.common, "audit_retention_hour", *LISTS, "dry_run", *numbers)

    def content(self, found):
        return content(self.version, found)

    def details(self, run):
        return {"purged_rows": counted(self.log(run) or "")}


class Purge(Purges, executions.Execution):
    """The purges of the audit log, one of which is to be started, or not to go on."""

    noun = "execution"

    @classmethod
    def validate(cls, params):
        check(params)
        return super().validate(params)

    def read(self):
        self.locate()
        if self.params["state"] == "started":
            self.wanted()
        return super().read()

    def parameters(self):
        return parameters(self.version, chosen(self.version, self.params, None))

    def described(self):
        return described(self.wanted())


class PurgeReader(schedules.Reader):
    """The schedule of the purge, to be read."""

    kind_of_runs = Purges

    def content(self, held, found):
        return content(self.version, held)

    def works(self, held):
        # Harbor does not migrate what was stored before 2.13: such a schedule goes on firing and purges nothing.
        return key_of(self.version) in held


def described(wanted: dict) -> str:
    """Return what a purge deletes, for people."""
    names = ", ".join([*wanted["include_event_types"], *wanted["include_operations"]])
    return f"rows older than {wanted['audit_retention_hour']} h of {names}"


def counted(log: str) -> int | None:
    """Return how many rows a log says that were purged, of both tables; None if it does not."""
    found = COUNT.findall(log)
    if not found and "quit purge job" in log:
        return 0
    return sum(map(int, found)) if found else None
