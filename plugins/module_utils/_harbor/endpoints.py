# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry endpoints of Harbor in option words: what is declared, what is there, and how the one becomes the other."""

from __future__ import annotations

import difflib
import re
import urllib.parse

from ansible_collections.registry.hygiene.plugins.module_utils._core.api import MASK, Client
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import ApiError, PlanRefused, RegistryError
from ansible_collections.registry.hygiene.plugins.module_utils._core.resource import differences
from ansible_collections.registry.hygiene.plugins.module_utils._core.runs import in_doubt
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.module_utils._harbor import listings, registry

ENDPOINT_SPEC = dict(
    name=dict(type="str", required=True),
    state=dict(type="str", choices=["present", "absent"], default="present"),
    type=dict(type="str"),
    url=dict(type="str"),
    description=dict(type="str"),
    insecure=dict(type="bool"),
    ca_certificate=dict(type="str"),
    credential_type=dict(type="str"),
    access_key=dict(type="str", no_log=False),
    access_secret=dict(type="str", no_log=True),
    update_secret=dict(type="str", choices=["on_create", "always"], default="on_create", no_log=False),
)
TYPES = (
    *("harbor", "docker-hub", "docker-registry", "huawei-SWR", "google-gcr", "aws-ecr", "azure-acr", "ali-acr"),
    *("jfrog-artifactory", "quay", "gitlab", "dtr", "tencent-tcr", "github-ghcr", "volcengine-cr"),
    *("helm-hub", "artifact-hub"),  # up to 2.7
)
LATEST = (2, 16)  # the newest version whose types are known here
WITH_CA, FORGETS_SECRET = (2, 15), (2, 16)
LONGEST_NAME = 64  # bytes
MOST_USERS = 5  # that a message names
KEYS = ("type", "url", "description", "insecure", "ca_certificate", "credential_type", "access_key")
BASIC = "basic"
REMOTE = (
    "Harbor looks at the remote whenever an endpoint is written, from where Harbor runs: check url, access_key, "
    "access_secret, and for https ca_certificate or insecure. While a remote is down its endpoint can only be deleted"
)
IN_USE = "delete these first, or let them use another one"
BROKEN = (
    f"Harbor answers so if it cannot reach a remote of type harbor at all, or if it does not know the type. {REMOTE}"
)


def normalised(text: str) -> str:
    """Return an address as Harbor stores it; raises PlanRefused if it takes none like it."""
    shown = f"url: {printable(re.split(r'[?#]', text)[0].rpartition('@')[2], 200)!r}"
    url = text.strip(" ").rstrip("/")
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018
    except ValueError:
        raise PlanRefused(f"{shown} is no address: write https://registry.example.com") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise PlanRefused(f"{shown} is no address: write https://registry.example.com")
    if "@" in parts.netloc:
        raise PlanRefused(f"{shown} holds credentials, which Harbor drops: write them as access_key and access_secret")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def alike(one: str, other: str) -> bool:
    """Return whether two addresses are the same to Harbor, as which it may also show what was once sent."""
    try:
        return normalised(one) == normalised(other)
    except PlanRefused:
        return False


def check(params: dict) -> None:
    """Raise PlanRefused for what no version of Harbor can follow. Pure."""
    name, secret = params["name"], params["access_secret"]
    if not name or len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise PlanRefused(f"name: {printable(name, 100)!r}: write 1 to {LONGEST_NAME} bytes")
    if params["url"] is not None:
        normalised(params["url"])
    if secret and not secret.strip("*"):
        raise PlanRefused("access_secret: asterisks are what Harbor shows instead of one: leave it out, or give it")
    if secret and params["access_key"] == "":
        raise PlanRefused("access_secret goes with access_key: Harbor keeps no secret without one")
    if params["ca_certificate"] and "-----BEGIN CERTIFICATE-----" not in params["ca_certificate"]:
        raise PlanRefused(
            "ca_certificate: write one certificate or several in PEM form, -----BEGIN CERTIFICATE----- ..."
        )
    if params["update_secret"] == "always" and params["state"] == "present" and not secret:
        raise PlanRefused("update_secret: always needs the access_secret that is to be written")


def check_type(version: tuple, kind: str) -> None:
    """Raise RegistryError for a type that a version does not know; Harbor itself breaks down at one."""
    if kind in TYPES or version[:2] > LATEST:
        return
    near = difflib.get_close_matches(kind, TYPES, n=1)
    more = f"Did you mean {near[0]!r}?" if near else f"It knows {', '.join(TYPES)}"
    raise RegistryError(f"type: {registry.named(version)} has no registries of type {kind!r}. {more}")


def state_of(version: tuple, found: dict | None) -> dict | None:
    """Return an endpoint in the words of options. Its secret is never known."""
    if found is None:
        return None
    credential = found.get("credential") or {}
    key = credential.get("access_key") or None
    return {
        "name": found["name"],
        "type": found["type"],
        "url": found["url"],
        "description": found.get("description") or "",
        "insecure": bool(found.get("insecure")),
        "ca_certificate": found.get("ca_certificate") or "" if version >= WITH_CA else None,
        "credential_type": (credential.get("type") or BASIC) if key else None,
        "access_key": key,
        "access_secret": None,
    }


def declaring(state: dict | None) -> dict:
    """Return the options that declare a state, but for its secret, which nobody knows."""
    if state is None:
        return {"state": "absent"}
    return dict({key: state[key] for key in KEYS}, access_key=state["access_key"] or "")


def unmasked(state: dict | None) -> dict | None:
    """Return a state without what says that its secret is to be written."""
    return state and dict(state, access_secret=None)


def lost(before: dict | None, after: dict | None) -> str:
    """Return what of a change cannot be put back: the secret, if it was written or went with the rest."""
    kept = before and after and not after["access_secret"] and after["access_key"] == before["access_key"]
    if not before or not before["access_key"] or kept:
        return ""
    return (
        "its secret is in no plan file, so it is not put back. Give access_secret beside undo, or write it again "
        "(harbor_registry with access_secret and update_secret: always)"
    )


def has_secret(found: dict | None) -> bool:
    """Return whether Harbor holds a secret for an endpoint."""
    return bool(((found or {}).get("credential") or {}).get("access_secret"))


def planned(version: tuple, name: str, params: dict, current: dict | None, stored: bool) -> dict:
    """Return an endpoint as it should be; raises RegistryError. stored: whether Harbor holds a secret for it now.

    A secret that will be written is masked, and so a change.
    """
    who = registry.named(version)
    if current is None and not (params["type"] and params["url"]):
        raise RegistryError(f"there is no registry {name!r} yet: a new one needs type and url")
    if current and params["type"] not in (None, current["type"]):
        raise RegistryError(
            f"it is of type {current['type']}, and Harbor cannot make {params['type']} of it: declare one with another "
            "name, or delete this one first (state: absent)"
        )
    new = {"description": "", "insecure": False, "ca_certificate": "" if version >= WITH_CA else None}
    kept = current or dict(new, name=name, credential_type=None, access_key=None, access_secret=None)
    found = dict(kept, **{key: params[key] for key in KEYS if params[key] is not None})
    if current is None:
        check_type(version, found["type"])
    if params["url"] is not None:
        found["url"] = current["url"] if current and alike(params["url"], current["url"]) else normalised(params["url"])
    if params["ca_certificate"] is not None:
        found["ca_certificate"] = _certificate(version, who, params["ca_certificate"], kept["ca_certificate"])
    found["access_key"] = found["access_key"] or None
    found["credential_type"] = (found["credential_type"] or BASIC) if found["access_key"] else None
    given = params["access_secret"]
    if given and not found["access_key"]:
        raise RegistryError("access_secret goes with access_key: Harbor keeps no secret without one")
    moved = current is not None and found["url"] != current["url"]
    if moved and stored and not given and found["access_key"] and version >= FORGETS_SECRET:
        raise RegistryError(f"another url makes {who} forget the secret: give access_secret, too")
    due = not stored or moved or params["update_secret"] == "always" or found["access_key"] != kept["access_key"]
    found["access_secret"] = MASK if given and due else None
    return found


def _certificate(version: tuple, who: str, given: str, there: str | None) -> str | None:
    if version < WITH_CA:
        if given.strip():
            raise RegistryError(f"ca_certificate: {who} has no such thing, it came with 2.15: leave it out")
        return None
    return there if given.strip() == (there or "").strip() else given


def created(state: dict, secret: str | None) -> dict:
    """Return the body of a POST that makes a new endpoint."""
    body = {key: state[key] for key in ("name", "type", "url", "description", "insecure")}
    if state["ca_certificate"]:
        body["ca_certificate"] = state["ca_certificate"]
    if state["access_key"]:
        body["credential"] = {"type": state["credential_type"], "access_key": state["access_key"]}
        if secret:
            body["credential"]["access_secret"] = secret
    return body


def replaced(current: dict, state: dict, secret: str | None) -> dict:
    """Return the body of a PUT, in which what is left out stays; of credentials all that must go together."""
    body = {key: state[key] for key in KEYS if state[key] != current[key] and state[key] is not None}
    if current["access_key"] and not state["access_key"]:  # only both together wipe them
        body.update(access_key="", access_secret="")
    if state["access_secret"]:
        body.update(access_key=state["access_key"], access_secret=secret)
    return body


def changes(current: dict | None, state: dict | None) -> list[tuple[str, str]]:
    """Return what a person has to know of a change."""
    if state is None:
        return [("-", f"removed, {current['type']} at {current['url']}")]
    if current is None:
        more = " without checking its certificate" if state["insecure"] else ""
        who = f", as {state['access_key']}" if state["access_key"] else ""
        return [("+", f"new, {state['type']} at {state['url']}{who}{more}")]
    found = [change for change in differences(current, state) if not change[1].startswith(("access_secret:", "ca_cer"))]
    if state["access_secret"]:
        found.append(("~", "access_secret: written again, as Harbor does not show the one it has"))
    if state["ca_certificate"] != current["ca_certificate"]:
        found.append(("~", "ca_certificate: another one" if state["ca_certificate"] else "ca_certificate: removed"))
    return found


def check_unused(client: Client, found: dict) -> None:
    """Raise RegistryError if replication policies use an endpoint, which Harbor then does not delete.

    In check mode that is a warning: an earlier task of the play may be about to delete them.
    """
    try:
        users = listings.users(client, found["id"])
    except ApiError as error:
        if error.status != 403:  # who may not list policies is told by the refusal alone
            raise
        return
    if users:
        more = f" and {len(users) - MOST_USERS:,} more" if len(users) > MOST_USERS else ""
        text = f"replication policies use it ({', '.join(users[:MOST_USERS])}{more}): {IN_USE}"
        if not client.read_only:
            raise RegistryError(text)
        client.warnings.append(f"{found['name']} will not be deleted while that is so: {text}")


def refused(error: RegistryError) -> RegistryError:
    """Return the error of a write that Harbor refused, with what to do."""
    hint = {400: REMOTE if "unhealthy" in str(error) else "", 412: IN_USE}.get(getattr(error, "status", 0))
    hint = BROKEN if hint is None and in_doubt(error) else hint
    error.args = (f"{error}. {hint}" if hint else str(error),)
    return error


def pinged(client: Client, found: dict) -> dict:
    """Return {"healthy", "message"} of an endpoint's remote at this moment, as Harbor sees it."""
    where, message = listings.where(listings.ENDPOINTS, "ping"), None
    try:
        client.request("POST", where, body={"id": found["id"]}, stores=False)
    except ApiError as error:
        if error.status not in (400, 500):
            raise
        message = error.message if error.status == 400 else "it cannot be reached"
    return {"healthy": message is None, "message": message}


def details(found: dict) -> dict:
    """Return what Harbor tells of an endpoint beside what is declared."""
    return dict(listings.details(found), status=found.get("status"), has_secret=has_secret(found), ping=None)
