#!/usr/bin/python
# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_registry
short_description: Manage the registry endpoints that Harbor replicates from and to
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Brings registry endpoints of Harbor 2.6 to 2.16 into the declared state, one or many in a task. An endpoint is
    identified by its exact name.
  - Options that are not set stay as they are. An endpoint that is as declared is never written.
  - B(Harbor looks at the remote whenever an endpoint is written), from where Harbor runs. An endpoint whose remote is
    down or refuses the credentials can be neither made nor changed, only deleted.
options:
  name:
    description:
      - The exact name of the endpoint, 1 to 64 bytes.
    type: str
  state:
    description:
      - V(present) makes sure that there is an endpoint like this, V(absent) that there is none of this name.
      - One that replication policies use cannot be deleted. The message names them.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - What the remote is, in Harbor's words, such as V(harbor), V(docker-hub), V(docker-registry), V(quay),
        V(huawei-SWR), V(google-gcr), V(aws-ecr), V(azure-acr), V(ali-acr), V(jfrog-artifactory), V(gitlab), V(dtr),
        V(tencent-tcr), V(github-ghcr), V(volcengine-cr) (since 2.11).
      - A new endpoint needs it. Harbor cannot change it later, so another one than that of the endpoint is refused.
    type: str
  url:
    description:
      - The address of the remote. A new endpoint needs it. Without a scheme, Harbor takes C(http://).
      - Since 2.16, Harbor forgets the secret when the address changes, so O(access_secret) is needed with another one.
    type: str
  description:
    description:
      - A text about it. Empty for a new endpoint if it is not set.
    type: str
  insecure:
    description:
      - Whether the certificate of the remote is not verified. V(false) for a new endpoint if it is not set.
    type: bool
  ca_certificate:
    description:
      - One certificate or several, in PEM form, that the remote's is verified with, since Harbor 2.15. Empty, there is
        none.
    type: str
  credential_type:
    description:
      - How Harbor signs in, V(basic) if it is not set.
    type: str
  access_key:
    description:
      - The name with which Harbor signs in. Empty, it signs in no more, and Harbor drops the secret, too.
    type: str
  access_secret:
    description:
      - The secret that goes with O(access_key). It is never shown. See O(update_secret).
      - Beside O(undo) it is the secret of the one endpoint that is put back. No plan file holds it.
    type: str
  update_secret:
    description:
      - Harbor does not show the secret that it has, so nobody can see whether it is another one.
      - With V(on_create), it is written with a new endpoint, with another O(access_key) or O(url), and where Harbor has
        none.
      - With V(always), it is written each time, and the task is changed each time.
    type: str
    choices: [on_create, always]
    default: on_create
  registries:
    description:
      - Several endpoints in one task. All are read with one listing, planned together, and only then written.
      - Each has the options above, which then do not stand beside the list.
    type: list
    elements: dict
    suboptions:
      name:
        description: As O(name).
        type: str
        required: true
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      type:
        description: As O(type).
        type: str
      url:
        description: As O(url).
        type: str
      description:
        description: As O(description).
        type: str
      insecure:
        description: As O(insecure).
        type: bool
      ca_certificate:
        description: As O(ca_certificate).
        type: str
      credential_type:
        description: As O(credential_type).
        type: str
      access_key:
        description: As O(access_key).
        type: str
      access_secret:
        description: As O(access_secret).
        type: str
      update_secret:
        description: As O(update_secret).
        type: str
        choices: [on_create, always]
        default: on_create
  exclusive:
    description:
      - Whether endpoints that O(registries) does not list are deleted. The list must not be empty then.
    type: bool
    default: false
extends_documentation_fragment:
  - registry.hygiene._harbor
  - registry.hygiene._http
  - registry.hygiene._plan
  - registry.hygiene._undo
  - registry.hygiene._attributes
  - registry.hygiene._attributes.action
notes:
  - In check mode, an endpoint in use that is to be deleted is a warning, because an earlier task of the same play might
    delete the policies that use it.
  - Whether a type is right is not known to Harbor. A plain docker-registry passes for any type.
seealso:
  - module: registry.hygiene.harbor_registry_info
  - module: registry.hygiene.harbor_replication_policy
"""

EXAMPLES = r"""
- name: Have an endpoint for Docker Hub
  registry.hygiene.harbor_registry:
    harbor_url: https://harbor.example.com
    harbor_username: robot$cleaner
    harbor_password: "{{ vault_harbor_password }}"
    name: hub
    type: docker-hub
    url: https://hub.docker.com
    access_key: acme
    access_secret: "{{ vault_hub_token }}"

- name: Write another secret
  registry.hygiene.harbor_registry:
    name: hub
    access_key: acme
    access_secret: "{{ vault_hub_token }}"
    update_secret: always

- name: Have these two, and no others
  registry.hygiene.harbor_registry:
    registries:
      - name: hub
        type: docker-hub
        url: https://hub.docker.com
      - name: disaster-recovery
        type: harbor
        url: https://harbor-dr.example.com
        access_key: robot$replication
        access_secret: "{{ vault_dr_secret }}"
    exclusive: true
"""

RETURN = r"""
registry:
  description:
    - The endpoint afterwards, in check mode as it would be. V(null) if there is none.
    - With O(registries), a dictionary from the name to it, see O(return_states).
  type: dict
  returned: success, or when only some of the targets failed
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
      description: Asterisks if it was written, V(null) if not. It is never known.
      type: str
      sample: null
plan:
  description:
    - What the task changes, or would change.
      The module M(registry.hygiene.quay_autoprune_policy) describes all keys.
    - Everything is in O(plan_file).
  type: dict
  returned: always, unless the task fails before there is a plan
  contains:
    targets:
      description: How many endpoints the task is about.
      type: int
      sample: 2
    changed:
      description: How many of them change.
      type: int
      sample: 1
    images:
      description: All of its numbers are V(0), as no image goes.
      type: dict
      sample: {count: 0, uncertain_count: 0, anyway_count: 0, added_count: 0, total: 0, bytes: 0, repositories: 0,
        estimate: false}
    refused:
      description: V(null), or that O(plan) refused it. Nothing is written then.
      type: dict
      sample: null
    lines:
      description: The plan for people. The diff is the same.
      type: list
      elements: str
      sample:
        - "+ hub: new, docker-hub at https://hub.docker.com, as acme"
changed_targets:
  description: The first 50 names of endpoints that were changed, or would be.
  type: list
  elements: str
  returned: always, unless the task fails before there is a plan
  sample: [hub]
failures:
  description:
    - From the name of each endpoint that failed to the reason, at most 50. The others were served all the same.
  type: dict
  returned: when some of them failed
  sample:
    hub: "POST /api/v2.0/registries answered 400: the registry is unhealthy. Harbor looks at the remote whenever ..."
"""

from ansible_collections.registry.hygiene.plugins.module_utils._core.module import Module
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import (
    declared,
    endpoints,
    listings,
    registry,
)


class HarborRegistry(declared.Declared):
    """One registry endpoint."""

    module = "harbor_registry"
    noun = called = "registry"
    several = "registries"
    place = listings.ENDPOINTS
    beside_undo = ("access_secret",)

    @classmethod
    def validate(cls, params):
        endpoints.check(params)
        return []

    @classmethod
    def declaring(cls, state, params):
        return endpoints.declaring(state)

    def shows(self, there, state):
        return endpoints.unmasked(there) == endpoints.unmasked(state)

    def lost(self, before, after):
        return "" if self.params["access_secret"] else endpoints.lost(before, after)

    def state_of(self, found):
        return endpoints.state_of(self.version, found)

    def read(self):
        current = super().read()
        if current and self.params["state"] == "absent":
            endpoints.check_unused(self.client, self.found)
        return current

    def wanted(self, current):
        return endpoints.planned(self.version, self.target, self.params, current, endpoints.has_secret(self.found))

    def changes(self, current, planned):
        return endpoints.changes(current, planned)

    def refused(self, error):
        return endpoints.refused(error)

    def apply(self, current, planned):
        if planned is None:
            return self.delete()
        secret = self.params["access_secret"]
        body = endpoints.replaced(current, planned, secret) if current else endpoints.created(planned, secret)
        rewritten = current and planned["access_secret"]  # then nobody can see whether it was written
        return self.write(body, planned, lambda there: there == dict(planned, access_secret=None) and not rewritten)


MODULE = Module(
    HarborRegistry,
    registry,
    endpoints.ENDPOINT_SPEC,
    beside=dict(exclusive=dict(type="bool", default=False)),
)


def main():
    MODULE.run()


if __name__ == "__main__":
    main()
