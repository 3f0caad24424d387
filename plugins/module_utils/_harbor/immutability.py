# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags the immutable rules of a project cover, as Harbor itself decides it. Rules are those of the API. Pure."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._harbor import doublestar, selectors

COSIGN_SIGNATURE = "signature.cosign"  # its one tag is made of the digest that it signs
ENDINGS = (".sig", ".att", ".sbom")  # of the tags that tools give to what they attach


def any_name(selector: dict, names: list) -> bool | None:
    """Return whether a selector of tags selects something with these names, None if that is not decided."""
    wanted = selector.get("decoration") == selectors.MATCHES
    verdicts = set()
    for name in names:
        hit = doublestar.match(selector.get("pattern", ""), name)
        if hit is wanted:
            return True
        verdicts.add(hit)
    return None if None in verdicts else False


def covers(rules: list, repository: str, names: list) -> bool | None:
    """Return whether a rule covers something with these tags ([]: without any), None if that is not decided."""
    verdicts = {_covers(rule, repository, names) for rule in rules}
    return True if True in verdicts else None if None in verdicts else False


def _covers(rule: dict, repository: str, names: list) -> bool | None:
    scopes, tags = selectors.repositories_of(rule), selectors.tags_of(rule)
    if rule.get("disabled") or not scopes or not tags:
        return False
    # Of several selectors, Harbor looks at the first.
    scope, tag = scopes[0], tags[0]
    if scope.get("decoration") not in selectors.REPOSITORIES or tag.get("decoration") not in selectors.TAGS:
        return False
    hit = doublestar.match(scope.get("pattern", ""), repository)
    if hit is not None and hit != (scope["decoration"] == selectors.REPOSITORIES[0]):
        return False
    selected = any_name(tag, names) if names else tag["decoration"] == selectors.EXCLUDES
    return None if hit is None and selected else selected


def covers_accessory(rules: list, repository: str, accessory: dict, subject: str) -> bool | None:
    """Return whether a rule covers the tag of an accessory, None if it may: the listing does not show that tag."""
    stem = f"sha256-{subject.partition(':')[2]}"
    if accessory.get("type") == COSIGN_SIGNATURE:
        return covers(rules, repository, [f"{stem}.sig"])
    found = {covers(rules, repository, [stem + ending]) for ending in ENDINGS}
    return False if found == {False} else None
