# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _swr.retention.TARGET_SPEC: whose policies.
    DOCUMENTATION = r"""
options:
  namespace:
    description:
      - The organization.
    type: str
    required: true
    aliases: [organization]
  repositories:
    description:
      - The repositories, each by its name without the organization. Names may hold slashes.
      - Globs (C(*), C(?), C([...])) are replaced by the matching repositories that can be seen. C(*) goes across
        slashes, so V(*) means every repository.
    type: list
    elements: str
    required: true
"""
