# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.runs.ARGUMENT_SPEC: how long a run counts, and how it is waited for.
    DOCUMENTATION = r"""
options:
  min_interval:
    description:
      - Start none if one that does the same has succeeded less than that long ago, by the server's clock. A number and
        a unit (V(s), V(m) (minutes), V(h), V(d), V(w)).
      - V(0s) starts one in each run of the task, unless one is running.
    type: str
    default: 0s
  wait:
    description:
      - Whether to wait until the run that was started or adopted is over, or if it was to be stopped, until none is
        running.
      - The task fails if it did not succeed.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most. After that, the task fails and leaves the run going on.
    type: int
    default: 1800
  poll_interval:
    description:
      - Seconds between two looks while waiting.
    type: int
    default: 10
"""
