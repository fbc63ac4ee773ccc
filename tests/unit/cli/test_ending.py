"""Exit codes: what ended a guest is told apart by them."""

from __future__ import annotations

import pytest

from arenite import DecodeError, Exit, InternalError, LinkError, Trap, TrapCode
from arenite.cli.ending import Refused, judged, report

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
