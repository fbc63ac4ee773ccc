"""The watch: a thread that, while guests run, makes each of them look up about every 10 ms.

A run goes on until its fuel is used up, which may take any time, for what a unit of fuel buys differs by orders of magnitude.  So time
is told by a clock: the watch raises the floor of every running store (`StoreContext.floor`), the run pauses where it pays next, and the
loop (`run.loop`) runs signal handlers, looks at epochs and deadlines, and lets it go on.

Machines are attended for a period or two beyond their last run, so short calls one behind the other cost a look at `attended` each.  The
thread ends when nothing has run for a while, and begins again with the next run.

    machine.attended or watch.attend(machine)

Invariants: a machine says that it runs (`depth`) before it looks whether it is attended, and the watch forgets it before it looks whether
it runs: so one that runs is attended, whoever comes first.  The watch keeps no machine alive.  Only `Machine.interrupt` is called
from here, and it changes nothing that the loop does not expect to be changed at any moment.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import ref

if TYPE_CHECKING:
    from arenite.machine.machine import Machine

PERIOD: Final = 0.01  # seconds
IDLE_PERIODS: Final = 100  # periods without a guest, before it ends


class Watch:
    """The process's one watch.  `attended`: the machines that are looked after; `awake`: its thread goes on."""

    def __init__(self) -> None:
        self.attended: set[ref[Machine]] = set()
        self.awake = False
        self._lock = threading.RLock()  # a machine may die in the thread, and what dies with it may come back here
        self._thread: threading.Thread | None = None

    def attend(self, machine: Machine) -> bool:
        """Look after a machine that runs; whether that can be done: not where there are no threads."""
        self.attended.add(ref(machine))
        machine.attended = self.awake or self._rouse()
        return machine.attended

    def _rouse(self) -> bool:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._watch, name="arenite watch", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no threads here, or the interpreter is about to end
                    return False
                self._thread = thread
            self.awake = True
            return True

    def settle(self) -> None:
        """Wait until no guest that has ended is being interrupted any more: from then on its store page is left alone."""
        with self._lock:
            pass

    def forked(self) -> None:
        """In a child after `os.fork`, which has no other threads: begin anew.  A guest whose host function forked goes on here."""
        self.awake, self._thread, self._lock = False, None, threading.RLock()
        running = [machine for known in self.attended if (machine := known()) is not None and machine.depth]
        self._forget()
        for machine in running:
            if threading.get_ident() in machine.users:
                self.attend(machine)

    def _forget(self) -> None:
        """Attend nobody, until they come again."""
        for known in self.attended.copy():
            self.attended.discard(known)
            machine = known()
            if machine is not None:
                machine.attended = False

    def _interrupt(self) -> None:
        """Once per period.  A function of its own: a variable of the thread's would keep the last machine alive."""
        for known in self.attended.copy():
            machine = known()
            if machine is not None and machine.depth:
                machine.interrupt()
                continue
            self.attended.discard(known)
            if machine is not None:
                machine.attended = False
                if machine.depth:  # it has begun meanwhile
                    self.attended.add(known)
                    machine.attended = True

    def _watch(self) -> None:
        """The thread."""
        idle = 0
        try:
            while self._goes_on(idle):
                time.sleep(PERIOD)
                # whoever runs on must look up all the same: at the next period, or a later one
                with suppress(MemoryError), self._lock:
                    self._interrupt()
                idle = 0 if self.attended else idle + 1
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self.awake, self._thread = False, None
                    self._forget()  # whoever runs now comes again with the next run

    def _goes_on(self, idle: int) -> bool:
        """Whether the thread has something to do, or may soon have; else whoever comes from now on begins another."""
        if idle <= IDLE_PERIODS:
            return True
        with self._lock:
            self.awake = False
            if self.attended:  # who looked before may count on it
                self.awake = True
                return True
            self._thread = None
            return False


watch: Final = Watch()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watch.forked)
