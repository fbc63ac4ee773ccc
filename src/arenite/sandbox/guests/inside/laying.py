"""Packages inside a CPython guest.

Example:  lay_out("/packages")
"""

from __future__ import annotations

import sys


def lay_out(folder: str) -> None:
    """Let what lies in a folder be imported, after all else; compiled now, so that no box has to do it.  What cannot be compiled stays what it is."""
    import compileall  # noqa: PLC0415 (most guests have no packages)
    import py_compile  # noqa: PLC0415

    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    sys.path.append(folder)
