# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.projects.PROJECTS_SPEC: which projects.
    DOCUMENTATION = r"""
options:
  projects:
    description:
      - The projects, by name. Globs (C(*), C(?), C([...])) are replaced by the matching projects that the user sees.
      - A system administrator and a robot of the whole system see all projects, others those that are public and their
        own.
    type: list
    elements: str
  exclude:
    description:
      - Names and globs of projects to leave out of those that O(projects) names.
    type: list
    elements: str
"""

    # The same where no list of declarations may stand in their place.
    REQUIRED = r"""
options:
  projects:
    description:
      - The projects, by name. Globs (C(*), C(?), C([...])) are replaced by the matching projects that the user sees.
      - A system administrator and a robot of the whole system see all projects, others those that are public and their
        own.
    type: list
    elements: str
    required: true
  exclude:
    description:
      - Names and globs of projects to leave out of those that O(projects) names.
    type: list
    elements: str
"""
