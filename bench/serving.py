"""Suite `mcp`: a call of `arenite mcp` beside one of a bare tool of the package `mcp` that returns a constant, with the package's own client.

Each server is a process of its own; calls are made one after the other, in turns.  On a machine that does other things too, the quickest
twentieth says what a call takes, and the median what it waits.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from bench.measure import median, percentile
from bench.report import Report
from mcp import Client, StdioServerParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS: Final = 20  # of each in a round
QUICK: Final = 0.05
BARE: Final = """\
import sys
from mcp.server import MCPServer
server = MCPServer("bare", log_level="ERROR")
@server.tool()
async def constant() -> str:
    return "1"
if sys.argv[1:]:
    print("serving http://127.0.0.1:" + sys.argv[1] + "/mcp", file=sys.stderr, flush=True)
    server.run("streamable-http", port=int(sys.argv[1]))
else:
    server.run()
"""
PORT: Final = "38765"
TICK: Final = os.sysconf("SC_CLK_TCK")
SERVERS: Final = {"bare": [sys.executable, "-c", BARE], "arenite": [sys.executable, "-m", "arenite", "mcp"]}
OVER_HTTP: Final = {"bare": [PORT], "arenite": ["--http", "--port", "0"]}
WORK: Final[dict[str, tuple[str, str, dict[str, object]]]] = {  # what -> (server, tool, arguments)
    "a constant, bare": ("bare", "constant", {}),
    "a file is listed": ("arenite", "list_files", {}),
    "run 1": ("arenite", "run", {"code": "1"}),
    "run a loop of 10": ("arenite", "run", {"code": "sum(n * n for n in range(10))"}),
}


@contextmanager
def listening(command: list[str]) -> Iterator[tuple[int, str]]:
    """A server over HTTP: its process and its address."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        try:
            yield process.pid, found[0]
        finally:
            process.terminate()


def seconds_of(process: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def timed(client: Client, tool: str, arguments: dict[str, object]) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    result = await client.call_tool(tool, arguments)
    taken = time.perf_counter() - begin
    assert not result.is_error, result.content
    return taken


def servers_below() -> set[int]:
    """Processes that this one has begun."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()}


async def over(way: str, rounds: int, step: Callable[[str], None]) -> tuple[dict[str, list[float]], dict[str, float]]:
    """What calls take: seconds of each, and milliseconds of the server's CPU time."""
    taken: dict[str, list[float]] = {what: [] for what in WORK}
    used = dict.fromkeys(WORK, 0.0)
    async with AsyncExitStack() as stack:
        clients, processes = dict[str, Client](), dict[str, int]()
        for name, command in SERVERS.items():
            if way == "stdio":
                before = servers_below()
                target: Any = StdioServerParameters(command=command[0], args=command[1:])
            else:
                processes[name], target = stack.enter_context(listening([*command, *OVER_HTTP[name]]))
                if name == "bare":
                    await anyio.sleep(3)  # it has said where it will be, not that it is there
            clients[name] = await stack.enter_async_context(Client(target, mode="legacy"))
            if way == "stdio":
                (processes[name],) = servers_below() - before
        for server, tool, arguments in WORK.values():
            await timed(clients[server], tool, arguments)
        for _ in range(rounds):
            for what, (server, tool, arguments) in WORK.items():
                step(f"{way}: {what}")
                begin = seconds_of(processes[server])
                taken[what] += [await timed(clients[server], tool, arguments) for _ in range(CALLS)]
                used[what] += seconds_of(processes[server]) - begin
    return taken, {what: 1e3 * seconds / rounds / CALLS for what, seconds in used.items()}


def serving(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The suite."""
    report = Report(
        "a call over MCP (milliseconds; server: CPU time of its process)",
        ("", "call", "beyond bare", "quick", "beyond bare", "server"),
    )
    for way in ("stdio", "HTTP"):
        if only not in way:
            continue
        taken, used = anyio.run(over, way, rounds, step)
        middle = {what: 1e3 * median(found) for what, found in taken.items()}
        quick = {what: 1e3 * percentile(found, QUICK) for what, found in taken.items()}
        bare = next(iter(WORK))
        for what, found in taken.items():
            report.samples[f"{way}, {what}"] = {"seconds": found}
            shown = (middle[what], middle[what] - middle[bare], quick[what], quick[what] - quick[bare], used[what])
            report.rows.append((f"{way}, {what}", *shown))
    report.notes = [
        f"Medians of {rounds * CALLS}, in turns of {CALLS}; quick: a twentieth took less.",
        "The package's own client, one call at a time.",
    ]
    return report
