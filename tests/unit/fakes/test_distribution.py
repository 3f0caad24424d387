# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are pushed to the fakes of Harbor and Quay: who may, what is refused, and what becomes of them."""

from __future__ import annotations

import json

import pytest
import requests
from fakes.harbor import Harbor
from fakes.mount import mounted
from fakes.quay import Quay
from fakes.quay.pushes import OAUTH
from real.push import IMAGE, INDEX, Pusher, PushFailed, digest_of

URL = "https://registry.test"
RULE = {
    "disabled": False,
    "action": "immutable",
    "template": "immutable_template",
    "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
    "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
}


def harbor(**more):
    users = [{"name": "admin", "password": "one", "sysadmin": True}, {"name": "guest", "password": "two"}]
    members = [{"user": "guest", "role": "guest"}]
    return Harbor({"users": users, "projects": [{"name": "acme", "members": members, **more}]}), ("admin", "one")


def quay(scopes=("repo:create", "repo:write")):
    user = {"name": "alice", "tokens": [{"as": "alice", "token": "one", "scopes": list(scopes)}]}
    return Quay({"users": [user], "organizations": [{"name": "acme", "admins": ["alice"]}]}), (OAUTH, "one")


@pytest.fixture(params=[harbor, quay])
def pushing(request):
    """Returns a fake, what pushes to it, and user name and password."""
    fake, credentials = request.param()
    with mounted(fake, URL):
        yield fake, Pusher(requests.Session(), URL, *credentials), credentials


def token(credentials, scope):
    realm = {"admin": "/service/token"}.get(credentials[0], "/v2/auth")
    found = requests.get(URL + realm, params={"scope": scope}, auth=credentials)
    return found.json()["token"]


def test_an_image_is_pulled_as_it_was_pushed_under_each_of_its_tags(pushing):
    _fake, push, _credentials = pushing
    digest = push.image("acme/team/app", "v1", "one")
    assert push.image("acme/team/app", "latest", "one") == digest
    assert push.digest("acme/team/app", "v1") == push.digest("acme/team/app", "latest") == digest
    moved = push.image("acme/team/app", "latest", "two")
    assert moved != digest and push.digest("acme/team/app", "latest") == moved
    assert push.digest("acme/team/app", "v1") == digest and push.digest("acme/team/app", "v2") is None


def test_an_index_holds_its_images(pushing):
    fake, push, _credentials = pushing
    digest, children = push.index("acme/app", "multi", "one")
    assert push.digest("acme/app", "multi") == digest and len(set(children)) == 2
    if isinstance(fake, Quay):
        (row,) = fake.repositories["acme", "app"]["tags"]
        assert row["is_manifest_list"] and [child["digest"] for child in row["children"]] == children
    else:
        _project, repository = fake.store.repository("acme/app")
        assert [item.digest for item in repository.candidates()] == [digest]
        assert [item["platform"]["architecture"] for item in repository.find("multi").references] == ["amd64", "arm64"]


def test_without_credentials_or_with_wrong_ones_nobody_pushes(pushing):
    _fake, push, credentials = pushing
    asked = requests.get(f"{URL}/v2/")
    assert asked.status_code == 401 and 'Bearer realm="https://registry.test/' in asked.headers["WWW-Authenticate"]
    push.basic = (credentials[0], "wrong")
    with pytest.raises(PushFailed, match="401"):
        push.image("acme/app", "v1", "one")


def test_a_token_is_for_what_it_was_given_for(pushing):
    _fake, push, credentials = pushing
    push.image("acme/app", "v1", "one")
    only = {"Authorization": f"Bearer {token(credentials, 'repository:acme/app:pull')}"}
    assert requests.get(f"{URL}/v2/acme/app/manifests/v1", headers=only).status_code == 200
    assert requests.post(f"{URL}/v2/acme/app/blobs/uploads/", headers=only).status_code == 401
    assert requests.get(f"{URL}/v2/acme/other/manifests/v1", headers=only).status_code == 401


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (IMAGE, b"{", "MANIFEST_INVALID"),
        (IMAGE, {"mediaType": INDEX, "manifests": []}, "MANIFEST_INVALID"),
        (IMAGE, {"mediaType": IMAGE, "layers": []}, "MANIFEST_INVALID"),
        (
            IMAGE,
            {"mediaType": IMAGE, "config": {"digest": f"sha256:{'0' * 64}", "size": 1}, "layers": []},
            "BLOB_UNKNOWN",
        ),
        (INDEX, {"mediaType": INDEX, "manifests": [{"digest": f"sha256:{'0' * 64}", "size": 1}]}, "BLOB_UNKNOWN"),
    ],
)
def test_a_manifest_that_is_broken_or_names_what_is_not_there_is_refused(pushing, kind, body, code):
    _fake, push, credentials = pushing
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    bearer = f"Bearer {token(credentials, 'repository:acme/app:pull,push')}"
    headers = {"Authorization": bearer, "Content-Type": kind}
    found = requests.put(f"{URL}/v2/acme/app/manifests/v1", data=data, headers=headers)
    assert found.status_code == 400 and code in found.json()["errors"][0]["code"]
    assert push.digest("acme/app", "v1") is None


def test_a_blob_with_another_digest_is_refused(pushing):
    _fake, _push, credentials = pushing
    headers = {"Authorization": f"Bearer {token(credentials, 'repository:acme/app:pull,push')}"}
    where = requests.post(f"{URL}/v2/acme/app/blobs/uploads/", headers=headers).headers["Location"]
    found = requests.put(f"{URL}{where}&digest={digest_of(b'two')}", data=b"one", headers=headers)
    assert (found.status_code, found.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")
    assert requests.head(f"{URL}/v2/acme/app/blobs/{digest_of(b'one')}", headers=headers).status_code == 404


def test_harbor_refuses_guests_unknown_projects_and_tags_that_are_immutable():
    fake, credentials = harbor(immutable_rules=[RULE])
    with mounted(fake, URL):
        push = Pusher(requests.Session(), URL, *credentials)
        digest = push.image("acme/app", "v1", "one")
        with pytest.raises(PushFailed, match="immutable"):
            push.image("acme/app", "v1", "two")
        assert push.digest("acme/app", "v1") == digest
        with pytest.raises(PushFailed, match="project nowhere not found"):
            push.image("nowhere/app", "v1", "one")
        push.basic = ("guest", "two")
        with pytest.raises(PushFailed, match="401"):
            push.image("acme/app", "dev", "one")


def test_quay_makes_a_repository_for_whoever_may_create_one_and_lets_the_age_of_a_tag_begin_anew():
    fake, credentials = quay()
    with mounted(fake, URL):
        push = Pusher(requests.Session(), URL, *credentials)
        push.image("acme/app", "v1", "one")
        fake.advance(100)
        push.image("acme/app", "v1", "one")
        old, new = fake.repositories["acme", "app"]["tags"]
        assert old["end_ms"] == new["start_ms"] >= old["start_ms"] + 100_000 and new["end_ms"] is None
        with pytest.raises(PushFailed, match="401"):
            push.image("rivals/app", "v1", "one")
    fake, credentials = quay(scopes=["repo:write"])
    with mounted(fake, URL):
        with pytest.raises(PushFailed, match="401"):
            Pusher(requests.Session(), URL, *credentials).image("acme/app", "v1", "one")
        assert fake.repositories == {}
