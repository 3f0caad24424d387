# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.preview.ARGUMENT_SPEC: which images a plan would delete.
    DOCUMENTATION = r"""
options:
  preview:
    description:
      - Whether to forecast which images the plan deletes, before anything is written.
      - In check mode, and when a limit such as O(max_deletions) is set, this is done in any case.
    type: bool
    default: false
  preview_limit:
    description:
      - How many images of each repository the result and the diff name. The counts are complete whatever the limit.
    type: int
    default: 10
  preview_file:
    description:
      - A file on the host where the module runs, into which the whole forecast is written as JSON, in check mode, too.
      - It is written whenever there is a forecast, also if a limit then refuses the plan.
    type: path
"""
