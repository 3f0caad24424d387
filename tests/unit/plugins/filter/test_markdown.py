# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import jinja2
from ansible.plugins.filter.mathstuff import human_readable
from ansible_collections.registry.hygiene.plugins.filter import markdown, preview_rows

TEMPLATES = Path(__file__).resolve().parents[4] / "playbooks" / "templates"
EVIL = "a|b `c` <img src=x> [d](https://e) *f*\n\n# g\x1b"


def rendered(template, **given):
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True)
    environment.filters["human_readable"] = human_readable
    environment.filters["registry.hygiene.markdown"] = markdown.FilterModule().filters()["markdown"]
    return environment.get_template(template).render(**given)


def rows(name, message):
    return preview_rows.rows([{"failed": True, "msg": message, "item": {"names": [name]}}])


def test_names_and_messages_of_others_are_text_in_the_report():
    plain, evil = (rendered("table.md.j2", rows=rows(text, text)) for text in ("plain", EVIL))
    assert len(evil.splitlines()) == len(plain.splitlines())
    assert [line.count("|") for line in evil.splitlines()] == [line.count("|") for line in plain.splitlines()]
    for sign in ("<img", "](", "https://", "`c`", "\x1b", " *f*"):
        assert sign not in evil.replace("\\`", "").replace("\\]", "").replace("\\*", "")
    assert "a&#124;b" in evil and "&lt;img src=x&gt;" in evil


def test_the_name_of_a_host_is_text_in_the_report():
    found = {"registry_hygiene_preview": rows(EVIL, "no")}
    report = rendered("registry-hygiene-preview.md.j2", ansible_play_hosts_all=["<b>|x"], hostvars={"<b>|x": found})
    assert "## &lt;b&gt;&#124;x\n" in report and "<" not in report


def test_the_table_for_the_terminal_has_a_line_for_each():
    plain, evil = (rendered("table.txt.j2", rows=rows(text, "no")) for text in ("plain", "x\n\x1b[2K\u202e"))
    assert len(plain.splitlines()) == len(evil.splitlines()) and r"x\n\x1b[2K\u202e: no" in evil
