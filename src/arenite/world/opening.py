"""Opening what a path leads to: for a guest that asks, and again for one that goes on elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.world.directories import Directory
from arenite.world.files import File
from arenite.world.origin import Origin
from arenite.world.refused import Reason, Refused, explain
from arenite.world.resource import ClosedOnError
from arenite.world.sandbox import resolve
from arenite.world.stat import FileType
from arenite.world.travel import KeptDirectory, KeptFile, KeptMemoryDevice, KeptMemoryDirectory, KeptMemoryFile

if TYPE_CHECKING:
    from arenite.world.origin import Root
    from arenite.world.place import How, Wait
    from arenite.world.resource import Resource
    from arenite.world.sandbox import Target


def open_target(target: Target, start: Origin, how: How, wait: Wait | None = None) -> Resource:
    """Open what a path from `start` leads to.

    `wait`: how to wait for somebody to read a named pipe; None: not at all.
    """
    if start.root.read_only and how.changes:
        raise Refused(Reason.READ_ONLY)
    if target.directory and how.create:
        raise Refused(Reason.EXISTS if target.itself and how.exclusive else Reason.IS_DIRECTORY)
    origin = start.step(target.inside)
    return target.place.open(target.name, origin, how, only_directory=target.directory or how.directory, wait=wait)


def reopen(kept: KeptFile | KeptDirectory | KeptMemoryDevice, root: Root, how: How) -> Resource:
    """Open again what a guest had open, of the same sort; nothing is created or cut off.

    Raises: `SnapshotError`.
    """
    origin = Origin(root, os.fsdecode(kept.path))
    if root.read_only and how.write:
        raise SnapshotError(f"{origin}, is open for writing, but the directory is for reading only")
    if isinstance(kept, (KeptMemoryFile, KeptMemoryDirectory, KeptMemoryDevice)):
        return reopen_in_memory(kept, origin, how)
    is_directory = isinstance(kept, KeptDirectory)
    try:
        with resolve(root.dir, origin.path, follow=False) as target:
            # asked before, for opening a pipe would wait
            if target.stat().type is not (FileType.DIRECTORY if is_directory else FileType.REGULAR_FILE):
                raise SnapshotError(f"{origin}, is no {'directory' if is_directory else 'regular file'}")
            opened = open_target(target, Origin(root), how)
        with ClosedOnError(opened):
            if isinstance(opened, File) and isinstance(kept, KeptFile):
                opened.seek(kept.position, os.SEEK_SET)
    except (Refused, OSError) as error:
        raise SnapshotError(f"{origin}, cannot be opened again: {explain(error)}") from error
    return opened


def reopen_in_memory(kept: KeptMemoryFile | KeptMemoryDirectory | KeptMemoryDevice, origin: Origin, how: How) -> Resource:
    """The same of what lies in memory, and travels along.  Raises: `SnapshotError`."""
    try:
        opened = origin.root.dir.open_number(kept.inode, origin, how)
        with ClosedOnError(opened):
            kind = (
                KeptMemoryFile
                if isinstance(opened, File)
                else KeptMemoryDirectory
                if isinstance(opened, Directory)
                else KeptMemoryDevice
            )
            if not isinstance(kept, kind):
                raise SnapshotError(f"{origin}, is of another kind")
            if isinstance(opened, File) and isinstance(kept, KeptMemoryFile):
                opened.seek(kept.position, os.SEEK_SET)
    except OSError as error:
        raise SnapshotError(f"{origin}, cannot be opened again: {explain(error)}") from error
    return opened
