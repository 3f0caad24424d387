# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traps of Harbor's transport that no recording covers: sign-in, bodies, lists, faults."""

from __future__ import annotations

import base64

import pytest
import requests
from fakes.harbor import gojson, models
from fakes.harbor.listing import keywords
from fakes.harbor.wire import Refusal
from fakes.mount import mounted

SCHEDULE = "/system/purgeaudit/schedule"


def test_a_user_is_refused_for_a_moment_after_a_wrong_password_where_the_switch_says_so(harbor):
    caller = harbor()
    assert caller("GET", SCHEDULE, password="wrong").status_code == 401
    assert caller("GET", SCHEDULE).status_code == 200
    caller.fake.switches["lock_seconds"] = 1.5
    assert caller("GET", "/ping", password="wrong").status_code == 200
    assert caller("GET", SCHEDULE).status_code == 401
    caller.fake.advance(2)
    assert caller("GET", SCHEDULE).status_code == 200


def test_a_robot_has_the_prefix_of_the_moment_and_no_lock(harbor):
    access = [{"resource": "purge-audit", "action": "read"}]
    permissions = [{"kind": "system", "namespace": "/", "access": access}]
    caller = harbor(robots=[{"name": "robot$one", "secret": "Secret-1", "permissions": permissions}])
    assert caller("GET", SCHEDULE, user="robot$one", password="Secret-1").status_code == 200
    caller("PUT", "/configurations", {"robot_name_prefix": "bot-"})
    assert caller("GET", SCHEDULE, user="robot$one", password="Secret-1").status_code == 401
    assert caller("GET", SCHEDULE, user="bot-one", password="Secret-1").status_code == 200
    assert caller.message("GET", "/system/gc", user="bot-one", password="Secret-1") == (403, "bot-one")


@pytest.mark.parametrize("cookie", ["sid=", "sid=abc", "sid=abc; _gorilla_csrf=x"])
def test_any_sid_provokes_the_check_and_gets_both_cookies(harbor, cookie):
    caller = harbor()
    answer = caller("PUT", SCHEDULE, {}, headers={"Cookie": cookie})
    assert (answer.status_code, answer.get_json()["errors"][0]["message"]) == (403, "CSRF token not found in request")
    assert [text.partition("=")[0] for text in answer.headers.getlist("Set-Cookie")] == ["sid", "_gorilla_csrf"]
    assert caller("PUT", "/nothing", {}, headers={"Cookie": cookie}).status_code == 403


def test_a_token_without_its_own_cookie_is_invalid_and_its_own_one_is_good_many_times(harbor):
    caller = harbor()
    answer = caller("GET", "/ping", headers={"Cookie": "sid=abc"})
    token = answer.headers["X-Harbor-CSRF-Token"]
    cookie = answer.headers.getlist("Set-Cookie")[1].partition(";")[0]
    none = {"schedule": {"type": "None"}}
    bad = caller.message("PUT", "/system/gc/schedule", none, headers={"Cookie": "sid=a", "X-Harbor-CSRF-Token": token})
    assert bad == (403, "CSRF token invalid")
    good = {"Cookie": f"sid=abc; {cookie}", "X-Harbor-CSRF-Token": token}
    assert [caller("PUT", "/system/gc/schedule", none, headers=good).status_code for _time in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{a}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 2}', "invalid character '2' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("tru!", "invalid character '!' in literal true (expecting 'e')"),
        ('"\n"', "invalid character '\\n' in string literal"),
        ('{"schedule":', "unexpected EOF"),
        ("{'a'}", "invalid character '\\'' looking for beginning of object key string"),
        ('{"id":1.5}', "json: cannot unmarshal number 1.5 into Go struct field Schedule.id of type int64"),
        (
            '{"schedule":[]}',
            "json: cannot unmarshal array into Go struct field Schedule.schedule of type models.ScheduleObj",
        ),
    ],
)
def test_complains_about_json_as_go_does(text, error):
    with pytest.raises(gojson.BadJson) as found:
        gojson.decode(text, models.SCHEDULE)
    assert str(found.value) == error


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"SCHEDULE":{"Type":"None"}}', {"schedule": {"type": "None"}}),
        ('{"status":"a","status":"b"}', {"status": "b"}),
        ('{"schedule":{"type":"None"},"schedule":{"cron":"x"}}', {"schedule": {"type": "None", "cron": "x"}}),
        ('{"status":null} and more', {}),
        ("null", None),
    ],
)
def test_reads_json_as_go_does(text, value):
    assert gojson.decode(text, models.SCHEDULE) == value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("name=a%2Cb", None, None),  # decoded twice: the comma splits
        ("name=a+b", "exact", "a b"),
        ("name=\\~a", "exact", "~a"),
        ("name=[1~]", "range", ("1", "")),
        ("name=[1]", None, None),
        ("name=(a b)", "all", ["a", "b"]),
    ],
)
def test_reads_filters_as_the_server_does(text, kind, value):
    if kind is None:
        with pytest.raises(Refusal):
            keywords(text)
        return
    assert (keywords(text)["name"].kind, keywords(text)["name"].value) == (kind, value)


def test_a_path_with_a_number_beyond_its_column_is_a_500_for_gc_only(harbor):
    caller = harbor()
    assert caller("GET", "/system/gc/2147483648").status_code == 500
    assert caller("GET", "/system/purgeaudit/2147483648").status_code == 404


def test_read_only_mode_leaves_the_configuration_alone(harbor):
    caller = harbor(configuration={"read_only": True})
    assert caller("DELETE", "/nothing").status_code == 403
    assert caller("PUT", "/configurations", {"read_only": False}).status_code == 200
    assert caller("DELETE", "/nothing").status_code == 404


@pytest.mark.parametrize(("version", "status"), [("2.6", 404), ("2.12", 404), ("2.13", 200)])
def test_paths_come_with_their_version(harbor, version, status):
    caller = harbor(version=version)
    assert caller("GET", "/auditlog-exts/events").status_code == status
    assert caller("GET", "/schedules").status_code == (404 if version == "2.6" else 200)


def test_the_switch_of_the_version_takes_short_forms(harbor):
    caller = harbor()
    answer = caller.client.post("/_fake/switches", json={"version": "2.13"})
    assert answer.status_code == 200
    assert caller("GET", "/systeminfo").get_json()["harbor_version"].startswith("v2.13.0-")


def test_a_session_that_keeps_cookies_fails_at_its_first_write(harbor):
    with mounted(harbor().fake, "https://harbor.test"), requests.Session() as session:
        session.auth = ("admin", "Harbor12345")
        url = "https://harbor.test/api/v2.0/system/gc/schedule"
        assert session.get(url).status_code == 200
        assert session.put(url, json={"schedule": {"type": "None"}}).status_code == 403
        session.cookies.clear()
        assert session.put(url, json={"schedule": {"type": "None"}}).status_code == 200


@pytest.mark.parametrize("path", ["//system/gc", "/system//gc/", "/system/gc//"])
def test_surplus_slashes_do_no_harm(harbor, path):
    assert harbor()("GET", path).status_code == 200


def test_a_version_that_is_none_is_refused(harbor):
    caller = harbor()
    assert caller.client.post("/_fake/switches", json={"version": "latest"}).status_code == 400
    assert caller("GET", "/systeminfo").get_json()["harbor_version"] == "v2.16.0-c50c7ddd"


def test_basic_auth_is_needed_for_the_version(harbor):
    header = {"Authorization": "Basic " + base64.b64encode(b"admin").decode()}
    assert "harbor_version" not in harbor()("GET", "/systeminfo", user="", headers=header).get_json()
