# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Huawei Cloud SWR (and its kin, such as Open Telekom Cloud): how to sign in, what its errors mean, what there is."""

from __future__ import annotations

import re
from typing import Any, Callable

from ansible.module_utils.basic import env_fallback
from ansible_collections.registry.hygiene.plugins.module_utils._core import access, api, names, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.answer import Answer
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    Denied,
    NotFound,
    PlanRefused,
    RegistryError,
)
from ansible_collections.registry.hygiene.plugins.module_utils._swr import auth


def _option(*environment: str, **more: Any) -> dict:
    return dict(type="str", fallback=(env_fallback, list(environment)), **more)


ARGUMENT_SPEC = dict(
    swr_url=_option("SWR_URL"),
    swr_region=_option("SWR_REGION", "HW_REGION_NAME", "OS_REGION_NAME"),
    iam_url=_option("IAM_URL", "OS_AUTH_URL"),
    swr_access_key=_option("SWR_ACCESS_KEY", "HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "OS_ACCESS_KEY", no_log=True),
    swr_secret_key=_option("SWR_SECRET_KEY", "HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY", "OS_SECRET_KEY", no_log=True),
    swr_security_token=_option(
        "SWR_SECURITY_TOKEN",
        "HUAWEICLOUD_SDK_SECURITY_TOKEN",
        "HW_SECURITY_TOKEN",
        "OS_SECURITY_TOKEN",
        no_log=True,
    ),
    swr_project_id=_option("SWR_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID", "OS_PROJECT_ID"),
    swr_project=_option("SWR_PROJECT", "HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME"),
    swr_username=_option("SWR_USERNAME", "HW_USER_NAME", "OS_USERNAME"),
    swr_password=_option("SWR_PASSWORD", "HW_USER_PASSWORD", "OS_PASSWORD", no_log=True),
    swr_domain=_option("SWR_DOMAIN", "HW_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME"),
    swr_token=_option("SWR_TOKEN", "OS_TOKEN", "OS_AUTH_TOKEN", no_log=True),
)
MANAGE = ("v2", "manage")
REPOSITORIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "namespace"],
        "properties": {
            "name": {"type": "string", "maxLength": 300, "pattern": r"^(?!\.{1,2}\Z)[^\x00-\x20]+\Z"},
            "namespace": {"type": "string", "maxLength": 300},
        },
    },
}
ORGANIZATION = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
PAGE = 100
MOST_SKEW = 900  # seconds
# Names as the documentation of "creating an organization / a repository" gives them.
ORGANIZATION_NAME = re.compile(r"[a-z]([a-z0-9._-]{0,62}[a-z0-9])?\Z")
REPOSITORY_NAME = re.compile(r"[a-z0-9]([a-z0-9._/-]{0,126}[a-z0-9])?\Z")
THROTTLED = ("4031032", "4031042")
BUSY = ("4090023",)
NO_ORGANIZATION = ("4040058",)
NO_REPOSITORY = ("4040010", "4040113")
GONE = ("4000306",)  # a deleted policy, with status 400


def client(params: dict, read_only: bool = False) -> api.Client:
    """Return a client that signs in with a token, an access key or a user, the first of them that is given."""
    url = params["swr_url"] or _regional("swr-api", params) or _missing("swr_url or swr_region")
    sign = _auth(params)
    secrets = [(params[name] or "").strip() for name, option in ARGUMENT_SPEC.items() if option.get("no_log")]
    made = api.Client(url, params, sign, explain, read_only, busy, secrets)
    # Images have a host of their own: swr.eu-de..., where the interface is at swr-api.eu-de....
    made.hosts = [re.sub(r"^swr-api\.", "swr.", host) for host in made.hosts]
    if isinstance(sign, auth.Token):
        sign.secrets = made.secrets
    return made


def _auth(params: dict) -> Any:
    given = {name: params[name].strip() for name in ARGUMENT_SPEC if params[name] and params[name].strip()}
    if "swr_token" in given:
        token = access.credential(given["swr_token"], "swr_token")
        return auth.Token(lambda: token)
    if "swr_access_key" in given or "swr_secret_key" in given:
        _together(given, "swr_access_key", "swr_secret_key")
        for name in ("swr_access_key", "swr_security_token", "swr_project_id"):
            if name in given:
                access.credential(given[name], name)
        return auth.Signer(
            given["swr_access_key"],
            given["swr_secret_key"],
            given.get("swr_security_token"),
            given.get("swr_project_id"),
        )
    if "swr_username" in given or "swr_password" in given:
        _together(given, "swr_username", "swr_password", "swr_domain")
        iam = given.get("iam_url") or _regional("iam", params) or _missing("iam_url or swr_region, to get a token,")
        project = given.get("swr_project") or given.get("swr_region")
        if not project and "swr_project_id" not in given:
            _missing("swr_project or swr_project_id")
        login = dict(params, swr_project=project)
        return auth.Token(lambda: auth.password_token(re.sub(r"/v3/?\Z", "", iam), login))
    raise PlanRefused(
        "no credentials: set swr_access_key and swr_secret_key, or swr_username, swr_password, swr_domain, or swr_token"
    )


def _together(given: dict, *options: str) -> None:
    for option in options:
        if option not in given:
            _missing(f"{option}, which goes with {' and '.join(other for other in options if other != option)},")


def _missing(what: str) -> Any:
    raise PlanRefused(f"{what} is missing: set it in the task, as a variable or in the environment")


def _regional(service: str, params: dict) -> str | None:
    region = params["swr_region"]
    top = "eu" if region == "eu-west-101" else "com"
    return f"https://{service}.{region}.myhuaweicloud.{top}" if region else None


def code(answer: Answer) -> str:
    """Return the error code of an answer (SVCSTG.SWR.4040058, APIGW.0301) in any of the five forms it comes in."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    while isinstance(found, (list, dict)):
        if isinstance(found, list):
            found = found[0] if found else ""
        else:
            keys = ("error_code", "errorCode", "errors", "error")
            found = next((found[key] for key in keys if found.get(key)), "")
    # Whatever does not look like a code has no place in a message; it may even repeat a secret.
    found = answer.masked(str(found))
    return found if re.match(r"[A-Za-z0-9._]{1,60}\Z", found) else ""


def busy(answer: Answer) -> bool:
    """Return whether SWR says "later": too many requests come with status 403, a busy system with 409."""
    return answer.status_code in (403, 409) and code(answer).endswith(THROTTLED + BUSY)


def explain(method: str, where: str, answer: Answer) -> RegistryError:
    """Return what an error answer of SWR or its gateway means, and what to do."""
    status, found = answer.status_code, code(answer)
    # The gateway repeats the whole request that it was to verify, the security token included.
    words = re.split(r",? *canonicalRequest", answer.words())[0]
    text = f"{method} {where} answered {status}{' ' + found if found else ''}{': ' + words if words else ''}"
    if status == 401:
        return Denied(f"{text}. {_why_unauthorized(words, answer)}", status, words)
    if busy(answer):
        return ApiError(f"{text}. SWR is busy: lower workers or raise retries", status, words)
    if status == 403:
        return ApiError(
            f"{text}. The user lacks the right to do this (SWR permissions of the organization)", status, words
        )
    if "APIGW" in found or "APIG." in found:
        return ContractError(
            f"{text}. The gateway does not know this address: is swr_url right (swr-api..., not swr...)?"
        )
    if found.endswith(NO_ORGANIZATION):
        return NotFound(f"{text}. There is no such organization here: check namespace and region", status, words)
    if found.endswith(NO_REPOSITORY):
        return NotFound(f"{text}. There is no such repository: check its exact name", status, words)
    if status == 404 and "SWR" in found or found.endswith(GONE):
        return NotFound(text, status, words)
    return ApiError(text, status, words)


def _why_unauthorized(words: str, answer: Answer) -> str:
    date = answer.date()
    if (
        date is not None
        and abs(date - wait.clock()) > MOST_SKEW
        or re.search(r"expire|x-sdk-date|timestamp|clock", words, re.IGNORECASE)
    ):
        return (
            "The clock of this host is the likely cause: signatures are good for 15 minutes. Or the token has expired"
        )
    return "The access key, the secret key or the token is wrong, expired or of another region"


def check_names(namespace: str, repositories: list) -> None:
    """Raise PlanRefused if the namespace or one of the repositories (or globs) cannot be a name of SWR."""
    if not ORGANIZATION_NAME.match(namespace):
        raise PlanRefused(f"namespace: {namespace!r} is no name of an organization (lower-case letters, digits, . _ -)")
    for name in repositories:
        plain = re.sub(r"\[[^\]]*\]|[*?]", "x", name)
        if not REPOSITORY_NAME.match(plain):
            raise PlanRefused(
                f"repositories: {name!r} is no name of a repository (lower-case letters, digits, . _ - /)"
            )


def repository_path(namespace: str, repository: str, *rest: str) -> str:
    """Return the path of something in a repository; SWR wants $ for each slash in its name."""
    return api.path(*MANAGE, "namespaces", namespace, "repos", repository.replace("/", "$"), *rest)


def repositories(client: api.Client, namespace: str) -> list[str]:
    """Return the names of all repositories of an organization that can be seen."""
    where = api.path(*MANAGE, "repos")
    found = listing(client, where, REPOSITORIES, lambda row: (row["namespace"], row["name"]), namespace=namespace)
    # The filters of SWR may match loosely.
    here = [name for space, name in found if space == namespace]
    if not here:
        organization(client, namespace)
    return here


def everywhere(client: api.Client, namespace: str, given: list) -> list[str]:
    """Return namespace/name of all repositories that names and globs mean, where the namespace is a glob, too.

    What no organization can be called is left out; if nothing matches, that is warned about.
    """
    matches = names.matcher(namespace)
    rows = listing(client, api.path(*MANAGE, "repos"), REPOSITORIES, lambda row: (row["namespace"], row["name"]))
    seen = [(space, name) for space, name in rows if ORGANIZATION_NAME.match(space)]
    found = [f"{space}/{name}" for space, name in seen if matches(space) and names.meant(name, given)]
    if not found:
        client.warnings.append(f"{namespace!r} and {given} match none of the {len(seen)} repositories that can be seen")
    return found


def lister(client: api.Client, namespace: str) -> Callable[[str], list]:
    """Return what gives the names of all repositories of the organization for any glob; SWR is asked once."""
    return lambda _glob: client.cached(("repositories", namespace), lambda: repositories(client, namespace))


def listing(client: api.Client, where: str, schema: dict, key: Callable, rows: Callable = list, **query: str) -> dict:
    """Return key(row) -> row of all pages. Pages may be shorter than asked for; an empty one is the last."""

    def next_page(page: Any, asked: dict, _number: int) -> dict | None:
        number = len(rows(page))
        return {"offset": str(int(asked["offset"]) + number)} if number else None

    return client.listing(where, dict(query, limit=str(PAGE), offset="0"), schema, rows, key, next_page)


def organization(client: api.Client, namespace: str) -> dict:
    """Return an organization; raises NotFound if there is none of that name."""
    return client.get(api.path(*MANAGE, "namespaces", namespace), schema=ORGANIZATION)
