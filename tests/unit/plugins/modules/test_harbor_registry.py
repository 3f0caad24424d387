# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from contract.harbor_remotes import DR, ENDPOINTS, HUB, SECRET, endpoints, harbor, run
from contract.harbor_tasks import VERSIONS, changed, failed, ok, unchanged

DER = base64.b64encode(b"\x30\x82" + b"x" * 200).decode()
PEM = f"-----BEGIN CERTIFICATE-----\n{DER}\n-----END CERTIFICATE-----\n"
MODULE, INFO = "harbor_registry", "harbor_registry_info"
DR2 = {"name": "dr2", "type": "harbor", "url": "http://dr.test", "access_key": "me", "access_secret": SECRET}
by_version = pytest.mark.parametrize("version", VERSIONS)


def stored(fake, name="dr2"):
    found = endpoints(fake)[name]
    return found.url, found.access_key, found.access_secret


@by_version
@pytest.mark.parametrize(
    "options",
    [
        {"type": "docker-registry", "url": "hub.test"},
        {"type": "docker-registry", "url": " HTTP://hub.test// ", "description": "a\nb"},
        {"type": "quay", "url": "http://hub.test?x=1#y", "insecure": True},
        {"type": "docker-registry", "url": "http://hub.test", "access_key": "any", "access_secret": SECRET},
        {"type": "docker-registry", "url": "http://hub.test", "access_key": ""},
        {"type": "harbor", "url": "http://dr.test", "access_key": "me", "access_secret": SECRET},
        {
            "type": "harbor",
            "url": "http://dr.test/",
            "access_key": "me",
            "access_secret": SECRET,
            "credential_type": "x",
        },
    ],
    ids=str,
)
def test_what_was_written_is_found_unchanged_and_what_is_read_is_input(version, options):
    fake = harbor(version)
    written = changed(run(fake, MODULE, name="new one/ü", **options), "registry")
    again = unchanged(run(fake, MODULE, name="new one/ü", **options), "registry")
    assert dict(written, access_secret=None) == again and fake.writes == []
    found = run(fake, INFO)
    assert again in found["registries"] and len(found["registries"]) == 4
    unchanged(run(fake, MODULE, registries=found["registries"], exclusive=True), "registry")
    assert len(fake.requests) == 2 and fake.writes == []


def test_what_is_not_set_stays_and_a_put_holds_no_more_than_what_changes():
    fake = harbor()
    changed(run(fake, MODULE, name="dr", description="other side"), "registry")
    assert [entry["body"] for entry in fake.writes] == [{"description": "other side"}]
    assert stored(fake, "dr") == ("http://dr.test", "me", SECRET)
    changed(run(fake, MODULE, name="dr", description=""), "registry")
    assert endpoints(fake)["dr"].description == ""


def test_a_secret_is_written_where_harbor_has_none_with_another_key_and_when_that_is_asked_for():
    fake = harbor()
    unchanged(run(fake, MODULE, name="dr", access_key="me", access_secret="another-Secret3"), "registry")
    result = run(fake, MODULE, name="dr", access_secret=SECRET, update_secret="always")
    assert changed(result, "registry")["access_secret"] == "********"
    assert result["plan"]["lines"] == ["~ dr: access_secret: written again, as Harbor does not show the one it has"]
    assert changed(run(fake, MODULE, name="dr", access_secret=SECRET, update_secret="always"), "registry")
    changed(run(fake, MODULE, name="dr", access_key="guest", access_secret=SECRET), "registry")
    assert stored(fake, "dr")[1:] == ("guest", SECRET)
    endpoints(fake)["dr"].access_secret = ""
    changed(run(fake, MODULE, name="dr", access_key="guest", access_secret=SECRET), "registry")
    assert stored(fake, "dr")[1:] == ("guest", SECRET)
    unchanged(run(fake, MODULE, name="dr", access_key="guest", access_secret=SECRET), "registry")


def test_an_address_that_is_shown_as_it_was_once_sent_is_no_difference():
    fake = harbor()
    endpoints(fake)["hub"].url = "HTTP://hub.test/"
    assert unchanged(run(fake, MODULE, name="hub", url="http://hub.test"), "registry")["url"] == "HTTP://hub.test/"
    endpoints(fake)["hub"].url = "not an address"
    changed(run(fake, MODULE, name="hub", url="http://hub.test"), "registry")


def test_credentials_are_wiped_together():
    fake = harbor()
    gone = changed(run(fake, MODULE, name="dr", access_key=""), "registry")
    assert (gone["access_key"], gone["credential_type"]) == (None, None) and stored(fake, "dr")[1:] == ("", "")
    unchanged(run(fake, MODULE, name="dr", access_key=""), "registry")


@pytest.mark.parametrize(("version", "needs"), [("2.14", False), ("2.16", True)])
def test_another_address_needs_the_secret_again_where_harbor_forgets_it(version, needs):
    fake = harbor(version, remotes=[HUB, DR, {**DR, "as": "dr3", "url": "http://dr3.test"}])
    result = run(fake, MODULE, name="dr", url="http://dr3.test")
    if needs:
        failed(result, "forget the secret", "access_secret")
        assert fake.writes == []
    else:
        changed(result, "registry")
    changed(
        run(fake, MODULE, name="dr", url="http://dr3.test", access_secret=SECRET, update_secret="always"), "registry"
    )
    assert stored(fake, "dr") == ("http://dr3.test", "me", SECRET)


def test_another_type_is_refused_naming_both():
    fake = harbor()
    failed(run(fake, MODULE, name="dr", type="docker-registry"), "of type harbor", "make docker-registry of it")
    assert fake.writes == []


def test_a_type_that_harbor_does_not_know_is_refused_unless_harbor_is_newer_than_we_are():
    fake = harbor()
    failed(run(fake, MODULE, name="new", type="quey", url="http://hub.test"), "Did you mean 'quay'?")
    assert fake.writes == []
    newer = harbor("2.17")
    failed(run(newer, MODULE, name="new", type="tomorrow", url="http://hub.test"), "500", "does not know the type")
    assert "new" not in endpoints(newer)


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({"type": "docker-registry", "url": "http://nobody.test"}, ["400", "unhealthy", "check url"]),
        ({"type": "harbor", "url": "http://nobody.test"}, ["500", "cannot reach a remote of type harbor"]),
        ({"type": "harbor", "url": "http://dr.test", "access_key": "me", "access_secret": "x"}, ["access_secret"]),
    ],
)
def test_an_unhealthy_remote_is_a_clear_error(options, texts):
    fake = harbor()
    result = failed(run(fake, MODULE, name="new", **options), *texts)
    assert not result["changed"] and "new" not in endpoints(fake) and len(result["msg"]) < 1000


def test_an_endpoint_whose_remote_is_down_is_never_written_if_equal_and_can_be_deleted():
    fake = harbor()
    fake.remotes.known["dr"].healthy = False
    unchanged(run(fake, MODULE, **{**DR2, "name": "dr"}), "registry")
    failed(run(fake, MODULE, name="dr", description="x"), "can only be deleted")
    assert changed(run(fake, MODULE, name="dr", state="absent"), "registry") is None
    assert "dr" not in endpoints(fake)


USED = [
    {"name": name, "src_registry": {"name": "hub"}, "enabled": True, "trigger": {"type": "manual"}}
    for name in ("b", "a")
]


def test_one_in_use_is_not_deleted_and_its_users_are_named_in_check_mode_as_a_warning():
    fake = harbor(replication_policies=USED)
    failed(run(fake, MODULE, name="hub", state="absent"), "policies use it (a, b)", "delete these first")
    assert fake.writes == [] and "hub" in endpoints(fake)
    foretold = run(fake, MODULE, name="hub", state="absent", check_mode=True)
    assert foretold["changed"] and "(a, b)" in foretold["warnings"][0]


def test_who_may_not_list_policies_is_told_by_harbor_that_one_is_in_use():
    fake = harbor(replication_policies=USED)
    fake.faults.append({"method": "GET", "path": "policies", "status": 403, "times": 9,
                        "body": {"errors": [{"code": "FORBIDDEN", "message": "robot$x"}]}})  # fmt: skip
    failed(run(fake, MODULE, name="hub", state="absent"), "412", "referenced by replication policies", "delete these")


def test_names_are_exact():
    fake = harbor(
        registries=[*ENDPOINTS, *({**ENDPOINTS[0], "name": name} for name in ("Hub", "hub ", "hub,dr", "%68ub"))]
    )
    changed(run(fake, MODULE, name="%68ub", state="absent"), "registry")
    changed(run(fake, MODULE, name="hub,dr", state="absent"), "registry")
    assert sorted(endpoints(fake)) == ["Hub", "dr", "hub", "hub ", "limited"]
    assert unchanged(run(fake, MODULE, name="HUB", state="absent"), "registry") is None


def test_many_at_once_cost_one_listing_and_exclusive_removes_the_others():
    fake = harbor()
    some = [
        {"name": f"mirror-{number:03}", "type": "docker-registry", "url": "http://hub.test"} for number in range(250)
    ]
    foretold = run(fake, MODULE, registries=some, exclusive=True, check_mode=True)
    done = run(fake, MODULE, registries=some, exclusive=True)
    assert foretold["plan"] == done["plan"] and done["plan"]["changed"] == 253
    assert done["plan"]["lines"][0].startswith("+ 250 registries (mirror-000, mirror-001, mirror-002, ...): new")
    assert "- hub: removed, docker-registry at http://hub.test" in done["plan"]["lines"]
    assert len(done["registry"]) == 50
    assert sorted(endpoints(fake)) == [item["name"] for item in some]
    again = run(fake, MODULE, registries=some, exclusive=True)
    assert not again["changed"] and len(fake.requests) == 1 + 3


def test_one_of_many_that_fails_neither_stops_nor_hides_the_others():
    fake = harbor()
    some = [DR2, {"name": "new", "type": "harbor", "url": "http://nobody.test"}, {"name": "hub", "description": "x"}]
    result = failed(run(fake, MODULE, registries=some), "1 of 3 targets failed", "new (registries[1]): POST")
    assert result["changed"] and sorted(result["registry"]) == ["dr2", "hub"]
    assert endpoints(fake)["hub"].description == "x" and "dr2" in endpoints(fake)


def test_two_entries_for_one_endpoint_must_agree():
    fake = harbor()
    failed(
        run(fake, MODULE, registries=[DR2, {**DR2, "insecure": True}]), "declared twice", "registries[0]", "insecure"
    )
    assert fake.writes == []


def test_a_lost_race_is_no_failure_if_it_was_won_by_the_same():
    fake = harbor()

    def other(description):
        rival = {"name": "new", "type": "docker-registry", "url": "http://hub.test", "description": description}
        fake.next("POST", lambda: run_beside(fake, rival))

    other("")
    result = run(fake, MODULE, name="new", type="docker-registry", url="http://hub.test")
    assert not result.get("failed") and result["changed_targets"] == []
    endpoints(fake).pop("new")
    fake = harbor()
    other("mine")
    failed(
        run(fake, MODULE, name="new", type="docker-registry", url="http://hub.test"),
        "409",
        "Somebody else",
        "run again",
    )
    assert endpoints(fake)["new"].description == "mine"


def run_beside(fake, body):
    """Make an endpoint as somebody else would, in the middle of a task."""
    from fakes.harbor.registries import Registries, Registry

    family = fake.family(Registries)
    family._last += 1
    family.known[family._last] = Registry(family._last, **body, creation_time=fake.at(), update_time=fake.at())


@pytest.mark.parametrize("after", [True, False])
def test_a_put_that_was_lost_on_its_way_is_sent_again(after):
    fake = harbor()
    fake.faults.append({"method": "PUT", "drop": True, "after": after})
    changed(run(fake, MODULE, name="dr", description="x"), "registry")
    assert endpoints(fake)["dr"].description == "x"


def test_whether_a_secret_was_written_is_not_guessed():
    fake = harbor()
    fake.faults.append({"method": "PUT", "status": 500, "after": True})
    failed(run(fake, MODULE, name="dr", access_secret=SECRET, update_secret="always"), "500")


def test_the_certificate_is_kept_as_it_is_and_older_harbors_have_none():
    fake = harbor()
    found = changed(run(fake, MODULE, name="hub", ca_certificate=PEM), "registry")
    assert found["ca_certificate"] == PEM and endpoints(fake)["hub"].ca_certificate == PEM
    unchanged(run(fake, MODULE, name="hub", ca_certificate=PEM.strip()), "registry")
    result = run(fake, MODULE, name="hub", ca_certificate="")
    assert changed(result, "registry")["ca_certificate"] == ""
    assert result["plan"]["lines"] == ["~ hub: ca_certificate: removed"]
    old = harbor("2.14")
    assert ok(run(old, MODULE, name="hub"), "registry")["ca_certificate"] is None
    unchanged(run(old, MODULE, name="hub", ca_certificate=""), "registry")
    failed(run(old, MODULE, name="hub", ca_certificate=PEM), "came with 2.15")


def test_info_pings_on_demand_and_never_in_check_mode():
    fake = harbor()
    fake.remotes.known["hub"].healthy = False
    found = run(fake, INFO, names=["*"], ping=True)
    pings = {name: one["ping"]["healthy"] for name, one in found["details"].items()}
    assert pings == {"dr": True, "hub": False, "limited": True} and not found["changed"]
    assert found["details"]["hub"]["ping"]["message"] == "the registry is unhealthy"
    checked = run(fake, INFO, ping=True, check_mode=True)
    assert checked["details"]["dr"]["ping"] is None and "only reads" in checked["warnings"][0]
    fake.remotes.known["dr"].healthy = False
    dead = run(fake, INFO, names=["dr", "no*", "none"], ping=True)
    assert dead["details"]["dr"]["ping"] == {"healthy": False, "message": "it cannot be reached"}
    assert len(dead["warnings"]) == 2 and [item["name"] for item in dead["registries"]] == ["dr"]


def test_hostile_names_are_escaped_where_people_read_them():
    fake = harbor(registries=[{**ENDPOINTS[0], "name": "evil\x1b[2J\n- hub"}])
    result = run(fake, MODULE, registries=[DR2], exclusive=True)
    assert any("evil\\x1b[2J\\n- hub: removed" in line for line in result["plan"]["lines"])


def test_a_robot_is_told_which_right_it_lacks():
    fake = harbor()
    body = {"errors": [{"code": "FORBIDDEN", "message": "robot$x"}]}
    fake.faults.append({"method": "GET", "path": "registries", "status": 403, "body": body})
    failed(run(fake, MODULE, name="hub"), "registry:list")
    fake.faults.append({"method": "PUT", "path": "registries", "status": 403, "body": body})
    failed(run(fake, MODULE, name="hub", description="x"), "registry:update")
    fake.faults.append({"method": "POST", "path": "registries", "status": 403, "body": body})
    failed(run(fake, MODULE, **DR2), "registry:create")
