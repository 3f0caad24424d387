# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _quay.reader.SCOPE_SPEC: whose policies.
    DOCUMENTATION = r"""
options:
  organizations:
    description:
      - The organizations whose own policies are meant. Such policies act on every repository of the organization.
      - Globs (C(*), C(?), C([...])) are replaced by the matching ones of the organizations that the token administers;
        V(*) means all of these.
      - Names are case-sensitive.
    type: list
    elements: str
  repositories:
    description:
      - The repositories whose own policies are meant, each as C(namespace/name).
      - Globs (C(*), C(?), C([...])) after the namespace are replaced by the matching repositories that the token can
        see. C(*) goes across slashes, so V(acme/*) means every repository of V(acme), V(acme/team/app) included.
    type: list
    elements: str
  current_user:
    description:
      - V(true) means the policies of the user to whom O(quay_token) belongs. They act on every repository of that user.
    type: bool
"""
