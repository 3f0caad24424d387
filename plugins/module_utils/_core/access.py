# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what a task says about the way to a registry: its address, certificates, proxy and credentials."""

from __future__ import annotations

import os
import re
import urllib.parse
from typing import Any

from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

ARGUMENT_SPEC = dict(
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="path"),
    client_cert=dict(type="path"),
    client_key=dict(type="path", no_log=False),
    use_proxy=dict(type="bool", default=True),
    timeout=dict(type="float", default=30),
    retries=dict(type="int", default=7),
    workers=dict(type="int", default=10),
)
MOST = {"retries": 100, "workers": 256}
LONGEST_TIMEOUT = 86400  # seconds
LONGEST_KEY = 1 << 20  # bytes of a certificate or key that are looked at


def credential(text: str, option: str) -> str:
    """Return a credential without the blanks around it; raises PlanRefused if it can be none in an HTTP header."""
    found = text.strip()
    if not found or not found.isascii() or not found.isprintable():
        raise PlanRefused(
            f"{option} is empty or holds characters that none has, such as a line break: give it exactly, in one line"
        )
    return found


def url(text: str) -> str:
    """Return the address of a registry without blanks and slashes at its end; raises PlanRefused."""
    text = text.strip()
    try:
        parts = urllib.parse.urlsplit(text)
        parts.port  # noqa: B018
    except ValueError:
        raise PlanRefused(f"{_shown(text)!r} is no address of a registry: write https://registry.example.com") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isprintable() or " " in text:
        raise PlanRefused(f"{_shown(text)!r} is no address of a registry: write https://registry.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise PlanRefused(
            f"the address of {parts.hostname} must hold neither credentials nor a query: use the options for them"
        )
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise PlanRefused(f"{_shown(text)!r} is no address that a host can have: correct the name") from None
    return text.rstrip("/")


def _shown(text: str) -> str:
    """Return an address without what may be a password: people also write user:password@host."""
    return re.split(r"[?#]", text)[0].rpartition("@")[2][:200]


def options(params: dict) -> None:
    """Raise PlanRefused if a number among ARGUMENT_SPEC cannot be followed."""
    for option, least in (("retries", 0), ("workers", 1)):
        if not least <= params[option] <= MOST[option]:
            raise PlanRefused(f"{option}: {params[option]}: write a whole number from {least} to {MOST[option]}")
    if not 0 < params["timeout"] <= LONGEST_TIMEOUT:
        raise PlanRefused(f"timeout: {params['timeout']}: write seconds above 0, up to {LONGEST_TIMEOUT}")


def tls(params: dict) -> tuple[Any, Any]:
    """Return what requests calls verify and cert; raises PlanRefused if a file is missing or its key has a password."""
    for option in ("ca_path", "client_cert", "client_key"):
        if params[option] and not os.path.exists(params[option]):
            raise PlanRefused(f"{option}: there is no file {params[option]}")
    if params["client_key"] and not params["client_cert"]:
        raise PlanRefused("client_key goes with client_cert: give both, or a client_cert that holds its key")
    for option in ("client_cert", "client_key"):
        if params[option] and "ENCRYPTED" in _content(params[option], option):
            # OpenSSL would ask for the password on the terminal, for ever.
            raise PlanRefused(f"{option}: the key in {params[option]} has a password: give one without")
    cert = (params["client_cert"], params["client_key"]) if params["client_key"] else params["client_cert"]
    if not params["validate_certs"]:
        return False, cert
    if params["ca_path"]:
        return params["ca_path"], cert
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path and not os.path.exists(path):
            raise PlanRefused(
                f"there is no file {path}, which {name} of the environment names: unset it, or set ca_path"
            )
        if path:
            return path, cert
    return True, cert


def _content(path: str, option: str) -> str:
    try:
        with open(path, encoding="latin-1") as file:
            return file.read(LONGEST_KEY)
    except OSError as error:
        raise PlanRefused(f"{option}: {path} cannot be read: {error.strerror}") from None


def proxies(found: dict, url: str) -> dict:
    """Return the proxy to this address, of those that the environment names, as {scheme: address}; raises PlanRefused.

    found: scheme -> address, of which others than ours are nobody's business, `no` (NO_PROXY) least of all.
    """
    scheme = urllib.parse.urlsplit(url).scheme
    name = next((name for name in (scheme, "all") if found.get(name)), None)
    if name is None:
        return {}
    proxy = found[name].strip()
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urllib.parse.urlsplit(proxy)
        usable = bool(parts.hostname) and proxy.isprintable() and parts.port is not False
    except ValueError:
        usable = False
    if not usable:
        raise PlanRefused(
            f"the proxy for {scheme} that the environment names ({name.upper()}_PROXY) is no address: "
            "correct it, or set use_proxy: false"
        )
    return {scheme: proxy}
