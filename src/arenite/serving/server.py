"""The MCP server: it takes calls of tools to sessions, and always answers.

- What is refused or goes wrong is content that a model can read; the package would hide it.
- A call has a deadline of its own, whatever its client still waits for.  A client that has gone, or says so, stops its call.
- A call with a key that was answered before is answered from the record.

    server = made(Sessions(limits), lambda _: Client("stdio", known=True))
    await stdio.serve(server, most=limits.request)
"""

from __future__ import annotations

import gc
import json
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread
from mcp.server.lowlevel import Server
from mcp.types import CallToolResult, ListToolsResult, TextContent, ToolAnnotations
from mcp.types import Tool as ToolType
from pydantic import ValidationError

from arenite import Failure
from arenite.serving.answer import Answer
from arenite.serving.languages import LANGUAGES, USUAL
from arenite.serving.record import digest
from arenite.serving.sessions import box
from arenite.serving.shown import clean
from arenite.serving.telling import Telling
from arenite.serving.tools import TOOLS, Alone, InSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from mcp.server import ServerRequestContext
    from mcp.types import CallToolRequestParams, PaginatedRequestParams

    from arenite.serving.record import Record
    from arenite.serving.sessions import Client, Session, Sessions
    from arenite.serving.telling import Report

    Context = ServerRequestContext[None]

SOON: Final = 0.001  # seconds in which an answer is written
SWEEP: Final = 10.0  # seconds between two looks for what is not used any more
LONGEST: Final = 2000  # characters of a message
DEEPEST: Final = 3  # names that say where in the arguments something is wrong
MOST_MISFITS: Final = 10
log = logging.getLogger(__name__)


def made(
    sessions: Sessions, client_of: Callable[[Context], Client], settled: Callable[[], object] = lambda: None
) -> Server[None]:
    """A server over some sessions.  `client_of`: who asks; `settled`: is called when all is there that stays."""
    listed = ListToolsResult(tools=[described(name, sessions.languages) for name in TOOLS])
    desk = Desk(sessions, settled)

    async def list_tools(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return listed

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        asked = context.meta is not None and "progress_token" in context.meta
        report = context.session.report_progress if asked else None
        answer = await desk.answered(client_of(context), params.name, params.arguments or {}, report)
        text = TextContent(type="text", text=json.dumps(answer.body, ensure_ascii=False))
        return CallToolResult(content=[text], structured_content=dict(answer.body), is_error=answer.failed)

    return Server(
        "arenite",
        title="Code in a sandbox",
        instructions=instructions(sessions),
        lifespan=lambda _server: desk.open(),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def instructions(sessions: Sessions) -> str:
    """What a model is told of the whole."""
    limits = sessions.limits
    return (
        f"Runs {titles(sessions.languages)} in sandboxes. A session keeps its variables and files between calls. A run has "
        f"{limits.seconds:g} seconds and {limits.memory >> 20} MiB; a run that reaches a limit is undone. A session that is not used for "
        f"{limits.idle / 60:g} minutes is closed. Use checkpoint before something risky and restore to undo it; fork to try several ways."
    )


def titles(languages: Sequence[str]) -> str:
    """In words."""
    return " or ".join(LANGUAGES[language].title for language in languages)


def described(name: str, languages: Sequence[str] = (USUAL,)) -> ToolType:
    """A tool as clients are told of it."""
    tool = TOOLS[name]
    schema = tool.model_json_schema()
    description = " ".join((tool.__doc__ or "").split()).replace(LANGUAGES[USUAL].title, titles(languages))
    del schema["description"], schema["title"]
    for one in schema["properties"].values():
        del one["title"]
    language = schema["properties"].pop("language", None)
    if language is not None and len(languages) > 1:
        told = f"What it runs: one of {', '.join(languages)}; by default the first."
        schema["properties"]["language"] = {**language, "description": told}
    hints = ToolAnnotations(read_only_hint=tool.reads, open_world_hint=False)
    return ToolType(name=name, description=description, input_schema=schema, annotations=hints)


class Desk:
    """Where calls arrive."""

    def __init__(self, sessions: Sessions, settled: Callable[[], object] = lambda: None) -> None:
        self.sessions = sessions
        self._settled = settled
        self._ready = anyio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it is open, sessions that are not used are closed; in the end all."""
        async with anyio.create_task_group() as self._tasks:
            tasks = self._tasks
            tasks.start_soon(self._sweep)
            tasks.start_soon(self._warm)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                self.sessions.close_all()

    @asynccontextmanager
    async def _telling(self, session: Session, report: Report | None) -> AsyncIterator[None]:
        """Until the end tell what the session prints."""
        if report is None:
            yield
            return
        telling = Telling(report)
        session.on_output = telling.take
        self._tasks.start_soon(telling.run)
        try:
            yield
        finally:
            session.on_output = None
            telling.scope.cancel()

    async def _sweep(self) -> None:
        while True:
            await anyio.sleep(SWEEP)
            self.sessions.sweep()
            gc.collect()

    async def _prepare(self, session: Session) -> None:
        """Take the checkpoint that the next run needs, when the answer is on its way."""
        await anyio.sleep(SOON)
        if not session.busy and not session.closed:
            with suppress(Failure):  # whoever runs something there is told
                session.prepare()

    async def _warm(self) -> None:
        """Make the image, which takes seconds the first time, while clients already ask what there is."""
        try:
            await to_thread.run_sync(warm, self.sessions, abandon_on_cancel=True)
        except (Failure, ImportError):
            log.exception("the image of a sandbox cannot be made")  # each session that is opened says so
        self._settled()
        self._ready.set()

    async def answered(self, client: Client, name: str, arguments: Mapping[str, object], report: Report | None = None) -> Answer:
        """What comes of a call.   `report`: tells the client meanwhile what is printed.  Raises: nothing but that it is cancelled."""
        tool = TOOLS.get(name)
        if tool is None:
            return refusal(f"there is no tool {name!r}; there are: {', '.join(TOOLS)}")
        try:
            asked = tool.model_validate(arguments)
            await self._ready.wait()
            return await self._done(client, asked, digest(name, arguments), report)
        except ValidationError as error:
            return refusal(misfits(error))
        except OSError as error:
            parts = [part for part in (error.strerror, error.filename) if part is not None]
            return refusal(": ".join(map(str, parts)) or str(error))
        except (Failure, ImportError) as error:
            return refusal(str(error))
        except Exception as error:
            log.exception("a call of %s failed", name)
            return refusal(f"internal error of the server: {type(error).__name__}")

    async def _done(self, client: Client, asked: Alone | InSession, request: bytes, report: Report | None) -> Answer:
        sessions = self.sessions
        if isinstance(asked, InSession):
            session = sessions.get(client, asked.session)
            async with session.turn(), self._telling(session, report):
                answer = await once(session.record, asked.call, request, lambda: asked.work(sessions, session))
            if not session.prepared:
                self._tasks.start_soon(self._prepare, session)
            return answer

        async def work() -> Answer:
            return asked.work(sessions, client)

        if asked.call is None:
            return await work()
        return await once(sessions.record(client), asked.call, request, work)


def warm(sessions: Sessions) -> None:
    """Have what all boxes are forked from."""
    for language in sessions.languages:
        box(language, sessions.limits).close()


async def once(record: Record[Answer], key: str | None, request: bytes, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do it, or say again what came of it.  Nobody else may use the record meanwhile."""
    if key is not None and (found := record.find(key, request)) is not None:
        return Answer({**found.body, "replayed": True}, found.failed)
    number = record.next()
    answer = await work()
    answer = Answer({**answer.body, "execution": number.execution, "sequence": number.sequence}, answer.failed)
    return answer if key is None else record.keep(key, request, answer, size=len(json.dumps(answer.body)))


def refusal(message: str) -> Answer:
    """What a model reads where nothing was done."""
    return Answer({"error": clean(message[:LONGEST])}, failed=True)


def misfits(error: ValidationError) -> str:
    """What is wrong with arguments, without what was given: that may be long."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'][:DEEPEST])) or 'arguments'}: {one['msg']}" for one in found[:MOST_MISFITS])
