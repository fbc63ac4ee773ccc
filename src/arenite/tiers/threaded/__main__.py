"""`python -m arenite.tiers.threaded [FOLDER]`: compile the interpreter into the package, or into a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from arenite.tiers.threaded.objects import build

build(*map(Path, sys.argv[1:2]))
