"""What a command does where its guest waits for input.

Example:  Driver.begin(module, wait=wait_for_input)
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from arenite.wasi import wait_to_read

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_WAIT: Final = 0.05  # seconds of waiting for input, then the guest is asked again
PAUSE: Final = 0.001  # seconds at least between two times: it may wait for other things than standard input


class UnendedInput:
    """Standard input that is not ready, rather than at its end, once all of `source` is read.  `waiting`: whether it has come to that."""

    def __init__(self, source: Callable[[int], bytes] = lambda _: b"") -> None:
        self._source = source
        self.waiting = False

    def __call__(self, size: int) -> bytes | None:
        """As `WasiConfig(stdin=…)` asks."""
        data = self._source(size)
        self.waiting = not data
        return data or None

    def wait(self) -> bool:
        """As a driver asks: the guest goes on until it has read all there is."""
        return not self.waiting and wait_for_input()


def wait_for_input() -> bool:
    """Until standard input may have something; the guest is asked again then."""
    wait_to_read(sys.stdin, LONGEST_WAIT)
    time.sleep(PAUSE)
    return True
