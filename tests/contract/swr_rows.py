# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the modules for Huawei SWR."""

from __future__ import annotations

from typing import Any

from fakes.swr import Swr

from contract.row import MANY, Row

SWR, IAM = "https://swr-api.test", "https://iam.test"
ACCESS, SECRET, PASSWORD = "SWRTESTACCESSKEY0001", "swrTestSecretKey/0001+EXAMPLEonly", "made-up-Passw0rd!"
TEMPORARY = {
    "access": "TEMPORARYKEY0001",
    "secret": "madeUpTemporarySecret",
    "security_token": "madeUpSecurityToken" * 9,
}
KEYS = {"swr_url": SWR, "swr_access_key": ACCESS, "swr_secret_key": SECRET}
TEMPORARY_KEYS = {
    "swr_url": SWR,
    "swr_access_key": TEMPORARY["access"],
    "swr_secret_key": TEMPORARY["secret"],
    "swr_security_token": TEMPORARY["security_token"],
}
USER = {
    "swr_url": SWR,
    "iam_url": f"{IAM}/v3",
    "swr_username": "robot",
    "swr_password": PASSWORD,
    "swr_domain": "acme-account",
    "swr_project": "eu-de",
}
DATES = {"template": "date_rule", "days": 30}
TAGS = {"template": "tag_rule", "num": 20}
LATEST = {"kind": "label", "pattern": "latest"}
RELEASES = {"kind": "regexp", "pattern": "^v[0-9]+$"}


def swr() -> Swr:
    """An SWR with the targets of the rows and neighbours that are not to be touched."""
    rule = {"template": "tag_rule", "params": {"num": "7"}, "tag_selectors": []}
    tags = [{"name": name, "age_seconds": age} for age, name in enumerate(["latest", "v1", "dev"])]

    def repository(name: str, **more: Any) -> dict:
        return dict(name=name, tags=[], **more)

    return Swr(
        {
            "users": [
                {
                    "name": "robot",
                    "domain": "acme-account",
                    "password": PASSWORD,
                    "access_keys": [{"access": ACCESS, "secret": SECRET}, TEMPORARY],
                }
            ],
            "projects": [{"name": "eu-de", "domain": "acme-account"}],
            "organizations": [
                {
                    "name": "acme",
                    "repositories": [
                        repository("team/app"),
                        repository("app", retentions=[rule]),
                        dict(repository("team/app-archive", retentions=[rule]), tags=tags),
                    ],
                },
                {"name": "acme-archive", "repositories": [repository("team/app", retentions=[rule])]},
                {"name": "bulk", "repositories": [repository(f"svc/{number:03}") for number in range(MANY)]},
            ],
        }
    )


def held(fake: Swr, name: str) -> list:
    """Return template, number and selectors of the policies of a repository."""
    return [
        [rule["template"], *rule["params"].values(), sorted((s["kind"], s["pattern"]) for s in rule["tag_selectors"])]
        for policy in fake.retentions(name)
        for rule in policy["rules"]
    ]


def swr_row(name: str, access: dict, **more: Any) -> Row:
    """Return the row of swr_retention with one way to sign in."""
    settings = dict(
        name=f"swr_retention with {name}",
        module="swr_retention",
        info="swr_retention_info",
        noun="retention",
        fake=swr,
        urls=[SWR, IAM],
        access=access,
        wrong=dict(access, swr_secret_key="madeUpWrongSecretKey"),
        refused="secret key",
        writing="/retentions",
        secrets=[SECRET, PASSWORD, TEMPORARY["secret"], TEMPORARY["security_token"], "madeUpWrongSecretKey"],
        target={"namespace": "acme", "repositories": ["team/app"]},
        created=dict(DATES, tag_selectors=[RELEASES, LATEST]),
        changed={"template": "date_rule", "days": "45"},
        removed={"state": "absent"},
        server=lambda fake: held(fake, "acme/team/app"),
        wanted=[
            [["date_rule", "30", [("label", "latest"), ("regexp", "^v[0-9]+$")]]],
            [["date_rule", "45", []]],
            [],
        ],
        feed=lambda found: found["retention"],
        many={"namespace": "bulk", "repositories": ["svc/*"]},
        of_many=lambda fake: [held(fake, f"bulk/svc/{number:03}") for number in range(MANY)],
        but=(["svc/[1-4]*", "svc/001"], 99),
        failing="svc.250/",
        once=0,
        listings=MANY // 100 + 1,
        bad=[
            ({"template": "date_rule", "days": 0}, "from 1 to 365"),
            ({"template": "date_rule", "days": 366}, "from 1 to 365"),
            ({"template": "date_rule"}, "from 1 to 365"),
            ({"template": "tag_rule", "num": 1001}, "from 1 to 1000"),
            (dict(TAGS, days=3), "days does not go with template tag_rule"),
            ({"template": "keep"}, "date_rule, tag_rule"),
            ({}, "template"),
            (dict(DATES, tag_selectors=[{"kind": "regexp", "pattern": "^v("}]), "no regular expression"),
            (dict(DATES, tag_selectors=[{"kind": "regexp", "pattern": " "}]), "empty"),
            (dict(DATES, tag_selectors=[{"kind": "label", "pattern": "v*"}]), "kind regexp"),
            (dict(DATES, tag_selectors=[{"kind": "glob", "pattern": "v*"}]), "label, regexp"),
            (dict(DATES, colour="red"), "Unsupported parameters"),
            (dict(DATES, namespace="Acme"), "no name of an organization"),
            (dict(DATES, repositories=["Team/App"]), "no name of a repository"),
            (dict(DATES, swr_url="swr.test"), "https://registry.example.com"),
        ],
    )
    return Row(**dict(settings, **more))


SWR_ROWS = [
    swr_row("a key", KEYS),
    swr_row("a temporary key", TEMPORARY_KEYS),
    swr_row("a user", USER, wrong=dict(USER, swr_password="madeUpWrongSecretKey"), refused="swr_domain", once=1),
]
