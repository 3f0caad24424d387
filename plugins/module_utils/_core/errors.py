# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of this collection. Their texts are for the user: they say what to do and hold no secret."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable


class RegistryError(Exception):
    """Anything that keeps a task from reaching the declared state. What cannot be printed is escaped: it is others'."""

    fatal = False  # True: the same for every target of the task, so trying the next one is no use
    no_access = False  # True: the same for every task of this registry: nobody gets to it in this way
    sent = False  # True: it came of a write whose effect is not known
    state = None  # what is known of the target all the same

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


class PlanRefused(RegistryError):
    """What was asked for is refused here: a mistake in the options, or a plan that deletes too much."""

    fatal = True
    forecasts = None  # target -> forecast, of a plan that deletes too much


class Unsendable(PlanRefused):
    """No request can be sent so: what is wrong is the address, the proxy or the credentials."""

    no_access = True


class Bug(RegistryError):
    """Something that nobody thought of. Names its kind and place, and no value: that may be a secret."""

    def __init__(self, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "hygiene" in frame.filename] or frames
        place = f"{'/'.join(own[-1].filename.split('/')[-2:])}:{own[-1].lineno}" if own else "an unknown place"
        super().__init__(f"{type(error).__name__} at {place}, which is a bug. Please report it")


class MissingLibrary(RegistryError):
    """A Python library is not installed. `library` is its name on PyPI, `reason` the text of the ImportError."""

    fatal = no_access = True

    def __init__(self, library: str, reason: str) -> None:
        super().__init__(f"the Python library {library} is missing: {reason}")
        self.library = library
        self.reason = reason


class OldLibrary(RegistryError):
    """A Python library is too old for this collection. `found` is its version, `needed` the oldest that will do."""

    fatal = no_access = True

    def __init__(self, library: str, found: str, needed: str) -> None:
        super().__init__(
            f"{library} {found} is too old: {needed} or newer is needed. "
            f"Run {sys.executable} -m pip install --upgrade {library}"
        )


class Unreachable(RegistryError):
    """No answer came, also not after the retries; the request had no effect, or may be sent again without harm."""


class LostAnswer(Unreachable):
    """A POST or PATCH was sent and its answer never came: it may have taken effect. Read back first."""


class Redirected(LostAnswer):
    """A POST or PATCH was answered with a redirect, which is no answer; sending it again would bring another."""


class ContractError(RegistryError):
    """The registry answered, but not in the way that it is documented to."""


class Unfinished(RegistryError):
    """What was started or found running did not end well, or not in time. `state` is how it was seen last."""

    def __init__(self, text: str, state: Any) -> None:
        super().__init__(text)
        self.state = state


class ApiError(RegistryError):
    """The registry answered with an error. `status` is the HTTP status, `message` the registry's own words."""

    def __init__(self, text: str, status: int, message: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.message = message


class NotFound(ApiError):
    """The registry says that the thing itself does not exist (not: that the path is unknown to some gateway)."""


class Denied(ApiError):
    """The credentials themselves are refused."""

    fatal = no_access = True
