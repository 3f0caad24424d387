# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.executions.RUN_SPEC: runs to start and to stop.
    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(started) starts a run. One with the same options that is running already, or waits to run, is adopted.
      - V(stopped) makes sure that the run O(id), or without it any run of this kind, does not go on. A run of another
        kind is never stopped, although Harbor itself would. Harbor answers before the run ends, see O(wait).
    type: str
    choices: [started, stopped]
    default: started
  id:
    description:
      - The run to stop, with O(state=stopped).
    type: int
  dry_run:
    description:
      - Whether Harbor is only to find out what would be deleted.
    type: bool
    default: false
  preview:
    description:
      - V(server) lets Harbor itself make a dry run before the real one, if one is to be started, and returns its
        numbers under C(server_preview) of RV(execution). It is waited for. Check mode does without it.
      - V(yes) forecasts deleted artifacts where the module deletes some, as check mode and limits do in any case.
    type: str
    choices: ['no', 'yes', server]
    default: 'no'
"""
