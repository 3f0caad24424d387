# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry.hygiene.awx_setup with the modules of awx.awx, on an AWX that is made up: what is there afterwards."""

from __future__ import annotations

import json

import pytest

from awx import rules
from awx.setting_up import COLLECTIONS, changed, play, value

SECRET = "made-up-Secret-of-the-kit"
TEAM = {
    "awx_setup_project_url": "https://git.example.com/team/registry-hygiene.git",
    "awx_setup_time_zone": "Europe/Berlin",
    "awx_setup_image": "quay.example.com/acme/registry-hygiene:1",
    "awx_setup_credentials": [
        {"name": "Our Quay", "type": "Quay", "inputs": {"url": "https://quay.example.com", "token": SECRET}},
        {
            "name": "Our SWR",
            "type": "SWR key",
            "inputs": {"region": "eu-de", "access_key": SECRET, "secret_key": SECRET},
        },
    ],
    "awx_setup_notification": {
        "type": "email",
        "configuration": {
            "host": "mail.example.com",
            "port": 25,
            "username": "awx",
            "password": SECRET,
            "use_tls": False,
            "use_ssl": False,
            "sender": "awx@example.com",
            "recipients": ["team@example.com"],
        },
    },
}
NEW = json.loads(json.dumps(TEAM).replace(SECRET, "another-Secret"))
WORKFLOW = "Registry preview, approval, apply"
ARTIFACTS = {
    "registry_hygiene": {
        "summary": "3 of 4 targets would change, 361 images go",
        "hosts": {"quay-1": {"change": 3, "go": 361, "perhaps": 12, "bytes": 5, "blown": "", "message": ""}},
    }
}


@pytest.fixture(scope="module")
def made(awx):
    """Return an AWX where all of TEAM was made."""
    server, url = awx
    ran = play(url, TEAM)
    assert changed(ran) > 0
    assert SECRET not in ran.stdout + ran.stderr
    return server, url


def test_a_missing_awx_awx_is_said(awx):
    server, url = awx
    ran = play(url, TEAM, collections=str(COLLECTIONS))
    assert ran.returncode == 2 and "ansible-galaxy collection install awx.awx" in ran.stdout
    assert not server.writes


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"awx_setup_project_url": ""}, "awx_setup_project_url is missing"),
        ({"awx_setup_state": "gone"}, "awx_setup_state is present or absent"),
        ({"awx_setup_credentials": [{"name": "x", "type": "Nexus", "inputs": {}}]}, "a type: Harbor, Quay, SWR key"),
        ({"awx_setup_notification": {"kind": "email"}}, "awx_setup_notification has a type"),
    ],
)
def test_bad_input_is_refused_before_the_first_request(awx, wrong, said):
    server, url = awx
    ran = play(url, {**TEAM, **wrong})
    assert ran.returncode == 2 and said in ran.stdout and not server.writes, ran.stdout


def test_check_mode_says_what_it_cannot_do_without(awx):
    server, url = awx
    ran = play(url, TEAM, "--check")
    said = " ".join(ran.stdout.split())
    assert ran.returncode == 2 and said.count("fatal: ") == 1 and not server.writes, ran.stdout
    assert "this is not there yet: Registry Quay; Registry SWR key; Our Quay; Our SWR; Registry hygiene; " in said
    assert f"; {WORKFLOW}. Run once without --check" in said


def test_everything_is_made_once(made):
    server, url = made
    templates = {one["name"]: one for one in server.objects["job_templates"].values()}
    assert {name: (one["playbook"], one["job_type"]) for name, one in templates.items()} == {
        "Registry preview": ("preview.yml", "check"),
        "Registry apply": ("apply.yml", "run"),
        "Registry apply (approved)": ("apply.yml", "run"),
        "Registry apply (nightly)": ("apply.yml", "run"),
        "Registry history": ("history.yml", "run"),
    }
    asked = {
        name: {key[4:-10] for key, value in one.items() if key.startswith("ask_") and value}
        for name, one in templates.items()
    }
    assert asked["Registry apply"] == {"limit", "job_type", "diff_mode", "verbosity"}
    assert asked["Registry preview"] == {"limit"} and not asked["Registry apply (nightly)"]
    assert asked["Registry history"] == {"limit"}
    assert [one["variable"] for one in templates["Registry history"]["_survey"]["spec"]] == [
        "registry_hygiene_since",
        "registry_hygiene_until",
    ]
    nightly = templates["Registry apply (nightly)"]
    assert not nightly["survey_enabled"] and not nightly["_survey"]
    assert json.loads(templates["Registry preview"]["extra_vars"])["registry_hygiene_fail_on"] == "refusal"
    assert "{{ registry_hygiene | default" in templates["Registry apply (approved)"]["extra_vars"]
    for name in templates:
        assert server.related("job_templates", name, "credentials") == ["Our Quay", "Our SWR"]
    assert server.related("job_templates", "Registry preview", "notification_templates_success") == ["Registry hygiene"]
    assert server.related("job_templates", nightly["name"], "notification_templates_error") == ["Registry hygiene"]
    assert server.related("workflow_job_templates", WORKFLOW, "notification_templates_approvals")
    (schedule,) = server.objects["schedules"].values()
    assert schedule["unified_job_template"] == nightly["id"]
    assert schedule["rrule"] == "DTSTART;TZID=Europe/Berlin:20260101T023000 RRULE:FREQ=DAILY;INTERVAL=1"
    source = server.named("inventory_sources", "Registry hygiene")
    assert all(source[key] is True for key in ("overwrite", "overwrite_vars", "update_on_launch"))
    assert server.named("projects", "Registry hygiene")["scm_update_on_launch"] is True
    assert {inputs["token"] for inputs in server.secrets.values() if "token" in inputs} == {SECRET}


def test_the_workflow_goes_from_the_preview_by_the_approval_to_what_applies_no_more(made):
    server, _url = made
    nodes = {one["identifier"]: one for one in server.objects["workflow_job_template_nodes"].values()}
    steps = {name: server.related("workflow_job_template_nodes", name, "success_nodes") for name in nodes}
    assert steps == {"preview": ["approval"], "approval": ["apply"], "apply": []}
    assert nodes["preview"]["unified_job_template"] == server.named("job_templates", "Registry preview")["id"]
    assert nodes["apply"]["unified_job_template"] == server.named("job_templates", "Registry apply (approved)")["id"]
    (approval,) = server.objects["workflow_approval_templates"].values()
    assert int(approval["timeout"]) == 86400 and nodes["approval"]["unified_job_template"] == approval["id"]
    workflow = server.named("workflow_job_templates", WORKFLOW)
    assert workflow["ask_limit_on_launch"] is True and workflow["survey_enabled"] is True
    # A limit and answers reach only the nodes that ask for them, too.
    for name in ("Registry preview", "Registry apply (approved)"):
        template = server.named("job_templates", name)
        assert template["ask_limit_on_launch"] is True and template["_survey"] == workflow["_survey"]


def test_a_second_run_changes_nothing_and_leaves_secrets_alone(made):
    server, url = made
    server.writes.clear()
    assert changed(play(url, NEW)) == 0 and not server.writes
    assert changed(play(url, NEW, "--check")) == 0 and not server.writes


@pytest.mark.whole
def test_secrets_are_written_again_on_request(made):
    server, url = made
    ran = play(url, {**NEW, "awx_setup_update_secrets": True})
    assert changed(ran) == 2 and "another-Secret" not in ran.stdout + ran.stderr
    assert SECRET not in json.dumps(server.secrets)


@pytest.mark.whole
def test_it_repairs_what_was_changed_and_leaves_alone_what_it_does_not_know(made):
    server, url = made
    server.named("job_templates", "Registry apply")["_survey"] = {}
    server.named("inventory_sources", "Registry hygiene")["overwrite_vars"] = False
    few = {**TEAM, "awx_setup_credentials": [], "awx_setup_notification": {}}
    server.writes.clear()
    assert changed(play(url, few, "--check")) == 2 and not server.writes
    assert changed(play(url, few)) == 2
    assert server.named("job_templates", "Registry apply")["_survey"]
    assert server.related("job_templates", "Registry apply", "credentials") == ["Our Quay", "Our SWR"]
    assert server.related("job_templates", "Registry preview", "notification_templates_success") == ["Registry hygiene"]


@pytest.mark.whole
def test_all_of_it_goes_and_nothing_else(made):
    server, url = made
    another = {**TEAM, "awx_setup_prefix": "Others", "awx_setup_organization": "Another", "awx_setup_credentials": []}
    assert changed(play(url, another)) > 0
    both = {kind: len(found) for kind, found in server.objects.items()}
    assert changed(play(url, {**TEAM, "awx_setup_state": "absent"})) > 0
    names = [one.get("name", "") for found in server.objects.values() for one in found.values()]
    assert not [name for name in names if name.startswith(("Registry ", "Our "))], names
    left = {kind: len(found) for kind, found in server.objects.items()}
    assert left == {**{kind: number // 2 for kind, number in both.items()}, "organizations": 2, "credentials": 0}
    server.writes.clear()
    assert changed(play(url, {**TEAM, "awx_setup_state": "absent"})) == 0 and not server.writes


@pytest.mark.parametrize("kind", ["email", "webhook", "slack"])
def test_people_understand_what_a_notification_says(kind, tmp_path):
    configuration = {"type": kind, "configuration": {"url": "https://hooks.example.com"}}
    messages = value("_awx_setup_messages", {"awx_setup_notification": configuration}, tmp_path)
    rules.messages(messages)
    job = {"name": "Registry preview", "status": "successful", "artifacts": ARTIFACTS}
    context = {**rules.STUB, "job": {**rules.STUB["job"], **job}}
    message = rules.rendered(messages["success"]["message"], context)
    assert message == "Registry preview successful: 3 of 4 targets would change, 361 images go"
    body = rules.rendered(messages["success"]["body"], context)
    if kind == "webhook":
        assert json.loads(body)["artifacts"] == ARTIFACTS
        assert json.loads(rules.rendered(messages["workflow_approval"]["denied"]["body"], context))["url"]
    else:
        assert body.splitlines() == [message, "quay-1: 3 change, 361 images go, 12 perhaps", rules.STUB["url"]]
    without = rules.rendered(messages["error"]["message"], rules.STUB)
    assert without == "Stub JobTemplate running: it has handed on no sums"
    waiting = rules.rendered(messages["workflow_approval"]["running"]["message"], rules.STUB)
    assert waiting.startswith("Approve Me: approved.") and rules.STUB["workflow_url"] in waiting
