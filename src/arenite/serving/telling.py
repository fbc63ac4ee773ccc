"""What a client is told of a run that goes on, if it has asked for that: what was printed since, and for how many seconds it goes on.

Example:  telling = Telling(context.session.report_progress); tasks.start_soon(telling.run)
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

from anyio import CancelScope, sleep

from arenite.serving.shown import cut

if TYPE_CHECKING:

    class Report(Protocol):
        """Tells a client."""

        async def __call__(self, progress: float, total: float | None = None, message: str | None = None) -> None:
            """`progress`: seconds."""


PERIOD: Final = 0.25  # seconds between two words
LONGEST: Final = 8 << 10  # characters of one
log = logging.getLogger(__name__)


class Telling:
    """Of one call.   `scope`: cancel it at the call's end, for the answer has all of it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._text: list[str] = []
        self._begun = time.monotonic()
        self.scope = CancelScope()

    def take(self, text: str) -> None:
        """Something was printed."""
        self._text.append(text)

    async def run(self) -> None:
        """Tell of it now and then."""
        with self.scope:
            while True:
                await sleep(PERIOD)
                text, self._text = "".join(self._text), []
                try:
                    await self._report(round(time.monotonic() - self._begun, 3), None, cut(text, LONGEST) or None)
                except Exception:  # whatever the client's end raises: it has the answer to come, and no more of this
                    log.debug("a client cannot be told of progress", exc_info=True)
                    return
