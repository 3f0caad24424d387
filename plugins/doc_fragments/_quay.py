# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _quay.registry.client: which Quay, and who asks.
    DOCUMENTATION = r"""
options:
  quay_url:
    description:
      - The address of Quay, for example V(https://quay.example.com).
      - If it is not set, the environment variable E(QUAY_URL) is used.
    type: str
    required: true
  quay_token:
    description:
      - An OAuth access token of Quay, made by an application of an organization (I(Generate Token)). The password of
        a robot or a user is no such token.
      - It needs the scope C(org:admin) for O(organizations), C(repo:admin) for O(repositories) and C(user:admin) for
        O(current_user), and acts with the rights of the user who made it.
        Globs in O(organizations) also need C(user:read).
      - Forecasts and limits need C(org:admin) and C(repo:admin) for O(organizations) and O(repositories), and
        C(user:admin) and C(repo:admin) for O(current_user). A user who administers a repository but not its
        organization cannot have them.
      - If it is not set, the environment variable E(QUAY_TOKEN) is used.
    type: str
    required: true
"""
