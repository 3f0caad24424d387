# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the modules for what belongs to Harbor's projects: tag retention, its runs, immutable tags."""

from __future__ import annotations

import json
import re
from typing import Any

from fakes.harbor import Harbor
from fakes.harbor.retention_policies import RetentionPolicies

from contract.harbor_rows import BAD, NAME, PASSWORD, ROBOT, URL
from contract.row import MANY, Row

ACTIONS = ("read", "list", "create", "update", "delete")
RESOURCES = ("tag-retention", "immutable-tag", "repository", "artifact", "metadata")
RIGHTS = [{"resource": resource, "action": action} for resource in RESOURCES for action in ACTIONS]
IMAGES = [
    {"digest": f"sha256:{letter * 64}", "size": 5000, "push_seconds_ago": age * 86400, "tags": [{"name": tag}]}
    for letter, age, tag in (("a", 5, "v1"), ("b", 50, "v2"), ("c", 500, "dev"))
]
SELECTOR = {"kind": "doublestar", "decoration": "matches", "pattern": "**"}
SCOPE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}
KEEP = {
    "action": "retain",
    "template": "latestPushedK",
    "params": {"latestPushedK": 2},
    "tag_selectors": [SELECTOR],
    "scope_selectors": SCOPE,
}
RETENTION = {"rules": [KEEP], "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 1 1 *"}}}
PROTECT = {
    "action": "immutable",
    "template": "immutable_template",
    "disabled": True,
    "tag_selectors": [dict(SELECTOR, pattern="keep")],
    "scope_selectors": SCOPE,
}


def project(name: str, **more: Any) -> dict:
    """Return a project with a few images."""
    return {"name": name, "repositories": [{"name": "team/app", "artifacts": IMAGES}], **more}


def harbor(**more: Any) -> Harbor:
    """A Harbor with the targets of the rows, and projects with nearly their names that are not to be touched."""
    robot = dict(ROBOT, permissions=[{"kind": "project", "namespace": "*", "access": RIGHTS}])
    others = [
        project(name, retention=RETENTION, immutable_rules=[PROTECT]) for name in ("acme-2", "my-acme", "acme.archive")
    ]
    bulk = [{"name": f"bulk-{number:03}", "repositories": []} for number in range(MANY)]
    fake = Harbor({"robots": [robot], "projects": [*others, project("acme", **more), *bulk]})
    fake.switches["start_seconds"] = 1e9  # nothing that is started begins
    return fake


def policy(fake: Harbor, name: str) -> list:
    """Return cron and rules of the policy of a project, an empty list for none."""
    family = fake.family(RetentionPolicies)
    held = family.known.get(family.tied(fake.store.named(name)))
    return [] if held is None else [held.cron, [[rule["template"], rule.get("params")] for rule in held.rules]]


def protected(fake: Harbor, name: str) -> list:
    """Return patterns of the rules of a project, and whether they are enabled."""
    return sorted(
        [rule["tag_selectors"][0]["pattern"], not rule.get("disabled")]
        for rule in fake.store.named(name).immutable_rules
    )


def under_way(fake: Harbor) -> list:
    """Return of the runs in the project of the rows that go on whether they are dry, the newest first."""
    tied = fake.family(RetentionPolicies).tied(fake.store.named("acme"))
    return [run.extra["dry_run"] for run in reversed(fake.jobs.of("RETENTION", tied)) if run.status == "Running"]


def neighbours(fake: Harbor) -> Any:
    """Return all that the rows must leave alone."""
    policies = [(name, policy(fake, name), protected(fake, name)) for name in ("acme-2", "my-acme", "acme.archive")]
    return [policies, [item.digest for _project, _repository, item in fake.store.everything()]]


def timeless(result: Any) -> Any:
    """Return a result without times."""
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=\"age\": )\d+", "0", json.dumps(result)))


def of_run(result: dict) -> Any:
    """Return whether the run of a result is dry, if it goes on."""
    run = result["execution"]
    return run["dry_run"] if run and run["status"] == "Running" else None


COMMON = dict(
    fake=harbor,
    urls=[URL],
    access={"harbor_url": URL, "harbor_username": NAME, "harbor_password": PASSWORD},
    wrong={"harbor_url": URL, "harbor_username": NAME, "harbor_password": "wrong-Secret1"},
    secrets=[PASSWORD, "wrong-Secret1"],
    target={"projects": ["acme"]},
    many={"projects": ["bulk-*"]},
    but=(["bulk-[1-4]*", "bulk-001"], 99),
    once=2,
    listings=5,  # MANY and four others, a hundred in a page
    timeless=timeless,
    untouched=neighbours,
    refused="harbor_password",
)
BAD_PROJECTS = [
    *[entry for entry in BAD if not set(entry[0]) & {"dry_run", "poll_interval", "wait_timeout"}],
    ({"projects": ["Acme"]}, "lower case"),
    ({"projects": ["acme/app"]}, "without its repositories"),
]
TAGS = [{"pattern": "v*", "untagged": False}]
RELEASES = {"template": "latestPushedK", "value": 10, "tag_selectors": TAGS}
BRANCHES = {"template": "nDaysSinceLastPush", "value": 30, "repository_selectors": [{"pattern": "team/**"}]}


def rule(**options: Any) -> dict:
    """Return options with one rule, changed like this."""
    return {"rules": [{**RELEASES, **options}]}


BAD_RULES = [
    (rule(template="keep"), "latestPushedK"),
    (rule(value=None), "from 1 to"),
    (rule(value=0), "keep nothing"),
    (rule(value=-1), "from 1 to"),
    (rule(value=2.5), "value"),
    (rule(template="nDaysSinceLastPull", value=106752), "from 1 to 106751"),
    (rule(template="always"), "leave it out"),
    (rule(tag_selectors=[]), "leave it out for all"),
    (rule(tag_selectors=[{"pattern": ""}]), "write **"),
    (rule(tag_selectors=[{"pattern": "[a-"}]), "a [ is not closed"),
    (rule(tag_selectors=[{"pattern": "v", "decoration": "repoMatches"}]), "matches, excludes"),
    (rule(repository_selectors=[{"pattern": "{a"}]), "a { is not closed"),
    (rule(tagselectors=[]), "Unsupported parameters"),
    ({"rules": [RELEASES, dict(RELEASES, disabled=False)]}, "says the same as rules[0]"),
    ({"rules": [dict(RELEASES, value=number) for number in range(1, 17)]}, "15 at most"),
    ({"cron": "0 0 * * *"}, "write '0 0 0 * * *'"),
    ({"cron": "0 0 0 31 2 *"}, "never fires"),
    ({"schedule": "custom"}, "cron"),
    ({"schedule": "daily", "cron": "0 5 5 * * *"}, "does not go with this cron"),
    ({"schedule": "none", "cron": "0 5 5 * * *"}, "does not go with this cron"),
]
V, LATEST = {"tag_selector": {"pattern": "v*"}}, {"tag_selector": {"pattern": "latest"}, "disabled": True}
HARBOR_PROJECT_ROWS = [
    Row(
        name="harbor_retention_policy",
        module="harbor_retention_policy",
        info="harbor_retention_policy_info",
        noun="policy",
        created={"rules": [RELEASES, BRANCHES], "schedule": "daily", "max_deletions": 1000},
        changed={"rules": [{"template": "always"}], "schedule": "custom", "cron": "0 30 3 * * 0"},
        removed={"state": "absent"},
        server=lambda fake: policy(fake, "acme"),
        wanted=[
            [
                "0 0 0 * * *",
                [["latestPushedK", {"latestPushedK": 10}], ["nDaysSinceLastPush", {"nDaysSinceLastPush": 30}]],
            ],
            ["0 30 3 * * 0", [["always", {}]]],
            [],
        ],
        feed=lambda found: found["policy"],
        of_many=lambda fake: [policy(fake, f"bulk-{number:03}") for number in range(MANY)],
        failing="/bulk-250/",
        reading=0,
        bad=[*BAD_PROJECTS, *BAD_RULES],
        **COMMON,
    ),
    Row(
        name="harbor_immutable_tag_rule",
        module="harbor_immutable_tag_rule",
        info="harbor_immutable_tag_rule_info",
        noun="rules",
        created={"rules": [V, LATEST]},
        changed={"rules": [dict(V, disabled=True), {"tag_selector": {"pattern": "x"}}], "exclusive": True},
        removed={"state": "absent"},
        server=lambda fake: protected(fake, "acme"),
        wanted=[[["latest", False], ["v*", True]], [["v*", False], ["x", True]], []],
        feed=lambda found: {"rules": found["rules"], "exclusive": True},
        of_many=lambda fake: [protected(fake, f"bulk-{number:03}") for number in range(MANY)],
        failing="/projects/250/",
        limits=False,
        bad=[
            *BAD_PROJECTS,
            ({"rules": [{}]}, "tag_selector, foreign"),
            ({"rules": [{"tag_selector": {"pattern": "[]"}}]}, "nothing between"),
            ({"rules": [{"tag_selector": {"pattern": " v"}}]}, "blanks around it"),
            ({"rules": [V, dict(V, disabled=True)]}, "has the selectors of rules[0]"),
            ({"rules": None}, "rules"),
        ],
        **COMMON,
    ),
    Row(
        name="harbor_retention_execution",
        module="harbor_retention_execution",
        info="harbor_retention_policy_info",
        noun="execution",
        created={},
        changed={"dry_run": False, "max_deletions": 1},
        removed={"state": "stopped", "wait": True},
        server=under_way,
        wanted=[[True], [False, True], []],
        feed=lambda found: {},
        foretold=lambda result: (result["changed"], result["changed_targets"], result["plan"]["changed"]),
        shown=lambda result: None,
        held=3,  # policy, runs, and the tasks of the one that goes on
        reading=1,
        bad=[
            *BAD_PROJECTS,
            ({"poll_interval": 0}, "above 0"),
            ({"wait_timeout": 0}, "above 0"),
            ({"dry_run": "perhaps"}, "dry_run"),
            ({"min_interval": "1 month"}, "min_interval"),
        ],
        **{
            **COMMON,
            "fake": lambda: harbor(retention=RETENTION),
            "many": {},
            "of_many": list,
            "failing": "/executions",
            "but": (),
        },
    ),
]
for row in HARBOR_PROJECT_ROWS[:2]:  # what an entry needs beside it, so that nothing else is refused
    row.bad = [(dict(row.created, **options), text) for options, text in row.bad if "schedule" not in options]
