"""The command `arenite`, begun from outside the package: Ctrl-C while that is still being imported ends it quietly, as later."""

from __future__ import annotations

import atexit
import gc
import os
import sys

INTERRUPTED = 130  # as `arenite.cli.ending` has it, which is not there yet
PATIENCE = 200_000  # new objects after which cycles are looked for: a start makes a third of that, and nearly all stay
HIGHEST = 255  # exit code that every system has


def main() -> int:
    """Run the command line; the exit code, with which the process is to end then: it does not look for cycles any more."""
    gc.set_threshold(PATIENCE, *gc.get_threshold()[1:])
    ended: list[int] = []
    atexit.unregister(_leave)
    registered = getattr(
        atexit, "_ncallbacks", None
    )  # there is no public way to know; where it is missing, Python leaves as usual
    if registered is not None and registered() == 0:
        atexit.register(_leave, ended)
    try:
        from arenite.cli.app import main  # noqa: PLC0415 (what may take long and be interrupted)

        code = main()
    except KeyboardInterrupt:
        return INTERRUPTED
    else:
        ended.append(code)
        return code
    finally:
        gc.freeze()


def _leave(ended: list[int]) -> None:
    """End the process without taking its objects apart, which is a twentieth of a short command.

    It was registered before all others, so whatever these do is done, and threads have been waited for.  What remains is left to Python
    where something is unusual: output that cannot be written, an exception that `main` let through.
    """
    if not ended or not 0 <= ended[0] <= HIGHEST:
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError, KeyboardInterrupt):
        return
    os._exit(ended[0])
