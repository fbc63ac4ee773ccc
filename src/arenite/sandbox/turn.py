"""One stretch of a box's run, from where it begins to its result.

Example:  Turn(box, seconds=30.0, fuel=None).run()
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from arenite import Exit, Paused, PauseReason, Trap
from arenite.sandbox.guests.guest import AnswerError
from arenite.sandbox.result import Result

if TYPE_CHECKING:
    from arenite import Execution, Finished
    from arenite.sandbox.sandbox import Sandbox

PLENTY: Final = 1 << 63  # units of fuel: more than there is time for


class Turn:
    """One stretch of a run, from where it begins to its result."""

    def __init__(self, box: Sandbox, seconds: float | None, fuel: int | None) -> None:
        self.box = box
        self.seconds, self.fuel = seconds, fuel
        self.before = box.files.copy()
        self.store = box.store
        self.store.set_fuel(PLENTY)
        execution = self.store.execution
        assert execution is not None
        self.execution: Execution = execution
        self.begun = time.perf_counter()

    def run(self) -> Result:
        """To its end, or to a limit.  Raises: what takes the output raises."""
        try:
            return self.result(self.execution.run(fuel=self.fuel, deadline=self.seconds), None)
        except (Trap, Exit) as error:
            return self.result(None, str(error))

    async def run_async(self) -> Result:
        """The same, in an event loop.  Raises: also `ImportError` without the extra `async`."""
        try:
            return self.result(await self.execution.run_async(fuel=self.fuel, deadline=self.seconds), None)
        except (Trap, Exit) as error:
            return self.result(None, str(error))

    def result(self, outcome: Finished | Paused | None, ended: str | None) -> Result:
        """What has come of it.  `ended`: why the guest is no more."""
        channel, value, limit = self.box.channel, None, None
        error: str | None = "the code has ended the program that runs it"

        if isinstance(outcome, Paused):
            if channel.full or outcome.reason is not PauseReason.NOT_READY:
                limit = "output" if channel.full else "fuel" if outcome.reason is PauseReason.FUEL else "time"
                error = f"stopped: the run has reached its limit of {limit}"
            else:
                try:
                    value, error = channel.answer()
                except AnswerError as damaged:
                    self.execution.close()
                    error = str(damaged)
        elif ended is not None:
            error = f"{error}: {ended}"
        if limit is None:
            channel.end()
        return Result(
            stdout=channel.written("stdout"),
            stderr=channel.written("stderr"),
            value=value,
            error=error,
            limit=limit,
            duration=time.perf_counter() - self.begun,
            fuel=PLENTY - self.store.get_fuel(),
            _before=self.before,
            _after=self.box.files.copy(),
        )
