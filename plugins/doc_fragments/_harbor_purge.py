# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.purge.PURGE_SPEC: which rows of the audit log go.
    DOCUMENTATION = r"""
options:
  audit_retention_hour:
    description:
      - How long rows stay, as a number of hours from V(1) to V(240000), or as a length such as V(90d) (V(h), V(d),
        V(w)).
    type: str
  include_event_types:
    description:
      - The types of events whose rows go, since Harbor 2.13. V(create_artifact), V(delete_artifact),
        V(pull_artifact), V(create_project), V(delete_project), V(delete_repository), V(login_user), V(logout_user),
        V(create_user), V(delete_user), V(update_user), V(create_robot), V(delete_robot), V(update_configuration);
        since 2.16 V(create_member), V(delete_member), V(update_member), V(update_project); V(other) means all but the
        first three.
      - Harbor up to 2.12 knows O(include_operations) only and does without these.
    type: list
    elements: str
  include_operations:
    description:
      - The operations whose rows go, of V(create), V(delete) and V(pull).
      - That is all that Harbor up to 2.12 knows. Since 2.13 they mean the rows that were written before the upgrade,
        and O(include_event_types) is needed beside them.
    type: list
    elements: str
"""
