# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the templates that awx_setup makes, as AWX starts them: by ansible-runner, with what credentials inject."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from runner import events

from awx.setting_up import COLLECTIONS, SKELETON, value

VARIABLES = ("_awx_setup_templates", "_awx_setup_credential_types", "_awx_setup_survey")


def described(folder: Path) -> list:
    """Return what awx_setup would make, for a kit."""
    return value(f"[{', '.join(VARIABLES)}]", {}, folder)


class Kit:
    """What awx_setup would make, with a copy of the skeleton as the project. found: see described."""

    def __init__(self, folder: Path, found: list) -> None:
        self.templates = {one["name"]: one for one in found[0]}
        self.types = {one["name"]: one for one in found[1]}
        self.folder = folder
        self.project = folder / "project"
        shutil.copytree(SKELETON, self.project)

    def injected(self, kind: str, inputs: dict[str, str]) -> dict[str, str]:
        """Return the environment that a credential gives a job: of a field that is empty, an empty variable."""
        kind_ = self.types[kind]
        fields = {field["id"]: inputs.get(field["id"], "") for field in kind_["inputs"]["fields"]}
        assert set(inputs) <= set(fields) and set(kind_["inputs"]["required"]) <= set(inputs)
        environment = ImmutableSandboxedEnvironment()
        return {
            name: environment.from_string(template).render(fields)
            for name, template in kind_["injectors"]["env"].items()
        }

    def answered(self, template: str, answers: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of a template's survey: without an answer, texts are empty and numbers are not there."""
        questions = self.templates[template].get("survey", {}).get("spec", [])
        names = {one["variable"]: one["type"] for one in questions}
        assert set(answers) <= set(names)
        return {**{name: "" for name, kind in names.items() if kind == "text"}, **answers}

    def job(
        self,
        template: str,
        env: dict[str, str],
        answers: dict[str, Any] | None = None,
        artifacts: dict[str, Any] | None = None,
        limit: str = "",
        options: tuple = (),
    ) -> events.Run:
        """Return the job of a template. artifacts: of earlier jobs of its workflow."""
        described = self.templates[template]
        given = {**(artifacts or {}), **self.answered(template, answers or {})}
        # Of the template's own variables AWX lets Jinja through, of others not.
        own = self.folder / "own.json"
        own.write_text(json.dumps(described["extra_vars"]))
        others = self.folder / "others.yml"
        others.write_text(unsafe(given))
        command = ["-i", str(self.project / "inventory" / "hosts.yml"), "-e", f"@{own}", "-e", f"@{others}", *options]
        command += ["--check"] if described["job_type"] == "check" else []
        command += ["-l", limit] if limit else []
        settings = {
            "ANSIBLE_CONFIG": str(self.project / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        return events.run(str(self.project / described["playbook"]), command, {**settings, **env})


def unsafe(found: Any) -> str:
    """Return a value as YAML in one line, with texts that Ansible does not fill in."""
    if isinstance(found, dict):
        return "{" + ", ".join(f"!unsafe {json.dumps(key)}: {unsafe(one)}" for key, one in found.items()) + "}"
    return f"!unsafe {json.dumps(found)}" if isinstance(found, str) else json.dumps(found)
