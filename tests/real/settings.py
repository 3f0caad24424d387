# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says about the registries to test against, and what may be done there."""

from __future__ import annotations

import os
import random
import re
import string
from dataclasses import dataclass, field

PREFIX = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OURS = "rht-"  # how random prefixes begin
LENGTH = 6  # of what follows
WORDS = {
    "harbor": ("HARBOR_URL", "HARBOR_USERNAME", "HARBOR_PASSWORD"),
    "quay": ("QUAY_URL", "QUAY_TOKEN"),
    "swr": ("SWR_URL", "SWR_ACCESS_KEY", "SWR_SECRET_KEY"),
    "digitalocean": ("DIGITALOCEAN_TOKEN",),
}
NO = ("", "0", "no", "false")
PROMPTLY = 180  # seconds that a registry may take for what it does by itself


class Refused(Exception):
    """There is no test against this registry; the message says why and what to do."""


@dataclass
class Settings:
    """What the environment says."""

    prefix: str  # of all names of what is created
    values: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def consents(self, name: str) -> bool:
        """Whether REGISTRY_HYGIENE_REAL_`name` is set."""
        return self[f"REGISTRY_HYGIENE_REAL_{name}"].lower() not in NO

    @property
    def made_up(self) -> bool:
        """Whether the prefix is one that random_prefix makes up."""
        return re.fullmatch(rf"{OURS}[a-z0-9]{{{LENGTH}}}", self.prefix) is not None

    @property
    def patience(self) -> float:
        """Seconds to wait for what a registry does by itself."""
        text = self["REGISTRY_HYGIENE_REAL_WAIT"]
        if not text:
            return PROMPTLY
        if not re.fullmatch(r"\d{1,4}", text):
            raise Refused(f"REGISTRY_HYGIENE_REAL_WAIT: {text!r} is no number of seconds")
        return float(text)

    def kinds(self) -> list[str]:
        """Return the registries that the environment names; raises Refused if it does so by half."""
        found = []
        for kind, words in WORDS.items():
            missing = [word for word in words if not self[word]]
            if len(missing) == len(words):
                continue
            if missing:
                raise Refused(f"{kind}: set {', '.join(missing)}, too, or none of {', '.join(words)}")
            found.append(kind)
        return found


def random_prefix() -> str:
    """Return a prefix that nobody has."""
    return OURS + "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=LENGTH))


def read(environment: dict[str, str] | None = None) -> Settings:
    """Return what an environment says, that of this process by default; raises Refused for what cannot be."""
    values = {name: text.strip() for name, text in (os.environ if environment is None else environment).items()}
    prefix = values.get("REGISTRY_HYGIENE_REAL_PREFIX") or random_prefix()
    if not PREFIX.fullmatch(prefix) or not 6 <= len(prefix) <= 30:
        raise Refused(
            f"REGISTRY_HYGIENE_REAL_PREFIX: {prefix!r} cannot begin all names: write 6 to 30 lower-case letters, "
            "digits and single dashes, a letter first, such as rht-mine"
        )
    return Settings(prefix, values)
