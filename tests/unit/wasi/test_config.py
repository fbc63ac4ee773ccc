from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from arenite import WasmtimeError
from arenite.errors import Exit
from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.records import U32
from arenite.world import hostio
from released import OPEN, open_files
from unit.wasi.program import OUT, Program

no_named_pipes = pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")


def strings(program: Program, what: str) -> list[str]:
    assert program.call(f"{what}_sizes_get", OUT, OUT + 4) is Errno.SUCCESS
    count, size = program.number(), U32.unpack_from(program.memory, OUT + 4)[0]
    pointers, text = program.put(bytes(4 * count)), program.put(bytes(size) + b"guard")
    assert program.call(f"{what}_get", pointers, text) is Errno.SUCCESS
    assert program.memory[text + size : text + size + 5] == b"guard"
    starts = [U32.unpack_from(program.memory, pointers + 4 * n)[0] for n in range(count)]
    return [program.memory[start : program.memory.index(0, start)].decode() for start in starts]


def test_arguments_and_environment() -> None:
    program = Program(WasiConfig(argv=["prog", "", "zwölf"], env={"A": "1", "B": ""}))
    assert strings(program, "args") == ["prog", "", "zwölf"]
    assert strings(program, "environ") == ["A=1", "B="]
    assert strings(Program(WasiConfig()), "args") == []


def test_names_of_the_wasmtime_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_bytes(b"input")
    monkeypatch.setenv("INHERITED", "yes")
    config = WasiConfig()
    config.argv = ["a", "b"]
    config.env = [("K", "V"), ["L", "W"]]
    config.stdin_file = str(tmp_path / "in")
    config.stdout_file = tmp_path / "out"
    errors: list[bytes] = []
    config.stderr_custom = errors.append
    config.preopen_dir(str(tmp_path), "/w", fs_mutable=False)
    program = Program(config)
    assert (strings(program, "args"), strings(program, "environ")) == (["a", "b"], ["K=V", "L=W"])
    assert program.read(0) == b"input"
    program.write(1, b"output")
    program.write(2, b"error")
    assert (tmp_path / "out").read_bytes() == b"output"
    assert errors == [b"error"]
    assert program.open_errno("new", oflags=1) is Errno.ROFS
    config.inherit_argv()
    config.inherit_env()
    assert config.argv == sys.argv
    assert config.env["INHERITED"] == "yes"


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_file_that_cannot_be_opened_is_said_when_it_is_set(stream: str, tmp_path: Path) -> None:
    """As the `wasmtime` package says it, by its `WasmtimeError`; the old one stays."""
    config = WasiConfig()
    with pytest.raises(WasmtimeError, match=f"failed to set {stream} file: .*No such file or directory"):
        setattr(config, f"{stream}_file", tmp_path / "missing" / "file")
    assert getattr(config, stream) is None
    with pytest.raises(WasmtimeError, match=r"failed to add preopen dir: .*No such file or directory"):
        config.preopen_dir(str(tmp_path / "missing"), "/")
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(WasmtimeError, match=r"failed to add preopen dir: .*Not a directory"):
        config.preopen_dir(str(tmp_path / "file"), "/")
    assert config.dirs == {}
    setattr(config, f"{stream}_file", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"kept"


@no_named_pipes
def test_to_set_a_pipe_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    config = WasiConfig()
    config.stdin_file = tmp_path / "pipe"
    config.stdout_file = tmp_path / "pipe"
    assert config.stdin == config.stdout == tmp_path / "pipe"


@no_named_pipes
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_pipe_is_not_opened_when_it_is_set(stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the other end would take that for the guest, and lose what is written or leave."""
    os.mkfifo(tmp_path / "pipe")
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda path, *_: opened.append(path))
    for path in (tmp_path / "pipe", os.fsencode(tmp_path / "pipe"), Path(os.devnull)):
        setattr(WasiConfig(), f"{stream}_file", path)
    assert opened == []


@no_named_pipes
def test_whoever_reads_a_pipe_finds_no_end_when_it_is_set(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with open(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reading:  # noqa: PTH123 (a descriptor)
        config = WasiConfig()
        config.stdout_file = tmp_path / "pipe"
        assert not hostio.wait((reading.fileno(),), (), 0)
        program = Program(config)
        assert program.write(1, b"hello") == 5
        program.module.close()
        assert reading.read() == b"hello"


@no_named_pipes
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_pipe_that_may_not_be_used(stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    other = os.W_OK if stream == "stdin" else os.R_OK
    monkeypatch.setattr(os, "access", lambda _, mode, **__: mode == other)
    with pytest.raises(WasmtimeError, match=f"failed to set {stream} file: .*Permission denied: .*pipe"):
        setattr(WasiConfig(), f"{stream}_file", tmp_path / "pipe")


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zero character"):
        WasiConfig(argv=["a\0b"])
    with pytest.raises(ValueError, match="zero character"):
        WasiConfig(env={"A": "\0"})
    with pytest.raises(TypeError, match="not one string"):
        WasiConfig(argv="prog")
    with pytest.raises(FileNotFoundError):
        WasiConfig(dirs={"/": tmp_path / "missing"}).open()
    with pytest.raises(NotADirectoryError):
        WasiConfig(dirs={"/": __file__}).open()
    with pytest.raises(ValueError, match="access to '/'"):
        WasiConfig(dirs={"/": (tmp_path, "rx")}).open()


def test_each_opening_is_a_guest_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    config = WasiConfig(stdin=b"abc", dirs={"/": tmp_path}, random=7)
    one, other = Program(config), Program(config)
    assert one.read(0, 2) == other.read(0, 2) == b"ab"
    assert one.open("f") == other.open("f") == 4
    one.module.close()
    assert other.read(4) == b"abc"


def test_random() -> None:
    def drawn(program: Program, size: int = 8) -> bytes:
        at = program.put(bytes(size))
        assert program.call("random_get", at, size) is Errno.SUCCESS
        return bytes(program.memory[at : at + size])

    assert drawn(Program(WasiConfig(random=7))) == drawn(Program(WasiConfig(random=7))) != drawn(Program(WasiConfig(random=8)))
    assert drawn(Program(WasiConfig())) != drawn(Program(WasiConfig()))
    assert drawn(Program(WasiConfig(random=lambda size: b"x" * size))) == b"x" * 8
    assert Program(WasiConfig()).call("random_get", 0, 0) is Errno.SUCCESS


def test_clocks() -> None:
    program = Program(WasiConfig(clocks=VirtualClocks(start=10**18, tick=5)))
    assert program.call("clock_res_get", 0, OUT) is Errno.SUCCESS
    assert program.number(wide=True) == 5
    times = []
    for clock in (0, 1, 1):
        assert program.call("clock_time_get", clock, 0, OUT) is Errno.SUCCESS
        times.append(program.number(wide=True))
    assert times == [10**18 + 5, 10, 15]
    for clock in range(4):
        assert Program(WasiConfig()).call("clock_time_get", clock, 0, OUT) is Errno.SUCCESS
        assert Program(WasiConfig()).call("clock_res_get", clock, OUT) is Errno.SUCCESS
    assert program.call("clock_time_get", 4, 0, OUT) is Errno.INVAL


def test_clocks_that_count_as_false() -> None:
    class Log(VirtualClocks):
        """Has a length, which is 0."""

        def __len__(self) -> int:
            return 0

    program = Program(WasiConfig(clocks=Log(start=10**18, tick=5)))
    assert program.call("clock_time_get", 0, 0, OUT) is Errno.SUCCESS
    assert program.number(wide=True) == 10**18 + 5


def test_exit() -> None:
    with pytest.raises(Exit) as ended:
        Program(WasiConfig()).call("proc_exit", 3)
    assert ended.value.code == 3
    assert Program(WasiConfig()).call("proc_raise", 6) is Errno.NOTSUP


def test_trace() -> None:
    lines: list[str] = []
    program = Program(WasiConfig(trace=lines.append))
    program.call("fd_close", 77)
    program.call("sched_yield")
    with pytest.raises(Exit):
        program.call("proc_exit", -1)
    assert lines == [
        "fd_close(77) = BADF",
        "sched_yield() = SUCCESS",
        "proc_exit(4294967295) raised Exit('exited with status 4294967295')",
    ]


@pytest.mark.skipif(not OPEN.is_dir(), reason="nowhere to count descriptors")
def test_a_forgotten_guest_gives_its_descriptors_back(tmp_path: Path) -> None:
    before = open_files()
    program = Program(WasiConfig(dirs={"/": tmp_path}))
    program.open("x", oflags=1)
    assert open_files() == before + 2
    del program
    assert open_files() == before


@pytest.mark.parametrize("name", ["args", "enviroment", "stdin_files"])
def test_a_misspelt_option(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(WasiConfig(), name, ["program"])


@pytest.mark.parametrize("options", [{"argv": [1]}, {"env": {"A": 1}}, {"env": {2: "B"}}], ids=repr)
def test_what_is_no_string(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"expected a string, found int: \d"):
        WasiConfig(**options)
