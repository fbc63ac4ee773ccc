"""How a command ends: the exit code and the words on stderr for everything that can go wrong.

    the guest's own   it called `proc_exit`, or returned (0)
    1                 the file was refused: unreadable, not WebAssembly, invalid, an import missing; also a test that failed
    2                 the command line was wrong
    124               the guest used up its fuel or its time (the code of `timeout`)
    130               Ctrl-C
    134               the guest trapped (as after `abort`)

A message is one line that names what was refused and why; only a trap brings the guest's backtrace with it.

Example:  sys.exit(report(error))
"""

from __future__ import annotations

import sys
from typing import Final

from arenite.errors import AreniteError, Exit, InternalError, Trap
from arenite.traps import TrapCode

REFUSED: Final = 1
EXHAUSTED: Final = 124
TRAPPED: Final = 134


class Refused(Exception):  # noqa: N818  named for what happened, as its message is printed
    """The command cannot do what was asked, for a reason that the user can mend; the message is for them."""


def report(error: AreniteError | Refused) -> int:
    """Say on stderr what happened; the exit code that goes with it."""
    if isinstance(error, Exit):
        return error.code
    if isinstance(error, InternalError):
        raise error  # a bug of ours: the traceback is wanted
    if isinstance(error, Trap):
        exhausted = error.code in {TrapCode.OUT_OF_FUEL, TrapCode.INTERRUPT}
        complain(str(error) if exhausted else f"trap: {error}")
        return EXHAUSTED if exhausted else TRAPPED
    complain(str(error))
    return REFUSED


def complain(message: str) -> None:
    """One message on stderr, after what the guest has already printed."""
    sys.stdout.flush()
    sys.stderr.write(f"arenite: {message}\n")
