"""`Pending`: a call of a tool that nobody has answered yet, with the box whose code waits for it.

found = box.run_until_tool(code)
while isinstance(found, Pending):
    found = found.answer(ask_somebody(found.tool, found.args))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import Failure, SnapshotError
from arenite.sandbox.tools.call import Call, given, raised
from arenite.sandbox.turn import check_async

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from arenite.sandbox.options import Loading, Stretch
    from arenite.sandbox.result import Result
    from arenite.sandbox.sandbox import Sandbox


class Pending:
    """A call of a tool.

    `tool`, `args`, `kwargs`: as the code called it; who gave the box no tools must look himself whether that makes sense.   `id`: of this call alone, see `Call`.
    `box`: waits in the middle of its run; forks of it, and what was saved of it, wait too (`box.pending()`).
    """

    def __init__(self, box: Sandbox, call: Call) -> None:
        self.box = box
        self.call = call

    @property
    def tool(self) -> str:
        """Its name."""
        return self.call.tool

    @property
    def args(self) -> tuple[object, ...]:
        """Arguments that were given by place."""
        return self.call.args

    @property
    def kwargs(self) -> Mapping[str, object]:
        """Arguments that were given by name."""
        return self.call.kwargs

    @property
    def id(self) -> str:
        """What the call is known by."""
        return self.call.id

    def __repr__(self) -> str:
        said = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        return f"<Pending {self.id}: {self.tool}({', '.join(said)})>"

    def answer(self, value: object, **limits: Unpack[Stretch]) -> Pending | Result:
        """The code goes on with this value, plain data, to its next call or its end.  `limits`: of that stretch, as for `Sandbox.run`.

        Raises: `TypeError` for what is no plain data, `Failure` if the box does not wait for this any more.
        """
        self._reply(given(self.tool, value))
        return self.box.go_on_until_tool(**limits)

    def raises(self, error: Exception, **limits: Unpack[Stretch]) -> Pending | Result:
        """The code goes on with this exception, which it gets as that class if Python brings it, else as a `ToolError`.  Raises: `Failure` as `answer`."""
        self._reply(raised(error))
        return self.box.go_on_until_tool(**limits)

    async def answer_async(self, value: object, **limits: Unpack[Stretch]) -> Pending | Result:
        """As `answer`, as a task of an event loop.  Raises: as that, and as `Sandbox.run_async`."""
        check_async()
        self._reply(given(self.tool, value))
        return await self.box.go_on_until_tool_async(**limits)

    async def raises_async(self, error: Exception, **limits: Unpack[Stretch]) -> Pending | Result:
        """As `raises`, as a task of an event loop.  Raises: as that, and as `Sandbox.run_async`."""
        check_async()
        self._reply(raised(error))
        return await self.box.go_on_until_tool_async(**limits)

    def _reply(self, answer: bytes) -> None:
        """Give the box the answer.  Raises: `Failure` where it does not wait for it."""
        channel = self.box.channel
        if self.box.closed or channel.call != self.id or channel.called() is None:
            raise Failure(f"the call {self.id} of {self.tool} was answered already, or its box has gone back")
        channel.reply(answer)

    def dumps(self, *, key: bytes | None = None) -> bytes:
        """It as bytes: those of its box.  Raises: as `Sandbox.dumps`."""
        return self.box.dumps(key=key)

    @classmethod
    def loads(cls, data: bytes, **options: Unpack[Loading]) -> Pending:
        """The call that a box waits for which was dumped, by this or by `Sandbox.dumps`; `box` is a new one, which is to be closed.

        `options`: of `Sandbox.loads`.  Raises: as that does, `SnapshotError` also where there is no such call.
        """
        import arenite  # noqa: PLC0415 (its `Sandbox` needs this class)

        box = arenite.Sandbox.loads(data, **options)
        found = box.pending()
        if found is None:
            box.close()
            raise SnapshotError("the box that was dumped waits for no answer")
        return found

    def fork(self, n: int = 1) -> list[Pending]:
        """The same call in boxes that go on from here, each for itself.  The call has one id in all of them."""
        return [found for box in self.box.fork(n) if (found := box.pending()) is not None]
