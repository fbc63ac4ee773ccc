#!/usr/bin/env bash
# A tool of the `mcp` package that is declared `-> float` and returns NaN or infinity ends in a `RuntimeError` of the package's own client.
#
# JSON has no such numbers.  One would guess that the server, which makes the tool's output schema from its annotation, refuses the result as
# an error of the tool (`is_error`, a text that a model can read), or that it sends them as text.  Seen with mcp 2.3.0 (2026-11), client and server
# of the package in one process: the server answers with success and null in the structured content, against its own schema (`number`), and
# the client validates it and raises, so the call is lost though the text content was there.  So with floats inside of `dict[str, float]`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check mcp==2.3.0

env/bin/python - 2>log.txt <<'PY' | tee seen.txt
import asyncio

from mcp import Client
from mcp.server import MCPServer

server = MCPServer("numbers")


@server.tool()
def number(text: str) -> float:
    return float(text)


@server.tool()
def table(text: str) -> dict[str, float]:
    return {"value": float(text)}


async def main() -> None:
    async with Client(server) as client:
        for tool in ("number", "table"):
            for text in ("1.5", "nan", "inf"):
                try:
                    result = await client.call_tool(tool, {"text": text})
                    print(tool, text, result.is_error, result.structured_content)
                except RuntimeError as error:
                    print(tool, text, "RuntimeError:", str(error).splitlines()[0])


asyncio.run(main())
PY

test "$(cat seen.txt)" = "number 1.5 False {'result': 1.5}
number nan RuntimeError: Invalid structured content returned by tool number: None is not of type 'number'
number inf RuntimeError: Invalid structured content returned by tool number: None is not of type 'number'
table 1.5 False {'value': 1.5}
table nan RuntimeError: Invalid structured content returned by tool table: None is not of type 'number'
table inf RuntimeError: Invalid structured content returned by tool table: None is not of type 'number'"
