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

    # The option of _harbor.immutable_rules.DECLARED_SPEC, of modules that forecast what tag retention deletes.
    IMMUTABLE_TAGS = r"""
options:
  immutable_tags:
    description:
      - What a task with M(registry.hygiene.harbor_immutable_tag_rule) before this one declares, as its
        O(registry.hygiene.harbor_immutable_tag_rule#module:declarations). In check mode, in which that task writes
        nothing, it is taken for done, so that the forecast knows which tags will be protected by then.
      - Without it, the forecast of check mode is by the rules that are there now. Out of check mode it means nothing.
    type: list
    elements: dict
"""
