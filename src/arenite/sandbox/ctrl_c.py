"""Ctrl-C while code of a box runs: the box stops, rather than losing its guest in the middle of whatever it did.

Python raises `KeyboardInterrupt` at any line, and an exception out of an execution ends that.  So while a guest runs the signal is only taken note of, and
raised once the guest stands still; in a function of the user's own, which is told of output, it is raised as ever.
Only Python's own handler is stood in for, which is there in the main thread alone; whoever has another is let alone.

Example:  try: ctrl_c.begin(); execution.run(deadline=ctrl_c.seconds(None))
          finally: ctrl_c.end()
"""

from __future__ import annotations

from _signal import getsignal, signal  # type: ignore[import-not-found]  # what `signal` wraps, which takes ten times as long for handlers' names
from signal import SIGINT, default_int_handler
from threading import get_ident, main_thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

SLICE: Final = 0.05  # seconds that a guest runs or sleeps before somebody looks whether there was a signal


class CtrlC:
    """Of one box.   `raises`: a function of the user's is being called, and what comes is raised there."""

    def __init__(self) -> None:
        self.raises = False
        self.came = False
        self._before: object = None  # the handler that it stands in for

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """The signal's handler."""
        if self.raises:
            raise KeyboardInterrupt
        self.came = True

    def seconds(self, seconds: float | None) -> float | None:
        """How many of these a guest may run now."""
        if self._before is None:
            return seconds
        return SLICE if seconds is None else min(seconds, SLICE)

    def begin(self) -> None:
        """From now on, until `end`: which must come, also where this is left in the middle."""
        self.came, self._before = False, None
        if get_ident() == main_thread().ident:
            found = getsignal(SIGINT)
            if found is default_int_handler or isinstance(found, CtrlC):  # whose box calls a function that runs this one
                self._before = found
                signal(SIGINT, self)

    def end(self) -> None:
        """Give the signal back.  Raises: `KeyboardInterrupt`, if it came."""
        if self._before is not None:
            signal(SIGINT, self._before)
            self._before = None
            if self.came:
                raise KeyboardInterrupt
