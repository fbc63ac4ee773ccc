"""Files read whole, onto large pages where the system has some: of 26 MB a start then waits for a few of them, not for 6,400 small ones.

data = whole(Path("python.wasm"))
"""

from __future__ import annotations

import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from arenite.errors import Limit

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = 1 << 21  # bytes of a large one
LARGE: Final = 2 * PAGE  # from so many bytes on they are asked for
MOST: Final = 1 << 29  # bytes: a device may have no end
PIECE: Final = 1 << 20
MARGIN: Final = (
    128  # bytes: with what Python and malloc put around it, room for whole large pages; Linux has only those begin with one
)


def whole(path: Path, most: int = MOST) -> bytes:
    """What the file has.  Raises: `OSError`, `Limit` for one that has more bytes than `most`."""
    with path.open("rb", buffering=0) as file:
        found = some(file.fileno(), min(os.fstat(file.fileno()).st_size, most + 1))
        further, size = [found], len(found)
        while size <= most and (piece := file.read(PIECE)):  # of a pipe, that is all
            further.append(piece)
            size += len(piece)
    if size > most:
        raise Limit(f"a file has at most {most} bytes here")
    return found if len(further) == 1 else b"".join(further)


def some(fd: int, size: int) -> bytes:
    """So many bytes of a file from where it is read, or what it has.  Raises: `OSError`."""
    if size < LARGE:
        found = os.read(fd, size)
        while len(found) < size and (more := os.read(fd, size - len(found))):
            found += more
        return found
    room = -(-(size + MARGIN) // PAGE) * PAGE - MARGIN
    held, at = io.BytesIO(bytes(room)), 0  # it gives back the bytes that it is begun with, cut: nothing is copied
    with held.getbuffer() as view, io.FileIO(fd, closefd=False) as file:
        _enlarge_pages(view)
        while at < size and (count := file.readinto(view[at:size])):
            at += count
    held.truncate(at)
    return held.getvalue()


def _enlarge_pages(view: memoryview) -> None:
    """Let memory that nothing has touched be on large pages."""
    with suppress(ImportError, OSError, AttributeError):
        from arenite.platform import libc  # noqa: PLC0415 (there are Pythons without ctypes, and what is small has no use for it)

        libc.enlarge_pages(view)
