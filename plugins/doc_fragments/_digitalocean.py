# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _digitalocean.registry.client: who asks.
    DOCUMENTATION = r"""
options:
  digitalocean_token:
    description:
      - An API token with the scope C(registry:read), and C(registry:update) to start or cancel something.
      - If it is not set, the environment variables E(DIGITALOCEAN_TOKEN), E(DIGITALOCEAN_ACCESS_TOKEN) and
        E(DO_API_TOKEN) are used.
    type: str
    required: true
  digitalocean_url:
    description:
      - The address of the API.
      - If it is not set, the environment variable E(DIGITALOCEAN_URL) is used.
    type: str
    default: https://api.digitalocean.com
"""
