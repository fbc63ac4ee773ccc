"""The key by which the user's processes know what they wrote to the cache.

It is made at first use: random bytes that only the user can read, in a file outside the cache's folder.  So whoever is given that folder,
or can write into it, cannot make an entry that is believed.

Example:  key = read(cache_folder)
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from arenite.platform import aside, folders, ours
from arenite.platform.ours import UnusableError

SIZE: Final = 32
NAME: Final = "cache.key"
READING: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"))
"""A pipe is not waited for, a link not followed."""
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def place() -> Path:
    """Where the key lies; it need not exist."""
    return folders.data() / NAME


def read(cache: Path, *, make: bool = True) -> bytes:
    """The key for the cache in a folder; `make`: a new one if there is none.

    Raises: `UnusableError` for one that others may read, or could have put there; `OSError`, `FileNotFoundError` where there is none.
    """
    path = place()
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(cache)):  # as `resolve`, which raises for links in a circle
        raise UnusableError("it lies in the cache's folder")
    try:
        return _read(path)
    except FileNotFoundError:
        if not make:
            raise
        _make(path)
        return _read(path)  # of several processes that make one at the same time, the last one's


def _read(path: Path) -> bytes:
    ours.check(path.parent.stat())
    fd = os.open(path, READING)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise UnusableError("it is no file")
        ours.check(info)
        if hasattr(os, "geteuid") and info.st_mode & OTHERS:
            raise UnusableError("others can read it")
        key = os.read(fd, SIZE + 1)
    finally:
        os.close(fd)
    if len(key) != SIZE:
        raise UnusableError(f"it has not {SIZE} bytes")
    return key


def _make(path: Path) -> None:
    """Write a new key.  Raises: `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside.sweep(path.parent, NAME, b"")
    aside.put(path, [os.urandom(SIZE)], 0o600)
