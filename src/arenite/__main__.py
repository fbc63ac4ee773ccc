"""`python -m arenite` is the command `arenite`."""

from __future__ import annotations

import sys

from arenite_command import main

if __name__ == "__main__":
    sys.exit(main())
