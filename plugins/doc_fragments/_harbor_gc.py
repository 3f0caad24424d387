# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.gc.GC_SPEC: what is collected; and what a limit counts.
    DOCUMENTATION = r"""
options:
  delete_untagged:
    description:
      - Whether artifacts that no tag reaches are deleted first, whatever their age. That can be images which are still
        pulled by their digest. Children of an index that a tag reaches are spared.
      - Without it, only blobs go that nothing uses any more. If it is not set, a schedule keeps what it has, and a run
        does without.
    type: bool
  delete_tag:
    description:
      - Harbor's parameter of that name, since 2.15. It is about what the storage holds for tags that are gone, not
        about tags that Harbor shows.
    type: bool
  workers:
    description:
      - How many workers of Harbor delete at the same time, V(1) to V(10), from Harbor 2.9 to 2.12 V(1) to V(5). Before
        there are none.
    type: int
    default: null
  max_deletions:
    description:
      - How many artifacts may go because no tag reaches them. If it is more, nothing at all is written, and the task
        fails, in check mode, too.
      - This and the other limits need a forecast. Without one, because the robot must not list artifacts for example,
        the task fails and writes nothing.
    type: int
"""
