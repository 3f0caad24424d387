# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URL map of the fake Quay, with what it does not have."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.routing import BaseConverter, Map, Rule


class RepositoryPath(BaseConverter):
    """Two or more path segments; unlike one segment it weighs more than a fixed text, as in Quay's own routes."""

    part_isolating = False
    weight = 200
    regex = r"[^/]+(?:/[^/]+)+"


class WebPath(RepositoryPath):
    """Any path of two or more segments that is left to the web interface."""

    regex = r"(?!v1/|v2/|cnr/|push/|repository/)[^/]+(?:/[^/]+)+"


AUTOPRUNE_ROUTES = {
    "organization_policies": ("organization/<orgname>/autoprunepolicy/", ["GET", "POST"]),
    "organization_policy": ("organization/<orgname>/autoprunepolicy/<uuid>", ["GET", "PUT", "DELETE"]),
    "repository_policies": ("repository/<repositorypath:path>/autoprunepolicy/", ["GET", "POST"]),
    "repository_policy": ("repository/<repositorypath:path>/autoprunepolicy/<uuid>", ["GET", "PUT", "DELETE"]),
    "user_policies": ("user/autoprunepolicy/", ["GET", "POST"]),
    "user_policy": ("user/autoprunepolicy/<uuid>", ["GET", "PUT", "DELETE"]),
}
OTHER_ROUTES = {
    "organizations": ("organization/", ["POST"]),
    "organization": ("organization/<orgname>", ["GET", "PUT", "DELETE"]),
    "organization_logs": ("organization/<orgname>/logs", ["GET"]),
    "organization_aggregatelogs": ("organization/<orgname>/aggregatelogs", ["GET"]),
    "repository_logs": ("repository/<repositorypath:path>/logs", ["GET"]),
    "repository_aggregatelogs": ("repository/<repositorypath:path>/aggregatelogs", ["GET"]),
    "user_logs": ("user/logs", ["GET"]),
    "user_aggregatelogs": ("user/aggregatelogs", ["GET"]),
    "repositories": ("repository", ["GET", "POST"]),
    "repository": ("repository/<repositorypath:path>", ["GET", "PUT", "DELETE"]),
    "tags": ("repository/<repositorypath:path>/tag/", ["GET"]),
    "tag": ("repository/<repositorypath:path>/tag/<tag>", ["PUT", "DELETE"]),
    "tag_restore": ("repository/<repositorypath:path>/tag/<tag>/restore", ["POST"]),
    "current_user": ("user/", ["GET", "POST", "PUT", "DELETE"]),
    "user": ("users/<username>", ["GET"]),
}
# Endpoints of the real server that are no part of this fake; without them the repository routes would swallow them.
MISSING_BELOW_REPOSITORY = (
    "changestate",
    "changetrust",
    "changevisibility",
    "exportlogs",
    "immutabilitypolicy/",
    "immutabilitypolicy/<item>",
    "manifest/<item>",
    "mirror",
    "mirror/sync-cancel",
    "mirror/sync-now",
    "notification/",
    "notification/<item>",
    "permissions/team/",
    "permissions/team/<item>",
    "permissions/user/",
    "permissions/user/<item>",
    "tag/<tag>/expire",
    "tokens/",
    "tokens/<item>",
    "trigger/",
    "trigger/<item>",
)
MISSING_BELOW_ORGANIZATION = ("applications", "members", "mirror", "proxycache", "quota", "robots", "plan")
ANY_METHOD = ["GET", "POST", "PUT", "DELETE"]


@lru_cache(maxsize=2)
def build_routes(autoprune: bool) -> Map:
    """Returns the URL map; without the feature the policy routes are not registered, as in the real server."""
    api = dict(OTHER_ROUTES)
    if autoprune:
        api.update(AUTOPRUNE_ROUTES)
    rules = [
        Rule(f"/api/v1/{path}", endpoint=f"api.{name}", methods=[*methods, "OPTIONS"])
        for name, (path, methods) in api.items()
    ]
    missing = [f"repository/<repositorypath:path>/{tail}" for tail in MISSING_BELOW_REPOSITORY]
    missing += [f"organization/<orgname>/{tail}" for tail in MISSING_BELOW_ORGANIZATION]
    rules += [Rule(f"/api/v1/{path}", endpoint="api.missing", methods=[*ANY_METHOD, "OPTIONS"]) for path in missing]
    rules.append(Rule("/config", endpoint="config", methods=["GET", "OPTIONS"]))
    for path in ("/", "/repository/<path:rest>", "/organization/<path:rest>", "/user/<path:rest>"):
        rules.append(Rule(path, endpoint="page", methods=["GET", "OPTIONS"]))
    # Quay ffba0c7, endpoints/web.py: a GET that no other route takes is redirected to its form with a slash.
    for path in ("/<webpath:rest>/", "/<webpath:rest>", "/<rest>", "/<rest>/"):
        rules.append(Rule(path, endpoint="nothing", methods=["GET", "OPTIONS"]))
    return Map(rules, converters={"repositorypath": RepositoryPath, "webpath": WebPath})
