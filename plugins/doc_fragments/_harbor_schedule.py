# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.schedules.SCHEDULE_SPEC: when Harbor does something by itself.
    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) makes sure that there is a schedule with the given options. What is not set keeps its value, although
        Harbor replaces all of a schedule whenever it is written.
      - V(absent) makes sure that there is none.
    type: str
    choices: [present, absent]
    default: present
  schedule:
    description:
      - How often, in the words of Harbor's web page. Without O(cron), V(hourly) means C(0 0 * * * *), V(daily)
        C(0 0 0 * * *) and V(weekly) C(0 0 0 * * 0) (Sunday), in the time zone of the server.
      - To Harbor the word is only a label, the O(cron) counts. If it is not set, it follows from O(cron).
    type: str
    choices: [hourly, daily, weekly, custom]
  cron:
    description:
      - When it fires, in six fields, namely second, minute, hour, day of month, month, day of week. The second must be
        V(0). A prefix such as C(TZ=Europe/Berlin) gives a time zone.
      - A cron that never fires, such as the one for the 31st of February, is refused, because it hangs Harbor's job
        service.
      - Required with O(schedule=custom).
    type: str
  preview:
    description:
      - V(server) lets Harbor itself make a dry run before the schedule is written, if it has to be, and returns its
        numbers under C(server_preview) of RV(schedule). It is a run of its own in Harbor's history, and is waited for.
        Check mode does without it.
      - V(yes) forecasts deleted artifacts where the module deletes some, as check mode and limits do in any case.
    type: str
    choices: ['no', 'yes', server]
    default: 'no'
  wait_timeout:
    description:
      - Seconds to wait at most for the dry run of O(preview=server).
    type: int
    default: 1800
  poll_interval:
    description:
      - Seconds between two looks while waiting.
    type: int
    default: 10
"""
