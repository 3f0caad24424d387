# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook history: what went on fakes of all four registries, and what of a plan has come true."""

from __future__ import annotations

import json

import pytest
from contract import estate, histories, swr_rows
from contract.playing import recap, words
from fakes.quay import Quay
from fakes.serve import serving

NUMBER = 30


@pytest.fixture
def fake():
    """Return a Quay, and the hosts that stand for it."""
    fake = Quay(estate.quay(NUMBER))
    with serving(fake) as url:
        yield fake, {"quay": {"quay-1": estate.declared(url)}}


def report(tmp_path):
    return json.loads((tmp_path / "registry-hygiene-history.json").read_text())


def test_a_plan_is_held_against_what_the_worker_did(play, fake, tmp_path):
    quay, hosts = fake
    assert play("preview", hosts).returncode == 0
    plan = json.loads((tmp_path / "quay-1-quay-plan.json").read_text())
    assert play("apply", hosts, "-e", "registry_hygiene_plan=.").returncode == 0
    gone = quay.tick(force=True)["namespaces"][0]["pruned"]
    before = len(quay.writes)
    ran = play("history", hosts, "-e", "registry_hygiene_plan=.")
    assert ran.returncode == 0 and recap(ran)["quay-1"]["changed"] == 0, ran.stdout + ran.stderr
    assert len(quay.writes) == before
    assert max(len(line) for line in ran.stdout.splitlines() if "deleted" in line and "foretold" in line) < 80
    found = report(tmp_path)["registries"][0]
    named = {(row["target"], row["tag"]) for row in found["history"]}
    assert len(gone) == 3 * NUMBER and named == {(one["repository"], one["tag"]) for one in gone}
    foretold = {
        (name, image["tag"])
        for name, one in plan["repositories"].items()
        for image in one["images"]
        if image["fate"] == "goes"
    }
    assert {(one["target"], one["tag"]) for one in found["comparison"]["gone"]} == foretold == named
    assert found["comparison"]["unforeseen"] == found["comparison"]["unseen"] == []
    text = words(ran.stdout)
    assert "deleted runs foretold not foretold not seen" in text and "quay-1 90 0 90 0 0" in text
    assert "90 were foretold, 0 were not, 0 were foretold and are not seen" in text
    assert f"and {NUMBER - 5} more repositories" in text and len(ran.stdout.splitlines()) < 120
    assert "by alice" in text
    page = (tmp_path / "registry-hygiene-history.md").read_text()
    assert "| quay-1 | 90 | 0 | 90 | 0 | 0 |" in page


def test_what_was_not_foretold_and_what_is_still_there_are_named(play, fake, tmp_path):
    quay, hosts = fake
    play("preview", hosts)
    play("apply", hosts, "-e", "registry_hygiene_plan=.")
    name = "acme/team-3/application-with-a-long-name-0003"
    quay.add_policy("repository", name, {"method": "creation_date", "value": "100d", "tagPattern": "^v1"})
    row = next(row for row in quay.repositories["acme", name[5:]]["tags"] if row["name"] == "dev-old")
    row["start_ms"] = int(quay.now() * 1000)  # pushed again since
    quay.tick(force=True)
    ran = play("history", hosts, "-e", "registry_hygiene_plan=quay-1-quay-plan.json", "-e", "registry_hygiene_since=2h")
    held = report(tmp_path)["registries"][0]["comparison"]
    assert [(one["target"], one["tag"]) for one in held["unforeseen"]] == [(name, "v1")]
    assert [(one["target"], one["tag"]) for one in held["unseen"]] == [(name, "dev-old")]
    text = words(ran.stdout)
    assert "1 gone, but not foretold:" in text and f"{name}:v1" in text
    assert "1 foretold, but not seen in the history (still there, gone at another time, or not logged):" in text
    assert f"{name}:dev-old" in text


def test_all_four_are_shown_and_one_that_cannot_be_read_fails_alone(play, tmp_path):
    quay, swr, harbor, digitalocean = (row.fake() for row in histories.HISTORIES)
    with serving(quay) as q, serving(swr) as s, serving(harbor) as h, serving(digitalocean) as d:
        login = {"harbor_url": h, "harbor_username": "admin"}
        hosts = {
            "quay": {"quay-1": {"quay_url": q, "quay_token": histories.TOKEN}},
            "swr": {
                "swr-1": {
                    **swr_rows.KEYS,
                    "swr_url": s,
                    "swr_hygiene_policies": [{"organization": "acme", "repositories": ["app"], "state": "absent"}],
                }
            },
            "digitalocean": {"do-1": {"digitalocean_url": d, "digitalocean_token": histories.TOKEN}},
            "harbor": {
                "harbor-1": {
                    **login,
                    "harbor_password": histories.PASSWORD,
                    "registry_hygiene_history": {"exclude": ["*/old"]},
                },
                "harbor-2": {**login, "harbor_password": "wrong-Secret1"},
            },
        }
        ran = play("history", hosts)
        assert ran.returncode == 2
        assert {host for host, row in recap(ran).items() if row["failed"]} == {"harbor-2"}
        assert not [one for some in (quay, harbor, digitalocean) for one in some.writes]
        found = {each["name"]: each for each in report(tmp_path)["registries"]}
        assert {name: each["count"] for name, each in found.items()} == {
            "do-1": 0,
            "harbor-1": 2,
            "harbor-2": 0,
            "quay-1": 5,
            "swr-1": 2,
        }
        assert [run["deleted"] for run in found["do-1"]["runs"]] == [42]
        text = words(ran.stdout)
        assert "In all: 9 deletions since" in text and "failed: harbor-2" in text
        assert "harbor-2 ? 0" in text and "wrong-Secret1" not in ran.stdout
        assert "were foretold" not in text, "there is no plan"
        again = play("history", hosts, "--tags", "quay", "-e", "registry_hygiene_since=7d", "--check")
        assert again.returncode == 0 and "In all: 6 deletions" in words(again.stdout)
        nothing = play("history", hosts, "--tags", "swr", "-e", "registry_hygiene_report=")
        assert nothing.returncode == 0 and "Report:" not in nothing.stdout and "2 deletions" in nothing.stdout
