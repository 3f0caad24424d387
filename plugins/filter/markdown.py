# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a text inert for the Markdown report of the playbook preview."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: markdown
short_description: Escape a text for one line or table cell of Markdown
version_added: 0.1.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns a text that Markdown shows as it is. HTML, links, emphasis and the borders of tables are escaped.
  - What cannot be printed, line breaks too, becomes visible, such as C(\n) or C(\x1b).
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a name that somebody else chose
  ansible.builtin.debug:
    msg: "**{{ 'a|<b>' | registry.hygiene.markdown }}**"
"""

RETURN = r"""
_value:
  description: The escaped text.
  type: str
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import markdown


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return name -> function."""
        return {"markdown": markdown}
