# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.undo.ARGUMENT_SPEC: how a plan is taken back.
    DOCUMENTATION = r"""
options:
  undo:
    description:
      - A file that an earlier task of this module wrote as its O(plan_file). Everything that it changed is put back as
        it was before, with the same forecast, limits, diff, check mode and O(plan_file) as any other change.
      - It has to be of the same module and registry. What is to be changed is in the file, so no option says it.
      - A target that is neither as the plan made it nor as it was before was changed by somebody else since. It fails,
        and the others are put back. See O(undo_force).
      - What is as it was before already stays so. That is the case of a plan that was only looked at, too.
      - Images that were deleted meanwhile stay deleted. Secrets are in no plan file.
    type: path
  undo_force:
    description:
      - Whether O(undo) also puts back what somebody else has changed since.
    type: bool
    default: false
"""
