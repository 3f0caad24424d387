# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes hosts of the namespaces of one registry, so that it can be divided."""

from __future__ import annotations

DOCUMENTATION = r"""
name: namespaces
short_description: Make a host of each organization, project or namespace of one registry
version_added: 1.0.0
author: registry.hygiene contributors (@registry-hygiene)
description:
  - Divides one large registry, so that C(forks), C(--limit), C(serial) and the slices of AWX share it out.
  - A host is made of each organization of a Quay and of the token's own user, of each organization of an SWR, of each
    project of a Harbor, and of each registry of an account of DigitalOcean.
  - The hosts are in the group that the roles and playbooks of this collection expect, C(quay), C(swr), C(harbor) or
    C(digitalocean). Each has the variable C(registry_hygiene_namespace), with which variables of that group say what is
    declared for it, the address of the registry, and C(ansible_connection=local). Credentials are never variables.
  - The file has to be called C(namespaces.yml), or something that ends with C(.namespaces.yml).
  - B(Limits hold for each host by itself.) A host of a project of a Harbor has no schedules, and only the host of the
    token's own user has policies of the user of a Quay.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - registry.hygiene._swr
  - registry.hygiene._http
options:
  plugin:
    description: Always V(registry.hygiene.namespaces).
    type: str
    required: true
    choices: [registry.hygiene.namespaces]
  registry:
    description: What the registry is.
    type: str
    required: true
    choices: [quay, swr, harbor, digitalocean]
  name:
    description:
      - What the names of the hosts end with, after the namespace and a dot.
      - By default the host of the address, such as C(acme.quay.example.com).
    type: str
  include:
    description: Names and globs of the namespaces to take.
    type: list
    elements: str
    default: ['*']
  exclude:
    description: Names and globs of namespaces to leave out.
    type: list
    elements: str
    default: []
  quay_url:
    description:
      - The address of the Quay.
      - If it is not set, the environment variable E(QUAY_URL) is used.
    type: str
  quay_token:
    description:
      - An OAuth access token with the scope C(user:read).
      - If it is not set, the environment variable E(QUAY_TOKEN) is used. Credentials may also be templates, such as a
        lookup.
    type: str
  harbor_url:
    description:
      - The address of the Harbor.
      - If it is not set, the environment variable E(HARBOR_URL) is used.
    type: str
  harbor_username:
    description:
      - A user, or a robot account with its prefix. What it sees is listed.
      - If it is not set, the environment variable E(HARBOR_USERNAME) is used.
    type: str
  harbor_password:
    description:
      - The password of the user, or the secret of the robot account.
      - If it is not set, the environment variable E(HARBOR_PASSWORD) is used.
    type: str
  digitalocean_token:
    description:
      - An API token with the scope C(registry:read).
      - If it is not set, the environment variables E(DIGITALOCEAN_TOKEN), E(DIGITALOCEAN_ACCESS_TOKEN) and
        E(DO_API_TOKEN) are used.
    type: str
  digitalocean_url:
    description:
      - The address of the API.
      - If it is not set, the environment variable E(DIGITALOCEAN_URL) and V(https://api.digitalocean.com) are used.
    type: str
requirements:
  - requests
  - jsonschema
"""

EXAMPLES = r"""
# quay.namespaces.yml, with the token in the environment (QUAY_TOKEN)
plugin: registry.hygiene.namespaces
registry: quay
quay_url: https://quay.example.com
exclude:
  - sandbox-*
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /tmp/registry-hygiene
cache_timeout: 3600
keyed_groups:
  - key: registry_hygiene_namespace.split('-')[0]
    prefix: team

# group_vars/quay.yml beside it:
#
# quay_hygiene_repositories:
#   - names: ["{{ registry_hygiene_namespace }}/*"]
#     policies:
#       - method: creation_date
#         value: 30d
#         tag_pattern: ^dev-
"""

import hashlib
import re
import urllib.parse

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.registry.hygiene.plugins.module_utils._core import access, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import namespaces as of_digitalocean
from ansible_collections.registry.hygiene.plugins.module_utils._digitalocean import registry as digitalocean
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import namespaces as of_harbor
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import registry as harbor
from ansible_collections.registry.hygiene.plugins.module_utils._quay import namespaces as of_quay
from ansible_collections.registry.hygiene.plugins.module_utils._quay import registry as quay
from ansible_collections.registry.hygiene.plugins.module_utils._swr import namespaces as of_swr
from ansible_collections.registry.hygiene.plugins.module_utils._swr import registry as swr

ROOMS = {
    "quay": (quay, of_quay),
    "swr": (swr, of_swr),
    "harbor": (harbor, of_harbor),
    "digitalocean": (digitalocean, of_digitalocean),
}
# Of a registry, so of anybody: nothing in it means anything to Jinja, to a pattern of hosts or to a path.
NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.+@-]{0,254}\Z")
MOST_TOLD = 10  # names in a warning


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Hosts of the namespaces of one registry."""

    NAME = "registry.hygiene.namespaces"

    def verify_file(self, path):
        """Return whether the file is called as one of ours."""
        return super().verify_file(path) and bool(re.search(r"(\A|[/.])namespaces\.ya?ml\Z", path))

    def parse(self, inventory, loader, path, cache=True):
        """Add the hosts."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        kind = self.get_option("registry")
        try:
            found = self._found(kind, path, cache)
        except RegistryError as error:
            raise AnsibleParserError(f"{kind}: {error}") from None
        self._populate(kind, found)

    def _found(self, kind, path, cache):
        """Return namespace -> variables of all namespaces, if need be from the registry."""
        room, own = ROOMS[kind]
        client = room.client(self._params(room), read_only=True)
        if not self.get_option("cache"):
            return self._listed(own, client)
        # Whoever may see what decides what is listed, and a changed file is another question.
        asked = hashlib.sha256("\0".join([client.url, *sorted(client.secrets)]).encode()).hexdigest()
        key = self.get_cache_key(f"{path}\0{kind}\0{asked}")
        if cache and key in self._cache:
            return self._cache[key]
        found = self._cache[key] = self._listed(own, client)
        return found

    def _listed(self, own, client):
        found = {name: own.variables(client, name) for name in own.namespaces(client)}
        for warning in client.warnings:
            self.display.warning(printable(warning))
        return found

    def _params(self, room):
        """Return the options of the client, checked as those of a module, with the environment as for these."""
        spec = dict(access.ARGUMENT_SPEC, **room.ARGUMENT_SPEC)
        given = {name: self._templated(self.get_option(name)) for name in spec}
        validated = ModuleArgumentSpecValidator(spec).validate(
            {name: value for name, value in given.items() if value not in (None, "")}
        )
        if validated.error_messages:
            raise AnsibleParserError(f"{self.NAME}: {validated.errors.msg}")
        return validated.validated_parameters

    def _templated(self, value):
        if not isinstance(value, str):
            return value
        if self.templar.is_template(value):
            value = self.templar.template(value)
        return str(value)

    def _populate(self, kind, found):
        wanted = [name for name in found if names.meant(name, self.get_option("include"))]
        wanted = names.without(wanted, self.get_option("exclude"))
        odd = [name for name in wanted if not NAME.match(name)]
        if odd:
            shown = ", ".join(printable(name, 100) for name in odd[:MOST_TOLD])
            self.display.warning(
                f"{kind}: {len(odd)} namespaces have names that no host can have, and are left out: {shown}"
            )
        hosts = sorted(set(wanted) - set(odd))
        if not hosts:
            self.display.warning(
                f"{kind}: none of the {len(found)} namespaces that can be seen is meant by include and exclude"
            )
        self.inventory.add_group(kind)
        for name in hosts:
            variables = {**found[name], "registry_hygiene_namespace": name, "ansible_connection": "local"}
            self._add(kind, f"{name}.{self._suffix(kind, found[name])}", variables)

    def _suffix(self, kind, variables):
        name = self.get_option("name")
        if not name:
            address = variables.get(f"{kind}_url") or variables.get("swr_region") or kind
            name = urllib.parse.urlsplit(address).hostname or address
        if not NAME.match(name):
            raise AnsibleParserError(f"name: {printable(name, 100)!r}: write letters, digits, . _ + @ and - only")
        return name

    def _add(self, group, host, variables):
        self.inventory.add_host(host, group=group)
        for name, value in variables.items():
            self.inventory.set_variable(host, name, wrap_var(value))  # never a template, whatever a registry says
        strict = self.get_option("strict")
        known = self.inventory.get_host(host).get_vars()
        try:
            self._set_composite_vars(self.get_option("compose"), known, host, strict=strict)
            known = self.inventory.get_host(host).get_vars()
            self._add_host_to_composed_groups(self.get_option("groups"), known, host, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, host, strict=strict)
        except AnsibleError as error:
            raise AnsibleParserError(f"{host}: {error}") from error
