# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.history.ARGUMENT_SPEC: which time, and how much of it to return.
    DOCUMENTATION = r"""
options:
  since:
    description:
      - From when on. A length of time before now, as a number and a unit (V(s), V(m) (minutes), V(h), V(d), V(w)), or a
        time as in RFC 3339, such as V(2026-11-30T06:00:00Z); without an offset it is in UTC.
    type: str
    default: 24h
  until:
    description:
      - Up to when, in the same form. Without it, up to now.
    type: str
  limit:
    description:
      - How many deletions to return at most, the newest first, from 0 to 100000. All are counted, and are in
        O(history_file).
    type: int
    default: 500
  history_file:
    description:
      - A file on the host where the module runs, into which all of it is written as JSON, in check mode, too. Its
        folder must be there.
    type: path
"""
