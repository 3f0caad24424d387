# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.fuse.ARGUMENT_SPEC: when a plan deletes too much.
    DOCUMENTATION = r"""
options:
  max_deletions:
    description:
      - How many images the plan may delete, over all targets of the task together. If it is more, nothing at all
        is written, and the task fails, in check mode, too.
      - This and the other limits count what is uncertain as deleted. A target without a forecast, because the token
        must not list tags for example, fails and is not written.
      - An entry of C(declarations) may have a limit of its own. What it deletes counts for that one and not for this.
    type: int
  max_deletions_percent:
    description:
      - How many of the images in the changed targets the plan may delete, as a percentage.
    type: float
  min_keep:
    description:
      - How many images must stay in each repository in which the plan deletes some.
    type: int
  protect:
    description:
      - Regular expressions of Python. If the plan deletes an image with a tag in which one of them is found, nothing at
        all is written, and the task fails.
      - An image without a tag has the empty name here, so that V(.*) protects everything, and V(.) what has a tag.
      - An expression that cannot be evaluated in reasonable time protects what it may find.
    type: list
    elements: str
  on_limit:
    description:
      - What to do if repositories go beyond O(min_keep) or O(protect).
      - V(fail) refuses the whole plan.
      - V(skip) leaves those targets as they are whose change is felt in such a repository, names them in RV(left_out),
        and serves the others.
      - O(max_deletions) and O(max_deletions_percent) always refuse the whole plan. With V(skip) they count what is
        left.
    type: str
    choices: [fail, skip]
    default: fail
  limits_count:
    description:
      - Which images the limits count.
      - V(all) counts all images that go, also those that go anyway under what is there now.
      - V(added) counts only what the change adds.
    type: str
    choices: [all, added]
    default: all
"""
