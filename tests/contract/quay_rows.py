# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the modules for Quay."""

from __future__ import annotations

from typing import Any, Callable

from fakes.quay import Quay

from contract.row import MANY, Row

QUAY_TOKEN = "made-up-token-of-alice"
QUAY_SCOPES = ["org:admin", "repo:admin", "repo:read", "user:admin", "user:read"]


def quay() -> Quay:
    """A Quay with the targets of the rows and neighbours that are not to be touched."""
    policy = {"method": "number_of_tags", "value": 7, "tagPattern": "^keep"}
    alice = {"as": "alice", "token": QUAY_TOKEN, "scopes": QUAY_SCOPES}
    mallory = {"as": "mallory", "token": "made-up-token-of-mallory", "scopes": QUAY_SCOPES}

    def repository(name: str, **more: Any) -> dict:
        return dict(name=name, state="NORMAL", tags=[], **more)

    def organization(name: str, admin: str, *repositories: dict, **more: Any) -> dict:
        return dict(name=name, admins=[admin], members=[], repositories=list(repositories), **more)

    return Quay(
        {
            "features": {"AUTO_PRUNE": True},
            "users": [
                {"name": "alice", "tokens": [alice]},
                {"name": "mallory", "tokens": [mallory], "policies": [policy]},
            ],
            "unknown_tokens": [],
            "organizations": [
                organization(
                    "acme",
                    "alice",
                    repository("app"),
                    repository("app-archive", policies=[policy]),
                    repository("team/app", policies=[policy]),
                ),
                organization("acme-archive", "alice", repository("app", policies=[policy]), policies=[policy]),
                organization("rivals", "mallory", repository("app", policies=[policy]), policies=[policy]),
                organization("bulk", "alice", *[repository(f"svc-{number:03}") for number in range(MANY)]),
            ],
            "user_repositories": [dict(repository("notes", policies=[policy]), owner="alice")],
        }
    )


def plain(policies: list) -> list:
    """Policies of the fake without their uuids, sorted."""
    return sorted([p["method"], p["value"], p["tagPattern"], p["tagPatternMatches"]] for p in policies)


def quay_policies(scope: str, name: str) -> Callable[[Quay], list]:
    """Return what reads the policies of a target out of the fake."""
    return lambda fake: plain(fake.policies(scope, name))


COUNT = {"method": "number_of_tags", "value": 10, "tag_pattern": "^v[0-9]"}
AGE = {"method": "creation_date", "value": "30d", "tag_pattern": "^v[0-9]", "tag_pattern_matches": False}


def quay_row(kind: str, target: dict, server: Callable, **more: Any) -> Row:
    """Return the row of one scope of quay_autoprune_policy."""
    settings = dict(
        name=f"quay_autoprune_policy of {kind}",
        module="quay_autoprune_policy",
        info="quay_autoprune_policy_info",
        noun="policies",
        fake=quay,
        urls=["https://quay.test"],
        access={"quay_url": "https://quay.test", "quay_token": QUAY_TOKEN},
        wrong={"quay_url": "https://quay.test", "quay_token": "made-up-token-nobody-knows"},
        secrets=[QUAY_TOKEN, "made-up-token-nobody-knows"],
        target=target,
        created={"policies": [COUNT, AGE]},
        changed={"policies": [dict(COUNT, value=5), {"method": "creation_date", "value": "2w"}], "exclusive": True},
        removed={"state": "absent"},
        server=server,
        wanted=[
            [["creation_date", "30d", "^v[0-9]", False], ["number_of_tags", 10, "^v[0-9]", True]],
            [["creation_date", "2w", None, True], ["number_of_tags", 5, "^v[0-9]", True]],
            [],
        ],
        feed=lambda found: {"policies": found["policies"], "exclusive": True},
        many={"repositories": ["bulk/svc-*"]},
        of_many=lambda fake: [plain(fake.policies("repository", f"bulk/svc-{n:03}")) for n in range(MANY)],
        but=(["bulk/svc-[1-4]*", "bulk/svc-001"], 99),
        failing="/bulk/svc-250/",
        refuses_duplicates=True,
        listings=MANY // 100,
        bad=[
            ({"policies": [dict(COUNT, value=0)]}, "1 or more"),
            ({"policies": [dict(AGE, value="0d")]}, "above 0"),
            ({"policies": [dict(AGE, value="7D")]}, "lower-case"),
            ({"policies": [dict(COUNT, tag_pattern="[bad(")]}, "no regular expression"),
            ({"policies": [dict(COUNT, tag_pattern=" ")]}, "leave it out"),
            ({"policies": [dict(COUNT, tagPattern="^v")]}, "Unsupported parameters"),
            ({"policies": [dict(COUNT, method="tags")]}, "number_of_tags, creation_date"),
            ({"policies": [COUNT], "colour": "red"}, "Unsupported parameters"),
            ({}, "policies"),
            ({"policies": [COUNT], "quay_url": "quay.test"}, "https://registry.example.com"),
            ({"policies": [COUNT], "quay_token": " "}, "quay_token"),
        ],
    )
    return Row(**dict(settings, **more))


QUAY_ROWS = [
    quay_row("a repository", {"repositories": ["acme/app"]}, quay_policies("repository", "acme/app")),
    # An empty list of an organization is proved by a second GET.
    quay_row("an organization", {"organizations": ["acme"]}, quay_policies("organization", "acme"), reading=2),
    quay_row("the user", {"current_user": True}, quay_policies("user", "alice")),
]
