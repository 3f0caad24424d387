# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps policies away from repositories that Quay does not prune: mirrors and read-only ones.

Quay ffba0c7: if the namespace has no policy of its own, the worker stumbles over such a repository that has one, and
gives up on the whole namespace.
"""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core import api, names
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._quay import listings


def check(params: dict) -> list[str]:
    """Return no warnings; raises PlanRefused if force is given where it means nothing."""
    if params["force"] and params["repositories"] is None:
        raise PlanRefused("force is for repositories: leave it out, organizations and users are never mirrors")
    return []


def choose(client: api.Client, params: dict, found: dict) -> dict:
    """Return the found targets (name -> state) without what globs matched and no policy belongs on; says so."""
    if params["state"] == "absent" or not params["policies"]:
        return found
    named = [name for name in params["repositories"] or [] if not names.is_glob(name)]
    left = {name: _why(state) for name, state in found.items() if name not in named and state not in (None, "NORMAL")}
    if left:
        client.left_out.update(left)
        client.warnings.append(
            f"{len(left)} of the repositories that match are left out, such as {next(iter(left))}: "
            f"{left[next(iter(left))]}"
        )
    return {name: state for name, state in found.items() if name not in left}


def require_normal(client: api.Client, params: dict, target: str) -> None:
    """Raise RegistryError if the target is a repository on which no policy belongs and force is not given."""
    if not params["repositories"] or params["force"]:
        return
    state = listings.state_of(client, target, names.exact(params["repositories"]) is not None)
    if state != "NORMAL":
        raise RegistryError(
            f"{_why(state)}, and a policy of its own would stop all pruning in {target.partition('/')[0]} unless that "
            "has policies, too. Leave it out, or set force: true"
        )


def _why(state: str) -> str:
    return f"its state is {state}: Quay prunes nothing in it"
