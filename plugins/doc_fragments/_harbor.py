# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _harbor.registry.client: which Harbor, and who asks.
    DOCUMENTATION = r"""
options:
  harbor_url:
    description:
      - The address of Harbor, for example V(https://harbor.example.com), without C(/api).
      - If it is not set, the environment variable E(HARBOR_URL) is used.
    type: str
    required: true
  harbor_username:
    description:
      - The name of a user with the rights of a system administrator, or of a system robot account with its prefix,
        such as V(robot$cleaner). A robot is quicker and can be given fewer rights.
      - A robot needs the permissions C(read) and C(list) of C(purge-audit) (audit log) or C(garbage-collection), and to
        change something C(create), C(update) and C(stop). Forecasts of deleted artifacts need C(list) of C(repository)
        and C(artifact) in all projects.
      - In the projects it is to serve, it needs C(read) and C(list) of C(tag-retention), C(list) of C(immutable-tag),
        and to change something also C(create), C(update) and C(delete). Forecasts of tag retention need C(list) of
        C(repository), C(artifact) and C(immutable-tag).
      - For replications it needs C(read) and C(list) of C(registry), C(replication-policy) and C(replication), to
        change something also C(create), C(update) and C(delete) of the first two, and C(create) of the third to start
        and stop.
      - A user who signs in by OIDC has no password that Harbor takes here.
      - If it is not set, the environment variable E(HARBOR_USERNAME) is used.
    type: str
    required: true
  harbor_password:
    description:
      - The password of the user, or the secret of the robot account.
      - A wrong one is never tried twice, because Harbor locks the user for a moment after each.
      - If it is not set, the environment variable E(HARBOR_PASSWORD) is used.
    type: str
    required: true
"""
