"""Files and folders that nobody but the user can change, and what is said of those that are not.

Example:  check(os.fstat(fd))
"""

from __future__ import annotations

import os
import stat
from typing import Final

OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_said: set[str] = set()


class UnusableError(Exception):
    """Why a file or folder is not used, for people."""


def check(info: os.stat_result) -> None:
    """See that a file or folder is the user's or root's, and nobody else can write it.  Raises: `UnusableError`.

    Where files have no owners (Windows) they lie in the user's own profile.
    """
    if not hasattr(os, "geteuid"):
        return
    if info.st_uid not in {os.geteuid(), 0}:
        raise UnusableError("it belongs to somebody else")
    if info.st_mode & OTHERS_WRITE:
        raise UnusableError("others can write to it")


def warn(about: str, message: str) -> None:
    """Say something through `logging`, the first thing about each matter in a process."""
    import logging  # noqa: PLC0415 (it takes a tenth of the time of a start, and there is hardly ever something to say)

    if about not in _said:
        _said.add(about)
        logging.getLogger("arenite").warning("%s", message)
