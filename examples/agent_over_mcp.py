"""An agent's side of `arenite mcp`: a client of the Model Context Protocol that runs Python in a sandbox.  Needs `pip install 'arenite[mcp]'`."""

from __future__ import annotations

import asyncio
import sys

from mcp import Client, StdioServerParameters

SERVER = StdioServerParameters(command=sys.executable, args=["-m", "arenite", "mcp"])  # where it is installed: `arenite mcp`


async def main() -> None:
    """Run code, go back, try two ways, ask twice."""
    async with Client(SERVER) as client:

        async def call(tool: str, **arguments: object) -> dict[str, object]:
            found: dict[str, object] = (await client.call_tool(tool, arguments)).structured_content
            return found

        await call("write_file", path="/data/prices.csv", text="apple,3\npear,4\n")
        code = (
            "import csv\nprices = {name: int(p) for name, p in csv.reader(open('/data/prices.csv'))}\nprint(len(prices))\nprices"
        )
        answer = await call("run", code=code)
        print(repr(answer["stdout"]), answer["value"])

        answer = await call("run", code="prices.clear()\nwhile True: pass", seconds=0.2)
        print(answer["error"], "| undone:", answer["rolled_back"])
        print(str((await call("run", code="prices['plum']"))["error"]).splitlines()[-1])

        kept = await call("checkpoint")
        await call("run", code="prices['plum'] = 9")
        await call("restore", checkpoint=kept["checkpoint"])
        print((await call("run", code="sum(prices.values()) * n", inputs={"n": 2}))["value"])

        forks = (await call("fork", count=2))["sessions"]
        assert isinstance(forks, list)
        for n, fork in enumerate(forks):
            print((await call("run", session=fork["session"], code=f"prices['apple'] += {n}; prices"))["value"])

        for _ in range(2):  # the answer was lost, so the client asks again, with the same key
            answer = await call("run", code="prices['pear'] += 1; prices['pear']", call="raise-pear")
            print(answer["value"], "replayed" in answer)


asyncio.run(main())

# Output:
# '2\n' {'apple': 3, 'pear': 4}
# stopped: the run has reached its limit of time | undone: True
# KeyError: 'plum'
# 14
# {'apple': 3, 'pear': 4}
# {'apple': 4, 'pear': 4}
# 5 False
# 5 True
