# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""swr_retention and swr_retention_info beside Huawei Cloud's SDK for Python."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from fakes.serve import serving
from fakes.swr import Swr
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkswr import v2


class Key(NamedTuple):
    """An access key as the fake's state takes it."""

    access: str
    secret: str
    security_token: str | None = None


DAY = 86400
PERMANENT = Key("PERMANENTKEY0001", "madeUpSecret/0001+=")
TEMPORARY = Key("TEMPORARYKEY0001", "madeUpSecret/0002+=", "madeUpToken" * 9)
NUMBERS = {"date_rule": "days", "tag_rule": "num"}
LATEST = {"kind": "label", "pattern": "latest"}
V1 = {"kind": "label", "pattern": "v1"}
RELEASES = {"kind": "regexp", "pattern": r"^v[0-9]+\.[0-9]+$"}
UMLAUT = {"kind": "regexp", "pattern": '^(.*ä.*|[^"$&+/]*[\\]%20{}|#~])$'}
POLICIES = {
    "days": {"template": "date_rule", "days": 365, "tag_selectors": []},
    "days, selectors": {"template": "date_rule", "days": 1, "tag_selectors": [LATEST, V1, RELEASES]},
    "number": {"template": "tag_rule", "num": 1000, "tag_selectors": []},
    "number, selector": {"template": "tag_rule", "num": 1, "tag_selectors": [UMLAUT]},
}
OLD = {"template": "date_rule", "days": 30, "tag_selectors": [LATEST, RELEASES]}
NEW = {"template": "date_rule", "days": 45, "tag_selectors": [LATEST]}
OTHER = {"template": "tag_rule", "num": 7, "tag_selectors": []}
KEEP_TWO = {"template": "tag_rule", "num": 2, "tag_selectors": [LATEST, RELEASES]}
GONE, KEPT = ["dev-2", "dev-3"], ["dev-0", "dev-1", "latest", "v1.0"]
each_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
each_repository = pytest.mark.parametrize("repository", ["app", "team/app", "team/base/app"])


class Sdk:
    """The SDK as its users call it, who write $ for / in the name of a repository; speaks the words of our options."""

    def __init__(self, url, key=PERMANENT, namespace="acme", signs_in="key"):
        credentials = BasicCredentials(key.access, key.secret)
        if key.security_token:
            credentials.with_security_token(key.security_token)
        builder = v2.SwrClient.new_builder().with_credentials(credentials)
        if signs_in == "region":  # asks IAM for the id of the project of that name
            credentials.with_iam_endpoint(url)
            builder.with_region(Region("eu-de", url))
        else:
            builder.with_endpoint(url)
        self.client = builder.build()
        self.namespace = namespace

    def where(self, repository):
        return self.namespace, repository.replace("/", "$")

    def create(self, repository, policy):
        body = v2.CreateRetentionRequestBody("or", [as_rule(policy)])
        return self.client.create_retention(v2.CreateRetentionRequest(*self.where(repository), body=body)).id

    def update(self, repository, number, policy):
        body = v2.UpdateRetentionRequestBody("or", [as_rule(policy)])
        self.client.update_retention(v2.UpdateRetentionRequest(*self.where(repository), number, body=body))

    def delete(self, repository, number):
        self.client.delete_retention(v2.DeleteRetentionRequest(*self.where(repository), number))

    def show(self, repository, number):
        return as_policy(self.client.show_retention(v2.ShowRetentionRequest(*self.where(repository), number)))

    def policies(self, repository):
        """Returns the policies by their ids."""
        found = self.client.list_retentions(v2.ListRetentionsRequest(*self.where(repository))).body
        return {policy.id: as_policy(policy) for policy in found or []}  # no body if there is none

    def only(self, repository):
        ((number, policy),) = self.policies(repository).items()
        assert self.show(repository, number) == policy
        return number, policy

    def histories(self, repository, **page):
        """Returns the rows of the log as our module returns them."""
        request = v2.ListRetentionHistoriesRequest(*self.where(repository), **page)
        return [
            {
                "tag": row.tag,
                "created_at": row.created_at,
                "retention_id": row.retention_id,
                "rule": in_option_words(json.loads(row.rule_type)),
            }
            for row in self.client.list_retention_histories(request).retention_log
        ]

    def tags(self, repository):
        found = self.client.list_repository_tags(v2.ListRepositoryTagsRequest(*self.where(repository))).body
        return sorted(tag.tag for tag in found)

    def repositories(self):
        found = self.client.list_repos_details(v2.ListReposDetailsRequest(namespace=self.namespace)).body
        return sorted(row.name for row in found)


def as_rule(policy):
    """Returns a policy in our words as the SDK's model of a rule; without tag_selectors, the SDK leaves them out."""
    number = NUMBERS[policy["template"]]
    selectors = policy.get("tag_selectors")
    given = selectors if selectors is None else [v2.TagSelector(**selector) for selector in selectors]
    return v2.Rule(policy["template"], {number: str(policy[number])}, given)


def as_policy(found):
    """Returns the SDK's model of a policy of one rule in our words."""
    assert found.algorithm == "or"
    (rule,) = found.rules
    return in_option_words(rule.to_dict())


def in_option_words(rule):
    number = NUMBERS[rule["template"]]
    policy = {"template": rule["template"], number: int(rule["params"][number])}
    return in_order(dict(policy, tag_selectors=rule["tag_selectors"]))


def in_order(policy):
    """Returns the policy with its selectors in the order in which our modules return them."""
    selectors = sorted(policy["tag_selectors"], key=lambda selector: (selector["kind"], selector["pattern"]))
    return dict(policy, tag_selectors=selectors)


class Ours:
    """Our modules on one organization."""

    def __init__(self, run, url, key=PERMANENT, namespace="acme"):
        self.run = run
        self.options = {
            "swr_url": url,
            "swr_access_key": key.access,
            "swr_secret_key": key.secret,
            "swr_security_token": key.security_token,
            "namespace": namespace,
        }

    def set(self, repository, policy, **more):
        """Returns whether our module changed something."""
        result = self.try_set(repository, policy, **more)
        assert not result.get("failed"), result
        return result["changed"]

    def try_set(self, repository, policy, check_mode=False, **more):
        options = {**self.options, "repositories": [repository], **(policy or {"state": "absent"}), **more}
        return self.run("swr_retention", options, check_mode)

    def info(self, *repositories, **more):
        result = self.run("swr_retention_info", {**self.options, "repositories": list(repositories), **more})
        assert not result.get("failed") and not result["changed"], result
        return result

    def policy(self, repository):
        return self.info(repository)["retention"]


def tags():
    """Returns four development tags, one a day, and two that are older."""
    days = {"dev-0": 0, "dev-1": 1, "dev-2": 2, "dev-3": 3, "latest": 10, "v1.0": 20}
    return [{"name": name, "age_seconds": age * DAY + 60} for name, age in days.items()]


@pytest.fixture
def fake():
    repositories = ["app", "team/app", "team/base/app", "team-app"]
    return Swr(
        {
            "users": [
                {"name": "robot", "domain": "account", "access_keys": [PERMANENT._asdict(), TEMPORARY._asdict()]}
            ],
            "projects": [{"name": "eu-de", "domain": "account"}],
            "organizations": [
                {"name": "acme", "repositories": [{"name": name, "tags": tags()} for name in repositories]},
                {"name": "globex", "repositories": [{"name": "team/app", "tags": tags()}]},
            ],
        }
    )


@pytest.fixture
def url(fake):
    with serving(fake) as address:
        yield address


@pytest.fixture
def sdk(url):
    return Sdk(url)


@pytest.fixture
def ours(run, url):
    return Ours(run, url)


def held(fake):
    """Returns how many policies each repository has that has any."""
    found = {name: len(fake.retentions(name)) for name in fake.repository_names()}
    return {name: number for name, number in found.items() if number}


def refusal(call, *arguments):
    """Returns status and code of the error that the SDK raises."""
    with pytest.raises(ServiceResponseException) as caught:
        call(*arguments)
    return caught.value.status_code, caught.value.error_code


@each_repository
@each_policy
def test_we_see_what_the_sdk_creates(fake, sdk, ours, repository, policy):
    number = sdk.create(repository, policy)
    assert ours.policy(repository) == in_order(policy)
    assert ours.set(repository, policy) is False
    assert sdk.only(repository) == (number, in_order(policy))
    assert held(fake) == {f"acme/{repository}": 1}


@each_repository
@each_policy
def test_the_sdk_sees_what_we_create(fake, sdk, ours, repository, policy):
    assert sdk.policies(repository) == {}
    assert ours.set(repository, policy) is True
    number, found = sdk.only(repository)
    assert found == in_order(policy) == ours.policy(repository)
    assert ours.set(repository, policy) is False
    assert sdk.only(repository) == (number, found)
    assert held(fake) == {f"acme/{repository}": 1}


def test_both_change_the_same_policy_in_turns(sdk, ours):
    number = sdk.create("team/app", OLD)
    assert ours.set("team/app", NEW) is True
    assert sdk.only("team/app") == (number, in_order(NEW))
    sdk.update("team/app", number, OLD)
    assert ours.policy("team/app") == in_order(OLD)
    assert ours.set("team/app", OLD) is False
    assert ours.set("team/app", NEW, check_mode=True) is True
    assert sdk.only("team/app") == (number, in_order(OLD))


def test_the_template_is_replaced_if_that_is_allowed(sdk, ours):
    old = sdk.create("team/app", OLD)
    assert refusal(sdk.update, "team/app", old, OTHER) == (400, "SVCSTG.SWR.4000014")
    assert "allow_replace" in ours.try_set("team/app", OTHER)["msg"]
    assert sdk.only("team/app") == (old, in_order(OLD))
    assert ours.set("team/app", OTHER, allow_replace=True) is True
    new, found = sdk.only("team/app")
    assert new != old and found == OTHER
    assert refusal(sdk.show, "team/app", old)[0] == 404


def test_we_see_that_the_sdk_deleted(sdk, ours):
    ours.set("team/app", OLD)
    sdk.delete("team/app", sdk.only("team/app")[0])
    assert ours.policy("team/app") is None
    assert ours.set("team/app", None) is False


def test_the_sdk_sees_that_we_deleted(sdk, ours):
    number = sdk.create("team/app", OLD)
    assert ours.set("team/app", None) is True
    assert sdk.policies("team/app") == {}
    assert refusal(sdk.delete, "team/app", number) == (400, "SVCSTG.SWR.4000306")


def test_a_policy_of_the_sdk_without_selectors_is_one_with_an_empty_list(fake, sdk, ours):
    fake.switches["missing_selectors"] = "accept"
    for reading in ("list", "null"):
        fake.switches["empty_selectors_as"] = reading
        number = sdk.create("team/app", {"template": "tag_rule", "num": 7})
        assert ours.policy("team/app") == OTHER
        assert ours.set("team/app", OTHER) is False
        sdk.delete("team/app", number)


def test_further_policies_of_the_sdk_are_removed(fake, sdk, ours):
    number = sdk.create("team/app", OTHER)
    assert refusal(sdk.create, "team/app", OLD) == (400, "SVCSTG.SWR.4000014")
    fake.switches["second_post"] = "append"
    sdk.create("team/app", OLD)
    assert ours.policy("team/app")["further_policies"] == [in_order(OLD)]
    assert ours.set("team/app", OTHER) is True
    assert sdk.only("team/app") == (number, OTHER)


def test_the_sdk_does_not_replace_slashes_and_we_do(fake, sdk, ours):
    sdk.where = lambda repository: ("acme", repository)
    assert refusal(sdk.create, "team/app", OLD) == (404, "APIGW.0101")
    assert held(fake) == {}
    assert ours.set("team/app", OLD) is True
    assert sdk.only("team$app")[1] == in_order(OLD)


def test_a_glob_means_what_the_sdk_lists(sdk, ours):
    sdk.create("team/app", OTHER)
    assert sorted(ours.info("*")["retention"]) == sdk.repositories()
    assert ours.set("team*", OTHER) is True
    for repository in sdk.repositories():
        found = list(sdk.policies(repository).values())
        assert found == ([OTHER] if repository.startswith("team") else [])


@pytest.mark.parametrize("ours_first", [True, False], ids=["our policy", "policy of the SDK"])
def test_both_see_which_tags_went(sdk, ours, ours_first):
    assert ours.set("team/app", KEEP_TWO) if ours_first else sdk.create("team/app", KEEP_TWO)
    history = ours.info("team/app", history=True)["history"]
    assert sorted(row["tag"] for row in history) == GONE
    assert history == sdk.histories("team/app")
    assert history == sdk.histories("team/app", limit="1", offset="0") + sdk.histories(
        "team/app", limit="1", offset="1"
    )
    assert {row["retention_id"] for row in history} == {sdk.only("team/app")[0]}
    assert [row["rule"] for row in history] == [in_order(KEEP_TWO)] * 2
    assert sdk.tags("team/app") == KEPT
    assert sdk.histories("app") == ours.info("app", history=True)["history"] == []
    assert sdk.tags("app") == sorted(KEPT + GONE)


@pytest.mark.parametrize(
    ("namespace", "repository", "code"),
    [("acme", "gone/app", "SVCSTG.SWR.4040010"), ("gone", "team/app", "SVCSTG.SWR.4040058")],
    ids=["repository", "organization"],
)
def test_both_are_told_what_does_not_exist(fake, run, url, namespace, repository, code):
    sdk, ours = Sdk(url, namespace=namespace), Ours(run, url, namespace=namespace)
    assert refusal(sdk.create, repository, OLD) == (404, code)
    assert refusal(sdk.policies, repository) == (404, code)
    result = ours.try_set(repository, OLD)
    assert result["failed"] and f"404 {code}" in result["msg"]
    assert held(fake) == {}


@pytest.mark.parametrize("key", [PERMANENT, TEMPORARY], ids=["permanent key", "temporary key"])
@pytest.mark.parametrize("signs_in", ["key", "region"])
def test_both_sign_with_the_same_key(run, url, key, signs_in):
    sdk, ours = Sdk(url, key, signs_in=signs_in), Ours(run, url, key)
    number = sdk.create("team/app", OLD)
    assert ours.set("team/app", NEW) is True
    assert sdk.only("team/app") == (number, in_order(NEW))


def test_both_are_refused_with_a_wrong_key(fake, run, url):
    wrong = PERMANENT._replace(secret="madeUpWrongSecret")
    assert refusal(Sdk(url, wrong).create, "team/app", OLD) == (401, "APIGW.0301")
    result = Ours(run, url, wrong).try_set("team/app", OLD)
    assert result["failed"] and "401 APIGW.0301" in result["msg"]
    assert held(fake) == {}
