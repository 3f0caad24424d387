# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.registry.hygiene.plugins.filter.unknown_variables import FilterModule

unknown_variables = FilterModule().filters()["unknown_variables"]
KNOWN = ["quay_hygiene_organizations", "quay_hygiene_repositories", "quay_hygiene_user"]


@pytest.mark.parametrize(
    ("found", "messages"),
    [
        ([], []),
        (KNOWN, []),
        (["registry_hygiene_namespace", "registry_hygiene_export_force"], []),  # of the other playbooks
        (
            ["quay_hygiene_organisations", "quay_hygiene_user", "quay_hygiene_organisations"],
            ["quay_hygiene_organisations is no variable of this role: did you mean quay_hygiene_organizations?"],
        ),
        (
            ["quay_hygiene_users", "quay_hygiene_respositories"],
            [
                "quay_hygiene_respositories is no variable of this role: did you mean quay_hygiene_repositories?",
                "quay_hygiene_users is no variable of this role: did you mean quay_hygiene_user?",
            ],
        ),
        (["xyz"], [f"xyz is no variable of this role: those are {', '.join(KNOWN)}"]),
        (["\x1b[31m"], [f"\\x1b[31m is no variable of this role: those are {', '.join(KNOWN)}"]),
    ],
)
def test_a_misspelt_variable_is_named_with_the_nearest(found, messages):
    assert unknown_variables(found, KNOWN) == messages


@pytest.mark.parametrize(("found", "known"), [("quay_hygiene_user", KNOWN), ([], "quay_hygiene_user"), (None, KNOWN)])
def test_what_is_no_list_is_refused(found, known):
    with pytest.raises(AnsibleFilterError, match="give it a list"):
        unknown_variables(found, known)
