"""Devices in memory: what a guest writes is a request, what it reads is the answer, and until then it waits as data."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from arenite import Engine, Linker, MemoryFS, Module, NotReady, Paused, PauseReason, Snapshot, SnapshotError, Store, WasiConfig
from arenite.machine.run.chunks import Chunk
from arenite.wasi import files_of
from arenite.wasi.errno import Errno
from arenite.wasi.records import IOVEC, FdFlags, OFlags
from arenite.world.memory.nodes import Stage
from arenite.world.memory.travel import ASKED, DEVICE, HEADER, NAME, RECORD, Contents, read_tree
from arenite.world.stat import FileType
from tiers import TIERS, engine_of
from unit.wasi.program import Program

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import Execution
    from tiers import Way

PATH = "dev/ask"
READ, WRITE = 1 << 1, 1 << 6


@pytest.fixture
def fs() -> MemoryFS:
    made = MemoryFS({"a": b"file"})
    made.add_device(PATH, "ask", max_request=100)
    return made


@pytest.fixture
def guest(fs: MemoryFS) -> Program:
    return Program(WasiConfig(dirs={"/": fs}))


def read_errno(guest: Program, fd: int, size: int = 10) -> Errno:
    return guest.call("fd_read", fd, guest.put(IOVEC.pack(guest.put(bytes(size)), size)), 1, 0x100)


def write_errno(guest: Program, fd: int, data: bytes) -> Errno:
    return guest.call("fd_write", fd, data, 0x100)


def asked(fs: MemoryFS) -> bytes | None:
    return fs.device("ask").request


# ------------------------------------------------------------------------------------------------------------- asking


def test_a_request_in_single_bytes_is_not_copied_with_each(fs: MemoryFS, guest: Program) -> None:
    device, fd = fs.device("ask"), guest.open(PATH)
    node = device._node()
    guest.write(fd, b"a")
    begun = node.data
    for _ in range(8):
        assert guest.write(fd, b"b") == 1
    assert node.data is begun
    fork = fs.copy()
    guest.write(fd, b"c")
    assert read_errno(guest, fd) is Errno.AGAIN
    assert (device.request, bytes(fork.device("ask")._node().data)) == (b"a" + 8 * b"b" + b"c", b"a" + 8 * b"b")


def test_a_request_is_whole_when_somebody_reads_on(fs: MemoryFS, guest: Program) -> None:
    device, fd = fs.device("ask"), guest.open(PATH)
    assert (guest.write(fd, b"6 *"), device.request) == (3, None)
    guest.write(fd, b" 7")
    assert read_errno(guest, fd) is Errno.AGAIN, "it cannot be paused"
    assert asked(fs) == b"6 * 7"
    guest.can_pause = True
    with pytest.raises(NotReady, match="'ask' has not answered"):
        read_errno(guest, fd)
    device.answer(b"forty-two")
    assert asked(fs) is None
    assert (guest.read(fd, 5), guest.read(fd, 5), guest.read(fd, 5)) == (b"forty", b"-two", b"")
    assert read_errno(guest, fd) is Errno.NOMSG
    guest.write(fd, b"again")
    with pytest.raises(NotReady):
        read_errno(guest, fd)
    device.answer(b"")
    assert (guest.read(fd), read_errno(guest, fd)) == (b"", Errno.NOMSG)


def test_a_guest_that_must_not_wait_is_told_so(fs: MemoryFS, guest: Program) -> None:
    guest.can_pause = True
    fd = guest.open(PATH, fdflags=int(FdFlags.NONBLOCK))
    guest.write(fd, b"x")
    assert read_errno(guest, fd) is Errno.AGAIN
    assert fs.device("ask").request == b"x"


def test_what_is_not_read_of_an_answer_goes_with_the_next_request(fs: MemoryFS, guest: Program) -> None:
    fd = guest.open(PATH)
    guest.write(fd, b"1")
    read_errno(guest, fd)
    fs.device("ask").answer(b"long answer")
    assert guest.read(fd, 4) == b"long"
    guest.write(fd, b"2")
    read_errno(guest, fd)
    assert fs.device("ask").request == b"2"


def test_the_host_answers_who_waits_and_nobody_else(fs: MemoryFS, guest: Program) -> None:
    device, fd = fs.device("ask"), guest.open(PATH)
    with pytest.raises(ValueError, match="nobody waits"):
        device.answer(b"")
    guest.write(fd, b"x")
    with pytest.raises(ValueError, match="nobody waits"):
        device.answer(b"")
    read_errno(guest, fd)
    with pytest.raises(ValueError, match="at most"):
        device.answer(bytes((1 << 24) + 1))
    device.reset()
    assert (device.request, read_errno(guest, fd)) == (None, Errno.NOMSG)


# ---------------------------------------------------------------------------------------------------------- hostile use


def test_a_flood_is_refused_and_dropped(fs: MemoryFS, guest: Program) -> None:
    fd = guest.open(PATH)
    for _ in range(10):
        guest.write(fd, b"x" * 10)
    assert write_errno(guest, fd, b"x") is Errno.MSGSIZE
    assert read_errno(guest, fd) is Errno.NOMSG
    assert write_errno(guest, fd, b"x" * 101) is Errno.MSGSIZE
    assert fs.used_bytes == 4


def test_there_is_one_request_however_often_it_is_open(fs: MemoryFS, guest: Program) -> None:
    one, two = guest.open(PATH), guest.open(PATH)
    guest.write(one, b"a")
    guest.write(two, b"b")
    assert read_errno(guest, two) is Errno.AGAIN
    assert fs.device("ask").request == b"ab"
    assert [write_errno(guest, fd, b"c") for fd in (one, two)] == [Errno.BUSY, Errno.BUSY]
    fs.device("ask").answer(b"xy")
    assert (guest.read(one, 1), guest.read(two, 9), guest.read(one, 9)) == (b"x", b"y", b"")


def test_reading_without_asking(guest: Program) -> None:
    fd = guest.open(PATH)
    guest.can_pause = True
    assert [read_errno(guest, fd) for _ in range(3)] == [Errno.NOMSG] * 3
    assert guest.call("fd_write", fd, 0, 0, 0x100) is Errno.SUCCESS
    assert read_errno(guest, fd) is Errno.NOMSG


def test_it_goes_the_way_that_it_was_opened(fs: MemoryFS, guest: Program) -> None:
    reading, writing = guest.open(PATH, rights=READ), guest.open(PATH, rights=WRITE)
    assert write_errno(guest, reading, b"x") is Errno.BADF
    assert read_errno(guest, writing) is Errno.BADF
    assert Program(WasiConfig(dirs={"/": (fs.copy(), "ro")})).open_errno(PATH, rights=WRITE) is Errno.ROFS


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fd_seek", (0, 0, 0x100)),
        ("fd_tell", (0x100,)),
        ("fd_pread", (0x200, 0, 0, 0x100)),
        ("fd_pwrite", (0x200, 0, 0, 0x100)),
        ("fd_advise", (0, 1, 0)),
        ("fd_allocate", (0, 1)),
        ("fd_filestat_set_size", (0,)),
        ("fd_filestat_set_times", (0, 0, 1)),
        ("fd_readdir", (0x200, 100, 0, 0x100)),
    ],
)
def test_it_has_no_places(guest: Program, name: str, arguments: tuple[int, ...]) -> None:
    fd = guest.open(PATH)
    guest.write(fd, b"kept")
    assert guest.call(name, fd, *arguments) in {Errno.SPIPE, Errno.INVAL, Errno.NOTDIR}
    assert read_errno(guest, fd) is Errno.AGAIN


@pytest.mark.parametrize(
    ("name", "arguments", "found"),
    [
        ("path_unlink_file", (3, PATH), Errno.BUSY),
        ("path_remove_directory", (3, PATH), Errno.BUSY),
        ("path_remove_directory", (3, "dev"), Errno.NOTEMPTY),
        ("path_rename", (3, PATH, 3, "other"), Errno.BUSY),
        ("path_rename", (3, "a", 3, PATH), Errno.BUSY),
        ("path_rename", (3, "dev", 3, PATH), Errno.INVAL),
        ("path_link", (3, 0, PATH, 3, "other"), Errno.PERM),
        ("path_link", (3, 0, "a", 3, PATH), Errno.EXIST),
        ("path_symlink", ("a", 3, PATH), Errno.EXIST),
        ("path_create_directory", (3, PATH), Errno.EXIST),
        ("path_open", (3, 0, f"{PATH}/x", 0, -1, -1, 0, 0x100), Errno.NOTDIR),
        ("path_open", (3, 0, PATH, int(OFlags.DIRECTORY), -1, -1, 0, 0x100), Errno.NOTDIR),
        ("path_open", (3, 0, PATH, int(OFlags.CREAT | OFlags.EXCL), -1, -1, 0, 0x100), Errno.EXIST),
        ("path_readlink", (3, PATH, 0x200, 100, 0x100), Errno.INVAL),
    ],
)
def test_its_name_stays(fs: MemoryFS, guest: Program, name: str, arguments: tuple[int | str, ...], found: Errno) -> None:
    before = fs.used_entries
    assert guest.call(name, *arguments) is found
    assert (fs.stat(PATH).type, fs.used_entries, fs["a"]) == (FileType.CHARACTER_DEVICE, before, b"file")
    fd = guest.open(PATH, oflags=int(OFlags.CREAT | OFlags.TRUNC))
    guest.write(fd, b"x")
    assert read_errno(guest, fd) is Errno.AGAIN
    assert fs.device("ask").request == b"x"


def test_a_directory_that_moves_takes_it_along(fs: MemoryFS, guest: Program) -> None:
    assert guest.call("path_rename", 3, "dev", 3, "moved") is Errno.SUCCESS
    fd = guest.open("moved/ask")
    guest.write(fd, b"x")
    read_errno(guest, fd)
    assert fs.device("ask").request == b"x"


def test_it_is_no_file_to_python(fs: MemoryFS, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        fs[PATH]
    for refused in (lambda: fs.open(PATH), lambda: fs.__setitem__(PATH, b"x"), lambda: fs.unlink(PATH)):
        with pytest.raises(OSError, match="ask") as raised:
            refused()
        assert raised.value.errno in {errno.EOPNOTSUPP, errno.EBUSY}
    assert (PATH in fs, fs.exists(PATH), fs.is_file(PATH), list(fs), fs.listdir("dev")) == (False, True, False, ["a"], ["ask"])
    fs.extract(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "dev"]


def test_names_of_devices(fs: MemoryFS) -> None:
    for path, name, most in ((PATH + "2", "ask", 1), ("x", "", 1), ("x", "n\0", 1), ("x", "n", 0), ("x", "n", (1 << 20) + 1)):
        with pytest.raises(ValueError, match="a device needs"):
            fs.add_device(path, name, max_request=most)
    with pytest.raises(FileExistsError):
        fs.add_device(PATH, "other")
    with pytest.raises(KeyError):
        fs.device("other")
    with pytest.raises(OSError, match="space"):
        MemoryFS(max_entries=0).add_device("x", "n")


# ------------------------------------------------------------------------------------------------------------- as data

WAT = """(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "dev/ask")
  (func (export "ask") (result i32)
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 7) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 0)))
    (i32.store (i32.const 8) (i32.const 104)) (i32.store (i32.const 12) (i32.const 3))
    (drop (call $write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
    (i32.store (i32.const 8) (i32.const 200)) (i32.store (i32.const 12) (i32.const 4))
    (if (i32.ne (call $read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)) (i32.const 0)) (then (return (i32.const -1))))
    (i32.load (i32.const 200))))"""


def begun(engine: Engine, fs: MemoryFS) -> Store:
    linker = Linker(engine)
    linker.define_wasi()
    store = Store(engine)
    store.set_wasi(WasiConfig(dirs={"/": fs}))
    linker.instantiate(store, Module(engine, WAT)).exports(store)["ask"].start(store)  # type: ignore[union-attr]
    return store


def ended(store: Store) -> tuple[int, ...]:
    outcome = execution(store).run()
    assert not isinstance(outcome, Paused)
    return outcome.values


def execution(store: Store) -> Execution:
    assert store.execution is not None
    return store.execution


@pytest.mark.parametrize("way", TIERS)
def test_a_guest_that_waits_is_forked_and_saved(fs: MemoryFS, tmp_path: Path, way: Way) -> None:
    store = begun(engine_of(way), fs)
    outcome = execution(store).run()
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.NOT_READY
    assert execution(store).run() == outcome, "it waits on"
    snapshot = store.snapshot()
    snapshot.save(tmp_path / "s.arn")
    opened = Snapshot.open(tmp_path / "s.arn", store.engine)
    stores = [store, *snapshot.fork(2), opened.fork(wasi=WasiConfig(dirs={"/": MemoryFS()}))]
    for n, each in enumerate(stores):
        device = files_of(each, "/").device("ask")
        assert device.request == b"ask"
        device.answer(bytes([n, 0, 0, 0]))
    again = stores[-1].snapshot()  # with an answer that nobody has read
    again.save(tmp_path / "answered.arn", parent=opened)
    stores.append(Snapshot.open(tmp_path / "answered.arn", store.engine).fork(wasi=WasiConfig(dirs={"/": MemoryFS()})))
    assert [ended(each) for each in stores] == [(0,), (1,), (2,), (3,), (3,)]


def test_what_waits_no_more_gets_an_error(fs: MemoryFS) -> None:
    store = begun(Engine(), fs)
    execution(store).run()
    fs.device("ask").reset()
    assert ended(store) == (-1,)


def sealed(
    name: bytes = b"n", *, stage: int = 0, most: int = 9, at: int = 0, data: tuple[Chunk, ...] = (), count: int | None = None
) -> Chunk:
    root = RECORD.pack(1, 1, 0, 1, 2, 3, 9, 1) + NAME.pack(2, 2, 1) + b"f"
    record = (
        RECORD.pack(2, DEVICE, 0, 1, 2, 3, at, len(data) if count is None else count) + ASKED.pack(most, stage, len(name)) + name
    )
    return Chunk(HEADER.pack(1, 100), [Chunk(b"", [Chunk(root + record, data)])])


def test_what_the_forged_ones_are_made_of() -> None:
    tree = read_tree(sealed(stage=Stage.ASKED, data=(Chunk(b"12"), Chunk(b"3"))), 1 << 20, 10)
    assert MemoryFS._of(tree).device("n").request == b"123"


@pytest.mark.parametrize(
    "root",
    [
        sealed(b""),
        sealed(b"\0"),
        sealed(stage=4),
        sealed(most=1 << 21),
        sealed(data=(Chunk(b"1"),)),
        sealed(stage=Stage.BEGUN, data=(Chunk(b"1" * 10),)),
        sealed(stage=Stage.ASKED, data=(Chunk(b"1"),), at=1),
        sealed(stage=Stage.ANSWERED, data=(Chunk(b"1"),), at=2),
        sealed(stage=Stage.ANSWERED, data=(Chunk(b"1", [Chunk(b"2")]),)),
        sealed(stage=Stage.ANSWERED, data=(Chunk(bytes(1 << 20)),) * 17),
        sealed(stage=Stage.ASKED, data=(Chunk(b"1"),), count=2),
        sealed(stage=Stage.ASKED, data=(Chunk(b"1"),), count=0),
    ],
)
def test_forged(root: Chunk) -> None:
    with pytest.raises(SnapshotError, match="files in memory"):
        read_tree(root, 1 << 30, 10)


def test_devices_that_nobody_can_have_made() -> None:
    for_ever = RECORD.pack(1, 1, 0, 1, 2, 3, 9, 0)
    device = RECORD.pack(2, DEVICE, 0, 1, 2, 3, 0, 0) + ASKED.pack(9, 0, 1) + b"n"
    with pytest.raises(SnapshotError, match="no name"):
        read_tree(Chunk(HEADER.pack(1, 100), [Chunk(b"", [Chunk(for_ever + device)])]), 1 << 20, 10)
    twice = RECORD.pack(1, 1, 0, 1, 2, 3, 9, 2) + NAME.pack(2, 2, 1) + b"f" + NAME.pack(3, 3, 1) + b"g"
    other = RECORD.pack(3, DEVICE, 0, 1, 2, 3, 0, 0) + ASKED.pack(9, 0, 1) + b"n"
    with pytest.raises(SnapshotError, match="twice"):
        read_tree(Chunk(HEADER.pack(1, 100), [Chunk(b"", [Chunk(twice + device + other)])]), 1 << 20, 10)


def test_a_copy_has_a_request_of_its_own(fs: MemoryFS, guest: Program) -> None:
    fd = guest.open(PATH)
    guest.write(fd, b"x")
    read_errno(guest, fd)
    copy = fs.copy()
    copy.device("ask").answer(b"theirs")
    assert fs.device("ask").request == b"x"
    assert Contents.of(fs._tree).chunk().address != Contents.of(copy._tree).chunk().address
