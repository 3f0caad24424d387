# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account of DigitalOcean has, for the role do_registry_hygiene. Pure."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import names
from ansible_collections.registry.hygiene.plugins.module_utils._core.exported import Export, Variable
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable

NOTHING = (
    "DigitalOcean keeps no policies: garbage is collected when somebody starts it, and for minutes the registry is "
    "read-only then. So nothing is declared here. To have it collected, name some of these registries below:"
)


def export(found: dict) -> Export:
    """Return what there is. found: the result of do_registry_gc_info as `registries`, for the name or glob `named`."""
    made = Export()
    states = made.read(found["registries"], "registries", "registries")
    if states is not None and not names.is_glob(found["named"]):
        states = {found["named"]: states}
    if states is not None:
        lines = [f"  {printable(name, 100)}: {_told(states[name])}" for name in sorted(states)]
        notes = [NOTHING, *lines] if lines else ["There are no registries."]
        made.variables.append(Variable("do_registry_hygiene_registries", [], notes))
    return made


def _told(state: dict) -> str:
    done = next((run for run in state["runs"] if run["status"] == "succeeded"), None)
    if done is None:
        return "no garbage collection that succeeded is known"
    return f"the last garbage collection that succeeded was of {printable(done['type'], 100)}"
