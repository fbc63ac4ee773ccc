"""Where ops come from, which is written down while they are made, if somebody asks.

Compiled by mypyc.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64  # noqa: TC002 (compiled code checks its arguments at run time)

from arenite.wasm.sink import Sink  # noqa: TC001 (as above)


@final
class Trace:
    """Which instruction each op came from: pc -> offset of the instruction."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.offsets: dict[int, int] = {}

    def note(self, pc: i64) -> None:
        """An op is begun at `pc`, or its second half is, which may trap."""
        self.offsets[int(pc)] = int(self.sink.at)
