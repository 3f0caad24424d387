# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Harbor as an endpoint of its own: what it finds when it replicates to and from its own address."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .accounts import Account
from .remotes import Remote

if TYPE_CHECKING:
    from .server import Harbor


class Itself(Remote):
    """This Harbor, seen from outside: whom it accepts. What it holds is in its own store."""

    def __init__(self, harbor: Harbor, url: str) -> None:
        super().__init__("itself", url, "harbor", True, False, [], [], None, {})
        self.harbor = harbor

    def knows(self, name: str, secret: str) -> dict[str, Any] | None:
        """Returns the account of these credentials, in the form of a remote's user."""
        header = "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
        account = self.harbor.accounts.sign_in(header, self.harbor.at(), 0)
        return {"name": name, "account": account, "sysadmin": account.sysadmin} if account else None

    def may(self, user: dict[str, Any] | None, repository: str, push: bool) -> bool:
        """Whether a user (None: anonymous) may pull from or push to a repository."""
        account: Account | None = user["account"] if user else None
        project = self.harbor.store.named(repository.partition("/")[0])
        return self.harbor.accounts.may(account, project, "repository", "push" if push else "pull")
