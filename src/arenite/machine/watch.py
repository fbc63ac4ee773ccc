"""The watch: a thread that, while guests run, makes each of them look up about every 10 ms.

A run goes on until its fuel is used up, which may take any time, for what a unit of fuel buys differs by orders of magnitude.  So time
is told by a clock: the watch raises the floor of every running store (`StoreContext.floor`), the run pauses where it pays next, and the
loop in `machine` runs signal handlers, looks at epochs and deadlines, and lets it go on.  It sleeps when nothing has run for a while.

    watch.running.add(machine)
    if not watch.awake: watch.rouse()

Invariants: whoever is in `running` is interrupted once per period; only `Machine.interrupt` is called from here, and it changes nothing
that the loop does not expect to be changed at any moment.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arenite.machine.machine import Machine

PERIOD: Final = 0.01  # seconds
PATIENCE: Final = 100  # periods without a guest, before it sleeps


class Watch:
    """The process's one watch."""

    def __init__(self) -> None:
        self.running: set[Machine] = set()
        self.awake = False
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def rouse(self) -> bool:
        """See that it is awake; whether it is: not where there are no threads."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._watch, args=(self._wake,), name="arenite watch", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no threads here, or the interpreter is about to end
                    return False
                self._thread = thread
            self.awake = True
            self._wake.set()
            return True

    def settle(self) -> None:
        """Wait until no guest that has ended is being interrupted any more: from then on its store page is left alone."""
        with self._lock:
            pass

    def forked(self) -> None:
        """In a child after `os.fork`, which has no other threads: begin anew."""
        self.awake, self._thread = False, None
        self._wake, self._lock = threading.Event(), threading.Lock()

    def _interrupt(self) -> None:
        """Once per period.  A function of its own: a variable of the thread's would keep the last machine alive."""
        for machine in self.running.copy():
            machine.interrupt()

    def _watch(self, wake: threading.Event) -> None:
        """The thread."""
        idle = 0
        while True:
            time.sleep(PERIOD)
            with self._lock:
                self._interrupt()
            idle = 0 if self.running else idle + 1
            if idle > PATIENCE:
                wake.clear()
                self.awake = False  # whoever comes from now on rouses it
                if not self.running:
                    wake.wait()
                self.awake = True
                idle = 0


watch: Final = Watch()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watch.forked)
