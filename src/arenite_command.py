"""The command `arenite`, begun from outside the package: Ctrl-C while that is still being imported ends it quietly, as later."""

from __future__ import annotations

INTERRUPTED = 130  # as `arenite.cli.ending` has it, which is not there yet


def main() -> int:
    """Run the command line; the exit code."""
    try:
        from arenite.cli.app import main  # noqa: PLC0415 (what may take long and be interrupted)

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED
