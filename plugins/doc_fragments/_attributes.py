# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Check mode and diff mode, the same in every module of this collection.
    DOCUMENTATION = r"""
options: {}
requirements:
  - requests
  - jsonschema
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Check mode sends nothing but C(GET) requests.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)) in diff mode.
    support: full
"""

    # For modules that only read.
    INFO = r"""
options: {}
requirements:
  - requests
  - jsonschema
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - This module does not modify anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)) in diff mode.
    support: N/A
    details:
      - This module does not modify anything.
"""

    # For modules that also have an action plugin.
    ACTION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, so that it can be executed on the controller.
    support: full
    details:
      - With C(connection=local), the interpreter of C(ansible-playbook) and neither C(become), C(environment) nor
        C(async), the task runs within the process of C(ansible-playbook), which is faster and otherwise the same.
      - Set the environment variable E(REGISTRY_HYGIENE_IN_PROCESS) to V(0) to run it as a module all the same.
  async:
    description: Supports being used with the C(async) keyword.
    support: full
"""

    # For actions that write a file on the controller, and run there alone.
    FILE = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, so that it can be executed on the controller.
    support: full
    details:
      - It always runs on the controller, whatever the host is.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)) in diff mode.
    support: full
"""

    # For actions that only report, and run on the controller alone.
    REPORT = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, so that it can be executed on the controller.
    support: full
    details:
      - It always runs on the controller, whatever the host is.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - It does the same in check mode, as it modifies no target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)) in diff mode.
    support: N/A
    details:
      - This action does not modify any target.
"""
