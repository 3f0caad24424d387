# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client against a server on loopback that does whatever a server can do wrong."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import ipaddress
import json
import os
import re
import socket
import ssl
import threading
import time
import tracemalloc
import urllib.parse
import zlib

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core import (
    access,
    api,
    body,
    deadline,
    transport,
    wait,
)
from ansible_collections.registry.hygiene.plugins.module_utils._core.errors import (
    ApiError,
    ContractError,
    LostAnswer,
    PlanRefused,
    Redirected,
    RegistryError,
    Unreachable,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = "s3cret+/of=the_test-31-letters!"
OK = b"HTTP/1.1 200 OK\r\n"
JSON = b'{"fine": true}'


class Server:
    """Calls `behave(server, connection)` after each request."""

    def __init__(self, behave, tls=None):
        self.behave, self.tls = behave, tls
        self.requests, self.connections, self.sent = 0, 0, 0
        self.over = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.socket.accept()[0]
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with contextlib.suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while self.request(connection):
                self.behave(self, connection)

    def request(self, connection):
        """Return the head of a request that has come with its body, None at the end of the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, _empty, rest = data.partition(b"\r\n\r\n")
        length = int((re.search(rb"(?i)content-length: *(\d+)", head) or [0, 0])[1])
        while len(rest) < length:
            rest += connection.recv(65536)
        self.requests += 1
        return head

    def send(self, connection, data):
        connection.sendall(data)
        self.sent += len(data)

    def drip(self, connection, data):
        for number in range(len(data)):
            self.send(connection, data[number : number + 1])
            if self.over.wait(0.02):
                return

    def forever(self, connection, data):
        while not self.over.is_set():
            self.send(connection, data)

    def close(self):
        self.over.set()
        self.socket.close()


@pytest.fixture
def serve(monkeypatch):
    """Return a server with this behaviour; all are closed in the end."""
    monkeypatch.setattr(body, "LARGEST", 1 << 20)
    monkeypatch.setattr(deadline, "LOOK", 0.05)
    monkeypatch.setattr(wait, "pause", lambda seconds: None)
    servers = []

    def start(behave, tls=None):
        servers.append(Server(behave, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def sign(request):
    request.headers["Authorization"] = f"Bearer {TOKEN}"
    return request


def make(url, auth=sign, explain=api.explain, **params):
    defaults = {name: option.get("default") for name, option in access.ARGUMENT_SPEC.items()}
    return api.Client(url, {**defaults, "timeout": 0.3, "retries": 0, **params}, auth, explain, secrets=[TOKEN])


def at(server, scheme="http"):
    return f"{scheme}://127.0.0.1:{server.port}"


def fine(server, connection):
    server.send(connection, OK + b"Content-Length: %d\r\n\r\n%s" % (len(JSON), JSON))


def whole(data, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(data), b"", data]
    return lambda server, connection: server.send(connection, b"\r\n".join(lines))


def then_silence(data):
    return lambda server, connection: (server.send(connection, data), server.over.wait(9))


def then_close(data):
    def behave(server, connection):
        server.send(connection, data)
        connection.shutdown(socket.SHUT_RDWR)

    return behave


def endless(head, data):
    return lambda server, connection: (server.send(connection, head), server.forever(connection, data))


def dripping(head, data):
    return lambda server, connection: (server.send(connection, head), server.drip(connection, data))


def bomb():
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _number in range(64)) + packer.flush()


PACKED = (b"Content-Encoding: gzip",)
CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
# What the server does, and what the message names.
ENDS = 60  # seconds: far more than it takes, far less than for ever
LATE = "within 1.2 s|timed out"  # the latter where the machine is so busy that one drop takes longer than timeout
HOSTILE = {
    "gzip bomb": (whole(bomb(), *PACKED), "more than 1 MiB"),
    "gzip, then endless rubbish": (
        endless(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(JSON), b"x" * 65536),
        "more than 1 MiB",
    ),
    "gzip without an end that holds nothing": (
        endless(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\0\0\0\xff\xff" * 9999),
        "more than 1 MiB",
    ),
    "endless body": (endless(OK + b"\r\n", b"x" * 65536), "more than 1 MiB"),
    "endless chunks": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK), "more than 1 MiB"),
    "endless length of a chunk": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536), "."),
    "dripping status": (dripping(b"", OK * 99), LATE),
    "dripping headers": (dripping(OK, b"X-Y: z\r\n" * 99), LATE),
    "dripping body": (dripping(OK + b"Content-Length: 99999\r\n\r\n", b"x" * 9999), LATE),
    "dripping body without a length": (dripping(OK + b"\r\n", b"x" * 9999), LATE),
    "dripping chunks": (dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 99), LATE),
    "huge length, then silence": (then_silence(OK + b"Content-Length: 99999999999999\r\n\r\nx"), "timeout"),
    "length of 5,000 digits": (then_close(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx"), "."),
    "two lengths": (then_close(OK + b"Content-Length: 5, 7\r\n\r\nxxxxx"), "no answer"),
    "negative length": (then_close(OK + b"Content-Length: -5\r\n\r\n"), "."),
    "truncated gzip": (whole(gzip.compress(JSON)[:-9], *PACKED), "breaks off"),
    "wrong gzip": (whole(b"no gzip", *PACKED), "header"),
    "unknown coding": (whole(JSON, b"Content-Encoding: " + TOKEN.encode()), "Content-Encoding"),
    "endless 100 Continue": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99), LATE),
    "a line of a header without an end": (endless(OK + b"X: ", b"x" * 65536), "line"),
    "too many headers": (endless(OK, b"X-Y: z\r\n" * 99), "headers"),
    "silence": (then_silence(b""), "timeout"),
    "silence in the status": (then_silence(b"HTTP/1."), "timeout"),
    "silence in the headers": (then_silence(OK + b"Content-"), "timeout"),
    "closed at once": (then_close(b""), "no answer"),
    "closed in the status": (then_close(b"HTTP/1."), "no answer"),
    "closed in the headers": (then_close(OK + b"Content-"), "."),
    "closed in the body": (then_close(OK + b"Content-Length: 99\r\n\r\nx"), "no answer"),
    "closed in a chunk": (then_close(OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nx"), "no answer"),
    "wrong chunk": (then_close(OK + b"Transfer-Encoding: chunked\r\n\r\n" + TOKEN.encode() + b"\r\n"), "no answer"),
    "HTTP/0.9": (then_close(b"<html>" + TOKEN.encode() + b"</html>"), "no answer"),
    "headers without a colon": (then_close(OK + b"no colon\r\n: no name\r\n\r\n"), "instead of JSON|no answer"),
    "bytes": (then_close(bytes(range(256)) * 9), "no answer"),
    "a status that is none": (then_close(b"HTTP/1.1 99999999 OK\r\n\r\n"), "no answer"),
    "redirect to an address that is none": (whole(b"", b"Location: http://[", status=b"302 Found"), "no address"),
    "redirect to a script": (
        whole(b"", b"Location: javascript:\x1b[31m" + TOKEN.encode(), status=b"301 Moved"),
        "redirect",
    ),
    "redirect to nothing": (whole(b"", status=b"308 Permanent Redirect"), "redirect"),
    "error of 10 MB": (whole(b"x" * 10_000_000, status=b"500 Oops"), "answered 500$|answered 500; its"),
    "error without an end": (endless(b"HTTP/1.1 503 Busy\r\n\r\n", b"x" * 65536), "answered 503"),
    "error packed wrongly": (whole(b"no gzip", *PACKED, status=b"500 Oops"), "header"),
}


def attempt(client, method):
    """Return the error of a request."""
    with pytest.raises(RegistryError) as raised:
        client.parse("/thing", client.request(method, "/thing", body=None if method == "GET" else {"a": 1}))
    return raised.value


def no_secret(text):
    parts = [TOKEN, urllib.parse.quote(TOKEN), urllib.parse.quote(TOKEN, safe=""), TOKEN[:10], TOKEN[-10:]]
    assert not [part for part in parts if part in text], text


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_server_does_the_request_ends_soon_with_its_cause(serve, name, method):
    behave, cause = HOSTILE[name]
    hostile, before = [True], threading.enumerate()

    def act(server, connection):
        return (behave if hostile else fine)(server, connection)

    server = serve(act)
    client = make(at(server))
    began = time.monotonic()
    error = attempt(client, method)
    assert time.monotonic() - began < ENDS
    text = str(error)
    known = (Unreachable, LostAnswer, Redirected, ContractError, ApiError)
    assert type(error) in known and re.search(cause, text), text
    no_secret(text)
    assert "cannot be sent" not in text and "is a bug" not in text
    if method != "GET":
        assert client.ledger.any()
    if method == "POST" and not re.search("instead of JSON", text):
        assert isinstance(error, LostAnswer) and server.requests == 1
    hostile.clear()
    assert client.get("/thing") == {"fine": True}
    assert not [thread for thread in threading.enumerate() if not thread.daemon and thread not in before]


@pytest.mark.parametrize("name", ["gzip bomb", "gzip, then endless rubbish", "endless body", "endless chunks"])
def test_an_answer_takes_no_more_memory_than_its_limit(serve, name):
    server = serve(HOSTILE[name][0])
    client = make(at(server))
    tracemalloc.start()
    try:
        attempt(client, "GET")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


STRANGE = {
    "charset undefined": [b"Content-Type: application/json; charset=undefined"],
    "charset punycode": [b"Content-Type: application/json; charset=punycode"],
    "no type": [b"Content-Type: \xff\xfe"],
    "huge Date": [b"Date: " + b"9" * 5000],
    "Date of no year": [b"Date: Mon, 01 Jan 99999 00:00:00 GMT"],
    "Date before all": [b"Date: Mon, 01 Jan 0001 00:00:00 -0000"],
    "garbage": [b"Date: \xff\x1b[31m", b"Retry-After: \xff", b"Location: http://["],
    "cookies": [b"Set-Cookie: a=b; expires=" + b"9" * 5000, b"Set-Cookie: \xff\xfe; max-age=x; domain=["],
    "closing": [b"Connection: close"],
}


@pytest.mark.parametrize("status", [b"200 OK", b"400 No"])
@pytest.mark.parametrize("name", STRANGE)
def test_strange_headers_do_no_harm(serve, name, status):
    client = make(at(serve(whole(JSON, *STRANGE[name], status=status))))
    for _number in range(2):
        if status.startswith(b"200"):
            assert client.get("/thing") == {"fine": True}
        else:
            assert isinstance(attempt(client, "POST"), ApiError)
    assert all(abs(moment) < 1e12 for moment in client.clock())


REFLECTIONS = [
    json.dumps({"message": "x" * 470 + f" Bearer {TOKEN}"}),
    json.dumps({"message": "x" * 499 + TOKEN}),
    json.dumps({"message": f"{urllib.parse.quote(TOKEN, safe='')} {urllib.parse.quote_plus(TOKEN)}"}),
    "x" * 480 + TOKEN,
    TOKEN + "\n<p>",
    " " * (body.LARGEST_ERROR - 15) + TOKEN + "x" * 99,  # half of it beyond what is read
    json.dumps({TOKEN: TOKEN}),
    json.dumps([TOKEN] * 9),
]


@pytest.mark.parametrize("status", [b"400 No", b"403 No", b"500 No", b"200 OK"])
@pytest.mark.parametrize("text", REFLECTIONS)
def test_a_reflected_token_is_never_shown_not_even_in_part(serve, text, status):
    header = b"Content-Type: " + TOKEN.encode()
    client = make(at(serve(whole(text.encode(), header, status=status))))
    schema = {"type": "object", "properties": {TOKEN: {"type": "integer"}, "message": {"type": "integer"}}}
    for method in ("GET", "POST"):
        with pytest.raises(RegistryError) as raised:
            client.parse("/thing", client.request(method, "/thing"), schema)
        no_secret(str(raised.value))


def test_secrets_are_masked_as_json_and_python_write_them():
    client = make("http://registry.test")
    client.secrets = {'a"b\\c', "it's ü"}
    for secret in client.secrets:
        assert client.masked(json.dumps({"p": secret})) == '{"p": "********"}'
        assert secret not in client.masked(repr([secret])) and repr(secret)[1:-1] not in client.masked(repr([secret]))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("status", [b"200 OK", b"204 No Content", b"404 Not Found", b"500 Oops"])
def test_a_connection_serves_one_request_after_the_other(serve, status, chunked, packed):
    content = gzip.compress(JSON) if packed else JSON
    headers = [b"Content-Encoding: gzip"] if packed else []
    if chunked:
        content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
        headers.append(b"Transfer-Encoding: chunked")
    else:
        headers.append(b"Content-Length: %d" % len(content))
    if status.startswith(b"204"):
        content, headers = b"", []
    lines = [b"HTTP/1.1 " + status, *headers, b"", content]
    server = serve(lambda server, connection: server.send(connection, b"\r\n".join(lines)))
    client = make(at(server), timeout=5)
    for _number in range(20):
        with contextlib.suppress(ApiError):
            client.request("GET", "/thing")
    assert (server.requests, server.connections) == (20, 1)


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A folder with a key and a certificate of 127.0.0.1 that signs itself, also with a password."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    for file, format, encryption in (
        ("key.pem", "PKCS8", serialization.NoEncryption()),
        ("locked.pem", "PKCS8", serialization.BestAvailableEncryption(b"password")),
        ("old.pem", "TraditionalOpenSSL", serialization.BestAvailableEncryption(b"password")),
    ):
        style = getattr(serialization.PrivateFormat, format)
        (folder / file).write_bytes(key.private_bytes(serialization.Encoding.PEM, style, encryption))
    (folder / "garbage.pem").write_bytes(b"garbage\n" * 99)
    (folder / "empty.pem").write_bytes(b"")
    (folder / "folder").mkdir()
    return folder


@pytest.fixture
def context(certificate):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return made


def test_tls_works_and_keeps_its_connection(serve, context, certificate):
    server = serve(fine, context)
    client = make(at(server, "https"), ca_path=str(certificate / "cert.pem"), timeout=5)
    for _number in range(3):
        assert client.get("/thing") == {"fine": True}
    assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["dripping body", "dripping headers", "silence", "closed at once"])
def test_deadlines_hold_for_tls_as_well(serve, context, certificate, name, method):
    client = make(at(serve(HOSTILE[name][0], context), "https"), ca_path=str(certificate / "cert.pem"))
    began = time.monotonic()
    error = attempt(client, method)
    assert time.monotonic() - began < ENDS and isinstance(error, LostAnswer) is (method == "POST"), error
    assert client.ledger.any() is (method == "POST")


@pytest.mark.parametrize("last", [b"Connection: close\r\n", b""], ids=["closing", "keeping"])
def test_the_deadline_of_a_later_exchange_on_the_same_connection_holds(serve, last):
    drip = dripping(OK + last + b"Content-Length: 99999\r\n\r\n", b"x" * 9999)
    server = serve(lambda server, connection: (fine if server.requests < 3 else drip)(server, connection))
    client = make(at(server), timeout=1)
    assert [client.get("/a"), client.get("/b")] == [{"fine": True}] * 2
    open_files = len(os.listdir("/dev/fd"))
    error = attempt(client, "GET")
    assert re.search("within 4 s|timed out", str(error)) and server.connections == 1
    assert len(os.listdir("/dev/fd")) <= open_files - 2  # neither the connection nor its copy stays behind


def test_what_breaks_after_a_post_was_sent_over_tls_leaves_its_effect_unknown(serve, context, certificate):
    def behave(server, connection):
        plain = socket.socket(fileno=connection.detach())
        plain.sendall(b"no TLS any more" * 9)
        plain.close()

    client = make(at(serve(behave, context), "https"), ca_path=str(certificate / "cert.pem"), timeout=5)
    assert isinstance(attempt(client, "POST"), LostAnswer) and client.ledger.any()


class Deaf(Server):
    """Behaves before it knows of any request."""

    def request(self, connection):
        self.behave(self, connection)


@pytest.fixture
def deaf(serve):
    servers = []

    def start(behave):
        servers.append(Deaf(behave))
        return at(servers[-1], "https")

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_handshake_that_drips_ends(deaf, method):
    url = deaf(lambda server, connection: server.drip(connection, b"\x16\x03\x03\x40\x00\x02" + b"\0" * 999))
    began = time.monotonic()
    error = attempt(make(url), method)
    assert time.monotonic() - began < ENDS and "does not speak TLS" in str(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "behave",
    [
        lambda server, connection: (
            connection.recv(9999),
            server.send(connection, b"HTTP/1.1 400 No\r\n\r\n"),
        ),
        lambda server, connection: connection.recv(9999),
        lambda server, connection: None,
        lambda server, connection: server.over.wait(9),
    ],
    ids=["answers", "reads and closes", "resets", "is silent"],
)
def test_a_port_without_tls_is_called_so_and_nothing_was_sent(deaf, behave, method):
    client = make(deaf(behave))
    error = attempt(client, method)
    assert (
        isinstance(error, Unreachable) and not isinstance(error, LostAnswer) and "does not speak TLS" in str(error)
    ), error
    assert not client.ledger.any()


@pytest.mark.parametrize("file", ["garbage.pem", "empty.pem", "folder", "key.pem"])
@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_certificates_that_are_none_are_an_error_that_names_the_option(
    serve, context, certificate, option, file, method
):
    given = {"ca_path": str(certificate / "cert.pem")}
    if option == "client_key":
        given["client_cert"] = str(certificate / "cert.pem")
        if file == "key.pem":
            return
    given[option] = str(certificate / file)
    with pytest.raises((PlanRefused, Unreachable)) as raised:
        make(at(serve(fine, context), "https"), **given, timeout=5).request(method, "/thing")
    assert type(raised.value) in (PlanRefused, Unreachable) and option in str(raised.value), raised.value


@pytest.mark.parametrize("file", ["locked.pem", "old.pem"])
def test_a_key_with_a_password_is_refused_instead_of_asking_for_it(certificate, file):
    with pytest.raises(PlanRefused, match="client_key: the key .* has a password"):
        make("https://registry.test", client_cert=str(certificate / "cert.pem"), client_key=str(certificate / file))


# Proxies, options and waiting


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_path_with_a_nul_is_no_file(option):
    with pytest.raises(PlanRefused, match=option):
        make("https://registry.test", **{option: "/tmp/\0"})


@pytest.mark.parametrize("option", [{"timeout": 1e12}, {"timeout": float("nan")}, {"timeout": 0}, {"retries": -1}])
def test_numbers_that_cannot_be_followed_are_refused(option):
    with pytest.raises(PlanRefused, match=next(iter(option))):
        make("https://registry.test", **option)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_bundle_of_the_environment_is_named(monkeypatch, name):
    monkeypatch.setenv(name, "/nowhere.pem")
    with pytest.raises(PlanRefused, match=name):
        make("https://registry.test")


@pytest.mark.parametrize("proxy", ["http://[::1", "http://u:hidden@[::1", "http://u:hidden@proxy:port", "http://"])
@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_a_proxy_that_is_no_address_is_refused_without_its_password(monkeypatch, name, proxy):
    monkeypatch.setenv(name, proxy)
    with pytest.raises(PlanRefused, match=f"{name.upper()}.*use_proxy") as raised:
        make("http://registry.test")
    assert "hidden" not in str(raised.value)
    make("http://registry.test", use_proxy=False)


@pytest.mark.parametrize("value", ["localhost,127.0.0.1,::1", "10.0.0.0/8,[::1]", "*.test:443,x:y"])
def test_what_is_no_business_of_ours_in_the_environment_is_left_alone(monkeypatch, value):
    monkeypatch.setenv("no_proxy", value)
    monkeypatch.setenv("ftp_proxy", "http://[::1")
    make("http://registry.test")


@pytest.mark.parametrize("form", ["{}", "u:hidden@{}", "http://u:hidden@{}"])
def test_proxies_are_used_with_and_without_a_scheme_and_named_without_their_password(serve, monkeypatch, form):
    server = serve(fine)
    monkeypatch.setenv("http_proxy", form.format(f"127.0.0.1:{server.port}"))
    assert make("http://registry.test").get("/thing") == {"fine": True}
    server.behave = then_close(b"")
    error = attempt(make("http://registry.test"), "POST")
    assert "through the proxy 127.0.0.1" in str(error) and "hidden" not in str(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_proxy_that_makes_no_tunnel_was_sent_nothing_for_the_registry(serve, monkeypatch, method):
    server = serve(whole(b"", status=b"407 Proxy Authentication Required"))
    monkeypatch.setenv("https_proxy", f"http://u:hidden@127.0.0.1:{server.port}")
    client = make("https://registry.test")
    error = attempt(client, method)
    assert (
        isinstance(error, Unreachable)
        and not isinstance(error, LostAnswer)
        and "407" in str(error)
        and "use_proxy" in str(error)
    ), error
    assert "hidden" not in str(error) and not client.ledger.any()


@pytest.mark.parametrize("value", [b"0", b"0.001", b"Mon, 01 Jan 2001 00:00:00 GMT", b"-1", b"soon", b"9" * 999])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_is_busy_for_ever_is_given_up(serve, monkeypatch, value, method):
    clock = [0.0]
    monkeypatch.setattr(wait, "now", lambda: clock[0])
    monkeypatch.setattr(wait, "pause", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    server = serve(whole(b"", b"Retry-After: " + value, status=b"429 Too Many Requests"))
    client = make(at(server), timeout=5, retries=1)
    assert "answered 429" in str(attempt(client, method)) and not client.ledger.any()
    assert server.requests <= 1300 and 600 <= clock[0] <= 700


WHERE = st.lists(st.text("ab.~-_%/ é\n", max_size=4), min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
QUERIES = st.none() | st.dictionaries(st.sampled_from(["page", "q"]), st.text("a1=&%+ é", max_size=4))


@settings(deadline=None)
@given(where=WHERE | st.sampled_from(["/", "/api/v1/x/", "/a/../b", "/a/.", "/..?b"]), query=QUERIES)
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://registry.test/base", "https://b\u00fccher.test:8443"]
)
def test_a_request_is_prepared_as_requests_would_do_it(url, where, query):
    defaults = {name: option.get("default") for name, option in access.ARGUMENT_SPEC.items()}
    sender = transport.Transport(url, defaults, lambda request: request, lambda answer: False, str, str)
    session = sender._session()

    def prepared(method, content):
        try:
            found = sender._prepared(session, method, where, query, content)
        except ValueError as error:
            return str(error)
        return found.method, found.url, found.path_url, dict(found.headers), found.body

    question = "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="") if query else ""
    whole = session.prepare_request(transport.requests.Request("GET", sender.url + where + question))
    assert prepared("GET", None) == ("GET", whole.url, whole.path_url, dict(whole.headers), None)
    assert prepared("GET", None) == prepared("GET", None)  # the one that is ready stays as it is
