# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The options of _core.access.ARGUMENT_SPEC: how to get to the registry.
    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to verify the certificate of the registry.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder of certificate authorities to trust.
      - Without it, E(REQUESTS_CA_BUNDLE) or the authorities that the Python library requests brings are used.
    type: path
  client_cert:
    description:
      - A file with the client certificate in PEM form, for registries that want one.
      - It may hold the key, too.
    type: path
  client_key:
    description:
      - A file with the key of O(client_cert), without a password.
    type: path
  use_proxy:
    description:
      - Whether to use the proxy that E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) name.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for a connection, and for each further piece of an answer.
      - An answer has to be complete within four times as long.
    type: float
    default: 30
  retries:
    description:
      - How many times a request is sent again after a lost connection or an answer of status 429, 502, 503 or 504.
      - A C(POST) is only sent again after status 429. When its answer is lost, the state is read back instead.
      - The pauses grow from half a second and are random; those of the default last between half a minute and one. A
        C(Retry-After) of up to a minute is obeyed.
      - A host that never answered is given up after less than a minute, one whose name is not known after some seconds.
    type: int
    default: 7
  workers:
    description:
      - How many requests are under way at the same time when a task has many targets.
    type: int
    default: 10
"""
