"""`MemoryFS`: files in memory, as Python sees them.

- A mapping from the paths of its files to their bytes, with the usual calls on files and directories beside it.
- Guests that are given it work in it, as programs do in a folder that they share; forks and snapshots have a copy, which costs nothing until
  somebody writes.
- Paths are walked as those of guests are: nothing leads out, and `/` at the beginning is this directory.

    fs = MemoryFS({"a/b.txt": b"text"}, max_bytes=1 << 20)
    store.set_wasi(WasiConfig(dirs={"/data": fs}))
    fs["a/b.txt"]
"""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import MutableMapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from arenite.errors import SnapshotError
from arenite.machine.run.chunks import Chunk
from arenite.world import paths
from arenite.world.directories import Directory
from arenite.world.host_place import HostPlace
from arenite.world.memory.copying import PIECE, copy_below
from arenite.world.memory.device import Device
from arenite.world.memory.file import MemoryFile
from arenite.world.memory.lower import Lower
from arenite.world.memory.nodes import FileNode
from arenite.world.memory.open_file import OpenFile
from arenite.world.memory.place import MemoryPlace
from arenite.world.memory.travel import Contents
from arenite.world.memory.tree import MOST_BYTES, MOST_ENTRIES, MOST_REQUEST, ROOT, Tree, refusal
from arenite.world.origin import Origin, Root
from arenite.world.place import How
from arenite.world.refused import Reason, Refused
from arenite.world.sandbox import resolve
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    from arenite.world.stat import Stat

Content: TypeAlias = bytes | bytearray | memoryview | str

ERRNO: Final = {
    Reason.BUSY: errno.EBUSY,
    Reason.EXISTS: errno.EEXIST,
    Reason.INVALID: errno.EINVAL,
    Reason.IS_DIRECTORY: errno.EISDIR,
    Reason.LEADS_OUT: errno.EPERM,
    Reason.MISSING: errno.ENOENT,
    Reason.NOT_DIRECTORY: errno.ENOTDIR,
    Reason.READ_ONLY: errno.EROFS,
    Reason.TOO_LONG: errno.ENAMETOOLONG,
    Reason.TOO_MANY_LINKS: errno.ELOOP,
    Reason.TOO_MANY_OPEN: errno.EMFILE,
}
"""What of the world's reasons there can be here, as the host's numbers."""

NO_FILE: Final = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EOPNOTSUPP}

MAX_BYTES: Final = 1 << 28
MAX_ENTRIES: Final = 100_000
MAX_REQUEST: Final = 1 << 16

MODES: Final = {
    "r": How(read=True),
    "r+": How(read=True, write=True),
    "w": How(write=True, create=True, truncate=True),
    "w+": How(read=True, write=True, create=True, truncate=True),
    "a": How(write=True, create=True, append=True),
    "a+": How(read=True, write=True, create=True, append=True),
    "x": How(write=True, create=True, exclusive=True),
    "x+": How(read=True, write=True, create=True, exclusive=True),
}


@contextmanager
def told(path: str) -> Iterator[None]:
    """Errors as `os` raises them, with the path."""
    try:
        yield
    except Refused as error:
        code = ERRNO.get(error.reason, errno.EINVAL)
        raise OSError(code, error.reason.value, path) from None
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


class MemoryFS(MutableMapping[str, bytes]):
    """A directory in memory, and all that lies in it.

    `files`: what it has at first, path -> content.   `max_bytes`: how many bytes all files and symbolic links may have together, holes
    included.   `max_entries`: how many names there may be.   Beyond either, whoever writes is told that there is no room (ENOSPC).
    `lower`: a folder of the host whose files are there too, and are read where they are until somebody writes them; the folder itself never
    changes.  A file of it that nobody has changed takes no memory and counts for no bytes.
    Not for two threads at a time, as stores are not.
    """

    __slots__ = ("_directory", "_tree")

    def __init__(
        self,
        files: Mapping[str, Content] | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        max_entries: int = MAX_ENTRIES,
        lower: str | os.PathLike[str] | None = None,
    ) -> None:
        for name, given, most in (("max_bytes", max_bytes, MOST_BYTES), ("max_entries", max_entries, MOST_ENTRIES)):
            if not 0 <= given <= most:
                raise ValueError(f"{name} must be from 0 to {most}, not {given}")
        self._use(Tree(max_bytes=max_bytes, max_entries=max_entries, now=time.time_ns()))
        if lower is not None:
            self._tree.lower, self._tree.lies_over = Lower(lower), True
            with told(os.fspath(lower)):
                self._tree.lower.take_over(self._tree)
        for path, content in ({} if files is None else files).items():
            self[path] = content

    @classmethod
    def _of(cls, tree: Tree) -> Self:
        fs = cls.__new__(cls)
        fs._use(tree)  # noqa: SLF001 - it is one of ours
        return fs

    def _use(self, tree: Tree) -> None:
        self._tree = tree
        self._directory: Directory | None = None

    @property
    def _root(self) -> Directory:
        """Where paths begin for the host, opened when it is first asked for: most are only given to guests."""
        if self._directory is None:
            place = self.place(time.time_ns, 0)
            self._directory = Directory(place, Origin(Root(b"/", place, read_only=False)), is_root=True)
        return self._directory

    # for guests

    def place(self, now: Callable[[], int], device: int) -> MemoryPlace:
        """Where a guest's paths begin.  `now`: its clock; `device`: what it knows this directory by."""
        return MemoryPlace(self._tree, now, device)

    @classmethod
    def at(cls, place: MemoryPlace) -> Self:
        """The directory that a guest has."""
        return cls._of(place.tree)

    def going_on(self, files: object) -> Self:
        """Frozen files, with the limits of this one.  Raises: `SnapshotError`."""
        if isinstance(files, Chunk):
            files = Contents.loaded(files)
        if not isinstance(files, Contents):
            raise SnapshotError(f"files in memory: expected chunks, found a {type(files).__name__}")
        return self._of(files.fork(max_bytes=self.max_bytes, max_entries=self.max_entries, lower=self._tree.lower))

    # how much there is

    @property
    def max_bytes(self) -> int:
        """How many bytes there may be."""
        return self._tree.max_bytes

    @property
    def max_entries(self) -> int:
        """How many names there may be."""
        return self._tree.max_entries

    @property
    def used_bytes(self) -> int:
        """How many bytes there are."""
        return self._tree.bytes

    @property
    def used_entries(self) -> int:
        """How many names there are, and files that are open without one."""
        return self._tree.entries

    def stand_for(self, other: MemoryFS) -> None:
        """Be the other's directory from now on, with its files: whoever holds this one sees those."""
        self._use(other._tree)

    def copy(self) -> Self:
        """Another with the same files.  It costs nothing until one of them is written."""
        return self._of(self._tree.fork())

    def is_copy(self, other: MemoryFS) -> bool:
        """Whether one is a copy of the other, and nothing was written to either since: then no node was, and so no table of nodes."""
        return self._tree.nodes is other._tree.nodes

    @classmethod
    def of(cls, folder: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> Self:
        """What a folder of the host has, symbolic links as they are.  Raises: OSError, also for a link that leads out of it."""
        fs = cls(max_bytes=max_bytes, max_entries=max_entries)
        with told(os.fspath(folder)), closing(HostPlace.of(os.fspath(folder))) as source:
            copy_below(source, fs._root.dir)
        return fs

    def extract(self, folder: str | os.PathLike[str]) -> None:
        """Write everything to a folder of the host, which is made if need be; files that are there are replaced.

        Nothing is written outside of it, whatever a guest has made.  Raises: OSError, also for a link that would lead out of it.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        with told(os.fspath(folder)), closing(HostPlace.of(os.fspath(folder))) as target:
            copy_below(self._root.dir, target)

    # as a mapping

    def __getitem__(self, path: str) -> bytes:
        try:
            file = self._open(path, MODES["r"])
        except OSError as error:
            if error.errno not in NO_FILE:
                raise
            raise KeyError(path) from None
        try:
            found, piece = bytearray(), bytearray(PIECE)
            with told(path), memoryview(piece) as view:
                while size := file.read([view], pause=False):
                    found += view[:size]
            return bytes(found)
        finally:
            file.close()

    def __setitem__(self, path: str, content: Content) -> None:
        data = content.encode() if isinstance(content, str) else content
        parent = path.rpartition("/")[0]
        if parent.strip("/"):
            self.mkdir(parent, parents=True)
        file = self._open(path, How(write=True, create=True))
        try:
            with told(path), memoryview(data).cast("B") as view:
                if len(view) > self._tree.room(file.node):
                    raise refusal(errno.ENOSPC)
                file.set_size(0)
                file.write_at([view], 0)
        finally:
            file.close()

    def take(self, name: str) -> bytes:
        """What a file of the root directory has, which is empty then.  Raises: `KeyError` where no file has that name."""
        tree = self._tree
        number = tree.directory(ROOT).find(name)
        node = None if number is None else tree.node(number)
        if number is None or not isinstance(node, FileNode):
            raise KeyError(name)
        data = bytearray(node.size)
        if data:
            with memoryview(data) as view:
                node.read(0, view, tree.lower)
            tree.resize(number, 0, time.time_ns())
        return bytes(data)

    def __delitem__(self, path: str) -> None:
        if path not in self:
            raise KeyError(path)
        self.unlink(path)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.is_file(path)

    def __iter__(self) -> Iterator[str]:
        """Paths of all files: those of a directory in the order in which they were made."""
        for folder, _, files in self.walk():
            for name in files:
                yield name if folder == "." else f"{folder}/{name}"

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<MemoryFS: {self.used_entries} entries, {self.used_bytes} bytes>"

    # devices

    def add_device(self, path: str, name: str, *, max_request: int = MAX_REQUEST) -> Device:
        """Make a device: a guest writes a request to it, and its reading waits, as data, for what the host answers.

        `path`: where, for the guest; it stays there.   `name`: by which `device` finds it, also in forks.   `max_request`: bytes, 1 MiB at most.
        Raises: `ValueError` for a name that there is, OSError.
        """
        if not name or "\0" in name or name in self._tree.devices or not 0 < max_request <= MOST_REQUEST:
            raise ValueError(f"a device needs a name that none has, and requests of 1 to {MOST_REQUEST} bytes")
        parent = path.rpartition("/")[0]
        if parent.strip("/"):
            self.mkdir(parent, parents=True)
        with told(path), resolve(self._root.dir, inside(path), follow=False) as target:
            target.check_new()
            assert isinstance(target.place, MemoryPlace)
            target.place.create_device(target.name, name, max_request)
        return self.device(name)

    def device(self, name: str) -> Device:
        """The device of that name.  Raises: `KeyError`."""
        return Device(self._tree, name)

    # as files and directories

    def _open(self, path: str, how: How) -> MemoryFile:
        with told(path):
            opened = paths.open_at(self._root, inside(path), how, follow=True)
            if not isinstance(opened, MemoryFile):
                opened.close()
                raise refusal(errno.EISDIR if isinstance(opened, Directory) else errno.EOPNOTSUPP)
            return opened

    def open(  # type: ignore[explicit-any]  # bytes or text, as the mode says
        self, path: str, mode: str = "rb", *, encoding: str | None = None, errors: str | None = None, newline: str | None = None
    ) -> IO[Any]:
        """An open file, as of the function `open`.  Raises: OSError, ValueError for a mode that is none."""
        word = mode.replace("b", "").replace("t", "")
        if word not in MODES or mode.count("b") + mode.count("t") > 1:
            raise ValueError(f"invalid mode: {mode!r}")
        how = MODES[word]
        raw = OpenFile(self._open(path, how), path, mode)
        binary = (
            io.BufferedRandom(raw) if how.read and how.write else io.BufferedWriter(raw) if how.write else io.BufferedReader(raw)
        )
        if how.append:
            binary.seek(0, os.SEEK_END)
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding or "utf-8", errors, newline)

    def stat(self, path: str = ".", *, follow: bool = True) -> Stat:
        """What is known of it.  Raises: OSError."""
        with told(path):
            return paths.stat_at(self._root, inside(path), follow=follow)

    def _is(self, path: str, type_: FileType) -> bool:
        try:
            return self.stat(path).type is type_
        except OSError:
            return False

    def is_file(self, path: str) -> bool:
        """Whether it leads to a file."""
        return self._is(path, FileType.REGULAR_FILE)

    def is_dir(self, path: str) -> bool:
        """Whether it leads to a directory."""
        return self._is(path, FileType.DIRECTORY)

    def exists(self, path: str) -> bool:
        """Whether it leads to anything."""
        try:
            self.stat(path)
        except OSError:
            return False
        return True

    def mkdir(self, path: str, *, parents: bool = False) -> None:
        """Make a directory; `parents`: those above it that are missing too, and it may be there.  Raises: OSError."""
        with told(path):
            if not parents:
                paths.create_directory(self._root, inside(path))
                return
            try:
                with resolve(self._root.dir, f"{inside(path)}/.", follow=True, make=True):
                    pass
            except (FileNotFoundError, NotADirectoryError):
                raise refusal(errno.EEXIST) from None  # something else has one of the names

    def listdir(self, path: str = ".") -> list[str]:
        """Names in a directory, in the order in which they were made.  Raises: OSError."""
        with told(path):
            opened = paths.open_at(self._root, inside(path), How(read=True, directory=True), follow=True)
            try:
                assert isinstance(opened, Directory)
                names = [os.fsdecode(entry.name) for entry in opened.entries(0, lambda: None)]
            finally:
                opened.close()
        return names[2:]

    def walk(self, path: str = ".") -> Iterator[tuple[str, list[str], list[str]]]:
        """(directory, directories in it, files in it) from there down, as `os.walk` says them; symbolic links are in neither list."""
        todo = [path]
        while todo:
            here = todo.pop()
            below: dict[FileType, list[str]] = {type_: [] for type_ in FileType}
            for name in self.listdir(here):
                full = name if here == "." else f"{here}/{name}"
                below[self.stat(full, follow=False).type].append(name)
            yield here, below[FileType.DIRECTORY], below[FileType.REGULAR_FILE]
            todo += [name if here == "." else f"{here}/{name}" for name in reversed(below[FileType.DIRECTORY])]

    def rename(self, path: str, new_path: str) -> None:
        """Rename, in place of what is there.  Raises: OSError."""
        with told(path):
            paths.rename(self._root, inside(path), self._root, inside(new_path))

    def unlink(self, path: str) -> None:
        """Remove the name of a file or link.  Raises: OSError."""
        with told(path):
            paths.unlink(self._root, inside(path))

    def rmdir(self, path: str) -> None:
        """Remove an empty directory.  Raises: OSError."""
        with told(path):
            paths.remove_directory(self._root, inside(path))

    def symlink(self, text: str, path: str) -> None:
        """Make a symbolic link.  Raises: OSError, also if its text leads out."""
        with told(path):
            paths.symlink(self._root, text, inside(path))

    def readlink(self, path: str) -> str:
        """What a symbolic link says.  Raises: OSError."""
        with told(path):
            return os.fsdecode(paths.read_link(self._root, inside(path), follow=False))

    def link(self, path: str, new_path: str) -> None:
        """Give a file another name.  Raises: OSError."""
        with told(path):
            paths.link(self._root, inside(path), self._root, inside(new_path), follow=False)


def inside(path: str) -> str:
    """A path from this directory."""
    return path.lstrip("/") or "."
