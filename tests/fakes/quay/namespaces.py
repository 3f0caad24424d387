# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations and users in the fake Quay's API."""

from __future__ import annotations

import random
from typing import Any

from .._base import Answer, as_json
from .call import Call
from .errors import NO_SUCH_URL
from .state import State


class Namespaces(State):
    """The endpoints of organizations and users."""

    def _get_organization(self, call: Call, orgname: str) -> Answer:
        space = self.namespaces.get(orgname)
        if not space or not space["organization"]:
            call.not_found()
        powerful = call.sees_everything()
        role = call.team_role(orgname)
        is_admin, is_member = role == "admin" or powerful, role is not None or powerful
        view = {"name": orgname, "email": "", "avatar": avatar(orgname, "org"), "is_admin": is_admin}
        view["is_member"] = is_member
        if is_member:
            teams = {"owners": (space["admins"], "admin")}
            if space["members"]:
                teams["members"] = (space["members"], "member")
            view["teams"] = {
                team: {
                    "name": team,
                    "description": "",
                    "role": team_role,
                    "avatar": avatar(team, "team"),
                    "can_view": is_admin or call.caller.name in people,
                    "repo_count": 0,
                    "member_count": len(people),
                    "is_synced": False,
                }
                for team, (people, team_role) in teams.items()
            }
            view["ordered_teams"] = list(teams)
        if is_admin:
            view.update(invoice_email=False, invoice_email_address=None, is_free_account=True)
            view["tag_expiration_s"] = space["tag_expiration_s"]
        return as_json(view)

    def _get_current_user(self, call: Call) -> Answer:
        if call.user_role() is None:
            call.refuse_with(401, "invalid_token", "Requires authentication", session_required=False)
        return as_json(self._user_view(call, call.caller.name))

    def _get_user(self, call: Call, username: str) -> Answer:
        if username not in self.users:
            return as_json({"message": NO_SUCH_URL}, 404)
        return as_json(self._user_view(call, username))

    def _user_view(self, call: Call, name: str) -> dict[str, Any]:
        own = name == call.caller.name
        role = call.user_role() if own else None
        view = {"anonymous": False, "username": name, "avatar": avatar(name, "user")}
        if role == "admin":
            view.update(can_create_repo=True, is_me=True, verified=True, email=f"{name}@example.com", logins=[])
            view.update(invoice_email=False, invoice_email_address=None, preferred_namespace=False)
            view.update(
                tag_expiration_s=self.namespaces[name]["tag_expiration_s"],
                prompts=[],
                company=None,
                family_name=None,
                given_name=None,
            )
            view.update(location=None, is_free_account=True, has_password_set=True)
        if role:
            view["organizations"] = [
                self._organization_of_user(call, space["name"], role == "admin")
                for space in self.namespaces.values()
                if space["organization"] and name in (*space["admins"], *space["members"])
            ]
        if call.is_superuser():
            view["super_user"] = own
        if call.is_readonly_superuser():
            view["global_readonly_super_user"] = own
        return view

    def _organization_of_user(self, call: Call, name: str, as_admin: bool) -> dict[str, Any]:
        role = call.team_role(name)
        entry = {"name": name, "avatar": avatar(name, "org"), "can_create_repo": role in ("creator", "admin")}
        entry["public"] = False
        if as_admin:
            entry.update(is_org_admin=role == "admin", preferred_namespace=False)
        return entry


def avatar(name: str, kind: str) -> dict[str, str]:
    """Returns the avatar object of a user, an organization or a team."""
    return {"name": name, "hash": f"{random.Random(name).getrandbits(256):064x}", "color": "#1f77b4", "kind": kind}
