# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes auto-prune policies in the ways in which Quay takes them without harm."""

from __future__ import annotations

import threading
from typing import Callable

from ansible_collections.registry.hygiene.plugins.module_utils._core import api
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    NotFound,
    Redirected,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._quay.policies import in_api_words


class Gate:
    """Lets the first pass alone; all who come later pass side by side, once it is through."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False

    def through(self, work: Callable[[], None]) -> None:
        """Do the work when it may be done."""
        with self._lock:
            if not self._open:
                try:
                    return work()
                finally:
                    self._open = True
        return work()


def create(client: api.Client, where: str, namespace: str, policy: dict, look: Callable[[RegistryError], list]) -> None:
    """Create a policy, which is known to be there then; raises RegistryError. look(doubt): what is there by now.

    Quay ffba0c7: the first policies of a namespace race for one row of its database, and the loser is answered 500. So
    the first one of a task in each namespace goes alone.
    """
    gate = client.cached(("gate", namespace), Gate)
    gate.through(lambda: _create(client, where, namespace, policy, look))


def _create(client: api.Client, where: str, namespace: str, policy: dict, look: Callable) -> None:
    for last in (False, True):
        try:
            _write(client, "POST", where, namespace, policy)
            return
        except LostAnswer as error:
            doubt, final = error, last or isinstance(error, Redirected)
        except ApiError as error:
            if "duplicate policies" not in error.message:
                raise
            doubt, final = error, True
        if policy in look(doubt):
            return
        # It is proved absent, and Quay refuses a duplicate: if the first request is still on its way, the second one
        # does no harm.
        if final:
            raise RegistryError(f"{doubt}. Reading back shows that the policy is not there") from None


def replace(client: api.Client, where: str, namespace: str, policy: dict) -> RegistryError:
    """Replace the policy at this place; returns the error that it is if reading back does not show the policy."""
    _write(client, "PUT", where, namespace, policy)
    # Quay ffba0c7 answers 204 and changes nothing for the uuid of a repository of that name in another namespace.
    return ContractError(f"PUT {where} was accepted, but the policies are not what they should be")


def delete(client: api.Client, where: str) -> None:
    """Delete the policy at this place, if it is still there."""
    try:
        status = client.request("DELETE", where).status_code
    except NotFound:
        return  # somebody else was faster
    if status == 204:  # Quay ffba0c7: its endpoint that deletes repositories answered
        raise ContractError(f"DELETE {where} answered 204: was auto-prune switched off just now?")


def _write(client: api.Client, method: str, where: str, namespace: str, policy: dict) -> None:
    try:
        client.request(method, where, body=in_api_words(policy))
    except NotFound as error:
        # Quay ffba0c7 looks for the namespace among the enabled ones when it writes, among all when it reads.
        raise ApiError(
            f"{error}. But its policies could be read just now: perhaps {namespace} is disabled, then Quay takes no "
            "policies and prunes nothing there; or it has just been deleted",
            error.status,
            error.message,
        ) from None
