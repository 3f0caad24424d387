# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton's jobs on fake registries, with the environment that the credentials inject, as a workflow runs them."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from contract import estate, harbor_project_rows, harbor_rows
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.serve import serving
from fakes.swr import Swr
from runner import events

from awx.jobs import Kit, described

MOST_OUTPUT = 1 << 20  # bytes of a job, above which AWX shows nothing
# Of the fakes' own estates.
SECRETS = {
    "harbor": "Hygiene-Secret-1",
    "quay": "demo-token-of-alice",
    "swr": "demo-secret-key-of-alice",
    "digitalocean": "dop_v1_demo-operator",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return what awx_setup would make."""
    return described(tmp_path_factory.mktemp("kit"))


@pytest.fixture
def kit(tmp_path, found):
    """Return the kit in a folder of its own."""
    return Kit(tmp_path, found)


def quay(kit, url, token=estate.TOKEN):
    """Return what a credential of a Quay injects."""
    return kit.injected("Quay", {"url": url, "token": token})


def text(ran):
    """Return what a job printed in one line: the lines of reports are folded."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", ran.output()).split())


def test_a_preview_of_all_kinds_of_registries_with_what_the_credentials_inject(kit):
    fakes = {"harbor": Harbor(), "quay": Quay(), "swr": Swr(), "digitalocean": DigitalOcean()}
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(serving(fake)) for name, fake in fakes.items()}
        harbor = {"url": urls["harbor"], "username": "robot$hygiene", "password": SECRETS["harbor"]}
        swr = {"url": urls["swr"], "access_key": "DEMOALICEXXXXXXXXXXX", "secret_key": SECRETS["swr"]}
        env = {
            **kit.injected("Harbor", harbor),
            **quay(kit, urls["quay"], SECRETS["quay"]),
            **kit.injected("SWR key", swr),
            **kit.injected("DigitalOcean", {"url": urls["digitalocean"], "token": SECRETS["digitalocean"]}),
        }
        ran = kit.job("preview", env)
    hosts = ran.stats["registry_hygiene"]["hosts"]
    assert set(hosts) == {"harbor.example.com", "quay.example.com", "swr-eu-de", "digitalocean"}
    assert not [fake for fake in fakes.values() if fake.writes]
    assert all(host["change"] for host in hosts.values()), hosts
    # Some policies of the SWR were made by hand, and the skeleton does not replace those. Whatever fails, says so.
    assert {name for name, host in hosts.items() if host["message"]} == {"swr-eu-de"}, hosts
    assert ran.status == 2 and "allow_replace" in text(ran), text(ran)
    biggest = ran.biggest("stdout_bytes")[0]
    assert biggest.stdout_bytes <= events.MOST_SHOWN, biggest
    assert sum(event.stdout_bytes for event in ran.events) < MOST_OUTPUT
    for secret in SECRETS.values():
        assert secret not in ran.output()
    assert not list(kit.project.rglob("*plan.json")), "no files: they would be lost"


def test_a_preview_as_an_swr_user(kit):
    fake = Swr()
    user = {"username": "alice", "password": "demo-password-of-alice", "domain": "demo-account", "project": "eu-de"}
    with serving(fake) as url:
        env = kit.injected("SWR user", {"url": url, "iam_url": url, **user})
        ran = kit.job("preview", env, limit="swr-eu-de")
    assert ran.stats["registry_hygiene"]["hosts"]["swr-eu-de"]["change"] == 73, text(ran)
    assert user["password"] not in ran.output()


def test_what_was_approved_is_applied_and_no_more(kit):
    small, larger, large = Quay(estate.quay(4)), Quay(estate.quay(5)), Quay(estate.quay(12))
    with serving(small) as small_url, serving(larger) as larger_url, serving(large) as large_url:
        answers = {"registry_hygiene_max_deletions": 100, "registry_hygiene_reason": "CHG-42 {{ 7 * 7 }}"}
        seen = kit.job("preview", quay(kit, small_url), answers, limit="quay.example.com")
        assert seen.status == 0, text(seen)
        sums = seen.stats["registry_hygiene"]
        assert sums["reason"] == "CHG-42 {{ 7 * 7 }}" and "Reason: CHG-42 {{ 7 * 7 }}" in text(seen)
        (host,) = sums["hosts"].values()
        assert (host["change"], host["go"]) == (4, 8)

        # Meanwhile there are three times as many.
        refused = kit.job("apply (approved)", quay(kit, large_url), answers, seen.stats, "quay.example.com")
        assert refused.status == 2 and not large.writes
        assert "refused by approved: 12 targets would change, 4 were approved, 5 may with the tolerance" in text(
            refused
        )
        last = text(refused)[text(refused).index("Fail where something failed") :]
        assert re.search(r"(\"msg\": \"|Action failed: )refused by approved: ", last), last
        blown = refused.stats["registry_hygiene"]["hosts"]["quay.example.com"]["blown"]
        assert blown == "approved"

        # One more is about as much.
        done = kit.job("apply (approved)", quay(kit, larger_url), answers, seen.stats, "quay.example.com")
        assert done.status == 0 and len(larger.writes) == 10, text(done)


def test_what_was_approved_of_a_harbor_holds_for_all_of_its_steps_together(kit):
    scheduler = {"kind": "system", "namespace": "/", "access": harbor_rows.RIGHTS}
    owner = {"kind": "project", "namespace": "*", "access": harbor_project_rows.RIGHTS}
    robot = {**harbor_rows.ROBOT, "permissions": [scheduler, owner]}
    fake = Harbor({"robots": [robot], "projects": [harbor_project_rows.project("acme")]})

    def policies():
        """Return the immutable tags, when tag retention runs, and the schedules."""
        (rule,), (cron, *_rules) = harbor_project_rows.protected(fake, "acme"), harbor_project_rows.policy(fake, "acme")
        kinds = (harbor_rows.PURGE, harbor_rows.GC)
        return [rule, cron, *[harbor_rows.schedule(fake, kind) for kind in kinds]]

    variables = kit.project / "inventory" / "host_vars" / "harbor.example.com.yml"
    variables.parent.mkdir()
    selector = {"pattern": "v1"}
    variables.write_text(
        json.dumps(
            {
                "harbor_hygiene_immutable_tags": [{"projects": ["acme"], "rules": [{"tag_selector": selector}]}],
                "harbor_hygiene_retention": [
                    {"projects": ["acme"], "rules": [{"template": "latestPushedK", "value": 1}], "schedule": "daily"}
                ],
                "harbor_hygiene_retention_limits": {"max_deletions_percent": 70},
            }
        )
    )
    with serving(fake) as url:
        inputs = {"url": url, "username": harbor_rows.NAME, "password": harbor_rows.PASSWORD}
        env = kit.injected("Harbor", inputs)
        seen = kit.job("preview", env, limit="harbor.example.com")
        (sums,) = seen.stats["registry_hygiene"]["hosts"].values()
        assert seen.status == 0 and not fake.writes and (sums["change"], sums["go"]) == (4, 2), text(seen)
        fewer = {"registry_hygiene": {"hosts": {"harbor.example.com": {**sums, "change": 2}}}}
        half = kit.job("apply (approved)", env, artifacts=fewer, limit="harbor.example.com")
        assert half.status == 2 and text(half).count("refused by approved: 1 target would change, 0 were approved")
        assert policies() == [["v1", True], "0 0 0 * * *", None, None], "the schedules come after them"
        whole = kit.job("apply (approved)", env, artifacts=seen.stats, limit="harbor.example.com")
        assert whole.status == 0 and all(policies()), text(whole)


def test_without_sums_of_a_preview_nothing_was_approved(kit):
    fake = Quay(estate.quay(4))
    with serving(fake) as url:
        ran = kit.job("apply (approved)", quay(kit, url), limit="quay.example.com")
    assert ran.status == 2 and not fake.writes
    assert "refused by approved: 4 targets would change, 0 were approved" in text(ran)


def test_a_blown_limit_fails_the_preview_so_that_nobody_approves_it(kit):
    fake = Quay(estate.quay(4))
    with serving(fake) as url:
        ran = kit.job("preview", quay(kit, url), {"registry_hygiene_max_deletions": 7}, limit="quay.example.com")
    assert ran.status == 2 and ran.stats["registry_hygiene"]["hosts"]["quay.example.com"]["blown"] == "max_deletions"
    last = text(ran)[text(ran).index("Fail where something failed") :]
    assert "refused by max_deletions: 8 > 7 (acme/*)" in last


def test_history_says_what_went_in_the_time_that_is_asked_for(kit):
    fake = Quay(estate.quay(4))
    with serving(fake) as url:
        kit.job("apply", quay(kit, url), {"registry_hygiene_max_deletions": 100}, limit="quay.example.com")
        gone = fake.tick(force=True)["namespaces"][0]["pruned"]
        writes = len(fake.writes)
        day = kit.job("history", quay(kit, url), limit="quay.example.com")
        early = {"registry_hygiene_since": "3d", "registry_hygiene_until": "2d"}
        before = kit.job("history", quay(kit, url), early, limit="quay.example.com")
        wrong = kit.job("history", quay(kit, url), {"registry_hygiene_since": "yesterday"}, limit="quay.example.com")
    assert len(gone) == 8 and day.status == 0 and "In all: 8 deletions since " in text(day), text(day)
    assert before.status == 0 and "In all: 0 deletions since " in text(before), text(before)
    assert wrong.status == 2 and "since: 'yesterday': write a length of time such as 24h or 7d" in text(wrong)
    assert len(fake.writes) == writes and not list(kit.project.rglob("*history*.*json"))


def test_the_nightly_job_needs_no_answers(kit):
    fake = Quay(estate.quay(4))
    with serving(fake) as url:
        first = kit.job("apply (nightly)", quay(kit, url), limit="quay.example.com")
        assert first.status == 0 and len(fake.writes) == 8, text(first)
        again = kit.job("apply (nightly)", quay(kit, url), limit="quay.example.com")
    assert again.status == 0 and len(fake.writes) == 8
