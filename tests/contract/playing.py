# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the output of playbooks says."""

from __future__ import annotations

import re


def recap(ran) -> dict[str, dict[str, int]]:
    """Return host -> what the last lines say of it."""
    lines = re.findall(r"^(\S+) +: (ok=.*)$", ran.stdout, re.MULTILINE)
    return {host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)} for host, line in lines}


def writes(*registries) -> int:
    """Return how many requests wrote something."""
    return sum(len(fake.writes) for fake in registries)


def words(text) -> str:
    """Return a text without line breaks and indents: lines of reports are folded."""
    return " ".join(text.split())
