"""Compiles what the tier needs at its first use, when arenite is installed, so that a first run costs what later ones do.

`setup.py` runs this, with nothing of the package imported but what is imported here: what a build has is llvmlite, platformdirs and
mypy_extensions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from arenite.bytecode import numbers
from arenite.errors import Limit
from arenite.platform import cache, faults
from arenite.tiers.baseline.stencil_table import kept
from arenite.tiers.threaded import require
from arenite.tiers.threaded.objects import Variant, object_file


def build(folder: Path) -> None:
    """Make `folder` hold the objects of the usual interpreter and its stencils, and of the handler of faults, and the names of ops, for this machine; nothing older.

    Raises: `Limit` and `ImportError` as `object_file` does, `OSError`.
    """
    usual = Variant()
    objects = dict([(usual.key, object_file(usual)), kept(usual), numbers.kept(), faults.object_file()])
    folder.mkdir(parents=True, exist_ok=True)
    files = {cache.ship(folder, key, data) for key, data in objects.items()}
    for old in set(folder.iterdir()) - files:
        old.unlink()


def main(folder: str) -> None:
    """Build, on systems that can have the tier; elsewhere say why not.  Raises: as `build`."""
    try:
        require()
    except Limit as why:
        sys.stdout.write(f"no interpreter is compiled: {why}\n")
        return
    build(Path(folder))
