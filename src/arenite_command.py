"""The command `arenite`, begun from outside the package: Ctrl-C while that is still being imported ends it quietly, as later."""

from __future__ import annotations

import gc

INTERRUPTED = 130  # as `arenite.cli.ending` has it, which is not there yet
PATIENCE = 200_000  # new objects after which cycles are looked for: a start makes a third of that, and nearly all stay


def main() -> int:
    """Run the command line; the exit code.  The process is to end then: it does not look for cycles any more."""
    gc.set_threshold(PATIENCE, *gc.get_threshold()[1:])
    try:
        from arenite.cli.app import main  # noqa: PLC0415 (what may take long and be interrupted)

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.freeze()
