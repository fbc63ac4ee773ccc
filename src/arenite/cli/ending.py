"""How a command ends: the exit code and the words on stderr for everything that can go wrong.

    the guest's own   it called `proc_exit`, or returned (0)
    1                 the file was refused: unreadable, not WebAssembly, invalid, an import missing, a snapshot that cannot go on here;
                      also a test that failed, and nothing frozen because the guest ended with 0 before it was at the place
    2                 the command line was wrong
    124               the guest used up its fuel or its time (the code of `timeout`)
    130               Ctrl-C
    134               the guest trapped (as after `abort`)

Of many guests (`fork`) it is the first, in the order of the lines, that did not end with 0.
A message is one line that names what was refused and why; only a trap brings the guest's backtrace with it.

Example:  sys.exit(report(error))
"""

from __future__ import annotations

import sys
from typing import Final

from arenite.errors import AreniteError, Exit, InternalError, Trap
from arenite.traps import TrapCode
from arenite.visible import visible

REFUSED: Final = 1
EXHAUSTED: Final = 124
INTERRUPTED: Final = 130
TRAPPED: Final = 134


class Refused(Exception):  # noqa: N818  named for what happened, as its message is printed
    """The command cannot do what was asked, for a reason that the user can mend; the message is for them."""


def judged(error: AreniteError | Refused) -> tuple[int, str]:
    """The exit code for what happened, and what to say.  Raises: the error itself, when it is a bug of ours."""
    if isinstance(error, InternalError):
        raise error  # the traceback is wanted
    if isinstance(error, Exit):
        return error.code, str(error)
    if isinstance(error, Trap):
        exhausted = error.code in {TrapCode.OUT_OF_FUEL, TrapCode.INTERRUPT}
        return (EXHAUSTED, str(error)) if exhausted else (TRAPPED, f"trap: {error}")
    return REFUSED, str(error)


def report(error: AreniteError | Refused) -> int:
    """Say on stderr what happened, unless the guest ended by itself; the exit code that goes with it."""
    code, message = judged(error)
    if not isinstance(error, Exit):
        complain(message)
    return code


def complain(message: str) -> None:
    """One message on stderr, after what the guest has already printed."""
    sys.stdout.flush()
    sys.stderr.write("\n".join(map(visible, f"arenite: {message}".split("\n"))) + "\n")
