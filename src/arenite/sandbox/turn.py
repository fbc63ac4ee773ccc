"""One stretch of a box's run, from where it begins to its result: the guest runs, the tools that it calls are run, until neither is left to do.

Time is that of both; fuel is the guest's.

Example:  Turn(box, seconds=30.0, fuel=None).run()
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from arenite import Exit, Paused, PauseReason, Trap
from arenite.sandbox.guests.guest import AnswerError
from arenite.sandbox.result import Result
from arenite.sandbox.tools.call import Call, raised

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from arenite import Execution, Finished
    from arenite.sandbox.sandbox import Sandbox

T = TypeVar("T")
PLENTY: Final = 1 << 63  # units of fuel: more than there is time for


class Turn:
    """One stretch of a run, from where it begins to its result."""

    def __init__(self, box: Sandbox, seconds: float | None, fuel: int | None, *, ends: bool = False) -> None:
        self.box = box
        self.ends = ends
        self.seconds, self.fuel = seconds, fuel
        self.before = box.channel.known()
        self.store = box.store
        self.store.set_fuel(PLENTY)
        execution = self.store.execution
        assert execution is not None
        self.execution: Execution = execution
        self.begun = time.perf_counter()

    def run(self) -> Result:
        """To its end, or to a limit.  Raises: what takes the output raises, or `Toolbox.run`."""
        while isinstance(found := self.to_tool(), Call):
            tools = self.box.tools
            self.box.channel.reply(missing(found) if tools is None else tools.run(found))
            if self._seconds() == 0:
                return self._stopped("time")
        return found

    async def run_async(self) -> Result:
        """The same, in an event loop.  A tool that is awaited when time is over is cancelled, and called again by who goes on.

        Raises: also `ImportError` without the extra `async`.
        """
        tools = self.box.tools
        while isinstance(found := await self._to_tool_async(), Call):
            answer = (missing(found),) if tools is None else await self._in_time(tools.run_async(found))
            if answer is None:
                return self._stopped("time")
            self.box.channel.reply(*answer)
        return found

    def to_call(self) -> Result | Call:
        """To the next call of a tool that somebody else is to answer, or to the end.  Raises: as `run`."""
        tools, channel = self.box.tools, self.box.channel
        while isinstance(found := self.to_tool(), Call):
            refused = None if tools is None else tools.refused(found)
            if refused is None:
                return found
            channel.reply(refused)
        return found

    async def to_call_async(self) -> Result | Call:
        """The same, in an event loop.  Raises: as `run_async`."""
        tools = self.box.tools
        while isinstance(found := await self._to_tool_async(), Call):
            refused = (None,) if tools is None else await self._in_time(tools.refused_async(found))
            if refused is None:
                return self._stopped("time")
            if refused[0] is None:
                return found
            self.box.channel.reply(refused[0])
        return found

    def to_tool(self) -> Result | Call:
        """To the next call of a tool, or to the end."""
        while True:
            try:
                outcome = self._paused()
            except (Trap, Exit) as error:
                return self._ended(str(error))
            found = self._after(outcome)
            if found is not None:
                return found

    def _paused(self) -> Finished | Paused:
        """The guest stands still.  Raises: what ends it; `KeyboardInterrupt`, which does not."""
        ctrl_c = self.box.channel.ctrl_c
        try:
            ctrl_c.begin()
            while True:
                outcome = self.execution.run(fuel=self._fuel(), deadline=ctrl_c.seconds(self._seconds()))
                over = not isinstance(outcome, Paused) or outcome.reason is not PauseReason.DEADLINE
                if over or ctrl_c.came or self._seconds() == 0:
                    return outcome
        finally:
            ctrl_c.end()

    async def _to_tool_async(self) -> Result | Call:
        while True:
            try:
                outcome = await self.execution.run_async(fuel=self._fuel(), deadline=self._seconds())
            except (Trap, Exit) as error:
                return self._ended(str(error))
            found = self._after(outcome)
            if found is not None:
                return found

    async def _in_time(self, work: Awaitable[T]) -> tuple[T] | None:
        """What comes of some work; None if time is over first."""
        from anyio import move_on_after  # noqa: PLC0415 (an extra)

        with move_on_after(self._seconds()):
            return (await work,)
        return None

    def _seconds(self) -> float | None:
        """What is left of the time."""
        return None if self.seconds is None else max(0.0, self.seconds - (time.perf_counter() - self.begun))

    def _fuel(self) -> int | None:
        """What is left of the fuel."""
        return None if self.fuel is None else max(0, self.fuel - self._used())

    def _used(self) -> int:
        return PLENTY - self.store.get_fuel()

    def _after(self, outcome: Finished | Paused) -> Result | Call | None:
        """What has come of a run of the guest; None if it has had its answer already, and goes on."""
        channel = self.box.channel
        if not isinstance(outcome, Paused):
            return self._ended(None)
        if channel.failed is not None:
            raise channel.failed
        if channel.full or outcome.reason is not PauseReason.NOT_READY:
            return self._stopped("output" if channel.full else "fuel" if outcome.reason is PauseReason.FUEL else "time")
        called = channel.called()
        if isinstance(called, bytes):
            channel.reply(called)
            return None
        return self._answered() if called is None else called

    def _answered(self) -> Result:
        try:
            value, error = self.box.channel.answer()
        except AnswerError as damaged:
            self.execution.close()
            value, error = None, str(damaged)
        self.box.channel.end()
        return self._result(value, error)

    def _ended(self, why: str | None) -> Result:
        """The guest is no more."""
        self.box.channel.end()
        said = "the code has ended the program that runs it"
        return self._result(None, said if why is None else f"{said}: {why}")

    def _stopped(self, limit: str) -> Result:
        if self.ends:
            self.execution.close()
        return self._result(None, f"{'ended' if self.ends else 'stopped'}: the run has reached its limit of {limit}", limit)

    def _result(self, value: object, error: str | None, limit: str | None = None) -> Result:
        channel = self.box.channel
        return Result(
            stdout=channel.written("stdout"),
            stderr=channel.written("stderr"),
            value=value,
            error=error,
            limit=limit,
            duration=time.perf_counter() - self.begun,
            fuel=self._used(),
            _before=self.before,
            _after=channel.known(),
        )


def check_async() -> None:
    """Before anything is begun.  Raises: `ImportError` without the extra `async`."""
    import arenite.api.asynchronous  # noqa: F401, PLC0415 (it is for few)


def missing(call: Call) -> bytes:
    """The answer of a box without tools."""
    return raised(LookupError(f"there is no tool {call.tool[:100]!r}: the box was given none"))
