# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import email.utils
import threading
import time
import urllib.parse

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import access, api, transport, wait
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    MissingLibrary,
    PlanRefused,
    Unreachable,
)
from fakes._base import Answer, Fake, as_json
from fakes.mount import mounted

URL = "https://registry.test"
SECRET = "s3cret-of-the-test"


class Shelf(Fake):
    """A registry of one counter, which every write increases."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def answer(self, request):
        if request.method not in ("GET", "HEAD"):
            self.count += 1
        if request.path == "/elsewhere":
            return Answer(302, b"", {"Location": "https://other.test/?token=1"})
        if request.path == "/cookie":
            return Answer(200, b"{}", {"Set-Cookie": "session=1; Path=/"})
        return as_json({"count": self.count, "query": dict(request.args)})

    def state(self):
        return {"count": self.count}


@pytest.fixture
def shelf():
    fake = Shelf()
    with mounted(fake, URL):
        yield fake


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses that the client would have made."""
    made = []
    monkeypatch.setattr(wait, "pause", lambda seconds: made.append(seconds) if seconds else None)
    return made


def sign(request):
    request.headers["Authorization"] = f"Bearer {SECRET}"
    return request


def make(url=URL, read_only=False, busy=lambda response: False, **params):
    defaults = {name: option.get("default") for name, option in access.ARGUMENT_SPEC.items()}
    return api.Client(url, dict(defaults, **params), sign, api.explain, read_only, busy)


def test_a_registry_may_have_its_own_ways_to_say_later(shelf):
    shelf.faults.append({"status": 403, "body": {"error_code": "TOO_MANY"}, "times": 2})
    client = make(busy=lambda response: "TOO_MANY" in response.text)
    assert client.request("POST", "/thing").status_code == 200 and shelf.count == 1


def test_queries_are_written_as_signatures_need_them(shelf):
    query = {"filter": "a b|ü/$&=", "empty": ""}
    assert make().get("/thing", query)["query"] == query
    assert shelf.requests[0]["path"] == "/thing?filter=a%20b%7C%C3%BC%2F%24%26%3D&empty="


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_answers_are_tried_again_where_that_can_do_no_harm(shelf, method, status):
    shelf.faults.append({"status": status, "times": 2})
    if method in ("POST", "PATCH") and status != 429:
        with pytest.raises(LostAnswer):
            make().request(method, "/thing")
        assert len(shelf.requests) == 1
    else:
        assert make().request(method, "/thing").status_code == 200
        assert len(shelf.requests) == 3


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("after", [True, False])
def test_lost_connections_are_tried_again(shelf, method, after):
    shelf.faults.append({"drop": True, "after": after})
    assert make().request(method, "/thing").status_code == 200


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_post_whose_answer_was_lost_is_never_sent_again(shelf, method, after):
    shelf.faults.append({"drop": True, "after": after})
    with pytest.raises(LostAnswer):
        make().request(method, "/thing")
    assert len(shelf.requests) == 1 and shelf.count == int(after)


def test_a_truncated_answer_of_a_post_is_a_lost_answer(shelf):
    shelf.faults.append({"truncate": True})
    with pytest.raises(LostAnswer):
        make().request("POST", "/thing")
    assert len(shelf.requests) == 1


def test_a_truncated_answer_of_a_get_is_fetched_again(shelf):
    shelf.faults.append({"truncate": True})
    assert make().get("/thing") == {"count": 0, "query": {}}


def test_the_number_of_retries_is_an_option(shelf):
    shelf.faults.append({"status": 503, "times": 9})
    with pytest.raises(ApiError, match="answered 503"):
        make(retries=2).request("GET", "/thing")
    assert len(shelf.requests) == 3


def test_pauses_grow_and_are_random(shelf, pauses):
    shelf.faults.append({"status": 503, "times": 5})
    make(retries=5).request("GET", "/thing")
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(pauses)) and len(set(pauses)) == 5


def test_the_default_retries_outlast_a_restart_of_half_a_minute(shelf, pauses):
    shelf.faults.append({"status": 503, "times": 7})
    make().request("GET", "/thing")
    assert 30 < sum(pauses) < 90


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0.5, 0.5),
        ("0.001", 0.5, 0.5),
        (lambda: email.utils.formatdate(time.time() + 20, usegmt=True), 18, 20),
        (lambda: email.utils.formatdate(time.time() - 20, usegmt=True), 0.5, 0.5),
        ("86400", 60, 60),
        ("soon", 0.25, 0.5),
        ("9" * 5000, 0.25, 0.5),
        ("Mon, 99 Jan 99999999999 00:00:00 GMT", 0.25, 0.5),
    ],
)
def test_retry_after_is_obeyed_in_seconds_or_as_a_date_up_to_a_minute(shelf, pauses, header, least, most):
    shelf.faults.append({"status": 429, "headers": {"Retry-After": header() if callable(header) else header}})
    make().request("POST", "/thing")
    assert least <= pauses[0] <= most


def test_check_mode_refuses_everything_but_reading(shelf):
    client = make(read_only=True)
    client.request("GET", "/thing")
    client.request("HEAD", "/thing")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(ContractError, match="check mode"):
            client.request(method, "/thing")
    assert shelf.writes == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_is_followed(shelf, method):
    with pytest.raises(ContractError if method == "GET" else LostAnswer) as error:
        make().request(method, "/elsewhere")
    assert "https://other.test/" in str(error.value) and "token=1" not in str(error.value)
    assert len(shelf.requests) == 1


def test_no_cookie_is_kept(shelf):
    client = make()
    client.get("/cookie")
    client.get("/thing")
    assert all("cookie" not in entry["headers"] for entry in shelf.requests)


def test_netrc_brings_no_credentials(shelf, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine registry.test login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    make().get("/thing")
    assert shelf.requests[0]["headers"]["authorization"] == f"Bearer {SECRET}"


def test_proxies_follow_the_option(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    assert make().transport._proxies["https"] == "http://proxy.test:3128"
    assert make(use_proxy=False).transport._proxies == {}
    monkeypatch.setenv("NO_PROXY", "registry.test")
    assert make().transport._proxies == {}


def test_each_thread_has_a_session_of_its_own():
    client, seen = make(), []
    threads = [threading.Thread(target=lambda: seen.append(client.transport._session())) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == 3 and client.transport._session() is client.transport._session()


def test_errors_hold_neither_query_nor_body_nor_credentials(shelf):
    client = make(retries=0)
    for fault in ({"status": 400, "body": {"message": "no"}}, {"drop": True}, {"text": "not json"}, {"status": 302}):
        shelf.faults.append(fault)
        with pytest.raises((ApiError, ContractError, Unreachable)) as error:
            client.parse("/thing", client.request("PUT", "/thing", {"key": "query-text"}, {"key": "body-text"}))
        assert "/thing" in str(error.value)
        for secret in (SECRET, "query-text", "body-text"):
            assert secret not in str(error.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "first line\nsecond", "error_message": "x"}, "first line"),
        ({"message": "said"}, "said"),
        ({"error": "wrong"}, "wrong"),
        ({"errors": [{"code": "DENIED", "message": "locked"}]}, "locked"),
        ({"error_msg": "Namespace does not exist", "error_code": "SVCSTG.1"}, "Namespace does not exist"),
        ("plain text", "plain text"),
        ("<!doctype html><html>a page</html>", ""),
        ({"message": "x" * 9000}, "x" * 500),
        ([], ""),
        ({"message": {"limit": "too high"}}, "too high"),
    ],
)
def test_an_error_speaks_in_the_words_of_the_registry(shelf, body, words):
    shelf.faults.append({"status": 400, "body": body})
    with pytest.raises(ApiError) as error:
        make().request("GET", "/thing")
    assert error.value.message == words and error.value.status == 400
    assert str(error.value) == "GET /thing answered 400" + (f": {words}" if words else "")


def listing(client, next_page, rows=lambda page: [int(page["query"]["page"])]):
    return client.listing("/thing", {"page": "1", "size": "9"}, {}, rows, lambda row: row, next_page)


def test_pages_are_followed_to_the_end(shelf):
    def next_page(page, query, number):
        return {"page": str(int(query["page"]) + 1)} if number < 3 else None

    assert listing(make(), next_page) == {1: 1, 2: 2, 3: 3}
    assert shelf.requests[2]["path"] == "/thing?page=3&size=9"


def test_a_listing_that_does_not_go_on_or_not_end_is_an_error(shelf, monkeypatch):
    monkeypatch.setattr(api, "MOST_ROWS", 20)
    with pytest.raises(ContractError, match="does not go on after 1 rows"):
        listing(make(), lambda page, query, number: {"page": str(number + 1)}, rows=lambda page: ["same"])
    with pytest.raises(ContractError, match="does not end"):
        listing(make(), lambda page, query, number: {"page": str(number + 1)})


def test_answers_that_do_not_fit_the_schema_are_refused_naming_the_place(shelf):
    with pytest.raises(ContractError, match=r"/thing answered in a form .* at count, 0 is not of type 'string'"):
        make().get("/thing", schema={"properties": {"count": {"type": "string"}}})


@pytest.mark.parametrize(
    ("segments", "escaped"),
    [
        (["a", "b"], "/a/b"),
        (["a", ""], "/a/"),
        (["a b", "ü?#%/x"], "/a%20b/%C3%BC%3F%23%25%2Fx"),
    ],
)
def test_paths_are_escaped(segments, escaped):
    assert api.path(*segments) == escaped
    assert [urllib.parse.unquote(part) for part in escaped.split("/")[1:]] == segments


@pytest.mark.parametrize("segments", [["a", "", "b"], ["..", "b"], ["a", "."]])
def test_paths_that_lead_elsewhere_are_refused(segments):
    with pytest.raises(PlanRefused):
        api.path(*segments)


@pytest.mark.parametrize(
    "url", ["", "quay.example.com", "ftp://quay", "https://", "https://u:p@quay", "https://quay?a=b"]
)
def test_addresses_are_checked_and_their_credentials_never_shown(url):
    with pytest.raises(PlanRefused) as error:
        make(url)
    assert "u:p" not in str(error.value)


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_missing_files_are_named(option):
    with pytest.raises(PlanRefused, match=option):
        make(**{option: "/nowhere/file.pem"})


def test_certificates_are_verified_by_what_the_options_say(tmp_path, monkeypatch):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    assert make().transport._verify is True
    assert make(ca_path=str(bundle)).transport._verify == str(bundle)
    assert make(ca_path=str(bundle), validate_certs=False).transport._verify is False
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert make().transport._verify == str(bundle)


def test_a_refused_connection_says_what_to_look_at(pauses):
    with pytest.raises(Unreachable, match=r"no answer from http://127.0.0.1:9: Connection refused.*use_proxy"):
        make("http://127.0.0.1:9", retries=1).request("POST", "/thing")
    assert len(pauses) == 1  # a POST that was never sent may be sent again


def test_a_host_that_never_answered_is_given_up_for_all_targets_and_one_that_did_is_not(shelf):
    client = make(retries=1)
    shelf.faults.append({"drop": True, "times": 2})
    with pytest.raises(Unreachable) as error:
        client.request("GET", "/thing")
    assert error.value.fatal
    client.request("GET", "/thing")
    shelf.faults.append({"drop": True, "times": 2})
    with pytest.raises(Unreachable) as error:
        client.request("GET", "/thing")
    assert not error.value.fatal


def test_an_address_that_no_host_can_have_is_refused():
    with pytest.raises(PlanRefused, match="no address that a host can have"):
        make("http://quay..test").request("GET", "/thing")


def test_a_proxy_that_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9")
    with pytest.raises(Unreachable, match="through the proxy 127.0.0.1") as error:
        make("http://registry.test", retries=0).request("GET", "/thing")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "does not speak TLS"),
        ("CERTIFICATE_VERIFY_FAILED: Hostname mismatch, certificate is not valid for 'x'", "another name"),
        ("CERTIFICATE_VERIFY_FAILED: self-signed certificate", "ca_path"),
        ("[SSL] PEM lib", "client_cert"),
    ],
)
def test_each_trouble_with_tls_has_its_advice(text, advice):
    error = transport.requests.exceptions.SSLError(text)
    unreachable, again = make().transport._unreachable("GET", "/thing", error, never_sent=True)
    assert advice in str(unreachable) and not again and unreachable.fatal


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(transport, "requests", None)
    with pytest.raises(MissingLibrary, match="requests"):
        make()


def test_it_is_json_what_is_sent(shelf):
    make().request("PUT", "/thing", body={"a": None})
    assert shelf.writes[0]["body"] == {"a": None}
