"""Freezing a guest's state and going on with it: what travels, what is given anew, what is refused."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arenite import Engine, Func, Linker, Module, NotReady, SnapshotError, Store
from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.records import FDSTAT, FileType, Rights
from arenite.wasi.travel import FrozenGuest, OpenDirectory, OpenFile
from arenite.world import hostio, stat
from arenite.world.files import File
from arenite.world.memory.device import MemoryDevice
from arenite.world.memory.file import MemoryFile
from arenite.world.resource import Resource
from arenite.world.sandbox import LONGEST_WAY
from arenite.world.streams import thaw_sink
from arenite.world.travel import KeptOutput, decode, encode
from released import OPEN, open_files
from unit.wasi import chain
from unit.wasi.program import ALL, OUT, Program

if TYPE_CHECKING:
    from arenite.machine.run.hosts import HostState

OK = Errno.SUCCESS
CREAT, TRUNC, EXCL = 1, 8, 4
APPEND, NONBLOCK = 1, 4
READ, WRITE, SEEK = int(Rights.FD_READ), int(Rights.FD_WRITE), int(Rights.FD_SEEK | Rights.FD_TELL)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"hello")
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "x").write_bytes(b"deep inside")
    return tmp_path


@pytest.fixture
def config(root: Path) -> WasiConfig:
    return WasiConfig(dirs={"/data": root})


def is_data(state: object) -> bool:
    if isinstance(state, dict):
        return all(type(key) is str and is_data(value) for key, value in state.items())
    if isinstance(state, list):
        return all(map(is_data, state))
    return state is None or type(state) in {str, bytes, int, float, bool}


def fork(program: Program, config: WasiConfig) -> Program:
    """One that goes on with what the program has now."""
    state = program.module.freeze()
    assert is_data(state)
    return Program.going_on(config, state)


def fdstat(program: Program, fd: int) -> tuple[int, ...]:
    assert program.call("fd_fdstat_get", fd, OUT) is OK
    return FDSTAT.unpack_from(program.memory, OUT)


def test_arguments_and_environment_are_the_frozen_ones() -> None:
    state = Program(WasiConfig(argv=["prog", "", "zwölf"], env={"A": "1"}, clocks=VirtualClocks())).module.freeze()
    going = WasiConfig(argv=["other"], env={"B": "2"}).thaw(state, reseed=False)
    assert (going.session.world.args, going.session.world.env) == ((b"prog", b"", "zwölf".encode()), (b"A=1",))
    assert going.freeze() == state


def test_a_file_goes_on_at_its_position(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    fd = program.open("a")
    assert program.read(fd, 2) == b"he"
    other = fork(program, config)
    assert other.read(fd, 2) == b"ll"
    assert program.read(fd) == b"llo"
    other.module.close()
    assert program.call("fd_tell", fd, OUT) is OK


def test_a_state_names_nothing_of_the_host(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    program.open("a")
    config.stdin = root / "a"
    state = program.module.freeze()
    assert is_data(state)
    assert str(root) not in repr(state)


def test_numbers_rights_and_flags_are_kept(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    program.open("a")
    fd = program.open("a", rights=READ | WRITE | SEEK, fdflags=APPEND | NONBLOCK)
    assert program.call("fd_close", 4) is OK
    assert program.call("fd_fdstat_set_rights", 3, int(Rights.PATH_OPEN), READ) is OK
    other = fork(program, config)
    assert [fdstat(other, n) for n in (3, fd)] == [fdstat(program, n) for n in (3, fd)]
    assert other.call("fd_tell", 4, OUT) is Errno.BADF
    other.write(fd, b"!")
    assert (root / "a").read_bytes() == b"hello!"
    assert other.open("a", rights=READ) == 4


def test_nothing_is_created_or_cut_off_again(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    fd = program.open("new", oflags=CREAT | EXCL)
    program.write(fd, b"text")
    other = fork(program, config)
    assert (root / "new").read_bytes() == b"text"
    other.write(fd, b"more")
    assert (root / "new").read_bytes() == b"textmore"


def test_nested_directories(config: WasiConfig, root: Path) -> None:
    (root / "link").symlink_to("d/../d/e")
    program = Program(config)
    directory = program.open("d/./", rights=ALL & ~WRITE)
    inner = program.open("e/../e/", fd=directory, rights=ALL & ~WRITE)
    itself = program.open(".", fd=inner, rights=ALL & ~WRITE)
    fds = [program.open("x", fd=inner), program.open("link/x"), program.open("x", fd=itself)]
    for fd in fds:
        assert program.call("fd_seek", fd, 5, 0, OUT) is OK
    assert program.call("fd_close", directory) is OK
    other = fork(program, config)
    assert [other.read(fd) for fd in fds] == [b"inside"] * 3
    assert other.names(inner) == other.names(itself) == [".", "..", "x"]
    assert other.read(other.open("x", fd=inner)) == b"deep inside"
    assert other.open_errno("../e/x", fd=inner) is Errno.PERM


def test_a_file_outlives_the_descriptor_of_its_directory(config: WasiConfig) -> None:
    program = Program(config)
    fd = program.open("a")
    assert program.call("fd_close", 3) is OK
    other = fork(program, config)
    assert other.read(fd) == b"hello"
    assert other.call("fd_prestat_get", 3, OUT) is Errno.BADF


def test_a_directory_being_read_goes_on_by_its_cookie(config: WasiConfig, root: Path) -> None:
    for n in range(50):
        (root / "d" / f"name-{n:02}").touch()
    program = Program(config)
    fd = program.open("d", rights=ALL & ~WRITE)
    everything = program.names(fd)
    other = fork(program, config)
    buffer = other.put(bytes(64))
    assert other.call("fd_readdir", fd, buffer, 64, 30, OUT) is OK
    assert other.memory[buffer + 24 : buffer + 24 + 7].decode() == everything[30]


def test_directories_are_those_given(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    fd = program.open("d/e/x", rights=READ)
    assert program.read(fd, 5) == b"deep "
    elsewhere = root / "elsewhere"
    (elsewhere / "d" / "e").mkdir(parents=True)
    (elsewhere / "d" / "e" / "x").write_bytes(b"deep water")
    other = fork(program, WasiConfig(dirs={"/more": root, "/data": (elsewhere, "ro")}))
    assert other.read(fd) == b"water"
    assert other.open_errno("new", oflags=CREAT) is Errno.ROFS
    assert other.call("fd_prestat_get", 4, OUT) is Errno.BADF


@pytest.mark.skipif(sys.platform == "win32", reason="files in use stay where they are")
@pytest.mark.parametrize("change", ["unlink", "rename", "replace", "parent"])
def test_what_is_not_where_it_was_is_refused(change: str, config: WasiConfig, root: Path) -> None:
    program = Program(config)
    assert program.open("d/e/x") == 4
    match change:
        case "unlink":
            (root / "d/e/x").unlink()
        case "rename":
            (root / "d/e/x").rename(root / "y")
        case "replace":
            (root / "y").write_bytes(b"")
            (root / "y").rename(root / "d/e/x")
        case "parent":
            (root / "d/e").rename(root / "f")
    with pytest.raises(SnapshotError, match=r"^descriptor 4, 'd/e/x' in '/data', was renamed or removed$"):
        program.module.freeze()


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_of_the_guest_is_refused(config: WasiConfig, root: Path) -> None:
    os.mkfifo(root / "pipe")
    program = Program(config)
    program.open("pipe", rights=READ, fdflags=NONBLOCK)
    with pytest.raises(SnapshotError, match=r"^descriptor 4, 'pipe' in '/data', is not a regular file"):
        program.module.freeze()
    with pytest.raises(SnapshotError, match=r"^descriptor 4, 'pipe' in '/data', is no regular file$"):
        config.thaw(changed(config, {"path": b"pipe"}), reseed=False)  # without waiting for somebody to write


def changed(config: WasiConfig, change: dict[str, HostState]) -> HostState:
    """The state of a guest that holds file 'a', with something changed about that."""
    program = Program(config)
    program.open("a", rights=READ)
    state = program.module.freeze()
    assert isinstance(state, dict)
    assert isinstance(state["descriptors"], list)
    last = state["descriptors"][-1]
    assert isinstance(last, dict)
    last.update(change)
    program.module.close()
    return state


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"path": b"missing"}, "'missing' in '/data', cannot be opened again: No such file"),
        ({"path": b"../a"}, "'../a' in '/data', cannot be opened again: it leads out"),
        ({"path": b"d/../../a"}, "cannot be opened again: it leads out"),
        ({"path": b"out"}, "'out' in '/data', is no regular file"),
        ({"path": b"out-d/passwd"}, "cannot be opened again: it leads out"),
        ({"path": b"d"}, "'d' in '/data', is no regular file"),
        ({"path": b"d/"}, "'d/' in '/data', is no regular file"),
        ({"path": b"a/"}, "cannot be opened again: it is not a directory"),
        ({"path": b"\xff"}, "cannot be opened again"),
        ({"directory": b"/etc"}, "has a directory '/etc', but is given none"),
        ({"directory": b"\xff"}, "has a directory '.', but is given none"),
    ],
)
@pytest.mark.skipif(not OPEN.is_dir(), reason="nowhere to count descriptors")
def test_what_is_not_there_is_refused(change: dict[str, HostState], why: str, config: WasiConfig, root: Path) -> None:
    (root / "out").symlink_to("/etc/passwd")
    (root / "out-d").symlink_to("/etc")
    state = changed(config, change)
    before = open_files()
    with pytest.raises(SnapshotError, match=why):
        config.thaw(state, reseed=False)
    assert open_files() == before


@pytest.mark.skipif(not OPEN.is_dir(), reason="nowhere to count descriptors")
def test_nothing_is_opened_for_a_guest_that_lacks_a_directory(config: WasiConfig, root: Path) -> None:
    state = Program(config).module.freeze()
    before = open_files()
    with pytest.raises(SnapshotError, match="the guest has a directory '/data', but is given none of that name"):
        WasiConfig(stdout=root / "out").thaw(state, reseed=False)
    with pytest.raises(SnapshotError, match=r"the guest's directory '/data': .*No such file"):
        WasiConfig(stdout=root / "out", dirs={"/data": root / "missing"}).thaw(state, reseed=False)
    assert not (root / "out").exists()
    with pytest.raises(SnapshotError, match=r"descriptor 0, standard input: .*No such file"):
        WasiConfig(stdin=root / "missing", dirs={"/data": root}).thaw(state, reseed=False)
    with pytest.raises(SnapshotError, match=r"descriptor 2, stderr: .*Is a directory"):
        WasiConfig(stderr=root, dirs={"/data": root}).thaw(state, reseed=False)
    assert open_files() == before


def test_a_file_open_for_writing_is_not_opened_in_a_directory_for_reading(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    program.open("a", rights=READ | WRITE)
    with pytest.raises(SnapshotError, match="'a' in '/data', is open for writing, but the directory is for reading only"):
        fork(program, WasiConfig(dirs={"/data": (root, "ro")}))


def test_a_state_wins_no_rights(root: Path) -> None:
    config = WasiConfig(dirs={"/data": (root, "ro")})
    state = changed(config, {"rights": sum(Rights) & ~WRITE, "inheriting": sum(Rights)})
    other = Program.going_on(config, state)
    assert not fdstat(other, 4)[2] & int(Rights.FD_FILESTAT_SET_SIZE)
    assert other.call("fd_filestat_set_size", 4, 0) is Errno.ROFS
    assert other.call("fd_write", 4, b"x", OUT) is Errno.ROFS
    assert other.call("path_open", 4, 0, "a", 0, READ, 0, 0, OUT) is Errno.NOTDIR


def test_a_bytes_source_goes_on_and_another_begins() -> None:
    program = Program(WasiConfig(stdin=b"one two three"))
    assert program.read(0, 4) == b"one "
    state = program.module.freeze()
    assert Program.going_on(WasiConfig(stdin=bytearray(b"one two three")), state).read(0) == b"two three"
    assert Program.going_on(WasiConfig(stdin=b"one two thre"), state).read(0) == b"one two thre"
    again = fork(Program.going_on(WasiConfig(stdin=b"one two three"), state), WasiConfig(stdin=b"one two three"))
    assert again.read(0) == b"two three"


def test_a_file_source_goes_on_and_another_begins(root: Path) -> None:
    program = Program(WasiConfig(stdin=root / "a"))
    assert program.read(0, 2) == b"he"
    (root / "b").write_bytes(b"other")
    assert fork(program, WasiConfig(stdin=root / "a")).read(0) == b"llo"
    assert fork(program, WasiConfig(stdin=root / "b")).read(0) == b"other"
    assert fork(program, WasiConfig()).read(0) == b""


@pytest.mark.parametrize("kind", ["bytes", "callable", "path", "pipe"])
def test_what_was_taken_and_not_read_comes_first(kind: str, root: Path) -> None:
    program = Program(WasiConfig(stdin=lambda _: b"too much"))
    assert program.read(0, 4) == b"too "
    pieces = [b"then", b""]
    source, sink = os.pipe()
    with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=0) as writing:
        writing.write(b"then")
        (root / "then").write_bytes(b"then")
        stdin = {"bytes": b"then", "callable": lambda _: pieces.pop(0), "path": root / "then", "pipe": reading}[kind]
        other = fork(fork(program, WasiConfig(stdin=None)), WasiConfig(stdin=stdin))  # type: ignore[arg-type]  # one of a mixed dict
        assert [other.read(0, 3), other.read(0), other.read(0)] == [b"muc", b"h", b"then"]
    assert program.read(0) == b"much"


def test_renumbered_streams_keep_their_roles(config: WasiConfig) -> None:
    config.stdin, config.stdout, config.stderr = b"input", bytearray(), bytearray()
    program = Program(config)
    fds = [program.open("a"), program.open("a")]
    assert program.call("fd_renumber", 1, fds[1]) is OK
    assert program.call("fd_renumber", 0, fds[0]) is OK
    assert program.call("fd_close", 2) is OK
    out = bytearray()
    other = fork(program, WasiConfig(stdin=b"mine", stdout=out, dirs=config.dirs))
    assert other.read(fds[0]) == b"mine"
    other.write(fds[1], b"text")
    assert out == b"text"
    assert all(other.call("fd_fdstat_get", n, OUT) is Errno.BADF for n in range(3))


def test_sinks_by_path_are_appended_to(root: Path) -> None:
    config = WasiConfig(stdout=root / "out")
    program = Program(config)
    program.write(1, b"one ")
    other, third = fork(program, config), fork(program, config)
    other.write(1, b"two ")
    third.write(1, b"three")
    assert (root / "out").read_bytes() == b"one two three"


def test_a_fork_shares_its_parents_streams() -> None:
    out, text = bytearray(), io.BytesIO(b"first second")
    config = WasiConfig(stdin=text, stdout=out)
    program = Program(config)
    assert program.read(0, 6) == b"first "
    other = fork(program, config)
    other.write(1, b"child ")
    program.write(1, b"parent")
    assert out == b"child parent"
    assert other.read(0) == b"second"


@pytest.mark.parametrize("kind", ["text", "bytes"])
def test_half_a_character_travels(kind: str) -> None:
    program = Program(WasiConfig(stdout=io.StringIO()))
    program.write(1, b"h\xc3")
    text, collected = io.StringIO(), bytearray()
    other = fork(program, WasiConfig(stdout=text if kind == "text" else collected))
    other.write(1, b"\xa9!")
    assert (text.getvalue() or collected.decode()) == "é!"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_sink_that_takes_nothing_is_closed_again() -> None:
    program = Program(WasiConfig(stdout=io.StringIO()))
    program.write(1, b"\xc3")
    state = program.module.freeze()
    before = open_files()
    with pytest.raises(SnapshotError, match="descriptor 1, stdout: "):
        WasiConfig(stdout=Path("/dev/full")).thaw(state, reseed=False)
    assert open_files() == before


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors have no such flag")
def test_streams_keep_rights_and_flags_where_they_can() -> None:
    source, sink = os.pipe()
    with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=0):
        program = Program(WasiConfig(stdin=reading))
        assert program.call("fd_fdstat_set_flags", 0, NONBLOCK) is OK
        assert program.call("fd_fdstat_set_rights", 0, READ, 0) is OK
        same, plain = fork(program, WasiConfig(stdin=reading)), fork(program, WasiConfig(stdin=b"x"))
        assert same.call("fd_read", 0, b"....", OUT) is Errno.AGAIN
        assert fdstat(same, 0)[1:3] == (NONBLOCK, READ)
        assert fdstat(plain, 0) == (FileType.UNKNOWN, NONBLOCK, READ, 0)
        assert plain.read(0) == b"x"


def test_a_state_wins_a_stream_no_flags_and_no_places(root: Path) -> None:
    """Also one from when streams had what the host's files have."""
    (root / "out").write_bytes(b"")
    config = WasiConfig(stdin=root / "a", stdout=root / "out")
    state = Program(config).module.freeze()
    assert isinstance(state, dict)
    assert isinstance(state["descriptors"], list)
    for one in state["descriptors"]:
        assert isinstance(one, dict)
        one.update(flags=APPEND | NONBLOCK, rights=sum(Rights), inheriting=sum(Rights))
    program = Program.going_on(config, state)
    for fd, right in ((0, READ), (1, WRITE)):
        _, flags, rights, _ = fdstat(program, fd)
        assert flags == NONBLOCK
        assert rights & (READ | WRITE | SEEK) == right
        assert program.call("fd_filestat_set_size", fd, 0) is Errno.INVAL
    assert program.call("fd_pwrite", 1, b"x", 0, OUT) is Errno.SPIPE


@pytest.mark.parametrize("given", ["rw", "ro"])
def test_rights_that_were_given_up_stay_so(given: str, config: WasiConfig, root: Path) -> None:
    program = Program(config)
    directory = program.open("d", rights=READ)
    assert program.call("fd_fdstat_set_rights", 3, int(Rights.PATH_OPEN | Rights.PATH_CREATE_FILE), READ) is OK
    other = fork(program, WasiConfig(dirs={"/data": (root, given)}))
    for each in (program, other):
        assert each.call("path_filestat_get", 3, 0, "a", OUT) is Errno.NOTCAPABLE
        assert each.call("fd_write", each.open("a"), b"x", OUT) is (Errno.ROFS if (given, each) == ("ro", other) else Errno.BADF)
    refused = Errno.ROFS if given == "ro" else OK
    assert other.open_errno("new", fd=directory, oflags=CREAT, rights=WRITE) is refused
    assert other.call("path_create_directory", directory, "more") is refused
    assert program.open_errno("e/x", fd=directory, rights=WRITE) is OK


def test_forks_share_functions_and_nothing_else(config: WasiConfig) -> None:
    program = Program(config)
    fd = program.open("a")
    other = fork(program, config)
    found = program.module.function("wasi_snapshot_preview1", "fd_close")
    assert found is not None
    assert found[1](other, fd) == OK
    assert found[1](other, fd) == Errno.BADF
    assert program.read(fd) == b"hello"
    lines: list[str] = []
    other.module.trace = lines.append
    assert found[1](program, fd) == OK
    assert lines == []
    assert found[1](other, fd) == Errno.BADF
    assert lines == [f"fd_close({fd}) = BADF"]


@pytest.mark.skipif(not OPEN.is_dir(), reason="nowhere to count descriptors")
def test_a_thawed_guest_gives_everything_back(config: WasiConfig) -> None:
    before = open_files()
    program = Program(config)
    program.open("d", rights=ALL & ~WRITE)
    program.open("a")
    held = open_files() - before
    state = program.module.freeze()
    assert open_files() == before + held
    other = Program.going_on(config, state)
    assert open_files() == before + 2 * held
    other.module.close()
    program.module.close()
    assert open_files() == before


COPY = """(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\20\\00\\00\\00\\03\\00\\00\\00")
    (func (export "copy") (result i32)
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))"""


def test_a_running_guest_is_given_other_streams() -> None:
    engine = Engine()
    linker = Linker(engine)
    linker.define_wasi()
    first, second = bytearray(), bytearray()
    with Store(engine) as store:
        store.set_wasi(WasiConfig(stdin=b"abcdef", stdout=first))
        copy = linker.instantiate(store, Module(engine, COPY)).exports(store)["copy"]
        assert isinstance(copy, Func)
        copy(store)
        store.rebind_wasi(WasiConfig(stdin=b"abcdef", stdout=second))
        copy(store)
        store.rebind_wasi(WasiConfig(stdin=b"xyz", stdout=first))
        copy(store)
    assert (first.decode(), second.decode()) == ("abcxyz", "def")


def test_every_kind_says_how_it_travels() -> None:
    kinds = [kind for kind in Resource.__subclasses__() if kind is not File] + File.__subclasses__()
    assert {kind.__name__ for kind in kinds} == {
        "HostFile",
        MemoryFile.__name__,
        MemoryDevice.__name__,
        "Directory",
        "SourceStream",
        "SinkStream",
    }
    assert all("freeze" in vars(kind) for kind in kinds)
    with pytest.raises(SnapshotError, match="cannot travel"):
        Resource(stat.FileType.UNKNOWN).freeze()


@pytest.mark.skipif(not hostio.HAS_DIR_FD, reason="the host's paths are not that long")
def test_directories_far_below(config: WasiConfig, root: Path) -> None:
    """Opened one below the other, for their path is longer than any that the host or a guest could write."""
    program = Program(config)
    name, fd = "n" * 250, 3
    with chain.removed(root, name):
        while True:
            assert program.call("path_create_directory", fd, name) is OK
            below = program.open_errno(name, fd=fd, rights=READ)
            if below is Errno.NAMETOOLONG:
                break
            assert below is OK
            fd = program.number()
        assert fd - 3 == LONGEST_WAY // 251
        file = program.open("x", fd=fd - 1, oflags=CREAT)
        program.write(file, b"down there")
        other = fork(program, config)
        assert other.call("fd_seek", file, 0, 0, OUT) is OK
        assert other.read(file) == b"down there"
        assert set(other.names(fd - 1)) == {".", "..", name, "x"}
        for each in (program, other):
            each.module.close()


@pytest.mark.skipif(not hostio.HAS_DIR_FD, reason="the host's paths are not that long")
def test_a_way_of_many_names(config: WasiConfig, root: Path) -> None:
    program = Program(config)
    chain.make(root, "n", 1500, "x")
    with chain.removed(root, "n"):
        middle = program.open("n/" * 1000, rights=READ)
        file = program.open("n/" * 500 + "x", fd=middle)
        assert program.write(file, b"text") == 4
        other = fork(program, config)
        assert other.call("fd_seek", file, 0, 0, OUT) is OK
        assert other.read(file) == b"text"
        for each in (program, other):
            each.module.close()


def test_a_stream_is_there_once() -> None:
    """A guest cannot have a stream twice, and a state that says so would have the host open its files again and again."""
    state = Program(WasiConfig()).module.freeze()
    assert isinstance(state, dict)
    assert isinstance(state["descriptors"], list)
    for at, role in enumerate(("stdin", "stdout", "stderr")):
        one = state["descriptors"][at]
        assert isinstance(one, dict)
        with pytest.raises(SnapshotError, match=f"descriptors: {role} is there twice"):
            WasiConfig().thaw({**state, "descriptors": [*state["descriptors"], {**one, "number": 9}]}, reseed=False)


def test_a_way_has_no_dots(config: WasiConfig) -> None:
    program = Program(config)
    program.open(".", fd=program.open("d/../d", rights=ALL & ~WRITE), rights=ALL & ~WRITE)
    itself = program.open("./", rights=ALL & ~WRITE)
    program.open("x", fd=program.open("d/./e/.", fd=itself, rights=ALL & ~WRITE))
    frozen = decode(FrozenGuest, program.module.freeze(), "state").descriptors
    assert [one.path for one in frozen if isinstance(one, (OpenFile, OpenDirectory))] == [b"d", b"d", b".", b"d/e", b"d/e/x"]


def test_without_directory_descriptors(config: WasiConfig, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostio, "HAS_DIR_FD", False)
    program = Program(config)
    directory = program.open("d", rights=ALL & ~WRITE)
    fd = program.open("e/x", fd=directory)
    assert program.read(fd, 5) == b"deep "
    other = fork(program, config)
    assert other.read(fd) == b"inside"
    assert other.names(directory) == [".", "..", "e"]
    (root / "d").rename(root / "f")
    with pytest.raises(SnapshotError, match=f"^descriptor {directory}, 'd' in '/data', was renamed or removed"):
        program.module.freeze()


def test_a_state_survives_its_shape(config: WasiConfig) -> None:
    program = Program(config)
    program.open("a")
    program.open("d", rights=ALL & ~WRITE)
    state = program.module.freeze()
    assert encode(decode(FrozenGuest, state, "state")) == state


@pytest.mark.parametrize("error", [NotReady("full"), OSError("gone")])
def test_a_taker_that_refuses_what_a_snapshot_says_was_left(error: Exception) -> None:
    def take(_: bytes) -> None:
        raise error

    with pytest.raises(SnapshotError, match=f"stdout: {error}"):
        thaw_sink(KeptOutput(role="stdout", left=b"\xe2"), take)
