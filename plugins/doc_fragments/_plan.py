# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.planfile.ARGUMENT_SPEC and _core.result.ARGUMENT_SPEC: what is told of a plan.
    DOCUMENTATION = r"""
options:
  plan_file:
    description:
      - A file on the host where the module runs, into which the whole plan is written as JSON, with every change and
        every image. Its folder must be there. The guide I(Plans and limits) describes its form.
      - It is written before the first change, in check mode, too, and also if the plan is then refused.
      - Each task writes its own. A file of an earlier task is replaced, but if that one was carried out and changed
        something, it stays beside it with its time in its name, such as C(plan.2026-11-21T140000Z.json).
    type: path
  plan:
    description:
      - A file that an earlier task wrote as its O(plan_file). Nothing is written if this task would change anything in
        another way than that plan says, or delete images that do not go by it. The message shows the difference.
      - It has to be of the same module and registry. Limits hold as well.
    type: path
  preview:
    description:
      - Whether to forecast which images the plan deletes, before anything is written.
      - This is done in any case in check mode, with O(plan_file) or O(plan), and when a limit such as C(max_deletions)
        is set.
    type: bool
    default: false
  preview_limit:
    description:
      - How many images to show, in the result and the diff, of each of the ten repositories that lose most, from 0 to
        1000. The counts are complete whatever the limit.
    type: int
    default: 3
  return_states:
    description:
      - The states of which targets to return.
      - V(auto) returns all of up to 50 targets, of more only those that changed, and of these up to 50.
      - V(all) returns all, whatever the size. V(none) returns none.
      - A single target that is named exactly is returned in any case.
    type: str
    choices: [auto, all, none]
    default: auto
"""
