"""What each command does with what it is given, in this process: the ways that only a few command lines take."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arenite import wat2wasm
from arenite.cli.app import main
from arenite.errors import Limit
from marks import EACH_TIER

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Config
    from arenite.machine.run.tier import Tier

    Run = Callable[..., tuple[int, str, str]]

LIBRARY = """(module
  (global $ready (mut i32) (i32.const 0)) (global (export "answer") i32 (i32.const 42))
  (memory (export "memory") 1 3) (table (export "table") 1 1 funcref)
  (func (export "_initialize") (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
  (func (export "ready") (result i32) (global.get $ready))
  (func (export "pair") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "wait") (loop (br 0))))"""
IMPORTS = """(module
  (import "env" "f" (func (param f32) (result f32)))
  (import "env" "m" (memory 2))
  (func (export "_start")))"""
REFERENCES = """(module
  (table 2 funcref)
  (elem declare func $f)
  (func $f
    (drop (ref.is_null (ref.func $f)))
    (drop (ref.null extern)))
  (func (table.set 0 (i32.const 0) (table.get 0 (i32.const 1))))
  (func (export "many") (param $a i32) (result i32 i32)
    (local.get $a)
    (local.get $a)))"""


@pytest.fixture
def arenite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder of its own: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("library", LIBRARY), ("imports", IMPORTS), ("references", REFERENCES)):
        Path(f"{name}.wasm").write_bytes(wat2wasm(text))

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        return main([str(argument) for argument in arguments]), *capfd.readouterr()

    return run


def test_the_version(arenite: Run) -> None:
    assert arenite("--version") == (0, f"arenite {version('arenite')}\n", "")


def test_a_library_is_initialized_once_before_its_function_is_called(arenite: Run) -> None:
    assert arenite("run", "--invoke", "ready", "library.wasm") == (0, "1\n", "")


def test_results_stand_in_lines(arenite: Run) -> None:
    code, out, _ = arenite("run", "--invoke", "pair", "library.wasm", "-3", "0x10")
    assert (code, out.split()) == (0, ["16", "-3"])


def test_a_library_is_no_program(arenite: Run) -> None:
    code, _, err = arenite("run", "library.wasm")
    assert (code, err.count("\n")) == (1, 1)
    assert "library.wasm is not a program (it exports no _start)" in err


@pytest.mark.parametrize("command", ["run", "freeze --at fuel=1 -o x.arn"])
def test_a_start_that_wants_arguments_is_told_by_its_type(arenite: Run, command: str) -> None:
    """Nobody could give it any, so that it cannot be called."""
    Path("start.wasm").write_bytes(wat2wasm('(module (func (export "_start") (param i32 f64) (result i32) (local.get 0)))'))
    code, out, err = arenite(*command.split(), "start.wasm")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "start.wasm is not a program: its export '_start' is of the type (i32 f64) -> (i32)" in err
    assert arenite("run", "--invoke", "_start", "start.wasm", 7, 0.5) == (0, "7\n", "")


def test_an_initialize_that_wants_arguments_is_told_by_its_type(arenite: Run) -> None:
    text = '(module (func (export "_initialize") (param i64)) (func (export "f") (result i32) (i32.const 3)))'
    Path("reactor.wasm").write_bytes(wat2wasm(text))
    code, out, err = arenite("run", "--invoke", "f", "reactor.wasm")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "its export '_initialize' is of the type (i64) -> ()" in err


def test_a_start_that_is_no_function_is_told(arenite: Run) -> None:
    Path("memory.wasm").write_bytes(wat2wasm('(module (memory (export "_start") 1) (func (export "f")))'))
    code, out, err = arenite("run", "memory.wasm")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no function '_start' is exported; there are: f" in err


@pytest.mark.parametrize("command", ["run", "freeze --at fuel=1 -o x.arn"])
def test_an_import_that_nobody_gives_is_named(arenite: Run, command: str) -> None:
    code, out, err = arenite(*command.split(), "imports.wasm")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "unknown import" in err
    assert "env" in err
    assert not Path("x.arn").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("no_such=1", "no option 'no_such'; there are: epoch_interruption, "),
        ("tier=safe", "tier is said by --tier"),
        ("consume_fuel=true", "consume_fuel is said by --fuel"),
        ("features=simd", "features is said by --set wasm_"),
        ("memories=many", "'many' is no integer"),
        ("explicit_bounds=maybe", "neither true nor false"),
    ],
)
def test_settings_that_are_none(arenite: Run, setting: str, words: str) -> None:
    code, _, err = arenite("run", "--set", setting, "--invoke", "ready", "library.wasm")
    assert code == 2
    assert words in " ".join(re.sub(r"[│╭╮╰╯─]", " ", err).split())


@pytest.mark.filterwarnings("default:guests run on:RuntimeWarning")
def test_a_slower_tier_is_told_in_one_line(arenite: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(config: Config) -> Tier:
        raise Limit(f"no {config.tier} here")

    monkeypatch.setattr("arenite.api.engine._threaded", refused)
    code, out, err = arenite("run", "--invoke", "ready", "library.wasm")
    assert (code, out) == (0, "1\n")
    assert err == "arenite: warning: guests run on the slower tier 'safe': no auto here\n"


@pytest.mark.parametrize("setting", ["explicit_bounds=true", "addressing=spaces", "max_memory=0x10000"])
def test_settings_are_taken(arenite: Run, setting: str) -> None:
    assert arenite("run", "--set", setting, "--invoke", "ready", "library.wasm") == (0, "1\n", "")


def test_a_setting_limits(arenite: Run) -> None:
    code, _, err = arenite("run", "--set", "max_memory=65535", "--invoke", "ready", "library.wasm")
    assert (code, err.count("\n")) == (1, 1)
    assert "max_memory" in err


def test_inspect_tells_types_of_every_kind(arenite: Run) -> None:
    code, out, _ = arenite("inspect", "library.wasm")
    assert code == 0
    text = " ".join(out.split())
    for part in ("global i32", "memory of 1 to 3 pages", "table of 1 funcref", "func (i32 i64) -> (i64 i32)"):
        assert part in text
    code, out, _ = arenite("inspect", "imports.wasm")
    assert "memory of 2 pages or more" in " ".join(out.split())


def test_inspect_tells_memories_by_their_pages(arenite: Run) -> None:
    Path("memories.wasm").write_bytes(
        wat2wasm(
            """(module (import "a" "b" (table i64 2 funcref)) (memory (export "m") 1 2) (memory i64 1)
              (memory (export "small") i64 10 30 (pagesize 1)) (memory 1 1 (pagesize 1)))"""
        )
    )
    code, out, _ = arenite("inspect", "memories.wasm")
    text = " ".join(out.split())
    assert code == 0
    assert "memory 1 to 2 pages of 64 KiB, 1 page or more of 64 KiB (64-bit), 10 to 30 bytes (64-bit), 1 byte needs" in text
    assert "m memory of 1 to 2 pages" in text
    assert "small 64-bit memory of 10 to 30 bytes" in text
    assert "a.b 64-bit table of 2 funcrefs or more" in text


def test_inspect_names_features(arenite: Run) -> None:
    _, out, _ = arenite("inspect", "references.wasm")
    assert {"reference-types", "multi-value"} <= set(re.findall(r"[a-z]+(?:-[a-z]+)+", out))


def test_objdump_shows_all_functions_unless_one_is_named(arenite: Run) -> None:
    code, out, err = arenite("objdump", "library.wasm")
    assert (code, err) == (0, "")
    assert all(name in out for name in ("_initialize", "ready", "pair", "wait"))
    _, one, _ = arenite("objdump", "library.wasm", "ready")
    assert "pair" not in one
    assert one.strip() in out


SCRIPT = """(module $lib (func (export "one") (result i32) (i32.const 1)) (global (export "g") i64 (i64.const -1))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "id") (param externref) (result externref) (local.get 0))
  (func $again (export "again") (call $again)) (func (export "trap") unreachable))
(register "lib" $lib)
(assert_return (get $lib "g") (i64.const -1))
(assert_return (invoke "half" (f64.const 3)) (f64.const 1.5))
(assert_return (invoke "half" (f64.const nan)) (f64.const nan:canonical))
(assert_return (invoke "id" (ref.extern 5)) (ref.extern 5))
(assert_return (invoke "id" (ref.null extern)) (ref.null extern))
(assert_trap (invoke "trap") "unreachable")
(assert_exhaustion (invoke "again") "call stack exhausted")
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module binary "\\00asm") "unexpected end")
(assert_unlinkable (module (import "nobody" "x" (func))) "unknown import")
(module (import "lib" "one" (func $one (result i32))) (func (export "two") (result i32) (i32.add (call $one) (call $one))))
(assert_return (invoke "two") (i32.const 2))
"""
COMMANDS = 14
WRONG = {
    '(assert_return (get $lib "g") (i64.const 1))': "assert_return failed",
    '(assert_return (get $lib "one") (i32.const 1))': "assert_return crashed",
    '(assert_return (invoke $lib "g"))': "assert_return crashed",
    '(assert_trap (invoke $lib "one") "unreachable")': "assert_trap failed",
    '(assert_trap (invoke $lib "trap") "integer divide by zero")': "assert_trap failed",
    '(assert_invalid (module (func)) "type mismatch")': "assert_invalid failed",
    '(module (import "nobody" "x" (func)))': "module failed",
}


@EACH_TIER
def test_a_script_of_every_command(arenite: Run, tier: str) -> None:
    Path("good.wast").write_text(SCRIPT)
    code, out, err = arenite("wast", "--tier", tier, "good.wast")
    assert (code, out, err) == (0, f"good.wast: {COMMANDS} passed\n", "")


@pytest.mark.parametrize("command", WRONG)
def test_a_script_that_is_wrong_in_one_place(arenite: Run, command: str) -> None:
    Path("wrong.wast").write_text(f"{SCRIPT}{command}\n")
    code, out, _ = arenite("wast", "wrong.wast")
    assert code == 1
    assert f"wrong.wast:{SCRIPT.count(chr(10)) + 1}: {WRONG[command]}" in out
    assert out.splitlines()[1:] == [f"wrong.wast: {COMMANDS} passed, 1 {WRONG[command].split()[1]}"]


def test_a_page_that_cannot_be_written_is_refused(arenite: Run) -> None:
    assert arenite("freeze", "--at", "fuel=9", "--invoke", "wait", "-o", "s.arn", "library.wasm")[0] == 0
    code, out, err = arenite("inspect", "s.arn", "--html", "nowhere/page.html")
    assert (code, out, err) == (1, "", "arenite: cannot write nowhere/page.html: No such file or directory\n")
    code, out, _ = arenite("inspect", "s.arn", "--html", "page.html")
    assert (code, out.startswith("page.html: ")) == (0, True)
    assert "<!doctype html>" in Path("page.html").read_text("utf-8").lower()


def test_a_module_that_is_damaged_in_a_snapshot_is_told(arenite: Run) -> None:
    """Of a snapshot without its module, the module of another program."""
    assert arenite("freeze", "--no-embed", "--at", "fuel=9", "--invoke", "wait", "-o", "s.arn", "library.wasm")[0] == 0
    code, out, _ = arenite("inspect", "s.arn", "--module", "references.wasm")
    assert (code, "missing: give its file as --module" in " ".join(out.split())) == (0, True)
    code, _, err = arenite("resume", "s.arn", "--module", "references.wasm")
    assert (code, err.count("\n")) == (1, 1)
    assert "neither in the snapshot nor among the modules given" in err
