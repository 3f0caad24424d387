# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be known of a task's options before Ansible checks them, and what it cannot check itself."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import set_fallbacks
from ansible.module_utils.common.validation import check_type_dict
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

DEEPEST = 16
MOST_SHOWN = 20000  # characters of all options in a result
SOUNDS_SECRET = re.compile(r"token|pass|secret|key|credential|auth", re.IGNORECASE)


def check_depth(given: dict) -> None:
    """Raise PlanRefused for an option so deep that Ansible, which copies all options, would end in a traceback."""
    level = list(given.items())
    for _depth in range(DEEPEST):
        level = [
            (name, item)
            for name, value in level
            if isinstance(value, (dict, list, tuple))
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise PlanRefused(f"{level[0][0]}: no option has more than {DEEPEST - 1} lists or dictionaries in one another")


def shortened(given: dict) -> dict:
    """Return options as a result shows them: the longest lists cut, if all together are long. No text is cut: a part of
    a secret would not be known for one."""
    shown = given
    for most in (100, 30, 10, 3, 1):
        if len(json.dumps(shown, default=str)) <= MOST_SHOWN:
            break
        shown = _cut(given, most)
    return shown


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(item, most) for key, item in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    more = [f"... and {len(value) - most:,} more"] if len(value) > most else []
    return [_cut(item, most) for item in value[:most]] + more


def secrets(argument_spec: dict, given: dict) -> set[str]:
    """Return all values that no output may show, of options as the user wrote them and of the environment.

    Of suboptions with no_log that are written in no form that is understood, all is secret. So is the value of an
    option that does not exist, if its name sounds like a secret: `token` for `quay_token`.
    """
    found = set()
    known = set()
    for name, option in argument_spec.items():
        names = [name, *(option.get("aliases") or [])]
        known.update(names)
        written = [given[key] for key in names if key in given]
        if option.get("no_log"):
            # Also those that the task overrides: another host of the same run may use them.
            written += set_fallbacks({name: option}, {})
            found.update(_leaves(written))
        elif _hides(option):
            found.update(*(_of_suboptions(option["options"], value) for value in written))
    found.update(_leaves([value for name, value in given.items() if name not in known and SOUNDS_SECRET.search(name)]))
    return found


def _hides(option: dict) -> bool:
    """Return whether any suboption, at any depth, has no_log."""
    return any(sub.get("no_log") or _hides(sub) for sub in (option.get("options") or {}).values())


def _of_suboptions(argument_spec: dict, value: Any) -> set[str]:
    if isinstance(value, dict):
        return secrets(argument_spec, value)
    if isinstance(value, (list, tuple)):
        return set().union(*(_of_suboptions(argument_spec, item) for item in value))
    # A text may be JSON, key=value, or several of them with commas between, of which a result shows each.
    found = set(_leaves(value))
    for part in {value, *value.split(",")} if isinstance(value, str) else ():
        try:
            found |= secrets(argument_spec, check_type_dict(part))
        except TypeError:
            found.add(part.strip())
    return found - {""}


def _leaves(value: Any) -> Iterator[str]:
    """Return all texts and numbers within a value, as texts."""
    if isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)


def validated(given: dict, argument_spec: dict, option: str) -> dict:
    """Return what a task says in an option about another task, as a module gets it; raises PlanRefused.

    ansible-core 2.19 checks suboptions, too, but ends in a traceback for a number where a dictionary belongs.
    """
    result = ArgumentSpecValidator(argument_spec).validate(given)
    if result.error_messages:
        raise PlanRefused(f"{option}: {result.error_messages[0]}")
    return result.validated_parameters
