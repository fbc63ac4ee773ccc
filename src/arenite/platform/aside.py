"""Files that are whole or not there: each is written beside its final name, and what a killed process left there goes with the next write.

A file aside is locked (`flock`) for as long as somebody writes it, and the system drops the lock of a process that ends, however it does.
So one that can be locked is nobody's any more.  Only what is certainly ours goes: of this user, named after the same target, with nothing
or the beginning of such a file in it.

    fd, aside = create(path)
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from typing import TYPE_CHECKING, Final

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

HAS_LOCKS: Final = sys.platform != "win32"
PATIENCE: Final = 1.0  # seconds
TOKEN: Final = 6  # bytes, in hexadecimal
CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def create(path: Path, mode: int = 0o666) -> tuple[int, Path]:
    """A new file beside `path`, open and locked, and its name.  Raises: `OSError`."""
    while True:
        aside = path.with_name(f".{path.name}.{os.urandom(TOKEN).hex()}.part")
        fd = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | CLOEXEC, mode)
        # Whoever sweeps between these two has taken it for a leftover; where there are no locks nobody sweeps.
        if _locked(fd) is not False and _is(fd, aside):
            return fd, aside
        os.close(fd)


def put(path: Path, pieces: Iterable[bytes], mode: int) -> None:
    """Write a file whole.  Raises: `OSError`; then `path` names what it named before, and nothing is left."""
    fd, new = create(path, mode)
    try:
        try:
            with open(fd, "wb", closefd=False) as file:
                file.writelines(pieces)
            if HAS_LOCKS:  # nobody sweeps it while it is locked
                new.replace(path)
        finally:
            os.close(fd)
        if not HAS_LOCKS:  # Windows renames closed files only
            new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def pattern(names: str) -> re.Pattern[str]:
    """What files aside are called.  `names`: a regular expression for what they become."""
    return re.compile(rf"\.(?:{names})\.[0-9a-f]{{{2 * TOKEN}}}\.part")


def sweep(folder: Path, names: str, magic: bytes) -> None:
    """Remove what killed processes have left in a folder.

    `names`: a regular expression for what it would have become.  `magic`: how a file begins that has more in it than zeros.
    """
    if not HAS_LOCKS:
        return
    left = pattern(names)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if left.fullmatch(entry.name):
                _remove(folder / entry.name, magic)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other process that asks for this has a folder meanwhile; who waits for a second goes on, for then somebody stands still with it."""
    if sys.platform == "win32":
        yield
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | CLOEXEC)
    try:
        until = time.monotonic() + PATIENCE
        while _locked(fd) is False and time.monotonic() < until:
            time.sleep(PATIENCE / 100)
        yield
    finally:
        os.close(fd)


def _remove(aside: Path, magic: bytes) -> None:
    """Remove a file if it is certainly a leftover."""
    with contextlib.suppress(OSError):
        fd = os.open(aside, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | CLOEXEC)
        try:
            info = os.fstat(fd)
            ours = stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid() and info.st_nlink == 1
            if ours and os.pread(fd, len(magic), 0).strip(b"\0") in {b"", magic} and _locked(fd) and _is(fd, aside):
                aside.unlink()
        finally:
            os.close(fd)


def _locked(fd: int) -> bool | None:
    """Lock a file: whether that is done, or somebody else has it locked; None where files cannot be locked."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is(fd: int, path: Path) -> bool:
    """Whether the name is still that of the open file."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False
