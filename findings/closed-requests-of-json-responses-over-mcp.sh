#!/usr/bin/env bash
# Whether a tool stops when its client closes the request depends on `json_response` of the server (`mcp`, protocol 2026-07-28 over HTTP).
#
# That protocol has no message that cancels a call over HTTP: a client cancels by closing the response, as the package's own client does when
# its time is over.  One would guess that `json_response=True` changes the form of answers alone.  Seen with mcp 2.3.0 (2026-11), server and client of the
# package: with event streams, the default, the tool is cancelled at once; with JSON it runs on to its end, for nobody.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check mcp==2.3.0

env/bin/python - 2>log.txt <<'PY' | tee seen.txt
import asyncio
import socket

import uvicorn
from mcp import Client
from mcp.server import MCPServer


async def seen(json_response: bool) -> str:
    server, ended = MCPServer("waits", log_level="ERROR"), []

    @server.tool()
    async def wait() -> str:
        try:
            await asyncio.sleep(2)
            ended.append("ran on")
        except asyncio.CancelledError:
            ended.append("was cancelled")
            raise
        return "done"

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        served = uvicorn.Server(uvicorn.Config(server.streamable_http_app(json_response=json_response), log_level="error"))
        task = asyncio.create_task(served.serve(sockets=[listening]))
        while not served.started:
            await asyncio.sleep(0.05)
        async with Client(f"http://127.0.0.1:{port}/mcp", mode="2026-07-28") as client:
            try:
                await asyncio.wait_for(client.call_tool("wait", {}), 0.5)
            except TimeoutError:
                pass
            while not ended:
                await asyncio.sleep(0.1)
        served.should_exit = True
        await task
    return ended[0]


async def main() -> None:
    print("event streams: the tool", await seen(json_response=False))
    print("JSON: the tool", await seen(json_response=True))


asyncio.run(main())
PY

test "$(cat seen.txt)" = "$(printf 'event streams: the tool was cancelled\nJSON: the tool ran on')"
