"""Exceptions of signal handlers, everywhere where one can come.

CPython looks after signals behind calls of C, at jumps back and where a Python function begins, and only there.  This tool has it find a
signal at each of these places of an action in turn:

    for place in places(prepare):
        world, action = prepare()
        interrupted(action, place)      # whether `Interrupted` came out of it
        ...                             # what must hold now

A first run is traced, opcode by opcode, to find the places.  In the others the trace function raises a real signal before the opcode in
question and gets out of the way, so that CPython itself calls the handler, where it always would.
"""

from __future__ import annotations

import ctypes
import dis
import functools
import signal
import sys
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from _typeshed import TraceFunction

SIGNAL: Final = signal.SIGALRM
LOOKS: Final = frozenset(
    code
    for name, code in dis.opmap.items()
    if name.startswith(
        ("CALL", "JUMP_BACKWARD", "POP_JUMP_BACKWARD", "INSTRUMENTED_CALL", "INSTRUMENTED_JUMP_BACKWARD", "RESUME")
    )
)
"""Opcodes at or behind which CPython looks after signals (a superset)."""


class Interrupted(Exception):  # noqa: N818  named as what happened
    """What the handler raises."""


class _Local:
    """Something that dies when a function returns."""


_raise = ctypes.CDLL(None)["raise"]  # unlike `signal.raise_signal` it does not look after signals itself
_raise.argtypes = (ctypes.c_int, ctypes.py_object)


def _handler(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _quiet(report: sys.UnraisableHookArgs) -> None:
    """For exceptions in destructors, from which none can come."""
    if not isinstance(report.exc_value, Interrupted):
        sys.__unraisablehook__(report)


@contextmanager
def _prepared() -> Iterator[None]:
    hook, handler, trace = sys.unraisablehook, signal.signal(SIGNAL, _handler), sys.gettrace()
    sys.unraisablehook = _quiet
    try:
        yield
    finally:
        sys.settrace(trace)
        signal.signal(SIGNAL, handler)
        sys.unraisablehook = hook


def places(prepare: Callable[[], tuple[object, Callable[[], object]]]) -> list[int]:
    """Numbers of the events in an action after which CPython looks after signals."""
    found: list[int] = []
    count, candidate = 0, False

    def trace(frame: FrameType, event: str, _arg: object) -> TraceFunction:
        nonlocal count, candidate
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "call" and not candidate and count:
            found.append(count)  # an opcode that is no call led into Python: a property, a destructor
        count += 1
        candidate = event == "return" or (event == "opcode" and frame.f_code.co_code[frame.f_lasti] in LOOKS)
        if candidate:
            found.append(count)
        return trace

    for _ in range(3):  # what is done the first time only is none of the action's
        found.clear()
        count, candidate = 0, False
        world, action = prepare()
        with _prepared():
            sys.settrace(trace)
            action()
            sys.settrace(None)
        del world, action
    return found


def interrupted(action: Callable[[], object], place: int) -> bool:
    """Do it with a signal at a place; whether its exception came out, or (False) it was done before."""
    count = 0

    def trace(frame: FrameType, _event: str, _arg: object) -> TraceFunction | None:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += 1
        if count == place:
            sys.settrace(None)
            local = _Local()
            reference = weakref.ref(local, functools.partial(_raise, SIGNAL))
            deaths.append(reference)
            return None
        return trace

    deaths: list[object] = []
    done = False
    with _prepared():
        try:
            sys.settrace(trace)
            action()
            done = True
            sys.settrace(None)
            len("")  # CPython looks after signals here at the latest
        except Interrupted:
            return not done
    return False  # it has become shorter, which a cache can do
