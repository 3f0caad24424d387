# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.information.INFO_SPEC: which runs to read.
    DOCUMENTATION = r"""
options:
  id:
    description:
      - One run, returned as RV(execution) with all that is known of it. RV(executions) is empty then.
    type: int
  log:
    description:
      - Whether to return the log of the run O(id), too.
    type: bool
    default: false
  status:
    description:
      - Only runs of these statuses. A run that waits is V(Running), too.
    type: list
    elements: str
    choices: [Running, Success, Error, Stopped]
  trigger:
    description:
      - Only runs that were started by hand, or by the schedule.
    type: str
    choices: [manual, schedule]
  dry_run:
    description:
      - Only dry runs, or only others.
    type: bool
  sort:
    description:
      - Which runs come first, by the time they were started.
    type: str
    choices: [newest, oldest]
    default: newest
  limit:
    description:
      - How many runs to return at most, V(0) for all that Harbor remembers.
    type: int
    default: 0
"""
