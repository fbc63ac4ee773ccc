"""Standard input and output as a connection of one client: lines of bounded length, whose reading can be cancelled.

The package's own reader takes lines of any length, and waits in a thread for the next, also when the process is to end.

Example:  await serve(server, most=4 << 20)
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final, cast

import anyio
from anyio import to_thread
from mcp.server.stdio import stdio_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server.lowlevel import Server

PIECE: Final = 1 << 16
log = logging.getLogger(__name__)


async def serve(server: Server[None], *, most: int) -> None:
    """Serve the one client until it closes standard input.  `most`: bytes of a request."""
    lines = cast("anyio.AsyncFile[str]", Lines(sys.stdin.fileno(), most))  # an iterator of lines is all that is asked of it
    async with stdio_server(stdin=lines) as (read, write):
        await server.run(read, write, server.create_initialization_options())


class Lines:
    """Lines of a file, as an asynchronous iterator.  One that is too long is left out, which is said in the log."""

    def __init__(self, descriptor: int, most: int) -> None:
        self._descriptor = descriptor
        self._most = most
        self._data = bytearray()
        self._over = False

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        """The next.  Raises: StopAsyncIteration at the end."""
        searched = 0
        while True:
            end = self._data.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._data[:end])
                del self._data[: end + 1]
                searched = 0
                if self._over or len(line) > self._most:
                    self._over = False
                    log.warning("a request of more than %d bytes is left out", self._most)
                    continue
                return line.decode("utf-8", "replace")
            if len(self._data) > self._most:
                self._over = True
                self._data.clear()
            searched = len(self._data)
            piece = await self._read()
            if not piece:
                last, self._data = bytes(self._data), bytearray()
                if not last or self._over:
                    raise StopAsyncIteration
                return last.decode("utf-8", "replace")
            self._data += piece

    async def _read(self) -> bytes:
        try:
            await anyio.wait_readable(self._descriptor)
        except PermissionError:  # a plain file is always readable, and nothing that one can wait for
            return await to_thread.run_sync(os.read, self._descriptor, PIECE)
        return os.read(self._descriptor, PIECE)
