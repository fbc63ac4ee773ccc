"""Exit codes: what ended a guest is told apart by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import DecodeError, Exit, InternalError, LinkError, Trap, TrapCode
from arenite.cli.app import main
from arenite.cli.ending import Refused, judged, report

if TYPE_CHECKING:
    from pathlib import Path

SPENT = {TrapCode.OUT_OF_FUEL, TrapCode.INTERRUPT}


@pytest.mark.parametrize("code", TrapCode)
def test_a_trap_is_134_but_for_what_was_used_up(code: TrapCode, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Trap("it stopped", code, ())) == (124 if code in SPENT else 134)
    said = capsys.readouterr().err
    assert said == f"arenite: {'' if code in SPENT else 'trap: '}it stopped\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Exit(7), 7, ""),
        (Exit(0), 0, ""),
        (Refused("no"), 1, "arenite: no\n"),
        (LinkError("unknown import"), 1, "arenite: unknown import\n"),
        (DecodeError("odd", None), 1, "arenite: odd\n"),
    ],
)
def test_everything_else(error: Exit | Refused, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error) == code
    assert capsys.readouterr().err == said


def test_a_bug_of_ours_is_not_told_in_a_line() -> None:
    with pytest.raises(InternalError):
        judged(InternalError("contradiction"))


NAME = "\x1b]0;title\x07\x9b31m\u202e\ntrap"


def test_names_of_imports_move_no_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The ones that a wrong `--at` is answered with."""
    text = NAME.encode()
    named = bytes([len(text), *text])
    imports = b"\1" + named + named + b"\0\0"
    parts = (b"\1\4\1\x60\0\0", bytes([2, len(imports), *imports]))
    (tmp_path / "named.wasm").write_bytes(b"\0asm\1\0\0\0" + b"".join(parts))
    where = ["--at", "call=a.b", "-o", str(tmp_path / "out.arn")]
    assert main(["freeze", *where, str(tmp_path / "named.wasm")]) == 2
    err = capfd.readouterr().err
    assert "it imports: \\x1b]0;title\\x07\\x9b31m\\u202e\\ntrap." in err
    assert all(line.isprintable() for line in err.splitlines())


@pytest.mark.parametrize("command", [["run"], ["objdump"]])
def test_names_move_no_terminal(command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Names of modules and functions come from the file."""

    def name(section: int, content: bytes) -> bytes:
        return bytes([section, len(content), *content])

    text = NAME.encode()
    named = bytes([len(text), *text])
    names = name(0, named) + name(1, b"\1\0" + named)
    sections = (
        *(name(1, b"\1\x60\0\0"), name(3, b"\1\0"), name(7, b"\1\6_start\0\0"), name(10, b"\1\3\0\0\x0b")),
        name(0, b"\4name" + names),
    )
    (tmp_path / "named.wasm").write_bytes(b"\0asm\1\0\0\0" + b"".join(sections))
    main([*command, str(tmp_path / "named.wasm")])
    out, err = capfd.readouterr()
    assert "\\x1b]0;title\\x07\\x9b31m\\u202e\\ntrap" in out + err
    assert all(line.isprintable() for line in (out + err).splitlines())
