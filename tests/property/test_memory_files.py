"""Random histories of file calls on a directory in memory and on one of the host: equal results, errors and contents.

Now and then the guest in memory is frozen and goes on, as a fork in this process does or out of chunks as they travel; nothing may change by it.
ARENITE_FUZZ=N plays N histories.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arenite import MemoryFS, WasiConfig
from arenite.snapshot.contents import Chunks, reached, read_into
from arenite.snapshot.limits import DEFAULT
from arenite.wasi.errno import Errno
from arenite.wasi.records import FILESTAT, FileType, Rights
from arenite.world import hostio
from unit.wasi.program import ALL, DATA, OUT, Program

if TYPE_CHECKING:
    from collections.abc import Iterator


READ, WRITE = int(Rights.FD_READ), int(Rights.FD_WRITE)
BEGINNING: list[tuple[str, *tuple[int | str, ...]]] = [
    ("open", 3, 0, "a", 1, ALL, 0),
    ("path_create_directory", 3, "d"),
    ("open", 3, 0, "d", 2, READ, 0),
    ("open", 3, 0, "d/b", 1, ALL, 0),
]
"""Files are 4 and 6, directories 3 and 5."""
COUNT = int(os.environ.get("ARENITE_FUZZ", "100"))
BLOCK = 1 << 14

names = st.sampled_from(["a", "b", "d", "e", "l"])
steps = st.sampled_from(["a", "b", "d", "d", "e", ".", "..", "l"])
paths = st.one_of(
    names,
    names,
    st.builds("{}/{}".format, st.sampled_from(["d", "e", "l"]), names),
    st.builds(lambda parts, end: "/".join(parts) + end, st.lists(steps, min_size=1, max_size=4), st.sampled_from(["", "/"])),
)
texts = st.sampled_from(["a", "b/c", "..", "l", "../a", "/a", "a/../b", "d/"])
directories = st.sampled_from([3, 3, 3, 3, 5, 5, 4, 7])
fds = st.sampled_from([4, 4, 4, 6, 6, 6, 3, 5, 7])  # files, mostly
sizes = st.sampled_from([0, 1, 5, 100, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7])
flags = st.sampled_from([0, 1])
opens = st.tuples(
    st.just("open"),
    directories,
    flags,
    paths,
    st.sampled_from([0, 0, 1, 1, 1, 2, 4, 5, 8, 9]),
    st.sampled_from([READ, WRITE, READ | WRITE, ALL, 0]),
    st.sampled_from([0, 0, 1]),
)
calls = st.one_of(
    opens,
    opens,
    st.tuples(st.just("read"), fds, sizes),
    st.tuples(st.just("write"), fds, sizes, st.integers(1, 255)),
    st.tuples(st.just("write"), fds, sizes, st.integers(1, 255)),
    st.tuples(st.just("pread"), fds, sizes, sizes),
    st.tuples(st.just("pwrite"), fds, sizes, st.integers(1, 255), sizes),
    st.tuples(st.just("fd_seek"), fds, st.one_of(sizes, st.just(-3)), st.integers(0, 2), st.just(OUT)),
    st.tuples(st.just("fd_tell"), fds, st.just(OUT)),
    st.tuples(st.just("fd_filestat_set_size"), st.sampled_from([4, 6]), sizes),
    st.tuples(st.just("fd_filestat_set_size"), st.sampled_from([4, 6]), sizes),
    st.tuples(st.just("fd_filestat_set_size"), fds, sizes),
    st.tuples(st.just("fd_allocate"), fds, sizes, sizes),
    st.tuples(st.just("fd_advise"), fds, sizes, sizes, st.integers(0, 6)),
    st.tuples(st.just("fd_sync"), fds),
    st.tuples(st.just("fd_close"), st.sampled_from([4, 5, 6, 7, 8])),
    st.tuples(st.just("fd_renumber"), st.sampled_from([4, 5, 6, 7]), st.sampled_from([4, 5, 6, 7])),
    st.tuples(st.just("fd_fdstat_set_flags"), fds, st.sampled_from([0, 1])),
    st.tuples(st.just("fd_filestat_set_times"), fds, st.just(5), st.just(6), st.integers(0, 5)),
    st.tuples(st.just("path_create_directory"), directories, paths),
    st.tuples(st.just("path_remove_directory"), directories, paths),
    st.tuples(st.just("path_unlink_file"), directories, paths),
    st.tuples(st.just("path_rename"), directories, paths, directories, paths),
    st.tuples(st.just("path_link"), directories, flags, paths, directories, paths),
    st.tuples(st.just("path_symlink"), texts, directories, paths),
    st.tuples(st.just("path_filestat_set_times"), directories, flags, paths, st.just(7), st.just(8), st.integers(0, 5)),
    st.tuples(st.just("stat"), fds),
    st.tuples(st.just("stat"), directories, flags, paths),
    st.tuples(st.just("readlink"), directories, paths),
    st.tuples(st.just("list"), directories),
    st.tuples(st.just("freeze"), st.booleans()),
)
"""A call, or a word of `Guest`'s."""


def travelled(state: Any) -> Any:
    """A state as it comes out of a file."""
    chunks = reached(state)
    found: Chunks = {}
    read_into(found, b"".join(part for chunk in chunks.values() for part in (chunk.head(), chunk.data)), DEFAULT, "file", 0)
    assert found.keys() == chunks.keys()
    return state | {"contents": [one | {"files": found[one["files"].chunk().address]} for one in state["contents"]]}


class Guest:
    """One that makes calls in a directory of one of the two sorts."""

    def __init__(self, directory: Path | MemoryFS) -> None:
        self.config = WasiConfig(dirs={"/": directory})
        self.program = Program(self.config)

    def __call__(self, name: str, *arguments: int | str) -> object:
        self.program.free = DATA
        special = getattr(self, name, None)
        if special is not None:
            return special(*arguments)
        errno = self.program.call(name, *arguments)
        return errno, self.program.number(wide=True) if errno is Errno.SUCCESS and name in {"fd_seek", "fd_tell"} else None

    def open(self, fd: int, lookup: int, path: str, oflags: int, rights: int, fdflags: int) -> object:
        if oflags & 8:
            rights |= WRITE  # what was cut off when it was opened is not opened so again, of whichever sort
        errno = self.program.call("path_open", fd, lookup, path, oflags, rights, ALL, fdflags, OUT)
        return errno, self.program.number() if errno is Errno.SUCCESS else None

    def read(self, fd: int, size: int) -> object:
        return self.filled("fd_read", fd, size)

    def pread(self, fd: int, size: int, at: int) -> object:
        return self.filled("fd_pread", fd, size, at)

    def filled(self, name: str, fd: int, size: int, *at: int) -> object:
        first, second = size // 3, size - size // 3
        places = [self.program.put(b"?" * part) for part in (first, second)]
        vector = self.program.put(
            b"".join(n.to_bytes(4, "little") for pair in zip(places, (first, second), strict=True) for n in pair)
        )
        errno = self.program.call(name, fd, vector, 2, *at, OUT)
        if errno is not Errno.SUCCESS:
            return errno
        count, memory = self.program.number(), self.program.memory
        data = bytes(memory[places[0] : places[0] + first] + memory[places[1] : places[1] + second])
        return data[:count], set(data[count:]) <= set(b"?")

    def write(self, fd: int, size: int, byte: int) -> object:
        errno = self.program.call("fd_write", fd, bytes([byte]) * size, OUT)
        return errno, self.program.number() if errno is Errno.SUCCESS else None

    def pwrite(self, fd: int, size: int, byte: int, at: int) -> object:
        errno = self.program.call("fd_pwrite", fd, bytes([byte]) * size, at, OUT)
        return errno, self.program.number() if errno is Errno.SUCCESS else None

    def stat(self, fd: int, *path: int | str) -> object:
        errno = self.program.call("path_filestat_get" if path else "fd_filestat_get", fd, *path, OUT)
        return errno if errno is not Errno.SUCCESS else self.seen(FILESTAT.unpack_from(self.program.memory, OUT))

    def seen(self, stat: tuple[int, ...]) -> object:
        """What must be the same on both sides."""
        _, _, type_, links, size, accessed, modified, _ = stat
        times = [time if time < 10 else 0 for time in (accessed, modified)]  # those that were set
        return (type_, *times[1:]) if type_ == FileType.DIRECTORY else (type_, links, size, *times[1:])

    def readlink(self, fd: int, path: str) -> object:
        buffer = self.program.put(bytes(20))
        errno = self.program.call("path_readlink", fd, path, buffer, 20, OUT)
        return errno, bytes(self.program.memory[buffer : buffer + self.program.number()]) if errno is Errno.SUCCESS else None

    def list(self, fd: int) -> object:
        buffer = self.program.put(bytes(64))
        errno = self.program.call("fd_readdir", fd, buffer, 64, 0, OUT)
        self.program.free = DATA
        return errno if errno is not Errno.SUCCESS else sorted(self.program.names(fd, 64))

    def freeze(self, as_chunks: bool) -> None:  # noqa: FBT001 - drawn
        directory = self.config.dirs["/"]
        if not isinstance(directory, MemoryFS):
            return
        state = self.program.module.freeze()
        self.program.module.close()
        self.program = Program.going_on(self.config, travelled(state) if as_chunks else state)

    def files(self) -> MemoryFS:
        place = self.program.module.session.world.roots[0].dir
        return MemoryFS.at(place)  # type: ignore[arg-type]  # it is one in memory


def begin(root: Path) -> None:
    """What a directory has that files in memory may lie over."""
    (root / "d").mkdir(parents=True)
    (root / "e").mkdir()
    (root / "a").write_bytes(b"a" * 100)
    (root / "d" / "b").write_bytes(bytes(range(256)) * (2 * BLOCK // 256) + b"the end")
    (root / "l").symlink_to("d")


def everything(root: Path) -> Iterator[tuple[str, object]]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        yield name, str(path.readlink()) if path.is_symlink() else None if path.is_dir() else path.read_bytes()


@pytest.mark.skipif(not hostio.HAS_DIR_FD, reason="this host answers as Windows does")
@settings(max_examples=COUNT, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(over=st.booleans(), history=st.lists(calls, min_size=20, max_size=60))
def test_as_a_directory_of_the_host(*, over: bool, history: list[tuple[str, *tuple[int | str, ...]]]) -> None:
    base = Path(tempfile.mkdtemp(prefix="arenite"))
    try:
        real, out, below = base / "real", base / "out", base / "below"
        for root in (real, below):
            begin(root) if over else root.mkdir()
        files = MemoryFS(max_bytes=1 << 20, max_entries=1000, lower=below if over else None)
        guests = Guest(real), Guest(files)
        for call in BEGINNING + history:
            there, here = (guest(*call) for guest in guests)
            assert here == there, call
        files = guests[1].files()
        tree = files._tree
        assert tree.bytes == sum(node.paid for _, node in tree.nodes.since(0))
        assert files.used_entries == sum(node.links for _, node in tree.nodes.since(0)) - 1 + len(tree.nameless)
        with suppress(PermissionError):  # a link was moved to where it leads out
            files.extract(out)
            assert list(everything(out)) == list(everything(real))
        for guest in guests:
            guest.program.module.close()
        assert not tree.held
        assert not tree.nameless
        if over:
            begin(base / "again")
            assert list(everything(below)) == list(everything(base / "again"))
    finally:
        shutil.rmtree(base)
