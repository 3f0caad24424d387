# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the page "In an accident", as they stand there, on fakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from contract import estate, swr_rows
from contract.estate import SWR, SWR_KEY
from fakes.digitalocean import DigitalOcean
from fakes.harbor import Harbor
from fakes.quay import Quay
from fakes.serve import serving
from fakes.swr import Swr

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/docsite/rst/in_an_accident.rst"
POLICY = {"method": "creation_date", "value": "30d", "tagPattern": "^dev-"}
RULE = {"template": "tag_rule", "params": {"num": "20"}, "tag_selectors": []}
GC, PURGE = "GARBAGE_COLLECTION", "PURGE_AUDIT_LOG"


def commands() -> list[str]:
    """Return the commands of the page, in its order."""
    # Sphinx reads a quoted text that goes over several lines in "shell" alone.
    blocks = re.findall(r"code-block:: (?:console|shell)\n\n((?:   .*\n|\n)+)", PAGE.read_text())
    lines = "".join(blocks).replace("\n     ", "\n")
    return [command.strip() for command in re.split(r"^   \$ ", lines, flags=re.MULTILINE) if command.strip()]


def of(word: str) -> list[str]:
    """Return the commands that hold this word."""
    return [command for command in commands() if word in command]


@pytest.fixture
def do(terminal, tmp_path):
    """Return what types commands into a terminal, each of which must succeed, and its folder."""

    def run(*lines):
        for line in lines:
            ran = terminal(line)
            assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        return ran

    return run, tmp_path


def quay() -> Quay:
    """Return a Quay whose policies have deleted tags."""
    state = estate.quay(3)
    space = state["organizations"][0]
    space["policies"] = [POLICY]
    space["repositories"].append({**space["repositories"][0], "name": "app"})
    space["repositories"][-1]["policies"] = [POLICY]
    fake = Quay(state)
    fake.tick()
    return fake


def test_the_page_has_commands_for_each_registry():
    assert {word: len(of(f" {word}.example.com")) for word in ("quay", "swr", "do", "harbor")} == {
        "quay": 3,
        "swr": 2,
        "do": 1,
        "harbor": 4,
    }


def test_in_quay_the_policies_go_and_a_tag_comes_back(do):
    run, folder = do
    fake = quay()
    assert "dev-old" not in fake.tags("acme/app")
    with serving(fake) as url:
        hosts = {"quay": {"hosts": {"quay.example.com": {"quay_url": url, "quay_token": estate.TOKEN}}}}
        (folder / "inventory.yml").write_text(yaml.safe_dump(hosts))
        stop, look, restore = of(" quay.example.com")
        run(*of("mkdir"), stop)
        assert not fake.policies("organization", "acme") and not fake.policies("repository", "acme/app")
        plan = json.loads((folder / "accident/quay.example.com-quay-plan.json").read_text())
        assert {change["target"] for change in plan["changes"]} == {"acme", "acme/app"}
        assert plan["changes"][0]["before"][0]["value"] == "30d", "the way back"
        run(*of("registry.hygiene.export"), *of("registry.hygiene.preview"))
        assert (folder / "accident/host_vars/quay.example.com/registry_hygiene.yml").exists()
        seen = json.loads(run(look).stdout.partition("=> ")[2])
        gone = next(tag for tag in seen["json"]["tags"] if tag["name"] == "dev-old")
        assert "end_ts" in gone
        run(re.sub("sha256:[0-9a-f]+", gone["manifest_digest"], restore))
    assert "dev-old" in fake.tags("acme/app")


def test_in_an_swr_the_policies_go_and_the_history_is_shown(do):
    run, folder = do
    repository = {"name": "api", "tags": [{"name": "v1", "age_seconds": 9}], "retentions": [RULE]}
    fake = Swr({**SWR, "organizations": [{"name": "acme", "auth": {"alice": 7}, "repositories": [repository]}]})
    with serving(fake) as url:
        hosts = {"swr": {"hosts": {"swr.example.com": {"swr_url": url, **SWR_KEY}}}}
        (folder / "inventory.yml").write_text(yaml.safe_dump(hosts))
        stop, history = of(" swr.example.com")
        run(*of("mkdir"), stop)
        assert not fake.retentions("acme/api")
        assert '"history"' in run(history).stdout
    assert swr_rows.SECRET not in (folder / "accident/swr.example.com-swr-plan.json").read_text()


def test_at_digitalocean_what_runs_is_cancelled(do, monkeypatch):
    run, folder = do
    fake = DigitalOcean()
    with serving(fake) as url:
        monkeypatch.setenv("DIGITALOCEAN_URL", url)
        token = fake.state()["tokens"][0]["token"]
        hosts = {"digitalocean": {"hosts": {"do.example.com": {"digitalocean_token": token}}}}
        (folder / "inventory.yml").write_text(yaml.safe_dump(hosts))
        started = of(" do.example.com")[0].replace('"absent"', '"present", "min_interval": "1s", "wait": false')
        run(started.replace('["*"]', '["acme"]'))
        assert "cancel" in run(*of(" do.example.com")).stdout


def test_in_harbor_runs_end_schedules_go_and_nothing_is_written_any_more(do):
    run, folder = do
    parameters = {
        GC: {"delete_untagged": True, "workers": 1},
        PURGE: {"audit_retention_hour": 9, "include_event_types": "x"},
    }
    schedules = [
        {"vendor_type": kind, "type": "Weekly", "cron": "0 0 0 * * 0", "parameters": parameters[kind]}
        for kind in (GC, PURGE)
    ]
    fake = Harbor({**estate.HARBOR, "schedules": schedules})
    fake.switches["start_seconds"] = 1e9
    waiting = fake.jobs.execution(GC, -1, "MANUAL", {"delete_untagged": True, "workers": 1, "dry_run": False})
    fake.jobs.task(waiting, lambda task: iter(()))
    with serving(fake) as url:
        login = estate.harbor_access(url)
        (folder / "inventory.yml").write_text(yaml.safe_dump({"harbor": {"hosts": {"harbor.example.com": login}}}))
        stop, replications, schedule, read_only = of(" harbor.example.com")
        run(*of("mkdir"), stop, replications, schedule)
        assert waiting.status == "Stopped"
        assert fake.jobs.scheduled(GC) is None and fake.jobs.scheduled(PURGE) is None
        assert len(list((folder / "accident").glob("*-plan.json"))) == 2
        run(read_only)
        assert fake.switches["read_only"]
