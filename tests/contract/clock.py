# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the collection live in the time of a fake: whoever waits moves the fake's clock instead."""

from __future__ import annotations

import contextlib
from typing import Iterator
from unittest import mock

from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from fakes._base import Fake


@contextlib.contextmanager
def in_its_time(fake: Fake, own: float = 0) -> Iterator[Fake]:
    """Replace clocks and pauses; the controller's own clock is ahead by `own` seconds."""
    with mock.patch.multiple(wait, pause=fake.advance, now=fake.now, clock=lambda: fake.now() + own):
        yield fake
