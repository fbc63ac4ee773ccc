"""Copying what lies below one place to another: from a folder of the host into memory, or out of it.

Both are walked as guests' paths are: no link is followed, on either side.  What is neither file, directory nor symbolic link is left out.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

from arenite.world.directories import Directory
from arenite.world.files import File
from arenite.world.origin import Origin, Root
from arenite.world.place import How
from arenite.world.refused import Reason, Refused
from arenite.world.sandbox import foreign_here, leads_out, resolve
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from arenite.world.place import Place
    from arenite.world.resource import Resource

PIECE: Final = 1 << 18  # bytes


def copy_below(source: Place, target: Place) -> None:
    """Copy everything.  Directories may be there; files are replaced.  Raises: `Refused`, also for a link that leads out, OSError."""
    todo = ["."]
    while todo:
        path = todo.pop()
        with resolve(source, f"{path}/.", follow=False) as old, resolve(target, f"{path}/.", follow=False) as new:
            todo += [f"{path}/{name}" for name in copy_names(old.place, new.place, path.count("/"))]


def copy_names(source: Place, target: Place, depth: int) -> list[str]:
    """Copy what one directory has; names of the directories in it, which are made.  `depth`: how deep it lies."""
    below = []
    with closing(opened(source, ".", How(read=True, directory=True))) as reading:
        assert isinstance(reading, Directory)
        for entry in list(reading.entries(0, lambda: None))[2:]:
            name = entry.name.decode("utf-8", "surrogateescape")
            if foreign_here(name):
                raise Refused(Reason.LEADS_OUT)
            if entry.type is FileType.DIRECTORY:
                try:
                    target.create_directory(name)
                except FileExistsError:
                    target.child(name).close()
                below.append(name)
            elif entry.type is FileType.SYMBOLIC_LINK:
                text = source.read_link(name).decode("utf-8", "surrogateescape")
                if leads_out(text, depth):
                    raise Refused(Reason.LEADS_OUT)
                target.create_link(name, text)
            elif entry.type is FileType.REGULAR_FILE:
                copy_file(source, target, name)
    return below


def copy_file(source: Place, target: Place, name: str) -> None:
    """Copy a file, with its times."""
    with ExitStack() as stack:
        hows = How(read=True), How(write=True, create=True, truncate=True)
        old, new = (
            stack.enter_context(closing(opened(place, name, how))) for place, how in zip((source, target), hows, strict=True)
        )
        assert isinstance(old, File)
        assert isinstance(new, File)
        with memoryview(bytearray(PIECE)) as buffer:
            while size := old.read([buffer], pause=False):
                done = 0
                while done < size:
                    with buffer[done:size] as rest:
                        done += new.write([rest])
        stat = old.stat()
        new.set_times((stat.accessed, stat.modified))


def opened(place: Place, name: str, how: How) -> Resource:
    """Open what has a name, of which nobody is told where it lies."""
    origin = Origin(Root(b"/", place, read_only=False))
    return place.open(name, origin, how, only_directory=how.directory, wait=None)
