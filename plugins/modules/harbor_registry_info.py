#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_registry_info
short_description: Read the registry endpoints that Harbor replicates from and to
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Returns registry endpoints of Harbor 2.6 to 2.16, and on demand whether their remotes can be reached now.
options:
  names:
    description:
      - The names of the endpoints to return. The wildcards C(*), C(?) and C([...]) stand for several, C(*) also across
        slashes. All of them if it is not set.
    type: list
    elements: str
  ping:
    description:
      - Whether to let Harbor look at each remote now, with the credentials that it has. The C(status) that it shows
        otherwise is some minutes old.
      - Check mode does without it.
    type: bool
    default: false
extends_documentation_fragment:
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._attributes.info
  - registry.hygiene._attributes.action
seealso:
  - module: registry.hygiene.harbor_registry
"""

EXAMPLES = r"""
- name: Read all endpoints, and whether they answer
  registry.hygiene.harbor_registry_info:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    ping: true
  register: endpoints

- name: Name those that do not
  ansible.builtin.debug:
    msg: "{{ endpoints.details | dict2items | rejectattr('value.ping.healthy') | map(attribute='key') }}"

- name: Have the same in another Harbor; secrets are not among what Harbor shows
  registry.hygiene.harbor_registry:
    harbor_url: https://harbor-dr.example.com
    registries: "{{ endpoints.registries }}"
"""

RETURN = r"""
registries:
  description: The endpoints, sorted by name, each with the options of M(registry.hygiene.harbor_registry).
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
      sample: hub
    type:
      description: What the remote is.
      type: str
      sample: docker-hub
    url:
      description: Its address, as Harbor writes it.
      type: str
      sample: https://hub.docker.com
    description:
      description: The text about it.
      type: str
      sample: ""
    insecure:
      description: Whether the certificate of the remote is not verified.
      type: bool
      sample: false
    ca_certificate:
      description: The certificates that the remote's is verified with, V(null) before Harbor 2.15.
      type: str
      sample: ""
    credential_type:
      description: How Harbor signs in, V(null) if it does not.
      type: str
      sample: basic
    access_key:
      description: The name with which Harbor signs in, V(null) if it does not.
      type: str
      sample: acme
    access_secret:
      description: Always V(null), as Harbor does not show it.
      type: str
      sample: null
details:
  description: From the name of each of them to what else Harbor tells of it.
  type: dict
  returned: success
  sample:
    hub:
      id: 4
      status: healthy
      has_secret: true
      creation_time: "2026-11-21T12:33:02.492Z"
      update_time: "2026-11-21T12:33:02.492Z"
      ping: {healthy: false, message: the registry is unhealthy}
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import Resource
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import endpoints, listings, registry


class HarborRegistryInfo(Resource):
    """The registry endpoints, to be read."""

    nouns = ("registries", "details")

    @classmethod
    def targets(cls, client, params):
        registry.version(client)
        return "registries"

    def read(self):
        version, client = registry.version(self.client), self.client
        rows = listings.chosen(client, listings.ENDPOINTS, self.params["names"])
        details = {row["name"]: endpoints.details(row) for row in rows}
        if self.params["ping"] and client.read_only:
            client.warnings.append("ping: check mode only reads, so Harbor is not asked to look at the remotes")
        elif self.params["ping"]:
            for row, ping in zip(rows, client.each(lambda row: endpoints.pinged(client, row), rows)):
                details[row["name"]]["ping"] = ping
        return {"registries": [endpoints.state_of(version, row) for row in rows], "details": details}


MODULE = Module(
    HarborRegistryInfo,
    registry,
    dict(names=dict(type="list", elements="str"), ping=dict(type="bool", default=False)),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
