"""The command line as a user meets it: exit codes, one-line errors, help.  Each command runs in a process of its own."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from arenite import wat2wasm
from arenite.cli.app import COMMANDS, app, main
from arenite.config import TIERS
from marks import EACH_TIER

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
SOURCE = PROJECT.with_name("src")

PROGRAM = r"""(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\10\00\00\00\03\00\00\00hi\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))
    (call $exit (i32.const 7)))
  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))
  (func (export "half") (param $a f64) (result f64)
    (f64.div (local.get $a) (f64.const 2)))
  (func (export "thing") (param $a externref))
  (func (export "crash") unreachable)
  (func (export "spin") (loop (br 0))))"""

INTERRUPTED = """
import signal, sys
from arenite.cli.app import main
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, 1)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small program in a file."""
    folder = tmp_path_factory.mktemp("program")
    text = folder / "program.wat"
    text.write_text(PROGRAM)
    binary = folder / "program.wasm"
    binary.write_bytes(wat2wasm(PROGRAM))
    return binary


def arenite(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "arenite", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


def test_a_program_gives_its_own_exit_code(program: Path) -> None:
    done = arenite("run", program)
    assert (done.returncode, done.stdout, done.stderr) == (7, "hi\n", "")


def test_text_is_accepted(program: Path) -> None:
    assert arenite("run", program.with_suffix(".wat")).returncode == 7


@EACH_TIER
def test_invoke_prints_results(program: Path, tier: str) -> None:
    assert arenite("run", "--tier", tier, "--invoke", "add", program, "40", "-0x2").stdout == "38\n"
    assert arenite("run", "--tier", tier, "--invoke", "half", program, "5").stdout == "2.5\n"


def test_a_trap_is_134_and_names_its_cause(program: Path) -> None:
    done = arenite("run", "--invoke", "crash", program)
    assert done.returncode == 134
    assert done.stderr.startswith("arenite: trap: unreachable")
    assert "Traceback" not in done.stderr


def test_fuel_ends_an_endless_loop_with_124(program: Path) -> None:
    done = arenite("run", "--fuel", "10000", "--invoke", "spin", program)
    assert done.returncode == 124
    assert "fuel" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "missing.wasm"], "cannot read missing.wasm: No such file or directory"),
        (["run", __file__], "magic header not detected (at byte 0x0)"),
        (["inspect", __file__], "magic header not detected (at byte 0x0)"),
        (["inspect", "/"], "cannot read /: Is a directory"),
        (["wast", "missing.wast"], "cannot read missing.wast"),
        (["run", "/dev/zero"], "/dev/zero: a file has at most 536870912 bytes here"),
    ],
)
def test_a_refused_file_is_1_and_one_line(arguments: list[str], message: str) -> None:
    done = arenite(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_export_that_is_not_there_lists_those_that_are(program: Path) -> None:
    done = arenite("run", "--invoke", "sub", program)
    assert (done.returncode, done.stderr) == (
        1,
        "arenite: no function 'sub' is exported; there are: _start, add, half, thing, crash, spin\n",
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--dir", "/no/such/place::/w"],
        ["--dir", ""],
        ["--dir", __file__],
        ["--dir", ".", "--dir", ".:ro"],
        ["--dir", ".::/data:RO"],
        ["--env", "novalue"],
        ["--fuel", "-1"],
        ["--tier", "fast"],
        ["--no-such-option"],
    ],
)
def test_a_wrong_command_line_is_2(program: Path, options: list[str]) -> None:
    done = arenite("run", *options, program)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["run", "--fuel", "much"], "'--fuel': 'much' is no integer"),
        (["run", "--fuel", "-1"], "'--fuel': -1 is not from 0 to"),
        (["run", "--fuel", str(1 << 64)], f"'--fuel': {1 << 64} is not from 0 to"),
        (["run", "--tier", "fast"], f"'--tier': 'fast' is no tier; there are: {', '.join(TIERS)}"),
        (["run", ""], "Invalid value for 'FILE': the name of a file is empty"),
        (["fork", "--each-line", "-", "-n", "0"], "'-n': 0 is not from 1 to"),
        (["fork", "--each-line", "-", "-n", str(1 << 64)], f"'-n': {1 << 64} is not from 1 to"),
        (["fork", "--each-line", "-", "--jobs", "x"], "'--jobs': 'x' is no integer"),
    ],
)
def test_a_wrong_word_is_told_in_our_words(program: Path, options: list[str], message: str) -> None:
    done = arenite(*options, program)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_options_of_servers_over_http_want_one() -> None:
    done = arenite("mcp", "--port", "8765", "--name", "x")
    assert done.returncode == 2
    assert "without --http nobody connects, and --port, --name means nothing" in done.stderr


def test_an_option_of_the_engine_that_is_no_number_is_told_in_words(program: Path) -> None:
    done = arenite("run", "--set", "max_memory=64K", program)
    assert done.returncode == 2
    assert "max_memory=64K: '64K' is no integer" in done.stderr


def test_a_snapshot_in_place_of_a_program_says_what_to_do(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "at.arn"
    assert arenite("freeze", "--at", "fuel=1", "-o", file, program).returncode == 0
    for command in ("run", "objdump"):
        done = arenite(command, file)
        wanted = f"arenite: {file} is a snapshot: `arenite resume` goes on with it, `arenite inspect` shows it\n"
        assert (done.returncode, done.stderr) == (1, wanted)


def test_arguments_of_the_wrong_number_or_kind_are_2(program: Path) -> None:
    assert arenite("run", "--invoke", "add", program, "1").returncode == 2
    for wrong in ("one", "0x100000000", "1.5"):
        done = arenite("run", "--invoke", "add", program, "1", wrong)
        assert (done.returncode, f"{wrong!r} is not an i32" in done.stderr) == (2, True)
    assert arenite("run", "--invoke", "thing", program, "1").returncode == 2


def test_inspect_shows_what_is_inside(program: Path) -> None:
    done = arenite("inspect", program)
    assert done.returncode == 0
    for part in ("wasi_snapshot_preview1.proc_exit", "func (i32 i32) -> (i32)", "bytes by section", "largest functions"):
        assert part in done.stdout


def test_objdump_prints_one_function_by_its_name(program: Path) -> None:
    done = arenite("objdump", program, "add")
    assert done.returncode == 0
    assert "i32.add" in done.stdout
    assert "f64.div" not in done.stdout
    assert arenite("objdump", program, "nowhere").returncode == 1


@EACH_TIER
def test_ctrl_c_is_130(program: Path, tier: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, "run", "--tier", tier, "--invoke", "spin", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_pipe_that_closes_is_no_error(program: Path) -> None:
    code = f"{sys.executable} -m arenite objdump {program} | true"
    assert subprocess.run(code, shell=True, capture_output=True, timeout=60, check=True).stderr == b""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_a_process_without_standard_streams(program: Path, closed: tuple[int, ...]) -> None:
    for arguments, code in (
        (["run", "--invoke", "add", program, "2", "3"], 0),
        (["inspect", program], 0),
        (["objdump", program], 0),
        (["run", "nowhere.wasm"], 1),
        (["resume", program], 1),
        (["cache"], 0),
    ):
        command = [sys.executable, "-m", "arenite", *map(str, arguments)]
        begin = f"import os; [os.close(fd) for fd in {closed}]; os.execv({command[0]!r}, {command})"
        done = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


def test_wast_fails_where_an_assertion_does(tmp_path: Path, program: Path) -> None:
    script = tmp_path / "one.wast"
    module = '(module (func (export "one") (result i32) (i32.const 1)))\n'
    script.write_text(module + '(assert_return (invoke "one") (i32.const 1))')
    assert arenite("wast", script).returncode == 0
    script.write_text(module + '(assert_return (invoke "one") (i32.const 2))')
    done = arenite("wast", script)
    assert done.returncode == 1
    assert f"{script}:2: assert_return failed" in done.stdout


@pytest.mark.parametrize("command", [[], ["run"], ["inspect"], ["objdump"], ["wast"]])
def test_every_command_explains_itself(command: list[str]) -> None:
    done = arenite(*command, "--help")
    assert done.returncode == 0
    assert "Usage: arenite" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert command.name == name
    assert inspect.cleandoc(command.help or "").partition("\n")[0] == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "-h"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    command = app.get_command(click.Context(app), name)
    assert command is not None
    for parameter in command.params:
        assert parameter.help
        assert " ".join(parameter.help.split()) in shown
        assert (parameter.metavar or parameter.opts[-1]) in shown


def test_a_command_that_is_not_there_is_told_with_those_that_look_like_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rum"]) == 2
    said = capsys.readouterr().err
    assert "No such command 'rum'" in said
    assert "'run'" in said


def test_ctrl_c_before_a_command_is_known_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "make_context", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background has it ignored
    try:
        assert main(["run"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_the_command_is_imported_is_130_and_quiet(program: Path, tmp_path: Path) -> None:
    """What the installed script does, in a place where one of the packages that it needs is interrupted."""
    (tmp_path / "click.py").write_text(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nsignal.raise_signal(signal.SIGINT)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(SOURCE)])}
    module, _, function = tomllib.loads(PROJECT.read_text())["project"]["scripts"]["arenite"].partition(":")
    script = (
        f"import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nfrom {module} import {function} as main\n"
    )
    for begin in ([sys.executable, "-c", script + "sys.exit(main())"], [sys.executable, "-m", "arenite"]):
        command = [*begin, "run", str(program)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
@pytest.mark.parametrize("command", ["run", "inspect", "objdump"])
def test_a_module_may_come_through_a_pipe(program: Path, command: str) -> None:
    """As bash's `<(…)` gives it: it can be read once."""
    code = f"cat {program} | {sys.executable} -m arenite {command} /dev/stdin"
    done = subprocess.run(code, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (7 if command == "run" else 0, "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
def test_a_snapshot_is_a_plain_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.arn")
    for path, what in ((tmp_path / "pipe.arn", "no plain file"), (Path("/dev/zero"), "no plain file"), (tmp_path, "a directory")):
        done = arenite("resume", path)
        assert (done.returncode, done.stderr) == (1, f"arenite: {path}: it is {what}\n")


def test_a_directory_is_told_how_it_is_named(program: Path) -> None:
    done = arenite("run", "--dir", f"{program.parent}:/data", program)
    assert done.returncode == 2
    assert "'::'" in done.stderr
    assert arenite("run", "--dir", f"{program.parent}::/data:rw", program).returncode == 7


def test_an_output_that_takes_nothing(program: Path) -> None:
    command = [sys.executable, "-m", "arenite", "inspect", str(program)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("arenite: the output cannot be written: ")
    assert done.stderr.count("\n") == 1
