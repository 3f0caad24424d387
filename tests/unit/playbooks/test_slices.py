# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One registry, divided by the inventory plugin: what group variables declare holds in each namespace."""

from __future__ import annotations

import yaml
from contract import estate
from contract.playing import recap, writes
from fakes.quay import Quay
from fakes.serve import serving

DECLARED = {
    "quay_token": "{{ lookup('ansible.builtin.env', 'MINE') }}",
    "quay_hygiene_organizations": [
        {
            "names": ["{{ registry_hygiene_namespace }}"],
            "policies": [{"method": "creation_date", "value": "14d", "tag_pattern": "^pr-"}],
        }
    ],
    "quay_hygiene_repositories": [
        {
            "names": ["{{ registry_hygiene_namespace }}/*"],
            "exclude": ["{{ registry_hygiene_namespace }}/team-0/*"],
            "policies": [{"method": "creation_date", "value": "30d", "tag_pattern": "^dev-"}],
        }
    ],
}


def test_slices_of_a_registry_are_served_by_the_roles_as_they_are(play, tmp_path, monkeypatch):
    monkeypatch.setenv("MINE", estate.TOKEN)
    state = estate.quay(13, "acme")
    state["organizations"] += [estate.quay(2, name)["organizations"][0] for name in ("globex", "initech")]
    fake = Quay(state)
    with serving(fake) as url:
        config = {"plugin": "registry.hygiene.namespaces", "registry": "quay", "quay_url": url, "name": "q"}
        config.update(quay_token=DECLARED["quay_token"], exclude=["alice"])
        (tmp_path / "namespaces.yml").write_text(yaml.safe_dump(config))
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / "quay.yml").write_text(yaml.safe_dump(DECLARED))
        first = play("apply", {}, "-i", "namespaces.yml", "--limit", "quay[0:1]")
        assert first.returncode == 0, first.stdout + first.stderr
        assert {host: row["changed"] for host, row in recap(first).items()} == {"acme.q": 1, "globex.q": 1}
        held = {name: len(fake.policies("repository", name)) for name in map("/".join, fake.repositories)}
        assert held == {name: int(not name.startswith(("acme/team-0/", "globex/team-0/", "initech"))) for name in held}
        written = writes(fake)
        rest = play("apply", {}, "-i", "namespaces.yml")
        assert rest.returncode == 0, rest.stdout + rest.stderr
        assert {host: row["changed"] for host, row in recap(rest).items()} == {
            "acme.q": 0,
            "globex.q": 0,
            "initech.q": 1,
        }
        assert writes(fake) == written + 2, "its organization, and one of its two repositories"
        exported = play("export", {}, "-i", "namespaces.yml")
        assert exported.returncode == 0, exported.stdout + exported.stderr
        text = (tmp_path / "host_vars" / "globex.q" / "registry_hygiene.yml").read_text()
        assert "globex/team-1/" in text and "acme" not in text
